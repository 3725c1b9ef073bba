//! Nomination: choosing a pair as controlling agent, following as controlled one (RFC 8445 §8).

use crate::base::time::Instant;
use crate::transport::ice::answer::Wish;
use crate::transport::ice::pair::{Nomination, Pair, PairId, Standing};
use crate::transport::ice::state::IceRole;
use crate::transport::ice::{Agent, Event};
use crate::wire::candidate::CandidateType;
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
