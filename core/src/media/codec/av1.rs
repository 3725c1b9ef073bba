//! AV1 ("RTP Payload Format For AV1", AOM, version 1.0): a temporal unit's OBUs, whole or in fragments, behind an
//! aggregation header.
//!
//! On the wire OBUs have no size of their own and temporal delimiters are left out; a frame here is a temporal unit
//! in the low-overhead format, where each OBU has its size. What is received comes without delimiters, too.

use crate::media::codec::{Head, PacketizeError, Part, Payload};
use crate::wire::cursor::{ParseError, Reader};
use bytes::{Bytes, BytesMut};

const CONTINUES: u8 = 0x80;
const CONTINUED: u8 = 0x40;
const COUNT_SHIFT: u8 = 4;
const NEW_SEQUENCE: u8 = 0x08;
/// The most elements that the header can count, so that the last needs no length.
const MAX_COUNTED: u8 = 3;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;
const FORBIDDEN: u8 = 0x80;
const EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// An element that would get fewer bytes than this at the end of a packet begins the next one.
const MIN_FRAGMENT: usize = 16;

const fn kind(header: u8) -> u8 {
    header >> 3 & 0x0f
}

/// An OBU as it goes into packets: its header without a size, and its content.
struct Obu {
    header: Head,
    content: Bytes,
}

impl Obu {
    /// Reads the next OBU of a temporal unit; without a size it is the last.
    fn read(frame: &Bytes, r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let first = r.u8()?;
        if first & FORBIDDEN != 0 {
            return Err(ParseError::BadValue("the forbidden bit of an OBU"));
        }
        let mut header = Head::from_slice(&[first & !HAS_SIZE]);
        if first & EXTENSION != 0 {
            header.push(r.u8()?);
        }
        let size = if first & HAS_SIZE == 0 { r.len() } else { leb128(r)? };
        let content = frame.slice_ref(r.bytes(size)?);
        Ok(Self { header, content })
    }

    fn len(&self) -> usize {
        self.header.len() + self.content.len()
    }

    /// Takes the first `len` bytes off.
    fn split_to(&mut self, len: usize) -> Self {
        let of_header = len.min(self.header.len());
        let rest = Head::from_slice(&self.header[of_header..]);
        let mut header = std::mem::replace(&mut self.header, rest);
        header.truncate(of_header);
        Self { header, content: self.content.split_to(len - of_header) }
    }
}

/// A number of up to 32 bits, seven bits a byte (AV1 specification §4.10.5).
fn leb128(r: &mut Reader<'_>) -> Result<usize, ParseError> {
    let mut value = 0_u64;
    for at in 0..8 {
        let byte = r.u8()?;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| ParseError::BadLength)?;
            return Ok(value as usize);
        }
    }
    Err(ParseError::BadLength)
}

const fn leb128_len(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    if bits == 0 { 1 } else { bits.div_ceil(7) as usize }
}

pub(super) fn put_leb128(mut value: usize, mut put: impl FnMut(u8)) {
    while value >= 0x80 {
        put(value as u8 | 0x80);
        value >>= 7;
    }
    put(value as u8);
}

/// A packet that is being filled.
struct Packet {
    /// The aggregation header and the elements that are closed, with their lengths.
    head: Head,
    /// The element that ends the packet if no other follows; those have no length.
    last: Option<Obu>,
    count: u8,
}

impl Packet {
    fn new(flags: u8) -> Self {
        Self { head: Head::from_slice(&[flags]), last: None, count: 0 }
    }

    /// Bytes for one element more.
    fn room(&self, limit: usize) -> usize {
        let closed = self.last.as_ref().map_or(0, |last| leb128_len(last.len()) + last.len());
        limit.saturating_sub(self.head.len() + closed)
    }

    fn push(&mut self, element: Obu) {
        if let Some(last) = self.last.replace(element) {
            put_leb128(last.len(), |byte| self.head.push(byte));
            self.head.extend_from_slice(&last.header);
            self.head.extend_from_slice(&last.content);
        }
        self.count += 1;
    }

    fn finish(mut self, flags: u8) -> Payload {
        self.head[0] |= flags | self.count << COUNT_SHIFT;
        let last = self.last.unwrap_or(Obu { header: Head::new(), content: Bytes::new() });
        self.head.extend_from_slice(&last.header);
        Payload { head: self.head, body: last.content }
    }
}

/// Cuts a temporal unit.
pub(super) fn packetize(frame: &Bytes, limit: usize, out: &mut Vec<Payload>) -> Result<(), PacketizeError> {
    if limit <= MIN_FRAGMENT {
        return Err(PacketizeError::NoRoom(limit));
    }
    let mut r = Reader::new(frame);
    let mut packet = None;
    while !r.is_empty() {
        let mut obu = Obu::read(frame, &mut r)?;
        // §5: these are not sent.
        if matches!(kind(obu.header[0]), TEMPORAL_DELIMITER | TILE_LIST | PADDING) {
            continue;
        }
        let new_sequence = kind(obu.header[0]) == SEQUENCE_HEADER;
        let mut current =
            packet.take().unwrap_or_else(|| Packet::new(if new_sequence { NEW_SEQUENCE } else { 0 }));
        loop {
            let room = current.room(limit);
            let full = current.count == MAX_COUNTED || (room < obu.len() && room < MIN_FRAGMENT);
            if current.count > 0 && full {
                out.push(current.finish(0));
                current = Packet::new(0);
            } else if obu.len() <= room {
                current.push(obu);
                break;
            } else {
                current.push(obu.split_to(room));
                out.push(current.finish(CONTINUED));
                current = Packet::new(CONTINUES);
            }
        }
        packet = Some(current);
    }
    out.push(packet.ok_or(PacketizeError::Empty)?.finish(0));
    Ok(())
}

/// The elements of a payload, each with whether it continues one and whether it is continued.
fn elements(
    payload: &[u8],
    mut take: impl FnMut(&[u8], bool, bool) -> Result<(), ParseError>,
) -> Result<u8, ParseError> {
    let mut r = Reader::new(payload);
    let flags = r.u8()?;
    let count = flags >> COUNT_SHIFT & 3;
    let mut at = 0;
    while !r.is_empty() {
        at += 1;
        // §4.4: with a count, the last one fills the packet; without, each has its length.
        let last_counted = count > 0 && at == count;
        let len = if last_counted { r.len() } else { leb128(&mut r)? };
        let element = r.bytes(len)?;
        if element.is_empty() {
            return Err(ParseError::BadLength);
        }
        take(element, at == 1 && flags & CONTINUES != 0, r.is_empty() && flags & CONTINUED != 0)?;
    }
    // A packet that counts more than it has, or has nothing.
    if at == 0 || at < count { Err(ParseError::Truncated) } else { Ok(flags) }
}

/// What a payload says about its temporal unit.
pub(super) fn inspect(payload: &[u8]) -> Result<Part, ParseError> {
    let mut part = Part::default();
    let flags = elements(payload, |element, continues, _| {
        if continues {
            return Ok(());
        }
        let header = element[0];
        part.key |= kind(header) == SEQUENCE_HEADER;
        if header & EXTENSION != 0 && part.layer.temporal.is_none() {
            let &extension = element.get(1).ok_or(ParseError::Truncated)?;
            part.layer.temporal = Some(extension >> 5);
            part.layer.spatial = Some(extension >> 3 & 3);
        }
        Ok(())
    })?;
    if flags & NEW_SEQUENCE != 0 {
        (part.begins, part.key) = (true, true);
    }
    Ok(part)
}

/// The temporal unit in the low-overhead format.
pub(super) fn depacketize(payloads: &[Bytes]) -> Result<Bytes, ParseError> {
    let bytes: usize = payloads.iter().map(|payload| payload.len() + 8).sum();
    let mut unit = BytesMut::with_capacity(bytes);
    let mut fragments: Vec<u8> = Vec::new();
    let mut open = false;
    for payload in payloads {
        elements(payload, |element, continues, continued| {
            if continues != open && (continues || !fragments.is_empty()) {
                return Err(ParseError::BadValue("the continuation of an OBU"));
            }
            open = continued;
            if continues || continued {
                fragments.extend_from_slice(element);
                if !continued {
                    put_obu(&fragments, &mut unit)?;
                    fragments.clear();
                }
                return Ok(());
            }
            put_obu(element, &mut unit)
        })?;
    }
    if open { Err(ParseError::Truncated) } else { Ok(unit.freeze()) }
}

/// Appends an OBU with its size.
fn put_obu(obu: &[u8], unit: &mut BytesMut) -> Result<(), ParseError> {
    let mut r = Reader::new(obu);
    let first = r.u8()?;
    let extension = if first & EXTENSION == 0 { None } else { Some(r.u8()?) };
    // §5 tells senders to leave the size out; some leave it in.
    let content = if first & HAS_SIZE == 0 {
        r.rest()
    } else {
        let size = leb128(&mut r)?;
        r.bytes(size)?
    };
    if kind(first) == TEMPORAL_DELIMITER {
        return Ok(());
    }
    unit.extend_from_slice(&[first | HAS_SIZE]);
    unit.extend(extension);
    put_leb128(content.len(), |byte| unit.extend_from_slice(&[byte]));
    unit.extend_from_slice(content);
    Ok(())
}
