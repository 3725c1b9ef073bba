//! Serial numbers: counters that wrap, compared as RFC 1982 says.

use std::fmt;

macro_rules! serial {
    ($(#[$meta:meta])* $name:ident, $int:ty, $signed:ty) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub $int);

        impl $name {
            /// The number `n` places on.
            #[must_use]
            pub const fn plus(self, n: $int) -> Self {
                Self(self.0.wrapping_add(n))
            }

            /// The number `n` places back.
            #[must_use]
            pub const fn minus(self, n: $int) -> Self {
                Self(self.0.wrapping_sub(n))
            }

            /// The number after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                self.plus(1)
            }

            /// How many places after `earlier` this is, counted forwards around the ring.
            #[must_use]
            pub const fn distance_from(self, earlier: Self) -> $int {
                self.0.wrapping_sub(earlier.0)
            }

            /// Whether this comes after `other`: at most half the ring ahead.
            #[must_use]
            pub const fn is_after(self, other: Self) -> bool {
                (self.0.wrapping_sub(other.0) as $signed) > 0
            }

            /// Whether this comes before `other`.
            #[must_use]
            pub const fn is_before(self, other: Self) -> bool {
                other.is_after(self)
            }

            /// Whether this is `other` or comes after it.
            #[must_use]
            pub const fn is_at_or_after(self, other: Self) -> bool {
                self.0 == other.0 || self.is_after(other)
            }

            /// Whether this is `other` or comes before it.
            #[must_use]
            pub const fn is_at_or_before(self, other: Self) -> bool {
                other.is_at_or_after(self)
            }

            /// The later of the two.
            #[must_use]
            pub const fn later(self, other: Self) -> Self {
                if self.is_after(other) { self } else { other }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

serial!(
    /// A 16-bit serial number: RTP sequence numbers, SCTP stream sequence numbers.
    Serial16, u16, i16
);
serial!(
    /// A 32-bit serial number: SCTP transmission sequence numbers, RTP timestamps.
    Serial32, u32, i32
);

/// Counts 16-bit numbers on beyond their wraps: each is taken for the nearest to the highest so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unwrap16 {
    highest: Option<u64>,
}

impl Unwrap16 {
    /// What the first number counts up from, so that older ones still have a place below it.
    const BEGINNING: u64 = 1 << 16;

    /// Goes on from `count`.
    #[must_use]
    pub const fn at(count: u64) -> Self {
        Self { highest: Some(count) }
    }

    /// The count that `number` stands for, if that is near.
    #[must_use]
    pub fn peek(&self, number: Serial16) -> u64 {
        let Some(highest) = self.highest else { return Self::BEGINNING + u64::from(number.0) };
        let ahead = number.0.wrapping_sub(highest as u16) as i16;
        highest.saturating_add_signed(ahead.into())
    }

    /// The same, and what follows is near to the highest.
    pub fn advance(&mut self, number: Serial16) -> u64 {
        let count = self.peek(number);
        self.highest = Some(self.highest.map_or(count, |highest| highest.max(count)));
        count
    }

    /// The highest count so far.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::{Serial16, Serial32, Unwrap16};

    #[test]
    fn counts_go_on_beyond_the_wrap() {
        let mut unwrap = Unwrap16::default();
        let counts: Vec<u64> =
            [65_534, 0, 65_535, 1, 40_000].map(|number| unwrap.advance(Serial16(number))).into();
        assert_eq!(counts, [131_070, 131_072, 131_071, 131_073, 105_536]);
        assert_eq!(unwrap.highest(), Some(131_073));
    }

    #[test]
    fn order_survives_the_wrap() {
        let (last, first) = (Serial16(u16::MAX), Serial16(u16::MAX).next());
        assert!(first.is_after(last) && last.is_before(first));
        assert_eq!(first.distance_from(last), 1);
        assert_eq!(Serial32(5).minus(6), Serial32(u32::MAX));
        assert_eq!(Serial32(u32::MAX).later(Serial32(3)), Serial32(3));
        assert!(Serial32(7).is_at_or_after(Serial32(7)) && Serial32(7).is_at_or_before(Serial32(7)));
    }
}
