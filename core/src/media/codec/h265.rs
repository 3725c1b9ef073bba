//! H.265 (RFC 7798) without decoding order numbers, as WebRTC negotiates it: single units, aggregates (AP) and
//! fragments (FU).

use crate::media::codec::nal::{self, Shape, Units};
use crate::media::codec::{Head, Layer, Part};
use crate::wire::cursor::ParseError;
use bytes::Bytes;

const VPS: u8 = 32;
const SPS: u8 = 33;
const ACCESS_UNIT_DELIMITER: u8 = 35;
const FILLER: u8 = 38;
const AP: u8 = 48;
const FU: u8 = 49;

/// The units of H.265.
pub(super) struct H265;

impl Units for H265 {
    const HEADER: usize = 2;
    const SHORTEST: usize = 3;
    const FRAGMENT_TYPE: u8 = 0x3f;
    const FRAGMENT: u8 = FU;

    fn kind(first: u8) -> u8 {
        first >> 1 & 0x3f
    }

    fn shape(kind: u8) -> Option<Shape> {
        match kind {
            AP => Some(Shape::Aggregate),
            FU => Some(Shape::Fragment),
            0..=47 => Some(Shape::Single),
            _ => None,
        }
    }

    /// Only a random access point has these: its pictures (16 to 23) and parameter sets.
    fn is_key(kind: u8) -> bool {
        matches!(kind, 16..=23 | VPS | SPS)
    }

    fn is_idle(kind: u8) -> bool {
        matches!(kind, ACCESS_UNIT_DELIMITER | FILLER)
    }

    fn with_kind(header: &[u8], kind: u8) -> Head {
        Head::from_slice(&[header[0] & 0x81 | kind << 1, header[1]])
    }

    /// RFC 7798 §4.4.2: layer and temporal identifiers are the lowest of all.
    fn aggregate_header(units: &[Bytes]) -> Head {
        let lowest = |of: fn(&Bytes) -> u16| units.iter().map(of).min().unwrap_or_default();
        let layer = lowest(|unit| u16::from(unit[0] & 1) << 5 | u16::from(unit[1] >> 3));
        let temporal = lowest(|unit| u16::from(unit[1] & 7));
        Head::from_slice(&(u16::from(AP) << 9 | layer << 3 | temporal).to_be_bytes())
    }
}

/// What a payload says about its frame (RFC 7798 §4.4).
pub(super) fn inspect(payload: &[u8]) -> Result<Part, ParseError> {
    let key = nal::is_key::<H265>(payload)?;
    // The identifier of the temporal layer, plus one.
    let temporal = payload.get(1).and_then(|second| (second & 7).checked_sub(1));
    Ok(Part { begins: false, key, layer: Layer { temporal, ..Layer::default() } })
}
