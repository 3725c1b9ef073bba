//! Redundant audio (RFC 2198): a payload that carries older ones behind its back. Video uses the same form with one
//! block alone, to tell media from ULPFEC.

use crate::wire::cursor::{ParseError, Reader};
use smallvec::SmallVec;

/// Ticks that a redundant block may be older than its packet: 14 bits.
pub const MAX_OFFSET: u32 = (1 << 14) - 1;
/// Bytes that a redundant block may have: 10 bits.
pub const MAX_LEN: usize = (1 << 10) - 1;
/// Blocks in front of the primary one that are read. Browsers send one or two, up to nine by configuration.
const MAX_REDUNDANT: usize = 16;

const MORE: u8 = 0x80;
const PAYLOAD_TYPE: u8 = 0x7f;

/// An older payload, or the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// What kind of payload it is.
    pub payload_type: u8,
    /// Ticks before the packet's timestamp: 0 for the present one.
    pub offset: u32,
    /// The payload.
    pub data: &'a [u8],
}

/// The blocks of a payload, from the oldest to the present one, which is the last and always there.
///
/// # Errors
///
/// The lengths do not fit the payload.
pub fn parse(payload: &[u8]) -> Result<SmallVec<[Block<'_>; 4]>, ParseError> {
    let mut r = Reader::new(payload);
    let mut headers: SmallVec<[(u8, u32, usize); 4]> = SmallVec::new();
    let primary = loop {
        let first = r.u8()?;
        if first & MORE == 0 {
            break first & PAYLOAD_TYPE;
        }
        if headers.len() == MAX_REDUNDANT {
            return Err(ParseError::TooMany("redundant blocks"));
        }
        let bits = r.u24()?;
        headers.push((first & PAYLOAD_TYPE, bits >> 10, (bits & 0x3ff) as usize));
    };
    let mut blocks = SmallVec::new();
    for (payload_type, offset, len) in headers {
        blocks.push(Block { payload_type, offset, data: r.bytes(len)? });
    }
    blocks.push(Block { payload_type: primary, offset: 0, data: r.rest() });
    Ok(blocks)
}

/// Appends a payload of these `redundant` blocks, from the oldest on, and the `primary` one. Blocks that are too old
/// or too long for the form are left out, as are empty ones: a receiver has no use for those.
pub fn write(redundant: &[Block<'_>], primary: Block<'_>, out: &mut Vec<u8>) {
    let fits = |block: &&Block<'_>| {
        (1..=MAX_OFFSET).contains(&block.offset) && (1..=MAX_LEN).contains(&block.data.len())
    };
    for block in redundant.iter().filter(fits) {
        let bits = block.offset << 10 | block.data.len() as u32;
        out.push(MORE | block.payload_type & PAYLOAD_TYPE);
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    out.push(primary.payload_type & PAYLOAD_TYPE);
    redundant.iter().filter(fits).for_each(|block| out.extend_from_slice(block.data));
    out.extend_from_slice(primary.data);
}
