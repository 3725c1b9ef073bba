//! What a transport hands to its owner.

use crate::base::net::Path;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::ice::IceTransportState;
use crate::transport::server::CandidateError;
use crate::wire::candidate::Candidate;
use bytes::BytesMut;
use std::net::IpAddr;

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
        /// All but those with addresses that only a private network knows. Not in the W3C enum any more, and in
        /// libwebrtc's.
        Public = "public",
    }
}

/// How candidates show the addresses of this host (RFC 8828 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HostAddresses {
    /// As they are: mode 1. What servers and native applications do, and what connects soonest.
    #[default]
    Shown,
    /// As they are, but only the first that the driver named of each family: mode 2, where that is the address of the
    /// default route. Other networks of this host are neither used nor shown.
    DefaultRoute,
    /// As names that only the same link can resolve (mDNS), which is what browsers do for pages that were not given
    /// camera or microphone.
    Named,
    /// Not at all, and only the default route is used: mode 3. What servers see of this host and relayed addresses alone are signalled. The peer still learns
    /// what packets to it come from.
    Hidden,
}

/// How the world sees an address of this host behind a 1:1 NAT, such as clouds give their machines. The port is the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExternalAddress {
    /// The address that this host has.
    pub internal: IpAddr,
    /// The address that others reach it at.
    pub external: IpAddr,
    /// Whether candidates show it in place of the internal one (as host candidates), or beside it (as reflexive ones).
    /// In place of it is shorter, beside it serves peers on the internal network, too.
    pub replaces_host: bool,
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
