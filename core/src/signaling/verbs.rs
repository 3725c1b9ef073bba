//! Tracks and transceivers: what the application wants, for the next offer or answer to say.

use crate::base::media::{
    CodecRole, MediaKind, MediaStreamTrack, RtpCodec, RtpTransceiverDirection, SenderId, TrackOrKind,
    TransceiverId,
};
use crate::base::parameters::RtpEncodingParameters;
use crate::signaling::codecs::same_dictionary;
use crate::signaling::media_error::{AddTrackError, AddTransceiverError, EncodingError, TransceiverError};
use crate::signaling::session::Session;
use crate::signaling::state::SignalingState;
use crate::signaling::transceiver::{
    Life, MAX_ENCODINGS, Origin, RtpTransceiverInit, Transceiver, default_encoding, without_repeats,
};

/// The longest rid that the one-byte form of header extensions carries (RFC 8285 §4.2).
const MAX_RID: usize = 16;

impl Session {
    /// Makes a transceiver (`addTransceiver`).
    ///
    /// # Errors
    ///
    /// [`AddTransceiverError`], in the order of webrtc-pc §5.1.
    pub fn add_transceiver(
        &mut self,
        what: TrackOrKind,
        mut init: RtpTransceiverInit,
    ) -> Result<TransceiverId, AddTransceiverError> {
        if self.state == SignalingState::Closed {
            return Err(AddTransceiverError::Closed);
        }
        if init.direction == RtpTransceiverDirection::Stopped {
            return Err(AddTransceiverError::Stopped);
        }
        let track_id = match &what {
            TrackOrKind::Track(track) => Some(&track.id),
            TrackOrKind::Kind(_) => None,
        };
        if !track_id.into_iter().chain(&init.streams).all(|id| is_id(id)) {
            return Err(AddTransceiverError::BadId);
        }
        init.send_encodings = self.check_encodings(what.kind(), init.send_encodings)?;
        let made = self.transceivers.add(what, init, Origin::AddTransceiver, &mut self.rng);
        Ok(made.id)
    }

    // W3C WebRTC §5.1, addTransceiver validation steps.
    fn check_encodings(
        &self,
        kind: MediaKind,
        mut encodings: Vec<RtpEncodingParameters>,
    ) -> Result<Vec<RtpEncodingParameters>, AddTransceiverError> {
        let rids: Vec<&str> = encodings.iter().filter_map(|encoding| encoding.rid.as_deref()).collect();
        if !rids.iter().all(|rid| is_rid(rid)) {
            return Err(AddTransceiverError::BadRid);
        }
        if rids.len() != encodings.len() && (encodings.len() > 1 || !rids.is_empty()) {
            return Err(AddTransceiverError::MissingRid);
        }
        if rids.iter().enumerate().any(|(at, rid)| rids[..at].contains(rid)) {
            return Err(AddTransceiverError::DuplicateRid);
        }
        for encoding in &mut encodings {
            self.check_encoding(kind, encoding)?;
        }
        let most = if kind == MediaKind::Video { MAX_ENCODINGS } else { 1 };
        encodings.truncate(most);
        scale(kind, &mut encodings);
        if let [only] = encodings.as_mut_slice() {
            only.rid = None;
        }
        Ok(encodings)
    }

    /// Whether an encoding asks for what can be; what means nothing for its kind is left out.
    pub(in crate::signaling) fn check_encoding(
        &self,
        kind: MediaKind,
        encoding: &mut RtpEncodingParameters,
    ) -> Result<(), EncodingError> {
        let numbers = [encoding.max_framerate, encoding.scale_resolution_down_by];
        if numbers.into_iter().flatten().any(|number| !number.is_finite()) {
            return Err(EncodingError::NotFinite);
        }
        let capabilities = &self.config.media.of(kind).codecs;
        if let Some(codec) = &encoding.codec {
            let is_media = CodecRole::of(codec.name()) == CodecRole::Media;
            if !is_media || !capabilities.iter().any(|known| same_dictionary(&known.codec, codec)) {
                return Err(EncodingError::UnknownCodec);
            }
        }
        if kind == MediaKind::Audio {
            encoding.max_framerate = None;
            encoding.scale_resolution_down_by = None;
            encoding.scalability_mode = None;
        }
        if encoding.scale_resolution_down_by.is_some_and(|scale| scale < 1.0) {
            return Err(EncodingError::ScaleBelowOne);
        }
        if encoding.max_framerate.is_some_and(|rate| rate < 0.0) {
            return Err(EncodingError::NegativeFramerate);
        }
        if encoding.scalability_mode.as_deref().is_some_and(|mode| !is_scalability_mode(mode)) {
            return Err(EncodingError::UnknownScalabilityMode);
        }
        Ok(())
    }

    /// Sends a track (`addTrack`), by a sender that is free or a new one.
    ///
    /// # Errors
    ///
    /// [`AddTrackError`]: closed, or sent already.
    pub fn add_track(
        &mut self,
        track: MediaStreamTrack,
        streams: Vec<String>,
    ) -> Result<SenderId, AddTrackError> {
        self.may_add_tracks([track.id.as_str()].into_iter().chain(streams.iter().map(String::as_str)))?;
        let sends = |transceiver: &Transceiver| transceiver.sender.track.as_ref() == Some(&track);
        if self.senders().any(sends) {
            return Err(AddTrackError::AlreadyAdded);
        }
        // W3C WebRTC §5.1: the first sender without a track that never sent.
        let free = |transceiver: &&mut Transceiver| {
            transceiver.kind == track.kind
                && transceiver.life == Life::Live
                && transceiver.sender.track.is_none()
                && !transceiver.sender.has_sent
        };
        if let Some(found) = self.transceivers.iter_mut().find(free) {
            found.sender.track = Some(track);
            found.sender.streams = without_repeats(streams);
            found.direction = RtpTransceiverDirection::new(true, found.direction.receives());
            if found.origin == Origin::Remote {
                // A rollback leaves it to the application.
                found.origin = Origin::AddTrack;
            }
            return Ok(found.id.sender());
        }
        let init = RtpTransceiverInit { streams, ..RtpTransceiverInit::default() };
        let made = self.transceivers.add(track.into(), init, Origin::AddTrack, &mut self.rng);
        Ok(made.id.sender())
    }

    /// Whether tracks and streams of these ids can be sent at all.
    ///
    /// # Errors
    ///
    /// Closed, or an id that is no SDP token.
    pub fn may_add_tracks<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> Result<(), AddTrackError> {
        if self.state == SignalingState::Closed {
            return Err(AddTrackError::Closed);
        }
        if ids.all(is_id) { Ok(()) } else { Err(AddTrackError::BadId) }
    }

    /// Sends nothing more by this sender (`removeTrack`).
    ///
    /// # Errors
    ///
    /// Closed, or the sender of another connection. One that has no track any more is no error.
    pub fn remove_track(&mut self, sender: SenderId) -> Result<(), TransceiverError> {
        if self.state == SignalingState::Closed {
            return Err(TransceiverError::Closed);
        }
        if !self.transceivers.knows(sender.transceiver()) {
            return Err(TransceiverError::ForeignSender);
        }
        if let Some(found) = self.live(sender.transceiver())
            && found.sender.track.take().is_some()
        {
            found.direction = RtpTransceiverDirection::new(false, found.direction.receives());
        }
        Ok(())
    }

    /// Wants another direction (`direction`). `false` when it is that already.
    ///
    /// # Errors
    ///
    /// Stopped, or `stopped` was asked for.
    pub fn set_direction(
        &mut self,
        id: TransceiverId,
        direction: RtpTransceiverDirection,
    ) -> Result<bool, TransceiverError> {
        let found = self.live(id).ok_or(TransceiverError::Stopped)?;
        if direction == RtpTransceiverDirection::Stopped {
            return Err(TransceiverError::StoppedDirection);
        }
        Ok(std::mem::replace(&mut found.direction, direction) != direction)
    }

    /// Ends a transceiver (`stop`). `false` when that was done already.
    ///
    /// # Errors
    ///
    /// Closed.
    pub fn stop(&mut self, id: TransceiverId) -> Result<bool, TransceiverError> {
        if self.state == SignalingState::Closed {
            return Err(TransceiverError::Closed);
        }
        let Some(found) = self.live(id) else { return Ok(false) };
        found.life = Life::Stopping;
        found.direction = RtpTransceiverDirection::Inactive;
        Ok(true)
    }

    /// Puts codecs in order, and leaves out the others (`setCodecPreferences`); none for the default.
    ///
    /// # Errors
    ///
    /// A codec that this side does not have, or none that carries media.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: Vec<RtpCodec>,
    ) -> Result<(), TransceiverError> {
        let Some(kind) = self.transceivers.get(id).map(|found| found.kind) else { return Ok(()) };
        let capabilities = &self.config.media.of(kind).codecs;
        let mut unique: Vec<RtpCodec> = Vec::with_capacity(codecs.len());
        for codec in codecs {
            if !capabilities.iter().any(|known| same_dictionary(&known.codec, &codec)) {
                return Err(TransceiverError::UnknownCodec);
            }
            if !unique.iter().any(|known| same_dictionary(known, &codec)) {
                unique.push(codec);
            }
        }
        let carries = |codec: &RtpCodec| {
            matches!(CodecRole::of(codec.name()), CodecRole::Media | CodecRole::TelephoneEvent)
        };
        if !unique.is_empty() && !unique.iter().any(carries) {
            return Err(TransceiverError::NoMediaCodec);
        }
        if let Some(found) = self.transceivers.get_mut(id) {
            found.preferred = unique;
        }
        Ok(())
    }

    /// Puts what a sender sends into other streams (`setStreams`).
    ///
    /// # Errors
    ///
    /// Closed, or an id that is no SDP token.
    pub fn set_streams(&mut self, sender: SenderId, streams: Vec<String>) -> Result<(), TransceiverError> {
        if self.state == SignalingState::Closed {
            return Err(TransceiverError::Closed);
        }
        if !streams.iter().all(|id| is_id(id)) {
            return Err(TransceiverError::BadId);
        }
        if let Some(found) = self.live(sender.transceiver()) {
            found.sender.streams = without_repeats(streams);
        }
        Ok(())
    }

    /// Sends another track, or none for now (`replaceTrack`). Nothing has to be negotiated.
    ///
    /// # Errors
    ///
    /// Another kind, closed, or stopped.
    pub fn replace_track(
        &mut self,
        sender: SenderId,
        track: Option<MediaStreamTrack>,
    ) -> Result<(), TransceiverError> {
        let kind = self.transceivers.get(sender.transceiver()).map(|found| found.kind);
        if track.as_ref().is_some_and(|track| kind.is_some_and(|kind| track.kind != kind)) {
            return Err(TransceiverError::OtherKind);
        }
        if self.state == SignalingState::Closed {
            return Err(TransceiverError::Closed);
        }
        if track.as_ref().is_some_and(|track| !is_id(&track.id)) {
            return Err(TransceiverError::BadId);
        }
        let found = self.live(sender.transceiver()).ok_or(TransceiverError::Stopped)?;
        found.sender.track = track;
        Ok(())
    }

    /// What `offerToReceiveAudio` and `offerToReceiveVideo` ask for (webrtc-pc §4.4.3.1): true makes a transceiver
    /// that receives, unless there is one; false stops receiving.
    pub fn offer_to_receive(&mut self, kind: MediaKind, receive: bool) {
        let live = |found: &&mut Transceiver| found.kind == kind && found.life == Life::Live;
        if !receive {
            for found in self.transceivers.iter_mut().filter(live) {
                found.direction = RtpTransceiverDirection::new(found.direction.sends(), false);
            }
        } else if !self.transceivers.iter_mut().filter(live).any(|found| found.direction.receives()) {
            let init = RtpTransceiverInit {
                send_encodings: vec![default_encoding(kind)],
                ..RtpTransceiverInit::direction(RtpTransceiverDirection::RecvOnly)
            };
            self.transceivers.add(kind.into(), init, Origin::AddTransceiver, &mut self.rng);
        }
    }

    /// Every transceiver, in the order in which they were made.
    pub fn transceivers(&self) -> impl DoubleEndedIterator<Item = &Transceiver> {
        self.transceivers.iter()
    }

    /// Those whose senders and receivers the application sees: all that have not ended.
    pub fn senders(&self) -> impl Iterator<Item = &Transceiver> {
        self.transceivers.iter().filter(|found| !found.is_stopped())
    }

    /// One transceiver.
    #[must_use]
    pub fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.transceivers.get(id)
    }

    fn live(&mut self, id: TransceiverId) -> Option<&mut Transceiver> {
        self.transceivers.get_mut(id).filter(|found| found.life == Life::Live)
    }
}

/// Fills in by how much each encoding is scaled down (W3C WebRTC §5.1): the last is the largest.
pub(in crate::signaling) fn scale(kind: MediaKind, encodings: &mut [RtpEncodingParameters]) {
    if kind == MediaKind::Audio {
        return;
    }
    let some = encodings.iter().any(|encoding| encoding.scale_resolution_down_by.is_some());
    let mut default = 1.0;
    for encoding in encodings.iter_mut().rev() {
        encoding.scale_resolution_down_by.get_or_insert(if some { 1.0 } else { default });
        default *= 2.0;
    }
}

/// `token` of RFC 8866: what an id has to be so that `a=msid` can say it.
fn is_id(text: &str) -> bool {
    const LONGEST: usize = 256;
    let is_token_char = |c: u8| {
        c.is_ascii_alphanumeric()
            || matches!(c, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'{'..=b'~')
    };
    (1..=LONGEST).contains(&text.len()) && text != "-" && text.bytes().all(is_token_char)
}

// RFC 8851 §10
fn is_rid(text: &str) -> bool {
    (1..=MAX_RID).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// webrtc-svc §6: `L` or `S`, one to three spatial and temporal layers, and what distinguishes their relation.
fn is_scalability_mode(mode: &str) -> bool {
    let [family @ (b'L' | b'S'), spatial @ b'1'..=b'3', b'T', b'1'..=b'3', rest @ ..] = mode.as_bytes()
    else {
        return false;
    };
    match (family, spatial, rest) {
        (b'L', _, b"") => true,
        (b'S', b'1', _) => false,
        (_, b'2' | b'3', b"h") | (b'S', _, b"") => true,
        (b'L', b'2' | b'3', b"_KEY" | b"_KEY_SHIFT") => true,
        _ => false,
    }
}
