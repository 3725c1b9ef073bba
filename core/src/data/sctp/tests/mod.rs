//! Two associations and a small virtual network between them.

mod acknowledgements;
mod attacks;
mod nr_sack;
mod path_mtu;
mod property;
mod reliability;
mod resets;
mod setup;
mod transfer;

use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::CryptoProvider;
use crate::data::sctp::Association;
use crate::data::sctp::config::Config;
use crate::data::sctp::event::{Event, SendOptions};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const MTU: usize = 1_172;

/// What the network does to packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) delay: Duration,
    /// Up to so much more, so that packets overtake each other.
    pub(super) jitter: Duration,
    /// The share of packets that is lost, and that comes twice.
    pub(super) loss: f64,
    pub(super) duplication: f64,
}

impl Default for Link {
    fn default() -> Self {
        Self { delay: Duration::from_millis(10), jitter: Duration::ZERO, loss: 0.0, duplication: 0.0 }
    }
}

impl Link {
    pub(super) fn lossy(loss: f64) -> Self {
        Self { loss, ..Self::default() }
    }

    pub(super) fn wild() -> Self {
        Self { jitter: Duration::from_millis(15), loss: 0.1, duplication: 0.05, ..Self::default() }
    }
}

/// Two ends, packets under way, and time.
pub(super) struct Net {
    pub(super) now: Instant,
    pub(super) ends: [Association; 2],
    pub(super) events: [Vec<Event>; 2],
    pub(super) link: Link,
    /// Packets under way to each end, by arrival.
    wires: [BTreeMap<(Instant, u64), Bytes>; 2],
    rng: Rng,
    sent: u64,
    still: u32,
    /// Packets as each end sent them.
    pub(super) log: [Vec<Bytes>; 2],
    /// Whether messages are taken from each end.
    pub(super) reads: [bool; 2],
    /// Larger packets vanish.
    pub(super) path_mtu: usize,
}

pub(super) fn association(config: Config, number: u64) -> Association {
    Association::new(config, CryptoProvider::default().hmac, Rng::from_number(number)).unwrap()
}

impl Net {
    pub(super) fn new(link: Link) -> Self {
        Self::with(link, [Config::default(), Config::default()], 1)
    }

    pub(super) fn with(link: Link, [a, b]: [Config; 2], seed: u64) -> Self {
        Self {
            now: Instant::from_millis(1),
            ends: [association(a, seed * 2 + 1), association(b, seed * 2 + 2)],
            events: [Vec::new(), Vec::new()],
            link,
            wires: [BTreeMap::new(), BTreeMap::new()],
            rng: Rng::from_number(seed),
            sent: 0,
            still: 0,
            log: [Vec::new(), Vec::new()],
            reads: [true; 2],
            path_mtu: MTU,
        }
    }

    /// Both ends connect, and are run until they are up.
    pub(super) fn connected(link: Link) -> Self {
        let mut net = Self::new(link);
        net.connect();
        net
    }

    pub(super) fn connect(&mut self) {
        self.ends.iter_mut().for_each(|end| end.connect(self.now));
        assert!(self.run_until(60_000, |net| net.ends.iter().all(Association::is_up)), "{:?}", self.ends);
    }

    /// Sends what the ends have to send, takes their events.
    pub(super) fn flush(&mut self) {
        for from in 0..2 {
            for n in 0.. {
                assert!(n < 100_000, "no end of packets: {:?}", self.ends[from]);
                let mut out = Vec::new();
                let Some(len) = self.ends[from].poll_transmit(self.now, MTU, &mut out) else { break };
                assert_eq!(len, out.len());
                self.carry(1 - from, &Bytes::from(out));
            }
            while self.reads[from] {
                let Some(event) = self.ends[from].poll_event() else { break };
                self.events[from].push(event);
            }
        }
    }

    /// Puts a packet on the wire to an end.
    pub(super) fn carry(&mut self, to: usize, packet: &Bytes) {
        self.log[1 - to].push(packet.clone());
        if packet.len() > self.path_mtu {
            return;
        }
        if self.rng.jitter_unit() < self.link.loss {
            return;
        }
        let copies = if self.rng.jitter_unit() < self.link.duplication { 2 } else { 1 };
        for _ in 0..copies {
            let at = self.now + self.link.delay + self.link.jitter.mul_f64(self.rng.jitter_unit());
            self.sent += 1;
            self.wires[to].insert((at, self.sent), packet.clone());
        }
    }

    /// Moves on to the next thing that happens. `false` when nothing will.
    pub(super) fn step(&mut self) -> bool {
        self.flush();
        let arrival = |wire: &BTreeMap<(Instant, u64), Bytes>| wire.keys().next().map(|&(at, _)| at);
        let deadlines = self.ends.iter().map(Association::poll_timeout);
        let Some(next) = earliest(self.wires.iter().map(arrival).chain(deadlines)) else { return false };
        // Time moves on, or something is asked for over and over.
        self.still = if next > self.now { 0 } else { self.still + 1 };
        assert!(
            self.still < 10_000,
            "time stands still: {:?} {:?}",
            self.ends,
            self.ends.each_ref().map(|e| e.timers.next())
        );
        self.now = self.now.max(next);
        for to in 0..2 {
            while let Some(entry) = self.wires[to].first_entry().filter(|entry| entry.key().0 <= self.now) {
                let packet = entry.remove();
                self.ends[to].handle_packet(self.now, packet.into());
            }
            self.ends[to].handle_timeout(self.now);
        }
        self.flush();
        true
    }

    /// Runs for at most so many milliseconds, until `done`.
    pub(super) fn run_until(&mut self, millis: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + Duration::from_millis(millis);
        self.flush();
        while !done(self) {
            if self.now > end || !self.step() {
                return done(self);
            }
        }
        true
    }

    /// Runs for so many milliseconds.
    pub(super) fn run(&mut self, millis: u64) {
        self.run_until(millis, |_| false);
    }

    pub(super) fn send(&mut self, from: usize, stream: u16, data: impl Into<Bytes>) {
        self.send_with(from, stream, data, SendOptions::default());
    }

    pub(super) fn send_with(
        &mut self,
        from: usize,
        stream: u16,
        data: impl Into<Bytes>,
        options: SendOptions,
    ) {
        self.ends[from].send(self.now, stream, 53, data.into(), options).unwrap();
    }

    /// The messages that an end has received, with their streams.
    pub(super) fn messages(&self, at: usize) -> Vec<(u16, Bytes)> {
        self.events[at]
            .iter()
            .filter_map(|event| match event {
                Event::Message { stream, data, .. } => Some((*stream, data.clone())),
                _ => None,
            })
            .collect()
    }

    pub(super) fn message_count(&self, at: usize) -> usize {
        self.events[at].iter().filter(|event| matches!(event, Event::Message { .. })).count()
    }
}

/// A message whose bytes show where they belong.
pub(super) fn pattern(len: usize, seed: usize) -> Bytes {
    (0..len).map(|n| (n * 31 + seed * 7 + (n >> 8)) as u8).collect()
}

/// Without interleaving, as with most peers.
pub(super) fn plain() -> Config {
    Config { interleaving: false, ..Config::default() }
}
