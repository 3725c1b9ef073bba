//! `sctp-raw`: SCTP alone, both ends on one core, with the checksum that DTLS would make needless.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant as StdInstant};

use bytes::Bytes;
use purertc::base::random::Rng;
use purertc::data::sctp::Association;
use purertc::data::sctp::config::Config;
use purertc::data::sctp::event::{Event, SendOptions};
use purertc::{CryptoProvider, Instant};
use rtc_sctp::{
    Association as RtcAssociation, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig,
    Event as RtcEvent, Payload, PayloadProtocolIdentifier, ServerConfig, TransportConfig,
};
use rtc_shared::TransportProtocol;

use crate::clock::cpu_seconds;
use crate::report::{Metric, Report};
use crate::scenarios::Options;
use crate::stacks::QUEUE;
use crate::stacks::purertc::{run_buffer, run_of};

const RATE: Metric = Metric::higher("payload per core", "MB/s");
const CASES: [(&str, usize); 3] = [("100 B", 100), ("1 KiB", 1024), ("64 KiB", 65536)];
/// Bytes of an SCTP packet, at most.
const PACKET: usize = 1_172;
/// Packets handed over before the other end is asked for what it has to say.
const BATCH: usize = 32;
/// Time that an exchange takes.
const TICK: Duration = Duration::from_micros(20);

/// Two associations with one stream.
trait Wire: Sized {
    const NAME: &'static str;
    fn connected() -> Self;
    /// Fills the queue, and moves packets both ways once.
    fn exchange(&mut self, message: &Bytes);
    /// Bytes of messages that have arrived.
    fn received(&self) -> u64;
}

pub fn run(options: &Options) {
    let mut report = Report::new("sctp-raw");
    for _ in 0..options.runs {
        for (case, size) in CASES {
            report.add(case, RATE, Ours::NAME, rate::<Ours>(size, options.secs));
            report.add(case, RATE, Rtc::NAME, rate::<Rtc>(size, options.secs));
        }
    }
    report.print(options.json);
}

fn rate<W: Wire>(size: usize, seconds: f64) -> f64 {
    let mut wire = W::connected();
    let message = Bytes::from(vec![7; size]);
    pump(&mut wire, &message, seconds / 5.0);
    pump(&mut wire, &message, seconds)
}

/// Megabytes a second.
fn pump<W: Wire>(wire: &mut W, message: &Bytes, seconds: f64) -> f64 {
    let (before, start) = (wire.received(), cpu_seconds());
    loop {
        (0..8).for_each(|_| wire.exchange(message));
        let spent = cpu_seconds() - start;
        if spent >= seconds {
            let bytes = wire.received() - before;
            assert!(bytes > 0, "{}: nothing arrived", W::NAME);
            return bytes as f64 / spent / 1e6;
        }
    }
}

struct Ours {
    ends: [Association; 2],
    now: Instant,
    received: u64,
    up: bool,
    buffer: Vec<u8>,
    lengths: Vec<usize>,
}

impl Ours {
    /// Packets from one end to the other, as a run of datagrams would be received; whether there were any.
    fn carry(&mut self, from: usize) -> bool {
        self.buffer.clear();
        self.lengths.clear();
        while self.lengths.len() < BATCH {
            let Some(len) = self.ends[from].poll_transmit(self.now, PACKET, &mut self.buffer) else { break };
            self.lengths.push(len);
        }
        let mut run = run_of(std::mem::replace(&mut self.buffer, run_buffer()));
        for &len in &self.lengths {
            self.ends[1 - from].handle_packet(self.now, run.split_to(len));
        }
        while let Some(event) = self.ends[1 - from].poll_event() {
            match event {
                Event::Message { data, .. } => self.received += data.len() as u64,
                Event::Connected => self.up = true,
                _ => (),
            }
        }
        !self.lengths.is_empty()
    }

    fn turn(&mut self) {
        while self.carry(0) | self.carry(1) {}
        self.now += TICK;
        self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
    }
}

impl Wire for Ours {
    const NAME: &'static str = "purertc";

    fn connected() -> Self {
        let end = |seed| {
            let mut config = Config::default();
            config.zero_checksum = false;
            Association::new(config, CryptoProvider::default().hmac, Rng::from_number(seed)).expect("an HMAC")
        };
        let mut wire = Self {
            ends: [end(1), end(2)],
            now: Instant::from_millis(1),
            received: 0,
            up: false,
            buffer: run_buffer(),
            lengths: Vec::new(),
        };
        wire.ends.iter_mut().for_each(|end| end.connect(Instant::from_millis(1)));
        while !wire.up {
            wire.turn();
        }
        wire
    }

    fn exchange(&mut self, message: &Bytes) {
        while self.ends[0].buffered(1) + message.len() <= QUEUE {
            let sent = self.ends[0].send(self.now, 1, 53, message.clone(), SendOptions::default());
            sent.expect("the association is up");
        }
        self.turn();
    }

    fn received(&self) -> u64 {
        self.received
    }
}

struct Rtc {
    endpoints: [Endpoint; 2],
    ends: [Option<(AssociationHandle, RtcAssociation)>; 2],
    now: StdInstant,
    received: u64,
}

impl Rtc {
    fn address(at: usize) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 1000 + at as u16))
    }

    /// Packets from one end to the other; whether there were any.
    fn carry(&mut self, from: usize) -> bool {
        let Some((_, sender)) = &mut self.ends[from] else { return false };
        let mut packets = Vec::new();
        while packets.len() < BATCH {
            let Some(transmit) = sender.poll_transmit(self.now) else { break };
            if let Payload::RawEncode(run) = transmit.message {
                packets.extend(run);
            }
        }
        let any = !packets.is_empty();
        for packet in packets {
            match self.endpoints[1 - from].handle(self.now, Self::address(from), None, packet) {
                Some((handle, DatagramEvent::NewAssociation(new))) => {
                    self.ends[1 - from] = Some((handle, new));
                }
                Some((_, DatagramEvent::AssociationEvent(event))) => {
                    if let Some((_, end)) = &mut self.ends[1 - from] {
                        end.handle_event(event);
                    }
                }
                _ => (),
            }
        }
        self.read(1 - from);
        any
    }

    fn read(&mut self, at: usize) {
        let Some((_, end)) = &mut self.ends[at] else { return };
        while end.poll().is_some_and(|_: RtcEvent| true) {}
        if at == 0 {
            return;
        }
        while end.accept_stream().is_some() {}
        if let Ok(mut stream) = end.stream(1) {
            while let Ok(Some(chunks)) = stream.read() {
                self.received += chunks.len() as u64;
            }
        }
    }

    fn turn(&mut self) {
        while self.carry(0) | self.carry(1) {}
        self.now += TICK;
        for (_, end) in self.ends.iter_mut().flatten() {
            if end.poll_timeout().is_some_and(|at| at <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }
}

impl Wire for Rtc {
    const NAME: &'static str = "rtc";

    fn connected() -> Self {
        let transport = Arc::new(TransportConfig::default());
        let endpoint = |at, server| {
            let config = Arc::new(EndpointConfig::default());
            Endpoint::new(Self::address(at), TransportProtocol::UDP, config, server)
        };
        let server = Arc::new(ServerConfig::new(TransportConfig::default()));
        let mut endpoints = [endpoint(0, None), endpoint(1, Some(server))];
        let now = StdInstant::now();
        let client = endpoints[0].connect(now, ClientConfig { transport }, Self::address(1));
        let ends = [Some(client.expect("an association")), None];
        let mut wire = Self { endpoints, ends, now, received: 0 };
        (0..100).for_each(|_| wire.turn());
        let (_, sender) = wire.ends[0].as_mut().expect("it was just made");
        assert!(!sender.is_handshaking(), "rtc-sctp does not connect");
        sender.open_stream(1, PayloadProtocolIdentifier::Binary).expect("a stream");
        wire
    }

    fn exchange(&mut self, message: &Bytes) {
        let (_, sender) = self.ends[0].as_mut().expect("it is connected");
        let mut stream = sender.stream(1).expect("it was opened");
        while stream.buffered_amount().is_ok_and(|queued| queued + message.len() <= QUEUE) {
            stream.write_chunk_with_ppi(self.now, message, PayloadProtocolIdentifier::Binary).expect("room");
        }
        self.turn();
    }

    fn received(&self) -> u64 {
        self.received
    }
}
