//! What is known of the path: rate, round trip, and what it loses (draft-ietf-ccwg-bbr §5.5).

use crate::base::time::Instant;
use crate::data::sctp::congestion::{Ack, Sample};
use std::time::Duration;

/// The part of the latest round's loss that enters the mean.
const LOSS_GAIN: f64 = 0.25;
/// More is not believed to be random.
const MAX_RANDOM_LOSS: f64 = 0.1;
/// Before anything was measured.
const FIRST_RANDOM_LOSS: f64 = 0.01;
/// Rounds for which bursts of acknowledgements are remembered.
const EXTRA_ROUNDS: u64 = 5;

/// What one round trip brought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    /// The highest rate of a sample in bytes a second, and the most that a sample delivered.
    pub(super) rate: f64,
    pub(super) delivered: u64,
    pub(super) acked: u64,
    pub(super) lost: u64,
    rtt: Option<Duration>,
}

impl Round {
    pub(super) fn loss_rate(&self) -> f64 {
        self.lost as f64 / (self.lost + self.acked).max(1) as f64
    }
}

#[derive(Debug)]
pub(super) struct Model {
    /// The highest rates of the last cycle of probing and this one, in bytes a second.
    rates: [f64; 2],
    min_rtt: Option<Duration>,
    /// When the shortest round trip was last seen.
    pub(super) min_rtt_at: Instant,
    /// Whether the latest acknowledgement began a round, and how many there were.
    pub(super) round_start: bool,
    pub(super) rounds: u64,
    round_end: u64,
    round: Round,
    pub(super) last_round: Round,
    /// The share that is lost while the path has no queue.
    pub(super) random_loss: f64,
    extra: Extra,
}

/// What is acknowledged faster than the rate explains: acknowledgements that come in bursts.
#[derive(Clone, Copy, Debug, Default)]
struct Extra {
    begin: Option<Instant>,
    acked: f64,
    most: [f64; 2],
    shifted: u64,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            rates: [0.0; 2],
            min_rtt: None,
            min_rtt_at: Instant::ZERO,
            round_start: false,
            rounds: 0,
            round_end: 0,
            round: Round::default(),
            last_round: Round::default(),
            random_loss: FIRST_RANDOM_LOSS,
            extra: Extra::default(),
        }
    }
}

impl Model {
    pub(super) fn max_rate(&self) -> f64 {
        self.rates[0].max(self.rates[1])
    }

    pub(super) const fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt
    }

    /// Another cycle of probing: the rates before the last one are forgotten.
    pub(super) const fn shift_rates(&mut self) {
        if self.rates[1] > 0.0 {
            self.rates = [self.rates[1], 0.0];
        }
    }

    pub(super) fn extra_acked(&self) -> usize {
        self.extra.most[0].max(self.extra.most[1]) as usize
    }

    /// Nothing was under way.
    pub(super) const fn restart(&mut self, _now: Instant) {
        self.extra.begin = None;
    }

    /// Takes over a round trip in place of what was the shortest.
    pub(super) const fn set_min_rtt(&mut self, now: Instant, rtt: Duration) {
        self.min_rtt = Some(rtt);
        self.min_rtt_at = now;
    }

    pub(super) fn update(&mut self, ack: &Ack, sample: &Sample) {
        self.round_start = sample.prior_delivered >= self.round_end;
        if self.round_start {
            self.round_end = sample.delivered;
            self.rounds += 1;
            self.last_round = std::mem::take(&mut self.round);
        }
        self.note_rtt(ack);
        let delivered = sample.delivered - sample.prior_delivered;
        let micros = sample.interval.as_micros() as u64;
        self.round.acked += ack.bytes as u64;
        self.round.lost += ack.lost as u64;
        // What came faster than any round trip was sent before, and only taken for lost.
        if micros > 0 && self.min_rtt.is_some_and(|rtt| sample.interval >= rtt) {
            let rate = delivered as f64 * 1e6 / micros as f64;
            self.round.rate = self.round.rate.max(rate);
            self.round.delivered = self.round.delivered.max(delivered);
            if !sample.app_limited || rate >= self.max_rate() {
                self.rates[1] = self.rates[1].max(rate);
            }
        }
        self.note_burst(ack);
    }

    fn note_rtt(&mut self, ack: &Ack) {
        let Some(rtt) = ack.rtt else { return };
        self.round.rtt = Some(self.round.rtt.map_or(rtt, |least| least.min(rtt)));
        match self.min_rtt {
            // Within what timers and bursts make of it, it has been seen again.
            Some(min) if rtt >= min => {
                if rtt <= min + min / 64 + Duration::from_micros(100) {
                    self.min_rtt_at = ack.now;
                }
            }
            _ => self.set_min_rtt(ack.now, rtt),
        }
    }

    // draft-ietf-ccwg-bbr §5.5.9
    fn note_burst(&mut self, ack: &Ack) {
        if self.rounds >= self.extra.shifted + EXTRA_ROUNDS {
            self.extra.shifted = self.rounds;
            self.extra.most = [self.extra.most[1], 0.0];
        }
        let rate = self.max_rate();
        let expected = |begin: Instant| rate * ack.now.saturating_since(begin).as_secs_f64();
        let extra = &mut self.extra;
        if extra.begin.is_none_or(|begin| extra.acked <= expected(begin)) {
            extra.begin = Some(ack.now);
            extra.acked = 0.0;
        }
        // What a repair lets through at once was not sent at once.
        if ack.recovering {
            extra.begin = None;
            return;
        }
        extra.acked += ack.bytes as f64;
        let path = rate * self.min_rtt.unwrap_or_default().as_secs_f64();
        let more = extra.acked - extra.begin.map_or(0.0, expected);
        extra.most[1] = extra.most[1].max(more.min(path));
    }

    /// Whether a queue stood throughout the last round: then what arrived in it is all that the path carries.
    pub(super) fn had_queue(&self) -> bool {
        let Some((rtt, min)) = self.last_round.rtt.zip(self.min_rtt) else { return false };
        rtt > min + min / 4 + Duration::from_millis(2)
    }

    /// The last round had no part in filling a queue: what it lost is what the path loses.
    pub(super) fn learn_random_loss(&mut self) {
        let round = self.last_round;
        let (Some(rtt), Some(min)) = (round.rtt, self.min_rtt) else { return };
        if rtt <= min + min / 20 + Duration::from_micros(500) && round.acked > 0 {
            let loss = round.loss_rate().min(MAX_RANDOM_LOSS);
            self.random_loss += LOSS_GAIN * (loss - self.random_loss);
        }
    }
}
