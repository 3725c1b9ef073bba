//! One stream of the peer: its packets counted, its losses asked for, its frames put together.

use crate::base::media::{MediaKind, TransceiverId};
use crate::base::seq::{Serial16, Serial32};
use crate::base::time::{Instant, date_of, earliest};
use crate::media::contributing::{Contributing, Heard};
use crate::media::counters::{Inbound, Received, RemoteSent};
use crate::media::event::Frame;
use crate::media::extensions::{Extensions, Tags};
use crate::media::parity::shield;
use crate::media::receive::corrector::Corrector;
use crate::media::receive::frames::{Assembled, Frames, Slot};
use crate::media::receive::gaps::Gaps;
use crate::media::receive::playout::Playout;
use crate::media::receive::reception::{Arrival, Reception};
use crate::media::section::{Codec, Feedback, Section};
use crate::wire::rtcp::report::SenderInfo;
use crate::wire::rtp::Packet;
use crate::wire::rtp::fec::Correction;
use crate::wire::rtp::value::{AudioLevel, Orientation, Value};
use bytes::Bytes;
use std::time::{Duration, SystemTime};

/// How long a packet that is missing can still be of use, at most and at least.
const MAX_HORIZON: Duration = Duration::from_secs(1);
const MIN_HORIZON: Duration = Duration::from_millis(150);
/// How long to wait for a packet that is overtaken, where it cannot be asked for.
const REORDERING: Duration = Duration::from_millis(40);
/// Between two requests for a key frame: an encoder needs a while for one, and another would not come sooner.
const KEY_INTERVAL: Duration = Duration::from_millis(300);

/// One stream of the peer.
#[derive(Debug)]
pub(in crate::media) struct Incoming {
    pub ssrc: u32,
    pub transceiver: TransceiverId,
    /// The place of its section.
    pub section: usize,
    pub kind: MediaKind,
    pub rid: Option<Box<str>>,
    /// Its place among the names of its section.
    pub encoding: u8,
    /// The source of its retransmissions.
    pub rtx: Option<u32>,
    /// What the last packet was.
    pub codec: Codec,
    pub reception: Reception,
    gaps: Gaps,
    frames: Option<Frames>,
    pub playout: Playout,
    /// Where parity comes: what it can be used on.
    corrector: Option<Box<Corrector>>,
    /// What the last sender report said.
    report: Option<RemoteSent>,
    /// How loud the frame is whose packets come, and how the camera is held.
    pub audio_level: Option<AudioLevel>,
    pub orientation: Option<Orientation>,
    pub received: Received,
    /// What the last packet said, and who contributes.
    pub heard: Option<Heard>,
    pub contributing: Contributing,
    /// When a key frame was asked for last, and whether one is still wanted.
    key_asked: Option<Instant>,
    key_wanted: bool,
}

/// What a packet carried of a frame.
#[derive(Clone, Debug)]
pub(in crate::media) struct Piece {
    pub arrived: Instant,
    pub timestamp: u32,
    pub marker: bool,
    /// Nothing for padding.
    pub payload: Bytes,
}

impl Incoming {
    pub(in crate::media) fn new(ssrc: u32, section: (usize, &Section), codec: Codec) -> Self {
        let (section, Section { transceiver, kind, taking, .. }) = section;
        let mut playout = Playout::new(codec.clock_rate);
        playout.set_target(taking.buffer);
        Self {
            ssrc,
            transceiver: *transceiver,
            section,
            kind: *kind,
            rid: None,
            encoding: 0,
            rtx: None,
            reception: Reception::new(codec.clock_rate),
            codec,
            gaps: Gaps::default(),
            frames: None,
            playout,
            corrector: None,
            report: None,
            audio_level: None,
            orientation: None,
            received: Received::default(),
            heard: None,
            contributing: Contributing::default(),
            key_asked: None,
            key_wanted: false,
        }
    }

    /// Takes note of a packet; its count comes back, unless it is one to be left out.
    pub(in crate::media) fn count(
        &mut self,
        now: Instant,
        packet: &Packet<'_>,
        round_trip: Duration,
        repeated: bool,
    ) -> Option<u64> {
        let (sequence, timestamp) = (packet.header.sequence, packet.header.timestamp);
        let repairs = self.codec.feedback.has(Feedback::NACK);
        let arrival = if repeated {
            self.reception.repair(sequence)
        } else {
            self.reception.receive(now, sequence, timestamp)
        };
        match arrival {
            Arrival::First(count) => Some(count),
            Arrival::Ahead { count, missing } => {
                if repairs && missing > 0 {
                    self.gaps.open(now, count - missing, count, horizon(round_trip));
                }
                Some(count)
            }
            Arrival::Late(count) => {
                let was_missing = self.gaps.close(count);
                // A repetition that is not wanted any more is nothing that came too late.
                self.received.discarded += u64::from(repairs && !was_missing && !repeated);
                // Where losses are asked for, one that is not missing came before.
                (was_missing || !repairs).then_some(count)
            }
            Arrival::Restart(count) => {
                self.gaps.clear();
                if let Some(frames) = &mut self.frames {
                    frames.give_up_to(count);
                }
                Some(count)
            }
            Arrival::Stray => None,
        }
    }

    /// Counts a packet of `len` bytes.
    pub(in crate::media) fn tally(&mut self, now: Instant, packet: &Packet<'_>, len: usize, repeated: bool) {
        let (payload, received) = (packet.payload.len() as u64, &mut self.received);
        received.latest = Some(now);
        received.packets += 1;
        received.bytes += payload;
        received.header_bytes += len as u64 - payload;
        if repeated {
            received.repeated_packets += 1;
            received.repeated_bytes += payload;
        }
    }

    /// Takes note of who is heard in a packet.
    pub(in crate::media) fn hear(&mut self, now: Instant, packet: &Packet<'_>, tags: &Tags<'_>) {
        let level = tags.audio_level.map(|level| level.level);
        let Serial32(timestamp) = packet.header.timestamp;
        let heard = Heard { at: now, timestamp, level, capture: tags.capture };
        self.heard = Some(heard);
        for (at, source) in packet.csrcs().enumerate() {
            // RFC 6465 §2: a byte for each, in their order.
            let level = tags.csrc_levels.get(at).map(|level| level & 0x7f);
            self.contributing.note(source, Heard { level, ..heard });
        }
    }

    /// The peer says what it has sent.
    pub(in crate::media) fn hear_sender(&mut self, now: Instant, info: SenderInfo) {
        self.reception.hear_sender(now, &info);
        let (reports, round_trips) =
            self.report.map_or_else(Default::default, |report| (report.reports, report.round_trips));
        self.report = Some(RemoteSent { arrived: now, info, reports: reports + 1, round_trips });
    }

    /// A round trip to its sender was measured.
    pub(in crate::media) fn measured(&mut self, sample: Duration) {
        self.report.iter_mut().for_each(|report| report.round_trips.add(sample));
    }

    /// What is known of it.
    pub(in crate::media) fn facts(&self) -> Inbound {
        Inbound {
            transceiver: self.transceiver,
            kind: self.kind,
            ssrc: self.ssrc,
            rtx: self.rtx,
            repeats: self.codec.rtx.is_some(),
            payload_type: self.codec.payload_type,
            received: self.received,
            lost: self.reception.lost(),
            jitter: self.reception.jitter().as_secs_f64(),
            remote: self.report,
        }
    }

    /// Keeps a packet for parity, once some came.
    pub(in crate::media) fn shield(&mut self, count: u64, packet: &[u8], of: &Extensions, is_wrapped: bool) {
        if let Some(corrector) = &mut self.corrector
            && let Some(packet) = shield(packet, of, is_wrapped)
        {
            corrector.keep(count, packet);
        }
    }

    /// Takes parity that came among the stream's own packets. What is none, such as padding, is nothing.
    pub(in crate::media) fn join_ulpfec(&mut self, payload: Option<&[u8]>) {
        if let Some(payload) = payload
            && let Ok(correction) = Correction::parse_ulpfec(payload)
        {
            self.join_parity(&correction, payload.len());
        }
    }

    /// Takes parity of the stream's packets, of so many bytes.
    pub(in crate::media) fn join_parity(&mut self, correction: &Correction<'_>, len: usize) {
        self.received.parity_packets += 1;
        self.received.parity_bytes += len as u64;
        if let Some(highest) = self.reception.highest() {
            self.corrector.get_or_insert_default().join(highest, correction);
        }
    }

    /// The next packet that parity makes, as if it had come.
    pub(in crate::media) fn recover(&mut self) -> Option<Vec<u8>> {
        self.corrector.as_mut()?.recover(self.ssrc)
    }

    /// Takes what a packet carried for its frame. `false`: what it belongs to was handed on or given up.
    pub(in crate::media) fn collect(&mut self, count: u64, piece: Piece) -> bool {
        let Some(format) = self.codec.format else { return true };
        if self.frames.as_ref().is_none_or(|frames| frames.format() != format) {
            self.frames = Some(Frames::new(format));
            self.playout.set_clock(self.codec.clock_rate);
        }
        let Some(frames) = &mut self.frames else { return true };
        let Piece { arrived, timestamp, marker, payload } = piece;
        // Padding has no place in a frame, but one in the order of packets.
        let part = if payload.is_empty() { Ok(Default::default()) } else { format.inspect(&payload) };
        let Ok(part) = part else { return true };
        frames.push(count, Slot { timestamp, marker, part, payload, arrived })
    }

    /// Takes note of what header extensions say of the frame.
    pub(in crate::media) fn note_attributes(&mut self, packet: &Packet<'_>, extensions: &Extensions) {
        for element in packet.extensions() {
            match Value::of(&element, |id| extensions.kind(id)) {
                Some(Value::AudioLevel(level)) => self.audio_level = Some(level),
                Some(Value::VideoOrientation(orientation)) => self.orientation = Some(orientation),
                _ => {}
            }
        }
    }

    /// The next frame that is whole.
    pub(in crate::media) fn next_frame(&mut self, now: Instant, round_trip: Duration) -> Option<Assembled> {
        let patience = self.patience(round_trip);
        let frames = self.frames.as_mut()?;
        let frame = frames.pop(now, patience);
        self.gaps.forget_below(frames.base());
        if let Some(frame) = &frame {
            let received = &mut self.received;
            received.frames += 1;
            received.samples += self.codec.sampling.samples(&frame.data);
            if frame.packets > 1 {
                received.assembled += 1;
                received.assembly += frame.arrived.saturating_since(frame.begun);
            }
        }
        match &frame {
            Some(frame) if frame.key => self.key_wanted = false,
            _ => self.key_wanted |= frames.needs_key(),
        }
        frame
    }

    /// The frame as the application gets it.
    pub(in crate::media) fn tell(&mut self, now: Instant, frame: Assembled) -> Frame {
        let count = match self.kind {
            MediaKind::Audio => self.codec.sampling.samples(&frame.data),
            MediaKind::Video => 1,
        };
        let (target, least) = (self.playout.delay(), self.playout.least_delay());
        self.received.held.add(count, now.saturating_since(frame.begun), target, least);
        let captured = self.report.map(|RemoteSent { info, .. }| {
            let ahead = Serial32(frame.timestamp).distance_from(info.timestamp) as i32;
            date_after(date_of(info.ntp), ahead, self.codec.clock_rate)
        });
        Frame {
            receiver: self.transceiver.receiver(),
            rid: self.rid.clone(),
            ssrc: self.ssrc,
            payload_type: self.codec.payload_type,
            timestamp: frame.timestamp,
            captured,
            data: frame.data,
            key: frame.key,
            layer: frame.layer,
            arrived: frame.arrived,
            audio_level: self.audio_level.take(),
            orientation: self.orientation,
        }
    }

    /// When a frame is given up, or is to be played.
    pub(in crate::media) fn frame_deadline(&self, round_trip: Duration) -> Option<Instant> {
        let gives_up = self.frames.as_ref().and_then(|frames| frames.deadline(self.patience(round_trip)));
        earliest([gives_up, self.playout.deadline()])
    }

    /// How long the packets behind a gap wait for it to be filled.
    fn patience(&self, round_trip: Duration) -> Duration {
        let jitter = 4 * self.reception.jitter();
        if self.codec.feedback.has(Feedback::NACK) {
            horizon(round_trip).max(jitter)
        } else {
            REORDERING.max(jitter).min(MAX_HORIZON)
        }
    }

    /// Appends the numbers to ask for now.
    pub(in crate::media) fn missing(&mut self, now: Instant, round_trip: Duration, out: &mut Vec<Serial16>) {
        self.gaps.ask(now, round_trip, out);
    }

    pub(in crate::media) const fn missing_deadline(&self) -> Option<Instant> {
        self.gaps.poll_timeout()
    }

    /// The application, or a decoder, can do nothing without a key frame.
    pub(in crate::media) const fn want_key(&mut self) {
        self.key_wanted = true;
    }

    /// Whether to ask for a key frame now.
    pub(in crate::media) fn take_key_request(&mut self, now: Instant) -> bool {
        let asks = self.kind == MediaKind::Video
            && self.key_wanted
            && self.codec.feedback.has(Feedback::PLI)
            && self.key_asked.is_none_or(|asked| now.saturating_since(asked) >= KEY_INTERVAL);
        if asks {
            (self.key_asked, self.key_wanted) = (Some(now), false);
            self.received.picture_losses += 1;
        }
        asks
    }

    /// When the key frame that is wanted may be asked for.
    pub(in crate::media) fn key_deadline(&self) -> Option<Instant> {
        let wanted =
            self.key_wanted && self.kind == MediaKind::Video && self.codec.feedback.has(Feedback::PLI);
        self.key_asked.filter(|_| wanted).map(|asked| asked + KEY_INTERVAL)
    }
}

/// `ticks` of a clock after `date`, or before it.
fn date_after(date: SystemTime, ticks: i32, clock_rate: u32) -> SystemTime {
    let micros = i64::from(ticks) * 1_000_000 / i64::from(clock_rate.max(1));
    let distance = Duration::from_micros(micros.unsigned_abs());
    let moved = if micros < 0 { date.checked_sub(distance) } else { date.checked_add(distance) };
    moved.unwrap_or(date)
}

/// Three round trips: a request, its repetition, and that of the repetition.
fn horizon(round_trip: Duration) -> Duration {
    (3 * round_trip + REORDERING).clamp(MIN_HORIZON, MAX_HORIZON)
}
