//! purertc, with its default settings and the cryptography that it comes with (ring).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use purertc::base::random::Rng;
use purertc::data::sctp::config::Stats;
use purertc::wire::dtls::codepoints::ProtocolVersion;
use purertc::{
    Certificate, CertificateOptions, ChannelEvent, Configuration, CryptoProvider, DataChannelId, Datagram,
    Ecn, Event, Init, Instant, KeyAgreement, LocalAddress, PeerConnection, SdpType, SessionDescription,
    SocketId,
};

use crate::clock::Time;
use crate::link::Link;
use crate::stacks::{Profile, Protocols, QUEUE, Received, Security, Setup, Stack};

/// The date of every run.
const DATE: SystemTime = SystemTime::UNIX_EPOCH;
const SOCKET: SocketId = SocketId(0);
/// What one run of datagrams may take.
const RUN: usize = 65_000;

thread_local! {
    /// What is left of the buffers that runs were given away in, the oldest in front. As those of a socket they belong to no
    /// peer, and are used again once nobody holds a part of them.
    static USED: RefCell<VecDeque<BytesMut>> = RefCell::default();
}

/// An empty buffer for a run.
pub fn run_buffer() -> Vec<u8> {
    USED.with_borrow_mut(|used| {
        let free = used.front_mut().is_some_and(|buffer| buffer.try_reclaim(RUN));
        let buffer = if free { used.pop_front() } else { None };
        buffer.map_or_else(|| Vec::with_capacity(RUN), Vec::from)
    })
}

/// What was written to such a buffer, which is remembered.
pub fn run_of(buffer: Vec<u8>) -> BytesMut {
    let mut run = BytesMut::from(Bytes::from(buffer));
    let rest = run.split_off(run.len());
    USED.with_borrow_mut(|used| {
        // What is on a long way is not waited for.
        if used.len() < 64 {
            used.push_back(rest);
        }
    });
    run
}

/// One `PeerConnection`.
pub struct Purertc {
    connection: PeerConnection,
    local: LocalAddress,
    remote: SocketAddr,
    channel: Option<DataChannelId>,
    open: bool,
    received: Received,
    /// The channel of small messages, at their sender.
    beside: Option<DataChannelId>,
    /// How long they took, at their receiver.
    pub delays: Vec<Duration>,
    /// Bytes that may wait.
    queue: usize,
    /// What each message is, where they share their bytes.
    shared: Option<Bytes>,
}

fn instant(time: Time) -> Instant {
    Instant::ZERO + time
}

/// The default settings, with a certificate.
pub fn configuration(identity: Option<&Certificate>) -> Configuration {
    let mut configuration = Configuration::default();
    configuration.certificates = identity.cloned().into_iter().collect();
    configuration
}

impl Purertc {
    /// A peer with settings of its own.
    pub fn configured(now: Time, setup: &Setup<'_, Certificate>, configuration: Configuration) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&setup.seed.to_le_bytes());
        let init = Init::new(instant(now), DATE, seed);
        let mut connection = PeerConnection::new(configuration, init).expect("a peer connection");
        let local = LocalAddress::udp(SOCKET, setup.local);
        connection.add_local_address(instant(now), local);
        Self {
            connection,
            local,
            remote: setup.remote,
            channel: None,
            beside: None,
            open: false,
            received: Received::default(),
            delays: Vec::new(),
            queue: QUEUE,
            shared: None,
        }
    }

    /// Sends a small message that carries the time, on a channel of its own.
    pub fn send_beside(&mut self, now: Time) {
        let connection = &mut self.connection;
        let id = *self.beside.get_or_insert_with(|| {
            connection.create_data_channel("beside", Default::default()).expect("a channel")
        });
        let message = Bytes::copy_from_slice(&(now.as_nanos() as u64).to_be_bytes());
        if let Some(mut channel) = connection.data_channel(id) {
            // One that is refused while the channel opens is not missed.
            let _ = channel.send(instant(now), message);
        }
    }

    /// Opens channels that nothing is sent on.
    pub fn open_more(&mut self, channels: usize) {
        for _ in 0..channels {
            self.connection.create_data_channel("one of many", Default::default()).expect("a channel");
        }
    }

    /// Sends these bytes from now on, and no copies.
    pub fn share(&mut self, message: &[u8]) {
        self.shared = Some(Bytes::copy_from_slice(message));
    }

    /// Sets how many bytes the application lets wait.
    pub fn set_queue(&mut self, bytes: usize) {
        self.queue = bytes;
    }

    /// Counters and gauges of the association.
    pub fn sctp(&self) -> Stats {
        self.connection.sctp_stats()
    }

    fn take(&mut self, now: Time, data: &[u8]) {
        if let Ok(sent) = <[u8; 8]>::try_from(data) {
            self.delays.push(now.saturating_sub(Duration::from_nanos(u64::from_be_bytes(sent))));
            return;
        }
        self.received.messages += 1;
        self.received.bytes += data.len() as u64;
    }

    fn set_local(&mut self, now: Time) -> String {
        self.connection.set_local_description(instant(now), None).expect("a usable description");
        self.connection.local_description().expect("a local description").sdp.clone()
    }

    fn set_remote(&mut self, now: Time, kind: SdpType, sdp: &str) {
        let description = SessionDescription::new(kind, sdp);
        self.connection.set_remote_description(instant(now), description).expect("an acceptable description");
    }
}

impl Stack for Purertc {
    const NAME: &'static str = "purertc";

    // What a socket with receive offload hands over at once.
    const BATCH: usize = 48;

    type Identity = Certificate;
    type Datagram = BytesMut;

    fn speaks(_protocols: Protocols) -> bool {
        true
    }

    fn identity() -> Certificate {
        let mut rng = Rng::from_number(1);
        Certificate::generate(&CryptoProvider::default(), CertificateOptions::default(), DATE, &mut rng)
            .expect("a certificate")
    }

    fn new(now: Time, setup: &Setup<'_, Certificate>) -> Self {
        let mut configuration = configuration(setup.identity);
        if let Profile::Speaking(Protocols { security, sped, snap }) = setup.profile {
            (configuration.sped, configuration.snap) = (sped, snap);
            configuration.dtls_versions = vec![match security {
                Security::Dtls12 => ProtocolVersion::Dtls12,
                Security::Dtls13 | Security::PostQuantum => ProtocolVersion::Dtls13,
            }];
            if security == Security::PostQuantum {
                configuration.key_agreement = KeyAgreement::PostQuantum;
            }
        }
        Self::configured(now, setup, configuration)
    }

    fn offer(&mut self, now: Time) -> String {
        let channel = self.connection.create_data_channel("bench", Default::default()).expect("a channel");
        self.channel = Some(channel);
        self.set_local(now)
    }

    fn answer(&mut self, now: Time, offer: &str) -> String {
        self.set_remote(now, SdpType::Offer, offer);
        self.set_local(now)
    }

    fn accept(&mut self, now: Time, answer: &str) {
        self.set_remote(now, SdpType::Answer, answer);
    }

    fn receive(&mut self, now: Time, batch: &mut Vec<BytesMut>) {
        let path = self.local.to(self.remote);
        let datagrams = batch.drain(..).map(|data| Datagram { path, ecn: Ecn::NotEct, data });
        self.connection.handle_datagrams(instant(now), datagrams);
    }

    fn timeout(&mut self, now: Time) {
        self.connection.handle_timeout(instant(now));
    }

    fn drain(&mut self, now: Time, out: &mut Link<BytesMut>) -> Option<Time> {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::DataChannel(id) => self.channel = Some(self.channel.unwrap_or(id)),
                Event::Channel(_, ChannelEvent::Open) => self.open = true,
                Event::Channel(_, ChannelEvent::Message(message)) => self.take(now, &message.data),
                _ => {}
            }
        }
        let mut buffer = run_buffer();
        while let Some(transmit) = self.connection.poll_transmit(instant(now), &mut buffer) {
            // The run itself moves to the other end, as one receive with offload would fill one buffer.
            let mut run = run_of(std::mem::replace(&mut buffer, run_buffer()));
            let segment = transmit.segment_size.unwrap_or(run.len());
            while run.len() > segment {
                out.push(now, run.split_to(segment));
            }
            out.push(now, run);
        }
        USED.with_borrow_mut(|used| used.push_front(BytesMut::from(Bytes::from(buffer))));
        let deadline = self.connection.poll_timeout()?;
        Some(Duration::from_micros(deadline.as_micros()))
    }

    fn send(&mut self, now: Time, message: &[u8]) -> bool {
        let Some(mut channel) = self.channel.and_then(|id| self.connection.data_channel(id)) else {
            return false;
        };
        let bytes = || self.shared.clone().unwrap_or_else(|| Bytes::copy_from_slice(message));
        channel.buffered_amount() as usize + message.len() <= self.queue
            && channel.send(instant(now), bytes()).is_ok()
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn received(&self) -> Received {
        self.received
    }
}
