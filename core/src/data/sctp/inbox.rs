//! From received chunks to messages in order.
//!
//! The fast path hands a message that fits one chunk to the application as a slice of its datagram. What has to wait is
//! copied, so that a small chunk never keeps a large buffer alive.

use crate::base::drops::DropReason;
use crate::base::seq::Serial32;
use crate::data::sctp::arriving::Arriving;
use crate::data::sctp::event::Event;
use crate::data::sctp::outbox::MessageId;
use crate::data::sctp::reassembly::{Assembled, Budget, Fragment, Runs};
use crate::data::sctp::stream_map::StreamMap;
use crate::data::sctp::tracker::{Arrival, Tracker};
use crate::wire::sctp::data::DataFlags;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::ops::Range;

/// What a message in a queue is charged besides its bytes.
const MESSAGE_OVERHEAD: usize = 64;
/// A message shorter than this part of its packet is copied out of it.
const COPY_RATIO: usize = 16;
/// Such copies stand one behind the other in a buffer of so many bytes, which is used again once all of them are dropped.
const COPIES: usize = 1_024;
/// Interleaved messages that may be incomplete at a time.
const MAX_PARTIAL: usize = 256;

/// A DATA or I-DATA chunk.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) tsn: Serial32,
    pub(super) id: MessageId,
    pub(super) fsn: u32,
    pub(super) ppid: u32,
    pub(super) flags: DataFlags,
    /// Where the payload is in the packet.
    pub(super) payload: Range<usize>,
}

/// The stream, whether it is unordered, and the number of a message.
type Key = (u16, bool, u32);

#[derive(Debug, Default)]
struct InStream {
    /// The message that is next.
    next: Serial32,
    /// Complete messages that came too early, sorted.
    pending: VecDeque<Assembled>,
}

#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) tracker: Tracker,
    streams: StreamMap<InStream>,
    /// Fragments by TSN.
    runs: Runs,
    /// Fragments by message, sorted, where messages interleave.
    partial: Vec<(Key, Runs)>,
    /// The runs of a message that is complete, for those of another.
    spare: Runs,
    /// What is left of a buffer for copies.
    copies: BytesMut,
    interleave: bool,
    inbound_streams: u16,
    budget: Budget,
    limit: usize,
}

impl Inbox {
    /// Nothing received. `limit` bytes may be held; it has to be more than `max_message`.
    pub(super) fn new(limit: usize, max_message: usize) -> Self {
        Self {
            tracker: Tracker::new(Serial32(1)),
            streams: StreamMap::default(),
            runs: Runs::default(),
            partial: Vec::new(),
            spare: Runs::default(),
            copies: BytesMut::new(),
            interleave: false,
            inbound_streams: 0,
            budget: Budget::new(max_message),
            limit,
        }
    }

    /// The association begins, or begins again. What waits to be read by the application stays charged.
    pub(super) fn begin(&mut self, initial_tsn: Serial32, inbound_streams: u16, interleave: bool) {
        self.tracker = Tracker::new(initial_tsn);
        self.runs.clear(&mut self.budget);
        let partial = std::mem::take(&mut self.partial);
        partial.into_iter().for_each(|(_, mut runs)| runs.clear(&mut self.budget));
        for message in self.streams.values_mut().flat_map(|stream| stream.pending.drain(..)) {
            self.budget.held -= charge(message.payload.as_ref());
        }
        self.streams = StreamMap::default();
        self.interleave = interleave;
        self.inbound_streams = inbound_streams;
    }

    /// Bytes that may still come.
    pub(super) const fn window(&self) -> usize {
        self.limit.saturating_sub(self.budget.held)
    }

    /// Whether the application reads what it can, so that what is held waits for the network and not for it.
    pub(super) const fn is_read(&self) -> bool {
        self.budget.unread <= self.limit / 8
    }

    /// Holds more from now on, if it is more.
    pub(super) fn grow(&mut self, limit: usize) {
        self.limit = self.limit.max(limit);
    }

    /// Bytes that are held.
    pub(super) const fn held(&self) -> usize {
        self.budget.held
    }

    /// The application has read a message.
    pub(super) const fn release(&mut self, len: usize) {
        self.budget.held -= len + MESSAGE_OVERHEAD;
        self.budget.unread -= len;
    }

    /// A message is one no longer, but its bytes are still held.
    pub(super) const fn keep(&mut self) {
        self.budget.held -= MESSAGE_OVERHEAD;
    }

    /// Such bytes are gone.
    pub(super) const fn drop_kept(&mut self, len: usize) {
        self.budget.held -= len;
        self.budget.unread -= len;
    }

    /// Takes in a chunk of `packet`. Its TSN counts as received unless the reason says otherwise.
    pub(super) fn handle_data(
        &mut self,
        packet: &mut Arriving<'_>,
        chunk: &Incoming,
        events: &mut VecDeque<Event>,
    ) -> Result<(), DropReason> {
        match self.tracker.classify(chunk.tsn) {
            Arrival::InSequence | Arrival::New => (),
            Arrival::Duplicate => {
                self.tracker.note_duplicate(chunk.tsn);
                return Err(DropReason::SctpDuplicate);
            }
            Arrival::TooFar => return Err(DropReason::SctpWindow),
        }
        if !self.has_room(chunk) {
            return Err(DropReason::SctpWindow);
        }
        self.tracker.record(chunk.tsn);
        // RFC 9260 §6.5: the chunk of a stream that does not exist is acknowledged and discarded.
        if chunk.id.stream >= self.inbound_streams {
            return Err(DropReason::SctpStream);
        }
        let whole = DataFlags::BEGIN.with(DataFlags::END);
        if chunk.flags.has(whole) {
            self.handle_whole(packet, chunk, events);
            return Ok(());
        }
        self.handle_fragment(packet, chunk, events)
    }

    fn has_room(&self, chunk: &Incoming) -> bool {
        // What fills a gap was sent when the window had room for it, and is what everything behind it waits for.
        let slack = if self.tracker.highest().is_after(chunk.tsn) { self.limit / 4 } else { 0 };
        if self.budget.held >= self.limit + slack {
            return false;
        }
        !self.interleave || self.partial.len() < MAX_PARTIAL || self.place(chunk.id).is_ok()
    }

    fn handle_whole(&mut self, packet: &mut Arriving<'_>, chunk: &Incoming, events: &mut VecDeque<Event>) {
        let &Incoming { id, ppid, ref payload, .. } = chunk;
        let mask = self.mask();
        let streams = &mut self.streams;
        let stream = (!id.unordered).then(|| streams.get_or_insert_with(id.stream, InStream::default));
        if stream.as_ref().is_some_and(|stream| stream.next != id.mid) {
            let payload = Some(Bytes::copy_from_slice(packet.bytes(payload)));
            return self.accept(Assembled { id, ppid, payload }, events);
        }
        let small = payload.len() * COPY_RATIO < packet.len();
        let data = if small { copied(packet.bytes(payload), &mut self.copies) } else { packet.take(payload) };
        self.budget.held += data.len() + MESSAGE_OVERHEAD;
        self.budget.unread += data.len();
        events.push_back(Event::Message { stream: id.stream, ppid, data });
        if let Some(stream) = stream {
            stream.next = Serial32(stream.next.0.wrapping_add(1) & mask);
            if !stream.pending.is_empty() {
                deliver(stream, mask, &mut self.budget, events);
            }
        }
    }

    fn handle_fragment(
        &mut self,
        packet: &Arriving<'_>,
        chunk: &Incoming,
        events: &mut VecDeque<Event>,
    ) -> Result<(), DropReason> {
        let &Incoming { tsn, id, fsn, ppid, flags, .. } = chunk;
        let payload = packet.bytes(&chunk.payload);
        let (begin, end) = (flags.begin(), flags.end());
        let key = if self.interleave { Serial32(fsn) } else { tsn };
        let fragment = Fragment { key, id, ppid, begin, end, payload };
        let place = self.interleave.then(|| self.place_for(id));
        let runs = match place {
            Some(at) => &mut self.partial[at].1,
            None => &mut self.runs,
        };
        let outcome = runs.insert(&fragment, &mut self.budget).map_err(|_| DropReason::SctpReassembly)?;
        if let Some(message) = outcome.complete {
            if let Some(at) = place {
                (_, self.spare) = self.partial.remove(at);
                self.spare.clear(&mut self.budget);
            }
            self.budget.held += charge(message.payload.as_ref());
            self.accept_charged(message, events);
        }
        if outcome.too_large {
            events.push_back(Event::MessageTooLarge { stream: id.stream });
            return Err(DropReason::SctpMessageTooLarge);
        }
        Ok(())
    }

    /// Where the fragments of a message are, or belong.
    fn place(&self, id: MessageId) -> Result<usize, usize> {
        self.partial.binary_search_by_key(&key(id), |&(key, _)| key)
    }

    /// The same, with a place made if there is none.
    fn place_for(&mut self, id: MessageId) -> usize {
        self.place(id).unwrap_or_else(|at| {
            self.partial.insert(at, (key(id), std::mem::take(&mut self.spare)));
            at
        })
    }

    fn accept(&mut self, message: Assembled, events: &mut VecDeque<Event>) {
        self.budget.held += charge(message.payload.as_ref());
        self.accept_charged(message, events);
    }

    /// Hands a complete message on, or keeps it until its turn comes.
    fn accept_charged(&mut self, message: Assembled, events: &mut VecDeque<Event>) {
        if message.id.unordered {
            emit(message, &mut self.budget, events);
            return;
        }
        let mask = self.mask();
        let stream = self.streams.get_or_insert_with(message.id.stream, InStream::default);
        let ahead = ahead(message.id.mid, stream.next, mask);
        if ahead == 0 {
            stream.next = Serial32(stream.next.0.wrapping_add(1) & mask);
            emit(message, &mut self.budget, events);
            if !stream.pending.is_empty() {
                deliver(stream, mask, &mut self.budget, events);
            }
            return;
        }
        let at = stream.pending.partition_point(|p| ahead_of(p, stream.next, mask) < ahead);
        let is_taken = stream.pending.get(at).is_some_and(|p| p.id.mid == message.id.mid);
        // A number of the past, or one that is taken: the peer used it twice.
        if ahead > mask / 2 || is_taken {
            self.budget.held -= charge(message.payload.as_ref());
            return;
        }
        stream.pending.insert(at, message);
    }

    const fn mask(&self) -> u32 {
        if self.interleave { u32::MAX } else { u16::MAX as u32 }
    }

    /// Nothing up to `tsn` is to be waited for, nor the messages in `skipped`.
    pub(super) fn handle_forward(
        &mut self,
        tsn: Serial32,
        skipped: impl Iterator<Item = MessageId>,
        events: &mut VecDeque<Event>,
    ) {
        let mask = self.mask();
        self.tracker.forward(tsn);
        if !self.interleave {
            self.runs.forward(tsn, &mut self.budget);
        }
        let streams = self.inbound_streams;
        for id in skipped.filter(|id| id.stream < streams) {
            if self.interleave {
                self.drop_partial(id.stream, |unordered, mid| {
                    unordered == id.unordered && Serial32(mid).is_at_or_before(id.mid)
                });
            }
            if id.unordered {
                continue;
            }
            let stream = self.streams.get_or_insert_with(id.stream, InStream::default);
            if ahead(id.mid, stream.next, mask) > mask / 2 {
                continue;
            }
            // What is complete is handed on though something before it is missing for good.
            let skipped = ahead(id.mid, stream.next, mask);
            while stream.pending.front().is_some_and(|p| ahead_of(p, stream.next, mask) <= skipped) {
                stream.pending.pop_front().into_iter().for_each(|p| emit(p, &mut self.budget, events));
            }
            stream.next = Serial32(id.mid.0.wrapping_add(1) & mask);
            deliver(stream, mask, &mut self.budget, events);
        }
    }

    /// The peer starts a stream anew.
    pub(super) fn reset_stream(&mut self, stream: u16) {
        for message in self.streams.remove(stream).into_iter().flat_map(|stream| stream.pending) {
            self.budget.held -= charge(message.payload.as_ref());
        }
        self.runs.drop_stream(stream, &mut self.budget);
        self.drop_partial(stream, |_, _| true);
    }

    fn drop_partial(&mut self, stream: u16, which: impl Fn(bool, u32) -> bool) {
        let budget = &mut self.budget;
        self.partial.retain_mut(|&mut ((of, unordered, mid), ref mut runs)| {
            let keep = of != stream || !which(unordered, mid);
            if !keep {
                runs.clear(budget);
            }
            keep
        });
    }

    /// Bytes on the heap that streams cost.
    #[cfg(test)]
    pub(super) fn heap_of_streams(&self) -> usize {
        self.streams.heap()
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.tracker.shrink();
        self.runs.shrink();
        self.partial.shrink_to_fit();
        self.spare = Runs::default();
        self.copies = BytesMut::new();
        self.budget.shrink();
        self.streams.values_mut().for_each(|stream| stream.pending.shrink_to_fit());
    }
}

const fn key(id: MessageId) -> Key {
    (id.stream, id.unordered, id.mid.0)
}

/// What a message is charged to the receive buffer until the application has read it.
fn charge(payload: Option<&Bytes>) -> usize {
    payload.map_or(0, |payload| payload.len() + MESSAGE_OVERHEAD)
}

/// How far a message is ahead of the next one; in the upper half, it is of the past.
const fn ahead(mid: Serial32, next: Serial32, mask: u32) -> u32 {
    mid.0.wrapping_sub(next.0) & mask
}

const fn ahead_of(message: &Assembled, next: Serial32, mask: u32) -> u32 {
    ahead(message.id.mid, next, mask)
}

fn emit(message: Assembled, budget: &mut Budget, events: &mut VecDeque<Event>) {
    // One that was too large has been told already.
    if let Some(data) = message.payload {
        budget.unread += data.len();
        events.push_back(Event::Message { stream: message.id.stream, ppid: message.ppid, data });
    }
}

/// A copy of a small message, behind those made before.
fn copied(payload: &[u8], copies: &mut BytesMut) -> Bytes {
    if copies.capacity() - copies.len() < payload.len() {
        copies.reserve(COPIES.max(payload.len()));
    }
    copies.extend_from_slice(payload);
    copies.split().freeze()
}

/// Hands on the messages whose turn has come.
fn deliver(stream: &mut InStream, mask: u32, budget: &mut Budget, events: &mut VecDeque<Event>) {
    while stream.pending.front().is_some_and(|p| p.id.mid == stream.next) {
        stream.next = Serial32(stream.next.0.wrapping_add(1) & mask);
        stream.pending.pop_front().into_iter().for_each(|p| emit(p, budget, events));
    }
}
