//! RTP packets (RFC 3550 §5.1) with header extensions (RFC 8285) and the payload header of retransmissions (RFC 4588).
//!
//! [`Packet::parse`] yields a view that borrows from the packet and [`Packet::extensions`] walks it in place: nothing
//! is allocated. Writers append to a `Vec<u8>`: [`Header::write`], then [`extension::Writer`], the payload, and
//! [`put_padding`].

pub mod dependency;
pub mod extension;
pub mod fec;
pub mod layers;
pub mod rtx;
pub mod value;

#[cfg(test)]
mod tests;

use crate::base::seq::{Serial16, Serial32};
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtp::extension::Elements;

/// Bytes of the fixed header.
pub const HEADER_LEN: usize = 12;
/// Bytes of what stands in front of the elements of a header extension.
pub const EXTENSION_HEADER_LEN: usize = 4;
/// The most contributing sources that a packet names.
pub const MAX_CSRCS: usize = 15;

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const CSRC_COUNT: u8 = 0x0f;
const MARKER: u8 = 0x80;

/// Whether a packet that came where RTP and RTCP share a port is RTCP (RFC 5761 §4).
#[must_use]
pub const fn is_rtcp(packet: &[u8]) -> bool {
    matches!(packet, [_, 192..=223, ..])
}

/// The fixed header, less what says what follows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The marker; what it marks is the payload format's business.
    pub marker: bool,
    /// The payload type, of seven bits.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: Serial16,
    /// The media time, in units of the payload type's clock.
    pub timestamp: Serial32,
    /// The synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// Reads the fixed header alone.
    pub fn parse(packet: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(packet);
        let (_, second) = (r.u8()?, r.u8()?);
        Ok(Self {
            marker: second & MARKER != 0,
            payload_type: second & !MARKER,
            sequence: Serial16(r.u16()?),
            timestamp: Serial32(r.u32()?),
            ssrc: r.u32()?,
        })
    }

    /// Appends the fixed header and the contributing sources, for a packet with neither extensions nor padding:
    /// those set their bits when they are appended.
    ///
    /// Of `payload_type` the lower seven bits are written. More than [`MAX_CSRCS`] sources are a bug of the caller,
    /// and panic.
    pub fn write(&self, csrcs: &[u32], out: &mut Vec<u8>) {
        assert!(csrcs.len() <= MAX_CSRCS, "at most 15 contributing sources");
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = VERSION << 6 | csrcs.len() as u8;
        bytes[1] = self.payload_type & !MARKER | if self.marker { MARKER } else { 0 };
        bytes[2..4].copy_from_slice(&self.sequence.0.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.0.to_be_bytes());
        bytes[8..].copy_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&bytes);
        csrcs.iter().for_each(|csrc| out.extend_from_slice(&csrc.to_be_bytes()));
    }
}

/// Where the parts in front of a payload lie, before anything in them is believed.
///
/// SRTP reads this from packets that are not authenticated yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of the fixed header and of the contributing sources.
    pub csrcs_end: usize,
    /// Bytes in front of the payload.
    pub header_len: usize,
    /// The profile of the header extension, where there is one.
    pub profile: Option<u16>,
}

impl Layout {
    /// Measures the header of `packet`.
    pub fn of(packet: &[u8]) -> Result<Self, ParseError> {
        let &first = packet.first().ok_or(ParseError::Truncated)?;
        // RFC 3550 appendix A.1.
        if first >> 6 != VERSION {
            return Err(ParseError::BadValue("the RTP version"));
        }
        let csrcs_end = HEADER_LEN + 4 * usize::from(first & CSRC_COUNT);
        let mut r = Reader::new(packet.get(csrcs_end..).ok_or(ParseError::Truncated)?);
        if first & EXTENSION == 0 {
            return Ok(Self { csrcs_end, header_len: csrcs_end, profile: None });
        }
        let profile = r.u16()?;
        let len = 4 * usize::from(r.u16()?);
        r.bytes(len)?;
        let header_len = csrcs_end + EXTENSION_HEADER_LEN + len;
        Ok(Self { csrcs_end, header_len, profile: Some(profile) })
    }
}

/// A received packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    csrcs: &'a [u8],
    extension: Option<(u16, &'a [u8])>,
    /// The payload without its padding. Empty in packets that probe the path with padding alone.
    pub payload: &'a [u8],
    /// Bytes of padding behind the payload, the one with their number included.
    pub padding: u8,
}

impl<'a> Packet<'a> {
    /// Reads a packet. The elements of a header extension are looked at when they are asked for.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let layout = Layout::of(bytes)?;
        let header = Header::parse(bytes)?;
        let mut r = Reader::new(bytes);
        let [first, ..] = r.array::<HEADER_LEN>()?;
        let csrcs = r.bytes(layout.csrcs_end - HEADER_LEN)?;
        let extension = match layout.profile {
            Some(profile) => {
                r.bytes(EXTENSION_HEADER_LEN)?;
                Some((profile, r.bytes(layout.header_len - layout.csrcs_end - EXTENSION_HEADER_LEN)?))
            }
            None => None,
        };
        let (payload, padding) = unpad(r.rest(), first & PADDING != 0)?;
        Ok(Self { header, csrcs, extension, payload, padding })
    }

    /// The contributing sources.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.csrcs.chunks_exact(4).map(|c| u32::from_be_bytes([c[0], c[1], c[2], c[3]]))
    }

    /// The profile and the bytes of the header extension, where there is one.
    #[must_use]
    pub const fn extension(&self) -> Option<(u16, &'a [u8])> {
        self.extension
    }

    /// The elements of the header extension (RFC 8285). There are none where it has another profile.
    #[must_use]
    pub fn extensions(&self) -> Elements<'a> {
        match self.extension {
            Some((profile, bytes)) => Elements::new(profile, bytes),
            None => Elements::default(),
        }
    }

    /// The first element with this id.
    #[must_use]
    pub fn find_extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions().find(|element| element.id == id).map(|element| element.data)
    }
}

/// Takes the padding off. RFC 3550 §5.1: the last byte counts the padding, itself included, so neither zero nor more
/// than there is can be right.
fn unpad(bytes: &[u8], padded: bool) -> Result<(&[u8], u8), ParseError> {
    if !padded {
        return Ok((bytes, 0));
    }
    let &count = bytes.last().ok_or(ParseError::Truncated)?;
    let len = bytes.len().checked_sub(usize::from(count)).filter(|_| count > 0);
    let (payload, _) = bytes.split_at(len.ok_or(ParseError::BadLength)?);
    Ok((payload, count))
}

/// Appends `count` bytes of padding to the packet that began at `start` of `out` and sets its bit; zero changes
/// nothing.
pub fn put_padding(out: &mut Vec<u8>, start: usize, count: u8) {
    if count > 0 {
        out[start] |= PADDING;
        out.resize(out.len() + usize::from(count) - 1, 0);
        out.push(count);
    }
}
