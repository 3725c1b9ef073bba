//! What came from below since the connection, or the endpoint, was told last.

use crate::net::inbox::Inbox;
use crate::net::machine::Machine;
use purertc::{Instant, IoId, IoResponse, LocalAddress, Path, SocketId};

/// Everything that a connection is to be told, collected without it, so that a lock around it is held briefly.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Datagrams, and pieces of streams.
    pub inbox: Inbox,
    pub(super) added: Vec<LocalAddress>,
    pub(super) removed: Vec<LocalAddress>,
    pub(super) responses: Vec<(IoId, IoResponse)>,
    pub(super) accepted: Vec<Path>,
    pub(super) closed: Vec<SocketId>,
}

impl Arrivals {
    /// Whether there is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { inbox, added, removed, responses, accepted, closed } = self;
        inbox.is_empty()
            && added.is_empty()
            && removed.is_empty()
            && responses.is_empty()
            && accepted.is_empty()
            && closed.is_empty()
    }

    /// Tells it, and forgets.
    pub fn deliver(&mut self, now: Instant, machine: &mut impl Machine) {
        // In this order, because a stream is opened before something comes along it, and closed after that.
        self.added.drain(..).for_each(|address| machine.add_local_address(now, address));
        self.responses.drain(..).for_each(|(id, response)| machine.handle_io_response(now, id, response));
        self.accepted.drain(..).for_each(|path| machine.handle_stream_opened(now, path));
        if !self.inbox.is_empty() {
            machine.handle_datagrams(now, self.inbox.drain());
        }
        self.closed.drain(..).for_each(|socket| machine.handle_stream_closed(now, socket));
        self.removed.drain(..).for_each(|address| machine.remove_local_address(now, address));
    }
}
