//! The checklist: pairs in order of priority, what is frozen and what is next (RFC 8445 §6.1.2, §6.1.4).

use crate::base::net::{LocalAddress, Path, Protocol};
use crate::base::time::Instant;
use crate::transport::ice::address::reach;
use crate::transport::ice::candidate::Candidates;
use crate::transport::ice::pair::{Nomination, Pair, PairCounters, PairId, Rtt, Standing, pair_priority};
use crate::transport::ice::state::IceRole;
use crate::transport::ice::tcp::{Link, leaves_from};
use std::collections::VecDeque;

/// The pairs, the best first, and the triggered-check queue.
#[derive(Debug, Default)]
pub(super) struct Checklist {
    pairs: Vec<Pair>,
    triggered: VecDeque<PairId>,
    next_id: u32,
}

/// Why a pair was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPair {
    /// The two cannot reach each other, or are paired already.
    Pointless,
    /// The list is full of better ones.
    Full,
}

impl Checklist {
    pub fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter()
    }

    pub fn get(&self, id: PairId) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.id == id)
    }

    pub fn get_mut(&mut self, id: PairId) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.id == id)
    }

    pub fn on_path(&self, path: &Path) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.path == *path)
    }

    pub fn of(&self, local: usize, remote: usize) -> Option<PairId> {
        self.pairs.iter().find(|pair| (pair.local, pair.remote) == (local, remote)).map(|pair| pair.id)
    }

    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The best pair that `wanted` says yes to.
    pub fn best(&self, wanted: impl Fn(&Pair) -> bool) -> Option<&Pair> {
        self.pairs.iter().find(|pair| wanted(pair))
    }

    /// Adds the pair of a local base and a remote candidate.
    pub fn add(
        &mut self,
        candidates: &Candidates,
        role: IceRole,
        (local, remote): (usize, usize),
        limit: usize,
    ) -> Result<PairId, NoPair> {
        let (ours, theirs) = (&candidates.local[local], &candidates.remote[remote]);
        let to = reach(&ours.base, theirs.address).ok_or(NoPair::Pointless)?;
        if self.of(local, remote).is_some() {
            return Err(NoPair::Pointless);
        }
        let priority = pair_priority(role, ours.priority, theirs.priority);
        self.make_room(priority, limit)?;
        let foundation = (ours.foundation, theirs.foundation);
        let id = PairId(self.next_id);
        self.next_id += 1;
        let pair = Pair {
            id,
            local,
            seen_as: None,
            remote,
            path: ours.base.to(to),
            link: match ours.base.protocol {
                Protocol::Udp => Link::Datagrams,
                Protocol::Tcp => Link::Wanted(0),
            },
            priority,
            foundation,
            standing: self.first_standing(foundation),
            nomination: Nomination::No,
            asked_for: None,
            proven: false,
            checked_anew: 0,
            has_lost: false,
            rtt: Rtt::default(),
            counters: PairCounters::default(),
        };
        let at = self.pairs.partition_point(|other| other.priority >= priority);
        if self.pairs.is_empty() {
            self.pairs.reserve_exact(1);
        }
        self.pairs.insert(at, pair);
        Ok(id)
    }

    /// RFC 8838 §12: a new pair starts Waiting when its foundation is new here or has succeeded, Frozen when
    /// another one of its foundation is still to be tried.
    fn first_standing(&self, foundation: (u16, u16)) -> Standing {
        let mut alike = self.pairs.iter().filter(|pair| pair.foundation == foundation);
        let succeeded = |pair: &Pair| matches!(pair.standing, Standing::Succeeded { .. });
        if alike.clone().any(succeeded) || !alike.any(Pair::unfinished) {
            Standing::Waiting
        } else {
            Standing::Frozen
        }
    }

    /// RFC 8445 §6.1.2.5: a full list loses its worst pair, as long as nothing was found out about that.
    fn make_room(&mut self, priority: u64, limit: usize) -> Result<(), NoPair> {
        if self.pairs.len() < limit {
            return Ok(());
        }
        let untried = |pair: &Pair| {
            let idle = matches!(pair.standing, Standing::Frozen | Standing::Waiting | Standing::Failed);
            idle && !pair.proven && pair.priority < priority
        };
        let worst = self.pairs.iter().rposition(untried).ok_or(NoPair::Full)?;
        let gone = self.pairs.remove(worst).id;
        self.triggered.retain(|&id| id != gone);
        Ok(())
    }

    /// After a change of role or of a candidate's priority.
    pub fn reprioritise(&mut self, candidates: &Candidates, role: IceRole) {
        for pair in &mut self.pairs {
            let (local, remote) = (&candidates.local[pair.local], &candidates.remote[pair.remote]);
            pair.priority = pair_priority(role, local.priority, remote.priority);
            pair.foundation = (local.foundation, remote.foundation);
        }
        self.pairs.sort_by_key(|pair| std::cmp::Reverse(pair.priority));
    }

    /// Puts a pair at the end of the triggered-check queue, once. Its standing is the caller's business.
    pub fn trigger(&mut self, id: PairId) {
        if !self.triggered.contains(&id) {
            self.triggered.push_back(id);
        }
    }

    /// Puts a pair in front of all others.
    pub fn trigger_first(&mut self, id: PairId) {
        self.triggered.retain(|&other| other != id);
        self.triggered.push_front(id);
    }

    /// Takes the pair whose check is next: the triggered ones in order, then the best Waiting one, then the
    /// best Frozen one of whose foundation none is Waiting or In-Progress (RFC 8445 §6.1.4.2).
    pub fn take_next(&mut self) -> Option<PairId> {
        self.triggered.pop_front().or_else(|| self.next_ordinary())
    }

    /// Whether [`take_next`](Self::take_next) has something now.
    pub fn has_next(&self) -> bool {
        !self.triggered.is_empty() || self.next_ordinary().is_some()
    }

    fn next_ordinary(&self) -> Option<PairId> {
        let waiting = self.best(|pair| pair.standing == Standing::Waiting);
        let thawed = || {
            self.best(|pair| {
                let busy = |other: &Pair| {
                    other.foundation == pair.foundation && other.standing == Standing::InProgress
                };
                pair.standing == Standing::Frozen && !self.pairs.iter().any(busy)
            })
        };
        waiting.or_else(thawed).map(|pair| pair.id)
    }

    /// RFC 8445 §7.2.5.3.3: what is like a pair that succeeded need not wait any longer.
    pub fn thaw(&mut self, foundation: (u16, u16)) {
        for pair in &mut self.pairs {
            if pair.foundation == foundation && pair.standing == Standing::Frozen {
                pair.standing = Standing::Waiting;
            }
        }
    }

    /// RFC 8445 §8.1.2: with a pair selected, what has not been tried is not tried any more. Pairs that the
    /// peer has shown interest in stay, so that they can be answered for and nominated.
    pub fn conclude(&mut self) {
        let keep = |pair: &Pair| {
            pair.proven || !matches!(pair.standing, Standing::Frozen | Standing::Waiting | Standing::Failed)
        };
        self.pairs.retain(keep);
        self.pairs.shrink_to_fit();
        for pair in &mut self.pairs {
            if pair.unfinished() && pair.nomination == Nomination::No {
                pair.standing = Standing::Failed;
            }
        }
        let pairs = &self.pairs;
        self.triggered
            .retain(|&id| pairs.iter().any(|pair| pair.id == id && pair.nomination == Nomination::Wanted));
    }

    /// Takes out the pairs that are sent from `base`.
    pub fn retire(&mut self, base: &LocalAddress) {
        self.pairs.retain(|pair| !leaves_from(base, &pair.path));
        let pairs = &self.pairs;
        self.triggered.retain(|&id| pairs.iter().any(|pair| pair.id == id));
    }

    /// What failed, or worked so long ago that it has to prove itself again, is to be checked again.
    pub fn revive(&mut self, now: Instant) {
        for pair in &mut self.pairs {
            let stale = matches!(pair.standing, Standing::Failed | Standing::Succeeded { .. });
            if stale && !pair.consented(now) {
                pair.standing = Standing::Waiting;
                pair.nomination = Nomination::No;
            }
        }
    }

    /// How many checks wait or are under way, for the retransmission timeout.
    pub fn busy(&self) -> usize {
        let busy = |pair: &&Pair| matches!(pair.standing, Standing::Waiting | Standing::InProgress);
        self.pairs.iter().filter(busy).count()
    }

    /// No nomination that is not done stands any longer.
    pub fn forget_wishes(&mut self) {
        for pair in &mut self.pairs {
            if pair.nomination == Nomination::Wanted {
                pair.nomination = Nomination::No;
            }
        }
    }

    /// The best pair that may be used at `now`.
    pub fn best_valid(&self, now: Instant) -> Option<&Pair> {
        self.best(|pair| pair.consented(now))
    }

    /// An empty list whose pairs will have other names than those of this one.
    pub fn successor(&self) -> Self {
        Self { next_id: self.next_id, ..Self::default() }
    }

    /// Does not use the names of `other` again.
    pub fn continue_after(&mut self, other: &Self) {
        self.next_id = other.next_id;
    }

    /// The checks that were under way have been forgotten: they are due again.
    pub fn restart_checks(&mut self) {
        self.forget_wishes();
        for pair in &mut self.pairs {
            if pair.standing == Standing::InProgress {
                pair.standing = Standing::Waiting;
            }
        }
    }

    pub fn clear(&mut self) {
        *self = self.successor();
    }
}
