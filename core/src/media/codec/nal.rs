//! What H.264 (RFC 6184) and H.265 (RFC 7798) have in common: units of a byte stream that go alone, together, or in
//! fragments.

use crate::media::codec::annex_b::{self, Writer};
use crate::media::codec::{Head, PacketizeError, Payload, pieces};
use crate::wire::cursor::{ParseError, Reader};
use bytes::Bytes;

const START: u8 = 0x80;
const END: u8 = 0x40;

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One unit.
    Single,
    /// Several units, each behind its length.
    Aggregate,
    /// A part of a unit.
    Fragment,
}

/// In what the two differ.
pub(super) trait Units {
    /// Bytes of a unit's header, which is that of aggregates and fragments, too.
    const HEADER: usize;
    /// Bytes of the shortest unit that is worth sending.
    const SHORTEST: usize;
    /// The bits of a fragment's own header that have the type of its unit.
    const FRAGMENT_TYPE: u8;
    /// The type of fragments.
    const FRAGMENT: u8;

    /// The type of a unit, from the first byte of its header.
    fn kind(first: u8) -> u8;
    /// What a payload whose header has this type holds.
    fn shape(kind: u8) -> Option<Shape>;
    /// Whether only a frame that needs no other has units of this type.
    fn is_key(kind: u8) -> bool;
    /// Whether a unit of this type tells a decoder nothing that packets do not tell.
    fn is_idle(kind: u8) -> bool;
    /// `header` with another type.
    fn with_kind(header: &[u8], kind: u8) -> Head;
    /// The header of a packet with all of `units`.
    fn aggregate_header(units: &[Bytes]) -> Head;
}

fn shape_of<U: Units>(header: &[u8]) -> Result<Shape, ParseError> {
    let kind = header.first().map(|first| U::kind(*first));
    kind.and_then(U::shape).ok_or(ParseError::BadValue("the NAL unit type"))
}

/// Whether a payload has a unit that only a key frame has.
pub(super) fn is_key<U: Units>(payload: &[u8]) -> Result<bool, ParseError> {
    let mut r = Reader::new(payload);
    let header = r.bytes(U::HEADER)?;
    Ok(match shape_of::<U>(header)? {
        Shape::Single => U::is_key(U::kind(header[0])),
        Shape::Fragment => {
            let fragment = r.u8()?;
            fragment & START != 0 && U::is_key(fragment & U::FRAGMENT_TYPE)
        }
        Shape::Aggregate => {
            let mut key = false;
            while !r.is_empty() {
                key |= r.prefixed_u16()?.first().is_some_and(|first| U::is_key(U::kind(*first)));
            }
            key
        }
    })
}

/// Cuts a byte stream. Without `aggregates` there are no fragments either.
pub(super) fn packetize<U: Units>(
    frame: &Bytes,
    limit: usize,
    aggregates: bool,
    out: &mut Vec<Payload>,
) -> Result<(), PacketizeError> {
    if limit <= U::HEADER + 1 {
        return Err(PacketizeError::NoRoom(limit));
    }
    let worth =
        |unit: &std::ops::Range<usize>| unit.len() >= U::SHORTEST && !U::is_idle(U::kind(frame[unit.start]));
    let mut units = annex_b::units(frame)?.filter(worth).peekable();
    let before = out.len();
    while let Some(unit) = units.next() {
        let body = frame.slice(unit);
        if body.len() > limit {
            if !aggregates {
                return Err(PacketizeError::TooLong { len: body.len(), limit });
            }
            fragment::<U>(&body, limit, out);
            continue;
        }
        // RFC 6184 §5.7.1, RFC 7798 §4.4.2: small neighbours, such as parameter sets and what follows them, share a
        // packet.
        let mut together = vec![body];
        let mut len = U::HEADER + 2 + together[0].len();
        while aggregates && let Some(next) = units.next_if(|next| len + 2 + next.len() <= limit) {
            len += 2 + next.len();
            together.push(frame.slice(next));
        }
        out.push(match together.len() {
            1 => Payload::plain(together.swap_remove(0)),
            _ => aggregate::<U>(&together, len),
        });
    }
    if out.len() == before { Err(PacketizeError::Empty) } else { Ok(()) }
}

/// One packet of several units.
fn aggregate<U: Units>(units: &[Bytes], len: usize) -> Payload {
    let mut body = Vec::with_capacity(len);
    body.extend_from_slice(&U::aggregate_header(units));
    for unit in units {
        // Units that fit a packet fit 16 bits.
        body.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        body.extend_from_slice(unit);
    }
    Payload::plain(body.into())
}

/// One unit in several packets (RFC 6184 §5.8, RFC 7798 §4.4.3).
fn fragment<U: Units>(unit: &Bytes, limit: usize, out: &mut Vec<Payload>) {
    let (header, content) = (&unit[..U::HEADER], unit.slice(U::HEADER..));
    for range in pieces(content.len(), limit - U::HEADER - 1) {
        let start = if range.start == 0 { START } else { 0 };
        let end = if range.end == content.len() { END } else { 0 };
        let mut head = U::with_kind(header, U::FRAGMENT);
        head.push(start | end | U::kind(header[0]));
        out.push(Payload { head, body: content.slice(range) });
    }
}

/// The byte stream of one frame.
pub(super) fn depacketize<U: Units>(payloads: &[Bytes]) -> Result<Bytes, ParseError> {
    let bytes: usize = payloads.iter().map(|payload| payload.len() + 8).sum();
    let mut writer = Writer::with_capacity(bytes);
    // Whether a unit in fragments is open.
    let mut open = false;
    for payload in payloads {
        let mut r = Reader::new(payload);
        let header = r.bytes(U::HEADER)?;
        match shape_of::<U>(header)? {
            Shape::Fragment => {
                let fragment = r.u8()?;
                let start = fragment & START != 0;
                // RFC 6184 §5.8: a unit in one fragment is not allowed, yet some send it; one that nothing began is an
                // error.
                if start == open {
                    return Err(ParseError::BadValue("the start of a fragmented unit"));
                }
                if start {
                    writer.begin();
                    writer.put(&U::with_kind(header, fragment & U::FRAGMENT_TYPE));
                }
                writer.put(r.rest());
                open = fragment & END == 0;
            }
            _ if open => return Err(ParseError::BadValue("the end of a fragmented unit")),
            Shape::Aggregate => {
                while !r.is_empty() {
                    let unit = r.prefixed_u16()?;
                    if unit.len() < U::HEADER {
                        return Err(ParseError::BadLength);
                    }
                    writer.begin();
                    writer.put(unit);
                }
            }
            Shape::Single => {
                writer.begin();
                writer.put(payload);
            }
        }
    }
    if open { Err(ParseError::Truncated) } else { Ok(writer.finish()) }
}
