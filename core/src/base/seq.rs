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

#[cfg(test)]
mod tests {
    use super::{Serial16, Serial32};

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
