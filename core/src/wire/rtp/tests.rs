use super::extension::{Element, Form, ONE_BYTE, TWO_BYTE, Writer};
use super::rtx::Retransmission;
use super::value::{
    AudioLevel, CaptureTime, ColorSpace, FeedbackRequest, HdrMetadata, Kind, Orientation, PlayoutDelay,
    Value, VideoTiming, abs_send_time,
};
use super::{Header, Layout, Packet, is_rtcp, put_padding};
use crate::base::seq::{Serial16, Serial32};
use crate::wire::cursor::ParseError;
use quickcheck::quickcheck;

const HEADER: Header = Header {
    marker: true,
    payload_type: 96,
    sequence: Serial16(0x1234),
    timestamp: Serial32(0xdeca_fbad),
    ssrc: 0xcafe_babe,
};

fn elements<'a>(packet: &Packet<'a>) -> Vec<(u8, &'a [u8])> {
    packet.extensions().map(|Element { id, data }| (id, data)).collect()
}

/// A packet whose extension has this profile and these bytes.
fn with_extension(profile: u16, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    HEADER.write(&[], &mut out);
    out[0] |= 0x10;
    out.extend_from_slice(&profile.to_be_bytes());
    out.extend_from_slice(&(bytes.len().div_ceil(4) as u16).to_be_bytes());
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

#[test]
fn values_that_need_more_than_their_bytes_stay_bytes() {
    let bytes = [0x40, 0x12, 0x34, 0x7f, 0xff];
    for kind in [Kind::DependencyDescriptor, Kind::VideoLayersAllocation] {
        let value = Value::parse(kind, &bytes).unwrap();
        let mut out = Vec::new();
        value.write(&mut out);
        assert_eq!((value.kind(), out.as_slice()), (kind, &bytes[..]));
        assert_eq!(Kind::from_uri(kind.uri()), Some(kind));
    }
}

#[test]
fn a_stamp_is_written_as_any_value_is() {
    for (form, id) in [
        (Form::OneByte, 3),
        (Form::TwoByte, 3),
        (Form::TwoByte, 200),
        (Form::OneByte, 15),
        (Form::TwoByte, 0),
    ] {
        let [mut stamped, mut plain] = [vec![0x80; 12], vec![0x80; 12]];
        let mut writer = Writer::begin(&mut stamped, 0, form);
        let taken = writer.put_bytes(id, [1, 2, 3]);
        writer.finish();
        let mut writer = Writer::begin(&mut plain, 0, form);
        assert_eq!(writer.put(id, |out| out.extend_from_slice(&[1, 2, 3])), taken);
        writer.finish();
        assert_eq!(stamped, plain, "{form:?} {id}");
    }
}

#[test]
fn a_packet_has_these_bytes() {
    let mut out = Vec::new();
    HEADER.write(&[1, 2], &mut out);
    let mut writer = Writer::begin(&mut out, 0, Form::OneByte);
    assert!(writer.put(3, |out| out.extend_from_slice(b"ab")));
    assert!(writer.put(4, |out| out.push(7)));
    writer.finish();
    out.extend_from_slice(b"media");
    put_padding(&mut out, 0, 3);
    let bytes = [
        0xb2, 0xe0, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1, 0, 0, 0, 2, 0xbe,
        0xde, 0, 2, 0x31, b'a', b'b', 0x40, 7, 0, 0, 0, b'm', b'e', b'd', b'i', b'a', 0, 0, 3,
    ];
    assert_eq!(out, bytes);
    let packet = Packet::parse(&out).unwrap();
    assert_eq!(packet.header, HEADER);
    assert_eq!(packet.csrcs().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(elements(&packet), [(3, &b"ab"[..]), (4, &[7])]);
    assert_eq!((packet.payload, packet.padding), (&b"media"[..], 3));
    assert_eq!(packet.find_extension(4), Some(&[7][..]));
    let layout = Layout { csrcs_end: 20, header_len: 32, profile: Some(ONE_BYTE) };
    assert_eq!(Layout::of(&out), Ok(layout));
}

#[test]
fn rtcp_is_told_apart() {
    assert!(is_rtcp(&[0x80, 200]) && is_rtcp(&[0x80, 207]));
    assert!(!is_rtcp(&[0x80, 96]) && !is_rtcp(&[0x80, 0x80 | 111]) && !is_rtcp(&[0x80]));
}

#[test]
fn bad_headers_are_refused() {
    let mut good = Vec::new();
    HEADER.write(&[1], &mut good);
    assert!(Packet::parse(&good).is_ok());
    assert_eq!(Packet::parse(&[]), Err(ParseError::Truncated));
    assert_eq!(Packet::parse(&good[..15]), Err(ParseError::Truncated));
    let broken = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert!(matches!(Packet::parse(&broken(0, 0x41)), Err(ParseError::BadValue(_))));
    assert_eq!(Packet::parse(&broken(0, 0x82)), Err(ParseError::Truncated));
    assert_eq!(Packet::parse(&broken(0, 0x91)), Err(ParseError::Truncated));
    let mut long = with_extension(ONE_BYTE, &[0x10, 1, 0, 0]);
    long[15] = 2;
    assert_eq!(Packet::parse(&long), Err(ParseError::Truncated));
}

/// RFC 8285 §4.2 and §4.3.
#[test]
fn elements_end_where_they_are_malformed() {
    let of = |profile, bytes: &[u8]| {
        let packet = with_extension(profile, bytes);
        elements(&Packet::parse(&packet).unwrap())
            .into_iter()
            .map(|(id, d)| (id, d.len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(ONE_BYTE, &[0, 0x10, 9, 0, 0, 0x21, 8, 8]), [(1, 1), (2, 2)]);
    assert_eq!(of(ONE_BYTE, &[0x10, 9, 0xf0, 1, 0x20, 8]), [(1, 1)]);
    assert_eq!(of(ONE_BYTE, &[0x10, 9, 0x01, 1, 0x20, 8]), [(1, 1)]);
    assert_eq!(of(ONE_BYTE, &[0x10, 9, 0x2f, 1]), [(1, 1)]);
    assert_eq!(of(TWO_BYTE, &[15, 0, 0, 200, 2, 1, 1]), [(15, 0), (200, 2)]);
    assert_eq!(of(TWO_BYTE | 5, &[1, 1, 9, 2, 4]), [(1, 1)]);
    assert_eq!(of(TWO_BYTE, &[1, 1, 9, 2]), [(1, 1)]);
    assert_eq!(of(0xABAC, &[0x10, 9, 0, 0]), []);
}

#[test]
fn the_writer_refuses_what_the_form_cannot_take() {
    let mut out = Vec::new();
    HEADER.write(&[], &mut out);
    let mut writer = Writer::begin(&mut out, 0, Form::OneByte);
    assert!(!writer.put(15, |out| out.push(1)));
    assert!(!writer.put(0, |out| out.push(1)));
    assert!(!writer.put(1, |_| {}));
    assert!(!writer.put(1, |out| out.resize(out.len() + 17, 0)));
    writer.finish();
    assert_eq!(out.len(), 12);
    assert_eq!(Layout::of(&out).unwrap().profile, None);
    let mut writer = Writer::begin(&mut out, 0, Form::TwoByte);
    assert!(!writer.put(1, |out| out.resize(out.len() + 256, 0)));
    assert!(writer.put(15, |_| {}));
    writer.finish();
    assert_eq!(elements(&Packet::parse(&out).unwrap()), [(15, &[][..])]);
}

/// GHSA-f26w-gh5m-qq77: the last byte says how much padding there is, and lies.
#[test]
fn attack_31_padding_count_zero_or_beyond_the_payload() {
    let mut out = Vec::new();
    HEADER.write(&[1], &mut out);
    out[0] |= 0x20;
    assert_eq!(Packet::parse(&out), Err(ParseError::Truncated), "the bit without a byte");
    for (tail, padding) in [
        (&[0][..], None),
        (&[9, 0], None),
        (&[2], None),
        (&[9, 3], None),
        (&[0, 0, 255], None),
        (&[9, 1], Some(1)),
        (&[0, 2], Some(2)),
    ] {
        let packet = [&out[..], tail].concat();
        match padding {
            None => assert_eq!(Packet::parse(&packet), Err(ParseError::BadLength), "{tail:?}"),
            Some(n) => {
                let packet = Packet::parse(&packet).unwrap();
                assert_eq!((packet.padding, packet.payload.len()), (n, tail.len() - usize::from(n)));
            }
        }
    }
}

#[test]
fn attack_33_a_retransmission_shorter_than_its_number() {
    assert_eq!(Retransmission::parse(&[]), Err(ParseError::Truncated));
    assert_eq!(Retransmission::parse(&[1]), Err(ParseError::Truncated));
    let empty = Retransmission { original: Serial16(0x0102), payload: &[] };
    assert_eq!(Retransmission::parse(&[1, 2]), Ok(empty));
    // As long as a datagram can be.
    let mut out = Vec::new();
    HEADER.write(&[], &mut out);
    out.resize(65_507, 0xff);
    let packet = Packet::parse(&out).unwrap();
    assert_eq!(Retransmission::parse(packet.payload).unwrap().payload.len(), 65_507 - 12 - 2);
}

#[test]
fn values_have_these_bytes() {
    let bytes = |value: Value<'_>| {
        let mut out = Vec::new();
        value.write(&mut out);
        assert_eq!(Value::parse(value.kind(), &out), Ok(value));
        out
    };
    assert_eq!(bytes(Value::Mid("0")), *b"0");
    assert_eq!(bytes(Value::AudioLevel(AudioLevel { voice: true, level: 30 })), [0x9e]);
    assert_eq!(bytes(Value::CsrcAudioLevels(&[1, 127])), [1, 127]);
    assert_eq!(bytes(Value::AbsSendTime(0x01_0203)), [1, 2, 3]);
    assert_eq!(bytes(Value::TransmissionOffset(-2)), [0xff, 0xff, 0xfe]);
    assert_eq!(bytes(Value::PlayoutDelay(PlayoutDelay { min: 1, max: 4_095 })), [0, 0x1f, 0xff]);
    let turned = Orientation { back_camera: true, flipped: false, quarter_turns: 3 };
    assert_eq!(bytes(Value::VideoOrientation(turned)), [0x0b]);
    let request = FeedbackRequest { timing: true, count: 2 };
    assert_eq!(bytes(Value::TransportSequence2(9, Some(request))), [0, 9, 0x80, 2]);
    assert_eq!(bytes(Value::TransportSequence2(9, None)), [0, 9]);
    assert_eq!(bytes(Value::AbsCaptureTime(CaptureTime { ntp: 1, offset: Some(-1) })).len(), 16);
    assert_eq!(bytes(Value::VideoTiming(VideoTiming::default())).len(), 13);
    let hdr = ColorSpace { primaries: 1, hdr: Some(HdrMetadata::default()), ..ColorSpace::default() };
    assert_eq!(bytes(Value::ColorSpace(hdr)).len(), 28);
    assert_eq!(bytes(Value::ColorSpace(ColorSpace::default())).len(), 4);
    assert_eq!(abs_send_time(0x0000_0001_0000_0000), 1 << 18);
    // RFC 6464 §3: a second byte is to be ignored.
    assert!(Value::parse(Kind::AudioLevel, &[1, 0]).is_ok());
    assert!(Value::parse(Kind::Mid, &[]).is_err() && Value::parse(Kind::Mid, &[0xff]).is_err());
    assert!(Value::parse(Kind::AbsCaptureTime, &[0; 9]).is_err());
}

#[test]
fn every_kind_has_its_uri() {
    for &kind in Kind::ALL {
        assert_eq!(Kind::from_uri(kind.uri()), Some(kind));
    }
    assert_eq!(Kind::from_uri("urn:example"), None);
}

quickcheck! {
    fn packets_round_trip(csrcs: Vec<u32>, items: Vec<(u8, Vec<u8>)>, payload: Vec<u8>, padding: u8, n: u64) -> bool {
        let csrcs = &csrcs[..csrcs.len().min(15)];
        let header = Header {
            marker: n & 1 == 1,
            payload_type: (n >> 1) as u8 & 0x7f,
            sequence: Serial16((n >> 8) as u16),
            timestamp: Serial32((n >> 16) as u32),
            ssrc: (n >> 32) as u32,
        };
        let form = items.iter().filter_map(|(id, data)| Form::for_element(*id, data.len()));
        let form = form.fold(Form::OneByte, Form::or);
        let mut out = vec![1, 2, 3];
        header.write(csrcs, &mut out);
        let mut writer = Writer::begin(&mut out, 3, form);
        let written: Vec<_> =
            items.iter().filter(|(id, data)| writer.put(*id, |out| out.extend_from_slice(data))).collect();
        writer.finish();
        out.extend_from_slice(&payload);
        put_padding(&mut out, 3, padding);
        let packet = Packet::parse(&out[3..]).unwrap();
        let written: Vec<_> = written.into_iter().map(|(id, data)| (*id, &data[..])).collect();
        packet.header == header
            && packet.csrcs().eq(csrcs.iter().copied())
            && elements(&packet) == written
            && (packet.payload, packet.padding) == (&payload[..], padding)
    }

    fn values_round_trip(which: usize, data: Vec<u8>) -> bool {
        let kind = Kind::ALL[which % Kind::ALL.len()];
        let Ok(value) = Value::parse(kind, &data) else { return true };
        let mut out = Vec::new();
        value.write(&mut out);
        value.kind() == kind && Value::parse(kind, &out) == Ok(value)
    }

    fn any_bytes_do_no_harm(first: u8, bytes: Vec<u8>) -> bool {
        for bytes in [bytes.clone(), [&[0x80 | first & 0x3f][..], &bytes].concat()] {
            let Ok(packet) = Packet::parse(&bytes) else { continue };
            let _ = Retransmission::parse(packet.payload);
            for element in packet.extensions() {
                for &kind in Kind::ALL {
                    let _ = Value::of(&element, |_| Some(kind));
                }
            }
            let layout = Layout::of(&bytes).unwrap();
            let len = layout.header_len + packet.payload.len() + usize::from(packet.padding);
            if len != bytes.len() {
                return false;
            }
        }
        true
    }

    fn any_extension_bytes_do_no_harm(two: bool, bytes: Vec<u8>) -> bool {
        let packet = with_extension(if two { TWO_BYTE } else { ONE_BYTE }, &bytes);
        let packet = Packet::parse(&packet).unwrap();
        packet.extensions().map(|e| e.data.len() + 1).sum::<usize>() <= bytes.len() + 3
    }
}
