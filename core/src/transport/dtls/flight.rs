//! Our side's messages that go out together, are answered together, and are repeated together (RFC 6347 §4.2.4).
//!
//! Records are built when a datagram is asked for: cut to the datagram size of that moment, numbered and, where
//! they have to be, sealed anew each time. What the peer acknowledged (RFC 9147 §7.2) is left out when a flight is
//! repeated.

use crate::base::time::Instant;
use crate::transport::dtls::ranges::Ranges;
use crate::transport::dtls::records::{Epoch, Sender};
use crate::wire::dtls::alert::{CHANGE_CIPHER_SPEC, RecordNumber};
use crate::wire::dtls::codepoints::{ContentType, HandshakeType};
use crate::wire::dtls::handshake::{Fragment, HANDSHAKE_HEADER_LEN};
use std::time::Duration;

/// Rather a new datagram than a piece smaller than this at the end of one.
const LEAST_PIECE: usize = 48;

/// The most records of a flight that are remembered for acknowledgements.
const MOST_SENT: usize = 512;

/// Something in a flight.
pub(super) enum Piece {
    Handshake { epoch: Epoch, kind: HandshakeType, seq: u16, body: Vec<u8>, acknowledged: Ranges },
    ChangeCipherSpec,
}

impl Piece {
    pub(super) fn handshake(epoch: Epoch, kind: HandshakeType, seq: u16, body: Vec<u8>) -> Self {
        Self::Handshake { epoch, kind, seq, body, acknowledged: Ranges::default() }
    }

    fn is_acknowledged(&self) -> bool {
        match self {
            Self::Handshake { body, acknowledged, .. } => acknowledged.covers(body.len()) && !body.is_empty(),
            Self::ChangeCipherSpec => false,
        }
    }
}

/// Which part of which piece went out in which record.
struct Sent {
    number: RecordNumber,
    piece: usize,
    start: usize,
    end: usize,
}

/// A place in a flight.
#[derive(Clone, Copy, Default)]
struct Cursor {
    piece: usize,
    offset: usize,
}

/// The flight of the moment.
#[derive(Default)]
pub(super) struct Flight {
    pieces: Vec<Piece>,
    sent: Vec<Sent>,
    /// What is to be sent next; `None` when everything was.
    cursor: Option<Cursor>,
    /// Whether it is sent once more after that.
    again: bool,
    /// The number of the peer's last message before this flight: seeing that one again means that the flight was
    /// lost.
    answers: Option<u16>,
    wait: Duration,
    /// How often it was repeated, and how often it is sent twice then.
    repeats: u8,
    twice: u8,
    sent_at: Option<Instant>,
}

impl Flight {
    /// An empty flight in answer to the message numbered `answers`, to be repeated first after `wait`, and `twice` times
    /// two times at once.
    pub(super) fn new(answers: Option<u16>, wait: Duration, twice: u8) -> Self {
        Self {
            pieces: Vec::new(),
            sent: Vec::new(),
            cursor: Some(Cursor::default()),
            again: false,
            answers,
            wait,
            repeats: 0,
            twice,
            sent_at: None,
        }
    }

    /// Already the first time it goes out two times.
    pub(super) fn begin_twice(&mut self) {
        self.again = true;
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.pieces.push(piece);
    }

    /// When to repeat it, once it has been sent.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match (self.cursor, self.sent_at) {
            (None, Some(sent_at)) => Some(sent_at + self.wait),
            _ => None,
        }
    }

    /// Sends everything again. After a first loss, or as many as the configuration takes for nothing but losses, it waits
    /// twice as long as before, `cap` at most (RFC 6347 §4.2.4.1): more are a sign that the path has no room.
    pub(super) fn time_out(&mut self, cap: Duration) {
        if self.repeats >= self.twice.max(1) {
            self.wait = (self.wait * 2).min(cap);
        }
        self.repeat();
    }

    /// The peer repeats the message numbered `seq`. If that is what this flight answers, it is sent again: not
    /// while it is being sent, and not sooner than `pause` after the last time, so that one datagram draws no
    /// more than one repetition.
    pub(super) fn peer_repeats(&mut self, now: Instant, seq: u16, pause: Duration) {
        let due = self.sent_at.is_some_and(|sent_at| now.saturating_since(sent_at) >= pause);
        if self.cursor.is_none() && self.answers == Some(seq) && due {
            self.repeat();
        }
    }

    /// The peer has these records (RFC 9147 §7.2). What it lacks is sent again, under the same restraint as when
    /// the peer repeats itself. `true` when it lacks nothing: the flight is over.
    pub(super) fn acknowledge(&mut self, now: Instant, records: &[RecordNumber], pause: Duration) -> bool {
        let key = |number: &RecordNumber| (number.epoch, number.sequence);
        let mut records = records.to_vec();
        records.sort_unstable_by_key(key);
        let pieces = &mut self.pieces;
        self.sent.retain(|sent| {
            let is_acked = records.binary_search_by_key(&key(&sent.number), key).is_ok();
            if let (true, Some(Piece::Handshake { acknowledged, .. })) =
                (is_acked, pieces.get_mut(sent.piece))
                && sent.start < sent.end
            {
                acknowledged.insert(sent.start, sent.end);
            }
            !is_acked
        });
        if !self.pieces.is_empty() && self.pieces.iter().all(Piece::is_acknowledged) {
            *self = Self::default();
            return true;
        }
        let due = self.sent_at.is_some_and(|sent_at| now.saturating_since(sent_at) >= pause);
        if self.cursor.is_none() && due {
            self.restart();
        }
        false
    }

    /// Whether there is nothing that the peer may still lack.
    pub(super) const fn is_over(&self) -> bool {
        self.pieces.is_empty()
    }

    fn repeat(&mut self) {
        self.again = self.repeats < self.twice;
        self.repeats = self.repeats.saturating_add(1);
        self.restart();
    }

    fn restart(&mut self) {
        if !self.pieces.is_empty() {
            self.cursor = Some(Cursor::default());
        }
    }

    /// Appends the next datagram of at most `mtu` bytes and returns its length.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        mtu: usize,
        sender: &mut Sender,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let mut cursor = self.cursor?;
        let start = out.len();
        while cursor.piece < self.pieces.len() {
            let room = mtu.saturating_sub(out.len() - start);
            let room = Room { bytes: room, is_first: out.len() == start };
            let Some(next) = self.write_piece(cursor, room, sender, out) else { break };
            cursor = next;
        }
        self.cursor = (cursor.piece < self.pieces.len()).then_some(cursor);
        if self.cursor.is_none() && std::mem::take(&mut self.again) {
            self.restart();
        }
        if self.cursor.is_none() {
            self.sent_at = Some(now);
        }
        (out.len() > start).then_some(out.len() - start)
    }

    /// Writes what fits of a piece and tells where to go on; `None` when it has to wait for the next datagram.
    fn write_piece(
        &mut self,
        cursor: Cursor,
        room: Room,
        sender: &mut Sender,
        out: &mut Vec<u8>,
    ) -> Option<Cursor> {
        let next_piece = Cursor { piece: cursor.piece + 1, offset: 0 };
        match self.pieces.get(cursor.piece)? {
            Piece::ChangeCipherSpec => {
                if room.bytes < sender.overhead(Epoch::Plain) + CHANGE_CIPHER_SPEC.len() && !room.is_first {
                    return None;
                }
                let at = sender.begin(Epoch::Plain, out);
                out.extend_from_slice(&CHANGE_CIPHER_SPEC);
                sender.finish(Epoch::Plain, ContentType::ChangeCipherSpec, out, at).ok()?;
                Some(next_piece)
            }
            Piece::Handshake { epoch, kind, seq, body, acknowledged } => {
                let gap = acknowledged.gaps(cursor.offset, body.len()).next();
                let (offset, end) = match gap {
                    Some(gap) => gap,
                    None if body.is_empty() => (0, 0),
                    None => return Some(next_piece),
                };
                let room_left = room.bytes.checked_sub(sender.overhead(*epoch) + HANDSHAKE_HEADER_LEN)?;
                let len = (end - offset).min(room_left);
                if offset + len < end && len < LEAST_PIECE && !room.is_first {
                    return None;
                }
                let piece = &body[offset..offset + len];
                let at = sender.begin(*epoch, out);
                Fragment { kind: *kind, message_seq: *seq, length: body.len(), offset, body: piece }
                    .write(out);
                let number = sender.finish(*epoch, ContentType::Handshake, out, at).ok()?;
                if self.sent.len() == MOST_SENT {
                    self.sent.remove(0);
                }
                let (end, whole) = (offset + len, offset + len == body.len());
                self.sent.push(Sent { number, piece: cursor.piece, start: offset, end });
                Some(if whole { next_piece } else { Cursor { offset: end, ..cursor } })
            }
        }
    }
}

/// What is left of a datagram.
#[derive(Clone, Copy)]
struct Room {
    bytes: usize,
    /// Whether nothing stands in it yet.
    is_first: bool,
}
