//! What a connection asks for, done with the standard library's sockets on loopback.

use crate::net::sockets::{Kind, Place, Runtime, SocketLimits, Sockets};
use crate::net::{Outbox, Resolver, SocketSettings, Tcp, TlsSettings, stream_is_connected};
use purertc::{
    Datagram, Instant, IoId, IoRequest, IoResponse, LocalAddress, Path, Protocol, SocketId, StreamName,
    StreamSecurity, Transmit,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

const ID: IoId = IoId(7);
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Sockets that are asked again and again.
#[derive(Debug)]
struct Std;

impl Runtime for Std {
    type Udp = UdpSocket;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Mark = ();

    fn udp(&mut self, _: usize, socket: UdpSocket) -> io::Result<UdpSocket> {
        Ok(socket)
    }

    fn listener(&mut self, _: usize, listener: TcpListener) -> io::Result<TcpListener> {
        Ok(listener)
    }

    fn stream(&mut self, _: usize, stream: TcpStream) -> io::Result<TcpStream> {
        Ok(stream)
    }
}

impl Tcp for TcpStream {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.read(buffer)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.write(bytes)
    }

    fn connected(&self) -> io::Result<()> {
        stream_is_connected(self.take_error(), self.peer_addr())
    }

    fn local(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

fn on_loopback() -> SocketSettings {
    SocketSettings { addresses: vec![Ipv4Addr::LOCALHOST.into()], ..SocketSettings::default() }
}

/// The addresses that it begins with are no news.
fn open(settings: SocketSettings) -> Sockets<Std> {
    let mut sockets = Sockets::open(Std, settings, SocketLimits::CONNECTION, Arc::new(|| {})).unwrap();
    sockets.arrivals.added.clear();
    sockets
}

/// Lets every socket do what it can, once.
fn turn(sockets: &mut Sockets<Std>, now: Instant) {
    let mut sent = Vec::new();
    let mut ended = Vec::new();
    let mut accepted = Vec::new();
    let (table, arrivals) = sockets.parts();
    for (id, Place { kind, .. }) in table.iter_mut_from(0) {
        let result = match kind {
            Kind::Udp(socket) | Kind::Multicast(socket) => socket.receive(&mut arrivals.inbox).map(|_| ()),
            Kind::Listener(listener, local) => {
                listener.accept().map(|(stream, remote)| accepted.push((stream, local.address, remote)))
            }
            Kind::Stream(stream) => {
                let received = stream.receive(&mut arrivals.inbox);
                let waits = received.as_ref().err().is_none_or(is_no_end);
                if waits && stream.has_unsent() {
                    stream.send(now).map(|opening| sent.push((id, opening)))
                } else {
                    received
                }
            }
        };
        if let (Kind::Stream(_), Err(error)) = (kind, result)
            && !is_no_end(&error)
        {
            ended.push((id, error));
        }
    }
    sent.into_iter().for_each(|(id, opening)| sockets.sent(id, opening));
    ended.into_iter().for_each(|(id, error)| sockets.end(id, &error));
    for (stream, local, remote) in accepted {
        stream.set_nonblocking(true).unwrap();
        sockets.admit(now, (local, remote), |_, _| Ok(stream));
    }
    sockets.tick(now);
    std::thread::sleep(Duration::from_millis(1));
}

fn is_no_end(error: &io::Error) -> bool {
    [io::ErrorKind::WouldBlock, io::ErrorKind::NotConnected].contains(&error.kind())
}

/// Goes on until `done` finds what it looks for.
fn until<T>(sockets: &mut Sockets<Std>, mut done: impl FnMut(&mut Sockets<Std>) -> Option<T>) -> T {
    for _ in 0..20_000 {
        turn(sockets, Instant::ZERO);
        if let Some(found) = done(sockets) {
            return found;
        }
    }
    panic!("this should not take so long");
}

fn response(sockets: &mut Sockets<Std>) -> IoResponse {
    let (id, response) = until(sockets, |sockets| sockets.arrivals.responses.pop());
    assert_eq!(id, ID);
    response
}

fn connect(sockets: &mut Sockets<Std>, to: SocketAddr, security: StreamSecurity) -> IoResponse {
    sockets.perform(Instant::ZERO, IoRequest::Connect { id: ID, from: ANY_PORT, to, security });
    response(sockets)
}

fn connected(response: &IoResponse) -> LocalAddress {
    let IoResponse::Connected(local) = *response else { panic!("{response:?}") };
    assert_eq!(local.protocol, Protocol::Tcp);
    assert_ne!(local.address.port(), 0);
    local
}

fn failed(response: &IoResponse) -> &str {
    let IoResponse::Failed(words) = response else { panic!("{response:?}") };
    words
}

/// Hands a run over; `false` when the stream has no room.
fn put(sockets: &mut Sockets<Std>, path: Path, bytes: Vec<u8>) -> bool {
    let mut outbox = Outbox::default();
    outbox.put(Transmit::single(path, bytes.len()), bytes);
    let Some(Place { kind: Kind::Stream(stream), .. }) = sockets.table.get_mut(path.socket) else { panic!() };
    stream.take(&mut outbox)
}

fn received(sockets: &mut Sockets<Std>, count: usize) -> (Path, Vec<u8>) {
    let mut all = Vec::new();
    let path = until(sockets, |sockets| {
        let mut path = None;
        for Datagram { path: from, data, .. } in sockets.arrivals.inbox.drain() {
            all.extend_from_slice(&data);
            path = Some(from);
        }
        path.filter(|_| all.len() >= count)
    });
    (path, all)
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Echoes one stream, until its end.
fn echo<S: Read + Write>(mut stream: S) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        all.extend_from_slice(&buffer[..count]);
        stream.write_all(&buffer[..count]).unwrap();
    }
    all
}

fn echo_server() -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let (listener, address) = listener();
    (address, std::thread::spawn(move || echo(listener.accept().unwrap().0)))
}

/// An echo through TLS that proves to be `name`, and its certificate.
fn tls_echo_server(name: &str) -> (SocketAddr, String, JoinHandle<Vec<u8>>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let (listener, address) = listener();
    let serve = move || {
        let stream = listener.accept().unwrap().0;
        echo(StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream))
    };
    (address, cert.pem(), std::thread::spawn(serve))
}

/// Sends much, gets it back, and closes.
fn use_stream(sockets: &mut Sockets<Std>, local: LocalAddress, to: SocketAddr) -> Vec<u8> {
    let sent: Vec<u8> = (0..50_000_u32).map(|n| ((n * 7) >> 3) as u8).collect();
    assert!(put(sockets, local.to(to), sent.clone()));
    let (path, back) = received(sockets, sent.len());
    assert_eq!(path, local.to(to));
    assert!(back == sent);
    sockets.perform(Instant::ZERO, IoRequest::Close { stream: StreamName::Requested(ID) });
    until(sockets, |sockets| sockets.table.get(local.socket).is_none().then_some(()));
    assert!(sockets.arrivals.closed.is_empty(), "what was closed from here is not news");
    sent
}

#[test]
fn a_stream_is_opened_used_and_closed() {
    let (to, server) = echo_server();
    let mut sockets = open(on_loopback());
    let local = connected(&connect(&mut sockets, to, StreamSecurity::Plain));
    let sent = use_stream(&mut sockets, local, to);
    assert!(server.join().unwrap() == sent);
}

#[test]
fn a_stream_goes_through_tls() {
    let (to, root, server) = tls_echo_server("turn.example");
    let tls = TlsSettings::default().without_system_roots().with_roots(root.as_bytes()).unwrap();
    let mut sockets = open(SocketSettings { tls, ..on_loopback() });
    let local = connected(&connect(&mut sockets, to, StreamSecurity::Tls("turn.example".into())));
    let sent = use_stream(&mut sockets, local, to);
    assert!(server.join().unwrap() == sent);
}

#[test]
fn a_server_that_is_not_who_it_should_be_is_refused() {
    for (asked, trusted) in [("other.example", true), ("turn.example", false)] {
        let (to, own, server) = tls_echo_server("turn.example");
        let foreign = generate_simple_self_signed(["turn.example".to_owned()]).unwrap().cert.pem();
        let root = if trusted { own } else { foreign };
        let tls = TlsSettings::default().without_system_roots().with_roots(root.as_bytes()).unwrap();
        let mut sockets = open(SocketSettings { tls, ..on_loopback() });
        let response = connect(&mut sockets, to, StreamSecurity::Tls(asked.into()));
        let words = failed(&response);
        assert!(words.contains("certificate") && words.contains(&to.to_string()), "{words}");
        assert!(sockets.poll_timeout().is_none());
        server.join().unwrap();
    }
}

#[test]
fn any_server_is_taken_on_request() {
    let (to, _, server) = tls_echo_server("turn.example");
    let tls = TlsSettings::default().danger_accept_any_server_certificate();
    let mut sockets = open(SocketSettings { tls, ..on_loopback() });
    let local = connected(&connect(&mut sockets, to, StreamSecurity::Tls("192.0.2.1".into())));
    use_stream(&mut sockets, local, to);
    server.join().unwrap();
}

#[test]
fn a_text_without_certificates_is_no_root() {
    let refused = TlsSettings::default().with_roots(b"no certificate").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidData);
}

#[test]
fn what_cannot_be_connected_says_why() {
    let (listener, closed) = listener();
    drop(listener);
    let mut sockets = open(on_loopback());
    let response = connect(&mut sockets, closed, StreamSecurity::Plain);
    let words = failed(&response);
    assert!(words.contains("refused") && words.contains(&closed.to_string()), "{words}");
    let other_family = "[2001:db8::1]:3478".parse().unwrap();
    assert!(failed(&connect(&mut sockets, other_family, StreamSecurity::Plain)).contains("2001:db8::1"));
}

#[test]
fn a_port_is_opened_for_who_asks_and_for_nobody_else() {
    let mut sockets = open(on_loopback());
    let before: Vec<LocalAddress> = sockets.local_addresses().collect();
    let at = Ipv4Addr::LOCALHOST.into();
    sockets.perform(Instant::ZERO, IoRequest::Bind { id: ID, at });
    let IoResponse::Bound(local) = response(&mut sockets) else { panic!("a port") };
    assert_eq!((local.protocol, local.address.ip()), (Protocol::Udp, at));
    assert!(before.iter().all(|known| *known != local), "another one");
    assert_eq!(sockets.local_addresses().collect::<Vec<_>>(), before, "not one of all");
    UdpSocket::bind(ANY_PORT).unwrap().send_to(b"report", local.address).unwrap();
    for _ in 0..100 {
        turn(&mut sockets, Instant::ZERO);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(sockets.arrivals.inbox.len(), 1);

    sockets.perform(Instant::ZERO, IoRequest::Close { stream: StreamName::Requested(ID) });
    assert!(sockets.table().get(local.socket).is_none());
    UdpSocket::bind(local.address).expect("free again");
    sockets.perform(Instant::ZERO, IoRequest::Bind { id: ID, at: "192.0.2.1".parse().unwrap() });
    assert!(failed(&response(&mut sockets)).contains("192.0.2.1"));
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let (_listener, to) = listener();
    let mut sockets = open(on_loopback());
    let security = StreamSecurity::Tls("turn.example".into());
    sockets.perform(Instant::ZERO, IoRequest::Connect { id: ID, from: ANY_PORT, to, security });
    let deadline = sockets.poll_timeout().unwrap();
    (0..20).for_each(|_| turn(&mut sockets, Instant::ZERO));
    assert_eq!(sockets.arrivals.responses, []);
    sockets.tick(deadline);
    assert!(failed(&response(&mut sockets)).contains("timed out"));
    assert_eq!(sockets.poll_timeout(), None);
}

#[test]
fn a_request_that_was_closed_before_it_was_done_is_never_heard_of() {
    let (_listener, to) = listener();
    let mut sockets = open(on_loopback());
    let security = StreamSecurity::Tls("turn.example".into());
    sockets.perform(Instant::ZERO, IoRequest::Connect { id: ID, from: ANY_PORT, to, security });
    sockets.perform(Instant::ZERO, IoRequest::Close { stream: StreamName::Requested(ID) });
    (0..20).for_each(|_| turn(&mut sockets, Instant::ZERO));
    assert!(sockets.arrivals.is_empty());
    assert_eq!(sockets.poll_timeout(), None);
}

#[test]
fn the_end_of_a_stream_is_told_after_its_last_bytes() {
    let (listener, to) = listener();
    let mut sockets = open(on_loopback());
    let local = connected(&connect(&mut sockets, to, StreamSecurity::Plain));
    let (mut far, _) = listener.accept().unwrap();
    far.write_all(b"last words").unwrap();
    drop(far);
    let closed = until(&mut sockets, |sockets| sockets.arrivals.closed.pop());
    assert_eq!(closed, local.socket);
    assert_eq!(sockets.arrivals.inbox.drain().next().unwrap().data, "last words");
}

#[test]
fn a_peer_that_takes_nothing_holds_back_what_is_sent_and_is_given_up() {
    let (listener, to) = listener();
    let mut sockets = open(on_loopback());
    let local = connected(&connect(&mut sockets, to, StreamSecurity::Plain));
    let _far = listener.accept().unwrap();
    let mut taken = 0;
    while put(&mut sockets, local.to(to), vec![0; 60_000]) {
        taken += 60_000;
        turn(&mut sockets, Instant::ZERO);
        assert!(taken < 64 << 20, "nobody reads, and all of it is taken");
    }
    let Some(Place { kind: Kind::Stream(stream), .. }) = sockets.table.get(local.socket) else { panic!() };
    let deadline = stream.deadline().expect("it is not waited for for ever");
    sockets.tick(deadline);
    assert_eq!(sockets.arrivals.closed, [local.socket]);
    assert_eq!(sockets.poll_timeout(), None);
}

#[test]
fn streams_are_accepted_and_the_silent_ones_forgotten() {
    let mut sockets = open(SocketSettings { listen_tcp: true, ..on_loopback() });
    let listening = sockets.local_addresses().find(|local| local.protocol == Protocol::Tcp).unwrap();
    let mut near = TcpStream::connect(listening.address).unwrap();
    let path = until(&mut sockets, |sockets| sockets.arrivals.accepted.pop());
    let expected = Path { socket: path.socket, ..listening.to(near.local_addr().unwrap()) };
    assert_eq!(path, expected);
    near.write_all(b"hello").unwrap();
    assert_eq!(received(&mut sockets, 5), (path, b"hello".to_vec()));
    assert!(put(&mut sockets, path, b"welcome".to_vec()));
    turn(&mut sockets, Instant::ZERO);
    let mut welcome = [0; 7];
    near.read_exact(&mut welcome).unwrap();
    assert_eq!(&welcome, b"welcome");

    let streams = |sockets: &Sockets<Std>| sockets.table.iter().count() - 2;
    let mut silent = Vec::new();
    for _ in 0..SocketLimits::CONNECTION.accepted + 20 {
        silent.push(TcpStream::connect(listening.address).unwrap());
        (0..2).for_each(|_| turn(&mut sockets, Instant::ZERO));
    }
    assert_eq!(streams(&sockets), SocketLimits::CONNECTION.accepted);
    sockets.tick(sockets.poll_timeout().unwrap());
    assert_eq!(streams(&sockets), 1, "the one that spoke stays");
    sockets.perform(Instant::ZERO, IoRequest::Close { stream: StreamName::Accepted(path.socket) });
    assert_eq!(near.read(&mut welcome).unwrap(), 0);
}

#[test]
fn a_connection_may_be_made_from_the_port_that_is_listened_on() {
    let mut sockets = open(SocketSettings { listen_tcp: true, ..on_loopback() });
    let from = sockets.local_addresses().find(|local| local.protocol == Protocol::Tcp).unwrap().address;
    let (listener, to) = listener();
    sockets.perform(Instant::ZERO, IoRequest::Connect { id: ID, from, to, security: StreamSecurity::Plain });
    assert_eq!(connected(&response(&mut sockets)).address, from);
    assert_eq!(listener.accept().unwrap().1, from);
}

#[test]
fn a_port_that_is_listened_on_is_not_shared_with_another_connection() {
    let (listener, address) = listener();
    drop(listener);
    let settings = SocketSettings {
        listen_tcp: true,
        ports: Some(address.port()..=address.port()),
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
        ..SocketSettings::default()
    };
    let first = open(settings.clone());
    assert_eq!(first.local_addresses().count(), 2);
    // Nor is the one of UDP, which fails it altogether.
    assert!(Sockets::open(Std, settings, SocketLimits::CONNECTION, Arc::new(|| {})).is_err());
    assert!(crate::net::tcp::listen(Ipv4Addr::LOCALHOST.into(), address.port()).is_err());
}

#[test]
fn names_are_looked_up() {
    let resolver = Resolver::new(|host| {
        assert_eq!(host, "turn.example");
        Ok(vec![Ipv4Addr::new(192, 0, 2, 1).into()])
    });
    let mut sockets = open(SocketSettings { resolver, ..on_loopback() });
    sockets.perform(Instant::ZERO, IoRequest::Resolve { id: ID, host: "turn.example".into() });
    let expected = vec![Ipv4Addr::new(192, 0, 2, 1).into()];
    assert_eq!(response(&mut sockets), IoResponse::Resolved(expected));
}

#[test]
fn the_groups_of_multicast_dns_are_joined_once_for_each_interface() {
    let settings =
        SocketSettings { addresses: vec![Ipv4Addr::LOCALHOST.into(); 2], ..SocketSettings::default() };
    let mut sockets = open(settings);
    sockets.perform(Instant::ZERO, IoRequest::JoinMdns { id: ID });
    let IoResponse::Joined(joined) = response(&mut sockets) else { panic!("not joined") };
    assert_eq!(joined, [LocalAddress::udp(SocketId(2), (Ipv4Addr::LOCALHOST, 5353).into())]);
    assert_eq!(sockets.local_addresses().count(), 2, "candidates are no business of the group's");
    // Asked again, as after another interface came: what is joined stays.
    sockets.perform(Instant::ZERO, IoRequest::JoinMdns { id: ID });
    assert_eq!(response(&mut sockets), IoResponse::Joined(joined));
}
