//! What happens to media that is to be sent, and packets on their way out.

use crate::base::media::{CodecRole, MediaKind, TransceiverId};
use crate::base::time::{Instant, earliest};
use crate::media::codec::telephone_event::event_of;
use crate::media::error::WriteError;
use crate::media::event::{SendFrame, SendPacket};
use crate::media::extensions::Extensions;
use crate::media::section::{Codec, Feedback, Section};
use crate::media::send::stream::{FrameToSend, MAX_QUEUED, Outgoing, PacketToSend, Stream, What};
use crate::media::send::tone::Tone;
use crate::media::{Media, PacketKind, Timer};
use crate::wire::rtp::extension::{Elements, Form, Writer};
use crate::wire::rtp::fec::MAX_HEADER_LEN;
use crate::wire::rtp::value::{Kind, Value, abs_send_time};
use crate::wire::rtp::{EXTENSION_HEADER_LEN, HEADER_LEN, rtx};
use bytes::Bytes;
use std::time::Duration;

/// Bytes of the extensions that every packet may have beside mid and rid: when it left, and its number.
const STAMPS: usize = 4 + 3;
/// The profile under which the application's extensions are kept until they are sent: ids of one byte, then lengths.
const KEPT: u16 = 0x1000;

impl Media {
    pub(super) fn queue_frame(
        &mut self,
        id: TransceiverId,
        frame: &SendFrame<'_>,
        limit: usize,
    ) -> Result<(), WriteError> {
        let (at, codec) = self.sendable(id, frame.encoding, frame.payload_type)?;
        let format = codec.format.ok_or(WriteError::NoFormat)?;
        let codec = codec.clone();
        let extensions = self.lay_out(frame.extensions);
        let limit = limit.saturating_sub(self.overhead(at, extensions.len()));
        let stream = &mut self.outgoing[at];
        let section = &self.sections[stream.section];
        let to_send = FrameToSend {
            data: &frame.data,
            timestamp: frame.timestamp,
            marker: frame.marker,
            layer: frame.layer,
            extensions,
            paced: section.kind == MediaKind::Video,
            redundancy: section.redundancy(&codec),
            carrier: section.carrier(&codec).filter(|_| stream.protection.correction > 0.0),
        };
        stream.push_frame(&codec, format, &to_send, limit, &mut self.pacer)?;
        self.make_ready(at);
        Ok(())
    }

    pub(super) fn queue_packet(
        &mut self,
        now: Instant,
        id: TransceiverId,
        packet: &SendPacket<'_>,
        limit: usize,
    ) -> Result<(), WriteError> {
        let (at, codec) = self.sendable(id, packet.encoding, packet.payload_type)?;
        let codec = (codec.payload_type, codec.clock_rate);
        let extensions = self.lay_out(packet.extensions);
        let limit = limit.saturating_sub(self.overhead(at, extensions.len()));
        if packet.payload.len() > limit {
            return Err(WriteError::TooLong { len: packet.payload.len(), limit });
        }
        let to_send = PacketToSend {
            source: packet.source,
            count: packet.count,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: &packet.payload,
            extensions,
        };
        self.outgoing[at].push_packet(now, codec, &to_send);
        self.make_ready(at);
        Ok(())
    }

    pub(super) fn begin_tone(
        &mut self,
        now: Instant,
        id: TransceiverId,
        key: char,
        duration: Duration,
    ) -> Result<(), WriteError> {
        let (at, codec) = self.sendable(id, 0, None)?;
        let clock_rate = codec.clock_rate;
        let stream = &self.outgoing[at];
        // RFC 4733 §2.1: on the clock of the audio that it is in place of, or as near as there is.
        let events = self.sections[stream.section].send.iter();
        let events = events.filter(|codec| codec.role == CodecRole::TelephoneEvent);
        let codec = events.min_by_key(|codec| codec.clock_rate != clock_rate).ok_or(WriteError::NoFormat)?;
        let tone = Tone {
            ssrc: stream.ssrc,
            payload_type: codec.payload_type,
            clock_rate: codec.clock_rate,
            event: event_of(key).ok_or(WriteError::NoFormat)?,
            timestamp: stream.timestamp_now(now),
            begun: now,
            end: now + duration,
            is_new: true,
            due: Tone::first_due(now, duration),
        };
        self.timers.set_earlier(Timer::Tones, tone.due);
        self.tones.retain(|other| other.ssrc != tone.ssrc);
        self.tones.push(tone);
        Ok(())
    }

    /// Says what is due of tones; those of streams that are gone, or that send nothing any more, are over.
    pub(super) fn report_tones(&mut self, now: Instant) {
        let mut tones = std::mem::take(&mut self.tones);
        tones.retain_mut(|tone| {
            let Some(&at) = self.by_ssrc.get(&tone.ssrc) else { return false };
            let stream = &mut self.outgoing[at];
            if !self.sections[stream.section].direction.sends() || stream.queued() >= MAX_QUEUED {
                return false;
            }
            if now < tone.due {
                return true;
            }
            let payload_type = tone.payload_type;
            let goes_on = tone.report(now, |report| stream.push_tone(payload_type, report));
            self.make_ready(at);
            goes_on
        });
        self.tones = tones;
        if let Some(due) = earliest(self.tones.iter().map(|tone| Some(tone.due))) {
            self.timers.set(Timer::Tones, due);
        }
    }

    /// The stream of an encoding and the codec to use, if anything may be sent.
    fn sendable(
        &self,
        id: TransceiverId,
        encoding: usize,
        payload_type: Option<u8>,
    ) -> Result<(usize, &Codec), WriteError> {
        let Some(&at) = self.encodings.get(&(id, encoding)) else {
            let known = self.encodings.get(&(id, 0)).is_some();
            return Err(if known { WriteError::NoEncoding(encoding) } else { WriteError::NotNegotiated });
        };
        let section = &self.sections[self.outgoing[at].section];
        if !section.direction.sends() {
            return Err(WriteError::NotSending);
        }
        if self.outgoing[at].queued() >= MAX_QUEUED {
            return Err(WriteError::QueueFull);
        }
        let codec = match payload_type {
            Some(payload_type) => section.sent(payload_type).ok_or(WriteError::NoCodec(payload_type)),
            None => section.first_choice().ok_or(WriteError::NoFormat),
        };
        Ok((at, codec?))
    }

    /// The application's extensions, as far as they were negotiated, in the form that is kept.
    fn lay_out(&self, values: &[Value<'_>]) -> Bytes {
        if values.is_empty() {
            return Bytes::new();
        }
        let mut kept = Vec::new();
        for value in values {
            let Some(id) = self.extensions.id(value.kind()) else { continue };
            let at = kept.len();
            kept.extend_from_slice(&[id, 0]);
            value.write(&mut kept);
            match u8::try_from(kept.len() - at - 2) {
                Ok(len) => kept[at + 1] = len,
                // RFC 8285 §4.3: no element is longer.
                Err(_) => kept.truncate(at),
            }
        }
        kept.into()
    }

    /// Bytes of a packet that are not payload.
    fn overhead(&self, at: usize, kept: usize) -> usize {
        let stream = &self.outgoing[at];
        let section = &self.sections[stream.section];
        let names = 2 + section.mid.len() + 2 + stream.rid.as_deref().map_or(0, str::len);
        // Up to three bytes fill the last word. A repetition needs room for the number that it repeats.
        let extensions = EXTENSION_HEADER_LEN + names + STAMPS + 3;
        let plain = HEADER_LEN + extensions + kept + rtx::HEADER_LEN;
        // Parity is as long as what it protects and its extensions are, and has its own, a header, and what RFC 2198 adds.
        let parity = extensions + MAX_HEADER_LEN + 1;
        plain + if stream.protection.correction > 0.0 { parity } else { 0 }
    }

    pub(super) fn make_ready(&mut self, at: usize) {
        // In line already if something waited before.
        if self.outgoing[at].queued() > 0 && !self.outgoing[at].is_ready {
            self.outgoing[at].is_ready = true;
            self.ready.push(at);
        }
    }

    /// Whether anything waits to be sent.
    #[must_use]
    pub fn has_packets(&self) -> bool {
        self.packets.front().is_some() || self.ready.front().is_some()
    }

    /// Appends the next packet to `out`: feedback and reports first, then streams in turn. Those whose next packet has to
    /// wait for another burst are left out until then.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<PacketKind> {
        if let Some(packet) = self.packets.pop() {
            out.extend_from_slice(&packet);
            return Some(PacketKind::Rtcp);
        }
        while let Some(at) = self.ready.pop() {
            let Some(stream) = self.outgoing.get_mut(at) else { continue };
            if stream.is_paced() && !self.pacer.admits(now) {
                stream.hold(now);
                self.held.push(at);
                continue;
            }
            stream.is_ready = false;
            let section = &self.sections[stream.section];
            let Some(packet) = stream.pop() else { continue };
            if packet.paced {
                self.pacer.sent(now, packet.payload.len());
            }
            let codec = section.send.find(packet.header.payload_type);
            let counts = codec.is_some_and(|codec| codec.feedback.has(Feedback::TRANSPORT));
            let sequence = counts.then_some(self.transport_sequence);
            self.transport_sequence = self.transport_sequence.wrapping_add(u16::from(counts));
            let stamps = Stamps { sequence, ntp: self.ntp.at(now, &self.wall_clock) };
            let before = out.len();
            write(&packet, stream, section, &self.extensions, stamps, out);
            stream.count(now, &packet, out.len() - before, codec);
            stream.guard(&packet, &out[before..], &self.extensions, &mut self.pacer);
            stream.keep(now, packet);
            self.make_ready(at);
            self.expect_report(now);
            return Some(PacketKind::Rtp);
        }
        if let Some(next) = self.pacer.next() {
            self.timers.set(Timer::Burst, next);
        }
        None
    }

    /// The next burst begins.
    pub(super) fn release(&mut self) {
        self.ready.extend(std::mem::take(&mut self.held));
    }
}

/// What a packet is stamped with when it leaves.
#[derive(Clone, Copy)]
struct Stamps {
    /// Its number on the transport.
    sequence: Option<u16>,
    ntp: u64,
}

/// Lays a packet out.
fn write(
    packet: &Outgoing,
    stream: &Stream,
    section: &Section,
    extensions: &Extensions,
    stamps: Stamps,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    packet.header.write(&[], out);
    let kept = Elements::new(KEPT, &packet.extensions);
    let longest = kept.clone().map(|element| element.data.len()).max().unwrap_or_default();
    let form = extensions.form(longest.max(section.mid.len()));
    let mut writer = Writer::begin(out, start, form);
    let mut put = |kind: Kind, value: Value<'_>| {
        if let Some(id) = extensions.id(kind) {
            writer.put(id, |out| value.write(out));
        }
    };
    // RFC 8843 §15, RFC 8852 §3: names, until the peer has shown that it knows the source. Nobody reports on parity.
    if !stream.is_known || packet.what == What::Parity {
        if !section.mid.is_empty() {
            put(Kind::Mid, Value::Mid(&section.mid));
        }
        if let Some(rid) = stream.rid.as_deref() {
            match packet.what {
                What::Media => put(Kind::Rid, Value::Rid(rid)),
                What::Repetition(_) | What::Parity => put(Kind::RepairedRid, Value::RepairedRid(rid)),
            }
        }
    }
    if let Some(id) = extensions.id(Kind::AbsSendTime) {
        let [_, time @ ..] = abs_send_time(stamps.ntp).to_be_bytes();
        writer.put_bytes(id, time);
    }
    if let (Some(id), Some(sequence)) = (extensions.id(Kind::TransportSequence), stamps.sequence) {
        writer.put_bytes(id, sequence.to_be_bytes());
    }
    for element in kept {
        writer.put(element.id, |out| out.extend_from_slice(element.data));
    }
    writer.finish();
    if let What::Repetition(original) = packet.what {
        out.extend_from_slice(&original.0.to_be_bytes());
    }
    packet.payload.write(out);
}

/// The form that takes every id: what is kept is in it.
const _: () = assert!(matches!(Form::of(KEPT), Some(Form::TwoByte)));
