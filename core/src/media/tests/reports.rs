//! What reports tell: round trips of who only receives, and limits.

use super::{AUDIO, LIMIT, Net, VIDEO, sections, vp8};
use crate::base::media::RtpTransceiverDirection;
use crate::media::PacketKind;
use crate::media::event::Event;
use crate::wire::rtcp::feedback::{Estimate, Feedback, Limit, Message};
use crate::wire::rtcp::{Packet, packets};
use std::time::Duration;

#[test]
fn who_only_receives_learns_the_round_trip() {
    let mut ends = [sections(10), sections(20)];
    ends[0].iter_mut().for_each(|section| section.direction = RtpTransceiverDirection::SendOnly);
    ends[1].iter_mut().for_each(|section| section.direction = RtpTransceiverDirection::RecvOnly);
    let mut net = Net::with(&ends, |_| false);
    net.play(150);
    // Reports count in 1/65,536 of a second.
    let in_ms = |time: Duration| (time.as_micros() + 500) / 1_000;
    assert_eq!(net.ends[1].round_trip.map(in_ms), Some(40));
    let of = |end: usize| net.ends[end].inbound_streams().next().and_then(|stream| stream.remote);
    let trips = of(1).unwrap().round_trips;
    assert!(trips.count >= 3 && trips.latest.is_some_and(|time| in_ms(time) == 40), "{trips:?}");
    assert_eq!(net.ends[0].round_trip.map(in_ms), Some(40));
}

#[test]
fn where_nothing_flows_nobody_is_woken() {
    let mut net = Net::new(|_| false);
    assert_eq!(net.ends[0].poll_timeout(), None);
    net.play(30);
    assert!(net.ends.iter().all(|end| end.poll_timeout().is_some()));
    net.run_for(Duration::from_secs(4));
    assert_eq!([0, 1].map(|end: usize| net.ends[end].poll_timeout()), [None; 2], "reported, and at rest");
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

/// What an end says in RTCP now.
fn said(net: &mut Net, end: usize) -> Vec<u8> {
    let (mut said, mut out) = (Vec::new(), Vec::new());
    while let Some(kind) = net.ends[end].poll_transmit(net.now, &mut out) {
        let packet = std::mem::take(&mut out);
        if kind == PacketKind::Rtcp {
            said.extend(packet);
        }
    }
    said
}

#[test]
fn arrivals_are_told_as_rfc_8888_has_them_where_that_was_agreed_on() {
    let mut ends = [sections(10), sections(20)];
    let codecs =
        ends.iter_mut().flatten().flat_map(|section| section.send.iter_mut().chain(&mut section.receive));
    codecs.for_each(|codec| codec.feedback.push("ack ccfb".to_owned()));
    let mut net = Net::with(&ends, |_| false);
    net.ends[0].write_frame(VIDEO.sender(), &vp8(0, true), LIMIT).unwrap();
    net.run_for(Duration::from_millis(50));
    net.now += Duration::from_millis(100);
    net.ends[1].handle_timeout(net.now);
    let said = said(&mut net, 1);
    let mut told = Vec::new();
    for packet in packets(&said).flatten() {
        match packet {
            Packet::Congestion(feedback) => told.extend(feedback.streams().map(|stream| {
                let came =
                    stream.metrics.iter().all(|metric| metric.0.is_some_and(|arrival| arrival.offset > 0));
                (stream.ssrc, stream.metrics.len(), came)
            })),
            Packet::Feedback(feedback) => assert!(!matches!(feedback.message, Message::TransportWide(_))),
            _ => {}
        }
    }
    assert_eq!(told, [(10, 3, true)]);
    // It is no news to who sent them, and does no harm.
    net.ends[0].handle_rtcp(net.now, &said);
    assert_eq!(net.ends[0].drops().total(), 0);
}

#[test]
fn the_application_limits_what_the_peer_sends() {
    for (feedback, tmmbr) in [("goog-remb", false), ("ccm tmmbr", true)] {
        let mut ends = [sections(10), sections(20)];
        ends.iter_mut().for_each(|end| end[0].receive[0].feedback.push(feedback.to_owned()));
        let mut net = Net::with(&ends, |_| false);
        net.ends[0].write_frame(VIDEO.sender(), &vp8(0, true), LIMIT).unwrap();
        net.run_for(Duration::from_millis(50));
        said(&mut net, 1);
        net.ends[1].limit_bitrate(VIDEO.receiver(), 500_000);
        let mut asked = Vec::new();
        for packet in packets(&said(&mut net, 1)).flatten() {
            let Packet::Feedback(Feedback { message, .. }) = packet else { continue };
            match message {
                Message::LimitRequest(limits) => {
                    asked.extend(limits.iter().map(|limit| (limit.ssrc, limit.bitrate, true)));
                }
                Message::Estimate(Estimate { bitrate, streams }) => {
                    asked.extend(streams.iter().map(|ssrc| (ssrc, bitrate, false)));
                }
                _ => {}
            }
        }
        assert_eq!(asked, [(10, 500_000, tmmbr)]);
        // It is said again with each report.
        net.now += Duration::from_secs(2);
        net.ends[1].handle_timeout(net.now);
        let again = said(&mut net, 1);
        let is_limit = |packet: &Packet<'_>| {
            let Packet::Feedback(feedback) = packet else { return false };
            matches!(feedback.message, Message::LimitRequest(_) | Message::Estimate(_))
        };
        assert!(packets(&again).flatten().any(|packet| is_limit(&packet)));
    }
}
