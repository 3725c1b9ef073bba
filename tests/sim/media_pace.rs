//! When packets leave, when frames come, and what is repaired: media against the clock.

use crate::media::{call, frames, numbers, picture, sound, unexpected_drops, write};
use crate::world::{Link, Setup, World};
use purertc::{Delivery, ErrorKind, Event, SendFrame, SendPacket, TransceiverId};
use std::collections::BTreeSet;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Packets of RTP and RTCP that a node has sent.
fn media_sent(world: &World, at: usize) -> usize {
    world.nodes[at].sent.iter().filter(|(first, _)| (128..192).contains(*first)).map(|(_, count)| count).sum()
}

/// How many packets leave in each millisecond.
fn leaving(world: &mut World, milliseconds: usize) -> Vec<usize> {
    (0..milliseconds)
        .map(|_| {
            let before = media_sent(world, 0);
            world.run(MILLISECOND);
            media_sent(world, 0) - before
        })
        .collect()
}

#[test]
fn a_large_frame_leaves_in_bursts_and_sound_passes_it() {
    let (mut world, [audio, video]) = call(&Setup::new(210, Link::clean(10)));
    let data = vec![0x10; 110_000];
    write(&mut world, 0, video.sender(), &SendFrame { data: data.into(), ..SendFrame::default() });
    write(&mut world, 0, audio.sender(), &sound(0));
    let left = leaving(&mut world, 40);
    let total: usize = left.iter().sum();
    assert!((96..110).contains(&total), "{left:?}");
    assert!(left.iter().all(|burst| *burst <= 23), "{left:?}");
    // All of it within 25 ms, and in five bursts.
    assert_eq!(left[25..].iter().sum::<usize>(), 0, "{left:?}");
    assert_eq!(left.iter().filter(|burst| **burst > 0).count(), 5, "{left:?}");
    let sounds = frames(&world, 1, audio);
    assert_eq!(sounds.len(), 1);
    let arrived = sounds[0].arrived;
    world.run(Duration::from_secs(1));
    let picture = frames(&world, 1, video);
    assert_eq!(picture.len(), 1);
    assert!(picture[0].arrived > arrived + Duration::from_millis(15));
    assert_eq!(unexpected_drops(&world), []);
}

#[test]
fn what_fits_a_burst_wakes_nobody() {
    let (mut world, [_, video]) = call(&Setup::new(211, Link::clean(10)));
    world.run(Duration::from_secs(1));
    // The first one is reported on in a while, as is everything behind it.
    write(&mut world, 0, video.sender(), &picture(0, true));
    world.flush();
    let before = world.nodes[0].pc.poll_timeout();
    write(&mut world, 0, video.sender(), &picture(1, false));
    world.flush();
    assert_eq!(world.nodes[0].pc.poll_timeout(), before);
}

/// Frames of sound for ten seconds over a path that is unsteady by 60 ms: how late each was handed on.
fn lateness(target: Option<Duration>) -> Vec<u64> {
    let mut setup = Setup::new(212, Link::clean(20));
    setup.link.jitter = Duration::from_millis(60);
    let (mut world, [audio, _]) = call(&setup);
    let mut receiver = world.nodes[1].pc.receiver(audio.receiver()).unwrap();
    assert_eq!(receiver.jitter_buffer_target(), None);
    receiver.set_jitter_buffer_target(target).unwrap();
    assert_eq!(receiver.jitter_buffer_target(), target);
    let (begin, mut late) = (world.now, Vec::new());
    for number in 0..500 {
        write(&mut world, 0, audio.sender(), &sound(number));
        for _ in 0..20 {
            world.run(MILLISECOND);
            for number in numbers(&frames(&world, 1, audio)) {
                late.push((world.now - begin).as_millis() as u64 - 20 * u64::from(number));
            }
            world.nodes[1].events.clear();
        }
    }
    late
}

#[test]
fn frames_to_be_played_come_evenly() {
    // At once, whoever wants them so: as unsteady as the path.
    let at_once = lateness(None);
    assert!(at_once.iter().min().unwrap() < &30 && at_once.iter().max().unwrap() > &75);
    // To be played: once the delay is known, as late as the latest, and evenly.
    let even = &lateness(Some(Duration::ZERO))[150..];
    let (least, most) = (even.iter().min().unwrap(), even.iter().max().unwrap());
    assert!(*least > 60 && *most < 95, "{least}..{most}");
    // A target above what jitter demands rules.
    let late = &lateness(Some(Duration::from_millis(300)))[150..];
    let (least, most) = (late.iter().min().unwrap(), late.iter().max().unwrap());
    assert!(*least >= 318 && *most <= 326, "{least}..{most}");
}

#[test]
fn a_target_has_a_limit() {
    let (mut world, [audio, _]) = call(&Setup::new(213, Link::clean(10)));
    let mut receiver = world.nodes[0].pc.receiver(audio.receiver()).unwrap();
    let refused = receiver.set_jitter_buffer_target(Some(Duration::from_millis(4_001)));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Range);
    assert_eq!(receiver.jitter_buffer_target(), None);
    receiver.set_jitter_buffer_target(Some(Duration::from_secs(4))).unwrap();
}

/// 2,000 packets in a second, 100 ms each way, every fiftieth datagram lost both ways, requests and repetitions
/// included: of what the network lost at least 99.9 % comes.
#[test]
fn a_fast_stream_is_repaired_over_a_long_and_lossy_path() {
    let (mut world, [_, video]) = call(&Setup::new(214, Link::clean(100)));
    world.run(Duration::from_secs(3));
    world.link.loss = 0.02;
    world.nodes[1].pc.receiver(video.receiver()).unwrap().set_delivery(Delivery::Packets);
    let total = 50_000_u64;
    let (mut came, mut first) = (BTreeSet::new(), None);
    for count in 0..total {
        send_packet(&mut world, video, count);
        if count % 2 == 1 {
            world.run(MILLISECOND);
            take_packets(&mut world, &mut first, &mut came);
        }
    }
    world.run(Duration::from_secs(2));
    take_packets(&mut world, &mut first, &mut came);
    let missing = total - came.len() as u64;
    // About a thousand were lost on the way.
    assert!(missing * 1_000 <= total / 50, "{missing} missing of {total}");
}

fn send_packet(world: &mut World, video: TransceiverId, count: u64) {
    let packet = SendPacket {
        count,
        timestamp: count as u32 * 45,
        payload: vec![0x10, count as u8].into(),
        ..SendPacket::default()
    };
    world.nodes[0].pc.sender(video.sender()).unwrap().write_rtp(&packet).unwrap();
}

fn take_packets(world: &mut World, first: &mut Option<u64>, came: &mut BTreeSet<u64>) {
    for event in world.nodes[1].events.drain(..) {
        if let Event::Rtp(packet) = event {
            let first = *first.get_or_insert(packet.count);
            assert!(came.insert(packet.count.wrapping_sub(first)), "twice");
        }
    }
}
