//! Audio and video between two whole connections: what one writes comes out at the other, whatever the network does
//! and whatever is negotiated meanwhile.

use crate::world::{Link, Setup, World};
use bytes::Bytes;
use purertc::{
    Delivery, DropReason, Event, Frame, MediaKind, MediaStreamTrack, PeerConnectionState,
    RtpEncodingParameters, RtpPacket, RtpTransceiverDirection, RtpTransceiverInit, SendFrame, SendPacket,
    SenderId, ToneTiming, TransceiverId, WriteError,
};
use std::time::Duration;

const FRAME: Duration = Duration::from_millis(20);

pub(crate) fn track(kind: MediaKind, id: &str) -> MediaStreamTrack {
    MediaStreamTrack::new(kind, id)
}

/// Two connections that send audio and video both ways.
pub(crate) fn call(setup: &Setup) -> (World, [TransceiverId; 2]) {
    let mut world = World::new(setup);
    for node in &mut world.nodes {
        node.pc.add_track(track(MediaKind::Audio, "mic"), ["s"]).unwrap();
        node.pc.add_track(track(MediaKind::Video, "cam"), ["s"]).unwrap();
    }
    world.negotiate(0);
    connect(&mut world);
    let ids: Vec<TransceiverId> = world.nodes[0].pc.transceivers().collect();
    (world, [ids[0], ids[1]])
}

pub(crate) fn connect(world: &mut World) {
    world.run_until(Duration::from_secs(10), |world| {
        world.nodes.iter().all(|node| node.pc.connection_state() == PeerConnectionState::Connected)
    });
}

/// A frame of VP8 that says which it is.
pub(crate) fn picture(number: u32, key: bool) -> SendFrame<'static> {
    let mut data = vec![number as u8; 4_000];
    data[0] = u8::from(!key);
    data[1..5].copy_from_slice(&number.to_be_bytes());
    SendFrame { timestamp: number * 1_800, data: data.into(), ..SendFrame::default() }
}

pub(crate) fn sound(number: u32) -> SendFrame<'static> {
    let data = Bytes::copy_from_slice(&number.to_be_bytes());
    SendFrame { timestamp: number * 960, data, ..SendFrame::default() }
}

pub(crate) fn write(world: &mut World, from: usize, sender: SenderId, frame: &SendFrame<'_>) {
    world.nodes[from].pc.sender(sender).unwrap().write_frame(frame).unwrap();
}

/// Answers requests for key frames, as an encoder does.
fn wants_key(world: &World, from: usize, seen: &mut usize) -> bool {
    let requests =
        world.nodes[from].events.iter().filter(|e| matches!(e, Event::KeyFrameRequest { .. })).count();
    std::mem::replace(seen, requests) < requests
}

/// Both send for `frames` times 20 ms, from this number on.
fn play(world: &mut World, [audio, video]: [TransceiverId; 2], from: u32, frames: u32) {
    let mut seen = [0, 1].map(|at| {
        let mut seen = 0;
        wants_key(world, at, &mut seen);
        seen
    });
    for number in from..from + frames {
        for (at, seen) in seen.iter_mut().enumerate() {
            let key = number == 0 || wants_key(world, at, seen);
            write(world, at, video.sender(), &picture(number, key));
            write(world, at, audio.sender(), &sound(number));
        }
        world.run(FRAME);
    }
    world.run(Duration::from_secs(1));
}

pub(crate) fn frames(world: &World, at: usize, of: TransceiverId) -> Vec<&Frame> {
    let mut found = Vec::new();
    for event in &world.nodes[at].events {
        if let Event::Frame(frame) = event
            && frame.receiver == of.receiver()
        {
            found.push(&**frame);
        }
    }
    found
}

/// The numbers that frames bear.
pub(crate) fn numbers(frames: &[&Frame]) -> Vec<u32> {
    let at = |frame: &&Frame| if frame.data.len() == 4 { 0 } else { 1 };
    frames.iter().map(|f| u32::from_be_bytes(f.data[at(f)..at(f) + 4].try_into().unwrap())).collect()
}

pub(crate) fn unexpected_drops(world: &World) -> Vec<(DropReason, u64)> {
    world.nodes.iter().flat_map(|node| node.pc.drops().iter().collect::<Vec<_>>()).collect()
}

#[test]
fn audio_and_video_pass_both_ways() {
    let (mut world, ids) = call(&Setup::new(200, Link::clean(20)));
    play(&mut world, ids, 0, 100);
    for at in [0, 1] {
        for id in ids {
            let got = frames(&world, at, id);
            assert_eq!(numbers(&got), (0..100).collect::<Vec<_>>());
            // Lips: a report has come, and the time of each frame is known to the millisecond.
            let last = got.last().unwrap().captured.expect("a report within two seconds");
            let sent = world.nodes[1 - at].pc.wall_clock().at(got.last().unwrap().arrived);
            let late = sent.duration_since(last).unwrap_or_default();
            assert!(late < Duration::from_millis(60), "{late:?}");
        }
        let node = &world.nodes[at];
        assert_eq!(node.events.iter().filter(|event| matches!(event, Event::TrackUnmute(_))).count(), 2);
        assert!(node.longest_run > 1, "packets of one frame leave in one call");
    }
    assert_eq!(unexpected_drops(&world), []);
}

#[test]
fn a_rough_network_costs_little() {
    let mut setup = Setup::new(201, Link::rough());
    setup.link.loss = 0.02;
    let (mut world, ids) = call(&setup);
    play(&mut world, ids, 0, 500);
    for at in [0, 1] {
        let video = numbers(&frames(&world, at, ids[1]));
        assert!(video.len() > 490, "{} of 500", video.len());
        assert!(video.is_sorted());
        // Nothing repairs audio but its decoder.
        let audio = numbers(&frames(&world, at, ids[0]));
        assert!(audio.len() > 470 && audio.is_sorted(), "{} of 500", audio.len());
    }
}

#[test]
fn what_is_negotiated_decides_what_flows() {
    let (mut world, ids) = call(&Setup::new(202, Link::clean(10)));
    play(&mut world, ids, 0, 20);
    // One direction ends.
    let [audio, video] = ids;
    world.nodes[0].pc.transceiver(video).unwrap().set_direction(RtpTransceiverDirection::RecvOnly).unwrap();
    world.negotiate(0);
    let refused = world.nodes[0].pc.sender(video.sender()).unwrap().write_frame(&picture(20, true));
    assert_eq!(refused, Err(WriteError::NotSending));
    write(&mut world, 1, video.sender(), &picture(20, false));
    world.run(Duration::from_secs(1));
    assert_eq!(frames(&world, 0, video).len(), 21);
    assert_eq!(frames(&world, 1, video).len(), 20);
    // It begins again: muted until the first packet.
    world.nodes.iter_mut().for_each(|node| node.events.clear());
    world.nodes[0].pc.transceiver(video).unwrap().set_direction(RtpTransceiverDirection::SendRecv).unwrap();
    world.negotiate(0);
    write(&mut world, 0, video.sender(), &picture(21, true));
    world.run(Duration::from_secs(1));
    assert_eq!(numbers(&frames(&world, 1, video)), [21]);
    assert_eq!(world.nodes[1].count(&Event::TrackUnmute(video.receiver())), 1);
    // No track, nothing sent; another one, and it goes on without negotiation.
    let mut sender = world.nodes[0].pc.sender(video.sender()).unwrap();
    sender.replace_track(None).unwrap();
    assert_eq!(sender.write_frame(&picture(22, true)), Err(WriteError::NoTrack));
    sender.replace_track(Some(track(MediaKind::Video, "screen"))).unwrap();
    let mut parameters = sender.get_parameters();
    parameters.encodings[0].active = false;
    sender.set_parameters(parameters).unwrap();
    assert_eq!(sender.write_frame(&picture(22, true)), Err(WriteError::NotActive(0)));
    let mut parameters = sender.get_parameters();
    parameters.encodings[0].active = true;
    sender.set_parameters(parameters).unwrap();
    write(&mut world, 0, video.sender(), &picture(22, true));
    world.run(Duration::from_secs(1));
    assert_eq!(numbers(&frames(&world, 1, video)), [21, 22]);
    // The end of one leaves the other alone.
    world.nodes[0].pc.transceiver(video).unwrap().stop().unwrap();
    world.negotiate(0);
    write(&mut world, 0, audio.sender(), &sound(23));
    world.run(Duration::from_secs(1));
    assert_eq!(numbers(&frames(&world, 1, audio)), [23]);
    assert!(world.nodes[0].pc.sender(video.sender()).is_none());
    assert_eq!(unexpected_drops(&world), []);
}

#[test]
fn media_joins_data_and_leaves_it() {
    let (mut world, channel) = World::connected(&Setup::new(203, Link::clean(10)));
    let video = world.nodes[1].pc.add_track(track(MediaKind::Video, "cam"), ["s"]).unwrap();
    assert_eq!(
        world.nodes[1].pc.sender(video).unwrap().write_frame(&picture(0, true)),
        Err(WriteError::NotNegotiated)
    );
    world.negotiate(1);
    write(&mut world, 1, video, &picture(0, true));
    world.send(0, channel, "beside it");
    world.run(Duration::from_secs(1));
    assert_eq!(numbers(&frames(&world, 0, video.transceiver())), [0]);
    world.nodes[1].pc.remove_track(video).unwrap();
    world.negotiate(1);
    world.send(0, channel, "alone again");
    world.run(Duration::from_secs(1));
    let other = world.nodes[1].channel();
    assert_eq!(world.nodes[1].texts(other), ["beside it", "alone again"]);
    assert_eq!(unexpected_drops(&world), []);
}

#[test]
fn tones_reach_the_peer_as_events_of_a_telephone() {
    const EVENTS: u8 = 110;
    let (mut world, [audio, _]) = call(&Setup::new(208, Link::clean(10)));
    world.nodes[1].pc.receiver(audio.receiver()).unwrap().set_delivery(Delivery::Packets);
    write(&mut world, 0, audio.sender(), &sound(0));
    let now = world.now;
    let mut sender = world.nodes[0].pc.sender(audio.sender()).unwrap();
    sender.dtmf().unwrap().insert_dtmf(now, "5,#", ToneTiming::default()).unwrap();
    world.run(Duration::from_secs(4));
    let packet = |event: &Event| if let Event::Rtp(packet) = event { Some(packet.clone()) } else { None };
    let packets = world.nodes[1].events.iter().filter_map(packet);
    // Of each packet: its marker, its time, which key, whether it is over, how long it has lasted.
    let said: Vec<(bool, u32, u8, bool, u16)> = packets
        .filter(|packet| packet.parse().header.payload_type == EVENTS)
        .map(|packet| {
            let header = packet.parse().header;
            let payload = packet.payload();
            let duration = u16::from_be_bytes([payload[2], payload[3]]);
            (header.marker, header.timestamp.0, payload[0], payload[1] & 0x80 != 0, duration)
        })
        .collect();
    let begin = said[0].1;
    // RFC 4733 §2.5: a report every 20 ms, the end three times, all under the time of the beginning.
    let tone = |at: u32, key: u8| {
        let growing = (1..5).map(move |n| (n == 1, at, key, false, n * 960));
        growing.chain([(false, at, key, true, 4_800); 3])
    };
    // 100 ms of sound, 70 ms of quiet, and two seconds that the comma waits.
    let second = begin.wrapping_add(48 * 2_170);
    assert_eq!(said, tone(begin, 5).chain(tone(second, 11)).collect::<Vec<_>>());
}

#[test]
fn packets_are_forwarded_without_being_opened() {
    let (mut world, [_, video]) = call(&Setup::new(204, Link::clean(10)));
    world.nodes[1].pc.receiver(video.receiver()).unwrap().set_delivery(Delivery::Packets);
    for number in 0..10 {
        write(&mut world, 0, video.sender(), &picture(number, number == 0));
        world.run(FRAME);
    }
    world.run(Duration::from_secs(1));
    let packet = |event: &Event| if let Event::Rtp(packet) = event { Some(packet.clone()) } else { None };
    let packets: Vec<RtpPacket> = world.nodes[1].events.iter().filter_map(packet).collect();
    assert_eq!(packets.len(), 40);
    // Back to where they came from, where they are frames again.
    for packet in &packets {
        let header = packet.parse().header;
        let forwarded = SendPacket {
            count: packet.count,
            timestamp: header.timestamp.0,
            marker: header.marker,
            payload: packet.payload(),
            ..SendPacket::default()
        };
        world.nodes[1].pc.sender(video.sender()).unwrap().write_rtp(&forwarded).unwrap();
    }
    world.run(Duration::from_secs(1));
    assert_eq!(numbers(&frames(&world, 0, video)), (0..10).collect::<Vec<_>>());
    assert_eq!(unexpected_drops(&world), []);
}

#[test]
fn simulcast_comes_apart_by_its_names() {
    let mut world = World::new(&Setup::new(205, Link::clean(10)));
    let encodings = ["h", "l"].map(RtpEncodingParameters::with_rid).into();
    let init = RtpTransceiverInit::default().encodings(encodings);
    let video = world.nodes[0].pc.add_transceiver(track(MediaKind::Video, "cam"), init).unwrap();
    world.negotiate(0);
    connect(&mut world);
    for number in 0..30 {
        for encoding in [0, 1] {
            let frame = SendFrame { encoding, ..picture(2 * number + encoding as u32, number == 0) };
            write(&mut world, 0, video.sender(), &frame);
        }
        world.run(FRAME);
    }
    world.run(Duration::from_secs(1));
    let receiver = world.nodes[1].pc.transceivers().next().unwrap();
    for (rid, parity) in [("h", 0), ("l", 1)] {
        let got: Vec<&Frame> = frames(&world, 1, receiver)
            .into_iter()
            .filter(|frame| frame.rid.as_deref() == Some(rid))
            .collect();
        assert_eq!(numbers(&got), (0..30).map(|number| 2 * number + parity).collect::<Vec<_>>(), "{rid}");
    }
    // A key frame of one of them.
    world.nodes[0].events.clear();
    let now = world.now;
    world.nodes[1].pc.receiver(receiver.receiver()).unwrap().request_key_frame(now, Some("l"));
    world.run(Duration::from_secs(1));
    let asked = world.nodes[0].events.clone();
    assert_eq!(asked, [Event::KeyFrameRequest { sender: video.sender(), encoding: 1 }]);
    assert_eq!(unexpected_drops(&world), []);
}

#[test]
fn who_does_not_read_loses_media_and_nothing_else() {
    let (mut world, ids) = call(&Setup::new(206, Link::clean(5)));
    let [_, video] = ids;
    for number in 0..1_200 {
        let data = vec![0; 20_000];
        let frame = SendFrame { timestamp: number * 1_800, data: data.into(), ..SendFrame::default() };
        write(&mut world, 0, video.sender(), &frame);
        world.run_without_reading(1, FRAME);
    }
    assert!(world.nodes[1].pc.drops().of(DropReason::RtpBacklog) > 1_000);
    world.run(Duration::from_millis(100));
    let got = frames(&world, 1, video).len();
    assert!((800..1_000).contains(&got), "{got}");
    // It reads again, and all is well with the next key frame.
    world.nodes[1].events.clear();
    play(&mut world, ids, 2_000, 40);
    assert!(frames(&world, 1, video).len() > 20);
    assert_eq!(world.nodes[1].pc.connection_state(), PeerConnectionState::Connected);
}

#[test]
fn the_end_is_said() {
    let (mut world, ids) = call(&Setup::new(207, Link::clean(5)));
    play(&mut world, ids, 0, 10);
    world.nodes[1].events.clear();
    let now = world.now;
    world.nodes[0].pc.close(now);
    world.run(Duration::from_millis(100));
    for id in ids {
        assert_eq!(world.nodes[1].count(&Event::TrackMute(id.receiver())), 1);
    }
}
