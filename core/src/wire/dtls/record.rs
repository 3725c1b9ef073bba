//! The record header of DTLS 1.2 (RFC 6347 §4.1), which DTLS 1.3 keeps for records without encryption.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::dtls::codepoints::{ContentType, ProtocolVersion};

/// Bytes of a record header.
pub const RECORD_HEADER_LEN: usize = 13;
/// The most plaintext that one record holds.
pub const MAX_PLAINTEXT: usize = 1 << 14;
/// The most that one record holds in any form (RFC 5246 §6.2.3).
pub const MAX_CIPHERTEXT: usize = MAX_PLAINTEXT + 2_048;
/// Record numbers are 48 bits long.
pub const MAX_SEQUENCE: u64 = (1 << 48) - 1;

/// The header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the record carries.
    pub content_type: ContentType,
    /// The version.
    pub version: ProtocolVersion,
    /// How many times the keys changed.
    pub epoch: u16,
    /// The record's number within its epoch, of 48 bits.
    pub sequence: u64,
    /// How many bytes follow.
    pub length: u16,
}

impl RecordHeader {
    /// Reads a header. That the bytes it announces are there is for [`split`] to check.
    pub fn parse(bytes: &[u8; RECORD_HEADER_LEN]) -> Self {
        let [kind, v0, v1, e0, e1, s0, s1, s2, s3, s4, s5, l0, l1] = *bytes;
        Self {
            content_type: kind.into(),
            version: u16::from_be_bytes([v0, v1]).into(),
            epoch: u16::from_be_bytes([e0, e1]),
            sequence: u64::from_be_bytes([0, 0, s0, s1, s2, s3, s4, s5]),
            length: u16::from_be_bytes([l0, l1]),
        }
    }

    /// The header's bytes; of `sequence` the lower 48 bits.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_HEADER_LEN] {
        let [v0, v1] = u16::from(self.version).to_be_bytes();
        let [e0, e1] = self.epoch.to_be_bytes();
        let [_, _, s0, s1, s2, s3, s4, s5] = self.sequence.to_be_bytes();
        let [l0, l1] = self.length.to_be_bytes();
        [self.content_type.into(), v0, v1, e0, e1, s0, s1, s2, s3, s4, s5, l0, l1]
    }

    /// Epoch and record number as one number of 64 bits, as nonces and additional data take them.
    #[must_use]
    pub const fn number(&self) -> u64 {
        (self.epoch as u64) << 48 | self.sequence
    }
}

/// The header at the front of `datagram`, when its record is there in full.
pub fn split(datagram: &[u8]) -> Result<RecordHeader, ParseError> {
    let mut reader = Reader::new(datagram);
    let header = RecordHeader::parse(&reader.array()?);
    if usize::from(header.length) > MAX_CIPHERTEXT {
        return Err(ParseError::BadLength);
    }
    reader.bytes(usize::from(header.length))?;
    Ok(header)
}
