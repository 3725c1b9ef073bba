//! Whether two codecs are the same, and what an answer says of one (RFC 9429 §5.2.1, §5.3.1).

use crate::base::media::{CodecCapability, RtpCodec};
use crate::signaling::profiles::{H264, Level, Profile};
use crate::signaling::rtp::CodecContent;

/// A codec as far as matching goes: two that can be one payload type are equal. Levels and what else each side chooses
/// for itself do not matter.
#[derive(Clone, Copy, Debug)]
pub(in crate::signaling) struct CodecKey<'a> {
    name: &'a str,
    clock_rate: u32,
    channels: u16,
    variant: Variant,
}

/// What tells payload types of one codec apart, of its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// Nothing does.
    Only,
    /// RFC 6184 §8.2.2: packetization mode and profile are what is negotiated. `None` for a profile without sense.
    H264 { packetization_mode: u32, profile: Option<Profile> },
    /// RFC 9628 §5.1 for VP9; §7.2.3 of AV1's payload format.
    Profile(u32),
    /// RFC 7798 §7.2.2
    H265 { profile: u32, tier: u32, single_stream: bool },
}

impl Variant {
    fn of(name: &str, fmtp: &str) -> Self {
        // What is no number is not told apart from other nonsense.
        let number =
            |key, default| parameter(fmtp, key).map_or(default, |text| text.parse().unwrap_or(u32::MAX));
        match name.as_bytes() {
            [b'H' | b'h', b'2', b'6', b'4'] => Self::H264 {
                packetization_mode: number("packetization-mode", 0),
                profile: H264::of(fmtp).map(|h264| h264.profile),
            },
            [b'V' | b'v', b'P' | b'p', b'9'] => Self::Profile(number("profile-id", 0)),
            [b'A' | b'a', b'V' | b'v', b'1'] => Self::Profile(number("profile", 0)),
            [b'H' | b'h', b'2', b'6', b'5'] => Self::H265 {
                profile: number("profile-id", 1),
                tier: number("tier-flag", 0),
                single_stream: parameter(fmtp, "tx-mode")
                    .is_none_or(|mode| mode.eq_ignore_ascii_case("SRST")),
            },
            _ => Self::Only,
        }
    }
}

impl<'a> From<&'a RtpCodec> for CodecKey<'a> {
    fn from(codec: &'a RtpCodec) -> Self {
        let (name, fmtp) = (codec.name(), codec.sdp_fmtp_line.as_deref().unwrap_or(""));
        let channels = codec.channels.unwrap_or(1);
        Self { name, clock_rate: codec.clock_rate, channels, variant: Variant::of(name, fmtp) }
    }
}

impl<'a> From<&'a CodecContent> for CodecKey<'a> {
    fn from(codec: &'a CodecContent) -> Self {
        let &CodecContent { ref name, clock_rate, channels, ref fmtp, .. } = codec;
        Self { name, clock_rate, channels, variant: Variant::of(name, fmtp.as_deref().unwrap_or("")) }
    }
}

impl PartialEq for CodecKey<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.clock_rate, self.channels, self.variant) == (other.clock_rate, other.channels, other.variant)
            && self.name.eq_ignore_ascii_case(other.name)
    }
}

/// The value of `key` in `a=fmtp` parameters.
pub(in crate::signaling) fn parameter<'a>(fmtp: &'a str, key: &str) -> Option<&'a str> {
    fmtp.as_bytes().split(|&c| c == b';').find_map(|part| {
        let equals = part.iter().position(|&c| c == b'=')?;
        let (name, value) = (part[..equals].trim_ascii(), part[equals + 1..].trim_ascii());
        // What is between ASCII characters is whole ones.
        name.eq_ignore_ascii_case(key.as_bytes()).then(|| str::from_utf8(value).ok())?
    })
}

/// The parameters with which an answer accepts `offered` as `ours`.
pub(in crate::signaling) fn answer_fmtp(ours: &CodecCapability, offered: &CodecContent) -> Option<String> {
    let said = ours.codec.sdp_fmtp_line.as_deref()?;
    if !offered.name.eq_ignore_ascii_case("H264") {
        return Some(said.to_owned());
    }
    let theirs = offered.fmtp.as_deref().unwrap_or("");
    let asymmetric = |fmtp| parameter(fmtp, "level-asymmetry-allowed") == Some("1");
    let (Some(mine), Some(other)) = (H264::of(said), H264::of(theirs)) else { return Some(said.to_owned()) };
    // RFC 6184 §8.2.2: unless both allow levels to differ, the lower one holds both ways.
    let allowed = asymmetric(said) && asymmetric(theirs);
    let level = if allowed { mine.level } else { mine.level.min(other.level) };
    let id = other.with_level(level);
    let mode = parameter(theirs, "packetization-mode").unwrap_or("0");
    let asymmetry = u8::from(allowed);
    Some(format!("level-asymmetry-allowed={asymmetry};packetization-mode={mode};profile-level-id={id:06x}"))
}

/// The codec dictionary match of webrtc-pc §5.2.9 for what an application names: all parameters have to be equal,
/// in whatever order.
pub(in crate::signaling) fn same_dictionary(a: &RtpCodec, b: &RtpCodec) -> bool {
    let plain = a.mime_type.eq_ignore_ascii_case(&b.mime_type)
        && a.clock_rate == b.clock_rate
        && a.channels.unwrap_or(1) == b.channels.unwrap_or(1);
    plain
        && match (&a.sdp_fmtp_line, &b.sdp_fmtp_line) {
            (None, None) => true,
            (Some(a), Some(b)) => same_parameters(a, b),
            _ => false,
        }
}

fn same_parameters(a: &str, b: &str) -> bool {
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text.split(';').map(|part| part.trim().to_ascii_lowercase()).collect();
        parts.sort_unstable();
        parts
    };
    a == b || sorted(a) == sorted(b)
}

/// The lower of two levels; kept beside [`answer_fmtp`] because H.264 has one that does not sort by its number.
impl Ord for Level {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::{CodecKey, Variant, answer_fmtp, same_dictionary};
    use crate::base::media::{CodecCapability, RtpCodec};
    use crate::signaling::rtp::CodecContent;

    fn key<'a>(name: &'a str, fmtp: &'a str) -> CodecKey<'a> {
        CodecKey { name, clock_rate: 90_000, channels: 1, variant: Variant::of(name, fmtp) }
    }

    #[test]
    fn profiles_tell_codecs_apart_and_levels_do_not() {
        let h264 = |fmtp| key("H264", fmtp);
        let base = h264("packetization-mode=1;profile-level-id=42e01f");
        for (other, same) in [
            (h264("profile-level-id=42e034;packetization-mode=1;level-asymmetry-allowed=1"), true),
            (key("h264", "packetization-mode=1;profile-level-id=4de00a"), true),
            (h264("packetization-mode=0;profile-level-id=42e01f"), false),
            (h264("profile-level-id=42e01f"), false),
            (h264("packetization-mode=1;profile-level-id=42001f"), false),
            (h264("packetization-mode=1;profile-level-id=640c1f"), false),
            (key("H265", "packetization-mode=1;profile-level-id=42e01f"), false),
        ] {
            assert_eq!(base == other, same, "{other:?}");
        }
        assert_eq!(key("VP9", ""), key("vp9", "profile-id=0"));
        assert_ne!(key("VP9", "profile-id=2"), key("VP9", ""));
        assert_eq!(key("AV1", "level-idx=5;profile=0;tier=0"), key("AV1", ""));
        assert_ne!(key("AV1", "profile=1"), key("AV1", ""));
        assert_ne!(key("H265", "tier-flag=1"), key("H265", "profile-id=1"));
    }

    #[test]
    fn a_level_is_shared_unless_both_let_it_differ() {
        let fmtp = |level: &str, asymmetry| {
            format!("level-asymmetry-allowed={asymmetry};packetization-mode=1;profile-level-id=42e0{level}")
        };
        for (ours, theirs, answer) in [
            (("1f", 1), ("0a", 1), ("1f", 1)),
            (("1f", 1), ("0a", 0), ("0a", 0)),
            (("0a", 0), ("1f", 1), ("0a", 0)),
        ] {
            let codec = RtpCodec::new("video/H264", 90_000).fmtp(&fmtp(ours.0, ours.1));
            let ours = CodecCapability { codec, payload_type: 96, rtx_payload_type: None, feedback: vec![] };
            let offered = CodecContent {
                payload_type: 100,
                name: "H264".into(),
                clock_rate: 90_000,
                channels: 1,
                fmtp: Some(fmtp(theirs.0, theirs.1)),
                feedback: vec![],
            };
            assert_eq!(answer_fmtp(&ours, &offered), Some(fmtp(answer.0, answer.1)));
        }
    }

    #[test]
    fn an_application_names_all_parameters() {
        let codec = |fmtp: Option<&str>| RtpCodec {
            mime_type: "video/VP9".into(),
            clock_rate: 90_000,
            channels: None,
            sdp_fmtp_line: fmtp.map(str::to_owned),
        };
        assert!(same_dictionary(&codec(Some("a=1;b=2")), &codec(Some("b=2; A=1"))));
        assert!(!same_dictionary(&codec(Some("a=1")), &codec(None)));
        assert!(!same_dictionary(&codec(Some("a=1")), &codec(Some("a=2"))));
    }
}
