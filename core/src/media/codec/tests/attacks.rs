//! What broke other payload formats, by the rows of the list of attacks.

use super::{FORMATS, cut};
use crate::media::codec::{Format, Layer, PacketizeError, Packetizer, depacketize};
use bytes::Bytes;

const MAX: usize = 1 << 16;

fn refused(format: Format, payload: &[u8]) -> bool {
    depacketize(format, &[Bytes::copy_from_slice(payload)], MAX).is_err()
}

/// Janus#3636, CVE-2026-34235, libwebrtc bug 11698: descriptors that promise more than there is.
#[test]
fn attack_34_descriptors_past_the_end() {
    let vp8: &[&[u8]] = &[
        // Extensions without their flags; numbers of 7 and 15 bits, TL0PICIDX and TID without bytes.
        &[0x80],
        &[0x80, 0x80],
        &[0x80, 0x80, 0x80],
        &[0x80, 0xc0, 0x01],
        &[0x80, 0xf0, 0x81, 0x02, 0x03],
    ];
    assert!(vp8.iter().all(|payload| refused(Format::Vp8, payload)));
    let vp9: &[&[u8]] = &[
        // A number of 15 bits that ends, layers without TL0PICIDX, references without end.
        &[0x80],
        &[0x80, 0x80],
        &[0x20],
        &[0x20, 0xff],
        &[0x50, 0x03, 0x03, 0x03],
        // A structure of eight layers with sizes, and one of 255 pictures, of which nothing follows.
        &[0x02],
        &[0x02, 0xf0],
        &[0x02, 0xf0, 1, 2, 3, 4],
        &[0x02, 0x08, 0xff],
        &[0x02, 0x08, 0x02, 0x0c, 1, 2],
    ];
    assert!(vp9.iter().all(|payload| refused(Format::Vp9, payload)), "{vp9:?}");
    for fragments in [false, true] {
        // STAP-A with a length past the end, with half a length, with units of nothing.
        for payload in [&[0x78, 0, 9, 0x67][..], &[0x78, 0], &[0x78, 0, 0], &[0x78, 0, 1, 0x67, 0, 0]] {
            assert!(refused(Format::H264 { fragments }, payload), "{payload:?}");
        }
    }
    // Aggregates of H.265, and one of its fragments without the byte that says which.
    for payload in [&[0x60, 1, 0, 9, 1][..], &[0x60, 1, 0], &[0x60, 1, 0, 1, 0x40], &[0x62, 1]] {
        assert!(refused(Format::H265, payload), "{payload:?}");
    }
    // AV1: an element longer than its payload, lengths without end, of more than 64 bits.
    for payload in [
        &[0x00, 9, 0x30][..],
        &[0x20, 0x80],
        &[0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
    ] {
        assert!(refused(Format::Av1, payload), "{payload:?}");
    }
}

/// libwebrtc 2025-10-31: layers that no stream has are no place in a table of ours.
#[test]
fn attack_34_layers_of_any_number() {
    for byte in 0..=u8::MAX {
        // The TID of VP8, and both ids of VP9.
        for (format, payload) in
            [(Format::Vp8, [0x90, 0x20, byte, 0x00, 0x00]), (Format::Vp9, [0x2c, byte, byte, 0x00, 0x00])]
        {
            if let Ok(part) = format.inspect(&payload) {
                assert!(
                    part.layer.temporal.is_none_or(|id| id < 8) && part.layer.spatial.is_none_or(|id| id < 8)
                );
            }
        }
    }
    // The other way: whatever number an application gives, what is written is read.
    let key_frames = [
        (Format::Vp8, &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 1, 0, 1, 0, 7][..]),
        (Format::Vp9, &[0x82, 0x49, 0x83, 0x42, 0, 0, 0xf0, 0, 0xf6, 0, 7]),
    ];
    for (format, frame) in key_frames {
        for temporal in 0..=u8::MAX {
            let layer = Layer { temporal: Some(temporal), spatial: Some(temporal), switching_point: true };
            let payloads = cut(format, &Bytes::copy_from_slice(frame), 100, layer).unwrap();
            assert_eq!(depacketize(format, &payloads, MAX).as_deref(), Ok(frame));
        }
    }
}

/// libwebrtc 2025-08-19: a unit shorter than its header comes from an encoder, or from who forwards its frames.
#[test]
fn attack_35_units_shorter_than_their_header() {
    for frame in
        [&[0, 0, 1, 0x40][..], &[0, 0, 0, 1, 0x40, 0, 0, 1, 0x42], &[0, 0, 1], &[0, 0, 1, 0, 0, 1], &[0x40]]
    {
        let frame = Bytes::copy_from_slice(frame);
        for format in FORMATS.into_iter().filter(|f| matches!(f, Format::H264 { .. } | Format::H265)) {
            for limit in [0, 1, 2, 3, 1_200] {
                let mut payloads = Vec::new();
                let cut =
                    Packetizer::new(format, 0).packetize(&frame, limit, Layer::default(), &mut payloads);
                assert!(cut.is_ok() || payloads.is_empty());
                assert!(payloads.iter().all(|payload| !payload.is_empty() && payload.len() <= limit));
                if format == Format::H265 {
                    assert!(
                        matches!(
                            cut,
                            Err(PacketizeError::Malformed(_)
                                | PacketizeError::Empty
                                | PacketizeError::NoRoom(_))
                        ),
                        "{cut:?}"
                    );
                }
            }
        }
    }
}

/// Fragments without end, or without begin, in any number hold what they have and no more.
#[test]
fn attack_34_fragments_without_end() {
    let fragment = Bytes::from_static(&[0x7c, 0x85, 1, 2, 3]);
    let more = Bytes::from_static(&[0x7c, 0x05, 1, 2, 3]);
    let mut payloads = vec![fragment];
    payloads.extend(std::iter::repeat_n(more, 5_000));
    assert!(depacketize(Format::H264 { fragments: true }, &payloads, 1 << 20).is_err());
    assert!(depacketize(Format::H264 { fragments: true }, &payloads[1..], 1 << 20).is_err());
    assert!(depacketize(Format::H264 { fragments: true }, &payloads, 1_000).is_err());
}
