//! The header of encrypted DTLS 1.3 records (RFC 9147 §4).

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::dtls::codepoints::ContentType;
use crate::wire::dtls::connection_id::{ConnectionId, IdentifiedHeader};
use crate::wire::dtls::record::{self, RECORD_HEADER_LEN, RecordHeader};

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
    pub connection_id: Option<ConnectionId>,
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
            _ => Some(ConnectionId::new(ahead.bytes(connection_id_len)?)),
        };
        let sequence = match first & 0b1000 {
            0 => SequenceBits::Eight(ahead.u8()?),
            _ => SequenceBits::Sixteen(ahead.u16()?),
        };
        let length = if first & 0b100 == 0 { None } else { Some(ahead.u16()?) };
        *reader = ahead;
        Ok(Self { epoch_bits: first & 0b11, connection_id, sequence, length })
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        let sequence = match self.sequence {
            SequenceBits::Eight(_) => 1,
            SequenceBits::Sixteen(_) => 2,
        };
        let length = if self.length.is_some() { 2 } else { 0 };
        1 + self.connection_id.as_ref().map_or(0, ConnectionId::len) + sequence + length
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let connection_id = if self.connection_id.is_some() { 0b1_0000 } else { 0 };
        let sequence = if matches!(self.sequence, SequenceBits::Sixteen(_)) { 0b1000 } else { 0 };
        let length = if self.length.is_some() { 0b100 } else { 0 };
        out.push(0b0010_0000 | connection_id | sequence | length | self.epoch_bits & 0b11);
        out.extend_from_slice(self.connection_id.as_ref().map_or(&[], ConnectionId::as_bytes));
        match self.sequence {
            SequenceBits::Eight(bits) => out.push(bits),
            SequenceBits::Sixteen(bits) => out.extend_from_slice(&bits.to_be_bytes()),
        }
        if let Some(length) = self.length {
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
}

/// The header of any record, as its first byte tells (RFC 9147 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// Of DTLS 1.2, or of DTLS 1.3 without encryption.
    Long(RecordHeader),
    /// Of an encrypted record of DTLS 1.2 with a connection id.
    Identified(IdentifiedHeader),
    /// Of an encrypted record of DTLS 1.3.
    Unified(UnifiedHeader),
}

impl Header {
    /// Whether a record that begins with `first` carries a connection id.
    #[must_use]
    pub const fn is_named(first: u8) -> bool {
        first == 25 || UnifiedHeader::is_unified(first) && first & 0b1_0000 != 0
    }

    /// The header at the front of `datagram` and the length of its record, when that is there in full.
    /// `id_len`: how long the connection ids are that the receiver has asked for, 0 when it has not.
    pub fn split(datagram: &[u8], id_len: usize) -> Result<(Self, usize), ParseError> {
        match datagram.first() {
            Some(&first) if UnifiedHeader::is_unified(first) => {
                let mut reader = Reader::new(datagram);
                let header = UnifiedHeader::parse(&mut reader, id_len)?;
                let length = header.length.map_or(reader.len(), usize::from);
                reader.bytes(length)?;
                let len = header.wire_len() + length;
                Ok((Self::Unified(header), len))
            }
            Some(&first) if first == u8::from(ContentType::Tls12Cid) && id_len > 0 => {
                let header = IdentifiedHeader::split(datagram, id_len)?;
                let len = header.wire_len() + usize::from(header.header.length);
                Ok((Self::Identified(header), len))
            }
            _ => {
                let header = record::split(datagram)?;
                let len = RECORD_HEADER_LEN + usize::from(header.length);
                Ok((Self::Long(header), len))
            }
        }
    }
}
