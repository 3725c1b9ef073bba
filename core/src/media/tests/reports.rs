//! What reports tell: round trips of who only receives, and limits.

use super::{AUDIO, LIMIT, Net, VIDEO, sections, vp8};
use crate::base::media::RtpTransceiverDirection;
use crate::media::event::Event;
use crate::wire::rtcp::feedback::{Feedback, Limit, Message};
use crate::wire::rtcp::{Packet, packets};

#[test]
fn who_only_receives_learns_the_round_trip() {
    let mut ends = [sections(10), sections(20)];
    ends[0].iter_mut().for_each(|section| section.direction = RtpTransceiverDirection::SendOnly);
    ends[1].iter_mut().for_each(|section| section.direction = RtpTransceiverDirection::RecvOnly);
    let mut net = Net::with(&ends, |_| false);
    net.play(150);
    assert_eq!(net.ends[1].round_trip.map(|time| time.as_millis()), Some(40));
    let of = |end: usize| net.ends[end].inbound_streams().next().and_then(|stream| stream.remote);
    let trips = of(1).unwrap().round_trips;
    assert!(trips.count >= 3 && trips.latest.is_some_and(|time| time.as_millis() == 40), "{trips:?}");
    assert_eq!(net.ends[0].round_trip.map(|time| time.as_millis()), Some(40));
}

#[test]
fn a_limit_is_told_and_confirmed() {
    let mut net = Net::new(|_| false);
    let limit = |ssrc, bitrate| Limit { ssrc, bitrate, overhead: 40 };
    let request = |limits: &[Limit]| {
        let message = Message::LimitRequest(limits.into());
        let mut bytes = Vec::new();
        Packet::Feedback(Feedback { sender: 20, media: 0, message }).write(&mut bytes);
        bytes
    };
    // Twice the same, another, and one of a stream that is not ours.
    for bytes in [
        request(&[limit(10, 300_000), limit(12, 32_000)]),
        request(&[limit(10, 300_000)]),
        request(&[limit(10, 200_000), limit(4_711, 1)]),
    ] {
        net.ends[0].handle_rtcp(net.now, &bytes);
    }
    let events: Vec<Event> = std::iter::from_fn(|| net.ends[0].poll_event()).collect();
    let told = |sender, bitrate| Event::BitrateLimit { sender, encoding: 0, bitrate };
    let (video, audio) = (VIDEO.sender(), AUDIO.sender());
    assert_eq!(events, [told(video, 300_000), told(audio, 32_000), told(video, 200_000)]);
    let mut out = Vec::new();
    let mut notices = Vec::new();
    while net.ends[0].poll_transmit(net.now, &mut out).is_some() {
        for packet in packets(&out).flatten() {
            if let Packet::Feedback(Feedback { message: Message::LimitNotice(limits), .. }) = packet {
                notices.push(limits.iter().collect::<Vec<Limit>>());
            }
        }
        out.clear();
    }
    let bound = |bitrate| limit(20, bitrate);
    assert_eq!(notices, [vec![bound(300_000), bound(32_000)], vec![bound(300_000)], vec![bound(200_000)]]);
    assert!(net.ends[0].write_frame(VIDEO.sender(), &vp8(0, true), LIMIT).is_ok());
}
