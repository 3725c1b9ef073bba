//! The byte stream of H.264 and H.265 (annex B of both): units behind start codes.

use crate::wire::cursor::ParseError;
use bytes::{Bytes, BytesMut};
use std::ops::Range;

/// What stands in front of each unit that we write.
pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The units of a byte stream, without their start codes and without the zeros that may trail them.
///
/// # Errors
///
/// It does not begin with a start code.
pub fn units(stream: &[u8]) -> Result<impl Iterator<Item = Range<usize>>, ParseError> {
    let mut at = match find(stream, 0) {
        Some((zeros, begin)) if stream[..zeros].iter().all(|byte| *byte == 0) => Some(begin),
        _ => return Err(ParseError::BadValue("the start code")),
    };
    Ok(std::iter::from_fn(move || {
        let begin = at?;
        let end = match find(stream, begin) {
            Some((end, next)) => {
                at = Some(next);
                end
            }
            None => {
                at = None;
                stream.len()
            }
        };
        // A unit ends with a bit that is set, so zeros behind it are not its own.
        let zeros = stream[begin..end].iter().rev().take_while(|byte| **byte == 0).count();
        Some(begin..end - zeros)
    })
    .filter(|unit| !unit.is_empty()))
}

/// The next start code: where its zeros begin and where the unit behind it does.
fn find(stream: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    // Steps of three where no byte of a code can be.
    while let Some(&third) = stream.get(at + 2) {
        match third {
            0 => at += 1,
            1 if stream[at] == 0 && stream[at + 1] == 0 => return Some((at, at + 3)),
            _ => at += 3,
        }
    }
    None
}

/// Writes units as a byte stream.
#[derive(Debug, Default)]
pub(super) struct Writer {
    stream: BytesMut,
}

impl Writer {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { stream: BytesMut::with_capacity(capacity) }
    }

    /// Begins a unit.
    pub(super) fn begin(&mut self) {
        self.stream.extend_from_slice(&START_CODE);
    }

    /// Appends bytes of the unit that was begun.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.stream.extend_from_slice(bytes);
    }

    pub(super) fn finish(self) -> Bytes {
        self.stream.freeze()
    }
}
