//! Every format there and back, and against bytes that nobody meant.

mod attacks;

use super::av1;
use super::{Format, Layer, PacketizeError, Packetizer, Payload, PictureId, annex_b, depacketize, opus, red};
use super::{telephone_event, vp8, vp9};
use crate::wire::cursor::ParseError;
use bytes::Bytes;
use quickcheck::{Arbitrary, Gen, quickcheck};

const MAX: usize = 1 << 20;
const FORMATS: [Format; 7] = [
    Format::Whole,
    Format::Vp8,
    Format::Vp9,
    Format::H264 { fragments: false },
    Format::H264 { fragments: true },
    Format::H265,
    Format::Av1,
];

fn bytes_of(payloads: &[Payload]) -> Vec<Bytes> {
    let written = |payload: &Payload| {
        let mut bytes = Vec::new();
        payload.write(&mut bytes);
        assert_eq!(bytes.len(), payload.len());
        Bytes::from(bytes)
    };
    payloads.iter().map(written).collect()
}

fn cut(format: Format, frame: &Bytes, limit: usize, layer: Layer) -> Result<Vec<Bytes>, PacketizeError> {
    let mut payloads = Vec::new();
    Packetizer::new(format, 7).packetize(frame, limit, layer, &mut payloads)?;
    let payloads = bytes_of(&payloads);
    assert!(payloads.iter().all(|payload| !payload.is_empty() && payload.len() <= limit));
    Ok(payloads)
}

/// A unit's content: nothing that looks like a start code, and a last byte that is not zero.
fn content(g: &mut Gen, len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|_| u8::arbitrary(g) | 0x10).collect();
    bytes.push(0x80);
    bytes
}

fn length(g: &mut Gen) -> usize {
    let len = usize::from(u16::arbitrary(g));
    *g.choose(&[len % 4, len % 60, len % 1_500, len % 6_000]).unwrap()
}

/// Frames that a codec could have given, and a packet size.
#[derive(Clone, Debug)]
struct Case {
    format: Format,
    frame: Bytes,
    limit: usize,
}

impl Arbitrary for Case {
    fn arbitrary(g: &mut Gen) -> Self {
        let format = *g.choose(&FORMATS).unwrap();
        let limit = 40 + usize::from(u16::arbitrary(g)) % 1_200;
        let mut frame = Vec::new();
        let units = 1 + usize::from(u8::arbitrary(g)) % 5;
        match format {
            Format::Whole => {
                let len = length(g) % limit;
                frame = content(g, len);
                frame.truncate(limit);
            }
            Format::Vp8 => {
                let len = length(g);
                frame = content(g, len);
            }
            Format::Vp9 => {
                let len = length(g);
                frame.push(0b1000_0000 | u8::arbitrary(g) & 0b0011_1111);
                frame.extend(content(g, len));
            }
            Format::H264 { fragments } => {
                for _ in 0..units {
                    let len = if fragments { length(g) } else { length(g) % (limit - 2) };
                    frame.extend_from_slice(&[
                        0,
                        0,
                        0,
                        1,
                        *g.choose(&[0x61, 0x65, 0x67, 0x68, 0x06]).unwrap(),
                    ]);
                    frame.extend(content(g, len));
                }
            }
            Format::H265 => {
                for _ in 0..units {
                    let len = length(g);
                    frame.extend_from_slice(&[
                        0,
                        0,
                        0,
                        1,
                        *g.choose(&[0x40, 0x42, 0x26, 0x02]).unwrap(),
                        0x01,
                    ]);
                    frame.extend(content(g, len));
                }
            }
            Format::Av1 => {
                for _ in 0..units {
                    let len = length(g);
                    frame.push(*g.choose(&[0x0a, 0x32, 0x36, 0x22]).unwrap());
                    if frame.last().is_some_and(|header| header & 4 != 0) {
                        frame.push(0x48);
                    }
                    let obu = content(g, len);
                    av1::put_leb128(obu.len(), |byte| frame.push(byte));
                    frame.extend(obu);
                }
            }
        }
        Self { format, frame: frame.into(), limit }
    }
}

quickcheck! {
    fn a_frame_comes_back_as_it_was(case: Case) -> bool {
        let payloads = cut(case.format, &case.frame, case.limit, Layer::default()).unwrap();
        payloads.iter().all(|payload| case.format.inspect(payload).is_ok())
            && depacketize(case.format, &payloads, MAX).unwrap() == case.frame
    }

    fn a_frame_without_its_beginning_is_none(case: Case) -> bool {
        let payloads = cut(case.format, &case.frame, case.limit, Layer::default()).unwrap();
        depacketize(case.format, &payloads[1..], MAX) != Ok(case.frame)
    }

    fn any_payloads_are_read_or_refused(payloads: Vec<Vec<u8>>) -> bool {
        let payloads: Vec<Bytes> = payloads.into_iter().map(Bytes::from).collect();
        let bytes: usize = payloads.iter().map(Bytes::len).sum();
        for format in FORMATS {
            for payload in &payloads {
                let _ = format.inspect(payload);
            }
            if let Ok(frame) = depacketize(format, &payloads, MAX) {
                // Nothing makes a frame out of proportion: a start code or a size for each unit of three bytes.
                assert!(frame.len() <= 4 * bytes + 8);
            }
        }
        payloads.iter().for_each(|payload| { let _ = red::parse(payload); });
        true
    }

    fn any_frame_is_cut_or_refused(frame: Vec<u8>, limit: u8) -> bool {
        let frame = Bytes::from(frame);
        FORMATS.into_iter().all(|format| {
            let mut payloads = Vec::new();
            let cut = Packetizer::new(format, 0).packetize(&frame, limit.into(), Layer::default(), &mut payloads);
            cut.is_ok() != payloads.is_empty() && payloads.iter().all(|payload| payload.len() <= limit.into())
        })
    }

    fn descriptors_of_vp8_come_back(id: Option<u16>, tl0: Option<u8>, temporal: Option<(u8, bool)>, start: bool) -> bool {
        let descriptor = vp8::Descriptor {
            start,
            picture_id: id.map(|id| PictureId::Long(id & 0x7fff)),
            tl0_index: tl0,
            temporal: temporal.map(|(layer, sync)| (layer & 3, sync)),
            ..vp8::Descriptor::default()
        };
        let mut bytes = descriptor.to_head().to_vec();
        bytes.push(9);
        vp8::Descriptor::parse(&bytes) == Ok((descriptor, &[9]))
    }

    fn redundancy_comes_back(old: Vec<(u16, Vec<u8>)>, primary: Vec<u8>) -> bool {
        let old: Vec<_> = old.iter().take(16)
            .filter(|(offset, data)| (1..1 << 14).contains(offset) && (1..1 << 10).contains(&data.len()))
            .map(|(offset, data)| red::Block { payload_type: 111, offset: (*offset).into(), data })
            .collect();
        let primary = red::Block { payload_type: 111, offset: 0, data: &primary };
        let mut payload = Vec::new();
        red::write(&old, primary, &mut payload);
        let blocks = red::parse(&payload).unwrap();
        blocks.split_last() == Some((&primary, &old[..]))
    }
}

#[test]
fn a_long_frame_is_refused_where_the_format_cannot_cut_it() {
    let frame = Bytes::from(vec![1; 101]);
    let too_long = Err(PacketizeError::TooLong { len: 101, limit: 100 });
    assert_eq!(cut(Format::Whole, &frame, 100, Layer::default()), too_long);
    let unit: Bytes = [&[0, 0, 1, 0x65][..], &[7; 100]].concat().into();
    assert_eq!(cut(Format::H264 { fragments: false }, &unit, 100, Layer::default()), too_long);
    assert_eq!(cut(Format::Vp8, &Bytes::new(), 100, Layer::default()), Err(PacketizeError::Empty));
}

#[test]
fn the_longest_frame_has_a_limit() {
    let payloads = vec![Bytes::from(vec![0x10; 60]); 3];
    assert_eq!(depacketize(Format::Vp8, &payloads, 179), Err(ParseError::TooMany("bytes of a frame")));
    assert!(depacketize(Format::Vp8, &payloads, 180).is_ok());
}

#[test]
fn vp8_pieces_are_alike_and_number_their_picture() {
    let mut packetizer = Packetizer::new(Format::Vp8, 0x7fff);
    let frame = Bytes::from(vec![0; 2_001]);
    let mut payloads = Vec::new();
    packetizer.packetize(&frame, 1_004, Layer::default(), &mut payloads).unwrap();
    let lens: Vec<usize> = payloads.iter().map(Payload::len).collect();
    assert_eq!(lens, [671, 671, 671]);
    let ids = |payloads: &[Payload]| -> Vec<_> {
        bytes_of(payloads).iter().map(|p| vp8::Descriptor::parse(p).unwrap().0.picture_id).collect()
    };
    assert_eq!(ids(&payloads), [Some(PictureId::Long(0x7fff)); 3]);
    payloads.clear();
    let layer = Layer { temporal: Some(0), ..Layer::default() };
    packetizer.packetize(&frame, 3_000, layer, &mut payloads).unwrap();
    assert_eq!(ids(&payloads), [Some(PictureId::Long(0))]);
    let descriptor = vp8::Descriptor::parse(&bytes_of(&payloads)[0]).unwrap().0;
    assert_eq!((descriptor.tl0_index, descriptor.temporal), (Some(1), Some((0, false))));
}

/// A descriptor as Chromium sends it with one spatial and three temporal layers, non-flexible, with its structure.
#[test]
fn vp9_of_a_browser_is_read() {
    let payload =
        [0x8a | 0x20, 0x92, 0x34, 0x00, 0x07, 0x18, 0x02, 0x80, 0x01, 0xe0, 0x01, 0x14, 0x01, 0xaa, 0xbb];
    let (descriptor, rest) = vp9::Descriptor::parse(&payload).unwrap();
    assert_eq!(descriptor.picture_id, Some(PictureId::Long(0x1234)));
    assert_eq!(descriptor.layers.unwrap().tl0_index, Some(7));
    assert!(descriptor.part().key && descriptor.part().begins);
    assert_eq!(rest, [0xaa, 0xbb]);
    for cut in 0..13 {
        assert!(vp9::Descriptor::parse(&payload[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn vp9_names_the_picture_before_unless_it_is_a_key_frame() {
    for (first, key) in [(0b1000_0010_u8, true), (0b1000_0110, false)] {
        let frame: Bytes = vec![first, 1, 2, 3].into();
        let payload = &cut(Format::Vp9, &frame, 100, Layer::default()).unwrap()[0];
        let (descriptor, _) = vp9::Descriptor::parse(payload).unwrap();
        assert_eq!(descriptor.part().key, key);
        assert_eq!(descriptor.references.unwrap().is_empty(), key);
    }
}

#[test]
fn parameter_sets_and_their_picture_share_a_packet() {
    let frame: Bytes =
        [&[0, 0, 0, 1, 0x09, 0xf0][..], &[0, 0, 0, 1, 0x67, 1], &[0, 0, 1, 0x68, 2], &[0, 0, 1, 0x65, 3]]
            .concat()
            .into();
    let payloads = cut(Format::H264 { fragments: true }, &frame, 100, Layer::default()).unwrap();
    assert_eq!(payloads, [Bytes::from_static(&[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 2, 0, 2, 0x65, 3])]);
    assert!(Format::H264 { fragments: true }.inspect(&payloads[0]).unwrap().key);
    let single = cut(Format::H264 { fragments: false }, &frame, 100, Layer::default()).unwrap();
    assert_eq!(single.len(), 3);
}

#[test]
fn units_end_where_the_zeros_of_the_next_begin() {
    let stream = [0, 0, 0, 1, 0x67, 0, 0, 1, 0x68, 9, 0, 0, 0, 0, 1, 0x65, 0, 3, 0, 0];
    let units: Vec<&[u8]> = annex_b::units(&stream).unwrap().map(|unit| &stream[unit]).collect();
    assert_eq!(units, [&[0x67][..], &[0x68, 9], &[0x65, 0, 3]]);
    assert!(annex_b::units(&[0x67, 0, 0, 1]).is_err());
}

#[test]
fn a_fragment_that_nothing_began_is_refused() {
    for format in [Format::H264 { fragments: true }, Format::H265] {
        let lone: &[u8] = if format == Format::H265 { &[0x62, 1, 0x01, 5] } else { &[0x7c, 0x05, 5] };
        assert!(depacketize(format, &[Bytes::copy_from_slice(lone)], MAX).is_err());
    }
}

#[test]
fn av1_leaves_delimiters_out_and_marks_a_new_sequence() {
    let frame: Bytes = vec![0x12, 0, 0x0a, 2, 1, 2, 0x32, 3, 4, 5, 6].into();
    let payloads = cut(Format::Av1, &frame, 100, Layer::default()).unwrap();
    assert_eq!(payloads, [Bytes::from_static(&[0x28, 3, 0x08, 1, 2, 0x30, 4, 5, 6])]);
    let part = Format::Av1.inspect(&payloads[0]).unwrap();
    assert!(part.begins && part.key);
    assert_eq!(depacketize(Format::Av1, &payloads, MAX).unwrap(), frame.slice(2..));
}

#[test]
fn opus_tells_how_long_it_lasts() {
    assert_eq!(opus::duration(&[0x78 | 0x80, 0]), Some(960));
    assert_eq!(opus::duration(&[0xfc]), Some(960));
    assert_eq!(opus::duration(&[0xfd, 0, 0]), Some(1_920));
    assert_eq!(opus::duration(&[0x1b, 3]), None, "180 ms");
    assert_eq!(opus::duration(&[0x03, 60]), None);
    assert_eq!(opus::duration(&[]), None);
}

#[test]
fn keys_have_events() {
    for key in "0123456789*#ABCD".chars() {
        let event = telephone_event::event_of(key).unwrap();
        assert_eq!(telephone_event::key_of(event), Some(key));
        let report = telephone_event::TelephoneEvent {
            event,
            end: event.is_multiple_of(2),
            volume: 10,
            duration: 1_600,
        };
        assert_eq!(telephone_event::TelephoneEvent::parse(&report.to_bytes()), Ok(report));
    }
    assert_eq!(telephone_event::event_of(','), None);
}
