//! Which of several a datagram belongs to, peers of an endpoint or transports of a peer: by user fragment when it is a
//! STUN request, by transaction when it answers one on a path that several use, by address pair otherwise.
//!
//! A datagram of unknown origin costs a lookup and no memory: routes are learnt from what a peer sends and from
//! paths that its ICE agent authenticated, never from what merely arrives.

use crate::base::map::SeededMap;
use crate::base::net::Path;
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::routes::RouteChange;
use crate::transport::demux;
use crate::wire::stun::{Class, TransactionId, peek_transaction, peek_username};

/// Paths that one peer may own. ICE forms at most 100 pairs; peer-reflexive ones add a few.
const MAX_PATHS_PER_PEER: usize = 128;
/// Questions on shared paths that may be answered: beyond it the oldest is forgotten, and asked again by who wants it.
const MAX_QUESTIONS: usize = 4_096;

/// Whether a datagram is none of STUN's, which alone can be another peer's than the path says.
pub(crate) fn names_nobody(datagram: &[u8]) -> bool {
    datagram.first().is_none_or(|&first| demux::kind(first) != demux::Kind::Stun)
}

/// The tables. `P` names a peer.
#[derive(Debug)]
pub(crate) struct Routes<P> {
    by_path: SeededMap<Path, Lead<P>>,
    by_ufrag: SeededMap<String, P>,
    /// Who asked what on a path that is another peer's, such as that to a STUN server; the oldest first.
    by_question: SeededMap<TransactionId, P>,
    questions: Queue<TransactionId>,
    /// What changed, for others who share our ports; `None` when there are no others.
    changes: Option<Queue<RouteChange>>,
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lead<P> {
    owner: P,
    /// ICE authenticated the owner on it.
    is_proven: bool,
}

impl<P: Copy + PartialEq> Routes<P> {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            by_path: SeededMap::new(rng),
            by_ufrag: SeededMap::new(rng),
            by_question: SeededMap::new(rng),
            questions: Queue::default(),
            changes: None,
        }
    }

    /// Whose datagram this is.
    pub(crate) fn find(&self, path: &Path, datagram: &[u8]) -> Option<P> {
        // A check names its addressee, and two peers may check the same address pair; so the name goes first.
        let found = self.named_in(datagram).or_else(|| self.asked_by(datagram));
        found.or_else(|| self.owner(path))
    }

    /// Whom a check is addressed to.
    pub(crate) fn named_in(&self, datagram: &[u8]) -> Option<P> {
        peek_username(datagram).and_then(|ufrag| self.by_ufrag.get(ufrag)).copied()
    }

    /// Whose question on a shared path is answered.
    fn asked_by(&self, datagram: &[u8]) -> Option<P> {
        if self.by_question.is_empty() {
            return None;
        }
        let (class, id) = peek_transaction(datagram)?;
        let answers = matches!(class, Class::Success | Class::Error);
        self.by_question.get(&id).filter(|_| answers).copied()
    }

    /// Who owns `path`.
    pub(crate) fn owner(&self, path: &Path) -> Option<P> {
        self.by_path.get(path).map(|lead| lead.owner)
    }

    /// Whether `path` leads to `peer` already.
    pub(crate) fn leads_to(&self, path: &Path, peer: P) -> bool {
        self.owner(path) == Some(peer)
    }

    /// Whether nothing is left to learn of `path` leading to `peer`. That it is proven matters to others alone.
    pub(crate) fn knows(&self, path: &Path, peer: P) -> bool {
        let lead = self.by_path.get(path).filter(|lead| lead.owner == peer);
        lead.is_some_and(|lead| lead.is_proven || self.changes.is_none())
    }

    /// Lets `path` lead to `peer`; `paths` is the peer's own list. A path that another peer owns changes hands
    /// only when `authenticated`.
    pub(crate) fn learn(&mut self, path: Path, peer: P, paths: &mut Vec<Path>, authenticated: bool) {
        let known = self.by_path.get(&path).copied();
        let is_ours = known.is_some_and(|lead| lead.owner == peer);
        let taken = known.is_some() && !is_ours;
        if (taken && !authenticated) || (!is_ours && paths.len() >= MAX_PATHS_PER_PEER) {
            return;
        }
        self.by_path.insert(path, Lead { owner: peer, is_proven: authenticated });
        if !is_ours {
            paths.push(path);
        }
        self.tell(RouteChange::Path { path, is_proven: authenticated });
    }

    /// From now on changes are told ([`poll_change`](Self::poll_change)).
    pub(crate) fn tell_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// What changed, oldest first.
    pub(crate) fn poll_change(&mut self) -> Option<RouteChange> {
        self.changes.as_mut()?.pop()
    }

    fn tell(&mut self, change: RouteChange) {
        if let Some(changes) = &mut self.changes {
            changes.push(change);
        }
    }

    /// Notes that `peer` asks something on a path that another one owns, so that the answer finds it.
    pub(crate) fn note_question(&mut self, path: &Path, peer: P, datagram: &[u8]) {
        if self.owner(path).is_none_or(|owner| owner == peer) {
            return;
        }
        let Some((Class::Request, id)) = peek_transaction(datagram) else { return };
        if self.by_question.insert(id, peer).is_none() {
            self.questions.push(id);
        }
        if self.questions.len() > MAX_QUESTIONS
            && let Some(oldest) = self.questions.pop()
        {
            self.by_question.remove(&oldest);
        }
    }

    /// Lets checks for `names` lead to `peer`, in place of those in `known`; a name that another peer has stays there.
    pub(crate) fn rename<'n>(
        &mut self,
        peer: P,
        known: &mut Vec<String>,
        names: impl Iterator<Item = &'n str> + Clone,
    ) {
        for old in known.drain(..).filter(|old| names.clone().all(|name| name != old)) {
            if self.by_ufrag.get(&old) == Some(&peer) {
                self.by_ufrag.remove(&old);
                self.tell(RouteChange::NameGone(old));
            }
        }
        for name in names {
            if self.by_ufrag.get(name).is_none() {
                self.by_ufrag.insert(name.to_owned(), peer);
                self.tell(RouteChange::Name(name.to_owned()));
            }
            known.push(name.to_owned());
        }
    }

    /// Forgets `peer`, which had these paths and these names.
    pub(crate) fn forget(&mut self, peer: P, paths: &[Path], names: &mut Vec<String>) {
        for path in paths {
            if self.leads_to(path, peer) {
                self.by_path.remove(path);
                self.tell(RouteChange::PathGone(*path));
            }
        }
        self.rename(peer, names, std::iter::empty());
        let by_question = &mut self.by_question;
        self.questions.retain(|id| by_question.get(id) != Some(&peer) || by_question.remove(id).is_none());
    }

    /// How many paths lead somewhere.
    pub(crate) fn len(&self) -> usize {
        self.by_path.len()
    }
}
