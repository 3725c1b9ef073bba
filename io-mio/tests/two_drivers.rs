//! Two drivers in one `Poll`, over loopback.

use bytes::Bytes;
use mio::{Events, Poll, Token};
use purertc::wire::candidate::Credentials;
use purertc::{
    ChannelEvent, Configuration, DataChannelId, DataChannelInit, Event, ExternalAddress, IceGatheringState,
    Message, MessageKind, PeerConnectionState, Protocol, SendError, SessionDescription,
};
use purertc_mio::Driver;
use purertc_mio::net::SocketSettings;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const SECOND: usize = 2 * Driver::TOKENS;

struct World {
    poll: Poll,
    events: Events,
    drivers: [Driver; 2],
}

impl World {
    fn new() -> Self {
        Self::with(&on_loopback())
    }

    fn with(settings: &SocketSettings) -> Self {
        let poll = Poll::new().unwrap();
        let driver =
            |first| Driver::new(Configuration::default(), settings, poll.registry(), Token(first)).unwrap();
        let drivers = [driver(0), driver(SECOND)];
        Self { poll, events: Events::with_capacity(16), drivers }
    }

    /// Offer and answer, with every candidate inside.
    fn negotiate(&mut self) {
        self.negotiate_with(|description| description);
    }

    /// The same, with descriptions that are changed on their way.
    fn negotiate_with(&mut self, change: impl Fn(SessionDescription) -> SessionDescription) {
        let [near, far] = &mut self.drivers;
        let now = near.now();
        near.connection().set_local_description(now, None).unwrap();
        assert_eq!(near.connection().ice_gathering_state(), IceGatheringState::Complete);
        let offer = near.connection().local_description().unwrap().clone();
        let now = far.now();
        far.connection().set_remote_description(now, change(offer)).unwrap();
        far.connection().set_local_description(now, None).unwrap();
        let answer = far.connection().local_description().unwrap().clone();
        let now = near.now();
        near.connection().set_remote_description(now, change(answer)).unwrap();
    }

    /// One round of the loop that a program would have.
    fn turn(&mut self) {
        self.drivers.iter_mut().for_each(Driver::flush);
        let wait = self.drivers.iter().filter_map(Driver::timeout).min();
        assert!(
            wait.is_some_and(|wait| wait <= Duration::from_secs(10)),
            "a connection always waits for something"
        );
        self.poll.poll(&mut self.events, wait).unwrap();
        self.drivers.iter_mut().for_each(|driver| driver.turn(&self.events));
    }

    /// Turns until `done` says so, with the events of both sides.
    fn run(&mut self, mut done: impl FnMut(usize, &mut Driver, Event) -> bool) {
        let begun = Instant::now();
        loop {
            for (side, driver) in self.drivers.iter_mut().enumerate() {
                while let Some(event) = driver.poll_event() {
                    if done(side, driver, event) {
                        return;
                    }
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "this should not take so long");
            self.turn();
        }
    }
}

fn on_loopback() -> SocketSettings {
    let mut settings = SocketSettings::default();
    settings.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    settings
}

/// A description without candidates for UDP.
fn only_tcp(mut description: SessionDescription) -> SessionDescription {
    let lines = description.sdp.split_inclusive('\n');
    description.sdp = lines.filter(|line| !line.contains(" udp ")).collect();
    description
}

fn send(driver: &mut Driver, id: DataChannelId, data: Bytes) -> Result<(), SendError> {
    let now = driver.now();
    driver.connection().data_channel(id).unwrap().send(now, data)
}

#[test]
fn a_driver_runs_a_loop_of_its_own() {
    let side = || {
        let poll = Poll::new().unwrap();
        let settings = on_loopback();
        let driver = Driver::new(Configuration::default(), &settings, poll.registry(), Token(7)).unwrap();
        (poll, driver)
    };
    let ((mut poll, mut near), (mut far_poll, mut far)) = (side(), side());
    near.connection().create_data_channel("loop", DataChannelInit::default()).unwrap();
    let now = near.now();
    near.connection().set_local_description(now, None).unwrap();
    let offer = near.connection().local_description().unwrap().clone();
    let now = far.now();
    far.connection().set_remote_description(now, offer).unwrap();
    far.connection().set_local_description(now, None).unwrap();
    let answer = far.connection().local_description().unwrap().clone();
    let now = near.now();
    near.connection().set_remote_description(now, answer).unwrap();
    let echo = std::thread::spawn(move || {
        far.run(&mut far_poll, |far, event| match event {
            Event::Channel(id, ChannelEvent::Message(message)) => {
                send(far, id, message.data).unwrap();
                ControlFlow::Continue(())
            }
            Event::Channel(_, ChannelEvent::Close) => ControlFlow::Break("closed"),
            _ => ControlFlow::Continue(()),
        })
    });
    let heard = near.run(&mut poll, |near, event| match event {
        Event::Channel(id, ChannelEvent::Open) => {
            send(near, id, Bytes::from_static(b"round")).unwrap();
            ControlFlow::Continue(())
        }
        Event::Channel(_, ChannelEvent::Message(message)) => ControlFlow::Break(message.data),
        _ => ControlFlow::Continue(()),
    });
    assert_eq!(heard.unwrap(), "round");
    near.close();
    assert_eq!(echo.join().unwrap().unwrap(), "closed");
}

#[test]
fn tokens_follow_the_first() {
    let world = World::new();
    assert_eq!(world.drivers[0].tokens(), 0..Driver::TOKENS);
    assert_eq!(world.drivers[1].tokens(), SECOND..SECOND + Driver::TOKENS);
    assert!(world.drivers[0].local_addresses().all(|local| local.address.port() != 0));
}

#[test]
fn messages_are_echoed() {
    let mut world = World::new();
    let chat = world.drivers[0].connection().create_data_channel("chat", DataChannelInit::default()).unwrap();
    world.negotiate();
    echo(&mut world, chat);
}

#[test]
fn messages_are_echoed_over_tcp() {
    let mut settings = on_loopback();
    settings.listen_tcp = true;
    let mut world = World::with(&settings);
    let chat = world.drivers[0].connection().create_data_channel("chat", DataChannelInit::default()).unwrap();
    world.negotiate_with(only_tcp);
    echo(&mut world, chat);
    // Data may flow before a pair is nominated.
    let begun = Instant::now();
    while world.drivers[0].connection().transport().selected_pair().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "this should not take so long");
        world.turn();
    }
    let pair = world.drivers[0].connection().transport().selected_pair().expect("nominated");
    assert_eq!(pair.path.protocol, Protocol::Tcp);
}

/// Messages of all sizes go there and come back.
fn echo(world: &mut World, chat: DataChannelId) {
    let sizes = [1, 0, 262_144, 1_200];
    let mut echoed = Vec::new();
    world.run(|side, driver, event| {
        match (side, event) {
            (0, Event::Channel(id, ChannelEvent::Open)) => {
                assert_eq!(id, chat);
                for size in sizes {
                    send(driver, id, Bytes::from(vec![9; size])).unwrap();
                }
            }
            (1, Event::Channel(id, ChannelEvent::Message(Message { data, .. }))) => {
                send(driver, id, data).unwrap();
            }
            (0, Event::Channel(_, ChannelEvent::Message(Message { kind, data }))) => {
                assert_eq!(kind, MessageKind::Binary);
                echoed.push(data.len());
            }
            _ => {}
        }
        echoed.len() == sizes.len()
    });
    assert_eq!(echoed, sizes);
}

#[test]
fn twenty_megabytes_go_through_a_bounded_buffer() {
    const MESSAGE: usize = 50_000;
    const COUNT: usize = 400;
    let mut world = World::new();
    let bulk = world.drivers[0].connection().create_data_channel("bulk", DataChannelInit::default()).unwrap();
    world.negotiate();
    let (mut sent, mut received) = (0, 0);
    let data = Bytes::from(vec![1; MESSAGE]);
    while received < COUNT {
        world.run(|side, _, event| {
            let message = matches!(event, Event::Channel(_, ChannelEvent::Message(_)));
            received += usize::from(side == 1 && message);
            message
                || matches!(event, Event::Channel(_, ChannelEvent::Open | ChannelEvent::BufferedAmountLow))
        });
        let near = &mut world.drivers[0];
        while sent < COUNT {
            match send(near, bulk, data.clone()) {
                Ok(()) => sent += 1,
                Err(SendError::BufferFull(back)) => {
                    assert_eq!(back, data);
                    break;
                }
                Err(SendError::NotOpen) => break,
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert_eq!((sent, received), (COUNT, COUNT));
}

#[test]
fn close_tells_the_peer() {
    let mut world = World::new();
    world.drivers[0].connection().create_data_channel("short", DataChannelInit::default()).unwrap();
    world.negotiate();
    world.run(|side, driver, event| {
        if side == 0 && matches!(event, Event::Channel(_, ChannelEvent::Open)) {
            driver.close();
            assert_eq!(driver.connection().connection_state(), PeerConnectionState::Closed);
            assert_eq!(driver.timeout(), None);
        }
        side == 1 && matches!(event, Event::Channel(_, ChannelEvent::Close))
    });
}

#[test]
fn ports_outside_addresses_and_credentials_are_as_the_settings_say() {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let ports = socket.local_addr().unwrap().port()..=u16::MAX;
    let mut settings = on_loopback();
    settings.ports = Some(ports.clone());
    let (internal, external) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(203, 0, 113, 7).into());
    let mut configuration = Configuration::default();
    configuration.external_addresses = vec![ExternalAddress { internal, external, replaces_host: true }];
    configuration.ice.credentials = Credentials::new("chosen", "chosenchosenchosenchosen").ok();
    let poll = Poll::new().unwrap();
    let mut driver = Driver::new(configuration, &settings, poll.registry(), Token(0)).unwrap();
    let now = driver.now();
    driver.connection().create_data_channel("test", DataChannelInit::default()).unwrap();
    driver.connection().set_local_description(now, None).unwrap();
    let sdp = driver.connection().local_description().unwrap().sdp.clone();
    assert!(sdp.contains("\r\na=ice-ufrag:chosen\r\na=ice-pwd:chosenchosenchosenchosen\r\n"), "{sdp}");
    let (_, candidate) = sdp.split_once(" 203.0.113.7 ").expect("the address that the world sees");
    let port = candidate.split(' ').next().unwrap().parse().unwrap();
    // The first of the range is the socket's above.
    assert!(ports.contains(&port) && port != *ports.start(), "{sdp}");
    assert!(!sdp.contains("127.0.0.1"), "{sdp}");
}
