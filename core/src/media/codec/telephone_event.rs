//! Telephone events (RFC 4733 §2.3): keys of a telephone as numbers and durations.

use crate::wire::cursor::{ParseError, Reader};

/// Bytes of one payload.
pub const LEN: usize = 4;
/// The loudness that is customary: −10 dBm0.
pub const VOLUME: u8 = 10;

const END: u8 = 0x80;
const VOLUME_BITS: u8 = 0x3f;

/// One report of an event that goes on or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Which: 0 to 9, 10 for `*`, 11 for `#`, 12 to 15 for `A` to `D`, others as registered.
    pub event: u8,
    /// Whether it is over.
    pub end: bool,
    /// −dBm0, 0 (loudest) to 63.
    pub volume: u8,
    /// Ticks of the RTP clock since its beginning.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a payload. What follows the first event is the next report of a burst and is not looked at.
    ///
    /// # Errors
    ///
    /// It is too short.
    pub fn parse(payload: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(payload);
        let (event, flags, duration) = (r.u8()?, r.u8()?, r.u16()?);
        // RFC 4733 §2.3.4: the reserved bit is not looked at.
        Ok(Self { event, end: flags & END != 0, volume: flags & VOLUME_BITS, duration })
    }

    /// The payload.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; LEN] {
        let [high, low] = self.duration.to_be_bytes();
        let end = if self.end { END } else { 0 };
        [self.event, end | (self.volume & VOLUME_BITS), high, low]
    }
}

/// The event of a key (RFC 4733 §3.2), in either case.
#[must_use]
pub const fn event_of(key: char) -> Option<u8> {
    match key {
        '0'..='9' => Some(key as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(key as u8 - b'A' + 12),
        'a'..='d' => Some(key as u8 - b'a' + 12),
        _ => None,
    }
}

/// The key of an event.
#[must_use]
pub const fn key_of(event: u8) -> Option<char> {
    match event {
        0..=9 => Some((b'0' + event) as char),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some((b'A' + event - 12) as char),
        _ => None,
    }
}
