//! Floor 3: data channels over SCTP (RFC 8831, RFC 8832, RFC 9260).
//!
//! [`DataChannels`] is every `RTCDataChannel` of one connection and the [`sctp::Association`] under them. It
//! takes and gives SCTP packets; that they travel inside DTLS is the business of its owner.

pub mod channel;
pub mod config;
pub mod error;
pub mod event;
pub mod sctp;

use crate::base::drops::Drops;
use crate::base::ids::Slots;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::traits::Hmac;
use crate::data::channel::{Channel, DataChannelId, DataChannelInit};
use crate::data::config::Config;
use crate::data::error::{CreateDataChannelError, SendError};
use crate::data::event::{Event, MessageKind, SctpTransportState};
use crate::data::sctp::config::Stats;
use bytes::Bytes;

/// All data channels of a connection.
#[derive(Debug)]
pub struct DataChannels {
    channels: Slots<Channel>,
}

#[expect(
    clippy::todo,
    unused_variables,
    clippy::needless_pass_by_value,
    reason = "the face, to be filled in"
)]
impl DataChannels {
    /// No channel and no association yet. `hmac` authenticates the state cookie.
    #[must_use]
    pub fn new(config: Config, hmac: &'static dyn Hmac, rng: Rng) -> Self {
        todo!()
    }

    /// Makes a channel (`createDataChannel`). May come before the transport exists; its id is then assigned with the DTLS role.
    pub fn create(
        &mut self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannelId, CreateDataChannelError> {
        todo!()
    }

    /// Says which DTLS role we have; channels without an id get one.
    pub fn set_dtls_role(&mut self, client: bool) {
        todo!()
    }

    /// What the peer's description says: its SCTP port, and the largest message that it takes (0: any size).
    pub fn set_remote(&mut self, port: u16, max_message_size: u64) {
        todo!()
    }

    /// DTLS is up: the association begins.
    pub fn start(&mut self, now: Instant) {
        todo!()
    }

    /// Takes one SCTP packet.
    pub fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        todo!()
    }

    /// Does what is due at `now`. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }

    /// Appends one SCTP packet of at most `max_len` bytes to `out` and says how long it is.
    pub fn poll_transmit(&mut self, now: Instant, max_len: usize, out: &mut Vec<u8>) -> Option<usize> {
        todo!()
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// When `handle_timeout` wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Queues a message (`send`).
    pub fn send(
        &mut self,
        now: Instant,
        id: DataChannelId,
        data: Bytes,
        kind: MessageKind,
    ) -> Result<(), SendError> {
        todo!()
    }

    /// Starts the closing procedure of a channel (`close`); nothing happens when it is closing or closed.
    pub fn close_channel(&mut self, now: Instant, id: DataChannelId) {
        todo!()
    }

    /// Ends everything at once: channels are closed and the peer gets an ABORT.
    pub fn close(&mut self) {
        todo!()
    }

    /// The transport is gone: channels are closed, nothing is sent any more.
    pub fn transport_closed(&mut self) {
        todo!()
    }

    /// A channel, until the call of `poll_event` that follows its `Close` event.
    #[must_use]
    pub fn channel(&self, id: DataChannelId) -> Option<&Channel> {
        self.channels.get(id)
    }

    /// Sets `bufferedAmountLowThreshold`, in bytes.
    pub fn set_buffered_amount_low_threshold(&mut self, id: DataChannelId, threshold: u64) {
        todo!()
    }

    /// Bytes of messages that wait in a channel (`bufferedAmount`).
    #[must_use]
    pub fn buffered_amount(&self, id: DataChannelId) -> u64 {
        todo!()
    }

    /// Every channel.
    pub fn channels(&self) -> impl Iterator<Item = (DataChannelId, &Channel)> {
        self.channels.iter()
    }

    /// `RTCSctpTransport.state`.
    #[must_use]
    pub fn state(&self) -> SctpTransportState {
        todo!()
    }

    /// `RTCSctpTransport.maxChannels`: `None` until connected.
    #[must_use]
    pub fn max_channels(&self) -> Option<u16> {
        todo!()
    }

    /// `RTCSctpTransport.maxMessageSize` in bytes: `None` until the peer's description is known, `u64::MAX` for no limit.
    #[must_use]
    pub fn max_message_size(&self) -> Option<u64> {
        todo!()
    }

    /// What was refused from the network, by reason.
    #[must_use]
    pub fn drops(&self) -> Drops {
        todo!()
    }

    /// Counters of the association.
    #[must_use]
    pub fn stats(&self) -> Stats {
        todo!()
    }
}
