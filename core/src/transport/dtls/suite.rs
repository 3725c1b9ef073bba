//! What a cipher suite, a group and a signature scheme mean in terms of primitives.

use crate::crypto::traits::{AeadAlgorithm, Group, HashAlgorithm, PublicKeyType, SignatureScheme};
use crate::wire::dtls::codepoints::{CipherSuite, NamedGroup, ProtocolVersion, SignatureSchemeCode};

/// A cipher suite of DTLS 1.2. All use ephemeral elliptic-curve key agreement and authenticated encryption.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub code: CipherSuite,
    /// Whether the server signs with RSA; ECDSA otherwise.
    pub auth: Auth,
    pub aead: AeadAlgorithm,
    /// Of the pseudo-random function.
    pub hash: HashAlgorithm,
}

/// The kind of key that a suite's server certificate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    Ecdsa,
    Rsa,
}

impl Auth {
    /// What a suite for this key must name.
    pub(super) const fn of(key: PublicKeyType) -> Self {
        match key {
            PublicKeyType::EcdsaP256 | PublicKeyType::EcdsaP384 => Self::Ecdsa,
            PublicKeyType::Rsa => Self::Rsa,
        }
    }
}

const fn suite(code: CipherSuite, auth: Auth, aead: AeadAlgorithm, hash: HashAlgorithm) -> Suite {
    Suite { code, auth, aead, hash }
}

/// RFC 5289 §3.2 and RFC 7905 §2.
static SUITES: [Suite; 6] = [
    suite(
        CipherSuite::EcdheEcdsaAes128GcmSha256,
        Auth::Ecdsa,
        AeadAlgorithm::Aes128Gcm,
        HashAlgorithm::Sha256,
    ),
    suite(CipherSuite::EcdheRsaAes128GcmSha256, Auth::Rsa, AeadAlgorithm::Aes128Gcm, HashAlgorithm::Sha256),
    suite(
        CipherSuite::EcdheEcdsaAes256GcmSha384,
        Auth::Ecdsa,
        AeadAlgorithm::Aes256Gcm,
        HashAlgorithm::Sha384,
    ),
    suite(CipherSuite::EcdheRsaAes256GcmSha384, Auth::Rsa, AeadAlgorithm::Aes256Gcm, HashAlgorithm::Sha384),
    suite(
        CipherSuite::EcdheEcdsaChaCha20Poly1305,
        Auth::Ecdsa,
        AeadAlgorithm::ChaCha20Poly1305,
        HashAlgorithm::Sha256,
    ),
    suite(
        CipherSuite::EcdheRsaChaCha20Poly1305,
        Auth::Rsa,
        AeadAlgorithm::ChaCha20Poly1305,
        HashAlgorithm::Sha256,
    ),
];

/// The 1.2 suite of this codepoint.
pub(super) fn find(code: CipherSuite) -> Option<&'static Suite> {
    SUITES.iter().find(|s| s.code == code)
}

/// A cipher suite of DTLS 1.3, which says nothing about keys of certificates.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Suite13 {
    pub code: CipherSuite,
    pub aead: AeadAlgorithm,
    /// Of key schedule and transcript.
    pub hash: HashAlgorithm,
}

/// RFC 8446 §B.4.
static SUITES_13: [Suite13; 3] = [
    Suite13 {
        code: CipherSuite::Aes128GcmSha256,
        aead: AeadAlgorithm::Aes128Gcm,
        hash: HashAlgorithm::Sha256,
    },
    Suite13 {
        code: CipherSuite::Aes256GcmSha384,
        aead: AeadAlgorithm::Aes256Gcm,
        hash: HashAlgorithm::Sha384,
    },
    Suite13 {
        code: CipherSuite::ChaCha20Poly1305Sha256,
        aead: AeadAlgorithm::ChaCha20Poly1305,
        hash: HashAlgorithm::Sha256,
    },
];

/// The 1.3 suite of this codepoint.
pub(super) fn find_13(code: CipherSuite) -> Option<&'static Suite13> {
    SUITES_13.iter().find(|s| s.code == code)
}

/// The version that a suite belongs to, when it is one that we know.
pub(super) fn version_of(code: CipherSuite) -> Option<ProtocolVersion> {
    let dtls12 = find(code).map(|_| ProtocolVersion::Dtls12);
    dtls12.or_else(|| find_13(code).map(|_| ProtocolVersion::Dtls13))
}

/// Whether a handshake of 1.3 may be signed with this scheme by a key of this type (RFC 8446 §4.2.3): ECDSA on
/// the one curve that the scheme names, RSA with PSS alone.
pub(super) const fn signs_13(scheme: SignatureScheme, key: PublicKeyType) -> bool {
    match scheme {
        SignatureScheme::EcdsaP256Sha256 => matches!(key, PublicKeyType::EcdsaP256),
        SignatureScheme::EcdsaP384Sha384 => matches!(key, PublicKeyType::EcdsaP384),
        SignatureScheme::RsaPssSha256 | SignatureScheme::RsaPssSha384 | SignatureScheme::RsaPssSha512 => {
            matches!(key, PublicKeyType::Rsa)
        }
        SignatureScheme::RsaPkcs1Sha256
        | SignatureScheme::RsaPkcs1Sha384
        | SignatureScheme::RsaPkcs1Sha512 => false,
    }
}

/// The group of a codepoint, when we know it.
pub(super) fn group_of(code: NamedGroup) -> Option<Group> {
    [Group::X25519, Group::P256, Group::P384, Group::X25519MlKem768]
        .into_iter()
        .find(|&group| group_code(group) == code)
}

/// The group's codepoint.
pub(super) const fn group_code(group: Group) -> NamedGroup {
    match group {
        Group::X25519 => NamedGroup::X25519,
        Group::P256 => NamedGroup::Secp256r1,
        Group::P384 => NamedGroup::Secp384r1,
        Group::X25519MlKem768 => NamedGroup::X25519MlKem768,
    }
}

/// Signature schemes that we verify, the most preferred first.
pub(super) const SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::EcdsaP256Sha256,
    SignatureScheme::EcdsaP384Sha384,
    SignatureScheme::RsaPssSha256,
    SignatureScheme::RsaPkcs1Sha256,
    SignatureScheme::RsaPssSha384,
    SignatureScheme::RsaPkcs1Sha384,
    SignatureScheme::RsaPssSha512,
    SignatureScheme::RsaPkcs1Sha512,
];

/// The scheme's codepoint.
pub(super) const fn scheme_code(scheme: SignatureScheme) -> SignatureSchemeCode {
    match scheme {
        SignatureScheme::EcdsaP256Sha256 => SignatureSchemeCode::EcdsaSha256,
        SignatureScheme::EcdsaP384Sha384 => SignatureSchemeCode::EcdsaSha384,
        SignatureScheme::RsaPkcs1Sha256 => SignatureSchemeCode::RsaPkcs1Sha256,
        SignatureScheme::RsaPkcs1Sha384 => SignatureSchemeCode::RsaPkcs1Sha384,
        SignatureScheme::RsaPkcs1Sha512 => SignatureSchemeCode::RsaPkcs1Sha512,
        SignatureScheme::RsaPssSha256 => SignatureSchemeCode::RsaPssSha256,
        SignatureScheme::RsaPssSha384 => SignatureSchemeCode::RsaPssSha384,
        SignatureScheme::RsaPssSha512 => SignatureSchemeCode::RsaPssSha512,
    }
}

/// The scheme of a codepoint, when it is one that we verify.
pub(super) fn scheme_of(code: SignatureSchemeCode) -> Option<SignatureScheme> {
    SCHEMES.into_iter().find(|&scheme| scheme_code(scheme) == code)
}

/// The codepoints of [`SCHEMES`].
pub(super) fn scheme_codes() -> Vec<SignatureSchemeCode> {
    SCHEMES.into_iter().map(scheme_code).collect()
}
