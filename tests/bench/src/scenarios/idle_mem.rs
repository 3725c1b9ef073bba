//! `idle-mem`: what a connected peer keeps on the heap when there is nothing to do.

use std::time::Duration;

use crate::alloc::{counts, track};
use crate::report::{Metric, Report};
use crate::scenarios::{Options, Runner, child, connect_pair};
use crate::stacks::Stack;

const HEAP: Metric = Metric::lower("heap per peer", "B");

const MESSAGES: u64 = 10;
const MESSAGE: [u8; 100] = [0x5a; 100];

/// Virtual time without anything to send before memory is counted.
const IDLE: Duration = Duration::from_secs(5);

pub fn run(options: &Options, runners: &[Runner]) {
    let mut report = Report::new("idle-mem");
    for _ in 0..options.runs {
        for runner in runners {
            let heap: f64 = child::ask(options, runner, "idle");
            report.add("one open channel", HEAP, runner.name, heap);
        }
    }
    report.print(options.json);
}

/// Bytes of heap a peer, the value of the stack itself included, after ten messages and five idle seconds. All peers share
/// a certificate.
pub fn heap_per_peer<S: Stack>(options: &Options) -> f64 {
    let identity = S::identity();
    // What a process allocates once is not a peer's.
    drop(idle_peers::<S>(options, &identity, 0));

    track();
    let before = counts().live;
    let mut peers = Vec::with_capacity(2 * options.pairs as usize);
    for seed in 1..=u64::from(options.pairs) {
        peers.extend(idle_peers::<S>(options, &identity, seed));
    }
    let after = counts().live;
    assert!(peers.iter().all(Stack::is_open), "{}: a channel closed", S::NAME);
    (after - before) as f64 / peers.len() as f64
}

/// A connected pair without the network between them.
fn idle_peers<S: Stack>(options: &Options, identity: &S::Identity, seed: u64) -> [S; 2] {
    let mut pair = connect_pair::<S>(options, Some(identity), seed);
    for sent in 1..=MESSAGES {
        assert!(pair.a.stack.send(pair.now, &MESSAGE), "{}: an idle channel refuses", S::NAME);
        pair.a.drain(pair.now);
        pair.run_until("message", |pair| pair.b.stack.received().messages == sent);
    }
    pair.run_for(IDLE);
    [pair.a.stack, pair.b.stack]
}
