//! What the verbs of tracks and transceivers refuse with.

use crate::base::w3c::ErrorKind;
use thiserror::Error;

/// Why a transceiver was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddTransceiverError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// `stopped` is no direction to begin with.
    #[error("a transceiver cannot begin as stopped")]
    Stopped,
    /// A track's or a stream's id is not an SDP token.
    #[error("the id of a track or stream has to be an SDP token")]
    BadId,
    /// A rid is not one to sixteen letters, digits, `-` or `_`.
    #[error("a rid is made of 1 to 16 letters, digits, '-' or '_'")]
    BadRid,
    /// Some encodings have a rid and some have none.
    #[error("either all encodings have a rid, or the only one has none")]
    MissingRid,
    /// Two encodings have the same rid.
    #[error("two encodings have the same rid")]
    DuplicateRid,
    /// An encoding asks for something that cannot be.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

impl AddTransceiverError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed => ErrorKind::InvalidState,
            Self::Stopped | Self::BadId | Self::BadRid | Self::MissingRid | Self::DuplicateRid => {
                ErrorKind::Type
            }
            Self::Encoding(error) => error.kind(),
        }
    }
}

/// What an encoding asks for that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// A number is not finite.
    #[error("a number is not finite")]
    NotFinite,
    /// The codec is none of this side's, or none that was negotiated.
    #[error("the codec is not one that can be sent")]
    UnknownCodec,
    /// Pictures are never made larger.
    #[error("scaleResolutionDownBy has to be at least 1")]
    ScaleBelowOne,
    /// There are no negative rates.
    #[error("maxFramerate has to be at least 0")]
    NegativeFramerate,
    /// The scalability mode is none of those of webrtc-svc.
    #[error("the scalability mode is unknown")]
    UnknownScalabilityMode,
}

impl EncodingError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFinite => ErrorKind::Type,
            Self::UnknownCodec | Self::UnknownScalabilityMode => ErrorKind::Operation,
            Self::ScaleBelowOne | Self::NegativeFramerate => ErrorKind::Range,
        }
    }
}

/// Why a track was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddTrackError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// A sender has this track.
    #[error("a sender sends this track already")]
    AlreadyAdded,
    /// A track's or a stream's id is not an SDP token.
    #[error("the id of a track or stream has to be an SDP token")]
    BadId,
}

impl AddTrackError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed => ErrorKind::InvalidState,
            Self::AlreadyAdded => ErrorKind::InvalidAccess,
            Self::BadId => ErrorKind::Type,
        }
    }
}

/// Why a transceiver, sender or receiver refused. It is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TransceiverError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// The sender was never one of this connection's.
    #[error("the sender belongs to another connection")]
    ForeignSender,
    /// It was stopped.
    #[error("the transceiver was stopped; use another one")]
    Stopped,
    /// `stopped` is not a direction to set.
    #[error("a transceiver is stopped by stop(), not by its direction")]
    StoppedDirection,
    /// A preferred codec is none of this side's.
    #[error("a codec is not one of this side's")]
    UnknownCodec,
    /// Nothing but retransmission, protection and silence is left.
    #[error("at least one codec has to carry the media itself")]
    NoMediaCodec,
    /// The list of header extensions is another one.
    #[error("header extensions keep their number and order; change their directions alone")]
    OtherHeaderExtensions,
    /// Sections of a bundle are told apart by this extension.
    #[error("the header extension for mids cannot be left out")]
    MandatoryHeaderExtension,
    /// Audio where video belongs, or the other way round.
    #[error("the track is of another kind")]
    OtherKind,
    /// A track's or a stream's id is not an SDP token.
    #[error("the id of a track or stream has to be an SDP token")]
    BadId,
}

impl TransceiverError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed | Self::Stopped => ErrorKind::InvalidState,
            Self::ForeignSender => ErrorKind::InvalidAccess,
            Self::StoppedDirection | Self::OtherKind | Self::BadId => ErrorKind::Type,
            Self::UnknownCodec
            | Self::NoMediaCodec
            | Self::OtherHeaderExtensions
            | Self::MandatoryHeaderExtension => ErrorKind::InvalidModification,
        }
    }
}

/// Why parameters were not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetParametersError {
    /// It was stopped.
    #[error("the transceiver was stopped; use another one")]
    Stopped,
    /// There are no parameters to change.
    #[error("call getParameters first; what it gave is used up by setParameters and by negotiation")]
    NotAsked,
    /// A read-only member differs from what `getParameters` gave.
    #[error("a read-only member was changed")]
    ReadOnly,
    /// An encoding's codec is none of those that were negotiated.
    #[error("the codec of an encoding was not negotiated")]
    NotNegotiated,
    /// An encoding asks for something that cannot be.
    #[error(transparent)]
    Encoding(#[from] EncodingError),
}

impl SetParametersError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Stopped | Self::NotAsked => ErrorKind::InvalidState,
            Self::ReadOnly | Self::NotNegotiated => ErrorKind::InvalidModification,
            Self::Encoding(error) => error.kind(),
        }
    }
}
