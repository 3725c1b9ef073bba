//! The same seed gives the same bytes.

use crate::world::{Link, Setup, World};
use std::time::Duration;

fn trace(seed: u64) -> (u64, String) {
    let (mut world, id) = World::connected(&Setup::new(seed, Link::rough()));
    for n in 0..200 {
        world.send(0, id, &format!("message {n}"));
        world.run(Duration::from_millis(7));
    }
    world.run(Duration::from_secs(40));
    let events = format!("{:?}", world.nodes.each_ref().map(|node| (&node.events, &node.messages)));
    (world.trace, events)
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_events() {
    let (first, again, other) = (trace(7), trace(7), trace(8));
    assert_eq!(first.0, again.0, "the bytes on the wire differ");
    assert_eq!(first.1, again.1, "the events differ");
    if std::env::var("PURERTC_SIM_SEED").is_err() {
        assert_ne!(first.0, other.0, "another seed gave the same bytes: the trace sees nothing");
    }
}
