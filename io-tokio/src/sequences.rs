//! Events and messages as the streams and sinks of `futures`.

use crate::channel::DataChannel;
use crate::connection::PeerConnection;
use crate::error::SendError;
use crate::event::Event;
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use purertc::{Message, MessageKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The events of a connection, as [`PeerConnection::next_event`] gives them: a `Stream` that ends once the connection is
/// closed. It is a handle of the connection.
#[derive(Clone, Debug)]
pub struct EventStream {
    connection: PeerConnection,
}

impl EventStream {
    pub(crate) const fn new(connection: PeerConnection) -> Self {
        Self { connection }
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.connection.poll_next_event(cx)
    }
}

/// The messages of a channel, as [`DataChannel::recv`] gives them: a `Stream` that ends once the channel is closed and
/// everything was read. It is a handle of the channel.
#[derive(Clone, Debug)]
pub struct MessageStream {
    channel: DataChannel,
}

impl MessageStream {
    pub(crate) const fn new(channel: DataChannel) -> Self {
        Self { channel }
    }
}

impl Stream for MessageStream {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        self.channel.poll_recv(cx)
    }
}

/// Where messages of a channel are put: a `Sink` of [`Message`]s, or of `Bytes` for binary ones. It is a handle of the
/// channel.
///
/// It holds one message; that is sent once the channel is open and has room ([`DataChannel::send`]), and the sink is ready
/// for another then. Flushing waits until it is sent, and not until it has arrived. Closing closes the channel, and waits for
/// that.
#[derive(Debug)]
pub struct MessageSink {
    channel: DataChannel,
    held: Option<Bytes>,
    kind: MessageKind,
}

impl MessageSink {
    pub(crate) const fn new(channel: DataChannel) -> Self {
        Self { channel, held: None, kind: MessageKind::Binary }
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.channel.poll_send(cx, &mut self.held, self.kind)
    }
}

impl Sink<Message> for MessageSink {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().poll_held(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), SendError> {
        let this = self.get_mut();
        (this.held, this.kind) = (Some(message.data), message.kind);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.get_mut().poll_held(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let this = self.get_mut();
        ready!(this.poll_held(cx))?;
        this.channel.close();
        this.channel.poll_closed(cx).map(Ok)
    }
}

impl Sink<Bytes> for MessageSink {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<Message>::poll_ready(self, cx)
    }

    fn start_send(self: Pin<&mut Self>, data: Bytes) -> Result<(), SendError> {
        let this = self.get_mut();
        (this.held, this.kind) = (Some(data), MessageKind::Binary);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<Message>::poll_flush(self, cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Sink::<Message>::poll_close(self, cx)
    }
}
