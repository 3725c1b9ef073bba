//! The header of encrypted DTLS 1.3 records (RFC 9147 §4).

use crate::wire::cursor::{ParseError, Reader};

/// What of the record number stands in the header; it is itself encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceBits {
    /// The lowest eight bits.
    Eight(u8),
    /// The lowest sixteen bits.
    Sixteen(u16),
}

/// The unified header: `001CSLEE`, a connection id if one was agreed on, record number bits, maybe a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnifiedHeader {
    /// The lowest two bits of the epoch.
    pub epoch_bits: u8,
    /// The connection id; `None` where the header says that there is none.
    pub connection_id: Option<Vec<u8>>,
    /// Bits of the record number.
    pub sequence: SequenceBits,
    /// Bytes that follow; without it the record goes to the datagram's end.
    pub length: Option<u16>,
}

impl UnifiedHeader {
    /// Whether a record that begins with `first` has this header.
    #[must_use]
    pub const fn is_unified(first: u8) -> bool {
        first >> 5 == 0b001
    }

    /// Reads a header; `connection_id_len` is what was agreed on.
    pub fn parse(reader: &mut Reader<'_>, connection_id_len: usize) -> Result<Self, ParseError> {
        let mut ahead = *reader;
        let first = ahead.u8()?;
        if !Self::is_unified(first) {
            return Err(ParseError::BadValue("unified header"));
        }
        let connection_id = match first & 0b1_0000 {
            0 => None,
            _ => Some(ahead.bytes(connection_id_len)?.to_vec()),
        };
        let sequence = match first & 0b1000 {
            0 => SequenceBits::Eight(ahead.u8()?),
            _ => SequenceBits::Sixteen(ahead.u16()?),
        };
        let length = if first & 0b100 == 0 { None } else { Some(ahead.u16()?) };
        *reader = ahead;
        Ok(Self { epoch_bits: first & 0b11, connection_id, sequence, length })
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let connection_id = if self.connection_id.is_some() { 0b1_0000 } else { 0 };
        let sequence = if matches!(self.sequence, SequenceBits::Sixteen(_)) { 0b1000 } else { 0 };
        let length = if self.length.is_some() { 0b100 } else { 0 };
        out.push(0b0010_0000 | connection_id | sequence | length | self.epoch_bits & 0b11);
        out.extend_from_slice(self.connection_id.as_deref().unwrap_or_default());
        match self.sequence {
            SequenceBits::Eight(bits) => out.push(bits),
            SequenceBits::Sixteen(bits) => out.extend_from_slice(&bits.to_be_bytes()),
        }
        if let Some(length) = self.length {
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}
