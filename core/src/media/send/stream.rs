//! One stream of ours: frames cut into packets, packets numbered, kept, and repeated when they are missed.

use crate::base::media::{CodecRole, TransceiverId};
use crate::base::negotiated::LocalSource;
use crate::base::random::Rng;
use crate::base::seq::{Serial16, Serial32};
use crate::base::time::{Instant, ticks};
use crate::media::codec::{Format, Head, Layer, PacketizeError, Packetizer, Payload};
use crate::media::counters::{Outbound, RemoteReceived, RoundTrips, Sent};
use crate::media::extensions::Extensions;
use crate::media::parity::shield;
use crate::media::section::{Codec, Section};
use crate::media::send::guard::{Carrier, Group, Older, Protection};
use crate::media::send::history::{History, Refusal};
use crate::media::send::pacer::Pacer;
use crate::media::send::tone::Report;
use crate::wire::rtcp::report::{ReportBlock, SenderInfo};
use crate::wire::rtp::Header;
use crate::wire::rtp::fec::{Correction, MAX_HEADER_LEN};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

/// Packets that wait to be sent: a driver that does not ask for them has stopped.
pub(in crate::media) const MAX_QUEUED: usize = 4_096;
/// What is kept for repetitions: two seconds at 8 Mbit/s, and never more.
const HISTORY_BYTES: usize = 2 << 20;
const HISTORY_AGE: Duration = Duration::from_secs(2);

/// A packet that has its number and waits to be laid out.
#[derive(Clone, Debug)]
pub(in crate::media) struct Outgoing {
    pub header: Header,
    pub payload: Payload,
    /// Header extensions of the application, as [`ExtensionValues`](crate::media::event::ExtensionValues) has them.
    pub extensions: Bytes,
    pub what: What,
    /// How parity of it is to be sent.
    pub carrier: Option<Carrier>,
    /// Since when it is held up.
    pub since: Option<Instant>,
    /// Whether it waits for its turn in a burst. Sound does not, and neither do packets that another sender has paced.
    pub paced: bool,
}

/// A frame is not expected to be shorter, where one source follows another.
const FRAMES_A_SECOND: u32 = 60;

/// The source that is forwarded.
#[derive(Clone, Copy, Debug)]
struct Forwarded {
    source: u64,
    count: u64,
    ours: u16,
    shift: u32,
}

/// What a packet is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::media) enum What {
    /// It carries media.
    Media,
    /// It repeats one that carried this number.
    Repetition(Serial16),
    /// It is parity of others.
    Parity,
}

impl Outgoing {
    /// A packet of media that waits for nothing.
    fn media(header: Header, payload: Payload, extensions: Bytes) -> Self {
        Self { header, payload, extensions, what: What::Media, carrier: None, since: None, paced: false }
    }
}

/// One stream of ours.
#[derive(Debug)]
pub(in crate::media) struct Stream {
    pub transceiver: TransceiverId,
    /// Its place among the encodings of its sender.
    pub encoding: usize,
    /// The place of its section.
    pub section: usize,
    pub ssrc: u32,
    rtx_ssrc: u32,
    pub rid: Option<Box<str>>,
    next: Serial16,
    rtx_next: Serial16,
    /// What the application's timestamps count up from.
    offset: u32,
    packetizer: Option<Packetizer>,
    first_picture: u16,
    pub protection: Protection,
    older: Older,
    group: Option<Group>,
    /// The source of parity that is a stream of its own, and its next number.
    parity: (u32, Serial16),
    queue: VecDeque<Outgoing>,
    history: History<Outgoing>,
    /// Whether the peer has reported on it, and so knows which it is.
    pub is_known: bool,
    pub packets: u32,
    pub octets: u32,
    pub sent: Sent,
    /// The number of its first packet, and the payload type of the last one.
    first: Serial16,
    pub payload_type: Option<u8>,
    /// The timestamp sent last, when, and its clock.
    latest: Option<(Serial32, Instant, u32)>,
    /// The source whose packets are forwarded, the number that it had last and ours for it, and what is added to its
    /// timestamps.
    forwarded: Option<Forwarded>,
    /// The timestamp that was forwarded last, and when.
    pushed: Option<(Serial32, Instant)>,
    /// Packets sent until the report before.
    reported_packets: u32,
    /// What the peer last reported of it.
    pub remote: Option<RemoteReceived>,
    /// When a key frame was asked for last, and the number of the last full intra request.
    pub key_requested: Option<Instant>,
    pub intra_request: Option<u8>,
    /// How many bits in a second the peer has asked for at most.
    pub limit: Option<u64>,
    /// Whether it stands in line to send.
    pub is_ready: bool,
}

impl Stream {
    pub(in crate::media) fn new(
        transceiver: TransceiverId,
        encoding: usize,
        source: &LocalSource,
        rng: &mut Rng,
    ) -> Self {
        // RFC 3550 §5.1: numbers and timestamps begin where nobody can guess.
        let numbers = rng.secret_u64();
        let &LocalSource { ssrc, rtx: rtx_ssrc, fec } = source;
        Self {
            transceiver,
            encoding,
            section: 0,
            ssrc,
            rtx_ssrc,
            rid: None,
            // In the lower half, so that SRTP's count cannot wrap before its first packet is authenticated.
            next: Serial16(numbers as u16 & 0x7fff),
            rtx_next: Serial16((numbers >> 16) as u16 & 0x7fff),
            offset: (numbers >> 32) as u32,
            packetizer: None,
            first_picture: numbers as u16,
            protection: Protection::default(),
            older: Older::default(),
            group: None,
            parity: (fec, Serial16(numbers as u16 & 0x7fff)),
            queue: VecDeque::new(),
            history: History::new(HISTORY_BYTES, HISTORY_AGE),
            is_known: false,
            packets: 0,
            octets: 0,
            sent: Sent::default(),
            first: Serial16(numbers as u16 & 0x7fff),
            payload_type: None,
            latest: None,
            forwarded: None,
            pushed: None,
            reported_packets: 0,
            remote: None,
            key_requested: None,
            intra_request: None,
            limit: None,
            is_ready: false,
        }
    }

    /// Packets that wait.
    pub(in crate::media) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether the next packet waits for a burst.
    pub(in crate::media) fn is_paced(&self) -> bool {
        self.queue.front().is_some_and(|packet| packet.paced)
    }

    /// Bytes that wait for bursts.
    pub(in crate::media) fn paced_bytes(&self) -> usize {
        self.queue.iter().filter(|packet| packet.paced).map(|packet| packet.payload.len()).sum()
    }

    /// Cuts a frame into packets that wait to be sent, `pacer` knowing of them.
    pub(in crate::media) fn push_frame(
        &mut self,
        codec: &Codec,
        format: Format,
        frame: &FrameToSend<'_>,
        limit: usize,
        pacer: &mut Pacer,
    ) -> Result<(), PacketizeError> {
        if self.packetizer.as_ref().is_none_or(|packetizer| packetizer.format() != format) {
            self.packetizer = Some(Packetizer::new(format, self.first_picture));
        }
        let Some(packetizer) = &mut self.packetizer else { return Ok(()) };
        let mut payloads = Vec::new();
        packetizer.packetize(frame.data, limit, frame.layer, &mut payloads)?;
        let last = payloads.len() - 1;
        let timestamp = Serial32(frame.timestamp.wrapping_add(self.offset));
        for (at, payload) in payloads.into_iter().enumerate() {
            let marker = if format.marks_ends() { at == last } else { frame.marker };
            let wrapped = self.wrap(payload, timestamp, codec.payload_type, frame, limit);
            let (payload_type, payload) = wrapped;
            let header = self.numbered(payload_type, marker, timestamp);
            if frame.paced {
                pacer.join(payload.len());
            }
            let (paced, carrier) = (frame.paced, frame.carrier);
            let packet = Outgoing::media(header, payload, frame.extensions.clone());
            self.queue.push_back(Outgoing { paced, carrier, ..packet });
        }
        Ok(())
    }

    /// What to add to the timestamps of a source that begins with this one, so that they go on from those before by as much
    /// as has passed, and by a frame at least.
    fn shift(&self, now: Instant, clock_rate: u32, timestamp: u32) -> u32 {
        let Some((last, at)) = self.pushed else { return self.offset };
        let passed = ticks(now.saturating_since(at), clock_rate) as u32;
        last.plus(passed.max(clock_rate / FRAMES_A_SECOND)).0.wrapping_sub(timestamp)
    }

    /// The payload as it is sent, and its type: inside of RFC 2198 where that carries older ones or tells it from parity.
    fn wrap(
        &mut self,
        mut payload: Payload,
        timestamp: Serial32,
        payload_type: u8,
        frame: &FrameToSend<'_>,
        limit: usize,
    ) -> (u8, Payload) {
        if let Some(Carrier::Ulpfec { red, .. }) = frame.carrier {
            payload.head.insert(0, payload_type);
            return (red, payload);
        }
        match frame.redundancy.filter(|_| self.protection.depth() > 0) {
            Some(red) => {
                let depth = self.protection.depth();
                (red, self.older.wrap(timestamp, (payload_type, &payload.body), depth, limit))
            }
            None => (payload_type, payload),
        }
    }

    /// Takes a packet into account that was laid out, as parity; behind the last of a group that parity is queued.
    pub(in crate::media) fn guard(
        &mut self,
        packet: &Outgoing,
        laid_out: &[u8],
        extensions: &Extensions,
        pacer: &mut Pacer,
    ) {
        let Some(carrier) = packet.carrier else { return };
        let is_wrapped = matches!(carrier, Carrier::Ulpfec { .. });
        let Some(shielded) = shield(laid_out, extensions, is_wrapped) else { return };
        let Header { sequence, timestamp, .. } = packet.header;
        let rest = || self.queue.iter().take_while(|next| next.header.timestamp == timestamp).count();
        let mut group =
            self.group.take().unwrap_or_else(|| Group::new(sequence, 1 + rest(), self.protection));
        if !group.add(sequence, &shielded) {
            self.group = Some(group);
            return;
        }
        for correction in group.corrections(self.ssrc) {
            self.push_parity(carrier, timestamp, &correction, pacer);
        }
    }

    fn push_parity(
        &mut self,
        carrier: Carrier,
        timestamp: Serial32,
        correction: &Correction<'_>,
        pacer: &mut Pacer,
    ) {
        let mut body = Vec::with_capacity(MAX_HEADER_LEN + correction.parity.len());
        let (header, head) = match carrier {
            Carrier::Ulpfec { red, payload_type } => {
                correction.write_ulpfec(&mut body);
                (self.numbered(red, false, timestamp), Head::from_slice(&[payload_type]))
            }
            Carrier::Flexfec { payload_type } => {
                correction.write_flexfec(&mut body);
                let (ssrc, sequence) = self.parity;
                self.parity.1 = sequence.next();
                (Header { marker: false, payload_type, sequence, timestamp, ssrc }, Head::new())
            }
        };
        let packet = Outgoing::media(header, Payload { head, body: body.into() }, Bytes::new());
        pacer.join(packet.payload.len());
        self.queue.push_back(Outgoing { what: What::Parity, paced: true, ..packet });
    }

    /// Queues a packet of another source: its number and its timestamp become ours. `count` is the source's own number,
    /// counted on; gaps in it stay gaps, so that the peer asks for what is missing.
    pub(in crate::media) fn push_packet(
        &mut self,
        now: Instant,
        codec: (u8, u32),
        packet: &PacketToSend<'_>,
    ) {
        let (payload_type, clock_rate) = codec;
        let known = self.forwarded.filter(|known| known.source == packet.source);
        let (sequence, shift) = match known {
            // Late ones take the number that was left for them; a source that jumped goes on behind the last.
            Some(known) if packet.count.abs_diff(known.count) < 1 << 14 => {
                let ahead = packet.count.wrapping_sub(known.count) as i64 as u16;
                (Serial16(known.ours.wrapping_add(ahead)), known.shift)
            }
            Some(known) => (self.next, known.shift),
            None => (self.next, self.shift(now, clock_rate, packet.timestamp)),
        };
        if known.is_none() || sequence.is_at_or_after(self.next) {
            self.next = sequence.next();
            let (source, count) = (packet.source, packet.count);
            self.forwarded = Some(Forwarded { source, count, ours: sequence.0, shift });
        }
        let timestamp = Serial32(packet.timestamp.wrapping_add(shift));
        self.pushed = Some((timestamp, now));
        let header = Header { marker: packet.marker, payload_type, sequence, timestamp, ssrc: self.ssrc };
        let (payload, extensions) = (Payload::plain(packet.payload.clone()), packet.extensions.clone());
        self.older.clear();
        self.queue.push_back(Outgoing::media(header, payload, extensions));
    }

    /// The header of the next packet.
    const fn numbered(&mut self, payload_type: u8, marker: bool, timestamp: Serial32) -> Header {
        let sequence = self.next;
        self.next = sequence.next();
        Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc }
    }

    /// What waits is held up, now that it could leave.
    pub(in crate::media) fn hold(&mut self, now: Instant) {
        let new = self.queue.iter_mut().rev().take_while(|packet| packet.since.is_none());
        new.for_each(|packet| packet.since = Some(now));
    }

    /// The next packet.
    pub(in crate::media) fn pop(&mut self) -> Option<Outgoing> {
        self.queue.pop_front()
    }

    /// A packet was laid out in so many bytes, and counts as sent now.
    pub(in crate::media) fn count(
        &mut self,
        now: Instant,
        packet: &Outgoing,
        len: usize,
        codec: Option<&Codec>,
    ) {
        // Parity that is a stream of its own is none of this one.
        if packet.what == What::Parity && packet.header.ssrc != self.ssrc {
            return;
        }
        let payload = packet.payload.len();
        self.sent.waited += packet.since.map_or(Duration::ZERO, |since| now.saturating_since(since));
        self.sent.count(payload, len - payload, matches!(packet.what, What::Repetition(_)));
        if packet.header.ssrc != self.ssrc {
            return;
        }
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
        if packet.what == What::Media {
            self.payload_type = Some(packet.header.payload_type);
            self.sent.count_frame(payload, packet.header.marker);
            // A tone's packets have the time of its beginning, which says nothing of now.
            if let Some(codec) = codec.filter(|codec| codec.role != CodecRole::TelephoneEvent) {
                self.latest = Some((packet.header.timestamp, now, codec.clock_rate));
            }
        }
    }

    /// Keeps a packet that was sent: the peer may miss it.
    pub(in crate::media) fn keep(&mut self, now: Instant, packet: Outgoing) {
        if packet.header.ssrc == self.ssrc {
            let (sequence, len) = (packet.header.sequence, packet.payload.len());
            self.history.push(now, sequence, packet, len);
        }
    }

    /// The peer misses `sequence`: it is sent again, as `rtx` says.
    pub(in crate::media) fn repeat(
        &mut self,
        now: Instant,
        sequence: Serial16,
        round_trip: Duration,
        pacer: &mut Pacer,
        rtx: impl FnOnce(u8) -> Option<u8>,
    ) -> Result<(), Refusal> {
        if self.queue.len() >= MAX_QUEUED {
            return Err(Refusal::TooSoon);
        }
        let sent = self.history.repeat(now, sequence, round_trip)?;
        let mut packet = sent.clone();
        // RFC 4588 §4: a source, numbers and a payload type of their own. SRTP does not send a number twice, so
        // without those there is no repetition.
        let payload_type = rtx(packet.header.payload_type).ok_or(Refusal::Unknown)?;
        packet.header =
            Header { payload_type, sequence: self.rtx_next, ssrc: self.rtx_ssrc, ..packet.header };
        let what = What::Repetition(sequence);
        packet = Outgoing { what, carrier: None, since: None, paced: true, ..packet };
        pacer.join(packet.payload.len());
        self.rtx_next = self.rtx_next.next();
        self.queue.push_back(packet);
        Ok(())
    }

    /// The peer reports on it, and with that has understood what it is.
    pub(in crate::media) fn hear(&mut self, now: Instant, block: &ReportBlock, round_trip: Option<Duration>) {
        self.is_known = true;
        let (_, _, clock_rate) = self.latest.unwrap_or((Serial32(0), now, 1));
        let expected = i64::from(block.highest.wrapping_sub(self.first.0.into()).wrapping_add(1));
        let mut round_trips = self.remote.map_or_else(RoundTrips::default, |remote| remote.round_trips);
        round_trip.into_iter().for_each(|sample| round_trips.add(sample));
        self.remote = Some(RemoteReceived {
            arrived: now,
            packets: (expected - i64::from(block.lost)).max(0).unsigned_abs(),
            lost: block.lost.into(),
            fraction_lost: f64::from(block.fraction_lost) / 256.0,
            jitter: f64::from(block.jitter) / f64::from(clock_rate),
            round_trips,
        });
    }

    /// What is known of it.
    pub(in crate::media) fn facts(&self, section: &Section) -> Outbound<'_> {
        let payload_type = self.payload_type.or_else(|| section.first_choice().map(|c| c.payload_type));
        let repeats = section.send.iter().any(|codec| codec.rtx.is_some());
        Outbound {
            transceiver: self.transceiver,
            kind: section.kind,
            encoding: self.encoding,
            rid: self.rid.as_deref(),
            ssrc: self.ssrc,
            rtx: repeats.then_some(self.rtx_ssrc),
            payload_type,
            sends: section.direction.sends(),
            sent: self.sent,
            remote: self.remote,
        }
    }

    /// What to report of it at `now`, of which NTP says `ntp`; nothing where nothing was sent since the report before.
    pub(in crate::media) fn report(&mut self, now: Instant, ntp: u64) -> Option<SenderInfo> {
        if std::mem::replace(&mut self.reported_packets, self.packets) == self.packets {
            return None;
        }
        let timestamp = self.timestamp_at(now)?;
        Some(SenderInfo { ntp, timestamp, packets: self.packets, octets: self.octets })
    }

    /// The RTP time of an instant, by what was sent last.
    fn timestamp_at(&self, now: Instant) -> Option<Serial32> {
        let (timestamp, at, clock_rate) = self.latest?;
        Some(timestamp.plus(ticks(now.saturating_since(at), clock_rate) as u32))
    }

    /// The RTP time of something that begins now, be it the first of all.
    pub(in crate::media) fn timestamp_now(&self, now: Instant) -> Serial32 {
        self.timestamp_at(now).unwrap_or(Serial32(self.offset))
    }

    /// Queues what is said of a tone.
    pub(in crate::media) fn push_tone(&mut self, payload_type: u8, report: Report) {
        let Report { marker, timestamp, event } = report;
        let header = self.numbered(payload_type, marker, timestamp);
        let payload = Payload::plain(Bytes::copy_from_slice(&event.to_bytes()));
        self.older.clear();
        self.queue.push_back(Outgoing::media(header, payload, Bytes::new()));
    }

    /// Drops what waits.
    pub(in crate::media) fn clear(&mut self) {
        self.queue.clear();
        self.older.clear();
        self.group = None;
    }
}

/// A frame, with its extensions laid out.
pub(in crate::media) struct FrameToSend<'a> {
    pub data: &'a Bytes,
    pub timestamp: u32,
    pub marker: bool,
    pub layer: Layer,
    pub extensions: Bytes,
    pub paced: bool,
    /// The payload type of redundant sound, where that is wanted.
    pub redundancy: Option<u8>,
    /// How parity is to be sent, where that is wanted.
    pub carrier: Option<Carrier>,
}

/// A packet of another source.
pub(in crate::media) struct PacketToSend<'a> {
    pub source: u64,
    pub count: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: &'a Bytes,
    pub extensions: Bytes,
}
