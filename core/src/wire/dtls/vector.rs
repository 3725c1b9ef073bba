//! TLS's variable-length vectors: a length in front, items behind it.

use crate::wire::cursor::{ParseError, Reader};

/// Writes `body` behind a one-byte length that is filled in afterwards.
///
/// Only for what our own side lays out: a body over 255 bytes is a bug of the caller, and panics.
pub fn put_u8(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    body(out);
    out[start] = u8::try_from(out.len() - start - 1).expect("a body of at most 255 bytes");
}

/// Writes `body` behind a three-byte length that is filled in afterwards.
///
/// Only for what our own side lays out: a body over 16,777,215 bytes is a bug of the caller, and panics.
pub fn put_u24(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 3]);
    body(out);
    let len = u24(out.len() - start - 3);
    out[start..start + 3].copy_from_slice(&len);
}

/// A length as three bytes.
///
/// # Panics
///
/// When it does not fit: lengths are of what our own side lays out.
#[must_use]
pub fn u24(len: usize) -> [u8; 3] {
    let [high, a, b, c] = u32::try_from(len).expect("a length of at most 2^24").to_be_bytes();
    assert_eq!(high, 0, "a length of at most 2^24");
    [a, b, c]
}

/// All of `bytes` as 16-bit codepoints.
pub fn codes_u16<T: From<u16>>(bytes: &[u8]) -> Result<Vec<T>, ParseError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ParseError::BadLength);
    }
    Ok(pairs.iter().map(|&pair| T::from(u16::from_be_bytes(pair))).collect())
}

/// Writes 16-bit codepoints one after the other.
pub fn put_codes_u16<T: Copy + Into<u16>>(out: &mut Vec<u8>, codes: &[T]) {
    codes.iter().for_each(|&code| out.extend_from_slice(&code.into().to_be_bytes()));
}

/// Reads items until `bytes` is used up, `limit` of them at most.
pub fn list<'a, T>(
    bytes: &'a [u8],
    limit: usize,
    what: &'static str,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    let mut reader = Reader::new(bytes);
    let mut items = Vec::new();
    while !reader.is_empty() {
        if items.len() == limit {
            return Err(ParseError::TooMany(what));
        }
        items.push(item(&mut reader)?);
    }
    items.shrink_to_fit();
    Ok(items)
}
