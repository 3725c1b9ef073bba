//! What a provider of cryptography has to bring.
//!
//! Everything that needs randomness takes the connection's [`Rng`]. A provider whose library insists on its
//! own (as `ring` does for key agreement and ECDSA) may ignore it and says so on its page.

use crate::base::random::Rng;
use std::fmt::Debug;
use std::sync::Arc;
use thiserror::Error;

/// What went wrong in a primitive. Deliberately says little: an oracle starts with a helpful error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CryptoError {
    /// The provider does not implement this algorithm.
    #[error("the cryptography provider does not support this algorithm")]
    Unsupported,
    /// A tag or signature does not fit.
    #[error("authentication failed")]
    Authentication,
    /// A key, share or certificate is not well-formed.
    #[error("malformed key material")]
    BadKey,
    /// The operation itself failed.
    #[error("the cryptographic operation failed")]
    Failed,
}

/// Hash functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-1, for fingerprints of old peers and HMAC alone.
    Sha1,
    /// SHA-224, for fingerprints alone.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashAlgorithm {
    /// Bytes of a digest.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Hash functions of a provider.
pub trait Hash: Send + Sync {
    /// A fresh running hash.
    fn start(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashState>, CryptoError>;

    /// The digest of `data`.
    fn digest(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut state = self.start(algorithm)?;
        state.update(data);
        Ok(state.finish())
    }
}

/// A running hash.
pub trait HashState: Send + Sync {
    /// Takes in more.
    fn update(&mut self, data: &[u8]);
    /// A copy that goes its own way (transcripts are read in the middle).
    fn fork(&self) -> Box<dyn HashState>;
    /// The digest.
    fn finish(self: Box<Self>) -> Vec<u8>;
}

/// Keyed hashes of a provider. SHA-1, SHA-256 and SHA-384 must be there.
pub trait Hmac: Send + Sync {
    /// Expands `key` once.
    fn key(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn HmacKey>, CryptoError>;
}

/// An expanded HMAC key, wiped when dropped.
pub trait HmacKey: Send + Sync {
    /// The tag over the concatenation of `parts`, cut to `out`'s length.
    ///
    /// # Panics
    ///
    /// When `out` is longer than the hash: its length is a constant of the caller.
    fn sign(&self, parts: &[&[u8]], out: &mut [u8]);

    /// Compares in constant time. A `tag` may be cut short by its protocol, never below 4 bytes.
    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError>;
}

/// Authenticated encryption algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AeadAlgorithm {
    /// AES-128 in Galois/counter mode.
    Aes128Gcm,
    /// AES-256 in Galois/counter mode.
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439).
    ChaCha20Poly1305,
}

impl AeadAlgorithm {
    /// Bytes of a key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Gcm => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }
}

/// Bytes of a nonce, for every [`AeadAlgorithm`].
pub const NONCE_LEN: usize = 12;
/// Bytes of a tag, for every [`AeadAlgorithm`].
pub const TAG_LEN: usize = 16;

/// Authenticated encryption of a provider. All three algorithms must be there.
pub trait Aead: Send + Sync {
    /// Expands `key` once.
    fn key(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadKey>, CryptoError>;

    /// Expands a key for masks, of the cipher that `algorithm` is made of and as long as its keys.
    fn mask_key(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn MaskKey>, CryptoError>;
}

/// Bytes of ciphertext that a mask is made from.
pub const SAMPLE_LEN: usize = 16;
/// Bytes of a mask.
pub const MASK_LEN: usize = 5;

/// An expanded key that makes masks out of samples of ciphertext, to hide header fields with: record numbers of
/// DTLS 1.3 (RFC 9147 §4.2.3) as in QUIC (RFC 9001 §5.4).
pub trait MaskKey: Send + Sync {
    /// AES: the sample, encrypted. ChaCha20: the key stream for the sample's first four bytes as counter
    /// (little-endian) and the other twelve as nonce. Of either, the first bytes.
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN];
}

/// An expanded AEAD key, wiped when dropped.
pub trait AeadKey: Send + Sync {
    /// Encrypts in place; the tag goes behind the ciphertext.
    fn seal(&self, nonce: [u8; NONCE_LEN], aad: &[u8], data: &mut [u8])
    -> Result<[u8; TAG_LEN], CryptoError>;

    /// Checks the tag that ends `data` and decrypts in place; the length of the plaintext comes back, which
    /// is at the front of `data`. Where it fails, what is in `data` must not be used.
    fn open(&self, nonce: [u8; NONCE_LEN], aad: &[u8], data: &mut [u8]) -> Result<usize, CryptoError>;
}

/// Key agreement groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Curve25519 (RFC 7748). A share is 32 bytes.
    X25519,
    /// NIST P-256. A share is an uncompressed point of 65 bytes.
    P256,
    /// NIST P-384. A share is an uncompressed point of 97 bytes.
    P384,
    /// X25519 together with ML-KEM-768 (draft-ietf-tls-ecdhe-mlkem): safe from a quantum computer as well. Its
    /// two sides are not alike: a share that opens has 1,216 bytes, one that answers 1,120. For DTLS 1.3 alone.
    X25519MlKem768,
}

/// Ephemeral key agreement of a provider. All groups must be there.
pub trait KeyExchange: Send + Sync {
    /// A fresh key pair.
    fn start(&self, group: Group, rng: &mut Rng) -> Result<Box<dyn EphemeralKey>, CryptoError>;

    /// Answers a peer's share: our share, and the secret that was agreed on. Errors as in
    /// [`EphemeralKey::agree`].
    fn answer(
        &self,
        group: Group,
        peer: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, SharedSecret), CryptoError>;
}

/// One side of a key agreement.
pub trait EphemeralKey: Send + Sync {
    /// The group.
    fn group(&self) -> Group;
    /// Our share.
    fn public_key(&self) -> &[u8];
    /// The secret agreed on with the peer's share, which answers ours. A share that is not on the curve, or that gives the
    /// all-zero secret, is [`CryptoError::BadKey`].
    fn agree(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, CryptoError>;
}

/// The outcome of a key agreement; wiped when dropped, never printed.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct SharedSecret(Vec<u8>);

impl SharedSecret {
    /// Wraps what an agreement gave.
    #[must_use]
    pub fn new(secret: Vec<u8>) -> Self {
        Self(secret)
    }

    /// The secret itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// Kinds of key pairs for our own certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// ECDSA on P-256, what every WebRTC endpoint must support (RFC 8827 §6.5).
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// RSA of 2,048 bits (W3C `RSASSA-PKCS1-v1_5`), for peers that know nothing else. Making one takes tenths of a
    /// second, and signing with it ten times as long as with ECDSA.
    Rsa2048,
}

/// Signature schemes, a subset of TLS's registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// `ecdsa_secp256r1_sha256`: in TLS 1.2 ECDSA with SHA-256 on any curve.
    EcdsaP256Sha256,
    /// `ecdsa_secp384r1_sha384`: in TLS 1.2 ECDSA with SHA-384 on any curve.
    EcdsaP384Sha384,
    /// `rsa_pkcs1_sha256`.
    RsaPkcs1Sha256,
    /// `rsa_pkcs1_sha384`.
    RsaPkcs1Sha384,
    /// `rsa_pkcs1_sha512`.
    RsaPkcs1Sha512,
    /// `rsa_pss_rsae_sha256`.
    RsaPssSha256,
    /// `rsa_pss_rsae_sha384`.
    RsaPssSha384,
    /// `rsa_pss_rsae_sha512`.
    RsaPssSha512,
}

/// What an RSA key signs with, the most preferred first: DTLS 1.3 takes PSS alone (RFC 8446 §4.2.3).
pub const RSA_SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RsaPssSha256,
    SignatureScheme::RsaPkcs1Sha256,
    SignatureScheme::RsaPssSha384,
    SignatureScheme::RsaPkcs1Sha384,
    SignatureScheme::RsaPssSha512,
    SignatureScheme::RsaPkcs1Sha512,
];

/// Signatures with our own keys.
pub trait Signing: Send + Sync {
    /// A fresh key pair as a PKCS #8 document (DER), wiped when dropped.
    fn generate(&self, kind: KeyType, rng: &mut Rng) -> Result<zeroize::Zeroizing<Vec<u8>>, CryptoError>;
    /// A key pair from a PKCS #8 document (DER).
    fn load(&self, pkcs8: &[u8]) -> Result<Arc<dyn PrivateKey>, CryptoError>;
}

/// A private key of ours.
pub trait PrivateKey: Send + Sync {
    /// The kind of key.
    fn key_type(&self) -> PublicKeyType;
    /// What it can sign with, the most preferred first.
    fn schemes(&self) -> &'static [SignatureScheme];
    /// The public key as it stands in a certificate's `subjectPublicKey` bit string.
    fn public_key(&self) -> &[u8];
    /// Signs `message` (which is hashed here). ECDSA signatures are in ASN.1 form.
    fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut Rng) -> Result<Vec<u8>, CryptoError>;
}

/// Kinds of public keys in a peer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicKeyType {
    /// ECDSA on P-256; the key is an uncompressed point.
    EcdsaP256,
    /// ECDSA on P-384; the key is an uncompressed point.
    EcdsaP384,
    /// RSA; the key is a DER `RSAPublicKey`.
    Rsa,
}

/// Verification of a peer's signatures.
pub trait Verification: Send + Sync {
    /// Checks that `signature` over `message` was made with the private half of `public_key`.
    ///
    /// RSA keys of fewer than 2,048 bits are refused, and keys that are malformed: as
    /// [`CryptoError::BadKey`] or [`CryptoError::Authentication`], whichever the library can tell.
    fn verify(
        &self,
        key_type: PublicKeyType,
        public_key: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}

/// Bytes of a block of AES.
pub const BLOCK_LEN: usize = 16;

/// AES in counter mode, which hides and does not authenticate: for protocols that bring a keyed hash along.
pub trait CounterMode: Send + Sync {
    /// Expands `key`, of 16 or 32 bytes, once.
    fn key(&self, key: &[u8]) -> Result<Box<dyn CounterKey>, CryptoError>;
}

/// An expanded AES key, wiped when dropped.
pub trait CounterKey: Send + Sync {
    /// Combines `data` with the key stream that begins with the encryption of `block`, whose last four bytes count
    /// up. Twice gives back what there was.
    fn apply(&self, block: [u8; BLOCK_LEN], data: &mut [u8]);
}
