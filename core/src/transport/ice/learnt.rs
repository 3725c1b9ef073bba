//! Local candidates that servers told of: how they see this host, and addresses on them.

use crate::base::net::LocalAddress;
use crate::base::time::Instant;
use crate::transport::ice::Agent;
use crate::transport::ice::address::plain;
use crate::transport::ice::candidate::LocalCandidate;
use crate::wire::candidate::{Candidate, CandidateType};
use std::net::{IpAddr, SocketAddr};

impl Agent {
    /// Adds the address that a STUN server at `server` saw a datagram from `base` come from. What comes back is the
    /// server-reflexive candidate to be signalled: `None` for what is redundant (RFC 8445 §5.1.3), of an address
    /// that is not in use, or one over [`Config::max_local_candidates`](crate::transport::ice::Config::max_local_candidates). It makes no pairs: its base has them.
    pub fn add_reflexive(
        &mut self,
        now: Instant,
        base: LocalAddress,
        mapped: SocketAddr,
        server: IpAddr,
    ) -> Option<Candidate> {
        self.tick(now);
        if self.is_over() {
            return None;
        }
        let base = self.candidates.host(LocalAddress { address: plain(base.address), ..base })?;
        let limit = self.config.max_local_candidates;
        let at = self.candidates.add_reflexive(base, plain(mapped), server, limit)?;
        Some(self.candidates.describe_local(at, &self.local.credentials.ufrag))
    }

    /// Adds an address on a TURN server at `server` as one to send from: whoever hands in and takes out datagrams of
    /// this path sees to their way through the server, which sees this host at `mapped`. What comes back is the
    /// relayed candidate to be signalled; it makes pairs like a host candidate. `preference`, up to 10 say, orders relays.
    pub fn add_relayed(
        &mut self,
        now: Instant,
        relayed: LocalAddress,
        mapped: SocketAddr,
        server: IpAddr,
        preference: u8,
    ) -> Option<Candidate> {
        let now = self.tick(now);
        if self.is_over() {
            return None;
        }
        let relayed = LocalAddress { address: plain(relayed.address), ..relayed };
        let limit = self.config.max_local_candidates;
        let at = self.candidates.add_relayed(relayed, plain(mapped), (server, preference), limit)?;
        let remotes = 0..self.candidates.remote.len();
        self.form_pairs(remotes.map(|remote| (at, remote)).collect());
        self.run(now);
        Some(self.candidates.describe_local(at, &self.local.credentials.ufrag))
    }

    /// The addresses on TURN servers that are in use.
    pub fn relayed_addresses(&self) -> impl Iterator<Item = LocalAddress> {
        let relayed = |c: &&LocalCandidate| c.kind == CandidateType::Relayed && !c.gone;
        self.candidates.local.iter().filter(relayed).map(|c| c.base)
    }

    /// The host or relayed candidate at `address`, as this generation signals it.
    #[must_use]
    pub fn host_candidate(&self, address: LocalAddress) -> Option<Candidate> {
        let at = self.candidates.host(LocalAddress { address: plain(address.address), ..address })?;
        Some(self.candidates.describe_local(at, &self.local.credentials.ufrag))
    }
}
