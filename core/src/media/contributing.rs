//! Who was heard or seen of late: the sources of packets, and those that a mixer names in them.

use crate::base::time::{Instant, WallClock, date_of};
use crate::wire::rtp::value::CaptureTime;
use std::time::{Duration, SystemTime};

/// How long a source is remembered (W3C WebRTC §5.4).
const MEMORY: Duration = Duration::from_secs(10);
/// Contributing sources that are remembered of one stream: a mixer of ten speakers names them all in each packet.
const MAX_SOURCES: usize = 64;

/// `RTCRtpContributingSource`, and `RTCRtpSynchronizationSource`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct RtpContributingSource {
    /// When its last packet came: milliseconds since 1970.
    pub timestamp: f64,
    /// The source.
    pub source: u32,
    /// How loud it was, from 0 to 1, where packets say so.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub audio_level: Option<f64>,
    /// The timestamp of that packet.
    pub rtp_timestamp: u32,
    /// When that was captured, where packets say so: milliseconds since 1970 by the capturer's clock.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub capture_timestamp: Option<f64>,
    /// How far the sender's clock is ahead of the capturer's, in milliseconds.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub sender_capture_time_offset: Option<f64>,
}

/// What the last packet of a source said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub at: Instant,
    pub timestamp: u32,
    /// −dBov.
    pub level: Option<u8>,
    pub capture: Option<CaptureTime>,
}

impl Heard {
    /// What is told of it at `now`, unless it is too long ago.
    pub(super) fn tell(&self, source: u32, now: Instant, clock: &WallClock) -> Option<RtpContributingSource> {
        (now.saturating_since(self.at) <= MEMORY).then(|| RtpContributingSource {
            timestamp: clock.unix_millis(self.at),
            source,
            audio_level: self.level.map(linear),
            rtp_timestamp: self.timestamp,
            capture_timestamp: self.capture.map(|capture| {
                let date = date_of(capture.ntp).duration_since(SystemTime::UNIX_EPOCH);
                date.unwrap_or_default().as_secs_f64() * 1e3
            }),
            sender_capture_time_offset: self.capture.and_then(|capture| capture.offset).map(|offset| {
                // 32.32 fixed point.
                offset as f64 / 4_294_967_296.0 * 1e3
            }),
        })
    }
}

/// W3C WebRTC §5.4: RFC 6464's silence is 0, anything else a power of ten.
fn linear(level: u8) -> f64 {
    if level >= 127 { 0.0 } else { 10_f64.powf(-f64::from(level) / 20.0) }
}

/// The sources that packets of one stream name.
#[derive(Clone, Debug, Default)]
pub(super) struct Contributing(Vec<(u32, Heard)>);

impl Contributing {
    /// A packet names this source.
    pub(super) fn note(&mut self, source: u32, heard: Heard) {
        let known = self.0.iter().position(|(known, _)| *known == source);
        let oldest = || (0..self.0.len()).min_by_key(|at| self.0[*at].1.at);
        let place = if self.0.len() < MAX_SOURCES { known } else { known.or_else(oldest) };
        match place {
            Some(at) => self.0[at] = (source, heard),
            None => self.0.push((source, heard)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Heard)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Contributing, Heard, MAX_SOURCES};
    use crate::base::time::{Instant, WallClock};
    use crate::wire::rtp::value::CaptureTime;
    use std::time::{Duration, SystemTime};

    fn heard(ms: u64, level: Option<u8>) -> Heard {
        Heard { at: Instant::from_millis(ms), timestamp: 7, level, capture: None }
    }

    #[test]
    fn sources_are_forgotten_after_ten_seconds() {
        let clock = WallClock::new(Instant::ZERO, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        let level = |level| heard(5, Some(level)).tell(9, Instant::from_millis(10_005), &clock).unwrap();
        assert_eq!((level(127).audio_level, level(0).audio_level), (Some(0.0), Some(1.0)));
        assert!(level(20).audio_level.is_some_and(|level| (level - 0.1).abs() < 1e-9));
        assert_eq!((level(0).timestamp, level(0).source, level(0).rtp_timestamp), (1_000_005.0, 9, 7));
        assert_eq!(heard(5, None).tell(9, Instant::from_millis(10_006), &clock), None);
        let capture = CaptureTime { ntp: (2_208_988_800 + 5) << 32 | 1 << 31, offset: Some(-(1 << 31)) };
        let told = Heard { capture: Some(capture), ..heard(5, None) }.tell(9, Instant::ZERO, &clock).unwrap();
        assert_eq!(
            (told.capture_timestamp, told.sender_capture_time_offset, told.audio_level),
            (Some(5_500.0), Some(-500.0), None)
        );
    }

    #[test]
    fn any_number_of_sources_holds_no_memory() {
        let mut contributing = Contributing::default();
        (0..10_000).for_each(|source| contributing.note(source, heard(source.into(), None)));
        assert_eq!(contributing.iter().count(), MAX_SOURCES);
        assert_eq!(contributing.iter().map(|(source, _)| source).min(), Some(10_000 - MAX_SOURCES as u32));
    }
}
