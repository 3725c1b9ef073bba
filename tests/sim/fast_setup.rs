//! How long it takes until a channel is open at both ends, in one-way flights from the moment when the answer is made, and
//! how many datagrams.

use crate::world::{Link, Setup, World};
use purertc::wire::dtls::codepoints::ProtocolVersion;
use purertc::{ChannelEvent, Configuration, DataChannelInit, Event, KeyAgreement, SctpTransportState};
use std::time::Duration;

const ONE_WAY: Duration = Duration::from_millis(50);

/// What is turned on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct On {
    version: ProtocolVersion,
    keys: KeyAgreement,
    sped: bool,
    snap: bool,
    /// The channel is known to both from the start.
    negotiated: bool,
}

const PLAIN: On = On {
    version: ProtocolVersion::Dtls13,
    keys: KeyAgreement::Elliptic,
    sped: false,
    snap: false,
    negotiated: false,
};

fn configuration(on: On) -> Configuration {
    let mut configuration = Configuration::default();
    configuration.dtls_versions = vec![on.version];
    configuration.key_agreement = on.keys;
    configuration.sped = on.sped;
    configuration.snap = on.snap;
    configuration
}

/// One opening.
#[derive(Debug)]
struct Opening {
    flights: f64,
    time: Duration,
    datagrams: usize,
    world: World,
}

fn open(on: On, loss: f64, seed: u64) -> Opening {
    let link = Link { loss, ..Link::clean(ONE_WAY.as_millis() as u64) };
    let mut setup = Setup::new(seed, link);
    setup.configuration = configuration(on);
    setup.signaling_delay = ONE_WAY;
    let mut world = World::new(&setup);
    let mut init = DataChannelInit::default();
    if on.negotiated {
        (init.negotiated, init.id) = (true, Some(0));
        world.nodes[1].pc.create_data_channel("test", init.clone()).expect("a channel");
    }
    world.nodes[0].pc.create_data_channel("test", init).expect("a channel");
    let now = world.now;
    world.nodes[0].pc.set_local_description(now, None).expect("an offer");
    let offer = world.nodes[0].pc.local_description().expect("the offer").clone();
    world.nodes[1].pc.set_remote_description(now, offer).expect("a good offer");
    world.nodes[1].pc.set_local_description(now, None).expect("an answer");
    let answer = world.nodes[1].pc.local_description().expect("the answer").clone();
    // The answer takes as long as a datagram does.
    world.run(ONE_WAY);
    let arrival = world.now;
    world.nodes[0].pc.set_remote_description(arrival, answer).expect("a good answer");
    let is_open = |event: &Event| matches!(event, Event::Channel(_, ChannelEvent::Open));
    world.flush();
    while !world.nodes.iter().all(|node| node.saw(is_open)) {
        assert!(world.now < now + Duration::from_secs(60), "{on:?} with seed {seed} does not open");
        world.run(Duration::from_millis(1));
        world.flush();
    }
    let time = world.now - now;
    let datagrams = world.nodes.iter().flat_map(|node| node.sent.values()).sum();
    Opening { flights: time.as_secs_f64() / ONE_WAY.as_secs_f64(), time, datagrams, world }
}

#[test]
fn a_channel_opens_within_as_many_flights_as_its_protocols_need() {
    let old = On { version: ProtocolVersion::Dtls12, ..PLAIN };
    let everything = On { sped: true, snap: true, ..PLAIN };
    let cases = [
        // The server of 1.2 is done before the client, so that both begin SCTP with the offerer last.
        (old, 9.0),
        (PLAIN, 8.0),
        (On { keys: KeyAgreement::PostQuantum, ..PLAIN }, 8.0),
        (On { snap: true, ..old }, 6.0),
        (On { snap: true, ..PLAIN }, 6.0),
        (On { sped: true, ..old }, 7.0),
        (On { sped: true, ..PLAIN }, 6.0),
        (everything, 4.0),
        // A share of 1,216 bytes takes two checks, and the second one waits for its turn.
        (On { keys: KeyAgreement::PostQuantum, ..everything }, 6.0),
        (On { negotiated: true, ..everything }, 3.0),
    ];
    let mut worst = Vec::new();
    for (on, most) in cases {
        let opening = open(on, 0.0, 1);
        eprintln!("{on:?}: {:.1} flights, {} datagrams", opening.flights, opening.datagrams);
        assert!(opening.world.nodes.iter().all(|node| node.pc.drops().total() == 0));
        let embedded: u32 =
            opening.world.nodes.iter().map(|node| node.pc.transport().embedded().received).sum();
        assert_eq!(embedded > 0, on.sped);
        if !on.sped && on.keys == KeyAgreement::Elliptic {
            assert!(opening.datagrams <= 12, "{on:?}: {} datagrams", opening.datagrams);
        }
        worst.extend(
            (opening.flights > most + 0.01).then(|| format!("{on:?}: {:.1} flights", opening.flights)),
        );
    }
    assert!(worst.is_empty(), "{worst:#?}");
}

/// Nobody waits for a second where a round trip takes a tenth of one.
#[test]
fn losses_delay_an_opening_by_no_more_than_they_must() {
    let cases = [
        (PLAIN, [1_300, 2_800]),
        (On { snap: true, ..PLAIN }, [900, 2_000]),
        (On { sped: true, snap: true, ..PLAIN }, [600, 1_200]),
    ];
    for (on, most) in cases {
        for (loss, most) in [0.1, 0.25].into_iter().zip(most) {
            let mut times: Vec<_> = (0..100).map(|seed| open(on, loss, seed).time).collect();
            times.sort_unstable();
            eprintln!("{on:?} at {loss}: p50 {:?}, p95 {:?}", times[50], times[95]);
            assert!(times[95] <= Duration::from_millis(most), "{on:?} at {loss}: {:?}", times[95]);
        }
    }
}

#[test]
fn whoever_lacks_something_is_met_where_it_is() {
    let everything = On { sped: true, snap: true, ..PLAIN };
    for poor in [0, 1] {
        let mut rich = Setup::new(1, Link::clean(10));
        rich.configuration = configuration(everything);
        let mut world = World::new(&rich);
        let plain = World::new(&Setup::new(1, Link::clean(10)));
        let [a, b] = plain.nodes;
        world.nodes[poor] = if poor == 0 { a } else { b };
        world.nodes[0].pc.create_data_channel("test", DataChannelInit::default()).expect("a channel");
        world.negotiate(0);
        world.run(Duration::from_secs(2));
        for node in &world.nodes {
            assert_eq!(node.pc.sctp().map(|sctp| sctp.state), Some(SctpTransportState::Connected));
            assert_eq!(node.pc.transport().embedded().received, 0);
        }
    }
}
