//! The handle of a data channel.

use crate::connection::Lease;
use crate::error::{ChannelClosed, SendError};
use crate::sequences::{MessageSink, MessageStream};
use crate::state::{Facts, Seat, Want};
use crate::stream::DataChannelStream;
use bytes::Bytes;
use purertc::{DataChannelId, DataChannelState, Message, MessageKind, Priority};
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// `RTCDataChannel` on tokio. A handle: clones are the same channel, from any task or thread.
///
/// Any number of tasks may send and receive at once. Each message goes to one receiver.
///
/// Dropping the last handle closes the channel: what was sent goes out first, what comes is discarded.
#[derive(Clone)]
pub struct DataChannel {
    lease: Arc<ChannelLease>,
}

/// Shared by every handle of a channel and by nobody else.
struct ChannelLease {
    connection: Arc<Lease>,
    id: DataChannelId,
    facts: Arc<Facts>,
}

impl Drop for ChannelLease {
    fn drop(&mut self) {
        self.connection.seat.with(|state, _| state.forget(self.id));
    }
}

impl fmt::Debug for DataChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataChannel")
            .field("label", &self.label())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

impl DataChannel {
    pub(crate) fn new(connection: Arc<Lease>, id: DataChannelId, facts: Arc<Facts>) -> Self {
        Self { lease: Arc::new(ChannelLease { connection, id, facts }) }
    }

    fn seat(&self) -> &Seat {
        &self.lease.connection.seat
    }

    /// Sends a binary message: waits until the channel is open and has room, then hands it over. The bytes are
    /// shared, not copied.
    ///
    /// Cancel-safe: a message of a future that was dropped before it was done was not sent.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the channel closed, or the peer does not take messages so large.
    pub async fn send(&self, data: impl Into<Bytes>) -> Result<(), SendError> {
        self.send_message(data.into(), MessageKind::Binary).await
    }

    /// Sends a text message. As [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// [`SendError`]: the channel closed, or the peer does not take messages so large.
    pub async fn send_text(&self, text: impl Into<String>) -> Result<(), SendError> {
        self.send_message(text.into().into(), MessageKind::Text).await
    }

    /// Sends a message of either kind; text must be UTF-8. As [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// [`SendError`]: the channel closed, the peer does not take messages so large, or the text is not UTF-8.
    pub async fn send_message(&self, data: Bytes, kind: MessageKind) -> Result<(), SendError> {
        let mut waiting = Some(data);
        poll_fn(|cx| self.poll_send(cx, &mut waiting, kind)).await
    }

    /// [`send_message`](Self::send_message) by hand: takes the message out of `data` when it is sent, or refused
    /// for good.
    pub fn poll_send(
        &self,
        cx: &mut Context<'_>,
        data: &mut Option<Bytes>,
        kind: MessageKind,
    ) -> Poll<Result<(), SendError>> {
        let Some(message) = data.take() else { return Poll::Ready(Ok(())) };
        self.seat().with(|state, now| match state.try_send(self.lease.id, message, kind, now) {
            Err(SendError::NotNow(message)) => {
                *data = Some(message);
                state.want(self.lease.id, Want::Writable, cx);
                Poll::Pending
            }
            result => Poll::Ready(result),
        })
    }

    /// Sends a message if that can be done at once.
    ///
    /// # Errors
    ///
    /// [`SendError::NotNow`] gives the message back when the channel is not open yet or has no room.
    pub fn try_send(&self, data: Bytes, kind: MessageKind) -> Result<(), SendError> {
        self.seat().with(|state, now| state.try_send(self.lease.id, data, kind, now))
    }

    /// The next message; `None` once the channel is closed and everything was read.
    ///
    /// Cancel-safe: no message is lost with a future that was dropped.
    pub async fn recv(&self) -> Option<Message> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) by hand.
    pub fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.seat().with(|state, _| state.poll_receive(self.lease.id, cx))
    }

    /// Waits until messages can be sent.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`ChannelClosed`] when that will not be.
    pub async fn opened(&self) -> Result<(), ChannelClosed> {
        self.wait(Want::Writable, |state, _| match state {
            DataChannelState::Connecting => None,
            DataChannelState::Open => Some(true),
            DataChannelState::Closing | DataChannelState::Closed => Some(false),
        })
        .await
        .then_some(())
        .ok_or_else(|| self.seat().with(|state, _| state.closed(self.lease.id)))
    }

    /// Waits until everything that was sent is on its way, or the channel is closed.
    ///
    /// Cancel-safe.
    pub async fn drained(&self) {
        self.wait(Want::Drained, |state, buffered| {
            (buffered == 0 || state == DataChannelState::Closed).then_some(())
        })
        .await;
    }

    /// Waits until the channel is closed, by whichever side. Messages may be left to read.
    ///
    /// Cancel-safe.
    pub async fn closed(&self) {
        poll_fn(|cx| self.poll_closed(cx)).await;
    }

    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        self.poll_wait(cx, Want::Closed, |state, _| (state == DataChannelState::Closed).then_some(()))
    }

    async fn wait<R>(&self, want: Want, look: impl Fn(DataChannelState, u64) -> Option<R>) -> R {
        poll_fn(|cx| self.poll_wait(cx, want, &look)).await
    }

    pub(crate) fn poll_wait<R>(
        &self,
        cx: &Context<'_>,
        want: Want,
        look: impl Fn(DataChannelState, u64) -> Option<R>,
    ) -> Poll<R> {
        self.seat().with(|state, _| {
            let id = self.lease.id;
            let buffered = state.core.data_channel(id).map_or(0, |channel| channel.buffered_amount());
            match look(state.ready_state(id), buffered) {
                Some(found) => Poll::Ready(found),
                None => {
                    state.want(id, want, cx);
                    Poll::Pending
                }
            }
        })
    }

    /// Waits until a message can be sent, or is refused: how long it may be, so that it fits now.
    pub(crate) fn poll_room(&self, cx: &Context<'_>) -> Poll<usize> {
        self.seat().with(|state, _| {
            let room = state.room(self.lease.id);
            if room.is_none() {
                state.want(self.lease.id, Want::Writable, cx);
            }
            room.map_or(Poll::Pending, Poll::Ready)
        })
    }

    /// Begins to close the channel (`close`): what was sent goes out first. [`closed`](Self::closed) waits for the
    /// end.
    pub fn close(&self) {
        self.seat().with(|state, _| state.close_channel(self.lease.id));
    }

    /// What the channel failed with.
    #[must_use]
    pub fn error(&self) -> Option<purertc::ChannelError> {
        self.seat().with(|state, _| state.closed(self.lease.id)).error
    }

    /// `readyState`.
    #[must_use]
    pub fn ready_state(&self) -> DataChannelState {
        self.seat().with(|state, _| state.ready_state(self.lease.id))
    }

    /// The SCTP stream, once it is known (`id`).
    #[must_use]
    pub fn id(&self) -> Option<u16> {
        self.seat().with(|state, _| state.core.data_channel(self.lease.id)?.id())
    }

    /// Bytes of messages that wait to be sent (`bufferedAmount`).
    #[must_use]
    pub fn buffered_amount(&self) -> u64 {
        self.seat().with(|state, _| {
            state.core.data_channel(self.lease.id).map_or(0, |channel| channel.buffered_amount())
        })
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.lease.facts.label
    }

    /// The subprotocol; empty when there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.lease.facts.protocol
    }

    /// Whether messages keep their order.
    #[must_use]
    pub fn ordered(&self) -> bool {
        self.lease.facts.ordered
    }

    /// Milliseconds for which a message is tried, if limited.
    #[must_use]
    pub fn max_packet_life_time(&self) -> Option<u16> {
        self.lease.facts.max_packet_life_time
    }

    /// How often a message is retransmitted, if limited.
    #[must_use]
    pub fn max_retransmits(&self) -> Option<u16> {
        self.lease.facts.max_retransmits
    }

    /// Whether the application negotiated the channel by itself.
    #[must_use]
    pub fn negotiated(&self) -> bool {
        self.lease.facts.negotiated
    }

    /// The weight against other channels.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.lease.facts.priority
    }

    /// The messages that come, as a `Stream` of `futures`.
    #[must_use]
    pub fn messages(&self) -> MessageStream {
        MessageStream::new(self.clone())
    }

    /// Where messages are put, as a `Sink` of `futures`.
    #[must_use]
    pub fn sink(&self) -> MessageSink {
        MessageSink::new(self.clone())
    }

    /// A stream of bytes over the channel: see [`DataChannelStream`].
    #[must_use]
    pub fn into_stream(self) -> DataChannelStream {
        DataChannelStream::new(self)
    }
}
