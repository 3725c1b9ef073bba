//! One data channel: its attributes, as W3C names them.

use crate::base::ids::Id;
use crate::base::priority::Priority;
use crate::data::event::DataChannelState;
use crate::data::sctp::event::{Reliability, SendOptions};
use crate::wire::dcep::{ChannelType, Open};
use std::time::Duration;

/// Names a channel. `Copy`; never names another channel later.
pub type DataChannelId = Id<Channel>;

/// `RTCDataChannelInit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataChannelInit {
    /// Messages arrive in the order in which they were sent. Default true.
    pub ordered: bool,
    /// Milliseconds after `send` in which a message may be transmitted. Default: no limit.
    pub max_packet_life_time: Option<u16>,
    /// How often a message may be retransmitted; 0 sends it once. Default: no limit.
    pub max_retransmits: Option<u16>,
    /// The subprotocol's name. Default empty.
    pub protocol: String,
    /// The application has agreed on `id` with the peer by itself; nothing is announced in-band. Default false.
    pub negotiated: bool,
    /// The stream of a negotiated channel (0 to 65,534); ignored for others.
    pub id: Option<u16>,
    /// The weight against other channels. Default [`Priority::Low`].
    pub priority: Priority,
}

impl Default for DataChannelInit {
    fn default() -> Self {
        Self {
            ordered: true,
            max_packet_life_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: false,
            id: None,
            priority: Priority::Low,
        }
    }
}

/// What went through a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that were handed to the network.
    pub messages_sent: u64,
    /// Their bytes, without headers.
    pub bytes_sent: u64,
    /// Messages that arrived.
    pub messages_received: u64,
    /// Their bytes, without headers.
    pub bytes_received: u64,
}

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Connecting,
    /// In use. Until the peer has shown that it knows the channel, everything is sent in order (RFC 8832 §6).
    Open {
        confirmed: bool,
    },
    /// Which sides of the stream have been reset.
    Closing {
        outgoing: bool,
        incoming: bool,
    },
    Closed,
}

/// A data channel.
#[derive(Debug)]
pub struct Channel {
    pub(super) label: String,
    pub(super) init: DataChannelInit,
    pub(super) stream: Option<u16>,
    /// The peer opened it.
    pub(super) incoming: bool,
    pub(super) phase: Phase,
    pub(super) threshold: u64,
    pub(super) counters: Counters,
    /// Parts of a message that came in the deprecated way of RFC 8831 §6.6.
    pub(super) parts: Vec<u8>,
    /// Bytes that waited when it was closed.
    pub(super) left: u64,
}

impl Channel {
    pub(super) const fn new(label: String, init: DataChannelInit, stream: Option<u16>, phase: Phase) -> Self {
        let counters = Counters { messages_sent: 0, bytes_sent: 0, messages_received: 0, bytes_received: 0 };
        Self {
            label,
            init,
            stream,
            incoming: false,
            phase,
            threshold: 0,
            counters,
            parts: Vec::new(),
            left: 0,
        }
    }

    /// How its messages are sent.
    pub(super) fn options(&self, uncounted: bool) -> SendOptions {
        let confirmed = self.init.negotiated || matches!(self.phase, Phase::Open { confirmed: true });
        let reliability = match (self.init.max_retransmits, self.init.max_packet_life_time) {
            (Some(max), _) => Reliability::Retransmits(max),
            (None, Some(millis)) => Reliability::Lifetime(Duration::from_millis(millis.into())),
            (None, None) => Reliability::Reliable,
        };
        SendOptions { unordered: !self.init.ordered && confirmed, reliability, uncounted }
    }

    /// The announcement of the channel.
    pub(super) fn open_message(&self) -> Open<'_> {
        let (channel_type, reliability) = match (self.init.max_retransmits, self.init.max_packet_life_time) {
            (Some(max), _) => (ChannelType::Retransmissions, max.into()),
            (None, Some(millis)) => (ChannelType::Lifetime, millis.into()),
            (None, None) => (ChannelType::Reliable, 0),
        };
        Open {
            channel_type,
            unordered: !self.init.ordered,
            priority: self.init.priority.weight(),
            reliability,
            label: &self.label,
            protocol: &self.init.protocol,
        }
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether messages keep their order.
    #[must_use]
    pub const fn ordered(&self) -> bool {
        self.init.ordered
    }

    /// Milliseconds for which a message is tried.
    #[must_use]
    pub const fn max_packet_life_time(&self) -> Option<u16> {
        self.init.max_packet_life_time
    }

    /// How often a message is retransmitted.
    #[must_use]
    pub const fn max_retransmits(&self) -> Option<u16> {
        self.init.max_retransmits
    }

    /// The subprotocol.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.init.protocol
    }

    /// Whether the application negotiated the channel itself.
    #[must_use]
    pub const fn negotiated(&self) -> bool {
        self.init.negotiated
    }

    /// The stream, once it is known (`RTCDataChannel.id`).
    #[must_use]
    pub const fn id(&self) -> Option<u16> {
        self.stream
    }

    /// The weight against other channels.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.init.priority
    }

    /// The state.
    #[must_use]
    pub const fn ready_state(&self) -> DataChannelState {
        match self.phase {
            Phase::Connecting => DataChannelState::Connecting,
            Phase::Open { .. } => DataChannelState::Open,
            Phase::Closing { .. } => DataChannelState::Closing,
            Phase::Closed => DataChannelState::Closed,
        }
    }

    /// `bufferedAmountLowThreshold` in bytes.
    #[must_use]
    pub const fn buffered_amount_low_threshold(&self) -> u64 {
        self.threshold
    }

    /// Messages and bytes that went through.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }
}
