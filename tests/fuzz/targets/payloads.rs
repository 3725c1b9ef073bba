#![no_main]
//! Each payload format: any payloads to the depacketiser, and any bytes as a frame to the packetiser, whose payloads have to
//! become that frame again where the format changes nothing in it.

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use purertc::media::codec::{Format, Layer, Packetizer, annex_b, depacketize, opus};

const FORMATS: [Format; 7] = [
    Format::Whole,
    Format::Vp8,
    Format::Vp9,
    Format::H264 { fragments: true },
    Format::H264 { fragments: false },
    Format::H265,
    Format::Av1,
];
const LIMIT: usize = 200;

fuzz_target!(|data: &[u8]| {
    let Some((&[first, size], rest)) = data.split_first_chunk() else { return };
    let format = FORMATS[usize::from(first) % FORMATS.len()];
    let payloads: Vec<Bytes> = rest.chunks(usize::from(size).max(1)).map(Bytes::copy_from_slice).collect();
    for payload in &payloads {
        let _ = format.inspect(payload);
        let _ = opus::duration(payload);
    }
    if let Ok(frame) = depacketize(format, &payloads, 1 << 20) {
        // Start codes and sizes are what may be added.
        assert!(frame.len() <= 8 * data.len() + 64);
    }
    let frame = Bytes::copy_from_slice(rest);
    let mut cut = Vec::new();
    let temporal = Some(first & 3);
    let layer = Layer { temporal, spatial: None, switching_point: first & 8 != 0 };
    if Packetizer::new(format, 7).packetize(&frame, LIMIT, layer, &mut cut).is_err() {
        return;
    }
    let laid_out = |payload: &purertc::media::codec::Payload| {
        let mut bytes = Vec::new();
        payload.write(&mut bytes);
        assert!((1..=LIMIT).contains(&bytes.len()), "{format:?}: {}", bytes.len());
        Bytes::from(bytes)
    };
    let payloads: Vec<Bytes> = cut.iter().map(laid_out).collect();
    let back = depacketize(format, &payloads, 1 << 20);
    if matches!(format, Format::Whole | Format::Vp8 | Format::Vp9) {
        assert_eq!(back.as_deref().ok(), Some(&frame[..]));
    }
    // Units of other formats may be of types that only packets have: those are refused on arrival.
    let _ = back.map(|back| annex_b::units(&back).map(Iterator::count));
});
