//! The default provider, by `ring`.
//!
//! `ring` takes no randomness from its caller for key agreement, key generation and signatures: those draw
//! from the operating system, and the [`Rng`] that is passed in stays untouched. Nothing else here is random.
//! It knows no SHA-224, cannot generate RSA keys (it signs with those that were made elsewhere), has no counter mode,
//! and its HMAC-SHA1 is slow: these three come from the RustCrypto crates.

use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::crypto::hybrid;
use crate::crypto::rsa::generate as generate_rsa;
use crate::crypto::software::{SoftwareCounterMode, hmac_sha1_key};
use crate::crypto::traits::{
    Aead, AeadAlgorithm, AeadKey, CryptoError, EphemeralKey, Group, Hash, HashAlgorithm, HashState, Hmac,
    HmacKey, KeyExchange, KeyType, MASK_LEN, MaskKey, NONCE_LEN, PrivateKey, PublicKeyType, RSA_SCHEMES,
    SAMPLE_LEN, SharedSecret, SignatureScheme, Signing, TAG_LEN, Verification,
};
use ring::rand::SystemRandom;
use ring::signature::{self, KeyPair as _};
use ring::{aead, agreement, digest, hmac};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Everything, by `ring`.
#[must_use]
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        name: "ring",
        hash: &RingHash,
        hmac: &RingHmac,
        aead: &RingAead,
        counter_mode: &SoftwareCounterMode,
        key_exchange: &RingKeyExchange,
        signing: &RingSigning,
        verification: &RingVerification,
    }
}

/// The operating system's randomness, the only one that `ring` accepts.
#[expect(
    clippy::disallowed_methods,
    reason = "ring's key agreement and signatures accept no other generator"
)]
fn system_random() -> SystemRandom {
    SystemRandom::new()
}

/// Hash functions.
#[derive(Debug)]
struct RingHash;

struct RingHashState(digest::Context);

impl Hash for RingHash {
    fn start(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashState>, CryptoError> {
        let algorithm = match algorithm {
            HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashAlgorithm::Sha224 => return Err(CryptoError::Unsupported),
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        Ok(Box::new(RingHashState(digest::Context::new(algorithm))))
    }
}

impl HashState for RingHashState {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

/// Keyed hashes.
#[derive(Debug)]
struct RingHmac;

struct RingHmacKey(hmac::Key);

impl Hmac for RingHmac {
    fn key(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn HmacKey>, CryptoError> {
        let algorithm = match algorithm {
            HashAlgorithm::Sha1 => return hmac_sha1_key(key),
            HashAlgorithm::Sha224 => return Err(CryptoError::Unsupported),
            HashAlgorithm::Sha256 => hmac::HMAC_SHA256,
            HashAlgorithm::Sha384 => hmac::HMAC_SHA384,
            HashAlgorithm::Sha512 => hmac::HMAC_SHA512,
        };
        Ok(Box::new(RingHmacKey(hmac::Key::new(algorithm, key))))
    }
}

impl RingHmacKey {
    fn tag(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    }
}

impl HmacKey for RingHmacKey {
    fn sign(&self, parts: &[&[u8]], out: &mut [u8]) {
        out.copy_from_slice(&self.tag(parts).as_ref()[..out.len()]);
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        let ours = self.tag(parts);
        let ours =
            ours.as_ref().get(..tag.len()).filter(|t| t.len() >= 4).ok_or(CryptoError::Authentication)?;
        if ours.ct_eq(tag).into() { Ok(()) } else { Err(CryptoError::Authentication) }
    }
}

/// Authenticated encryption.
#[derive(Debug)]
struct RingAead;

struct RingAeadKey(aead::LessSafeKey);

impl Aead for RingAead {
    fn key(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadKey>, CryptoError> {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm => &aead::AES_128_GCM,
            AeadAlgorithm::Aes256Gcm => &aead::AES_256_GCM,
            AeadAlgorithm::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        };
        let key = aead::UnboundKey::new(algorithm, key).map_err(|_| CryptoError::BadKey)?;
        Ok(Box::new(RingAeadKey(aead::LessSafeKey::new(key))))
    }

    fn mask_key(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn MaskKey>, CryptoError> {
        let algorithm = match algorithm {
            AeadAlgorithm::Aes128Gcm => &aead::quic::AES_128,
            AeadAlgorithm::Aes256Gcm => &aead::quic::AES_256,
            AeadAlgorithm::ChaCha20Poly1305 => &aead::quic::CHACHA20,
        };
        let key = aead::quic::HeaderProtectionKey::new(algorithm, key).map_err(|_| CryptoError::BadKey)?;
        Ok(Box::new(RingMaskKey(key)))
    }
}

struct RingMaskKey(aead::quic::HeaderProtectionKey);

impl MaskKey for RingMaskKey {
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        self.0.new_mask(sample).expect("a sample of the right length")
    }
}

impl AeadKey for RingAeadKey {
    fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, aead::Aad::from(aad), data);
        let tag = tag.map_err(|_| CryptoError::Failed)?;
        tag.as_ref().try_into().map_err(|_| CryptoError::Failed)
    }

    fn open(&self, nonce: [u8; NONCE_LEN], aad: &[u8], data: &mut [u8]) -> Result<usize, CryptoError> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let plain = self.0.open_in_place(nonce, aead::Aad::from(aad), data);
        plain.map(|plain| plain.len()).map_err(|_| CryptoError::Authentication)
    }
}

/// Ephemeral key agreement.
#[derive(Debug)]
struct RingKeyExchange;

struct RingEphemeralKey {
    group: Group,
    algorithm: &'static agreement::Algorithm,
    private: agreement::EphemeralPrivateKey,
    public: agreement::PublicKey,
}

/// What `ring` has for a group; nothing for the hybrid one, which is made of two.
const fn agreement_algorithm(group: Group) -> Option<&'static agreement::Algorithm> {
    match group {
        Group::X25519 => Some(&agreement::X25519),
        Group::P256 => Some(&agreement::ECDH_P256),
        Group::P384 => Some(&agreement::ECDH_P384),
        Group::X25519MlKem768 => None,
    }
}

impl KeyExchange for RingKeyExchange {
    fn start(&self, group: Group, rng: &mut Rng) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let Some(algorithm) = agreement_algorithm(group) else { return hybrid::start(self, rng) };
        let private = agreement::EphemeralPrivateKey::generate(algorithm, &system_random())
            .map_err(|_| CryptoError::Failed)?;
        let public = private.compute_public_key().map_err(|_| CryptoError::Failed)?;
        Ok(Box::new(RingEphemeralKey { group, algorithm, private, public }))
    }

    fn answer(
        &self,
        group: Group,
        peer: &[u8],
        rng: &mut Rng,
    ) -> Result<(Vec<u8>, SharedSecret), CryptoError> {
        if group == Group::X25519MlKem768 {
            return hybrid::answer(self, peer, rng);
        }
        let ours = self.start(group, rng)?;
        let share = ours.public_key().to_vec();
        Ok((share, ours.agree(peer)?))
    }
}

impl EphemeralKey for RingEphemeralKey {
    fn group(&self) -> Group {
        self.group
    }

    fn public_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn agree(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, CryptoError> {
        let peer = agreement::UnparsedPublicKey::new(self.algorithm, peer);
        agreement::agree_ephemeral(self.private, &peer, |secret| SharedSecret::new(secret.to_vec()))
            .map_err(|_| CryptoError::BadKey)
    }
}

/// Key generation and signatures.
#[derive(Debug)]
struct RingSigning;

/// A key pair, with the one scheme (ECDSA) or the schemes (RSA) that `ring` signs with.
enum RingPrivateKey {
    Ecdsa(signature::EcdsaKeyPair, &'static [SignatureScheme]),
    Rsa(signature::RsaKeyPair),
}

/// The curves that `ring` signs on, each with one hash.
const ECDSA: [(&signature::EcdsaSigningAlgorithm, &[SignatureScheme]); 2] = [
    (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &[SignatureScheme::EcdsaP256Sha256]),
    (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &[SignatureScheme::EcdsaP384Sha384]),
];

impl Signing for RingSigning {
    fn generate(&self, kind: KeyType, rng: &mut Rng) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (algorithm, _) = match kind {
            KeyType::EcdsaP256 => ECDSA[0],
            KeyType::EcdsaP384 => ECDSA[1],
            KeyType::Rsa2048 => return generate_rsa(rng),
        };
        let document = signature::EcdsaKeyPair::generate_pkcs8(algorithm, &system_random());
        document.map(|d| Zeroizing::new(d.as_ref().to_vec())).map_err(|_| CryptoError::Failed)
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Arc<dyn PrivateKey>, CryptoError> {
        let ecdsa = ECDSA.iter().find_map(|&(algorithm, schemes)| {
            let pair = signature::EcdsaKeyPair::from_pkcs8(algorithm, pkcs8, &system_random()).ok()?;
            Some(RingPrivateKey::Ecdsa(pair, schemes))
        });
        let key = match ecdsa {
            Some(key) => key,
            None => RingPrivateKey::Rsa(
                signature::RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| CryptoError::BadKey)?,
            ),
        };
        Ok(Arc::new(key))
    }
}

impl PrivateKey for RingPrivateKey {
    fn key_type(&self) -> PublicKeyType {
        match self {
            Self::Ecdsa(_, [SignatureScheme::EcdsaP384Sha384]) => PublicKeyType::EcdsaP384,
            Self::Ecdsa(..) => PublicKeyType::EcdsaP256,
            Self::Rsa(_) => PublicKeyType::Rsa,
        }
    }

    fn schemes(&self) -> &'static [SignatureScheme] {
        match self {
            Self::Ecdsa(_, schemes) => schemes,
            Self::Rsa(_) => &RSA_SCHEMES,
        }
    }

    fn public_key(&self) -> &[u8] {
        match self {
            Self::Ecdsa(pair, _) => pair.public_key().as_ref(),
            Self::Rsa(pair) => pair.public_key().as_ref(),
        }
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], _rng: &mut Rng) -> Result<Vec<u8>, CryptoError> {
        if !self.schemes().contains(&scheme) {
            return Err(CryptoError::Unsupported);
        }
        match self {
            Self::Ecdsa(pair, _) => {
                let signature = pair.sign(&system_random(), message);
                signature.map(|s| s.as_ref().to_vec()).map_err(|_| CryptoError::Failed)
            }
            Self::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match scheme {
                    SignatureScheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
                    SignatureScheme::RsaPkcs1Sha384 => &signature::RSA_PKCS1_SHA384,
                    SignatureScheme::RsaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
                    SignatureScheme::RsaPssSha256 => &signature::RSA_PSS_SHA256,
                    SignatureScheme::RsaPssSha384 => &signature::RSA_PSS_SHA384,
                    SignatureScheme::RsaPssSha512 => &signature::RSA_PSS_SHA512,
                    SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 => {
                        return Err(CryptoError::Unsupported);
                    }
                };
                let mut out = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(padding, &system_random(), message, &mut out);
                signed.map(|()| out).map_err(|_| CryptoError::Failed)
            }
        }
    }
}

/// Verification of a peer's signatures.
#[derive(Debug)]
struct RingVerification;

impl Verification for RingVerification {
    fn verify(
        &self,
        key_type: PublicKeyType,
        public_key: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        use PublicKeyType as Key;
        use SignatureScheme as Scheme;
        // The algorithms for RSA take keys of 2,048 to 8,192 bits and no others.
        let algorithm: &dyn signature::VerificationAlgorithm = match (key_type, scheme) {
            (Key::EcdsaP256, Scheme::EcdsaP256Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Key::EcdsaP256, Scheme::EcdsaP384Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Key::EcdsaP384, Scheme::EcdsaP256Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Key::EcdsaP384, Scheme::EcdsaP384Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Key::Rsa, Scheme::RsaPkcs1Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Key::Rsa, Scheme::RsaPkcs1Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Key::Rsa, Scheme::RsaPkcs1Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Key::Rsa, Scheme::RsaPssSha256) => &signature::RSA_PSS_2048_8192_SHA256,
            (Key::Rsa, Scheme::RsaPssSha384) => &signature::RSA_PSS_2048_8192_SHA384,
            (Key::Rsa, Scheme::RsaPssSha512) => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return Err(CryptoError::Unsupported),
        };
        signature::UnparsedPublicKey::new(algorithm, public_key)
            .verify(message, signature)
            .map_err(|_| CryptoError::Authentication)
    }
}
