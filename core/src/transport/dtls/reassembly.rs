//! Handshake messages out of fragments that come in any order, twice, or overlapping (RFC 6347 §4.2.3).
//!
//! Everything is bounded: the length of a message, how far ahead of the next one a fragment may be, the bytes
//! that wait in all, and the number of gaps within a message.

use crate::base::drops::DropReason;
use crate::transport::dtls::ranges::Ranges;
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::handshake::Fragment;

/// No message may be longer. A `ClientHello` with post-quantum shares has 2 kB, a chain of RSA certificates 5 kB.
const MAX_MESSAGE: usize = 16 * 1024;
/// How many messages may be in the works. A flight has six at most.
const MAX_AHEAD: u16 = 8;
/// Bytes of all messages in the works.
const MAX_BUFFERED: usize = 32 * 1024;
/// Pieces of one message that do not touch each other.
const MAX_RANGES: usize = 32;

/// A complete message.
pub(super) struct Message {
    pub kind: HandshakeType,
    pub seq: u16,
    pub body: Vec<u8>,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inserted {
    /// It belongs to a message to come.
    Kept,
    /// It is the end of a message that was handled before.
    EndOfOld(u16),
    /// It is another part of such a message.
    Old,
}

#[derive(Default)]
pub(super) struct Reassembly {
    next: u16,
    partial: Vec<Partial>,
}

struct Partial {
    message: Message,
    /// What is there.
    ranges: Ranges,
}

impl Reassembly {
    /// Takes in a fragment.
    pub(super) fn insert(&mut self, fragment: &Fragment<'_>) -> Result<Inserted, DropReason> {
        let seq = fragment.message_seq;
        if seq < self.next {
            let ends = fragment.offset + fragment.body.len() == fragment.length;
            return Ok(if ends { Inserted::EndOfOld(seq) } else { Inserted::Old });
        }
        let pointless = fragment.body.is_empty() && fragment.length > 0;
        if pointless || fragment.length > MAX_MESSAGE || seq - self.next >= MAX_AHEAD {
            return Err(DropReason::DtlsReassembly);
        }
        let at = match self.partial.iter().position(|p| p.message.seq == seq) {
            Some(at) => at,
            None => self.open(fragment)?,
        };
        self.partial[at].insert(fragment)?;
        Ok(Inserted::Kept)
    }

    /// The type of the next message, when it is complete.
    pub(super) fn peek(&self) -> Option<HandshakeType> {
        self.position().map(|at| self.partial[at].message.kind)
    }

    /// Takes the next message out.
    pub(super) fn pop(&mut self) -> Option<Message> {
        let at = self.position()?;
        // Numbers of a handshake never come near the end of their range; if they did, nothing would fit.
        self.next = self.next.saturating_add(1);
        let message = self.partial.swap_remove(at).message;
        if self.partial.is_empty() {
            // It may have been the last of the connection.
            self.partial = Vec::new();
        }
        Some(message)
    }

    /// Whether a fragment goes on where what is there ends, so that nothing seems to be missing before it.
    pub(super) fn is_in_order(&self, fragment: &Fragment<'_>) -> bool {
        let there = self.partial.iter().find(|p| p.message.seq == self.next).map_or(0, |p| p.ranges.prefix());
        fragment.message_seq < self.next || (fragment.message_seq == self.next && fragment.offset <= there)
    }

    /// Forgets every message that is not complete, or not next.
    pub(super) fn forget(&mut self) {
        self.partial.clear();
    }

    /// The number of the next message.
    pub(super) const fn next(&self) -> u16 {
        self.next
    }

    fn position(&self) -> Option<usize> {
        self.partial.iter().position(|p| p.message.seq == self.next && p.is_complete())
    }

    fn open(&mut self, fragment: &Fragment<'_>) -> Result<usize, DropReason> {
        let buffered: usize = self.partial.iter().map(|p| p.message.body.len()).sum();
        if buffered + fragment.length > MAX_BUFFERED {
            return Err(DropReason::DtlsReassembly);
        }
        let body = vec![0; fragment.length];
        let message = Message { kind: fragment.kind, seq: fragment.message_seq, body };
        self.partial.push(Partial { message, ranges: Ranges::default() });
        Ok(self.partial.len() - 1)
    }
}

impl Partial {
    fn is_complete(&self) -> bool {
        self.ranges.covers(self.message.body.len())
    }

    /// Copies what is new; what was there before stays as it came first.
    fn insert(&mut self, fragment: &Fragment<'_>) -> Result<(), DropReason> {
        let m = &mut self.message;
        if m.kind != fragment.kind || m.body.len() != fragment.length {
            return Err(DropReason::DtlsReassembly);
        }
        let (start, end) = (fragment.offset, fragment.offset + fragment.body.len());
        if start == end {
            return Ok(());
        }
        if self.ranges.len() >= MAX_RANGES && self.ranges.gaps(start, end).eq([(start, end)]) {
            return Err(DropReason::DtlsReassembly);
        }
        for (from, to) in self.ranges.gaps(start, end) {
            m.body[from..to].copy_from_slice(&fragment.body[from - start..to - start]);
        }
        self.ranges.insert(start, end);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
