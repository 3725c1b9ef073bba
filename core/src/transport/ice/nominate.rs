//! Nomination: choosing a pair as controlling agent, following as controlled one (RFC 8445 §8).

use crate::base::time::Instant;
use crate::transport::ice::address::same_host_and_port;
use crate::transport::ice::answer::Wish;
use crate::transport::ice::pair::{Nomination, Pair, PairId, Standing};
use crate::transport::ice::state::IceRole;
use crate::transport::ice::{Agent, Event};
use crate::wire::candidate::{Candidate, CandidateType, RemoteChoice};
use std::net::SocketAddr;
use std::time::Duration;

/// A controlled agent follows to a pair of lower priority only when its pair was not asked for during this
/// time. An aggressive nominator (RFC 5245) asks for many pairs within one round of checks, and means the best
/// of them; one that changes its mind goes on asking for the new pair alone.
const FOLLOW_AFTER: Duration = Duration::from_secs(2);

impl Agent {
    /// Controlling: nominates the best valid pair, at once if nothing better can come, else when the settle
    /// time since the first success has passed. What comes back is when to look again.
    pub(super) fn consider_nomination(&mut self, now: Instant) -> Option<Instant> {
        if self.role != IceRole::Controlling || !self.has_begun() {
            return None;
        }
        let replaceable = self.replaceable_at(now)?;
        if self.list.iter().any(|pair| pair.nomination == Nomination::Wanted) {
            return None;
        }
        let valid = |pair: &&Pair| pair.consented(now) && Some(pair.id) != self.selected;
        let best = self.best_other(now)?;
        if now < replaceable {
            return Some(replaceable);
        }
        let first = self.list.iter().filter(valid).filter_map(|pair| match pair.standing {
            Standing::Succeeded { since, .. } => Some(since),
            _ => None,
        });
        let settled = first.min()? + self.settle_time(best);
        let better_to_come = self.list.iter().any(|pair| pair.unfinished() && pair.priority > best.priority);
        let direct = self.settle_time(best) == self.config.settle_direct;
        let may_wait = better_to_come || !direct && self.more_candidates_may_come();
        if may_wait && now < settled {
            return Some(settled);
        }
        let id = best.id;
        if let Some(pair) = self.list.get_mut(id) {
            // RFC 8445 §8.1.1: the check that nominates is sent like a triggered one.
            pair.nomination = Nomination::Wanted;
            self.nomination = self.nomination.saturating_add(1);
            self.list.trigger_first(id);
        }
        None
    }

    /// Whether a check that starts now nominates its pair though none was picked yet: the only one that there can be. RFC 8445
    /// §8.1.1 picks among the pairs that work; where there is nothing to pick from, that is settled before, and a round
    /// trip is saved. Not with numbers, which say in which order the picks were made.
    pub(super) fn nominates_at_once(&self, id: PairId) -> bool {
        let fresh = self.selected.is_none() && self.former.is_none() && !self.renomination;
        let only = self.list.iter().count() == 1 && !self.more_candidates_may_come();
        let direct = |pair| self.settle_time(pair) == self.config.settle_direct;
        self.role == IceRole::Controlling && fresh && only && self.list.get(id).is_some_and(direct)
    }

    /// How long something better than `pair` is worth waiting for.
    fn settle_time(&self, pair: &Pair) -> Duration {
        let kinds = [self.candidates.local[pair.local].kind, self.candidates.remote[pair.remote].kind()];
        if kinds.contains(&CandidateType::Relayed) {
            self.config.settle_relayed
        } else if kinds.contains(&CandidateType::ServerReflexive) {
            self.config.settle_reflexive
        } else {
            self.config.settle_direct
        }
    }

    /// Controlled: the peer sent USE-CANDIDATE on a pair (RFC 8445 §7.3.1.5).
    pub(super) fn asked_to_use(&mut self, id: PairId, wish: Wish, now: Instant) {
        if let Wish::Numbered(number) = wish {
            // Retransmissions and late comers have been overtaken.
            if number < self.nomination {
                return;
            }
            self.nomination = number;
        }
        let Some(pair) = self.list.get_mut(id) else { return };
        pair.asked_for = Some(now);
        if pair.consented(now) && wish != Wish::Plain {
            self.follow(id, now);
        } else if pair.consented(now) {
            self.nominated(id, now);
        } else if pair.nomination == Nomination::No {
            pair.nomination = Nomination::Wanted;
        }
    }

    /// A valid pair is nominated: it is selected, unless a better one is and holds (RFC 8445 §8.1.2).
    pub(super) fn nominated(&mut self, id: PairId, now: Instant) {
        let Some(pair) = self.list.get_mut(id) else { return };
        pair.nomination = Nomination::Done;
        let priority = pair.priority;
        let stays = self.selected.and_then(|selected| self.list.get(selected)).is_some_and(|selected| {
            let asked_lately = selected.asked_for.is_some_and(|at| now < at + FOLLOW_AFTER);
            let holds = selected.consented(now) && !self.watch.is_silent();
            selected.id == id || holds && asked_lately && selected.priority > priority
        });
        if !stays {
            self.settle_on(id, now);
        }
    }

    /// Controlled: the peer says outside of checks that it has selected a pair with our candidate at `ours`
    /// (RFC 8839 §4.4.3.2). It is as if its nominating check had come, which may have been lost or overtaken.
    pub fn follow_choice(&mut self, now: Instant, ours: SocketAddr) {
        let now = self.tick(now);
        if self.role != IceRole::Controlled || self.is_over() {
            return;
        }
        let meant = |pair: &Pair| {
            let local = &self.candidates.local[pair.seen_as.unwrap_or(pair.local)];
            same_host_and_port(local.address, ours)
        };
        if self.selected.and_then(|id| self.list.get(id)).is_some_and(meant) {
            return;
        }
        let valid = self.list.best(|pair| meant(pair) && pair.consented(now));
        let checked = || self.list.best(|pair| meant(pair) && pair.proven && !pair.is_revoked());
        if let Some(id) = valid.or_else(checked).map(|pair| pair.id) {
            self.asked_to_use(id, Wish::Plain, now);
            self.run(now);
        }
    }

    /// Controlling: the peer's candidate that is in use, as the peer signalled it. What it did not signal is not told:
    /// it may have hidden it.
    #[must_use]
    pub fn remote_choice(&self) -> Option<RemoteChoice> {
        let pair = self.list.get(self.selected?).filter(|_| self.role == IceRole::Controlling)?;
        let signalled = self.candidates.remote[pair.remote].signalled.as_ref()?;
        let Candidate { component, ref address, port, .. } = **signalled;
        Some(RemoteChoice { component, address: address.clone(), port })
    }

    /// A pair that the peer named by number is taken, whatever its priority.
    fn follow(&mut self, id: PairId, now: Instant) {
        if let Some(pair) = self.list.get_mut(id) {
            pair.nomination = Nomination::Done;
        }
        if self.selected != Some(id) {
            self.settle_on(id, now);
        }
    }

    fn settle_on(&mut self, id: PairId, now: Instant) {
        self.select(Some(id));
        self.switch_generation(now);
        self.list.conclude();
        self.cancel_other_checks(now);
    }

    /// Consent was lost on the selected pair: another one that was nominated takes its place if it holds.
    pub(super) fn reselect(&mut self, now: Instant) {
        let holds = |pair: &Pair| pair.nomination == Nomination::Done && pair.consented(now);
        if let Some(other) = self.list.best(holds).map(|pair| pair.id) {
            self.select(Some(other));
        }
    }

    fn select(&mut self, id: Option<PairId>) {
        if self.selected != id {
            self.selected = id;
            self.push_event(Event::SelectedPairChange);
        }
    }
}
