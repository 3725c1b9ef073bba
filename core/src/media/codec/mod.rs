//! Payload formats: how the frames of each codec lie in RTP payloads. One file for each format.
//!
//! Nothing here encodes or decodes: a frame is what an encoder gave or what a decoder takes, and of its bytes only so
//! much is read as packets need. Packets, their numbers and their order are not known here either: a
//! [`Packetizer`] turns one frame into payloads, and [`depacketize`] turns the payloads of one frame, in order and
//! without gaps, back into it.

pub mod annex_b;
pub mod av1;
pub mod g711;
pub mod h264;
pub mod h265;
mod nal;
pub mod opus;
pub mod red;
pub mod telephone_event;
#[cfg(test)]
mod tests;
pub mod vp8;
pub mod vp9;

use self::h264::H264;
use self::h265::H265;
use crate::wire::cursor::{ParseError, Reader};
use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use thiserror::Error;

/// The bytes that a payload format puts in front of a piece of a frame.
pub type Head = SmallVec<[u8; 12]>;

/// The payload of one packet: a few bytes of the payload format and a slice of the frame, which is shared and not
/// copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The payload format's own bytes.
    pub head: Head,
    /// A slice of the frame.
    pub body: Bytes,
}

impl Payload {
    /// A payload that is a slice of a frame and nothing else.
    #[must_use]
    pub fn plain(body: Bytes) -> Self {
        Self { head: Head::new(), body }
    }

    /// Bytes in all.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.body);
    }
}

/// What a payload says about the frame that it is a part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Whether the frame begins here.
    pub begins: bool,
    /// Whether it can be decoded without any frame before it. Known where the frame begins; for formats that say it
    /// in the frame's first unit alone (H.264, H.265), in the packets that hold such a unit.
    pub key: bool,
    /// The layer, for codecs with layers that say so in the payload.
    pub layer: Layer,
}

/// Where a frame stands among the layers of a scalable stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct Layer {
    /// The temporal layer: 0 is the base.
    pub temporal: Option<u8>,
    /// The spatial layer: 0 is the base.
    pub spatial: Option<u8>,
    /// Whether a receiver of lower temporal layers can begin with this one here.
    pub switching_point: bool,
}

/// The number of a picture of VP8 or VP9: with 7 bits, or with 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// Of 7 bits.
    Short(u8),
    /// Of 15 bits.
    Long(u16),
}

impl PictureId {
    const LONG: u8 = 0x80;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let first = r.u8()?;
        if first & Self::LONG == 0 {
            return Ok(Self::Short(first));
        }
        Ok(Self::Long(u16::from_be_bytes([first & !Self::LONG, r.u8()?])))
    }

    fn write(self, head: &mut Head) {
        match self {
            Self::Short(id) => head.push(id & !Self::LONG),
            Self::Long(id) => head.extend_from_slice(&(id | u16::from(Self::LONG) << 8).to_be_bytes()),
        }
    }
}

/// Why a frame was not cut into packets. It stays the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PacketizeError {
    /// There are no bytes.
    #[error("the frame is empty; leave it out instead")]
    Empty,
    /// The format has no way to spread a frame over packets, and this one does not fit.
    #[error("the frame has {len} bytes and must fit one packet of {limit}; encode shorter frames")]
    TooLong {
        /// Bytes of the frame.
        len: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// The bytes are not what the codec's frames look like.
    #[error("these are not frames of the codec: {0}")]
    Malformed(#[from] ParseError),
    /// Packets have no room for the format's own bytes and at least one of the frame's.
    #[error("packets of {0} bytes are too small for this payload format")]
    NoRoom(usize),
}

/// The payload formats that frames can be written to and read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// One frame, one packet: Opus (RFC 7587), PCMU, PCMA, G.722 (RFC 3551), comfort noise (RFC 3389) and what else
    /// has no payload header.
    Whole,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9 (RFC 9628).
    Vp9,
    /// H.264 (RFC 6184).
    H264 {
        /// Whether `packetization-mode` is 1, which has aggregates and fragments. In mode 0 each unit must fit a packet.
        fragments: bool,
    },
    /// H.265 (RFC 7798).
    H265,
    /// AV1 (AOM's RTP specification 1.0).
    Av1,
}

impl Format {
    /// The format of a codec by the name in `a=rtpmap`, in any case, where frames are known.
    ///
    /// `mode` is H.264's `packetization-mode`; others do not look at it.
    #[must_use]
    pub fn of(name: &str, mode: u8) -> Option<Self> {
        const WHOLE: [&str; 5] = ["opus", "PCMU", "PCMA", "G722", "CN"];
        if WHOLE.iter().any(|whole| whole.eq_ignore_ascii_case(name)) {
            return Some(Self::Whole);
        }
        let named = [
            ("VP8", Self::Vp8),
            ("VP9", Self::Vp9),
            ("H264", Self::H264 { fragments: mode == 1 }),
            ("H265", Self::H265),
            ("AV1", Self::Av1),
        ];
        named.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, format)| format)
    }

    /// Whether a frame may fill several packets, of which the last has the marker.
    #[must_use]
    pub const fn marks_ends(self) -> bool {
        !matches!(self, Self::Whole)
    }

    /// What `payload` says about its frame.
    ///
    /// # Errors
    ///
    /// The payload's own bytes are not what the format has.
    pub fn inspect(self, payload: &[u8]) -> Result<Part, ParseError> {
        match self {
            Self::Whole => Ok(Part { begins: true, key: true, layer: Layer::default() }),
            Self::Vp8 => vp8::Descriptor::parse(payload).map(|(descriptor, rest)| descriptor.part(rest)),
            Self::Vp9 => vp9::Descriptor::parse(payload).map(|(descriptor, _)| descriptor.part()),
            Self::H264 { .. } => h264::inspect(payload),
            Self::H265 => h265::inspect(payload),
            Self::Av1 => av1::inspect(payload),
        }
    }
}

/// Cuts frames into payloads. What formats count from frame to frame it remembers.
#[derive(Clone, Debug)]
pub struct Packetizer {
    format: Format,
    numbers: Numbers,
}

/// What VP8 and VP9 count from frame to frame.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    /// The number of the picture, of 15 bits.
    picture: u16,
    /// The number of the latest picture of the base layer.
    tl0: u8,
}

impl Numbers {
    /// The numbers of a frame in `layer`.
    const fn at(self, layer: Layer) -> Self {
        match layer.temporal {
            Some(0) => Self { tl0: self.tl0.wrapping_add(1), ..self },
            _ => self,
        }
    }
}

impl Packetizer {
    /// One that begins to count pictures at `picture`, of which the lower 15 bits count.
    #[must_use]
    pub const fn new(format: Format, picture: u16) -> Self {
        Self { format, numbers: Numbers { picture: picture & 0x7fff, tl0: 0 } }
    }

    /// The format.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Appends the payloads of `frame` to `out`, each of at most `limit` bytes; what they carry are slices of it.
    ///
    /// H.264 and H.265 frames are byte streams with start codes (annex B), AV1 frames are temporal units of OBUs that
    /// have sizes, others are what the encoder gave.
    ///
    /// # Errors
    ///
    /// [`PacketizeError`]; then `out` is as it was.
    pub fn packetize(
        &mut self,
        frame: &Bytes,
        limit: usize,
        layer: Layer,
        out: &mut Vec<Payload>,
    ) -> Result<(), PacketizeError> {
        if frame.is_empty() {
            return Err(PacketizeError::Empty);
        }
        let before = out.len();
        let numbers = self.numbers.at(layer);
        let result = match self.format {
            Format::Whole if frame.len() > limit => Err(PacketizeError::TooLong { len: frame.len(), limit }),
            Format::Whole => {
                out.push(Payload::plain(frame.clone()));
                Ok(())
            }
            Format::Vp8 => vp8::packetize(frame, limit, numbers, layer, out),
            Format::Vp9 => vp9::packetize(frame, limit, numbers, layer, out),
            Format::H264 { fragments } => nal::packetize::<H264>(frame, limit, fragments, out),
            Format::H265 => nal::packetize::<H265>(frame, limit, true, out),
            Format::Av1 => av1::packetize(frame, limit, out),
        };
        match result {
            Ok(()) => self.numbers = Numbers { picture: (numbers.picture + 1) & 0x7fff, ..numbers },
            Err(_) => out.truncate(before),
        }
        result
    }
}

/// Puts the payloads of one frame together.
///
/// # Errors
///
/// The payloads are not those of a frame, or the frame would have more than `max` bytes.
pub fn depacketize(format: Format, payloads: &[Bytes], max: usize) -> Result<Bytes, ParseError> {
    if payloads.iter().map(Bytes::len).sum::<usize>() > max {
        return Err(ParseError::TooMany("bytes of a frame"));
    }
    match format {
        Format::Whole => match payloads {
            [one] => Ok(one.clone()),
            _ => Err(ParseError::TooMany("packets of a frame")),
        },
        Format::Vp8 => join(payloads, |payload| vp8::Descriptor::parse(payload).map(|(_, rest)| rest.len())),
        Format::Vp9 => join(payloads, |payload| vp9::Descriptor::parse(payload).map(|(_, rest)| rest.len())),
        Format::H264 { .. } => nal::depacketize::<H264>(payloads),
        Format::H265 => nal::depacketize::<H265>(payloads),
        Format::Av1 => av1::depacketize(payloads),
    }
}

/// Joins payloads of which only the last so many bytes belong to the frame. One alone is not copied.
fn join(
    payloads: &[Bytes],
    content: impl Fn(&[u8]) -> Result<usize, ParseError>,
) -> Result<Bytes, ParseError> {
    if let [one] = payloads {
        return Ok(one.slice(one.len() - content(one)?..));
    }
    let mut frame = BytesMut::with_capacity(payloads.iter().map(Bytes::len).sum());
    for payload in payloads {
        frame.extend_from_slice(&payload[payload.len() - content(payload)?..]);
    }
    Ok(frame.freeze())
}

/// How to cut `len` bytes into the fewest pieces of at most `limit` and make them alike: bytes of each piece but the
/// last ones, which may have one less. One packet much smaller than the rest would waste a header and a loss of it
/// costs as much.
fn pieces(len: usize, limit: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let count = len.div_ceil(limit.max(1)).max(1);
    (0..count).map(move |at| at * len / count..(at + 1) * len / count)
}
