//! Packets that are missing, and when to ask for them (RFC 4585 §6.2.1).
//!
//! What limits the asking is time: a packet is asked for as long as it could still be of use, whatever the rate. A
//! limit in packets would give up sooner the faster a stream is.

use crate::base::seq::Serial16;
use crate::base::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// Packets that are asked for at a time: more are a path that is gone, and a key frame costs less.
const MAX_MISSING: usize = 4_096;
/// How long a packet may be overtaken before it counts as lost: reordering on one path is within a millisecond or few.
const REORDERING: Duration = Duration::from_millis(5);
/// Between two requests for the same packet at least; where the round trip is longer, that and a tenth of it.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// One that is missing.
#[derive(Clone, Copy, Debug)]
struct Missing {
    count: u64,
    /// When it is asked for next.
    due: Instant,
    /// When it is of no use any more.
    until: Instant,
}

/// What is missing of one stream.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// In order of their counts, and so of `until`.
    missing: VecDeque<Missing>,
    /// The earliest `due`, or earlier.
    next: Option<Instant>,
    given_up: u64,
    recovered: u64,
}

impl Gaps {
    /// The packets `from..to` were overtaken at `now`; each is of use for `horizon` from now on.
    pub fn open(&mut self, now: Instant, from: u64, to: u64, horizon: Duration) {
        let due = now + REORDERING;
        for count in from..to {
            self.missing.push_back(Missing { count, due, until: now + horizon });
        }
        while self.missing.len() > MAX_MISSING {
            self.missing.pop_front();
            self.given_up += 1;
        }
        if from < to {
            self.next = Some(self.next.map_or(due, |next| next.min(due)));
        }
    }

    /// The packet `count` came after all. `false`: it was not missing, or given up.
    pub fn close(&mut self, count: u64) -> bool {
        let Ok(at) = self.missing.binary_search_by_key(&count, |missing| missing.count) else { return false };
        self.missing.remove(at);
        self.recovered += 1;
        true
    }

    /// Those below `count` are of no use any more: a frame behind them was given up, or a key frame came.
    pub fn forget_below(&mut self, count: u64) {
        while self.missing.front().is_some_and(|missing| missing.count < count) {
            self.missing.pop_front();
            self.given_up += 1;
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.given_up += self.missing.len() as u64;
        self.missing.clear();
        self.next = None;
    }

    /// Appends the numbers to ask for now to `numbers`. They are asked for again after a round trip.
    pub fn ask(&mut self, now: Instant, round_trip: Duration, numbers: &mut Vec<Serial16>) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        while self.missing.front().is_some_and(|missing| missing.until <= now) {
            self.missing.pop_front();
            self.given_up += 1;
        }
        let again = now + MIN_INTERVAL.max(round_trip + round_trip / 10);
        let mut next = None::<Instant>;
        for missing in &mut self.missing {
            if missing.due <= now {
                missing.due = again;
                numbers.push(Serial16(missing.count as u16));
            }
            next = Some(next.map_or(missing.due, |next| next.min(missing.due)));
        }
        self.next = next;
    }

    /// When [`ask`](Self::ask) has something to say.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.next
    }

    /// The first that is missing.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.missing.front().map(|missing| missing.count)
    }

    /// Packets that were missing and came, and packets that were given up.
    #[must_use]
    pub const fn outcome(&self) -> (u64, u64) {
        (self.recovered, self.given_up)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gaps, MAX_MISSING};
    use crate::base::random::Rng;
    use crate::base::seq::Serial16;
    use crate::base::time::Instant;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const HORIZON: Duration = Duration::from_millis(600);

    fn ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    fn asked(gaps: &mut Gaps, now: u64, round_trip: u64) -> Vec<u16> {
        let mut numbers = Vec::new();
        gaps.ask(ms(now), Duration::from_millis(round_trip), &mut numbers);
        numbers.into_iter().map(|Serial16(number)| number).collect()
    }

    #[test]
    fn what_is_only_late_is_not_asked_for() {
        let mut gaps = Gaps::default();
        gaps.open(ms(0), 65_535, 65_538, HORIZON);
        assert_eq!(gaps.poll_timeout(), Some(ms(5)));
        assert!(asked(&mut gaps, 4, 50).is_empty());
        assert!(gaps.close(65_536) && !gaps.close(65_536) && !gaps.close(9));
        assert_eq!(asked(&mut gaps, 5, 50), [65_535, 1]);
        assert!(asked(&mut gaps, 59, 50).is_empty());
        assert_eq!(asked(&mut gaps, 60, 50), [65_535, 1]);
    }

    #[test]
    fn asking_ends_with_the_horizon() {
        let mut gaps = Gaps::default();
        gaps.open(ms(0), 1, 2, HORIZON);
        let times = (0..2_000).filter(|now| !asked(&mut gaps, *now, 100).is_empty()).count();
        assert_eq!(times, 6);
        assert_eq!(gaps.outcome(), (0, 1));
        assert_eq!(gaps.poll_timeout(), None);
    }

    #[test]
    fn a_gap_of_any_length_costs_no_more_than_its_limit() {
        let mut gaps = Gaps::default();
        gaps.open(ms(0), 0, 10_000, HORIZON);
        assert_eq!(asked(&mut gaps, 5, 0).len(), MAX_MISSING);
        gaps.forget_below(9_999);
        assert_eq!(gaps.first(), Some(9_999));
        gaps.clear();
        assert_eq!((gaps.first(), gaps.outcome()), (None, (0, 10_000)));
    }

    /// 2,000 packets/s, 100 ms of round trip, 2 % of everything lost, requests and repetitions included.
    #[test]
    fn a_fast_stream_is_repaired() {
        let mut rng = Rng::from_seed([7; 32]);
        let mut lost = move || rng.jitter_unit() < 0.02;
        let (mut gaps, mut next, mut missed) = (Gaps::default(), 0_u64, 0_u64);
        let mut arriving: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for now in 0..60_000 {
            for count in [2 * now, 2 * now + 1] {
                if lost() {
                    missed += 1;
                } else {
                    gaps.open(ms(now), next, count, HORIZON);
                    next = count + 1;
                }
            }
            arriving.remove(&now).into_iter().flatten().for_each(|count| assert!(gaps.close(count)));
            let numbers = asked(&mut gaps, now, 100);
            if !numbers.is_empty() && !lost() {
                for number in numbers.into_iter().filter(|_| !lost()) {
                    let count = next - u64::from((next as u16).wrapping_sub(number));
                    arriving.entry(now + 100).or_default().push(count);
                }
            }
        }
        let (recovered, given_up) = gaps.outcome();
        assert!(missed > 2_000 && recovered > 2_000);
        assert!(given_up * 1_000 <= missed, "{given_up} of {missed} were not repaired");
    }
}
