//! H.265 (RFC 7798) without decoding order numbers, as WebRTC negotiates it: single units, aggregates (AP) and
//! fragments (FU).

use crate::media::codec::annex_b::{self, Writer};
use crate::media::codec::{Head, Layer, PacketizeError, Part, Payload, pieces};
use crate::wire::cursor::{ParseError, Reader};
use bytes::Bytes;

/// Bytes of a unit's header.
const HEADER: usize = 2;
const VPS: u8 = 32;
const SPS: u8 = 33;
const ACCESS_UNIT_DELIMITER: u8 = 35;
const FILLER: u8 = 38;
const AP: u8 = 48;
const FU: u8 = 49;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;
const FU_TYPE: u8 = 0x3f;
/// Header of the payload and header of the fragment.
const FU_LEN: usize = 3;

/// The type in the first byte of a unit's header.
const fn kind(first: u8) -> u8 {
    first >> 1 & 0x3f
}

/// The first byte with another type.
const fn with_kind(first: u8, kind: u8) -> u8 {
    first & 0x81 | kind << 1
}

/// Units that only a random access point has: its pictures (16 to 23) and parameter sets.
const fn is_key(kind: u8) -> bool {
    matches!(kind, 16..=23 | VPS | SPS)
}

const fn is_idle(kind: u8) -> bool {
    matches!(kind, ACCESS_UNIT_DELIMITER | FILLER)
}

/// What a payload says about its frame (RFC 7798 §4.4).
pub(super) fn inspect(payload: &[u8]) -> Result<Part, ParseError> {
    let mut r = Reader::new(payload);
    let [first, second] = r.array()?;
    let key = match kind(first) {
        AP => {
            let mut key = false;
            while !r.is_empty() {
                key |= r.prefixed_u16()?.first().is_some_and(|first| is_key(kind(*first)));
            }
            key
        }
        FU => {
            let header = r.u8()?;
            header & FU_START != 0 && is_key(header & FU_TYPE)
        }
        single @ 0..=47 => is_key(single),
        _ => return Err(ParseError::BadValue("the NAL unit type")),
    };
    // The identifier of the temporal layer, plus one.
    let temporal = (second & 7).checked_sub(1);
    Ok(Part { begins: false, key, layer: Layer { temporal, ..Layer::default() } })
}

/// Cuts a byte stream.
pub(super) fn packetize(frame: &Bytes, limit: usize, out: &mut Vec<Payload>) -> Result<(), PacketizeError> {
    if limit <= FU_LEN {
        return Err(PacketizeError::NoRoom(limit));
    }
    let worth = |unit: &std::ops::Range<usize>| unit.len() > HEADER && !is_idle(kind(frame[unit.start]));
    let mut units = annex_b::units(frame)?.filter(worth).peekable();
    let before = out.len();
    while let Some(unit) = units.next() {
        let body = frame.slice(unit);
        if body.len() > limit {
            fragment(&body, limit, out);
            continue;
        }
        let mut together = vec![body];
        let mut len = HEADER + 2 + together[0].len();
        while let Some(next) = units.next_if(|next| len + 2 + next.len() <= limit) {
            len += 2 + next.len();
            together.push(frame.slice(next));
        }
        out.push(match together.len() {
            1 => Payload::plain(together.swap_remove(0)),
            _ => aggregate(&together, len),
        });
    }
    if out.len() == before { Err(PacketizeError::Empty) } else { Ok(()) }
}

/// One packet of several units (RFC 7798 §4.4.2): layer and temporal identifiers are the lowest of all.
fn aggregate(units: &[Bytes], len: usize) -> Payload {
    let lowest = |of: fn(&Bytes) -> u16| units.iter().map(of).min().unwrap_or_default();
    let layer = lowest(|unit| u16::from(unit[0] & 1) << 5 | u16::from(unit[1] >> 3));
    let temporal = lowest(|unit| u16::from(unit[1] & 7));
    let header = u16::from(AP) << 9 | layer << 3 | temporal;
    let mut body = Vec::with_capacity(len);
    body.extend_from_slice(&header.to_be_bytes());
    for unit in units {
        body.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        body.extend_from_slice(unit);
    }
    Payload::plain(body.into())
}

/// One unit in several packets (RFC 7798 §4.4.3).
fn fragment(unit: &Bytes, limit: usize, out: &mut Vec<Payload>) {
    let (first, second) = (unit[0], unit[1]);
    let content = unit.slice(HEADER..);
    for range in pieces(content.len(), limit - FU_LEN) {
        let start = if range.start == 0 { FU_START } else { 0 };
        let end = if range.end == content.len() { FU_END } else { 0 };
        let head = Head::from_slice(&[with_kind(first, FU), second, start | end | kind(first)]);
        out.push(Payload { head, body: content.slice(range) });
    }
}

/// The byte stream of one frame.
pub(super) fn depacketize(payloads: &[Bytes]) -> Result<Bytes, ParseError> {
    let bytes: usize = payloads.iter().map(|payload| payload.len() + 8).sum();
    let mut writer = Writer::with_capacity(bytes);
    let mut open = false;
    for payload in payloads {
        let mut r = Reader::new(payload);
        let [first, second] = r.array()?;
        match kind(first) {
            FU => {
                let header = r.u8()?;
                let start = header & FU_START != 0;
                if start == open {
                    return Err(ParseError::BadValue("the start of a fragmented unit"));
                }
                if start {
                    writer.begin();
                    writer.put(&[with_kind(first, header & FU_TYPE), second]);
                }
                writer.put(r.rest());
                open = header & FU_END == 0;
            }
            _ if open => return Err(ParseError::BadValue("the end of a fragmented unit")),
            AP => {
                while !r.is_empty() {
                    let unit = r.prefixed_u16()?;
                    if unit.len() < HEADER {
                        return Err(ParseError::BadLength);
                    }
                    writer.begin();
                    writer.put(unit);
                }
            }
            0..=47 => {
                writer.begin();
                writer.put(payload);
            }
            _ => return Err(ParseError::BadValue("the NAL unit type")),
        }
    }
    if open { Err(ParseError::Truncated) } else { Ok(writer.finish()) }
}
