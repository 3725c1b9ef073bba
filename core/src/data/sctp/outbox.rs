//! What waits to be sent: a queue of messages per stream, and whose turn it is.
//!
//! Messages get their numbers and are cut into fragments only when there is room in a packet for them.

use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::data::sctp::messages::{Limit, Message, MessageSlot, Messages};
use crate::data::sctp::stream_map::StreamMap;
use crate::wire::sctp::data::DataFlags;
use std::collections::VecDeque;

/// Fragmented messages that are under way at a time when messages interleave. Each may fill the receiver's window with
/// what it cannot deliver yet, so a thousand of them could stop each other for good.
const MAX_BEGUN: usize = 8;
/// Bytes of a turn at the default weight of 256.
const QUANTUM: i32 = 1_200;
/// A fragment that begins or continues a message at the end of a packet is at least so long.
const MIN_FRAGMENT: usize = 16;

/// Names a message among those of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageId {
    pub(super) stream: u16,
    pub(super) unordered: bool,
    /// The message identifier; the stream sequence number in its low half where messages do not interleave.
    pub(super) mid: Serial32,
}

/// A part of a message that goes into one chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) message: MessageSlot,
    /// Where it begins in the message.
    pub(super) start: usize,
    pub(super) len: u16,
    pub(super) flags: DataFlags,
    pub(super) id: MessageId,
    pub(super) fsn: u32,
}

impl Piece {
    /// The bytes, `message` being the one it is a part of.
    #[inline]
    pub(super) fn bytes_of(self, message: &Message) -> &[u8] {
        &message.payload[self.start..self.start + usize::from(self.len)]
    }
}

/// Room for a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Bytes of payload that fit the packet.
    pub(super) left: usize,
    /// Bytes of payload that would fit an empty packet.
    pub(super) full: usize,
}

/// How far a message has been sent.
#[derive(Clone, Copy, Debug)]
struct Begun {
    mid: Serial32,
    /// The number of the next fragment.
    fsn: u32,
    /// Where the next fragment begins.
    start: usize,
}

#[derive(Debug)]
struct OutStream {
    queue: VecDeque<MessageSlot>,
    /// The message at the front, if something of it was sent.
    begun: Option<Begun>,
    next_ordered: Serial32,
    next_unordered: Serial32,
    id: u16,
    weight: u16,
    /// Bytes that this turn has left.
    credit: i32,
    gate: Gate,
    buffered: usize,
    threshold: usize,
}

/// Whether a stream takes messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    /// It will start anew once its queue is empty.
    Closing,
}

impl OutStream {
    fn new(id: u16) -> Self {
        Self {
            queue: VecDeque::new(),
            begun: None,
            next_ordered: Serial32(0),
            next_unordered: Serial32(0),
            id,
            weight: 256,
            credit: QUANTUM,
            gate: Gate::Open,
            buffered: 0,
            threshold: 0,
        }
    }

    /// The number of a message that begins.
    const fn number(&mut self, unordered: bool, interleave: bool) -> Serial32 {
        let counter = match (unordered, interleave) {
            (false, _) => &mut self.next_ordered,
            (true, true) => &mut self.next_unordered,
            // RFC 9260 §3.3.1: an unordered message has no stream sequence number.
            (true, false) => return Serial32(0),
        };
        let mid = *counter;
        *counter = counter.next();
        mid
    }

    const fn quantum(&self) -> i32 {
        let quantum = QUANTUM * self.weight as i32 / 256;
        if quantum < QUANTUM / 8 { QUANTUM / 8 } else { quantum }
    }
}

/// All queues.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// What waits here, and what is under way.
    pub(super) messages: Messages,
    streams: StreamMap<OutStream>,
    /// Slots of streams that have something to send, in order of their turns. Without interleaving, the one whose message is
    /// begun stays in front.
    ready: VecDeque<u16>,
    /// Slots of streams whose next message may not begin yet ([`MAX_BEGUN`]).
    parked: VecDeque<u16>,
    begun: usize,
    queued: usize,
    interleave: bool,
    /// The peer can be told to stop waiting for a message that was begun.
    partial_reliability: bool,
    /// Streams whose buffered amount has crossed the threshold since this was last looked at.
    low: Vec<u16>,
    /// Messages of which a part was sent when their time ran out.
    expired: Vec<MessageId>,
    dropped: u64,
}

impl Outbox {
    /// Appends a message to a stream. `false` when the stream is about to start anew.
    pub(super) fn push(&mut self, stream: u16, message: Message) -> bool {
        let out = self.streams.get_or_insert_with(stream, || OutStream::new(stream));
        if out.gate != Gate::Open {
            return false;
        }
        self.queued += message.payload.len();
        if message.counted {
            out.buffered += message.payload.len();
        }
        out.queue.push_back(self.messages.insert(message));
        if out.queue.len() == 1 {
            self.ready.extend(self.streams.slot_of(stream));
        }
        true
    }

    /// Takes the next fragment that is worth its place in a packet with this much room.
    ///
    /// Stops as well when a message that was begun has run out of time, which [`next_expired`](Self::next_expired) then tells.
    #[inline]
    pub(super) fn take(&mut self, now: Instant, room: Room) -> Option<Piece> {
        loop {
            let slot = *self.ready.front()?;
            let stream = self.streams.at_mut(slot)?;
            let front = self.messages.get(*stream.queue.front()?);
            if front.limit.is_over(now) && (stream.begun.is_none() || self.partial_reliability) {
                self.drop_front(slot);
                if !self.expired.is_empty() {
                    return None;
                }
                continue;
            }
            let len = front.payload.len() - stream.begun.map_or(0, |begun| begun.start);
            if self.interleave && stream.begun.is_none() && len > room.full && self.begun >= MAX_BEGUN {
                self.ready.pop_front();
                self.parked.push_back(slot);
                continue;
            }
            let take = cut(len, room, stream.begun.is_some() || len > room.full)?;
            return Some(self.cut_front(slot, take));
        }
    }

    #[inline]
    fn cut_front(&mut self, slot: u16, take: usize) -> Piece {
        let stream = self.streams.at_mut(slot).expect("a ready slot is in use");
        let place = *stream.queue.front().expect("a ready stream has a message");
        let message = self.messages.get_mut(place);
        let unordered = message.unordered;
        let mut flags = if unordered { DataFlags::UNORDERED } else { DataFlags::default() };
        let Begun { mid, fsn, start } = match stream.begun {
            Some(begun) => begun,
            None => {
                flags = flags.with(DataFlags::BEGIN);
                self.begun += 1;
                if !self.partial_reliability {
                    message.limit = Limit::None;
                }
                Begun { mid: stream.number(unordered, self.interleave), fsn: 0, start: 0 }
            }
        };
        let (next, counted) = (start + take, message.counted);
        let ends = next == message.payload.len();
        if ends {
            flags = flags.with(DataFlags::END);
            stream.begun = None;
            // Its place is held by the piece from now on.
            stream.queue.pop_front();
        } else {
            stream.begun = Some(Begun { mid, fsn: fsn.wrapping_add(1), start: next });
            self.messages.hold(place);
        }
        stream.credit -= take as i32;
        self.queued -= take;
        if counted {
            release(stream, take, &mut self.low);
        }
        let id = MessageId { stream: stream.id, unordered, mid };
        self.end_turn(slot, ends);
        Piece { message: place, start, len: take as u16, flags, id, fsn }
    }

    /// Passes the turn on where the stream at the front has used it up.
    #[inline]
    fn end_turn(&mut self, slot: u16, message_ended: bool) {
        if message_ended {
            self.begun -= 1;
            self.ready.extend(self.parked.pop_front());
        }
        let Some(stream) = self.streams.at_mut(slot) else { return };
        if stream.queue.is_empty() {
            stream.credit = stream.quantum();
            self.ready.pop_front();
        } else if stream.credit <= 0 && (message_ended || self.interleave) {
            // The rest of a long message is forgiven, so that passing on costs one step.
            stream.credit = stream.quantum();
            self.ready.rotate_left(1);
        }
    }

    /// Gives up the message at the front of the first ready stream.
    fn drop_front(&mut self, slot: u16) {
        let Some((stream, unordered, begun)) = self.forget_front(slot) else { return };
        self.dropped += u64::from(begun.is_none());
        match begun {
            Some(Begun { mid, .. }) => {
                self.expired.push(MessageId { stream, unordered, mid });
                self.end_turn(slot, true);
            }
            None if self.is_empty_at(slot) => drop(self.ready.pop_front()),
            None => (),
        }
    }

    /// Drops what is not sent yet of a message of which a part was given up. Whether there was any.
    pub(super) fn drop_rest(&mut self, id: MessageId) -> bool {
        let Some(slot) = self.streams.slot_of(id.stream) else { return false };
        let Some(stream) = self.streams.at_mut(slot) else { return false };
        let unordered = stream.queue.front().is_some_and(|&front| self.messages.get(front).unordered);
        if stream.begun.is_none_or(|begun| begun.mid != id.mid) || unordered != id.unordered {
            return false;
        }
        if self.forget_front(slot).is_none() {
            return false;
        }
        self.begun -= 1;
        self.ready.extend(self.parked.pop_front());
        if self.is_empty_at(slot) {
            self.ready.retain(|&other| other != slot);
        }
        true
    }

    /// Takes the message at the front out of a stream's queue: whether it is unordered, and how far it was sent.
    fn forget_front(&mut self, slot: u16) -> Option<(u16, bool, Option<Begun>)> {
        let stream = self.streams.at_mut(slot)?;
        let place = stream.queue.pop_front()?;
        let begun = stream.begun.take();
        let message = self.messages.get(place);
        let (unordered, left) =
            (message.unordered, message.payload.len() - begun.map_or(0, |begun| begun.start));
        self.queued -= left;
        if message.counted {
            release(stream, left, &mut self.low);
        }
        let id = stream.id;
        self.messages.release(place);
        Some((id, unordered, begun))
    }

    fn is_empty_at(&self, slot: u16) -> bool {
        self.streams.at(slot).is_none_or(|stream| stream.queue.is_empty())
    }

    /// Messages that were begun when their time ran out.
    pub(super) fn next_expired(&mut self) -> Option<MessageId> {
        self.expired.pop()
    }

    /// The next stream that fell to its threshold.
    pub(super) fn next_low(&mut self) -> Option<u16> {
        self.low.pop()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.parked.is_empty()
    }

    /// Bytes that wait.
    pub(super) const fn queued(&self) -> usize {
        self.queued
    }

    /// Messages dropped before anything of them was sent.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes of the application that wait in a stream.
    pub(super) fn buffered(&self, stream: u16) -> usize {
        self.streams.get(stream).map_or(0, |stream| stream.buffered)
    }

    /// Sets what a stream's buffered amount has to fall to.
    pub(super) fn set_threshold(&mut self, stream: u16, threshold: usize) {
        self.streams.get_or_insert_with(stream, || OutStream::new(stream)).threshold = threshold;
    }

    /// Sets a stream's share; 256 is the usual one.
    pub(super) fn set_weight(&mut self, stream: u16, weight: u16) {
        self.streams.get_or_insert_with(stream, || OutStream::new(stream)).weight = weight;
    }

    /// Takes no more messages for a stream until it has started anew.
    pub(super) fn close_gate(&mut self, stream: u16) {
        self.streams.get_or_insert_with(stream, || OutStream::new(stream)).gate = Gate::Closing;
    }

    /// Whether everything that was queued in a stream has been sent.
    pub(super) fn is_drained(&self, stream: u16) -> bool {
        self.streams.get(stream).is_none_or(|stream| stream.queue.is_empty())
    }

    /// Starts a stream anew: its numbers begin at zero and it is open.
    pub(super) fn restart_stream(&mut self, stream: u16) {
        self.streams.remove(stream);
    }

    /// Forgets a stream of which nothing was sent yet, and what waits in it.
    pub(super) fn drop_stream(&mut self, stream: u16) {
        let Some(slot) = self.streams.slot_of(stream) else { return };
        let Some(out) = self.streams.remove(stream) else { return };
        for place in out.queue {
            self.queued -= self.messages.get(place).payload.len();
            self.messages.release(place);
        }
        self.ready.retain(|&other| other != slot);
    }

    /// Opens a stream again whose numbers the peer would not reset.
    pub(super) fn reopen(&mut self, stream: u16) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.gate = Gate::Open;
        }
    }

    /// Says whether messages interleave, and whether the peer knows FORWARD TSN. Before the first message is sent.
    pub(super) const fn set_extensions(&mut self, interleave: bool, partial_reliability: bool) {
        self.interleave = interleave;
        self.partial_reliability = partial_reliability;
    }

    /// Bytes on the heap that streams cost.
    #[cfg(test)]
    pub(super) fn heap_of_streams(&self) -> usize {
        self.streams.heap()
    }

    /// Drops everything that waits or is under way, for good. What streams had buffered can still be asked for.
    pub(super) fn close(&mut self) {
        let mut streams = std::mem::take(&mut self.streams);
        self.clear();
        streams.values_mut().for_each(|stream| stream.queue = VecDeque::new());
        self.streams = streams;
    }

    /// Forgets everything that waits or is under way, and all numbers.
    pub(super) fn clear(&mut self) {
        let Self { interleave, partial_reliability, dropped, .. } = *self;
        *self = Self { interleave, partial_reliability, dropped, ..Self::default() };
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.messages.shrink();
        self.streams.values_mut().for_each(|stream| stream.queue.shrink_to_fit());
        self.ready.shrink_to_fit();
        self.parked.shrink_to_fit();
        self.low.shrink_to_fit();
        self.expired.shrink_to_fit();
    }
}

fn release(stream: &mut OutStream, bytes: usize, low: &mut Vec<u16>) {
    let before = stream.buffered;
    stream.buffered -= bytes;
    if before > stream.threshold && stream.buffered <= stream.threshold {
        low.push(stream.id);
    }
}

/// How much of a message with `len` bytes left goes into a packet, if anything.
fn cut(len: usize, room: Room, splittable: bool) -> Option<usize> {
    if len <= room.left {
        return Some(len);
    }
    // A message that fits a packet of its own waits for it: two packets would have to arrive for it instead of one, and its
    // receiver would have to put it together, where it can hand on a slice.
    let take = room.left & !3;
    (splittable && take >= MIN_FRAGMENT.min(room.full) && take > 0).then_some(take)
}

#[cfg(test)]
mod tests {
    use super::{Outbox, Piece, Room};
    use crate::base::time::Instant;
    use crate::data::sctp::messages::{Limit, Message};
    use bytes::Bytes;

    const ROOM: Room = Room { left: 1_000, full: 1_000 };

    fn message(len: usize) -> Message {
        let payload = Bytes::from(vec![7; len]);
        Message { payload, ppid: 53, limit: Limit::None, unordered: false, counted: true }
    }

    fn take(outbox: &mut Outbox, room: Room) -> Option<Piece> {
        outbox.take(Instant::ZERO, room)
    }

    #[test]
    fn without_interleaving_a_message_ends_before_the_next_begins() {
        let mut outbox = Outbox::default();
        outbox.push(1, message(2_500));
        outbox.push(2, message(10));
        let order: Vec<_> = std::iter::from_fn(|| take(&mut outbox, ROOM)).map(|p| p.id.stream).collect();
        assert_eq!(order, [1, 1, 1, 2]);
        assert!(outbox.is_empty());
        assert_eq!(outbox.queued(), 0);
    }

    #[test]
    fn with_interleaving_a_small_message_passes_a_large_one() {
        let mut outbox = Outbox::default();
        outbox.set_extensions(true, true);
        outbox.push(1, message(10_000));
        outbox.push(2, message(10));
        let order: Vec<_> = std::iter::from_fn(|| take(&mut outbox, ROOM)).map(|p| p.id.stream).collect();
        assert_eq!(order.iter().position(|&stream| stream == 2), Some(2));
        assert_eq!(order.len(), 11);
    }

    #[test]
    fn only_so_many_long_messages_are_begun_and_small_ones_pass_them() {
        let mut outbox = Outbox::default();
        outbox.set_extensions(true, true);
        (0..20).for_each(|stream| assert!(outbox.push(stream, message(5_000))));
        outbox.push(99, message(10));
        let mut begun = std::collections::BTreeSet::new();
        let mut most = 0;
        let mut small_at = None;
        let mut n = 0;
        while let Some(piece) = take(&mut outbox, ROOM) {
            if piece.flags.end() {
                begun.remove(&piece.id.stream)
            } else {
                begun.insert(piece.id.stream)
            };
            most = most.max(begun.len());
            if piece.id.stream == 99 {
                small_at = Some(n);
            }
            n += 1;
        }
        assert_eq!((most, n), (8, 101));
        assert!(small_at.is_some_and(|at| at < 30), "{small_at:?}");
        assert!(outbox.is_empty() && outbox.begun == 0);
    }

    #[test]
    fn a_message_that_fits_a_packet_is_never_cut() {
        let mut outbox = Outbox::default();
        outbox.push(1, message(1_000));
        assert!(take(&mut outbox, Room { left: 999, ..ROOM }).is_none());
        assert_eq!(take(&mut outbox, ROOM).unwrap().len, 1_000);
        // One that does not fit begins and goes on wherever there is room, a few bytes aside.
        outbox.push(1, message(1_001));
        assert!(take(&mut outbox, Room { left: 15, ..ROOM }).is_none());
        assert_eq!(take(&mut outbox, Room { left: 101, ..ROOM }).unwrap().len, 100);
        assert_eq!(take(&mut outbox, Room { left: 101, ..ROOM }).unwrap().len, 100);
        assert_eq!(take(&mut outbox, ROOM).unwrap().len, 801);
    }

    #[test]
    fn crossing_the_threshold_is_told_once() {
        let mut outbox = Outbox::default();
        outbox.set_threshold(3, 15);
        (0..4).for_each(|_| assert!(outbox.push(3, message(10))));
        let mut told = Vec::new();
        while take(&mut outbox, ROOM).is_some() {
            told.push(outbox.next_low());
            assert_eq!(outbox.next_low(), None);
        }
        assert_eq!(told, [None, None, Some(3), None]);
    }

    #[test]
    fn what_is_over_before_it_is_sent_takes_no_number() {
        let mut outbox = Outbox::default();
        let end = Instant::from_millis(5);
        outbox.push(1, Message { limit: Limit::Until(end), ..message(10) });
        outbox.push(1, message(10));
        let piece = outbox.take(end, ROOM).unwrap();
        assert_eq!((piece.id.mid.0, outbox.dropped()), (0, 1));
        assert_eq!(outbox.next_expired(), None);
    }
}
