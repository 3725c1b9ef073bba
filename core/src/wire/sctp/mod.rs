//! SCTP packets, chunks and parameters: RFC 9260 with RFC 3758 (partial reliability), RFC 6525 (re-configuration),
//! RFC 8260 (interleaving), RFC 4820 (padding), RFC 9653 (zero checksum) and RFC 5061's list of extensions.
//!
//! [`Packet::parse`] looks at the common header, [`Packet::chunks`] yields views that borrow from the packet:
//! nothing is allocated. Writers append to a `Vec<u8>`. What a chunk *means*, and whether it may come now,
//! is not decided here.

pub mod cause;
pub mod chunk;
pub mod data;
pub mod param;
pub mod reconfig;

#[cfg(test)]
mod tests;

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::sctp::chunk::{Chunk, ChunkType};

/// Bytes of the common header.
pub const HEADER_LEN: usize = 12;
/// Bytes of a chunk's type, flags and length.
pub const CHUNK_HEADER_LEN: usize = 4;

/// `len` rounded up to whole words, as chunks and parameters are.
#[must_use]
pub const fn padded(len: usize) -> usize {
    (len + 3) & !3
}

/// The common header (RFC 9260 §3.1), less the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The tag that the receiver chose, or zero in front of an INIT.
    pub verification_tag: u32,
}

impl Header {
    /// Appends the header with a checksum of zero.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; HEADER_LEN];
        bytes[..2].copy_from_slice(&self.source_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.destination_port.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.verification_tag.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

/// A received packet whose header was read.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The common header.
    pub header: Header,
    bytes: &'a [u8],
    has_zero_checksum: bool,
}

impl<'a> Packet<'a> {
    /// Reads the common header. Whether the checksum fits is for [`has_valid_checksum`] to say.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let header = Header { source_port: r.u16()?, destination_port: r.u16()?, verification_tag: r.u32()? };
        let has_zero_checksum = r.u32()? == 0;
        Ok(Self { header, bytes, has_zero_checksum })
    }

    /// Whether the sender left the checksum out (RFC 9653), or it is zero by chance.
    #[must_use]
    pub const fn has_zero_checksum(&self) -> bool {
        self.has_zero_checksum
    }

    /// The chunks in order. The first malformed one ends the iteration with its error.
    #[must_use]
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks { rest: &self.bytes[HEADER_LEN..] }
    }
}

/// Fills in the checksum of the packet that begins at `start` and ends with `out`, which must hold a whole header
/// there with a checksum of zero.
pub fn fill_checksum(out: &mut [u8], start: usize) {
    let sum = crc_fast::crc32_iscsi(&out[start..]);
    out[start + 8..start + HEADER_LEN].copy_from_slice(&sum.to_le_bytes());
}

/// Whether the CRC-32C of a packet fits. Its field is zero afterwards, as it was when the sum was made.
#[must_use]
pub fn has_valid_checksum(packet: &mut [u8]) -> bool {
    let Some(field) = packet.get_mut(8..HEADER_LEN) else { return false };
    // RFC 9260 appendix A: the checksum alone travels with its least significant byte first.
    let sum = field.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
    field.fill(0);
    crc_fast::crc32_iscsi(packet) == sum
}

/// Reads a chunk that travels without a packet. Its padding may be missing; nothing may follow it.
pub fn parse_lone_chunk(bytes: &[u8]) -> Result<Chunk<'_>, ParseError> {
    let mut chunks = Chunks { rest: bytes };
    let chunk = chunks.split_next()?.parse()?;
    if chunks.rest.is_empty() { Ok(chunk) } else { Err(ParseError::BadLength) }
}

/// A chunk of which nothing but the length was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawChunk<'a> {
    /// The type.
    pub ty: ChunkType,
    /// The flags.
    pub flags: u8,
    /// The value, without padding.
    pub value: &'a [u8],
}

impl<'a> RawChunk<'a> {
    /// The chunk that `bytes` begin with.
    #[inline]
    pub fn first_of(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let &[ty, flags, high, low, ..] = bytes else { return Err(ParseError::Truncated) };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let whole = bytes.get(..len).ok_or(ParseError::BadLength)?;
        let value = whole.get(CHUNK_HEADER_LEN..).ok_or(ParseError::BadLength)?;
        Ok(Self { ty: ChunkType::from(ty), flags, value })
    }

    /// Reads the value.
    pub fn parse(self) -> Result<Chunk<'a>, ParseError> {
        Chunk::parse(self.ty, self.flags, self.value)
    }
}

/// Iterates over the chunks of a packet.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn split_next(&mut self) -> Result<RawChunk<'a>, ParseError> {
        let chunk = RawChunk::first_of(self.rest)?;
        // RFC 9260 §3.2: the padding is not part of the length, and the last chunk's may be missing.
        self.rest = self.rest.get(CHUNK_HEADER_LEN + padded(chunk.value.len())..).unwrap_or_default();
        Ok(chunk)
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = self.split_next().and_then(RawChunk::parse);
        if chunk.is_err() {
            self.rest = &[];
        }
        Some(chunk)
    }
}

/// Appends a chunk whose value `body` writes; the length and the padding follow from it.
///
/// Only for what our own side lays out: a body over 65,531 bytes is a bug of the caller, and panics.
pub fn put_chunk(out: &mut Vec<u8>, ty: u8, flags: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[ty, flags, 0, 0]);
    body(out);
    finish_lengths(out, start);
}

/// Appends a parameter or an error cause, which look alike: a type, a length and a value.
///
/// Only for what our own side lays out: a body over 65,531 bytes is a bug of the caller, and panics.
pub fn put_tlv(out: &mut Vec<u8>, ty: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&ty.to_be_bytes());
    out.extend_from_slice(&[0; 2]);
    body(out);
    finish_lengths(out, start);
}

fn finish_lengths(out: &mut Vec<u8>, start: usize) {
    let len = u16::try_from(out.len() - start).expect("a chunk or parameter of at most 65,535 bytes");
    out[start + 2..start + 4].copy_from_slice(&len.to_be_bytes());
    out.resize(start + padded(usize::from(len)), 0);
}
