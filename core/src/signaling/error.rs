//! What the verbs refuse with. Each error says what to change and which exception a browser would throw.

use crate::base::w3c::ErrorKind;
use crate::signaling::state::{SdpType, SignalingState};
use crate::wire::sdp::SdpError;
use thiserror::Error;

/// Why no offer or answer was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateDescriptionError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// An offer is possible in `stable` and `have-local-offer` only.
    #[error("no offer can be created in {0}; finish or roll back the exchange first")]
    OfferInState(SignalingState),
    /// An answer is possible in `have-remote-offer` and `have-local-pranswer` only.
    #[error("no answer can be created in {0}; set a remote offer first")]
    AnswerInState(SignalingState),
    /// Without a fingerprint nobody could verify us.
    #[error("there is no certificate fingerprint; hand in at least one")]
    NoFingerprint,
    /// The ICE credentials that were chosen have characters or a length that descriptions cannot say.
    #[error("the chosen ICE credentials are not of legal length and characters (RFC 8839 §5.4)")]
    BadCredentials,
    /// An identity provider is set and has not vouched for us yet.
    #[error(
        "the identity provider has not answered; ask with get_identity_assertion and wait for its result"
    )]
    NoIdentityAssertion,
}

impl CreateDescriptionError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed | Self::OfferInState(_) | Self::AnswerInState(_) => ErrorKind::InvalidState,
            Self::NoFingerprint | Self::BadCredentials => ErrorKind::Operation,
            Self::NoIdentityAssertion => ErrorKind::NotReadable,
        }
    }
}

/// Why a description was not set. The session is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetDescriptionError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// There is no offer to roll back, or it was answered provisionally.
    #[error("nothing can be rolled back in {0}")]
    RollbackInState(SignalingState),
    /// The state does not allow a local description of this type.
    #[error("a local {kind} cannot be set in {state}")]
    LocalInState {
        /// The type of the description.
        kind: SdpType,
        /// The state.
        state: SignalingState,
    },
    /// The state does not allow a remote description of this type.
    #[error("a remote {kind} cannot be set in {state}")]
    RemoteInState {
        /// The type of the description.
        kind: SdpType,
        /// The state.
        state: SignalingState,
    },
    /// A local description is not what was created last.
    #[error("the local {0} is not the one created last; set it unchanged, or leave out its text")]
    Modified(SdpType),
    /// The text is not a session description.
    #[error(transparent)]
    Syntax(#[from] SdpError),
    /// A remote media section does not multiplex RTP and RTCP.
    #[error("section {section} lacks a=rtcp-mux, which is required")]
    NoRtcpMux {
        /// The section, from 0.
        section: usize,
    },
    /// The text is well-formed and makes no sense here.
    #[error(transparent)]
    Invalid(#[from] InvalidDescription),
    /// The peer has to be somebody, and nobody has vouched that this description is from there.
    #[error("the peer's identity was not validated; ask with validate_identity and wait for its result")]
    IdentityNotValidated,
    /// The implicit description could not be created.
    #[error(transparent)]
    Create(#[from] CreateDescriptionError),
}

impl SetDescriptionError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed
            | Self::RollbackInState(_)
            | Self::LocalInState { .. }
            | Self::RemoteInState { .. } => ErrorKind::InvalidState,
            Self::Modified(_) => ErrorKind::InvalidModification,
            Self::Syntax(_) | Self::IdentityNotValidated => ErrorKind::Operation,
            Self::NoRtcpMux { .. } | Self::Invalid(_) => ErrorKind::InvalidAccess,
            Self::Create(error) => error.kind(),
        }
    }

    /// `sdpLineNumber` of a syntax error: the first line is 1.
    #[must_use]
    pub const fn sdp_line_number(&self) -> Option<u32> {
        match self {
            Self::Syntax(error) => Some(error.line),
            _ => None,
        }
    }
}

/// What makes no sense in a description. Sections are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidDescription {
    /// An answer has another number of sections than its offer, or an offer has fewer than before.
    #[error("there are {got} sections where {expected} are due; sections are never removed, only rejected")]
    SectionCount {
        /// How many there are in the offer, or were before.
        expected: usize,
        /// How many came.
        got: usize,
    },
    /// A section has another media type or protocol than its counterpart.
    #[error("section {0} changed its media type or protocol; sections keep their place")]
    SectionChanged(usize),
    /// A section in use has another mid than its counterpart.
    #[error("section {0} changed its a=mid")]
    MidChanged(usize),
    /// Two sections have the same mid.
    #[error("section {0} has the a=mid of another section")]
    DuplicateMid(usize),
    /// A bundle group names a mid that no section has, or a section twice.
    #[error("a bundle group names a section that does not exist or is in a group already")]
    BadGroup,
    /// An answer bundles what was not offered in one group.
    #[error("the answer bundles sections that were not offered in one group")]
    GroupNotOffered,
    /// The first section of an answer's bundle group is rejected.
    #[error("section {0} is rejected and yet carries its bundle group")]
    TaggedSectionRejected(usize),
    /// A section without usable credentials.
    #[error("section {0} lacks a=ice-ufrag and a=ice-pwd of legal length")]
    NoIceCredentials(usize),
    /// A section without a fingerprint.
    #[error("section {0} lacks a=fingerprint")]
    NoFingerprint(usize),
    /// A section whose `a=setup` is missing from an answer or has a value that it may not have.
    #[error("section {0} has no a=setup that is allowed here")]
    BadSetup(usize),
    /// The DTLS role would change under a living association.
    #[error("section {0} would change the DTLS role of a living association")]
    RoleChanged(usize),
    /// Fingerprint or tls-id changed without an ICE restart.
    #[error("section {0} changes its certificate without an ICE restart")]
    CertificateChanged(usize),
    /// An answer restarts ICE where the offer did not.
    #[error("section {0} restarts ICE in an answer to an offer that did not")]
    UnexpectedIceRestart(usize),
    /// An answer keeps its credentials where the offer restarted ICE.
    #[error("section {0} keeps its ICE credentials although the offer restarted ICE")]
    MissingIceRestart(usize),
    /// An accepted data section without a port.
    #[error("section {0} lacks a=sctp-port")]
    NoSctpPort(usize),
    /// An `a=sctp-init` that holds no SCTP INIT chunk.
    #[error("section {0} has an a=sctp-init that is no SCTP INIT chunk in base64")]
    BadSctpInit(usize),
    /// `a=rtcp-mux-only` without `a=rtcp-mux`.
    #[error("section {0} has a=rtcp-mux-only without a=rtcp-mux")]
    RtcpMuxOnly(usize),
    /// An answer with `a=rtcp-mux` to an offer without.
    #[error("section {0} has a=rtcp-mux, which was not offered")]
    RtcpMuxNotOffered(usize),
    /// A payload type that RTCP would be mistaken for, or that means two codecs in one bundle.
    #[error("section {section} cannot use payload type {payload_type} like this")]
    PayloadType {
        /// The section.
        section: usize,
        /// The payload type.
        payload_type: u8,
    },
    /// A header extension id means two extensions in one bundle.
    #[error("section {section} uses header extension id {id} for something else than its bundle")]
    ExtensionId {
        /// The section.
        section: usize,
        /// The id.
        id: u16,
    },
    /// `a=simulcast` names a stream that no `a=rid` defines.
    #[error("section {0} names a simulcast stream that no a=rid defines")]
    UnknownRid(usize),
}

/// Why a remote candidate was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddIceCandidateError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// Neither mid nor index say where a candidate belongs.
    #[error("a candidate needs sdpMid or sdpMLineIndex")]
    NoSection,
    /// There is no remote description yet.
    #[error("there is no remote description yet; set it first and keep the candidate until then")]
    NoRemoteDescription,
    /// The remote description has no section of this mid or index.
    #[error("the remote description has no such section")]
    UnknownSection,
    /// The section never had this user fragment.
    #[error("the user fragment belongs to no applied remote description")]
    UnknownUfrag,
    /// The candidate cannot be read.
    #[error("the candidate is malformed")]
    Malformed,
    /// The section has as many candidates as it may have.
    #[error("the section has too many candidates")]
    TooMany,
}

impl AddIceCandidateError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSection => ErrorKind::Type,
            Self::Closed | Self::NoRemoteDescription => ErrorKind::InvalidState,
            Self::UnknownSection | Self::UnknownUfrag | Self::Malformed | Self::TooMany => {
                ErrorKind::Operation
            }
        }
    }
}
