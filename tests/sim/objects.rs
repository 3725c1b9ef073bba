//! Objects beside the connection, and its obsolete half: tones, streams.

use crate::world::{Link, Setup, World};
use purertc::{
    AddTrackError, CertificateOptions, ErrorKind, Event, Init, InsertDtmfError, MediaKind, MediaStreamTrack,
    PeerConnection, SenderId, ToneTiming,
};
use std::time::Duration;

fn tones(world: &World, sender: SenderId) -> Vec<Option<char>> {
    let events = world.nodes[0].events.iter();
    let tones = events.filter_map(|event| match event {
        Event::ToneChange(from, tone) => Some((*from, *tone)),
        _ => None,
    });
    tones.map(|(from, tone)| (assert_eq!(from, sender), tone).1).collect()
}

#[test]
fn tones_follow_one_another_in_time() {
    let mut world = World::new(&Setup::new(70, Link::clean(5)));
    let [a, _] = &mut world.nodes;
    let sender = a.pc.add_track(MediaStreamTrack::new(MediaKind::Audio, "mic"), ["s"]).unwrap();
    let video = a.pc.add_track(MediaStreamTrack::new(MediaKind::Video, "cam"), ["s"]).unwrap();
    assert!(a.pc.sender(video).unwrap().dtmf().is_none());
    assert!(a.pc.create_dtmf_sender("cam").is_none() && a.pc.create_dtmf_sender("other").is_none());
    let mut early = a.pc.create_dtmf_sender("mic").unwrap();
    let refused = early.insert_dtmf(world.now, "1", ToneTiming::default()).unwrap_err();
    assert_eq!((refused, refused.kind()), (InsertDtmfError::CannotInsert, ErrorKind::InvalidState));
    world.negotiate(0);
    world.run(Duration::from_secs(2));

    let now = world.now;
    let mut sender_handle = world.nodes[0].pc.sender(sender).unwrap();
    let mut dtmf = sender_handle.dtmf().unwrap();
    assert!(dtmf.can_insert_dtmf());
    let refused = dtmf.insert_dtmf(now, "1x", ToneTiming::default()).unwrap_err();
    assert_eq!((refused, refused.kind()), (InsertDtmfError::NoTone('x'), ErrorKind::InvalidCharacter));
    assert_eq!(dtmf.tone_buffer(), "");
    dtmf.insert_dtmf(now, "1a,#", ToneTiming::default()).unwrap();
    assert_eq!(dtmf.tone_buffer(), "1A,#");
    world.run(Duration::from_millis(169));
    assert_eq!(tones(&world, sender), [Some('1')]);
    world.run(Duration::from_millis(2));
    assert_eq!(tones(&world, sender), [Some('1'), Some('A')]);
    // The comma waits two seconds.
    world.run(Duration::from_millis(2_160));
    assert_eq!(tones(&world, sender)[2..], [Some(',')]);
    world.run(Duration::from_millis(500));
    assert_eq!(tones(&world, sender)[3..], [Some('#'), None]);

    // Another text takes the place of what waits, and none cancels it; durations have their limits.
    let now = world.now;
    let long = ToneTiming { duration: Duration::from_secs(60), inter_tone_gap: Duration::ZERO };
    world.nodes[0].events.clear();
    let mut dtmf = world.nodes[0].pc.create_dtmf_sender("mic").unwrap();
    dtmf.insert_dtmf(now, "123", long).unwrap();
    world.run(Duration::from_secs(5));
    let now = world.now;
    let mut dtmf = world.nodes[0].pc.create_dtmf_sender("mic").unwrap();
    assert_eq!(dtmf.tone_buffer(), "23");
    dtmf.insert_dtmf(now, "", long).unwrap();
    assert_eq!(dtmf.tone_buffer(), "");
    world.run(Duration::from_millis(1_020));
    assert_eq!(tones(&world, sender), [Some('1')]);
    world.run(Duration::from_millis(20));
    assert_eq!(tones(&world, sender), [Some('1'), None]);

    // What is not sent any more is not played.
    let now = world.now;
    let mut dtmf = world.nodes[0].pc.create_dtmf_sender("mic").unwrap();
    dtmf.insert_dtmf(now, "12", ToneTiming::default()).unwrap();
    world.run(Duration::from_millis(50));
    world.nodes[0].pc.remove_track(sender).unwrap();
    world.nodes[0].events.clear();
    world.run(Duration::from_secs(1));
    assert_eq!(tones(&world, sender), []);
}

#[test]
fn streams_are_tracks_that_say_so() {
    let mut world = World::new(&Setup::new(71, Link::clean(5)));
    let [a, b] = &mut world.nodes;
    let mic = MediaStreamTrack::new(MediaKind::Audio, "mic");
    let cam = MediaStreamTrack::new(MediaKind::Video, "cam");
    let bad = MediaStreamTrack::new(MediaKind::Video, "not a token");
    assert_eq!(a.pc.add_stream("s", [mic.clone(), bad]).unwrap_err(), AddTrackError::BadId);
    assert_eq!(a.pc.senders().count(), 0, "nothing was added");
    assert_eq!(a.pc.add_stream("s", [mic.clone(), cam.clone()]).unwrap().len(), 2);
    assert_eq!(a.pc.add_stream("s", [mic, cam]).unwrap(), []);
    assert_eq!(a.pc.local_streams(), ["s"]);
    assert_eq!(a.pc.stream_by_id("s").unwrap().len(), 2);
    assert_eq!(b.pc.stream_by_id("s"), None);
    world.negotiate(0);
    let [a, b] = &mut world.nodes;
    assert_eq!((a.pc.remote_streams().len(), b.pc.remote_streams()), (0, vec!["s"]));
    assert_eq!(b.pc.stream_by_id("s").unwrap().len(), 2);
    assert_eq!(b.count(&Event::AddStream("s".into())), 1);
    a.pc.remove_stream("other").unwrap();
    assert_eq!(a.pc.local_streams(), ["s"]);
    a.pc.remove_stream("s").unwrap();
    assert_eq!(a.pc.local_streams().len(), 0);
    world.negotiate(0);
    let [a, b] = &mut world.nodes;
    assert_eq!(b.count(&Event::RemoveStream("s".into())), 1);
    assert_eq!(b.pc.remote_streams().len(), 0);
    a.pc.close(world.now);
    assert_eq!(a.pc.remove_stream("s").unwrap_err().kind(), ErrorKind::InvalidState);
    assert_eq!(a.pc.add_stream("t", []).unwrap_err().kind(), ErrorKind::InvalidState);
}

#[test]
fn a_certificate_is_made_for_many() {
    let wall_clock = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let init = Init::new(purertc::Instant::ZERO, wall_clock, [7; 32]);
    let certificate = PeerConnection::generate_certificate(CertificateOptions::default(), init).unwrap();
    let mut configuration = purertc::Configuration::default();
    configuration.certificates.push(certificate.clone());
    let pc = PeerConnection::new(configuration, init).unwrap();
    assert_eq!(pc.certificate().der(), certificate.der());
    assert!(PeerConnection::default_ice_servers().is_empty());
}
