//! How connections begin and end, and what is told on the way.

use crate::world::{Link, Setup, World};
use purertc::{
    ChannelEvent, DataChannelInit, DataChannelState, DtlsTransportState, Event, IceConnectionState,
    IceGatheringState, IceTransportState, PeerConnectionState, SctpTransportState, SignalingState,
    TransportId,
};
use std::time::Duration;

#[test]
fn events_come_in_w3c_order() {
    let (world, id) = World::connected(&Setup::new(1, Link::clean(10)));
    let offerer = &world.nodes[0].events;
    let expected = [
        Event::NegotiationNeeded,
        Event::SignalingStateChange(SignalingState::HaveLocalOffer),
        Event::IceGatheringStateChange(IceGatheringState::Gathering),
        Event::IceGatheringStateChange(IceGatheringState::Complete),
        Event::SignalingStateChange(SignalingState::Stable),
        Event::IceTransportStateChange(TransportId::FIRST, IceTransportState::Checking),
        Event::IceConnectionStateChange(IceConnectionState::Checking),
        Event::ConnectionStateChange(PeerConnectionState::Connecting),
        Event::IceTransportStateChange(TransportId::FIRST, IceTransportState::Connected),
        Event::IceConnectionStateChange(IceConnectionState::Connected),
        Event::DtlsTransportStateChange(TransportId::FIRST, DtlsTransportState::Connecting),
        Event::DtlsTransportStateChange(TransportId::FIRST, DtlsTransportState::Connected),
        Event::ConnectionStateChange(PeerConnectionState::Connected),
        Event::SctpTransportStateChange(SctpTransportState::Connected),
        Event::Channel(id, ChannelEvent::Open),
    ];
    let mut rest = offerer.iter();
    for wanted in &expected {
        assert!(rest.any(|event| event == wanted), "{wanted:?} is missing or out of order in {offerer:#?}");
    }
    let answerer = &world.nodes[1].events;
    let other = world.nodes[1].channel();
    let at = |wanted: &Event| answerer.iter().position(|event| event == wanted);
    assert!(at(&Event::DataChannel(other)) < at(&Event::Channel(other, ChannelEvent::Open)));
    assert!(at(&Event::SignalingStateChange(SignalingState::HaveRemoteOffer)).is_some());
}

#[test]
fn it_connects_through_every_network_that_lets_something_pass() {
    for seed in 0..30 {
        let loss = 0.01 * seed as f64;
        let link = Link {
            loss,
            jitter: Duration::from_millis(seed * 3),
            duplication: loss,
            ..Link::clean(seed * 4)
        };
        let (world, _) = World::connected(&Setup::new(seed, link));
        assert!(world.nodes.iter().all(|node| node.pc.sctp().is_some()));
    }
}

#[test]
fn the_answerer_may_be_the_one_with_channels() {
    let mut world = World::new(&Setup::new(2, Link::clean(5)));
    world.nodes[0].pc.create_data_channel("from the offerer", DataChannelInit::default()).unwrap();
    let theirs =
        world.nodes[1].pc.create_data_channel("from the answerer", DataChannelInit::default()).unwrap();
    world.negotiate(0);
    world.run_until(Duration::from_secs(10), |world| world.nodes[1].opened(theirs));
    world.run(Duration::from_secs(1));
    let mut labels: Vec<String> = Vec::new();
    for id in world.nodes[0].pc.data_channels().collect::<Vec<_>>() {
        labels.push(world.nodes[0].pc.data_channel(id).unwrap().label().to_owned());
    }
    assert_eq!(labels, ["from the offerer", "from the answerer"]);
}

#[test]
fn a_hundred_channels_open_and_each_keeps_its_own_messages() {
    let (mut world, _) = World::connected(&Setup::new(3, Link::rough()));
    let init = |n: usize| DataChannelInit {
        protocol: format!("p{n}"),
        ordered: n.is_multiple_of(2),
        ..Default::default()
    };
    let ids: Vec<_> =
        (0..100).map(|n| world.nodes[0].pc.create_data_channel(&format!("c{n}"), init(n)).unwrap()).collect();
    world.run_until(Duration::from_secs(30), |world| ids.iter().all(|&id| world.nodes[0].opened(id)));
    ids.iter().enumerate().for_each(|(n, &id)| world.send(0, id, &format!("hello {n}")));
    world.run_until(Duration::from_secs(30), |world| {
        world.nodes[1].messages.values().flatten().count() == 100
    });
    for id in world.nodes[1].messages.keys().copied().collect::<Vec<_>>() {
        let texts = world.nodes[1].texts(id);
        let channel = world.nodes[1].pc.data_channel(id).unwrap();
        let n: usize = channel.label()[1..].parse().unwrap();
        assert_eq!((texts, channel.protocol()), (vec![format!("hello {n}")], format!("p{n}").as_str()));
        assert_eq!(channel.ordered(), n.is_multiple_of(2));
    }
}

#[test]
fn closing_a_channel_delivers_what_was_sent_and_frees_its_stream() {
    let (mut world, id) = World::connected(&Setup::new(4, Link::rough()));
    let other = world.nodes[1].channel();
    let stream = world.nodes[0].pc.data_channel(id).unwrap().id();
    (0..50).for_each(|n| world.send(0, id, &n.to_string()));
    world.nodes[0].pc.data_channel(id).unwrap().close();
    assert_eq!(world.nodes[0].pc.data_channel(id).unwrap().ready_state(), DataChannelState::Closing);
    world.run_until(Duration::from_secs(30), |world| {
        world.nodes[0].closed(id) && world.nodes[1].closed(other)
    });
    assert_eq!(world.nodes[1].texts(other).len(), 50);
    assert!(world.nodes[1].saw(|event| *event == Event::Channel(other, ChannelEvent::Closing)));
    let next = world.nodes[0].pc.create_data_channel("next", DataChannelInit::default()).unwrap();
    world.run_until(Duration::from_secs(10), |world| world.nodes[0].opened(next));
    assert_eq!(world.nodes[0].pc.data_channel(next).unwrap().id(), stream, "the stream is used again");
    world.send(0, next, "fresh");
    world
        .run_until(Duration::from_secs(10), |world| world.nodes[1].messages.values().flatten().count() == 51);
}

#[test]
fn closing_the_connection_is_told_once_and_silently() {
    let (mut world, id) = World::connected(&Setup::new(5, Link::clean(10)));
    let other = world.nodes[1].channel();
    let before = world.nodes[0].events.len();
    let now = world.now;
    world.nodes[0].pc.close(now);
    world.nodes[0].pc.close(now);
    world.run_until(Duration::from_secs(5), |world| world.nodes[1].closed(other));
    assert_eq!(world.nodes[0].events.len(), before, "close has no events on its own side");
    let pc = &mut world.nodes[0].pc;
    assert_eq!(pc.connection_state(), PeerConnectionState::Closed);
    assert_eq!(pc.ice_connection_state(), IceConnectionState::Closed);
    assert_eq!(pc.signaling_state(), SignalingState::Closed);
    assert_eq!(pc.poll_timeout(), None);
    assert!(pc.create_data_channel("late", DataChannelInit::default()).is_err());
    assert!(pc.data_channel(id).is_none_or(|channel| channel.ready_state() == DataChannelState::Closed));
    assert!(world.nodes[1].saw(
        |event| *event == Event::DtlsTransportStateChange(TransportId::FIRST, DtlsTransportState::Closed)
    ));
}

#[test]
fn an_outage_disconnects_and_a_short_one_heals() {
    let (mut world, id) = World::connected(&Setup::new(6, Link::clean(10)));
    world.link.loss = 1.0;
    world.run_until(Duration::from_secs(20), |world| {
        world.nodes[0].pc.connection_state() == PeerConnectionState::Disconnected
    });
    world.send(0, id, "through the dark");
    world.link.loss = 0.0;
    world.run_until(Duration::from_secs(30), |world| {
        world.nodes.iter().all(|node| node.pc.connection_state() == PeerConnectionState::Connected)
    });
    let other = world.nodes[1].channel();
    world.run_until(Duration::from_secs(60), |world| !world.nodes[1].texts(other).is_empty());
}

#[test]
fn renegotiation_and_glare_leave_the_channel_alone() {
    let (mut world, id) = World::connected(&Setup::new(7, Link::clean(10)));
    let now = world.now;
    world.negotiate(1);
    world.negotiate(0);
    // Both offer at once; the second node is the polite one.
    world.nodes[0].pc.set_local_description(now, None).unwrap();
    world.nodes[1].pc.set_local_description(now, None).unwrap();
    let offer = world.nodes[0].pc.local_description().unwrap().clone();
    world.nodes[1].pc.set_remote_description(now, offer).unwrap();
    world.nodes[1].pc.set_local_description(now, None).unwrap();
    let answer = world.nodes[1].pc.local_description().unwrap().clone();
    world.nodes[0].pc.set_remote_description(now, answer).unwrap();
    world.send(0, id, "still here");
    let other = world.nodes[1].channel();
    world.run_until(Duration::from_secs(10), |world| world.nodes[1].texts(other) == ["still here"]);
    assert!(world.nodes.iter().all(|node| node.pc.signaling_state() == SignalingState::Stable));
}

#[test]
fn an_ice_restart_in_the_middle_of_a_transfer_loses_nothing() {
    for restarter in [0, 1] {
        let (mut world, id) = World::connected(&Setup::new(9, Link::rough()));
        let other = world.nodes[1].channel();
        let before = world.nodes.each_ref().map(|node| node.pc.transport().local_credentials().ufrag.clone());
        for n in 0..300 {
            world.send(0, id, &n.to_string());
            if n == 100 {
                let asked = world.nodes[restarter].count(&Event::NegotiationNeeded);
                world.nodes[restarter].pc.restart_ice();
                world.flush();
                assert_eq!(world.nodes[restarter].count(&Event::NegotiationNeeded), asked + 1);
                world.negotiate(restarter);
            }
            world.run(Duration::from_millis(5));
        }
        world.run_until(Duration::from_secs(30), |world| world.nodes[1].texts(other).len() == 300);
        assert_eq!(world.nodes[1].texts(other), (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
        world.run(Duration::from_secs(60));
        for (node, before) in world.nodes.iter().zip(before) {
            assert_ne!(node.pc.transport().local_credentials().ufrag, before);
            assert_eq!(node.pc.connection_state(), PeerConnectionState::Connected);
        }
    }
}

#[test]
fn a_lost_network_is_replaced_by_another_without_negotiation() {
    let (mut world, id) = World::connected(&Setup::new(10, Link::clean(10)));
    let other = world.nodes[1].channel();
    world.add_address(0, "198.51.100.1:5000".parse().unwrap());
    world.run(Duration::from_secs(2));
    world.remove_address(0);
    world.send(0, id, "from elsewhere");
    world.run_until(Duration::from_secs(30), |world| world.nodes[1].texts(other) == ["from elsewhere"]);
    world.send(1, other, "to elsewhere");
    world.run_until(Duration::from_secs(30), |world| world.nodes[0].texts(id) == ["to elsewhere"]);
    assert!(world.nodes.iter().all(|node| node.pc.signaling_state() == SignalingState::Stable));
}

#[test]
fn nothing_is_dropped_without_a_reason_that_the_network_explains() {
    let (mut world, id) = World::connected(&Setup::new(8, Link::clean(10)));
    (0..500).for_each(|n| world.send(0, id, &n.to_string()));
    world.run(Duration::from_secs(60));
    for node in &world.nodes {
        assert_eq!(node.pc.drops().total(), 0, "{:?}", node.pc.drops());
    }
}
