//! Two peers, one clock, one network. Everything is drawn from one seed.

use bytes::{Bytes, BytesMut};
use purertc::crypto::rustcrypto;
use purertc::{
    ChannelEvent, Configuration, DataChannelId, Datagram, Event, IceCandidateInit, Init, Instant, IoId,
    IoRequest, IoResponse, LocalAddress, Message, MessageKind, Path, PeerConnection, PeerConnectionState,
    SocketId, StreamName, WallClock,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// A small generator for the network: what it decides must not depend on what the peers draw.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = self.0;
        (x ^ (x >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        (self.roll() as f64 / (1u64 << 53) as f64) < probability
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.roll() % limit }
    }
}

/// What the network does to each datagram, either way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) delay: Duration,
    /// Up to this much more, drawn for each datagram: what reorders them.
    pub(crate) jitter: Duration,
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    /// One bit of the datagram is turned.
    pub(crate) corruption: f64,
    /// Larger datagrams vanish.
    pub(crate) mtu: usize,
}

impl Link {
    pub(crate) const fn clean(delay_ms: u64) -> Self {
        Self {
            delay: Duration::from_millis(delay_ms),
            jitter: Duration::ZERO,
            loss: 0.0,
            duplication: 0.0,
            corruption: 0.0,
            mtu: usize::MAX,
        }
    }

    pub(crate) const fn rough() -> Self {
        Self { jitter: Duration::from_millis(15), loss: 0.05, duplication: 0.03, ..Self::clean(20) }
    }
}

/// One end: a connection with one address, and what it told so far.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) pc: PeerConnection,
    /// Its only address, or the first of several.
    pub(crate) address: SocketAddr,
    pub(crate) addresses: Vec<SocketAddr>,
    /// Ports that it asked for.
    pub(crate) ports: Vec<(IoId, SocketAddr)>,
    pub(crate) events: Vec<Event>,
    pub(crate) messages: BTreeMap<DataChannelId, Vec<Message>>,
    /// Datagrams sent, by the kind that their first byte says.
    pub(crate) sent: BTreeMap<u8, usize>,
    /// Datagrams in the longest run that came out of one call.
    pub(crate) longest_run: usize,
}

impl Node {
    /// The one channel that came to be by the peer's doing, or the only one there is.
    pub(crate) fn channel(&self) -> DataChannelId {
        let incoming = self.events.iter().find_map(|event| match event {
            Event::DataChannel(id) => Some(*id),
            _ => None,
        });
        incoming.or_else(|| self.pc.data_channels().next()).expect("a channel")
    }

    pub(crate) fn texts(&self, id: DataChannelId) -> Vec<String> {
        let messages = self.messages.get(&id).map(Vec::as_slice).unwrap_or_default();
        messages.iter().map(|message| String::from_utf8(message.data.to_vec()).expect("text")).collect()
    }

    pub(crate) fn saw(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }

    pub(crate) fn count(&self, wanted: &Event) -> usize {
        self.events.iter().filter(|event| *event == wanted).count()
    }

    pub(crate) fn opened(&self, id: DataChannelId) -> bool {
        self.saw(|event| *event == Event::Channel(id, ChannelEvent::Open))
    }

    pub(crate) fn closed(&self, id: DataChannelId) -> bool {
        self.saw(|event| *event == Event::Channel(id, ChannelEvent::Close))
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    at: Instant,
    number: u64,
    to: usize,
    path: (SocketAddr, SocketAddr),
    bytes: Vec<u8>,
}

/// What a world is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) link: Link,
    pub(crate) configuration: Configuration,
    /// Candidates travel this long between the applications.
    pub(crate) signaling_delay: Duration,
}

impl Setup {
    pub(crate) fn new(seed: u64, link: Link) -> Self {
        let seed = std::env::var("PURERTC_SIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(seed);
        eprintln!("replay with PURERTC_SIM_SEED={seed}");
        Self {
            seed,
            link,
            configuration: Configuration::default(),
            signaling_delay: Duration::from_millis(5),
        }
    }
}

/// Two nodes and the network between them.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) nodes: [Node; 2],
    pub(crate) link: Link,
    dice: Dice,
    wire: BinaryHeap<Reverse<Flight>>,
    /// Candidates under way: when, to whom.
    signals: Vec<(Instant, usize, Option<IceCandidateInit>)>,
    signaling_delay: Duration,
    flights: u64,
    /// How many ports were asked for.
    bound: u16,
    /// Where nothing arrives.
    pub(crate) deaf: Option<SocketAddr>,
    /// A running hash over every datagram and its time.
    pub(crate) trace: u64,
    buffer: Vec<u8>,
    /// A node whose application does not read.
    lazy: Option<usize>,
}

impl World {
    pub(crate) fn new(setup: &Setup) -> Self {
        let now = Instant::from_millis(1_000);
        let node = |index: u8| {
            let mut seed = [index; 32];
            seed[..8].copy_from_slice(&setup.seed.to_le_bytes());
            let wall_clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
            let init = Init { now, wall_clock, seed, crypto: rustcrypto::provider() };
            let mut pc =
                PeerConnection::new(setup.configuration.clone(), init).expect("a good configuration");
            let address = SocketAddr::from(([192, 0, 2, index + 1], 5_000));
            pc.add_local_address(now, LocalAddress::udp(SocketId(0), address));
            assert_eq!(pc.wall_clock(), &WallClock::new(now, wall_clock));
            Node {
                pc,
                address,
                addresses: vec![address],
                ports: Vec::new(),
                events: Vec::new(),
                messages: BTreeMap::new(),
                sent: BTreeMap::new(),
                longest_run: 0,
            }
        };
        Self {
            now,
            nodes: [node(0), node(1)],
            link: setup.link,
            dice: Dice::new(setup.seed),
            wire: BinaryHeap::new(),
            signals: Vec::new(),
            signaling_delay: setup.signaling_delay,
            flights: 0,
            bound: 0,
            deaf: None,
            trace: 0xcbf2_9ce4_8422_2325,
            buffer: Vec::new(),
            lazy: None,
        }
    }

    /// Two peers whose first has created one channel, after offer and answer.
    pub(crate) fn negotiated(setup: &Setup) -> (Self, DataChannelId) {
        let mut world = Self::new(setup);
        let id = world.nodes[0].pc.create_data_channel("test", Default::default()).expect("a channel");
        world.negotiate(0);
        (world, id)
    }

    /// The same, run until the channel is open at both ends.
    pub(crate) fn connected(setup: &Setup) -> (Self, DataChannelId) {
        let (mut world, id) = Self::negotiated(setup);
        world.run_until(Duration::from_secs(60), |world| {
            world.nodes[0].opened(id)
                && world.nodes[1].saw(|event| matches!(event, Event::Channel(_, ChannelEvent::Open)))
        });
        assert!(world.nodes.iter().all(|node| node.pc.connection_state() == PeerConnectionState::Connected));
        (world, id)
    }

    /// Offer by `offerer`, answer by the other; candidates are trickled as events tell.
    pub(crate) fn negotiate(&mut self, offerer: usize) {
        let now = self.now;
        let answerer = 1 - offerer;
        self.nodes[offerer].pc.set_local_description(now, None).expect("an offer");
        let offer = self.nodes[offerer].pc.local_description().expect("the offer").clone();
        self.collect_events();
        self.nodes[answerer].pc.set_remote_description(now, offer).expect("a good offer");
        self.nodes[answerer].pc.set_local_description(now, None).expect("an answer");
        let answer = self.nodes[answerer].pc.local_description().expect("the answer").clone();
        self.nodes[offerer].pc.set_remote_description(now, answer).expect("a good answer");
        self.collect_events();
    }

    pub(crate) fn send(&mut self, node: usize, id: DataChannelId, text: &str) {
        let data = Bytes::copy_from_slice(text.as_bytes());
        let mut channel = self.nodes[node].pc.data_channel(id).expect("the channel");
        channel.send_message(self.now, data, MessageKind::Text).expect("room in the buffer");
    }

    /// Gives a node another address.
    pub(crate) fn add_address(&mut self, node: usize, address: SocketAddr) {
        self.nodes[node].addresses.push(address);
        self.nodes[node].pc.add_local_address(self.now, LocalAddress::udp(SocketId(0), address));
    }

    /// Takes a node's first address away.
    pub(crate) fn remove_address(&mut self, node: usize) {
        let address = self.nodes[node].addresses.remove(0);
        self.nodes[node].pc.remove_local_address(self.now, LocalAddress::udp(SocketId(0), address));
    }

    /// Puts a datagram on its way, as anyone on the network could.
    pub(crate) fn inject(&mut self, to: usize, from: SocketAddr, bytes: &[u8]) {
        let path = (from, self.nodes[to].address);
        self.fly(to, path, bytes.to_vec(), Duration::ZERO);
    }

    fn fly(&mut self, to: usize, path: (SocketAddr, SocketAddr), bytes: Vec<u8>, delay: Duration) {
        self.flights += 1;
        self.wire.push(Reverse(Flight { at: self.now + delay, number: self.flights, to, path, bytes }));
    }

    fn transmit(&mut self, from: usize, path: Path, bytes: &[u8]) {
        *self.nodes[from].sent.entry(bytes[0]).or_default() += 1;
        for &byte in self.now.as_micros().to_be_bytes().iter().chain(bytes) {
            self.trace = (self.trace ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let Some(to) = self.nodes.iter().position(|node| node.addresses.contains(&path.remote)) else {
            return;
        };
        if bytes.len() > self.link.mtu || self.deaf == Some(path.remote) {
            return;
        }
        let copies = 1 + usize::from(self.dice.chance(self.link.duplication));
        for _ in 0..copies {
            if self.dice.chance(self.link.loss) {
                continue;
            }
            let jitter = self.dice.below(self.link.jitter.as_micros() as u64 + 1);
            let mut bytes = bytes.to_vec();
            if self.link.corruption > 0.0 && self.dice.chance(self.link.corruption) {
                let at = self.dice.below(bytes.len() as u64) as usize;
                bytes[at] ^= 1 << self.dice.below(8);
            }
            self.fly(to, (path.local, path.remote), bytes, self.link.delay + Duration::from_micros(jitter));
        }
    }

    /// Sends what the peers want sent and takes their events.
    pub(crate) fn flush(&mut self) {
        (0..2).for_each(|index| self.serve(index));
        for index in 0..2 {
            let mut buffer = std::mem::take(&mut self.buffer);
            while let Some(transmit) = self.nodes[index].pc.poll_transmit(self.now, &mut buffer) {
                assert!(
                    self.nodes[index].addresses.contains(&transmit.path.local),
                    "sent from an address that is gone"
                );
                let datagrams: Vec<Vec<u8>> = transmit.datagrams(&buffer).map(<[u8]>::to_vec).collect();
                let run = &mut self.nodes[index].longest_run;
                *run = datagrams.len().max(*run);
                datagrams.iter().for_each(|datagram| self.transmit(index, transmit.path, datagram));
            }
            self.buffer = buffer;
        }
        self.collect_events();
    }

    /// Opens the ports that a node asks for, and closes them.
    fn serve(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        while let Some(request) = node.pc.poll_io_request() {
            match request {
                IoRequest::Bind { id, at } => {
                    self.bound += 1;
                    let port = SocketAddr::new(at, 7_000 + self.bound);
                    node.ports.push((id, port));
                    node.addresses.push(port);
                    let local = LocalAddress::udp(SocketId(0), port);
                    node.pc.handle_io_response(self.now, id, IoResponse::Bound(local));
                }
                IoRequest::Close { stream: StreamName::Requested(id) } => {
                    for (_, port) in node.ports.extract_if(.., |(known, _)| *known == id) {
                        node.addresses.retain(|address| *address != port);
                    }
                }
                _ => {}
            }
        }
    }

    fn collect_events(&mut self) {
        for index in (0..2).filter(|&index| Some(index) != self.lazy) {
            while let Some(event) = self.nodes[index].pc.poll_event() {
                match event {
                    Event::IceCandidate(candidate) => {
                        let at = self.now + self.signaling_delay;
                        self.signals.push((at, 1 - index, candidate.map(|candidate| *candidate)));
                    }
                    Event::Channel(id, ChannelEvent::Message(message)) => {
                        self.nodes[index].messages.entry(id).or_default().push(message);
                    }
                    other => self.nodes[index].events.push(other),
                }
            }
        }
    }

    fn next_time(&self) -> Option<Instant> {
        let flight = self.wire.peek().map(|Reverse(flight)| flight.at);
        let signal = self.signals.iter().map(|signal| signal.0).min();
        let timers = self.nodes.iter().map(|node| node.pc.poll_timeout());
        timers.chain([flight, signal]).flatten().min()
    }

    /// To the next thing that happens. `false`: nothing ever will.
    fn step(&mut self, end: Instant) -> bool {
        self.flush();
        let Some(next) = self.next_time().filter(|&at| at <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        for (_, to, candidate) in self.signals.extract_if(.., |signal| signal.0 <= now) {
            // A candidate may come before its description, or after the end; applications ignore that.
            let _ = self.nodes[to].pc.add_ice_candidate(now, candidate.as_ref());
        }
        while self.wire.peek().is_some_and(|Reverse(flight)| flight.at <= now)
            && let Some(Reverse(flight)) = self.wire.pop()
        {
            let path = LocalAddress::udp(SocketId(0), flight.path.1).to(flight.path.0);
            let data = BytesMut::from(flight.bytes.as_slice());
            self.nodes[flight.to].pc.handle_datagram(now, Datagram { path, ecn: Default::default(), data });
        }
        for node in &mut self.nodes {
            if node.pc.poll_timeout().is_some_and(|at| at <= now) {
                node.pc.handle_timeout(now);
            }
        }
        true
    }

    /// Runs for this long.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut steps = 0;
        while self.step(end) {
            steps += 1;
            assert!(steps < 2_000_000, "time stands still at {:?}", self.now);
        }
    }

    /// Runs for this long while `lazy` takes no events: what came for it waits inside.
    pub(crate) fn run_without_reading(&mut self, lazy: usize, time: Duration) {
        self.lazy = Some(lazy);
        self.run(time);
        self.lazy = None;
    }

    /// Runs until `done`, which must be within this long.
    pub(crate) fn run_until(&mut self, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + time;
        let mut steps = 0;
        while !done(self) {
            assert!(
                self.step(end),
                "not done after {time:?}: {:#?}",
                self.nodes.each_ref().map(|node| &node.events)
            );
            steps += 1;
            assert!(steps < 2_000_000, "time stands still at {:?}", self.now);
        }
    }
}
