//! The messages that open a handshake, the same in both versions.

use crate::wire::cursor::{ParseError, Reader, put_prefixed_u16};
use crate::wire::dtls::codepoints::{CipherSuite, ProtocolVersion};
use crate::wire::dtls::extension::{Extension, Extensions, Place};
use crate::wire::dtls::vector;

/// Session identifiers are at most 32 bytes long.
const MAX_SESSION_ID: usize = 32;

/// `ServerHello.random` of a message that is a `HelloRetryRequest` (RFC 8446 §4.1.3).
pub const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// How `ServerHello.random` ends when a server that speaks 1.3 answers with 1.2 (RFC 8446 §4.1.3).
pub const DOWNGRADE_TO_12: [u8; 8] = *b"DOWNGRD\x01";

/// What a client opens with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The newest version up to 1.2.
    pub version: ProtocolVersion,
    /// Random bytes.
    pub random: [u8; 32],
    /// A session to resume; empty for none.
    pub session_id: Vec<u8>,
    /// What a `HelloVerifyRequest` asked to be repeated; empty at first.
    pub cookie: Vec<u8>,
    /// Cipher suites, the most preferred first.
    pub cipher_suites: Vec<CipherSuite>,
    /// Compression methods: 0 is "none", and the only one in use.
    pub compression_methods: Vec<u8>,
    /// Extensions.
    pub extensions: Extensions,
}

impl ClientHello {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let hello = Self {
            version: r.u16()?.into(),
            random: r.array()?,
            session_id: session_id(&mut r)?,
            cookie: r.prefixed_u8()?.to_vec(),
            cipher_suites: vector::codes_u16(r.prefixed_u16()?)?,
            compression_methods: r.prefixed_u8()?.to_vec(),
            extensions: Extensions::parse(&mut r, Place::ClientHello)?,
        };
        r.finish()?;
        Ok(hello)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_codes_u16(out, &[self.version]);
        out.extend_from_slice(&self.random);
        vector::put_u8(out, |out| out.extend_from_slice(&self.session_id));
        vector::put_u8(out, |out| out.extend_from_slice(&self.cookie));
        put_prefixed_u16(out, |out| vector::put_codes_u16(out, &self.cipher_suites));
        vector::put_u8(out, |out| out.extend_from_slice(&self.compression_methods));
        self.extensions.write(out);
    }
}

/// What a server answers, and in 1.3 also `HelloRetryRequest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// The version, 1.2 at most; 1.3 is told by an extension.
    pub version: ProtocolVersion,
    /// Random bytes, or [`HELLO_RETRY_REQUEST`].
    pub random: [u8; 32],
    /// A session; empty for none.
    pub session_id: Vec<u8>,
    /// The cipher suite that was chosen.
    pub cipher_suite: CipherSuite,
    /// The compression method that was chosen: 0.
    pub compression_method: u8,
    /// Extensions.
    pub extensions: Extensions,
}

impl ServerHello {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let version = r.u16()?.into();
        let random = r.array()?;
        let place = if random == HELLO_RETRY_REQUEST { Place::HelloRetryRequest } else { Place::ServerHello };
        let hello = Self {
            version,
            random,
            session_id: session_id(&mut r)?,
            cipher_suite: r.u16()?.into(),
            compression_method: r.u8()?,
            extensions: Extensions::parse(&mut r, place)?,
        };
        r.finish()?;
        Ok(hello)
    }

    /// Whether it is a `HelloRetryRequest`.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        self.random == HELLO_RETRY_REQUEST
    }

    /// The version that was chosen: by the extension where there is one (RFC 8446 §4.2.1).
    #[must_use]
    pub fn selected_version(&self) -> ProtocolVersion {
        let selected = self.extensions.find(|e| match e {
            Extension::SelectedVersion(version) => Some(*version),
            _ => None,
        });
        selected.unwrap_or(self.version)
    }

    /// Appends the message body. Without extensions not even their length is written, for old clients.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_codes_u16(out, &[self.version]);
        out.extend_from_slice(&self.random);
        vector::put_u8(out, |out| out.extend_from_slice(&self.session_id));
        vector::put_codes_u16(out, &[self.cipher_suite]);
        out.push(self.compression_method);
        if !self.extensions.is_empty() {
            self.extensions.write(out);
        }
    }
}

/// A 1.2 server's demand to repeat the `ClientHello` with a cookie (RFC 6347 §4.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest {
    /// A version, of no meaning.
    pub version: ProtocolVersion,
    /// The cookie.
    pub cookie: Vec<u8>,
}

impl HelloVerifyRequest {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let request = Self { version: r.u16()?.into(), cookie: r.prefixed_u8()?.to_vec() };
        r.finish()?;
        Ok(request)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_codes_u16(out, &[self.version]);
        vector::put_u8(out, |out| out.extend_from_slice(&self.cookie));
    }
}

fn session_id(reader: &mut Reader<'_>) -> Result<Vec<u8>, ParseError> {
    let id = reader.prefixed_u8()?;
    if id.len() > MAX_SESSION_ID {
        return Err(ParseError::TooMany("session id bytes"));
    }
    Ok(id.to_vec())
}
