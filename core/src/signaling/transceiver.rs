//! The transceivers of a session: what the application wants of each, and what was negotiated.
//!
//! A sender and a receiver live and die with their transceiver, so its number names all three.

use crate::base::media::{
    MediaKind, MediaStreamTrack, RtpCodec, RtpTransceiverDirection, TrackOrKind, TransceiverId,
};
use crate::base::negotiated::LocalSource;
use crate::base::parameters::{
    DegradationPreference, RtpEncodingParameters, RtpHeaderExtensionCapability, RtpSendParameters,
};
use crate::base::random::Rng;

/// The most encodings of one sender: more than any browser makes.
pub const MAX_ENCODINGS: usize = 8;

/// Letters for ids and names: legal in SDP, RTCP and URLs.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What a transceiver is made with (`RTCRtpTransceiverInit`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RtpTransceiverInit {
    /// Default `sendrecv`.
    pub direction: RtpTransceiverDirection,
    /// Ids of the streams that the track is in, for the peer to put it into, too. Default none.
    pub streams: Vec<String>,
    /// The encodings to send, in the order of the layers. Default: one without a name.
    pub send_encodings: Vec<RtpEncodingParameters>,
}

impl Default for RtpTransceiverInit {
    fn default() -> Self {
        Self { direction: RtpTransceiverDirection::SendRecv, streams: Vec::new(), send_encodings: Vec::new() }
    }
}

impl RtpTransceiverInit {
    /// Of this direction.
    #[must_use]
    pub fn direction(direction: RtpTransceiverDirection) -> Self {
        Self { direction, ..Self::default() }
    }

    /// In these streams.
    #[must_use]
    pub fn in_streams(mut self, streams: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.streams = streams.into_iter().map(Into::into).collect();
        self
    }

    /// With these encodings.
    #[must_use]
    pub fn encodings(mut self, encodings: Vec<RtpEncodingParameters>) -> Self {
        self.send_encodings = encodings;
        self
    }
}

/// Where a transceiver comes from, which decides what may become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) enum Origin {
    /// `addTrack`: a remote section may take it up.
    AddTrack,
    /// `addTransceiver`.
    AddTransceiver,
    /// A remote offer: gone if that is rolled back.
    Remote,
}

/// How far its end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::signaling) enum Life {
    Live,
    /// Stopped by the application; the peer has yet to agree.
    Stopping,
    /// Its section was rejected.
    Stopped,
}

/// One transceiver.
#[derive(Clone, Debug, PartialEq)]
pub struct Transceiver {
    pub(in crate::signaling) id: TransceiverId,
    pub(in crate::signaling) kind: MediaKind,
    pub(in crate::signaling) origin: Origin,
    pub(in crate::signaling) life: Life,
    pub(in crate::signaling) direction: RtpTransceiverDirection,
    pub(in crate::signaling) current_direction: Option<RtpTransceiverDirection>,
    /// The direction that track events were fired for.
    pub(in crate::signaling) fired_direction: Option<RtpTransceiverDirection>,
    pub(in crate::signaling) place: Option<Place>,
    pub(in crate::signaling) preferred: Vec<RtpCodec>,
    /// Which header extensions are wanted which way; none for all and both ways.
    pub(in crate::signaling) header_extensions: Vec<RtpHeaderExtensionCapability>,
    pub(in crate::signaling) sender: Sender,
    pub(in crate::signaling) receiver: Receiver,
    /// What a rollback restores; while an offer is pending.
    pub(in crate::signaling) stable: Option<Box<Stable>>,
}

/// The section that a transceiver is associated with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct Place {
    pub section: usize,
    /// `None` towards peers that have no mids.
    pub mid: Option<String>,
}

/// The sending half.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::signaling) struct Sender {
    pub track: Option<MediaStreamTrack>,
    pub streams: Vec<String>,
    pub encodings: Vec<RtpEncodingParameters>,
    /// As many as encodings, at least one.
    pub sources: Vec<LocalSource>,
    /// What follows the stream in `a=msid`: it stays when the track changes.
    pub label: String,
    /// Whether it was ever negotiated to send.
    pub has_sent: bool,
    /// What the last `getParameters` gave, for `setParameters`.
    pub last_returned: Option<Box<RtpSendParameters>>,
    pub degradation_preference: Option<DegradationPreference>,
}

/// The receiving half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct Receiver {
    pub track: MediaStreamTrack,
    pub streams: Vec<String>,
}

/// What `stable` had.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::signaling) struct Stable {
    pub place: Option<Place>,
    pub streams: Vec<String>,
    pub fired_direction: Option<RtpTransceiverDirection>,
    /// The one encoding without a name, if that was all.
    pub ridless: Option<RtpEncodingParameters>,
}

impl Transceiver {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> TransceiverId {
        self.id
    }

    /// Audio or video.
    #[must_use]
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// `mid`: `None` until a description with it was set.
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.place.as_ref()?.mid.as_deref()
    }

    /// `direction`: what the application wants.
    #[must_use]
    pub const fn direction(&self) -> RtpTransceiverDirection {
        match self.life {
            Life::Live => self.direction,
            Life::Stopping | Life::Stopped => RtpTransceiverDirection::Stopped,
        }
    }

    /// `currentDirection`: what was negotiated.
    #[must_use]
    pub const fn current_direction(&self) -> Option<RtpTransceiverDirection> {
        match self.life {
            Life::Stopped => Some(RtpTransceiverDirection::Stopped),
            Life::Live | Life::Stopping => self.current_direction,
        }
    }

    /// Whether it ended, for both sides.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        matches!(self.life, Life::Stopped)
    }

    /// Whether `stop` was called, or it ended.
    #[must_use]
    pub const fn is_stopping(&self) -> bool {
        !matches!(self.life, Life::Live)
    }

    /// What it sends.
    #[must_use]
    pub const fn sender_track(&self) -> Option<&MediaStreamTrack> {
        self.sender.track.as_ref()
    }

    /// The streams that what it sends is in.
    #[must_use]
    pub fn sender_streams(&self) -> &[String] {
        &self.sender.streams
    }

    /// The encodings that it sends.
    #[must_use]
    pub fn encodings(&self) -> &[RtpEncodingParameters] {
        &self.sender.encodings
    }

    /// What it receives.
    #[must_use]
    pub const fn receiver_track(&self) -> &MediaStreamTrack {
        &self.receiver.track
    }

    /// The streams that the peer says this is in.
    #[must_use]
    pub fn receiver_streams(&self) -> &[String] {
        &self.receiver.streams
    }

    /// Codecs in the order of `setCodecPreferences`; empty for the default.
    #[must_use]
    pub fn codec_preferences(&self) -> &[RtpCodec] {
        &self.preferred
    }

    pub(in crate::signaling) fn section(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.section)
    }

    /// Whether it sends in simulcast.
    pub(in crate::signaling) fn is_simulcast(&self) -> bool {
        self.sender.encodings.len() > 1
    }

    /// It ends: its section was rejected.
    pub(in crate::signaling) fn end(&mut self) {
        self.life = Life::Stopped;
        self.direction = RtpTransceiverDirection::Inactive;
        self.current_direction = None;
        self.receiver.streams.clear();
        self.sender.last_returned = None;
    }
}

/// All of them, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::signaling) struct Transceivers {
    list: Vec<Transceiver>,
    next: u32,
}

impl Transceivers {
    /// Makes one, which is in no section yet.
    pub fn add(
        &mut self,
        what: TrackOrKind,
        init: RtpTransceiverInit,
        origin: Origin,
        rng: &mut Rng,
    ) -> &mut Transceiver {
        let id = TransceiverId(self.next);
        self.next += 1;
        let kind = what.kind();
        let RtpTransceiverInit { direction, streams, send_encodings } = init;
        let track = match what {
            TrackOrKind::Track(track) => Some(track),
            TrackOrKind::Kind(_) => None,
        };
        let label = track.as_ref().map_or_else(|| random_text(rng), |track| track.id.clone());
        let mut sender = Sender {
            track,
            streams: without_repeats(streams),
            encodings: send_encodings,
            sources: Vec::new(),
            label,
            has_sent: false,
            last_returned: None,
            degradation_preference: None,
        };
        if sender.encodings.is_empty() {
            sender.encodings.push(default_encoding(kind));
        }
        draw_sources(&mut sender, rng);
        // W3C WebRTC §5.3: the id is this side's, whatever the peer calls it.
        let receiver = Receiver { track: MediaStreamTrack::new(kind, random_text(rng)), streams: Vec::new() };
        self.list.push(Transceiver {
            id,
            kind,
            origin,
            life: Life::Live,
            direction,
            current_direction: None,
            fired_direction: None,
            place: None,
            preferred: Vec::new(),
            header_extensions: Vec::new(),
            sender,
            receiver,
            stable: None,
        });
        self.list.last_mut().expect("it was just put there")
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Transceiver> {
        self.list.iter()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Transceiver> {
        self.list.iter_mut()
    }

    pub fn get(&self, id: TransceiverId) -> Option<&Transceiver> {
        let at = self.list.binary_search_by_key(&id, |transceiver| transceiver.id).ok()?;
        self.list.get(at)
    }

    pub fn get_mut(&mut self, id: TransceiverId) -> Option<&mut Transceiver> {
        let at = self.list.binary_search_by_key(&id, |transceiver| transceiver.id).ok()?;
        self.list.get_mut(at)
    }

    /// The one that is associated with a section and has not ended.
    pub fn at(&self, section: usize) -> Option<&Transceiver> {
        self.list
            .iter()
            .find(|transceiver| transceiver.section() == Some(section) && !transceiver.is_stopped())
    }

    pub fn at_mut(&mut self, section: usize) -> Option<&mut Transceiver> {
        let found = self.list.iter_mut();
        found
            .into_iter()
            .find(|transceiver| transceiver.section() == Some(section) && !transceiver.is_stopped())
    }

    pub fn retain(&mut self, keep: impl FnMut(&Transceiver) -> bool) {
        self.list.retain(keep);
    }

    /// Whether the id was ever given out here.
    pub const fn knows(&self, id: TransceiverId) -> bool {
        id.0 < self.next
    }
}

/// The encoding of a sender that was given none.
pub(in crate::signaling) fn default_encoding(kind: MediaKind) -> RtpEncodingParameters {
    let scale_resolution_down_by = (kind == MediaKind::Video).then_some(1.0);
    RtpEncodingParameters { scale_resolution_down_by, ..RtpEncodingParameters::default() }
}

/// Gives each encoding its sources; those that are there stay.
pub(in crate::signaling) fn draw_sources(sender: &mut Sender, rng: &mut Rng) {
    while sender.sources.len() < sender.encodings.len() {
        sender.sources.push(LocalSource { ssrc: rng.secret_u32(), rtx: rng.secret_u32() });
    }
}

/// A name that nobody has.
pub(in crate::signaling) fn random_text(rng: &mut Rng) -> String {
    const LENGTH: usize = 20;
    rng.secret_text(LETTERS, LENGTH)
}

pub(in crate::signaling) fn without_repeats(streams: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::with_capacity(streams.len());
    for stream in streams {
        if !unique.contains(&stream) {
            unique.push(stream);
        }
    }
    unique
}
