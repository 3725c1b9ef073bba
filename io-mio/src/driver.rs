//! One connection, or an endpoint with many, on mio sockets.

use crate::error::SetupError;
use crate::net::{
    self, Alarm, Arrivals, Clock, Exchanged, Kind, Left, Machine, Outbox, Place, Share, SocketSettings,
    Sockets,
};
use crate::runtime::{Bell, Registrar};
use mio::event::Events;
use mio::net::TcpStream;
use mio::{Poll, Registry, Token};
use purertc::{Configuration, Endpoint, Instant, LocalAddress, PeerConnection, PeerId, SocketId};
use std::io;
use std::net::SocketAddr;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

/// Receive calls in one turn, so that a flood does not keep the program's other sockets waiting.
const RECEIVES: usize = 32;
/// Runs sent in one turn.
const SENDS: usize = 32;

/// Owns a [`PeerConnection`] and its sockets, inside the program's own `mio::Poll`. A `Driver<Endpoint>` owns many of
/// them behind shared sockets, and is used alike: one port for a whole server.
///
/// The loop: [`flush`](Self::flush) what the verbs caused, wait no longer than [`timeout`](Self::timeout), hand
/// the events to [`turn`](Self::turn), read with [`poll_event`](Self::poll_event). Nothing here blocks, and one
/// turn does a bounded amount of work; when more is left, `timeout` is zero. (What blocks, the system's look-up of
/// host names, has threads of its own.)
///
/// Messages wait inside the connection until `poll_event` takes them, and the peer is held back meanwhile.
///
/// Dropping a driver closes the connection; the peer is told as far as the sockets take it at once.
#[derive(Debug)]
pub struct Driver<M: Machine = PeerConnection> {
    machine: M,
    clock: Clock,
    sockets: Sockets<Registrar>,
    tokens: Range<usize>,
    bell: Arc<Bell>,
    /// The place to receive from first.
    first: usize,
    outbox: Outbox,
}

impl Driver {
    /// Tokens that the driver of a connection takes: one for each socket that it may come to have, and one for itself.
    pub const TOKENS: usize = PeerConnection::LIMITS.sockets + 1;

    /// Opens sockets, makes the connection and registers the sockets with `registry`.
    ///
    /// The [`TOKENS`](Self::TOKENS) tokens from `first` on are the driver's. The connection knows the addresses of
    /// this host already.
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
        let connection = PeerConnection::new(configuration, net::init(clock.now())?)?;
        let open =
            |registrar, alarm| Sockets::open(registrar, settings.clone(), PeerConnection::LIMITS, alarm);
        Ok(Self::of(connection, clock, registry, first, open)?)
    }

    /// The connection, for its verbs and attributes. [`flush`](Self::flush) after verbs.
    pub const fn connection(&mut self) -> &mut PeerConnection {
        &mut self.machine
    }
}

impl Driver<Endpoint> {
    /// Tokens that the driver of an endpoint takes.
    pub const ENDPOINT_TOKENS: usize = Endpoint::LIMITS.sockets + 1;

    /// Opens sockets for an endpoint that has no peers yet, and registers them with `registry`. The
    /// [`ENDPOINT_TOKENS`](Self::ENDPOINT_TOKENS) tokens from `first` on are the driver's.
    ///
    /// # Errors
    ///
    /// What the system refused.
    pub fn endpoint_on(settings: &SocketSettings, registry: &Registry, first: Token) -> io::Result<Self> {
        let open = |registrar, alarm| Sockets::open(registrar, settings.clone(), Endpoint::LIMITS, alarm);
        Self::of(Endpoint::new(net::seed()?), Clock::start(), registry, first, open)
    }

    /// The same on sockets whose ports other threads share: one `Driver` in each thread's own `Poll`, all behind one
    /// port. See [`SocketSettings::share`].
    ///
    /// Verbs that name a peer (a local description, an ICE restart) are told to the other threads by
    /// [`flush`](Self::flush): flush before the description leaves.
    ///
    /// # Errors
    ///
    /// What the system refused.
    pub fn endpoint_in(share: Share, registry: &Registry, first: Token) -> io::Result<Self> {
        let mut endpoint = Endpoint::new(net::seed()?);
        endpoint.tell_route_changes();
        let open = |registrar, alarm| Sockets::open_share(registrar, share, Endpoint::LIMITS, alarm);
        Self::of(endpoint, Clock::start(), registry, first, open)
    }

    /// What the threads that share the ports handed to this one.
    #[must_use]
    pub fn exchanged(&self) -> Exchanged {
        self.sockets.exchanged()
    }

    /// Makes a connection behind the endpoint's sockets, whose addresses it knows already. Give all of them one
    /// certificate, or each one takes the time to make its own.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: a configuration that cannot be, or no randomness.
    pub fn add(&mut self, configuration: Configuration) -> Result<PeerId, SetupError> {
        let connection = PeerConnection::new(configuration, net::init(self.clock.now())?)?;
        Ok(self.machine.add(connection))
    }

    /// The endpoint, for its peers. [`flush`](Self::flush) after verbs.
    pub const fn endpoint(&mut self) -> &mut Endpoint {
        &mut self.machine
    }
}

impl<M: Machine> Driver<M> {
    fn of(
        mut machine: M,
        clock: Clock,
        registry: &Registry,
        first: Token,
        open: impl FnOnce(Registrar, Alarm) -> io::Result<Sockets<Registrar>>,
    ) -> io::Result<Self> {
        let tokens = first.0..first.0 + M::LIMITS.sockets + 1;
        let mut registrar = Registrar { registry: registry.try_clone()?, tokens: tokens.clone() };
        let bell = registrar.bell()?;
        let ring = bell.clone();
        let mut sockets = open(registrar, Arc::new(move || ring.ring()))?;
        let (_, arrivals) = sockets.parts();
        arrivals.deliver(clock.now(), &mut machine);
        Ok(Self { machine, clock, sockets, tokens, bell, first: 0, outbox: Outbox::default() })
    }

    /// The time, as the connection's verbs take it.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The tokens that are the driver's.
    #[must_use]
    pub fn tokens(&self) -> Range<usize> {
        self.tokens.clone()
    }

    /// The addresses of the sockets.
    pub fn local_addresses(&self) -> impl Iterator<Item = LocalAddress> {
        self.sockets.local_addresses()
    }

    /// Does what is due: receives, lets timers fire, does what the connection asks for, sends. Events with other
    /// tokens are skipped, so that the program can hand over all of them; an empty list is fine.
    pub fn turn(&mut self, events: &Events) {
        self.wake(events);
        self.flush();
    }

    /// Sends what verbs caused, and does what else is due. The same as a [`turn`](Self::turn) without events.
    pub fn flush(&mut self) {
        self.receive();
        self.streams();
        self.timer();
        self.requests();
        self.transmit();
    }

    /// A loop for programs that have none: waits in `poll`, does what is due, and hands what happened to `attend`, until
    /// that says [`Break`](ControlFlow::Break). The driver can be used before and after it; `poll` is the one that it was
    /// registered with, and has nothing else in it.
    ///
    /// # Errors
    ///
    /// Those of waiting.
    pub fn run<R>(
        &mut self,
        poll: &mut Poll,
        mut attend: impl FnMut(&mut Self, M::Event) -> ControlFlow<R>,
    ) -> io::Result<R> {
        let mut events = Events::with_capacity(256);
        self.flush();
        loop {
            while let Some(event) = self.poll_event() {
                let went = attend(self, event);
                self.flush();
                if let ControlFlow::Break(result) = went {
                    return Ok(result);
                }
            }
            match poll.poll(&mut events, self.timeout()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
                other => other?,
            }
            self.turn(&events);
        }
    }

    /// What happened, oldest first.
    pub fn poll_event(&mut self) -> Option<M::Event> {
        self.machine.poll_event()
    }

    /// How long to wait for events at most before the next [`turn`](Self::turn); `None`: until one comes.
    ///
    /// Mind that mio counts milliseconds and rounds up.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        let sendable = self.outbox.socket().is_some_and(|id| match self.sockets.table().get(id) {
            // It is to be discarded.
            None => true,
            Some(place) => place.mark.writable,
        });
        if sendable || self.sockets.table().iter().any(|(_, place)| place.mark.readable) {
            return Some(Duration::ZERO);
        }
        let deadlines = [self.machine.poll_timeout(), self.sockets.poll_timeout()];
        deadlines.into_iter().flatten().min().map(|deadline| self.clock.until(deadline))
    }

    /// Closes the connection, or all of them, and tells the peers.
    pub fn close(&mut self) {
        self.machine.close(self.clock.now());
        self.requests();
        self.transmit();
    }

    /// Remembers which sockets are ready. mio tells once, so it counts until the system says otherwise.
    fn wake(&mut self, events: &Events) {
        let (table, _) = self.sockets.parts();
        for event in events {
            let Some(at) = event.token().0.checked_sub(self.tokens.start) else { continue };
            if at == M::LIMITS.sockets {
                self.bell.hush();
            } else if let Some(place) = table.at(at).and_then(|id| table.get_mut(id)) {
                place.mark.readable |= event.is_readable();
                place.mark.writable |= event.is_writable();
            }
        }
    }

    fn receive(&mut self) {
        // Another one first each time, or a busy socket would starve the others.
        self.first = (self.first + 1) % self.sockets.table().len().max(1);
        for _ in 0..RECEIVES {
            let now = self.clock.now();
            let (table, arrivals) = self.sockets.parts();
            let ready = table.iter_mut_from(self.first).find(|(_, place)| place.mark.readable);
            let Some((id, place)) = ready else { break };
            match receive_from(place, arrivals) {
                Ok(None) => {}
                Ok(Some((stream, ends))) => {
                    self.sockets.admit(now, ends, |registrar, place| registrar.accepted(place, stream));
                }
                // Whatever the error of a UDP socket: the next datagram makes it readable again.
                Err(error) => {
                    place.mark.readable = false;
                    if error.kind() != io::ErrorKind::WouldBlock {
                        self.sockets.end(id, &error);
                    }
                }
            }
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        self.sockets.exchange();
        let (_, arrivals) = self.sockets.parts();
        if !arrivals.is_empty() {
            arrivals.deliver(self.clock.now(), &mut self.machine);
        }
        self.sockets.publish(&mut self.machine);
    }

    /// Has the next run ready, and says on which socket it goes.
    fn load(&mut self) -> Option<SocketId> {
        let id = self.outbox.load(self.clock.now(), &mut self.machine);
        self.sockets.publish(&mut self.machine);
        id
    }

    fn timer(&mut self) {
        let now = self.clock.now();
        self.sockets.tick(now);
        self.deliver();
        if self.machine.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.machine.handle_timeout(now);
        }
    }

    /// Does what the connection asks for, and tells what came of it at once.
    fn requests(&mut self) {
        loop {
            self.deliver();
            let Some(request) = self.machine.poll_io_request() else { break };
            self.sockets.perform(self.clock.now(), request);
        }
    }

    fn transmit(&mut self) {
        for _ in 0..SENDS {
            let Some(id) = self.load() else { break };
            let (table, _) = self.sockets.parts();
            let Some(place) = table.get_mut(id) else {
                self.outbox.discard();
                continue;
            };
            if !send_on(place, &mut self.outbox) {
                break;
            }
        }
        self.streams();
        self.requests();
        // More than a turn's worth: have the next run ready, so that `timeout` knows.
        self.load();
    }

    /// Lets streams send what waits in them.
    fn streams(&mut self) {
        let now = self.clock.now();
        for at in 0..self.sockets.table().len() {
            let (table, _) = self.sockets.parts();
            let Some(id) = table.at(at) else { continue };
            let Some(Place { kind: Kind::Stream(stream), mark }) = table.get_mut(id) else { continue };
            if !mark.writable || !stream.has_unsent() {
                continue;
            }
            match stream.send(now) {
                Ok(opening) => self.sockets.sent(id, opening),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => mark.writable = false,
                Err(error) => self.sockets.end(id, &error),
            }
        }
    }
}

/// A stream that was accepted: from where to where.
type Accepted = (TcpStream, (SocketAddr, SocketAddr));

/// Receives once. A listener may have a stream.
fn receive_from(place: &mut Place<Registrar>, arrivals: &mut Arrivals) -> io::Result<Option<Accepted>> {
    match &mut place.kind {
        Kind::Udp(socket) | Kind::Multicast(socket) => {
            let left = socket.io().try_io(|| socket.receive(&mut arrivals.inbox))?;
            place.mark.readable = left == Left::Perhaps;
        }
        Kind::Stream(stream) => stream.receive(&mut arrivals.inbox)?,
        Kind::Listener(listener, _) => {
            let (stream, remote) = listener.accept()?;
            let local = stream.local_addr()?;
            return Ok(Some((stream, (local, remote))));
        }
    }
    Ok(None)
}

/// Sends what waits in `outbox`, or hands it to the stream. `false`: the socket takes no more now.
fn send_on(place: &mut Place<Registrar>, outbox: &mut Outbox) -> bool {
    match &mut place.kind {
        Kind::Udp(_) | Kind::Multicast(_) if !place.mark.writable => return false,
        Kind::Udp(socket) | Kind::Multicast(socket) => {
            // The only error is that the system takes no more now.
            place.mark.writable = socket.io().try_io(|| socket.send(outbox)).is_ok();
        }
        Kind::Stream(stream) => return stream.take(outbox),
        Kind::Listener(..) => outbox.discard(),
    }
    true
}

impl<M: Machine> Drop for Driver<M> {
    fn drop(&mut self) {
        self.close();
    }
}
