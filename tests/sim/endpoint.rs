//! Many peers behind one socket.

use bytes::BytesMut;
use purertc::crypto::rustcrypto;
use purertc::transport::ice::{IceRole, Mode};
use purertc::wire::stun::{Attribute, Builder, Class, Message, Method};
use purertc::{
    Certificate, CertificateOptions, ChannelEvent, Configuration, Datagram, DropReason, Endpoint, Event,
    IceServer, Init, Instant, LocalAddress, PeerConnection, PeerConnectionState, PeerId, SocketId,
};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

const WALL: SystemTime = SystemTime::UNIX_EPOCH;

struct Client {
    pc: PeerConnection,
    address: SocketAddr,
    got: Vec<String>,
}

fn connection(number: u64, certificate: &Certificate, mode: Mode) -> PeerConnection {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let mut configuration = Configuration::default();
    configuration.certificates = vec![certificate.clone()];
    configuration.ice.mode = mode;
    let init = Init { now: Instant::ZERO, wall_clock: WALL, seed, crypto: rustcrypto::provider() };
    PeerConnection::new(configuration, init).unwrap()
}

struct Server {
    endpoint: Endpoint,
    certificate: Certificate,
    address: SocketAddr,
    clients: Vec<Client>,
    ids: Vec<PeerId>,
    now: Instant,
}

impl Server {
    fn with_clients(count: u64) -> Self {
        Self::in_mode(Mode::Full, count)
    }

    fn in_mode(mode: Mode, count: u64) -> Self {
        let mut rng = purertc::base::random::Rng::from_number(77);
        let certificate =
            Certificate::generate(&rustcrypto::provider(), CertificateOptions::default(), WALL, &mut rng)
                .unwrap();
        let address: SocketAddr = "198.51.100.1:443".parse().unwrap();
        let mut server = Self {
            endpoint: Endpoint::new([1; 32]),
            certificate,
            address,
            clients: vec![],
            ids: vec![],
            now: Instant::ZERO,
        };
        for number in 0..count {
            server.join(number, mode, SocketAddr::from(([192, 0, 2, 1], 10_000 + number as u16)));
        }
        server
    }

    /// A client that offers from this address, and the server's answer.
    fn join(&mut self, number: u64, mode: Mode, client_address: SocketAddr) {
        let mut client = connection(number, &self.certificate, Mode::Full);
        client.add_local_address(self.now, LocalAddress::udp(SocketId(0), client_address));
        client.create_data_channel("up", Default::default()).unwrap();
        client.set_local_description(self.now, None).unwrap();
        let mut ours = connection(1_000_000 + number, &self.certificate, mode);
        ours.add_local_address(self.now, LocalAddress::udp(SocketId(9), self.address));
        ours.set_remote_description(self.now, client.local_description().unwrap().clone()).unwrap();
        ours.set_local_description(self.now, None).unwrap();
        client.set_remote_description(self.now, ours.local_description().unwrap().clone()).unwrap();
        self.ids.push(self.endpoint.add(ours));
        self.clients.push(Client { pc: client, address: client_address, got: vec![] });
    }

    /// One round: everything due happens, every datagram arrives a millisecond later.
    fn round(&mut self) {
        let mut buffer = Vec::new();
        let mut to_server = Vec::new();
        let mut to_clients = Vec::new();
        for client in &mut self.clients {
            while let Some(transmit) = client.pc.poll_transmit(self.now, &mut buffer) {
                let path = LocalAddress::udp(SocketId(9), self.address).to(transmit.path.local);
                to_server.extend(transmit.datagrams(&buffer).map(|d| datagram(path, d)));
            }
            while let Some(event) = client.pc.poll_event() {
                if let Event::Channel(id, ChannelEvent::Open) = event {
                    let mut channel = client.pc.data_channel(id).unwrap();
                    channel.send_text(self.now, client.address.to_string()).unwrap();
                } else if let Event::Channel(_, ChannelEvent::Message(message)) = event {
                    client.got.push(String::from_utf8(message.data.to_vec()).unwrap());
                }
            }
        }
        while let Some((_, transmit)) = self.endpoint.poll_transmit(self.now, &mut buffer) {
            let Some(to) = self.clients.iter().position(|client| client.address == transmit.path.remote)
            else {
                continue; // An address that a client has left.
            };
            let path = LocalAddress::udp(SocketId(0), transmit.path.remote).to(self.address);
            to_clients.extend(transmit.datagrams(&buffer).map(|d| (to, datagram(path, d))));
        }
        while let Some((peer, event)) = self.endpoint.poll_event() {
            if let Event::Channel(id, ChannelEvent::Message(message)) = event {
                let mut pc = self.endpoint.peer_mut(peer).unwrap();
                pc.data_channel(id).unwrap().send_message(self.now, message.data, message.kind).unwrap();
            }
        }
        self.now += Duration::from_millis(1);
        self.endpoint.handle_datagrams(self.now, to_server);
        to_clients.into_iter().for_each(|(to, d)| self.clients[to].pc.handle_datagram(self.now, d));
        self.clients.iter_mut().for_each(|client| client.pc.handle_timeout(self.now));
        if self.endpoint.poll_timeout().is_some_and(|at| at <= self.now) {
            self.endpoint.handle_timeout(self.now);
        }
    }

    /// Goes on until each client has an answer, which is its own.
    fn answers_every_client(&mut self) {
        for _ in 0..3_000 {
            self.round();
            if self.clients.iter().all(|client| !client.got.is_empty()) {
                break;
            }
        }
        for client in &self.clients {
            assert_eq!(client.got, [client.address.to_string()]);
        }
    }
}

fn datagram(path: purertc::Path, bytes: &[u8]) -> Datagram {
    Datagram { path, ecn: Default::default(), data: BytesMut::from(bytes) }
}

#[test]
fn fifty_clients_share_a_socket_and_each_gets_its_own_answers() {
    let mut server = Server::with_clients(50);
    server.answers_every_client();
    assert_eq!(server.endpoint.len(), 50);
    let removed = server.endpoint.remove(server.ids[7]);
    assert!(removed.is_some() && server.endpoint.peer(server.ids[7]).is_none());
    assert!(server.endpoint.remove(server.ids[7]).is_none());
}

#[test]
fn a_lite_server_says_so_and_asks_nobody() {
    let mut server = Server::in_mode(Mode::Lite, 5);
    for (_, ours) in server.endpoint.peers() {
        assert!(ours.local_description().unwrap().sdp.contains("a=ice-lite\r\n"));
    }
    server.answers_every_client();
    for client in &server.clients {
        assert_eq!(client.pc.transport().ice().role(), IceRole::Controlling);
    }
    for (_, ours) in server.endpoint.peers() {
        let counters = ours.transport().ice().pairs().map(|pair| pair.counters);
        assert_eq!(counters.map(|c| c.requests_sent + c.consent_requests_sent).sum::<u64>(), 0);
    }
}

#[test]
fn a_client_that_restarts_elsewhere_is_found_by_its_new_name() {
    let mut server = Server::with_clients(3);
    (0..2_000).for_each(|_| server.round());
    let id = server.ids[1];
    let before = server.endpoint.peer(id).unwrap().transport().local_credentials().ufrag.clone();
    // Another network: an address that no route leads from.
    let (old, new) = (server.clients[1].address, "192.0.2.77:7777".parse().unwrap());
    let client = &mut server.clients[1];
    client.pc.add_local_address(server.now, LocalAddress::udp(SocketId(0), new));
    client.pc.remove_local_address(server.now, LocalAddress::udp(SocketId(0), old));
    client.address = new;
    client.pc.restart_ice();
    client.pc.set_local_description(server.now, None).unwrap();
    let mut ours = server.endpoint.peer_mut(id).unwrap();
    ours.set_remote_description(server.now, client.pc.local_description().unwrap().clone()).unwrap();
    ours.set_local_description(server.now, None).unwrap();
    let answer = ours.local_description().unwrap().clone();
    drop(ours);
    server.clients[1].pc.set_remote_description(server.now, answer).unwrap();
    (0..4_000).for_each(|_| server.round());
    let ours = server.endpoint.peer(id).unwrap();
    assert_ne!(ours.transport().local_credentials().ufrag, before);
    assert_eq!(ours.transport().selected_pair().unwrap().path.remote, new);
    assert_eq!(server.endpoint.drops().total(), 0, "every check was somebody's");
    // The old name means nobody any more.
    assert_eq!(ours.transport().ice().answers_to().count(), 1);
}

#[test]
fn a_client_that_was_killed_and_starts_anew_on_its_port_is_served_and_the_old_one_missed() {
    let mut server = Server::with_clients(4);
    server.answers_every_client();
    // No farewell: its process is gone, and the next one gets the same port.
    let killed = server.clients.remove(2);
    server.join(500, Mode::Full, killed.address);
    server.answers_every_client();
    for _ in 0..35_000 {
        server.round();
    }
    let missed = server.endpoint.peer(server.ids[2]).unwrap();
    assert_ne!(missed.connection_state(), PeerConnectionState::Connected);
}

#[test]
fn peers_that_ask_one_server_from_one_socket_get_their_own_answers() {
    let address: SocketAddr = "198.51.100.1:443".parse().unwrap();
    let stun: SocketAddr = "203.0.113.5:3478".parse().unwrap();
    let mut endpoint = Endpoint::new([2; 32]);
    for number in 0..20 {
        let mut configuration = Configuration::default();
        configuration.ice_servers = vec![IceServer::stun("stun:203.0.113.5")];
        let init =
            Init { now: Instant::ZERO, wall_clock: WALL, seed: [number; 32], crypto: rustcrypto::provider() };
        let mut pc = PeerConnection::new(configuration, init).unwrap();
        pc.add_local_address(Instant::ZERO, LocalAddress::udp(SocketId(9), address));
        pc.create_data_channel("x", Default::default()).unwrap();
        pc.set_local_description(Instant::ZERO, None).unwrap();
        endpoint.add(pc);
    }
    let mut buffer = Vec::new();
    let mut answers = Vec::new();
    while let Some((_, transmit)) = endpoint.poll_transmit(Instant::ZERO, &mut buffer) {
        assert_eq!(transmit.path.remote, stun);
        let request = Message::parse(&buffer[..transmit.size]).unwrap();
        let mut out = Vec::new();
        Builder::new(&mut out, Class::Success, Method::Binding, request.transaction)
            .attribute(&Attribute::XorMappedAddress("203.0.113.77:4433".parse().unwrap()))
            .finish();
        answers.push(datagram(transmit.path, &out));
    }
    assert_eq!(answers.len(), 20);
    endpoint.handle_datagrams(Instant::from_millis(9), answers);
    for (id, pc) in endpoint.peers() {
        let sdp = &pc.local_description().unwrap().sdp;
        assert!(sdp.contains("203.0.113.77 4433 typ srflx"), "{id:?}");
    }
    assert_eq!(endpoint.drops().total(), 0);
}

#[test]
fn attack_39_a_flood_of_unknown_origin_leaves_no_trace() {
    let mut server = Server::with_clients(2);
    (0..2_000).for_each(|_| server.round());
    let routes = server.endpoint.routes();
    let check = b"\x00\x01\x00\x10\x21\x12\xa4\x42aaaaaaaaaaaa\x00\x06\x00\x0cnobo:someone";
    for n in 0..10_000u32 {
        let from = SocketAddr::from(([203, 0, 113, (n % 250) as u8], (n / 250) as u16 + 1_024));
        let path = LocalAddress::udp(SocketId(9), server.address).to(from);
        let bytes: &[u8] = if n % 2 == 0 { check } else { b"\x16\xfe\xfd\x00\x00" };
        server.endpoint.handle_datagram(server.now, datagram(path, bytes));
    }
    assert_eq!(server.endpoint.routes(), routes);
    assert_eq!(server.endpoint.drops().of(DropReason::UnknownPeer), 10_000);
    assert!(server.endpoint.poll_transmit(server.now, &mut Vec::new()).is_none(), "nothing is answered");
}

#[test]
fn attack_39_a_forged_name_learns_no_route() {
    let mut server = Server::with_clients(1);
    (0..2_000).for_each(|_| server.round());
    let routes = server.endpoint.routes();
    let ufrag = server.endpoint.peer(server.ids[0]).unwrap().transport().local_credentials().ufrag.clone();
    let mut name = format!("{ufrag}:someone").into_bytes();
    let length = name.len();
    name.resize(length.next_multiple_of(4), 0);
    let mut check = vec![0, 1, 0, (4 + name.len()) as u8, 0x21, 0x12, 0xa4, 0x42];
    check.extend_from_slice(b"aaaaaaaaaaaa");
    check.extend_from_slice(&[0, 6, 0, length as u8]);
    check.extend_from_slice(&name);
    for port in 2_000..3_000 {
        let path =
            LocalAddress::udp(SocketId(9), server.address).to(SocketAddr::from(([203, 0, 113, 9], port)));
        server.endpoint.handle_datagram(server.now, datagram(path, &check));
    }
    assert_eq!(server.endpoint.routes(), routes, "a check without the password teaches nothing");
    assert_eq!(server.endpoint.drops().total(), 0, "it was the peer's to refuse");
    assert!(server.endpoint.peer(server.ids[0]).unwrap().drops().total() >= 1_000);
}
