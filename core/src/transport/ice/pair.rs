//! A candidate pair: where its check stands, its nomination, its consent and what was measured on it.

use crate::base::net::Path;
use crate::base::time::Instant;
use crate::transport::ice::candidate::Foundation;
use crate::transport::ice::state::IceRole;
use crate::transport::ice::tcp::Link;
use std::time::Duration;

/// Where a pair stands (RFC 8445 §6.1.2.6), as W3C's statistics tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairState {
    /// Waits for another pair of its foundation.
    Frozen,
    /// Its check has not been sent yet.
    Waiting,
    /// Its check is under way.
    InProgress,
    /// Its check succeeded.
    Succeeded,
    /// Its check failed, or consent was lost.
    Failed,
}

/// What statistics tell about a pair (`RTCIceCandidatePairStats`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairInfo {
    /// Names the pair for the agent's life.
    pub id: u32,
    /// The five-tuple that checks are sent on.
    pub path: Path,
    /// Index into [`Agent::local_candidates`](super::Agent::local_candidates).
    pub local: usize,
    /// Index into [`Agent::remote_candidates`](super::Agent::remote_candidates).
    pub remote: usize,
    /// Where its check stands.
    pub state: PairState,
    /// Whether it was nominated, by whichever side does.
    pub nominated: bool,
    /// RFC 8445 §6.1.2.3.
    pub priority: u64,
    /// Round-trip times of checks.
    pub rtt: Rtt,
    /// Counters.
    pub counters: PairCounters,
}

/// STUN messages on a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCounters {
    /// Checks sent, without retransmissions and consent checks.
    pub requests_sent: u64,
    /// Checks received, retransmissions among them.
    pub requests_received: u64,
    /// Answers sent.
    pub responses_sent: u64,
    /// Answers received.
    pub responses_received: u64,
    /// Consent checks sent.
    pub consent_requests_sent: u64,
}

/// Round-trip times as measured by checks that were sent once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rtt {
    /// Smoothed as in RFC 6298 §2.
    pub smoothed: Option<Duration>,
    /// The last measurement.
    pub latest: Option<Duration>,
    /// The sum of all measurements.
    pub total: Duration,
    /// The least time in which something was answered that had been sent more than once: the round trip is no longer.
    pub bound: Option<Duration>,
}

impl Rtt {
    /// The best that is known of the round trip.
    pub(super) fn known(&self) -> Option<Duration> {
        self.smoothed.or(self.bound)
    }

    pub(super) fn measure(&mut self, sample: Duration) {
        self.latest = Some(sample);
        self.total = self.total.saturating_add(sample);
        self.smoothed = Some(self.smoothed.map_or(sample, |smoothed| (smoothed * 7 + sample) / 8));
    }
}

/// Names a pair for as long as the agent lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PairId(pub u32);

/// Where a pair stands, with what belongs to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Frozen,
    Waiting,
    InProgress,
    Succeeded {
        /// Since when.
        since: Instant,
        /// When the peer's consent ends (RFC 7675 §5.1).
        consent_until: Instant,
    },
    Failed,
    /// Consent was lost: in this generation it is not used again (RFC 7675 §5.1).
    Revoked,
}

/// Whether a pair is the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nomination {
    No,
    /// Controlling: the nominating check is due or under way. Controlled: the peer wants it, and our own check
    /// has to succeed first (RFC 8445 §7.3.1.5).
    Wanted,
    Done,
}

/// A local base and a remote candidate.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub id: PairId,
    /// Place of the local candidate that checks are sent from.
    pub local: usize,
    /// Place of the local candidate that the peer sees, once known: that of the valid pair (§7.2.5.3.2).
    pub seen_as: Option<usize>,
    pub remote: usize,
    pub path: Path,
    pub link: Link,
    pub priority: u64,
    pub foundation: (Foundation, Foundation),
    pub standing: Standing,
    pub nomination: Nomination,
    /// When the peer last asked for this pair with USE-CANDIDATE.
    pub asked_for: Option<Instant>,
    /// Authenticated STUN was seen on this very path.
    pub proven: bool,
    /// How often it was checked anew without an answer to the check before.
    pub checked_anew: u8,
    /// A check, or its answer, was lost on the way.
    pub has_lost: bool,
    pub rtt: Rtt,
    pub counters: PairCounters,
}

impl Pair {
    /// Whether the peer's consent to be sent to on it holds at `now`.
    pub fn consented(&self, now: Instant) -> bool {
        matches!(self.standing, Standing::Succeeded { consent_until, .. } if now < consent_until)
    }

    /// Whether consent was lost on it.
    pub fn is_revoked(&self) -> bool {
        self.standing == Standing::Revoked
    }

    pub const fn unfinished(&self) -> bool {
        matches!(self.standing, Standing::Frozen | Standing::Waiting | Standing::InProgress)
    }

    pub fn info(&self) -> PairInfo {
        PairInfo {
            id: self.id.0,
            path: self.path,
            local: self.seen_as.unwrap_or(self.local),
            remote: self.remote,
            state: match self.standing {
                Standing::Frozen => PairState::Frozen,
                Standing::Waiting => PairState::Waiting,
                Standing::InProgress => PairState::InProgress,
                Standing::Succeeded { .. } => PairState::Succeeded,
                Standing::Failed | Standing::Revoked => PairState::Failed,
            },
            nominated: self.nomination == Nomination::Done,
            priority: self.priority,
            rtt: self.rtt,
            counters: self.counters,
        }
    }
}

/// RFC 8445 §6.1.2.3: both sides come to the same order.
pub(super) fn pair_priority(role: IceRole, local: u32, remote: u32) -> u64 {
    let (controlling, controlled) =
        if role == IceRole::Controlled { (remote, local) } else { (local, remote) };
    let (low, high) = (controlling.min(controlled), controlling.max(controlled));
    (u64::from(low) << 32) + 2 * u64::from(high) + u64::from(controlling > controlled)
}
