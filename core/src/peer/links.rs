//! All links of a connection, and which of them the network, the clock and the driver mean.
//!
//! One link, which is what BUNDLE comes to, is asked directly. Only when there are several do tables exist: datagrams
//! are routed as an endpoint routes them to its peers, links that something happened to wait in queues, and deadlines
//! are in one place. So neither a packet nor a poll costs more for the links that it does not concern.

mod pieces;

use self::pieces::close;
use crate::base::drops::{DropReason, Drops};
use crate::base::io::{IoId, IoRequest, IoResponse};
use crate::base::map::SeededMap;
use crate::base::net::{Datagram, LocalAddress, Path, Protocol, SocketId, Transmit};
use crate::base::queue::{BusyQueue, Queue, Turn};
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::peer::deadlines::Deadlines;
use crate::peer::link::{KeysOf, Link, TransportId};
use crate::peer::routes::Routes;
use crate::peer::streams::Streams;
use crate::transport::demux::{Kind, kind};
use crate::transport::{Event, IceGatheringState, Inbound, Transport};
use crate::wire::candidate::Credentials;
use crate::wire::mdns::PORT as MDNS_PORT;
use bytes::BytesMut;
use std::net::SocketAddr;

/// The bits of an [`IoId`] that are the transport's own; above them is the link's serial number.
const IO_BITS: u32 = 48;
/// The serial number that no link has: requests under it are the connection's own.
pub(super) const NO_LINK: u64 = (u16::MAX as u64) << IO_BITS;

/// All links of a connection. The first is always there.
#[derive(Debug)]
pub(super) struct Links {
    first: Link,
    /// Those with higher numbers; a gap where one was closed.
    more: Vec<Option<Box<Link>>>,
    /// What several links need.
    tables: Option<Box<Tables>>,
    /// The addresses of this host, for links to come.
    addresses: Vec<LocalAddress>,
    /// What closed links left to be done.
    leftovers: Queue<IoRequest>,
    is_shared: bool,
    /// How many links there were.
    made: u16,
    rng: Rng,
}

/// What several links need.
#[derive(Debug)]
struct Tables {
    routes: Routes<TransportId>,
    deadlines: Deadlines<TransportId>,
    to_transmit: BusyQueue<TransportId>,
    to_settle: BusyQueue<TransportId>,
    to_request: BusyQueue<TransportId>,
    sockets: SeededMap<SocketId, TransportId>,
    /// Accepted streams that have not said which link they are for.
    unnamed: Streams,
    /// Ports that one link has to itself.
    ports: SeededMap<SocketAddr, TransportId>,
}

impl Tables {
    /// Whose a datagram is.
    fn find(&self, path: &Path, datagram: &[u8]) -> Option<TransportId> {
        self.ports.get(&path.local).copied().or_else(|| self.routes.find(path, datagram))
    }
}

impl Links {
    pub fn new(first: Transport, rng: Rng) -> Self {
        Self {
            first: Link::new(first, 0),
            more: Vec::new(),
            tables: None,
            addresses: Vec::new(),
            leftovers: Queue::default(),
            is_shared: false,
            made: 1,
            rng,
        }
    }

    pub const fn first(&self) -> &Transport {
        &self.first.transport
    }

    pub fn get(&self, id: TransportId) -> Option<&Link> {
        match id.index() {
            0 => Some(&self.first),
            at => self.more.get(at - 1)?.as_deref(),
        }
    }

    /// A link to do something with: what comes of it is looked after by the next [`poll_event`](Self::poll_event).
    pub fn get_mut(&mut self, id: TransportId) -> Option<&mut Link> {
        self.touch(id, Touch::ToTransmit);
        self.get_quietly(id)
    }

    /// The same for what is no concern of ICE or of the handshake: sealing, counting.
    pub fn get_quietly(&mut self, id: TransportId) -> Option<&mut Link> {
        match id.index() {
            0 => Some(&mut self.first),
            at => self.more.get_mut(at - 1)?.as_deref_mut(),
        }
    }

    /// The first link, to do something with.
    pub fn first_mut(&mut self) -> &mut Transport {
        self.touch(TransportId::FIRST, Touch::ToTransmit);
        &mut self.first.transport
    }

    pub fn iter(&self) -> impl Iterator<Item = (TransportId, &Link)> + Clone {
        let more = (1..).zip(&self.more).filter_map(|(at, link)| Some((TransportId(at), link.as_deref()?)));
        std::iter::once((TransportId::FIRST, &self.first)).chain(more)
    }

    /// The links that descriptions have.
    pub fn described(&self) -> impl Iterator<Item = (TransportId, &Link)> + Clone {
        self.iter().filter(|(_, link)| link.is_described)
    }

    /// Every link's number.
    pub fn ids(&self) -> Vec<TransportId> {
        self.iter().map(|(id, _)| id).collect()
    }

    /// Does the same to each.
    pub fn for_each(&mut self, mut change: impl FnMut(&mut Transport)) {
        for id in self.ids() {
            if let Some(link) = self.get_mut(id) {
                change(&mut link.transport);
            }
        }
    }

    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Puts a transport under `id`, in place of what was there. It gets the addresses of this host, unless it is to have ports
    /// to itself.
    pub fn put(&mut self, now: Instant, id: TransportId, mut transport: Transport, ports: PortsOf) {
        if self.is_shared || id != TransportId::FIRST {
            transport.share_sockets();
        }
        if ports == PortsOf::All {
            self.dealt(id).for_each(|address| transport.add_local_address(now, address));
        }
        self.remove(id);
        let mut link = Link::new(transport, self.made);
        link.ports = (ports == PortsOf::One).then(Box::default);
        self.made = (self.made + 1) % u16::MAX;
        if id == TransportId::FIRST {
            self.first = link;
        } else {
            self.make_tables();
            if self.more.len() < id.index() {
                self.more.resize_with(id.index(), || None);
            }
            self.more[id.index() - 1] = Some(Box::new(link));
        }
        self.touch(id, Touch::ToTransmit);
    }

    /// Takes a link out of the tables, and out of the list unless it is the first; what it still asks for stays.
    pub fn remove(&mut self, id: TransportId) {
        let Some(link) = self.get_quietly(id) else { return };
        let serial = link.serial;
        let ports: Vec<LocalAddress> = link.ports.iter().flat_map(|ports| ports.iter()).collect();
        link.ports.iter_mut().for_each(|ports| ports.leave_all());
        let requests: Vec<_> = std::iter::from_fn(|| link.poll_io_request()).collect();
        let mut place = std::mem::take(&mut link.place);
        self.leftovers.extend(requests.into_iter().map(|request| name_request(serial, request)));
        if let Some(tables) = &mut self.tables {
            tables.routes.forget(id, &place.paths, &mut place.names);
            tables.deadlines.replace(id, place.deadline, None);
            tables.to_settle.retain(|other| *other != id);
            tables.to_transmit.retain(|other| *other != id);
            tables.to_request.retain(|other| *other != id);
            for port in ports {
                tables.ports.remove(&port.address);
            }
        }
        if id != TransportId::FIRST {
            self.more[id.index() - 1] = None;
            while self.more.last().is_some_and(Option::is_none) {
                self.more.pop();
            }
        }
        if self.more.is_empty()
            && let Some(mut tables) = self.tables.take()
        {
            tables.unnamed.drain().for_each(|socket| self.leftovers.push(close(socket)));
        }
    }

    /// The second link makes tables worth their while.
    fn make_tables(&mut self) {
        if self.tables.is_some() {
            return;
        }
        self.first.transport.share_sockets();
        let mut routes = Routes::new(&mut self.rng);
        // Paths that led to the first when it was alone.
        for pair in self.first.transport.ice().pairs() {
            routes.learn(pair.path, TransportId::FIRST, &mut self.first.place.paths, true);
        }
        self.tables = Some(Box::new(Tables {
            routes,
            deadlines: Deadlines::new(),
            to_transmit: BusyQueue::default(),
            to_settle: BusyQueue::default(),
            to_request: BusyQueue::default(),
            sockets: SeededMap::new(&mut self.rng),
            unnamed: Streams::default(),
            ports: SeededMap::new(&mut self.rng),
        }));
        self.touch(TransportId::FIRST, Touch::ToTransmit);
    }

    /// Has a link looked after that something happens to.
    fn touch(&mut self, id: TransportId, what: Touch) {
        let Some(tables) = &mut self.tables else { return };
        let link = match id.index() {
            0 => Some(&mut self.first),
            at => self.more.get_mut(at - 1).and_then(Option::as_deref_mut),
        };
        let Some(Link { place, .. }) = link else { return };
        if place.to_settle.take() {
            tables.to_settle.push(id);
        }
        if place.to_request.take() {
            tables.to_request.push(id);
        }
        if what == Touch::ToTransmit && place.to_transmit.take() {
            tables.to_transmit.push(id);
        }
    }

    pub fn add_local_address(&mut self, now: Instant, address: LocalAddress) {
        if !self.addresses.contains(&address) {
            self.addresses.push(address);
        }
        for id in self.ids() {
            if let Some(Link { ports: Some(ports), .. }) = self.get_mut(id) {
                if address.protocol == Protocol::Udp {
                    ports.want(address.address.ip());
                }
                continue;
            }
            let is_dealt = self.dealt(id).any(|dealt| dealt == address);
            if let Some(link) = self.get_mut(id).filter(|_| is_dealt) {
                link.transport.add_local_address(now, address);
            }
        }
    }

    /// The addresses that a link uses. Where the driver has several ports at one address of this host, each link but the
    /// first has one of them: two links between the same two ports could not be told apart, which matters only to peers
    /// that have one port for several links, too.
    fn dealt(&self, id: TransportId) -> impl Iterator<Item = LocalAddress> + '_ {
        let beside = |address: LocalAddress| {
            let same = move |other: &&LocalAddress| {
                other.protocol == address.protocol && other.address.ip() == address.address.ip()
            };
            self.addresses.iter().filter(same)
        };
        let addresses = self.addresses.iter().copied();
        addresses.filter(move |&address| {
            let (count, place) =
                (beside(address).count(), beside(address).position(|&other| other == address));
            id == TransportId::FIRST || place == Some(id.index() % count)
        })
    }

    /// Whether a link has ports to itself.
    fn is_apart(&self, id: TransportId) -> bool {
        self.get(id).is_some_and(|link| link.ports.is_some())
    }

    /// Has a link with ports to itself gather under `credentials`, once in each generation.
    pub fn gather_apart(&mut self, now: Instant, id: TransportId, credentials: &Credentials) {
        let datagrams = |address: &&LocalAddress| address.protocol == Protocol::Udp;
        let ips: Vec<_> = self.addresses.iter().filter(datagrams).map(|known| known.address.ip()).collect();
        let Some(link) = self.get_mut(id) else { return };
        let Some(ports) = &mut link.ports else { return };
        let restarts = link.transport.local_credentials().ufrag != credentials.ufrag;
        if restarts {
            link.transport.prepare_restart_with(credentials.clone());
            link.transport.restart(now);
        }
        if restarts || !link.is_described {
            ips.into_iter().for_each(|ip| ports.want(ip));
            ports.wants_to_gather = true;
            link.is_described = true;
            link.gathering = IceGatheringState::Gathering;
            self.gather_if_ready(now, id);
        }
    }

    /// Gathering ends with the ports that are known, so it begins when all are.
    fn gather_if_ready(&mut self, now: Instant, id: TransportId) {
        let Some(Link { transport, ports: Some(ports), .. }) = self.get_mut(id) else { return };
        if ports.wants_to_gather && ports.are_known() {
            ports.wants_to_gather = false;
            transport.gather(now);
        }
    }

    /// The driver answered a link with ports of its own.
    fn handle_port(
        &mut self,
        now: Instant,
        id: TransportId,
        own: IoId,
        response: IoResponse,
    ) -> Result<(), IoResponse> {
        let Some(Link { transport, ports: Some(ports), .. }) = self.get_mut(id) else { return Err(response) };
        if let Some(local) = ports.answer(own, response)? {
            transport.add_local_address(now, local);
            if let Some(tables) = &mut self.tables {
                tables.ports.insert(local.address, id);
            }
        }
        self.gather_if_ready(now, id);
        Ok(())
    }

    /// The end of all. What is asked of the driver now is to close what it opened.
    pub fn shut_down(&mut self) {
        for id in self.ids() {
            let Some(link) = self.get_mut(id) else { continue };
            link.transport.shut_down();
            link.ports.iter_mut().for_each(|ports| ports.leave_all());
        }
    }

    pub fn remove_local_address(&mut self, now: Instant, address: LocalAddress) {
        self.addresses.retain(|known| *known != address);
        self.for_each(|transport| transport.remove_local_address(now, address));
        let ip = address.address.ip();
        if self.addresses.iter().any(|known| known.address.ip() == ip) {
            return;
        }
        for id in self.ids() {
            let Some(Link { transport, ports: Some(ports), .. }) = self.get_mut(id) else { continue };
            let Some(port) = ports.leave(ip) else { continue };
            transport.remove_local_address(now, port);
            if let Some(tables) = &mut self.tables {
                tables.ports.remove(&port.address);
            }
        }
    }

    /// Other connections use the same sockets.
    pub fn share_sockets(&mut self) {
        self.is_shared = true;
        self.for_each(Transport::share_sockets);
    }

    /// Takes a datagram to the link that it is for. `Err`: there is none.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: Datagram,
        received: &mut Vec<Inbound>,
    ) -> Result<TransportId, DropReason> {
        let path = datagram.path;
        let id = match &self.tables {
            None => TransportId::FIRST,
            Some(_) if path.local.port() == MDNS_PORT => {
                // What is said to the group is for all.
                self.for_each(|transport| transport.handle_datagram(now, datagram.clone(), received));
                return Ok(TransportId::FIRST);
            }
            Some(_) if path.protocol == Protocol::Tcp => return self.handle_piece(now, datagram, received),
            Some(tables) => tables.find(&path, &datagram.data).ok_or(DropReason::UnvalidatedSource)?,
        };
        let before = received.len();
        let is_rtcp = |data: &[u8]| data.first().is_some_and(|&first| kind(first) == Kind::Rtp);
        // It is opened in place, and perhaps by other keys than its own.
        let spare = Some(&datagram.data).filter(|data| id.is_rtcp() && is_rtcp(data)).cloned();
        let link = self.get_mut(id).ok_or(DropReason::UnvalidatedSource)?;
        link.transport.handle_datagram(now, datagram, received);
        if let Some(packet) = spare.filter(|_| received.len() == before) {
            self.open_by_rtp(id, &path, packet, received);
        }
        self.learn(&path, id);
        Ok(id)
    }

    /// Opens a packet of RTCP by the keys of RTP. Where that is how the peer does it, so do we from now on.
    fn open_by_rtp(&mut self, id: TransportId, path: &Path, packet: BytesMut, received: &mut Vec<Inbound>) {
        let before = received.len();
        let is_validated = self.get(id).is_some_and(|link| link.transport.is_validated(path));
        if let Some(rtp) = self.get_quietly(id.rtp()).filter(|_| is_validated) {
            rtp.transport.open_rtcp(packet, received);
        }
        if received.len() > before
            && let Some(link) = self.get_quietly(id)
        {
            link.rtcp_keys = KeysOf::Rtp;
        }
    }

    /// A path that ICE vouched for leads to the link from now on.
    fn learn(&mut self, path: &Path, id: TransportId) {
        let Some(mut tables) = self.tables.take() else { return };
        if !self.is_apart(id)
            && !tables.routes.leads_to(path, id)
            && let Some(link) = self.get_quietly(id)
            && link.transport.is_validated(path)
        {
            tables.routes.learn(*path, id, &mut link.place.paths, true);
        }
        self.tables = Some(tables);
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(tables) = &mut self.tables else { return self.first.transport.handle_timeout(now) };
        let leftovers = &mut self.leftovers;
        std::iter::from_fn(|| tables.unnamed.pop_due(now)).for_each(|socket| leftovers.push(close(socket)));
        // All that are due first, then each once: a deadline that does not move on waits for the next call.
        let due: Vec<_> = std::iter::from_fn(|| tables.deadlines.pop_due(now)).collect();
        for id in due {
            if let Some(link) = self.get_mut(id) {
                link.place.deadline = None;
                link.transport.handle_timeout(now);
            }
        }
    }

    /// What ICE, servers and handshakes have to send; links take turns.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        if self.tables.is_none() {
            return self.first.transport.poll_transmit(now, out);
        }
        while let Some(id) = self.tables.as_mut().and_then(|tables| tables.to_transmit.pop()) {
            let Some(link) = self.get_quietly(id) else { continue };
            link.place.to_transmit = Turn::None;
            let transmit = link.transport.poll_transmit(now, out);
            // Sending moves deadlines, and may be what completes a handshake.
            let what = if transmit.is_some() { Touch::ToTransmit } else { Touch::Quiet };
            self.touch(id, what);
            if let Some(transmit) = transmit {
                self.note_question(&transmit.path, id, out);
                return Some(transmit);
            }
        }
        None
    }

    /// An answer to a first check comes back on its path and names nobody. A stream is known by its number.
    fn note_question(&mut self, path: &Path, id: TransportId, datagram: &[u8]) {
        let Some(mut tables) = self.tables.take() else { return };
        let by_port = self.is_apart(id) || path.protocol == Protocol::Tcp;
        if !by_port && !tables.routes.leads_to(path, id) {
            tables.routes.note_question(path, id, datagram);
            if let Some(link) = self.get_quietly(id) {
                tables.routes.learn(*path, id, &mut link.place.paths, false);
            }
        }
        self.tables = Some(tables);
    }

    /// What a link has to say, and which it is.
    pub fn poll_event(&mut self) -> Option<(TransportId, Event)> {
        if self.tables.is_none() {
            return Some((TransportId::FIRST, self.first.transport.poll_event()?));
        }
        while let Some(&id) = self.tables.as_ref().and_then(|tables| tables.to_settle.front()) {
            if let Some(event) = self.get_quietly(id).and_then(|link| link.transport.poll_event()) {
                return Some((id, event));
            }
            self.settled(id);
        }
        None
    }

    /// A link has nothing to say any more: the tables follow what it is now.
    fn settled(&mut self, id: TransportId) {
        let Some(mut tables) = self.tables.take() else { return };
        tables.to_settle.pop();
        if let Some(Link { transport, place, ports, .. }) = self.get_quietly(id) {
            place.to_settle = Turn::None;
            let names = transport.ice().answers_to();
            // What has ports to itself may have the names of another, and is found by them.
            if ports.is_none() && !names.clone().eq(place.names.iter().map(String::as_str)) {
                tables.routes.rename(id, &mut place.names, names);
            }
            place.deadline = tables.deadlines.set(id, place.deadline, transport.poll_timeout());
        }
        self.tables = Some(tables);
    }

    /// The user fragments that checks for the links name.
    pub fn answers_to(&self) -> impl Iterator<Item = &str> + Clone {
        let named = self.iter().filter(|(id, _)| !id.is_rtcp());
        named.flat_map(|(_, link)| link.transport.ice().answers_to())
    }

    /// Whether ICE vouched for this path.
    pub fn is_validated(&self, path: &Path) -> bool {
        match &self.tables {
            None => self.first.transport.is_validated(path),
            Some(tables) => {
                let owner = tables.ports.get(&path.local).copied().or_else(|| tables.routes.owner(path));
                let owner = owner.and_then(|id| self.get(id));
                owner.is_some_and(|link| link.transport.is_validated(path))
            }
        }
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.tables {
            None => self.first.transport.poll_timeout(),
            Some(tables) => earliest([tables.deadlines.next(), tables.unnamed.deadline()]),
        }
    }

    pub fn poll_io_request(&mut self) -> Option<IoRequest> {
        if let Some(request) = self.leftovers.pop() {
            return Some(request);
        }
        if self.tables.is_none() {
            return Some(name_request(self.first.serial, self.first.poll_io_request()?));
        }
        while let Some(&id) = self.tables.as_ref().and_then(|tables| tables.to_request.front()) {
            if let Some(link) = self.get_quietly(id) {
                if let Some(request) = link.poll_io_request() {
                    return Some(name_request(link.serial, request));
                }
                link.place.to_request = Turn::None;
            }
            self.tables.as_mut().and_then(|tables| tables.to_request.pop());
        }
        None
    }

    /// An answer to a link that is gone changes nothing: of what it opened, it asked for the end.
    pub fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse) {
        let serial = id.0 >> IO_BITS;
        let own = IoId(id.0 & ((1 << IO_BITS) - 1));
        let found = self.iter().find(|(_, link)| u64::from(link.serial) == serial);
        let Some((owner, _)) = found else { return };
        let Err(response) = self.handle_port(now, owner, own, response) else { return };
        if let (IoResponse::Connected(local), Some(tables)) = (&response, &mut self.tables) {
            tables.sockets.insert(local.socket, owner);
        }
        if let Some(link) = self.get_mut(owner) {
            link.transport.handle_io_response(now, own, response);
        }
    }

    pub fn drops(&self) -> Drops {
        let mut drops = self.first.transport.drops();
        self.iter().skip(1).for_each(|(_, link)| drops.merge(&link.transport.drops()));
        drops
    }
}

/// Whose ports a link uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortsOf {
    /// Those that the driver named, as all others do.
    All,
    /// Its own, which it asks for: its credentials are those of another link, so that nothing else tells them apart.
    One,
}

/// What a link is touched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    /// It may have something to send.
    ToTransmit,
    /// It has nothing to send.
    Quiet,
}

/// A request under a number that no other link's has.
fn name_request(serial: u16, mut request: IoRequest) -> IoRequest {
    if let Some(id) = request.id_mut() {
        id.0 |= u64::from(serial) << IO_BITS;
    }
    request
}
