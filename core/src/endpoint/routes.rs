//! Which peer a datagram belongs to: by user fragment when it is a STUN request, by address pair otherwise.
//!
//! A datagram of unknown origin costs a lookup and no memory: routes are learnt from what a peer sends and from
//! paths that its ICE agent authenticated, never from what merely arrives.

use crate::base::map::SeededMap;
use crate::base::net::Path;
use crate::base::random::Rng;
use crate::wire::stun::peek_username;

/// Paths that one peer may own. ICE forms at most 100 pairs; peer-reflexive ones add a few.
const MAX_PATHS_PER_PEER: usize = 128;

/// The tables. `P` names a peer.
#[derive(Debug)]
pub(super) struct Routes<P> {
    by_path: SeededMap<Path, P>,
    by_ufrag: SeededMap<String, P>,
}

impl<P: Copy + PartialEq> Routes<P> {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { by_path: SeededMap::new(rng), by_ufrag: SeededMap::new(rng) }
    }

    /// Whose datagram this is.
    pub(super) fn find(&self, path: &Path, datagram: &[u8]) -> Option<P> {
        // A check names its addressee, and two peers may check the same address pair; so the name goes first.
        self.named_in(datagram).or_else(|| self.by_path.get(path).copied())
    }

    /// Whom a check is addressed to.
    pub(super) fn named_in(&self, datagram: &[u8]) -> Option<P> {
        peek_username(datagram).and_then(|ufrag| self.by_ufrag.get(ufrag)).copied()
    }

    /// Whether `path` leads to `peer` already.
    pub(super) fn leads_to(&self, path: &Path, peer: P) -> bool {
        self.by_path.get(path) == Some(&peer)
    }

    /// Lets `path` lead to `peer`; `paths` is the peer's own list. A path that another peer owns changes hands
    /// only when `authenticated`.
    pub(super) fn learn(&mut self, path: Path, peer: P, paths: &mut Vec<Path>, authenticated: bool) {
        let taken = self.by_path.get(&path).is_some_and(|&owner| owner != peer);
        if (taken && !authenticated) || paths.len() >= MAX_PATHS_PER_PEER {
            return;
        }
        if self.by_path.insert(path, peer) != Some(peer) {
            paths.push(path);
        }
    }

    /// Lets checks for `ufrag` lead to `peer`. `false`, and no change, when the name is taken.
    pub(super) fn name(&mut self, ufrag: &str, peer: P) -> bool {
        if self.by_ufrag.get(ufrag).is_some() {
            return false;
        }
        self.by_ufrag.insert(ufrag.to_owned(), peer);
        true
    }

    /// Forgets `peer`, which had these `paths` and this `ufrag`.
    pub(super) fn forget(&mut self, peer: P, paths: &[Path], ufrag: &str) {
        for path in paths.iter().filter(|path| self.by_path.get(path) == Some(&peer)).collect::<Vec<_>>() {
            self.by_path.remove(path);
        }
        if self.by_ufrag.get(ufrag) == Some(&peer) {
            self.by_ufrag.remove(ufrag);
        }
    }

    /// How many paths lead somewhere.
    pub(super) fn len(&self) -> usize {
        self.by_path.len()
    }
}
