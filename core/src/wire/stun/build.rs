//! Writing messages.

use crate::wire::stun::{
    ATTRIBUTE_HEADER_LEN, Attribute, AttributeType, Class, HEADER_LEN, INTEGRITY_LEN, INTEGRITY_SHA256_LEN,
    MAGIC_COOKIE, Method, TransactionId, fingerprint, message_type,
};

/// Appends one message to a buffer that may hold others: attributes first, then integrity, then fingerprint.
///
/// # Panics
///
/// When the attributes exceed 65,535 bytes in all, which only a caller's own data can do.
#[derive(Debug)]
#[must_use = "the message is complete after `finish`"]
pub struct Builder<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    transaction: TransactionId,
}

impl<'o> Builder<'o> {
    /// Starts a message at the end of `out`.
    pub fn new(out: &'o mut Vec<u8>, class: Class, method: Method, transaction: TransactionId) -> Self {
        let start = out.len();
        out.extend_from_slice(&message_type(class, method).to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
        out.extend_from_slice(&transaction.0);
        Self { out, start, transaction }
    }

    /// Appends an attribute.
    pub fn attribute(mut self, attribute: &Attribute<'_>) -> Self {
        let id = self.transaction;
        self.put(attribute.code(), |out| attribute.encode_value(id, out));
        self
    }

    /// Appends `attribute` if there is one.
    pub fn maybe(self, attribute: Option<Attribute<'_>>) -> Self {
        match attribute {
            Some(attribute) => self.attribute(&attribute),
            None => self,
        }
    }

    /// Appends MESSAGE-INTEGRITY: `sign` gets what is protected and writes the HMAC-SHA1 of it.
    pub fn integrity(mut self, sign: impl FnOnce(&[&[u8]], &mut [u8])) -> Self {
        // RFC 8489 §14.5: the header counts the attribute when the tag is made.
        self.set_length(ATTRIBUTE_HEADER_LEN + INTEGRITY_LEN);
        let mut tag = [0; INTEGRITY_LEN];
        sign(&[&self.out[self.start..]], &mut tag);
        self.put(AttributeType::MessageIntegrity.into(), |out| out.extend_from_slice(&tag));
        self
    }

    /// Appends MESSAGE-INTEGRITY-SHA256: `sign` gets what is protected and writes the HMAC-SHA256 of it.
    pub fn integrity_sha256(mut self, sign: impl FnOnce(&[&[u8]], &mut [u8])) -> Self {
        // RFC 8489 §14.6: as above, and not cut short.
        self.set_length(ATTRIBUTE_HEADER_LEN + INTEGRITY_SHA256_LEN);
        let mut tag = [0; INTEGRITY_SHA256_LEN];
        sign(&[&self.out[self.start..]], &mut tag);
        self.put(AttributeType::MessageIntegritySha256.into(), |out| out.extend_from_slice(&tag));
        self
    }

    /// Appends FINGERPRINT, which has to be the last attribute.
    pub fn fingerprint(mut self) -> Self {
        self.set_length(ATTRIBUTE_HEADER_LEN + 4);
        let sum = fingerprint(&self.out[self.start..]);
        self.put(AttributeType::Fingerprint.into(), |out| out.extend_from_slice(&sum.to_be_bytes()));
        self
    }

    /// Fills in the length; the message's size in bytes comes back.
    pub fn finish(mut self) -> usize {
        self.set_length(0);
        self.out.len() - self.start
    }

    fn put(&mut self, code: u16, value: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(&code.to_be_bytes());
        let length_at = self.out.len();
        self.out.extend_from_slice(&[0; 2]);
        value(self.out);
        let length = self.out.len() - length_at - 2;
        let field = u16::try_from(length).expect("an attribute of at most 65,535 bytes");
        self.out[length_at..length_at + 2].copy_from_slice(&field.to_be_bytes());
        let padding = length.wrapping_neg() % 4;
        self.out.resize(self.out.len() + padding, 0);
    }

    /// Writes the length of what is there and `more` bytes.
    fn set_length(&mut self, more: usize) {
        let length = self.out.len() - self.start - HEADER_LEN + more;
        let field = u16::try_from(length).expect("attributes of at most 65,535 bytes");
        self.out[self.start + 2..self.start + 4].copy_from_slice(&field.to_be_bytes());
    }
}

/// Completes a finished message at `start` of `out` whose last attribute was left empty, and whose value, from
/// `value_at` on, was appended since: what is laid out in place needs no copy.
///
/// # Panics
///
/// When there is no such message, or when it would exceed 65,535 bytes.
pub fn complete_last(out: &mut Vec<u8>, start: usize, value_at: usize) {
    let field = |length: usize| u16::try_from(length).expect("at most 65,535 bytes").to_be_bytes();
    let length = out.len() - value_at;
    out[value_at - 2..value_at].copy_from_slice(&field(length));
    out.resize(out.len() + length.wrapping_neg() % 4, 0);
    let total = out.len() - start - HEADER_LEN;
    out[start + 2..start + 4].copy_from_slice(&field(total));
}
