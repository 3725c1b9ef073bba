//! STUN messages (RFC 8489) with the attributes of ICE (RFC 8445), TURN (RFC 8656) and what browsers add.
//!
//! It reads and writes messages and checks the keyless FINGERPRINT. It holds no key: where a message is
//! protected by MESSAGE-INTEGRITY, [`Message::integrity`] tells what was signed, and whoever has the key
//! computes; [`Builder::integrity`] hands out what is to be signed.

mod attribute;
mod build;
mod channel;
pub mod sped;
#[cfg(test)]
mod tests;

pub use self::attribute::{Attribute, AttributeType, Codes, ErrorCode};
pub use self::build::{Builder, complete_last};
pub use self::channel::{CHANNEL_HEADER_LEN, ChannelHeader};

use crate::wire::cursor::{ParseError, Reader};
use crc_fast::CrcAlgorithm;

/// Bytes of the header (RFC 8489 §5).
pub const HEADER_LEN: usize = 20;
/// The magic cookie (RFC 8489 §5).
pub const MAGIC_COOKIE: u32 = 0x2112_A442;
/// Bytes of a MESSAGE-INTEGRITY tag, an HMAC-SHA1.
pub const INTEGRITY_LEN: usize = 20;
/// Bytes of a MESSAGE-INTEGRITY-SHA256 tag that is not cut short.
pub const INTEGRITY_SHA256_LEN: usize = 32;
/// Bytes that a type and a length take before each attribute's value.
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// What the CRC-32 of FINGERPRINT is combined with (RFC 8489 §14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;

/// What ties a response to its request. In ICE it must be unguessable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// What a message is to its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Does not.
    Indication,
    /// Answers that it was done.
    Success,
    /// Answers that it was not.
    Error,
}

crate::registry! {
    /// What a message is about.
    pub enum Method: u16 {
        /// RFC 8489
        Binding = 0x001,
        /// RFC 8656
        Allocate = 0x003,
        /// RFC 8656
        Refresh = 0x004,
        /// RFC 8656
        Send = 0x006,
        /// RFC 8656
        Data = 0x007,
        /// RFC 8656
        CreatePermission = 0x008,
        /// RFC 8656
        ChannelBind = 0x009,
        /// RFC 6062
        Connect = 0x00A,
        /// RFC 6062
        ConnectionBind = 0x00B,
        /// RFC 6062
        ConnectionAttempt = 0x00C,
    }
}

/// The first field of a message: 14 bits in which class and method are interleaved (RFC 8489 §5).
fn message_type(class: Class, method: Method) -> u16 {
    let method = u16::from(method) & 0xFFF;
    let class = match class {
        Class::Request => 0x000,
        Class::Indication => 0x010,
        Class::Success => 0x100,
        Class::Error => 0x110,
    };
    (method & 0xF80) << 2 | (method & 0x070) << 1 | method & 0x00F | class
}

fn split_type(field: u16) -> (Class, Method) {
    let class = match field & 0x110 {
        0x000 => Class::Request,
        0x010 => Class::Indication,
        0x100 => Class::Success,
        _ => Class::Error,
    };
    let method = (field & 0x3E00) >> 2 | (field & 0x00E0) >> 1 | field & 0x000F;
    (class, Method::from(method))
}

/// A received message: one that has the form of STUN. It borrows the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    bytes: &'a [u8],
    /// What it is to its transaction.
    pub class: Class,
    /// What it is about.
    pub method: Method,
    /// Which transaction it belongs to.
    pub transaction: TransactionId,
    // Offsets of the attributes that seal the message.
    integrity: Option<usize>,
    integrity_sha256: Option<usize>,
    fingerprint: Option<usize>,
}

/// What a MESSAGE-INTEGRITY attribute protects, and its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// The header, with the length that it had when the tag was made.
    pub header: [u8; HEADER_LEN],
    /// What follows the header, up to the attribute.
    pub body: &'a [u8],
    /// The tag.
    pub tag: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads header and attribute boundaries. The values of attributes are read by [`attributes`](Self::attributes).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let field = r.u16()?;
        let length = usize::from(r.u16()?);
        // RFC 8489 §6.3: the two most significant bits are zero, the cookie is there, the length makes sense.
        if field & 0xC000 != 0 {
            return Err(ParseError::BadValue("STUN message type"));
        }
        if r.u32()? != MAGIC_COOKIE {
            return Err(ParseError::BadValue("STUN magic cookie"));
        }
        let transaction = TransactionId(r.array()?);
        if length != r.len() || length % 4 != 0 {
            return Err(ParseError::BadLength);
        }
        let (class, method) = split_type(field);
        let message = Self {
            bytes,
            class,
            method,
            transaction,
            integrity: None,
            integrity_sha256: None,
            fingerprint: None,
        };
        message.with_seals()
    }

    /// Walks over all attributes once, to check their boundaries and to find those that seal the message.
    fn with_seals(mut self) -> Result<Self, ParseError> {
        let mut raw = RawAttributes::new(self.bytes);
        while let Some(RawAttribute { at, kind, value }) = raw.next()? {
            if self.fingerprint.is_some() {
                // RFC 8489 §14.7: FINGERPRINT is the last attribute.
                return Err(ParseError::BadValue("STUN attribute after FINGERPRINT"));
            }
            match AttributeType::from(kind) {
                AttributeType::MessageIntegrity if self.integrity.is_none() => {
                    if value.len() != INTEGRITY_LEN {
                        return Err(ParseError::BadValue("MESSAGE-INTEGRITY"));
                    }
                    self.integrity = Some(at);
                }
                AttributeType::MessageIntegritySha256 if self.integrity_sha256.is_none() => {
                    // RFC 8489 §14.6: at least 16 bytes, at most 32, a multiple of 4.
                    if !(16..=32).contains(&value.len()) || value.len() % 4 != 0 {
                        return Err(ParseError::BadValue("MESSAGE-INTEGRITY-SHA256"));
                    }
                    self.integrity_sha256 = Some(at);
                }
                AttributeType::Fingerprint => {
                    if value.len() != 4 {
                        return Err(ParseError::BadValue("FINGERPRINT"));
                    }
                    self.fingerprint = Some(at);
                }
                _ => {}
            }
        }
        Ok(self)
    }

    /// The attributes, in order. Those that seal the message are left out, and so is what comes after
    /// MESSAGE-INTEGRITY, which nothing protects (RFC 8489 §14.5).
    ///
    /// A malformed value is an error where the attribute must be understood, and [`Attribute::Unknown`] where
    /// it may be ignored.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        let sealed = [self.integrity, self.integrity_sha256, self.fingerprint].into_iter().flatten().min();
        let end = sealed.unwrap_or(self.bytes.len());
        Attributes { raw: RawAttributes::new(&self.bytes[..end]), transaction: self.transaction }
    }

    /// What the MESSAGE-INTEGRITY attribute (HMAC-SHA1) protects.
    #[must_use]
    pub fn integrity(&self) -> Option<Sealed<'a>> {
        self.sealed_at(self.integrity?)
    }

    /// What the MESSAGE-INTEGRITY-SHA256 attribute protects.
    #[must_use]
    pub fn integrity_sha256(&self) -> Option<Sealed<'a>> {
        self.sealed_at(self.integrity_sha256?)
    }

    /// Whether there is a FINGERPRINT, and it is right.
    #[must_use]
    pub fn has_valid_fingerprint(&self) -> bool {
        let Some(at) = self.fingerprint else { return false };
        // It is the last attribute, so the header's length is the one that was summed up.
        self.bytes[at + ATTRIBUTE_HEADER_LEN..] == fingerprint(&self.bytes[..at]).to_be_bytes()
    }

    fn sealed_at(&self, at: usize) -> Option<Sealed<'a>> {
        let mut r = Reader::new(self.bytes.get(at + 2..)?);
        let tag = r.prefixed_u16().ok()?;
        let mut header = [0; HEADER_LEN];
        header.copy_from_slice(&self.bytes[..HEADER_LEN]);
        // RFC 8489 §14.5: the length points to the end of the attribute itself.
        let length = at + ATTRIBUTE_HEADER_LEN + tag.len() - HEADER_LEN;
        header[2..4].copy_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
        Some(Sealed { header, body: &self.bytes[HEADER_LEN..at], tag })
    }
}

/// The FINGERPRINT of a message whose header already counts the attribute (RFC 8489 §14.7).
fn fingerprint(before: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, before) as u32 ^ FINGERPRINT_XOR
}

/// Where an attribute starts, its type and its value.
#[derive(Clone, Copy, Debug)]
struct RawAttribute<'a> {
    at: usize,
    kind: u16,
    value: &'a [u8],
}

/// Types and values with nothing read into them.
#[derive(Clone, Debug)]
struct RawAttributes<'a> {
    at: usize,
    r: Reader<'a>,
}

impl<'a> RawAttributes<'a> {
    /// Over a whole message, or its front; the header must be there.
    fn new(bytes: &'a [u8]) -> Self {
        Self { at: HEADER_LEN, r: Reader::new(bytes.get(HEADER_LEN..).unwrap_or_default()) }
    }

    fn next(&mut self) -> Result<Option<RawAttribute<'a>>, ParseError> {
        if self.r.is_empty() {
            return Ok(None);
        }
        let (at, before) = (self.at, self.r.len());
        let kind = self.r.u16()?;
        let value = self.r.prefixed_u16()?;
        // RFC 8489 §14: padded to four bytes; what the padding holds does not matter.
        self.r.bytes(value.len().wrapping_neg() % 4)?;
        self.at += before - self.r.len();
        Ok(Some(RawAttribute { at, kind, value }))
    }
}

/// Iterates over a message's attributes.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    raw: RawAttributes<'a>,
    transaction: TransactionId,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        // The boundaries were checked when the message was parsed.
        let RawAttribute { kind, value, .. } = self.raw.next().ok()??;
        Some(Attribute::decode(kind, value, self.transaction))
    }
}

/// The local user fragment that a Binding request is addressed to: what stands before the colon of its USERNAME.
///
/// Looks at no more than it must and proves nothing: it is for routing a first request to the peer whose
/// credentials can then authenticate it. Not a Binding request, no USERNAME or no colon: `None`.
#[must_use]
pub fn peek_username(datagram: &[u8]) -> Option<&str> {
    let mut r = Reader::new(datagram);
    let field = r.u16().ok()?;
    r.u16().ok()?;
    if split_type(field) != (Class::Request, Method::Binding) || r.u32().ok()? != MAGIC_COOKIE {
        return None;
    }
    let mut raw = RawAttributes::new(datagram);
    // Everyone puts USERNAME among the first; a stranger does not get to make us walk far.
    for _ in 0..MAX_PEEKED_ATTRIBUTES {
        let RawAttribute { kind, value, .. } = raw.next().ok()??;
        if AttributeType::from(kind) == AttributeType::Username {
            let (ours, _) = std::str::from_utf8(value).ok()?.split_once(':')?;
            return Some(ours);
        }
    }
    None
}

/// The transaction that a response answers, or that a request begins; `None` for what is neither.
///
/// It proves nothing either: it is for routing an answer to the one peer of several that asked.
#[must_use]
pub fn peek_transaction(datagram: &[u8]) -> Option<(Class, TransactionId)> {
    let mut r = Reader::new(datagram);
    let field = r.u16().ok().filter(|field| field & 0xC000 == 0)?;
    r.u16().ok()?;
    let (class, _) = split_type(field);
    (r.u32().ok()? == MAGIC_COOKIE && class != Class::Indication).then_some(())?;
    Some((class, TransactionId(r.array().ok()?)))
}

const MAX_PEEKED_ATTRIBUTES: usize = 16;
