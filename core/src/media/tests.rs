//! Two machines and packets between them: lost, late, doubled.

mod protection;
mod reports;

use super::{Media, PacketKind};
use crate::base::drops::DropReason;
use crate::base::media::{MediaKind, RtpCodec, RtpTransceiverDirection, TransceiverId};
use crate::base::negotiated::{
    LocalSource, NegotiatedCodec, NegotiatedExtension, NegotiatedRid, NegotiatedSection, RemoteSource,
};
use crate::base::parameters::RtcpParameters;
use crate::base::random::Rng;
use crate::base::seq::{Serial16, Serial32};
use crate::base::time::{Instant, WallClock};
use crate::media::codec::red;
use crate::media::error::WriteError;
use crate::media::event::Delivery;
use crate::media::event::{Event, Frame, SendFrame, SendPacket};
use crate::wire::rtp::Header;
use crate::wire::rtp::value::{AudioLevel, Kind, Value};
use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

const VIDEO: TransceiverId = TransceiverId(1);
const AUDIO: TransceiverId = TransceiverId(2);
const LIMIT: usize = 1_150;

fn codec(payload_type: u8, codec: RtpCodec, rtx: Option<u8>, feedback: &[&str]) -> NegotiatedCodec {
    let feedback = feedback.iter().map(|text| (*text).to_owned()).collect();
    NegotiatedCodec { payload_type, codec, rtx, feedback }
}

fn section(
    transceiver: TransceiverId,
    kind: MediaKind,
    mid: &str,
    codecs: Vec<NegotiatedCodec>,
) -> NegotiatedSection {
    let extensions = [
        (1, Kind::Mid),
        (2, Kind::Rid),
        (3, Kind::RepairedRid),
        (4, Kind::TransportSequence),
        (5, Kind::AudioLevel),
        (6, Kind::AbsSendTime),
    ];
    let extensions = extensions.map(|(id, kind)| NegotiatedExtension {
        id,
        uri: kind.uri().to_owned(),
        direction: RtpTransceiverDirection::SendRecv,
    });
    NegotiatedSection {
        transceiver,
        mid: mid.to_owned(),
        index: 0,
        transport: 0,
        kind,
        direction: RtpTransceiverDirection::SendRecv,
        send: codecs.clone(),
        receive: codecs,
        extensions: extensions.into(),
        extmap_allow_mixed: true,
        send_rids: Vec::new(),
        receive_rids: Vec::new(),
        local_sources: Vec::new(),
        remote_sources: Vec::<RemoteSource>::new(),
        rtcp: RtcpParameters { cname: Some("someone".to_owned()), reduced_size: true },
        cryptex: false,
        max_bitrate: None,
    }
}

fn sections(base: u32) -> Vec<NegotiatedSection> {
    let feedback = ["nack", "nack pli", "ccm fir", "transport-cc"];
    let vp8 = codec(96, RtpCodec::new("video/VP8", 90_000), Some(97), &feedback);
    let opus = codec(111, RtpCodec::new("audio/opus", 48_000).channels(2), None, &["transport-cc"]);
    let mut video = section(VIDEO, MediaKind::Video, "v", vec![vp8]);
    video.local_sources = vec![LocalSource { ssrc: base, rtx: base + 1, fec: base + 4 }];
    let mut audio = section(AUDIO, MediaKind::Audio, "a", vec![opus]);
    audio.local_sources = vec![LocalSource { ssrc: base + 2, rtx: base + 3, fec: base + 5 }];
    vec![video, audio]
}

/// Packets under way, by when they arrive.
type Wire = BTreeMap<(Instant, u64), (PacketKind, Vec<u8>)>;

/// Two ends and the packets between them.
struct Net {
    now: Instant,
    ends: [Media; 2],
    wires: [Wire; 2],
    delay: Duration,
    /// Which packets are lost: by their number, in either direction.
    loses: fn(u64) -> bool,
    sent: u64,
    events: [Vec<Event>; 2],
}

impl Net {
    fn new(loses: fn(u64) -> bool) -> Self {
        Self::with(&[sections(10), sections(20)], loses)
    }

    fn with(sections: &[Vec<NegotiatedSection>; 2], loses: fn(u64) -> bool) -> Self {
        let now = Instant::from_millis(1);
        let clock = WallClock::new(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let mut ends = [1, 2].map(|seed| Media::new(Rng::from_number(seed), clock));
        for (end, sections) in ends.iter_mut().zip(sections) {
            end.set_sections(sections);
        }
        let wires = [BTreeMap::new(), BTreeMap::new()];
        Self { now, ends, wires, delay: Duration::from_millis(20), loses, sent: 0, events: [vec![], vec![]] }
    }

    fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            for from in [0, 1] {
                let mut out = Vec::new();
                while let Some(kind) = self.ends[from].poll_transmit(self.now, &mut out) {
                    let packet = std::mem::take(&mut out);
                    assert!(packet.len() <= LIMIT);
                    self.sent += 1;
                    if !(self.loses)(self.sent) {
                        self.wires[1 - from].insert((self.now + self.delay, self.sent), (kind, packet));
                    }
                }
                self.events[from].extend(std::iter::from_fn(|| self.ends[from].poll_event()));
            }
            let arrivals = self.wires.iter().filter_map(|wire| wire.keys().next().map(|(at, _)| *at));
            let deadlines = self.ends.iter().filter_map(Media::poll_timeout);
            let Some(next) = arrivals.chain(deadlines).min().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            for to in [0, 1] {
                while let Some(entry) = self.wires[to].first_entry().filter(|entry| entry.key().0 <= self.now)
                {
                    let (kind, packet) = entry.remove();
                    match kind {
                        PacketKind::Rtp => self.ends[to].handle_rtp(self.now, BytesMut::from(&packet[..])),
                        PacketKind::Rtcp => self.ends[to].handle_rtcp(self.now, &packet),
                    }
                }
                self.ends[to].handle_timeout(self.now);
            }
        }
    }

    /// Sends a video frame of 3,000 bytes every 33 ms, as VP8.
    fn play(&mut self, frames: u32) {
        for number in 0..frames {
            let frame = vp8(number, number == 0);
            self.ends[0].write_frame(VIDEO.sender(), &frame, LIMIT).unwrap();
            self.run_for(Duration::from_millis(33));
        }
    }

    fn frames(&self, at: usize) -> Vec<&Frame> {
        let frame = |event: &'_ Event| matches!(event, Event::Frame(_));
        let frames = self.events[at].iter().filter(|event| frame(event));
        frames
            .filter_map(|event| if let Event::Frame(frame) = event { Some(&**frame) } else { None })
            .collect()
    }
}

fn vp8(number: u32, key: bool) -> SendFrame<'static> {
    let mut data = vec![number as u8; 3_000];
    data[0] = u8::from(!key);
    SendFrame { timestamp: number * 2_970, data: data.into(), ..SendFrame::default() }
}

#[test]
fn frames_come_as_they_were_sent() {
    let mut net = Net::new(|_| false);
    let level = [Value::AudioLevel(AudioLevel { voice: true, level: 30 })];
    for number in 0..30_u32 {
        net.ends[0].write_frame(VIDEO.sender(), &vp8(number, number == 0), LIMIT).unwrap();
        let audio = SendFrame {
            timestamp: number * 960,
            data: Bytes::from(vec![number as u8; 80]),
            extensions: &level,
            ..SendFrame::default()
        };
        net.ends[0].write_frame(AUDIO.sender(), &audio, LIMIT).unwrap();
        net.run_for(Duration::from_millis(20));
    }
    net.run_for(Duration::from_secs(2));
    let frames = net.frames(1);
    let (video, audio): (Vec<&Frame>, Vec<&Frame>) =
        frames.into_iter().partition(|frame| frame.receiver == VIDEO.receiver());
    assert_eq!((video.len(), audio.len()), (30, 30));
    for (number, frame) in video.iter().enumerate() {
        assert_eq!(frame.data, vp8(number as u32, number == 0).data);
        assert_eq!(frame.key, number == 0);
    }
    assert!(audio.iter().all(|frame| frame.audio_level.is_some_and(|level| level.level == 30)));
    // The timestamps of what comes last belong to a date, and dates of both go on alike.
    let dates = |frames: &[&Frame]| frames.last().and_then(|frame| frame.captured);
    assert!(dates(&video).is_none(), "no report came in so short a time");
    let unmuted = net.events[1].iter().filter(|event| matches!(event, Event::Unmute(_))).count();
    assert_eq!(unmuted, 2);
    assert_eq!(net.ends[1].drops().total(), 0);
}

#[test]
fn what_is_lost_is_asked_for_and_comes() {
    let mut net = Net::new(|number| number % 11 == 5);
    net.play(149);
    // Of what is lost at the very end nothing tells.
    net.loses = |_| false;
    net.ends[0].write_frame(VIDEO.sender(), &vp8(149, false), LIMIT).unwrap();
    net.run_for(Duration::from_secs(1));
    let frames = net.frames(1);
    assert_eq!(frames.len(), 150);
    let numbers: Vec<u8> = frames.iter().map(|frame| frame.data[1]).collect();
    assert_eq!(numbers, (0..150).collect::<Vec<u8>>());
    assert!(net.ends[0].outgoing[0].sent.repeated_packets > 30);
    assert!(!net.events[0].iter().any(|event| matches!(event, Event::KeyFrameRequest { .. })));
    assert!(
        net.ends[0].round_trip.is_some_and(|time| (time.as_micros() + 500) / 1_000 == 40),
        "{:?}",
        net.ends[0].round_trip
    );
    // Reports have said when frames were captured.
    assert!(frames.last().is_some_and(|frame| frame.captured.is_some()));
}

#[test]
fn without_repair_a_key_frame_is_asked_for() {
    let mut ends = [sections(10), sections(20)];
    for section in ends.iter_mut().flatten() {
        section.send.iter_mut().chain(&mut section.receive).for_each(|codec| codec.rtx = None);
    }
    // In the fifth frame; feedback is among what is counted.
    let mut net = Net::with(&ends, |number| (13..=14).contains(&number));
    net.play(8);
    net.run_for(Duration::from_millis(300));
    let asked = |event: &Event| *event == Event::KeyFrameRequest { sender: VIDEO.sender(), encoding: 0 };
    assert_eq!(net.events[0].iter().filter(|event| asked(event)).count(), 1);
    let before = net.frames(1).len();
    assert!(before < 8);
    net.ends[0].write_frame(VIDEO.sender(), &vp8(8, true), LIMIT).unwrap();
    net.run_for(Duration::from_millis(100));
    assert_eq!(net.frames(1).len(), before + 1);
    assert!(net.frames(1).last().is_some_and(|frame| frame.key));
}

#[test]
fn packets_are_forwarded_with_their_gaps() {
    let mut net = Net::new(|_| false);
    net.ends[1].set_delivery(VIDEO.receiver(), Delivery::Packets);
    for count in [70_000, 70_001, 70_003, 70_002, 5, 6] {
        let packet =
            SendPacket { count, payload: Bytes::from(vec![0x10, count as u8]), ..SendPacket::default() };
        net.ends[0].write_rtp(net.now, VIDEO.sender(), &packet, LIMIT).unwrap();
    }
    net.run_for(Duration::from_millis(30));
    let came: Vec<(u64, u8)> = net.events[1]
        .iter()
        .filter_map(|event| if let Event::Rtp(packet) = event { Some(packet) } else { None })
        .map(|packet| (packet.count, packet.payload()[1]))
        .collect();
    let first = came[0].0;
    let places: Vec<u64> = came.iter().map(|(count, _)| count - first).collect();
    assert_eq!(places, [0, 1, 3, 2, 4, 5]);
    let contents: Vec<u8> = came.iter().map(|(_, content)| *content).collect();
    assert_eq!(contents, [112, 113, 115, 114, 5, 6]);
}

#[test]
fn another_source_goes_on_where_the_last_one_ended() {
    let mut net = Net::new(|_| false);
    net.ends[1].set_delivery(VIDEO.receiver(), Delivery::Packets);
    // Two sources whose numbers and times are near each other and mean different things; the first comes back.
    let turns = [
        (7, 1_000_u64, 500_000_u32),
        (7, 1_001, 503_000),
        (8, 1_003, 9_000),
        (8, 1_004, 12_000),
        (7, 1_060, 680_000),
    ];
    for (source, count, timestamp) in turns {
        let payload = Bytes::from(vec![0x10, source as u8]);
        let packet = SendPacket { source, count, timestamp, payload, ..SendPacket::default() };
        net.ends[0].write_rtp(net.now, VIDEO.sender(), &packet, LIMIT).unwrap();
        net.run_for(Duration::from_millis(50));
    }
    let came: Vec<(u64, u32)> = net.events[1]
        .iter()
        .filter_map(|event| if let Event::Rtp(packet) = event { Some(packet) } else { None })
        .map(|packet| (packet.count, packet.parse().header.timestamp.0))
        .collect();
    let steps: Vec<(u64, u32)> =
        came.windows(2).map(|two| (two[1].0 - two[0].0, two[1].1.wrapping_sub(two[0].1))).collect();
    // 50 ms are 4,500 ticks; within a source its own steps count.
    assert_eq!(steps, [(1, 3_000), (1, 4_500), (1, 3_000), (1, 4_500)]);
}

#[test]
fn streams_of_simulcast_are_told_apart_and_repaired() {
    let mut ends = [sections(10), sections(30)];
    let rids = ["h", "l"].map(|id| NegotiatedRid { id: id.to_owned(), paused: false });
    ends[0][0].local_sources =
        vec![LocalSource { ssrc: 10, rtx: 11, fec: 12 }, LocalSource { ssrc: 20, rtx: 21, fec: 22 }];
    ends[0][0].send_rids = rids.to_vec();
    ends[1][0].receive_rids = rids.to_vec();
    let mut net = Net::with(&ends, |number| number % 13 == 4);
    // The last packet of all cannot be missed: nothing comes behind it.
    for number in 0..61 {
        for encoding in [0, 1] {
            let frame = SendFrame { encoding, ..vp8(number, number == 0) };
            net.ends[0].write_frame(VIDEO.sender(), &frame, LIMIT).unwrap();
        }
        net.run_for(Duration::from_millis(33));
    }
    net.run_for(Duration::from_secs(1));
    for rid in ["h", "l"] {
        let frames: Vec<u8> =
            net.frames(1).iter().filter(|f| f.rid.as_deref() == Some(rid)).map(|f| f.data[1]).collect();
        assert_eq!(frames[..60], (0..60).collect::<Vec<u8>>(), "{rid}");
    }
    // Once the peer has reported, names are not sent any more.
    assert!(net.ends[0].outgoing.iter().take(2).all(|stream| stream.is_known));
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let mut ends = [sections(10), sections(20)];
    ends[0][1].direction = RtpTransceiverDirection::RecvOnly;
    let mut net = Net::with(&ends, |_| false);
    let media = &mut net.ends[0];
    let frame = vp8(0, true);
    let other = TransceiverId(9).sender();
    assert_eq!(media.write_frame(other, &frame, LIMIT), Err(WriteError::NotNegotiated));
    assert_eq!(media.write_frame(AUDIO.sender(), &frame, LIMIT), Err(WriteError::NotSending));
    let second = SendFrame { encoding: 1, ..frame.clone() };
    assert_eq!(media.write_frame(VIDEO.sender(), &second, LIMIT), Err(WriteError::NoEncoding(1)));
    let unknown = SendFrame { payload_type: Some(50), ..frame.clone() };
    assert_eq!(media.write_frame(VIDEO.sender(), &unknown, LIMIT), Err(WriteError::NoCodec(50)));
    let long = SendPacket { payload: vec![0; LIMIT].into(), ..SendPacket::default() };
    assert!(matches!(
        media.write_rtp(Instant::ZERO, VIDEO.sender(), &long, LIMIT),
        Err(WriteError::TooLong { .. })
    ));
    while media.write_frame(VIDEO.sender(), &frame, LIMIT).is_ok() {}
    assert_eq!(media.write_frame(VIDEO.sender(), &frame, LIMIT), Err(WriteError::QueueFull));
}

#[test]
fn strangers_cost_nothing() {
    let mut net = Net::new(|_| false);
    let media = &mut net.ends[1];
    for ssrc in 0..2_000 {
        let mut packet = Vec::new();
        Header { payload_type: 55, ssrc, ..Header::default() }.write(&[], &mut packet);
        packet.push(0);
        media.handle_rtp(net.now, BytesMut::from(&packet[..]));
    }
    assert_eq!(media.drops().of(DropReason::RtpUnknownSource), 2_000);
    // Of a payload type that is known there is room for some.
    for ssrc in 0..2_000 {
        let mut packet = Vec::new();
        Header { payload_type: 96, ssrc, ..Header::default() }.write(&[], &mut packet);
        packet.push(0);
        media.handle_rtp(net.now, BytesMut::from(&packet[..]));
    }
    assert_eq!(media.incoming.len(), super::sources::MAX_SOURCES);
    assert!(media.drops().of(DropReason::RtpTooManySources) > 1_000);
}

quickcheck::quickcheck! {
    fn any_bytes_are_taken_or_refused(packets: Vec<(bool, Vec<u8>)>, header: bool) -> bool {
        let mut net = Net::new(|_| false);
        for (rtcp, bytes) in packets {
            let mut packet = Vec::new();
            if header {
                Header { payload_type: 96 + u8::from(rtcp), ssrc: 7, ..Header::default() }.write(&[], &mut packet);
            }
            packet.extend_from_slice(&bytes);
            net.ends[0].handle_rtp(net.now, BytesMut::from(&packet[..]));
            net.ends[0].handle_rtcp(net.now, &bytes);
        }
        net.run_for(Duration::from_secs(3));
        true
    }
}

/// A packet of the video's stream, as a peer without a machine like ours would send it.
fn raw(payload_type: u8, number: u16, timestamp: u32, marker: bool, payload: &[u8]) -> BytesMut {
    let (sequence, timestamp) = (Serial16(number), Serial32(timestamp));
    let mut packet = Vec::new();
    Header { marker, payload_type, sequence, timestamp, ssrc: 77 }.write(&[], &mut packet);
    packet.extend_from_slice(payload);
    BytesMut::from(&packet[..])
}

#[test]
fn redundant_audio_fills_what_was_lost() {
    let mut agreed = sections(10);
    let red = codec(63, RtpCodec::new("audio/red", 48_000).channels(2).fmtp("111/111"), None, &[]);
    agreed[1].receive.push(red);
    let mut net = Net::with(&[agreed, sections(20)], |_| false);
    // Each packet carries the two payloads before its own; the third and fourth packets are lost.
    for number in (0..8_u16).filter(|number| ![3, 4].contains(number)) {
        let old = [2, 1].map(|back| (u32::from(back) * 960, [number.wrapping_sub(back) as u8]));
        let old =
            old.each_ref().map(|(offset, data)| red::Block { payload_type: 111, offset: *offset, data });
        let old = if number < 2 { &[][..] } else { &old[..] };
        let mut payload = Vec::new();
        let data = [number as u8];
        red::write(old, red::Block { payload_type: 111, offset: 0, data: &data }, &mut payload);
        let packet = raw(63, number, u32::from(number) * 960, false, &payload);
        net.ends[0].handle_rtp(net.now, packet);
        net.run_for(Duration::from_millis(20));
    }
    let frames = net.frames(0);
    assert_eq!(frames.iter().map(|frame| frame.data[0]).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    assert!(frames.iter().all(|f| f.payload_type == 111 && f.timestamp == u32::from(f.data[0]) * 960));
}

#[test]
fn video_in_red_is_unwrapped_and_its_correction_left_out() {
    let mut agreed = sections(10);
    agreed[0].receive.push(codec(118, RtpCodec::new("video/red", 90_000), Some(119), &[]));
    agreed[0].receive.push(codec(120, RtpCodec::new("video/ulpfec", 90_000), None, &[]));
    let mut net = Net::with(&[agreed, sections(20)], |_| false);
    let mut number = 0;
    for frame in 0..5_u8 {
        // The first packet of VP8, a correction, the last packet; one of them is repeated for no reason.
        let begin = [96, 0x10, u8::from(frame != 0), frame];
        let parts: [(&[u8], bool); 3] = [(&begin, false), (&[120, 1, 2, 3], false), (&[96, 0, frame], true)];
        for (payload, marker) in parts {
            let packet = raw(118, number, u32::from(frame) * 3_000, marker, payload);
            net.ends[0].handle_rtp(net.now, packet.clone());
            net.ends[0].handle_rtp(net.now, packet);
            number += 1;
        }
        net.run_for(Duration::from_millis(33));
    }
    let frames: Vec<(u8, Vec<u8>)> =
        net.frames(0).iter().map(|frame| (frame.payload_type, frame.data.to_vec())).collect();
    let wanted: Vec<(u8, Vec<u8>)> =
        (0..5_u8).map(|frame| (96, vec![u8::from(frame != 0), frame, frame])).collect();
    assert_eq!(frames, wanted);
    // What is not what it says it is.
    for payload in [&[118, 0][..], &[0x80], &[5, 1]] {
        net.ends[0].handle_rtp(net.now, raw(118, number, 0, false, payload));
        number += 1;
    }
    let drops = net.ends[0].drops();
    assert_eq!((drops.of(DropReason::RtpMalformed), drops.of(DropReason::RtpUnknownPayload)), (2, 1));
}
