//! What a transport hands to its owner.

use crate::base::net::Path;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::ice::IceTransportState;
use crate::transport::server::CandidateError;
use crate::wire::candidate::Candidate;
use bytes::BytesMut;

crate::w3c_enum! {
    /// `RTCIceGatheringState`: how far the search for our own candidates is.
    pub enum IceGatheringState {
        /// It has not begun.
        New = "new",
        /// It is under way.
        Gathering = "gathering",
        /// All candidates of this generation are known.
        Complete = "complete",
    }
}

crate::w3c_enum! {
    /// `RTCIceTransportPolicy`: which candidates may be used.
    pub enum IceTransportPolicy {
        /// Relayed ones alone: the peer does not learn our addresses.
        Relay = "relay",
        /// All.
        All = "all",
    }
}

/// What a transport has to say.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Gathering began or ended.
    GatheringStateChange(IceGatheringState),
    /// A candidate of ours is to be signalled.
    LocalCandidate(Box<Candidate>),
    /// A server gave no candidate (`icecandidateerror`).
    CandidateError(Box<CandidateError>),
    /// The ICE state, after the change.
    IceStateChange(IceTransportState),
    /// Another pair carries the data now.
    SelectedPairChange,
    /// The DTLS state, after the change.
    DtlsStateChange(DtlsTransportState),
}

/// What was inside a datagram.
#[derive(Debug)]
#[non_exhaustive]
pub enum Inbound {
    /// An SCTP packet: the plaintext of a DTLS record, a slice of the datagram.
    Sctp(BytesMut),
    /// An RTP packet, authentic and new: the datagram itself, opened in place.
    Rtp(BytesMut),
    /// A compound or reduced-size RTCP packet, authentic and new.
    Rtcp(BytesMut),
}

/// Where data may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendPath {
    /// The five-tuple.
    pub path: Path,
    /// Bytes that a packet inside may have, so that the datagram stays within the path's MTU.
    pub max_payload: usize,
}

/// Where media may leave now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaPath {
    /// The five-tuple.
    pub path: Path,
    /// Bytes that an RTP packet may have, header included, so that the datagram stays within the path's MTU.
    pub max_rtp: usize,
    /// Bytes that an RTCP packet may have.
    pub max_rtcp: usize,
}
