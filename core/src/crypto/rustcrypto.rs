//! Pure-Rust cryptography by the RustCrypto crates and `curve25519-dalek`.
//!
//! All randomness is drawn from the [`Rng`] that is passed in (ECDSA needs none: its nonces follow RFC 6979), so
//! a connection with the same seed sends the same bytes. It is slower than `ring` and has had less scrutiny;
//! simulations and targets that `ring` does not build for are what it is for.

use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::crypto::hybrid;
use crate::crypto::rsa::{generate as generate_rsa, load as load_rsa};
use crate::crypto::software::{SoftwareCounterMode, hmac_key, hmac_sha1_key};
use crate::crypto::traits::{
    Aead, AeadAlgorithm, AeadKey, CryptoError, EphemeralKey, Group, Hash, HashAlgorithm, HashState, Hmac,
    HmacKey, KeyExchange, KeyType, MASK_LEN, MaskKey, NONCE_LEN, PrivateKey, PublicKeyType, SAMPLE_LEN,
    SharedSecret, SignatureScheme, Signing, TAG_LEN, Verification,
};
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncrypt, BlockSizeUser};
use aes::{Aes128, Aes256};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20::cipher::{KeyIvInit as _, StreamCipherCore as _};
use chacha20::variants::Ietf;
use chacha20::{ChaChaCore, R20};
use chacha20poly1305::ChaCha20Poly1305;
use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::traits::PublicKeyParts as _;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Everything, in pure Rust.
#[must_use]
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        name: "rustcrypto",
        hash: &RustHash,
        hmac: &RustHmac,
        aead: &RustAead,
        counter_mode: &SoftwareCounterMode,
        key_exchange: &RustKeyExchange,
        signing: &RustSigning,
        verification: &RustVerification,
    }
}

/// Hash functions.
#[derive(Debug)]
struct RustHash;

struct RustHashState<D>(D);

impl Hash for RustHash {
    fn start(&self, algorithm: HashAlgorithm) -> Result<Box<dyn HashState>, CryptoError> {
        Ok(match algorithm {
            HashAlgorithm::Sha1 => Box::new(RustHashState(Sha1::new())),
            HashAlgorithm::Sha224 => Box::new(RustHashState(Sha224::new())),
            HashAlgorithm::Sha256 => Box::new(RustHashState(Sha256::new())),
            HashAlgorithm::Sha384 => Box::new(RustHashState(Sha384::new())),
            HashAlgorithm::Sha512 => Box::new(RustHashState(Sha512::new())),
        })
    }
}

impl<D: Digest + Clone + Send + Sync + 'static> HashState for RustHashState<D> {
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        self.0.finalize().to_vec()
    }
}

/// Keyed hashes.
#[derive(Debug)]
struct RustHmac;

impl Hmac for RustHmac {
    fn key(&self, algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn HmacKey>, CryptoError> {
        match algorithm {
            HashAlgorithm::Sha1 => hmac_sha1_key(key),
            HashAlgorithm::Sha224 => hmac_key::<hmac::Hmac<Sha224>>(key),
            HashAlgorithm::Sha256 => hmac_key::<hmac::Hmac<Sha256>>(key),
            HashAlgorithm::Sha384 => hmac_key::<hmac::Hmac<Sha384>>(key),
            HashAlgorithm::Sha512 => hmac_key::<hmac::Hmac<Sha512>>(key),
        }
    }
}

/// Authenticated encryption.
#[derive(Debug)]
struct RustAead;

struct RustAeadKey<A>(A);

fn aead_key<A: AeadInOut + KeyInit + Send + Sync + 'static>(
    key: &[u8],
) -> Result<Box<dyn AeadKey>, CryptoError> {
    let key = A::new_from_slice(key).map_err(|_| CryptoError::BadKey)?;
    Ok(Box::new(RustAeadKey(key)))
}

impl Aead for RustAead {
    fn key(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn AeadKey>, CryptoError> {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => aead_key::<Aes128Gcm>(key),
            AeadAlgorithm::Aes256Gcm => aead_key::<Aes256Gcm>(key),
            AeadAlgorithm::ChaCha20Poly1305 => aead_key::<ChaCha20Poly1305>(key),
        }
    }

    fn mask_key(&self, algorithm: AeadAlgorithm, key: &[u8]) -> Result<Box<dyn MaskKey>, CryptoError> {
        match algorithm {
            AeadAlgorithm::Aes128Gcm => block_mask_key::<Aes128>(key),
            AeadAlgorithm::Aes256Gcm => block_mask_key::<Aes256>(key),
            AeadAlgorithm::ChaCha20Poly1305 => {
                let key = <[u8; 32]>::try_from(key).map_err(|_| CryptoError::BadKey)?;
                Ok(Box::new(ChaChaMaskKey(Zeroizing::new(key))))
            }
        }
    }
}

/// Masks by a block cipher.
struct BlockMaskKey<C>(C);

/// Masks by ChaCha20, whose key has no expanded form.
struct ChaChaMaskKey(Zeroizing<[u8; 32]>);

fn block_mask_key<C>(key: &[u8]) -> Result<Box<dyn MaskKey>, CryptoError>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit + Send + Sync + 'static,
{
    let cipher = C::new_from_slice(key).map_err(|_| CryptoError::BadKey)?;
    Ok(Box::new(BlockMaskKey(cipher)))
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + Sync> MaskKey for BlockMaskKey<C> {
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        let mut block = (*sample).into();
        self.0.encrypt_block(&mut block);
        std::array::from_fn(|at| block[at])
    }
}

impl MaskKey for ChaChaMaskKey {
    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        let (counter, nonce) = sample.split_at(4);
        let counter = u32::from_le_bytes(std::array::from_fn(|at| counter[at]));
        let nonce: [u8; NONCE_LEN] = std::array::from_fn(|at| nonce[at]);
        // The core, because the stream around it refuses the last counter, which a sample may well have.
        let mut cipher = ChaChaCore::<R20, Ietf>::new(&(*self.0).into(), &nonce.into());
        cipher.set_block_pos(counter);
        let mut block = [0; 64].into();
        cipher.write_keystream_block(&mut block);
        std::array::from_fn(|at| block[at])
    }
}

impl<A: AeadInOut + Send + Sync> AeadKey for RustAeadKey<A> {
    fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], CryptoError> {
        let nonce = nonce.as_slice().try_into().map_err(|_| CryptoError::Failed)?;
        let tag = self.0.encrypt_inout_detached(nonce, aad, data.into()).map_err(|_| CryptoError::Failed)?;
        tag.as_slice().try_into().map_err(|_| CryptoError::Failed)
    }

    fn open(&self, nonce: [u8; NONCE_LEN], aad: &[u8], data: &mut [u8]) -> Result<usize, CryptoError> {
        let nonce = nonce.as_slice().try_into().map_err(|_| CryptoError::Failed)?;
        let len = data.len().checked_sub(TAG_LEN).ok_or(CryptoError::Authentication)?;
        let (text, tag) = data.split_at_mut(len);
        let tag = (&*tag).try_into().map_err(|_| CryptoError::Authentication)?;
        let opened = self.0.decrypt_inout_detached(nonce, aad, text.into(), tag);
        opened.map(|()| len).map_err(|_| CryptoError::Authentication)
    }
}

/// Ephemeral key agreement.
#[derive(Debug)]
struct RustKeyExchange;

struct RustEphemeralKey {
    private: EphemeralSecret,
    public: Vec<u8>,
}

enum EphemeralSecret {
    X25519(x25519_dalek::EphemeralSecret),
    P256(p256::ecdh::EphemeralSecret),
    P384(p384::ecdh::EphemeralSecret),
}

impl KeyExchange for RustKeyExchange {
    fn start(&self, group: Group, rng: &mut Rng) -> Result<Box<dyn EphemeralKey>, CryptoError> {
        let (private, public) = match group {
            Group::X25519 => {
                let private = x25519_dalek::EphemeralSecret::random_from_rng(rng);
                let public = x25519_dalek::PublicKey::from(&private).as_bytes().to_vec();
                (EphemeralSecret::X25519(private), public)
            }
            Group::P256 => {
                let private = p256::ecdh::EphemeralSecret::generate_from_rng(rng);
                let public = private.public_key().to_sec1_point(false).as_bytes().to_vec();
                (EphemeralSecret::P256(private), public)
            }
            Group::P384 => {
                let private = p384::ecdh::EphemeralSecret::generate_from_rng(rng);
                let public = private.public_key().to_sec1_point(false).as_bytes().to_vec();
                (EphemeralSecret::P384(private), public)
            }
            Group::X25519MlKem768 => return hybrid::start(self, rng),
        };
        Ok(Box::new(RustEphemeralKey { private, public }))
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

/// Peers send uncompressed points (RFC 8422 §5.4.1); the libraries would take others, too.
fn uncompressed(peer: &[u8], len: usize) -> Result<&[u8], CryptoError> {
    if peer.len() == len && peer[0] == 4 { Ok(peer) } else { Err(CryptoError::BadKey) }
}

impl EphemeralKey for RustEphemeralKey {
    fn group(&self) -> Group {
        match self.private {
            EphemeralSecret::X25519(_) => Group::X25519,
            EphemeralSecret::P256(_) => Group::P256,
            EphemeralSecret::P384(_) => Group::P384,
        }
    }

    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn agree(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, CryptoError> {
        let secret = match self.private {
            EphemeralSecret::X25519(private) => {
                let peer = <[u8; 32]>::try_from(peer).map_err(|_| CryptoError::BadKey)?;
                let secret = private.diffie_hellman(&x25519_dalek::PublicKey::from(peer));
                if !secret.was_contributory() {
                    return Err(CryptoError::BadKey);
                }
                secret.as_bytes().to_vec()
            }
            EphemeralSecret::P256(private) => {
                let peer = p256::PublicKey::from_sec1_bytes(uncompressed(peer, 65)?);
                let peer = peer.map_err(|_| CryptoError::BadKey)?;
                private.diffie_hellman(&peer).raw_secret_bytes().to_vec()
            }
            EphemeralSecret::P384(private) => {
                let peer = p384::PublicKey::from_sec1_bytes(uncompressed(peer, 97)?);
                let peer = peer.map_err(|_| CryptoError::BadKey)?;
                private.diffie_hellman(&peer).raw_secret_bytes().to_vec()
            }
        };
        Ok(SharedSecret::new(secret))
    }
}

/// Key generation and signatures.
#[derive(Debug)]
struct RustSigning;

struct RustPrivateKey {
    key: SigningKey,
    public: Vec<u8>,
}

enum SigningKey {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl Signing for RustSigning {
    fn generate(&self, kind: KeyType, rng: &mut Rng) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let document = match kind {
            KeyType::EcdsaP256 => p256::SecretKey::generate_from_rng(rng).to_pkcs8_der(),
            KeyType::EcdsaP384 => p384::SecretKey::generate_from_rng(rng).to_pkcs8_der(),
            KeyType::Rsa2048 => return generate_rsa(rng),
        };
        document.map(|d| d.to_bytes()).map_err(|_| CryptoError::Failed)
    }

    fn load(&self, pkcs8: &[u8]) -> Result<Arc<dyn PrivateKey>, CryptoError> {
        if let Ok(secret) = p256::SecretKey::from_pkcs8_der(pkcs8) {
            let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
            return Ok(Arc::new(RustPrivateKey { key: SigningKey::P256(secret.into()), public }));
        }
        let Ok(secret) = p384::SecretKey::from_pkcs8_der(pkcs8) else { return load_rsa(pkcs8) };
        let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
        Ok(Arc::new(RustPrivateKey { key: SigningKey::P384(secret.into()), public }))
    }
}

impl PrivateKey for RustPrivateKey {
    fn key_type(&self) -> PublicKeyType {
        match self.key {
            SigningKey::P256(_) => PublicKeyType::EcdsaP256,
            SigningKey::P384(_) => PublicKeyType::EcdsaP384,
        }
    }

    fn schemes(&self) -> &'static [SignatureScheme] {
        match self.key {
            SigningKey::P256(_) => &[SignatureScheme::EcdsaP256Sha256],
            SigningKey::P384(_) => &[SignatureScheme::EcdsaP384Sha384],
        }
    }

    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], _rng: &mut Rng) -> Result<Vec<u8>, CryptoError> {
        match (&self.key, scheme) {
            (SigningKey::P256(key), SignatureScheme::EcdsaP256Sha256) => {
                let signature: Result<p256::ecdsa::Signature, _> = key.sign_prehash(&Sha256::digest(message));
                Ok(signature.map_err(|_| CryptoError::Failed)?.to_der().as_bytes().to_vec())
            }
            (SigningKey::P384(key), SignatureScheme::EcdsaP384Sha384) => {
                let signature: Result<p384::ecdsa::Signature, _> = key.sign_prehash(&Sha384::digest(message));
                Ok(signature.map_err(|_| CryptoError::Failed)?.to_der().as_bytes().to_vec())
            }
            _ => Err(CryptoError::Unsupported),
        }
    }
}

/// Verification of a peer's signatures.
#[derive(Debug)]
struct RustVerification;

impl Verification for RustVerification {
    fn verify(
        &self,
        key_type: PublicKeyType,
        public_key: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let is_ecdsa = matches!(scheme, SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384);
        if is_ecdsa == (key_type == PublicKeyType::Rsa) {
            return Err(CryptoError::Unsupported);
        }
        let hash = match scheme {
            SignatureScheme::EcdsaP256Sha256
            | SignatureScheme::RsaPkcs1Sha256
            | SignatureScheme::RsaPssSha256 => Sha256::digest(message).to_vec(),
            SignatureScheme::EcdsaP384Sha384
            | SignatureScheme::RsaPkcs1Sha384
            | SignatureScheme::RsaPssSha384 => Sha384::digest(message).to_vec(),
            SignatureScheme::RsaPkcs1Sha512 | SignatureScheme::RsaPssSha512 => {
                Sha512::digest(message).to_vec()
            }
        };
        match key_type {
            PublicKeyType::EcdsaP256 => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(uncompressed(public_key, 65)?);
                let signature = p256::ecdsa::Signature::from_der(signature);
                check(&key.map_err(|_| CryptoError::BadKey)?, &hash, signature.ok())
            }
            PublicKeyType::EcdsaP384 => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(uncompressed(public_key, 97)?);
                let signature = p384::ecdsa::Signature::from_der(signature);
                check(&key.map_err(|_| CryptoError::BadKey)?, &hash, signature.ok())
            }
            PublicKeyType::Rsa => verify_rsa(public_key, scheme, &hash, signature),
        }
    }
}

fn check<S>(key: &impl PrehashVerifier<S>, hash: &[u8], signature: Option<S>) -> Result<(), CryptoError> {
    let signature = signature.ok_or(CryptoError::Authentication)?;
    key.verify_prehash(hash, &signature).map_err(|_| CryptoError::Authentication)
}

fn verify_rsa(
    public_key: &[u8],
    scheme: SignatureScheme,
    hash: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let key = rsa::RsaPublicKey::from_pkcs1_der(public_key).map_err(|_| CryptoError::BadKey)?;
    if key.n().bits() < 2_048 {
        return Err(CryptoError::BadKey);
    }
    let pkcs1 = || rsa::pkcs1v15::Signature::try_from(signature).ok();
    let pss = || rsa::pss::Signature::try_from(signature).ok();
    match scheme {
        SignatureScheme::RsaPkcs1Sha256 => {
            check(&rsa::pkcs1v15::VerifyingKey::<Sha256>::new(key), hash, pkcs1())
        }
        SignatureScheme::RsaPkcs1Sha384 => {
            check(&rsa::pkcs1v15::VerifyingKey::<Sha384>::new(key), hash, pkcs1())
        }
        SignatureScheme::RsaPkcs1Sha512 => {
            check(&rsa::pkcs1v15::VerifyingKey::<Sha512>::new(key), hash, pkcs1())
        }
        SignatureScheme::RsaPssSha256 => check(&rsa::pss::VerifyingKey::<Sha256>::new(key), hash, pss()),
        SignatureScheme::RsaPssSha384 => check(&rsa::pss::VerifyingKey::<Sha384>::new(key), hash, pss()),
        SignatureScheme::RsaPssSha512 => check(&rsa::pss::VerifyingKey::<Sha512>::new(key), hash, pss()),
        SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 => Err(CryptoError::Unsupported),
    }
}
