//! Checks of ours: starting them at their pace, sending them again, giving them up (RFC 8445 §7.2.2, §7.2.4).

use crate::base::net::{Path, Protocol};
use crate::base::time::Instant;
use crate::transport::ice::Agent;
use crate::transport::ice::candidate::as_peer_reflexive;
use crate::transport::ice::pair::{Nomination, Pair, PairId, Standing};
use crate::transport::ice::state::IceRole;
use crate::transport::ice::tcp::ANSWER_WAIT;
use crate::wire::stun::TransactionId;
use std::time::Duration;

/// The floor of Ta (RFC 8445 §14.2).
const MINIMUM_PACING: Duration = Duration::from_millis(5);
/// Checks of one pair that were given up but may still be answered: more than a long round trip sees begin.
const MAX_CANCELLED: usize = 16;
/// While no pair works, how many of the best are checked anew rather than again ([`Config::anew`](super::Config::anew)).
const MAX_ANEW_PAIRS: usize = 2;

/// A request of ours that may still be answered.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub id: TransactionId,
    pub pair: PairId,
    pub path: Path,
    pub purpose: Purpose,
    // What the request says, the same in each retransmission.
    pub priority: u32,
    pub role: IceRole,
    pub tie_breaker: u64,
    /// When it was first sent.
    pub sent_at: Instant,
    pub sends: u8,
    pub rto: Duration,
    /// When it is sent again or given up.
    pub due: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A connectivity check, sent again until it is answered or given up.
    Check { nominate: bool },
    /// A connectivity check that another one took the place of: an answer still counts, silence does not.
    Cancelled { nominate: bool },
    /// Asks for consent: never sent again (RFC 7675 §5.1).
    Consent,
}

impl Purpose {
    /// Whether the request carries USE-CANDIDATE.
    pub const fn nominates(self) -> bool {
        matches!(self, Self::Check { nominate: true } | Self::Cancelled { nominate: true })
    }

    pub const fn is_check(self) -> bool {
        matches!(self, Self::Check { .. })
    }

    pub const fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }
}

impl Transaction {
    /// Is not sent again. It waits for an answer as long as it would have (RFC 8445 §7.3.1.4).
    pub fn cancel(&mut self, now: Instant, last_wait: u32) {
        if let Purpose::Check { nominate } = self.purpose {
            self.purpose = Purpose::Cancelled { nominate };
            self.due = now + self.rto * last_wait;
        }
    }
}

impl Agent {
    /// Starts the next check if its time has come. At most one: the next waits for its own time, so a late
    /// driver makes no burst.
    pub(super) fn start_next_check(&mut self, now: Instant) {
        if now < self.next_check_at || !self.has_begun() {
            return;
        }
        while let Some(id) = self.list.take_next() {
            if let Some(pair) = self.list.get_mut(id) {
                if matches!(pair.standing, Standing::Revoked) {
                    continue;
                }
                if !pair.link.is_there() {
                    if self.needs_stream(id) {
                        self.next_check_at = now + self.config.pacing.max(MINIMUM_PACING);
                        return;
                    }
                    continue;
                }
                if !matches!(pair.standing, Standing::Succeeded { .. }) {
                    pair.standing = Standing::InProgress;
                }
                return self.check(id, now);
            }
        }
    }

    /// Sends a pair's check, and keeps the pace.
    fn check(&mut self, id: PairId, now: Instant) {
        let at_once = self.nominates_at_once(id);
        let Some(pair) = self.list.get_mut(id) else { return };
        pair.counters.requests_sent += 1;
        let wanted = self.role == IceRole::Controlling && pair.nomination == Nomination::Wanted;
        let nominate = at_once || wanted;
        self.request(id, Purpose::Check { nominate }, now);
        // RFC 8445 §6.1.4.2, §14.2.
        self.next_check_at = now + self.config.pacing.max(MINIMUM_PACING);
    }

    /// Checks a pair anew whose last check was not answered in time, if it is one of the best and none has an answer. A
    /// loss is then but a loss: the wait does not grow, and what comes back tells the round trip.
    fn check_anew(&mut self, id: PairId, now: Instant) -> bool {
        let unanswered = |pair: &&Pair| pair.standing == Standing::InProgress;
        let best = self.list.iter().filter(unanswered).take(MAX_ANEW_PAIRS);
        let may = best.filter(|pair| pair.id == id && pair.checked_anew < self.config.anew).count() == 1;
        if self.sending.is_some() || !may {
            return false;
        }
        let last_wait = self.config.last_wait;
        self.checks_of(id).for_each(|t| t.cancel(now, last_wait));
        self.limit_cancelled(id);
        if let Some(pair) = self.list.get_mut(id) {
            pair.checked_anew += 1;
        }
        self.check(id, now);
        true
    }

    fn checks_of(&mut self, id: PairId) -> impl Iterator<Item = &mut Transaction> {
        self.transactions.iter_mut().filter(move |t| t.pair == id && t.purpose.is_check())
    }

    /// Draws a transaction for `id` and queues its request.
    pub(super) fn request(&mut self, id: PairId, purpose: Purpose, now: Instant) {
        let rto = self.first_rto(id);
        let Some(&Pair { path, local, .. }) = self.pair(id) else { return };
        let transaction = Transaction {
            id: TransactionId(self.rng.secret_bytes()),
            pair: id,
            path,
            purpose,
            priority: as_peer_reflexive(self.candidates.local[local].priority, path.protocol),
            role: self.role,
            tie_breaker: self.tie_breaker,
            sent_at: now,
            sends: 1,
            rto,
            due: match purpose {
                Purpose::Consent => now + self.config.consent_expiry,
                _ if path.protocol == Protocol::Tcp => now + ANSWER_WAIT,
                _ if self.config.max_sends <= 1 => now + rto * self.config.last_wait,
                _ => now + rto,
            },
        };
        self.queue_request(transaction.id);
        if self.transactions.is_empty() {
            // Once the checks are done there is one at a time, for consent.
            self.transactions = Vec::with_capacity(1);
        }
        self.transactions.push(transaction);
    }

    /// RFC 8445 §14.3, and not less than a pair's own round-trip time asks for.
    fn first_rto(&self, id: PairId) -> Duration {
        let busy = u32::try_from(self.list.busy()).unwrap_or(u32::MAX);
        let paced = self.config.pacing.max(MINIMUM_PACING).saturating_mul(busy).min(self.config.maximum_rto);
        let known = self.pair(id).and_then(|pair| pair.rtt.smoothed).unwrap_or_default();
        self.config.minimum_rto.max(paced).max(known * 2)
    }

    /// Sends again what was not answered, and gives up what was sent often enough (RFC 8489 §6.2.1).
    pub(super) fn retransmit(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(transaction) = self.transactions.get_mut(at) {
            if transaction.due > now {
                at += 1;
                continue;
            }
            // RFC 6544 §7.1: a stream loses nothing, so nothing is sent again.
            let lossy = transaction.path.protocol == Protocol::Udp;
            let again = lossy && transaction.purpose.is_check() && transaction.sends < self.config.max_sends;
            let pair = transaction.pair;
            if again && self.check_anew(pair, now) {
                // Another transaction is in its place.
                at = 0;
            } else if again && let Some(transaction) = self.transactions.get_mut(at) {
                transaction.sends += 1;
                let wait = if transaction.sends >= self.config.max_sends {
                    transaction.rto * self.config.last_wait
                } else {
                    transaction.rto * (1 << (transaction.sends - 1).min(16))
                };
                transaction.due = now + wait;
                let id = transaction.id;
                self.queue_request(id);
                at += 1;
            } else {
                let gone = self.transactions.remove(at);
                if gone.purpose.is_check() {
                    self.fail(gone.pair);
                }
            }
        }
        if self.transactions.is_empty() {
            self.transactions = Vec::new();
        }
    }

    pub(super) fn next_retransmission(&self) -> Option<Instant> {
        self.transactions.iter().map(|t| t.due).min()
    }

    /// Has a pair checked soon, because the peer just checked it (RFC 8445 §7.3.1.4).
    pub(super) fn trigger(&mut self, id: PairId, now: Instant) {
        let Some(pair) = self.list.get(id) else { return };
        let (standing, consented) = (pair.standing, pair.consented(now));
        match standing {
            Standing::Revoked => return,
            Standing::Succeeded { .. } if consented => return,
            Standing::InProgress if !self.cancel_checks(id, now) => return,
            _ => {}
        }
        if let Some(pair) = self.list.get_mut(id) {
            pair.standing = Standing::Waiting;
        }
        self.list.trigger(id);
    }

    /// Stops sending the checks of a pair; `false` when one is so fresh that another would be a waste.
    fn cancel_checks(&mut self, id: PairId, now: Instant) -> bool {
        let pacing = self.config.pacing.max(MINIMUM_PACING);
        let last_wait = self.config.last_wait;
        if self.checks_of(id).any(|t| now < t.sent_at + pacing) {
            return false;
        }
        self.checks_of(id).for_each(|t| t.cancel(now, last_wait));
        self.limit_cancelled(id);
        true
    }

    fn limit_cancelled(&mut self, id: PairId) {
        let cancelled = |t: &Transaction| t.pair == id && t.purpose.is_cancelled();
        while self.transactions.iter().filter(|t| cancelled(t)).count() > MAX_CANCELLED {
            let oldest = self.transactions.iter().position(cancelled);
            self.transactions.remove(oldest.unwrap_or_default());
        }
    }

    /// With a pair selected, the checks of others are not sent again; an answer may still come. But those go on that
    /// nominate: the peer may have taken the pair.
    pub(super) fn cancel_other_checks(&mut self, now: Instant) {
        for transaction in &mut self.transactions {
            let wanted = self.list.get(transaction.pair).is_some_and(|p| p.nomination != Nomination::No);
            if !wanted && !transaction.purpose.nominates() {
                transaction.cancel(now, self.config.last_wait);
            }
        }
    }
}
