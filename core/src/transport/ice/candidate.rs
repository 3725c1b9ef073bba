//! Candidates of both sides: priorities, foundations, and which addresses make a candidate at all.

use crate::base::drops::DropReason;
use crate::base::net::{LocalAddress, Path, Protocol};
use crate::transport::ice::tcp::{active_base, leaves_from};
use crate::wire::candidate::{
    Candidate, CandidateAddress, CandidateExtensions, CandidateProtocol, CandidateType, TcpType,
};
use std::mem;
use std::net::{IpAddr, SocketAddr};

/// Names candidates that are alike (RFC 8445 §5.1.1.3); only equality matters.
pub(super) type Foundation = u16;

/// A candidate of ours.
#[derive(Clone, Debug)]
pub(super) struct LocalCandidate {
    /// How it was learnt.
    pub kind: CandidateType,
    /// Where it is sent from: itself for a host candidate.
    pub base: LocalAddress,
    /// How it looks from outside.
    pub address: SocketAddr,
    pub priority: u32,
    pub foundation: Foundation,
    /// The server that told of it.
    pub server: Option<IpAddr>,
    /// Of a relayed candidate: how its server sees this host.
    pub mapped: Option<SocketAddr>,
    /// Of a TCP candidate: who opens its streams.
    pub tcp: Option<TcpType>,
    /// Its network is gone: it keeps its place and nothing else.
    pub gone: bool,
}

/// A candidate of the peer.
#[derive(Clone, Debug)]
pub(super) struct RemoteCandidate {
    pub address: SocketAddr,
    pub protocol: Protocol,
    pub priority: u32,
    pub foundation: Foundation,
    /// As it was signalled; `None` while it is known from checks alone.
    pub signalled: Option<Box<Candidate>>,
}

impl RemoteCandidate {
    /// As text has it.
    pub fn describe(&self, component: u16) -> Candidate {
        let Self { address, protocol, priority, foundation, ref signalled } = *self;
        match signalled {
            Some(candidate) => Candidate::clone(candidate),
            None => {
                let foundation = format!("prflx{foundation}");
                // RFC 6544 §7.2: who opened a stream to us is active.
                let tcp = (protocol == Protocol::Tcp).then_some(TcpType::Active);
                Candidate {
                    tcp_type: tcp,
                    component,
                    ..describe(foundation, address, protocol, priority, CandidateType::PeerReflexive)
                }
            }
        }
    }

    /// Whether it waits for streams.
    pub fn is_passive(&self) -> bool {
        self.signalled.as_ref().is_some_and(|c| c.tcp_type == Some(TcpType::Passive))
    }

    pub fn kind(&self) -> CandidateType {
        self.signalled.as_ref().map_or(CandidateType::PeerReflexive, |c| c.kind)
    }
}

/// RFC 8445 §5.1.2.2.
const fn type_preference(kind: CandidateType) -> u32 {
    match kind {
        CandidateType::Host => 126,
        CandidateType::PeerReflexive => 110,
        CandidateType::ServerReflexive => 100,
        CandidateType::Relayed => 0,
    }
}

/// The same for TCP, behind what UDP has: a lost segment holds up all that follow (RFC 6544 §4.2).
const fn tcp_type_preference(kind: CandidateType) -> u32 {
    match kind {
        CandidateType::Host => 90,
        CandidateType::PeerReflexive => 80,
        CandidateType::ServerReflexive => 70,
        CandidateType::Relayed => 0,
    }
}

/// RFC 6544 §4.2: the direction, then the order among candidates of one direction. Active goes through most NATs.
const fn tcp_priority(direction: TcpType, local_preference: u16, component: u16) -> u32 {
    let direction = match direction {
        TcpType::Active => 6,
        TcpType::Passive => 4,
        TcpType::SimultaneousOpen => 2,
    };
    let local = direction << 13 | (local_preference >> 3) as u32;
    tcp_type_preference(CandidateType::Host) << 24 | local << 8 | (256 - component) as u32
}

/// RFC 8445 §5.1.2.1.
const fn priority(kind: CandidateType, local_preference: u16, component: u16) -> u32 {
    type_preference(kind) << 24 | (local_preference as u32) << 8 | (256 - component) as u32
}

/// The priority that a candidate would have were it learnt from a check (RFC 8445 §7.1.1): what stands in
/// PRIORITY, and what a local peer-reflexive candidate gets.
pub(super) const fn as_peer_reflexive(priority: u32, protocol: Protocol) -> u32 {
    let preference = match protocol {
        Protocol::Udp => type_preference(CandidateType::PeerReflexive),
        Protocol::Tcp => tcp_type_preference(CandidateType::PeerReflexive),
    };
    preference << 24 | priority & 0x00FF_FFFF
}

/// Without what does not tell one host from another: flow labels, and scopes where they have no meaning.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            if !v6.ip().is_unicast_link_local() {
                v6.set_scope_id(0);
            }
            SocketAddr::V6(v6)
        }
        v4 @ SocketAddr::V4(_) => v4,
    }
}

/// Candidates are signalled without a scope, so a scope does not make another candidate.
pub(super) fn same_host_and_port(a: SocketAddr, b: SocketAddr) -> bool {
    (a.ip(), a.port()) == (b.ip(), b.port())
}

/// Whether one host can have this address, and be reached at it.
fn is_usable(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) => !ip.is_broadcast(),
        // RFC 8445 §5.1.1.1: neither IPv4-mapped nor IPv4-compatible (which covers `::`).
        IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4().is_none(),
    };
    ip && address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast()
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Whether a candidate that the peer merely named may be checked from `local`.
///
/// A peer does not get to probe what listens on this host's loopback, unless the application put a loopback
/// address up itself. One that proved itself by a check from there is answered in kind: on one host, a check to
/// another of its addresses may well come from loopback.
pub(super) fn may_probe(local: &LocalAddress, remote: SocketAddr) -> bool {
    local.address.ip().is_loopback() || !remote.ip().is_loopback()
}

/// Where `local` would reach `remote`, if the two may make a pair.
pub(super) fn reach(local: &LocalAddress, remote: SocketAddr) -> Option<SocketAddr> {
    let (from, to) = (local.address.ip(), remote.ip());
    // RFC 8445 §6.1.2.2: same family; link-local IPv6 with its like alone.
    let alike = from.is_ipv4() == to.is_ipv4() && is_link_local(from) == is_link_local(to);
    if !alike {
        return None;
    }
    match (local.address, remote) {
        (SocketAddr::V6(from), SocketAddr::V6(mut to)) if is_link_local(from.ip().to_owned().into()) => {
            to.set_scope_id(from.scope_id());
            Some(SocketAddr::V6(to))
        }
        _ => Some(remote),
    }
}

/// The peer's candidates of one generation.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    pub candidates: Vec<RemoteCandidate>,
    foundations: Vec<Box<str>>,
}

/// All candidates of both sides. Places in the two lists are stable within a generation: nothing is taken out.
#[derive(Debug)]
pub(super) struct Candidates {
    /// What they are for; those of the other component are another agent's.
    pub component: u16,
    pub local: Vec<LocalCandidate>,
    pub remote: Vec<RemoteCandidate>,
    /// Foundations of the peer, each at the place that names it here.
    foundations: Vec<Box<str>>,
}

impl Candidates {
    pub const fn new(component: u16) -> Self {
        Self { component, local: Vec::new(), remote: Vec::new(), foundations: Vec::new() }
    }

    /// Adds a host candidate, unless it is there, is no address to be reached at, or is one over `limit`.
    pub fn add_host(&mut self, base: LocalAddress, limit: usize) -> Option<usize> {
        let host = |c: &&mut LocalCandidate| c.base == base && c.kind == CandidateType::Host;
        if let Some(known) = self.local.iter_mut().find(host) {
            return mem::take(&mut known.gone).then(|| self.host(base)).flatten();
        }
        if !is_usable(base.address) || self.local.len() >= limit {
            return None;
        }
        let preference = self.local_preference(base.address.ip());
        let (priority, tcp) = match base.protocol {
            Protocol::Udp => (priority(CandidateType::Host, preference, self.component), None),
            Protocol::Tcp => {
                (tcp_priority(TcpType::Passive, preference, self.component), Some(TcpType::Passive))
            }
        };
        let at = self.push_local(CandidateType::Host, base, base.address, priority);
        self.local[at].tcp = tcp;
        Some(at)
    }

    /// Makes an active candidate of each of our addresses that has none; those that are new.
    pub fn add_active(&mut self, limit: usize) -> Vec<usize> {
        let mut fresh = Vec::new();
        for at in 0..self.local.len() {
            let LocalCandidate { base, kind, gone, tcp, .. } = self.local[at];
            if gone || kind != CandidateType::Host || tcp == Some(TcpType::Active) {
                continue;
            }
            let base = active_base(base);
            match self.local.iter_mut().position(|c| c.base == base && c.kind == CandidateType::Host) {
                Some(known) if !self.local[known].gone => {}
                Some(known) => {
                    self.local[known].gone = false;
                    fresh.push(known);
                }
                None if self.local.len() >= limit => {}
                None => {
                    let preference = self.local_preference(base.address.ip());
                    let priority = tcp_priority(TcpType::Active, preference, self.component);
                    let active = self.push_local(CandidateType::Host, base, base.address, priority);
                    self.local[active].tcp = Some(TcpType::Active);
                    fresh.push(active);
                }
            }
        }
        fresh
    }

    /// Adds what a server saw of the host candidate `base`, unless that is a candidate already (RFC 8445 §5.1.3). One
    /// that checks taught before, or that a generation before had, keeps its place.
    pub fn add_reflexive(
        &mut self,
        base: usize,
        mapped: SocketAddr,
        server: IpAddr,
        limit: usize,
    ) -> Option<usize> {
        let LocalCandidate { base: from, priority: host, .. } = self.local[base];
        let alike = |c: &LocalCandidate| c.base == from && same_host_and_port(c.address, mapped);
        let known = self.local.iter().position(alike);
        let in_use = known
            .is_some_and(|at| !self.local[at].gone && self.local[at].kind != CandidateType::PeerReflexive);
        if in_use || !is_usable(mapped) || known.is_none() && self.local.len() >= limit {
            return None;
        }
        let kind = CandidateType::ServerReflexive;
        let priority = priority(kind, (host >> 8) as u16, self.component);
        let foundation = self.local_foundation(kind, from, Some(server));
        let fresh = LocalCandidate {
            kind,
            base: from,
            address: mapped,
            priority,
            foundation,
            server: Some(server),
            mapped: None,
            tcp: None,
            gone: false,
        };
        match known {
            Some(at) => self.local[at] = fresh,
            None => self.local.push(fresh),
        }
        known.or(Some(self.local.len() - 1))
    }

    /// Adds an address on a TURN server. It is a base of its own (RFC 8445 §5.1.1.2).
    pub fn add_relayed(
        &mut self,
        base: LocalAddress,
        mapped: SocketAddr,
        (server, preference): (IpAddr, u8),
        limit: usize,
    ) -> Option<usize> {
        let known = self.local.iter().any(|c| !c.gone && same_host_and_port(c.address, base.address));
        if known || !is_usable(base.address) || self.local.len() >= limit {
            return None;
        }
        let kind = CandidateType::Relayed;
        let before = self.local.iter().filter(|c| c.kind == kind).count();
        let rank = u16::try_from(2 * before + usize::from(base.address.is_ipv4())).unwrap_or(u16::MAX);
        // RFC 8445 §5.1.2.2 has 0 for all of them; a few above it tell what leads to the server.
        let priority = priority(kind, u16::MAX - rank, self.component) | u32::from(preference) << 24;
        let foundation = self.local_foundation(kind, base, Some(server));
        let (address, server, mapped) = (base.address, Some(server), Some(mapped));
        self.local.reserve_exact(1);
        self.local.push(LocalCandidate {
            kind,
            base,
            address,
            priority,
            foundation,
            server,
            mapped,
            tcp: None,
            gone: false,
        });
        Some(self.local.len() - 1)
    }

    /// A new generation begins: what servers said has to be asked anew.
    pub fn forget_servers(&mut self) {
        self.local
            .iter_mut()
            .filter(|c| c.kind == CandidateType::ServerReflexive)
            .for_each(|c| c.gone = true);
    }

    /// The local candidate that has `mapped` as its address, learnt now if need be (RFC 8445 §7.2.5.3.1). With
    /// the list at its limit the base stands for it.
    pub fn local_seen_as(&mut self, base: usize, mapped: SocketAddr, limit: usize) -> usize {
        let from = self.local[base].base;
        let known = self
            .local
            .iter()
            .position(|c| same_host_and_port(c.address, mapped) && c.base.protocol == from.protocol);
        if let Some(known) = known {
            self.local[known].gone = false;
            return known;
        }
        if self.local.len() >= limit {
            return base;
        }
        let priority = as_peer_reflexive(self.local[base].priority, from.protocol);
        let at = self.push_local(CandidateType::PeerReflexive, from, mapped, priority);
        self.local[at].tcp = self.local[base].tcp;
        at
    }

    /// The host or relayed candidate that a datagram to `base` came to.
    pub fn host(&self, base: LocalAddress) -> Option<usize> {
        self.local.iter().position(|c| {
            matches!(c.kind, CandidateType::Host | CandidateType::Relayed)
                && !c.gone
                && c.base.protocol == base.protocol
                // What a listener accepted has a number of its own.
                && (c.base.socket == base.socket || base.protocol == Protocol::Tcp)
                && same_host_and_port(c.base.address, base.address)
        })
    }

    /// The host or relayed candidate that a datagram along `path` came to: for a stream of ours, the active candidate that
    /// it began at.
    pub fn reached_by(&self, path: &Path) -> Option<usize> {
        let base = LocalAddress { socket: path.socket, protocol: path.protocol, address: path.local };
        let active =
            |c: &LocalCandidate| c.tcp == Some(TcpType::Active) && !c.gone && leaves_from(&c.base, path);
        self.host(base).or_else(|| self.local.iter().position(active))
    }

    /// Takes the host candidate at `address` out of service, and those that are sent from there; its base.
    pub fn retire(&mut self, address: LocalAddress) -> Option<LocalAddress> {
        let base = self.local[self.host(address)?].base;
        self.local.iter_mut().filter(|c| c.base == base).for_each(|c| c.gone = true);
        let active = active_base(base);
        let host = |c: &LocalCandidate| {
            !c.gone
                && c.base != active
                && c.kind == CandidateType::Host
                && c.base.address.ip() == active.address.ip()
        };
        if !self.local.iter().any(host) {
            self.local.iter_mut().filter(|c| c.base == active).for_each(|c| c.gone = true);
        }
        Some(base)
    }

    /// The peer's candidate at `address`.
    pub fn remote_at(&self, address: SocketAddr, protocol: Protocol) -> Option<usize> {
        self.remote.iter().position(|c| c.protocol == protocol && same_host_and_port(c.address, address))
    }

    /// Learns a candidate of the peer from a check that came from it (RFC 8445 §7.3.1.3).
    pub fn learn_remote(&mut self, address: SocketAddr, protocol: Protocol, priority: u32) -> usize {
        // Its foundation is one that no other candidate has; numbers from the top never meet those of names.
        let place = self.remote.len().min(usize::from(Foundation::MAX / 2));
        let foundation = Foundation::MAX - place as Foundation;
        self.remote.push(RemoteCandidate { address, protocol, priority, foundation, signalled: None });
        self.remote.len() - 1
    }

    /// Takes a signalled candidate; where it is, and whether pairs are to be made with it.
    /// It is at `ip`, whatever its name.
    pub fn signal(
        &mut self,
        candidate: &Candidate,
        ip: Option<IpAddr>,
        limit: usize,
    ) -> Result<Signalled, DropReason> {
        let usable = usable_address(candidate, ip).filter(|_| candidate.component == self.component);
        let (address, protocol) = usable.ok_or(DropReason::IceCandidateUnusable)?;
        if candidate.tcp_type == Some(TcpType::Active) {
            // Nobody can connect to it: it shows when it has connected to us.
            return Ok(Signalled::Known);
        }
        let known = self.remote_at(address, protocol);
        if known.is_some_and(|at| self.remote[at].signalled.is_some()) {
            return Ok(Signalled::Known);
        }
        if known.is_none() && self.remote.len() >= limit {
            return Err(DropReason::IceTooManyCandidates);
        }
        let foundation = self.remote_foundation(&candidate.foundation);
        let signalled = Some(Box::new(candidate.clone()));
        let priority = candidate.priority;
        let candidate = RemoteCandidate { address, protocol, priority, foundation, signalled };
        Ok(match known {
            // RFC 8838 §11.4, RFC 8445 §7.3.1.3: what was learnt from a check turns out to be this one.
            Some(at) => {
                self.remote[at] = candidate;
                Signalled::Replaced(at)
            }
            None => {
                self.remote.reserve_exact(1);
                self.remote.push(candidate);
                Signalled::New(self.remote.len() - 1)
            }
        })
    }

    /// As text has it: local candidate `at`, of the generation `ufrag`.
    pub fn describe_local(&self, at: usize, ufrag: &str) -> Candidate {
        let LocalCandidate { kind, base, address, priority, foundation, mapped, tcp, .. } = self.local[at];
        // RFC 8839 §5.1: the base, or for a relayed candidate the mapped address.
        let related = mapped.unwrap_or(base.address);
        let related =
            (kind != CandidateType::Host).then(|| (CandidateAddress::Ip(related.ip()), related.port()));
        let foundation = (u32::from(foundation) + 1).to_string();
        let ufrag = Some(ufrag.to_owned());
        // Over whatever a relay is reached, what it relays are datagrams.
        Candidate {
            related,
            tcp_type: tcp,
            ufrag,
            component: self.component,
            ..describe(foundation, address, base.protocol, priority, kind)
        }
    }

    /// Takes the peer's candidates out: their generation is over.
    pub fn take_remotes(&mut self) -> Remotes {
        Remotes { candidates: mem::take(&mut self.remote), foundations: mem::take(&mut self.foundations) }
    }

    /// Puts the peer's candidates of a generation back.
    pub fn put_remotes(&mut self, remotes: Remotes) {
        self.remote = remotes.candidates;
        self.foundations = remotes.foundations;
    }

    /// RFC 8421 §4: families take turns, IPv6 first; within one, what the driver added first is preferred.
    /// Loopback and link-local addresses come behind all others.
    fn local_preference(&self, ip: IpAddr) -> u16 {
        let hosts = self.local.iter().filter(|c| c.kind == CandidateType::Host);
        let before = hosts.filter(|c| c.address.ip().is_ipv6() == ip.is_ipv6()).count();
        let rank = u16::try_from(2 * before + usize::from(ip.is_ipv4())).unwrap_or(u16::MAX);
        let top = if ip.is_loopback() || is_link_local(ip) { u16::MAX / 2 } else { u16::MAX };
        top.saturating_sub(rank)
    }

    fn push_local(
        &mut self,
        kind: CandidateType,
        base: LocalAddress,
        address: SocketAddr,
        priority: u32,
    ) -> usize {
        let foundation = self.local_foundation(kind, base, None);
        let (server, mapped, tcp) = (None, None, None);
        self.local.push(LocalCandidate {
            kind,
            base,
            address,
            priority,
            foundation,
            server,
            mapped,
            tcp,
            gone: false,
        });
        self.local.len() - 1
    }

    /// RFC 8445 §5.1.1.3: same type, same base address, same protocol, same server.
    fn local_foundation(
        &self,
        kind: CandidateType,
        base: LocalAddress,
        server: Option<IpAddr>,
    ) -> Foundation {
        let what = |c: &LocalCandidate| (c.kind, c.base.address.ip(), c.base.protocol, c.server);
        let wanted = (kind, base.address.ip(), base.protocol, server);
        let fresh = self.local.iter().map(|c| c.foundation + 1).max().unwrap_or(0);
        self.local.iter().find(|c| what(c) == wanted).map_or(fresh, |c| c.foundation)
    }

    fn remote_foundation(&mut self, name: &str) -> Foundation {
        let known = self.foundations.iter().position(|f| **f == *name);
        let at = known.unwrap_or_else(|| {
            self.foundations.push(name.into());
            self.foundations.len() - 1
        });
        at.min(usize::from(Foundation::MAX / 2)) as Foundation
    }
}

/// What a signalled candidate was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signalled {
    /// The one at this place, not seen before.
    New(usize),
    /// The one at this place, so far known from checks.
    Replaced(usize),
    /// One that was signalled before.
    Known,
}

/// Names and other transports are not for this agent; nor is simultaneous-open, whose peers have a passive candidate,
/// too.
fn usable_address(candidate: &Candidate, ip: Option<IpAddr>) -> Option<(SocketAddr, Protocol)> {
    let address = plain(SocketAddr::new(ip?, candidate.port));
    let protocol = match (&candidate.protocol, candidate.tcp_type) {
        (CandidateProtocol::Udp, _) => Protocol::Udp,
        (CandidateProtocol::Tcp, Some(TcpType::Active | TcpType::Passive)) => Protocol::Tcp,
        _ => return None,
    };
    is_usable(address).then_some((address, protocol))
}

fn describe(
    foundation: String,
    address: SocketAddr,
    protocol: Protocol,
    priority: u32,
    kind: CandidateType,
) -> Candidate {
    Candidate {
        foundation,
        component: 1,
        protocol: match protocol {
            Protocol::Udp => CandidateProtocol::Udp,
            Protocol::Tcp => CandidateProtocol::Tcp,
        },
        priority,
        address: CandidateAddress::Ip(address.ip()),
        port: address.port(),
        kind,
        related: None,
        tcp_type: None,
        ufrag: None,
        extensions: CandidateExtensions::default(),
    }
}
