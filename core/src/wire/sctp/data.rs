//! The chunks that carry, acknowledge and give up messages.

use crate::base::seq::{Serial16, Serial32};
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::sctp::padded;

/// Bytes of a DATA chunk in front of the payload.
pub const DATA_HEADER_LEN: usize = 16;
/// Bytes of an I-DATA chunk in front of the payload.
pub const IDATA_HEADER_LEN: usize = 20;
/// Bytes of a SACK with neither gaps nor duplicates.
pub const SACK_LEN: usize = 16;
/// Bytes of an NR-SACK with neither.
pub const NR_SACK_LEN: usize = 20;

/// The flags of DATA and I-DATA (RFC 9260 §3.3.1, RFC 8260 §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataFlags(u8);

impl DataFlags {
    /// Acknowledge at once (RFC 7053).
    pub const IMMEDIATE: Self = Self(0x08);
    /// Not bound by the stream's order.
    pub const UNORDERED: Self = Self(0x04);
    /// The first fragment.
    pub const BEGIN: Self = Self(0x02);
    /// The last fragment.
    pub const END: Self = Self(0x01);

    /// The flags of a byte on the wire; reserved bits are dropped.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x0f)
    }

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The byte on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The first fragment.
    #[must_use]
    pub const fn begin(self) -> bool {
        self.has(Self::BEGIN)
    }

    /// The last fragment.
    #[must_use]
    pub const fn end(self) -> bool {
        self.has(Self::END)
    }

    /// Not bound by the stream's order.
    #[must_use]
    pub const fn unordered(self) -> bool {
        self.has(Self::UNORDERED)
    }

    /// Acknowledge at once.
    #[must_use]
    pub const fn immediate(self) -> bool {
        self.has(Self::IMMEDIATE)
    }
}

/// DATA (RFC 9260 §3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The flags.
    pub flags: DataFlags,
    /// The transmission sequence number.
    pub tsn: Serial32,
    /// The stream.
    pub stream: u16,
    /// The message's number in the stream; without meaning when unordered.
    pub ssn: Serial16,
    /// The payload protocol identifier.
    pub ppid: u32,
    /// The fragment.
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads the value of a chunk.
    #[inline]
    pub fn parse(flags: u8, value: &'a [u8]) -> Result<Self, ParseError> {
        let (head, payload) = value.split_first_chunk::<12>().ok_or(ParseError::Truncated)?;
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *head;
        Ok(Self {
            flags: DataFlags::from_bits(flags),
            tsn: Serial32(u32::from_be_bytes([a, b, c, d])),
            stream: u16::from_be_bytes([e, f]),
            ssn: Serial16(u16::from_be_bytes([g, h])),
            ppid: u32::from_be_bytes([i, j, k, l]),
            payload,
        })
    }

    /// Appends the chunk, padded. A payload over 65,519 bytes does not fit and is a bug of the caller.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        let len = DATA_HEADER_LEN + self.payload.len();
        let mut head = [0; DATA_HEADER_LEN];
        head[1] = self.flags.bits();
        head[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        head[4..8].copy_from_slice(&self.tsn.0.to_be_bytes());
        head[8..10].copy_from_slice(&self.stream.to_be_bytes());
        head[10..12].copy_from_slice(&self.ssn.0.to_be_bytes());
        head[12..].copy_from_slice(&self.ppid.to_be_bytes());
        put_padded(out, &head, self.payload);
    }
}

/// I-DATA (RFC 8260 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IData<'a> {
    /// The flags.
    pub flags: DataFlags,
    /// The transmission sequence number.
    pub tsn: Serial32,
    /// The stream.
    pub stream: u16,
    /// The message's number among the ordered or the unordered ones of the stream.
    pub mid: Serial32,
    /// In the first fragment the payload protocol identifier, in others the fragment's number.
    pub ppid_or_fsn: u32,
    /// The fragment.
    pub payload: &'a [u8],
}

impl<'a> IData<'a> {
    /// Reads the value of a chunk.
    #[inline]
    pub fn parse(flags: u8, value: &'a [u8]) -> Result<Self, ParseError> {
        let (head, payload) = value.split_first_chunk::<16>().ok_or(ParseError::Truncated)?;
        let [a, b, c, d, e, f, _, _, g, h, i, j, k, l, m, n] = *head;
        Ok(Self {
            flags: DataFlags::from_bits(flags),
            tsn: Serial32(u32::from_be_bytes([a, b, c, d])),
            stream: u16::from_be_bytes([e, f]),
            mid: Serial32(u32::from_be_bytes([g, h, i, j])),
            ppid_or_fsn: u32::from_be_bytes([k, l, m, n]),
            payload,
        })
    }

    /// Appends the chunk, padded. A payload over 65,515 bytes does not fit and is a bug of the caller.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        let len = IDATA_HEADER_LEN + self.payload.len();
        let mut head = [0; IDATA_HEADER_LEN];
        head[0] = 64;
        head[1] = self.flags.bits();
        head[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        head[4..8].copy_from_slice(&self.tsn.0.to_be_bytes());
        head[8..10].copy_from_slice(&self.stream.to_be_bytes());
        head[12..16].copy_from_slice(&self.mid.0.to_be_bytes());
        head[16..].copy_from_slice(&self.ppid_or_fsn.to_be_bytes());
        put_padded(out, &head, self.payload);
    }
}

#[inline]
fn put_padded(out: &mut Vec<u8>, head: &[u8], payload: &[u8]) {
    out.reserve(head.len() + padded(payload.len()));
    out.extend_from_slice(head);
    out.extend_from_slice(payload);
    out.extend_from_slice(&[0; 3][..padded(payload.len()) - payload.len()]);
}

/// SACK (RFC 9260 §3.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sack<'a> {
    /// The last TSN that was received in sequence.
    pub cumulative: Serial32,
    /// The receive window in bytes.
    pub window: u32,
    gaps: &'a [u8],
    duplicates: &'a [u8],
}

impl<'a> Sack<'a> {
    /// Reads the value of a chunk.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        let (cumulative, window) = (Serial32(r.u32()?), r.u32()?);
        let (gaps, duplicates) = (usize::from(r.u16()?), usize::from(r.u16()?));
        // Counts that the chunk has no room for are not believed.
        Ok(Self { cumulative, window, gaps: r.bytes(gaps * 4)?, duplicates: r.bytes(duplicates * 4)? })
    }

    /// Reads an NR-SACK: its blocks are those that are never taken back. What could be is left out, as if it had not arrived.
    // draft-natarajan-tsvwg-sctp-nrsack §5
    pub(super) fn parse_nr(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        let (cumulative, window) = (Serial32(r.u32()?), r.u32()?);
        let (renegable, gaps) = (usize::from(r.u16()?), usize::from(r.u16()?));
        let (duplicates, _reserved) = (usize::from(r.u16()?), r.u16()?);
        r.bytes(renegable * 4)?;
        Ok(Self { cumulative, window, gaps: r.bytes(gaps * 4)?, duplicates: r.bytes(duplicates * 4)? })
    }

    /// The blocks received beyond `cumulative`, as offsets of their first and last TSN from it.
    pub fn gaps(&self) -> impl ExactSizeIterator<Item = (u16, u16)> + use<'a> {
        self.gaps
            .chunks_exact(4)
            .map(|b| (u16::from_be_bytes([b[0], b[1]]), u16::from_be_bytes([b[2], b[3]])))
    }

    /// TSNs that came more than once.
    pub fn duplicates(&self) -> impl ExactSizeIterator<Item = Serial32> + use<'a> {
        self.duplicates.chunks_exact(4).map(|b| Serial32(u32::from_be_bytes([b[0], b[1], b[2], b[3]])))
    }

    pub(super) fn write_nr(&self, out: &mut Vec<u8>) {
        put_nr_sack_head(out, self.cumulative, self.window, [self.gaps.len() / 4, self.duplicates.len() / 4]);
        out.extend_from_slice(self.gaps);
        out.extend_from_slice(self.duplicates);
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_sack_head(out, self.cumulative, self.window, [self.gaps.len() / 4, self.duplicates.len() / 4]);
        out.extend_from_slice(self.gaps);
        out.extend_from_slice(self.duplicates);
    }
}

/// Appends the value of a SACK. `gaps` and `duplicates` must not be more than 65,535 each.
pub fn put_sack(
    out: &mut Vec<u8>,
    cumulative: Serial32,
    window: u32,
    gaps: impl ExactSizeIterator<Item = (u16, u16)>,
    duplicates: &[Serial32],
) {
    put_sack_head(out, cumulative, window, [gaps.len(), duplicates.len()]);
    put_gaps(out, gaps);
    for tsn in duplicates {
        out.extend_from_slice(&tsn.0.to_be_bytes());
    }
}

/// Appends the value of an NR-SACK without duplicates, whose blocks are some of those that arrived, as
/// [`Sack::gaps`] gives them.
pub fn put_nr_sack(
    out: &mut Vec<u8>,
    cumulative: Serial32,
    window: u32,
    gaps: impl ExactSizeIterator<Item = (u16, u16)>,
) {
    put_nr_sack_head(out, cumulative, window, [gaps.len(), 0]);
    put_gaps(out, gaps);
}

fn put_nr_sack_head(out: &mut Vec<u8>, cumulative: Serial32, window: u32, [gaps, duplicates]: [usize; 2]) {
    out.extend_from_slice(&cumulative.0.to_be_bytes());
    out.extend_from_slice(&window.to_be_bytes());
    // No block that could be taken back, those that cannot, duplicates, reserved.
    for count in [0, gaps, duplicates, 0] {
        out.extend_from_slice(&(count as u16).to_be_bytes());
    }
}

fn put_gaps(out: &mut Vec<u8>, gaps: impl Iterator<Item = (u16, u16)>) {
    for (start, end) in gaps {
        out.extend_from_slice(&start.to_be_bytes());
        out.extend_from_slice(&end.to_be_bytes());
    }
}

fn put_sack_head(out: &mut Vec<u8>, cumulative: Serial32, window: u32, counts: [usize; 2]) {
    out.extend_from_slice(&cumulative.0.to_be_bytes());
    out.extend_from_slice(&window.to_be_bytes());
    for count in counts {
        out.extend_from_slice(&(count as u16).to_be_bytes());
    }
}

/// FORWARD TSN (RFC 3758 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsn<'a> {
    /// Up to here nothing is to be waited for.
    pub cumulative: Serial32,
    skipped: &'a [u8],
}

impl<'a> ForwardTsn<'a> {
    /// From the TSN and the list in wire form: stream and sequence number, two bytes each.
    #[must_use]
    pub const fn new(cumulative: Serial32, skipped: &'a [u8]) -> Self {
        Self { cumulative, skipped }
    }

    pub(super) fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        let cumulative = Serial32(r.u32()?);
        if !r.len().is_multiple_of(4) {
            return Err(ParseError::BadLength);
        }
        Ok(Self { cumulative, skipped: r.rest() })
    }

    /// Streams and the last sequence number in each that is skipped.
    pub fn skipped(&self) -> impl ExactSizeIterator<Item = (u16, Serial16)> + use<'a> {
        self.skipped
            .chunks_exact(4)
            .map(|b| (u16::from_be_bytes([b[0], b[1]]), Serial16(u16::from_be_bytes([b[2], b[3]]))))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.cumulative.0.to_be_bytes());
        out.extend_from_slice(self.skipped);
    }
}

/// A message or messages given up, as I-FORWARD-TSN names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedMessages {
    /// The stream.
    pub stream: u16,
    /// Of the unordered messages.
    pub unordered: bool,
    /// The last message that is skipped.
    pub mid: Serial32,
}

/// I-FORWARD-TSN (RFC 8260 §2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IForwardTsn<'a> {
    /// Up to here nothing is to be waited for.
    pub cumulative: Serial32,
    skipped: &'a [u8],
}

impl<'a> IForwardTsn<'a> {
    /// From the TSN and the list in wire form: stream, flags, message identifier; eight bytes each.
    #[must_use]
    pub const fn new(cumulative: Serial32, skipped: &'a [u8]) -> Self {
        Self { cumulative, skipped }
    }

    pub(super) fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        let cumulative = Serial32(r.u32()?);
        if !r.len().is_multiple_of(8) {
            return Err(ParseError::BadLength);
        }
        Ok(Self { cumulative, skipped: r.rest() })
    }

    /// What is skipped.
    pub fn skipped(&self) -> impl ExactSizeIterator<Item = SkippedMessages> + use<'a> {
        self.skipped.chunks_exact(8).map(|b| SkippedMessages {
            stream: u16::from_be_bytes([b[0], b[1]]),
            unordered: b[3] & 1 != 0,
            mid: Serial32(u32::from_be_bytes([b[4], b[5], b[6], b[7]])),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.cumulative.0.to_be_bytes());
        out.extend_from_slice(self.skipped);
    }
}

impl SkippedMessages {
    /// Appends the entry in wire form.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.stream.to_be_bytes());
        out.extend_from_slice(&[0, u8::from(self.unordered)]);
        out.extend_from_slice(&self.mid.0.to_be_bytes());
    }
}
