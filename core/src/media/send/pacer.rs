//! Bursts: how much of what waits may leave at once. A pure function of bytes and time.
//!
//! A frame is ready in one moment, and a key frame of a hundred packets in one moment is more than the queue of a home
//! router takes. So what exceeds a burst leaves in several, evenly, and all of it within [`SPREAD`]: the pace follows
//! from what waits, not from an estimate of the path. What fits one burst leaves at once and wakes nobody.

use crate::base::time::Instant;
use std::time::Duration;

/// How long the packets of a frame may take to leave: less than the time between two frames of usual video.
pub const SPREAD: Duration = Duration::from_millis(25);
/// Between two bursts: what libwebrtc's pacer waits, too.
pub const TICK: Duration = Duration::from_millis(5);
/// What a burst may always have: ten full packets, which any queue on the way takes. A stream of 2.8 Mbit/s at 30 frames a
/// second is never held up.
pub const BURST: usize = 12_000;

/// The bursts of one transport.
#[derive(Clone, Debug, Default)]
pub struct Pacer {
    /// Bytes that wait.
    waiting: usize,
    /// Bytes of a burst, since something began to wait.
    rate: usize,
    /// What is left of the present burst, and when the next one begins.
    left: usize,
    next: Option<Instant>,
}

impl Pacer {
    /// Another packet waits, of this many bytes.
    pub fn join(&mut self, len: usize) {
        self.waiting += len;
        // With each tick a fifth of the most that ever waited: after five of them all of that has left.
        let share = self.waiting.div_ceil((SPREAD.as_micros() / TICK.as_micros()) as usize);
        self.rate = self.rate.max(share).max(BURST);
    }

    /// What waits is no more than these bytes: some of it will not be sent.
    pub const fn restart(&mut self, waiting: usize) {
        self.waiting = waiting;
        if waiting == 0 {
            self.rate = 0;
        }
    }

    /// Whether a packet may leave now; otherwise ask again at [`next`](Self::next).
    pub fn admits(&mut self, now: Instant) -> bool {
        if self.next.is_none_or(|next| now >= next) {
            (self.left, self.next) = (self.rate.max(BURST), None);
        }
        self.left > 0
    }

    /// A packet that waited left.
    pub fn sent(&mut self, now: Instant, len: usize) {
        // The last packet of a burst may exceed it.
        self.next.get_or_insert(now + TICK);
        self.left = self.left.saturating_sub(len);
        self.restart(self.waiting.saturating_sub(len));
    }

    /// When the next burst begins, while this one has left something behind.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.next.filter(|_| self.waiting > 0 && self.left == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{BURST, Pacer, SPREAD, TICK};
    use crate::base::time::Instant;

    const PACKET: usize = 1_200;

    /// Packets of each burst until nothing waits, and how long that took.
    fn drain(pacer: &mut Pacer, from: Instant, mut packets: usize) -> (Vec<usize>, std::time::Duration) {
        let (mut now, mut bursts) = (from, Vec::new());
        loop {
            let mut burst = 0;
            while packets > 0 && pacer.admits(now) {
                pacer.sent(now, PACKET);
                (burst, packets) = (burst + 1, packets - 1);
            }
            bursts.push(burst);
            match pacer.next() {
                Some(next) => now = next,
                None => return (bursts, now - from),
            }
        }
    }

    fn with(packets: usize) -> Pacer {
        let mut pacer = Pacer::default();
        (0..packets).for_each(|_| pacer.join(PACKET));
        pacer
    }

    #[test]
    fn a_small_frame_leaves_at_once_and_wakes_nobody() {
        let mut pacer = with(BURST / PACKET);
        let (bursts, took) = drain(&mut pacer, Instant::from_millis(5), BURST / PACKET);
        assert_eq!((bursts, took.as_millis()), (vec![10], 0));
        assert_eq!(pacer.next(), None);
    }

    #[test]
    fn a_large_frame_leaves_evenly_and_in_time() {
        for packets in [11, 49, 100, 1_000] {
            let (bursts, took) = drain(&mut with(packets), Instant::from_millis(5), packets);
            assert_eq!(bursts.iter().sum::<usize>(), packets);
            assert!(took < SPREAD, "{packets}: {took:?}");
            let most = (packets.div_ceil(5) + 1).max(10);
            assert!(bursts.iter().all(|burst| *burst <= most), "{packets}: {bursts:?}");
        }
    }

    #[test]
    fn a_caller_that_comes_late_gets_one_burst_and_not_several() {
        let mut pacer = with(100);
        let now = Instant::from_millis(5);
        while pacer.admits(now) {
            pacer.sent(now, PACKET);
        }
        let late = now + 4 * TICK;
        let burst = std::iter::from_fn(|| pacer.admits(late).then(|| pacer.sent(late, PACKET))).count();
        assert_eq!(burst, 20);
    }

    #[test]
    fn what_is_taken_back_is_not_waited_for() {
        let mut pacer = with(100);
        let now = Instant::from_millis(5);
        while pacer.admits(now) {
            pacer.sent(now, PACKET);
        }
        pacer.restart(0);
        assert_eq!(pacer.next(), None);
    }
}
