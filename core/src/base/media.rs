//! What audio and video are described with: kinds, directions, tracks, codecs, header extensions. Plain values
//! that the signaling, the media plane and the application pass around; nothing here knows SDP or RTP.

use std::fmt;
use std::sync::{Arc, LazyLock};

crate::w3c_enum! {
    /// What a track carries (`MediaStreamTrack.kind`).
    pub enum MediaKind {
        /// Sound.
        Audio = "audio",
        /// Pictures.
        Video = "video",
    }
}

crate::w3c_enum! {
    /// Which way media flows, as this side sees it (`RTCRtpTransceiverDirection`).
    pub enum RtpTransceiverDirection {
        /// Both ways.
        SendRecv = "sendrecv",
        /// To the peer.
        SendOnly = "sendonly",
        /// From the peer.
        RecvOnly = "recvonly",
        /// Neither way, for now.
        Inactive = "inactive",
        /// Neither way, for good.
        Stopped = "stopped",
    }
}

impl RtpTransceiverDirection {
    /// The direction that sends and receives as told.
    #[must_use]
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether media goes to the peer.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether media comes from the peer.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, as the other side sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }

    /// What both allow.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

/// Names a transceiver of one connection. `Copy`; a number is never used twice, so an id of one that is gone
/// names nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TransceiverId(pub(crate) u32);

/// Names the sending half of a transceiver. `Copy`, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SenderId(pub(crate) TransceiverId);

/// Names the receiving half of a transceiver. `Copy`, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReceiverId(pub(crate) TransceiverId);

impl TransceiverId {
    /// This id as a number, for maps and logs outside the core.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0 as u64
    }

    /// Its sending half.
    #[must_use]
    pub const fn sender(self) -> SenderId {
        SenderId(self)
    }

    /// Its receiving half.
    #[must_use]
    pub const fn receiver(self) -> ReceiverId {
        ReceiverId(self)
    }
}

impl SenderId {
    /// The transceiver that it belongs to.
    #[must_use]
    pub const fn transceiver(self) -> TransceiverId {
        self.0
    }
}

impl ReceiverId {
    /// The transceiver that it belongs to.
    #[must_use]
    pub const fn transceiver(self) -> TransceiverId {
        self.0
    }
}

impl fmt::Debug for TransceiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl fmt::Debug for SenderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.sender", self.0)
    }
}

impl fmt::Debug for ReceiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.receiver", self.0)
    }
}

/// `MediaStreamTrack`, of which the connection needs no more than a label: media goes in at the sender and comes
/// out at the receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MediaStreamTrack {
    /// `id`: what tells it from other tracks. It goes into descriptions, so it must be an SDP token; tracks of the
    /// peer have ids that this side drew.
    pub id: String,
    /// `kind`.
    pub kind: MediaKind,
}

impl MediaStreamTrack {
    /// A track of this id and kind.
    #[must_use]
    pub fn new(kind: MediaKind, id: impl Into<String>) -> Self {
        Self { id: id.into(), kind }
    }
}

/// What `addTransceiver` begins with: a track to send, or a kind of media.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TrackOrKind {
    /// Sends this one.
    Track(MediaStreamTrack),
    /// Sends nothing yet.
    Kind(MediaKind),
}

impl TrackOrKind {
    /// The kind of media.
    #[must_use]
    pub const fn kind(&self) -> MediaKind {
        match self {
            Self::Track(track) => track.kind,
            Self::Kind(kind) => *kind,
        }
    }
}

impl From<MediaStreamTrack> for TrackOrKind {
    fn from(track: MediaStreamTrack) -> Self {
        Self::Track(track)
    }
}

impl From<MediaKind> for TrackOrKind {
    fn from(kind: MediaKind) -> Self {
        Self::Kind(kind)
    }
}

/// `RTCRtpCodec`: a codec and how it is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RtpCodec {
    /// `video/VP8`; compared without case.
    pub mime_type: String,
    /// Ticks of the RTP clock in a second.
    pub clock_rate: u32,
    /// Of audio; `None` counts as 1.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub channels: Option<u16>,
    /// What `a=fmtp` says, without the payload type.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub sdp_fmtp_line: Option<String>,
}

impl RtpCodec {
    /// A codec without parameters.
    #[must_use]
    pub fn new(mime_type: &str, clock_rate: u32) -> Self {
        Self { mime_type: mime_type.to_owned(), clock_rate, channels: None, sdp_fmtp_line: None }
    }

    /// With this many channels.
    #[must_use]
    pub fn channels(mut self, channels: u16) -> Self {
        self.channels = Some(channels);
        self
    }

    /// With these parameters.
    #[must_use]
    pub fn fmtp(mut self, parameters: &str) -> Self {
        self.sdp_fmtp_line = Some(parameters.to_owned());
        self
    }

    /// What follows the slash of the MIME type.
    #[must_use]
    pub fn name(&self) -> &str {
        self.mime_type.split_once('/').map_or(self.mime_type.as_str(), |(_, name)| name)
    }
}

/// What a codec is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodecRole {
    /// It carries the media itself.
    Media,
    /// It repeats lost packets of another one (RFC 4588).
    Rtx,
    /// It wraps others (RFC 2198) or protects them (RFC 5109, FlexFEC).
    Protection,
    /// It stands in for silence (RFC 3389).
    ComfortNoise,
    /// It carries tones (RFC 4733).
    TelephoneEvent,
}

impl CodecRole {
    /// Of the codec of this name, which is compared without case.
    #[must_use]
    pub fn of(name: &str) -> Self {
        const NAMES: &[(&str, CodecRole)] = &[
            ("rtx", CodecRole::Rtx),
            ("red", CodecRole::Protection),
            ("ulpfec", CodecRole::Protection),
            ("flexfec-03", CodecRole::Protection),
            ("flexfec", CodecRole::Protection),
            ("CN", CodecRole::ComfortNoise),
            ("telephone-event", CodecRole::TelephoneEvent),
        ];
        let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or(Self::Media, |&(_, role)| role)
    }
}

/// A codec that this side can handle, and what it says of it in descriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecCapability {
    /// The codec.
    pub codec: RtpCodec,
    /// The payload type to offer it under, unless the session uses that for another one: 0 to 63 or 96 to 127.
    pub payload_type: u8,
    /// The payload type to offer for its retransmissions; `None` for a codec that is not retransmitted.
    pub rtx_payload_type: Option<u8>,
    /// What `a=rtcp-fb` says, an entry a line.
    pub feedback: Vec<String>,
}

/// A header extension that this side can handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderExtensionCapability {
    /// Its name.
    pub uri: String,
    /// The id to offer it under, unless the session uses that for another one: 1 to 14, or up to 255.
    pub id: u16,
}

/// Everything that this side can do with one kind of media, the most preferred first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindCapabilities {
    /// Codecs. One for `rtx` switches retransmissions on; its payload type is not used.
    pub codecs: Vec<CodecCapability>,
    /// Header extensions.
    pub header_extensions: Vec<HeaderExtensionCapability>,
}

/// What this side can do with audio and video.
///
/// The default is what browsers have: Opus, redundant audio, G.722, PCMU, PCMA, comfort noise, telephone events;
/// VP8, VP9 (profiles 0 and 2), H.264 (constrained baseline, baseline, main and high, both packetization modes), AV1, H.265,
/// retransmission and forward error correction. As media goes in and out encoded, none of that costs anything
/// here: leave out what the application cannot handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaCapabilities {
    /// Of audio.
    pub audio: KindCapabilities,
    /// Of video.
    pub video: KindCapabilities,
}

impl MediaCapabilities {
    /// The default ones, shared.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: LazyLock<Arc<MediaCapabilities>> =
            LazyLock::new(|| Arc::new(MediaCapabilities::default()));
        Arc::clone(&SHARED)
    }

    /// Of one kind.
    #[must_use]
    pub const fn of(&self, kind: MediaKind) -> &KindCapabilities {
        match kind {
            MediaKind::Audio => &self.audio,
            MediaKind::Video => &self.video,
        }
    }
}

impl Default for MediaCapabilities {
    fn default() -> Self {
        Self { audio: default_audio(), video: default_video() }
    }
}

fn default_audio() -> KindCapabilities {
    let codec = |payload_type, codec, feedback: &[&str]| CodecCapability {
        codec,
        payload_type,
        rtx_payload_type: None,
        feedback: feedback.iter().map(|&text| text.to_owned()).collect(),
    };
    let new = RtpCodec::new;
    let opus = new("audio/opus", 48_000).channels(2).fmtp("minptime=10;useinbandfec=1");
    KindCapabilities {
        codecs: vec![
            codec(111, opus, &["transport-cc"]),
            codec(63, new("audio/red", 48_000).channels(2), &[]),
            codec(9, new("audio/G722", 8_000), &[]),
            codec(0, new("audio/PCMU", 8_000), &[]),
            codec(8, new("audio/PCMA", 8_000), &[]),
            codec(13, new("audio/CN", 8_000), &[]),
            codec(110, new("audio/telephone-event", 48_000), &[]),
            codec(126, new("audio/telephone-event", 8_000), &[]),
        ],
        header_extensions: extensions(&[
            (1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
            (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
            (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
            (4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
        ]),
    }
}

/// Payload types of the default video codecs that have parameters, with that of their retransmissions.
const DEFAULT_VIDEO: &[(u8, u8, &str, &str)] = &[
    (96, 97, "video/VP8", ""),
    (98, 99, "video/VP9", "profile-id=0"),
    (100, 101, "video/VP9", "profile-id=2"),
    (102, 103, "video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
    (104, 105, "video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f"),
    (106, 107, "video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"),
    (108, 109, "video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"),
    (112, 113, "video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f"),
    (114, 115, "video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f"),
    (116, 117, "video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f"),
    (45, 46, "video/AV1", "level-idx=5;profile=0;tier=0"),
    (49, 50, "video/H265", "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST"),
];

fn default_video() -> KindCapabilities {
    const FEEDBACK: &[&str] = &["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"];
    let codec = |payload_type, rtx_payload_type, codec, feedback: &[&str]| CodecCapability {
        codec,
        payload_type,
        rtx_payload_type,
        feedback: feedback.iter().map(|&text| text.to_owned()).collect(),
    };
    let media = |&(payload_type, rtx, name, parameters): &(u8, u8, &str, &str)| {
        let plain = RtpCodec::new(name, 90_000);
        let set_up = if parameters.is_empty() { plain } else { plain.fmtp(parameters) };
        codec(payload_type, Some(rtx), set_up, FEEDBACK)
    };
    let new = |name| RtpCodec::new(name, 90_000);
    let mut codecs: Vec<_> = DEFAULT_VIDEO.iter().map(media).collect();
    codecs.insert(1, codec(97, None, new("video/rtx"), &[]));
    codecs.push(codec(118, Some(119), new("video/red"), &[]));
    codecs.push(codec(120, None, new("video/ulpfec"), &[]));
    codecs.push(codec(
        121,
        None,
        new("video/flexfec-03").fmtp("repair-window=10000000"),
        &["goog-remb", "transport-cc"],
    ));
    KindCapabilities {
        codecs,
        header_extensions: extensions(&[
            (14, "urn:ietf:params:rtp-hdrext:toffset"),
            (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"),
            (13, "urn:3gpp:video-orientation"),
            (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"),
            (5, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"),
            (6, "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type"),
            (7, "http://www.webrtc.org/experiments/rtp-hdrext/video-timing"),
            (8, "http://www.webrtc.org/experiments/rtp-hdrext/color-space"),
            (4, "urn:ietf:params:rtp-hdrext:sdes:mid"),
            (10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"),
            (11, "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"),
            (12, "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"),
        ]),
    }
}

fn extensions(list: &[(u16, &str)]) -> Vec<HeaderExtensionCapability> {
    list.iter().map(|&(id, uri)| HeaderExtensionCapability { uri: uri.to_owned(), id }).collect()
}

#[cfg(test)]
mod tests {
    use super::{CodecRole, MediaCapabilities, MediaKind, RtpTransceiverDirection};

    #[test]
    fn directions_are_pairs_of_ways() {
        for &a in RtpTransceiverDirection::ALL {
            assert_eq!(a.reversed().sends(), a.receives());
            assert_eq!(a.reversed().reversed(), a);
            for &b in RtpTransceiverDirection::ALL {
                let both = a.intersect(b);
                assert_eq!(both.sends(), a.sends() && b.sends());
                assert_eq!(both.receives(), a.receives() && b.receives());
            }
        }
    }

    #[test]
    fn no_default_payload_type_is_taken_twice_nor_looks_like_rtcp() {
        let capabilities = MediaCapabilities::shared();
        let mut taken = Vec::new();
        for &kind in MediaKind::ALL {
            for codec in &capabilities.of(kind).codecs {
                if CodecRole::of(codec.codec.name()) == CodecRole::Rtx {
                    continue;
                }
                for payload_type in [Some(codec.payload_type), codec.rtx_payload_type].into_iter().flatten() {
                    assert!(matches!(payload_type, 0..=63 | 96..=127) && !taken.contains(&payload_type));
                    taken.push(payload_type);
                }
            }
        }
    }
}
