//! Two connections behind translators of every kind, with a STUN and TURN server between them.

use crate::turn_server::{Habit, TurnServer};
use crate::world::Dice;
use bytes::BytesMut;
use purertc::crypto::rustcrypto;
use purertc::wire::candidate::CandidateType;
use purertc::{
    ChannelEvent, Configuration, DataChannelId, Datagram, Event, IceCandidateInit, IceServer,
    IceTransportPolicy, Init, Instant, LocalAddress, OfferOptions, PeerConnection, PeerConnectionState,
    SessionDescription, SocketId,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

const SERVER: &str = "203.0.113.99:3478";
const DELAY: Duration = Duration::from_millis(20);

/// How a translator maps and filters (RFC 4787 has the two apart; these are the usual four).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    FullCone,
    AddressRestricted,
    PortRestricted,
    Symmetric,
}

const KINDS: [Kind; 4] = [Kind::FullCone, Kind::AddressRestricted, Kind::PortRestricted, Kind::Symmetric];

/// One public address that stands before a private network.
#[derive(Debug)]
struct Nat {
    kind: Kind,
    public: Ipv4Addr,
    /// Which public port stands for what inside; of a symmetric one also towards whom.
    ports: BTreeMap<(SocketAddr, Option<SocketAddr>), u16>,
    sent_to: BTreeSet<(u16, SocketAddr)>,
}

impl Nat {
    fn new(kind: Kind, public: [u8; 4]) -> Self {
        Self { kind, public: public.into(), ports: BTreeMap::new(), sent_to: BTreeSet::new() }
    }

    fn leave(&mut self, from: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = (from, (self.kind == Kind::Symmetric).then_some(to));
        let next = 40_000 + self.ports.len() as u16;
        let port = *self.ports.entry(key).or_insert(next);
        self.sent_to.insert((port, to));
        SocketAddr::from((self.public, port))
    }

    fn enter(&self, from: SocketAddr, to: SocketAddr) -> Option<SocketAddr> {
        let (inside, _) = self.ports.iter().find(|(_, port)| **port == to.port())?.0;
        let mut known = self.sent_to.iter().filter(|(port, _)| *port == to.port()).map(|(_, peer)| *peer);
        let lets_in = match self.kind {
            Kind::FullCone => true,
            Kind::AddressRestricted => known.any(|peer| peer.ip() == from.ip()),
            Kind::PortRestricted | Kind::Symmetric => known.any(|peer| peer == from),
        };
        lets_in.then_some(*inside)
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    at: Instant,
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// Two connections, each behind its translator.
struct Town {
    now: Instant,
    peers: [PeerConnection; 2],
    nats: [Nat; 2],
    addresses: [Vec<SocketAddr>; 2],
    server: TurnServer,
    loss: f64,
    dice: Dice,
    wire: BinaryHeap<Reverse<Flight>>,
    signals: Vec<(usize, Option<IceCandidateInit>)>,
    number: u64,
    opened: [Option<DataChannelId>; 2],
    texts: [Vec<String>; 2],
    errors: Vec<u16>,
}

fn local(address: SocketAddr) -> LocalAddress {
    LocalAddress::udp(SocketId(0), address)
}

impl Town {
    fn new(kinds: [Kind; 2], servers: &[IceServer], policy: IceTransportPolicy) -> Self {
        let now = Instant::from_millis(1_000);
        let addresses = [0, 1].map(|n: u8| vec![SocketAddr::from(([10, n, 0, 1], 5_000))]);
        let peers = [0, 1].map(|n: usize| {
            let mut configuration = Configuration::default();
            configuration.ice_servers = servers.to_vec();
            configuration.ice_transport_policy = policy;
            let wall_clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
            let init = Init { now, wall_clock, seed: [7 + n as u8; 32], crypto: rustcrypto::provider() };
            let mut pc = PeerConnection::new(configuration, init).expect("a good configuration");
            pc.add_local_address(now, local(addresses[n][0]));
            pc
        });
        Self {
            now,
            peers,
            nats: [Nat::new(kinds[0], [198, 51, 100, 1]), Nat::new(kinds[1], [198, 51, 100, 2])],
            addresses,
            server: TurnServer::new(SERVER, Habit::Old),
            loss: 0.0,
            dice: Dice::new(3),
            wire: BinaryHeap::new(),
            signals: Vec::new(),
            number: 0,
            opened: [None; 2],
            texts: Default::default(),
            errors: Vec::new(),
        }
    }

    fn with_server(kinds: [Kind; 2]) -> Self {
        let mut server = IceServer::turn(&format!("turn:{SERVER}"), "user", "secret");
        server.urls.push(format!("stun:{SERVER}"));
        Self::new(kinds, &[server], IceTransportPolicy::All)
    }

    fn connect(&mut self) {
        self.peers[0].create_data_channel("town", Default::default()).expect("a channel");
        self.negotiate(OfferOptions::default());
        self.run_until(Duration::from_secs(20), |town| {
            let open = town.opened.iter().all(Option::is_some);
            open && town.peers.iter().all(|pc| pc.connection_state() == PeerConnectionState::Connected)
        });
    }

    fn negotiate(&mut self, options: OfferOptions) {
        let now = self.now;
        let offer = self.peers[0].create_offer(options).expect("an offer");
        self.peers[0].set_local_description(now, Some(offer.into())).expect("it was just created");
        let offer = self.peers[0].local_description().expect("the offer").clone();
        self.peers[1].set_remote_description(now, offer).expect("a good offer");
        self.peers[1].set_local_description(now, None).expect("an answer");
        let answer = self.peers[1].local_description().expect("the answer").clone();
        self.peers[0].set_remote_description(now, answer).expect("a good answer");
    }

    fn launch(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.number += 1;
        if !self.dice.chance(self.loss) {
            self.wire.push(Reverse(Flight { at: self.now + DELAY, number: self.number, from, to, bytes }));
        }
    }

    fn flush(&mut self) {
        let mut buffer = Vec::new();
        for n in 0..2 {
            assert!(self.peers[n].poll_io_request().is_none(), "nothing here has a name or a stream");
            while let Some(transmit) = self.peers[n].poll_transmit(self.now, &mut buffer) {
                let path = transmit.path;
                assert!(self.addresses[n].contains(&path.local), "sent from an address that is gone");
                let from = self.nats[n].leave(path.local, path.remote);
                let datagrams: Vec<_> = transmit.datagrams(&buffer).map(<[u8]>::to_vec).collect();
                datagrams.into_iter().for_each(|bytes| self.launch(from, path.remote, bytes));
            }
            while let Some(event) = self.peers[n].poll_event() {
                match event {
                    Event::IceCandidate(candidate) => self.signals.push((1 - n, candidate.map(|c| *c))),
                    Event::IceCandidateError(error) => self.errors.push(error.error_code),
                    Event::Channel(id, ChannelEvent::Open) => self.opened[n] = Some(id),
                    Event::Channel(_, ChannelEvent::Message(message)) => {
                        self.texts[n].push(String::from_utf8(message.data.to_vec()).expect("text"));
                    }
                    _ => {}
                }
            }
        }
        for (to, candidate) in std::mem::take(&mut self.signals) {
            // One may come before its description.
            let _ = self.peers[to].add_ice_candidate(self.now, candidate.as_ref());
        }
    }

    fn deliver(&mut self, Flight { from, to, bytes, .. }: Flight) {
        if self.server.owns(to) {
            if let Some((from, to, bytes)) = self.server.handle(self.now, from, to, &bytes) {
                self.launch(from, to, bytes);
            }
            return;
        }
        let at = self.nats.iter().position(|nat| to.ip() == nat.public);
        let Some((n, inside)) = at.and_then(|n| Some((n, self.nats[n].enter(from, to)?))) else { return };
        if self.addresses[n].contains(&inside) {
            let data = BytesMut::from(&bytes[..]);
            let datagram = Datagram { path: local(inside).to(from), ecn: Default::default(), data };
            self.peers[n].handle_datagram(self.now, datagram);
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        self.flush();
        let timers = self.peers.iter().map(PeerConnection::poll_timeout);
        let flight = self.wire.peek().map(|Reverse(flight)| flight.at);
        let signal = (!self.signals.is_empty()).then_some(self.now);
        let Some(next) = timers.chain([flight, signal]).flatten().min().filter(|&at| at <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        while self.wire.peek().is_some_and(|Reverse(flight)| flight.at <= self.now)
            && let Some(Reverse(flight)) = self.wire.pop()
        {
            self.deliver(flight);
        }
        let now = self.now;
        for pc in &mut self.peers {
            if pc.poll_timeout().is_some_and(|at| at <= now) {
                pc.handle_timeout(now);
            }
        }
        true
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    fn run_until(&mut self, time: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + time;
        while !done(self) {
            assert!(self.step(end), "not done after {time:?}");
        }
    }

    fn say(&mut self, from: usize, text: &str) {
        let id = self.opened[from].expect("an open channel");
        let mut channel = self.peers[from].data_channel(id).expect("the channel");
        channel.send_text(self.now, text.to_owned()).expect("room");
    }

    /// The types of the candidates in use, as each side sees them.
    fn types(&self) -> [(CandidateType, CandidateType); 2] {
        self.peers.each_ref().map(|pc| {
            let pair = pc.transport().selected_pair().expect("a pair");
            (pair.local.kind, pair.remote.kind)
        })
    }

    fn is_relayed(&self) -> bool {
        self.types().iter().any(|&(l, r)| [l, r].contains(&CandidateType::Relayed))
    }
}

#[test]
fn every_pair_of_translators_is_passed_as_far_as_they_allow() {
    for a in KINDS {
        for b in KINDS {
            let mut town = Town::with_server([a, b]);
            town.connect();
            town.run(Duration::from_secs(2));
            // A port that nobody can know, before one that lets in nobody else.
            let strict = |kind| matches!(kind, Kind::PortRestricted | Kind::Symmetric);
            let hopeless = a == Kind::Symmetric && strict(b) || b == Kind::Symmetric && strict(a);
            assert_eq!(town.is_relayed(), hopeless, "{a:?} {b:?}: {:?}", town.types());
            town.say(0, "through");
            town.say(1, "and back");
            town.run(Duration::from_secs(1));
            assert_eq!(town.texts, [vec!["and back".to_owned()], vec!["through".to_owned()]], "{a:?} {b:?}");
            // None goes unused for long: those that carry nothing are not refreshed for ever.
            assert!(town.errors.is_empty());
        }
    }
}

#[test]
fn a_relayed_pair_lives_for_a_hundred_minutes() {
    let mut town = Town::with_server([Kind::Symmetric, Kind::Symmetric]);
    town.connect();
    for minute in 0..100 {
        town.run(Duration::from_secs(60));
        assert!(town.is_relayed());
        for pc in &town.peers {
            assert_eq!(pc.connection_state(), PeerConnectionState::Connected, "minute {minute}");
        }
    }
    town.say(0, "still here");
    town.run(Duration::from_secs(1));
    assert_eq!(town.texts[1], ["still here"]);
}

#[test]
fn a_dead_server_delays_nobody() {
    let dead = IceServer::turn("turn:203.0.113.66:3478", "user", "secret");
    let alive = IceServer::turn(&format!("turn:{SERVER}"), "user", "secret");
    let mut town = Town::new([Kind::Symmetric, Kind::Symmetric], &[dead, alive], IceTransportPolicy::All);
    let begin = town.now;
    town.connect();
    assert!(town.now - begin < Duration::from_secs(3), "{:?}", town.now - begin);
    town.run(Duration::from_secs(6));
    assert_eq!(town.errors, [701, 701], "one for each side");
}

#[test]
fn under_the_relay_policy_only_the_server_hears_of_us() {
    let server = IceServer::turn(&format!("turn:{SERVER}"), "user", "secret");
    let mut town = Town::new([Kind::FullCone, Kind::FullCone], &[server], IceTransportPolicy::Relay);
    town.connect();
    assert!(town.is_relayed());
    let others = town.nats.iter().flat_map(|nat| &nat.sent_to).filter(|(_, to)| *to != town.server.address);
    assert_eq!(others.count(), 0);
}

#[test]
fn a_restart_loses_nothing_that_was_under_way() {
    let mut town = Town::with_server([Kind::PortRestricted, Kind::AddressRestricted]);
    town.connect();
    let mut said = Vec::new();
    for n in 0..100 {
        if n == 20 || n == 60 {
            town.negotiate(OfferOptions::restarting_ice());
        }
        said.push(n.to_string());
        town.say(0, &n.to_string());
        town.run(Duration::from_millis(50));
    }
    town.run(Duration::from_secs(3));
    assert_eq!(town.texts[1], said);
    assert!(!town.is_relayed());
}

#[test]
fn later_offers_name_the_pair_in_use() {
    let mut town = Town::with_server([Kind::FullCone, Kind::FullCone]);
    town.connect();
    town.run(Duration::from_secs(2));
    let said = |description: &SessionDescription| {
        let line = description.sdp.lines().find_map(|line| line.strip_prefix("a=remote-candidates:"));
        line.map(str::to_owned)
    };
    assert_eq!(said(town.peers[0].local_description().expect("the offer")), None);
    let pair = town.peers[0].transport().selected_pair().expect("a pair");
    let remote = format!("1 {} {}", pair.path.remote.ip(), pair.path.remote.port());
    let offer = town.peers[0].create_offer(OfferOptions::default()).expect("an offer");
    assert_eq!(said(&offer), Some(remote));
    // Who is controlled does not, nor does an offer that restarts.
    let theirs = town.peers[1].create_offer(OfferOptions::default()).expect("an offer");
    assert_eq!(said(&theirs), None);
    let restart = town.peers[0].create_offer(OfferOptions::restarting_ice()).expect("an offer");
    assert_eq!(said(&restart), None);
    town.negotiate(OfferOptions::default());
    town.run(Duration::from_secs(1));
    assert_eq!(said(town.peers[1].local_description().expect("the answer")), None);
    town.say(0, "as before");
    town.run(Duration::from_secs(1));
    assert_eq!(town.texts[1], ["as before"]);
}

#[test]
fn a_restart_that_is_rolled_back_never_was() {
    let mut town = Town::with_server([Kind::PortRestricted, Kind::AddressRestricted]);
    town.connect();
    let before = town.peers[0].transport().local_credentials().clone();
    let offer = town.peers[0].create_offer(OfferOptions::restarting_ice()).expect("an offer");
    town.peers[0].set_local_description(town.now, Some(offer.into())).expect("it was just created");
    town.run(Duration::from_secs(1));
    assert_ne!(*town.peers[0].transport().local_credentials(), before);
    let rollback = Some(SessionDescription::rollback().into());
    town.peers[0].set_local_description(town.now, rollback).expect("there is an offer to roll back");
    assert_eq!(*town.peers[0].transport().local_credentials(), before);
    town.run(Duration::from_secs(60));
    town.say(0, "as before");
    town.run(Duration::from_secs(1));
    assert_eq!(town.texts[1], ["as before"]);
}

#[test]
fn a_move_to_another_network_in_the_middle_of_it_all() {
    let mut town = Town::with_server([Kind::PortRestricted, Kind::PortRestricted]);
    town.connect();
    let mut said = Vec::new();
    for n in 0..200 {
        let (old, new) = (town.addresses[0][0], SocketAddr::from(([10, 0, 9, 9], 7_000)));
        if n == 20 {
            town.addresses[0].push(new);
            town.peers[0].add_local_address(town.now, local(new));
        }
        if n == 60 {
            town.addresses[0].remove(0);
            town.peers[0].remove_local_address(town.now, local(old));
        }
        said.push(n.to_string());
        town.say(0, &n.to_string());
        town.run(Duration::from_millis(50));
    }
    town.run(Duration::from_secs(10));
    assert_eq!(town.texts[1], said);
    let pair = town.peers[0].transport().selected_pair().expect("a pair");
    assert_eq!(pair.path.local, town.addresses[0][0]);
}

#[test]
fn loss_delays_and_does_not_prevent() {
    for kinds in [[Kind::Symmetric, Kind::Symmetric], [Kind::PortRestricted, Kind::FullCone]] {
        let mut town = Town::with_server(kinds);
        town.loss = 0.1;
        town.connect();
    }
}
