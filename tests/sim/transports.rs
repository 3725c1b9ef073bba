//! Peers that do not bundle: several transports, each with its own ICE and DTLS, really driven.

use crate::world::{Link, Setup, World};
use purertc::{
    BundlePolicy, DtlsTransportState, Event, IceGatheringState, MediaKind, MediaStreamTrack,
    PeerConnectionState, RtpTransceiverInit, SdpType, SendFrame, SessionDescription, StatsOf, StatsSelector,
    TransportId,
};
use std::net::SocketAddr;
use std::time::Duration;

fn without_groups(description: &SessionDescription) -> SessionDescription {
    let lines = description.sdp.split_inclusive('\n').filter(|line| !line.starts_with("a=group"));
    SessionDescription::new(description.kind, lines.collect::<String>())
}

/// Audio, video and data between peers that say nothing of bundles.
fn unbundled(seed: u64, policy: BundlePolicy, link: Link) -> World {
    let mut setup = Setup::new(seed, link);
    setup.configuration.bundle_policy = policy;
    let mut world = World::new(&setup);
    for node in 0..2 {
        for port in 1..4 {
            let address = SocketAddr::new(world.nodes[node].address.ip(), 5_000 + port);
            world.add_address(node, address);
        }
    }
    for kind in [MediaKind::Audio, MediaKind::Video] {
        world.nodes[0].pc.add_transceiver(kind, RtpTransceiverInit::default()).unwrap();
    }
    world.nodes[0].pc.create_data_channel("data", Default::default()).unwrap();
    negotiate_unbundled(&mut world);
    world
}

fn negotiate_unbundled(world: &mut World) {
    let now = world.now;
    let [a, b] = &mut world.nodes;
    a.pc.set_local_description(now, None).unwrap();
    b.pc.set_remote_description(now, without_groups(a.pc.local_description().unwrap())).unwrap();
    b.pc.set_local_description(now, None).unwrap();
    a.pc.set_remote_description(now, b.pc.local_description().unwrap().clone()).unwrap();
}

fn connected(world: &World) -> bool {
    world.nodes.iter().all(|node| node.pc.connection_state() == PeerConnectionState::Connected)
}

/// The transports of audio, video and data.
fn node_transports(world: &mut World) -> [[usize; 3]; 2] {
    world.nodes.each_mut().map(|node| {
        let ids: Vec<_> = node.pc.senders().collect();
        let mut of =
            |at: usize| node.pc.receiver(ids[at].transceiver().receiver()).unwrap().transport().unwrap();
        [of(0).index(), of(1).index(), node.pc.sctp().unwrap().transport.index()]
    })
}

#[test]
fn every_section_has_a_transport_of_its_own() {
    for (policy, link) in [
        (BundlePolicy::MaxCompat, Link::clean(10)),
        (BundlePolicy::MaxCompat, Link::rough()),
        (BundlePolicy::Balanced, Link::clean(10)),
        (BundlePolicy::Balanced, Link::rough()),
    ] {
        let mut world = unbundled(90, policy, link);
        world.run_until(Duration::from_secs(20), connected);
        let id = world.nodes[0].pc.data_channels().next().unwrap();
        world.run_until(Duration::from_secs(20), |world| world.nodes[0].opened(id));
        for node in &world.nodes {
            assert_eq!(node.pc.transports().count(), 3, "{policy}");
            let mut paths = Vec::new();
            for (_, transport) in node.pc.transports() {
                assert_eq!(transport.dtls_state(), DtlsTransportState::Connected);
                paths.push(transport.selected_pair().expect("a pair").path);
            }
            paths.dedup();
            assert_eq!(paths.len(), 3);
            assert_eq!(node.pc.ice_gathering_state(), IceGatheringState::Complete);
            let said = node.count(&Event::IceGatheringStateChange(IceGatheringState::Complete));
            assert!(said == 1 || policy == BundlePolicy::Balanced, "{said}");
            let media: Vec<usize> =
                node.pc.negotiated_media().iter().map(|section| section.transport).collect();
            assert_eq!(media, [0, 1]);
        }
        assert_eq!(node_transports(&mut world), [[0, 1, 2]; 2], "{policy}");
        let report = world.nodes[0].pc.get_stats(world.now, StatsSelector::All).unwrap();
        let described = report.iter().filter(|stats| matches!(stats.of, StatsOf::Transport(_)));
        assert_eq!(described.map(|stats| stats.id.as_str()).collect::<Vec<_>>(), ["T0", "T1", "T2"]);
        world.send(0, id, "over the third");
        world.run(Duration::from_secs(1));
        let channel = world.nodes[1].channel();
        assert_eq!(world.nodes[1].texts(channel), ["over the third"]);
    }
}

/// The default: one transport is offered, and what the peer does not bundle gets others then.
#[test]
fn what_falls_apart_goes_on_apart() {
    let mut world = unbundled(96, BundlePolicy::Balanced, Link::clean(10));
    let offered = world.nodes[0].pc.local_description().unwrap().clone();
    let ufrags = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::to_owned).collect()
    };
    let said = ufrags(&offered.sdp);
    assert!(said.len() == 3 && said.iter().all(|ufrag| *ufrag == said[0]), "{said:?}");
    world.run_until(Duration::from_secs(20), connected);
    assert_eq!(world.nodes[0].ports.len(), 2, "ports of their own");
    let candidates = |world: &World| {
        let text = &world.nodes[0].pc.local_description().unwrap().sdp;
        text.split("\nm=").skip(1).map(|section| section.matches("a=candidate:").count()).collect::<Vec<_>>()
    };
    let mut found = candidates(&world);
    assert_eq!((found.remove(1), found.remove(1)), (1, 1), "each has its own");

    // A restart leaves each with credentials of its own, and data goes on.
    let id = world.nodes[0].pc.data_channels().next().unwrap();
    world.run_until(Duration::from_secs(20), |world| world.nodes[0].opened(id));
    world.nodes[0].pc.restart_ice();
    negotiate_unbundled(&mut world);
    world.run(Duration::from_secs(5));
    assert!(connected(&world));
    let mut said = ufrags(&world.nodes[0].pc.local_description().unwrap().sdp);
    said.sort();
    said.dedup();
    assert_eq!(said.len(), 3);
    world.send(0, id, "after");
    world.run(Duration::from_secs(1));
    let channel = world.nodes[1].channel();
    assert_eq!(world.nodes[1].texts(channel), ["after"]);

    // And a bundle gives the ports back.
    world.negotiate(0);
    world.run(Duration::from_secs(2));
    assert!(connected(&world));
    assert_eq!((world.nodes[0].ports.len(), world.nodes[0].pc.transports().count()), (0, 1));
}

/// Sections beyond the first of their kind are for the bundle alone.
#[test]
fn a_second_picture_is_not_carried_apart() {
    let mut setup = Setup::new(97, Link::clean(10));
    setup.configuration.bundle_policy = BundlePolicy::Balanced;
    let mut world = World::new(&setup);
    for _ in 0..2 {
        world.nodes[0].pc.add_transceiver(MediaKind::Video, RtpTransceiverInit::default()).unwrap();
    }
    world.nodes[0].pc.create_data_channel("data", Default::default()).unwrap();
    negotiate_unbundled(&mut world);
    world.run_until(Duration::from_secs(20), connected);
    for node in &world.nodes {
        assert_eq!((node.pc.negotiated_media().len(), node.pc.transports().count()), (1, 2));
    }
}

#[test]
fn all_restart_together_and_a_bundle_closes_all_but_one() {
    let mut world = unbundled(91, BundlePolicy::MaxCompat, Link::clean(10));
    world.run_until(Duration::from_secs(20), connected);
    let ufrags = |world: &World| -> Vec<String> {
        let transports = world.nodes[0].pc.transports();
        transports.map(|(_, transport)| transport.local_credentials().ufrag.clone()).collect()
    };
    let before = ufrags(&world);
    world.nodes[0].pc.restart_ice();
    negotiate_unbundled(&mut world);
    world.run(Duration::from_secs(5));
    assert!(connected(&world));
    let after = ufrags(&world);
    assert!(before.iter().all(|ufrag| !after.contains(ufrag)));
    assert_eq!(world.nodes[0].count(&Event::NegotiationNeeded), 2);

    // With the group: the data moves to the first transport, and its channel lives on.
    let id = world.nodes[0].pc.data_channels().next().unwrap();
    world.negotiate(0);
    world.run(Duration::from_secs(2));
    assert!(connected(&world));
    for node in &world.nodes {
        assert_eq!(node.pc.transports().count(), 1);
        let closed = |number: usize| {
            let at = node.events.iter().filter(|event| {
                matches!(event, Event::DtlsTransportStateChange(id, DtlsTransportState::Closed) if id.index() == number)
            });
            at.count()
        };
        assert_eq!([closed(0), closed(1), closed(2)], [0, 1, 1]);
        assert_eq!(node.pc.transports().next().unwrap().0, TransportId::FIRST);
    }
    world.send(0, id, "moved");
    world.run(Duration::from_secs(2));
    let channel = world.nodes[1].channel();
    assert_eq!(world.nodes[1].texts(channel), ["moved"]);
}

#[test]
fn offers_that_are_taken_back_or_bundled_leave_one_transport() {
    let mut setup = Setup::new(92, Link::clean(5));
    setup.configuration.bundle_policy = BundlePolicy::MaxCompat;
    let mut world = World::new(&setup);
    for kind in [MediaKind::Audio, MediaKind::Video, MediaKind::Video] {
        world.nodes[0].pc.add_transceiver(kind, RtpTransceiverInit::default()).unwrap();
    }
    let now = world.now;
    world.nodes[0].pc.set_local_description(now, None).unwrap();
    assert_eq!(world.nodes[0].pc.transports().count(), 3);
    world.nodes[0].pc.set_local_description(now, Some(SessionDescription::rollback().into())).unwrap();
    assert_eq!(world.nodes[0].pc.transports().count(), 1);
    world.negotiate(0);
    assert!(world.nodes.iter().all(|node| node.pc.transports().count() == 1));
    world.run_until(Duration::from_secs(5), connected);
    world.nodes[0].pc.close(world.now);
    world.run(Duration::from_secs(1));
    assert_eq!(world.nodes[1].pc.transport().dtls_state(), DtlsTransportState::Closed);
}

#[test]
fn what_was_rejected_may_be_offered_again() {
    let mut world = World::new(&Setup::new(93, Link::clean(5)));
    let id = world.nodes[0].pc.create_data_channel("first", Default::default()).unwrap();
    world.negotiate(0);
    world.run_until(Duration::from_secs(5), |world| world.nodes[0].opened(id));
    // The peer wants no data any more.
    let now = world.now;
    let [a, b] = &mut world.nodes;
    a.pc.restart_ice();
    a.pc.set_local_description(now, None).unwrap();
    let offer = a.pc.local_description().unwrap().clone();
    b.pc.set_remote_description(now, offer).unwrap();
    b.pc.set_local_description(now, None).unwrap();
    let text = b.pc.local_description().unwrap().sdp.clone();
    let text = text.replace("m=application 9 ", "m=application 0 ").replace("a=group:BUNDLE 0\r\n", "");
    a.pc.set_remote_description(now, SessionDescription::new(SdpType::Answer, text)).unwrap();
    assert!(a.pc.sctp().is_none());
    world.run(Duration::from_secs(1));
    assert!(world.nodes[0].closed(id));
    assert_eq!(world.nodes[0].pc.connection_state(), PeerConnectionState::New);
    assert_eq!(world.nodes[1].pc.transport().dtls_state(), DtlsTransportState::Closed);

    // With another peer, from nothing: the same connection offers data again.
    let mut fresh = World::new(&Setup::new(94, Link::clean(5)));
    std::mem::swap(&mut world.nodes[1], &mut fresh.nodes[1]);
    let again = world.nodes[0].pc.create_data_channel("again", Default::default()).unwrap();
    world.negotiate(0);
    world.run_until(Duration::from_secs(5), |world| world.nodes[0].opened(again));
    assert_eq!(world.nodes[0].pc.connection_state(), PeerConnectionState::Connected);
}

#[test]
fn media_flows_where_its_section_is() {
    let mut setup = Setup::new(95, Link::clean(10));
    setup.configuration.bundle_policy = BundlePolicy::MaxCompat;
    let mut world = World::new(&setup);
    for node in 0..2 {
        let address = SocketAddr::new(world.nodes[node].address.ip(), 5_001);
        world.add_address(node, address);
    }
    let tracks = [(MediaKind::Audio, "mic"), (MediaKind::Video, "cam")];
    let senders = tracks.map(|(kind, id)| {
        let track = MediaStreamTrack::new(kind, id);
        world.nodes[0].pc.add_track(track, ["s"]).unwrap()
    });
    negotiate_unbundled(&mut world);
    world.run_until(Duration::from_secs(20), connected);
    for number in 0..50_u32 {
        for sender in senders {
            let data = vec![0, 1, 2, 3, number as u8].into();
            let frame = SendFrame { timestamp: number * 960, data, ..SendFrame::default() };
            world.nodes[0].pc.sender(sender).unwrap().write_frame(&frame).unwrap();
        }
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_secs(1));
    for sender in senders {
        let receiver = sender.transceiver().receiver();
        let came = |event: &&Event| matches!(event, Event::Frame(frame) if frame.receiver == receiver);
        assert_eq!(world.nodes[1].events.iter().filter(came).count(), 50);
    }
    let report = world.nodes[1].pc.get_stats(world.now, StatsSelector::All).unwrap();
    for stats in report.iter() {
        if let StatsOf::Transport(transport) = &stats.of {
            assert!(transport.packets_received >= 50, "{}: {}", stats.id, transport.packets_received);
        }
    }
}
