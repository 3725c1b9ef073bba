//! A packet while its chunks are taken in: where the next one begins, and messages that leave it without a copy.

use crate::wire::cursor::ParseError;
use crate::wire::sctp::chunk::ChunkType;
use crate::wire::sctp::{CHUNK_HEADER_LEN, RawChunk, padded};
use bytes::{Buf as _, Bytes, BytesMut};
use std::ops::Range;

/// A chunk by its place: it borrows nothing, so that its packet can be cut. Small, so that it travels in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkAt {
    pub(super) ty: ChunkType,
    pub(super) flags: u8,
    /// Where the value is in what is left of the packet, and its length.
    start: u32,
    len: u16,
}

impl ChunkAt {
    /// Where the value ends.
    pub(super) const fn end(self) -> usize {
        self.start as usize + self.len as usize
    }
}

/// What is left of a packet.
#[derive(Debug)]
pub(super) struct Arriving<'a> {
    bytes: &'a mut BytesMut,
    /// Where the next chunk begins.
    next: usize,
    /// Bytes of the whole packet.
    len: usize,
}

impl<'a> Arriving<'a> {
    /// A packet whose header is `header_len` bytes long.
    pub(super) fn new(bytes: &'a mut BytesMut, header_len: usize) -> Self {
        Self { next: header_len, len: bytes.len(), bytes }
    }

    /// Bytes of the whole packet, those that are gone included.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The next chunk. The first one with an impossible length is the last.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<ChunkAt, ParseError>> {
        let rest = self.bytes.get(self.next..).filter(|rest| !rest.is_empty())?;
        let chunk = match RawChunk::first_of(rest) {
            Ok(chunk) => chunk,
            Err(error) => {
                self.next = self.bytes.len();
                return Some(Err(error));
            }
        };
        let RawChunk { ty, flags, value } = chunk;
        let (start, len) = (self.next + CHUNK_HEADER_LEN, value.len());
        // RFC 9260 §3.2: the padding is not part of the length, and the last chunk's may be missing.
        self.next = start + padded(len);
        Some(Ok(ChunkAt { ty, flags, start: start as u32, len: len as u16 }))
    }

    /// The chunk at a place that [`next`](Self::next) told last.
    #[inline]
    pub(super) fn chunk(&self, at: ChunkAt) -> RawChunk<'_> {
        RawChunk { ty: at.ty, flags: at.flags, value: self.bytes(&(at.start as usize..at.end())) }
    }

    /// Bytes of the chunk that [`next`](Self::next) told last.
    #[inline]
    pub(super) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.bytes[range.clone()]
    }

    /// Takes out bytes of the chunk that [`next`](Self::next) told last, and all before them.
    ///
    /// The last chunk of a packet, most often its only one with data, takes over what holds the packet: no reference is counted.
    #[inline]
    pub(super) fn take(&mut self, range: &Range<usize>) -> Bytes {
        let rest =
            if self.next < self.bytes.len() { self.bytes.split_off(self.next) } else { BytesMut::new() };
        let mut taken = std::mem::replace(self.bytes, rest);
        self.next = 0;
        taken.truncate(range.end);
        taken.advance(range.start);
        taken.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::Arriving;
    use crate::wire::sctp::put_chunk;
    use bytes::BytesMut;
    use quickcheck::quickcheck;

    quickcheck! {
        fn chunks_are_there_whether_those_before_were_taken_or_not(chunks: Vec<(Vec<u8>, bool)>) -> bool {
            let mut packet = vec![0; 12];
            for (value, _) in &chunks {
                put_chunk(&mut packet, 0, 3, |out| out.extend_from_slice(value));
            }
            let mut packet = BytesMut::from(packet.as_slice());
            let mut arriving = Arriving::new(&mut packet, 12);
            let mut held = Vec::new();
            let whole = chunks.iter().all(|(value, take)| {
                let at = arriving.next().unwrap().unwrap();
                let same = arriving.chunk(at).value == value;
                if *take {
                    held.push((arriving.take(&(at.end() - value.len()..at.end())), value));
                }
                same
            });
            whole && arriving.next().is_none() && held.iter().all(|(taken, value)| *taken == **value)
        }
    }
}
