//! Rows of the list of attacks that are stopped between the machines, each named after its row.

use crate::world::{Dice, Link, Setup, World};
use purertc::{
    ChannelEvent, DropReason, DtlsTransportState, Event, IceTransportState, PeerConnectionState,
    SctpTransportState, SessionDescription,
};
use std::net::SocketAddr;
use std::time::Duration;

const STRANGER: &str = "203.0.113.66:6666";

fn stranger() -> SocketAddr {
    STRANGER.parse().unwrap()
}

/// The head of a ClientHello record, which is enough for anything that would look at it.
fn client_hello() -> Vec<u8> {
    let mut record = vec![22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 1, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48];
    record.resize(13 + 60, 0x41);
    record
}

#[test]
fn attack_01_a_client_hello_from_an_unvalidated_source_changes_nothing() {
    let (mut world, id) = World::negotiated(&Setup::new(1, Link::clean(10)));
    // Before, during and after the handshake, to both sides.
    for _ in 0..300 {
        world.inject(0, stranger(), &client_hello());
        world.inject(1, stranger(), &client_hello());
        world.run(Duration::from_millis(5));
    }
    assert!(world.nodes[0].opened(id));
    for node in &world.nodes {
        assert_eq!(node.pc.drops().of(DropReason::UnvalidatedSource), 300);
        assert_eq!(node.pc.drops().total(), 300, "{:?}", node.pc.drops());
        assert_eq!(node.pc.connection_state(), PeerConnectionState::Connected);
    }
}

#[test]
fn attack_02_dtls_waits_for_ice() {
    let (mut world, _) = World::negotiated(&Setup::new(2, Link { loss: 1.0, ..Link::clean(10) }));
    world.run(Duration::from_secs(20));
    for node in &world.nodes {
        assert!(node.sent.keys().all(|&first| first <= 3), "only STUN before a path works: {:?}", node.sent);
        assert_eq!(node.pc.transport().dtls_state(), DtlsTransportState::New);
    }
}

#[test]
fn attack_03_sctp_waits_for_dtls() {
    let (mut world, id) = World::negotiated(&Setup::new(3, Link::clean(10)));
    while world.nodes[0].pc.transport().dtls_state() != DtlsTransportState::Connected {
        assert_eq!(world.nodes[0].pc.sctp().unwrap().state, SctpTransportState::Connecting);
        assert!(!world.nodes[0].opened(id));
        // A bare SCTP packet is nobody's protocol, and one in a forged record has no key.
        world.inject(0, stranger(), &[0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20]);
        world.inject(0, world.nodes[1].address, &[23, 254, 253, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]);
        world.run(Duration::from_millis(1));
    }
    world.run_until(Duration::from_secs(5), |world| world.nodes[0].opened(id));
}

#[test]
fn attack_06_the_path_moves_by_ice_alone() {
    let (mut world, id) = World::connected(&Setup::new(6, Link::clean(10)));
    let other = world.nodes[1].channel();
    for first in [0u8, 22, 23, 64, 128, 200] {
        world.inject(1, stranger(), &[first; 64]);
    }
    world.send(1, other, "to whom it concerns");
    world.run(Duration::from_secs(2));
    let selected = world.nodes[1].pc.transport().selected_pair().expect("a pair");
    assert_eq!(selected.path.remote, world.nodes[0].address);
    assert_eq!(world.nodes[0].texts(id), ["to whom it concerns"]);
}

fn with_wrong_fingerprint(description: &SessionDescription) -> SessionDescription {
    let at = description.sdp.find("a=fingerprint:sha-256 ").expect("a fingerprint")
        + "a=fingerprint:sha-256 ".len();
    let mut sdp = description.sdp.clone();
    let digit = if &sdp[at..=at] == "0" { "1" } else { "0" };
    sdp.replace_range(at..=at, digit);
    SessionDescription::new(description.kind, sdp)
}

fn deceived(seed: u64, deceive_offerer: bool) -> World {
    let mut world = World::new(&Setup::new(seed, Link::clean(10)));
    let id = world.nodes[0].pc.create_data_channel("test", Default::default()).unwrap();
    let now = world.now;
    world.nodes[0].pc.set_local_description(now, None).unwrap();
    let offer = world.nodes[0].pc.local_description().unwrap().clone();
    let offer = if deceive_offerer { offer } else { with_wrong_fingerprint(&offer) };
    world.nodes[1].pc.set_remote_description(now, offer).unwrap();
    world.nodes[1].pc.set_local_description(now, None).unwrap();
    let answer = world.nodes[1].pc.local_description().unwrap().clone();
    let answer = if deceive_offerer { with_wrong_fingerprint(&answer) } else { answer };
    world.nodes[0].pc.set_remote_description(now, answer).unwrap();
    let _ = id;
    world.run(Duration::from_secs(30));
    world
}

#[test]
fn attack_07_a_wrong_fingerprint_ends_in_failed_with_the_reason() {
    for (seed, deceived_node) in [(71, 0), (72, 1)] {
        let world = deceived(seed, deceived_node == 0);
        let node = &world.nodes[deceived_node];
        assert_eq!(node.pc.connection_state(), PeerConnectionState::Failed, "{:?}", node.events);
        let told = node.events.iter().find_map(|event| match event {
            Event::DtlsTransportError(_, failure) => Some(failure.message.clone()),
            _ => None,
        });
        assert!(told.expect("the reason").contains("fingerprint"));
    }
}

#[test]
fn attack_08_not_one_byte_passes_an_unverified_peer() {
    for (seed, deceived_offerer) in [(81, true), (82, false)] {
        let mut world = deceived(seed, deceived_offerer);
        for index in 0..2 {
            let deceived_node = usize::from(!deceived_offerer);
            let node = &mut world.nodes[index];
            assert!(node.messages.is_empty());
            assert!(
                !node.saw(|event| matches!(
                    event,
                    Event::Channel(_, ChannelEvent::Open) | Event::DataChannel(_)
                ))
            );
            if index == deceived_node {
                assert!(node.pc.transport().send_path().is_none(), "nothing can be sealed");
            }
        }
    }
}

#[test]
fn attack_43_garbage_from_anywhere_stops_nothing() {
    let (mut world, id) = World::connected(&Setup::new(43, Link::clean(5)));
    let mut dice = Dice::new(43);
    let peer = world.nodes[0].address;
    for n in 0..5_000 {
        let len = dice.below(120) as usize;
        let mut bytes: Vec<u8> = (0..len).map(|_| dice.roll() as u8).collect();
        if let Some(first) = bytes.first_mut() {
            *first = [0, 1, 20, 21, 22, 23, 25, 26, 44, 63, 64, 128, 200, 255][dice.below(14) as usize];
        }
        let from = if n % 2 == 0 { peer } else { stranger() };
        world.inject(1, from, &bytes);
        if n % 50 == 0 {
            world.run(Duration::from_millis(1));
        }
    }
    world.send(0, id, "unharmed");
    let other = world.nodes[1].channel();
    world.run_until(Duration::from_secs(5), |world| world.nodes[1].texts(other) == ["unharmed"]);
    assert!(world.nodes[1].pc.drops().total() >= 4_900, "{:?}", world.nodes[1].pc.drops());
}

#[test]
fn attack_44_without_consent_nothing_but_stun_is_sent() {
    let (mut world, id) = World::connected(&Setup::new(44, Link::clean(10)));
    for _ in 0..200 {
        let data = vec![0; 50_000];
        world.nodes[0].pc.data_channel(id).unwrap().send(world.now, data).unwrap();
    }
    world.link.loss = 1.0;
    world.run(Duration::from_secs(31));
    let data = |world: &World| {
        world.nodes[0].sent.iter().filter(|(first, _)| **first > 3).map(|(_, n)| n).sum::<usize>()
    };
    let when_lost = data(&world);
    world.run(Duration::from_secs(120));
    assert_eq!(data(&world), when_lost, "data went out after consent had ended");
    assert!(world.nodes[0].pc.transport().send_path().is_none());
    assert!(matches!(
        world.nodes[0].pc.transport().ice_state(),
        IceTransportState::Failed | IceTransportState::Disconnected
    ));
}
