//! `profile-level-id` of H.264 (RFC 6184 §8.1).

use crate::signaling::codecs::parameter;

/// What `profile-level-id` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct H264 {
    pub profile: Profile,
    pub level: Level,
    /// `profile_idc` and `profile-iop` as they were written.
    prefix: u32,
}

/// The profiles of RFC 6184 table 5 that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) enum Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    Extended,
    High,
    ConstrainedHigh,
    /// `profile_idc`, for those without a subset that matters.
    Other(u8),
}

/// A level: ten times its number, or the one between 1 and 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) enum Level {
    OneB,
    Times10(u8),
}

impl Level {
    /// Where it stands among the others.
    pub fn rank(self) -> u16 {
        match self {
            // Between 10 and 11.
            Self::OneB => 21,
            Self::Times10(level) => u16::from(level) * 2,
        }
    }
}

/// `constraint_set3_flag`
const CONSTRAINT_3: u8 = 0x10;

/// A profile's `profile_idc`, the bits of `profile-iop` that matter and their values: RFC 6184 table 5.
const PROFILES: &[(u8, u8, u8, Profile)] = &[
    (0x42, 0x4f, 0x40, Profile::ConstrainedBaseline),
    (0x4d, 0x8f, 0x80, Profile::ConstrainedBaseline),
    (0x58, 0xcf, 0xc0, Profile::ConstrainedBaseline),
    (0x42, 0x4f, 0x00, Profile::Baseline),
    (0x58, 0xcf, 0x80, Profile::Baseline),
    (0x4d, 0xaf, 0x00, Profile::Main),
    (0x58, 0xcf, 0x00, Profile::Extended),
    (0x64, 0xff, 0x00, Profile::High),
    (0x64, 0xff, 0x0c, Profile::ConstrainedHigh),
];

impl H264 {
    /// From the parameters of `a=fmtp`; `None` when they make no sense.
    pub fn of(fmtp: &str) -> Option<Self> {
        // RFC 6184 §8.1: without one, baseline at level 1.
        let text = parameter(fmtp, "profile-level-id").unwrap_or("42000a");
        if text.len() != 6 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
            return None;
        }
        let [_, idc, iop, level] = u32::from_str_radix(text, 16).ok()?.to_be_bytes();
        let known = PROFILES.iter().find(|(id, mask, value, _)| (*id, *value) == (idc, iop & mask));
        let profile = known.map_or(Profile::Other(idc), |row| row.3);
        let is_1b = level == 9 || level == 11 && iop & CONSTRAINT_3 != 0 && matches!(idc, 0x42 | 0x4d | 0x58);
        let level = if is_1b { Level::OneB } else { Level::Times10(level) };
        Some(Self { profile, level, prefix: u32::from_be_bytes([0, idc, iop, 0]) })
    }

    /// `profile-level-id` of the same profile at another level.
    pub fn with_level(&self, level: Level) -> u32 {
        let flag = u32::from(CONSTRAINT_3) << 8;
        let by_flag = matches!(self.prefix >> 16, 0x42 | 0x4d | 0x58);
        match level {
            Level::OneB if by_flag => self.prefix | flag | 11,
            Level::OneB => self.prefix | 9,
            Level::Times10(level) if by_flag => self.prefix & !flag | u32::from(level),
            Level::Times10(level) => self.prefix | u32::from(level),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{H264, Level, Profile};

    fn of(id: &str) -> H264 {
        H264::of(&format!("profile-level-id={id}")).unwrap()
    }

    #[test]
    fn the_table_of_rfc_6184() {
        for (id, profile) in [
            ("42e01f", Profile::ConstrainedBaseline),
            ("4d801f", Profile::ConstrainedBaseline),
            ("58c01f", Profile::ConstrainedBaseline),
            ("42001f", Profile::Baseline),
            ("58801f", Profile::Baseline),
            ("4d001f", Profile::Main),
            ("58001f", Profile::Extended),
            ("64001f", Profile::High),
            ("640c1f", Profile::ConstrainedHigh),
            ("f4001f", Profile::Other(0xf4)),
        ] {
            assert_eq!(of(id).profile, profile, "{id}");
        }
        assert_eq!(H264::of("").unwrap().profile, Profile::Baseline);
        assert_eq!(H264::of("profile-level-id=42e0"), None);
        assert_eq!(H264::of("profile-level-id=+2e01f"), None);
    }

    #[test]
    fn level_1b_has_two_spellings_and_lies_between_its_neighbours() {
        assert_eq!((of("42f00b").level, of("640009").level), (Level::OneB, Level::OneB));
        assert_eq!(of("42e00b").level, Level::Times10(11));
        assert!(Level::Times10(10) < Level::OneB && Level::OneB < Level::Times10(11));
        assert_eq!(of("42e01f").with_level(Level::OneB), 0x0042_f00b);
        assert_eq!(of("42f00b").with_level(Level::Times10(31)), 0x0042_e01f);
        assert_eq!(of("64001f").with_level(Level::OneB), 0x0064_0009);
    }
}
