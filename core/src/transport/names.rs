//! Candidates with names in place of addresses: the peer's are resolved, ours are registered where the policy hides
//! addresses.

use crate::base::io::IoRequest;
use crate::base::time::Instant;
use crate::transport::Transport;
use crate::transport::event::{ExternalAddress, HostAddresses, IceTransportPolicy};
use crate::transport::mdns::is_candidate_name;
use crate::transport::requests::Purpose;
use crate::wire::candidate::{Candidate, CandidateAddress, CandidateType, RemoteChoice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Host names of candidates that are looked up in a generation. Attack 37: the peer has us ask for them.
const MAX_LOOKUPS: usize = 8;
/// The port that stands with an address that is not told (RFC 8839 §5.1).
const NO_PORT: u16 = 9;

impl Transport {
    /// Takes what the application knows of a 1:1 NAT. It counts from the next generation on.
    pub fn set_external_addresses(&mut self, external: Vec<ExternalAddress>) {
        self.gatherer.external = external;
    }

    /// How our candidates show where this host is. It counts from the next generation on.
    pub fn set_host_addresses(&mut self, host_addresses: HostAddresses) {
        self.gatherer.host_addresses = host_addresses;
    }

    /// Takes what the peer's description says of the candidate of ours that it has selected (`a=remote-candidates`,
    /// RFC 8839 §5.2): a nomination, if the check that nominates is still on its way.
    pub fn set_remote_choice(&mut self, now: Instant, choice: &RemoteChoice) {
        let ip = match &choice.address {
            CandidateAddress::Name(name) => self.mdns.ip_of(name),
            CandidateAddress::Ip(ip) => {
                let replaced = |e: &&ExternalAddress| e.external == *ip && e.replaces_host;
                Some(self.gatherer.external.iter().find(replaced).map_or(*ip, |e| e.internal))
            }
        };
        if let Some(ip) = ip {
            self.agent.follow_choice(now, SocketAddr::new(ip, choice.port));
            self.advance(now);
        }
    }

    /// Takes a candidate of the peer that has a name.
    pub(super) fn resolve_candidate(&mut self, now: Instant, name: &str, candidate: &Candidate) {
        // Under the relay policy nothing about this host is to be learnt, not even that it asks.
        if self.gatherer.wanted_policy() == IceTransportPolicy::Relay {
            return;
        }
        if is_candidate_name(name) {
            self.join_group();
            return self.mdns.resolve(now, name, candidate.clone(), &mut self.drops);
        }
        let local = name.to_ascii_lowercase().ends_with(".local");
        let open = self.requests.count(|purpose| matches!(purpose, Purpose::Candidate(_)));
        if !local && open < MAX_LOOKUPS {
            let host = name.into();
            let purpose = Purpose::Candidate(Box::new(candidate.clone()));
            self.requests.ask(purpose, |id| IoRequest::Resolve { id, host });
        }
    }

    /// What names belong to a generation that is over.
    pub(super) fn forget_names(&mut self) {
        self.mdns.forget_queries();
        self.requests.forget(|purpose| matches!(purpose, Purpose::Candidate(_)));
    }

    /// Names that were found make candidates.
    pub(super) fn collect_names(&mut self, now: Instant) {
        while let Some((candidate, ip)) = self.mdns.poll_found() {
            self.take_candidate(now, &candidate, ip);
        }
    }

    /// Takes a candidate of the peer whose name stands for `ip`.
    pub(super) fn take_candidate(&mut self, now: Instant, candidate: &Candidate, ip: IpAddr) {
        self.agent.add_resolved_candidate(now, candidate, ip);
        self.permit(now, SocketAddr::new(ip, candidate.port));
    }

    fn join_group(&mut self) {
        if self.mdns.need_group() {
            self.requests.ask(Purpose::Mdns, |id| IoRequest::JoinMdns { id });
        }
    }

    /// A candidate of ours as the policy lets the peer see it; `None`: not at all.
    pub(super) fn disguise(&mut self, mut candidate: Candidate) -> Option<Candidate> {
        let hidden = matches!(self.gatherer.host_addresses, HostAddresses::Named | HostAddresses::Hidden);
        if let (CandidateType::Host, Some(ip)) = (candidate.kind, candidate.address.ip()) {
            let replaced = |e: &&ExternalAddress| e.internal == ip && e.replaces_host;
            let shown = self.gatherer.external.iter().find(replaced).map_or(ip, |e| e.external);
            if self.gatherer.policy == IceTransportPolicy::Public && !is_public(shown) {
                return None;
            }
            candidate.address = CandidateAddress::Ip(shown);
        }
        match (candidate.kind, self.gatherer.host_addresses, candidate.address.ip()) {
            (CandidateType::Host, HostAddresses::Named, Some(ip)) => {
                candidate.address = CandidateAddress::Name(self.mdns.name_of(ip));
                self.join_group();
            }
            (CandidateType::Host, HostAddresses::Hidden, _) => return None,
            _ => {}
        }
        // §3.1.1 of the mDNS draft, RFC 8828 §5.2: the base tells as much as the candidate itself.
        if hidden || self.gatherer.policy != IceTransportPolicy::All {
            candidate.related = candidate.related.map(|(address, _)| match address.ip() {
                Some(IpAddr::V6(_)) => (CandidateAddress::Ip(Ipv6Addr::UNSPECIFIED.into()), NO_PORT),
                _ => (CandidateAddress::Ip(Ipv4Addr::UNSPECIFIED.into()), NO_PORT),
            });
        }
        Some(candidate)
    }
}

/// Whether an address is one of the whole world's: not private (RFC 1918, RFC 4193), shared (RFC 6598), link-local or of
/// this host.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64;
            !(ip.is_private() || shared || ip.is_link_local() || ip.is_loopback())
        }
        IpAddr::V6(ip) => !(ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback()),
    }
}
