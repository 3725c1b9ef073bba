//! What the media plane tells its owner, and what it takes for sending.

use crate::base::media::{ReceiverId, SenderId};
use crate::base::time::Instant;
use crate::media::codec::Layer;
use crate::media::packet::RtpPacket;
use crate::wire::rtp::Packet;
use crate::wire::rtp::value::{AudioLevel, Orientation, Value};
use bytes::Bytes;
use std::time::SystemTime;

/// What happened to media.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A frame came, whole and in order.
    Frame(Box<Frame>),
    /// A packet came, for a receiver that wants packets.
    Rtp(RtpPacket),
    /// The first packet of a track since it was muted.
    Unmute(ReceiverId),
    /// The last source of a track said goodbye.
    Mute(ReceiverId),
    /// The peer can do nothing without a key frame of this encoding: have one made.
    KeyFrameRequest {
        /// Whose.
        sender: SenderId,
        /// Its place among the encodings.
        encoding: usize,
    },
    /// The peer wants an encoding to be no faster (RFC 5104, `TMMBR`): have it set up so.
    BitrateLimit {
        /// Whose.
        sender: SenderId,
        /// Its place among the encodings.
        encoding: usize,
        /// Bits in a second, headers included.
        bitrate: u64,
    },
}

impl Event {
    /// Bytes of media in it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.data.len(),
            Self::Rtp(packet) => packet.as_bytes().len(),
            Self::Unmute(_) | Self::Mute(_) | Self::KeyFrameRequest { .. } | Self::BitrateLimit { .. } => 0,
        }
    }
}

/// How the application takes what comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As frames: in order, whole, and decodable.
    #[default]
    Frames,
    /// As packets, as they come: for forwarding. What protects them on this path is among them where it was negotiated:
    /// redundant sound, and pictures inside of RFC 2198 with ULPFEC, which browsers send if they can. Who forwards to peers
    /// that have other codecs leaves `red` and `ulpfec` out of the [capabilities](crate::MediaCapabilities).
    Packets,
}

/// A frame that came.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct Frame {
    /// Who receives it.
    pub receiver: ReceiverId,
    /// Which of several simulcast streams it is from.
    pub rid: Option<Box<str>>,
    /// The source.
    pub ssrc: u32,
    /// The codec, as a payload type of the negotiation.
    pub payload_type: u8,
    /// Its time on the codec's clock.
    pub timestamp: u32,
    /// Its time on the sender's wall clock, once a report of the sender has said how the two relate. Frames of one
    /// sender that bear the same time belong together: this is what lips are synchronised by.
    pub captured: Option<SystemTime>,
    /// The frame, as its decoder takes it.
    pub data: Bytes,
    /// Whether it can be decoded without any before it.
    pub key: bool,
    /// Its layer, for codecs that say so.
    pub layer: Layer,
    /// When its last packet came.
    pub arrived: Instant,
    /// How loud it is, where the sender says so.
    pub audio_level: Option<AudioLevel>,
    /// How the camera was held, where the sender says so.
    pub orientation: Option<Orientation>,
}

/// A frame to send.
#[derive(Clone, Debug, Default)]
pub struct SendFrame<'a> {
    /// The place of its encoding among those of the sender: 0 without simulcast.
    pub encoding: usize,
    /// The codec, as a payload type of the negotiation. Default: the peer's first choice.
    pub payload_type: Option<u8>,
    /// Its time on the codec's clock: the count of samples so far, or 90,000 a second for video.
    pub timestamp: u32,
    /// The frame, as its encoder gave it.
    pub data: Bytes,
    /// For audio: the first frame after a silence (RFC 3551 §4.1). Video has its own rules.
    pub marker: bool,
    /// Its layer, for codecs that say so.
    pub layer: Layer,
    /// Header extensions: those that were negotiated are sent along.
    pub extensions: &'a [Value<'a>],
}

/// A packet to send, of another source: for forwarding.
#[derive(Clone, Debug, Default)]
pub struct SendPacket<'a> {
    /// The place of its encoding among those of the sender: 0 without simulcast.
    pub encoding: usize,
    /// The codec, as a payload type of the negotiation. Default: the peer's first choice.
    pub payload_type: Option<u8>,
    /// Who sent it, by any number that tells sources apart, such as the SSRC. A source other than that of the packet before
    /// goes on where that one ended: in numbers, and in time as far as has passed. Begin with a key frame.
    pub source: u64,
    /// The number that the source gave it, counted on ([`RtpPacket::count`]). Gaps stay gaps and late ones stay late; with
    /// a jump of more than 16,383 it goes on behind the last one.
    pub count: u64,
    /// Its timestamp, as the source gave it.
    pub timestamp: u32,
    /// Its marker.
    pub marker: bool,
    /// Its payload, which is shared.
    pub payload: Bytes,
    /// Header extensions: those that were negotiated are sent along.
    pub extensions: &'a [Value<'a>],
}

impl From<&RtpPacket> for SendPacket<'_> {
    /// A packet that came, to be sent on: its number, time and marker, and its payload, which is shared. All else is the default:
    /// say whose it is where several sources take turns, and how the other peer numbers its codec.
    fn from(packet: &RtpPacket) -> Self {
        let Packet { header, payload, .. } = packet.parse();
        Self {
            count: packet.count,
            timestamp: header.timestamp.0,
            marker: header.marker,
            payload: packet.as_bytes().slice_ref(payload),
            ..Self::default()
        }
    }
}
