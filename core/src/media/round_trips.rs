//! Round trips for who only receives (RFC 3611 §4.4, §4.5): a time goes to the peer, and comes back with how long it was
//! there.

use crate::base::time::{Instant, ticks};
use crate::wire::rtcp::extended::Delay;
use std::time::Duration;

/// Receivers of the peer whose times are answered: one that has more of them can do with these.
const MAX_REFERENCES: usize = 31;

/// Times of the peer that are to be answered.
#[derive(Clone, Debug, Default)]
pub(super) struct References(Vec<Reference>);

#[derive(Clone, Copy, Debug)]
struct Reference {
    ssrc: u32,
    /// The middle of its NTP time.
    time: u32,
    arrived: Instant,
}

impl References {
    /// A receiver of the peer says when its report left.
    pub(super) fn note(&mut self, now: Instant, ssrc: u32, time: u32) {
        let reference = Reference { ssrc, time, arrived: now };
        match self.0.iter().position(|known| known.ssrc == ssrc) {
            Some(at) => self.0[at] = reference,
            None if self.0.len() < MAX_REFERENCES => self.0.push(reference),
            None => {}
        }
    }

    /// The answers, each given once.
    pub(super) fn answer(&mut self, now: Instant) -> Vec<Delay> {
        let delay = |arrived| ticks(now.saturating_since(arrived), 65_536) as u32;
        let answer = |of: Reference| Delay { ssrc: of.ssrc, last_report: of.time, delay: delay(of.arrived) };
        self.0.drain(..).map(answer).collect()
    }
}

/// The round trip that a report tells which came at `arrived` and names one of ours and how long that was there (RFC 3550
/// §6.4.1): in 1/65,536 s. None is named by 0, and a clock that stepped can make it negative.
pub(super) fn round_trip(arrived: u32, last_report: u32, delay: u32) -> Option<Duration> {
    let units = arrived.wrapping_sub(last_report).wrapping_sub(delay);
    (last_report != 0 && units < 1 << 31)
        .then(|| Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16))
}

#[cfg(test)]
mod tests {
    use super::{MAX_REFERENCES, References, round_trip};
    use crate::base::time::Instant;
    use std::time::Duration;

    #[test]
    fn a_time_is_answered_once_and_with_what_it_waited() {
        let mut references = References::default();
        references.note(Instant::from_millis(0), 7, 1);
        references.note(Instant::from_millis(1_000), 7, 0x1_0000);
        let answers = references.answer(Instant::from_millis(1_500));
        assert_eq!(answers.len(), 1);
        assert_eq!((answers[0].ssrc, answers[0].last_report, answers[0].delay), (7, 0x1_0000, 0x8000));
        assert!(references.answer(Instant::from_millis(2_000)).is_empty());
        (0..1_000).for_each(|ssrc| references.note(Instant::ZERO, ssrc, 1));
        assert_eq!(references.answer(Instant::ZERO).len(), MAX_REFERENCES);
    }

    #[test]
    fn what_cannot_be_is_no_round_trip() {
        assert_eq!(round_trip(0x2_0000, 0x1_0000, 0x8000), Some(Duration::from_millis(500)));
        assert_eq!(round_trip(0x2_0000, 0, 0), None);
        assert_eq!(round_trip(0x1_0000, 0x1_0000, 1), None);
        assert_eq!(round_trip(5, u32::MAX, 0).map(|time| time.as_micros()), Some(91));
    }
}
