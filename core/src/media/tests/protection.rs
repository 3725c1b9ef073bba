//! Protection that does not have to be asked for.

use super::{AUDIO, LIMIT, Net, VIDEO, codec, raw, sections, vp8};
use crate::base::drops::DropReason;
use crate::base::media::RtpCodec;
use crate::base::negotiated::{NegotiatedCodec, NegotiatedSection};
use crate::base::seq::Serial16;
use crate::media::PacketKind;
use crate::media::event::{Delivery, Event, SendFrame};
use crate::media::send::guard::Protection;
use crate::wire::rtp::{Header, Packet};
use bytes::{Bytes, BytesMut};
use std::time::Duration;

const ULPFEC: [(u8, &str); 2] = [(118, "video/red"), (120, "video/ulpfec")];
const FLEXFEC: [(u8, &str); 1] = [(121, "video/flexfec-03")];

/// Nothing is asked for again: what is lost and not protected is gone.
fn ends(protections: &[(u8, &str)]) -> [Vec<NegotiatedSection>; 2] {
    [10, 20].map(|base| {
        let mut sections = sections(base);
        let mut codecs = vec![codec(96, RtpCodec::new("video/VP8", 90_000), None, &["transport-cc"])];
        let more = |&(payload_type, name): &(u8, &str)| {
            codec(payload_type, RtpCodec::new(name, 90_000), None, &["transport-cc"])
        };
        codecs.extend(protections.iter().map(more));
        set(&mut sections[0], codecs);
        let opus = sections[1].send[0].clone();
        let red = codec(63, RtpCodec::new("audio/red", 48_000).channels(2).fmtp("111/111"), None, &[]);
        set(&mut sections[1], vec![opus, red]);
        sections
    })
}

fn set(section: &mut NegotiatedSection, codecs: Vec<NegotiatedCodec>) {
    (section.send, section.receive) = (codecs.clone(), codecs);
}

/// Frames that come of 90 pictures, of which no four packets in a row lose more than one.
fn pictures(protections: &[(u8, &str)], correction: f32) -> (usize, Net) {
    let mut net = Net::with(&ends(protections), |number| number % 9 == 4);
    net.ends[0].set_protection(VIDEO.sender(), Protection { correction, redundancy: 0 });
    for number in 0..90 {
        let frame = vp8(number, true);
        net.ends[0].write_frame(VIDEO.sender(), &frame, LIMIT).unwrap();
        net.run_for(Duration::from_millis(33));
    }
    net.run_for(Duration::from_millis(200));
    let frames = net.frames(1);
    assert!(frames.iter().all(|frame| frame.data == vp8(u32::from(frame.data[1]), true).data));
    (frames.len(), net)
}

#[test]
fn pictures_come_whole_by_parity_alone() {
    let (unprotected, _) = pictures(&FLEXFEC, 0.0);
    assert!((50..70).contains(&unprotected), "{unprotected}");
    for protections in [&FLEXFEC[..], &ULPFEC] {
        let (came, net) = pictures(protections, 0.3);
        assert_eq!(came, 90, "{protections:?}");
        let facts = net.ends[1].inbound_streams().next().unwrap();
        // One packet of parity for three of a picture, of which some were lost.
        assert!((75..=90).contains(&facts.received.parity_packets), "{facts:?}");
        assert_eq!(facts.received.nacks, 0);
        assert_eq!(net.ends[1].drops().total(), 0);
    }
}

#[test]
fn what_parity_makes_is_forwarded_like_what_came() {
    // With the first parity that comes packets begin to be kept for it: of the second frame one is lost.
    let mut net = Net::with(&ends(&FLEXFEC), |number| number == 6);
    net.ends[0].set_protection(VIDEO.sender(), Protection { correction: 0.3, redundancy: 0 });
    net.ends[1].set_delivery(VIDEO.receiver(), Delivery::Packets);
    for number in 0..2 {
        net.ends[0].write_frame(VIDEO.sender(), &vp8(number, true), LIMIT).unwrap();
        net.run_for(Duration::from_millis(40));
    }
    let mut packets: Vec<(u64, usize, u8)> = net.events[1]
        .iter()
        .filter_map(|event| if let Event::Rtp(packet) = event { Some(packet) } else { None })
        .map(|packet| (packet.count, packet.payload().len(), packet.parse().header.payload_type))
        .collect();
    packets.sort_unstable();
    assert_eq!(packets.len(), 6);
    assert!(packets.windows(2).all(|two| two[1].0 == two[0].0 + 1));
    assert!(packets.iter().all(|packet| packet.1 > 900 && packet.2 == 96));
}

#[test]
fn sound_is_made_good_by_what_comes_later() {
    for (redundancy, came) in [(0, 80..81), (1, 100..101)] {
        let mut net = Net::with(&ends(&[]), |number| number % 5 == 2);
        net.ends[0].set_protection(AUDIO.sender(), Protection { redundancy, correction: 0.0 });
        for number in 0..100_u8 {
            let frame = SendFrame {
                timestamp: u32::from(number) * 960,
                data: Bytes::from(vec![number; 60]),
                ..SendFrame::default()
            };
            net.ends[0].write_frame(AUDIO.sender(), &frame, LIMIT).unwrap();
            // Reports would shift what is lost.
            net.run_for(Duration::from_millis(1));
        }
        net.run_for(Duration::from_millis(300));
        let frames = net.frames(1);
        assert!(came.contains(&frames.len()), "{redundancy}: {}", frames.len());
        assert!(frames.windows(2).all(|two| two[0].data[0] < two[1].data[0]));
        assert!(frames.iter().all(|frame| frame.payload_type == 111 && frame.data.len() == 60));
    }
}

/// Parity of a stranger, of what is far away, and of all at once.
#[test]
fn parity_of_nothing_or_of_anything_costs_nothing() {
    let mut net = Net::with(&ends(&FLEXFEC), |_| false);
    net.ends[0].write_frame(VIDEO.sender(), &vp8(0, true), LIMIT).unwrap();
    net.run_for(Duration::from_millis(50));
    let mut flexfec = |payload: &[u8], sequence| {
        let mut packet = Vec::new();
        let header =
            Header { payload_type: 121, sequence: Serial16(sequence), ssrc: 4_711, ..Header::default() };
        header.write(&[], &mut packet);
        packet.extend_from_slice(payload);
        net.ends[1].handle_rtp(net.now, BytesMut::from(&packet[..]));
        net.ends[1].drops().clone()
    };
    // Of a source that is not there.
    let mut stranger = vec![0, 0, 0, 9, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0xc0, 0];
    stranger.extend([0; 40]);
    assert_eq!(flexfec(&stranger, 1).of(DropReason::RtpUnknownSource), 1);
    assert_eq!(flexfec(&[1, 2, 3], 2).of(DropReason::RtpMalformed), 1);
    // Of our stream, but everywhere: nothing comes of it.
    let mut ours = stranger.clone();
    ours[15] = 10;
    for base in 0..2_000_u16 {
        ours[16..18].copy_from_slice(&base.wrapping_mul(31).to_be_bytes());
        flexfec(&ours, base);
    }
    net.run_for(Duration::from_millis(50));
    assert_eq!(net.frames(1).len(), 1);
}

#[test]
fn parity_is_named_until_the_end_and_padding_is_none() {
    let mut net = Net::with(&ends(&FLEXFEC), |_| false);
    net.ends[0].set_protection(VIDEO.sender(), Protection { correction: 1.0, redundancy: 0 });
    net.ends[0].write_frame(VIDEO.sender(), &vp8(0, true), LIMIT).unwrap();
    let (mut out, mut parity) = (Vec::new(), 0);
    while let Some(kind) = net.ends[0].poll_transmit(net.now, &mut out) {
        let packet = std::mem::take(&mut out);
        let parsed = Packet::parse(&packet).unwrap();
        if kind == PacketKind::Rtp && parsed.header.payload_type == 121 {
            parity += 1;
            assert_eq!(parsed.find_extension(1), Some(&b"v"[..]));
        }
    }
    assert_eq!(parity, 3);
    net.ends[1].handle_rtp(net.now, raw(121, 9, 0, false, &[]));
    assert_eq!(net.ends[1].drops().total(), 0);
}

quickcheck::quickcheck! {
    fn any_parity_is_taken_or_refused(packets: Vec<(u16, u8, Vec<u8>)>) -> bool {
        for (protections, outer) in [(&FLEXFEC[..], 121_u8), (&ULPFEC, 118), (&ULPFEC, 120)] {
            let mut net = Net::with(&ends(protections), |_| false);
            for (number, kind, bytes) in &packets {
                let mut payload = vec![if outer == 118 { 120 } else { *kind & 0x3f }];
                payload.extend_from_slice(bytes);
                net.ends[0].handle_rtp(net.now, raw(if kind % 3 == 0 { 96 } else { outer }, *number, 0, true, &payload));
            }
            net.run_for(Duration::from_secs(1));
        }
        true
    }
}
