//! What can go wrong on tokio, beside what the core's verbs refuse.

use bytes::Bytes;
use purertc::{ChannelError, ConfigurationError, ErrorKind};
use std::io;
use thiserror::Error;

/// Why a connection could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// No socket could be opened, or the system gave no randomness.
    #[error("the connection has no sockets: {0}")]
    Io(#[from] io::Error),
    /// There is no tokio runtime here to run the driver; call it from a task, or inside `Runtime::enter`.
    #[error("there is no tokio runtime to drive the connection")]
    NoRuntime,
}

/// The connection went another way than was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectionLost {
    /// It is closed, from this side.
    #[error("the connection is closed")]
    Closed,
    /// No path works, or the handshake failed. The events say more.
    #[error("the connection failed")]
    Failed,
}

/// The channel is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the channel is closed{}", .error.map(|error| format!(": {error}")).unwrap_or_default())]
pub struct ChannelClosed {
    /// What it failed with, when it did not close in order.
    pub error: Option<ChannelError>,
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The channel is closed or closing.
    #[error(transparent)]
    Closed(#[from] ChannelClosed),
    /// The message is longer than the peer accepts.
    #[error("the message is longer than the {max} bytes that the peer accepts")]
    TooLarge {
        /// The peer's limit in bytes.
        max: u64,
    },
    /// A text message is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The channel is not open yet, or no room is left in its buffer; only `try_send` says so. The message comes
    /// back.
    #[error("the channel cannot take the message now")]
    NotNow(Bytes),
}

impl SendError {
    /// The exception that a browser throws.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Closed(_) => ErrorKind::InvalidState,
            Self::TooLarge { .. } | Self::NotUtf8 => ErrorKind::Type,
            Self::NotNow(_) => ErrorKind::Operation,
        }
    }
}

impl From<ChannelClosed> for io::Error {
    fn from(closed: ChannelClosed) -> Self {
        let kind = match closed.error {
            Some(_) => io::ErrorKind::ConnectionReset,
            None => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, closed)
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed(closed) => closed.into(),
            SendError::NotNow(_) => io::ErrorKind::WouldBlock.into(),
            SendError::TooLarge { .. } | SendError::NotUtf8 => Self::new(io::ErrorKind::InvalidInput, error),
        }
    }
}
