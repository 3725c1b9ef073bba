//! The default provider, by `ring`.

use crate::crypto::traits::{
    Aead, AeadAlgorithm, AeadKey, CryptoError, Hash, HashAlgorithm, HashState, Hmac, HmacKey, NONCE_LEN,
    TAG_LEN,
};
use ring::{aead, digest, hmac};
use subtle::ConstantTimeEq as _;

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
            HashAlgorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
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

/// The primitives that `ring` brings so far, for machines that need no more.
#[must_use]
pub fn hash() -> &'static dyn Hash {
    &RingHash
}

/// Keyed hashes by `ring`.
#[must_use]
pub fn hmac() -> &'static dyn Hmac {
    &RingHmac
}

/// Authenticated encryption by `ring`.
#[must_use]
pub fn aead() -> &'static dyn Aead {
    &RingAead
}
