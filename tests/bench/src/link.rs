//! The virtual network: two stacks, a link each way, one clock that jumps from event to event.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Time;
use crate::stacks::Stack;

/// A stack that asks again for a moment that is already here gets it this much later.
const AGAIN: Duration = Duration::from_micros(100);

/// One direction: datagrams arrive in order, `delay` after they were sent, but for those that are lost.
pub struct Link<D> {
    delay: Duration,
    /// The share of datagrams that is lost.
    pub loss: f64,
    /// What decides which.
    pub dice: u64,
    queue: VecDeque<(Time, D)>,
    /// What was sent, where that is asked for.
    pub log: Option<Vec<Sent>>,
    /// Datagrams sent so far.
    pub datagrams: u64,
    /// Their bytes, without the headers of UDP and IP.
    pub bytes: u64,
}

/// A datagram that was sent.
pub struct Sent {
    pub at: Time,
    pub size: usize,
    pub what: &'static str,
    pub lost: bool,
}

/// What a datagram is, as far as that is to be seen.
fn what(datagram: &[u8]) -> &'static str {
    // RFC 7983; the types of DTLS that say something, and those of records that do not.
    match datagram {
        [0, 1, ..] => "check",
        [1, ..] => "answer to a check",
        [22 | 20, ..] => "handshake",
        [0x2c..=0x2e, ..] => "sealed handshake",
        [23 | 0x2f, ..] => "sealed",
        _ => "other",
    }
}

impl<D: AsRef<[u8]>> Link<D> {
    fn new(delay: Duration) -> Self {
        Self { delay, loss: 0.0, dice: 0, queue: VecDeque::new(), log: None, datagrams: 0, bytes: 0 }
    }

    /// Puts a datagram on the wire.
    pub fn push(&mut self, now: Time, datagram: D) {
        self.datagrams += 1;
        self.bytes += datagram.as_ref().len() as u64;
        let lost = self.loss > 0.0 && self.roll() < self.loss;
        if let Some(log) = &mut self.log {
            log.push(Sent { at: now, size: datagram.as_ref().len(), what: what(datagram.as_ref()), lost });
        }
        if lost {
            return;
        }
        self.queue.push_back((now + self.delay, datagram));
    }

    /// A number from 0 to 1 (SplitMix64).
    fn roll(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next_arrival(&self) -> Option<Time> {
        self.queue.front().map(|(at, _)| *at)
    }

    /// Moves up to `limit` datagrams that have arrived to `into`.
    pub fn take_arrived(&mut self, now: Time, limit: usize, into: &mut Vec<D>) {
        while into.len() < limit && self.next_arrival().is_some_and(|at| at <= now) {
            into.extend(self.queue.pop_front().map(|(_, datagram)| datagram));
        }
    }
}

/// A stack, its next deadline and the link on which it sends.
pub struct End<S: Stack> {
    pub stack: S,
    pub out: Link<S::Datagram>,
    deadline: Option<Time>,
}

impl<S: Stack> End<S> {
    /// A stack that wants to be called at once, on a link with `delay`.
    pub fn new(stack: S, delay: Duration) -> Self {
        Self { stack, out: Link::new(delay), deadline: Some(Time::ZERO) }
    }

    /// Lets the stack say all that it has to say.
    pub fn drain(&mut self, now: Time) {
        self.deadline = self.stack.drain(now, &mut self.out);
    }

    /// When the stack wants to be called.
    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Calls the stack if its deadline has come. Whether it had.
    pub fn fire(&mut self, now: Time) -> bool {
        let due = self.deadline.is_some_and(|at| at <= now);
        if due {
            self.stack.timeout(now);
            self.drain(now);
            if self.deadline.is_some_and(|at| at <= now) {
                self.deadline = Some(now + AGAIN);
            }
        }
        due
    }
}

/// Two ends on one thread: `a` offers, `b` answers.
pub struct Pair<S: Stack> {
    pub a: End<S>,
    pub b: End<S>,
    pub now: Time,
    batch: usize,
    tick: Duration,
    arrived: Vec<S::Datagram>,
}

impl<S: Stack> Pair<S> {
    /// Both ends `delay` apart. A receiver takes up to `batch` datagrams at once if they are there.
    pub fn new(a: S, b: S, delay: Duration, batch: usize) -> Self {
        let (a, b) = (End::new(a, delay), End::new(b, delay));
        Self { a, b, now: Time::ZERO, batch, tick: Duration::ZERO, arrived: Vec::new() }
    }

    /// From now on there is no delay, and each exchange takes `tick` of virtual time.
    pub fn without_delay(&mut self, tick: Duration) {
        self.a.out.delay = Duration::ZERO;
        self.b.out.delay = Duration::ZERO;
        self.tick = tick;
    }

    /// When something happens next.
    pub fn next_event(&self) -> Option<Time> {
        [self.a.out.next_arrival(), self.b.out.next_arrival(), self.a.deadline, self.b.deadline]
            .into_iter()
            .flatten()
            .min()
    }

    /// Goes to the next event and handles what is due. False when nothing is left to happen.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.next_event() else { return false };
        self.now = self.now.max(next);
        deliver(&mut self.a, &mut self.b, self.now, self.batch, &mut self.arrived);
        deliver(&mut self.b, &mut self.a, self.now, self.batch, &mut self.arrived);
        self.a.fire(self.now);
        self.b.fire(self.now);
        self.now += self.tick;
        true
    }

    /// Lets `span` of virtual time pass.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while self.next_event().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Runs until `done`, which must come within a minute of virtual time.
    pub fn run_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let limit = self.now + Duration::from_secs(60);
        while !done(self) {
            let moved = self.step();
            assert!(moved && self.now < limit, "{}: no {what} after {:?}", S::NAME, self.now);
        }
    }

    /// Runs until the channel is open at both ends.
    pub fn run_until_open(&mut self) {
        self.a.drain(self.now);
        self.b.drain(self.now);
        self.run_until("open channel", |pair| pair.a.stack.is_open() && pair.b.stack.is_open());
    }

    /// Datagrams and bytes that both ends have sent.
    pub fn sent(&self) -> (u64, u64) {
        (self.a.out.datagrams + self.b.out.datagrams, self.a.out.bytes + self.b.out.bytes)
    }
}

fn deliver<S: Stack>(
    from: &mut End<S>,
    to: &mut End<S>,
    now: Time,
    batch: usize,
    arrived: &mut Vec<S::Datagram>,
) {
    loop {
        from.out.take_arrived(now, batch, arrived);
        if arrived.is_empty() {
            return;
        }
        to.stack.receive(now, arrived);
        arrived.clear();
        to.drain(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Link;

    #[test]
    fn datagrams_arrive_in_order_when_their_time_has_come() {
        let ms = Duration::from_millis;
        let mut link = Link::new(ms(50));
        link.push(ms(0), b"first");
        link.push(ms(0), b"other");
        link.push(ms(1), b"third");
        let mut arrived = Vec::new();
        link.take_arrived(ms(49), 8, &mut arrived);
        assert!(arrived.is_empty());
        link.take_arrived(ms(50), 1, &mut arrived);
        assert_eq!(arrived, [b"first"]);
        arrived.clear();
        link.take_arrived(ms(50), 8, &mut arrived);
        assert_eq!(arrived, [b"other"]);
        assert_eq!(link.next_arrival(), Some(ms(51)));
        assert_eq!((link.datagrams, link.bytes), (3, 15));
    }
}
