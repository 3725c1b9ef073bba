//! What the driver is asked for, and what comes of it: names and streams.

use crate::base::io::{IoId, IoRequest, IoResponse, StreamName};
use crate::base::net::{Path, SocketId};
use crate::base::time::Instant;
use crate::transport::Transport;
use crate::transport::requests::Purpose;

impl Transport {
    /// The next thing that the driver is to do.
    pub fn poll_io_request(&mut self) -> Option<IoRequest> {
        self.requests.poll()
    }

    /// Takes the driver's answer to the request `id`. One to a request that nobody waits for any more changes nothing.
    pub fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse) {
        let Some(purpose) = self.requests.answered(id) else { return };
        match purpose {
            Purpose::Server(host) => {
                let found = match response {
                    IoResponse::Resolved(ips) => Ok(ips),
                    IoResponse::Failed(why) => Err(why),
                    _ => Err("the driver answered something else".to_owned()),
                };
                self.looked_up(now, &host, found);
            }
        }
        self.advance(now);
    }

    /// A listener accepted the stream along `path`.
    pub fn handle_stream_opened(&mut self, now: Instant, path: Path) {
        self.requests.close(StreamName::Accepted(path.socket));
        self.advance(now);
    }

    /// The stream on `socket` is at its end.
    pub fn handle_stream_closed(&mut self, now: Instant, _socket: SocketId) {
        self.advance(now);
    }
}
