//! Connection ids (RFC 9146 §3, RFC 9147 §9): what a side wants to find in the records that are meant for it, and
//! the header of DTLS 1.2 records that carry one.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::dtls::codepoints::ContentType;
use crate::wire::dtls::record::{MAX_CIPHERTEXT, RECORD_HEADER_LEN, RecordHeader};
use crate::wire::dtls::vector;
use smallvec::SmallVec;

/// Bytes of an id that are held without an allocation, and the longest that we ask for. Nobody's are longer in
/// practice; a peer's may have up to 255.
pub const USUAL_ID_LEN: usize = 20;

/// The receiver's name for a connection. Empty: none is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionId(SmallVec<[u8; USUAL_ID_LEN]>);

impl ConnectionId {
    /// The id of these bytes; of more than 255 the first 255.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(SmallVec::from_slice(&bytes[..bytes.len().min(usize::from(u8::MAX))]))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads an id behind its one-byte length.
    pub fn parse(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self::new(reader.prefixed_u8()?))
    }

    /// Appends the id behind its one-byte length.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_u8(out, |out| out.extend_from_slice(&self.0));
    }
}

/// The header of a `tls12_cid` record: the id stands between record number and length (RFC 9146 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifiedHeader {
    /// Everything else; its content type is that of the outside, the true one is encrypted.
    pub header: RecordHeader,
    /// The id.
    pub id: ConnectionId,
}

impl IdentifiedHeader {
    /// How many bytes it takes.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        RECORD_HEADER_LEN + self.id.len()
    }

    /// Appends the header.
    pub fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.header.to_bytes();
        let (front, length) = bytes.split_at(RECORD_HEADER_LEN - 2);
        out.extend_from_slice(front);
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(length);
    }

    /// The header at the front of `datagram`, when its record is there in full; `id_len` is what was agreed on.
    pub fn split(datagram: &[u8], id_len: usize) -> Result<Self, ParseError> {
        let mut reader = Reader::new(datagram);
        let front: [u8; RECORD_HEADER_LEN - 2] = reader.array()?;
        let id = ConnectionId::new(reader.bytes(id_len)?);
        let [l0, l1] = reader.array()?;
        let mut bytes = [0; RECORD_HEADER_LEN];
        bytes[..RECORD_HEADER_LEN - 2].copy_from_slice(&front);
        bytes[RECORD_HEADER_LEN - 2..].copy_from_slice(&[l0, l1]);
        let header = RecordHeader::parse(&bytes);
        if header.content_type != ContentType::Tls12Cid {
            return Err(ParseError::BadValue("content type"));
        }
        if usize::from(header.length) > MAX_CIPHERTEXT {
            return Err(ParseError::BadLength);
        }
        reader.bytes(usize::from(header.length))?;
        Ok(Self { header, id })
    }
}
