//! All sockets of one connection or endpoint, those that it asks for included, whatever runtime they belong to.

use crate::net::arrivals::Arrivals;
use crate::net::exchange::{Desk, Exchanged};
use crate::net::identity::Inquiries;
use crate::net::interfaces::{index_of, usable_addresses};
use crate::net::lookup::{Alarm, Lookups};
use crate::net::machine::Machine;
use crate::net::marking::Descriptor;
use crate::net::settings::{Bound, PortUse, SocketSettings};
use crate::net::share::Share;
use crate::net::socket::Socket;
use crate::net::stream::{Opening, Stream, Tcp};
use crate::net::table::Table;
use crate::net::watch::InterfaceWatch;
use crate::net::{multicast, tcp};
use purertc::{
    Instant, IoId, IoRequest, IoResponse, LocalAddress, Path, Protocol, SocketId, StreamName, StreamSecurity,
};
use quinn_udp::UdpSockRef;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};

/// How many sockets there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketLimits {
    /// All of them at once, streams included.
    pub sockets: usize,
    /// Streams that were accepted. Those of a flood are forgotten when they stay silent.
    pub accepted: usize,
}

impl SocketLimits {
    /// For one connection: a peer needs one stream.
    pub const CONNECTION: Self = Self { sockets: 256, accepted: 64 };
    /// For an endpoint with many.
    pub const ENDPOINT: Self = Self { sockets: Table::<()>::LIMIT, accepted: Table::<()>::LIMIT / 2 };
}

/// What a runtime makes of the system's sockets, so that it learns when they are ready.
pub trait Runtime: fmt::Debug {
    /// A UDP socket.
    type Udp: fmt::Debug + Descriptor;
    /// A TCP socket that accepts streams.
    type Listener: fmt::Debug;
    /// A TCP stream.
    type Stream: Tcp + fmt::Debug;
    /// What the adapter notes about each socket.
    type Mark: Default + fmt::Debug;

    /// Takes a UDP socket, which will have this place in the [`Table`].
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    fn udp(&mut self, place: usize, socket: UdpSocket) -> io::Result<Self::Udp>;

    /// Takes a listener.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    fn listener(&mut self, place: usize, listener: TcpListener) -> io::Result<Self::Listener>;

    /// Takes a stream that may still be on its way.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    fn stream(&mut self, place: usize, stream: TcpStream) -> io::Result<Self::Stream>;
}

/// A socket, and what the adapter notes about it.
#[derive(Debug)]
pub struct Place<R: Runtime> {
    /// The socket.
    pub kind: Kind<R>,
    /// The adapter's notes.
    pub mark: R::Mark,
}

/// The kinds of sockets.
#[derive(Debug)]
pub enum Kind<R: Runtime> {
    /// Datagrams, at one of the connection's addresses.
    Udp(Socket<R::Udp>),
    /// Datagrams of multicast DNS.
    Multicast(Socket<R::Udp>),
    /// Streams may come.
    Listener(R::Listener, LocalAddress),
    /// A stream.
    Stream(Stream<R::Stream>),
}

/// The sockets of one connection or endpoint.
///
/// An adapter lets them receive and send when its runtime says that they are ready, through [`parts`](Self::parts);
/// hands over what the connection asks for ([`perform`](Self::perform)); lets time pass ([`tick`](Self::tick)); and
/// delivers the [`Arrivals`].
#[derive(Debug)]
pub struct Sockets<R: Runtime> {
    runtime: R,
    settings: SocketSettings,
    /// Streams that may be accepted.
    accepted: usize,
    table: Table<Place<R>>,
    /// Addresses of this host that sockets on wildcards are reached at.
    wild: Vec<LocalAddress>,
    /// Sockets that one connection asked for, and for itself.
    asked_for: Vec<(IoId, SocketId)>,
    lookups: Lookups,
    inquiries: Inquiries,
    watch: Option<InterfaceWatch>,
    arrivals: Arrivals,
    /// Our place among threads that share our ports.
    desk: Option<Desk>,
}

impl<R: Runtime> Sockets<R>
where
    for<'a> UdpSockRef<'a>: From<&'a R::Udp>,
{
    /// Opens a socket on each address that the settings name, or that the host has. `alarm` is rung, from any thread,
    /// when [`tick`](Self::tick) would do something.
    ///
    /// # Errors
    ///
    /// When no socket could be opened.
    pub fn open(
        runtime: R,
        settings: SocketSettings,
        limits: SocketLimits,
        alarm: Alarm,
    ) -> io::Result<Self> {
        let mut sockets = Self::empty(runtime, settings, limits, alarm);
        let bound = sockets.settings.bind()?;
        sockets.begin(bound)?;
        Ok(sockets)
    }

    /// Takes over the sockets of a member of a crew. `alarm` is rung, too, when other members have something for this one:
    /// [`exchange`](Self::exchange) takes it.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub fn open_share(runtime: R, share: Share, limits: SocketLimits, alarm: Alarm) -> io::Result<Self> {
        let Share { settings, bound, desk } = share;
        let mut sockets = Self::empty(runtime, settings, limits, alarm.clone());
        sockets.begin(bound)?;
        desk.begin(alarm);
        sockets.desk = Some(desk);
        Ok(sockets)
    }

    fn empty(runtime: R, settings: SocketSettings, limits: SocketLimits, alarm: Alarm) -> Self {
        let named = &settings.addresses;
        let watches =
            settings.watch_interfaces && (named.is_empty() || named.iter().any(IpAddr::is_unspecified));
        // Before the list is made, so that nothing changes unseen.
        let watch = if watches { InterfaceWatch::start(alarm.clone()) } else { None };
        let lookups = Lookups::new(settings.resolver.clone(), alarm.clone());
        let inquiries = Inquiries::new(settings.identity.clone(), alarm);
        let (table, arrivals) = (Table::up_to(limits.sockets), Arrivals::default());
        Self {
            runtime,
            settings,
            accepted: limits.accepted,
            table,
            wild: Vec::new(),
            asked_for: Vec::new(),
            lookups,
            inquiries,
            watch,
            arrivals,
            desk: None,
        }
    }

    fn begin(&mut self, bound: Vec<Bound>) -> io::Result<()> {
        for Bound { socket, local } in bound {
            let address = local.address;
            if address.ip().is_unspecified() {
                self.add_datagrams(socket, address, Kind::Udp)?;
            } else {
                self.add_udp(socket, address)?;
                self.listen(address.ip());
            }
        }
        if self.has_wild() {
            for ip in usable_addresses(self.settings.include_loopback)? {
                self.reach_at(ip);
            }
        }
        Ok(())
    }

    /// Hands over what came for other members of the crew, and takes in what they have for this one: before the
    /// [`Arrivals`] are delivered. Without a crew there is nothing to do.
    pub fn exchange(&mut self) {
        let Some(desk) = &self.desk else { return };
        let (table, wild) = (&self.table, &self.wild);
        // The numbers of sockets are each member's own.
        let mut last = None;
        desk.exchange(self.arrivals.inbox.received(), |mut datagram| {
            let local = datagram.path.local;
            if last.is_none_or(|(address, _)| address != local) {
                last = Some((local, socket_at(table, wild, local)?));
            }
            datagram.path.socket = last?.1;
            Some(datagram)
        });
    }

    /// What other members of the crew handed to this one.
    #[must_use]
    pub fn exchanged(&self) -> Exchanged {
        self.desk.as_ref().map(Desk::exchanged).unwrap_or_default()
    }

    /// Tells the crew what changed in the way to the peers: after each call of the endpoint, and before what it gave is
    /// sent.
    pub fn publish(&self, machine: &mut impl Machine) {
        if let Some(desk) = &self.desk {
            desk.publish(std::iter::from_fn(|| machine.poll_route_change()));
        }
    }

    /// The sockets, and where what they bring is collected.
    pub const fn parts(&mut self) -> (&mut Table<Place<R>>, &mut Arrivals) {
        (&mut self.table, &mut self.arrivals)
    }

    /// The sockets.
    #[must_use]
    pub const fn table(&self) -> &Table<Place<R>> {
        &self.table
    }

    /// The addresses that the connection may use.
    pub fn local_addresses(&self) -> impl Iterator<Item = LocalAddress> {
        let of_all = |id| self.asked_for.iter().all(|(_, known)| *known != id);
        let own = self.table.iter().filter_map(move |(id, place)| match &place.kind {
            Kind::Udp(socket) => (of_all(id) && !socket.is_wild()).then(|| socket.local()),
            Kind::Listener(_, local) => Some(*local),
            Kind::Multicast(_) | Kind::Stream(_) => None,
        });
        own.chain(self.wild.iter().copied())
    }

    fn has_wild(&self) -> bool {
        self.table.iter().any(|(_, place)| matches!(&place.kind, Kind::Udp(socket) if socket.is_wild()))
    }

    /// Sockets on a wildcard are reached at this address of the host, too.
    fn reach_at(&mut self, ip: IpAddr) {
        let reached = self.table.iter().filter_map(|(id, place)| match &place.kind {
            Kind::Udp(socket) if socket.is_wild() && socket.local().address.is_ipv4() == ip.is_ipv4() => {
                Some(LocalAddress::udp(id, SocketAddr::new(ip, socket.local().address.port())))
            }
            _ => None,
        });
        let reached: Vec<LocalAddress> = reached.collect();
        if !reached.is_empty() {
            self.wild.extend(&reached);
            self.arrivals.added.extend(reached);
            self.listen(ip);
        }
    }

    /// Whether bytes wait in streams for the other side to take them.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.table.iter().any(|(_, place)| matches!(&place.kind, Kind::Stream(stream) if stream.has_unsent()))
    }

    /// When [`tick`](Self::tick) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let streams = self.table.iter().filter_map(|(_, place)| match &place.kind {
            Kind::Stream(stream) => stream.deadline(),
            _ => None,
        });
        streams.chain(self.lookups.poll_timeout()).min()
    }

    /// Does what the connection asks for. What comes of it is among the arrivals, sooner or later.
    pub fn perform(&mut self, now: Instant, request: IoRequest) {
        match request {
            IoRequest::Resolve { id, host } => self.lookups.ask(now, id, host),
            IoRequest::Connect { id, from, to, security } => {
                if let Err(error) = self.connect(now, id, (from, to), &security) {
                    self.fail(id, to, &error);
                }
            }
            IoRequest::Bind { id, at } => {
                let response = match self.bind(id, at) {
                    Ok(local) => IoResponse::Bound(local),
                    Err(error) => IoResponse::Failed(format!("no port at {at}: {error}")),
                };
                self.arrivals.responses.push((id, response));
            }
            IoRequest::Close { stream } => self.close(now, stream),
            IoRequest::JoinMdns { id } => {
                let joined = self.join_multicast();
                let failed = || IoResponse::Failed("no interface has multicast".to_owned());
                let response = if joined.is_empty() { failed() } else { IoResponse::Joined(joined) };
                self.arrivals.responses.push((id, response));
            }
            IoRequest::Identity { id, request } => {
                let refused = self.inquiries.ask(id, request);
                self.arrivals.responses.extend(refused.map(|response| (id, response)));
            }
            other => tracing::warn!(?other, "a request that this adapter does not know"),
        }
    }

    /// Notes what time alone, another thread or the system has changed.
    pub fn tick(&mut self, now: Instant) {
        self.lookups.poll(now, |id, response| self.arrivals.responses.push((id, response)));
        self.inquiries.poll(|id, response| self.arrivals.responses.push((id, response)));
        if self.watch.as_ref().is_some_and(InterfaceWatch::take_change) {
            self.look_at_interfaces();
        }
        for place in 0..self.table.len() {
            let Some(id) = self.table.at(place) else { continue };
            let Some(Place { kind: Kind::Stream(stream), .. }) = self.table.get(id) else { continue };
            if stream.is_done() || stream.deadline().is_some_and(|deadline| deadline <= now) {
                self.end(id, &io::ErrorKind::TimedOut.into());
            }
        }
    }

    /// Takes in a stream that the listener at `local` accepted from `remote`; `register` gives it the place in the
    /// table. It is closed at once when there are too many.
    pub fn admit(
        &mut self,
        now: Instant,
        (local, remote): (SocketAddr, SocketAddr),
        register: impl FnOnce(&mut R, usize) -> io::Result<R::Stream>,
    ) {
        let accepted = |place: &Place<R>| matches!(&place.kind, Kind::Stream(s) if s.request().is_none());
        if self.table.iter().filter(|(_, place)| accepted(place)).count() >= self.accepted {
            return;
        }
        let runtime = &mut self.runtime;
        let admitted = self.table.insert(|socket| {
            let path = Path { socket, protocol: Protocol::Tcp, local, remote };
            let io = register(runtime, Table::<Place<R>>::place(socket))?;
            let stream = Stream::accepted(io, path, now);
            Ok(Place { kind: Kind::Stream(stream), mark: R::Mark::default() })
        });
        match admitted {
            Ok(socket) => {
                self.arrivals.accepted.push(Path { socket, protocol: Protocol::Tcp, local, remote });
            }
            Err(error) => tracing::debug!(%error, %remote, "stream not accepted"),
        }
    }

    /// Notes what sending on a stream changed.
    pub fn sent(&mut self, id: SocketId, opening: Opening) {
        let Some(Place { kind: Kind::Stream(stream), .. }) = self.table.get(id) else { return };
        if stream.is_done() {
            self.table.remove(id);
        } else if opening == Opening::Opened
            && let Some(request) = stream.request()
        {
            let Path { socket, protocol, local, .. } = stream.path();
            let local = LocalAddress { socket, protocol, address: local };
            self.arrivals.responses.push((request, IoResponse::Connected(local)));
        }
    }

    /// Notes that a stream is over, and lets go of it.
    pub fn end(&mut self, id: SocketId, error: &io::Error) {
        let Some(Place { kind: Kind::Stream(stream), .. }) = self.table.remove(id) else { return };
        if stream.is_closing() {
            return;
        }
        tracing::debug!(%error, path = %stream.path(), "stream over");
        match stream.request() {
            Some(request) if !stream.is_open() => self.fail(request, stream.path().remote, error),
            _ => self.arrivals.closed.push(id),
        }
    }

    fn fail(&mut self, request: IoId, to: SocketAddr, error: &io::Error) {
        let words = format!("cannot connect to {to}: {error}");
        self.arrivals.responses.push((request, IoResponse::Failed(words)));
    }

    fn connect(
        &mut self,
        now: Instant,
        id: IoId,
        (from, to): (SocketAddr, SocketAddr),
        security: &StreamSecurity,
    ) -> io::Result<()> {
        let tls = match security {
            StreamSecurity::Plain => None,
            StreamSecurity::Tls(name) => Some(Box::new(self.settings.tls.client(name)?)),
        };
        let runtime = &mut self.runtime;
        self.table.insert(|socket| {
            let io = tcp::connect(from, to)?;
            let path = Path { socket, protocol: Protocol::Tcp, local: io.local_addr()?, remote: to };
            let io = runtime.stream(Table::<Place<R>>::place(socket), io)?;
            let stream = Stream::connecting(io, path, id, tls, now);
            Ok(Place { kind: Kind::Stream(stream), mark: R::Mark::default() })
        })?;
        Ok(())
    }

    /// Opens a socket on a port that nobody has.
    fn bind(&mut self, id: IoId, at: IpAddr) -> io::Result<LocalAddress> {
        let alone = SocketSettings { port_use: PortUse::Alone, ..self.settings.clone() };
        let (io, address) = alone.bind_one(at)?;
        let local = self.add_datagrams(io, address, Kind::Udp)?;
        self.asked_for.push((id, local.socket));
        Ok(local)
    }

    fn close(&mut self, now: Instant, name: StreamName) {
        let asked = |(id, _): &mut (IoId, SocketId)| StreamName::Requested(*id) == name;
        if let Some((_, socket)) = self.asked_for.extract_if(.., asked).next() {
            self.table.remove(socket);
            return;
        }
        let (table, _) = self.parts();
        let named = table.iter_mut_from(0).find_map(|(id, place)| match &mut place.kind {
            Kind::Stream(stream) => {
                let meant = match name {
                    StreamName::Requested(request) => stream.request() == Some(request),
                    StreamName::Accepted(socket) => id == socket,
                };
                meant.then_some((id, stream))
            }
            _ => None,
        });
        let Some((id, stream)) = named else { return };
        stream.close(now);
        if stream.is_done() {
            table.remove(id);
        }
    }

    fn add_udp(&mut self, io: UdpSocket, address: SocketAddr) -> io::Result<LocalAddress> {
        self.add_datagrams(io, address, Kind::Udp).inspect(|local| self.arrivals.added.push(*local))
    }

    fn add_datagrams(
        &mut self,
        io: UdpSocket,
        address: SocketAddr,
        kind: impl FnOnce(Socket<R::Udp>) -> Kind<R>,
    ) -> io::Result<LocalAddress> {
        let Self { runtime, table, settings, .. } = self;
        let socket = table.insert(|socket| {
            let io = runtime.udp(Table::<Place<R>>::place(socket), io)?;
            let kind = kind(Socket::new(io, LocalAddress::udp(socket, address), settings)?);
            Ok(Place { kind, mark: R::Mark::default() })
        })?;
        Ok(LocalAddress::udp(socket, address))
    }

    /// Listens for streams on an address, if the settings want that and the system lets us.
    fn listen(&mut self, address: IpAddr) {
        if !self.settings.listen_tcp {
            return;
        }
        let Self { runtime, table, settings, arrivals, .. } = self;
        let opened = table.insert(|socket| {
            let listener = settings.on_a_port(|port| tcp::listen(address, port))?;
            let local = LocalAddress::tcp(socket, listener.local_addr()?);
            let io = runtime.listener(Table::<Place<R>>::place(socket), listener)?;
            arrivals.added.push(local);
            Ok(Place { kind: Kind::Listener(io, local), mark: R::Mark::default() })
        });
        if let Err(error) = opened {
            tracing::debug!(%address, %error, "no TCP there");
        }
    }

    /// One socket for each interface and family.
    fn join_multicast(&mut self) -> Vec<LocalAddress> {
        let datagrams = self.local_addresses().filter(|local| local.protocol == Protocol::Udp);
        let addresses: Vec<IpAddr> = datagrams.map(|local| local.address.ip()).collect();
        // Those that were joined before stay.
        let before = self.table.iter().filter_map(|(_, place)| match &place.kind {
            Kind::Multicast(socket) => Some(socket.local()),
            _ => None,
        });
        let mut joined: Vec<LocalAddress> = before.collect();
        let interface_of = |ip: IpAddr| Some((index_of(ip).ok()?, ip.is_ipv4()));
        let mut interfaces: Vec<_> = joined.iter().map(|local| interface_of(local.address.ip())).collect();
        for address in addresses {
            let interface = interface_of(address);
            if interface.is_some() && interfaces.contains(&interface) {
                continue;
            }
            interfaces.push(interface);
            let name = multicast::name_of(address);
            match multicast::join(address).and_then(|io| self.add_datagrams(io, name, Kind::Multicast)) {
                Ok(local) => joined.push(local),
                Err(error) => tracing::debug!(%address, %error, "no multicast there"),
            }
        }
        joined
    }

    /// Leaves the groups of interfaces that are gone.
    fn leave_multicast(&mut self, present: &[IpAddr]) {
        let gone = self.table.iter().filter_map(|(id, place)| match &place.kind {
            Kind::Multicast(socket) => (!present.contains(&socket.local().address.ip())).then_some(id),
            _ => None,
        });
        for id in gone.collect::<Vec<_>>() {
            self.table.remove(id);
        }
    }

    /// Opens sockets on addresses that are new, and closes those on addresses that are gone.
    fn look_at_interfaces(&mut self) {
        let present = match usable_addresses(self.settings.include_loopback) {
            Ok(present) => present,
            Err(error) => return tracing::debug!(%error, "the interfaces cannot be listed"),
        };
        let known: Vec<LocalAddress> = self.local_addresses().collect();
        let everything = self.settings.addresses.is_empty();
        for gone in known.iter().filter(|local| !present.contains(&local.address.ip())) {
            if self.settings.addresses.contains(&gone.address.ip()) {
                // It was named, so it is waited for.
                continue;
            }
            tracing::debug!(address = %gone.address, "address gone");
            self.arrivals.removed.push(*gone);
            if self.wild.contains(gone) {
                self.wild.retain(|other| other != gone);
            } else {
                self.table.remove(gone.socket);
            }
        }
        self.leave_multicast(&present);
        for new in present.into_iter().filter(|ip| !known.iter().any(|local| local.address.ip() == *ip)) {
            if !everything {
                self.reach_at(new);
                continue;
            }
            let bound = self.settings.bind_one(new).and_then(|(io, address)| self.add_udp(io, address));
            match bound {
                Ok(local) => {
                    tracing::debug!(address = %local.address, "new address");
                    self.listen(new);
                }
                Err(error) => tracing::debug!(address = %new, %error, "new address left out"),
            }
        }
    }
}

/// The socket that has this address.
fn socket_at<R: Runtime>(
    table: &Table<Place<R>>,
    wild: &[LocalAddress],
    address: SocketAddr,
) -> Option<SocketId>
where
    for<'a> UdpSockRef<'a>: From<&'a R::Udp>,
{
    let is_here = |socket: &Socket<R::Udp>| socket.local().address == address;
    let own = table.iter().find(|(_, place)| matches!(&place.kind, Kind::Udp(socket) if is_here(socket)));
    own.map(|(id, _)| id).or_else(|| Some(wild.iter().find(|local| local.address == address)?.socket))
}

#[cfg(test)]
mod tests;
