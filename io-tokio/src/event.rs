//! What a connection tells the application.

use crate::channel::DataChannel;
use purertc::{
    DtlsError, DtlsTransportState, Frame, IceCandidateError, IceCandidateInit, IceConnectionState,
    IceGatheringState, IceTransportState, IdpError, PeerConnectionState, PeerIdentity, ReceiverId, RtpPacket,
    SctpTransportState, SenderId, SignalingState, TrackEvent, TransportId,
};

/// An event of a peer connection, under its W3C name. Messages and the like come from the
/// [`DataChannel`] itself.
#[derive(Clone, Debug)]
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
    IceCandidate(Option<IceCandidateInit>),
    /// `icecandidateerror`: a STUN or TURN server gave no candidate. The others are not affected.
    IceCandidateError(IceCandidateError),
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
    Track(TrackEvent),
    /// `unmute` of a track: the first packet of it came.
    TrackUnmute(ReceiverId),
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
    /// The obsolete `identityresult`: our identity provider vouches for us, with this value of `a=identity`.
    IdentityResult(Box<str>),
    /// The obsolete `peeridentity`: the peer is who it claims to be.
    PeerIdentity(PeerIdentity),
    /// The obsolete `idpassertionerror`: our identity provider does not vouch for us.
    IdpAssertionError(Box<IdpError>),
    /// The obsolete `idpvalidationerror`: nobody vouches for what the peer claims.
    IdpValidationError(Box<IdpError>),
    /// `tonechange` of a sender: this tone begins now. None: all have been played.
    ToneChange(SenderId, Option<char>),
    /// A frame came, for a receiver that takes [frames](purertc::Delivery::Frames).
    Frame(Box<Frame>),
    /// A packet came, for a receiver that takes [packets](purertc::Delivery::Packets).
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
    /// `datachannel`: the peer opened one. Dropping the handle closes it.
    DataChannel(DataChannel),
}

impl Event {
    /// The core's event with a handle in place of an id. `None` for what this adapter does not know, and for a
    /// channel that nobody can have a handle of any more.
    pub(crate) fn from_core(event: purertc::Event, channel: Option<DataChannel>) -> Option<Self> {
        use purertc::Event as Core;
        Some(match event {
            Core::NegotiationNeeded => Self::NegotiationNeeded,
            Core::SignalingStateChange(state) => Self::SignalingStateChange(state),
            Core::IceGatheringStateChange(state) => Self::IceGatheringStateChange(state),
            Core::IceCandidate(candidate) => Self::IceCandidate(candidate.map(|candidate| *candidate)),
            Core::IceCandidateError(error) => Self::IceCandidateError(*error),
            Core::SelectedCandidatePairChange(id) => Self::SelectedCandidatePairChange(id),
            Core::IceTransportGatheringStateChange(id, state) => {
                Self::IceTransportGatheringStateChange(id, state)
            }
            Core::IceTransportStateChange(id, state) => Self::IceTransportStateChange(id, state),
            Core::IceConnectionStateChange(state) => Self::IceConnectionStateChange(state),
            Core::DtlsTransportError(id, failure) => Self::DtlsTransportError(id, failure),
            Core::DtlsTransportStateChange(id, state) => Self::DtlsTransportStateChange(id, state),
            Core::ConnectionStateChange(state) => Self::ConnectionStateChange(state),
            Core::SctpTransportStateChange(state) => Self::SctpTransportStateChange(state),
            Core::Track(track) => Self::Track(*track),
            Core::TrackMute(id) => Self::TrackMute(id),
            Core::TrackEnded(id) => Self::TrackEnded(id),
            Core::StreamAddTrack(stream, id) => Self::StreamAddTrack(stream, id),
            Core::StreamRemoveTrack(stream, id) => Self::StreamRemoveTrack(stream, id),
            Core::AddStream(stream) => Self::AddStream(stream),
            Core::RemoveStream(stream) => Self::RemoveStream(stream),
            Core::IdentityResult(value) => Self::IdentityResult(value),
            Core::PeerIdentity(peer) => Self::PeerIdentity(*peer),
            Core::IdpAssertionError(error) => Self::IdpAssertionError(error),
            Core::IdpValidationError(error) => Self::IdpValidationError(error),
            Core::ToneChange(id, tone) => Self::ToneChange(id, tone),
            Core::TrackUnmute(receiver) => Self::TrackUnmute(receiver),
            Core::Frame(frame) => Self::Frame(frame),
            Core::Rtp(packet) => Self::Rtp(packet),
            Core::KeyFrameRequest { sender, encoding } => Self::KeyFrameRequest { sender, encoding },
            Core::BitrateLimit { sender, encoding, bitrate } => {
                Self::BitrateLimit { sender, encoding, bitrate }
            }
            Core::DataChannel(_) => Self::DataChannel(channel?),
            _ => return None,
        })
    }
}
