//! One stream of the peer: its packets counted, its losses asked for, its frames put together.

use crate::base::media::{MediaKind, TransceiverId};
use crate::base::seq::{Serial16, Serial32};
use crate::base::time::{Instant, date_of};
use crate::media::event::Frame;
use crate::media::extensions::Extensions;
use crate::media::receive::frames::{Assembled, Frames, Slot};
use crate::media::receive::gaps::Gaps;
use crate::media::receive::reception::{Arrival, Reception};
use crate::media::section::{Codec, Feedback, Section};
use crate::wire::rtcp::report::SenderInfo;
use crate::wire::rtp::Packet;
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
    /// The source of its retransmissions.
    pub rtx: Option<u32>,
    /// What the last packet was.
    pub codec: Codec,
    pub reception: Reception,
    gaps: Gaps,
    frames: Option<Frames>,
    /// What the last sender report said.
    pub report: Option<SenderInfo>,
    /// How loud the frame is whose packets come, and how the camera is held.
    pub audio_level: Option<AudioLevel>,
    pub orientation: Option<Orientation>,
    pub bytes: u64,
    pub recovered: u64,
    pub key_requests: u32,
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
        let (section, Section { transceiver, kind, .. }) = section;
        Self {
            ssrc,
            transceiver: *transceiver,
            section,
            kind: *kind,
            rid: None,
            rtx: None,
            reception: Reception::new(codec.clock_rate),
            codec,
            gaps: Gaps::default(),
            frames: None,
            report: None,
            audio_level: None,
            orientation: None,
            bytes: 0,
            recovered: 0,
            key_requests: 0,
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
        self.bytes += packet.payload.len() as u64;
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
                self.recovered += u64::from(was_missing && repeated);
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

    /// Takes what a packet carried for its frame.
    pub(in crate::media) fn collect(&mut self, count: u64, piece: Piece) {
        let Some(format) = self.codec.format else { return };
        if self.frames.as_ref().is_none_or(|frames| frames.format() != format) {
            self.frames = Some(Frames::new(format));
        }
        let Some(frames) = &mut self.frames else { return };
        let Piece { arrived, timestamp, marker, payload } = piece;
        // Padding has no place in a frame, but one in the order of packets.
        let part = if payload.is_empty() { Ok(Default::default()) } else { format.inspect(&payload) };
        let Ok(part) = part else { return };
        frames.push(count, Slot { timestamp, marker, part, payload, arrived });
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
        match &frame {
            Some(frame) if frame.key => self.key_wanted = false,
            _ => self.key_wanted |= frames.needs_key(),
        }
        frame
    }

    /// The frame as the application gets it.
    pub(in crate::media) fn tell(&mut self, frame: Assembled) -> Frame {
        let captured = self.report.map(|report| {
            let ahead = Serial32(frame.timestamp).distance_from(report.timestamp) as i32;
            date_after(date_of(report.ntp), ahead, self.codec.clock_rate)
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

    /// When a frame is given up.
    pub(in crate::media) fn frame_deadline(&self, round_trip: Duration) -> Option<Instant> {
        self.frames.as_ref()?.deadline(self.patience(round_trip))
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
            self.key_requests += 1;
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
