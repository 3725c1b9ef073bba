//! What was sent and is not cumulatively acknowledged: a ring indexed by the distance from the oldest TSN.
//!
//! Counters say how much is under way and how much is lost, a cursor says where the next lost chunk is. An
//! acknowledgement costs what it changes, never what is under way.

use crate::base::drops::DropReason;
use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::data::sctp::congestion::Sample;
use crate::data::sctp::messages::{Limit, MessageSlot, Messages};
use crate::data::sctp::outbox::{MessageId, Piece};
use crate::data::sctp::packets::Packets;
use crate::data::sctp::spans::{Span, difference, merge, offsets};
use crate::wire::sctp::data::{DATA_HEADER_LEN, DataFlags, IDATA_HEADER_LEN, Sack};
use crate::wire::sctp::padded;
use std::collections::VecDeque;
use std::time::Duration;

/// A chunk is lost when a packet sent this many packets later has arrived (RFC 9260 §7.2.4 counts SACKs that miss it; a peer
/// that acknowledges each packet reports as many).
const PACKET_THRESHOLD: i32 = 3;
/// The same while losses are being repaired on a path that was never seen to change the order of packets (RFC 8985 §6.2 step 4).
const PACKET_THRESHOLD_REPAIR: i32 = 1;

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    InFlight,
    /// To be sent again.
    Lost,
    /// Acknowledged by a gap block, which the peer may take back.
    Acked,
    /// Given up.
    Abandoned,
}

/// A chunk that was sent.
#[derive(Debug)]
pub(super) struct Sent {
    /// Without bytes and without a message when it was given up.
    pub(super) piece: Piece,
    sent_at: Instant,
    /// The number of the packet that carried it last.
    packet: Serial32,
    retransmits: u16,
    fate: Fate,
}

impl Sent {
    /// Bytes of payload.
    fn len(&self) -> usize {
        usize::from(self.piece.len)
    }
}

/// Which blocks an acknowledgement tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blocks {
    /// All that there are: what is missing was taken back.
    All,
    /// Some; those that were told of before still hold.
    Some,
}

/// What an acknowledgement changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Bytes of chunks acknowledged for the first time.
    pub(super) bytes: usize,
    pub(super) cumulative: bool,
    pub(super) rtt: Option<Duration>,
    pub(super) sample: Option<Sample>,
    /// The newest packet of which something is acknowledged.
    newest: Option<Serial32>,
    /// Chunks that were taken for lost and arrived before they went again.
    pub(super) spurious: u32,
}

/// The newest packet that is known to have arrived.
#[derive(Clone, Copy, Debug)]
struct Newest {
    packet: Serial32,
    sent_at: Instant,
}

#[derive(Debug)]
pub(super) struct Flight {
    ring: VecDeque<Sent>,
    /// The TSN at the front of the ring.
    base: Serial32,
    header_len: usize,
    in_flight: usize,
    unacked_payload: usize,
    lost: usize,
    /// No chunk before this TSN is lost.
    cursor: Serial32,
    /// Gap blocks of the last SACK.
    acked: Vec<Span>,
    scratch: Vec<Span>,
    /// Blocks of the last acknowledgement that have no others between them, where it told of some only.
    part: Vec<Span>,
    packets: Packets,
    newest: Option<Newest>,
    /// Packets have overtaken each other.
    reordered: bool,
    retransmitted: u64,
    abandoned: u64,
}

impl Flight {
    pub(super) const fn new(initial_tsn: Serial32) -> Self {
        Self {
            ring: VecDeque::new(),
            base: initial_tsn,
            header_len: DATA_HEADER_LEN,
            in_flight: 0,
            unacked_payload: 0,
            lost: 0,
            cursor: initial_tsn,
            acked: Vec::new(),
            scratch: Vec::new(),
            part: Vec::new(),
            packets: Packets::new(),
            newest: None,
            reordered: false,
            retransmitted: 0,
            abandoned: 0,
        }
    }

    pub(super) const fn set_interleave(&mut self, interleave: bool) {
        self.header_len = if interleave { IDATA_HEADER_LEN } else { DATA_HEADER_LEN };
    }

    /// Bytes of a chunk in front of its payload.
    pub(super) const fn header_len(&self) -> usize {
        self.header_len
    }

    /// The TSN of the next new chunk.
    pub(super) fn next_tsn(&self) -> Serial32 {
        self.base.plus(self.ring.len() as u32)
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) const fn unacked_payload(&self) -> usize {
        self.unacked_payload
    }

    pub(super) fn unacked_chunks(&self) -> usize {
        self.ring.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    pub(super) const fn has_lost(&self) -> bool {
        self.lost > 0
    }

    /// Chunks that are to be sent again.
    #[cfg(test)]
    pub(super) const fn lost(&self) -> usize {
        self.lost
    }

    pub(super) const fn retransmitted(&self) -> u64 {
        self.retransmitted
    }

    pub(super) const fn abandoned(&self) -> u64 {
        self.abandoned
    }

    /// Whether all that is not acknowledged was sent before `tsn`, or nothing is left.
    pub(super) fn is_past(&self, tsn: Serial32) -> bool {
        self.base.is_after(tsn) || self.ring.is_empty()
    }

    /// Closes the packet that is being built: what is sent next goes in another.
    pub(super) fn end_packet(&mut self, now: Instant, len: usize) {
        self.packets.close(now, self.in_flight, len);
    }

    /// There is room for more than there is to send.
    pub(super) fn note_app_limited(&mut self) {
        self.packets.note_app_limited(self.in_flight);
    }

    /// Takes in a chunk that goes into the packet being built.
    #[inline]
    pub(super) fn push(&mut self, now: Instant, piece: Piece) {
        let len = usize::from(piece.len);
        self.in_flight += self.header_len + padded(len);
        self.unacked_payload += len;
        self.packets.add();
        let packet = self.packets.current();
        self.ring.push_back(Sent { piece, sent_at: now, packet, retransmits: 0, fate: Fate::InFlight });
    }

    /// The next lost chunk, by its place in the ring.
    pub(super) fn next_lost(&mut self) -> Option<usize> {
        if self.lost == 0 {
            return None;
        }
        let from = if self.cursor.is_after(self.base) { self.cursor.distance_from(self.base) } else { 0 };
        let found = (from as usize..self.ring.len()).find(|&at| self.ring[at].fate == Fate::Lost);
        if let Some(at) = found {
            self.cursor = self.base.plus(at as u32);
        }
        found
    }

    /// The chunk at a place in the ring, and its TSN.
    pub(super) fn at(&self, at: usize) -> (Serial32, &Sent) {
        (self.base.plus(at as u32), &self.ring[at])
    }

    /// Whether the limit of a lost chunk forbids to send it again.
    pub(super) fn is_spent(&self, at: usize, now: Instant, messages: &Messages) -> bool {
        let sent = &self.ring[at];
        let limit = messages.get(sent.piece.message).limit;
        limit.is_over(now) || matches!(limit, Limit::Retransmits(max) if sent.retransmits >= max)
    }

    /// A lost chunk goes into the packet being built. How often it has been sent again.
    pub(super) fn resend(&mut self, at: usize, now: Instant) -> u16 {
        let header_len = self.header_len;
        let sent = &mut self.ring[at];
        debug_assert_eq!(sent.fate, Fate::Lost);
        sent.fate = Fate::InFlight;
        sent.sent_at = now;
        sent.packet = self.packets.current();
        self.packets.add();
        sent.retransmits = sent.retransmits.saturating_add(1);
        let retransmits = sent.retransmits;
        self.in_flight += header_len + padded(sent.len());
        self.lost -= 1;
        self.retransmitted += 1;
        self.cursor = self.base.plus(at as u32 + 1);
        retransmits
    }

    /// Takes in an acknowledgement, or says why it cannot be one.
    ///
    /// `None` for an old one that another has overtaken.
    pub(super) fn handle_sack(
        &mut self,
        now: Instant,
        sack: &Sack<'_>,
        blocks: Blocks,
        messages: &mut Messages,
    ) -> Result<Option<Progress>, DropReason> {
        let next = self.next_tsn();
        // RFC 9260 §6.2.1: what was never sent cannot be acknowledged.
        if sack.cumulative.is_at_or_after(next) {
            return Err(DropReason::SctpBadSack);
        }
        // An old one, overtaken by another: rule i of the same section.
        if sack.cumulative.is_before(self.base.minus(1)) {
            return Ok(None);
        }
        self.scratch.clear();
        let mut end = 0;
        for (first, last) in sack.gaps() {
            // Sorted, apart and within what was sent, or not to be believed.
            if first <= end || last < first {
                return Err(DropReason::SctpBadSack);
            }
            end = last;
            let span =
                Span { first: sack.cumulative.plus(first.into()), last: sack.cumulative.plus(last.into()) };
            if span.last.is_at_or_after(next) {
                return Err(DropReason::SctpBadSack);
            }
            self.scratch.push(span);
        }
        let mut progress = Progress::default();
        let mut sample = None;
        let known = self.newest;
        self.acknowledge_through(sack.cumulative, messages, &mut progress, &mut sample);
        self.part.clear();
        if blocks == Blocks::Some {
            // The last one is the newest, which may be far from those before it.
            self.part.extend(self.scratch.split_last().into_iter().flat_map(|(_, before)| before));
            merge(self.base, &self.acked, &mut self.scratch);
        }
        if !(self.acked.is_empty() && self.scratch.is_empty()) {
            self.acknowledge_gaps(&mut progress, &mut sample);
        }
        // What is acknowledged now, was sent once, and before something that was acknowledged earlier, came late.
        let is_late = |sample: Newest| known.is_some_and(|known| sample.packet.is_before(known.packet));
        self.reordered |= sample.is_some_and(is_late);
        progress.rtt = sample.map(|newest: Newest| now.saturating_since(newest.sent_at));
        if let Some(newest) = progress.newest {
            progress.sample = self.packets.sample(now, progress.bytes, newest);
            self.packets.prune();
        }
        Ok(Some(progress))
    }

    /// Everything up to `cumulative` has arrived (SHUTDOWN says no more than that).
    pub(super) fn handle_cumulative(
        &mut self,
        cumulative: Serial32,
        messages: &mut Messages,
    ) -> Result<Progress, DropReason> {
        let mut progress = Progress::default();
        if cumulative.is_at_or_after(self.next_tsn()) {
            return Err(DropReason::SctpBadSack);
        }
        self.acknowledge_through(cumulative, messages, &mut progress, &mut None);
        Ok(progress)
    }

    fn acknowledge_through(
        &mut self,
        cumulative: Serial32,
        messages: &mut Messages,
        progress: &mut Progress,
        sample: &mut Option<Newest>,
    ) {
        while self.base.is_at_or_before(cumulative) {
            let Some(sent) = self.ring.pop_front() else { break };
            self.base = self.base.next();
            progress.cumulative = true;
            self.count_acked(&sent, progress, sample);
            messages.release(sent.piece.message);
        }
    }

    fn acknowledge_gaps(&mut self, progress: &mut Progress, sample: &mut Option<Newest>) {
        let (new, old) = (std::mem::take(&mut self.scratch), std::mem::take(&mut self.acked));
        difference(self.base, &new, &old, |first, last| {
            for at in first..=last {
                let Some(sent) = self.ring.get_mut(at) else { return };
                if matches!(sent.fate, Fate::InFlight | Fate::Lost) {
                    let (fate, packet, sent_at) = (sent.fate, sent.packet, sent.sent_at);
                    sent.fate = Fate::Acked;
                    let facts = (fate, sent.retransmits, sent.len());
                    self.count(facts, Newest { packet, sent_at }, progress, sample);
                }
            }
        });
        // RFC 9260 §6.2.1: a block that is reported no more was taken back, and its chunks have to be sent again.
        difference(self.base, &old, &new, |first, last| {
            for at in first..=last {
                let Some(sent) = self.ring.get_mut(at) else { return };
                if sent.fate == Fate::Acked {
                    sent.fate = Fate::Lost;
                    self.unacked_payload += sent.len();
                    self.note_lost(at);
                }
            }
        });
        (self.acked, self.scratch) = (new, old);
    }

    fn count_acked(&mut self, sent: &Sent, progress: &mut Progress, sample: &mut Option<Newest>) {
        if matches!(sent.fate, Fate::InFlight | Fate::Lost) {
            let facts = (sent.fate, sent.retransmits, sent.len());
            self.count(facts, Newest { packet: sent.packet, sent_at: sent.sent_at }, progress, sample);
        }
    }

    fn count(
        &mut self,
        (fate, retransmits, len): (Fate, u16, usize),
        arrived: Newest,
        progress: &mut Progress,
        sample: &mut Option<Newest>,
    ) {
        let size = self.header_len + padded(len);
        match fate {
            Fate::InFlight => {
                self.in_flight -= size;
                self.packets.settle(arrived.packet);
                progress.newest = Some(progress.newest.map_or(arrived.packet, |n| n.later(arrived.packet)));
            }
            _ => {
                self.lost -= 1;
                progress.spurious += 1;
            }
        }
        self.unacked_payload -= len;
        progress.bytes += size;
        let is_newer = |than: Option<Newest>| than.is_none_or(|than| arrived.packet.is_after(than.packet));
        if is_newer(self.newest) {
            self.newest = Some(arrived);
        }
        // RFC 9260 §6.3.1 C5: what was sent twice measures nothing; nor does what was taken for lost and was not.
        if retransmits == 0 && fate == Fate::InFlight && is_newer(*sample) {
            *sample = Some(arrived);
        }
    }

    fn note_lost(&mut self, at: usize) {
        self.lost += 1;
        let tsn = self.base.plus(at as u32);
        if tsn.is_before(self.cursor) || self.lost == 1 {
            self.cursor = tsn;
        }
    }

    /// Looks for losses among the chunks that the gap blocks leave out. How many there are, and their bytes.
    ///
    /// A chunk is lost when packets sent enough later have arrived, or one sent at least `reordering` later. Fewer are enough
    /// while losses are being repaired.
    pub(super) fn detect_losses(&mut self, reordering: Duration, repairing: bool) -> (u32, usize) {
        let Some(newest) = self.newest else { return (0, 0) };
        if self.acked.is_empty() {
            return (0, 0);
        }
        let enough = if repairing && !self.reordered { PACKET_THRESHOLD_REPAIR } else { PACKET_THRESHOLD };
        let (spans, part) = (std::mem::take(&mut self.acked), std::mem::take(&mut self.part));
        let (base, mut from, mut found, before) = (self.base, 0, 0, self.in_flight);
        let reported = if part.is_empty() { &spans } else { &part };
        // What lies before the first block of a part may have been told of by another.
        let first_of_all = reported.first().map(|span| span.first) == spans.first().map(|span| span.first);
        for (n, (first, last)) in reported.iter().filter_map(|&span| offsets(base, span)).enumerate() {
            let known = if n > 0 || first_of_all { from..first.min(self.ring.len()) } else { 0..0 };
            for at in known {
                found += u32::from(self.judge(at, newest, reordering, enough));
            }
            from = last + 1;
        }
        (self.acked, self.part) = (spans, part);
        self.packets.prune();
        (found, before - self.in_flight)
    }

    fn judge(&mut self, at: usize, newest: Newest, reordering: Duration, enough: i32) -> bool {
        let sent = &self.ring[at];
        let ahead = newest.packet.distance_from(sent.packet) as i32;
        let late = ahead > 0 && newest.sent_at.saturating_since(sent.sent_at) > reordering;
        if sent.fate != Fate::InFlight || !(ahead >= enough || late) {
            return false;
        }
        self.lose(at);
        true
    }

    /// A chunk under way is taken for lost.
    fn lose(&mut self, at: usize) {
        let sent = &mut self.ring[at];
        let size = self.header_len + padded(sent.len());
        sent.fate = Fate::Lost;
        self.in_flight -= size;
        self.packets.settle(sent.packet);
        self.packets.note_lost(size);
        self.note_lost(at);
    }

    /// Takes everything that is under way for lost: the retransmission timer fired, or the packet it was in is void.
    pub(super) fn lose_all(&mut self) {
        for at in 0..self.ring.len() {
            if self.ring[at].fate == Fate::InFlight {
                self.lose(at);
            }
        }
        self.packets.prune();
    }

    /// Takes the last chunk under way for lost, to provoke an acknowledgement. Whether there is one that may be sent again.
    pub(super) fn lose_last(&mut self, now: Instant, messages: &Messages) -> bool {
        let Some(at) = self.ring.iter().rposition(|sent| sent.fate == Fate::InFlight) else { return false };
        if self.is_spent(at, now, messages) {
            return false;
        }
        self.lose(at);
        true
    }

    /// Gives up the message that the chunk at a place belongs to. Its id, and whether its last fragment was sent.
    // RFC 3758 §3.5 A3, RFC 7496 §3
    pub(super) fn abandon(&mut self, at: usize, messages: &mut Messages) -> (MessageId, bool) {
        let id = self.ring[at].piece.id;
        let is_of_it = |sent: &Sent| sent.piece.id == id;
        let mut begin = at;
        // Unordered messages without an identifier share an id; their fragments are next to each other instead.
        while begin > 0 && !(is_of_it(&self.ring[begin]) && self.ring[begin].piece.flags.begin()) {
            begin -= 1;
        }
        self.abandoned += 1;
        for place in begin..self.ring.len() {
            if is_of_it(&self.ring[place]) {
                self.give_up(place, messages);
                if self.ring[place].piece.flags.end() && place >= at {
                    return (id, true);
                }
            }
        }
        (id, false)
    }

    fn give_up(&mut self, at: usize, messages: &mut Messages) {
        let sent = &mut self.ring[at];
        let len = sent.len();
        messages.release(std::mem::replace(&mut sent.piece.message, MessageSlot::NONE));
        sent.piece.len = 0;
        match std::mem::replace(&mut sent.fate, Fate::Abandoned) {
            Fate::InFlight => {
                self.in_flight -= self.header_len + padded(len);
                self.unacked_payload -= len;
                self.packets.settle(sent.packet);
            }
            Fate::Lost => {
                self.lost -= 1;
                self.unacked_payload -= len;
            }
            Fate::Acked | Fate::Abandoned => (),
        }
    }

    /// Gives up a message by its id, its rest having been dropped before it was sent.
    pub(super) fn abandon_message(&mut self, id: MessageId, messages: &mut Messages) {
        match self.ring.iter().rposition(|sent| sent.piece.id == id) {
            Some(at) if !self.ring[at].piece.flags.end() => drop(self.abandon(at, messages)),
            // Every fragment that was sent has arrived.
            _ => self.abandoned += 1,
        }
        self.push_placeholder(id);
    }

    /// A TSN for the fragments that are never sent: without it nothing would tell the peer to stop waiting for them when
    /// all others have arrived.
    pub(super) fn push_placeholder(&mut self, id: MessageId) {
        let unordered = if id.unordered { DataFlags::UNORDERED } else { DataFlags::default() };
        let flags = unordered.with(DataFlags::END);
        self.ring.push_back(Sent {
            piece: Piece { message: MessageSlot::NONE, start: 0, len: 0, flags, id, fsn: 0 },
            sent_at: Instant::ZERO,
            packet: self.packets.current(),
            retransmits: 0,
            fate: Fate::Abandoned,
        });
    }

    /// The chunks at the front that are given up: what FORWARD TSN skips (RFC 3758 §3.5 C2).
    pub(super) fn skippable(&self) -> impl Iterator<Item = (Serial32, MessageId)> {
        let abandoned = self.ring.iter().take_while(|sent| sent.fate == Fate::Abandoned);
        abandoned.enumerate().map(|(n, sent)| (self.base.plus(n as u32), sent.piece.id))
    }

    /// Forgets everything, as the owner of the messages does; the next TSN is `initial_tsn`.
    pub(super) fn restart(&mut self, initial_tsn: Serial32) {
        let (retransmitted, abandoned) = (self.retransmitted, self.abandoned);
        *self = Self { retransmitted, abandoned, header_len: self.header_len, ..Self::new(initial_tsn) };
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.ring.shrink_to_fit();
        self.packets.shrink();
        self.acked.shrink_to_fit();
        self.scratch = Vec::new();
        self.part = Vec::new();
    }
}
