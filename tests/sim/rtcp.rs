//! RTCP with a port of its own: gathered, agreed on or given up, restarted and closed, between peers of either policy.

use crate::media::{connect, frames, picture, sound, track, write};
use crate::world::{Link, Setup, World};
use purertc::stats::TransportStats;
use purertc::{
    BundlePolicy, DtlsTransportState, Event, IceComponent, IceGatheringState, MediaKind, PeerConnectionState,
    RtcpMuxPolicy, SdpType, SessionDescription, SetDescriptionError, StatsOf, StatsSelector, TransportId,
};
use std::time::Duration;

const POLICIES: [RtcpMuxPolicy; 2] = [RtcpMuxPolicy::Require, RtcpMuxPolicy::Negotiate];

fn setup(seed: u64, policy: RtcpMuxPolicy) -> Setup {
    let mut setup = Setup::new(seed, Link::clean(10));
    setup.configuration.rtcp_mux_policy = policy;
    setup
}

/// Two nodes of these policies; the first sends a track of each of these kinds.
fn pair(seed: u64, policies: [RtcpMuxPolicy; 2], kinds: &[MediaKind]) -> World {
    let mut world = World::new(&setup(seed, policies[0]));
    let mut other = World::new(&setup(seed, policies[1]));
    std::mem::swap(&mut world.nodes[1], &mut other.nodes[1]);
    for kind in kinds {
        world.nodes[0].pc.add_track(track(*kind, kind.as_str()), ["s"]).unwrap();
    }
    world
}

/// What a peer says that does not multiplex.
fn without_mux(description: &SessionDescription) -> SessionDescription {
    let unwanted = |line: &&str| !line.starts_with("a=rtcp-mux") && !line.starts_with("a=group:BUNDLE");
    let lines = description.sdp.split_inclusive('\n').filter(unwanted);
    SessionDescription::new(description.kind, lines.collect::<String>())
}

/// An exchange in which nobody multiplexes.
fn negotiate_apart(world: &mut World) {
    // Time for ports and candidates.
    let now = world.now;
    world.nodes[0].pc.set_local_description(now, None).unwrap();
    world.flush();
    let offer = without_mux(world.nodes[0].pc.local_description().unwrap());
    world.nodes[1].pc.set_remote_description(now, offer).unwrap();
    world.nodes[1].pc.set_local_description(now, None).unwrap();
    world.flush();
    let answer = world.nodes[1].pc.local_description().unwrap().clone();
    assert!(!answer.sdp.contains("a=rtcp-mux\r\n") && answer.sdp.contains("a=rtcp:9 IN IP4 0.0.0.0\r\n"));
    world.nodes[0].pc.set_remote_description(now, without_mux(&answer)).unwrap();
}

fn transports(world: &World, at: usize) -> Vec<(String, TransportStats)> {
    let report = world.nodes[at].pc.get_stats(world.now, StatsSelector::All).unwrap();
    let found = report.iter().filter_map(|stats| match &stats.of {
        StatsOf::Transport(of) => Some((stats.id.clone(), of.clone())),
        _ => None,
    });
    found.collect()
}

/// Whether a node was told by the other how its streams arrive.
fn hears_reports(world: &World, at: usize) -> usize {
    let report = world.nodes[at].pc.get_stats(world.now, StatsSelector::All).unwrap();
    let heard = report
        .iter()
        .filter(|stats| matches!(&stats.of, StatsOf::RemoteInboundRtp(of) if of.round_trip_time.is_some()));
    heard.count()
}

/// Three seconds of what the first node sends.
fn play(world: &mut World, from: u32) {
    let senders: Vec<_> = world.nodes[0].pc.senders().collect();
    for number in from..from + 150 {
        for sender in &senders {
            let kind = world.nodes[0].pc.transceiver(sender.transceiver()).unwrap().kind();
            let frame = if kind == MediaKind::Video { picture(number, number == 0) } else { sound(number) };
            write(world, 0, *sender, &frame);
        }
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_secs(2));
}

#[test]
fn peers_that_multiplex_need_no_second_port() {
    for offerer in POLICIES {
        for answerer in POLICIES {
            let mut world = pair(400, [offerer, answerer], &[MediaKind::Audio, MediaKind::Video]);
            let now = world.now;
            world.nodes[0].pc.set_local_description(now, None).unwrap();
            world.flush();
            let offer = world.nodes[0].pc.local_description().unwrap().clone();
            let negotiates = offerer == RtcpMuxPolicy::Negotiate;
            assert_eq!(offer.sdp.matches("a=rtcp-mux\r\n").count(), 2);
            assert_eq!(offer.sdp.contains("a=rtcp:9 IN IP4 0.0.0.0\r\n"), negotiates, "{}", offer.sdp);
            let candidates = |component: &str| {
                let lines = offer.sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
                lines.filter(|line| line.split(' ').nth(1) == Some(component)).count()
            };
            assert_eq!((candidates("1"), candidates("2")), (1, usize::from(negotiates)));
            assert_eq!(offer.sdp.matches("a=end-of-candidates").count(), 1);
            assert_eq!(world.nodes[0].ports.len(), usize::from(negotiates));

            world.nodes[1].pc.set_remote_description(now, offer).unwrap();
            world.nodes[1].pc.set_local_description(now, None).unwrap();
            let answer = world.nodes[1].pc.local_description().unwrap().clone();
            world.nodes[0].pc.set_remote_description(now, answer).unwrap();
            connect(&mut world);
            play(&mut world, 0);
            assert_eq!(hears_reports(&world, 0), 2);
            for at in 0..2 {
                let node = &world.nodes[at];
                assert_eq!(node.pc.transports().count(), 1, "{offerer} {answerer}");
                assert_eq!(node.ports.len(), 0, "given up");
                let said = node.count(&Event::IceGatheringStateChange(IceGatheringState::Complete));
                assert_eq!((said, node.pc.ice_gathering_state()), (1, IceGatheringState::Complete));
                assert_eq!(transports(&world, at)[0].1.rtcp_transport_stats_id, None);
            }
            // What was given up is not offered again.
            world.nodes[0].pc.restart_ice();
            world.negotiate(0);
            let again = &world.nodes[0].pc.local_description().unwrap().sdp;
            assert!(again.contains("a=rtcp-mux\r\n") && !again.contains("a=rtcp:"), "{again}");
            world.run(Duration::from_secs(2));
            assert!(world.nodes.iter().all(|node| node.pc.transports().count() == 1));
        }
    }
}

#[test]
fn reports_go_to_a_port_of_their_own() {
    let mut world = pair(401, [RtcpMuxPolicy::Negotiate; 2], &[MediaKind::Audio]);
    negotiate_apart(&mut world);
    connect(&mut world);
    play(&mut world, 0);
    for at in 0..2 {
        let found = transports(&world, at);
        let [(first, rtp), (second, rtcp)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((first.as_str(), second.as_str()), ("T0", "T16"));
        assert_eq!(
            (rtp.rtcp_transport_stats_id.as_deref(), &rtcp.rtcp_transport_stats_id),
            (Some("T16"), &None)
        );
        assert_eq!(rtcp.dtls_state, DtlsTransportState::Connected);
        assert_eq!(rtp.ice_local_username_fragment, rtcp.ice_local_username_fragment);
        assert!(rtcp.packets_sent >= 2 && rtcp.packets_received >= 2, "{rtcp:?}");
        // Nothing but media where media is.
        assert_eq!(rtp.packets_sent, if at == 0 { 150 } else { 0 });
        let node = &mut world.nodes[at];
        let components: Vec<_> = node
            .pc
            .dtls_transports()
            .map(|(id, dtls)| (id.is_rtcp(), dtls.ice_transport().component()))
            .collect();
        assert_eq!(components, [(false, IceComponent::Rtp), (true, IceComponent::Rtcp)]);
        let pairs: Vec<_> = node.pc.transports().map(|(_, t)| t.selected_pair().unwrap().path).collect();
        assert_ne!(pairs[0].local.port(), pairs[1].local.port());
        assert_ne!(pairs[0].remote.port(), pairs[1].remote.port());
        let sender = node.pc.senders().next().unwrap();
        let (carrier, beside) = {
            let sender = node.pc.sender(sender).unwrap();
            (sender.transport(), sender.rtcp_transport())
        };
        assert_eq!(carrier, Some(TransportId::FIRST));
        assert_eq!(beside.map(TransportId::index), Some(16));
    }
    assert_eq!(hears_reports(&world, 0), 1);
    let audio = world.nodes[0].pc.transceivers().next().unwrap();
    assert_eq!(frames(&world, 1, audio).len(), 150);

    // A goodbye takes the same way, and ports are given back.
    world.nodes[0].pc.close(world.now);
    world.run(Duration::from_secs(1));
    assert_eq!(world.nodes[0].ports.len(), 0);
    assert!(world.nodes[1].saw(|event| matches!(event, Event::TrackMute(_))));
}

#[test]
fn each_section_apart_has_two_ports_and_both_restart() {
    let mut world = pair(402, [RtcpMuxPolicy::Negotiate; 2], &[]);
    let mut apart = [0, 1].map(|_| {
        let mut setup = setup(402, RtcpMuxPolicy::Negotiate);
        setup.configuration.bundle_policy = BundlePolicy::MaxCompat;
        World::new(&setup)
    });
    for (at, apart) in apart.iter_mut().enumerate() {
        std::mem::swap(&mut world.nodes[at], &mut apart.nodes[at]);
        let address = (world.nodes[at].address.ip(), 5_001).into();
        world.add_address(at, address);
    }
    for kind in [MediaKind::Audio, MediaKind::Video] {
        world.nodes[0].pc.add_track(track(kind, kind.as_str()), ["s"]).unwrap();
    }
    negotiate_apart(&mut world);
    connect(&mut world);
    play(&mut world, 0);
    let names = |world: &World, at| transports(world, at).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!([names(&world, 0), names(&world, 1)], [["T0", "T1", "T16", "T17"]; 2]);
    assert_eq!(hears_reports(&world, 0), 2);

    let ufrags = |world: &World| -> Vec<String> {
        transports(world, 0).into_iter().map(|(_, of)| of.ice_local_username_fragment).collect()
    };
    let before = ufrags(&world);
    assert_eq!((&before[0], &before[1]), (&before[2], &before[3]));
    world.nodes[0].pc.restart_ice();
    negotiate_apart(&mut world);
    world.run(Duration::from_secs(3));
    let after = ufrags(&world);
    assert_eq!((&after[0], &after[1]), (&after[2], &after[3]));
    assert!(after.iter().all(|ufrag| !before.contains(ufrag)));
    let count = |world: &World| -> u64 {
        transports(world, 1).iter().filter(|(id, _)| id.len() == 3).map(|(_, of)| of.packets_received).sum()
    };
    let reports = count(&world);
    play(&mut world, 150);
    assert!(count(&world) > reports, "reports go on");
    assert!(world.nodes.iter().all(|node| node.pc.connection_state() == PeerConnectionState::Connected));
    assert_eq!(world.nodes[0].ports.len(), 2);
}

#[test]
fn one_that_fails_is_a_failure_of_the_whole() {
    let mut world = pair(403, [RtcpMuxPolicy::Negotiate; 2], &[MediaKind::Audio]);
    negotiate_apart(&mut world);
    connect(&mut world);
    // Where its reports go, nothing arrives any more.
    world.deaf = Some(world.nodes[1].ports[0].1);
    world.run_until(Duration::from_secs(60), |world| {
        world.nodes[0].pc.connection_state() == PeerConnectionState::Failed
    });
    let failed = |id: TransportId| {
        world.nodes[0].pc.transports().any(|(known, t)| known == id && t.ice_state().to_string() == "failed")
    };
    assert!(!failed(TransportId::FIRST));
}

#[test]
fn what_is_taken_back_or_may_not_be_leaves_no_port() {
    let mut world = pair(404, [RtcpMuxPolicy::Negotiate, RtcpMuxPolicy::Require], &[MediaKind::Audio]);
    let now = world.now;
    world.nodes[0].pc.set_local_description(now, None).unwrap();
    world.flush();
    assert_eq!((world.nodes[0].ports.len(), world.nodes[0].pc.transports().count()), (1, 2));
    let offer = without_mux(world.nodes[0].pc.local_description().unwrap());
    let refused = world.nodes[1].pc.set_remote_description(now, offer).unwrap_err();
    assert_eq!(refused, SetDescriptionError::NoRtcpMux { section: 0 });
    world.nodes[0].pc.set_local_description(now, Some(SessionDescription::rollback().into())).unwrap();
    world.flush();
    assert_eq!((world.nodes[0].ports.len(), world.nodes[0].pc.transports().count()), (0, 1));

    // Offered again, it is gathered for again, and what was gathered before is not said.
    world.nodes[0].pc.set_local_description(now, None).unwrap();
    world.flush();
    let offer = world.nodes[0].pc.local_description().unwrap().clone();
    let own = offer.sdp.lines().filter(|line| line.starts_with("a=candidate:") && line.contains(" 2 udp"));
    assert_eq!(own.count(), 1, "{}", offer.sdp);

    // An answer cannot multiplex what was not offered so, nor media that share a transport go without.
    world.nodes[1].pc.set_remote_description(now, offer).unwrap();
    world.nodes[1].pc.set_local_description(now, None).unwrap();
    let answer = world.nodes[1].pc.local_description().unwrap().clone();
    let mut apart = pair(405, [RtcpMuxPolicy::Negotiate; 2], &[MediaKind::Audio]);
    negotiate_apart(&mut apart);
    apart.nodes[0].pc.set_local_description(now, None).unwrap();
    let mut text = apart.nodes[1].pc.local_description().unwrap().sdp.clone();
    text = text.replace("a=rtcp:9 IN IP4 0.0.0.0\r\n", "a=rtcp-mux\r\n");
    let muxed = SessionDescription::new(SdpType::Answer, text);
    let refused = apart.nodes[0].pc.set_remote_description(now, muxed).unwrap_err();
    assert!(matches!(refused, SetDescriptionError::Invalid(_)), "{refused}");

    // A driver that opens no ports serves peers that multiplex.
    world.nodes[0].pc.set_remote_description(now, answer).unwrap();
    connect(&mut world);
    let mut both = pair(406, [RtcpMuxPolicy::Negotiate; 2], &[MediaKind::Audio, MediaKind::Video]);
    let now = both.now;
    both.nodes[0].pc.set_local_description(now, None).unwrap();
    let offer = both.nodes[0].pc.local_description().unwrap();
    let text = offer.sdp.replace("a=rtcp-mux\r\n", "");
    let bundled = SessionDescription::new(SdpType::Offer, text);
    let refused = both.nodes[1].pc.set_remote_description(now, bundled).unwrap_err();
    assert_eq!(refused, SetDescriptionError::NoRtcpMux { section: 0 });
}
