//! The payload of retransmissions (RFC 4588 §4): the number that the packet had, and its payload.

use crate::base::seq::Serial16;
use crate::wire::cursor::{ParseError, Reader};

/// Bytes in front of the payload that is sent again.
pub const HEADER_LEN: usize = 2;

/// What a retransmission carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmission<'a> {
    /// The number that the packet had in its own stream.
    pub original: Serial16,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> Retransmission<'a> {
    /// Reads the payload of a packet of a retransmission stream. Where that is empty, the packet is padding alone
    /// and repeats nothing; the caller asks first, here it is an error.
    pub fn parse(payload: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(payload);
        let original = Serial16(r.u16()?);
        Ok(Self { original, payload: r.rest() })
    }

    /// Appends number and payload.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.original.0.to_be_bytes());
        out.extend_from_slice(self.payload);
    }
}
