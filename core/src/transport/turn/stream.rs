//! A stream to the server: wanted, there, lost.

use crate::base::net::Path;
use crate::base::time::Instant;
use crate::transport::turn::{Carrier, Client, Event};

/// What leads to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The network.
    Datagrams,
    /// A stream that is not there yet.
    Connecting,
    /// A stream.
    Connected(Path),
}

impl Link {
    pub const fn new(carrier: Carrier) -> Self {
        match carrier {
            Carrier::Datagrams => Self::Datagrams,
            Carrier::Stream => Self::Connecting,
        }
    }
}

impl Client {
    /// Asks for a stream to the server as it is known now.
    pub(super) fn connect(&mut self, domain: Option<String>) {
        self.link = Link::new(self.config.carrier);
        if self.link == Link::Connecting {
            self.outbox.clear();
            self.events.push(Event::Connect { server: self.config.server, domain });
        }
    }

    /// The stream that was asked for is there.
    pub fn connected(&mut self, path: Path) {
        if self.link == Link::Connecting {
            self.link = Link::Connected(path);
        }
    }

    /// The stream is gone, or could not be opened. The allocation goes with it: a server knows its client by the
    /// stream (RFC 8656 §3.1).
    pub fn disconnected(&mut self, _now: Instant, why: String) {
        match self.link {
            Link::Datagrams => {}
            Link::Connecting | Link::Connected(_) if self.is_allocating() => {
                self.fail(Event::Unreachable(why));
            }
            Link::Connecting | Link::Connected(_) if self.is_allocated() => self.fail(Event::Lost),
            Link::Connecting | Link::Connected(_) => self.end_quietly(),
        }
    }
}
