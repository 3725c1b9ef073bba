//! What sockets are for: one connection, or an endpoint with many.

use crate::net::sockets::SocketLimits;
use purertc::{
    Datagram, Endpoint, Event, Instant, IoId, IoRequest, IoResponse, LocalAddress, Path, PeerConnection,
    PeerId, RouteChange, SocketId, Transmit,
};

/// The driving verbs that [`PeerConnection`] and [`Endpoint`] have in common, so that adapters are written once. Each is
/// explained at [`PeerConnection`].
pub trait Machine {
    /// What it has to tell.
    type Event;
    /// How many sockets it may come to have.
    const LIMITS: SocketLimits;

    /// An address of this host may be used.
    fn add_local_address(&mut self, now: Instant, address: LocalAddress);
    /// An address of this host is gone.
    fn remove_local_address(&mut self, now: Instant, address: LocalAddress);
    /// Takes datagrams and pieces of streams.
    fn handle_datagrams(&mut self, now: Instant, datagrams: impl IntoIterator<Item = Datagram>);
    /// Does what is due.
    fn handle_timeout(&mut self, now: Instant);
    /// Takes the answer to a request.
    fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse);
    /// A listener accepted a stream.
    fn handle_stream_opened(&mut self, now: Instant, path: Path);
    /// A stream ended.
    fn handle_stream_closed(&mut self, now: Instant, socket: SocketId);
    /// What is to be sent.
    fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit>;
    /// What is to be done.
    fn poll_io_request(&mut self) -> Option<IoRequest>;
    /// What happened.
    fn poll_event(&mut self) -> Option<Self::Event>;
    /// What changed in the way to its peers, for others who share its ports.
    fn poll_route_change(&mut self) -> Option<RouteChange>;
    /// Ends it, and tells who is connected.
    fn close(&mut self, now: Instant);
    /// When [`handle_timeout`](Self::handle_timeout) is due.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// The verbs that have the same name and the same types in both.
macro_rules! same_verbs {
    ($machine:ty) => {
        fn add_local_address(&mut self, now: Instant, address: LocalAddress) {
            <$machine>::add_local_address(self, now, address);
        }

        fn remove_local_address(&mut self, now: Instant, address: LocalAddress) {
            <$machine>::remove_local_address(self, now, address);
        }

        fn handle_datagrams(&mut self, now: Instant, datagrams: impl IntoIterator<Item = Datagram>) {
            <$machine>::handle_datagrams(self, now, datagrams);
        }

        fn handle_timeout(&mut self, now: Instant) {
            <$machine>::handle_timeout(self, now);
        }

        fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse) {
            <$machine>::handle_io_response(self, now, id, response);
        }

        fn handle_stream_opened(&mut self, now: Instant, path: Path) {
            <$machine>::handle_stream_opened(self, now, path);
        }

        fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
            <$machine>::handle_stream_closed(self, now, socket);
        }

        fn close(&mut self, now: Instant) {
            <$machine>::close(self, now);
        }

        fn poll_io_request(&mut self) -> Option<IoRequest> {
            <$machine>::poll_io_request(self)
        }

        fn poll_timeout(&self) -> Option<Instant> {
            <$machine>::poll_timeout(self)
        }
    };
}

impl Machine for PeerConnection {
    type Event = Event;
    const LIMITS: SocketLimits = SocketLimits::CONNECTION;

    same_verbs!(PeerConnection);

    /// It has its ports to itself.
    fn poll_route_change(&mut self) -> Option<RouteChange> {
        None
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        Self::poll_transmit(self, now, out)
    }

    fn poll_event(&mut self) -> Option<Event> {
        Self::poll_event(self)
    }
}

impl Machine for Endpoint {
    type Event = (PeerId, Event);
    const LIMITS: SocketLimits = SocketLimits::ENDPOINT;

    same_verbs!(Endpoint);

    fn poll_route_change(&mut self) -> Option<RouteChange> {
        Self::poll_route_change(self)
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        Self::poll_transmit(self, now, out).map(|(_, transmit)| transmit)
    }

    fn poll_event(&mut self) -> Option<(PeerId, Event)> {
        Self::poll_event(self)
    }
}
