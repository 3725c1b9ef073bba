//! A path as the Internet has them: a rate, a delay, a queue that drops what it has no room for, and random loss; shared by
//! any number of connections.

use std::collections::VecDeque;
use std::time::Duration;

use purertc::base::random::Rng;

use crate::clock::Time;
use crate::link::End;
use crate::stacks::Stack;

/// Bytes of UDP and IPv4 headers, which take their time on the wire like any others.
const HEADERS: usize = 28;

/// What arrives within so long is handed over at once, as network cards do.
const COALESCE: u64 = 20_000;

/// Datagrams that the queue of a path has room for in any case.
const MIN_QUEUE: usize = 10 * (1_200 + HEADERS);

/// What a path is like, in each direction.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// Bits a second.
    pub rate: f64,
    /// There and back, of a datagram that takes no time to send.
    pub round_trip: Duration,
    /// Bytes in flight that fill the path, as a factor of what the queue holds; never below ten datagrams.
    pub queue: f64,
    /// The share of datagrams that is lost at random.
    pub loss: f64,
}

impl Path {
    fn queue_bytes(&self) -> f64 {
        (self.queue * self.rate / 8.0 * self.round_trip.as_secs_f64()).max(MIN_QUEUE as f64)
    }
}

/// One direction of it.
struct Wire<D> {
    path: Path,
    /// When all that is queued has been sent.
    free_at: Time,
    /// What was sent, when it arrives, and whose it is.
    flying: VecDeque<(Time, usize, D)>,
    rng: Rng,
}

impl<D: AsRef<[u8]>> Wire<D> {
    fn push(&mut self, now: Time, owner: usize, datagram: D) {
        let len = (datagram.as_ref().len() + HEADERS) as f64;
        let waiting = self.free_at.saturating_sub(now).as_secs_f64() * self.path.rate / 8.0;
        if waiting > 0.0 && waiting + len > self.path.queue_bytes() {
            return;
        }
        self.free_at = self.free_at.max(now) + Duration::from_secs_f64(len * 8.0 / self.path.rate);
        if self.rng.jitter_unit() >= self.path.loss {
            let at = (self.free_at + self.path.round_trip / 2).as_nanos() as u64;
            let at = Duration::from_nanos(at.next_multiple_of(COALESCE));
            self.flying.push_back((at, owner, datagram));
        }
    }

    fn next_arrival(&self) -> Option<Time> {
        self.flying.front().map(|(at, ..)| *at)
    }

    /// The next datagram that has arrived, if it is for `owner` where that matters, and whose it is.
    fn pop_arrived(&mut self, now: Time, owner: Option<usize>) -> Option<(usize, D)> {
        let (at, whose, _) = self.flying.front()?;
        if *at > now || owner.is_some_and(|owner| owner != *whose) {
            return None;
        }
        self.flying.pop_front().map(|(_, whose, datagram)| (whose, datagram))
    }
}

/// Connections that share a path: of each, the first end sends one way, and the second the other.
pub struct Network<S: Stack> {
    pub pairs: Vec<[End<S>; 2]>,
    pub now: Time,
    wires: [Wire<S::Datagram>; 2],
    arrived: Vec<S::Datagram>,
    moving: Vec<S::Datagram>,
}

impl<S: Stack> Network<S> {
    /// Peers that have each other's description, before the first datagram.
    pub fn new(pairs: impl IntoIterator<Item = (S, S)>, path: Path, seed: u64) -> Self {
        let wire = |n| Wire {
            path,
            free_at: Time::ZERO,
            flying: VecDeque::new(),
            rng: Rng::from_number(2 * seed + n),
        };
        let pair = |(a, b)| [End::new(a, Duration::ZERO), End::new(b, Duration::ZERO)];
        Self {
            pairs: pairs.into_iter().map(pair).collect(),
            now: Time::ZERO,
            wires: [wire(0), wire(1)],
            arrived: Vec::new(),
            moving: Vec::new(),
        }
    }

    /// Runs without loss until the channels of all are open.
    pub fn connect(&mut self) {
        let loss = self.wires.each_ref().map(|wire| wire.path.loss);
        self.wires.iter_mut().for_each(|wire| wire.path.loss = 0.0);
        for pair in 0..self.pairs.len() {
            self.drain(pair, 0);
            self.drain(pair, 1);
        }
        while !self.pairs.iter().flatten().all(|end| end.stack.is_open()) {
            let moved = self.step();
            assert!(moved && self.now < Duration::from_secs(60), "{}: no open channel", S::NAME);
        }
        for (wire, loss) in self.wires.iter_mut().zip(loss) {
            wire.path.loss = loss;
        }
    }

    /// Runs until `end`; `feed` gives the sender of a pair more to send, and says whether it did.
    pub fn run_until(&mut self, end: Time, mut feed: impl FnMut(usize, &mut S, Time) -> bool) {
        loop {
            for pair in 0..self.pairs.len() {
                while feed(pair, &mut self.pairs[pair][0].stack, self.now) {
                    self.drain(pair, 0);
                }
            }
            if self.next_event().is_none_or(|at| at > end) {
                self.now = end;
                return;
            }
            self.step();
        }
    }

    fn next_event(&self) -> Option<Time> {
        let deadlines = self.pairs.iter().flatten().map(End::deadline);
        self.wires.iter().map(Wire::next_arrival).chain(deadlines).flatten().min()
    }

    fn step(&mut self) -> bool {
        let Some(next) = self.next_event() else { return false };
        self.now = self.now.max(next);
        for from in 0..2 {
            self.deliver(from);
        }
        for pair in 0..self.pairs.len() {
            for side in 0..2 {
                if self.pairs[pair][side].fire(self.now) {
                    self.carry(pair, side);
                }
            }
        }
        true
    }

    /// Hands over what has arrived on a wire, as much at once as is of one owner.
    fn deliver(&mut self, from: usize) {
        let now = self.now;
        while let Some((owner, datagram)) = self.wires[from].pop_arrived(now, None) {
            self.arrived.push(datagram);
            while self.arrived.len() < S::BATCH
                && let Some((_, datagram)) = self.wires[from].pop_arrived(now, Some(owner))
            {
                self.arrived.push(datagram);
            }
            self.pairs[owner][1 - from].stack.receive(now, &mut self.arrived);
            self.arrived.clear();
            self.drain(owner, 1 - from);
        }
    }

    fn drain(&mut self, pair: usize, side: usize) {
        self.pairs[pair][side].drain(self.now);
        self.carry(pair, side);
    }

    fn carry(&mut self, pair: usize, side: usize) {
        self.pairs[pair][side].out.take_arrived(self.now, usize::MAX, &mut self.moving);
        self.moving.drain(..).for_each(|datagram| self.wires[side].push(self.now, pair, datagram));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use purertc::base::random::Rng;

    use super::{MIN_QUEUE, Path, Wire};

    fn wire(path: Path) -> Wire<Vec<u8>> {
        Wire { path, free_at: Duration::ZERO, flying: VecDeque::new(), rng: Rng::from_number(1) }
    }

    #[test]
    fn a_datagram_takes_its_time_and_the_queue_has_an_end() {
        let round_trip = Duration::from_millis(100);
        let mut wire = wire(Path { rate: 1e6, round_trip, queue: 0.0, loss: 0.0 });
        (0..20).for_each(|_| wire.push(Duration::ZERO, 0, vec![0; 1_222]));
        // 1,250 bytes at a megabit take 10 ms.
        assert_eq!(wire.next_arrival(), Some(Duration::from_millis(60)));
        assert_eq!(wire.flying.len(), MIN_QUEUE.div_ceil(1_250) - 1);
        wire.push(Duration::from_secs(1), 0, vec![0; 1_222]);
        assert_eq!(wire.flying.back().unwrap().0, Duration::from_millis(1_060));
    }

    #[test]
    fn the_share_that_is_lost_is_lost() {
        let round_trip = Duration::from_millis(10);
        let mut wire = wire(Path { rate: 1e12, round_trip, queue: 1.0, loss: 0.1 });
        (0..10_000).for_each(|n| wire.push(Duration::from_millis(n), 0, vec![0; 100]));
        assert!((8_900..9_100).contains(&wire.flying.len()));
    }
}
