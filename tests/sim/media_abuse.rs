//! Media planes whose peer has the keys and does as it likes: sources without end, padding, numbers and times that jump; and
//! numbers and times that wrap in the course of nature.

use crate::world::Dice;
use bytes::{Bytes, BytesMut};
use purertc::base::negotiated::NegotiatedSection;
use purertc::base::random::Rng;
use purertc::media::event::Event;
use purertc::media::{Media, PacketKind};
use purertc::{
    Configuration, Delivery, DropReason, Frame, Init, Instant, MediaKind, PeerConnection, ReceiverId,
    RtpTransceiverInit, SendFrame, SendPacket, TransceiverId, WallClock,
};
use std::time::{Duration, SystemTime};

/// A step of time.
const STEP: Duration = Duration::from_millis(20);
/// Bytes that an RTP packet may have.
const LIMIT: usize = 1_150;

/// Two planes that have agreed on video, one way as the other, without a path between them.
struct Planes {
    now: Instant,
    ends: [Media; 2],
    /// The section as either end knows it.
    video: TransceiverId,
    receiver: ReceiverId,
    /// What frames need to be put into packets by hand.
    payload_type: u8,
}

fn agreed() -> [Vec<NegotiatedSection>; 2] {
    let now = Instant::ZERO;
    let mut peers = [1, 2].map(|seed| {
        let init = Init::new(now, SystemTime::UNIX_EPOCH, [seed; 32]);
        let mut pc = PeerConnection::new(Configuration::default(), init).unwrap();
        pc.add_transceiver(MediaKind::Video, RtpTransceiverInit::default()).unwrap();
        pc
    });
    let [ours, theirs] = &mut peers;
    ours.set_local_description(now, None).unwrap();
    theirs.set_remote_description(now, ours.local_description().unwrap().clone()).unwrap();
    theirs.set_local_description(now, None).unwrap();
    ours.set_remote_description(now, theirs.local_description().unwrap().clone()).unwrap();
    peers.map(|peer| peer.negotiated_media().to_vec())
}

impl Planes {
    fn new() -> Self {
        let sections = agreed();
        let now = Instant::from_millis(1);
        let clock = WallClock::new(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let ends = [0, 1].map(|at| {
            let mut media = Media::new(Rng::from_number(at as u64 + 1), clock);
            media.set_sections(&sections[at]);
            media
        });
        let payload_type = sections[0][0].send[0].payload_type;
        let [ours, theirs] = [0, 1].map(|at: usize| sections[at][0].transceiver);
        Self { now, ends, video: ours, receiver: theirs.receiver(), payload_type }
    }

    /// Lets time pass, and what waits go both ways.
    fn step(&mut self) -> Vec<Event> {
        self.now += STEP;
        for (from, to) in [(0, 1), (1, 0)] {
            self.ends[from].handle_timeout(self.now);
            let mut out = Vec::new();
            while let Some(kind) = self.ends[from].poll_transmit(self.now, &mut out) {
                let packet = std::mem::take(&mut out);
                match kind {
                    PacketKind::Rtp => self.ends[to].handle_rtp(self.now, BytesMut::from(&packet[..])),
                    PacketKind::Rtcp => self.ends[to].handle_rtcp(self.now, &packet),
                }
            }
        }
        std::iter::from_fn(|| self.ends[1].poll_event()).collect()
    }

    /// Sends a frame that says which it is, with this time, and steps.
    fn play(&mut self, number: u32, timestamp: u32) -> Vec<Frame> {
        let mut data = vec![1; 2_500];
        data[0] = u8::from(number != 0);
        data[1..5].copy_from_slice(&number.to_be_bytes());
        let frame = SendFrame { timestamp, data: data.into(), ..SendFrame::default() };
        self.ends[0].write_frame(self.video.sender(), &frame, LIMIT).unwrap();
        let events = self.step().into_iter();
        events.filter_map(|event| if let Event::Frame(frame) = event { Some(*frame) } else { None }).collect()
    }

    /// Steps, and says which packets came.
    fn counts(&mut self) -> Vec<u64> {
        let events = self.step().into_iter();
        events
            .filter_map(|event| if let Event::Rtp(packet) = event { Some(packet.count) } else { None })
            .collect()
    }

    /// A packet that never went through the sender.
    fn forged(&self, ssrc: u32, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, self.payload_type | 0x80];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }

    fn inject(&mut self, packet: &[u8]) {
        self.ends[1].handle_rtp(self.now, BytesMut::from(packet));
    }
}

fn number(frame: &Frame) -> u32 {
    u32::from_be_bytes(frame.data[1..5].try_into().unwrap())
}

#[test]
fn attack_11_sources_without_end_are_bounded_and_rebind_nothing() {
    let (mut planes, mut dice) = (Planes::new(), Dice::new(11));
    let mut came = Vec::new();
    for frame in 0..150 {
        came.extend(planes.play(frame, frame * 1_800));
        let own = came[0].ssrc;
        for _ in 0..400 {
            let ssrc = dice.roll() as u32;
            let mut packet = planes.forged(ssrc, dice.roll() as u16, dice.roll() as u32, &[0x10, 1, 2, 3]);
            // Half of them claim other payload types.
            if dice.below(2) == 0 {
                packet[1] = dice.roll() as u8;
            }
            planes.inject(&packet);
        }
        assert!(planes.ends[1].inbound_streams().any(|stream| stream.ssrc == own));
    }
    assert!(planes.ends[1].inbound_streams().count() <= 512);
    let own: Vec<u32> = came.iter().filter(|frame| frame.ssrc == came[0].ssrc).map(number).collect();
    assert_eq!(own, (0..150).collect::<Vec<u32>>(), "the stream went on, under its own name");
    assert!(planes.ends[1].drops().total() > 30_000, "{:?}", planes.ends[1].drops());
}

#[test]
fn attack_31_padding_in_any_place_spoils_no_frame() {
    let (mut planes, mut dice) = (Planes::new(), Dice::new(31));
    let mut came = Vec::new();
    for frame in 0..100 {
        came.extend(planes.play(frame, frame * 1_800));
        let own = came[0].ssrc;
        // Of the stream itself: counts of zero, beyond the payload, and of a payload that is not there.
        for count in [0, 6, 200, 255] {
            let mut packet = planes.forged(own, dice.roll() as u16, 0, &[0x10, 0, 0, 0, count]);
            packet[0] |= 0x20;
            planes.inject(&packet);
            packet.truncate(12);
            planes.inject(&packet);
        }
    }
    assert_eq!(came.iter().map(number).collect::<Vec<_>>(), (0..100).collect::<Vec<u32>>());
    assert!(planes.ends[1].drops().of(DropReason::RtpMalformed) >= 800, "{:?}", planes.ends[1].drops());
}

#[test]
fn numbers_and_times_that_jump_stop_nothing() {
    let (mut planes, mut dice) = (Planes::new(), Dice::new(5));
    planes.ends[1].set_delivery(planes.receiver, Delivery::Packets);
    let (mut sequence, mut last, mut came) = (0_u16, None::<u64>, 0);
    for n in 0..20_000_u32 {
        // Now and then a jump to anywhere, in numbers, in time, or in both.
        if dice.below(50) == 0 {
            sequence = dice.roll() as u16;
        }
        sequence = sequence.wrapping_add(1);
        let timestamp = if dice.below(10) == 0 { dice.roll() as u32 } else { n * 90 };
        let packet = planes.forged(77, sequence, timestamp, &[0x10, 1, 2, 3]);
        planes.inject(&packet);
        if n.is_multiple_of(20) {
            for event in planes.step() {
                if let Event::Rtp(packet) = event {
                    // Counts go on upwards but for what is late.
                    assert!(
                        last.is_none_or(|last| packet.count + 3_000 >= last),
                        "{last:?} {}",
                        packet.count
                    );
                    last = last.max(Some(packet.count));
                    came += 1;
                }
            }
        }
    }
    assert!(came > 16_000, "after a jump the second packet is believed: {came}");
}

#[test]
fn times_that_jump_do_not_stop_frames() {
    let (mut planes, mut dice) = (Planes::new(), Dice::new(6));
    planes.ends[1].set_jitter_buffer_target(planes.receiver, Some(Duration::from_millis(40)));
    let (mut came, mut timestamp) = (Vec::new(), 0_u32);
    for frame in 0..300 {
        timestamp = if frame % 60 == 59 { dice.roll() as u32 } else { timestamp.wrapping_add(1_800) };
        came.extend(planes.play(frame, timestamp));
    }
    for _ in 0..300 {
        let events = planes.step().into_iter();
        came.extend(
            events.filter_map(|event| if let Event::Frame(frame) = event { Some(*frame) } else { None }),
        );
    }
    assert_eq!(came.iter().map(number).collect::<Vec<_>>(), (0..300).collect::<Vec<u32>>());
}

#[test]
fn times_wrap_and_nobody_notices() {
    let mut planes = Planes::new();
    let mut came = Vec::new();
    // Two seconds in front of the wrap, wherever our own begin is: 90,000 ticks a second, all the way around.
    let steps = 400;
    for frame in 0..steps {
        came.extend(planes.play(frame, frame.wrapping_mul(u32::MAX / steps + 1_800)));
    }
    assert_eq!(came.iter().map(number).collect::<Vec<_>>(), (0..steps).collect::<Vec<u32>>());
    assert_eq!(planes.ends[1].drops().total(), 0);
}

#[test]
fn numbers_wrap_and_what_is_missing_then_is_repaired() {
    let mut planes = Planes::new();
    planes.ends[1].set_delivery(planes.receiver, Delivery::Packets);
    let payload = Bytes::from_static(&[0x10, 1, 2, 3, 4, 5, 6, 7]);
    let (mut counts, mut sent) = (Vec::new(), 0_u64);
    // More than the ring of numbers, forty packets at a time; each 997th is left out at first and comes when it is asked for.
    let mut late = Vec::new();
    while sent < 70_000 {
        for _ in 0..40 {
            sent += 1;
            let packet = SendPacket {
                count: sent,
                timestamp: (sent * 45) as u32,
                payload: payload.clone(),
                ..SendPacket::default()
            };
            if sent.is_multiple_of(997) {
                late.push(packet);
            } else {
                planes.ends[0].write_rtp(planes.now, planes.video.sender(), &packet, LIMIT).unwrap();
            }
        }
        counts.extend(planes.counts());
        for packet in late.drain(..) {
            planes.ends[0].write_rtp(planes.now, planes.video.sender(), &packet, LIMIT).unwrap();
        }
    }
    counts.extend(planes.counts());
    let first = counts.iter().copied().min().unwrap();
    counts.sort_unstable();
    counts.dedup();
    assert_eq!(counts.len() as u64, sent);
    assert_eq!(
        counts.last().unwrap() - first,
        counts.len() as u64 - 1,
        "none is missing, and none counted twice"
    );
    assert_eq!(planes.ends[1].drops().total(), 0, "{:?}", planes.ends[1].drops());
}
