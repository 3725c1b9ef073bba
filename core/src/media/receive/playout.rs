//! When a frame is to be played: evenly, behind its arrival by what the network's unsteadiness demands and no more.
//!
//! Nothing waits here until the application asks for it (`jitterBufferTarget`): who records or forwards
//! wants frames as soon as they are whole. What is played has to come evenly, and so each frame waits until the slowest
//! of the last seconds would have come as well.

use crate::base::time::Instant;
use crate::media::receive::frames::Assembled;
use std::collections::VecDeque;
use std::time::Duration;

/// The delay that jitter may cause: who is farther behind hears the difference in every answer.
const MAX_DELAY: Duration = Duration::from_secs(1);
/// The delay that an application may ask for (W3C WebRTC Extensions, `jitterBufferTarget`).
pub const MAX_TARGET: Duration = Duration::from_secs(4);
/// How long the fastest frame is remembered, at least: clocks of two hosts drift apart by a millisecond in ten seconds.
const WINDOW: Duration = Duration::from_secs(5);
/// How slowly the delay falls: with each frame by this part of what it is too long.
const SLOWLY: u32 = 128;
/// Timestamps that are farther apart than this are not of one clock: in microseconds.
const MAX_STEP: i64 = 10_000_000;
/// Frames that may wait, and their bytes.
const MAX_FRAMES: usize = 1_024;
const MAX_BYTES: usize = 16 << 20;

/// The frames of one stream on their way to be played.
#[derive(Clone, Debug)]
pub(in crate::media) struct Playout {
    clock_rate: u32,
    target: Option<Duration>,
    delay: Duration,
    /// The latest timestamp, and where it lies on a line of microseconds.
    latest: Option<(u32, i64)>,
    /// Microseconds from that line to the arrival of the fastest frame: in this window, and in the one before.
    fastest: [i64; 2],
    window_ends: Instant,
    /// Frames, and when they are due.
    waiting: VecDeque<(Instant, Assembled)>,
    bytes: usize,
}

impl Playout {
    pub(in crate::media) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            target: None,
            delay: Duration::ZERO,
            latest: None,
            fastest: [i64::MAX; 2],
            window_ends: Instant::ZERO,
            waiting: VecDeque::new(),
            bytes: 0,
        }
    }

    /// What comes from now on counts in other ticks.
    pub(in crate::media) fn set_clock(&mut self, clock_rate: u32) {
        self.clock_rate = clock_rate.max(1);
        self.latest = None;
    }

    /// How long frames are to wait at least, so that they come evenly. `None`: not at all.
    pub(in crate::media) const fn set_target(&mut self, target: Option<Duration>) {
        self.target = target;
    }

    /// How long a frame that comes at the usual time waits.
    pub(in crate::media) fn delay(&self) -> Duration {
        self.target.map_or(Duration::ZERO, |target| self.delay.max(target).min(MAX_TARGET))
    }

    /// What jitter alone demands.
    pub(in crate::media) const fn least_delay(&self) -> Duration {
        self.delay
    }

    pub(in crate::media) fn push(&mut self, frame: Assembled) {
        let due = self.due(&frame);
        // Frames do not overtake one another.
        let due = self.waiting.back().map_or(due, |last| due.max(last.0));
        self.bytes += frame.data.len();
        self.waiting.push_back((due, frame));
    }

    /// The next frame that is due.
    pub(in crate::media) fn pop(&mut self, now: Instant) -> Option<Assembled> {
        let is_full = self.waiting.len() > MAX_FRAMES || self.bytes > MAX_BYTES;
        let (due, _) = self.waiting.front()?;
        if *due > now && !is_full {
            return None;
        }
        let (_, frame) = self.waiting.pop_front()?;
        self.bytes -= frame.data.len();
        Some(frame)
    }

    /// When `pop` has a frame.
    pub(in crate::media) fn deadline(&self) -> Option<Instant> {
        self.waiting.front().map(|(due, _)| *due)
    }

    fn due(&mut self, frame: &Assembled) -> Instant {
        let at = self.place(frame.timestamp);
        let arrived = frame.arrived.as_micros().cast_signed();
        let late = self.measure(frame.arrived, arrived - at);
        match self.target {
            // Never later than the delay behind its arrival, whatever timestamps say.
            Some(_) => frame.arrived + self.delay().saturating_sub(late),
            None => frame.arrived,
        }
    }

    /// Where a timestamp lies on the line of microseconds.
    fn place(&mut self, timestamp: u32) -> i64 {
        let step = self.latest.map(|(latest, at)| {
            let ticks = i64::from(timestamp.wrapping_sub(latest).cast_signed());
            (ticks * 1_000_000 / i64::from(self.clock_rate), at)
        });
        let at = match step {
            Some((step, at)) if step.abs() <= MAX_STEP => at + step,
            // The first, or of another clock.
            _ => {
                self.fastest = [i64::MAX; 2];
                0
            }
        };
        self.latest = Some((timestamp, at));
        at
    }

    /// How much later than the fastest one a frame came; the delay follows.
    fn measure(&mut self, now: Instant, transit: i64) -> Duration {
        if now >= self.window_ends {
            self.window_ends = now + WINDOW;
            self.fastest = [i64::MAX, self.fastest[0]];
        }
        self.fastest[0] = self.fastest[0].min(transit);
        let [this, before] = self.fastest;
        let late = Duration::from_micros(transit.abs_diff(this.min(before)));
        let wanted = late.min(MAX_DELAY);
        self.delay = if wanted > self.delay { wanted } else { self.delay - (self.delay - wanted) / SLOWLY };
        late
    }
}

#[cfg(test)]
mod tests {
    use super::{Assembled, MAX_DELAY, Playout};
    use crate::base::random::Rng;
    use crate::base::time::Instant;
    use bytes::Bytes;
    use std::time::Duration;

    fn frame(timestamp: u32, arrived: u64) -> Assembled {
        Assembled {
            timestamp,
            data: Bytes::from_static(b"frame"),
            key: true,
            layer: Default::default(),
            counts: (0, 1),
            packets: 1,
            begun: Instant::from_millis(arrived),
            arrived: Instant::from_millis(arrived),
        }
    }

    /// When frames of 20 ms each leave that arrive so late, in milliseconds after they were sent.
    fn played(playout: &mut Playout, late: impl Iterator<Item = u64>) -> Vec<u64> {
        let mut out = Vec::new();
        for (number, late) in (0_u64..).zip(late) {
            let sent = 1_000 + 20 * number;
            playout.push(frame((number as u32).wrapping_mul(960).wrapping_sub(9_000), sent + late));
            let due = playout.deadline().unwrap();
            assert!(playout.pop(due).is_some() && playout.deadline().is_none());
            out.push(due.as_micros() / 1_000 - sent);
        }
        out
    }

    #[test]
    fn without_a_target_nothing_waits() {
        let late = [40, 10, 35, 10];
        assert_eq!(played(&mut Playout::new(48_000), late.into_iter()), late);
    }

    #[test]
    fn the_delay_follows_what_the_network_does() {
        let mut playout = Playout::new(48_000);
        playout.set_target(Some(Duration::ZERO));
        // A steady path costs nothing.
        assert_eq!(played(&mut playout, [30; 100].into_iter()), [30; 100]);
        let mut playout = Playout::new(48_000);
        playout.set_target(Some(Duration::ZERO));
        let mut rng = Rng::from_number(7);
        let unsteady = move || 30 + rng.jitter() % 50;
        let ends = played(&mut playout, std::iter::repeat_with(unsteady).take(1_500));
        // Soon frames come evenly, as late as the slowest.
        let settled = &ends[200..];
        let (least, most) = (settled.iter().min().unwrap(), settled.iter().max().unwrap());
        assert!(*least > 60 && *most < 82, "{least}..{most}");
        // The path is steady again: the delay goes away.
        let ends = played(&mut playout, [30; 1].into_iter());
        assert!(ends[0] < 100);
        let mut calm = Playout::new(48_000);
        calm.set_target(Some(Duration::ZERO));
        let ends = played(&mut calm, (0..2_000).map(|at| if at < 10 { 30 + at * 10 } else { 30 }));
        assert!(ends[9] == 120 && ends[1_999] < 32, "{} {}", ends[9], ends[1_999]);
    }

    #[test]
    fn a_target_is_the_least() {
        let mut playout = Playout::new(48_000);
        playout.set_target(Some(Duration::from_millis(200)));
        assert_eq!(played(&mut playout, [30, 40, 50, 30].into_iter()), [230, 230, 230, 230]);
        assert_eq!(playout.delay(), Duration::from_millis(200));
    }

    #[test]
    fn no_timestamp_holds_a_frame_longer_than_the_delay() {
        let mut playout = Playout::new(90_000);
        playout.set_target(Some(Duration::ZERO));
        let mut rng = Rng::from_number(8);
        for at in 0..500 {
            playout.push(frame(rng.secret_u32(), at));
            assert!(playout.delay() <= MAX_DELAY);
            let longest = Instant::from_millis(at) + MAX_DELAY;
            assert!(playout.deadline().unwrap() <= longest);
        }
        while playout.pop(Instant::from_millis(2_000)).is_some() {}
        assert_eq!((playout.deadline(), playout.bytes), (None, 0));
    }
}
