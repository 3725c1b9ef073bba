//! What data channels tell the application.

use crate::data::channel::DataChannelId;
use crate::data::error::ChannelError;
use crate::w3c_enum;
use bytes::Bytes;

w3c_enum! {
    /// `RTCSctpTransportState`.
    pub enum SctpTransportState {
        /// The association is being negotiated, or has not been started.
        Connecting = "connecting",
        /// The association is up.
        Connected = "connected",
        /// The association is over: SHUTDOWN, ABORT, a failure, or the end of DTLS.
        Closed = "closed",
    }
}

w3c_enum! {
    /// `RTCDataChannelState`.
    pub enum DataChannelState {
        /// The association is not up yet.
        Connecting = "connecting",
        /// Messages may be sent.
        Open = "open",
        /// What was sent before goes out, nothing new is taken.
        Closing = "closing",
        /// Over.
        Closed = "closed",
    }
}

/// How a message is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum MessageKind {
    /// UTF-8 text (a JavaScript string).
    Text,
    /// Bytes.
    Binary,
}

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Message {
    /// Text or bytes. Text was checked to be UTF-8.
    pub kind: MessageKind,
    /// The content: where it came in one fragment, a slice of the datagram.
    pub data: Bytes,
}

/// What happened to a channel or to the association. In the order that W3C gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `RTCSctpTransport.onstatechange`.
    StateChange(SctpTransportState),
    /// The peer opened a channel; its `readyState` is `open` already, and `Open` follows.
    DataChannel(DataChannelId),
    /// A channel may be used.
    Open(DataChannelId),
    /// A message came.
    Message {
        /// On this channel.
        id: DataChannelId,
        /// The message.
        message: Message,
    },
    /// `bufferedAmount` fell to the threshold or below.
    BufferedAmountLow(DataChannelId),
    /// The peer closes the channel.
    Closing(DataChannelId),
    /// A channel failed; `Close` follows.
    Error {
        /// This channel.
        id: DataChannelId,
        /// For this reason.
        error: ChannelError,
    },
    /// A channel is closed.
    Close(DataChannelId),
}
