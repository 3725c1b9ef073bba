//! Where our candidates come from: the addresses of this host, and what servers make of them.
//!
//! Host candidates are there at once. Server-reflexive and relayed ones come as servers answer; one that does not answer
//! delays nothing but the end of gathering, by [`Config::gathering_patience`](super::ice::Config).

use crate::base::net::{LocalAddress, Protocol};
use crate::base::time::Instant;
use crate::transport::Transport;
use crate::transport::event::{Event, ExternalAddress, HostAddresses, IceGatheringState, IceTransportPolicy};
use crate::transport::lookup::Lookups;
use crate::transport::server::{CandidateError, CandidateSource, IceServer, MAX_SERVERS};
use crate::transport::stun_client::{Outcome, Question};
use crate::wire::candidate::Candidate;
use crate::wire::server_url::{ServerKind, ServerTransport};
use std::net::{IpAddr, SocketAddr};

/// More addresses than a host has interfaces.
const MAX_ADDRESSES: usize = 64;

/// Addresses that the driver named, and how far gathering is.
#[derive(Debug)]
pub(super) struct Gatherer {
    addresses: Vec<LocalAddress>,
    /// Those of this generation, and those of the next.
    pub(super) servers: Vec<IceServer>,
    pub(super) lookups: Lookups,
    next_servers: Vec<IceServer>,
    /// The policy of the next generation, and that of this one.
    next_policy: IceTransportPolicy,
    pub(super) policy: IceTransportPolicy,
    /// How the world sees addresses of this host, where the application knows.
    pub(super) external: Vec<ExternalAddress>,
    /// Gathering was begun by the pool: nobody is told before it is asked for.
    quiet: bool,
    /// How candidates show the addresses of this host.
    pub(super) host_addresses: HostAddresses,
    /// Which server an address of ours was learnt from.
    sources: Vec<(SocketAddr, CandidateSource)>,
    /// Servers that an answer came from in this generation, by their place.
    heard: Vec<usize>,
    phase: Phase,
}

/// How far gathering is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Gathering,
    Complete,
    /// Complete, and a restart wants it done again.
    Again,
}

impl Gatherer {
    pub(super) fn new() -> Self {
        Self {
            addresses: Vec::new(),
            servers: Vec::new(),
            lookups: Lookups::default(),
            next_servers: Vec::new(),
            policy: IceTransportPolicy::All,
            next_policy: IceTransportPolicy::All,
            external: Vec::new(),
            quiet: false,
            host_addresses: HostAddresses::Shown,
            sources: Vec::new(),
            heard: Vec::new(),
            phase: Phase::New,
        }
    }

    pub(super) const fn state(&self) -> IceGatheringState {
        match self.phase {
            _ if self.quiet => IceGatheringState::New,
            Phase::New => IceGatheringState::New,
            Phase::Gathering => IceGatheringState::Gathering,
            Phase::Complete | Phase::Again => IceGatheringState::Complete,
        }
    }

    /// Notes `address`; `true` when it became a candidate right now, because gathering has begun.
    pub(super) fn add(&mut self, address: LocalAddress) -> bool {
        let wildcard = address.address.ip().is_unspecified() || address.address.port() == 0;
        if wildcard || self.addresses.len() >= MAX_ADDRESSES || self.addresses.contains(&address) {
            return false;
        }
        self.addresses.push(address);
        // What the pool was done with has to be done for this one, too.
        if self.quiet && self.phase == Phase::Complete {
            self.phase = Phase::Gathering;
        }
        matches!(self.phase, Phase::Gathering | Phase::Complete)
    }

    /// The policy that the application asked for last.
    pub(super) const fn wanted_policy(&self) -> IceTransportPolicy {
        self.next_policy
    }

    /// Forgets `address`.
    pub(super) fn remove(&mut self, address: LocalAddress) {
        self.addresses.retain(|known| *known != address);
    }

    /// Begins; the addresses known so far come back. `None` when it has begun before, in this generation.
    pub(super) fn begin(&mut self) -> Option<Vec<LocalAddress>> {
        matches!(self.phase, Phase::New | Phase::Again).then(|| {
            self.phase = Phase::Gathering;
            self.heard.clear();
            self.sources.clear();
            self.servers.clone_from(&self.next_servers);
            self.policy = self.next_policy;
            self.addresses.clone()
        })
    }

    /// A server answered, whatever it said.
    pub(super) fn hear(&mut self, server: Option<usize>) {
        self.heard.extend(server);
    }

    /// Whether it did, in this generation.
    pub(super) fn heard_of(&self, server: usize) -> bool {
        self.heard.contains(&server)
    }

    /// Whether the policy lets this address be used: where only the default route is, the first of its family.
    fn is_on_route(&self, address: LocalAddress) -> bool {
        let family = address.address.is_ipv4();
        let first = self.addresses.iter().find(|other| other.address.is_ipv4() == family);
        match self.host_addresses {
            HostAddresses::Shown | HostAddresses::Named => true,
            // A listener at the same address is no other route.
            HostAddresses::DefaultRoute | HostAddresses::Hidden => {
                first.is_none_or(|first| first.address.ip() == address.address.ip())
            }
        }
    }

    /// The addresses that may be used.
    fn on_route(&self) -> Vec<LocalAddress> {
        self.addresses.iter().copied().filter(|address| self.is_on_route(*address)).collect()
    }

    fn is_first_of_its_ip(&self, address: LocalAddress) -> bool {
        let ip = address.address.ip();
        self.addresses.iter().find(|other| other.address.ip() == ip) == Some(&address)
    }

    /// Notes that `address` was learnt from a server, by a relay over `relay` if it is one.
    pub(super) fn credit(&mut self, address: SocketAddr, place: usize, relay: Option<ServerTransport>) {
        let known = self.sources.iter().any(|(known, _)| *known == address);
        if let Some(server) = self.servers.get(place).filter(|_| !known) {
            self.sources.push((address, CandidateSource { url: server.url.clone(), relay_protocol: relay }));
        }
    }

    /// Nothing is outstanding any more.
    pub(super) const fn complete(&mut self) {
        self.phase = Phase::Complete;
    }

    /// The generation before is in use again, and what it had gathered with it.
    pub(super) fn cancel_restart(&mut self) {
        if self.phase != Phase::New {
            self.phase = Phase::Complete;
        }
    }

    /// A new generation has to gather anew, once it is told to begin.
    pub(super) fn restart(&mut self) {
        if self.phase != Phase::New {
            self.phase = Phase::Again;
        }
    }
}

impl Transport {
    /// Takes the servers to gather candidates from, in place of those before. They count from the next generation
    /// on (W3C WebRTC §4.4.1.6); of more than 32 the rest is left out.
    pub fn set_ice_servers(&mut self, mut servers: Vec<IceServer>) {
        servers.truncate(MAX_SERVERS);
        self.gatherer.next_servers = servers;
    }

    /// Takes the policy. It counts from the next generation on (W3C WebRTC §4.4.1.6); so far it is
    /// [`All`](IceTransportPolicy::All). The pair in use stays until that generation has one.
    pub fn set_ice_transport_policy(&mut self, policy: IceTransportPolicy) {
        self.gatherer.next_policy = policy;
    }

    /// Lets `address` be used; it becomes a candidate when gathering begins, or now if it has begun.
    pub fn add_local_address(&mut self, now: Instant, address: LocalAddress) {
        if self.gatherer.add(address) {
            self.surface(now, address);
            self.advance(now);
        }
    }

    /// Takes `address` away: its network is gone. Data that went that way takes another one that works, if there is
    /// one; otherwise an address that is added later, or a restart, may bring it back.
    pub fn remove_local_address(&mut self, now: Instant, address: LocalAddress) {
        self.gatherer.remove(address);
        self.stun.forget(|question| question.base == address);
        let ip = address.address.ip();
        if !self.gatherer.addresses.iter().any(|other| other.address.ip() == ip) {
            self.mdns.forget_ip(ip);
        }
        self.agent.remove_local_address(now, address);
        self.lose_relays(now, address);
        self.advance(now);
    }

    /// Begins gathering, once in each generation.
    pub fn gather(&mut self, now: Instant) {
        if std::mem::take(&mut self.gatherer.quiet) {
            // What the pool has was told of as it came; how far it is, is told now.
            self.events.push(Event::GatheringStateChange(IceGatheringState::Gathering));
            if self.gatherer.phase == Phase::Complete {
                self.events.push(Event::GatheringStateChange(IceGatheringState::Complete));
            }
        } else {
            self.begin_gathering(now);
        }
    }

    /// Begins gathering for the first generation before it is asked for (`iceCandidatePoolSize`). Addresses that come
    /// later are gathered from as they come; state changes are told when [`gather`](Self::gather) is called.
    pub fn fill_pool(&mut self, now: Instant) {
        if self.gatherer.phase == Phase::New {
            self.gatherer.quiet = true;
            self.begin_gathering(now);
        }
    }

    fn begin_gathering(&mut self, now: Instant) {
        let Some(addresses) = self.gatherer.begin() else { return };
        self.stun.forget(|_| true);
        self.disown_relays();
        self.agent.set_relayed_only(self.gatherer.policy == IceTransportPolicy::Relay);
        if !self.gatherer.quiet {
            self.events.push(Event::GatheringStateChange(IceGatheringState::Gathering));
        }
        self.look_up_servers(now);
        self.refuse_servers();
        addresses.into_iter().for_each(|address| self.surface(now, address));
        self.advance(now);
    }

    /// Where the world sees an address of this host as another one beside it, that is a candidate, too.
    fn say_external(&mut self, now: Instant, address: LocalAddress) {
        let beside = |e: &&ExternalAddress| e.internal == address.address.ip() && !e.replaces_host;
        let Some(external) = self.gatherer.external.iter().find(beside).map(|e| e.external) else { return };
        let mapped = SocketAddr::new(external, address.address.port());
        let candidate = self.agent.add_reflexive(now, address, mapped, external);
        self.say_candidate(candidate);
    }

    fn surface(&mut self, now: Instant, address: LocalAddress) {
        if !self.gatherer.is_on_route(address) {
            return;
        }
        if self.gatherer.policy != IceTransportPolicy::Relay {
            let fresh = self.agent.add_local_address(now, address);
            // After a restart the address is known and its candidate is signalled again, in the new generation.
            let Some(candidate) = fresh.or_else(|| self.agent.host_candidate(address)) else { return };
            self.say_candidate(Some(candidate));
            let both = self.agent.simultaneous_candidate(address);
            self.say_candidate(both);
            self.say_external(now, address);
        }
        for place in 0..self.gatherer.servers.len() {
            self.ask_server_from(now, address, place);
        }
    }

    /// Asks a server from all addresses.
    pub(super) fn ask_server(&mut self, now: Instant, place: usize) {
        for address in self.gatherer.on_route() {
            self.ask_server_from(now, address, place);
        }
    }

    /// Asks a server what it is there for, as far as it is known where it is.
    fn ask_server_from(&mut self, now: Instant, base: LocalAddress, place: usize) {
        // RFC 8445 §5.2: a lite agent has host candidates alone.
        if self.agent.is_lite() {
            return;
        }
        let IceServer { at, .. } = &self.gatherer.servers[place];
        let (kind, transport) = (at.kind, at.transport);
        let mut addresses = self.gatherer.lookups.addresses(at);
        addresses.retain(|server| may_ask(base.address.ip(), server.ip()));
        // A stream begins at a port of its own: from all sockets of an address it is the same.
        let asks = match transport {
            ServerTransport::Udp => base.protocol == Protocol::Udp,
            ServerTransport::Tcp | ServerTransport::Tls => self.gatherer.is_first_of_its_ip(base),
        };
        if !asks {
            return;
        }
        // A TURN server answers Binding requests, too.
        if transport == ServerTransport::Udp && self.gatherer.policy != IceTransportPolicy::Relay {
            for &address in &addresses {
                self.stun.ask(now, Question { base, server: place, address });
            }
        }
        if kind == ServerKind::Turn {
            self.ask_relay(now, base, place, &addresses);
        }
    }

    /// Says of `stuns:` servers that they are of no use: over a stream a server sees a port of that stream, and nobody can
    /// reach us there.
    fn refuse_servers(&mut self) {
        for place in 0..self.gatherer.servers.len() {
            let server = &self.gatherer.servers[place].at;
            if server.kind == ServerKind::Stun && server.transport != ServerTransport::Udp {
                let text = "a server that is asked over a stream cannot tell how datagrams look".to_owned();
                self.report(None, place, CandidateError::UNREACHABLE, text);
            }
        }
    }

    /// Takes what servers said, and ends gathering when all have been heard or given up.
    pub(super) fn collect_candidates(&mut self, now: Instant) {
        while let Some(outcome) = self.stun.poll_outcome() {
            match outcome {
                Outcome::Mapped(Question { base, server, address }, mapped) => {
                    self.gatherer.hear(Some(server));
                    self.gatherer.credit(mapped, server, None);
                    let candidate = self.agent.add_reflexive(now, base, mapped, address.ip());
                    self.say_candidate(candidate);
                }
                Outcome::Refused(question, code, text) => {
                    self.gatherer.hear(Some(question.server));
                    self.report(Some(question.base.address), question.server, code, text);
                }
                Outcome::Silence(question) => {
                    let why = "the server did not answer".to_owned();
                    self.was_silent(question.base, question.server, why);
                }
            }
        }
        let lookups = self.gatherer.lookups.is_done();
        let outstanding = !lookups || !self.stun.is_done_with(|_| true) || self.awaits_relay(None);
        if self.gatherer.phase == Phase::Gathering && !outstanding {
            self.gatherer.complete();
            self.agent.end_of_local_candidates(now);
            if !self.gatherer.quiet {
                self.events.push(Event::GatheringStateChange(IceGatheringState::Complete));
            }
        }
    }

    /// Where a candidate of ours was learnt, if a server told of it (W3C `RTCLocalIceCandidateInit`).
    #[must_use]
    pub fn candidate_source(&self, candidate: &Candidate) -> Option<&CandidateSource> {
        let address = SocketAddr::new(candidate.address.ip()?, candidate.port);
        self.gatherer.sources.iter().find(|(known, _)| *known == address).map(|(_, source)| source)
    }

    /// Whether a listener of ours is at `address`, for this generation's peer to connect to.
    pub(super) fn listens_at(&self, address: SocketAddr) -> bool {
        let here = |local: &LocalAddress| local.protocol == Protocol::Tcp && local.address == address;
        self.gatherer.policy != IceTransportPolicy::Relay && self.gatherer.addresses.iter().any(here)
    }

    /// Has a candidate of ours signalled, as the policy allows.
    pub(super) fn say_candidate(&mut self, candidate: Option<Candidate>) {
        let shown = candidate.and_then(|candidate| self.disguise(candidate));
        self.events.extend(shown.map(|candidate| Event::LocalCandidate(Box::new(candidate))));
    }

    pub(super) fn report(&mut self, base: Option<SocketAddr>, server: usize, code: u16, text: String) {
        let Some(IceServer { url, .. }) = self.gatherer.servers.get(server) else { return };
        // W3C WebRTC §4.8.2: an address that no candidate shows is not shown here, either.
        let shown = self.gatherer.policy == IceTransportPolicy::All
            && matches!(self.gatherer.host_addresses, HostAddresses::Shown | HostAddresses::DefaultRoute);
        let address = base.filter(|_| shown);
        let error = CandidateError { address, url: url.clone(), code, text };
        self.events.push(Event::CandidateError(Box::new(error)));
    }
}

/// Whether a server can be asked from here: same family, and not from an address that leads nowhere else.
fn may_ask(from: IpAddr, server: IpAddr) -> bool {
    let confined = match from {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    from.is_ipv4() == server.is_ipv4() && !confined && (!from.is_loopback() || server.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Gatherer;
    use crate::base::net::{LocalAddress, SocketId};
    use crate::transport::event::IceGatheringState;

    #[test]
    fn addresses_wait_for_the_beginning_and_count_once() {
        let address = |text: &str| LocalAddress::udp(SocketId(0), text.parse().unwrap());
        let mut gatherer = Gatherer::new();
        assert!(!gatherer.add(address("192.0.2.1:1")));
        assert!(!gatherer.add(address("192.0.2.1:1")));
        assert!(!gatherer.add(address("0.0.0.0:1")));
        assert_eq!(gatherer.begin(), Some(vec![address("192.0.2.1:1")]));
        assert_eq!(gatherer.begin(), None);
        assert!(gatherer.add(address("[2001:db8::1]:1")));
        gatherer.complete();
        gatherer.restart();
        assert_eq!(gatherer.state(), IceGatheringState::Complete);
        assert!(!gatherer.add(address("192.0.2.3:1")));
        assert_eq!(gatherer.begin().map(|all| all.len()), Some(3));
        assert_eq!(gatherer.state(), IceGatheringState::Gathering);
    }
}
