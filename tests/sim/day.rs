//! A day in the life of a connection: mixed traffic both ways while the network goes through every kind of weather. Nothing
//! reliable is ever lost, doubled or out of order.
//!
//! The day has an hour, or as many seconds as `PURERTC_SIM_DAY` says.

use crate::world::{Dice, Link, Setup, World};
use bytes::Bytes;
use purertc::{DataChannelId, DataChannelInit, MessageKind, PeerConnectionState};
use std::collections::BTreeSet;
use std::time::Duration;

const SEED: u64 = 61;
/// How often something is sent.
const TICK: Duration = Duration::from_millis(40);

/// What a channel promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// All, in order.
    All,
    /// All, in any order.
    AllLoose,
    /// Some, in order.
    Some,
    /// Some, in any order.
    SomeLoose,
}

/// One direction of a channel: what was sent, and what has come.
#[derive(Debug)]
struct Flow {
    promise: Promise,
    from: usize,
    sender: DataChannelId,
    receiver: DataChannelId,
    sent: u64,
    /// Numbers that have come; those below `complete` all have.
    come: BTreeSet<u64>,
    complete: u64,
    last: Option<u64>,
}

impl Flow {
    fn content(number: u64, len: usize) -> Bytes {
        let mut content = number.to_be_bytes().to_vec();
        content.extend((0..len).map(|n| (n as u64 * 31 + number) as u8));
        content.into()
    }

    fn send(&mut self, world: &mut World, len: usize) {
        let data = Self::content(self.sent, len);
        let mut channel = world.nodes[self.from].pc.data_channel(self.sender).expect("it is open all day");
        // What finds no room is not sent, and was not promised.
        if channel.send_message(world.now, data, MessageKind::Binary).is_ok() {
            self.sent += 1;
        }
    }

    fn receive(&mut self, world: &mut World) {
        let messages = world.nodes[1 - self.from].messages.remove(&self.receiver).unwrap_or_default();
        for message in messages {
            let (number, rest) = message.data.split_at(8);
            let number = u64::from_be_bytes(number.try_into().expect("eight bytes"));
            assert!(number < self.sent && Self::content(number, rest.len()) == message.data, "{self:?}");
            assert!(number >= self.complete && self.come.insert(number), "twice: {number} of {self:?}");
            match self.promise {
                Promise::All => assert_eq!(number, self.last.map_or(0, |last| last + 1), "{self:?}"),
                Promise::Some => assert!(self.last.is_none_or(|last| number > last), "{number} of {self:?}"),
                Promise::AllLoose | Promise::SomeLoose => (),
            }
            self.last = Some(number);
            while self.come.remove(&self.complete) {
                self.complete += 1;
            }
        }
    }

    fn is_kept(&self) -> bool {
        match self.promise {
            Promise::All | Promise::AllLoose => self.complete == self.sent,
            Promise::Some | Promise::SomeLoose => true,
        }
    }
}

/// The next weather, and how long it stays. Twice in a row the path is not gone: after thirty seconds without an answer consent
/// is over (RFC 7675), and the connection with it.
fn weather(dice: &mut Dice, was_gone: bool) -> (Link, Duration) {
    let delay = 2 + dice.below(80);
    let calm = Link { mtu: 1_472, ..Link::clean(delay) };
    let link = match dice.below(if was_gone { 8 } else { 9 }) {
        0 | 1 => calm,
        2 => Link { loss: 0.03, ..calm },
        3 => Link { loss: 0.25, ..calm },
        4 => Link { jitter: Duration::from_millis(2 * delay), ..calm },
        5 => Link { duplication: 0.3, jitter: Duration::from_millis(5), ..calm },
        6 => Link { corruption: 0.05, ..calm },
        // Large datagrams vanish without a word.
        7 => Link { mtu: 1_200 + dice.below(200) as usize, ..calm },
        // The path is gone for twenty seconds, and comes back as another.
        _ => return (Link { loss: 1.0, ..calm }, Duration::from_secs(20)),
    };
    (link, Duration::from_millis(500 + dice.below(9_000)))
}

fn flows(world: &mut World) -> Vec<Flow> {
    let promises = [Promise::All, Promise::AllLoose, Promise::Some, Promise::SomeLoose, Promise::All];
    let mut flows = Vec::new();
    for (n, promise) in promises.into_iter().enumerate() {
        let loose = matches!(promise, Promise::AllLoose | Promise::SomeLoose);
        let limited = matches!(promise, Promise::Some | Promise::SomeLoose);
        let init = DataChannelInit {
            ordered: !loose,
            max_retransmits: limited.then_some(1),
            negotiated: true,
            id: Some(100 + n as u16),
            ..DataChannelInit::default()
        };
        let [a, b] = [0, 1].map(|node: usize| {
            world.nodes[node].pc.create_data_channel("flow", init.clone()).expect("a channel")
        });
        for (from, sender, receiver) in [(0, a, b), (1, b, a)] {
            let (come, complete, last) = (BTreeSet::new(), 0, None);
            flows.push(Flow { promise, from, sender, receiver, sent: 0, come, complete, last });
        }
    }
    flows
}

#[test]
fn a_day_of_weather_loses_nothing() {
    let seconds = std::env::var("PURERTC_SIM_DAY").ok().and_then(|text| text.parse().ok()).unwrap_or(3_600);
    let setup = Setup::new(SEED, Link::clean(10));
    let (mut world, _) = World::connected(&setup);
    let mut flows = flows(&mut world);
    let mut dice = Dice::new(setup.seed + 1);
    let end = world.now + Duration::from_secs(seconds);
    let mut change = world.now;
    while world.now < end {
        if world.now >= change {
            let (link, time) = weather(&mut dice, world.link.loss >= 1.0);
            world.link = link;
            change = world.now + time;
        }
        let n = dice.below(flows.len() as u64) as usize;
        let len = if dice.chance(0.01) { dice.below(250_000) } else { dice.below(3_000) };
        flows[n].send(&mut world, len as usize);
        world.run(TICK);
        flows.iter_mut().for_each(|flow| flow.receive(&mut world));
    }
    world.link = Link::clean(20);
    for _ in 0..240 {
        world.run(Duration::from_millis(500));
        flows.iter_mut().for_each(|flow| flow.receive(&mut world));
    }
    for node in &world.nodes {
        assert_eq!(node.pc.connection_state(), PeerConnectionState::Connected, "{:?}", node.events);
        let stats = node.pc.sctp_stats();
        assert_eq!((stats.in_flight, stats.unacked_chunks, stats.queued_bytes), (0, 0, 0));
    }
    for flow in &flows {
        assert!(flow.sent > 0 && flow.is_kept(), "{flow:?}");
        assert!(flow.last.is_some(), "nothing came at all: {flow:?}");
    }
}

#[test]
fn a_path_that_shrinks_in_the_middle_of_a_transfer_delays_it_and_no_more() {
    for mtu in [1_200, 1_300, 1_471] {
        let (mut world, id) = World::connected(&Setup::new(SEED, Link { mtu: 1_472, ..Link::clean(10) }));
        let other = world.nodes[1].channel();
        for n in 0..40u64 {
            let mut channel = world.nodes[0].pc.data_channel(id).unwrap();
            channel.send_message(world.now, Flow::content(n, 100_000), MessageKind::Binary).unwrap();
        }
        world.run_until(Duration::from_secs(5), |world| {
            world.nodes[1].messages.get(&other).is_some_and(|messages| messages.len() > 3)
        });
        let before = world.nodes[1].messages.get(&other).map_or(0, Vec::len);
        assert!((1..40).contains(&before), "in the middle: {before}");
        world.link.mtu = mtu;
        world.run_until(Duration::from_secs(60), |world| world.nodes[1].messages[&other].len() == 40);
        let received = world.nodes[1].messages[&other].iter();
        assert!(received.zip(0..).all(|(message, n)| message.data == Flow::content(n, 100_000)));
    }
}
