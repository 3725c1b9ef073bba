//! Consent: whether the peer still wants to be sent to on the path in use (RFC 7675), and how soon its silence
//! is noticed.
//!
//! A check goes out every 5 s (each time between 4 and 6). When one is not answered within twice the
//! round-trip time (500 ms at least), checks come every 500 ms until one is. 5 s after the first that went
//! unanswered the state is `disconnected`; 30 s after the last answer consent ends, and with it all sending.

use crate::base::net::Path;
use crate::base::time::Instant;
use crate::transport::ice::Agent;
use crate::transport::ice::check::{Purpose, Transaction};
use crate::transport::ice::pair::{PairId, Standing};
use crate::transport::ice::{Event, Timer};
use std::time::Duration;

/// Consent checks that may still be answered: eight seconds' worth of those that silence brings.
const MAX_OUTSTANDING: usize = 16;

/// The pair in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sending {
    pub pair: PairId,
    pub path: Path,
}

/// How the pair in use answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// Nothing is asked that was not answered.
    Steady,
    /// A consent check went out and there is time to answer it.
    Asked { since: Instant },
    /// There was time and no answer.
    Silent { since: Instant },
    /// It has been silent for so long that the application should know.
    Gone,
}

impl Watch {
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::Silent { .. } | Self::Gone)
    }
}

impl Agent {
    /// Which pair is to be used now: the selected one, or while that is none, the best that is valid.
    pub(super) fn choose_sending(&mut self, now: Instant) {
        let pair = match self.selected {
            Some(id) => {
                let selected = self.list.get(id).filter(|pair| pair.consented(now));
                selected.or_else(|| self.list.best_valid(now))
            }
            None => self.former_in_use(now).or_else(|| self.list.best_valid(now)),
        };
        let chosen = pair.map(|pair| Sending { pair: pair.id, path: pair.path });
        if chosen == self.sending {
            return;
        }
        self.sending = chosen;
        self.watch = Watch::Steady;
        self.timers.cancel(Timer::Consent);
        self.timers.cancel(Timer::Silence);
        self.timers.cancel(Timer::Expiry);
        if let Some(Sending { pair, .. }) = chosen {
            self.watch_answered(pair, now);
        }
        self.push_event(Event::SendPathChange(chosen.map(|sending| sending.path)));
    }

    /// A check on `id` was answered: if it is the pair in use, all is well until the next one.
    pub(super) fn watch_answered(&mut self, id: PairId, now: Instant) {
        let Some(Sending { pair, .. }) = self.sending.filter(|sending| sending.pair == id) else { return };
        let Some(Standing::Succeeded { consent_until, .. }) = self.pair(pair).map(|p| p.standing) else {
            return;
        };
        self.watch = Watch::Steady;
        // RFC 7675 §5.1: spread, so that many connections do not fall into step.
        let spread = 0.8 + 0.4 * self.rng.jitter_unit();
        let last_answer = Instant::from_micros(
            consent_until.as_micros().saturating_sub(self.config.consent_expiry.as_micros() as u64),
        );
        let next = last_answer + self.config.consent_interval.mul_f64(spread);
        self.timers.set(Timer::Consent, next.max(now));
        self.timers.set(Timer::Expiry, consent_until);
        self.timers.cancel(Timer::Silence);
    }

    /// Time for a consent check.
    pub(super) fn ask_for_consent(&mut self, now: Instant) {
        let Some(Sending { pair, .. }) = self.sending else { return };
        if self.is_lite() {
            return self.missed_the_peer(now);
        }
        let consent = |t: &Transaction| t.purpose == Purpose::Consent;
        if self.transactions.iter().filter(|t| consent(t)).count() >= MAX_OUTSTANDING {
            let oldest = self.transactions.iter().position(consent);
            self.transactions.remove(oldest.unwrap_or_default());
        }
        self.request(pair, Purpose::Consent, now);
        let silent_interval = self.config.silent_interval;
        let Some(pair) = self.pair_mut(pair) else { return };
        pair.counters.consent_requests_sent += 1;
        let patience = silent_interval.max(pair.rtt.smoothed.unwrap_or_default() * 2);
        self.timers.set(Timer::Consent, now + patience.max(Duration::from_millis(1)));
        self.watch = match self.watch {
            Watch::Steady => Watch::Asked { since: now },
            Watch::Asked { since } => {
                self.timers.set(Timer::Silence, since + self.config.disconnected_after);
                self.reopen(now);
                Watch::Silent { since }
            }
            silent => silent,
        };
    }

    /// Lite: a check of the peer is as good as an answer to one of ours (RFC 7675 §5.1 has full agents in mind; RFC 8445
    /// §8.2 lets a lite one send along the pair that the peer nominated).
    pub(super) fn heard_from(&mut self, id: PairId, now: Instant) {
        let consent_until = now + self.config.consent_expiry;
        let Some(pair) = self.list.get_mut(id) else { return };
        let since = match pair.standing {
            Standing::Succeeded { since, .. } => since,
            _ => now,
        };
        pair.standing = Standing::Succeeded { since, consent_until };
        self.watch_answered(id, now);
    }

    /// Lite: no check came for as long as they are apart.
    fn missed_the_peer(&mut self, now: Instant) {
        self.timers.cancel(Timer::Consent);
        self.timers.set(Timer::Silence, now + self.config.disconnected_after);
        self.watch = Watch::Silent { since: now };
    }

    /// The pair in use has been silent for long.
    pub(super) fn went_silent(&mut self) {
        if let Watch::Silent { .. } = self.watch {
            self.watch = Watch::Gone;
        }
    }

    /// Consent has expired: nothing is sent on that path any more (RFC 7675 §5.1, attack 44).
    pub(super) fn consent_expired(&mut self, now: Instant) {
        let Some(Sending { pair: id, .. }) = self.sending else { return };
        let Some(pair) = self.pair_mut(id).filter(|pair| !pair.consented(now)) else { return };
        pair.standing = Standing::Revoked;
        self.transactions.retain(|t| t.pair != id);
        if self.selected == Some(id) {
            self.reselect(now);
        }
    }
}
