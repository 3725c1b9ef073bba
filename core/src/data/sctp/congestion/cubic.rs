//! CUBIC (RFC 9438) with `HyStart++`: what most of the Internet's bulk transfers use.

use crate::base::time::Instant;
use crate::data::sctp::congestion::hystart::{Advice, HyStart};
use crate::data::sctp::congestion::{Ack, Controller, INITIAL_PACKETS, window_rate};
use std::time::Duration;

/// How fast the window grows away from where it was, in packets a second cubed (RFC 9438 §5.1).
const C: f64 = 0.4;
/// What a loss leaves of the window (RFC 9438 §4.6).
const BETA: f64 = 0.7;
/// Packets that a loss leaves at least (RFC 9260 §7.2.3).
const MIN_PACKETS: usize = 4;

/// What a loss changed, to be taken back when there was none.
#[derive(Clone, Copy, Debug)]
struct Undo {
    window: f64,
    threshold: f64,
    w_max: f64,
    epoch: Option<Epoch>,
}

/// A stretch of congestion avoidance. Windows are in packets, times in seconds.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    begin: Instant,
    /// How long it takes to come back to `w_max`.
    k: f64,
    /// What Reno would have by now.
    reno: f64,
}

/// Grows as a cubic function of the time since the last loss.
#[derive(Debug)]
pub struct Cubic {
    mtu: usize,
    /// In packets.
    window: f64,
    /// In packets; infinite before the first loss.
    threshold: f64,
    /// The window at the last loss.
    w_max: f64,
    epoch: Option<Epoch>,
    start: HyStart,
    srtt: Option<Duration>,
    undo: Option<Undo>,
}

impl Cubic {
    /// A controller for packets of at most `mtu` bytes.
    #[must_use]
    pub fn new(mtu: usize) -> Self {
        Self {
            mtu,
            window: INITIAL_PACKETS as f64,
            threshold: f64::INFINITY,
            w_max: 0.0,
            epoch: None,
            start: HyStart::default(),
            srtt: None,
            undo: None,
        }
    }

    fn slow_start(&mut self, ack: &Ack) {
        match self.start.on_ack(ack) {
            Advice::Grow(bytes) => self.window += bytes as f64 / self.mtu as f64,
            Advice::Stop => {
                self.threshold = self.window;
                self.w_max = self.window;
            }
        }
    }

    // RFC 9438 §4.2 to §4.5
    fn avoid_congestion(&mut self, ack: &Ack) {
        let (window, w_max) = (self.window, self.w_max);
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            begin: ack.now,
            k: cube_root((w_max - window).max(0.0) / C),
            reno: window,
        });
        let packets = ack.bytes as f64 / self.mtu as f64;
        // RFC 9438 §4.3: as fast as Reno with our factor, and as Reno itself once where the loss was is passed.
        let alpha = if epoch.reno < w_max { 3.0 * (1.0 - BETA) / (1.0 + BETA) } else { 1.0 };
        epoch.reno += alpha * packets / window;
        let time = ack.now.saturating_since(epoch.begin).as_secs_f64();
        let cubic = |time: f64| C * (time - epoch.k).powi(3) + w_max.max(window.min(w_max));
        if cubic(time) < epoch.reno {
            self.window = window.max(epoch.reno);
            return;
        }
        let ahead = time + ack.srtt.unwrap_or_default().as_secs_f64();
        let target = cubic(ahead).clamp(window, 1.5 * window);
        self.window += (target - window) * (packets / window).min(1.0);
    }

    // RFC 9438 §4.6, §4.7
    fn shrink(&mut self) {
        // A window that did not come back to where it was leaves room to those that are new.
        self.w_max = if self.window < self.w_max { self.window * (1.0 + BETA) / 2.0 } else { self.window };
        self.threshold = (self.window * BETA).max(MIN_PACKETS as f64);
        self.epoch = None;
    }
}

impl Controller for Cubic {
    fn window(&self) -> usize {
        (self.window * self.mtu as f64) as usize
    }

    fn threshold(&self) -> usize {
        (self.threshold * self.mtu as f64) as usize
    }

    fn pacing_rate(&self) -> Option<u64> {
        window_rate(self.window(), self.srtt, if self.window < self.threshold { 200 } else { 120 })
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.srtt = ack.srtt;
        // RFC 9438 §5.8: a window that is not the limit does not grow.
        let limited = ack.in_flight_before + self.mtu * 2 > self.window() || self.is_used(ack);
        if ack.recovering || !limited {
            return;
        }
        if self.window < self.threshold {
            self.slow_start(ack);
        } else {
            self.avoid_congestion(ack);
        }
    }

    fn on_loss(&mut self, _now: Instant, _in_flight: usize) {
        let (window, threshold) = (self.window, self.threshold);
        self.undo = Some(Undo { window, threshold, w_max: self.w_max, epoch: self.epoch });
        self.shrink();
        self.window = self.threshold;
    }

    // RFC 9438 §4.8
    fn on_timeout(&mut self, _now: Instant, _in_flight: usize) {
        self.undo = None;
        self.shrink();
        self.window = 1.0;
    }

    // RFC 9438 §4.9
    fn on_spurious(&mut self, _now: Instant) {
        if let Some(undo) = self.undo.take() {
            self.window = self.window.max(undo.window);
            self.threshold = undo.threshold;
            self.w_max = undo.w_max;
            self.epoch = undo.epoch;
        }
    }

    // RFC 9438 §5.8: time in which nothing was sent is no time for growth.
    fn on_restart(&mut self, _now: Instant, idle: Duration) {
        if let Some(epoch) = &mut self.epoch {
            epoch.begin += idle;
        }
    }

    fn on_mtu(&mut self, mtu: usize) {
        self.mtu = mtu;
    }
}

impl Cubic {
    /// In slow start half a window is enough to grow (RFC 9002 §7.8 leaves it to the sender): pacing holds the rest.
    fn is_used(&self, ack: &Ack) -> bool {
        self.window < self.threshold && ack.in_flight_before * 2 >= self.window()
    }
}

/// By Newton's method, to the same bits on every machine.
fn cube_root(x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let mut root = x.max(1.0);
    for _ in 0..100 {
        let next = (2.0 * root + x / (root * root)) / 3.0;
        if next >= root {
            break;
        }
        root = next;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::{Cubic, cube_root};
    use crate::base::time::Instant;
    use crate::data::sctp::congestion::{Ack, Controller};
    use std::time::Duration;

    fn ack(millis: u64, packets: usize, window: usize) -> Ack {
        let rtt = Some(Duration::from_millis(100));
        Ack {
            now: Instant::from_millis(millis),
            bytes: packets * 1_000,
            lost: 0,
            in_flight_before: window,
            in_flight: window,
            cumulative: true,
            recovering: false,
            rtt,
            srtt: rtt,
            sample: None,
        }
    }

    fn cubic(packets: f64) -> Cubic {
        let mut cubic = Cubic::new(1_000);
        cubic.window = packets;
        cubic.on_loss(Instant::ZERO, 0);
        cubic
    }

    /// Acknowledges a window each round trip, and says what it is after so many.
    fn grow(cubic: &mut Cubic, rounds: u64) -> f64 {
        for round in 0..rounds {
            let window = cubic.window();
            cubic.on_ack(&ack(round * 100, window / 1_000, window));
        }
        cubic.window
    }

    #[test]
    fn comes_back_to_where_it_was_after_k() {
        let mut cubic = cubic(1_000.0);
        assert_eq!(cubic.window, 700.0);
        // K = ∛(300 / 0.4) = 9.1 s; flat there, and faster and faster after.
        let at_half = grow(&mut cubic, 45);
        assert!((900.0..990.0).contains(&at_half), "{at_half}");
        let mut cubic = self::cubic(1_000.0);
        let at_k = grow(&mut cubic, 91);
        assert!((990.0..1_010.0).contains(&at_k), "{at_k}");
        let mut cubic = self::cubic(1_000.0);
        let at_two = grow(&mut cubic, 182);
        assert!((1_200.0..1_350.0).contains(&at_two), "{at_two}");
    }

    #[test]
    fn is_never_slower_than_reno_on_short_paths() {
        // Ten packets lose three; Reno with the factor of CUBIC has them back after six round trips.
        let mut cubic = cubic(10.0);
        let after = grow(&mut cubic, 10);
        assert!((12.0..16.0).contains(&after), "{after}");
    }

    #[test]
    fn a_loss_that_was_none_is_taken_back() {
        let mut cubic = cubic(100.0);
        cubic.on_loss(Instant::ZERO, 0);
        assert_eq!(cubic.window, 49.0);
        cubic.on_spurious(Instant::ZERO);
        assert_eq!((cubic.window, cubic.threshold, cubic.w_max), (70.0, 70.0, 100.0));
        cubic.on_spurious(Instant::ZERO);
        assert_eq!(cubic.window, 70.0);
        cubic.on_timeout(Instant::ZERO, 0);
        assert_eq!(cubic.window(), 1_000);
    }

    #[test]
    fn slow_start_ends_when_the_round_trip_grows() {
        let mut cubic = Cubic::new(1_000);
        let mut delivered = 0;
        for round in 0..20_u64 {
            let window = cubic.window();
            for part in 0..10 {
                let mut ack = ack(round * 100 + part * 10, window / 10_000, window);
                let prior_delivered = delivered;
                delivered += ack.bytes as u64;
                let start = if part == 0 { prior_delivered } else { 0 };
                ack.sample = Some(crate::data::sctp::congestion::Sample {
                    delivered,
                    prior_delivered: start,
                    ..Default::default()
                });
                // A queue builds from the third round on.
                ack.rtt = Some(Duration::from_millis(100 + 20 * round.saturating_sub(2)));
                cubic.on_ack(&ack);
            }
        }
        assert!(cubic.threshold.is_finite());
        assert!((90.0..400.0).contains(&cubic.threshold), "{}", cubic.threshold);
    }

    #[test]
    fn roots_are_roots() {
        for x in [0.0, 1e-6, 0.5, 1.0, 27.0, 750.0, 1e9] {
            assert!((cube_root(x).powi(3) - x).abs() <= 1e-9 * x.max(1e-9), "{x}");
        }
    }
}
