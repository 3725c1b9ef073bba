//! The messages of a DTLS 1.2 handshake with ephemeral elliptic-curve key agreement (RFC 5246, RFC 8422).

use crate::wire::cursor::{ParseError, Reader, put_prefixed_u16};
use crate::wire::dtls::codepoints::{ClientCertificateType, HandshakeType, NamedGroup, SignatureSchemeCode};
use crate::wire::dtls::hello::{ClientHello, HelloVerifyRequest, ServerHello};
use crate::wire::dtls::vector;

/// A chain longer than this is refused. WebRTC certificates have no chain.
pub const MAX_CHAIN: usize = 10;
/// `ECCurveType.named_curve`
const NAMED_CURVE: u8 = 3;

/// A handshake message of DTLS 1.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message12 {
    /// Asks for a renegotiation.
    HelloRequest,
    /// Opens.
    ClientHello(ClientHello),
    /// Answers.
    ServerHello(ServerHello),
    /// Asks for a cookie.
    HelloVerifyRequest(HelloVerifyRequest),
    /// Certificates.
    Certificate(Certificate),
    /// The server's share.
    ServerKeyExchange(ServerKeyExchange),
    /// Asks for the client's certificate.
    CertificateRequest(CertificateRequest),
    /// Ends the server's flight.
    ServerHelloDone,
    /// The client's share.
    ClientKeyExchange(ClientKeyExchange),
    /// Proves that the client holds its key.
    CertificateVerify(CertificateVerify),
    /// Proves that both saw the same.
    Finished(Finished),
    /// Any other.
    Other(HandshakeType, Vec<u8>),
}

impl Message12 {
    /// Reads the body of a message of type `kind`.
    pub fn parse(kind: HandshakeType, body: &[u8]) -> Result<Self, ParseError> {
        let empty = || if body.is_empty() { Ok(()) } else { Err(ParseError::BadLength) };
        Ok(match kind {
            HandshakeType::HelloRequest => empty().map(|()| Self::HelloRequest)?,
            HandshakeType::ClientHello => Self::ClientHello(ClientHello::parse(body)?),
            HandshakeType::ServerHello => Self::ServerHello(ServerHello::parse(body)?),
            HandshakeType::HelloVerifyRequest => Self::HelloVerifyRequest(HelloVerifyRequest::parse(body)?),
            HandshakeType::Certificate => Self::Certificate(Certificate::parse(body)?),
            HandshakeType::ServerKeyExchange => Self::ServerKeyExchange(ServerKeyExchange::parse(body)?),
            HandshakeType::CertificateRequest => Self::CertificateRequest(CertificateRequest::parse(body)?),
            HandshakeType::ServerHelloDone => empty().map(|()| Self::ServerHelloDone)?,
            HandshakeType::ClientKeyExchange => Self::ClientKeyExchange(ClientKeyExchange::parse(body)?),
            HandshakeType::CertificateVerify => Self::CertificateVerify(CertificateVerify::parse(body)?),
            HandshakeType::Finished => Self::Finished(Finished::parse(body)?),
            other => Self::Other(other, body.to_vec()),
        })
    }

    /// The type.
    #[must_use]
    pub const fn kind(&self) -> HandshakeType {
        match self {
            Self::HelloRequest => HandshakeType::HelloRequest,
            Self::ClientHello(_) => HandshakeType::ClientHello,
            Self::ServerHello(_) => HandshakeType::ServerHello,
            Self::HelloVerifyRequest(_) => HandshakeType::HelloVerifyRequest,
            Self::Certificate(_) => HandshakeType::Certificate,
            Self::ServerKeyExchange(_) => HandshakeType::ServerKeyExchange,
            Self::CertificateRequest(_) => HandshakeType::CertificateRequest,
            Self::ServerHelloDone => HandshakeType::ServerHelloDone,
            Self::ClientKeyExchange(_) => HandshakeType::ClientKeyExchange,
            Self::CertificateVerify(_) => HandshakeType::CertificateVerify,
            Self::Finished(_) => HandshakeType::Finished,
            Self::Other(kind, _) => *kind,
        }
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::HelloRequest | Self::ServerHelloDone => {}
            Self::ClientHello(m) => m.write(out),
            Self::ServerHello(m) => m.write(out),
            Self::HelloVerifyRequest(m) => m.write(out),
            Self::Certificate(m) => m.write(out),
            Self::ServerKeyExchange(m) => m.write(out),
            Self::CertificateRequest(m) => m.write(out),
            Self::ClientKeyExchange(m) => m.write(out),
            Self::CertificateVerify(m) => m.write(out),
            Self::Finished(m) => m.write(out),
            Self::Other(_, body) => out.extend_from_slice(body),
        }
    }
}

/// `Certificate`: the peer's own first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Certificates (DER).
    pub chain: Vec<Vec<u8>>,
}

impl Certificate {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let list = r.prefixed_u24()?;
        r.finish()?;
        let chain = vector::list(list, MAX_CHAIN, "certificates", |r| Ok(r.prefixed_u24()?.to_vec()))?;
        Ok(Self { chain })
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_u24(out, |out| {
            for der in &self.chain {
                vector::put_u24(out, |out| out.extend_from_slice(der));
            }
        });
    }
}

/// `ServerKeyExchange` with a named group: the share and a signature over both randoms and the share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKeyExchange {
    /// The group.
    pub group: NamedGroup,
    /// The share.
    pub public_key: Vec<u8>,
    /// The scheme of the signature.
    pub scheme: SignatureSchemeCode,
    /// The signature.
    pub signature: Vec<u8>,
}

impl ServerKeyExchange {
    /// Reads a message body. Explicit curves, which nobody should ever use, are refused.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        if r.u8()? != NAMED_CURVE {
            return Err(ParseError::BadValue("curve type"));
        }
        let exchange = Self {
            group: r.u16()?.into(),
            public_key: r.prefixed_u8()?.to_vec(),
            scheme: r.u16()?.into(),
            signature: r.prefixed_u16()?.to_vec(),
        };
        r.finish()?;
        Ok(exchange)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        Self::write_params(self.group, &self.public_key, out);
        vector::put_codes_u16(out, &[self.scheme]);
        put_prefixed_u16(out, |out| out.extend_from_slice(&self.signature));
    }

    /// Appends the part that is signed, `ServerECDHParams`.
    pub fn write_params(group: NamedGroup, public_key: &[u8], out: &mut Vec<u8>) {
        out.push(NAMED_CURVE);
        vector::put_codes_u16(out, &[group]);
        vector::put_u8(out, |out| out.extend_from_slice(public_key));
    }
}

/// `CertificateRequest`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRequest {
    /// Kinds of keys.
    pub types: Vec<ClientCertificateType>,
    /// Signature schemes.
    pub signature_algorithms: Vec<SignatureSchemeCode>,
    /// Names of issuers, as they are: WebRTC has none.
    pub authorities: Vec<u8>,
}

impl CertificateRequest {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let request = Self {
            types: r.prefixed_u8()?.iter().map(|&code| code.into()).collect(),
            signature_algorithms: vector::codes_u16(r.prefixed_u16()?)?,
            authorities: r.prefixed_u16()?.to_vec(),
        };
        r.finish()?;
        Ok(request)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_u8(out, |out| out.extend(self.types.iter().map(|&kind| u8::from(kind))));
        put_prefixed_u16(out, |out| vector::put_codes_u16(out, &self.signature_algorithms));
        put_prefixed_u16(out, |out| out.extend_from_slice(&self.authorities));
    }
}

/// `ClientKeyExchange`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKeyExchange {
    /// The share.
    pub public_key: Vec<u8>,
}

impl ClientKeyExchange {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let exchange = Self { public_key: r.prefixed_u8()?.to_vec() };
        r.finish()?;
        Ok(exchange)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_u8(out, |out| out.extend_from_slice(&self.public_key));
    }
}

/// `CertificateVerify`, the same in both versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateVerify {
    /// The scheme of the signature.
    pub scheme: SignatureSchemeCode,
    /// The signature.
    pub signature: Vec<u8>,
}

impl CertificateVerify {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let verify = Self { scheme: r.u16()?.into(), signature: r.prefixed_u16()?.to_vec() };
        r.finish()?;
        Ok(verify)
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        vector::put_codes_u16(out, &[self.scheme]);
        put_prefixed_u16(out, |out| out.extend_from_slice(&self.signature));
    }
}

/// `Finished`: 12 bytes in 1.2, a whole hash in 1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The value.
    pub verify_data: Vec<u8>,
}

impl Finished {
    /// Reads a message body.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        if body.len() > 64 {
            return Err(ParseError::BadLength);
        }
        Ok(Self { verify_data: body.to_vec() })
    }

    /// Appends the message body.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.verify_data);
    }
}
