//! A data channel as a stream of bytes.

use crate::channel::DataChannel;
use crate::state::Want;
use bytes::{Buf, Bytes};
use purertc::{DataChannelState, MessageKind};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

/// The longest message that a write makes. What every peer takes, and long enough that headers do not matter.
const MAX_WRITE: usize = 1 << 16;

/// `AsyncRead`, `AsyncBufRead` and `AsyncWrite` over a data channel, for code that speaks in bytes.
///
/// Writes become binary messages of up to 64 KiB; reads give the contents of messages one after another, whatever
/// their kind. The channel should be ordered and reliable, or the bytes will not be what was written.
///
/// * Reading ends (gives no bytes) when the channel was closed, and fails with `ConnectionReset` when it broke.
/// * Flushing does nothing: what was written is on its way.
/// * A data channel has no half that could be closed alone, so shutting down ends both directions. It is done when
///   everything was sent and the peer has closed too.
#[derive(Debug)]
pub struct DataChannelStream {
    channel: DataChannel,
    /// What is left of the message that is being read.
    unread: Bytes,
}

impl DataChannelStream {
    pub(crate) const fn new(channel: DataChannel) -> Self {
        Self { channel, unread: Bytes::new() }
    }

    /// The channel. Messages that it receives are missing in the stream.
    #[must_use]
    pub const fn channel(&self) -> &DataChannel {
        &self.channel
    }
}

impl AsyncBufRead for DataChannelStream {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        // An empty message is no end.
        while this.unread.is_empty() {
            match ready!(this.channel.poll_recv(cx)) {
                Some(message) => this.unread = message.data,
                None => match this.channel.error() {
                    Some(error) => {
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, error)));
                    }
                    None => break,
                },
            }
        }
        Poll::Ready(Ok(&this.unread))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.get_mut().unread.advance(amount);
    }
}

impl AsyncRead for DataChannelStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = available.len().min(buffer.remaining());
        buffer.put_slice(&available[..count]);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for DataChannelStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // Room first, so that waiting costs no copy. Should another handle take it in between, `poll_send` waits, and
        // the caller comes back with the same bytes.
        let room = ready!(self.channel.poll_room(cx));
        let count = buffer.len().min(room).min(MAX_WRITE);
        let mut message = Some(Bytes::copy_from_slice(&buffer[..count]));
        let sent = ready!(self.channel.poll_send(cx, &mut message, MessageKind::Binary));
        Poll::Ready(sent.map(|()| count).map_err(io::Error::from))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.channel.close();
        self.channel
            .poll_wait(cx, Want::Closed, |state, _| (state == DataChannelState::Closed).then_some(Ok(())))
    }
}
