//! The network between two agents: delay, jitter, loss, duplicates, address rewriting, black holes.

use crate::base::net::{LocalAddress, Path, SocketId};
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::CryptoProvider;
use crate::transport::ice::{Agent, Config, Event, IceRole, IceTransportState};
use crate::wire::candidate::Candidate;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

pub const LEFT: usize = 0;
pub const RIGHT: usize = 1;

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub fn host(text: &str) -> LocalAddress {
    LocalAddress::udp(SocketId(1), address(text))
}

pub fn agent(seed: u64) -> Agent {
    Agent::new(Config::default(), CryptoProvider::default().hmac, Rng::from_number(seed))
}

pub const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How datagrams travel.
#[derive(Clone, Debug)]
pub struct Link {
    pub delay: Duration,
    /// Up to this much more, each datagram for itself: they overtake one another.
    pub jitter: Duration,
    pub loss: f64,
    pub duplicate: f64,
    /// From this agent nothing arrives.
    pub mute: [bool; 2],
}

impl Default for Link {
    fn default() -> Self {
        Self { delay: ms(10), jitter: ms(0), loss: 0.0, duplicate: 0.0, mute: [false; 2] }
    }
}

/// A datagram as its sender meant it.
#[derive(Clone, Debug)]
pub struct Packet {
    pub from: usize,
    pub path: Path,
    pub data: Vec<u8>,
    pub at: Instant,
}

pub struct Net {
    pub agents: [Agent; 2],
    pub now: Instant,
    pub link: Link,
    pub events: [Vec<Event>; 2],
    /// Everything that was ever sent.
    pub sent: Vec<Packet>,
    /// Private address to public one; only the public one can be reached, and only by who was sent to.
    pub nat: BTreeMap<SocketAddr, SocketAddr>,
    /// Addresses whose network is gone: nothing leaves and nothing arrives.
    pub dead: BTreeSet<SocketAddr>,
    opened: BTreeSet<(SocketAddr, SocketAddr)>,
    hosts: [Vec<LocalAddress>; 2],
    flying: BTreeMap<(Instant, u64), Packet>,
    count: u64,
    rng: Rng,
}

impl Net {
    pub fn new(seed: u64) -> Self {
        Self {
            agents: [agent(2 * seed), agent(2 * seed + 1)],
            now: Instant::from_millis(1_000),
            link: Link::default(),
            events: Default::default(),
            sent: Vec::new(),
            nat: BTreeMap::new(),
            dead: BTreeSet::new(),
            opened: BTreeSet::new(),
            hosts: Default::default(),
            flying: BTreeMap::new(),
            count: 0,
            rng: Rng::from_number(seed),
        }
    }

    /// Two agents with these addresses, everything signalled, LEFT controlling.
    pub fn connected_by(seed: u64, left: &[&str], right: &[&str]) -> Self {
        let mut net = Self::new(seed);
        net.roles(IceRole::Controlling, IceRole::Controlled);
        net.signal_all(left, right);
        net
    }

    pub fn signal_all(&mut self, left: &[&str], right: &[&str]) {
        for (who, addresses) in [(LEFT, left), (RIGHT, right)] {
            for candidate in self.gather(who, addresses) {
                self.agents[1 - who].add_remote_candidate(self.now, &candidate);
            }
        }
        self.exchange_credentials();
        self.end_candidates();
        self.drain();
    }

    pub fn roles(&mut self, left: IceRole, right: IceRole) {
        self.agents[LEFT].set_role(self.now, left);
        self.agents[RIGHT].set_role(self.now, right);
    }

    pub fn gather(&mut self, who: usize, addresses: &[&str]) -> Vec<Candidate> {
        let hosts = addresses.iter().map(|text| host(text));
        hosts.filter_map(|host| self.add_host(who, host)).collect()
    }

    pub fn add_host(&mut self, who: usize, host: LocalAddress) -> Option<Candidate> {
        self.hosts[who].push(host);
        self.agents[who].add_local_address(self.now, host)
    }

    /// Tells `to` the credentials of the other.
    pub fn tell_credentials(&mut self, to: usize) {
        let credentials = self.agents[1 - to].local_credentials().clone();
        self.agents[to].set_remote_credentials(self.now, credentials);
    }

    pub fn exchange_credentials(&mut self) {
        self.tell_credentials(LEFT);
        self.tell_credentials(RIGHT);
    }

    pub fn end_candidates(&mut self) {
        for agent in &mut self.agents {
            agent.end_of_local_candidates(self.now);
            agent.end_of_remote_candidates(self.now);
        }
    }

    pub fn drain(&mut self) {
        for from in [LEFT, RIGHT] {
            let mut data = Vec::new();
            while let Some(transmit) = self.agents[from].poll_transmit(self.now, &mut data) {
                assert_eq!(transmit.size, data.len());
                let packet =
                    Packet { from, path: transmit.path, data: std::mem::take(&mut data), at: self.now };
                self.launch(&packet);
                self.sent.push(packet);
            }
            assert!(data.is_empty());
            while let Some(event) = self.agents[from].poll_event() {
                self.events[from].push(event);
            }
        }
    }

    fn launch(&mut self, packet: &Packet) {
        let copies = 1 + usize::from(self.rng.jitter_unit() < self.link.duplicate);
        for _ in 0..copies {
            if self.link.mute[packet.from] || self.rng.jitter_unit() < self.link.loss {
                continue;
            }
            let arrival = self.now + self.link.delay + self.link.jitter.mul_f64(self.rng.jitter_unit());
            self.count += 1;
            self.flying.insert((arrival, self.count), packet.clone());
        }
    }

    /// Address translation on the way out, filtering on the way in.
    fn deliver(&mut self, packet: &Packet) {
        let Path { local, remote, .. } = packet.path;
        if self.dead.contains(&local) || self.dead.contains(&remote) {
            return;
        }
        let source = self.nat.get(&local).copied().unwrap_or(local);
        self.opened.insert((source, remote));
        let inside = self.nat.iter().find(|(_, public)| **public == remote).map(|(inside, _)| *inside);
        if inside.is_some() && !self.opened.contains(&(remote, source)) || self.nat.contains_key(&remote) {
            return;
        }
        let target = inside.unwrap_or(remote);
        let to = 1 - packet.from;
        if let Some(host) = self.hosts[to].iter().find(|host| host.address == target) {
            self.agents[to].handle_stun(self.now, host.to(source), &packet.data);
        }
    }

    fn next(&self) -> Option<Instant> {
        let timers = self.agents.iter().map(Agent::poll_timeout);
        earliest(timers.chain([self.flying.keys().next().map(|&(at, _)| at)]))
    }

    /// Runs until nothing is due before `end`, and stands at `end`.
    pub fn run_until(&mut self, end: Instant) {
        self.drain();
        let mut steps = 0;
        while let Some(next) = self.next().filter(|&next| next <= end) {
            steps += 1;
            assert!(steps < 200_000, "the agents are busy with nothing");
            self.now = self.now.max(next);
            while let Some((&key, _)) = self.flying.iter().next().filter(|((at, _), _)| *at <= self.now) {
                let packet = self.flying.remove(&key).unwrap();
                self.deliver(&packet);
            }
            for agent in &mut self.agents {
                if agent.poll_timeout().is_some_and(|at| at <= self.now) {
                    agent.handle_timeout(self.now);
                }
            }
            self.drain();
        }
        self.now = end;
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Runs until `done`, and says how long that took.
    pub fn run_while(&mut self, limit: Duration, goes_on: impl Fn(&Self) -> bool) -> Duration {
        let (start, end) = (self.now, self.now + limit);
        while goes_on(self) && self.now < end {
            self.run_for(ms(1));
        }
        self.now - start
    }

    pub fn states(&self, who: usize) -> Vec<IceTransportState> {
        let states = self.events[who].iter().filter_map(|event| match event {
            Event::StateChange(state) => Some(*state),
            _ => None,
        });
        states.collect()
    }

    /// Both have selected, and what each has selected mirrors the other's: the addresses of the two.
    pub fn agreed(&self) -> Option<(SocketAddr, SocketAddr)> {
        let [left, right] = [&self.agents[LEFT], &self.agents[RIGHT]].map(Agent::selected);
        let (left, right) = (left?, right?);
        let at = |c: &Candidate| SocketAddr::new(c.address.ip().unwrap(), c.port);
        let mirrored = at(&left.local) == at(&right.remote) && at(&left.remote) == at(&right.local);
        mirrored.then(|| (at(&left.local), at(&left.remote)))
    }

    pub fn sent_by(&self, who: usize, since: Instant) -> impl Iterator<Item = &Packet> {
        self.sent.iter().filter(move |packet| packet.from == who && packet.at > since)
    }
}
