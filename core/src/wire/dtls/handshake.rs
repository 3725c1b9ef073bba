//! Handshake fragments (RFC 6347 §4.2.2): a message comes whole or in pieces, each with the same header.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::vector;

/// Bytes of a handshake header.
pub const HANDSHAKE_HEADER_LEN: usize = 12;

/// A piece of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The message's type.
    pub kind: HandshakeType,
    /// The message's number.
    pub message_seq: u16,
    /// Bytes of the whole message.
    pub length: usize,
    /// Where this piece belongs.
    pub offset: usize,
    /// The piece, which never goes beyond the message's end.
    pub body: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads one fragment; a record may hold several.
    pub fn parse(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        let mut ahead = *reader;
        let kind = ahead.u8()?.into();
        let length = ahead.u24()? as usize;
        let message_seq = ahead.u16()?;
        let offset = ahead.u24()? as usize;
        let body = ahead.prefixed_u24()?;
        if offset + body.len() > length {
            return Err(ParseError::BadLength);
        }
        *reader = ahead;
        Ok(Self { kind, message_seq, length, offset, body })
    }

    /// Appends the header and the piece.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header());
        out.extend_from_slice(self.body);
    }

    /// The header's bytes.
    #[must_use]
    pub fn header(&self) -> [u8; HANDSHAKE_HEADER_LEN] {
        let [l0, l1, l2] = vector::u24(self.length);
        let [s0, s1] = self.message_seq.to_be_bytes();
        let [o0, o1, o2] = vector::u24(self.offset);
        let [f0, f1, f2] = vector::u24(self.body.len());
        [self.kind.into(), l0, l1, l2, s0, s1, o0, o1, o2, f0, f1, f2]
    }
}
