//! When packets leave: spread over time at the controller's rate, in bursts that segmentation offload can carry and timers of
//! a millisecond can keep.

use crate::base::time::Instant;
use std::time::Duration;

/// Below this round trip nothing is paced: no timer is as fine, and the window is a small burst.
const MIN_ROUND_TRIP: Duration = Duration::from_millis(1);
/// What a burst holds in time, at most; shorter on short paths.
const BURST: Duration = Duration::from_micros(500);
const BURSTS_A_ROUND_TRIP: u32 = 16;
/// What a burst holds in bytes: two packets at least, and what one call of segmentation offload carries at most.
const MIN_BURST_PACKETS: u64 = 2;
const MAX_BURST: u64 = 64 << 10;
/// How much later than asked for a timer may fire without the rate falling.
const LATE: u64 = 2_000_000;
/// Packets that leave at once after a pause (RFC 9002 §7.7: bursts are limited to the initial window).
const IDLE_PACKETS: u64 = 10;

/// At what rate, and what a burst is.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Bytes a second.
    rate: u64,
    /// Nanoseconds of a burst.
    burst: u64,
}

impl Pace {
    /// Nanoseconds that so many bytes take.
    const fn time_of(self, bytes: u64) -> u64 {
        bytes.saturating_mul(1_000_000_000) / self.rate
    }
}

/// Spreads packets. Times are nanoseconds: a packet takes ten microseconds at a gigabit a second.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    pace: Option<Pace>,
    mtu: u64,
    /// When what has left would have left, had it been spread evenly.
    next: u64,
    /// Nothing goes before.
    until: Option<Instant>,
    /// When something last went.
    released: Option<Instant>,
}

impl Pacer {
    /// Takes over the controller's rate, in bytes a second.
    pub(super) fn set(&mut self, rate: Option<u64>, srtt: Option<Duration>, mtu: usize) {
        self.mtu = mtu as u64;
        let old = self.pace.map_or(0, |pace| pace.rate);
        self.pace = rate.zip(srtt).filter(|&(_, srtt)| srtt >= MIN_ROUND_TRIP).map(|(rate, srtt)| {
            let rate = rate.max(1);
            let time = BURST.min(srtt / BURSTS_A_ROUND_TRIP).as_nanos() as u64;
            let least = Pace { rate, burst: 0 }.time_of(MIN_BURST_PACKETS * self.mtu);
            let most = Pace { rate, burst: 0 }.time_of(MAX_BURST);
            Pace { rate, burst: time.min(most).max(least) }
        });
        // What left at a rate that was far too low does not hold back what leaves at a better one.
        if let (Some(pace), Some(at)) = (self.pace, self.released)
            && pace.rate / 2 > old
        {
            let since = at.as_micros().saturating_mul(1_000);
            let ahead = u128::from(self.next.saturating_sub(since)) * u128::from(old) / u128::from(pace.rate);
            self.next = self.next.min(since.saturating_add(ahead as u64));
            self.until = None;
        }
    }

    /// Whether a packet may leave now. If not, `Err` says when.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(), Instant> {
        let Some(pace) = self.pace else {
            self.until = None;
            return Ok(());
        };
        let nanos = now.as_micros().saturating_mul(1_000);
        let credit = match self.until {
            Some(until) if now < until => return Err(until),
            Some(_) => pace.burst + LATE,
            // The rest of a burst.
            None if self.released == Some(now) => u64::MAX,
            None => pace.time_of(IDLE_PACKETS * self.mtu).max(pace.burst),
        };
        self.next = self.next.max(nanos.saturating_sub(credit));
        self.released = Some(now);
        if self.next <= nanos {
            self.until = None;
            return Ok(());
        }
        // A burst later, so that one leaves and not a packet.
        let until = Instant::from_micros((self.next + pace.burst).div_ceil(1_000));
        self.until = Some(until);
        Err(until)
    }

    /// A packet of so many bytes has left.
    pub(super) fn note_sent(&mut self, bytes: usize) {
        if let Some(pace) = self.pace {
            self.next = self.next.saturating_add(pace.time_of(bytes as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pacer;
    use crate::base::time::Instant;
    use std::time::Duration;

    const MTU: usize = 1_000;

    /// Packets of a thousand bytes that leave within so many milliseconds, with a timer that is `late`.
    fn run(rate: u64, millis: u64, late: Duration) -> (u64, u64) {
        let (mut pacer, mut now) = (Pacer::default(), Instant::from_millis(100));
        pacer.set(Some(rate), Some(Duration::from_millis(50)), MTU);
        let (end, mut sent, mut burst, mut longest) = (now + Duration::from_millis(millis), 0, 0, 0);
        while now < end {
            match pacer.admit(now) {
                Ok(()) => {
                    pacer.note_sent(MTU);
                    (sent, burst) = (sent + 1, burst + 1);
                    longest = longest.max(burst);
                }
                Err(at) => {
                    assert!(at > now);
                    (now, burst) = (at + late, 0);
                }
            }
        }
        (sent, longest)
    }

    #[test]
    fn the_rate_is_kept_even_by_late_timers() {
        for rate in [100_000, 1_250_000, 12_500_000, 125_000_000] {
            for late in [0, 300, 1_000] {
                let (sent, _) = run(rate, 1_000, Duration::from_micros(late));
                let expected = rate / MTU as u64;
                let most = expected + expected / 100 + 11;
                assert!((expected - expected / 1_000..=most).contains(&sent), "{rate} {late}: {sent}");
            }
        }
    }

    #[test]
    fn bursts_hold_half_a_millisecond_and_at_least_two_packets() {
        let longest = |rate| run(rate, 50, Duration::ZERO).1;
        // The first after a pause is the initial window.
        assert_eq!([1_000_000, 10_000_000].map(longest), [11, 11]);
        assert_eq!(longest(125_000_000), 63);
    }

    #[test]
    fn what_left_at_a_rate_that_was_too_low_holds_nothing_back_at_a_better_one() {
        let (mut pacer, now) = (Pacer::default(), Instant::from_millis(100));
        let srtt = Some(Duration::from_millis(50));
        pacer.set(Some(1), srtt, MTU);
        while pacer.admit(now).is_ok() {
            pacer.note_sent(MTU);
        }
        assert!(pacer.admit(now).is_err_and(|at| at > now + Duration::from_secs(600)));
        pacer.set(Some(1_000_000), srtt, MTU);
        let soon = pacer.admit(now).err().unwrap_or(now);
        assert!(soon < now + Duration::from_millis(20), "{soon:?}");
    }

    #[test]
    fn nothing_holds_back_without_a_rate_or_on_the_shortest_paths() {
        for (rate, micros) in [(None, 50_000), (Some(1), 999)] {
            let mut pacer = Pacer::default();
            pacer.set(rate, Some(Duration::from_micros(micros)), MTU);
            for _ in 0..1_000 {
                assert_eq!(pacer.admit(Instant::ZERO), Ok(()));
                pacer.note_sent(MTU);
            }
        }
    }
}
