//! What happens to an RTP packet that came.

use crate::base::drops::DropReason;
use crate::base::ids::Id;
use crate::base::media::TransceiverId;
use crate::base::seq::{Serial16, Serial32};
use crate::base::time::Instant;
use crate::media::codec::red;
use crate::media::event::Delivery;
use crate::media::event::Event;
use crate::media::extensions::Tags;
use crate::media::packet::RtpPacket;
use crate::media::receive::stream::{Incoming, Piece};
use crate::media::section::{Payload, Protection};
use crate::media::sources::{Found, Source, find};
use crate::media::{Media, Timer};
use crate::wire::cursor::ParseError;
use crate::wire::rtp::fec::Correction;
use crate::wire::rtp::{Header, Layout, Packet, rtx};
use bytes::{Buf as _, Bytes, BytesMut};
use std::time::Duration;

/// How long arrivals are collected before the sender is told: libwebrtc's default.
const ARRIVALS_INTERVAL: Duration = Duration::from_millis(100);

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// Media, as its payload format has it.
    Media,
    /// Media inside of RFC 2198, with older media perhaps.
    Redundant,
    /// Parity as it is, or padding.
    Parity,
    /// Parity inside of RFC 2198.
    WrappedParity,
}

/// How a packet came to be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The first of its number.
    Path,
    /// Sent again.
    Repeated,
    /// Computed from others.
    Computed,
}

/// How a packet came, and what it carries.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    content: Content,
    origin: Origin,
}

impl Media {
    /// Takes an RTP packet that was opened.
    pub fn handle_rtp(&mut self, now: Instant, packet: BytesMut) {
        if let Err(reason) = self.receive(now, packet) {
            self.drops.count(reason);
        }
    }

    fn receive(&mut self, now: Instant, mut bytes: BytesMut) -> Result<(), DropReason> {
        if self.events.is_full() {
            return Err(DropReason::RtpBacklog);
        }
        let packet = Packet::parse(&bytes).map_err(|_| DropReason::RtpMalformed)?;
        let (ssrc, payload_type) = (packet.header.ssrc, packet.header.payload_type);
        // Without extensions there is nothing to read.
        let tags =
            if packet.extension().is_some() { self.extensions.tags(&packet) } else { Default::default() };
        let source = self.source_of(now, &packet, tags)?;
        self.expect_report(now);
        if let Some(congestion) = &mut self.congestion {
            congestion.receive(now, ssrc, packet.header.sequence);
            self.expect_arrivals(now, ssrc);
        }
        match source {
            Source::Media(id) => {
                self.incoming.get_mut(id).into_iter().for_each(|stream| stream.hear(now, &packet, &tags));
                let content = self.note_codec(id, payload_type, packet.payload)?;
                let taken = self.take(now, id, bytes.freeze(), Arrived { content, origin: Origin::Path });
                self.correct(now, id);
                taken
            }
            Source::Parity(of) => self.take_flexfec(now, of, packet.payload),
            Source::Repeated(id) => {
                // RFC 4588 §4: an empty one is padding, sent to probe the path.
                if packet.payload.is_empty() {
                    return Ok(());
                }
                let stream = self.incoming.get_mut(id).ok_or(DropReason::RtpUnknownSource)?;
                let section = self.sections.get(stream.section);
                let Some(Payload::Repeated(codec)) = section.and_then(|s| s.received(payload_type)) else {
                    return Err(DropReason::RtpUnknownPayload);
                };
                let original = codec.payload_type;
                stream.rtx = Some(ssrc);
                restore(&mut bytes, stream.ssrc, original).map_err(|_| DropReason::RtpMalformed)?;
                let packet = Packet::parse(&bytes).map_err(|_| DropReason::RtpMalformed)?;
                let content = self.note_codec(id, original, packet.payload)?;
                self.take(now, id, bytes.freeze(), Arrived { content, origin: Origin::Repeated })
            }
        }
    }

    /// What the packet's source is. One that is new is found a place for.
    fn source_of(&mut self, now: Instant, packet: &Packet<'_>, tags: Tags<'_>) -> Result<Source, DropReason> {
        let ssrc = packet.header.ssrc;
        let known = self.sources.get(ssrc);
        if let Some(number) = tags.transport_sequence.filter(|_| self.congestion.is_none()) {
            self.arrivals.receive(now, Serial16(number));
            self.expect_arrivals(now, ssrc);
        }
        if let Some(source) = known {
            return Ok(source);
        }
        if self.sources.is_full() {
            return Err(DropReason::RtpTooManySources);
        }
        let found = find(&self.sections, &self.incoming, (ssrc, packet.header.payload_type), tags);
        let source = match found {
            Found::Media { section, codec } => {
                let rids = &section.1.receive_rids;
                let place = tags.rid.and_then(|rid| rids.iter().position(|known| **known == *rid));
                let mut stream = Incoming::new(ssrc, section, codec.clone());
                stream.rid = place.map(|at| rids[at].clone());
                stream.encoding = place.and_then(|at| u8::try_from(at).ok()).unwrap_or(0);
                self.replace(stream.transceiver, stream.rid.as_deref());
                Source::Media(self.incoming.insert(stream))
            }
            Found::Repeated(of) => Source::Repeated(of),
            Found::Parity(of) => Source::Parity(of),
            Found::Nowhere | Found::TooSoon => return Err(DropReason::RtpUnknownSource),
            Found::Unknown => return Err(DropReason::RtpUnknownPayload),
            Found::Closed => return Err(DropReason::RtpNotReceiving),
        };
        self.sources.insert(ssrc, source);
        Ok(source)
    }

    /// The sender is to be told soon when its packets came.
    fn expect_arrivals(&mut self, now: Instant, of: u32) {
        self.arrivals_of = of;
        if self.timers.get(Timer::Arrivals).is_none() {
            self.timers.set(Timer::Arrivals, now + ARRIVALS_INTERVAL);
        }
    }

    /// A new source for the same encoding takes the place of the one before (RFC 8852 §3: one source for one rid).
    fn replace(&mut self, transceiver: TransceiverId, rid: Option<&str>) {
        if rid.is_some() {
            let same = |old: &Incoming| old.transceiver == transceiver && old.rid.as_deref() == rid;
            let old = self.incoming.iter().find(|(_, old)| same(old)).map(|(id, _)| id);
            old.into_iter().for_each(|old| self.forget_stream(old));
        }
    }

    /// A source said goodbye, or its section does not receive any more.
    pub(super) fn forget_stream(&mut self, id: Id<Incoming>) {
        if let Some(stream) = self.incoming.remove(id) {
            for ssrc in std::iter::once(stream.ssrc).chain(stream.rtx) {
                self.sources.remove(ssrc);
                self.congestion.iter_mut().for_each(|congestion| congestion.forget(ssrc));
            }
        }
    }

    /// What a packet of this payload type carries. The codec is looked up where it is not that of the packet before.
    fn note_codec(
        &mut self,
        id: Id<Incoming>,
        payload_type: u8,
        payload: &[u8],
    ) -> Result<Content, DropReason> {
        let stream = self.incoming.get_mut(id).ok_or(DropReason::RtpUnknownSource)?;
        if stream.codec.payload_type == payload_type && stream.codec.protection.is_none() {
            return Ok(Content::Media);
        }
        let section = self.sections.get(stream.section).ok_or(DropReason::RtpUnknownSource)?;
        let find = |payload_type| match section.received(payload_type) {
            Some(Payload::Media(codec)) => Ok(codec),
            _ => Err(DropReason::RtpUnknownPayload),
        };
        let outer = find(payload_type)?;
        let (codec, content) = match outer.protection {
            None => (outer, Content::Media),
            Some(Protection::Ulpfec) => return Ok(Content::Parity),
            Some(Protection::Flexfec) => return Err(DropReason::RtpUnknownPayload),
            // Padding has nothing inside.
            Some(Protection::Redundancy) if payload.is_empty() => return Ok(Content::Parity),
            Some(Protection::Redundancy) => {
                let blocks = red::parse(payload).map_err(|_| DropReason::RtpMalformed)?;
                let primary = blocks.last().ok_or(DropReason::RtpMalformed)?;
                let inner = find(primary.payload_type)?;
                match inner.protection {
                    None => (inner, Content::Redundant),
                    Some(Protection::Ulpfec) => return Ok(Content::WrappedParity),
                    Some(_) => return Err(DropReason::RtpMalformed),
                }
            }
        };
        if stream.codec.payload_type != codec.payload_type {
            stream.codec = codec.clone();
        }
        Ok(content)
    }

    /// A packet of media, be it the first of its number or a repetition.
    fn take(
        &mut self,
        now: Instant,
        id: Id<Incoming>,
        bytes: Bytes,
        Arrived { content, origin }: Arrived,
    ) -> Result<(), DropReason> {
        let round_trip = self.round_trip();
        let stream = self.incoming.get_mut(id).ok_or(DropReason::RtpUnknownSource)?;
        let packet = Packet::parse(&bytes).map_err(|_| DropReason::RtpMalformed)?;
        let is_first = origin == Origin::Path;
        if origin != Origin::Computed {
            stream.tally(now, &packet, bytes.len(), !is_first);
        }
        let count = stream.count(now, &packet, round_trip, !is_first).ok_or(DropReason::RtpOutOfPlace)?;
        if is_first {
            match content {
                Content::Parity => stream.join_ulpfec(Some(packet.payload)),
                Content::WrappedParity => {
                    let blocks = red::parse(packet.payload).unwrap_or_default();
                    stream.join_ulpfec(blocks.last().map(|block| block.data));
                }
                _ => stream.shield(count, &bytes, &self.extensions, content == Content::Redundant),
            }
        }
        if let Some(due) = stream.missing_deadline() {
            self.timers.set_earlier(Timer::Missing, due);
        }
        let (receiver, Some(section)) =
            (stream.transceiver.receiver(), self.sections.get_mut(stream.section))
        else {
            return Err(DropReason::RtpUnknownSource);
        };
        if !std::mem::replace(&mut section.unmuted, true) {
            self.events.push(Event::Unmute(receiver));
        }
        match section.taking.delivery {
            Delivery::Packets => {
                let packet = RtpPacket::new(receiver, stream.encoding, (count, now), bytes);
                self.events.push(Event::Rtp(packet));
            }
            Delivery::Frames => {
                stream.note_attributes(&packet, &self.extensions);
                let Header { marker, timestamp: Serial32(timestamp), .. } = packet.header;
                let piece = |payload| Piece { arrived: now, timestamp, marker, payload };
                let in_time = match content {
                    Content::Media => stream.collect(count, piece(bytes.slice_ref(packet.payload))),
                    // It has a number, and is no part of any frame.
                    Content::Parity | Content::WrappedParity => stream.collect(count, piece(Bytes::new())),
                    Content::Redundant => {
                        let blocks = red::parse(packet.payload).map_err(|_| DropReason::RtpMalformed)?;
                        // Browsers wrap every packet: an older block is the payload of the number before.
                        let mut in_time = true;
                        for (at, block) in blocks.iter().enumerate() {
                            let back = (blocks.len() - 1 - at) as u64;
                            let timestamp = timestamp.wrapping_sub(block.offset);
                            let payload = bytes.slice_ref(block.data);
                            let piece = Piece { timestamp, ..piece(payload) };
                            in_time = stream.collect(count.saturating_sub(back), piece);
                        }
                        // The last one is the packet's own.
                        in_time
                    }
                };
                stream.received.discarded += u64::from(!in_time && is_first);
                self.deliver(now, id);
            }
        }
        Ok(())
    }

    /// Takes parity that is a stream of its own: it names the one that it is of.
    fn take_flexfec(
        &mut self,
        now: Instant,
        section: TransceiverId,
        payload: &[u8],
    ) -> Result<(), DropReason> {
        // Padding, sent to probe the path.
        if payload.is_empty() {
            return Ok(());
        }
        let correction = Correction::parse_flexfec(payload).map_err(|_| DropReason::RtpMalformed)?;
        let Some(Source::Media(id)) = correction.ssrc.and_then(|ssrc| self.sources.get(ssrc)) else {
            return Err(DropReason::RtpUnknownSource);
        };
        let stream = self.incoming.get_mut(id).filter(|stream| stream.transceiver == section);
        stream.ok_or(DropReason::RtpUnknownSource)?.join_parity(&correction, payload.len());
        self.correct(now, id);
        Ok(())
    }

    /// Takes what parity makes of a stream's packets.
    fn correct(&mut self, now: Instant, id: Id<Incoming>) {
        while let Some(packet) = self.incoming.get_mut(id).and_then(Incoming::recover) {
            // One that came meanwhile, or is none at all, is of no use.
            let Ok(parsed) = Packet::parse(&packet) else { continue };
            if let Ok(content) = self.note_codec(id, parsed.header.payload_type, parsed.payload) {
                let _ = self.take(now, id, packet.into(), Arrived { content, origin: Origin::Computed });
            }
        }
    }

    /// Hands on the frames of one stream that are whole.
    fn deliver(&mut self, now: Instant, id: Id<Incoming>) {
        let round_trip = self.round_trip();
        let Some(stream) = self.incoming.get_mut(id) else { return };
        while let Some(frame) = stream.next_frame(now, round_trip) {
            stream.playout.push(frame);
        }
        while let Some(frame) = stream.playout.pop(now) {
            self.events.push(Event::Frame(Box::new(stream.tell(now, frame))));
        }
        if let Some(deadline) = stream.frame_deadline(round_trip) {
            self.timers.set_earlier(Timer::Frames, deadline.max(now));
        }
        if stream.take_key_request(now) {
            let ssrc = stream.ssrc;
            self.push_picture_loss(ssrc);
        }
    }

    pub(super) fn deliver_all(&mut self, now: Instant) {
        let ids: Vec<Id<Incoming>> = self.incoming.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.deliver(now, id));
    }
}

/// Turns a retransmission back into the packet that it repeats, where it lies: the header moves over the number of the
/// original, which goes into its place.
fn restore(bytes: &mut BytesMut, ssrc: u32, payload_type: u8) -> Result<(), ParseError> {
    let header_len = Layout::of(bytes)?.header_len;
    let original = rtx::Retransmission::parse(Packet::parse(bytes)?.payload)?.original;
    bytes.copy_within(..header_len, rtx::HEADER_LEN);
    bytes.advance(rtx::HEADER_LEN);
    bytes[1] = bytes[1] & 0x80 | payload_type;
    bytes[2..4].copy_from_slice(&original.0.to_be_bytes());
    bytes[8..12].copy_from_slice(&ssrc.to_be_bytes());
    Ok(())
}
