//! An endpoint with many peers behind one UDP socket and one listener, over loopback.

use mio::{Events, Poll, Token};
use purertc::{
    ChannelEvent, Configuration, DataChannelInit, Endpoint, Event, LocalAddress, PeerId, Protocol,
    SessionDescription,
};
use purertc_mio::Driver;
use purertc_mio::net::SocketSettings;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

struct World {
    poll: Poll,
    events: Events,
    server: Driver<Endpoint>,
    clients: Vec<Client>,
}

struct Client {
    driver: Driver,
    peer: PeerId,
    /// What came back.
    echoes: Vec<String>,
}

fn on_loopback() -> SocketSettings {
    let mut settings = SocketSettings::default();
    settings.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    settings
}

/// A description without candidates for the other protocol.
fn only(protocol: Protocol, mut description: SessionDescription) -> SessionDescription {
    let other = if protocol == Protocol::Udp { " tcp " } else { " udp " };
    let lines = description.sdp.split_inclusive('\n');
    description.sdp = lines.filter(|line| !line.contains(other)).collect();
    description
}

impl World {
    fn new() -> Self {
        let mut settings = on_loopback();
        settings.listen_tcp = true;
        Self::with(&settings)
    }

    fn with(settings: &SocketSettings) -> Self {
        let poll = Poll::new().unwrap();
        let server = Driver::endpoint_on(settings, poll.registry(), Token(0)).unwrap();
        Self { poll, events: Events::with_capacity(64), server, clients: Vec::new() }
    }

    /// A client that offers a channel, and the server's answer.
    fn connect(&mut self, protocol: Protocol) {
        let first = Driver::<Endpoint>::ENDPOINT_TOKENS + self.clients.len() * Driver::TOKENS;
        let configuration = Configuration::default();
        let mut driver =
            Driver::new(configuration, &on_loopback(), self.poll.registry(), Token(first)).unwrap();
        let now = driver.now();
        let client = driver.connection();
        client.create_data_channel("echo", DataChannelInit::default()).unwrap();
        client.set_local_description(now, None).unwrap();
        let offer = only(protocol, client.local_description().unwrap().clone());
        let peer = self.server.add(Configuration::default()).unwrap();
        let server_now = self.server.now();
        let mut ours = self.server.endpoint().peer_mut(peer).unwrap();
        ours.set_remote_description(server_now, offer).unwrap();
        ours.set_local_description(server_now, None).unwrap();
        let answer = only(protocol, ours.local_description().unwrap().clone());
        client.set_remote_description(now, answer).unwrap();
        self.clients.push(Client { driver, peer, echoes: Vec::new() });
    }

    fn run_until(&mut self, done: impl Fn(&mut Self) -> bool) {
        let begun = Instant::now();
        while !done(self) {
            assert!(begun.elapsed() < Duration::from_secs(60), "this should not take so long");
            self.server.flush();
            self.clients.iter_mut().for_each(|client| client.driver.flush());
            let waits = self.clients.iter().map(|client| client.driver.timeout());
            let wait = waits.chain([self.server.timeout()]).flatten().min();
            self.poll.poll(&mut self.events, wait).unwrap();
            self.server.turn(&self.events);
            self.echo();
            for (number, client) in self.clients.iter_mut().enumerate() {
                client.driver.turn(&self.events);
                client.read(number);
            }
        }
    }

    /// The server's side of the program.
    fn echo(&mut self) {
        let now = self.server.now();
        while let Some((peer, event)) = self.server.poll_event() {
            let Event::Channel(id, ChannelEvent::Message(message)) = event else { continue };
            let mut ours = self.server.endpoint().peer_mut(peer).unwrap();
            ours.data_channel(id).unwrap().send_message(now, message.data, message.kind).unwrap();
        }
    }
}

impl Client {
    fn read(&mut self, number: usize) {
        let now = self.driver.now();
        while let Some(event) = self.driver.poll_event() {
            match event {
                Event::Channel(id, ChannelEvent::Open) => {
                    let mut channel = self.driver.connection().data_channel(id).unwrap();
                    channel.send_text(now, format!("I am {number}")).unwrap();
                }
                Event::Channel(_, ChannelEvent::Message(message)) => {
                    self.echoes.push(String::from_utf8(message.data.to_vec()).unwrap());
                }
                _ => {}
            }
        }
    }
}

#[test]
fn peers_share_a_socket_and_a_listener_and_each_hears_its_own() {
    let mut world = World::new();
    let addresses: Vec<LocalAddress> = world.server.local_addresses().collect();
    assert_eq!(addresses.len(), 2, "one for each protocol: {addresses:?}");
    (0..6).for_each(|n| world.connect(if n % 2 == 0 { Protocol::Udp } else { Protocol::Tcp }));
    world.run_until(|world| world.clients.iter().all(|client| !client.echoes.is_empty()));
    for (number, client) in world.clients.iter().enumerate() {
        assert_eq!(client.echoes, [format!("I am {number}")]);
    }
    // Data may flow before a pair is nominated.
    for number in 0..world.clients.len() {
        let peer = world.clients[number].peer;
        let path = |world: &mut World| {
            let server = world.server.endpoint().peer(peer).unwrap();
            server.transport().selected_pair().map(|pair| pair.path)
        };
        world.run_until(|world| path(world).is_some());
        let protocol = if number % 2 == 0 { Protocol::Udp } else { Protocol::Tcp };
        assert_eq!(path(&mut world).unwrap().protocol, protocol);
    }
}

#[test]
fn a_peer_that_leaves_takes_its_stream_along_and_the_others_stay() {
    let mut world = World::new();
    (0..4).for_each(|_| world.connect(Protocol::Tcp));
    world.run_until(|world| world.clients.iter().all(|client| !client.echoes.is_empty()));
    let gone = world.clients.remove(1);
    drop(gone.driver);
    let now = world.server.now();
    world.server.endpoint().peer_mut(gone.peer).unwrap().close(now);
    world.server.flush();
    assert!(world.server.endpoint().remove(gone.peer).is_some());
    world.clients.iter_mut().for_each(|client| {
        let now = client.driver.now();
        let id = client.driver.connection().data_channels().next().unwrap();
        client.driver.connection().data_channel(id).unwrap().send_text(now, "still here?").unwrap();
    });
    world.run_until(|world| world.clients.iter().all(|client| client.echoes.len() == 2));
    assert_eq!(world.server.endpoint().len(), 3);
}

#[test]
fn close_tells_every_peer() {
    let mut world = World::new();
    (0..3).for_each(|_| world.connect(Protocol::Udp));
    world.run_until(|world| world.clients.iter().all(|client| !client.echoes.is_empty()));
    world.server.close();
    world.run_until(|world| {
        world.clients.iter_mut().all(|client| client.driver.connection().data_channels().next().is_none())
    });
}

#[test]
fn one_socket_serves_all_addresses_of_the_host() {
    let mut settings = SocketSettings::default();
    settings.addresses = vec![Ipv4Addr::UNSPECIFIED.into()];
    settings.include_loopback = true;
    let mut world = World::with(&settings);
    let addresses: Vec<LocalAddress> = world.server.local_addresses().collect();
    assert!(addresses.iter().any(|local| local.address.ip() == Ipv4Addr::LOCALHOST), "{addresses:?}");
    let same = |local: &LocalAddress| {
        local.socket == addresses[0].socket && local.address.port() == addresses[0].address.port()
    };
    assert!(addresses.iter().all(same) && !addresses.iter().any(|local| local.address.ip().is_unspecified()));
    (0..3).for_each(|_| world.connect(Protocol::Udp));
    world.run_until(|world| world.clients.iter().all(|client| !client.echoes.is_empty()));
}
