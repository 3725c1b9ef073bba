//! What can be refused, and why a channel failed.

use crate::base::w3c::ErrorKind;
use bytes::Bytes;
use thiserror::Error;

/// Why a channel cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateDataChannelError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The label is over 65,535 bytes of UTF-8.
    #[error("the label is longer than 65,535 bytes")]
    LabelTooLong,
    /// The protocol is over 65,535 bytes of UTF-8.
    #[error("the protocol is longer than 65,535 bytes")]
    ProtocolTooLong,
    /// `negotiated` was asked for without an `id`.
    #[error("a negotiated channel needs an id")]
    MissingId,
    /// `max_packet_life_time` and `max_retransmits` are both given.
    #[error("a life time and a number of retransmissions exclude each other")]
    BothLimits,
    /// The id is 65,535, which no stream may have.
    #[error("65535 is not a stream identifier")]
    BadId,
    /// No id is left for our DTLS role.
    #[error("every stream identifier is in use")]
    NoIdFree,
    /// Another channel has this id.
    #[error("the stream identifier is in use")]
    IdInUse,
    /// The association has fewer streams than this id needs.
    #[error("the stream identifier is not below the number of streams of the association")]
    IdTooLarge,
}

impl CreateDataChannelError {
    /// The exception that a browser throws.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Closed => ErrorKind::InvalidState,
            Self::LabelTooLong | Self::ProtocolTooLong | Self::MissingId | Self::BothLimits | Self::BadId => {
                ErrorKind::Type
            }
            Self::NoIdFree | Self::IdInUse | Self::IdTooLarge => ErrorKind::Operation,
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The channel is not open (or its id is of a channel that is gone).
    #[error("the channel is not open")]
    NotOpen,
    /// The message is longer than the peer accepts.
    #[error("the message is longer than the {max} bytes that the peer accepts")]
    TooLarge {
        /// The peer's limit in bytes.
        max: u64,
    },
    /// A text message is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The send buffer is full. The message comes back; wait for `BufferedAmountLow` and send it again.
    #[error("the send buffer is full")]
    BufferFull(Bytes),
}

impl SendError {
    /// The exception that a browser throws.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotOpen => ErrorKind::InvalidState,
            Self::TooLarge { .. } | Self::NotUtf8 => ErrorKind::Type,
            Self::BufferFull(_) => ErrorKind::Operation,
        }
    }
}

/// Why a channel failed. `detail()` is the `RTCError.errorDetail` of W3C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ChannelError {
    /// The association has no stream for the channel.
    #[error("no stream identifier was free, or it was beyond what the association has")]
    NoStream,
    /// The peer used the channel's stream against the rules.
    #[error("the peer used the stream of this channel against the rules")]
    ProtocolViolation,
    /// The peer sent a message over our `max-message-size`.
    #[error("the peer sent a message that is larger than agreed")]
    MessageTooLarge,
    /// The peer aborted the association.
    #[error("the peer aborted the association")]
    Aborted {
        /// The first error cause of the ABORT.
        cause: Option<u16>,
    },
    /// The peer started a new association in place of this one.
    #[error("the peer restarted the association")]
    Restarted,
    /// The peer did not answer any more.
    #[error("the association failed: the peer does not answer")]
    Timeout,
    /// The peer broke the rules of SCTP.
    #[error("the association failed: the peer broke the protocol")]
    Sctp,
}

impl ChannelError {
    /// The `errorDetail` string: `data-channel-failure` or `sctp-failure`.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::NoStream | Self::ProtocolViolation | Self::MessageTooLarge => "data-channel-failure",
            Self::Aborted { .. } | Self::Restarted | Self::Timeout | Self::Sctp => "sctp-failure",
        }
    }

    /// The `sctpCauseCode`.
    #[must_use]
    pub const fn sctp_cause_code(self) -> Option<u16> {
        match self {
            Self::Aborted { cause } => cause,
            _ => None,
        }
    }
}
