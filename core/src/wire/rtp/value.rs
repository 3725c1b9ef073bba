//! What the elements of header extensions say: each kind by its URI, and its value.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtp::extension::Element;

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $uri:literal),+ $(,)?) => {
        /// The kinds that have a value here. Others an application reads and writes as bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($(#[$meta])* $name),+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The URI that stands in `a=extmap`.
            #[must_use]
            pub const fn uri(self) -> &'static str {
                match self { $(Self::$name => $uri),+ }
            }

            /// The kind with this URI.
            #[must_use]
            pub fn from_uri(uri: &str) -> Option<Self> {
                match uri { $($uri => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// Which media section a packet belongs to (RFC 9143 §15).
    Mid = "urn:ietf:params:rtp-hdrext:sdes:mid",
    /// Which encoding of a source (RFC 8852 §3.1).
    Rid = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    /// Which encoding a packet repairs (RFC 8852 §3.2).
    RepairedRid = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    /// The loudness (RFC 6464).
    AudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    /// The loudness of each contributing source (RFC 6465).
    CsrcAudioLevels = "urn:ietf:params:rtp-hdrext:csrc-audio-level",
    /// When the packet left.
    AbsSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    /// The packet's number on its transport.
    TransportSequence = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    /// The packet's number on its transport, and maybe a request for feedback.
    TransportSequence2 = "http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02",
    /// How long after its timestamp the packet left (RFC 5450).
    TransmissionOffset = "urn:ietf:params:rtp-hdrext:toffset",
    /// When the frame was captured.
    AbsCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    /// How long the receiver may wait before it shows a frame.
    PlayoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    /// How the camera was held (3GPP TS 26.114 §7.4.5).
    VideoOrientation = "urn:3gpp:video-orientation",
    /// What the colours mean.
    ColorSpace = "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    /// Where a frame spent its time at the sender.
    VideoTiming = "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    /// What the video shows.
    VideoContentType = "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
}

/// The most bytes of a `mid`, `rid` or repaired `rid` that fit the one-byte form.
pub const MAX_SHORT_TEXT: usize = 16;

/// The value of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Which media section a packet belongs to.
    Mid(&'a str),
    /// Which encoding of a source.
    Rid(&'a str),
    /// Which encoding a packet repairs.
    RepairedRid(&'a str),
    /// The loudness.
    AudioLevel(AudioLevel),
    /// The loudness of each contributing source, a byte each of which the lower seven bits are −dBov.
    CsrcAudioLevels(&'a [u8]),
    /// Seconds in 6.18 fixed point, modulo 64: of 24 bits.
    AbsSendTime(u32),
    /// The packet's number on its transport.
    TransportSequence(u16),
    /// The packet's number on its transport, and maybe a request for feedback.
    TransportSequence2(u16, Option<FeedbackRequest>),
    /// Timestamp units, of 24 bits with sign.
    TransmissionOffset(i32),
    /// When the frame was captured.
    AbsCaptureTime(CaptureTime),
    /// How long the receiver may wait before it shows a frame.
    PlayoutDelay(PlayoutDelay),
    /// How the camera was held.
    VideoOrientation(Orientation),
    /// What the colours mean.
    ColorSpace(ColorSpace),
    /// Where a frame spent its time at the sender.
    VideoTiming(VideoTiming),
    /// 0 for unspecified, 1 for a screen; other bits are experiments.
    VideoContentType(u8),
}

/// The loudness of audio (RFC 6464 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct AudioLevel {
    /// Whether the encoder believes that it is a voice.
    pub voice: bool,
    /// −dBov, 0 (loudest) to 127.
    pub level: u8,
}

/// A wish for transport-wide feedback at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedbackRequest {
    /// Whether arrival times are asked for, too.
    pub timing: bool,
    /// How many packets to report on, this one included; of 15 bits, never 0.
    pub count: u16,
}

/// When a frame was captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureTime {
    /// NTP time by the capturer's clock, 32.32 fixed point.
    pub ntp: u64,
    /// What to add for the sender's clock, 32.32 fixed point, where it is estimated.
    pub offset: Option<i64>,
}

/// Bounds of the delay before a frame is shown, in units of 10 ms, of 12 bits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlayoutDelay {
    /// The least.
    pub min: u16,
    /// The most.
    pub max: u16,
}

/// How the camera was held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct Orientation {
    /// Whether it is the camera on the back.
    pub back_camera: bool,
    /// Whether the picture is mirrored.
    pub flipped: bool,
    /// Quarter turns, clockwise, that the receiver has to make: 0 to 3.
    pub quarter_turns: u8,
}

/// What the colours mean (ITU-T H.273).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColorSpace {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients.
    pub matrix: u8,
    /// Range in bits 4 and 5, horizontal chroma siting in bits 2 and 3, vertical in bits 0 and 1.
    pub range_and_siting: u8,
    /// Mastering metadata, which needs the two-byte form.
    pub hdr: Option<HdrMetadata>,
}

/// The display that a picture was mastered on (SMPTE ST 2086), and its light levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HdrMetadata {
    /// Luminance of the display in cd/m² and in 1/10,000 cd/m²: most, least.
    pub luminance: [u16; 2],
    /// Red, green, blue and white: x and y of each, in 1/50,000.
    pub chromaticities: [u16; 8],
    /// The brightest pixel and the brightest frame on average, in cd/m².
    pub light_levels: [u16; 2],
}

/// Where a frame spent its time at the sender: milliseconds since its capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoTiming {
    /// Why the frame was chosen: bit 0 by a timer, bit 1 by its size.
    pub flags: u8,
    /// When encoding began and ended, the last packet was made, the last packet left the pacer, and two for
    /// middleboxes.
    pub deltas: [u16; 6],
}

impl<'a> Value<'a> {
    /// Reads the value of an element that was agreed on to be of this `kind`.
    pub fn parse(kind: Kind, data: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(data);
        let value = match kind {
            Kind::Mid => return text(data).map(Self::Mid),
            Kind::Rid => return text(data).map(Self::Rid),
            Kind::RepairedRid => return text(data).map(Self::RepairedRid),
            Kind::CsrcAudioLevels => return Ok(Self::CsrcAudioLevels(data)),
            Kind::AudioLevel => {
                let byte = r.u8()?;
                // RFC 6464 §3: in the two-byte form a second byte may follow, to be ignored.
                return Ok(Self::AudioLevel(AudioLevel { voice: byte & 0x80 != 0, level: byte & 0x7f }));
            }
            Kind::AbsSendTime => Self::AbsSendTime(r.u24()?),
            Kind::TransportSequence => Self::TransportSequence(r.u16()?),
            Kind::TransportSequence2 => {
                let number = r.u16()?;
                let request = if r.is_empty() { 0 } else { r.u16()? };
                let (timing, count) = (request & 0x8000 != 0, request & 0x7fff);
                Self::TransportSequence2(number, (count > 0).then_some(FeedbackRequest { timing, count }))
            }
            Kind::TransmissionOffset => Self::TransmissionOffset((r.u24()? << 8) as i32 >> 8),
            Kind::AbsCaptureTime => {
                let ntp = r.u64()?;
                let offset = if r.is_empty() { None } else { Some(r.u64()? as i64) };
                Self::AbsCaptureTime(CaptureTime { ntp, offset })
            }
            Kind::PlayoutDelay => {
                let both = r.u24()?;
                Self::PlayoutDelay(PlayoutDelay { min: (both >> 12) as u16, max: (both & 0xfff) as u16 })
            }
            Kind::VideoOrientation => {
                let byte = r.u8()?;
                Self::VideoOrientation(Orientation {
                    back_camera: byte & 8 != 0,
                    flipped: byte & 4 != 0,
                    quarter_turns: byte & 3,
                })
            }
            Kind::ColorSpace => Self::ColorSpace(ColorSpace::parse(&mut r)?),
            Kind::VideoTiming => Self::VideoTiming(VideoTiming { flags: r.u8()?, deltas: words(&mut r)? }),
            Kind::VideoContentType => Self::VideoContentType(r.u8()?),
        };
        r.finish().map(|()| value)
    }

    /// Reads an element with the help of `kind_of`, which knows what its id was agreed on to be.
    pub fn of(element: &Element<'a>, kind_of: impl FnOnce(u8) -> Option<Kind>) -> Option<Self> {
        Self::parse(kind_of(element.id)?, element.data).ok()
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Mid(_) => Kind::Mid,
            Self::Rid(_) => Kind::Rid,
            Self::RepairedRid(_) => Kind::RepairedRid,
            Self::AudioLevel(_) => Kind::AudioLevel,
            Self::CsrcAudioLevels(_) => Kind::CsrcAudioLevels,
            Self::AbsSendTime(_) => Kind::AbsSendTime,
            Self::TransportSequence(_) => Kind::TransportSequence,
            Self::TransportSequence2(..) => Kind::TransportSequence2,
            Self::TransmissionOffset(_) => Kind::TransmissionOffset,
            Self::AbsCaptureTime(_) => Kind::AbsCaptureTime,
            Self::PlayoutDelay(_) => Kind::PlayoutDelay,
            Self::VideoOrientation(_) => Kind::VideoOrientation,
            Self::ColorSpace(_) => Kind::ColorSpace,
            Self::VideoTiming(_) => Kind::VideoTiming,
            Self::VideoContentType(_) => Kind::VideoContentType,
        }
    }

    /// Appends the value, without id and length. Of numbers with fewer bits than their type the lower ones are
    /// written.
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Mid(text) | Self::Rid(text) | Self::RepairedRid(text) => {
                out.extend_from_slice(text.as_bytes());
            }
            Self::AudioLevel(AudioLevel { voice, level }) => out.push(u8::from(voice) << 7 | level & 0x7f),
            Self::CsrcAudioLevels(levels) => out.extend_from_slice(levels),
            Self::AbsSendTime(time) => put_u24(time, out),
            Self::TransportSequence(number) => out.extend_from_slice(&number.to_be_bytes()),
            Self::TransportSequence2(number, request) => {
                out.extend_from_slice(&number.to_be_bytes());
                if let Some(FeedbackRequest { timing, count }) = request {
                    let both = u16::from(timing) << 15 | count & 0x7fff;
                    out.extend_from_slice(&both.to_be_bytes());
                }
            }
            Self::TransmissionOffset(offset) => put_u24(offset as u32, out),
            Self::AbsCaptureTime(CaptureTime { ntp, offset }) => {
                out.extend_from_slice(&ntp.to_be_bytes());
                if let Some(offset) = offset {
                    out.extend_from_slice(&offset.to_be_bytes());
                }
            }
            Self::PlayoutDelay(PlayoutDelay { min, max }) => {
                put_u24(u32::from(min & 0xfff) << 12 | u32::from(max & 0xfff), out);
            }
            Self::VideoOrientation(Orientation { back_camera, flipped, quarter_turns }) => {
                out.push(u8::from(back_camera) << 3 | u8::from(flipped) << 2 | quarter_turns & 3);
            }
            Self::ColorSpace(space) => space.write(out),
            Self::VideoTiming(VideoTiming { flags, deltas }) => {
                out.push(flags);
                put_words(&deltas, out);
            }
            Self::VideoContentType(content) => out.push(content),
        }
    }
}

impl ColorSpace {
    fn parse(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let [primaries, transfer, matrix, range_and_siting] = r.array()?;
        let hdr = match r.len() {
            0 => None,
            _ => {
                Some(HdrMetadata { luminance: words(r)?, chromaticities: words(r)?, light_levels: words(r)? })
            }
        };
        Ok(Self { primaries, transfer, matrix, range_and_siting, hdr })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.primaries, self.transfer, self.matrix, self.range_and_siting]);
        if let Some(HdrMetadata { luminance, chromaticities, light_levels }) = &self.hdr {
            put_words(luminance, out);
            put_words(chromaticities, out);
            put_words(light_levels, out);
        }
    }
}

/// The time of `ntp` (32.32 fixed point) as [`Value::AbsSendTime`] has it.
#[must_use]
pub const fn abs_send_time(ntp: u64) -> u32 {
    (ntp >> 14) as u32 & 0x00ff_ffff
}

fn text(data: &[u8]) -> Result<&str, ParseError> {
    match std::str::from_utf8(data) {
        Ok(text) if !text.is_empty() => Ok(text),
        _ => Err(ParseError::BadValue("an identifier")),
    }
}

fn words<const N: usize>(r: &mut Reader<'_>) -> Result<[u16; N], ParseError> {
    let mut words = [0; N];
    for word in &mut words {
        *word = r.u16()?;
    }
    Ok(words)
}

fn put_words(words: &[u16], out: &mut Vec<u8>) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
}

fn put_u24(value: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_be_bytes()[1..]);
}
