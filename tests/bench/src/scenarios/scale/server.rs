//! The server: threads that share a port, an endpoint each.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use mio::{Events, Poll, Token, Waker};
use purertc::{Certificate, ChannelEvent, Configuration, Endpoint, Event, SdpType, SessionDescription};
use purertc_mio::Driver;
use purertc_mio::net::{Share, SocketSettings};

use crate::scenarios::scale::Outcome;
use crate::scenarios::scale::signals::{Signal, Signals};

/// What is done with messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Echo,
    Count,
}

/// What all threads counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    pub bytes: u64,
    /// Datagrams that one thread got from another.
    pub taken: u64,
}

#[derive(Debug, Default)]
struct Counters {
    bytes: AtomicU64,
    taken: AtomicU64,
}

/// The threads.
pub struct Crew {
    members: Vec<(u16, Arc<Counters>, JoinHandle<()>)>,
}

impl Crew {
    pub fn start(members: usize, manner: Manner) -> Outcome<Self> {
        let mut settings = SocketSettings::default();
        settings.addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        let certificate = certificate()?;
        let mut all = Vec::new();
        for share in settings.share(members)? {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = listener.local_addr()?.port();
            let mut configuration = Configuration::default();
            configuration.certificates = vec![certificate.clone()];
            let counters = Arc::new(Counters::default());
            let told = counters.clone();
            let thread = thread::spawn(move || {
                if let Err(error) = serve(share, &listener, &configuration, manner, &told) {
                    eprintln!("server: {error}");
                }
            });
            all.push((port, counters, thread));
        }
        Ok(Self { members: all })
    }

    pub fn ports(&self) -> Vec<u16> {
        self.members.iter().map(|(port, ..)| *port).collect()
    }

    pub fn counted(&self) -> Counted {
        self.members.iter().fold(Counted::default(), |sum, (_, counters, _)| Counted {
            bytes: sum.bytes + counters.bytes.load(Ordering::Relaxed),
            taken: sum.taken + counters.taken.load(Ordering::Relaxed),
        })
    }

    /// Once the load has gone.
    pub fn end(self) {
        self.members.into_iter().for_each(|(_, _, thread)| thread.join().expect("no panic"));
    }
}

/// One for all peers.
pub fn certificate() -> Outcome<Certificate> {
    let init = purertc_mio::net::init(purertc::Instant::ZERO)?;
    Ok(purertc::PeerConnection::generate_certificate(Default::default(), init)?)
}

fn serve(
    share: Share,
    listener: &TcpListener,
    configuration: &Configuration,
    manner: Manner,
    counters: &Counters,
) -> Outcome {
    let mut poll = Poll::new()?;
    let mut driver = Driver::endpoint_in(share, poll.registry(), Token(1))?;
    let waker = Arc::new(Waker::new(poll.registry(), Token(0))?);
    let mut signals = Signals::new(listener.accept()?.0, waker)?;
    let mut events = Events::with_capacity(256);
    loop {
        loop {
            match signals.hear() {
                Ok(Some(offer)) => answer(&mut driver, &mut signals, configuration, offer)?,
                Ok(None) => break,
                Err(()) => return Ok(()),
            }
        }
        attend(&mut driver, manner, counters);
        counters.taken.store(driver.exchanged().taken, Ordering::Relaxed);
        driver.flush();
        poll.poll(&mut events, driver.timeout())?;
        driver.turn(&events);
    }
}

fn answer(
    driver: &mut Driver<Endpoint>,
    signals: &mut Signals,
    configuration: &Configuration,
    offer: Signal,
) -> Outcome {
    let (id, now) = (driver.add(configuration.clone())?, driver.now());
    let mut peer = driver.endpoint().peer_mut(id).ok_or("it was just made")?;
    peer.set_remote_description(now, SessionDescription::new(SdpType::Offer, offer.sdp))?;
    peer.set_local_description(now, None)?;
    let sdp = peer.local_description().ok_or("it was just set")?.sdp.clone();
    drop(peer);
    driver.flush();
    signals.say(&Signal { number: offer.number, sdp })
}

fn attend(driver: &mut Driver<Endpoint>, manner: Manner, counters: &Counters) {
    let now = driver.now();
    while let Some((id, event)) = driver.poll_event() {
        match event {
            Event::Channel(_, ChannelEvent::Close) => drop(driver.endpoint().remove(id)),
            Event::Channel(channel, ChannelEvent::Message(message)) => {
                counters.bytes.fetch_add(message.data.len() as u64, Ordering::Relaxed);
                if manner == Manner::Echo
                    && let Some(mut peer) = driver.endpoint().peer_mut(id)
                    && let Some(mut channel) = peer.data_channel(channel)
                {
                    let _ = channel.send_message(now, message.data, message.kind);
                }
            }
            _ => {}
        }
    }
}
