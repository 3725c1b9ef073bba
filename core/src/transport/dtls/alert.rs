//! Why a connection failed, and the one map from there to an alert.

use crate::crypto::traits::CryptoError;
use crate::wire::cursor::ParseError;
use crate::wire::dtls::codepoints::{AlertDescription, ExtensionType, HandshakeType};
use thiserror::Error;

/// Why a handshake or a connection failed. It is the state from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The peer ended it with a fatal alert.
    #[error("the peer ended the connection with the alert {0:?}")]
    PeerAlert(AlertDescription),
    /// A handshake message does not parse.
    #[error("a handshake message is malformed: {0}")]
    Decode(#[from] ParseError),
    /// A message that has no place here.
    #[error("{got:?} came where {expected} was expected")]
    UnexpectedMessage {
        /// What would have been right.
        expected: &'static str,
        /// What came.
        got: HandshakeType,
    },
    /// The peer speaks no version of DTLS that we speak.
    #[error("there is no protocol version in common")]
    ProtocolVersion,
    /// Nothing in common: the name says of what.
    #[error("there is no {0} in common")]
    NothingInCommon(&'static str),
    /// A value that the peer may not choose.
    #[error("the peer sent a {0} that it may not send")]
    IllegalParameter(&'static str),
    /// An extension that we did not ask for.
    #[error("the peer answers with {0:?}, which was not offered")]
    UnsupportedExtension(ExtensionType),
    /// An extension that must be there.
    #[error("the peer sent no {0:?}")]
    MissingExtension(ExtensionType),
    /// The peer has no certificate.
    #[error("the peer sent no certificate")]
    NoCertificate,
    /// The peer's certificate cannot be read or has a key of a kind that cannot be used.
    #[error("the peer's certificate cannot be used")]
    UnsupportedCertificate,
    /// None of the signalled fingerprints fits the peer's certificate, or none can be checked.
    #[error("the peer's certificate does not fit the signalled fingerprint")]
    FingerprintMismatch,
    /// A signature of the handshake is not by the certificate's key.
    #[error("a signature of the handshake is wrong")]
    BadSignature,
    /// The two sides did not see the same handshake.
    #[error("the peer's Finished message is wrong")]
    BadFinished,
    /// A primitive failed.
    #[error("{0}")]
    Crypto(CryptoError),
    /// Record numbers ran out.
    #[error("all record numbers are used up")]
    Exhausted,
}

impl Failure {
    /// What to tell the peer; nothing when it was the peer that ended it.
    #[must_use]
    pub const fn alert(self) -> Option<AlertDescription> {
        Some(match self {
            Self::PeerAlert(_) => return None,
            Self::Decode(_) => AlertDescription::DecodeError,
            Self::UnexpectedMessage { .. } => AlertDescription::UnexpectedMessage,
            Self::ProtocolVersion => AlertDescription::ProtocolVersion,
            // RFC 5246 §7.4.6: a client without a certificate.
            Self::NothingInCommon(_) | Self::NoCertificate => AlertDescription::HandshakeFailure,
            Self::IllegalParameter(_) => AlertDescription::IllegalParameter,
            Self::UnsupportedExtension(_) => AlertDescription::UnsupportedExtension,
            Self::MissingExtension(_) => AlertDescription::MissingExtension,
            Self::UnsupportedCertificate => AlertDescription::UnsupportedCertificate,
            // RFC 8122 §6.2: a certificate that does not fit its fingerprint ends the connection.
            Self::FingerprintMismatch => AlertDescription::BadCertificate,
            Self::BadSignature | Self::BadFinished => AlertDescription::DecryptError,
            Self::Crypto(_) | Self::Exhausted => AlertDescription::InternalError,
        })
    }
}
