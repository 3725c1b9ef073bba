//! Checks of the peer: who may be answered, how, and what is learnt (RFC 8445 §7.3).

use crate::base::drops::DropReason;
use crate::base::net::{Path, Protocol};
use crate::base::time::Instant;
use crate::transport::ice::pair::{Pair, PairId};
use crate::transport::ice::scan::Scan;
use crate::transport::ice::send::{Answer, MAX_UNKNOWN};
use crate::transport::ice::state::IceRole;
use crate::transport::ice::tcp::Link;
use crate::transport::ice::{Agent, Event};
use crate::wire::stun::{Message, TransactionId};

/// An authenticated check that came before the peer's credentials and the role were known (RFC 8445 §7.3).
#[derive(Clone, Debug)]
pub(super) struct Early {
    pub path: Path,
    /// Who claims to have sent it; known to be the peer when its credentials come.
    pub ufrag: Box<str>,
    pub priority: u32,
    pub nomination: Option<Wish>,
}

/// The wish of a controlling peer to use a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// USE-CANDIDATE alone.
    Plain,
    /// With a number: the highest counts (draft-thatcher-ice-renomination).
    Numbered(u32),
}

impl Wish {
    /// A numbered one is meant whether USE-CANDIDATE is there or not.
    fn of(scan: &Scan<'_>) -> Option<Self> {
        scan.nomination.map(Self::Numbered).or(scan.use_candidate.then_some(Self::Plain))
    }
}

impl Agent {
    /// A Binding request. Whatever is not authenticated gets no answer at all, where RFC 8489 §9.1.3 would send
    /// 400 or 401: an agent that answers strangers is a reflector (attack 38) and tells what it is.
    pub(super) fn handle_request(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let Ok(scan) = Scan::of(message) else {
            return self.drops.count(DropReason::StunMalformed);
        };
        if self.answer_for_former(path, message, &scan) {
            return;
        }
        let Some(theirs) = scan.username.and_then(|name| self.peer_of(name)) else {
            return self.drops.count(DropReason::StunUsername);
        };
        if !self.local.signed(message) {
            return self.drops.count(DropReason::StunIntegrity);
        }
        self.vouched.vouch();
        let Some(local) = self.candidates.reached_by(&path).filter(|&local| self.may_use(local)) else {
            return self.drops.count(DropReason::StunUnexpected);
        };
        if self.list.on_path(&path).is_some_and(Pair::is_revoked) {
            // RFC 7675 §5.1: these credentials are not used again on this path. Silence tells the peer, too.
            return self.drops.count(DropReason::StunUnexpected);
        }
        let Some(priority) = self.accept(path, message.transaction, &scan) else { return };
        self.queue_response(path, message.transaction, Answer::Success);
        if !self.has_begun() {
            let early = Early { path, ufrag: theirs.into(), priority, nomination: Wish::of(&scan) };
            return self.remember(early);
        }
        self.learn(now, local, path, priority, Wish::of(&scan));
    }

    /// The second half of a USERNAME that is meant for us: ours, a colon, the peer's.
    fn peer_of<'n>(&self, username: &'n str) -> Option<&'n str> {
        let (ours, theirs) = username.split_once(':')?;
        let known = self.remote.as_ref().is_none_or(|remote| remote.credentials.ufrag == theirs);
        (ours == self.local.credentials.ufrag && known).then_some(theirs)
    }

    /// Refuses an authentic request that cannot be met; the PRIORITY of one that can.
    fn accept(&mut self, path: Path, id: TransactionId, scan: &Scan<'_>) -> Option<u32> {
        let unknown = || scan.unknown().take(MAX_UNKNOWN);
        let refusal = if unknown().next().is_some() {
            // RFC 8489 §6.3.1.
            self.drops.count(DropReason::StunUnknownAttribute);
            let mut codes = [0; 2 * MAX_UNKNOWN];
            for (slot, code) in codes.chunks_exact_mut(2).zip(unknown()) {
                slot.copy_from_slice(&code.to_be_bytes());
            }
            Answer::UnknownAttributes { codes, count: unknown().count() }
        } else if !self.role_agrees(scan) {
            Answer::RoleConflict
        } else if let Some(priority) = scan.priority.filter(|&p| p > 0) {
            return Some(priority.min(0x7FFF_FFFF));
        } else {
            // RFC 8445 §7.1.1: PRIORITY is in every check.
            self.drops.count(DropReason::StunMalformed);
            Answer::BadRequest
        };
        self.queue_response(path, id, refusal);
        None
    }

    /// RFC 8445 §7.3.1.1: of two that take the same role, the one with the larger tie-breaker is to control.
    /// `false` when the peer is to change; where we are, we have.
    fn role_agrees(&mut self, scan: &Scan<'_>) -> bool {
        let Some((role, theirs)) = scan.role.filter(|&(role, _)| role == self.role) else { return true };
        let ours_controls = self.tie_breaker >= theirs;
        if (role == IceRole::Controlling) == ours_controls {
            return false;
        }
        self.switch_role();
        true
    }

    /// Takes the other role (RFC 8445 §7.3.1.1): priorities follow, nominations under way do not.
    pub(super) fn switch_role(&mut self) {
        self.role = self.role.opposite();
        self.list.forget_wishes();
        self.list.reprioritise(&self.candidates, self.role);
        self.push_event(Event::RoleChange(self.role));
    }

    fn remember(&mut self, check: Early) {
        if let Some(known) = self.early.iter_mut().find(|e| (e.path, &e.ufrag) == (check.path, &check.ufrag))
        {
            known.nomination = known.nomination.max(check.nomination);
        } else if self.early.len() < self.config.max_early_checks {
            self.early.push(check);
        } else {
            self.drops.count(DropReason::IceTooManyCandidates);
        }
    }

    /// What came early came from the peer, now that it is known who that is.
    pub(super) fn replay_early_checks(&mut self, now: Instant) {
        for Early { path, ufrag, priority, nomination } in std::mem::take(&mut self.early) {
            let peer = self.remote.as_ref().is_some_and(|r| *r.credentials.ufrag == *ufrag);
            match self.candidates.reached_by(&path) {
                Some(local) if peer => self.learn(now, local, path, priority, nomination),
                _ => self.drops.count(DropReason::StunUsername),
            }
        }
    }

    /// Learns from an authentic check: the candidate, the pair, the wish to use it (RFC 8445 §7.3.1.3 to §7.3.1.5).
    fn learn(&mut self, now: Instant, local: usize, path: Path, priority: u32, wish: Option<Wish>) {
        let Some(id) = self.pair_for(local, path, priority) else {
            return self.drops.count(DropReason::IceTooManyCandidates);
        };
        if let Some(pair) = self.list.get_mut(id) {
            if pair.path != path {
                // A stream of ours from before a restart, or, where both sides open, the peer's, which came first: as
                // good as the one that is wanted.
                let (Link::Wanted(count) | Link::Opening(count)) = pair.link else { return };
                (pair.path, pair.link) = (path, Link::Opened(count));
            }
            pair.proven = true;
            pair.counters.requests_received += 1;
            pair.counters.responses_sent += 1;
        }
        if self.is_lite() {
            self.heard_from(id, now);
        } else {
            self.trigger(id, now);
        }
        if let Some(wish) = wish.filter(|_| self.role == IceRole::Controlled) {
            self.asked_to_use(id, wish, now);
        }
    }

    /// The pair that a check came on, made now if need be.
    fn pair_for(&mut self, local: usize, path: Path, priority: u32) -> Option<PairId> {
        let direction = self.candidates.local[local].tcp;
        let remote = match self.candidates.remote_at(path.remote, path.protocol, direction) {
            Some(known) => known,
            None if self.candidates.remote.len() >= self.config.max_remote_candidates => return None,
            None => self.candidates.learn_remote(path.remote, path.protocol, priority),
        };
        let known = self.list.of(local, remote);
        known.or_else(|| {
            let limit = self.config.max_pairs;
            let id = self.list.add(&self.candidates, self.role, (local, remote), limit).ok()?;
            if let Some(pair) = self.list.get_mut(id).filter(|_| path.protocol == Protocol::Tcp) {
                (pair.path, pair.link) = (path, Link::Accepted);
            }
            Some(id)
        })
    }
}
