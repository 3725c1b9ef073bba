//! Which addresses of this host become candidates.
//!
//! Host addresses today. Server-reflexive and relayed candidates take their place beside them: an address
//! waits here until a server answered for it.

use crate::base::net::LocalAddress;
use crate::transport::event::IceGatheringState;

/// More addresses than a host has interfaces.
const MAX_ADDRESSES: usize = 64;

/// Addresses that the driver named, and how far gathering is.
#[derive(Debug)]
pub(super) struct Gatherer {
    addresses: Vec<LocalAddress>,
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
    pub(super) const fn new() -> Self {
        Self { addresses: Vec::new(), phase: Phase::New }
    }

    pub(super) const fn state(&self) -> IceGatheringState {
        match self.phase {
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
        matches!(self.phase, Phase::Gathering | Phase::Complete)
    }

    /// Forgets `address`.
    pub(super) fn remove(&mut self, address: LocalAddress) {
        self.addresses.retain(|known| *known != address);
    }

    /// Begins; the addresses known so far come back. `None` when it has begun before, in this generation.
    pub(super) fn begin(&mut self) -> Option<Vec<LocalAddress>> {
        matches!(self.phase, Phase::New | Phase::Again).then(|| {
            self.phase = Phase::Gathering;
            self.addresses.clone()
        })
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
