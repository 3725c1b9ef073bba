//! The messages of a DTLS 1.3 handshake that have another shape than in 1.2 (RFC 8446 §4, RFC 9147 §5).

use crate::wire::cursor::{ParseError, Reader, put_prefixed_u16};
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::connection_id::ConnectionId;
use crate::wire::dtls::extension::{Extensions, Place};
use crate::wire::dtls::hello::{ClientHello, ServerHello};
use crate::wire::dtls::message12::{CertificateVerify, Finished, MAX_CHAIN};
use crate::wire::dtls::vector;

/// A handshake message of DTLS 1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message13 {
    /// Opens.
    ClientHello(ClientHello),
    /// Answers, or asks to try again.
    ServerHello(ServerHello),
    /// The extensions that were worth hiding.
    EncryptedExtensions(Extensions),
    /// Asks for the client's certificate.
    CertificateRequest(CertificateRequest),
    /// Certificates.
    Certificate(Certificate),
    /// Proves that a side holds its key.
    CertificateVerify(CertificateVerify),
    /// Proves that both saw the same.
    Finished(Finished),
    /// A ticket to resume with.
    NewSessionTicket(NewSessionTicket),
    /// Asks for further connection ids.
    RequestConnectionId(RequestConnectionId),
    /// Further ids for the sender's records.
    NewConnectionId(NewConnectionId),
    /// The sender goes on with new keys.
    KeyUpdate(KeyUpdate),
    /// Any other.
    Other(HandshakeType, Vec<u8>),
}

impl Message13 {
    /// Reads the body of a message of type `kind`.
    pub fn parse(kind: HandshakeType, body: &[u8]) -> Result<Self, ParseError> {
        Ok(match kind {
            HandshakeType::ClientHello => Self::ClientHello(ClientHello::parse(body)?),
            HandshakeType::ServerHello => Self::ServerHello(ServerHello::parse(body)?),
            HandshakeType::EncryptedExtensions => {
                let mut r = Reader::new(body);
                let extensions = required_extensions(&mut r)?;
                r.finish()?;
                Self::EncryptedExtensions(extensions)
            }
            HandshakeType::CertificateRequest => Self::CertificateRequest(CertificateRequest::parse(body)?),
            HandshakeType::Certificate => Self::Certificate(Certificate::parse(body)?),
            HandshakeType::CertificateVerify => Self::CertificateVerify(CertificateVerify::parse(body)?),
            HandshakeType::Finished => Self::Finished(Finished::parse(body)?),
            HandshakeType::NewSessionTicket => Self::NewSessionTicket(NewSessionTicket::parse(body)?),
            HandshakeType::RequestConnectionId => {
                Self::RequestConnectionId(RequestConnectionId::parse(body)?)
            }
            HandshakeType::NewConnectionId => Self::NewConnectionId(NewConnectionId::parse(body)?),
            HandshakeType::KeyUpdate => Self::KeyUpdate(KeyUpdate::parse(body)?),
            other => Self::Other(other, body.to_vec()),
        })
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> HandshakeType {
        match self {
            Self::ClientHello(_) => HandshakeType::ClientHello,
            Self::ServerHello(_) => HandshakeType::ServerHello,
            Self::EncryptedExtensions(_) => HandshakeType::EncryptedExtensions,
            Self::CertificateRequest(_) => HandshakeType::CertificateRequest,
            Self::Certificate(_) => HandshakeType::Certificate,
            Self::CertificateVerify(_) => HandshakeType::CertificateVerify,
            Self::Finished(_) => HandshakeType::Finished,
            Self::NewSessionTicket(_) => HandshakeType::NewSessionTicket,
            Self::RequestConnectionId(_) => HandshakeType::RequestConnectionId,
            Self::NewConnectionId(_) => HandshakeType::NewConnectionId,
            Self::KeyUpdate(_) => HandshakeType::KeyUpdate,
            Self::Other(kind, _) => *kind,
        }
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::ClientHello(m) => m.write(out),
            Self::ServerHello(m) => m.write(out),
            Self::EncryptedExtensions(m) => m.write(out),
            Self::CertificateRequest(m) => m.write(out),
            Self::Certificate(m) => m.write(out),
            Self::CertificateVerify(m) => m.write(out),
            Self::Finished(m) => m.write(out),
            Self::NewSessionTicket(m) => m.write(out),
            Self::RequestConnectionId(m) => m.write(out),
            Self::NewConnectionId(m) => m.write(out),
            Self::KeyUpdate(m) => m.write(out),
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }
}

/// Extensions in a place where their length may not be missing.
fn required_extensions(reader: &mut Reader<'_>) -> Result<Extensions, ParseError> {
    if reader.is_empty() { Err(ParseError::Truncated) } else { Extensions::parse(reader, Place::Other) }
}

/// `CertificateRequest`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// To be repeated in the answer; empty during the handshake.
    pub context: Vec<u8>,
    /// Extensions, `signature_algorithms` among them.
    pub extensions: Extensions,
}

impl CertificateRequest {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let request = Self { context: r.prefixed_u8()?.to_vec(), extensions: required_extensions(&mut r)? };
        r.finish()?;
        Ok(request)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_u8(out, |out| out.extend_from_slice(&self.context));
        self.extensions.write(out);
    }
}

/// A certificate and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEntry {
    /// The certificate (DER).
    pub der: Vec<u8>,
    /// Extensions.
    pub extensions: Extensions,
}

/// `Certificate`: the sender's own first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// From the request; empty during the handshake.
    pub context: Vec<u8>,
    /// Certificates.
    pub chain: Vec<CertificateEntry>,
}

impl Certificate {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let context = r.prefixed_u8()?.to_vec();
        let list = r.prefixed_u24()?;
        r.finish()?;
        let chain = vector::list(list, MAX_CHAIN, "certificates", |r| {
            let der = r.prefixed_u24()?.to_vec();
            Ok(CertificateEntry { der, extensions: required_extensions(r)? })
        })?;
        Ok(Self { context, chain })
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_u8(out, |out| out.extend_from_slice(&self.context));
        vector::put_u24(out, |out| {
            for entry in &self.chain {
                vector::put_u24(out, |out| out.extend_from_slice(&entry.der));
                entry.extensions.write(out);
            }
        });
    }
}

/// `NewSessionTicket`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSessionTicket {
    /// Seconds.
    pub lifetime: u32,
    /// Added to the ticket's age to hide it.
    pub age_add: u32,
    /// Tells tickets of a connection apart.
    pub nonce: Vec<u8>,
    /// The ticket.
    pub ticket: Vec<u8>,
    /// Extensions.
    pub extensions: Extensions,
}

impl NewSessionTicket {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let ticket = Self {
            lifetime: r.u32()?,
            age_add: r.u32()?,
            nonce: r.prefixed_u8()?.to_vec(),
            ticket: r.prefixed_u16()?.to_vec(),
            extensions: required_extensions(&mut r)?,
        };
        r.finish()?;
        Ok(ticket)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lifetime.to_be_bytes());
        out.extend_from_slice(&self.age_add.to_be_bytes());
        vector::put_u8(out, |out| out.extend_from_slice(&self.nonce));
        put_prefixed_u16(out, |out| out.extend_from_slice(&self.ticket));
        self.extensions.write(out);
    }
}

/// `KeyUpdate`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUpdate {
    /// The sender alone changes its keys.
    NotRequested,
    /// The receiver is to do the same.
    Requested,
}

impl KeyUpdate {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        match body {
            [0] => Ok(Self::NotRequested),
            [1] => Ok(Self::Requested),
            [_] => Err(ParseError::BadValue("key update")),
            _ => Err(ParseError::BadLength),
        }
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::NotRequested => 0,
            Self::Requested => 1,
        });
    }
}

/// The most ids that one message may carry: nobody keeps as many.
pub const MAX_IDS: usize = 32;

/// `RequestConnectionId`: how many the sender would like to have (RFC 9147 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestConnectionId {
    /// The number.
    pub count: u8,
}

impl RequestConnectionId {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        match body {
            [count] => Ok(Self { count: *count }),
            _ => Err(ParseError::BadLength),
        }
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.count);
    }
}

/// When a new connection id is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// At once, and no older one any more.
    Immediate,
    /// When it suits.
    Spare,
}

/// `NewConnectionId`: further ids, for records to its sender (RFC 9147 §9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConnectionId {
    /// The ids, in the order in which they are to be used.
    pub ids: Vec<ConnectionId>,
    /// When.
    pub usage: Usage,
}

impl NewConnectionId {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let ids = vector::list(r.prefixed_u16()?, MAX_IDS, "connection ids", ConnectionId::parse)?;
        let usage = match r.u8()? {
            0 => Usage::Immediate,
            1 => Usage::Spare,
            _ => return Err(ParseError::BadValue("usage of connection ids")),
        };
        r.finish()?;
        Ok(Self { ids, usage })
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_prefixed_u16(out, |out| self.ids.iter().for_each(|id| id.write(out)));
        out.push(match self.usage {
            Usage::Immediate => 0,
            Usage::Spare => 1,
        });
    }
}
