//! Points in time that the driver hands in.
//!
//! [`Instant`] has no `now()`: the core *cannot* read a clock. Adapters convert from their own clock,
//! simulations count.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::{Duration, SystemTime};

/// Microseconds since an origin that the driver picks.
///
/// The origin has no meaning to the core; a driver uses one origin for the life of a connection.
/// 2⁶⁴ µs are 584,542 years, so arithmetic saturates and never wraps.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Instant(u64);

impl Instant {
    /// The origin.
    pub const ZERO: Self = Self(0);

    /// The point `micros` microseconds after the origin.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The point `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, delay: Duration) {
        *self = *self + delay;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// The earliest of some deadlines that may not be set.
///
/// `Option::min` would let an unset deadline win, because `None` is the smaller.
pub fn earliest(deadlines: impl IntoIterator<Item = Option<Instant>>) -> Option<Instant> {
    deadlines.into_iter().flatten().min()
}

/// The one place where the core learns the date: a pair of the same moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallClock {
    at: Instant,
    wall: SystemTime,
}

impl WallClock {
    /// `wall` is what a calendar showed at the instant `at`.
    #[must_use]
    pub const fn new(at: Instant, wall: SystemTime) -> Self {
        Self { at, wall }
    }

    /// The date of `instant`.
    #[must_use]
    pub fn at(&self, instant: Instant) -> SystemTime {
        if instant >= self.at {
            self.wall + instant.saturating_since(self.at)
        } else {
            self.wall.checked_sub(self.at.saturating_since(instant)).unwrap_or(SystemTime::UNIX_EPOCH)
        }
    }

    /// Milliseconds since 1970 at `instant`, the `DOMHighResTimeStamp` of W3C statistics.
    #[must_use]
    pub fn unix_millis(&self, instant: Instant) -> f64 {
        let since = self.at(instant).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        since.as_secs_f64() * 1e3
    }
}

/// Ticks of a clock of `rate` ticks a second in this time, rounded down.
#[must_use]
pub fn ticks(time: Duration, rate: u32) -> u64 {
    u64::try_from(time.as_micros() * u128::from(rate) / 1_000_000).unwrap_or(u64::MAX)
}

/// Seconds from 1900, where NTP counts from, to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// A date as NTP writes it: seconds since 1900 in 32.32 fixed point. Wraps in 2036, as NTP does.
#[must_use]
pub fn ntp_of(date: SystemTime) -> u64 {
    let since = date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    since.as_secs().wrapping_add(NTP_EPOCH) << 32 | fraction
}

/// The date that NTP writes so, of the era from 1968 on (RFC 4330 §3).
#[must_use]
pub fn date_of(ntp: u64) -> SystemTime {
    let era = if ntp >> 63 == 1 { 0 } else { 1 << 32 };
    let seconds = (era + (ntp >> 32)).saturating_sub(NTP_EPOCH);
    let nanos = ((ntp & 0xffff_ffff) * 1_000_000_000) >> 32;
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos as u32)
}

#[cfg(test)]
mod tests {
    use super::{Instant, WallClock, date_of, earliest, ntp_of, ticks};

    #[test]
    fn dates_go_to_ntp_and_back() {
        for seconds in [0, 1_700_000_000, 2_085_978_495, 2_085_978_496, 3_000_000_000] {
            let date = SystemTime::UNIX_EPOCH + Duration::new(seconds, 500_000_000);
            assert_eq!(date_of(ntp_of(date)), date);
        }
        assert_eq!(ntp_of(SystemTime::UNIX_EPOCH), 2_208_988_800 << 32);
    }

    use std::time::{Duration, SystemTime};

    #[test]
    fn ticks_are_rounded_down_and_never_wrap() {
        assert_eq!(ticks(Duration::from_micros(1_000_011), 90_000), 90_000);
        assert_eq!(ticks(Duration::from_micros(1_000_012), 90_000), 90_001);
        assert_eq!(ticks(Duration::MAX, u32::MAX), u64::MAX);
    }

    #[test]
    fn an_unset_deadline_never_wins() {
        let late = Some(Instant::from_millis(7));
        assert_eq!(earliest([None, late, None]), late);
        assert_eq!(earliest([late, Some(Instant::ZERO)]), Some(Instant::ZERO));
        assert_eq!(earliest([None, None]), None);
    }

    #[test]
    fn arithmetic_saturates() {
        let end = Instant::from_micros(u64::MAX);
        assert_eq!(end + Duration::MAX, end);
        assert_eq!(Instant::ZERO - end, Duration::ZERO);
    }

    #[test]
    fn wall_time_goes_both_ways_from_its_anchor() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let clock = WallClock::new(Instant::from_millis(5_000), wall);
        assert_eq!(clock.at(Instant::from_millis(6_000)), wall + Duration::from_secs(1));
        assert_eq!(clock.at(Instant::from_millis(4_000)), wall - Duration::from_secs(1));
        assert!((clock.unix_millis(Instant::from_millis(5_500)) - 100_500.0).abs() < 1e-6);
    }
}
