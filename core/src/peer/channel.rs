//! A borrowed handle to one data channel: its attributes and verbs, under their W3C names.

use crate::base::priority::Priority;
use crate::base::time::Instant;
use crate::data::DataChannels;
use crate::data::channel::{Channel, Counters, DataChannelId};
use crate::data::error::SendError;
use crate::data::event::{DataChannelState, MessageKind};
use bytes::Bytes;

/// `RTCDataChannel`, for as long as the connection is borrowed. Keep the [`DataChannelId`].
#[derive(Debug)]
pub struct DataChannel<'a> {
    data: &'a mut DataChannels,
    id: DataChannelId,
}

impl<'a> DataChannel<'a> {
    pub(super) fn find(data: &'a mut DataChannels, id: DataChannelId) -> Option<Self> {
        data.channel(id).is_some().then_some(Self { data, id })
    }

    fn channel(&self) -> &Channel {
        // The handle holds the only borrow since `find` saw the channel, and no verb here removes one.
        self.data.channel(self.id).expect("a handle is only made for a channel that exists")
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// [`SendError`]: not open, larger than the peer takes, or no room; then the message comes back.
    pub fn send_text(&mut self, now: Instant, text: impl Into<String>) -> Result<(), SendError> {
        self.data.send(now, self.id, Bytes::from(text.into()), MessageKind::Text)
    }

    /// Queues a binary message. The bytes are shared, not copied.
    ///
    /// # Errors
    ///
    /// [`SendError`]: not open, larger than the peer takes, or no room; then the message comes back.
    pub fn send(&mut self, now: Instant, data: impl Into<Bytes>) -> Result<(), SendError> {
        self.data.send(now, self.id, data.into(), MessageKind::Binary)
    }

    /// Queues a message of either kind; text must be UTF-8.
    ///
    /// # Errors
    ///
    /// [`SendError`]: not open, larger than the peer takes, not UTF-8, or no room; then the message comes back.
    pub fn send_message(&mut self, now: Instant, data: Bytes, kind: MessageKind) -> Result<(), SendError> {
        self.data.send(now, self.id, data, kind)
    }

    /// Begins the closing procedure: what was queued goes out first, `Close` follows.
    pub fn close(&mut self) {
        self.data.close_channel(self.id);
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        self.channel().label()
    }

    /// The subprotocol; empty when there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        self.channel().protocol()
    }

    /// Whether messages keep their order.
    #[must_use]
    pub fn ordered(&self) -> bool {
        self.channel().ordered()
    }

    /// Milliseconds for which a message is tried, if limited.
    #[must_use]
    pub fn max_packet_life_time(&self) -> Option<u16> {
        self.channel().max_packet_life_time()
    }

    /// How often a message is retransmitted, if limited.
    #[must_use]
    pub fn max_retransmits(&self) -> Option<u16> {
        self.channel().max_retransmits()
    }

    /// Whether the application negotiated the channel by itself.
    #[must_use]
    pub fn negotiated(&self) -> bool {
        self.channel().negotiated()
    }

    /// The SCTP stream, once it is known.
    #[must_use]
    pub fn id(&self) -> Option<u16> {
        self.channel().id()
    }

    /// The weight against other channels.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.channel().priority()
    }

    /// `readyState`.
    #[must_use]
    pub fn ready_state(&self) -> DataChannelState {
        self.channel().ready_state()
    }

    /// Bytes of messages that wait to be sent.
    #[must_use]
    pub fn buffered_amount(&self) -> u64 {
        self.data.buffered_amount(self.id)
    }

    /// Bytes at or below which `BufferedAmountLow` comes. Default 0.
    #[must_use]
    pub fn buffered_amount_low_threshold(&self) -> u64 {
        self.channel().buffered_amount_low_threshold()
    }

    /// Sets the bytes at or below which `BufferedAmountLow` comes.
    pub fn set_buffered_amount_low_threshold(&mut self, threshold: u64) {
        self.data.set_buffered_amount_low_threshold(self.id, threshold);
    }

    /// Messages and bytes that went through.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.channel().counters()
    }
}
