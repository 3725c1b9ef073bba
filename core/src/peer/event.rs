//! What a connection tells the application: the W3C events, from one queue, in W3C order.

use crate::base::media::{MediaStreamTrack, ReceiverId, SenderId, TransceiverId};
use crate::data::channel::DataChannelId;
use crate::data::error::ChannelError;
use crate::data::event::{Message, SctpTransportState};
use crate::media::event::{Event as MediaEvent, Frame};
use crate::media::packet::RtpPacket;
use crate::peer::identity::{IdpError, PeerIdentity};
use crate::peer::link::TransportId;
use crate::peer::state::{IceConnectionState, PeerConnectionState};
use crate::signaling::description::IceCandidateInit;
use crate::signaling::state::SignalingState;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::dtls::alert::Failure;
use crate::transport::ice::IceTransportState;
use crate::transport::{CandidateError, IceGatheringState};
use std::net::IpAddr;

/// An event of a peer connection.
///
/// Under the `serde` feature it is an object with one member, named as W3C names the event: `{"signalingstatechange":
/// "stable"}`; bytes are arrays of numbers.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Event {
    /// `negotiationneeded`: make an offer when it suits you.
    NegotiationNeeded,
    /// `signalingstatechange`, with the state after the change.
    SignalingStateChange(SignalingState),
    /// `icegatheringstatechange`.
    IceGatheringStateChange(IceGatheringState),
    /// `icecandidate`: send it to the peer. An empty candidate ends a generation; `None` comes once, when
    /// gathering is over, and need not be sent.
    IceCandidate(Option<Box<IceCandidateInit>>),
    /// `icecandidateerror`: a STUN or TURN server gave no candidate. The others are not affected.
    IceCandidateError(Box<IceCandidateError>),
    /// `selectedcandidatepairchange` of an ICE transport.
    SelectedCandidatePairChange(TransportId),
    /// `gatheringstatechange` of an ICE transport.
    IceTransportGatheringStateChange(TransportId, IceGatheringState),
    /// `statechange` of an ICE transport.
    IceTransportStateChange(TransportId, IceTransportState),
    /// `iceconnectionstatechange`.
    IceConnectionStateChange(IceConnectionState),
    /// `error` of a DTLS transport; the state change follows.
    DtlsTransportError(TransportId, Box<DtlsError>),
    /// `statechange` of a DTLS transport.
    DtlsTransportStateChange(TransportId, DtlsTransportState),
    /// `connectionstatechange`.
    ConnectionStateChange(PeerConnectionState),
    /// `statechange` of the SCTP transport.
    SctpTransportStateChange(SctpTransportState),
    /// `track`: the peer sends, or is about to.
    Track(Box<TrackEvent>),
    /// `unmute` of a track: the first packet of it came.
    TrackUnmute(ReceiverId),
    /// A frame came, whole and in order, for a receiver that takes [frames](crate::media::event::Delivery::Frames).
    Frame(Box<Frame>),
    /// A packet came, for a receiver that takes [packets](crate::media::event::Delivery::Packets).
    Rtp(RtpPacket),
    /// The peer can do nothing without a key frame of an encoding: have one made.
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
    /// `mute` of a track that the peer sent: it does not any more.
    TrackMute(ReceiverId),
    /// `ended` of a track that the peer sent: its transceiver was stopped.
    TrackEnded(ReceiverId),
    /// `addtrack` of a stream of the peer that was there before.
    StreamAddTrack(Box<str>, ReceiverId),
    /// `removetrack` of a stream of the peer.
    StreamRemoveTrack(Box<str>, ReceiverId),
    /// The obsolete `addstream`: the peer has a new stream.
    AddStream(Box<str>),
    /// The obsolete `removestream`: a stream of the peer has no track any more.
    RemoveStream(Box<str>),
    /// The obsolete `identityresult`: our identity provider vouches for us, with this value of `a=identity`. Descriptions can be
    /// created now.
    IdentityResult(Box<str>),
    /// The obsolete `peeridentity`: the peer is who it claims to be.
    PeerIdentity(Box<PeerIdentity>),
    /// The obsolete `idpassertionerror`: our identity provider does not vouch for us.
    IdpAssertionError(Box<IdpError>),
    /// The obsolete `idpvalidationerror`: nobody vouches for what the peer claims.
    IdpValidationError(Box<IdpError>),
    /// `tonechange` of a sender: this tone begins now. None: all have been played.
    ToneChange(SenderId, Option<char>),
    /// `datachannel`: the peer opened one. It can be sent on at once; its `Open` follows.
    DataChannel(DataChannelId),
    /// An event of a data channel.
    Channel(DataChannelId, ChannelEvent),
}

impl From<MediaEvent> for Event {
    fn from(event: MediaEvent) -> Self {
        match event {
            MediaEvent::Frame(frame) => Self::Frame(frame),
            MediaEvent::Rtp(packet) => Self::Rtp(packet),
            MediaEvent::Unmute(receiver) => Self::TrackUnmute(receiver),
            MediaEvent::Mute(receiver) => Self::TrackMute(receiver),
            MediaEvent::KeyFrameRequest { sender, encoding } => Self::KeyFrameRequest { sender, encoding },
            MediaEvent::BitrateLimit { sender, encoding, bitrate } => {
                Self::BitrateLimit { sender, encoding, bitrate }
            }
        }
    }
}

/// `RTCTrackEvent`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TrackEvent {
    /// `transceiver`.
    pub transceiver: TransceiverId,
    /// `receiver`.
    pub receiver: ReceiverId,
    /// `track`.
    pub track: MediaStreamTrack,
    /// The ids of `streams`.
    pub streams: Vec<String>,
}

crate::w3c_enum! {
    /// The values of `RTCErrorDetailType` that concern DTLS.
    pub enum DtlsErrorDetail {
        /// The handshake failed, or an alert ended the connection.
        Dtls = "dtls-failure",
        /// The peer's certificate is none of those that its description names.
        Fingerprint = "fingerprint-failure",
    }
}

/// `RTCError` of a DTLS transport: what went wrong. [`Connection::failure`](crate::transport::dtls::Connection::failure) of
/// the transport has it in types.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct DtlsError {
    /// `errorDetail`
    pub error_detail: DtlsErrorDetail,
    /// `receivedAlert`: the alert of the peer that ended it.
    pub received_alert: Option<u8>,
    /// `sentAlert`: the alert that the peer was sent.
    pub sent_alert: Option<u8>,
    /// `message`: the same in words.
    pub message: String,
}

impl From<Failure> for DtlsError {
    fn from(failure: Failure) -> Self {
        Self {
            error_detail: match failure {
                Failure::FingerprintMismatch => DtlsErrorDetail::Fingerprint,
                _ => DtlsErrorDetail::Dtls,
            },
            received_alert: match failure {
                Failure::PeerAlert(alert) => Some(alert.into()),
                _ => None,
            },
            sent_alert: failure.alert().map(u8::from),
            message: failure.to_string(),
        }
    }
}

/// `RTCPeerConnectionIceErrorEvent`: which server gave no candidate, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct IceCandidateError {
    /// The address of this host that the server was asked from; `None` where candidates do not show it, either.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// The server's URL.
    pub url: String,
    /// STUN's error code, or 701 when the server could not be reached at all.
    pub error_code: u16,
    /// The server's words, or ours.
    pub error_text: String,
}

impl From<CandidateError> for IceCandidateError {
    fn from(error: CandidateError) -> Self {
        let CandidateError { address, url, code, text } = error;
        Self {
            address: address.map(|address| address.ip()),
            port: address.map(|address| address.port()),
            url: url.into(),
            error_code: code,
            error_text: text,
        }
    }
}

/// An event of a data channel.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum ChannelEvent {
    /// `open`: messages may be sent.
    Open,
    /// `message`.
    Message(Message),
    /// `bufferedamountlow`: what waits has fallen to the threshold.
    BufferedAmountLow,
    /// `closing`: the peer closes the channel.
    Closing,
    /// `error`: it failed; `Close` follows.
    Error(ChannelError),
    /// `close`: the id names nothing any more after the next event.
    Close,
}

#[cfg(test)]
mod tests {
    use super::Event;

    #[test]
    fn an_event_is_small_and_can_travel() {
        fn is_send<T: Send + 'static>() {}
        is_send::<Event>();
        assert!(size_of::<Event>() <= 64, "{}", size_of::<Event>());
    }
}
