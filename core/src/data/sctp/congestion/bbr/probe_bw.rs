//! The cycle in which the path is used evenly, and now and then a little more than that (draft-ietf-ccwg-bbr §5.3.3).

use crate::base::time::Instant;
use crate::data::sctp::congestion::bbr::startup::Plateau;
use crate::data::sctp::congestion::bbr::{BETA, Bbr, Mode, Phase, SETTLING, SETTLING_ROUNDS};
use crate::data::sctp::congestion::{Ack, Sample};
use std::time::Duration;

/// What stays free for others of what losses said is the most. The draft has 0.15, which leaves a path with a short queue six
/// percent emptier. With this, CUBIC gets a third of such a path (with 0.15 six tenths), and half or more of one with a long queue.
const HEADROOM: f64 = 0.05;
/// Time between two probes, to which up to another second comes.
const WAIT: Duration = Duration::from_secs(2);
/// Rounds between two probes, at most: what a flow of Reno would take to come back on such a path.
const MAX_ROUNDS: u64 = 63;

/// The part of the path by which the long-term bound rises in the first round of probing, and at most in one. The draft begins
/// with one packet whatever the path holds, and doubles it without end: on a long path that takes seconds, and then adds a
/// quarter of the path in the round before the first loss is heard of.
const FIRST_RAISE: usize = 256;
const LARGEST_RAISE: usize = 16;

/// Where the cycle stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cycle {
    /// When the phase began, and in which round.
    phase_began: Instant,
    phase_round: u64,
    /// When the last probe ended, and in which round.
    probed_at: Instant,
    probed_round: u64,
    wait: Duration,
    /// Bytes acknowledged until the long-term bound rises by a packet, and rounds of that.
    raised: usize,
    raises: u32,
}

impl Default for Cycle {
    fn default() -> Self {
        Self {
            phase_began: Instant::ZERO,
            phase_round: 0,
            probed_at: Instant::ZERO,
            probed_round: 0,
            wait: WAIT,
            raised: 0,
            raises: 0,
        }
    }
}

impl Bbr {
    fn enter(&mut self, phase: Phase, now: Instant) {
        self.mode = Mode::ProbeBw(phase);
        self.cycle.phase_began = now;
        self.cycle.phase_round = self.model.rounds;
    }

    pub(super) fn start_down(&mut self, ack: &Ack) {
        self.unsettled = (SETTLING, self.model.rounds + SETTLING_ROUNDS);
        self.cycle.probed_at = ack.now;
        self.cycle.probed_round = self.model.rounds;
        // Flows that began together should not probe together.
        let spread = ack.now.as_micros().wrapping_mul(2_654_435_761) >> 7 & 0xf_ffff;
        self.cycle.wait = WAIT + Duration::from_micros(spread);
        self.enter(Phase::Down, ack.now);
    }

    pub(super) fn start_cruise(&mut self, now: Instant) {
        self.enter(Phase::Cruise, now);
    }

    fn start_refill(&mut self, now: Instant) {
        self.reset_short_bounds();
        self.enter(Phase::Refill, now);
    }

    fn start_up(&mut self, now: Instant) {
        self.cycle.raised = 0;
        let packets = self.inflight(1.0).unwrap_or(0) / self.mtu;
        self.cycle.raises = (packets / FIRST_RAISE).max(1).ilog2();
        self.plateau = Plateau::default();
        self.plateau.on_round(self.model.max_rate());
        self.enter(Phase::Up, now);
    }

    /// What may be under way so that there is room for others.
    pub(super) fn with_headroom(&self) -> usize {
        self.bounds.long.map_or(usize::MAX, |long| {
            let headroom = ((long as f64 * HEADROOM) as usize).max(self.mtu);
            long.saturating_sub(headroom).max(self.least())
        })
    }

    pub(super) fn advance_cycle(&mut self, phase: Phase, ack: &Ack, sample: &Sample) {
        let rounds = self.model.rounds - self.cycle.phase_round;
        match phase {
            Phase::Down if self.is_time_to_probe(ack.now) => self.start_refill(ack.now),
            Phase::Down => {
                let path = self.inflight(1.0).unwrap_or(usize::MAX).min(self.with_headroom());
                if ack.in_flight <= path {
                    self.model.shift_rates();
                    self.start_cruise(ack.now);
                }
            }
            Phase::Cruise if self.is_time_to_probe(ack.now) => self.start_refill(ack.now),
            Phase::Cruise => (),
            // One round trip at the full rate, so that a loss in the next is that of probing.
            Phase::Refill if rounds >= 1 && self.model.round_start => self.start_up(ack.now),
            Phase::Refill => (),
            Phase::Up => self.advance_up(ack, sample),
        }
    }

    // draft-ietf-ccwg-bbr §5.3.3.8
    fn is_time_to_probe(&self, now: Instant) -> bool {
        let packets = self.inflight(1.0).unwrap_or(0) / self.mtu;
        let rounds = (packets as u64).clamp(1, MAX_ROUNDS);
        now.saturating_since(self.cycle.probed_at) >= self.cycle.wait
            || self.model.rounds >= self.cycle.probed_round + rounds
    }

    fn advance_up(&mut self, ack: &Ack, sample: &Sample) {
        let rounds = self.model.rounds - self.cycle.phase_round;
        if rounds >= 1 && self.is_too_high(sample) {
            let least = (self.inflight(1.0).unwrap_or(0) as f64 * BETA) as usize;
            let arrived = sample.in_flight.saturating_sub(sample.lost as usize);
            self.bounds.long = Some(arrived.max(least).max(self.least()));
            self.start_down(ack);
            return;
        }
        self.raise(ack, sample);
        let full = self.inflight(1.25).is_some_and(|path| ack.in_flight > path);
        let elapsed =
            self.model.min_rtt().is_some_and(|rtt| ack.now.saturating_since(self.cycle.phase_began) > rtt);
        // A rate that the bound holds back says nothing about the path.
        if self.bounds.long.is_some_and(|long| self.window + self.mtu >= long) {
            self.plateau = Plateau::default();
        }
        let flat = self.model.round_start && self.plateau.on_round(self.model.max_rate());
        if full && elapsed || flat {
            self.start_down(ack);
        }
    }

    /// Raises the long-term bound, faster with each round, while it is what holds back.
    // draft-ietf-ccwg-bbr §5.5.10.2
    fn raise(&mut self, ack: &Ack, sample: &Sample) {
        let Some(long) = &mut self.bounds.long else { return };
        *long = (*long).max(sample.in_flight);
        if ack.in_flight_before + 2 * self.mtu < *long {
            return;
        }
        self.cycle.raised += ack.bytes << self.cycle.raises;
        while self.cycle.raised >= self.window {
            self.cycle.raised -= self.window;
            *long += self.mtu;
        }
        if self.model.round_start {
            let most = (self.window / self.mtu / LARGEST_RAISE).max(1).ilog2();
            self.cycle.raises = (self.cycle.raises + 1).min(most);
        }
    }
}
