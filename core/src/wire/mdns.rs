//! Multicast DNS messages (RFC 6762), as far as candidates need them: questions for the addresses of one name, and
//! answers with them.
//!
//! It keeps no cache and decides nothing. Records of other types and classes are skipped, names are compared without
//! regard to case.

use crate::wire::cursor::{ParseError, Reader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The port (RFC 6762 §3).
pub const PORT: u16 = 5_353;
/// The group of IPv4 (RFC 6762 §3).
pub const GROUP_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), PORT);
/// The group of IPv6 (RFC 6762 §3).
pub const GROUP_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb)), PORT);

const HEADER_LEN: usize = 12;
/// QR: it is a response.
const RESPONSE: u16 = 0x8000;
/// RFC 6762 §18.4.
const AUTHORITATIVE: u16 = 0x0400;
/// OPCODE and RCODE, which have to be zero (RFC 6762 §18.3, §18.11).
const CODES: u16 = 0x780F;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
const CLASS_ANY: u16 = 255;
/// In a question: an answer to the asker alone is welcome (RFC 6762 §5.4). In a record: it replaces all others
/// (RFC 6762 §10.2).
const TOP_BIT: u16 = 0x8000;
/// The longest name as text (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
/// Entries of one message that are looked at. Browsers ask for a handful of names at once.
const MAX_ENTRIES: usize = 64;
/// Jumps within one compressed name.
const MAX_JUMPS: usize = 16;

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A.
    V4,
    /// AAAA.
    V6,
    /// Any type, addresses among them.
    Any,
}

impl Family {
    /// Whether an address is one of those that are asked for.
    #[must_use]
    pub const fn includes(self, ip: IpAddr) -> bool {
        match self {
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
            Self::Any => true,
        }
    }
}

/// A question for the addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name, in lower case, without the final dot.
    pub name: String,
    /// Which addresses.
    pub family: Family,
    /// QU: the answer may go to the asker alone.
    pub unicast: bool,
}

/// An address of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The name, in lower case, without the final dot.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// For how many seconds; 0 takes it back (RFC 6762 §10.1).
    pub ttl: u32,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Questions. What the asker knows already goes without saying again (RFC 6762 §7.1).
    Query {
        /// Echoed in answers to askers that are no mDNS responders themselves (RFC 6762 §6.7).
        id: u16,
        /// What is asked.
        questions: Vec<Question>,
        /// What is known.
        known: Vec<Record>,
    },
    /// Addresses, from its answer and additional sections.
    Response(Vec<Record>),
}

impl Message {
    /// Reads a message.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let (id, flags) = (r.u16()?, r.u16()?);
        let counts = [r.u16()?, r.u16()?, r.u16()?, r.u16()?].map(usize::from);
        if flags & CODES != 0 {
            return Err(ParseError::BadValue("mDNS opcode or rcode"));
        }
        if counts.iter().sum::<usize>() > MAX_ENTRIES {
            return Err(ParseError::TooMany("mDNS entries"));
        }
        let [asked, answers, authorities, additional] = counts;
        let mut questions = Vec::new();
        for _ in 0..asked {
            questions.extend(question(bytes, &mut r)?);
        }
        let mut known = Vec::new();
        for _ in 0..answers {
            known.extend(record(bytes, &mut r)?);
        }
        if flags & RESPONSE == 0 {
            return Ok(Self::Query { id, questions, known });
        }
        for _ in 0..authorities {
            record(bytes, &mut r)?;
        }
        for _ in 0..additional {
            known.extend(record(bytes, &mut r)?);
        }
        Ok(Self::Response(known))
    }
}

/// Appends a query for both families of `name`; its size comes back. `None` when that is no name.
pub fn write_query(name: &str, unicast: bool, out: &mut Vec<u8>) -> Option<usize> {
    let start = out.len();
    put_header(out, 0, 0, [2, 0]);
    for kind in [TYPE_A, TYPE_AAAA] {
        put_name(name, out).or_else(|| {
            out.truncate(start);
            None
        })?;
        let class = if unicast { CLASS_IN | TOP_BIT } else { CLASS_IN };
        [kind, class].iter().for_each(|field| out.extend_from_slice(&field.to_be_bytes()));
    }
    Some(out.len() - start)
}

/// Appends a response with the address of a name; its size comes back. `None` when that is no name. `question` is
/// repeated, with its id, where the asker is no mDNS responder (RFC 6762 §6.7).
pub fn write_response(record: &Record, question: Option<(u16, Family)>, out: &mut Vec<u8>) -> Option<usize> {
    let start = out.len();
    let legacy = question.is_some();
    put_header(out, question.map_or(0, |(id, _)| id), RESPONSE | AUTHORITATIVE, [u16::from(legacy), 1]);
    let written = (|| {
        if let Some((_, family)) = question {
            put_name(&record.name, out)?;
            let kind = match family {
                Family::V4 => TYPE_A,
                Family::V6 => TYPE_AAAA,
                Family::Any => TYPE_ANY,
            };
            [kind, CLASS_IN].iter().for_each(|field| out.extend_from_slice(&field.to_be_bytes()));
        }
        put_name(&record.name, out)
    })();
    if written.is_none() {
        out.truncate(start);
        return None;
    }
    let kind = if record.ip.is_ipv4() { TYPE_A } else { TYPE_AAAA };
    // RFC 6762 §6.7: without the cache-flush bit for who does not know it.
    let class = if legacy { CLASS_IN } else { CLASS_IN | TOP_BIT };
    [kind, class].iter().for_each(|field| out.extend_from_slice(&field.to_be_bytes()));
    out.extend_from_slice(&record.ttl.to_be_bytes());
    match record.ip {
        IpAddr::V4(ip) => {
            out.extend_from_slice(&[0, 4]);
            out.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            out.extend_from_slice(&[0, 16]);
            out.extend_from_slice(&ip.octets());
        }
    }
    Some(out.len() - start)
}

fn put_header(out: &mut Vec<u8>, id: u16, flags: u16, [questions, answers]: [u16; 2]) {
    for field in [id, flags, questions, answers, 0, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
}

fn put_name(name: &str, out: &mut Vec<u8>) -> Option<()> {
    let fits = |label: &str| !label.is_empty() && label.len() <= 63 && label.is_ascii();
    if name.len() > MAX_NAME || !name.split('.').all(fits) {
        return None;
    }
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    Some(())
}

fn question<'m>(message: &'m [u8], r: &mut Reader<'m>) -> Result<Option<Question>, ParseError> {
    let name = read_name(message, r)?;
    let (kind, class) = (r.u16()?, r.u16()?);
    let family = match kind {
        TYPE_A => Family::V4,
        TYPE_AAAA => Family::V6,
        TYPE_ANY => Family::Any,
        _ => return Ok(None),
    };
    let ours = matches!(class & !TOP_BIT, CLASS_IN | CLASS_ANY);
    Ok(name.filter(|_| ours).map(|name| Question { name, family, unicast: class & TOP_BIT != 0 }))
}

fn record<'m>(message: &'m [u8], r: &mut Reader<'m>) -> Result<Option<Record>, ParseError> {
    let name = read_name(message, r)?;
    let (kind, class, ttl) = (r.u16()?, r.u16()?, r.u32()?);
    let mut data = Reader::new(r.prefixed_u16()?);
    let ip: IpAddr = match (kind, data.len()) {
        (TYPE_A, 4) => Ipv4Addr::from(data.array::<4>()?).into(),
        (TYPE_AAAA, 16) => Ipv6Addr::from(data.array::<16>()?).into(),
        (TYPE_A | TYPE_AAAA, _) => return Err(ParseError::BadLength),
        _ => return Ok(None),
    };
    Ok(name.filter(|_| class & !TOP_BIT == CLASS_IN).map(|name| Record { name, ip, ttl }))
}

/// Reads a name, compressed or not (RFC 1035 §4.1.4), in lower case. `None`: one with other than printable ASCII in it,
/// which no candidate has.
fn read_name<'m>(message: &'m [u8], r: &mut Reader<'m>) -> Result<Option<String>, ParseError> {
    let (mut name, mut printable, mut jumps) = (String::new(), true, 0);
    let mut reader = *r;
    loop {
        let length = reader.u8()?;
        // What follows a name comes behind its first jump.
        if jumps == 0 {
            let ahead = match length {
                0 => 1,
                1..=63 => 1 + usize::from(length),
                _ => 2,
            };
            r.bytes(ahead)?;
        }
        match length {
            0 => return Ok(Some(name).filter(|_| printable)),
            1..=63 => {
                let label = reader.bytes(usize::from(length))?;
                if name.len() + label.len() > MAX_NAME {
                    return Err(ParseError::BadLength);
                }
                if !name.is_empty() {
                    name.push('.');
                }
                for &byte in label {
                    printable &= byte.is_ascii_graphic() && byte != b'.';
                    name.push(char::from(byte.to_ascii_lowercase() & 0x7F));
                }
            }
            0xC0..=0xFF => {
                let target = usize::from(length & 0x3F) << 8 | usize::from(reader.u8()?);
                jumps += 1;
                // Wherever it jumps: not often, so that it ends.
                if jumps > MAX_JUMPS || target < HEADER_LEN {
                    return Err(ParseError::BadValue("mDNS name"));
                }
                reader = Reader::new(message.get(target..).ok_or(ParseError::Truncated)?);
            }
            _ => return Err(ParseError::BadValue("mDNS label")),
        }
    }
}

#[cfg(test)]
mod tests;
