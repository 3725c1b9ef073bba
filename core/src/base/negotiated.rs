//! What two descriptions agree on for one section of audio or video: all that the media plane has to know of it.
//! Plain values: written by the signaling, read by the media plane.

use crate::base::media::{MediaKind, RtpCodec, RtpTransceiverDirection, TransceiverId};
use crate::base::parameters::RtcpParameters;

/// One section of audio or video, as the last answer left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedSection {
    /// The transceiver that it belongs to.
    pub transceiver: TransceiverId,
    /// `a=mid`, by which packets name their section; empty where the peer uses none.
    pub mid: String,
    /// The index of the section.
    pub index: usize,
    /// The transport that carries it; 0 is the first.
    pub transport: usize,
    /// What it carries.
    pub kind: MediaKind,
    /// Which way media may flow now.
    pub direction: RtpTransceiverDirection,
    /// What may be sent, the peer's choice first.
    pub send: Vec<NegotiatedCodec>,
    /// What may come, under our payload types.
    pub receive: Vec<NegotiatedCodec>,
    /// Header extensions that both sides know.
    pub extensions: Vec<NegotiatedExtension>,
    /// Whether one- and two-byte header extensions may be mixed in one stream (RFC 8285).
    pub extmap_allow_mixed: bool,
    /// The simulcast streams that we send, in the order of the encodings; empty without simulcast.
    pub send_rids: Vec<NegotiatedRid>,
    /// The named streams that the peer sends.
    pub receive_rids: Vec<NegotiatedRid>,
    /// Our sources, one for each encoding.
    pub local_sources: Vec<LocalSource>,
    /// The sources that the peer's description names.
    pub remote_sources: Vec<RemoteSource>,
    /// What our sources are called in RTCP, and the form of its packets.
    pub rtcp: RtcpParameters,
    /// Whether header extensions and sources are encrypted, too (RFC 9335).
    pub cryptex: bool,
    /// The most bits in a second that the peer takes (`b=TIAS`, or `b=AS` by RFC 9429 §5.10).
    pub max_bitrate: Option<u64>,
}

/// A codec under the payload type that packets carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// From 0 to 127.
    pub payload_type: u8,
    /// The codec, with the parameters of the side that receives it.
    pub codec: RtpCodec,
    /// The payload type of its retransmissions.
    pub rtx: Option<u8>,
    /// What `a=rtcp-fb` says of it on both sides.
    pub feedback: Vec<String>,
}

/// A header extension under the id that packets carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedExtension {
    /// The id.
    pub id: u16,
    /// Which one.
    pub uri: String,
    /// Who may use it.
    pub direction: RtpTransceiverDirection,
}

/// A named stream of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedRid {
    /// Its name.
    pub id: String,
    /// Whether its description asks for it to be paused at first (RFC 8853 §5.1).
    pub paused: bool,
}

/// Sources of one of our encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalSource {
    /// The media's.
    pub ssrc: u32,
    /// Its retransmissions'.
    pub rtx: u32,
    /// Its parity's, where that is a stream of its own.
    pub fec: u32,
}

/// A source that the peer's description names (RFC 5576).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteSource {
    /// The media's.
    pub ssrc: u32,
    /// Its retransmissions' (`FID`).
    pub rtx: Option<u32>,
    /// Its protection's (`FEC-FR`).
    pub fec: Option<u32>,
    /// Its canonical name.
    pub cname: Option<String>,
}
