//! One connection on mio sockets.

use crate::error::SetupError;
use crate::net::{self, Clock, Inbox, Outbox, Socket, SocketSettings};
use mio::event::Events;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use purertc::{Configuration, Event, Instant, LocalAddress, PeerConnection};
use std::ops::Range;
use std::time::Duration;

/// Receive calls in one turn, so that a flood does not keep the program's other sockets waiting.
const RECEIVES: usize = 32;
/// Runs sent in one turn.
const SENDS: usize = 32;

/// Owns a [`PeerConnection`] and its sockets, inside the program's own `mio::Poll`.
///
/// The loop: [`flush`](Self::flush) what the verbs caused, wait no longer than [`timeout`](Self::timeout), hand
/// the events to [`turn`](Self::turn), read with [`poll_event`](Self::poll_event). Nothing here blocks, and one
/// turn does a bounded amount of work; when more is left, `timeout` is zero.
///
/// Messages wait inside the connection until `poll_event` takes them, and the peer is held back meanwhile.
///
/// Dropping a driver closes the connection; the peer is told as far as the sockets take it at once.
#[derive(Debug)]
pub struct Driver {
    connection: PeerConnection,
    clock: Clock,
    sockets: Vec<Place>,
    first: usize,
    inbox: Inbox,
    outbox: Outbox,
}

/// A socket and what mio said about it since the system last said otherwise.
#[derive(Debug)]
struct Place {
    socket: Socket<UdpSocket>,
    readable: bool,
    writable: bool,
}

impl Driver {
    /// Opens sockets, makes the connection and registers the sockets with `registry`.
    ///
    /// They get the tokens from `first` on, one each; [`tokens`](Self::tokens) says how many. The connection
    /// knows all its addresses already.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: a configuration that cannot be, or what the system refused.
    pub fn new(
        configuration: Configuration,
        settings: &SocketSettings,
        registry: &Registry,
        first: Token,
    ) -> Result<Self, SetupError> {
        let clock = Clock::start();
        let mut connection = PeerConnection::new(configuration, net::init(clock.now())?)?;
        let mut sockets = Vec::new();
        for (index, bound) in settings.bind()?.into_iter().enumerate() {
            let mut io = UdpSocket::from_std(bound.socket);
            registry.register(&mut io, Token(first.0 + index), Interest::READABLE | Interest::WRITABLE)?;
            let socket = Socket::new(io, bound.local, settings)?;
            connection.add_local_address(clock.now(), bound.local);
            sockets.push(Place { socket, readable: false, writable: true });
        }
        let (inbox, outbox) = (Inbox::default(), Outbox::default());
        Ok(Self { connection, clock, sockets, first: first.0, inbox, outbox })
    }

    /// The connection, for its verbs and attributes. [`flush`](Self::flush) after verbs.
    pub const fn connection(&mut self) -> &mut PeerConnection {
        &mut self.connection
    }

    /// The time, as the connection's verbs take it.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The tokens in use.
    #[must_use]
    pub const fn tokens(&self) -> Range<usize> {
        self.first..self.first + self.sockets.len()
    }

    /// The addresses of the sockets.
    pub fn local_addresses(&self) -> impl Iterator<Item = LocalAddress> {
        self.sockets.iter().map(|place| place.socket.local())
    }

    /// Does what is due: receives, lets timers fire, sends. Events with other tokens are skipped, so that the
    /// program can hand over all of them; an empty list is fine.
    pub fn turn(&mut self, events: &Events) {
        self.wake(events);
        self.receive();
        self.timer();
        self.transmit();
    }

    /// Sends what verbs caused, and does what else is due. The same as a [`turn`](Self::turn) without events.
    pub fn flush(&mut self) {
        self.receive();
        self.timer();
        self.transmit();
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.connection.poll_event()
    }

    /// How long to wait for events at most before the next [`turn`](Self::turn); `None`: until one comes.
    ///
    /// Mind that mio counts milliseconds and rounds up.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        let sendable = self.outbox.socket().is_some_and(|id| self.sockets[id.0 as usize].writable);
        if sendable || self.sockets.iter().any(|place| place.readable) {
            return Some(Duration::ZERO);
        }
        self.connection.poll_timeout().map(|deadline| self.clock.until(deadline))
    }

    /// Closes the connection and tells the peer.
    pub fn close(&mut self) {
        self.connection.close(self.clock.now());
        self.transmit();
    }

    /// Remembers which sockets are ready. mio tells once, so it counts until the system says otherwise.
    fn wake(&mut self, events: &Events) {
        for event in events {
            let index = event.token().0.checked_sub(self.first);
            if let Some(place) = index.and_then(|index| self.sockets.get_mut(index)) {
                place.readable |= event.is_readable();
                place.writable |= event.is_writable();
            }
        }
    }

    fn receive(&mut self) {
        for _ in 0..RECEIVES {
            let Some(place) = self.sockets.iter_mut().find(|place| place.readable) else { break };
            let (socket, inbox) = (&place.socket, &mut self.inbox);
            // Whatever the error: the next datagram makes the socket readable again.
            place.readable = socket.io().try_io(|| socket.receive(inbox)).is_ok();
            if !self.inbox.is_empty() {
                self.connection.handle_datagrams(self.clock.now(), self.inbox.drain());
            }
        }
    }

    fn timer(&mut self) {
        let now = self.clock.now();
        if self.connection.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.connection.handle_timeout(now);
        }
    }

    fn transmit(&mut self) {
        for _ in 0..SENDS {
            let Some(id) = self.outbox.load(self.clock.now(), &mut self.connection) else { return };
            let place = &mut self.sockets[id.0 as usize];
            if !place.writable {
                return;
            }
            let (socket, outbox) = (&place.socket, &mut self.outbox);
            // The only error is that the system takes no more now.
            place.writable = socket.io().try_io(|| socket.send(outbox)).is_ok();
        }
        // More than a turn's worth: have the next run ready, so that `timeout` knows.
        self.outbox.load(self.clock.now(), &mut self.connection);
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close();
    }
}
