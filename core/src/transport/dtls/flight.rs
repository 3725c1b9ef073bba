//! Our side's messages that go out together, are answered together, and are repeated together (RFC 6347 §4.2.4).
//!
//! Records are built when a datagram is asked for: cut to the datagram size of that moment, numbered and, where
//! they have to be, sealed anew each time.

use crate::base::time::Instant;
use crate::transport::dtls::records::{Epoch, Sender};
use crate::wire::dtls::alert::CHANGE_CIPHER_SPEC;
use crate::wire::dtls::codepoints::{ContentType, HandshakeType};
use crate::wire::dtls::handshake::{Fragment, HANDSHAKE_HEADER_LEN};
use std::time::Duration;

/// Rather a new datagram than a piece smaller than this at the end of one.
const LEAST_PIECE: usize = 48;

/// Something in a flight.
pub(super) enum Piece {
    Handshake { epoch: Epoch, kind: HandshakeType, seq: u16, body: Vec<u8> },
    ChangeCipherSpec,
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
    /// What is to be sent next; `None` when everything was.
    cursor: Option<Cursor>,
    /// The number of the peer's last message before this flight: seeing that one again means that the flight was
    /// lost.
    answers: Option<u16>,
    wait: Duration,
    sent_at: Option<Instant>,
}

impl Flight {
    /// An empty flight in answer to the message numbered `answers`, to be repeated first after `wait`.
    pub(super) fn new(answers: Option<u16>, wait: Duration) -> Self {
        Self { pieces: Vec::new(), cursor: Some(Cursor::default()), answers, wait, sent_at: None }
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

    /// Sends everything again and waits twice as long as before, `cap` at most (RFC 6347 §4.2.4.1).
    pub(super) fn time_out(&mut self, cap: Duration) {
        self.wait = (self.wait * 2).min(cap);
        self.restart();
    }

    /// The peer repeats the message numbered `seq`. If that is what this flight answers, it is sent again: not
    /// while it is being sent, and not sooner than `pause` after the last time, so that one datagram draws no
    /// more than one flight.
    pub(super) fn peer_repeats(&mut self, now: Instant, seq: u16, pause: Duration) {
        let due = self.sent_at.is_some_and(|sent_at| now.saturating_since(sent_at) >= pause);
        if self.cursor.is_none() && self.answers == Some(seq) && due {
            self.restart();
        }
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
        while let Some(piece) = self.pieces.get(cursor.piece) {
            let room = mtu.saturating_sub(out.len() - start);
            let is_first = out.len() == start;
            let Some(next) = write_piece(piece, cursor, room, is_first, sender, out) else { break };
            cursor = next;
        }
        self.cursor = (cursor.piece < self.pieces.len()).then_some(cursor);
        if self.cursor.is_none() {
            self.sent_at = Some(now);
        }
        (out.len() > start).then_some(out.len() - start)
    }
}

/// Writes what fits of `piece` and tells where to go on; `None` when it has to wait for the next datagram.
fn write_piece(
    piece: &Piece,
    cursor: Cursor,
    room: usize,
    is_first: bool,
    sender: &mut Sender,
    out: &mut Vec<u8>,
) -> Option<Cursor> {
    let next_piece = Cursor { piece: cursor.piece + 1, offset: 0 };
    match piece {
        Piece::ChangeCipherSpec => {
            if room < sender.overhead(Epoch::Plain) + CHANGE_CIPHER_SPEC.len() && !is_first {
                return None;
            }
            let at = sender.begin(Epoch::Plain, out);
            out.extend_from_slice(&CHANGE_CIPHER_SPEC);
            sender.finish(Epoch::Plain, ContentType::ChangeCipherSpec, out, at).ok()?;
            Some(next_piece)
        }
        Piece::Handshake { epoch, kind, seq, body } => {
            let rest = &body[cursor.offset..];
            let room = room.checked_sub(sender.overhead(*epoch) + HANDSHAKE_HEADER_LEN)?;
            let len = rest.len().min(room);
            if len < rest.len() && len < LEAST_PIECE && !is_first {
                return None;
            }
            let at = sender.begin(*epoch, out);
            let fragment = Fragment {
                kind: *kind,
                message_seq: *seq,
                length: body.len(),
                offset: cursor.offset,
                body: &rest[..len],
            };
            fragment.write(out);
            sender.finish(*epoch, ContentType::Handshake, out, at).ok()?;
            let whole = len == rest.len();
            Some(if whole { next_piece } else { Cursor { offset: cursor.offset + len, ..cursor } })
        }
    }
}
