//! The network: NATs that translate and filter, STUN servers, and two transports with real cryptography.

use super::turn_server::{TurnServer, login};
use crate::base::io::{IoRequest, IoResponse, StreamName, StreamSecurity};
use crate::base::net::{Datagram, Ecn, LocalAddress, Path, Protocol, SocketId};
use crate::base::random::Rng;
use crate::base::time::{Instant, WallClock, earliest};
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateOptions};
use crate::transport::dtls::DtlsTransportState;
use crate::transport::dtls::config::{Config as DtlsConfig, Role};
use crate::transport::dtls::verify::fingerprint_of;
use crate::transport::ice::{Config as IceConfig, IceRole};
use crate::transport::{CandidateError, Config, Event, IceServer, Inbound, Transport};
use crate::wire::candidate::Candidate;
use crate::wire::fingerprint::{Fingerprint, FingerprintAlgorithm};
use crate::wire::framing::{Framing, take};
use crate::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method};
use bytes::BytesMut;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

pub const LEFT: usize = 0;
pub const RIGHT: usize = 1;

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn host(text: &str) -> LocalAddress {
    LocalAddress::udp(SocketId(1), address(text))
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn stun(text: &str) -> IceServer {
    let url = format!("stun:{text}");
    IceServer { at: url.parse().unwrap(), url: url.into(), turn: None }
}

pub fn turn(text: &str) -> IceServer {
    let url = format!("turn:{text}");
    IceServer { at: url.parse().unwrap(), url: url.into(), turn: Some(login()) }
}

pub fn listener(text: &str) -> LocalAddress {
    LocalAddress::tcp(SocketId(2), address(text))
}

/// A TURN server over streams: `turn:…?transport=tcp`, or `turns:…`.
pub fn turn_url(url: &str) -> IceServer {
    IceServer { at: url.parse().unwrap(), url: url.into(), turn: Some(login()) }
}

/// A server that answers Binding requests.
#[derive(Debug)]
pub struct StunServer {
    pub address: SocketAddr,
    /// Answers with this error instead.
    pub refuses: Option<u16>,
}

impl StunServer {
    pub fn answer(&self, from: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        let message = Message::parse(data).ok()?;
        assert_eq!((message.class, message.method), (Class::Request, Method::Binding));
        let mut out = Vec::new();
        let builder = |out, class| Builder::new(out, class, Method::Binding, message.transaction);
        let error = |code| Attribute::ErrorCode(ErrorCode { code, reason: "go away" });
        match self.refuses {
            Some(code) => builder(&mut out, Class::Error).attribute(&error(code)).finish(),
            None => builder(&mut out, Class::Success).attribute(&Attribute::XorMappedAddress(from)).finish(),
        };
        Some(out)
    }
}

#[derive(Debug)]
struct Packet {
    protocol: Protocol,
    from: SocketAddr,
    to: SocketAddr,
    data: Vec<u8>,
}

pub struct Net {
    pub peers: [Transport; 2],
    pub now: Instant,
    pub delay: Duration,
    pub events: [Vec<Event>; 2],
    pub received: [Vec<Vec<u8>>; 2],
    pub stun_servers: Vec<StunServer>,
    pub turn_servers: Vec<TurnServer>,
    /// Nothing gets from one peer to the other but through a server.
    pub apart: bool,
    /// Private address to public one, which lets in those alone who were sent to.
    pub nat: BTreeMap<SocketAddr, SocketAddr>,
    /// From, to: all that was ever sent, as it looks outside.
    pub sent: Vec<(Instant, SocketAddr, SocketAddr)>,
    /// What the DNS knows. A name that is not there is not answered for.
    pub names: BTreeMap<String, Result<Vec<IpAddr>, String>>,
    /// Everything that was asked of the drivers.
    pub requests: Vec<(usize, IoRequest)>,
    /// The ends of streams, by whose they are; the id is that of the request that opened it.
    pub streams: Vec<(usize, StreamName, Path)>,
    /// What came to a server on a stream and is no whole message yet.
    served: BTreeMap<SocketAddr, BytesMut>,
    sockets: u32,
    /// Where each listens for multicast DNS.
    groups: [Option<LocalAddress>; 2],
    opened: BTreeSet<(SocketAddr, SocketAddr)>,
    hosts: [Vec<LocalAddress>; 2],
    fingerprints: [Fingerprint; 2],
    flying: BTreeMap<(Instant, usize), Packet>,
}

fn transport(seed: u64, change: &dyn Fn(&mut Config)) -> (Transport, Fingerprint) {
    let crypto = CryptoProvider::default();
    let mut rng = Rng::from_number(seed);
    let clock = WallClock::new(Instant::ZERO, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let wall = clock.at(Instant::ZERO);
    let certificate = Certificate::generate(&crypto, CertificateOptions::default(), wall, &mut rng).unwrap();
    let fingerprint = fingerprint_of(certificate.der(), FingerprintAlgorithm::Sha256, &crypto).unwrap();
    let mut config =
        Config { ice: IceConfig::default(), dtls: DtlsConfig::new(certificate, crypto), sped: false };
    change(&mut config);
    (Transport::new(config, &crypto, &mut rng), fingerprint)
}

impl Net {
    pub fn new(seed: u64) -> Self {
        Self::with(seed, &|_| {})
    }

    /// Both transports have what `change` makes of the default configuration.
    pub fn with(seed: u64, change: &dyn Fn(&mut Config)) -> Self {
        let (left, left_print) = transport(2 * seed, change);
        let (right, right_print) = transport(2 * seed + 1, change);
        Self {
            peers: [left, right],
            now: Instant::from_millis(1_000),
            delay: ms(10),
            events: Default::default(),
            received: Default::default(),
            stun_servers: Vec::new(),
            turn_servers: Vec::new(),
            apart: false,
            nat: BTreeMap::new(),
            sent: Vec::new(),
            names: BTreeMap::new(),
            requests: Vec::new(),
            streams: Vec::new(),
            served: BTreeMap::new(),
            sockets: 100,
            groups: [None; 2],
            opened: BTreeSet::new(),
            hosts: Default::default(),
            fingerprints: [left_print, right_print],
            flying: BTreeMap::new(),
        }
    }

    pub fn add_host(&mut self, who: usize, text: &str) {
        self.hosts[who].push(host(text));
        self.peers[who].add_local_address(self.now, host(text));
    }

    pub fn add_listener(&mut self, who: usize, text: &str) {
        self.hosts[who].push(listener(text));
        self.peers[who].add_local_address(self.now, listener(text));
    }

    pub fn start_stun_server(&mut self, text: &str) {
        self.stun_servers.push(StunServer { address: address(text), refuses: None });
    }

    /// Gathers on both sides and says everything to the other, candidates as they come.
    pub fn signal(&mut self) {
        self.gather();
        self.agree();
    }

    pub fn gather(&mut self) {
        for who in [LEFT, RIGHT] {
            self.peers[who].gather(self.now);
        }
    }

    /// What descriptions tell.
    pub fn agree(&mut self) {
        for who in [LEFT, RIGHT] {
            let credentials = self.peers[1 - who].local_credentials().clone();
            let (ice, dtls) = if who == LEFT {
                (IceRole::Controlling, Role::Server)
            } else {
                (IceRole::Controlled, Role::Client)
            };
            let fingerprints = vec![self.fingerprints[1 - who].clone()];
            let peer = &mut self.peers[who];
            peer.set_ice_role(self.now, ice);
            peer.start_dtls(self.now, dtls, fingerprints);
            peer.set_remote_credentials(self.now, credentials);
        }
        self.drain();
    }

    pub fn drain(&mut self) {
        for who in [LEFT, RIGHT] {
            self.drain_events(who);
            while let Some(request) = self.peers[who].poll_io_request() {
                self.requests.push((who, request.clone()));
                self.serve_request(who, request);
            }
            let mut out = Vec::new();
            while let Some(transmit) = self.peers[who].poll_transmit(self.now, &mut out) {
                assert_eq!(transmit.size, out.len());
                self.leave(transmit.path, std::mem::take(&mut out));
            }
            self.drain_events(who);
        }
    }

    fn drain_events(&mut self, who: usize) {
        while let Some(event) = self.peers[who].poll_event() {
            if let Event::LocalCandidate(candidate) = &event {
                // What a description or a trickled candidate would look like.
                let candidate: Candidate = candidate.to_string().parse().unwrap();
                self.peers[1 - who].add_remote_candidate(self.now, &candidate);
            }
            self.events[who].push(event);
        }
    }

    fn serve_request(&mut self, who: usize, request: IoRequest) {
        match request {
            IoRequest::Resolve { id, host } => {
                let response = match self.names.get(&*host) {
                    Some(Ok(ips)) => IoResponse::Resolved(ips.clone()),
                    Some(Err(why)) => IoResponse::Failed(why.clone()),
                    None => return,
                };
                self.peers[who].handle_io_response(self.now, id, response);
            }
            IoRequest::Connect { id, from, to, security } => {
                assert_eq!(from.port(), 0);
                self.sockets += 1;
                let end = SocketAddr::new(from.ip(), 40_000 + self.sockets as u16);
                let local = LocalAddress::tcp(SocketId(self.sockets), end);
                let served = self.turn_servers.iter().any(|server| server.address == to);
                let secure = matches!(&security, StreamSecurity::Tls(name) if **name != *"turn.example.org");
                let listens =
                    self.hosts[1 - who].iter().any(|h| h.protocol == Protocol::Tcp && h.address == to);
                if secure || !(served || listens) {
                    let refused = IoResponse::Failed("connection refused".to_owned());
                    return self.peers[who].handle_io_response(self.now, id, refused);
                }
                self.streams.push((who, StreamName::Requested(id), local.to(to)));
                self.peers[who].handle_io_response(self.now, id, IoResponse::Connected(local));
                if listens {
                    self.sockets += 1;
                    let socket = SocketId(self.sockets);
                    let path = LocalAddress::tcp(socket, to).to(end);
                    self.streams.push((1 - who, StreamName::Accepted(socket), path));
                    self.peers[1 - who].handle_stream_opened(self.now, path);
                }
            }
            IoRequest::Close { stream } => {
                let named = |(w, name, _): &(usize, StreamName, Path)| *w == who && *name == stream;
                if let Some(at) = self.streams.iter().position(named) {
                    let (_, _, path) = self.streams.remove(at);
                    self.end_stream(path.remote, path.local);
                }
            }
            IoRequest::Identity { .. } | IoRequest::Bind { .. } => unreachable!("its owner asks for these"),
            IoRequest::JoinMdns { id } => {
                let local =
                    LocalAddress::udp(SocketId(9), SocketAddr::new(self.hosts[who][0].address.ip(), 5_353));
                self.groups[who] = Some(local);
                self.peers[who].handle_io_response(self.now, id, IoResponse::Joined(vec![local]));
            }
        }
    }

    /// The stream from `local` to `remote` ends, as the side at `local` sees it.
    pub fn end_stream(&mut self, local: SocketAddr, remote: SocketAddr) {
        let end = |(_, _, path): &(usize, StreamName, Path)| (path.local, path.remote) == (local, remote);
        if let Some(at) = self.streams.iter().position(end) {
            let (who, _, path) = self.streams.remove(at);
            self.peers[who].handle_stream_closed(self.now, path.socket);
        }
    }

    /// Every stream breaks.
    pub fn break_streams(&mut self) {
        for (who, _, path) in std::mem::take(&mut self.streams) {
            self.peers[who].handle_stream_closed(self.now, path.socket);
        }
        self.served.clear();
    }

    pub fn leave(&mut self, path: Path, data: Vec<u8>) {
        if path.protocol == Protocol::Tcp {
            let known = self.streams.iter().any(|(_, _, known)| *known == path);
            assert!(known, "sent on a stream that is closed: {path}");
            // Cut anywhere.
            let (head, tail) = data.split_at(data.len() / 3);
            self.launch(Protocol::Tcp, path.local, path.remote, head.to_vec());
            return self.launch(Protocol::Tcp, path.local, path.remote, tail.to_vec());
        }
        let from = self.nat.get(&path.local).copied().unwrap_or(path.local);
        self.opened.insert((from, path.remote));
        let to = path.remote;
        let served = to.port() == 5_353
            || self.turn_servers.iter().any(|server| server.owns(to))
            || self.stun_servers.iter().any(|server| server.address == to);
        if served || !self.apart {
            return self.launch(Protocol::Udp, from, to, data);
        }
        self.sent.push((self.now, from, to));
    }

    fn launch(&mut self, protocol: Protocol, from: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        self.sent.push((self.now, from, to));
        self.flying.insert((self.now + self.delay, self.sent.len()), Packet { protocol, from, to, data });
    }

    /// A piece of a stream.
    fn deliver_piece(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        if let Some(at) = self.turn_servers.iter().position(|server| server.address == to) {
            let mut held = self.served.remove(&from).unwrap_or_default();
            held.extend_from_slice(data);
            while let Some(message) = take(Framing::Turn, &mut held).unwrap() {
                self.serve(at, from, to, &message);
            }
            self.served.insert(from, held);
            return;
        }
        let end = |(_, _, path): &&(usize, StreamName, Path)| (path.local, path.remote) == (to, from);
        let Some((who, _, path)) = self.streams.iter().find(end).copied() else { return };
        self.hand_over(who, Datagram { path, ecn: Ecn::NotEct, data: BytesMut::from(data) });
    }

    fn hand_over(&mut self, who: usize, datagram: Datagram) {
        let mut inbound = Vec::new();
        self.peers[who].handle_datagram(self.now, datagram, &mut inbound);
        self.received[who].extend(inbound.into_iter().map(|inbound| match inbound {
            Inbound::Sctp(data) | Inbound::Rtp(data) | Inbound::Rtcp(data) => data.to_vec(),
        }));
    }

    fn serve(&mut self, at: usize, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        let server = &mut self.turn_servers[at];
        let Some((from, to, mut data)) = server.handle(self.now, from, to, data) else { return };
        let stream = self.streams.iter().any(|(_, _, path)| (path.local, path.remote) == (to, from));
        if stream {
            data.resize(data.len().next_multiple_of(4), 0);
        }
        let protocol = if stream { Protocol::Tcp } else { Protocol::Udp };
        self.launch(protocol, from, to, data);
    }

    fn deliver(&mut self, Packet { protocol, from, to, data }: Packet) {
        if protocol == Protocol::Tcp {
            return self.deliver_piece(from, to, &data);
        }
        if to.port() == 5_353 {
            for who in [LEFT, RIGHT] {
                let hears =
                    |l: &LocalAddress| l.address != from && (to.ip().is_multicast() || to == l.address);
                if let Some(local) = self.groups[who].filter(hears) {
                    let data = BytesMut::from(&data[..]);
                    self.hand_over(who, Datagram { path: local.to(from), ecn: Ecn::NotEct, data });
                }
            }
            return;
        }
        if let Some(server) = self.stun_servers.iter().find(|server| server.address == to) {
            if let Some(answer) = server.answer(from, &data) {
                self.launch(Protocol::Udp, to, from, answer);
            }
            return;
        }
        if let Some(at) = self.turn_servers.iter().position(|server| server.owns(to)) {
            return self.serve(at, from, to, &data);
        }
        let inside = self.nat.iter().find(|(_, public)| **public == to).map(|(inside, _)| *inside);
        let filtered = inside.is_some() && !self.opened.contains(&(to, from));
        if filtered || self.nat.contains_key(&to) {
            return;
        }
        let target = inside.unwrap_or(to);
        for who in [LEFT, RIGHT] {
            let here = |host: &&LocalAddress| host.protocol == Protocol::Udp && host.address == target;
            if let Some(host) = self.hosts[who].iter().find(here) {
                let datagram =
                    Datagram { path: host.to(from), ecn: Ecn::NotEct, data: BytesMut::from(&data[..]) };
                self.hand_over(who, datagram);
            }
        }
    }

    fn next(&self) -> Option<Instant> {
        let timers = self.peers.iter().map(Transport::poll_timeout);
        earliest(timers.chain([self.flying.keys().next().map(|&(at, _)| at)]))
    }

    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        let mut steps = 0;
        while let Some(next) = self.next().filter(|&next| next <= end) {
            steps += 1;
            assert!(steps < 200_000, "busy with nothing");
            self.now = self.now.max(next);
            while let Some((&key, _)) = self.flying.iter().next().filter(|((at, _), _)| *at <= self.now) {
                let packet = self.flying.remove(&key).unwrap();
                self.deliver(packet);
            }
            for peer in &mut self.peers {
                if peer.poll_timeout().is_some_and(|at| at <= self.now) {
                    peer.handle_timeout(self.now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    /// One sealed packet from `who` to the other.
    pub fn send(&mut self, who: usize, packet: &[u8]) {
        let path = self.peers[who].send_path().expect("a path").path;
        let mut out = Vec::new();
        let record = self.peers[who].begin_record(&mut out).expect("a connection");
        out.extend_from_slice(packet);
        self.peers[who].finish_record(record, &mut out).unwrap();
        self.leave(path, out);
    }

    /// What was said of a server that gave nothing, first of all.
    pub fn error(&self, who: usize) -> Option<CandidateError> {
        self.events[who].iter().find_map(|event| match event {
            Event::CandidateError(error) => Some(CandidateError::clone(error)),
            _ => None,
        })
    }

    /// Packets of various sizes go each way, and arrive in their order.
    pub fn exchange(&mut self) {
        for who in [LEFT, RIGHT] {
            let before = self.received[1 - who].len();
            for size in [1, 2, 3, 4, 997] {
                self.send(who, &vec![7; size]);
            }
            self.run_for(ms(200));
            let sizes: Vec<_> = self.received[1 - who][before..].iter().map(Vec::len).collect();
            assert_eq!(sizes, [1, 2, 3, 4, 997], "{who}");
        }
    }

    pub fn connected(&self) -> bool {
        self.peers.iter().all(|peer| peer.dtls_state() == DtlsTransportState::Connected)
    }

    pub fn candidates(&self, who: usize) -> Vec<Candidate> {
        let candidates = self.events[who].iter().filter_map(|event| match event {
            Event::LocalCandidate(candidate) => Some(Candidate::clone(candidate)),
            _ => None,
        });
        candidates.collect()
    }
}
