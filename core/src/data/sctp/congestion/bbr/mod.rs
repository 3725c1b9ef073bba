//! BBR (draft-ietf-ccwg-bbr, version 3): sends at the rate at which data arrives, and keeps under way what that rate and the
//! path's round trip hold, whether or not packets are lost.
//!
//! It differs from the draft in one thing. There, more than 2 % of loss means that too much is under way; here that is 2 % beyond
//! what is lost while the path has no queue (`random_loss`), because a path that loses packets for reasons of its own would
//! otherwise be left nearly empty.

mod model;
mod probe_bw;
mod probe_rtt;
mod startup;

#[cfg(test)]
mod tests;

use crate::base::time::Instant;
use crate::data::sctp::congestion::bbr::model::Model;
use crate::data::sctp::congestion::bbr::probe_bw::Cycle;
use crate::data::sctp::congestion::bbr::startup::Plateau;
use crate::data::sctp::congestion::{Ack, Controller, INITIAL_PACKETS, Sample, window_rate};
use std::time::Duration;

/// Packets that may be under way in any case.
const MIN_PACKETS: usize = 4;
/// What a loss leaves of the short-term bounds.
const BETA: f64 = 0.7;
/// What was sent while probing is known to have arrived or not when so many episodes of recovery have begun after it: the one
/// that goes on at its end may have begun before the last of it was sent, the next has not.
const SETTLING: u8 = 2;
const SETTLING_ROUNDS: u64 = 8;
/// A little less than arrives is sent, so that queues empty.
const MARGIN: f64 = 0.99;
/// Two bursts as the pacer makes them, at most: what acknowledgements and bursts need beyond the path itself.
const SLACK: Duration = Duration::from_millis(1);

/// What is being found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// How fast the path is: the rate doubles each round trip.
    Startup,
    /// Nothing: the queue that start-up made is left to empty.
    Drain,
    /// Whether it has become faster, now and then.
    ProbeBw(Phase),
    /// How short the round trip is.
    ProbeRtt { until: Instant, round: u64 },
}

/// The phases of a cycle of probing for bandwidth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Down,
    Cruise,
    Refill,
    Up,
}

/// Bounds that losses set.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    /// What may be under way for as long as probing does not show otherwise.
    long: Option<usize>,
    /// The same, and the rate, until the next time of probing.
    short: Option<usize>,
    short_rate: Option<f64>,
}

/// Models the path by its rate and its round trip.
#[derive(Debug)]
pub struct Bbr {
    mtu: usize,
    window: usize,
    rate: Option<u64>,
    mode: Mode,
    model: Model,
    bounds: Bounds,
    /// The bounds before the last loss.
    undo: Option<Bounds>,
    cycle: Cycle,
    plateau: Plateau,
    /// Episodes of recovery that have to begin until losses are no longer those of probing, and the round in which they are not
    /// in any case.
    unsettled: (u8, u64),
}

impl Bbr {
    /// A controller for packets of at most `mtu` bytes.
    #[must_use]
    pub fn new(mtu: usize) -> Self {
        Self {
            mtu,
            window: INITIAL_PACKETS * mtu,
            rate: None,
            mode: Mode::Startup,
            model: Model::default(),
            bounds: Bounds::default(),
            undo: None,
            cycle: Cycle::default(),
            plateau: Plateau::default(),
            unsettled: (0, 0),
        }
    }

    /// How much faster or slower than data arrives it is sent.
    const fn pacing_gain(&self) -> f64 {
        match self.mode {
            // 4 ln 2
            Mode::Startup => 2.77,
            Mode::Drain => 0.5,
            Mode::ProbeBw(Phase::Down) => 0.9,
            Mode::ProbeBw(Phase::Up) => 1.25,
            Mode::ProbeBw(_) | Mode::ProbeRtt { .. } => 1.0,
        }
    }

    const fn window_gain(&self) -> f64 {
        match self.mode {
            Mode::ProbeRtt { .. } => 0.5,
            Mode::ProbeBw(Phase::Up) => 2.25,
            _ => 2.0,
        }
    }

    /// Bytes a second that the path is thought to carry.
    fn bandwidth(&self) -> f64 {
        self.model.max_rate().min(self.bounds.short_rate.unwrap_or(f64::INFINITY))
    }

    /// Bytes that fill the path so many times.
    fn inflight(&self, gain: f64) -> Option<usize> {
        let rtt = self.model.min_rtt()?.as_secs_f64();
        let rate = self.bandwidth();
        (rate > 0.0).then_some((gain * rate * rtt) as usize)
    }

    fn least(&self) -> usize {
        MIN_PACKETS * self.mtu
    }

    /// The share of loss above which too much is under way.
    fn loss_threshold(&self) -> f64 {
        0.02 + 2.0 * self.model.random_loss
    }

    /// Whether what was under way when a packet was sent was too much.
    fn is_too_high(&self, sample: &Sample) -> bool {
        let few = 2 * self.mtu as u64;
        sample.lost > few && sample.lost as f64 > self.loss_threshold() * sample.in_flight as f64
    }

    /// Short-term bounds follow what arrives when a round lost too much.
    // draft-ietf-ccwg-bbr §5.5.10.3
    fn adapt_short_bounds(&mut self) {
        let round = self.model.last_round;
        let probing =
            matches!(self.mode, Mode::Startup | Mode::Drain | Mode::ProbeBw(Phase::Refill | Phase::Up));
        let settling = self.unsettled.0 > 0 && self.model.rounds < self.unsettled.1;
        if probing
            || settling
            || round.lost <= 2 * self.mtu as u64
            || round.loss_rate() <= self.loss_threshold()
        {
            return;
        }
        let rate = self.bounds.short_rate.unwrap_or_else(|| self.model.max_rate());
        self.bounds.short_rate = Some((rate * BETA).max(round.rate));
        let window = self.bounds.short.unwrap_or(self.window) as f64;
        self.bounds.short = Some((window * BETA).max(round.delivered as f64) as usize);
    }

    fn reset_short_bounds(&mut self) {
        self.bounds.short = None;
        self.bounds.short_rate = None;
    }

    fn advance(&mut self, ack: &Ack, sample: &Sample) {
        match self.mode {
            Mode::Startup => self.advance_startup(ack, sample),
            Mode::Drain => self.advance_drain(ack),
            Mode::ProbeBw(phase) => self.advance_cycle(phase, ack, sample),
            Mode::ProbeRtt { until, round } => self.advance_probe_rtt(until, round, ack),
        }
        self.check_round_trip(ack);
    }

    // draft-ietf-ccwg-bbr §5.6.2
    fn set_rate(&mut self, srtt: Option<Duration>) {
        let rate = (self.pacing_gain() * self.bandwidth() * MARGIN) as u64;
        // In start-up what has been sent is no measure of what the path carries, least of all when that was little.
        let first = window_rate(INITIAL_PACKETS * self.mtu, srtt, 277);
        self.rate = match self.mode {
            // Without a round trip there is nothing to spread packets over.
            Mode::Startup => {
                [first, self.rate, Some(rate)].into_iter().flatten().max().filter(|&rate| rate > 0)
            }
            _ if rate == 0 => first,
            _ => Some(rate),
        };
    }

    // draft-ietf-ccwg-bbr §5.6.4
    fn set_window(&mut self, acked: usize) {
        let Some(path) = self.inflight(self.window_gain()) else {
            self.window += acked;
            return;
        };
        let slack = (self.bandwidth() * SLACK.as_secs_f64()) as usize + 3 * self.mtu;
        let most = path + slack + self.model.extra_acked();
        if matches!(self.mode, Mode::Startup) {
            if self.window < most {
                self.window += acked;
            }
        } else {
            self.window = (self.window + acked).min(most);
        }
        self.window = self.window.min(self.bound()).max(self.least());
    }

    fn bound(&self) -> usize {
        let long = self.bounds.long.unwrap_or(usize::MAX);
        let bound = match self.mode {
            Mode::ProbeBw(Phase::Cruise | Phase::Down) | Mode::ProbeRtt { .. } => self.with_headroom(),
            Mode::ProbeBw(_) => long,
            Mode::Startup | Mode::Drain => usize::MAX,
        };
        let rtt = match self.mode {
            Mode::ProbeRtt { .. } => self.inflight(0.5).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        bound.min(self.bounds.short.unwrap_or(usize::MAX)).min(rtt)
    }
}

impl Controller for Bbr {
    fn window(&self) -> usize {
        self.window
    }

    fn threshold(&self) -> usize {
        self.bounds.long.unwrap_or(usize::MAX)
    }

    fn pacing_rate(&self) -> Option<u64> {
        self.rate
    }

    fn on_ack(&mut self, ack: &Ack) {
        if let Some(sample) = &ack.sample {
            self.model.update(ack, sample);
            if self.model.round_start {
                if matches!(self.mode, Mode::ProbeBw(Phase::Cruise)) {
                    self.model.learn_random_loss();
                }
                self.adapt_short_bounds();
            }
            self.advance(ack, sample);
        }
        self.set_rate(ack.srtt);
        self.set_window(ack.bytes);
    }

    fn on_loss(&mut self, _now: Instant, _in_flight: usize) {
        self.undo = Some(self.bounds);
        self.unsettled.0 = self.unsettled.0.saturating_sub(1);
    }

    // draft-ietf-ccwg-bbr §5.6.4.4: what is under way is thought to be gone; the model stays.
    fn on_timeout(&mut self, _now: Instant, _in_flight: usize) {
        self.undo = None;
        self.window = self.least();
    }

    fn on_spurious(&mut self, _now: Instant) {
        if let Some(bounds) = self.undo.take() {
            self.bounds = bounds;
        }
    }

    // draft-ietf-ccwg-bbr §5.4.1: an empty path needs neither more nor less than it carries.
    fn on_restart(&mut self, now: Instant, _idle: Duration) {
        self.model.restart(now);
        if matches!(self.mode, Mode::ProbeBw(_)) && self.bandwidth() > 0.0 {
            self.rate = Some(self.bandwidth() as u64);
        }
    }

    fn on_mtu(&mut self, mtu: usize) {
        if self.model.max_rate() <= 0.0 && self.window == INITIAL_PACKETS * self.mtu {
            self.window = INITIAL_PACKETS * mtu;
        }
        self.mtu = mtu;
    }
}
