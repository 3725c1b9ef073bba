//! What the media plane refuses, and why.

use crate::base::w3c::ErrorKind;
use crate::media::codec::PacketizeError;
use thiserror::Error;

/// Why media was not taken for sending. It stays the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Nothing is negotiated for this sender.
    #[error("nothing is negotiated for this sender; finish an offer and its answer first")]
    NotNegotiated,
    /// The direction does not let anything be sent.
    #[error("the direction says that nothing is sent; set it to sendrecv or sendonly and negotiate")]
    NotSending,
    /// The sender has no track.
    #[error("the sender has no track; give it one with replaceTrack")]
    NoTrack,
    /// The encoding is switched off.
    #[error("encoding {0} is not active; switch it on with setParameters")]
    NotActive(usize),
    /// There is no secured path to the peer, or not yet.
    #[error("there is no path to the peer yet; wait for the connected state")]
    NotConnected,
    /// There is no such encoding.
    #[error("there is no encoding {0}; use one of those that getParameters lists")]
    NoEncoding(usize),
    /// There is no such payload type.
    #[error(
        "payload type {0} was not negotiated for sending; use one of the codecs that getParameters lists"
    )]
    NoCodec(u8),
    /// The codec has no frames that are known here.
    #[error("frames of this codec are not known here; write packets instead")]
    NoFormat,
    /// Too many packets wait to be sent.
    #[error("too many packets wait to be sent; the driver does not keep up, or has stopped")]
    QueueFull,
    /// A packet is longer than the path takes.
    #[error("a packet of {len} bytes does not fit the path, which takes {limit}; cut it smaller")]
    TooLong {
        /// Bytes of its payload.
        len: usize,
        /// Bytes that fit.
        limit: usize,
    },
    /// The frame cannot be cut into packets.
    #[error(transparent)]
    Frame(#[from] PacketizeError),
}

impl WriteError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::NotNegotiated
            | Self::NotSending
            | Self::NoTrack
            | Self::NotActive(_)
            | Self::NotConnected => ErrorKind::InvalidState,
            Self::NoEncoding(_) | Self::NoCodec(_) | Self::NoFormat => ErrorKind::InvalidAccess,
            Self::QueueFull => ErrorKind::Operation,
            Self::TooLong { .. } | Self::Frame(_) => ErrorKind::Type,
        }
    }
}
