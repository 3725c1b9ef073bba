//! One tone of DTMF as reports (RFC 4733): one every 20 ms while it sounds, three of its end. What a tone is and when it
//! begins is decided above.

use crate::base::seq::Serial32;
use crate::base::time::{Instant, ticks};
use crate::media::codec::telephone_event::{TelephoneEvent, VOLUME};
use std::time::Duration;

/// Time between two reports of a tone that goes on.
const EVERY: Duration = Duration::from_millis(20);
/// How often the end is said (RFC 4733 §2.5.1.4).
const LAST_SENT: usize = 3;

/// A tone that sounds.
#[derive(Debug)]
pub(in crate::media) struct Tone {
    pub ssrc: u32,
    pub payload_type: u8,
    pub clock_rate: u32,
    pub event: u8,
    /// The RTP time of its beginning, or of that of its present segment.
    pub timestamp: Serial32,
    /// When that was.
    pub begun: Instant,
    pub end: Instant,
    /// Whether nothing was said of it yet.
    pub is_new: bool,
    /// When the next report is due.
    pub due: Instant,
}

/// What is said of a tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::media) struct Report {
    pub marker: bool,
    pub timestamp: Serial32,
    pub event: TelephoneEvent,
}

impl Tone {
    /// When the first report of a tone is due that begins at `now`.
    pub(in crate::media) fn first_due(now: Instant, duration: Duration) -> Instant {
        now + EVERY.min(duration)
    }

    /// Says what is due. `false`: it is over.
    pub(in crate::media) fn report(&mut self, now: Instant, mut say: impl FnMut(Report)) -> bool {
        let until = now.min(self.end);
        // RFC 4733 §2.5.1.3: what is longer than a report can say goes on as another segment.
        while self.ticks(until) > u64::from(u16::MAX) {
            say(self.next_report(u16::MAX, false));
            self.timestamp = self.timestamp.plus(u32::from(u16::MAX));
            let segment = u64::from(u16::MAX) * 1_000_000 / u64::from(self.clock_rate.max(1));
            self.begun += Duration::from_micros(segment);
        }
        let ticks = u16::try_from(self.ticks(until)).unwrap_or(u16::MAX);
        let is_over = now >= self.end;
        for _ in 0..if is_over { LAST_SENT } else { 1 } {
            say(self.next_report(ticks, is_over));
        }
        self.due = (now + EVERY).min(self.end);
        !is_over
    }

    fn next_report(&mut self, duration: u16, end: bool) -> Report {
        // RFC 4733 §2.3.2: the first packet of an event has the marker.
        let marker = std::mem::replace(&mut self.is_new, false);
        let event = TelephoneEvent { event: self.event, end, volume: VOLUME, duration };
        Report { marker, timestamp: self.timestamp, event }
    }

    fn ticks(&self, at: Instant) -> u64 {
        ticks(at.saturating_since(self.begun), self.clock_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, Tone};
    use crate::base::seq::Serial32;
    use crate::base::time::Instant;
    use std::time::Duration;

    fn reports(clock_rate: u32, duration: Duration) -> Vec<Report> {
        let start = Instant::from_millis(7);
        let mut tone = Tone {
            ssrc: 1,
            payload_type: 101,
            clock_rate,
            event: 5,
            timestamp: Serial32(u32::MAX - 10),
            begun: start,
            end: start + duration,
            is_new: true,
            due: Tone::first_due(start, duration),
        };
        let mut said = Vec::new();
        while tone.report(tone.due, |report| said.push(report)) {}
        said
    }

    #[test]
    fn a_tone_grows_and_ends_three_times() {
        let said = reports(8_000, Duration::from_millis(100));
        let durations: Vec<u16> = said.iter().map(|report| report.event.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        assert!(said.iter().all(|report| report.timestamp == Serial32(u32::MAX - 10)));
        let marked: Vec<bool> = said.iter().map(|report| report.marker).collect();
        assert_eq!(marked, [true, false, false, false, false, false, false]);
        assert_eq!(said.iter().filter(|report| report.event.end).count(), 3);
        assert!(said[4..].iter().all(|report| report.event.end));
    }

    #[test]
    fn a_long_tone_has_segments_that_follow_one_another() {
        let said = reports(48_000, Duration::from_secs(6));
        let begins = said.iter().map(|report| report.timestamp.0).collect::<std::collections::BTreeSet<_>>();
        // 288,000 ticks are four whole segments and a part.
        assert_eq!(begins.len(), 5);
        let last = said[said.len() - 1];
        let total = last.timestamp.0.wrapping_sub(u32::MAX - 10) + u32::from(last.event.duration);
        assert!(last.event.end && (287_995..=288_000).contains(&total), "{total}");
        assert_eq!(said.iter().filter(|report| report.marker).count(), 1);
        assert_eq!(said.iter().filter(|report| report.event.end).count(), 3);
    }
}
