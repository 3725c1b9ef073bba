//! Lists of records of one size, read where they lie and written from values.

use crate::wire::cursor::{ParseError, Reader};
use std::fmt;

/// Something of a fixed number of bytes.
pub trait Record: Copy {
    /// How many.
    const LEN: usize;

    /// Reads one.
    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError>;

    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
}

/// Records on the wire, or values to be written: both iterate as values, and are equal when these are.
#[derive(Clone, Copy)]
pub struct List<'a, T>(Repr<'a, T>);

#[derive(Clone, Copy)]
enum Repr<'a, T> {
    Wire(&'a [u8]),
    Values(&'a [T]),
}

impl<'a, T: Record> List<'a, T> {
    /// The next `count` records.
    pub(super) fn read(r: &mut Reader<'a>, count: usize) -> Result<Self, ParseError> {
        r.bytes(count * T::LEN).map(|bytes| Self(Repr::Wire(bytes)))
    }

    /// Records up to the end; a part of one is an error.
    pub(super) fn read_rest(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        if !r.len().is_multiple_of(T::LEN) {
            return Err(ParseError::BadLength);
        }
        Self::read(r, r.len() / T::LEN)
    }

    /// How many records there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.0 {
            Repr::Wire(bytes) => bytes.len() / T::LEN,
            Repr::Values(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records.
    pub fn iter(self) -> impl Iterator<Item = T> + use<'a, T> {
        let (bytes, values): (&[u8], &[T]) = match self.0 {
            Repr::Wire(bytes) => (bytes, &[]),
            Repr::Values(values) => (&[], values),
        };
        let read = bytes.chunks_exact(T::LEN).filter_map(|bytes| T::read(&mut Reader::new(bytes)).ok());
        read.chain(values.iter().copied())
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        self.iter().for_each(|record| record.write(out));
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(values: &'a [T]) -> Self {
        Self(Repr::Values(values))
    }
}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self(Repr::Values(&[]))
    }
}

impl<T: Record + PartialEq> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<T: Record + fmt::Debug> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Identifiers of streams.
impl Record for u32 {
    const LEN: usize = 4;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        r.u32()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
}
