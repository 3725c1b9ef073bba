//! Many peers behind one socket.

use bytes::BytesMut;
use purertc::crypto::rustcrypto;
use purertc::{
    Certificate, CertificateOptions, ChannelEvent, Configuration, Datagram, DropReason, Endpoint, Event,
    Init, Instant, LocalAddress, PeerConnection, PeerId, SocketId,
};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

const WALL: SystemTime = SystemTime::UNIX_EPOCH;

struct Client {
    pc: PeerConnection,
    address: SocketAddr,
    got: Vec<String>,
}

fn connection(number: u64, certificate: &Certificate) -> PeerConnection {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let mut configuration = Configuration::default();
    configuration.certificates = vec![certificate.clone()];
    let init = Init { now: Instant::ZERO, wall_clock: WALL, seed, crypto: rustcrypto::provider() };
    PeerConnection::new(configuration, init).unwrap()
}

struct Server {
    endpoint: Endpoint,
    address: SocketAddr,
    clients: Vec<Client>,
    ids: Vec<PeerId>,
    now: Instant,
}

impl Server {
    fn with_clients(count: u64) -> Self {
        let mut rng = purertc::base::random::Rng::from_number(77);
        let certificate =
            Certificate::generate(&rustcrypto::provider(), CertificateOptions::default(), WALL, &mut rng)
                .unwrap();
        let address: SocketAddr = "198.51.100.1:443".parse().unwrap();
        let mut server = Self {
            endpoint: Endpoint::new([1; 32]),
            address,
            clients: vec![],
            ids: vec![],
            now: Instant::ZERO,
        };
        for number in 0..count {
            let mut client = connection(number, &certificate);
            let client_address = SocketAddr::from(([192, 0, 2, 1], 10_000 + number as u16));
            client.add_local_address(server.now, LocalAddress::udp(SocketId(0), client_address));
            client.create_data_channel("up", Default::default()).unwrap();
            client.set_local_description(server.now, None).unwrap();
            let mut ours = connection(1_000_000 + number, &certificate);
            ours.add_local_address(server.now, LocalAddress::udp(SocketId(9), address));
            ours.set_remote_description(server.now, client.local_description().unwrap().clone()).unwrap();
            ours.set_local_description(server.now, None).unwrap();
            client.set_remote_description(server.now, ours.local_description().unwrap().clone()).unwrap();
            server.ids.push(server.endpoint.add(ours));
            server.clients.push(Client { pc: client, address: client_address, got: vec![] });
        }
        server
    }

    /// One round: everything due happens, every datagram arrives a millisecond later.
    fn round(&mut self) {
        let mut buffer = Vec::new();
        let mut to_server = Vec::new();
        let mut to_clients = Vec::new();
        for client in &mut self.clients {
            while let Some(transmit) = client.pc.poll_transmit(self.now, &mut buffer) {
                let path = LocalAddress::udp(SocketId(9), self.address).to(client.address);
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
            let to = self.clients.iter().position(|client| client.address == transmit.path.remote).unwrap();
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
}

fn datagram(path: purertc::Path, bytes: &[u8]) -> Datagram {
    Datagram { path, ecn: Default::default(), data: BytesMut::from(bytes) }
}

#[test]
fn fifty_clients_share_a_socket_and_each_gets_its_own_answers() {
    let mut server = Server::with_clients(50);
    for _ in 0..3_000 {
        server.round();
        if server.clients.iter().all(|client| !client.got.is_empty()) {
            break;
        }
    }
    for client in &server.clients {
        assert_eq!(client.got, [client.address.to_string()]);
    }
    assert_eq!(server.endpoint.len(), 50);
    let removed = server.endpoint.remove(server.ids[7]);
    assert!(removed.is_some() && server.endpoint.peer(server.ids[7]).is_none());
    assert!(server.endpoint.remove(server.ids[7]).is_none());
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
