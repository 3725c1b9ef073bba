//! Laying out packets: control chunks, acknowledgements, what is lost, what is new.

use crate::base::queue::Queue;
use crate::base::seq::{Serial16, Serial32};
use crate::base::time::Instant;
use crate::data::sctp::ack::Due;
use crate::data::sctp::event::Event;
use crate::data::sctp::flight::Sent;
use crate::data::sctp::messages::Message;
use crate::data::sctp::outbox::{Piece, Room};
use crate::data::sctp::pmtu::MAX_VAIN;
use crate::data::sctp::state::{Extensions, State};
use crate::data::sctp::timeout::Timer;
use crate::data::sctp::{Association, Recovery};
use crate::wire::sctp::chunk::Chunk;
use crate::wire::sctp::data::{Data, DataFlags, ForwardTsn, IData, IForwardTsn, SkippedMessages};
use crate::wire::sctp::{CHUNK_HEADER_LEN, HEADER_LEN, Header, fill_checksum, padded};

/// Answers that may wait at a time; a peer that asks for more gets fewer.
const MAX_ANSWERS: usize = 8;
/// The smallest packet that is worth laying out.
const MIN_PACKET: usize = 128;
/// The largest: the length of a chunk has 16 bits.
const MAX_PACKET: usize = 65_532;

/// Chunks that may be unacknowledged: what a gap block can say is within reach of all of them (RFC 9260 §3.3.4).
const MAX_UNACKED: usize = 65_000;
/// The same where messages have numbers of 16 bits: beyond half of them, old and new could be mistaken (RFC 9260 §1.6).
const MAX_UNACKED_PLAIN: usize = 32_000;

/// What is left of a packet when there is no room for a fragment.
const MAX_PAD: usize = 36;
/// From so many chunks under way on, packets have the size that every path carries.
const SCARCE: usize = 16_000;

/// Chunks and packets that are laid out before they are asked for: rare ones, and answers.
#[derive(Debug, Default)]
pub(super) struct Control {
    packets: Queue<Vec<u8>>,
    chunks: Queue<Vec<u8>>,
}

impl Control {
    /// Queues a whole packet. `false` when too many wait.
    pub(super) fn push_packet(&mut self, packet: Vec<u8>) -> bool {
        let room = self.packets.len() < MAX_ANSWERS;
        if room {
            self.packets.push(packet);
        }
        room
    }

    /// Queues a chunk for the next packet. `false` when too many wait.
    pub(super) fn push_chunk(&mut self, chunk: &Chunk<'_>) -> bool {
        let room = self.chunks.len() < MAX_ANSWERS;
        if room {
            let mut out = Vec::new();
            chunk.write(&mut out);
            self.chunks.push(out);
        }
        room
    }

    /// Forgets chunks; packets still go.
    pub(super) fn clear_chunks(&mut self) {
        self.chunks.clear();
    }

    /// Forgets packets: what they belong to is over.
    pub(super) fn clear_packets(&mut self) {
        self.packets.clear();
    }
}

/// Where the packet begins in the buffer, and how far it may go.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: usize,
    max_len: usize,
    /// How large a packet may be that has to pass in any case.
    safe: usize,
}

impl Frame {
    fn room(self, out: &[u8]) -> usize {
        (self.start + self.max_len).saturating_sub(out.len())
    }

    fn is_empty(self, out: &[u8]) -> bool {
        out.len() <= self.start + HEADER_LEN
    }
}

impl Association {
    /// Appends one packet to `out` and says how long it is; `None` when there is nothing to send now.
    ///
    /// The packet has at most `max_len` bytes, which should be 128 or more and a multiple of four; or what probes have found to
    /// pass, where [`set_path`](Self::set_path) allows them. Its chunks fit packets of `max_len` bytes. When that has become smaller, a chunk that was cut for the larger one and has to be sent again goes alone in a packet that exceeds it:
    /// SCTP cannot cut it again, so it is for IP to fragment.
    pub fn poll_transmit(&mut self, now: Instant, max_len: usize, out: &mut Vec<u8>) -> Option<usize> {
        let now = self.clock(now);
        let (start, max_len) = (out.len(), max_len.min(MAX_PACKET));
        if let Some(packet) = self.control.packets.pop() {
            out.extend_from_slice(&packet);
            return Some(self.count_sent(packet.len()));
        }
        let peer_tag = self.peer?.tag;
        if max_len < MIN_PACKET || matches!(self.state, State::Closed(_)) {
            return None;
        }
        self.advance_shutdown(now);
        if let Some(len) = self.write_probe(now, max_len, out) {
            fill_checksum(out, start);
            return Some(self.count_sent(len));
        }
        let packet = self.path_mtu.packet(max_len);
        self.note_mtu(packet);
        self.header(peer_tag).write(out);
        let frame = Frame { start, max_len: packet & !3, safe: max_len & !3 };
        let checksum_needed = self.write_chunks(now, frame, out);
        if frame.is_empty(out) {
            out.truncate(start);
            return None;
        }
        if checksum_needed || !self.has_extension(Extensions::ZERO_CHECKSUM) {
            fill_checksum(out, start);
        }
        Some(self.count_sent(out.len() - start))
    }

    fn count_sent(&mut self, len: usize) -> usize {
        self.totals.packets_sent += 1;
        self.totals.bytes_sent += len as u64;
        len
    }

    fn note_mtu(&mut self, mtu: usize) {
        if self.mtu != mtu {
            self.mtu = mtu;
            self.congestion.on_mtu(mtu);
            self.note_pace();
        }
    }

    pub(super) const fn header(&self, verification_tag: u32) -> Header {
        Header {
            source_port: self.config.local_port,
            destination_port: self.config.remote_port,
            verification_tag,
        }
    }

    pub(super) fn has_extension(&self, extension: Extensions) -> bool {
        self.peer.is_some_and(|peer| peer.extensions.has(extension))
    }

    /// A packet of one chunk, with its checksum.
    pub(super) fn packet_of(&self, verification_tag: u32, chunk: &Chunk<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.header(verification_tag).write(&mut out);
        chunk.write(&mut out);
        fill_checksum(&mut out, 0);
        out
    }

    /// Whether the packet needs a checksum in any case.
    fn write_chunks(&mut self, now: Instant, frame: Frame, out: &mut Vec<u8>) -> bool {
        match &mut self.state {
            State::CookieEchoed { cookie, due } => {
                // RFC 9260 §5.1 D: nothing else may go until the COOKIE ACK is here, but this packet may carry DATA.
                if *due > 0 {
                    *due -= 1;
                    Chunk::CookieEcho(cookie).write(out);
                    self.write_data(now, frame, out);
                }
                // RFC 9653 §5.2: the peer may not know yet that we would leave it out.
                return true;
            }
            state if !state.is_up() => return false,
            _ => (),
        }
        while let Some(chunk) = self.control.chunks.front() {
            if chunk.len() > frame.room(out) {
                // One that fits no packet is given up.
                if frame.is_empty(out) {
                    self.control.chunks.pop();
                    continue;
                }
                return false;
            }
            out.extend_from_slice(chunk);
            self.control.chunks.pop();
        }
        self.write_reconfig(now, frame.room(out), out);
        let data = self.state.sends_data() && self.may_send_data(now);
        if self.acks.due() == Due::Now || self.acks.due() == Due::Later && data {
            let in_parts = self.has_extension(Extensions::NR_SACK);
            let (window, tracker) = (self.inbox.window(), &mut self.inbox.tracker);
            if self.acks.write(tracker, window, frame.room(out), in_parts, out) {
                self.timers.cancel(Timer::Sack);
            }
        }
        if self.forward.due {
            self.write_forward(now, frame.room(out), out);
        }
        if data {
            self.write_data(now, frame, out);
        }
        false
    }

    /// Whether there is something to send, and it may leave now.
    fn may_send_data(&mut self, now: Instant) -> bool {
        if !(self.flight.has_lost() && self.may_resend() || !self.flight.has_lost() && self.may_send_new()) {
            if self.outbox.is_empty() && !self.flight.has_lost() {
                self.flight.note_app_limited();
            }
            return false;
        }
        // A probe is one packet, and the time for it has come.
        if self.recovery == Recovery::Probe {
            return true;
        }
        let admitted = self.pacer.admit(now);
        match admitted {
            Ok(()) => self.timers.cancel(Timer::Pace),
            Err(at) => self.timers.set(Timer::Pace, at),
        }
        admitted.is_ok()
    }

    /// Whether both windows let something new go.
    fn may_send_new(&self) -> bool {
        !self.outbox.is_empty()
            && (self.flight.in_flight() < self.congestion.window() || self.recovery == Recovery::Probe)
    }

    /// Whether something lost may go: one packet at once when the loss is found (RFC 9260 §7.2.4 rule 3), and what the window
    /// allows.
    fn may_resend(&self) -> bool {
        self.flight.in_flight() < self.congestion.window()
            || matches!(self.recovery, Recovery::Probe | Recovery::Fast { free_packet: true, .. })
    }

    fn write_data(&mut self, now: Instant, frame: Frame, out: &mut Vec<u8>) {
        let before = out.len();
        let alone = self.flight.in_flight() == 0;
        let mut last = None;
        if self.flight.has_lost() && self.may_resend() {
            self.write_lost(now, frame, out, &mut last);
        }
        let resent = last.is_some();
        if !self.flight.has_lost() && self.flight.in_flight() < self.congestion.window() {
            if alone && let Some(since) = self.idle_since.take() {
                self.congestion.on_restart(now, now.saturating_since(since));
            }
            self.write_new(now, frame, out, &mut last);
        }
        self.tell_low();
        let Some(last) = last else { return };
        // RFC 7053: ask for an acknowledgement at once where none would come soon: at the end of a burst, and for a repair.
        // A packet on its own is left to the answer that it will cause.
        let blocked = self.outbox.is_empty() || self.flight.in_flight() >= self.congestion.window();
        if resent || (blocked && !alone) {
            out[last + 1] |= DataFlags::IMMEDIATE.bits();
        }
        debug_assert!(out.len() > before);
        let len = out.len() - before;
        self.flight.end_packet(now, len);
        self.pacer.note_sent(len);
        self.after_data(now, resent, alone);
    }

    fn after_data(&mut self, now: Instant, resent: bool, alone: bool) {
        match &mut self.recovery {
            Recovery::Fast { free_packet, .. } => *free_packet = false,
            Recovery::Probe => self.recovery = Recovery::None,
            _ => (),
        }
        // RFC 9260 §6.3.2 R1
        let up = self.state.sends_data();
        if up && (resent || self.timers.get(Timer::Retransmit).is_none()) {
            self.timers.set(Timer::Retransmit, now + self.rtt.rto());
        }
        if up && !resent {
            self.arm_probe(now, alone);
        }
        self.timers.cancel(Timer::Shrink);
    }

    fn write_lost(&mut self, now: Instant, frame: Frame, out: &mut Vec<u8>, last: &mut Option<usize>) {
        while let Some(at) = self.flight.next_lost() {
            if self.flight.is_spent(at, now, &self.outbox.messages) {
                self.abandon(at);
                continue;
            }
            let header_len = self.flight.header_len();
            let (tsn, Sent { piece, .. }) = self.flight.at(at);
            if padded(header_len + usize::from(piece.len)) > frame.room(out) && !frame.is_empty(out) {
                return;
            }
            *last = Some(out.len());
            let message = self.outbox.messages.get(piece.message);
            write_chunk(tsn, *piece, message, self.has_extension(Extensions::INTERLEAVING), out);
            if self.flight.resend(at, now) > MAX_VAIN {
                self.suspect_black_hole();
            }
        }
    }

    fn write_new(&mut self, now: Instant, frame: Frame, out: &mut Vec<u8>, last: &mut Option<usize>) {
        // Where the numbers that a gap block can say become scarce, larger packets are not worth a second one.
        let scarce = self.flight.unacked_chunks() >= SCARCE;
        let frame = if scarce { Frame { max_len: frame.safe, ..frame } } else { frame };
        let may_fill = self.has_extension(Extensions::PADDING);
        if self.write_pieces(now, frame, out, last) && may_fill && !self.outbox.is_empty() {
            fill_up(frame.room(out), out);
        }
    }

    /// Appends chunks as long as there is room for something. Whether the packet carries the rest of a message, so that it would
    /// have been filled.
    fn write_pieces(
        &mut self,
        now: Instant,
        frame: Frame,
        out: &mut Vec<u8>,
        last: &mut Option<usize>,
    ) -> bool {
        let interleave = self.has_extension(Extensions::INTERLEAVING);
        let header_len = self.flight.header_len();
        let full = frame.safe - HEADER_LEN - header_len;
        let most = if interleave { MAX_UNACKED } else { MAX_UNACKED_PLAIN };
        let mut in_parts = false;
        while let Some(left) = frame.room(out).checked_sub(header_len) {
            // RFC 9260 §6.1 A: not more than the peer has room for, but for one chunk that finds out whether it has any.
            let window = self.peer_window.saturating_sub(self.flight.unacked_payload());
            if window < full.min(self.outbox.queued()) && !self.flight.is_empty() {
                self.flight.note_app_limited();
                break;
            }
            if self.flight.unacked_chunks() >= most {
                break;
            }
            let Some(piece) = self.outbox.take(now, Room { left: left.min(full), full }) else {
                if self.settle_expired() {
                    continue;
                }
                break;
            };
            in_parts |= !piece.flags.begin();
            *last = Some(out.len());
            let message = self.outbox.messages.get(piece.message);
            write_chunk(self.flight.next_tsn(), piece, message, interleave, out);
            self.flight.push(now, piece);
        }
        in_parts
    }

    /// Tells of queues that ran low.
    fn tell_low(&mut self) {
        while let Some(stream) = self.outbox.next_low() {
            self.events.push_back(Event::BufferedLow { stream });
        }
    }

    /// Gives up messages whose time ran out in the middle. Whether there were any.
    fn settle_expired(&mut self) -> bool {
        let mut any = false;
        while let Some(id) = self.outbox.next_expired() {
            self.flight.abandon_message(id, &mut self.outbox.messages);
            self.forward.due = true;
            self.timers.set_earlier(Timer::Retransmit, self.now + self.rtt.rto());
            any = true;
        }
        any
    }

    /// Gives up the message that a lost chunk belongs to.
    fn abandon(&mut self, at: usize) {
        let (id, ended) = self.flight.abandon(at, &mut self.outbox.messages);
        if !ended && self.outbox.drop_rest(id) {
            self.flight.push_placeholder(id);
        }
        self.forward.due = true;
    }

    // RFC 3758 §3.5 C, RFC 8260 §2.3.1
    fn write_forward(&mut self, now: Instant, room: usize, out: &mut Vec<u8>) {
        let interleave = self.has_extension(Extensions::INTERLEAVING);
        let entry_len = if interleave { 8 } else { 4 };
        let Some(spare) = room.checked_sub(CHUNK_HEADER_LEN + 4 + entry_len) else { return };
        let max = 1 + spare / entry_len;
        let mut skipped: Vec<SkippedMessages> = Vec::new();
        let mut cumulative = None;
        for (tsn, id) in self.flight.skippable() {
            let same = |s: &&mut SkippedMessages| s.stream == id.stream && s.unordered == id.unordered;
            if id.unordered && !interleave {
                // A message without a number needs no entry.
            } else if let Some(entry) = skipped.iter_mut().find(same) {
                entry.mid = entry.mid.later(id.mid);
            } else if skipped.len() == max {
                break;
            } else {
                skipped.push(SkippedMessages { stream: id.stream, unordered: id.unordered, mid: id.mid });
            }
            cumulative = Some(tsn);
        }
        self.forward.due = false;
        let Some(cumulative) = cumulative else { return };
        self.forward.sent_at = Some(now);
        put_forward(cumulative, &skipped, interleave, out);
        self.timers.set_earlier(Timer::Retransmit, now + self.rtt.rto());
    }
}

fn put_forward(cumulative: Serial32, skipped: &[SkippedMessages], interleave: bool, out: &mut Vec<u8>) {
    let mut entries = Vec::new();
    for entry in skipped {
        if interleave {
            entry.write(&mut entries);
        } else {
            entries.extend_from_slice(&entry.stream.to_be_bytes());
            entries.extend_from_slice(&(entry.mid.0 as u16).to_be_bytes());
        }
    }
    if interleave {
        Chunk::IForwardTsn(IForwardTsn::new(cumulative, &entries)).write(out);
    } else {
        Chunk::ForwardTsn(ForwardTsn::new(cumulative, &entries)).write(out);
    }
}

/// Fills the few bytes up that no fragment is worth, so that packets stay of one size and leave in one run.
fn fill_up(room: usize, out: &mut Vec<u8>) {
    const ZEROS: [u8; MAX_PAD] = [0; MAX_PAD];
    if (CHUNK_HEADER_LEN..=MAX_PAD).contains(&room) {
        Chunk::Pad(&ZEROS[CHUNK_HEADER_LEN..room]).write(out);
    }
}

#[inline]
fn write_chunk(tsn: Serial32, piece: Piece, message: &Message, interleave: bool, out: &mut Vec<u8>) {
    let Piece { id, fsn, flags, .. } = piece;
    let (ppid, payload) = (message.ppid, piece.bytes_of(message));
    if interleave {
        let ppid_or_fsn = if flags.begin() { ppid } else { fsn };
        IData { flags, tsn, stream: id.stream, mid: id.mid, ppid_or_fsn, payload }.write(out);
    } else {
        let ssn = Serial16(id.mid.0 as u16);
        Data { flags, tsn, stream: id.stream, ssn, ppid, payload }.write(out);
    }
}
