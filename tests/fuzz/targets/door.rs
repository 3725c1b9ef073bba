//! Cryptography that keeps nobody out: every tag and every signature is right, every digest is zero, and what is sealed can be
//! read. Behind it a fuzzer meets what only a peer with the right keys could reach.

use purertc::base::random::Rng;
use purertc::crypto::traits::{
    Aead, AeadAlgorithm, AeadKey, CryptoError, EphemeralKey, Group, Hash, HashAlgorithm, HashState, Hmac,
    HmacKey, KeyExchange, MASK_LEN, MaskKey, NONCE_LEN, PublicKeyType, SAMPLE_LEN, SharedSecret,
    SignatureScheme, TAG_LEN, Verification,
};
use purertc::crypto::{CryptoProvider, rustcrypto};

/// Real signatures, which nobody checks, under certificates that have to be well-formed.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        name: "open door",
        hash: &Door,
        hmac: &Door,
        aead: &Door,
        key_exchange: &Door,
        verification: &Door,
        ..rustcrypto::provider()
    }
}

#[derive(Clone, Copy)]
struct Door;

struct Digest(usize);

struct Share(Group, Vec<u8>);

impl Hash for Door {
    fn start(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashState>, CryptoError> {
        Ok(Box::new(Digest(algorithm.output_len())))
    }
}

impl HashState for Digest {
    fn update(&mut self, _data: &[u8]) {}

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        vec![0; self.0]
    }
}

impl Hmac for Door {
    fn key(&self, _algorithm: HashAlgorithm, _key: &[u8]) -> Result<Box<dyn HmacKey>, CryptoError> {
        Ok(Box::new(*self))
    }
}

impl HmacKey for Door {
    fn sign(&self, _parts: &[&[u8]], out: &mut [u8]) {
        out.fill(0);
    }

    fn verify(&self, _parts: &[&[u8]], _tag: &[u8]) -> Result<(), CryptoError> {
        Ok(())
    }
}

impl Aead for Door {
    fn key(&self, _algorithm: AeadAlgorithm, _key: &[u8]) -> Result<Box<dyn AeadKey>, CryptoError> {
        Ok(Box::new(*self))
    }

    fn mask_key(&self, _algorithm: AeadAlgorithm, _key: &[u8]) -> Result<Box<dyn MaskKey>, CryptoError> {
        Ok(Box::new(*self))
    }
}

impl AeadKey for Door {
    fn seal(
        &self,
        _nonce: [u8; NONCE_LEN],
        _aad: &[u8],
        _data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        Ok([0; TAG_LEN])
    }

    fn open(&self, _nonce: [u8; NONCE_LEN], _aad: &[u8], data: &mut [u8]) -> Result<usize, CryptoError> {
        data.len().checked_sub(TAG_LEN).ok_or(CryptoError::Authentication)
    }
}

impl MaskKey for Door {
    fn mask(&self, _sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        [0; MASK_LEN]
    }
}

impl KeyExchange for Door {
    fn start(&self, group: Group, _rng: &mut Rng) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        Ok(Box::new(Share(group, vec![7; 32])))
    }

    fn answer(
        &self,
        _group: Group,
        _peer: &[u8],
        _rng: &mut Rng,
    ) -> Result<(Vec<u8>, SharedSecret), CryptoError> {
        Ok((vec![7; 32], SharedSecret::new(vec![0; 32])))
    }
}

impl EphemeralKey for Share {
    fn group(&self) -> Group {
        self.0
    }

    fn public_key(&self) -> &[u8] {
        &self.1
    }

    fn agree(self: Box<Self>, _peer: &[u8]) -> Result<SharedSecret, CryptoError> {
        Ok(SharedSecret::new(vec![0; 32]))
    }
}

impl Verification for Door {
    fn verify(
        &self,
        _key_type: PublicKeyType,
        _public_key: &[u8],
        _scheme: SignatureScheme,
        _message: &[u8],
        _signature: &[u8],
    ) -> Result<(), CryptoError> {
        Ok(())
    }
}
