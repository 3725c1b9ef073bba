//! What an association tells its owner, and what it can refuse.

use bytes::Bytes;
use std::time::Duration;
use thiserror::Error;

/// How hard a message is tried (RFC 3758, RFC 7496).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliability {
    /// Until it arrives.
    #[default]
    Reliable,
    /// At most so many retransmissions of each of its fragments; 0 sends it once.
    Retransmits(u16),
    /// For this long after `send`.
    Lifetime(Duration),
}

/// How a message is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendOptions {
    /// May overtake other messages of its stream, and be overtaken.
    pub unordered: bool,
    /// How hard it is tried.
    pub reliability: Reliability,
    /// Not the application's own bytes: they do not count as buffered.
    pub uncounted: bool,
}

/// Why the association is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// One side shut it down and everything was delivered.
    Shutdown,
    /// We aborted it.
    LocalAbort,
    /// The peer aborted it, with this first cause code if it gave any.
    PeerAbort(Option<u16>),
    /// The peer did not answer.
    Timeout,
    /// The peer broke the protocol.
    ProtocolViolation,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The association is up.
    Connected,
    /// The peer began a new association in place of the old one. Streams begin anew on both sides, and what was queued or
    /// under way is gone.
    Restarted,
    /// A message arrived.
    Message {
        /// On this stream.
        stream: u16,
        /// With this payload protocol identifier.
        ppid: u32,
        /// The content, never empty.
        data: Bytes,
    },
    /// A message over the limit arrived and was discarded.
    MessageTooLarge {
        /// On this stream.
        stream: u16,
    },
    /// What waits in a stream fell to its threshold or below.
    BufferedLow {
        /// This stream.
        stream: u16,
    },
    /// The peer has started our side of a stream anew, as we asked.
    OutgoingReset {
        /// This stream.
        stream: u16,
        /// Whether the peer did so, or refused.
        performed: bool,
    },
    /// The peer started its side of a stream anew.
    IncomingReset {
        /// This stream.
        stream: u16,
    },
    /// The association is over.
    Closed(CloseReason),
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The association is over or shutting down.
    #[error("the association takes no more messages")]
    Closed,
    /// The stream does not exist.
    #[error("the stream does not exist")]
    NoStream,
    /// The stream is about to start anew.
    #[error("the stream is being reset")]
    Resetting,
    /// SCTP has no empty messages.
    #[error("a message has at least one byte")]
    Empty,
}

/// Why an INIT chunk from a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InitError {
    /// It is not one INIT chunk and nothing else.
    #[error("not one whole INIT chunk")]
    Malformed,
    /// The verification tag is zero, which means none.
    #[error("the INIT chunk has no verification tag")]
    NoTag,
    /// It wants no streams, or takes none.
    #[error("the INIT chunk leaves one direction without streams")]
    NoStreams,
}
