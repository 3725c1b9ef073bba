//! Certificates: our own, made or imported, and the little that is read from a peer's.
//!
//! WebRTC trusts no issuer. A certificate only carries a public key whose fingerprint was signalled, so
//! nothing here checks names, dates or chains; what a fingerprint is and whether it fits is decided where
//! DTLS meets the description.

use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::crypto::traits::{CryptoError, KeyType, PrivateKey, PublicKeyType, SignatureScheme};
use data_encoding::BASE64;
use rcgen::{CertificateParams, DistinguishedName, DnType, SerialNumber, SignatureAlgorithm};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use thiserror::Error;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use zeroize::Zeroizing;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate larger than this is not read at all: a DTLS message is capped at the same size.
const MAX_DER: usize = 16 * 1024;

/// Why a certificate could not be made or imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The provider refused: the kind of key is one that it does not know, or the key is malformed.
    #[error("the private key cannot be used: {0}")]
    Key(#[from] CryptoError),
    /// Not a well-formed X.509 certificate with an ECDSA P-256, ECDSA P-384 or RSA key.
    #[error("the certificate is malformed or has a key of an unsupported kind")]
    Malformed,
    /// The certificate was made for another key.
    #[error("the private key is not the one that the certificate was made for")]
    KeyMismatch,
    /// The text does not hold both a `CERTIFICATE` and a `PRIVATE KEY`.
    #[error("the text lacks a CERTIFICATE or a PRIVATE KEY in PEM form")]
    MissingPart,
}

/// What to make a certificate of.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CertificateOptions {
    /// The kind of key. Default ECDSA P-256, which every peer supports (RFC 8827 §6.5) and which is the
    /// fastest of all.
    pub key_type: KeyType,
    /// How long it is valid from now on. Default 30 days, as browsers do; more than 365 days count as 365
    /// (W3C `generateCertificate`).
    pub lifetime: Duration,
}

impl Default for CertificateOptions {
    fn default() -> Self {
        Self { key_type: KeyType::EcdsaP256, lifetime: 30 * DAY }
    }
}

/// A certificate of ours with its private key.
///
/// Clones share one allocation: make it once, use it for many connections.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    pkcs8: Zeroizing<Vec<u8>>,
    key: Arc<dyn PrivateKey>,
    expires: SystemTime,
}

impl Certificate {
    /// A fresh key and a self-signed certificate for it.
    ///
    /// `now` is wall time: validity starts a day before it, so that a peer whose clock is behind accepts it.
    /// Serial number and name are random. With a provider that draws from `rng` alone, the same `rng` and
    /// `now` give the same bytes.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Key`] when the provider cannot make this kind of key.
    pub fn generate(
        crypto: &CryptoProvider,
        options: CertificateOptions,
        now: SystemTime,
        rng: &mut Rng,
    ) -> Result<Self, CertificateError> {
        let pkcs8 = crypto.signing.generate(options.key_type, rng)?;
        let key = crypto.signing.load(&pkcs8)?;
        let expires = now + options.lifetime.min(365 * DAY);
        let since_1970 = |t: SystemTime| t.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();

        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(now).saturating_sub(DAY);
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(expires);
        let mut serial = rng.secret_bytes::<16>();
        serial[0] = serial[0] & 0x7f | 0x40; // Positive and always as long (RFC 5280 §4.1.2.2).
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, rng.secret_text(b"0123456789abcdef", 16));

        let signer = Signer { key: &*key, rng: Cell::new(Some(rng.fork())) };
        let certificate = params.self_signed(&signer).map_err(|_| CertificateError::Malformed)?;
        Ok(Self(Arc::new(Inner { der: certificate.der().to_vec(), pkcs8, key, expires })))
    }

    /// A certificate and its key, both DER; the key is a PKCS #8 document.
    ///
    /// # Errors
    ///
    /// When either cannot be used or they do not belong together.
    pub fn from_der(crypto: &CryptoProvider, der: Vec<u8>, pkcs8: &[u8]) -> Result<Self, CertificateError> {
        let key = crypto.signing.load(pkcs8)?;
        let parsed = PeerCertificate::parse(&der)?;
        if parsed.public_key() != key.public_key() {
            return Err(CertificateError::KeyMismatch);
        }
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(parsed.not_after);
        Ok(Self(Arc::new(Inner { der, pkcs8: Zeroizing::new(pkcs8.to_vec()), key, expires })))
    }

    /// A certificate and its key from one text with a `CERTIFICATE` and a `PRIVATE KEY` block, in any order.
    /// Further certificates (a chain) are left out: WebRTC has no use for them.
    ///
    /// # Errors
    ///
    /// When a block is missing, cannot be used, or they do not belong together.
    pub fn from_pem(crypto: &CryptoProvider, text: &str) -> Result<Self, CertificateError> {
        let (mut der, mut pkcs8) = (None, None);
        for block in x509_parser::pem::Pem::iter_from_buffer(text.as_bytes()) {
            let block = block.map_err(|_| CertificateError::MissingPart)?;
            match block.label.as_str() {
                "CERTIFICATE" if der.is_none() => der = Some(block.contents),
                "PRIVATE KEY" => pkcs8 = Some(Zeroizing::new(block.contents)),
                _ => {}
            }
        }
        let (Some(der), Some(pkcs8)) = (der, pkcs8) else { return Err(CertificateError::MissingPart) };
        Self::from_der(crypto, der, &pkcs8)
    }

    /// Both parts as text that [`from_pem`](Self::from_pem) reads. It holds the private key; it wipes itself.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        let mut out =
            Zeroizing::new(String::with_capacity(2 * (self.0.der.len() + self.0.pkcs8.len()) + 200));
        for (label, der) in [("CERTIFICATE", &self.0.der), ("PRIVATE KEY", &self.0.pkcs8)] {
            out.push_str(&format!("-----BEGIN {label}-----\n"));
            for line in der.chunks(48) {
                BASE64.encode_append(line, &mut out);
                out.push('\n');
            }
            out.push_str(&format!("-----END {label}-----\n"));
        }
        out
    }

    /// The certificate itself, as it goes over the wire and as fingerprints are made of it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The kind of its key.
    #[must_use]
    pub fn key_type(&self) -> PublicKeyType {
        self.0.key.key_type()
    }

    /// Its private key.
    #[must_use]
    pub fn key(&self) -> &dyn PrivateKey {
        &*self.0.key
    }

    /// When it ceases to be valid (W3C `expires`).
    #[must_use]
    pub fn expires(&self) -> SystemTime {
        self.0.expires
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("key_type", &self.key_type()).finish_non_exhaustive()
    }
}

/// The certificate builder's view of a private key.
struct Signer<'a> {
    key: &'a dyn PrivateKey,
    /// The builder signs once, and through `&self`.
    rng: Cell<Option<Rng>>,
}

impl rcgen::PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.key.public_key()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.key.key_type() {
            PublicKeyType::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            PublicKeyType::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            PublicKeyType::Rsa => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl rcgen::SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let mut rng = self.rng.take().ok_or(rcgen::Error::RemoteKeyError)?;
        let scheme = match self.key.key_type() {
            PublicKeyType::EcdsaP256 => SignatureScheme::EcdsaP256Sha256,
            PublicKeyType::EcdsaP384 => SignatureScheme::EcdsaP384Sha384,
            // What `algorithm` says, and what old peers can read.
            PublicKeyType::Rsa => SignatureScheme::RsaPkcs1Sha256,
        };
        self.key.sign(scheme, message, &mut rng).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// What matters of a peer's certificate: its public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    key_type: PublicKeyType,
    public_key: Vec<u8>,
    /// Seconds since 1970.
    not_after: u64,
}

impl PeerCertificate {
    /// Reads one DER certificate. Names and extensions may be of any length within the cap on the whole of
    /// 16 KiB; they are skipped.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Malformed`] when it is too long, not X.509, followed by other bytes, or its key is
    /// neither ECDSA on P-256 or P-384 nor RSA.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_DER {
            return Err(CertificateError::Malformed);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let info = certificate.public_key();
        let key = info.parsed().map_err(|_| CertificateError::Malformed)?;
        let curve = info.algorithm.parameters.as_ref().and_then(|p| p.as_oid().ok());
        let curve = curve.map(|oid| oid.to_id_string());
        let key_type = match (&key, curve.as_deref()) {
            (PublicKey::RSA(_), _) => PublicKeyType::Rsa,
            (PublicKey::EC(_), Some("1.2.840.10045.3.1.7")) => PublicKeyType::EcdsaP256,
            (PublicKey::EC(_), Some("1.3.132.0.34")) => PublicKeyType::EcdsaP384,
            _ => return Err(CertificateError::Malformed),
        };
        let not_after = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
        Ok(Self { key_type, public_key: info.subject_public_key.data.to_vec(), not_after })
    }

    /// The kind of its key.
    #[must_use]
    pub const fn key_type(&self) -> PublicKeyType {
        self.key_type
    }

    /// Its key, in the form that [`Verification`](crate::crypto::traits::Verification) takes.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

impl fmt::Debug for PeerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerCertificate").field("key_type", &self.key_type).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
