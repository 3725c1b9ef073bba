//! Endpoints of several threads, each with a `Poll` of its own, behind one port.

use mio::{Events, Poll, Token};
use purertc::{
    ChannelEvent, Configuration, DataChannelInit, DropReason, Endpoint, Event, PeerId, SessionDescription,
};
use purertc_mio::Driver;
use purertc_mio::net::{Exchanged, Share, SocketSettings};
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 12;
const ROUNDS: u32 = 20;

fn on_loopback() -> SocketSettings {
    let mut settings = SocketSettings::default();
    settings.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    settings
}

/// A description on its way to the other side, under the client's number.
type Letter = (usize, SessionDescription);

/// What a member has to say in the end.
#[derive(Debug)]
struct Outcome {
    exchanged: Exchanged,
    strays: u64,
    peers: usize,
    port: u16,
}

/// A thread of the server: answers offers, sends back what comes, until nobody offers any more.
fn member(share: Share, offers: &Receiver<Letter>, answers: &Sender<Letter>, done: &Barrier) -> Outcome {
    let mut poll = Poll::new().unwrap();
    let mut events = Events::with_capacity(64);
    let mut driver = Driver::endpoint_in(share, poll.registry(), Token(0)).unwrap();
    let mut peers: Vec<(PeerId, usize)> = Vec::new();
    loop {
        match offers.try_recv() {
            Ok((client, offer)) => {
                let peer = driver.add(Configuration::default()).unwrap();
                let now = driver.now();
                let mut ours = driver.endpoint().peer_mut(peer).unwrap();
                ours.set_remote_description(now, offer).unwrap();
                ours.set_local_description(now, None).unwrap();
                let answer = ours.local_description().unwrap().clone();
                drop(ours);
                driver.flush();
                answers.send((client, answer)).unwrap();
                peers.push((peer, client));
            }
            Err(std::sync::mpsc::TryRecvError::Disconnected) => break,
            Err(std::sync::mpsc::TryRecvError::Empty) => {}
        }
        echo(&mut driver);
        driver.flush();
        let wait = driver.timeout().unwrap_or(Duration::MAX).min(Duration::from_millis(5));
        poll.poll(&mut events, Some(wait)).unwrap();
        driver.turn(&events);
    }
    let outcome = Outcome {
        exchanged: driver.exchanged(),
        strays: driver.endpoint().drops().of(DropReason::UnknownPeer),
        peers: peers.len(),
        port: driver.local_addresses().next().unwrap().address.port(),
    };
    // What still comes for a member that is gone is nobody's.
    done.wait();
    outcome
}

fn echo(driver: &mut Driver<Endpoint>) {
    let now = driver.now();
    while let Some((peer, event)) = driver.poll_event() {
        let Event::Channel(id, ChannelEvent::Message(message)) = event else { continue };
        let mut ours = driver.endpoint().peer_mut(peer).unwrap();
        ours.data_channel(id).unwrap().send_message(now, message.data, message.kind).unwrap();
    }
}

/// A client that says something, and goes on when it hears it.
struct Client {
    driver: Driver,
    heard: u32,
}

impl Client {
    fn read(&mut self, number: usize) {
        let now = self.driver.now();
        while let Some(event) = self.driver.poll_event() {
            let (id, said) = match event {
                Event::Channel(id, ChannelEvent::Open) => (id, None),
                Event::Channel(id, ChannelEvent::Message(message)) => (id, Some(message.data)),
                _ => continue,
            };
            if let Some(said) = said {
                assert!(said.iter().all(|&byte| usize::from(byte) == number) && said.len() == 20_000);
                self.heard += 1;
            }
            if self.heard < ROUNDS {
                let mut channel = self.driver.connection().data_channel(id).unwrap();
                channel.send(now, vec![number as u8; 20_000]).unwrap();
            }
        }
    }
}

fn serve(members: usize) -> Vec<Outcome> {
    let mut threads = Vec::new();
    let (answer, answers) = channel();
    let mut offers = Vec::new();
    let done = Arc::new(Barrier::new(members));
    for share in on_loopback().share(members).unwrap() {
        let (sender, receiver) = channel();
        let (answer, done) = (answer.clone(), done.clone());
        offers.push(sender);
        threads.push(thread::spawn(move || member(share, &receiver, &answer, &done)));
    }
    let mut poll = Poll::new().unwrap();
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..CLIENTS {
        let first = Token(number * Driver::TOKENS);
        let mut driver =
            Driver::new(Configuration::default(), &on_loopback(), poll.registry(), first).unwrap();
        let now = driver.now();
        driver.connection().create_data_channel("echo", DataChannelInit::default()).unwrap();
        driver.connection().set_local_description(now, None).unwrap();
        let offer = driver.connection().local_description().unwrap().clone();
        offers[number % members].send((number, offer)).unwrap();
        clients.push(Client { driver, heard: 0 });
    }
    let (begun, mut events) = (Instant::now(), Events::with_capacity(256));
    while clients.iter().any(|client| client.heard < ROUNDS) {
        assert!(begun.elapsed() < Duration::from_secs(60), "this should not take so long");
        for (number, answer) in answers.try_iter() {
            let now = clients[number].driver.now();
            clients[number].driver.connection().set_remote_description(now, answer).unwrap();
        }
        clients.iter_mut().for_each(|client| client.driver.flush());
        let wait = clients.iter().filter_map(|client| client.driver.timeout()).min().unwrap_or_default();
        poll.poll(&mut events, Some(wait.min(Duration::from_millis(5)))).unwrap();
        for (number, client) in clients.iter_mut().enumerate() {
            client.driver.turn(&events);
            client.read(number);
        }
    }
    drop(offers);
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

#[test]
fn threads_share_a_port_and_nothing_is_lost_between_them() {
    for members in [2, 4] {
        let outcomes = serve(members);
        for outcome in &outcomes {
            assert_eq!((outcome.peers, outcome.port), (CLIENTS / members, outcomes[0].port));
            assert_eq!((outcome.exchanged.lost, outcome.strays), (0, 0), "{outcomes:?}");
        }
        let taken: u64 = outcomes.iter().map(|outcome| outcome.exchanged.taken).sum();
        assert!(taken > 0, "the system cannot have guessed all of {CLIENTS} right");
    }
}
