//! What statistics say of audio and video, beside what was sent and what the network did.

use crate::media::{call, frames, picture, sound, write};
use crate::world::{Link, Setup, World};
use purertc::stats::{
    CandidatePairStats, InboundRtpStats, OutboundRtpStats, RemoteInboundRtpStats, RemoteOutboundRtpStats,
};
use purertc::wire::rtp::value::{AudioLevel, Value};
use purertc::{
    Event, MediaKind, RtpTransceiverDirection, SendFrame, StatsOf, StatsReport, StatsSelector, TransceiverId,
};
use std::collections::BTreeSet;
use std::time::Duration;

const FRAME: Duration = Duration::from_millis(20);

fn report(world: &World, at: usize) -> StatsReport {
    world.nodes[at].pc.get_stats(world.now, StatsSelector::All).unwrap()
}

fn outbound(report: &StatsReport, wanted: MediaKind) -> OutboundRtpStats {
    let found = report.iter().find_map(|stats| match &stats.of {
        StatsOf::OutboundRtp(of) if of.kind == wanted => Some(of.clone()),
        _ => None,
    });
    found.expect("a stream of ours")
}

fn inbound(report: &StatsReport, wanted: MediaKind) -> InboundRtpStats {
    let found = report.iter().find_map(|stats| match &stats.of {
        StatsOf::InboundRtp(of) if of.kind == wanted => Some(of.clone()),
        _ => None,
    });
    found.expect("a stream that comes")
}

fn remote_of(report: &StatsReport, of: &OutboundRtpStats) -> RemoteInboundRtpStats {
    match report.get(of.remote_id.as_deref().expect("a report came")).map(|stats| &stats.of) {
        Some(StatsOf::RemoteInboundRtp(of)) => of.clone(),
        other => panic!("{other:?}"),
    }
}

fn remote_to(report: &StatsReport, of: &InboundRtpStats) -> RemoteOutboundRtpStats {
    match report.get(of.remote_id.as_deref().expect("a report came")).map(|stats| &stats.of) {
        Some(StatsOf::RemoteOutboundRtp(of)) => of.clone(),
        other => panic!("{other:?}"),
    }
}

/// `frames` of audio and video from the first node to the other.
fn play(world: &mut World, [audio, video]: [TransceiverId; 2], frames: u32) {
    for number in 0..frames {
        write(world, 0, video.sender(), &picture(number, number == 0));
        write(world, 0, audio.sender(), &sound(number));
        world.run(FRAME);
    }
}

#[test]
fn both_ends_count_the_same() {
    let (mut world, ids) = call(&Setup::new(220, Link::clean(25)));
    play(&mut world, ids, 250);
    world.run(Duration::from_secs(2));
    let [ours, theirs] = [report(&world, 0), report(&world, 1)];
    for kind in [MediaKind::Audio, MediaKind::Video] {
        let (sent, came) = (outbound(&ours, kind), inbound(&theirs, kind));
        assert_eq!(sent.ssrc, came.ssrc);
        assert_eq!((sent.packets_sent, sent.bytes_sent), (came.packets_received, came.bytes_received));
        assert_eq!(sent.header_bytes_sent, came.header_bytes_received);
        assert_eq!(
            (came.packets_lost, came.packets_discarded, sent.nack_count, came.nack_count),
            (0, 0, 0, 0)
        );
        // Nothing else was sent, so reports end with what all was.
        let (here, there) = (remote_of(&ours, &sent), remote_to(&theirs, &came));
        assert_eq!(
            (here.packets_received, here.packets_lost, here.fraction_lost),
            (sent.packets_sent, 0, 0.0)
        );
        assert_eq!((there.packets_sent, there.bytes_sent), (sent.packets_sent, sent.bytes_sent));
        assert!((here.round_trip_time.unwrap() - 0.05).abs() < 0.001, "{here:?}");
        assert!(there.reports_sent >= 4 && here.round_trip_time_measurements >= 4);
        let average = here.total_round_trip_time / here.round_trip_time_measurements as f64;
        assert!((average - 0.05).abs() < 0.001);
        assert!(
            there.remote_timestamp
                < theirs.get(sent.remote_id.as_ref().unwrap()).map_or(f64::MAX, |s| s.timestamp)
        );
        assert!(sent.active && sent.media_source_id.is_some());
    }
    let video = outbound(&ours, MediaKind::Video);
    assert_eq!((video.frames_sent, video.huge_frames_sent), (Some(250), Some(0)));
    // 4,000 bytes of each frame in four packets, behind a descriptor of VP8.
    assert_eq!((video.packets_sent, video.retransmitted_packets_sent), (1_000, 0));
    let came = inbound(&theirs, MediaKind::Video);
    assert_eq!((came.frames_received, came.frames_assembled_from_multiple_packets), (Some(250), Some(250)));
    assert_eq!((came.jitter_buffer_emitted_count, came.total_assembly_time), (250, Some(0.0)));
    assert_eq!(came.jitter_buffer_delay, 0.0);
}

#[test]
fn losses_and_repetitions_are_counted_where_they_happen() {
    let (mut world, ids) = call(&Setup::new(221, Link::clean(25)));
    world.link.loss = 0.05;
    play(&mut world, ids, 250);
    world.link.loss = 0.0;
    world.run(Duration::from_secs(2));
    let [ours, theirs] = [report(&world, 0), report(&world, 1)];
    let (sent, came) = (outbound(&ours, MediaKind::Video), inbound(&theirs, MediaKind::Video));
    assert_eq!(frames(&world, 1, ids[1]).len(), 250);
    assert_eq!(sent.packets_sent - sent.retransmitted_packets_sent, 1_000);
    assert!(
        sent.retransmitted_packets_sent >= 30 && sent.nack_count > 10 && came.nack_count >= sent.nack_count
    );
    // RFC 4588 §4: what was sent again does not make good what was lost.
    assert_eq!(
        came.packets_received - came.retransmitted_packets_received.unwrap(),
        1_000 - came.packets_lost.unsigned_abs()
    );
    let here = remote_of(&ours, &sent);
    assert_eq!(
        (here.packets_lost, here.packets_received),
        (came.packets_lost, 1_000 - came.packets_lost.unsigned_abs())
    );
    assert_eq!(came.rtx_ssrc, sent.rtx_ssrc);
    assert!(came.jitter_buffer_delay > 1.0, "{came:?}");
}

#[test]
fn samples_and_their_wait_are_counted() {
    let (mut world, [audio, _]) = call(&Setup::new(222, Link::clean(25)));
    let now = world.now;
    let target = Some(Duration::from_millis(100));
    world.nodes[1].pc.receiver(audio.receiver()).unwrap().set_jitter_buffer_target(target).unwrap();
    for number in 0..50 {
        // A byte that says 20 ms of CELT, and how loud it is.
        let level = [Value::AudioLevel(AudioLevel { voice: true, level: 20 })];
        let data = vec![0xf8, 1, 2, 3].into();
        let frame = SendFrame { timestamp: number * 960, data, extensions: &level, ..SendFrame::default() };
        write(&mut world, 0, audio.sender(), &frame);
        world.run(FRAME);
    }
    world.run(Duration::from_millis(200));
    let came = inbound(&report(&world, 1), MediaKind::Audio);
    assert_eq!((came.total_samples_received, came.jitter_buffer_emitted_count), (Some(48_000), 48_000));
    assert!((came.jitter_buffer_delay - 4_800.0).abs() < 1.0, "{came:?}");
    assert!((came.jitter_buffer_target_delay - 4_800.0).abs() < 1.0);
    assert_eq!(came.jitter_buffer_minimum_delay, 0.0);
    // Who is heard, and how loud.
    let receiver = world.nodes[1].pc.receiver(audio.receiver()).unwrap();
    let heard = receiver.get_synchronization_sources(now + Duration::from_secs(2));
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].source, came.ssrc);
    assert!(heard[0].audio_level.is_some_and(|level| (level - 0.1).abs() < 1e-9));
    assert_eq!(Some(heard[0].timestamp), came.last_packet_received_timestamp);
    assert!(receiver.get_contributing_sources(now + Duration::from_secs(2)).is_empty());
    assert!(receiver.get_synchronization_sources(now + Duration::from_secs(20)).is_empty());
}

#[test]
fn a_selection_has_its_streams_and_what_they_refer_to() {
    let (mut world, ids @ [audio, video]) = call(&Setup::new(223, Link::clean(25)));
    play(&mut world, ids, 100);
    world.run(Duration::from_secs(2));
    let types = |at: usize, selector| {
        let report = world.nodes[at].pc.get_stats(world.now, selector).unwrap();
        let json = serde_json::to_value(&report).unwrap();
        let objects = json.as_object().unwrap().values();
        objects.map(|object| object["type"].as_str().unwrap().to_owned()).collect::<BTreeSet<String>>()
    };
    let below =
        ["candidate-pair", "certificate", "codec", "local-candidate", "remote-candidate", "transport"];
    let with =
        |more: &[&str]| below.iter().chain(more).map(|text| (*text).to_owned()).collect::<BTreeSet<_>>();
    let sender = with(&["outbound-rtp", "remote-inbound-rtp", "media-source"]);
    assert_eq!(types(0, StatsSelector::Sender(video.sender())), sender);
    assert_eq!(types(0, StatsSelector::Track("cam")), sender);
    let receiver = with(&["inbound-rtp", "remote-outbound-rtp"]);
    assert_eq!(types(1, StatsSelector::Receiver(audio.receiver())), receiver);
    // The stream of one alone.
    let report = world.nodes[0].pc.get_stats(world.now, StatsSelector::Sender(audio.sender())).unwrap();
    assert_eq!(outbound(&report, MediaKind::Audio).kind, MediaKind::Audio);
    let streams = report.iter().filter(|stats| matches!(stats.of, StatsOf::OutboundRtp(_)));
    assert_eq!(streams.count(), 1);
}

#[test]
fn a_stream_lasts_while_nothing_is_sent() {
    let (mut world, ids @ [_, video]) = call(&Setup::new(224, Link::clean(25)));
    play(&mut world, ids, 20);
    world.nodes[0].pc.transceiver(video).unwrap().set_direction(RtpTransceiverDirection::RecvOnly).unwrap();
    world.negotiate(0);
    world.run(Duration::from_millis(100));
    let stream = outbound(&report(&world, 0), MediaKind::Video);
    assert_eq!((stream.packets_sent, stream.active), (80, false));
    world.nodes[0].pc.sender(video.sender()).unwrap().replace_track(None).unwrap();
    assert_eq!(outbound(&report(&world, 0), MediaKind::Video).media_source_id, None);
    world.nodes[0].pc.transceiver(video).unwrap().stop().unwrap();
    world.negotiate(0);
    let left = report(&world, 0);
    assert!(
        !left
            .iter()
            .any(|stats| matches!(&stats.of, StatsOf::OutboundRtp(of) if of.kind == MediaKind::Video))
    );
    assert!(world.nodes[1].saw(|event| matches!(event, Event::TrackEnded(_))));
}

#[test]
fn a_pair_counts_what_went_along_it() {
    let (mut world, ids) = call(&Setup::new(225, Link::clean(25)));
    play(&mut world, ids, 50);
    world.run(Duration::from_secs(1));
    let pairs = |world: &World| -> Vec<CandidatePairStats> {
        let report = report(world, 0);
        let found = report.iter().filter_map(|stats| match &stats.of {
            StatsOf::CandidatePair(of) => Some(of.clone()),
            _ => None,
        });
        found.collect()
    };
    let transport = |world: &World| {
        let report = report(world, 0);
        match &report.get("T0").unwrap().of {
            StatsOf::Transport(of) => of.clone(),
            other => panic!("{other:?}"),
        }
    };
    let (all, one) = (transport(&world), pairs(&world).remove(0));
    assert_eq!((one.packets_sent, one.bytes_sent), (all.packets_sent, all.bytes_sent));
    assert_eq!((one.packets_received, one.bytes_received), (all.packets_received, all.bytes_received));
    let now = world.nodes[0].pc.wall_clock().unix_millis(world.now);
    let (sent, came) = (one.last_packet_sent_timestamp.unwrap(), one.last_packet_received_timestamp.unwrap());
    // Reports go on, the checks between them do not count.
    assert!(sent > now - 10_000.0 && sent <= now, "{sent} {now}");
    assert!(came > now - 10_000.0 && came <= now, "{came} {now}");

    // The pair of another generation begins with nothing; the transport goes on.
    world.nodes[0].pc.restart_ice();
    world.negotiate(0);
    world.run(Duration::from_secs(1));
    for number in 50..60 {
        write(&mut world, 0, ids[0].sender(), &sound(number));
        world.run(FRAME);
    }
    let (later, one) = (transport(&world), pairs(&world).remove(0));
    assert!(one.packets_sent >= 10 && one.packets_sent < all.packets_sent, "{one:?}");
    assert!(later.packets_sent >= all.packets_sent + 10);
}
