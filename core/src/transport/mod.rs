//! Floor 2: how bytes reach the peer and come back: ICE, TURN, DTLS and SRTP.
//!
//! A [`Transport`] is one path through the network, found by ICE and secured by DTLS. It knows neither data
//! channels nor media: it hands up plaintext packets and seals those that it is given.
//!
//! Two gates stand here, as types. DTLS is not looked at before ICE vouched for the very path that it came on
//! ([`ice::ValidatedPath`]), and nothing is sealed before the peer's certificate fits its fingerprint (only a
//! connected [`dtls::Connection`] hands out a [`dtls::RecordStart`], or the keys without which there is no
//! [`PacketStart`]).

pub mod demux;
pub mod dtls;
mod embed;
mod event;
mod gather;
pub mod ice;
mod io;
mod lookup;
mod mdns;
mod media;
mod names;
mod record;
mod relay;
mod requests;
mod server;
pub mod sped;
pub mod srtp;
mod streams;
mod stun_client;
#[cfg(test)]
mod tests;
mod traffic;
pub mod turn;

pub use self::event::{
    Event, ExternalAddress, HostAddresses, IceGatheringState, IceTransportPolicy, Inbound, MediaPath,
    SendPath,
};
pub use self::media::PacketStart;
pub use self::record::RecordStart;
pub use self::server::{CandidateError, CandidateSource, IceServer};
pub use self::traffic::PairTraffic;

use self::demux::Kind;
use self::dtls::config::Role;
use self::dtls::{Connection, DtlsTransportState};
use self::embed::Packer;
use self::gather::Gatherer;
use self::ice::{Agent, IceRole, IceTransportState, SelectedPair, ValidatedPath};
use self::mdns::Mdns;
use self::media::Media;
use self::relay::Relays;
use self::requests::Requests;
use self::sped::Embedding;
use self::streams::Streams;
use self::stun_client::StunClient;
use self::traffic::Traffic;
use crate::base::drops::{DropReason, Drops};
use crate::base::net::{Datagram, Path, Protocol, Transmit};
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::CryptoProvider;
use crate::wire::candidate::{Candidate, CandidateAddress, Credentials};
use crate::wire::fingerprint::Fingerprint;
use crate::wire::stun::Message;
use bytes::BytesMut;
use std::net::SocketAddr;
use std::time::Duration;

/// DTLS datagrams that may wait for our role to be known: a ClientHello in fragments fits.
const MAX_EARLY: usize = 4;
/// Bytes that they may hold.
const MAX_EARLY_BYTES: usize = 8 * 1024;

/// What a transport is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Timings and caps of ICE.
    pub ice: ice::Config,
    /// Certificate, cryptography and timings of DTLS.
    pub dtls: dtls::config::Config,
    /// Whether the handshake of DTLS may go inside of ICE's checks ([`sped`]). Default no, in owners that have a default: it
    /// takes a round trip off, is a draft, and makes the first checks as large as a handshake's first flight.
    pub sped: bool,
}

/// One path through the network, found by ICE and secured by DTLS.
#[derive(Debug)]
pub struct Transport {
    agent: Agent,
    dtls: Dtls,
    media: Media,
    sped: Embedding,
    gatherer: Gatherer,
    stun: StunClient,
    relays: Relays,
    streams: Streams,
    requests: Requests,
    mdns: Mdns,
    gathering_patience: Duration,
    ownership: Ownership,
    /// What to say to TURN servers, last of all, when the owner closes.
    farewell: Farewell,
    crypto: CryptoProvider,
    rng: Rng,
    /// The largest datagram to send, in bytes of UDP payload.
    mtu: usize,
    events: Queue<Event>,
    traffic: Traffic,
    drops: Drops,
    /// Where one datagram's records are collected; empty between calls.
    opened: Vec<BytesMut>,
}

/// Whose our sockets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    Own,
    Shared,
}

/// When allocations are given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    NotYet,
    /// After everything that has to go through them.
    WhenQuiet,
}

/// The secured half.
#[derive(Debug)]
enum Dtls {
    /// Our role is not known, so what comes waits.
    RoleUnknown { config: Box<dtls::config::Config>, rng: Rng, early: Vec<BytesMut> },
    /// The role is known; the handshake begins with the first valid pair.
    Ready(Box<Connection>),
}

impl Transport {
    /// A transport that does nothing yet but has credentials to signal.
    #[must_use]
    pub fn new(config: Config, crypto: &CryptoProvider, rng: &mut Rng) -> Self {
        let Config { ice, dtls, sped } = config;
        let mtu = dtls.mtu;
        let gathering_patience = ice.gathering_patience;
        Self {
            agent: Agent::new(ice, crypto.hmac, rng.fork()),
            dtls: Dtls::RoleUnknown { config: Box::new(dtls), rng: rng.fork(), early: Vec::new() },
            media: Media::Absent,
            sped: if sped { Embedding::new() } else { Embedding::off() },
            gatherer: Gatherer::new(),
            stun: StunClient::new(gathering_patience, rng.fork()),
            relays: Relays::default(),
            streams: Streams::default(),
            requests: Requests::default(),
            mdns: Mdns::new(rng.fork()),
            gathering_patience,
            ownership: Ownership::Own,
            farewell: Farewell::NotYet,
            crypto: *crypto,
            rng: rng.fork(),
            mtu,
            events: Queue::default(),
            traffic: Traffic::default(),
            drops: Drops::default(),
            opened: Vec::new(),
        }
    }

    /// The credentials to signal.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        self.agent.local_credentials()
    }

    /// The credentials that the next [`restart`](Self::restart) will use, for an offer or answer that is yet to be
    /// applied.
    pub fn prepare_restart(&mut self) -> &Credentials {
        self.agent.prepare_restart()
    }

    /// Has the next [`restart`](Self::restart) use the credentials of another component.
    pub fn prepare_restart_with(&mut self, credentials: Credentials) {
        self.agent.prepare_restart_with(credentials);
    }

    /// Restarts ICE (RFC 8445 §9): new credentials, which come back, and then, with [`gather`](Self::gather), new
    /// candidates. Data goes on along the pair in use until a new one is selected.
    pub fn restart(&mut self, now: Instant) -> &Credentials {
        self.gatherer.restart();
        self.traffic.restart();
        self.agent.restart(now);
        self.advance(now);
        self.agent.local_credentials()
    }

    /// Takes a restart back that the peer has not joined (its offer was rolled back).
    pub fn cancel_restart(&mut self, now: Instant) {
        if self.agent.cancel_restart(now) {
            if self.gatherer.state() == IceGatheringState::Gathering {
                self.events.push(Event::GatheringStateChange(IceGatheringState::Complete));
            }
            self.gatherer.cancel_restart();
        }
        self.advance(now);
    }

    /// Other transports use the same sockets: what a TURN server knows of them may be another's.
    pub fn share_sockets(&mut self) {
        self.ownership = Ownership::Shared;
    }

    /// Whether both sides have said `a=ice-options:renomination`.
    pub const fn set_renomination(&mut self, renomination: bool) {
        self.agent.set_renomination(renomination);
    }

    /// Takes our ICE role.
    pub fn set_ice_role(&mut self, now: Instant, role: IceRole) {
        self.agent.set_role(now, role);
        self.advance(now);
    }

    /// Takes the peer's ICE credentials. Others than before mean that the peer restarts, and so do we, unless we
    /// have ([`restart`](Self::restart)).
    pub fn set_remote_credentials(&mut self, now: Instant, credentials: Credentials) {
        let known = self.agent.remote_credentials();
        if known.is_some_and(|known| *known != credentials) {
            self.gatherer.restart();
            self.traffic.restart();
            self.forget_names();
        }
        self.agent.set_remote_credentials(now, credentials);
        self.advance(now);
    }

    /// Takes a candidate of the peer.
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: &Candidate) {
        match &candidate.address {
            CandidateAddress::Name(name) => self.resolve_candidate(now, name, candidate),
            CandidateAddress::Ip(ip) => {
                self.agent.add_remote_candidate(now, candidate);
                self.permit(now, SocketAddr::new(*ip, candidate.port));
            }
        }
        self.advance(now);
    }

    /// The peer has no further candidates.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        self.agent.end_of_remote_candidates(now);
        self.advance(now);
    }

    /// Takes our DTLS role and what the peer's certificate must hash to. The first call decides.
    pub fn start_dtls(&mut self, now: Instant, role: Role, fingerprints: Vec<Fingerprint>) {
        let Dtls::RoleUnknown { config, rng, early } = &mut self.dtls else { return };
        let mut connection = Box::new(Connection::new((**config).clone(), role, rng.fork()));
        connection.set_remote_fingerprints(now, fingerprints, &mut self.opened);
        let early = std::mem::take(early);
        self.dtls = Dtls::Ready(connection);
        for datagram in early {
            // Before the handshake nothing can be application data.
            self.open(now, datagram, &mut Vec::new());
        }
        self.advance(now);
    }

    /// Takes a datagram; the packets inside are appended to `received`.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram, received: &mut Vec<Inbound>) {
        let Datagram { path, ecn: _, data } = datagram;
        if self.mdns.owns(&path) {
            self.mdns.handle_datagram(now, path, &data, &mut self.drops);
            return self.advance(now);
        }
        match path.protocol {
            Protocol::Udp => self.handle_message(now, path, data, received),
            Protocol::Tcp => self.handle_piece(now, path, data, received),
        }
    }

    /// Takes what one datagram carries, or as much of a stream.
    fn handle_message(&mut self, now: Instant, path: Path, data: BytesMut, received: &mut Vec<Inbound>) {
        let Some((path, data)) = self.unwrap(now, path, data) else { return self.advance(now) };
        let Some(&first) = data.first() else { return self.drops.count(DropReason::Empty) };
        match demux::kind(first) {
            Kind::Stun if self.takes_answer(path, &data) => {}
            Kind::Stun => {
                if let Some(authentic) = self.agent.handle_stun(now, path, &data) {
                    self.unpack(now, authentic, path, &data, received);
                }
            }
            Kind::Dtls => match self.agent.validated(&path) {
                // What came inside of a check is not looked at again.
                Some(_) if !self.sped.note(&data) => self.drops.count(DropReason::DtlsReplay),
                Some(validated) => {
                    self.traffic.arrive(path);
                    return self.handle_dtls(now, validated, data, received);
                }
                None => self.drops.count(DropReason::UnvalidatedSource),
            },
            // Nothing follows from media but media.
            Kind::Rtp => return self.handle_media(&path, data, received),
            Kind::TurnChannel | Kind::Unknown => self.drops.count(DropReason::UnknownProtocol),
        }
        self.advance(now);
    }

    /// Whether it is a server's answer to a question of ours.
    fn takes_answer(&mut self, path: Path, data: &[u8]) -> bool {
        // In most connections, at most times, no server is asked anything.
        !self.stun.is_done_with(|_| true)
            && Message::parse(data).is_ok_and(|message| self.stun.handle(path, &message))
    }

    fn handle_dtls(
        &mut self,
        now: Instant,
        _gate: ValidatedPath,
        data: BytesMut,
        received: &mut Vec<Inbound>,
    ) {
        if let Dtls::RoleUnknown { early, .. } = &mut self.dtls {
            let held: usize = early.iter().map(BytesMut::len).sum();
            if early.len() >= MAX_EARLY || held + data.len() > MAX_EARLY_BYTES {
                return self.drops.count(DropReason::DtlsBuffered);
            }
            return early.push(data);
        }
        self.open(now, data, received);
    }

    fn open(&mut self, now: Instant, data: BytesMut, received: &mut Vec<Inbound>) {
        if let Dtls::Ready(connection) = &mut self.dtls {
            connection.handle_datagram(now, data, &mut self.opened);
            if !self.opened.is_empty() {
                self.sped.peer_is_complete();
            }
            received.extend(self.opened.drain(..).map(Inbound::Sctp));
            self.collect_dtls();
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        self.stun.handle_timeout(now);
        self.give_up_lookups(now);
        self.mdns.handle_timeout(now);
        self.relays.all.iter_mut().for_each(|relay| relay.client.handle_timeout(now));
        self.tidy_streams(now);
        if let Dtls::Ready(connection) = &mut self.dtls {
            connection.handle_timeout(now);
        }
        self.advance(now);
    }

    /// Moves values between the parts: what ICE found out starts DTLS, and both go up as events.
    fn advance(&mut self, now: Instant) {
        self.collect_names(now);
        self.collect_relays(now);
        self.collect_candidates(now);
        while let Some(event) = self.agent.poll_event() {
            match event {
                ice::Event::StateChange(state) => self.events.push(Event::IceStateChange(state)),
                ice::Event::SelectedPairChange => {
                    if let Dtls::Ready(connection) = &mut self.dtls {
                        connection.change_path();
                    }
                    self.traffic.switch();
                    self.events.push(Event::SelectedPairChange);
                }
                ice::Event::Connect { pair, from, to } => self.connect_pair(pair, from, to),
                _ => {}
            }
        }
        if let (Dtls::Ready(connection), Some(rtt)) = (&mut self.dtls, self.agent.rtt()) {
            connection.set_rtt(rtt);
            if self.agent.has_lost() {
                connection.note_loss();
            }
        }
        // DTLS begins on the first pair that works, not on the nominated one; inside of checks it needs none.
        if let Dtls::Ready(connection) = &mut self.dtls
            && connection.state() == DtlsTransportState::New
            && (self.agent.send_path().is_some() || self.sped.is_on())
        {
            connection.start(now);
        }
        self.collect_dtls();
    }

    fn collect_dtls(&mut self) {
        while let Dtls::Ready(connection) = &mut self.dtls
            && let Some(event) = connection.poll_event()
        {
            let state = match event {
                dtls::Event::Connecting => DtlsTransportState::Connecting,
                dtls::Event::Connected(_) => DtlsTransportState::Connected,
                dtls::Event::Closed => DtlsTransportState::Closed,
                dtls::Event::Failed(_) => DtlsTransportState::Failed,
            };
            self.events.push(Event::DtlsStateChange(state));
            match state {
                DtlsTransportState::Connected => self.sped.complete(),
                DtlsTransportState::Closed | DtlsTransportState::Failed => self.sped.end(),
                DtlsTransportState::New | DtlsTransportState::Connecting => {}
            }
            self.end_embedding_if_over();
            self.secure_media();
        }
    }

    /// Appends one datagram of ICE, of a server's or of the handshake to `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let start = out.len();
        loop {
            if let Some(transmit) = self.poll_relays(now, out) {
                return Some(transmit);
            }
            match self.poll_parts(now, out) {
                Some(transmit) => match self.wrap(now, transmit, start, out) {
                    Some(transmit) => return Some(transmit),
                    None => continue,
                },
                None if self.farewell == Farewell::WhenQuiet => {
                    self.farewell = Farewell::NotYet;
                    self.relays.all.iter_mut().for_each(|relay| relay.client.close(now));
                }
                None => return None,
            }
        }
    }

    /// What has a path of its own, be it through a relay.
    fn poll_parts(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.load_flight(now);
        let sent = self.agent.poll_transmit_with(now, out, &mut Packer(&mut self.sped));
        let sent = sent.or_else(|| self.stun.poll_transmit(out)).or_else(|| self.mdns.poll_transmit(out));
        sent.or_else(|| self.poll_handshake(now, out))
    }

    /// Says goodbye to the peer; what has to be sent comes out of [`poll_transmit`](Self::poll_transmit) until
    /// [`shut_down`](Self::shut_down) is called.
    pub fn close(&mut self, now: Instant) {
        if let Dtls::Ready(connection) = &mut self.dtls {
            connection.close(now);
        }
        self.farewell = Farewell::WhenQuiet;
    }

    /// Stops answering and sending anything.
    pub fn shut_down(&mut self) {
        self.agent.close();
        self.stun.forget(|_| true);
        self.mdns.close();
        self.remove_relays(|_| true);
        let streams: Vec<_> = self.streams.drain().map(|stream| stream.name).collect();
        streams.into_iter().for_each(|name| self.requests.close(name));
        self.requests.only_closing();
        self.events.clear();
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = match &self.dtls {
            Dtls::Ready(connection) => connection.poll_timeout(),
            Dtls::RoleUnknown { .. } => None,
        };
        let relays = self.relays.all.iter().map(|relay| relay.client.poll_timeout());
        let own = [self.agent.poll_timeout(), dtls, self.stun.poll_timeout(), self.mdns.poll_timeout()];
        let io = [self.gatherer.lookups.deadline(), self.streams.deadline()];
        earliest(relays.chain(own).chain(io))
    }

    /// The ICE state.
    #[must_use]
    pub fn ice_state(&self) -> IceTransportState {
        self.agent.state()
    }

    /// The ICE agent, for what it knows about candidates and pairs.
    #[must_use]
    pub const fn ice(&self) -> &Agent {
        &self.agent
    }

    /// The DTLS connection, once our role is known.
    #[must_use]
    pub fn dtls(&self) -> Option<&Connection> {
        match &self.dtls {
            Dtls::Ready(connection) => Some(connection),
            Dtls::RoleUnknown { .. } => None,
        }
    }

    /// The DTLS state.
    #[must_use]
    pub fn dtls_state(&self) -> DtlsTransportState {
        self.dtls().map_or(DtlsTransportState::New, Connection::state)
    }

    /// How far gathering is.
    #[must_use]
    pub const fn gathering_state(&self) -> IceGatheringState {
        self.gatherer.state()
    }

    /// The pair that carries the data.
    #[must_use]
    pub fn selected_pair(&self) -> Option<SelectedPair> {
        self.agent.selected()
    }

    /// Whether ICE authenticated this path.
    #[must_use]
    pub fn is_validated(&self, path: &Path) -> bool {
        self.agent.validated(path).is_some()
    }

    /// What was refused here and below.
    #[must_use]
    pub fn drops(&self) -> Drops {
        let mut drops = self.drops.clone();
        drops.merge(self.agent.drops());
        self.relays.all.iter().for_each(|relay| drops.merge(relay.client.drops()));
        if let Some(connection) = self.dtls() {
            drops.merge(connection.drops());
        }
        if let Media::Ready(secured) = &self.media {
            drops.merge(secured.receiver.drops());
        }
        drops
    }
}
