use super::congestion::{Arrival, Congestion, Metric, StreamMetrics};
use super::extended::{Block, Delay, Extended};
use super::feedback::{Estimate, Feedback, IntraRequest, Limit, Message, Missing};
use super::list::List;
use super::report::{ReceiverReport, ReportBlock, SenderInfo, SenderReport, middle};
use super::source::{App, Bye, Chunk, Description, Item, ItemKind};
use super::transport_wide::TransportWide;
use super::{HEADER_LEN, Packet, begins_with_report, packets};
use crate::base::seq::{Serial16, Serial32};
use crate::wire::cursor::ParseError;
use quickcheck::{Arbitrary, Gen, quickcheck};

fn written(packet: &Packet<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    packet.write(&mut out);
    out
}

/// The one packet in `bytes`.
fn only(bytes: &[u8]) -> Result<Packet<'_>, ParseError> {
    let mut all = packets(bytes);
    let first = all.next().expect("a packet");
    assert!(all.next().is_none(), "one packet");
    first
}

/// Expects these bytes, and that they are read as what was written.
fn check(packet: Packet<'_>, bytes: &[u8]) {
    assert_eq!(written(&packet), bytes);
    assert_eq!(only(bytes), Ok(packet));
}

fn feedback(message: Message<'_>) -> Packet<'_> {
    Packet::Feedback(Feedback { sender: 1, media: 2, message })
}

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 9,
    fraction_lost: 128,
    lost: -2,
    highest: 0x0001_0002,
    jitter: 3,
    last_report: 4,
    delay: 5,
};

#[test]
fn reports_have_these_bytes() {
    let info = SenderInfo { ntp: 0x0102_0304_0506_0708, timestamp: Serial32(6), packets: 7, octets: 8 };
    let blocks = [BLOCK];
    let report = SenderReport { ssrc: 1, info, blocks: List::from(&blocks[..]), extension: &[] };
    let block = [0, 0, 0, 9, 128, 0xff, 0xff, 0xfe, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5];
    let head = [0x81, 200, 0, 12, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8];
    check(Packet::SenderReport(report), &[&head[..], &block].concat());
    let report = ReceiverReport { ssrc: 1, blocks: List::from(&blocks[..]), extension: &[1, 2, 3, 4] };
    let head = [0x81, 201, 0, 8, 0, 0, 0, 1];
    check(Packet::ReceiverReport(report), &[&head[..], &block, &[1, 2, 3, 4]].concat());
    assert_eq!(middle(info.ntp), 0x0304_0506);
    // RFC 3550 appendix A.3: the number of lost packets is clamped, not wrapped.
    let blocks = [ReportBlock { lost: i32::MAX, ..BLOCK }, ReportBlock { lost: i32::MIN, ..BLOCK }];
    let report = ReceiverReport { blocks: List::from(&blocks[..]), ..ReceiverReport::default() };
    let bytes = written(&Packet::ReceiverReport(report));
    assert_eq!((&bytes[13..16], &bytes[37..40]), (&[0x7f, 0xff, 0xff][..], &[0x80, 0, 0][..]));
}

#[test]
fn sources_have_these_bytes() {
    let items = [Item { kind: ItemKind::Cname, text: b"abc" }, Item { kind: ItemKind::Mid, text: b"0" }];
    let chunks = [Chunk::new(1, &items), Chunk::new(2, &[])];
    check(
        Packet::SourceDescription(Description::new(&chunks)),
        &[
            0x82, 202, 0, 6, 0, 0, 0, 1, 1, 3, b'a', b'b', b'c', 15, 1, b'0', 0, 0, 0, 0, 0, 0, 0, 2, 0, 0,
            0, 0,
        ],
    );
    assert_eq!(chunks[0].find(ItemKind::Mid), Some(&b"0"[..]));
    let sources = [1, 2];
    let sources = List::from(&sources[..]);
    check(
        Packet::Bye(Bye { sources, reason: b"why" }),
        &[0x82, 203, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 3, b'w', b'h', b'y'],
    );
    check(Packet::Bye(Bye { sources, reason: &[] }), &[0x82, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    check(
        Packet::App(App { subtype: 5, ssrc: 1, name: *b"name", data: &[1, 2, 3, 4] }),
        &[0x85, 204, 0, 3, 0, 0, 0, 1, b'n', b'a', b'm', b'e', 1, 2, 3, 4],
    );
}

#[test]
fn extended_reports_have_these_bytes() {
    let delays = [Delay { ssrc: 2, last_report: 3, delay: 4 }];
    let blocks = [
        Block::ReferenceTime(0x0102_0304_0506_0708),
        Block::Delays(List::from(&delays[..])),
        Block::Unknown { block_type: 42, specific: 7, body: &[9, 9, 9, 9] },
    ];
    check(
        Packet::Extended(Extended::new(1, &blocks)),
        &[
            0x80, 207, 0, 10, 0, 0, 0, 1, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 5, 0, 0, 3, 0, 0, 0, 2, 0, 0,
            0, 3, 0, 0, 0, 4, 42, 7, 0, 1, 9, 9, 9, 9,
        ],
    );
}

#[test]
fn feedback_has_these_bytes() {
    let head = |format: u8, ty: u8, words: u8| [0x80 | format, ty, 0, words, 0, 0, 0, 1, 0, 0, 0, 2];
    let missing = [Missing { first: Serial16(0x1234), following: 0x8001 }];
    check(
        feedback(Message::Nack(List::from(&missing[..]))),
        &[&head(1, 205, 3)[..], &[0x12, 0x34, 0x80, 1]].concat(),
    );
    assert_eq!(missing[0].numbers().map(|n| n.0).collect::<Vec<_>>(), [0x1234, 0x1235, 0x1244]);
    let limits = [Limit { ssrc: 3, bitrate: 200_000, overhead: 40 }];
    let limit = [0, 0, 0, 3, 0x07, 0x0d, 0x40, 40];
    check(feedback(Message::LimitRequest(List::from(&limits[..]))), &[&head(3, 205, 4)[..], &limit].concat());
    check(feedback(Message::LimitNotice(List::from(&limits[..]))), &[&head(4, 205, 4)[..], &limit].concat());
    check(feedback(Message::PictureLoss), &head(1, 206, 2));
    let requests = [IntraRequest { ssrc: 3, sequence: 7 }];
    check(
        feedback(Message::IntraRequest(List::from(&requests[..]))),
        &[&head(4, 206, 4)[..], &[0, 0, 0, 3, 7, 0, 0, 0]].concat(),
    );
    let streams = [3, 4];
    let estimate = Estimate { bitrate: 1_000_000, streams: List::from(&streams[..]) };
    // 1,000,000 = 0x3d090 << 2.
    let remb = [b'R', b'E', b'M', b'B', 2, 0x0b, 0xd0, 0x90, 0, 0, 0, 3, 0, 0, 0, 4];
    check(feedback(Message::Estimate(estimate)), &[&head(15, 206, 6)[..], &remb].concat());
    check(feedback(Message::Application(b"mine")), &[&head(15, 206, 3)[..], b"mine"].concat());
    check(feedback(Message::UnknownPayload(2, b"slic")), &[&head(2, 206, 3)[..], b"slic"].concat());
    check(feedback(Message::UnknownTransport(9, b"what")), &[&head(9, 205, 3)[..], b"what"].concat());
}

/// The largest exponents that six bits hold, and a rate that does not fit its mantissa.
#[test]
fn rates_are_rounded_down_and_never_overflow() {
    let of = |exponent_and_mantissa: [u8; 3]| {
        let mut bytes = vec![0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, b'R', b'E', b'M', b'B', 0];
        bytes.extend(exponent_and_mantissa);
        match only(&bytes) {
            Ok(Packet::Feedback(Feedback { message: Message::Estimate(estimate), .. })) => estimate.bitrate,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of([0xfc, 0, 0]), 0);
    assert_eq!(of([0xfc, 0, 1]), 1 << 63);
    assert_eq!(of([0xff, 0xff, 0xff]), 0x3_ffff << 46);
    let estimate = Estimate { bitrate: 0x7_ffff, streams: List::default() };
    assert_eq!(written(&feedback(Message::Estimate(estimate)))[16..], [0, 0x07, 0xff, 0xff]);
}

#[test]
fn transport_wide_feedback_has_these_bytes() {
    // Fourteen symbols of one bit: arrived at once, lost, arrived 63.75 ms later; then a gap back in time.
    let arrivals = [Some(0), None, Some(255), Some(-1)];
    check(
        feedback(Message::TransportWide(TransportWide::new(Serial16(7), -2, 9, &arrivals))),
        &[
            0x8f,
            205,
            0,
            6,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            2,
            0,
            7,
            0,
            4,
            0xff,
            0xff,
            0xfe,
            9,
            0b1101_0001,
            0b1000_0000,
            0,
            255,
            0xff,
            0xff,
            0,
            0,
        ],
    );
    let arrivals = [vec![Some(1); 20], vec![None; 9_000]].concat();
    let feedback = TransportWide::new(Serial16(65_530), 5, 0, &arrivals);
    let bytes = written(&Packet::Feedback(Feedback {
        sender: 1,
        media: 2,
        message: Message::TransportWide(feedback),
    }));
    assert_eq!(bytes[20..26], [0x20, 20, 0x1f, 0xff, 0x03, 0x29], "three runs");
    assert_eq!(bytes.len(), 20 + 6 + 20 + 2);
}

#[test]
fn congestion_feedback_has_these_bytes() {
    let (there, lost) = (Metric(Some(Arrival { ecn: 1, offset: 0x0203 })), Metric(None));
    let (odd, even) = ([there, lost, there], [lost, there]);
    let streams = [
        StreamMetrics { ssrc: 3, begin: Serial16(4), metrics: List::from(&odd[..]) },
        StreamMetrics { ssrc: 5, begin: Serial16(6), metrics: List::from(&even[..]) },
    ];
    check(
        Packet::Congestion(Congestion::new(1, 0x0708_090a, &streams)),
        &[
            0x8b, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 3, 0, 4, 0, 3, 0xa2, 3, 0, 0, 0xa2, 3, 0, 0, 0, 0, 0, 5, 0,
            6, 0, 2, 0, 0, 0xa2, 3, 7, 8, 9, 10,
        ],
    );
    let mut bytes = vec![0x8b, 205, 0x20, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 4, 0x40, 1];
    bytes.resize(4 + 0x2004 * 4, 0);
    assert!(matches!(only(&bytes), Err(ParseError::TooMany(_))));
}

#[test]
fn a_malformed_packet_costs_itself_alone() {
    let mut bytes = vec![0x82, 201, 0, 1, 0, 0, 0, 1];
    bytes.extend(written(&feedback(Message::PictureLoss)));
    bytes.extend([0x80, 211, 0, 0]);
    let read: Vec<_> = packets(&bytes).collect();
    assert_eq!(read[0], Err(ParseError::Truncated));
    assert_eq!(read[1], Ok(feedback(Message::PictureLoss)));
    assert_eq!(read[2], Ok(Packet::Unknown { packet_type: 211, count: 0, body: &[] }));
    assert_eq!(read.len(), 3);
    assert!(begins_with_report(&bytes) && !begins_with_report(&bytes[8..]));
    // A header that cannot be believed is the end.
    for broken in [&[0x40, 201, 0, 0][..], &[0x80, 201, 0, 9], &[0x80, 201]] {
        let bytes = [broken, &written(&feedback(Message::PictureLoss))].concat();
        assert_eq!(packets(&bytes[..broken.len().max(3)]).count(), 1);
        assert!(packets(&bytes).next().unwrap().is_err());
    }
}

/// RFC 3550 §6.4.1: padding counts itself.
#[test]
fn padding_is_believed_where_it_can_be() {
    let padded = |count: u8| vec![0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, count];
    let empty = Packet::ReceiverReport(ReceiverReport { ssrc: 1, ..ReceiverReport::default() });
    assert_eq!(only(&padded(4)), Ok(empty));
    for count in [0, 12, 255] {
        assert_eq!(only(&padded(count)), Err(ParseError::BadLength), "{count}");
    }
    assert_eq!(only(&padded(8)), Err(ParseError::Truncated));
    let two = [padded(4), padded(4)].concat();
    assert!(packets(&two).eq([Ok(empty), Ok(empty)]));
    assert_eq!(only(&[0xa0, 203, 0, 0]), Err(ParseError::BadLength), "the bit without a byte");
}

/// As Chromium sends it: filled up by one byte, and with the bit that says so.
#[test]
fn transport_wide_feedback_of_chromium_is_read() {
    let bytes = [
        0xaf, 0xcd, 0, 5, 0xfa, 0x17, 0xfa, 0x17, 0x43, 0x03, 0x2f, 0xa0, 0, 0x99, 0, 1, 0x3d, 0xe8, 0x02,
        0x17, 0x20, 1, 0x94, 1,
    ];
    let message = Message::TransportWide(TransportWide::new(Serial16(153), 4_057_090, 23, &[Some(148)]));
    let feedback = Feedback { sender: 0xfa17_fa17, media: 0x4303_2fa0, message };
    assert_eq!(only(&bytes), Ok(Packet::Feedback(feedback)));
}

/// SLFS-SA-13.0-008, CVE-2021-43804: counts past the end of the packet.
#[test]
fn attack_32_counts_past_the_end() {
    let whole = |count: u8, ty: u8, body: &[u8]| {
        let mut bytes = vec![0x80 | count, ty, 0, (body.len() / 4) as u8];
        bytes.extend_from_slice(body);
        bytes
    };
    let remb = [0, 0, 0, 1, 0, 0, 0, 2, b'R', b'E', b'M', b'B', 200, 0, 0, 1, 0, 0, 0, 3];
    let wide = [0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0xff, 0xff, 0, 0, 1, 9, 0x3f, 0xff, 0, 0];
    let wide_deltas = [0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 9, 0, 0, 1, 9, 0x20, 9, 1, 1];
    let wide_empty_run = [0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 9, 0, 0, 1, 9, 0, 0, 0, 9];
    let wide_reserved = [0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0, 1, 0, 0, 1, 9, 0x60, 1, 0, 0];
    for (what, bytes) in [
        ("SR without a header", whole(0, 200, &[0; 20])),
        ("SR blocks", whole(2, 200, &[0; 24 + 24])),
        ("RR blocks", whole(31, 201, &[0; 4 + 24 * 30])),
        ("SDES chunks", whole(3, 202, &[0, 0, 0, 1, 0, 0, 0, 0])),
        ("SDES item", whole(1, 202, &[0, 0, 0, 1, 1, 200, b'a', b'b'])),
        ("SDES without an end", whole(1, 202, &[0, 0, 0, 1, 1, 2, b'a', b'b'])),
        ("BYE sources", whole(2, 203, &[0, 0, 0, 1])),
        ("BYE reason", whole(1, 203, &[0, 0, 0, 1, 4, b'a', b'b', b'c'])),
        ("APP", whole(1, 204, &[0, 0, 0, 1])),
        ("feedback without streams", whole(1, 206, &[0, 0, 0, 1])),
        ("FIR", whole(4, 206, &[0; 8 + 12])),
        ("REMB", whole(15, 206, &remb)),
        ("XR block", whole(0, 207, &[0, 0, 0, 1, 42, 0, 0, 1])),
        ("XR time", whole(0, 207, &[0, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0, 0])),
        ("XR delays", whole(0, 207, &[0, 0, 0, 1, 5, 0, 0, 1, 0, 0, 0, 0])),
        ("transport-wide statuses", whole(15, 205, &wide)),
        ("transport-wide deltas", whole(15, 205, &wide_deltas)),
        ("transport-wide empty run", whole(15, 205, &wide_empty_run)),
        ("transport-wide reserved", whole(15, 205, &wide_reserved)),
        ("CCFB metrics", whole(11, 205, &[0, 0, 0, 1, 0, 0, 0, 3, 0, 4, 0, 3, 0, 0, 0, 0, 7, 8, 9, 9])),
        ("CCFB without a time", whole(11, 205, &[])),
    ] {
        assert!(only(&bytes).is_err(), "{what}");
    }
}

#[test]
fn missing_packets_are_packed() {
    let pack = |numbers: &[u16]| {
        let mut out = Vec::new();
        Missing::pack(numbers.iter().map(|&n| Serial16(n)), |missing| out.push(missing));
        out
    };
    assert_eq!(pack(&[]), []);
    let missing = |first, following| Missing { first: Serial16(first), following };
    assert_eq!(pack(&[65_535, 0, 15, 16]), [missing(65_535, 0x8001), missing(16, 0)]);
    assert_eq!(pack(&[5, 5, 6]), [missing(5, 1)]);
}

/// Arbitrary numbers, to make packets of.
#[derive(Clone, Debug)]
struct Material {
    which: u8,
    a: u32,
    b: u32,
    words: Vec<u64>,
    bytes: Vec<u8>,
}

impl Arbitrary for Material {
    fn arbitrary(g: &mut Gen) -> Self {
        let mut words: Vec<u64> = Vec::arbitrary(g);
        words.truncate(31);
        let mut bytes: Vec<u8> = Vec::arbitrary(g);
        bytes.truncate(252);
        bytes.resize(bytes.len().next_multiple_of(4), 7);
        Self { which: u8::arbitrary(g), a: u32::arbitrary(g), b: u32::arbitrary(g), words, bytes }
    }
}

fn make_block(word: &u64) -> ReportBlock {
    let (high, low) = ((word >> 32) as u32, *word as u32);
    let lost = (low << 8) as i32 >> 8;
    ReportBlock { ssrc: high, fraction_lost: high as u8, lost, highest: low, jitter: high, ..BLOCK }
}

fn make_arrival(word: &u64) -> Option<i16> {
    match word % 4 {
        0 => None,
        1 => Some((word >> 8) as i16),
        _ => Some((word >> 8) as u8 as i16),
    }
}

impl Material {
    /// Whether a packet of each kind is read as it was written.
    fn round_trips(&self) -> bool {
        let Self { which, a, b, words, bytes } = self;
        let (a, b, half) = (*a, *b, *which & 0x1f);
        let goes = |packet: Packet<'_>| only(&written(&packet)) == Ok(packet);
        let says = |message| goes(Packet::Feedback(Feedback { sender: a, media: b, message }));
        let blocks: Vec<_> = words.iter().map(make_block).collect();
        let blocks = List::from(&blocks[..]);
        let ids: Vec<_> = words.iter().map(|w| *w as u32).collect();
        let ids = List::from(&ids[..]);
        let info = SenderInfo { ntp: words.len() as u64, timestamp: Serial32(a), packets: b, octets: a };
        let missing: Vec<_> =
            words.iter().map(|w| Missing { first: Serial16(*w as u16), following: a as u16 }).collect();
        let requests: Vec<_> =
            words.iter().map(|w| IntraRequest { ssrc: *w as u32, sequence: half }).collect();
        let limits: Vec<_> = words
            .iter()
            .map(|w| Limit {
                ssrc: a,
                bitrate: (w & 0x1_ffff) << (w >> 58).min(46),
                overhead: b as u16 & 0x1ff,
            })
            .collect();
        let arrivals: Vec<_> = words.iter().flat_map(|w| [make_arrival(w); 9]).collect();
        let metrics: Vec<_> = words
            .iter()
            .map(|w| {
                Metric(
                    make_arrival(w).map(|d| Arrival { ecn: (w >> 60) as u8 & 3, offset: d as u16 & 0x1fff }),
                )
            })
            .collect();
        let metrics = StreamMetrics { ssrc: b, begin: Serial16(a as u16), metrics: List::from(&metrics[..]) };
        let items: Vec<_> =
            bytes.chunks(9).map(|text| Item { kind: ItemKind::from(half + 1), text }).collect();
        let chunks: Vec<_> = words.iter().map(|w| Chunk::new(*w as u32, &items)).collect();
        let delays: Vec<_> =
            words.iter().map(|w| Delay { ssrc: a, last_report: *w as u32, delay: b }).collect();
        let delays = Block::Delays(List::from(&delays[..]));
        let unknown = Block::Unknown { block_type: 100 + half, specific: half, body: bytes };
        goes(Packet::SenderReport(SenderReport { ssrc: a, info, blocks, extension: bytes }))
            && goes(Packet::ReceiverReport(ReceiverReport { ssrc: a, blocks, extension: bytes }))
            && goes(Packet::SourceDescription(Description::new(&chunks)))
            && goes(Packet::Bye(Bye { sources: ids, reason: bytes }))
            && goes(Packet::App(App { subtype: half, ssrc: a, name: b.to_be_bytes(), data: bytes }))
            && goes(Packet::Extended(Extended::new(a, &[Block::ReferenceTime(b.into()), unknown, delays])))
            && goes(Packet::Congestion(Congestion::new(a, b, &[metrics, metrics])))
            && goes(Packet::Unknown { packet_type: 220, count: half, body: bytes })
            && says(Message::Nack(List::from(&missing[..])))
            && says(Message::LimitRequest(List::from(&limits[..])))
            && says(Message::LimitNotice(List::from(&limits[..])))
            && says(Message::IntraRequest(List::from(&requests[..])))
            && says(Message::Estimate(Estimate {
                bitrate: u64::from(a & 0x3_ffff) << (half + 10),
                streams: ids,
            }))
            && says(Message::TransportWide(TransportWide::new(
                Serial16(a as u16),
                b as i32 >> 8,
                half,
                &arrivals,
            )))
            && says(Message::UnknownPayload(20 + half % 11, bytes))
            && says(Message::UnknownTransport(20 + half % 11, bytes))
    }
}

quickcheck! {
    fn packets_round_trip(material: Material) -> bool {
        material.round_trips()
    }

    fn missing_numbers_round_trip(numbers: Vec<u16>) -> bool {
        let numbers: std::collections::BTreeSet<u16> = numbers.into_iter().collect();
        let mut unpacked = Vec::new();
        Missing::pack(numbers.iter().map(|&n| Serial16(n)), |m| unpacked.extend(m.numbers().map(|n| n.0)));
        unpacked.into_iter().eq(numbers)
    }

    /// What is read from any bytes can be walked to its end, is bounded by them, and can be written.
    fn any_bytes_do_no_harm(bytes: Vec<u8>) -> bool {
        packets(&bytes).enumerate().all(|(at, packet)| {
            let whole = packet.is_err() || packet.is_ok_and(|packet| written(&packet).len() >= HEADER_LEN);
            whole && at <= bytes.len() / HEADER_LEN
        })
    }

    /// The same behind a header that fits; without padding, what is read is written as it was.
    fn any_body_does_no_harm(packet_type: u8, first: u8, body: Vec<u8>) -> bool {
        let mut bytes = vec![0x80 | first & 0x3f, 200 + packet_type % 9, 0, body.len().div_ceil(4) as u8];
        bytes.extend_from_slice(&body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let Ok(packet) = only(&bytes) else { return true };
        let again = written(&packet);
        !format!("{packet:?}").is_empty() && (first & 0x20 != 0 || only(&again) == Ok(packet))
    }
}
