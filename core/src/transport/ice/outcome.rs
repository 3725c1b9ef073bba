//! What answers to our checks mean (RFC 8445 §7.2.5).

use crate::base::drops::DropReason;
use crate::base::net::Path;
use crate::base::time::Instant;
use crate::transport::ice::Agent;
use crate::transport::ice::check::{Purpose, Transaction};
use crate::transport::ice::pair::{Nomination, Pair, PairId, Standing};
use crate::transport::ice::scan::Scan;
use crate::transport::ice::state::IceRole;
use crate::wire::stun::{Class, ErrorCode, Message};
use std::net::SocketAddr;

impl Agent {
    /// A response: to which request, from the right place, signed by the peer?
    pub(super) fn handle_response(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let Some(at) = self.transactions.iter().position(|t| t.id == message.transaction) else {
            return self.drops.count(DropReason::StunUnknownTransaction);
        };
        // RFC 8489 §9.1.4: without right integrity it is as if it never came.
        if !self.addressee(&self.transactions[at]).is_some_and(|(peer, _)| peer.signed(message)) {
            return self.drops.count(DropReason::StunIntegrity);
        }
        self.vouched.vouch();
        let Ok(scan) = Scan::of(message) else {
            return self.drops.count(DropReason::StunMalformed);
        };
        let transaction = self.transactions[at].clone();
        if transaction.path != path {
            self.drops.count(DropReason::StunWrongPath);
            // RFC 8445 §7.2.5.2.1: the addresses must mirror each other, or the pair has failed.
            if transaction.purpose != Purpose::Consent {
                self.transactions.remove(at);
                self.fail(transaction.pair);
            }
            return;
        }
        if let Some(pair) = self.pair_mut(transaction.pair) {
            pair.counters.responses_received += 1;
        }
        if scan.unknown().next().is_some() {
            // RFC 8489 §6.3.3: the transaction has failed.
            self.drops.count(DropReason::StunUnknownAttribute);
            return self.refused(at, None);
        }
        match (message.class, scan.mapped, scan.error) {
            (Class::Success, Some(mapped), _) => {
                self.transactions.remove(at);
                self.succeeded(&transaction, mapped, now);
            }
            (Class::Error, _, Some(code)) => self.refused(at, Some(code)),
            _ => self.drops.count(DropReason::StunMalformed),
        }
    }

    /// The peer refused a request of ours.
    fn refused(&mut self, at: usize, code: Option<u16>) {
        let transaction = self.transactions[at].clone();
        // RFC 7675 §5.1: only success renews consent, and nothing but time ends it.
        if transaction.purpose == Purpose::Consent {
            return;
        }
        self.transactions.remove(at);
        if code != Some(ErrorCode::ROLE_CONFLICT) {
            return self.fail(transaction.pair);
        }
        // RFC 8445 §7.2.5.1: take the other role and another tie-breaker, and check again. An answer to what
        // was sent in a role that has changed since changes nothing more.
        if transaction.role == self.role {
            self.tie_breaker = self.rng.secret_u64();
            self.switch_role();
        }
        if let Some(pair) = self.list.get_mut(transaction.pair) {
            if transaction.purpose.nominates() && pair.nomination == Nomination::Wanted {
                pair.nomination = Nomination::No;
            }
            if !matches!(pair.standing, Standing::Succeeded { .. } | Standing::Revoked) {
                pair.standing = Standing::Waiting;
                self.list.trigger(transaction.pair);
            }
        }
    }

    /// A check or consent check succeeded (RFC 8445 §7.2.5.3).
    fn succeeded(&mut self, transaction: &Transaction, mapped: SocketAddr, now: Instant) {
        let consent_until = now + self.config.consent_expiry;
        let limit = self.config.max_local_candidates;
        let Some(&Pair { local, standing, .. }) = self.pair(transaction.pair) else { return };
        if standing == Standing::Revoked {
            return;
        }
        let seen_as = self.candidates.local_seen_as(local, mapped, limit);
        // Answers come in the order of their questions, so what was asked before this is not answered any more.
        let passed_over = |t: &Transaction| t.pair == transaction.pair && t.sent_at < transaction.sent_at;
        let lost = self.transactions.iter().any(passed_over);
        let Some(pair) = self.pair_mut(transaction.pair) else { return };
        pair.has_lost |= lost;
        if transaction.sends == 1 {
            pair.rtt.measure(now - transaction.sent_at);
        } else {
            let bound = now - transaction.sent_at;
            pair.rtt.bound = Some(pair.rtt.bound.map_or(bound, |least| least.min(bound)));
        }
        let since = match pair.standing {
            Standing::Succeeded { since, .. } => since,
            _ => now,
        };
        pair.proven = true;
        pair.standing = Standing::Succeeded { since, consent_until };
        pair.seen_as = Some(seen_as);
        let Pair { id, foundation, nomination, .. } = *pair;
        if self.list.get(id).is_some() {
            self.list.thaw(foundation);
        }
        self.watch_answered(id, now);
        if transaction.purpose == Purpose::Consent {
            return self.renew_nomination(id, now);
        }
        // Whatever else was under way for this pair has been answered with it, but for a nomination.
        let nominating = transaction.purpose.nominates();
        let kept = |t: &Transaction| t.purpose == Purpose::Consent || t.purpose.nominates() && !nominating;
        self.transactions.retain(|t| t.pair != id || kept(t));
        let wanted_by_peer = self.role == IceRole::Controlled && nomination == Nomination::Wanted;
        if nominating && self.role == IceRole::Controlling || wanted_by_peer {
            self.nominated(id, now);
        }
    }

    /// The path works, as consent shows, and yet the check that nominates it was lost more than once: rather than
    /// let its timeouts grow, and fail a good pair in the end, it starts anew.
    fn renew_nomination(&mut self, id: PairId, now: Instant) {
        let last_wait = self.config.last_wait;
        let stuck = |t: &&mut Transaction| t.pair == id && t.purpose.nominates() && t.sends > 2;
        if let Some(transaction) = self.transactions.iter_mut().filter(|t| t.purpose.is_check()).find(stuck) {
            transaction.cancel(now, last_wait);
            self.list.trigger_first(id);
        }
    }

    /// RFC 8445 §7.2.5.2: the check of a pair failed.
    pub(super) fn fail(&mut self, id: PairId) {
        if let Some(pair) = self.list.get_mut(id).filter(|pair| pair.standing != Standing::Revoked) {
            pair.standing = Standing::Failed;
            if pair.nomination == Nomination::Wanted {
                pair.nomination = Nomination::No;
            }
        }
    }
}
