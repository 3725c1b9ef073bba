//! What happens to an RTP packet that came.

use crate::base::drops::DropReason;
use crate::base::ids::Id;
use crate::base::media::TransceiverId;
use crate::base::seq::Serial16;
use crate::base::time::Instant;
use crate::media::event::Delivery;
use crate::media::event::Event;
use crate::media::packet::RtpPacket;
use crate::media::receive::stream::Incoming;
use crate::media::section::Payload;
use crate::media::sources::{Found, Source, find};
use crate::media::{Media, Timer};
use crate::wire::cursor::ParseError;
use crate::wire::rtp::{Layout, Packet, rtx};
use bytes::{Buf as _, Bytes, BytesMut};
use std::time::Duration;

/// How long arrivals are collected before the sender is told: libwebrtc's default.
const ARRIVALS_INTERVAL: Duration = Duration::from_millis(100);

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
        match self.source_of(now, &packet)? {
            Source::Media(id) => {
                self.note_codec(id, payload_type)?;
                self.take(now, id, bytes.freeze(), false)
            }
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
                self.note_codec(id, original)?;
                self.take(now, id, bytes.freeze(), true)
            }
        }
    }

    /// What the packet's source is. One that is new is found a place for.
    fn source_of(&mut self, now: Instant, packet: &Packet<'_>) -> Result<Source, DropReason> {
        let ssrc = packet.header.ssrc;
        let known = self.sources.get(ssrc);
        // Without extensions there is nothing to read.
        let tags =
            if packet.extension().is_some() { self.extensions.tags(packet) } else { Default::default() };
        if let Some(number) = tags.transport_sequence {
            self.arrivals.receive(now, Serial16(number));
            self.arrivals_of = ssrc;
            if self.timers.get(Timer::Arrivals).is_none() {
                self.timers.set(Timer::Arrivals, now + ARRIVALS_INTERVAL);
            }
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
                let rid = tags.rid.filter(|rid| rids.iter().any(|known| **known == **rid));
                let mut stream = Incoming::new(ssrc, section, codec.clone());
                stream.rid = rid.map(Into::into);
                self.replace(stream.transceiver, stream.rid.as_deref());
                Source::Media(self.incoming.insert(stream))
            }
            Found::Repeated(of) => Source::Repeated(of),
            Found::Nowhere | Found::TooSoon => return Err(DropReason::RtpUnknownSource),
            Found::Unknown => return Err(DropReason::RtpUnknownPayload),
            Found::Closed => return Err(DropReason::RtpNotReceiving),
        };
        self.sources.insert(ssrc, source);
        Ok(source)
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
            self.sources.remove(stream.ssrc);
            stream.rtx.into_iter().for_each(|rtx| self.sources.remove(rtx));
        }
    }

    /// Looks up a payload type that is not that of the packet before.
    fn note_codec(&mut self, id: Id<Incoming>, payload_type: u8) -> Result<(), DropReason> {
        let stream = self.incoming.get_mut(id).ok_or(DropReason::RtpUnknownSource)?;
        if stream.codec.payload_type != payload_type {
            match self.sections.get(stream.section).and_then(|section| section.received(payload_type)) {
                Some(Payload::Media(codec)) => stream.codec = codec.clone(),
                _ => return Err(DropReason::RtpUnknownPayload),
            }
        }
        Ok(())
    }

    /// A packet of media, be it the first of its number or a repetition.
    fn take(
        &mut self,
        now: Instant,
        id: Id<Incoming>,
        bytes: Bytes,
        repeated: bool,
    ) -> Result<(), DropReason> {
        let round_trip = self.round_trip();
        let stream = self.incoming.get_mut(id).ok_or(DropReason::RtpUnknownSource)?;
        let packet = Packet::parse(&bytes).map_err(|_| DropReason::RtpMalformed)?;
        let count = stream.count(now, &packet, round_trip, repeated).ok_or(DropReason::RtpOutOfPlace)?;
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
        match section.delivery {
            Delivery::Packets => {
                self.events.push(Event::Rtp(RtpPacket::new(receiver, count, now, bytes)));
            }
            Delivery::Frames => {
                let payload = bytes.slice_ref(packet.payload);
                stream.note_attributes(&packet, &self.extensions);
                stream.collect(now, count, &packet, payload);
                self.deliver(now, id);
            }
        }
        Ok(())
    }

    /// Hands on the frames of one stream that are whole.
    fn deliver(&mut self, now: Instant, id: Id<Incoming>) {
        let round_trip = self.round_trip();
        let Some(stream) = self.incoming.get_mut(id) else { return };
        while let Some(frame) = stream.next_frame(now, round_trip) {
            self.events.push(Event::Frame(Box::new(stream.tell(frame))));
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
