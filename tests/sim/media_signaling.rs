//! Audio and video beside data, as an application of the whole connection sees them: events in the order of W3C, handles,
//! statistics, the configuration.

use crate::world::{Link, Setup, World};
use purertc::{
    BundlePolicy, DataChannelInit, ErrorKind, Event, IceServer, MediaKind, MediaStreamTrack, OfferOptions,
    PeerConnectionState, RtpTransceiverDirection, RtpTransceiverInit, SignalingState, StatsOf, StatsSelector,
};
use std::time::Duration;

/// A short name of each event that has to do with negotiation.
fn names(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| {
        Some(match event {
            Event::NegotiationNeeded => "negotiationneeded".to_owned(),
            Event::SignalingStateChange(state) => state.to_string(),
            Event::Track(track) => format!("track {}", track.track.kind),
            Event::TrackMute(_) => "mute".to_owned(),
            Event::TrackEnded(_) => "ended".to_owned(),
            Event::AddStream(stream) => format!("addstream {stream}"),
            Event::RemoveStream(stream) => format!("removestream {stream}"),
            Event::StreamAddTrack(stream, _) => format!("addtrack {stream}"),
            Event::StreamRemoveTrack(stream, _) => format!("removetrack {stream}"),
            _ => return None,
        })
    };
    events.iter().filter_map(name).collect()
}

fn track(kind: MediaKind, id: &str) -> MediaStreamTrack {
    MediaStreamTrack::new(kind, id)
}

#[test]
fn the_golden_sequences_of_tracks() {
    let mut world = World::new(&Setup::new(60, Link::clean(5)));
    let [a, b] = &mut world.nodes;
    a.pc.add_track(track(MediaKind::Audio, "mic"), ["s"]).unwrap();
    let video = a.pc.add_track(track(MediaKind::Video, "cam"), ["s"]).unwrap();
    a.pc.create_data_channel("data", DataChannelInit::default()).unwrap();
    b.pc.add_track(track(MediaKind::Audio, "reply"), ["t"]).unwrap();
    world.negotiate(0);
    world.run(Duration::from_secs(2));
    let offerer = ["negotiationneeded", "have-local-offer", "stable", "addstream t", "track audio"];
    assert_eq!(names(&world.nodes[0].events), offerer);
    let answerer =
        ["negotiationneeded", "have-remote-offer", "addstream s", "track audio", "track video", "stable"];
    assert_eq!(names(&world.nodes[1].events), answerer);
    assert!(world.nodes.iter().all(|node| node.pc.connection_state() == PeerConnectionState::Connected));

    // The peer stops sending one of two, and then ends it.
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.nodes[0].pc.remove_track(video).unwrap();
    world.negotiate(0);
    world.run(Duration::from_secs(1));
    assert_eq!(names(&world.nodes[0].events), ["negotiationneeded", "have-local-offer", "stable"]);
    assert_eq!(names(&world.nodes[1].events), ["have-remote-offer", "mute", "removetrack s", "stable"]);
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.nodes[1].pc.transceiver(video.transceiver()).unwrap().stop().unwrap();
    world.negotiate(1);
    world.run(Duration::from_secs(1));
    assert_eq!(names(&world.nodes[1].events), ["ended", "negotiationneeded", "have-local-offer", "stable"]);
    assert_eq!(names(&world.nodes[0].events), ["have-remote-offer", "ended", "stable"]);
    assert!(world.nodes.iter_mut().all(|node| node.pc.transceiver(video.transceiver()).is_none()));
    assert_eq!(world.nodes[0].pc.transceivers().count(), 1);
}

#[test]
fn a_connection_of_media_alone_connects() {
    for &policy in BundlePolicy::ALL {
        let mut setup = Setup::new(61, Link::clean(5));
        setup.configuration.bundle_policy = policy;
        let mut world = World::new(&setup);
        for kind in [MediaKind::Audio, MediaKind::Video, MediaKind::Video] {
            world.nodes[0].pc.add_transceiver(kind, RtpTransceiverInit::default()).unwrap();
        }
        world.negotiate(0);
        world.run(Duration::from_secs(2));
        for node in &mut world.nodes {
            assert_eq!(node.pc.connection_state(), PeerConnectionState::Connected, "{policy}");
            assert_eq!(node.pc.negotiated_media().len(), 3);
            assert!(node.pc.sctp().is_none());
        }
        // Data can join them.
        world.nodes[1].pc.create_data_channel("late", DataChannelInit::default()).unwrap();
        world.negotiate(1);
        world.run(Duration::from_secs(2));
        assert!(world.nodes.iter().all(|node| node.pc.data_channels().count() == 1), "{policy}");
    }
}

#[test]
fn handles_tell_what_was_negotiated() {
    let mut world = World::new(&Setup::new(62, Link::clean(5)));
    let pc = &mut world.nodes[0].pc;
    let id = pc.add_transceiver(track(MediaKind::Video, "cam"), RtpTransceiverInit::default()).unwrap();
    let mut transceiver = pc.transceiver(id).unwrap();
    assert_eq!((transceiver.mid(), transceiver.current_direction()), (None, None));
    transceiver.set_direction(RtpTransceiverDirection::SendOnly).unwrap();
    assert!(pc.sender(id.sender()).unwrap().get_parameters().codecs.is_empty());
    assert!(pc.dtls_transport().is_none());
    world.negotiate(0);
    world.run(Duration::from_secs(2));
    let pc = &mut world.nodes[0].pc;
    let transceiver = pc.transceiver(id).unwrap();
    assert_eq!(transceiver.mid(), Some("0"));
    assert_eq!(transceiver.current_direction(), Some(RtpTransceiverDirection::SendOnly));
    let mut sender = pc.sender(id.sender()).unwrap();
    assert_eq!(sender.track().map(|track| track.id.as_str()), Some("cam"));
    let mut parameters = sender.get_parameters();
    assert_eq!(parameters.codecs[0].codec.mime_type, "video/VP8");
    parameters.encodings[0].active = false;
    sender.set_parameters(parameters).unwrap();
    sender.replace_track(None).unwrap();
    assert!(pc.receiver(id.receiver()).unwrap().get_parameters().codecs.is_empty());
    let dtls = pc.dtls_transport().unwrap();
    assert_eq!(dtls.remote_certificates().len(), 1);
    let ice = dtls.ice_transport();
    let pair = ice.selected_candidate_pair().unwrap();
    assert!(ice.local_candidates().any(|candidate| candidate == pair.local));
    assert_eq!(
        ice.remote_parameters().map(|remote| remote.ufrag.len()),
        Some(ice.local_parameters().ufrag.len())
    );
}

#[test]
fn statistics_agree_with_what_happened() {
    let (mut world, id) = World::connected(&Setup::new(63, Link::clean(10)));
    let before = world.nodes[0].pc.get_stats(world.now, StatsSelector::All).unwrap();
    world.send(0, id, "hello");
    world.run(Duration::from_secs(1));
    let pc = &world.nodes[0].pc;
    let report = pc.get_stats(world.now, StatsSelector::All).unwrap();
    let find = |wanted: &dyn Fn(&StatsOf) -> bool| report.iter().find(|stats| wanted(&stats.of)).cloned();
    let Some(StatsOf::DataChannel(channel)) = find(&|of| matches!(of, StatsOf::DataChannel(_))).map(|s| s.of)
    else {
        panic!("{report:?}")
    };
    assert_eq!((channel.messages_sent, channel.bytes_sent), (1, 5));
    let Some(StatsOf::Transport(transport)) = find(&|of| matches!(of, StatsOf::Transport(_))).map(|s| s.of)
    else {
        panic!("{report:?}")
    };
    assert!(transport.bytes_sent > 5 && transport.packets_sent > 0 && transport.packets_received > 0);
    assert_eq!((transport.tls_version.as_deref(), transport.dtls_role), (Some("FEFC"), "server"));
    assert_eq!(transport.selected_candidate_pair_changes, 1);
    // Every id that is referred to is there.
    let pair = transport.selected_candidate_pair_id.unwrap();
    let Some(StatsOf::CandidatePair(pair)) = report.get(&pair).map(|stats| stats.of.clone()) else {
        panic!()
    };
    assert!(pair.nominated && pair.current_round_trip_time.is_some_and(|rtt| rtt > 0.019));
    for id in [&pair.local_candidate_id, &pair.remote_candidate_id, &transport.local_certificate_id] {
        assert!(report.get(id).is_some(), "{id}");
    }
    assert!(report.get(&transport.remote_certificate_id.unwrap()).is_some());
    // Ids last, and time goes on.
    let old = before.get(&transport.local_certificate_id).unwrap();
    assert!(old.timestamp < report.get(&transport.local_certificate_id).unwrap().timestamp);
    let Some(StatsOf::PeerConnection(counts)) = report.get("P").map(|stats| stats.of.clone()) else {
        panic!()
    };
    assert_eq!((counts.data_channels_opened, counts.data_channels_closed), (1, 0));
    // The other side's certificate is ours.
    let other = world.nodes[1].pc.get_stats(world.now, StatsSelector::All).unwrap();
    assert!(other.get(&transport.local_certificate_id).is_some());
}

#[test]
fn statistics_in_json_are_those_of_browsers() {
    let mut world = World::new(&Setup::new(64, Link::clean(5)));
    world.nodes[0].pc.add_transceiver(MediaKind::Audio, RtpTransceiverInit::default()).unwrap();
    world.negotiate(0);
    world.run(Duration::from_secs(1));
    let report = world.nodes[0].pc.get_stats(world.now, StatsSelector::All).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    let objects = json.as_object().unwrap();
    let of_type = |wanted: &str| objects.values().filter(|o| o["type"] == wanted).collect::<Vec<_>>();
    for name in
        ["certificate", "codec", "candidate-pair", "local-candidate", "remote-candidate", "peer-connection"]
    {
        assert!(!of_type(name).is_empty(), "{name}: {json}");
    }
    let transport = of_type("transport")[0];
    assert_eq!(
        (&transport["dtlsState"], &transport["iceRole"]),
        (&"connected".into(), &"controlling".into())
    );
    assert!(objects.iter().all(|(id, object)| object["id"] == id.as_str() && object["timestamp"].is_f64()));
    let codec = of_type("codec").into_iter().find(|codec| codec["payloadType"] == 111).unwrap();
    assert_eq!((&codec["mimeType"], &codec["clockRate"]), (&"audio/opus".into(), &48_000.into()));
}

#[test]
fn a_selector_names_one_sender_or_receiver() {
    let mut world = World::new(&Setup::new(65, Link::clean(5)));
    let sender = world.nodes[0].pc.add_track(track(MediaKind::Audio, "mic"), ["s"]).unwrap();
    let pc = &world.nodes[0].pc;
    let kind = |selector| pc.get_stats(world.now, selector).err().map(purertc::StatsError::kind);
    assert_eq!(kind(StatsSelector::Sender(sender)), None);
    assert_eq!(kind(StatsSelector::Track("mic")), None);
    assert_eq!(kind(StatsSelector::Track("cam")), Some(ErrorKind::InvalidAccess));
    let strange = World::new(&Setup::new(66, Link::clean(5))).nodes[0]
        .pc
        .add_track(track(MediaKind::Audio, "x"), ["s"])
        .unwrap();
    // Numbers of another connection may be ours, too; one that was never given out is not.
    assert_eq!(strange, sender);
}

#[test]
fn a_configuration_changes_where_it_can() {
    let (mut world, _) = World::connected(&Setup::new(67, Link::clean(5)));
    let pc = &mut world.nodes[0].pc;
    let before = format!("{:?}", pc.configuration());
    let mut other = pc.configuration().clone();
    other.bundle_policy = BundlePolicy::MaxBundle;
    assert_eq!(pc.set_configuration(other).unwrap_err().kind(), ErrorKind::InvalidModification);
    let mut other = pc.configuration().clone();
    other.certificates.push(pc.certificate().clone());
    assert_eq!(pc.set_configuration(other).unwrap_err().kind(), ErrorKind::InvalidModification);
    let mut other = pc.configuration().clone();
    other.ice_servers.push(IceServer::default());
    assert_eq!(pc.set_configuration(other).unwrap_err().kind(), ErrorKind::Syntax);
    assert_eq!(format!("{:?}", pc.configuration()), before);

    let ufrag =
        |text: &str| text.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).map(str::to_owned);
    let in_use = ufrag(&pc.local_description().unwrap().sdp);
    pc.set_configuration(pc.configuration().clone()).unwrap();
    let same = pc.create_offer(OfferOptions::default()).unwrap();
    assert_eq!(ufrag(&same.sdp), in_use, "nothing changed");
    let mut other = pc.configuration().clone();
    other.ice_servers.push(IceServer::stun("stun:192.0.2.99"));
    pc.set_configuration(other).unwrap();
    let next = pc.create_offer(OfferOptions::default()).unwrap();
    assert_ne!(ufrag(&next.sdp), in_use, "what is gathered next needs credentials of its own");
    assert_eq!(pc.configuration().ice_servers.len(), 1);
    pc.close(world.now);
    assert_eq!(pc.set_configuration(pc.configuration().clone()).unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(pc.signaling_state(), SignalingState::Closed);
}
