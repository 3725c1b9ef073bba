//! Floor 5: many peers behind one or a few shared sockets.
//!
//! An [`Endpoint`] routes datagrams to [`PeerConnection`]s and has the same driving verbs as one of them; what
//! comes out carries a [`PeerId`]. It makes no decision of its own about any protocol. A peer that is idle costs
//! its memory and its consent checks; one that is busy is found in O(1).

mod io;
mod requests;
#[cfg(test)]
mod tests;

use self::requests::{Group, Request, Requests};
use crate::base::drops::{DropReason, Drops};
use crate::base::ids::{Id, Slots};
use crate::base::io::StreamName;
use crate::base::map::SeededMap;
use crate::base::net::{Datagram, LocalAddress, Path, Protocol, SocketId, Transmit};
use crate::base::queue::{BusyQueue, Queue, Turn};
use crate::base::random::Rng;
use crate::base::routes::RouteChange;
use crate::base::time::{Instant, earliest};
use crate::peer::deadlines::Deadlines;
use crate::peer::routes::{Routes, names_nobody};
use crate::peer::streams::Streams;
use crate::peer::{Event, PeerConnection};
use crate::wire::mdns::PORT as MDNS_PORT;
use std::ops::{Deref, DerefMut};

/// Names a peer of an endpoint. `Copy`; never names another peer later.
pub type PeerId = Id<Peer>;

/// A peer and where it stands in the endpoint's tables.
#[derive(Debug)]
pub struct Peer {
    connection: PeerConnection,
    /// The user fragments that checks for it name: that of its generation, and after a restart that of the one before
    /// for as long as it is answered for.
    names: Vec<String>,
    paths: Vec<Path>,
    deadline: Option<Instant>,
    /// What it asked the driver for, and has or waits for.
    requests: Vec<Request>,
    /// Streams of listeners that are its own.
    accepted: Vec<SocketId>,
    /// Its place among those that may have something to send.
    to_transmit: Turn,
    /// Its place among those that may have something to say.
    to_report: Turn,
    /// Its place among those that may want something done.
    to_request: Turn,
}

/// Which events of a peer are wanted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    Everything,
    /// Those of the connection itself: what its channels have to say waits.
    ConnectionEvents,
    /// None.
    Nothing,
}

/// Many peer connections behind shared sockets.
///
/// Driven like a single connection: hand in datagrams and time, then poll transmits, events, requests and the deadline.
/// Addresses of the sockets that all peers share are given to the endpoint
/// ([`add_local_address`](Self::add_local_address)); those of one peer alone to its connection.
#[derive(Debug)]
pub struct Endpoint {
    peers: Slots<Peer>,
    routes: Routes<PeerId>,
    deadlines: Deadlines<PeerId>,
    /// Peers that were touched and not yet polled dry.
    to_transmit: BusyQueue<PeerId>,
    to_report: BusyQueue<PeerId>,
    to_request: BusyQueue<PeerId>,
    /// Streams that have no peer yet, those that have to be closed, and whose the others are.
    unnamed: Streams,
    to_close: Queue<StreamName>,
    sockets: SeededMap<SocketId, PeerId>,
    /// Whose requests the driver's answers are for.
    requests: Requests,
    /// The group of multicast DNS, which is joined once for all.
    group: Group,
    /// Addresses of this host, for every peer.
    addresses: Vec<LocalAddress>,
    /// Whether there ever were two peers.
    is_shared: bool,
    now: Instant,
    /// Where due peers are collected; empty between calls.
    due: Vec<PeerId>,
    drops: Drops,
}

/// A peer, borrowed to act on it; the endpoint looks after it when this is dropped.
#[derive(Debug)]
pub struct PeerMut<'a> {
    endpoint: &'a mut Endpoint,
    id: PeerId,
}

impl Endpoint {
    /// An endpoint without peers. `seed` keys its tables, so that senders cannot choose addresses that collide.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        let mut rng = Rng::from_seed(seed);
        Self {
            peers: Slots::default(),
            routes: Routes::new(&mut rng),
            sockets: SeededMap::new(&mut rng),
            requests: Requests::new(&mut rng),
            group: Group::default(),
            addresses: Vec::new(),
            is_shared: false,
            now: Instant::ZERO,
            deadlines: Deadlines::new(),
            to_transmit: BusyQueue::default(),
            to_report: BusyQueue::default(),
            to_request: BusyQueue::default(),
            unnamed: Streams::default(),
            to_close: Queue::default(),
            due: Vec::new(),
            drops: Drops::default(),
        }
    }

    /// Takes a connection in.
    ///
    /// Peers that share a socket can each ask the same STUN server. A TURN server knows its clients by their sockets, so
    /// over UDP it serves one of them alone, and refuses the others (437); over TCP and TLS it serves them all.
    ///
    /// A connection whose ICE user fragment another peer has already (one in 2⁴⁸, unless the application chose
    /// it) is reached by address alone.
    pub fn add(&mut self, mut connection: PeerConnection) -> PeerId {
        if self.is_shared || !self.is_empty() {
            connection.share_sockets();
        }
        if !self.is_shared && !self.is_empty() {
            self.is_shared = true;
            self.peers.iter_mut().for_each(|(_, peer)| peer.connection.share_sockets());
        }
        for &address in &self.addresses {
            connection.add_local_address(self.now, address);
        }
        let peer = Peer {
            connection,
            names: Vec::new(),
            paths: Vec::new(),
            deadline: None,
            requests: Vec::new(),
            accepted: Vec::new(),
            to_transmit: Turn::default(),
            to_report: Turn::default(),
            to_request: Turn::default(),
        };
        let id = self.peers.insert(peer);
        self.touch(id);
        id
    }

    /// Hands a connection back. Close it first and poll its farewell, unless the peer need not know.
    pub fn remove(&mut self, id: PeerId) -> Option<PeerConnection> {
        let mut peer = self.peers.remove(id)?;
        self.deadlines.replace(id, peer.deadline, None);
        self.routes.forget(id, &peer.paths, &mut peer.names);
        for request in peer.requests {
            self.requests.forget(request.id);
            if let Some(socket) = request.socket {
                self.sockets.remove(&socket);
            }
            self.to_close.extend(request.is_stream.then_some(StreamName::Requested(request.id)));
        }
        for socket in peer.accepted {
            self.sockets.remove(&socket);
            self.to_close.push(StreamName::Accepted(socket));
        }
        Some(peer.connection)
    }

    /// Lets every peer, and those that are added later, use an address of this host.
    pub fn add_local_address(&mut self, now: Instant, address: LocalAddress) {
        self.addresses.push(address);
        self.for_each(now, |now, connection| connection.add_local_address(now, address));
    }

    /// An address of this host is gone. Peers that used it fail over where they can.
    pub fn remove_local_address(&mut self, now: Instant, address: LocalAddress) {
        self.addresses.retain(|other| *other != address);
        self.for_each(now, |now, connection| connection.remove_local_address(now, address));
    }

    /// Closes every connection. They stay until they are [removed](Self::remove), and say farewell meanwhile.
    pub fn close(&mut self, now: Instant) {
        self.for_each(now, |now, connection| connection.close(now));
    }

    fn for_each(&mut self, now: Instant, mut act: impl FnMut(Instant, &mut PeerConnection)) {
        let now = self.tick(now);
        let all: Vec<PeerId> = self.peers.iter().map(|(id, _)| id).collect();
        for id in all {
            if let Some(peer) = self.peers.get_mut(id) {
                act(now, &mut peer.connection);
                self.touch(id);
            }
        }
    }

    /// The latest time seen.
    fn tick(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// The connection that `id` names, to ask.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<&PeerConnection> {
        self.peers.get(id).map(|peer| &peer.connection)
    }

    /// The connection that `id` names, to act on.
    pub fn peer_mut(&mut self, id: PeerId) -> Option<PeerMut<'_>> {
        self.peers.get(id)?;
        Some(PeerMut { endpoint: self, id })
    }

    /// Every peer.
    pub fn peers(&self) -> impl Iterator<Item = (PeerId, &PeerConnection)> {
        self.peers.iter().map(|(id, peer)| (id, &peer.connection))
    }

    /// How many peers there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Takes a batch of datagrams, in order.
    pub fn handle_datagrams(&mut self, now: Instant, datagrams: impl IntoIterator<Item = Datagram>) {
        let now = self.tick(now);
        let mut datagrams = datagrams.into_iter().peekable();
        while let Some(datagram) = datagrams.next() {
            let path = datagram.path;
            if path.protocol == Protocol::Tcp {
                self.handle_piece(now, datagram);
                continue;
            }
            if path.local.port() == MDNS_PORT && self.group.has(path.socket) {
                self.handle_multicast(now, &datagram);
                continue;
            }
            let Some(id) = self.routes.find(&path, &datagram.data) else {
                self.drops.count(DropReason::UnknownPeer);
                continue;
            };
            let Some(peer) = self.peers.get_mut(id) else { continue };
            // Datagrams that follow on the same path are the same peer's batch, unless they name another.
            let routes = &self.routes;
            let is_ours = routes.leads_to(&path, id);
            let follows = |next: &Datagram| {
                next.path == path
                    && (is_ours && names_nobody(&next.data) || routes.find(&path, &next.data) == Some(id))
            };
            let rest = std::iter::from_fn(|| datagrams.next_if(follows));
            peer.connection.handle_datagrams(now, std::iter::once(datagram).chain(rest));
            if !self.routes.knows(&path, id) && peer.connection.is_validated(&path) {
                self.routes.learn(path, id, &mut peer.paths, true);
            }
            self.touch(id);
        }
    }

    /// Takes one datagram.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram) {
        self.handle_datagrams(now, [datagram]);
    }

    /// Does what is due at `now`, for every peer.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.tick(now);
        while let Some(socket) = self.unnamed.pop_due(now) {
            self.to_close.push(StreamName::Accepted(socket));
        }
        // All that are due first, then each once: a deadline that does not move on waits for the next call.
        let mut due = std::mem::take(&mut self.due);
        due.extend(std::iter::from_fn(|| self.deadlines.pop_due(now)));
        for id in due.drain(..) {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.deadline = None;
                peer.connection.handle_timeout(now);
                self.touch(id);
            }
        }
        self.due = due;
    }

    /// Writes what is to be sent now to the front of `out`, and says whose it is and where it goes. Peers take
    /// turns, a run of datagrams each.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<(PeerId, Transmit)> {
        while let Some(id) = self.to_transmit.pop() {
            let Some(peer) = self.peers.get_mut(id) else { continue };
            peer.to_transmit = Turn::None;
            let transmit = peer.connection.poll_transmit(now, out);
            // Sending moves deadlines and can be an event.
            self.touch_if(id, transmit.is_some());
            let Some(transmit) = transmit else { continue };
            // An answer to our first check comes back on its path and names nobody. A stream is known by its number.
            if transmit.path.protocol == Protocol::Udp
                && !self.routes.leads_to(&transmit.path, id)
                && let Some(peer) = self.peers.get_mut(id)
            {
                self.routes.note_question(&transmit.path, id, out);
                self.routes.learn(transmit.path, id, &mut peer.paths, false);
            }
            return Some((id, transmit));
        }
        None
    }

    /// The next event and whose it is.
    pub fn poll_event(&mut self) -> Option<(PeerId, Event)> {
        self.poll_wanted_event(|_| Wanted::Everything)
    }

    /// The next event of those that are wanted. It asks about each peer that something happened to; what is not wanted
    /// stays in the connection, which holds its peer back, until the connection is acted on again
    /// ([`peer_mut`](Self::peer_mut)) or hears something.
    pub fn poll_wanted_event(&mut self, mut wanted: impl FnMut(PeerId) -> Wanted) -> Option<(PeerId, Event)> {
        while let Some(&id) = self.to_report.front() {
            let peer = self.peers.get_mut(id);
            let event = peer.and_then(|peer| {
                let event = match wanted(id) {
                    Wanted::Everything => peer.connection.poll_event(),
                    Wanted::ConnectionEvents => peer.connection.poll_connection_event(),
                    Wanted::Nothing => None,
                };
                peer.to_report = Turn::keep(event.is_some());
                event
            });
            if let Some(event) = event {
                // A message that was read makes room for the next, which the peer has to be told.
                self.touch(id);
                return Some((id, event));
            }
            self.to_report.pop();
        }
        None
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest([self.deadlines.next(), self.unnamed.deadline()])
    }

    /// Datagrams that belonged to no peer. Each peer counts its own.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// How many paths lead to peers: what a flood of datagrams of unknown origin must not make grow.
    #[must_use]
    pub fn routes(&self) -> usize {
        self.routes.len()
    }

    /// From now on [`poll_route_change`](Self::poll_route_change) tells what leads to the peers of this endpoint: for a driver
    /// of several endpoints whose sockets share a port. Call it before the first peer is added.
    pub fn tell_route_changes(&mut self) {
        self.routes.tell_changes();
    }

    /// What changed in the way to the peers, oldest first. Changes wait, so poll them all after each call; and before what
    /// [`poll_transmit`](Self::poll_transmit) gave is sent, or the answer may be faster.
    pub fn poll_route_change(&mut self) -> Option<RouteChange> {
        self.routes.poll_change()
    }

    /// Looks after a peer that something happened to.
    fn touch(&mut self, id: PeerId) {
        self.touch_if(id, true);
    }

    /// The same; with nothing `to_transmit` it does not take a turn at sending.
    fn touch_if(&mut self, id: PeerId, to_transmit: bool) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if to_transmit && peer.to_transmit.take() {
            self.to_transmit.push(id);
        }
        if peer.to_report.take() {
            self.to_report.push(id);
        }
        if peer.to_request.take() {
            self.to_request.push(id);
        }
        let names = peer.connection.answers_to();
        if !names.clone().eq(peer.names.iter().map(String::as_str)) {
            self.routes.rename(id, &mut peer.names, names);
        }
        peer.deadline = self.deadlines.set(id, peer.deadline, peer.connection.poll_timeout());
    }
}

impl Deref for PeerMut<'_> {
    type Target = PeerConnection;

    fn deref(&self) -> &PeerConnection {
        &self.endpoint.peers.get(self.id).expect("the only borrow, made for a peer that exists").connection
    }
}

impl DerefMut for PeerMut<'_> {
    fn deref_mut(&mut self) -> &mut PeerConnection {
        &mut self
            .endpoint
            .peers
            .get_mut(self.id)
            .expect("the only borrow, made for a peer that exists")
            .connection
    }
}

impl Drop for PeerMut<'_> {
    fn drop(&mut self) {
        self.endpoint.touch(self.id);
    }
}
