//! H.264 (RFC 6184) in packetization modes 0 and 1: single units, aggregates (STAP-A) and fragments (FU-A).

use crate::media::codec::annex_b::{self, Writer};
use crate::media::codec::{Head, Layer, PacketizeError, Part, Payload, pieces};
use crate::wire::cursor::{ParseError, Reader};
use bytes::Bytes;

const TYPE: u8 = 0x1f;
const NRI: u8 = 0x60;
const IDR: u8 = 5;
const SPS: u8 = 7;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_START: u8 = 0x80;
const FU_END: u8 = 0x40;
/// Indicator and header of a fragment.
const FU_LEN: usize = 2;

/// What a payload says about its frame (RFC 6184 §5.2).
pub(super) fn inspect(payload: &[u8]) -> Result<Part, ParseError> {
    let mut r = Reader::new(payload);
    let first = r.u8()?;
    // Where a frame begins no header says; the packet behind one with the marker does.
    let part = |key| Part { begins: false, key, layer: Layer::default() };
    match first & TYPE {
        STAP_A => {
            let mut key = false;
            while !r.is_empty() {
                let unit = r.prefixed_u16()?;
                key |= unit.first().is_some_and(|byte| is_key(byte & TYPE));
            }
            Ok(part(key))
        }
        FU_A => {
            let header = r.u8()?;
            Ok(part(header & FU_START != 0 && is_key(header & TYPE)))
        }
        // RFC 6184 §5.4: the interleaved mode's packets never come in the modes that are negotiated.
        single @ 1..=23 => Ok(part(is_key(single))),
        _ => Err(ParseError::BadValue("the NAL unit type")),
    }
}

const fn is_key(kind: u8) -> bool {
    matches!(kind, IDR | SPS)
}

/// Whether a unit tells a decoder nothing that packets do not tell.
const fn is_idle(kind: u8) -> bool {
    matches!(kind, ACCESS_UNIT_DELIMITER | FILLER)
}

/// Cuts a byte stream.
pub(super) fn packetize(
    frame: &Bytes,
    limit: usize,
    aggregates: bool,
    out: &mut Vec<Payload>,
) -> Result<(), PacketizeError> {
    if limit <= FU_LEN {
        return Err(PacketizeError::NoRoom(limit));
    }
    let mut units = annex_b::units(frame)?.filter(|unit| !is_idle(frame[unit.start] & TYPE)).peekable();
    let before = out.len();
    while let Some(unit) = units.next() {
        let body = frame.slice(unit);
        if body.len() > limit {
            if !aggregates {
                return Err(PacketizeError::TooLong { len: body.len(), limit });
            }
            fragment(&body, limit, out);
            continue;
        }
        // RFC 6184 §5.7.1: small neighbours, such as parameter sets and what follows them, share a packet.
        let mut together = vec![body];
        let mut len = 1 + 2 + together[0].len();
        while aggregates && let Some(next) = units.next_if(|next| len + 2 + next.len() <= limit) {
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

/// One packet of several units.
fn aggregate(units: &[Bytes], len: usize) -> Payload {
    let mut body = Vec::with_capacity(len);
    // RFC 6184 §5.7: the indicator has the highest importance of all.
    let nri = units.iter().map(|unit| unit[0] & NRI).max().unwrap_or_default();
    body.push(nri | STAP_A);
    for unit in units {
        // Units that fit a packet fit 16 bits.
        body.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        body.extend_from_slice(unit);
    }
    Payload::plain(body.into())
}

/// One unit in several packets (RFC 6184 §5.8).
fn fragment(unit: &Bytes, limit: usize, out: &mut Vec<Payload>) {
    let header = unit[0];
    let content = unit.slice(1..);
    for range in pieces(content.len(), limit - FU_LEN) {
        let start = if range.start == 0 { FU_START } else { 0 };
        let end = if range.end == content.len() { FU_END } else { 0 };
        let head = Head::from_slice(&[header & !TYPE | FU_A, start | end | header & TYPE]);
        out.push(Payload { head, body: content.slice(range) });
    }
}

/// The byte stream of one frame.
pub(super) fn depacketize(payloads: &[Bytes]) -> Result<Bytes, ParseError> {
    let bytes: usize = payloads.iter().map(|payload| payload.len() + 8).sum();
    let mut writer = Writer::with_capacity(bytes);
    // Whether a unit in fragments is open.
    let mut open = false;
    for payload in payloads {
        let mut r = Reader::new(payload);
        let first = r.u8()?;
        match first & TYPE {
            FU_A => {
                let header = r.u8()?;
                let start = header & FU_START != 0;
                // RFC 6184 §5.8: a unit in one fragment is not allowed, yet some send it; one that nothing began is.
                if start == open {
                    return Err(ParseError::BadValue("the start of a fragmented unit"));
                }
                if start {
                    writer.begin();
                    writer.put(&[first & !TYPE | header & TYPE]);
                }
                writer.put(r.rest());
                open = header & FU_END == 0;
            }
            _ if open => return Err(ParseError::BadValue("the end of a fragmented unit")),
            STAP_A => {
                while !r.is_empty() {
                    let unit = r.prefixed_u16()?;
                    if unit.is_empty() {
                        return Err(ParseError::BadLength);
                    }
                    writer.begin();
                    writer.put(unit);
                }
            }
            1..=23 => {
                writer.begin();
                writer.put(payload);
            }
            _ => return Err(ParseError::BadValue("the NAL unit type")),
        }
    }
    if open { Err(ParseError::Truncated) } else { Ok(writer.finish()) }
}
