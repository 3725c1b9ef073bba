//! The earliest deadline over all of several: peers of an endpoint, transports of a peer.
//!
//! Moving a deadline costs O(log n); an idle one costs nothing until its own fires.

use crate::base::time::Instant;
use std::collections::BTreeSet;

/// Deadlines by time. `P` names a peer; each has one at most.
#[derive(Debug)]
pub(crate) struct Deadlines<P>(BTreeSet<(Instant, P)>);

impl<P: Copy + Ord> Deadlines<P> {
    pub(crate) const fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// Moves `peer` from the deadline `from` (what the last call set) to `to`; returns what is set now.
    ///
    /// One that only moves later stays where it is: it fires early, which is harmless, and is set anew then. So a
    /// busy peer, whose deadline moves with each packet, does not touch the table.
    pub(crate) fn set(&mut self, peer: P, from: Option<Instant>, to: Option<Instant>) -> Option<Instant> {
        match (from, to) {
            (Some(from), Some(to)) if from <= to => Some(from),
            _ => self.replace(peer, from, to),
        }
    }

    /// Like [`set`](Self::set), but exactly `to`.
    pub(crate) fn replace(&mut self, peer: P, from: Option<Instant>, to: Option<Instant>) -> Option<Instant> {
        if let Some(from) = from {
            self.0.remove(&(from, peer));
        }
        if let Some(to) = to {
            self.0.insert((to, peer));
        }
        to
    }

    /// The earliest of all.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.first().map(|&(at, _)| at)
    }

    /// Takes a peer whose deadline is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<P> {
        self.next().filter(|&at| at <= now)?;
        self.0.pop_first().map(|(_, peer)| peer)
    }
}

#[cfg(test)]
mod tests {
    use super::Deadlines;
    use crate::base::time::Instant;

    #[test]
    fn due_peers_come_in_order() {
        let at = |ms| Some(Instant::from_millis(ms));
        let mut deadlines = Deadlines::new();
        let two = deadlines.set(2, None, at(20));
        deadlines.set(1, None, at(10));
        assert_eq!(deadlines.set(2, two, at(30)), at(20), "a later deadline waits in place");
        assert_eq!(deadlines.set(2, two, at(5)), at(5));
        assert_eq!(deadlines.next(), at(5));
        assert_eq!(deadlines.pop_due(Instant::from_millis(4)), None);
        assert_eq!(deadlines.pop_due(Instant::from_millis(12)), Some(2));
        assert_eq!(deadlines.pop_due(Instant::from_millis(12)), Some(1));
        assert_eq!(deadlines.next(), None);
        let one = deadlines.replace(1, None, at(1));
        assert_eq!(deadlines.replace(1, one, None), None);
        assert_eq!(deadlines.next(), None);
    }
}
