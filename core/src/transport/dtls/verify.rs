//! Whose certificate it is: fingerprints and handshake signatures.

use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, PeerCertificate};
use crate::crypto::traits::{CryptoError, HashAlgorithm, PublicKeyType};
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::handshake::Context;
use crate::transport::dtls::suite;
use crate::wire::dtls::codepoints::SignatureSchemeCode;
use crate::wire::fingerprint::{Fingerprint, FingerprintAlgorithm};
use subtle::ConstantTimeEq as _;

/// Proof that the peer holds the key of a certificate whose fingerprint was signalled.
///
/// Only a completed handshake hands it out. Keys do not leave a connection, and application data does not
/// reach the layers above, without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FingerprintVerified(());

/// The fingerprint of a DER certificate, as an SDP `a=fingerprint` line carries it.
///
/// # Errors
///
/// [`CryptoError::Unsupported`] when the provider does not know the hash function.
pub fn fingerprint_of(
    der: &[u8],
    algorithm: FingerprintAlgorithm,
    crypto: &CryptoProvider,
) -> Result<Fingerprint, CryptoError> {
    let hash = hash_of(&algorithm).ok_or(CryptoError::Unsupported)?;
    Ok(Fingerprint { algorithm, digest: crypto.hash.digest(hash, der)? })
}

/// The fingerprints of a certificate of ours (W3C `getFingerprints`): by SHA-256, which every peer reads, and by the
/// hash function that the certificate is signed with where that is a stronger one (RFC 8122 §5). None that the
/// provider cannot compute.
#[must_use]
pub fn fingerprints_of(certificate: &Certificate, crypto: &CryptoProvider) -> Vec<Fingerprint> {
    let algorithms: &[FingerprintAlgorithm] = match certificate.key_type() {
        PublicKeyType::EcdsaP384 => &[FingerprintAlgorithm::Sha256, FingerprintAlgorithm::Sha384],
        PublicKeyType::EcdsaP256 | PublicKeyType::Rsa => &[FingerprintAlgorithm::Sha256],
    };
    let of = |algorithm: &FingerprintAlgorithm| fingerprint_of(certificate.der(), algorithm.clone(), crypto);
    algorithms.iter().filter_map(|algorithm| of(algorithm).ok()).collect()
}

const fn hash_of(algorithm: &FingerprintAlgorithm) -> Option<HashAlgorithm> {
    Some(match algorithm {
        FingerprintAlgorithm::Sha1 => HashAlgorithm::Sha1,
        FingerprintAlgorithm::Sha224 => HashAlgorithm::Sha224,
        FingerprintAlgorithm::Sha256 => HashAlgorithm::Sha256,
        FingerprintAlgorithm::Sha384 => HashAlgorithm::Sha384,
        FingerprintAlgorithm::Sha512 => HashAlgorithm::Sha512,
        FingerprintAlgorithm::Unknown(_) => return None,
    })
}

/// Compares a peer's certificate with what was signalled.
///
/// RFC 8122 §5: of the fingerprints given, the strongest hash function that we know decides, and one of its
/// values has to fit. A weaker one that fits does not help; one that we cannot compute is passed over; when
/// none can be computed, the certificate is refused.
pub(super) fn check_fingerprint(
    der: &[u8],
    signalled: &[Fingerprint],
    crypto: &CryptoProvider,
) -> Result<FingerprintVerified, Failure> {
    let usable = |f: &&Fingerprint| {
        hash_of(&f.algorithm)
            .is_some_and(|hash| f.digest.len() == hash.output_len() && crypto.hash.start(hash).is_ok())
    };
    let strength = |f: &Fingerprint| f.digest.len();
    let strongest =
        signalled.iter().filter(usable).map(strength).max().ok_or(Failure::FingerprintMismatch)?;
    let fits = |f: &Fingerprint| {
        fingerprint_of(der, f.algorithm.clone(), crypto).is_ok_and(|ours| ours.digest.ct_eq(&f.digest).into())
    };
    let found = signalled.iter().filter(usable).filter(|f| strength(f) == strongest).any(fits);
    if found { Ok(FingerprintVerified(())) } else { Err(Failure::FingerprintMismatch) }
}

/// The peer by its certificate, whose fingerprint fits.
pub(super) struct Peer {
    pub verified: FingerprintVerified,
    pub certificate: PeerCertificate,
    pub der: Vec<u8>,
}

impl Peer {
    /// The fingerprint is compared before anything of the certificate is read.
    pub(super) fn check(cx: &Context, chain: Vec<Vec<u8>>) -> Result<Self, Failure> {
        let der = chain.into_iter().next().ok_or(Failure::NoCertificate)?;
        let verified = cx.check_fingerprint(&der)?;
        let certificate = PeerCertificate::parse(&der).map_err(|_| Failure::UnsupportedCertificate)?;
        Ok(Self { verified, certificate, der })
    }
}

/// Checks a signature over `message` by the key of a peer's certificate.
pub(super) fn verify_signature(
    cx: &Context,
    certificate: &PeerCertificate,
    scheme: SignatureSchemeCode,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Failure> {
    // Only schemes that we offered, all of which we verify.
    let scheme = suite::scheme_of(scheme).ok_or(Failure::IllegalParameter("signature scheme"))?;
    let (key_type, key) = (certificate.key_type(), certificate.public_key());
    let verification = cx.config.crypto.verification;
    verification.verify(key_type, key, scheme, message, signature).map_err(|_| Failure::BadSignature)
}

#[cfg(test)]
mod tests {
    use crate::base::random::Rng;
    use crate::crypto::CryptoProvider;
    use crate::crypto::certificate::{Certificate, CertificateOptions};
    use crate::crypto::traits::KeyType;
    use crate::transport::dtls::verify::{check_fingerprint, fingerprints_of};
    use crate::wire::fingerprint::FingerprintAlgorithm;
    use std::time::SystemTime;

    #[test]
    fn our_own_fingerprints_are_such_that_a_peer_accepts_us() {
        let crypto = CryptoProvider::default();
        for (key_type, count) in [(KeyType::EcdsaP256, 1), (KeyType::EcdsaP384, 2)] {
            let options = CertificateOptions { key_type, ..CertificateOptions::default() };
            let rng = &mut Rng::from_number(1);
            let ours = Certificate::generate(&crypto, options, SystemTime::UNIX_EPOCH, rng).unwrap();
            let fingerprints = fingerprints_of(&ours, &crypto);
            assert_eq!(fingerprints.len(), count);
            assert_eq!(fingerprints[0].algorithm, FingerprintAlgorithm::Sha256);
            assert!(check_fingerprint(ours.der(), &fingerprints, &crypto).is_ok());
        }
    }
}
