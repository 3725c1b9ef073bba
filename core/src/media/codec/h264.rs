//! H.264 (RFC 6184) in packetization modes 0 and 1: single units, aggregates (STAP-A) and fragments (FU-A).

use crate::media::codec::nal::{self, Shape, Units};
use crate::media::codec::{Head, Layer, Part};
use crate::wire::cursor::ParseError;
use bytes::Bytes;

const TYPE: u8 = 0x1f;
const NRI: u8 = 0x60;
const IDR: u8 = 5;
const SPS: u8 = 7;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The units of H.264.
pub(super) struct H264;

impl Units for H264 {
    const HEADER: usize = 1;
    const SHORTEST: usize = 1;
    const FRAGMENT_TYPE: u8 = TYPE;
    const FRAGMENT: u8 = FU_A;

    fn kind(first: u8) -> u8 {
        first & TYPE
    }

    fn shape(kind: u8) -> Option<Shape> {
        match kind {
            STAP_A => Some(Shape::Aggregate),
            FU_A => Some(Shape::Fragment),
            1..=23 => Some(Shape::Single),
            // RFC 6184 §5.4: the interleaved mode's packets never come in the modes that are negotiated.
            _ => None,
        }
    }

    fn is_key(kind: u8) -> bool {
        matches!(kind, IDR | SPS)
    }

    fn is_idle(kind: u8) -> bool {
        matches!(kind, ACCESS_UNIT_DELIMITER | FILLER)
    }

    fn with_kind(header: &[u8], kind: u8) -> Head {
        Head::from_slice(&[header[0] & !TYPE | kind])
    }

    /// RFC 6184 §5.7: the indicator has the highest importance of all.
    fn aggregate_header(units: &[Bytes]) -> Head {
        let nri = units.iter().map(|unit| unit[0] & NRI).max().unwrap_or_default();
        Head::from_slice(&[nri | STAP_A])
    }
}

/// What a payload says about its frame (RFC 6184 §5.2). Where a frame begins no header says; the packet behind one with
/// the marker does.
pub(super) fn inspect(payload: &[u8]) -> Result<Part, ParseError> {
    Ok(Part { begins: false, key: nal::is_key::<H264>(payload)?, layer: Layer::default() })
}
