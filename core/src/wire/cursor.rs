//! Reading big-endian fields from bytes without panicking.

use thiserror::Error;

/// Why bytes are not what they claim to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// The input ended inside a field.
    #[error("truncated")]
    Truncated,
    /// A length field contradicts the bytes around it.
    #[error("a length field contradicts the bytes around it")]
    BadLength,
    /// A field has a value that it may not have.
    #[error("{0} has a value that it may not have")]
    BadValue(&'static str),
    /// There is more of something than the parser's limit.
    #[error("more than the limit of {0}")]
    TooMany(&'static str),
}

/// A cursor over received bytes. Nothing it does can panic; a failed read leaves it where it was.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have not been read yet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], ParseError> {
        let (head, tail) = self.rest.split_at_checked(n).ok_or(ParseError::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let (head, tail) = self.rest.split_first_chunk().ok_or(ParseError::Truncated)?;
        self.rest = tail;
        Ok(*head)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, ParseError> {
        self.array().map(|[byte]| byte)
    }

    /// Two bytes, the most significant first.
    pub fn u16(&mut self) -> Result<u16, ParseError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Three bytes, the most significant first.
    pub fn u24(&mut self) -> Result<u32, ParseError> {
        self.array().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Four bytes, the most significant first.
    pub fn u32(&mut self) -> Result<u32, ParseError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Six bytes, the most significant first.
    pub fn u48(&mut self) -> Result<u64, ParseError> {
        self.array().map(|[a, b, c, d, e, f]| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }

    /// Eight bytes, the most significant first.
    pub fn u64(&mut self) -> Result<u64, ParseError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A one-byte length and as many bytes.
    pub fn prefixed_u8(&mut self) -> Result<&'a [u8], ParseError> {
        self.prefixed(|r| r.u8().map(usize::from))
    }

    /// A two-byte length and as many bytes.
    pub fn prefixed_u16(&mut self) -> Result<&'a [u8], ParseError> {
        self.prefixed(|r| r.u16().map(usize::from))
    }

    /// A three-byte length and as many bytes.
    pub fn prefixed_u24(&mut self) -> Result<&'a [u8], ParseError> {
        self.prefixed(|r| r.u24().map(|n| n as usize))
    }

    /// `Ok` when everything was read.
    pub fn finish(self) -> Result<(), ParseError> {
        if self.is_empty() { Ok(()) } else { Err(ParseError::BadLength) }
    }

    fn prefixed(
        &mut self,
        length: impl FnOnce(&mut Self) -> Result<usize, ParseError>,
    ) -> Result<&'a [u8], ParseError> {
        let mut ahead = *self;
        let n = length(&mut ahead)?;
        let bytes = ahead.bytes(n)?;
        *self = ahead;
        Ok(bytes)
    }
}

/// Writes `body` behind a two-byte length that is filled in afterwards.
///
/// Only for what our own side lays out: a body over 65,535 bytes is a bug of the caller, and panics.
pub fn put_prefixed_u16(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    body(out);
    let len = u16::try_from(out.len() - start - 2).expect("a body of at most 65,535 bytes");
    out[start..start + 2].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::{ParseError, Reader, put_prefixed_u16};

    #[test]
    fn reads_in_order_and_never_past_the_end() {
        let mut r = Reader::new(&[1, 0, 2, 0, 0, 3, 9]);
        assert_eq!((r.u8(), r.u16(), r.u24()), (Ok(1), Ok(2), Ok(3)));
        assert_eq!(r.u16(), Err(ParseError::Truncated));
        assert_eq!(r.u8(), Ok(9));
        assert_eq!(r.finish(), Ok(()));
    }

    #[test]
    fn a_failed_prefix_leaves_the_cursor() {
        let mut r = Reader::new(&[0, 5, 1, 2]);
        assert_eq!(r.prefixed_u16(), Err(ParseError::Truncated));
        assert_eq!(r.len(), 4);
        assert_eq!(r.u48(), Err(ParseError::Truncated));
        assert_eq!(r.u32(), Ok(0x0005_0102));
    }

    #[test]
    fn a_prefix_is_filled_in() {
        let mut out = vec![7];
        put_prefixed_u16(&mut out, |out| out.extend_from_slice(b"abc"));
        assert_eq!(out, [7, 0, 3, b'a', b'b', b'c']);
    }
}
