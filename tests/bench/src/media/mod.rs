//! Audio and video: every stack behind one trait, as an application that forwards packets drives it. Nothing is encoded.
//!
//! As with data, both ends live on one thread and a virtual clock, and each does what an application of that stack would
//! do. Datagrams are handed over in batches, as those of one frame come.

pub mod purertc;
pub mod rtc;
pub mod str0m;

use bytes::Bytes;
use std::time::Duration;

use crate::clock::Time;

/// Bytes of a payload: with a header and a few extensions about 1,100 bytes a packet.
pub const PAYLOAD: usize = 1_080;

/// One end of a connection that sends video in some sections, or receives it, as packets.
pub trait Media: Sized {
    const NAME: &'static str;
    /// A datagram in the type in which the stack gives it out.
    type Wire: AsRef<[u8]>;
    /// What connections can share, made once.
    type Identity;

    fn identity() -> Self::Identity;

    /// Two ends that know each other's descriptions: the first sends in so many sections, the second receives them as packets.
    fn introduced(identity: &Self::Identity, sections: usize, seed: u64) -> (Self, Self);

    /// Whether media can flow.
    fn is_up(&self) -> bool;

    /// What is left to set once it can.
    fn set_up(&mut self);

    /// Sends a packet in this section, up to sealed datagrams, which wait. The payload is shared.
    fn send(&mut self, now: Time, section: usize, number: u64, payload: &Bytes);

    /// What was sent may leave now: for stacks that seal when they are asked.
    fn flush(&mut self, now: Time);

    /// Moves the datagrams that wait to `out`.
    fn collect(&mut self, out: &mut Vec<Self::Wire>);

    /// Hands what waits to `send`: bytes, and the size of each datagram in them but the last.
    fn transmit(&mut self, send: impl FnMut(&[u8], usize));

    /// Takes datagrams that came together; how many packets of media were in them.
    fn receive(&mut self, now: Time, batch: &mut Vec<Self::Wire>) -> usize;

    /// Takes datagrams that came together, and sends the packets of media in them to each of `to`; how many there were.
    fn forward(&mut self, now: Time, batch: &mut Vec<Self::Wire>, to: &mut [Self]) -> usize;

    /// When `timeout` is due.
    fn deadline(&mut self) -> Option<Time>;

    /// Does what is due; what comes of it waits, too.
    fn timeout(&mut self, now: Time);
}

/// A connection, and what is under way on it.
pub struct Path<M: Media> {
    pub from: M,
    pub to: M,
    there: Vec<M::Wire>,
    back: Vec<M::Wire>,
}

impl<M: Media> Path<M> {
    /// Connected, at `now`, which moves on until it is.
    pub fn connected(identity: &M::Identity, sections: usize, seed: u64, now: &mut Time) -> Self {
        let (from, to) = M::introduced(identity, sections, seed);
        let mut path = Self { from, to, there: Vec::new(), back: Vec::new() };
        let limit = *now + Duration::from_secs(10);
        while !(path.from.is_up() && path.to.is_up()) {
            assert!(*now < limit, "{}: no connection", M::NAME);
            path.exchange(*now);
            *now += Duration::from_millis(5);
        }
        path.from.set_up();
        path.to.set_up();
        path
    }

    /// Does what is due at both ends and takes what that makes to the other one.
    pub fn exchange(&mut self, now: Time) {
        if self.from.deadline().is_some_and(|at| at <= now) {
            self.from.timeout(now);
        }
        if self.to.deadline().is_some_and(|at| at <= now) {
            self.to.timeout(now);
        }
        self.from.flush(now);
        self.from.collect(&mut self.there);
        self.to.receive(now, &mut self.there);
        self.to.flush(now);
        self.to.collect(&mut self.back);
        self.from.receive(now, &mut self.back);
    }
}
