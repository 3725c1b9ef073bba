//! What a connection needs its driver for beyond datagrams: names, streams, identity providers.

use crate::base::io::{IoId, IoRequest, IoResponse};
use crate::base::net::{Path, SocketId};
use crate::base::time::Instant;
use crate::peer::PeerConnection;

impl PeerConnection {
    /// The next thing that the driver is to do: look up a name, open or close a stream, ask an identity provider. `None`: nothing for now.
    ///
    /// A driver that has no streams or names answers [`IoResponse::Failed`]; the connection does without, then. After
    /// [`close`](Self::close) it asks for streams to be closed and for nothing else, once what was left to send is
    /// polled.
    pub fn poll_io_request(&mut self) -> Option<IoRequest> {
        // The farewell may go along a stream that is to be closed behind it.
        if !self.farewell.is_empty() {
            return None;
        }
        self.identity_request().or_else(|| self.links.poll_io_request())
    }

    /// Takes the answer to the request `id`. An answer that nobody waits for any more is harmless.
    pub fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse) {
        let now = self.tick(now);
        if let Some(response) = self.take_identity(id, response) {
            self.links.handle_io_response(now, id, response);
        }
        self.settle(now);
    }

    /// A listener ([`LocalAddress::tcp`](crate::base::net::LocalAddress::tcp)) accepted a stream: `path` has its number
    /// and its two addresses. The connection closes it by itself
    /// ([`IoRequest::Close`]) where it is of no use.
    pub fn handle_stream_opened(&mut self, now: Instant, path: Path) {
        let now = self.tick(now);
        self.links.handle_stream_opened(now, path);
        self.settle(now);
    }

    /// Others use the same sockets.
    pub(crate) fn share_sockets(&mut self) {
        self.links.share_sockets();
    }

    /// The user fragments that checks for this connection name.
    pub(crate) fn answers_to(&self) -> impl Iterator<Item = &str> + Clone {
        self.links.answers_to()
    }

    /// Whether ICE vouched for this path.
    pub(crate) fn is_validated(&self, path: &Path) -> bool {
        self.links.is_validated(path)
    }

    /// A stream ended or broke. Not for those that the connection asked to be closed.
    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        let now = self.tick(now);
        self.links.handle_stream_closed(now, socket);
        self.settle(now);
    }
}
