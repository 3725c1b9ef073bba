//! `RTCDTMFSender`: which tone is next and when. Making packets of it is the media plane's business.

use crate::base::media::{CodecRole, MediaKind, RtpTransceiverDirection, SenderId};
use crate::base::negotiated::NegotiatedCodec;
use crate::base::time::{Instant, earliest};
use crate::base::w3c::ErrorKind;
use crate::media::codec::telephone_event::event_of;
use crate::peer::PeerConnection;
use crate::peer::event::Event;
use crate::peer::state::PeerConnectionState;
use crate::signaling::transceiver::Transceiver;
use std::collections::VecDeque;
use std::time::Duration;
use thiserror::Error;

/// How long a tone may sound, and how long a pause may be (W3C WebRTC §7.2).
const LONGEST: Duration = Duration::from_millis(6_000);
const SHORTEST_TONE: Duration = Duration::from_millis(40);
const SHORTEST_GAP: Duration = Duration::from_millis(30);
/// What a comma waits.
const COMMA: Duration = Duration::from_secs(2);

/// Durations of `insertDTMF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToneTiming {
    /// How long a tone sounds. Default 100 ms; less than 40 ms counts as 40 ms, more than 6 s as 6 s.
    pub duration: Duration,
    /// How long it is quiet between two. Default 70 ms; from 30 ms to 6 s likewise.
    pub inter_tone_gap: Duration,
}

impl Default for ToneTiming {
    fn default() -> Self {
        Self { duration: Duration::from_millis(100), inter_tone_gap: Duration::from_millis(70) }
    }
}

impl ToneTiming {
    fn clamped(self) -> Self {
        Self {
            duration: self.duration.clamp(SHORTEST_TONE, LONGEST),
            inter_tone_gap: self.inter_tone_gap.clamp(SHORTEST_GAP, LONGEST),
        }
    }
}

/// Why tones were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InsertDtmfError {
    /// Nothing is sent that tones could be part of; see [`DtmfSender::can_insert_dtmf`].
    #[error("tones cannot be sent now; wait until audio is sent and telephone-event is negotiated")]
    CannotInsert,
    /// Not one of `0`–`9`, `A`–`D`, `#`, `*` and `,`.
    #[error("{0:?} is no tone; use 0-9, A-D, #, * and ,")]
    NoTone(char),
}

impl InsertDtmfError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::CannotInsert => ErrorKind::InvalidState,
            Self::NoTone(_) => ErrorKind::InvalidCharacter,
        }
    }
}

/// The tones of one sender.
#[derive(Debug)]
pub(super) struct Tones {
    sender: SenderId,
    buffer: VecDeque<char>,
    timing: ToneTiming,
    /// When the next one is due, if playing has been scheduled.
    due: Option<Instant>,
}

/// `RTCDTMFSender`, for as long as the connection is borrowed.
#[derive(Debug)]
pub struct DtmfSender<'a> {
    pc: &'a mut PeerConnection,
    sender: SenderId,
}

impl<'a> DtmfSender<'a> {
    /// That of a sender of audio; others have none.
    pub(super) fn find(pc: &'a mut PeerConnection, sender: SenderId) -> Option<Self> {
        let state = pc.session.transceiver(sender.transceiver())?;
        (state.kind() == MediaKind::Audio).then_some(Self { pc, sender })
    }

    /// `canInsertDTMF`: connected, a track is sent, and both sides have telephone-event.
    #[must_use]
    pub fn can_insert_dtmf(&self) -> bool {
        self.pc.can_insert_dtmf(self.sender)
    }

    /// `toneBuffer`: what is yet to be played.
    #[must_use]
    pub fn tone_buffer(&self) -> String {
        let tones = self.pc.tones.iter().find(|tones| tones.sender == self.sender);
        tones.map(|tones| tones.buffer.iter().collect()).unwrap_or_default()
    }

    /// Plays tones (`insertDTMF`), in place of those that wait; none at all cancels them. Each is told by
    /// [`Event::ToneChange`] as it begins, and the end by one without a tone.
    ///
    /// # Errors
    ///
    /// [`InsertDtmfError`]; the tones that wait stay then.
    pub fn insert_dtmf(
        &mut self,
        now: Instant,
        tones: &str,
        timing: ToneTiming,
    ) -> Result<(), InsertDtmfError> {
        let now = self.pc.tick(now);
        if !self.can_insert_dtmf() {
            return Err(InsertDtmfError::CannotInsert);
        }
        let buffer = tones.chars().map(tone).collect::<Result<VecDeque<char>, _>>()?;
        let known = self.pc.tones.iter().position(|tones| tones.sender == self.sender);
        let at = known.unwrap_or_else(|| {
            let timing = ToneTiming::default();
            self.pc.tones.push(Tones { sender: self.sender, buffer: VecDeque::new(), timing, due: None });
            self.pc.tones.len() - 1
        });
        let tones = &mut self.pc.tones[at];
        tones.buffer = buffer;
        tones.timing = timing.clamped();
        // W3C WebRTC §7.2: one playout task at most; a tone that sounds is not cut off.
        if !tones.buffer.is_empty() {
            tones.due.get_or_insert(now);
        }
        Ok(())
    }
}

fn tone(c: char) -> Result<char, InsertDtmfError> {
    let known = c == ',' || event_of(c).is_some();
    if known { Ok(c.to_ascii_uppercase()) } else { Err(InsertDtmfError::NoTone(c)) }
}

impl PeerConnection {
    // W3C WebRTC §7.2, "determine if DTMF can be sent".
    fn can_insert_dtmf(&self, sender: SenderId) -> bool {
        let sends = |found: &Transceiver| {
            !found.is_stopping()
                && !found.is_stopped()
                && found.sender_track().is_some()
                && found.current_direction().is_some_and(RtpTransceiverDirection::sends)
                && found.encodings().first().is_none_or(|encoding| encoding.active)
        };
        let is_tones =
            |codec: &NegotiatedCodec| CodecRole::of(codec.codec.name()) == CodecRole::TelephoneEvent;
        let negotiated =
            self.session.media().iter().any(|section| {
                section.transceiver == sender.transceiver() && section.send.iter().any(is_tones)
            });
        self.connection_state == PeerConnectionState::Connected
            && negotiated
            && self.session.transceiver(sender.transceiver()).is_some_and(sends)
    }

    /// When the next tone is due.
    pub(super) fn next_tone(&self) -> Option<Instant> {
        earliest(self.tones.iter().map(|tones| tones.due))
    }

    // W3C WebRTC §7.2, the playout task.
    pub(super) fn play_tones(&mut self, now: Instant) {
        for at in 0..self.tones.len() {
            if self.tones[at].due.is_none_or(|due| due > now) {
                continue;
            }
            let sender = self.tones[at].sender;
            let can = self.can_insert_dtmf(sender);
            let tones = &mut self.tones[at];
            tones.due = None;
            if !can {
                continue;
            }
            let next = tones.buffer.pop_front();
            tones.due = next.map(|tone| match tone {
                ',' => now + COMMA,
                _ => now + tones.timing.duration + tones.timing.inter_tone_gap,
            });
            let duration = tones.timing.duration;
            self.events.push(Event::ToneChange(sender, next));
            if let Some(tone) = next.filter(|tone| *tone != ',') {
                self.sound(now, sender, tone, duration);
            }
        }
        self.tones.retain(|tones| tones.due.is_some());
    }
}
