//! What arrives: checks in front of everything else, and which chunk goes where.

use crate::base::drops::DropReason;
use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::data::sctp::arriving::{Arriving, ChunkAt};
use crate::data::sctp::congestion::Ack;
use crate::data::sctp::event::CloseReason;
use crate::data::sctp::flight::Blocks;
use crate::data::sctp::inbox::Incoming;
use crate::data::sctp::outbox::MessageId;
use crate::data::sctp::state::{Extensions, State};
use crate::data::sctp::timeout::Timer;
use crate::data::sctp::{Association, Reading, Recovery, Spurious};
use crate::wire::cursor::ParseError;
use crate::wire::sctp::cause::{CauseCode, Causes, put_cause};
use crate::wire::sctp::chunk::{Chunk, ChunkType, UnknownAction, is_reflected};
use crate::wire::sctp::data::{Data, ForwardTsn, IData, IForwardTsn, Sack};
use crate::wire::sctp::param::{ParamType, Params};
use crate::wire::sctp::{CHUNK_HEADER_LEN, HEADER_LEN, Header, Packet, RawChunk, has_valid_checksum};
use bytes::BytesMut;
use std::time::Duration;

/// How far FORWARD TSN may go beyond what has arrived: more chunks than a peer can have under way.
const MAX_FORWARD: u32 = 1 << 20;
/// Bytes that came without a measurement of the round trip for it to be worth a packet.
const MUCH: usize = 64 << 10;
/// The receive window is looked at no more often.
const MIN_TUNING: Duration = Duration::from_millis(5);
/// The largest HEARTBEAT whose answer shares a packet with others, in bytes of its parameters. Beyond, up to what a packet of
/// ours may have at most, the answer goes alone.
const MAX_HEARTBEAT: usize = 1_024;

/// What a packet brought.
#[derive(Clone, Copy, Debug, Default)]
struct Brought {
    data: bool,
    /// The acknowledgement cannot wait.
    urgent: bool,
}

/// What cannot be read is dropped for that.
const fn malformed(_: ParseError) -> DropReason {
    DropReason::SctpMalformed
}

/// Whether the rest of the packet is looked at.
enum Next {
    Chunk,
    Packet,
}

impl Association {
    /// Takes one packet. Whatever is wrong with it is counted in [`drops`](Self::drops).
    pub fn handle_packet(&mut self, now: Instant, mut packet: BytesMut) {
        let now = self.clock(now);
        self.totals.packets_received += 1;
        self.totals.bytes_received += packet.len() as u64;
        if let Err(reason) = self.take_packet(now, &mut packet) {
            self.drop_for(reason);
        }
    }

    fn take_packet(&mut self, now: Instant, bytes: &mut BytesMut) -> Result<(), DropReason> {
        let packet = Packet::parse(bytes).map_err(malformed)?;
        let header = packet.header;
        if header.source_port != self.config.remote_port || header.destination_port != self.config.local_port
        {
            return Err(DropReason::SctpPort);
        }
        // RFC 9653 §5.3: having said that DTLS is enough, we take packets without a checksum.
        let waived = packet.has_zero_checksum() && self.config.zero_checksum;
        if !waived && !has_valid_checksum(bytes) {
            return Err(DropReason::SctpChecksum);
        }
        if matches!(self.state, State::Idle) {
            return Err(DropReason::SctpUnexpected);
        }
        let mut packet = Arriving::new(bytes, HEADER_LEN);
        let first = packet.next().ok_or(DropReason::SctpMalformed)?.map_err(malformed)?;
        if matches!(self.state, State::Closed(_)) {
            return self.take_when_closed(header, first);
        }
        self.check_tag(header, first)?;
        if first.ty == ChunkType::Init {
            // RFC 9260 §3.3.2: an INIT is alone in its packet.
            let is_alone = packet.next().is_none();
            return match packet.chunk(first).parse().map_err(malformed)? {
                Chunk::Init(init) if is_alone => self.on_init(now, &init),
                _ => Err(DropReason::SctpMalformed),
            };
        }
        self.take_chunks(now, &mut packet, header, first);
        Ok(())
    }

    fn take_chunks(&mut self, now: Instant, packet: &mut Arriving<'_>, header: Header, first: ChunkAt) {
        let mut brought = Brought::default();
        let mut next = Some(Ok(first));
        while let Some(chunk) = next {
            let taken = match chunk {
                Ok(chunk) => self.take_chunk(now, packet, header, chunk, &mut brought),
                Err(error) => Err(malformed(error)),
            };
            match taken {
                Ok(Next::Chunk) => (),
                Ok(Next::Packet) => break,
                Err(reason) => {
                    self.drop_for(reason);
                    // Behind what cannot be read nothing is believed.
                    if reason == DropReason::SctpMalformed {
                        break;
                    }
                }
            }
            next = packet.next();
        }
        self.after_packet(now, brought);
    }

    /// The tag that a packet has to carry.
    // RFC 9260 §8.5, §8.5.1
    fn check_tag(&self, header: Header, first: ChunkAt) -> Result<(), DropReason> {
        let expected = match first.ty {
            ChunkType::Init => 0,
            // The cookie says which.
            ChunkType::CookieEcho => return Ok(()),
            ChunkType::Abort | ChunkType::ShutdownComplete if is_reflected(first.flags) => {
                self.peer.ok_or(DropReason::SctpVerificationTag)?.tag
            }
            _ => self.local.tag,
        };
        if header.verification_tag == expected { Ok(()) } else { Err(DropReason::SctpVerificationTag) }
    }

    /// The association is over, but the peer may not have heard.
    // RFC 9260 §8.4 rule 5
    fn take_when_closed(&mut self, header: Header, first: ChunkAt) -> Result<(), DropReason> {
        if first.ty == ChunkType::ShutdownAck && self.state == State::Closed(CloseReason::Shutdown) {
            let chunk = Chunk::ShutdownComplete { reflected: true };
            let packet = self.packet_of(header.verification_tag, &chunk);
            self.control.push_packet(packet);
        }
        Err(DropReason::Closed)
    }

    /// What comes all the time is read where it is used: the value of a [`Chunk`] is large, and would be moved about.
    #[inline]
    fn take_chunk(
        &mut self,
        now: Instant,
        packet: &mut Arriving<'_>,
        header: Header,
        at: ChunkAt,
        brought: &mut Brought,
    ) -> Result<Next, DropReason> {
        let chunk = packet.chunk(at);
        let RawChunk { ty, flags, value } = chunk;
        match ty {
            ChunkType::Data => {
                let incoming = self.incoming(&Data::parse(flags, value).map_err(malformed)?, at.end())?;
                self.take_data(packet, &incoming, brought)?;
            }
            ChunkType::IData => {
                let data = IData::parse(flags, value).map_err(malformed)?;
                let incoming = self.incoming_interleaved(&data, at.end())?;
                self.take_data(packet, &incoming, brought)?;
            }
            ChunkType::Sack => self.on_sack(now, &Sack::parse(value).map_err(malformed)?, Blocks::All)?,
            _ => return self.take_control(now, header, chunk.parse().map_err(malformed)?, brought),
        }
        Ok(Next::Chunk)
    }

    fn take_control(
        &mut self,
        now: Instant,
        header: Header,
        chunk: Chunk<'_>,
        brought: &mut Brought,
    ) -> Result<Next, DropReason> {
        match chunk {
            Chunk::InitAck(init) => self.on_init_ack(now, &init)?,
            // A cookie that is not good makes the rest of the packet out of the blue.
            Chunk::CookieEcho(cookie) => {
                if let Err(reason) = self.on_cookie_echo(now, header.verification_tag, cookie) {
                    self.drop_for(reason);
                    return Ok(Next::Packet);
                }
            }
            Chunk::CookieAck => self.on_cookie_ack(now)?,
            Chunk::Heartbeat(params) => self.on_heartbeat(params)?,
            Chunk::HeartbeatAck(params) => self.on_heartbeat_ack(now, params)?,
            Chunk::Abort { causes, .. } => {
                self.on_abort(causes)?;
                return Ok(Next::Packet);
            }
            Chunk::Error(causes) => {
                if causes.first_code() == Some(CauseCode::StaleCookie) {
                    self.on_stale_cookie(now);
                }
            }
            Chunk::Shutdown { cumulative } => self.on_shutdown(now, cumulative)?,
            Chunk::ShutdownAck => self.on_shutdown_ack()?,
            Chunk::ShutdownComplete { .. } => self.on_shutdown_complete()?,
            Chunk::Reconfig(params) => self.on_reconfig(params)?,
            Chunk::ForwardTsn(forward) => self.on_forward(&forward, brought)?,
            Chunk::IForwardTsn(forward) => self.on_iforward(&forward, brought)?,
            Chunk::Pad(_) => (),
            Chunk::Init(_) => return Err(DropReason::SctpUnexpected),
            Chunk::NrSack(sack) if self.has_extension(Extensions::NR_SACK) => {
                self.on_sack(now, &sack, Blocks::Some)?;
            }
            Chunk::NrSack(_) => return Err(DropReason::SctpNotNegotiated),
            Chunk::Unknown { ty, .. } => return Ok(self.on_unknown(ty, &chunk)),
            Chunk::Data(_) | Chunk::IData(_) | Chunk::Sack(_) => (),
        }
        Ok(Next::Chunk)
    }

    // RFC 9260 §3.2
    fn on_unknown(&mut self, ty: u8, chunk: &Chunk<'_>) -> Next {
        self.drop_for(DropReason::SctpUnknownChunk);
        let action = UnknownAction::of_chunk(ty);
        let mut whole = Vec::new();
        chunk.write(&mut whole);
        // What is echoed stays small: nobody needs the content of what nobody knows.
        whole.truncate(64);
        if action.report && self.state.is_up() {
            let mut causes = Vec::new();
            put_cause(&mut causes, CauseCode::UnrecognizedChunk, &whole);
            self.control.push_chunk(&Chunk::Error(Causes::new(&causes)));
        }
        if action.skip { Next::Chunk } else { Next::Packet }
    }

    /// What happens once for all chunks of a packet.
    fn after_packet(&mut self, now: Instant, brought: Brought) {
        if !brought.data {
            return;
        }
        // RFC 9260 §6.2, §6.7: at once when something is missing or was asked for, else with the second packet.
        let urgent = brought.urgent || self.inbox.tracker.has_gaps();
        if self.acks.note_packet(urgent) {
            self.timers.set(Timer::Sack, now + self.config.sack_delay);
        }
        self.tune_window(now);
        self.advance_reset();
        self.note_idle(now);
    }

    /// Lets the window grow with what the application reads in a round trip, so that it is never what holds the sender back:
    /// twice for the sender's doubling, and twice for what waits until a loss is repaired. What has come counts as read while
    /// the application reads all that it can.
    fn tune_window(&mut self, now: Instant) {
        if self.reading.received >= MUCH {
            self.measure(now);
        }
        let passed = now.saturating_since(self.reading.begin);
        let Some(srtt) = self.rtt.srtt().filter(|&srtt| passed >= srtt.max(MIN_TUNING)) else { return };
        // More than a round trip may have passed: what was read in one is its part.
        let Reading { bytes, received, .. } = self.reading;
        let read = if self.inbox.is_read() { bytes.max(received) } else { bytes };
        let read = read as f64 * (srtt.as_secs_f64() / passed.as_secs_f64());
        self.inbox.grow((4 * read as usize).min(self.config.max_receive_buffer));
        self.reading = Reading { begin: now, ..Reading::default() };
    }

    /// What a DATA chunk says whose payload ends at `end`.
    #[inline]
    fn incoming(&self, data: &Data<'_>, end: usize) -> Result<Incoming, DropReason> {
        // RFC 8260 §2.1: the two kinds never mix.
        if self.has_extension(Extensions::INTERLEAVING) {
            return Err(DropReason::SctpNotNegotiated);
        }
        let unordered = data.flags.unordered();
        let mid = if unordered { Serial32(0) } else { Serial32(data.ssn.0.into()) };
        let id = MessageId { stream: data.stream, unordered, mid };
        let Data { tsn, ppid, flags, payload, .. } = *data;
        Ok(Incoming { tsn, id, fsn: 0, ppid, flags, payload: end - payload.len()..end })
    }

    /// The same of an I-DATA chunk.
    #[inline]
    fn incoming_interleaved(&self, data: &IData<'_>, end: usize) -> Result<Incoming, DropReason> {
        if !self.has_extension(Extensions::INTERLEAVING) {
            return Err(DropReason::SctpNotNegotiated);
        }
        let IData { flags, tsn, stream, mid, ppid_or_fsn, payload } = *data;
        let id = MessageId { stream, unordered: flags.unordered(), mid };
        let (ppid, fsn) = if flags.begin() { (ppid_or_fsn, 0) } else { (0, ppid_or_fsn) };
        Ok(Incoming { tsn, id, fsn, ppid, flags, payload: end - payload.len()..end })
    }

    #[inline]
    fn take_data(
        &mut self,
        packet: &mut Arriving<'_>,
        chunk: &Incoming,
        brought: &mut Brought,
    ) -> Result<(), DropReason> {
        if !self.state.receives_data() {
            return Err(DropReason::SctpUnexpected);
        }
        // RFC 9260 §6.2: a chunk without data ends the association.
        if chunk.payload.is_empty() {
            self.abort_with(CauseCode::NoUserData, CloseReason::ProtocolViolation);
            return Err(DropReason::SctpMalformed);
        }
        brought.data = true;
        brought.urgent |= chunk.flags.immediate();
        let held = self.inbox.held();
        let result = self.inbox.handle_data(packet, chunk, &mut self.events);
        // What is discarded needs no room.
        self.reading.received += self.inbox.held().saturating_sub(held);
        brought.urgent |= matches!(result, Err(DropReason::SctpDuplicate | DropReason::SctpWindow));
        result
    }

    fn on_sack(&mut self, now: Instant, sack: &Sack<'_>, blocks: Blocks) -> Result<(), DropReason> {
        if !self.state.is_up() {
            return Err(DropReason::SctpUnexpected);
        }
        let in_flight_before = self.flight.in_flight();
        let Some(progress) = self.flight.handle_sack(now, sack, blocks, &mut self.outbox.messages)? else {
            return Ok(());
        };
        self.peer_window = sack.window as usize;
        if let Some(rtt) = progress.rtt {
            self.rtt.sample(rtt);
        }
        // RFC 9260 §6.1 A: a peer that says that it has no room is there.
        let moved = progress.bytes > 0 || progress.cumulative;
        if moved || sack.window == 0 {
            self.tries.clear();
        }
        // Until there is a measurement, the doubled time-out is all that is known of a path longer than the first one was meant
        // for (RFC 6298 §5.7 for TCP).
        if moved && self.rtt.srtt().is_some() {
            self.rtt.clear_backoff();
        }
        let lost = self.advance_recovery(now, progress.spurious + sack.duplicates().count() as u32);
        if progress.bytes > 0 {
            self.congestion.on_ack(&Ack {
                now,
                bytes: progress.bytes,
                lost,
                in_flight_before,
                in_flight: self.flight.in_flight(),
                cumulative: progress.cumulative,
                recovering: matches!(self.recovery, Recovery::Fast { .. }),
                rtt: progress.rtt,
                srtt: self.rtt.srtt(),
                sample: progress.sample,
            });
        }
        self.note_pace();
        self.after_sack(now, progress.cumulative);
        Ok(())
    }

    /// Ends recovery where it is over, and begins it where something is lost; `arrived` chunks turned out not to be. Bytes lost.
    fn advance_recovery(&mut self, now: Instant, arrived: u32) -> usize {
        // RFC 9438 §4.9, RFC 4015: when all that was taken for lost had arrived, the path only changed their order.
        let spurious = &mut self.spurious;
        spurious.arrived = spurious.arrived.saturating_add(arrived);
        if spurious.lost > 0 && spurious.arrived >= spurious.lost {
            *spurious = Spurious::default();
            self.congestion.on_spurious(now);
        }
        if let Recovery::Fast { exit, .. } | Recovery::Timeout { exit } = self.recovery
            && self.flight.is_past(exit)
        {
            self.recovery = Recovery::None;
        }
        let reordering = self.rtt.srtt().unwrap_or(Duration::from_millis(100)) / 2;
        let repairing = matches!(self.recovery, Recovery::Fast { .. } | Recovery::Timeout { .. });
        let (chunks, bytes) = self.flight.detect_losses(reordering, repairing);
        if chunks > 0 && !repairing {
            self.congestion.on_loss(now, self.flight.in_flight());
            let exit = self.flight.next_tsn().minus(1);
            self.recovery = Recovery::Fast { exit, free_packet: true };
            self.spurious = Spurious::default();
        }
        self.spurious.lost = self.spurious.lost.saturating_add(chunks);
        bytes
    }

    /// Takes over the rate at which packets leave.
    pub(super) fn note_pace(&mut self) {
        self.pacer.set(self.congestion.pacing_rate(), self.rtt.srtt(), self.mtu);
    }

    fn after_sack(&mut self, now: Instant, cumulative: bool) {
        if self.flight.is_empty() {
            // RFC 9260 §6.3.2 R2
            self.timers.cancel(Timer::Retransmit);
            self.timers.cancel(Timer::Probe);
            self.idle_since = Some(now);
            self.note_idle(now);
        } else if cumulative {
            // R3
            self.timers.set(Timer::Retransmit, now + self.rtt.rto());
            self.arm_probe(now, false);
        }
        // RFC 3758 §3.5 C3: repeated while the peer still waits, once a round trip.
        let pause = self.rtt.srtt().unwrap_or_default();
        let rested = self.forward.sent_at.is_none_or(|at| now.saturating_since(at) >= pause);
        if rested && self.flight.skippable().next().is_some() {
            self.forward.due = true;
        }
        self.advance_shutdown(now);
    }

    fn on_heartbeat(&mut self, params: Params<'_>) -> Result<(), DropReason> {
        // An echo that fits no packet of ours, or before there is anyone to echo to, is not made.
        let len = params.as_bytes().len();
        let most = self.path_mtu.largest().saturating_sub(HEADER_LEN + CHUNK_HEADER_LEN).max(MAX_HEARTBEAT);
        let Some(peer) = self.peer.filter(|_| self.state.is_up() && len <= most) else {
            return Err(DropReason::SctpUnexpected);
        };
        let echo = Chunk::HeartbeatAck(params);
        // A large one asks what the path carries both ways: it is answered with a packet as large, which may be lost.
        let queued = if len > MAX_HEARTBEAT {
            let packet = self.packet_of(peer.tag, &echo);
            self.control.push_packet(packet)
        } else {
            self.control.push_chunk(&echo)
        };
        if queued { Ok(()) } else { Err(DropReason::SctpUnexpected) }
    }

    fn on_heartbeat_ack(&mut self, now: Instant, params: Params<'_>) -> Result<(), DropReason> {
        let info = params.find(ParamType::HeartbeatInfo).ok_or(DropReason::SctpMalformed)?;
        if self.on_probe_answer(info.value) {
            self.tries.clear();
            return Ok(());
        }
        let asked = self.heartbeat.take_if(|(nonce, _)| info.value == nonce.to_be_bytes());
        let (_, sent_at) = asked.ok_or(DropReason::SctpUnexpected)?;
        self.rtt.sample(now.saturating_since(sent_at));
        self.tries.clear();
        Ok(())
    }

    fn on_forward(&mut self, forward: &ForwardTsn<'_>, brought: &mut Brought) -> Result<(), DropReason> {
        let negotiated = self.has_extension(Extensions::PARTIAL_RELIABILITY)
            && !self.has_extension(Extensions::INTERLEAVING);
        let skipped = forward.skipped().map(|(stream, ssn)| MessageId {
            stream,
            unordered: false,
            mid: Serial32(ssn.0.into()),
        });
        self.forward_to(forward.cumulative, negotiated, skipped, brought)
    }

    fn on_iforward(&mut self, forward: &IForwardTsn<'_>, brought: &mut Brought) -> Result<(), DropReason> {
        let negotiated = self.has_extension(Extensions::INTERLEAVING);
        let skipped = forward.skipped().map(|skipped| MessageId {
            stream: skipped.stream,
            unordered: skipped.unordered,
            mid: skipped.mid,
        });
        self.forward_to(forward.cumulative, negotiated, skipped, brought)
    }

    // RFC 3758 §3.6
    fn forward_to(
        &mut self,
        tsn: Serial32,
        negotiated: bool,
        skipped: impl Iterator<Item = MessageId>,
        brought: &mut Brought,
    ) -> Result<(), DropReason> {
        if !negotiated {
            return Err(DropReason::SctpNotNegotiated);
        }
        if !self.state.receives_data() {
            return Err(DropReason::SctpUnexpected);
        }
        let cumulative = self.inbox.tracker.cumulative();
        brought.data = true;
        brought.urgent = true;
        if tsn.is_at_or_before(cumulative) {
            return Err(DropReason::SctpDuplicate);
        }
        if tsn.distance_from(cumulative) > MAX_FORWARD {
            return Err(DropReason::SctpBadTsn);
        }
        self.inbox.handle_forward(tsn, skipped, &mut self.events);
        Ok(())
    }
}
