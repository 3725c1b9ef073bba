//! X25519 together with ML-KEM-768 (draft-ietf-tls-ecdhe-mlkem §4): whoever breaks one still has to break the other.
//!
//! X25519 comes from the provider. ML-KEM comes from one crate for all providers, because `ring` has none, and
//! takes its randomness from the [`Rng`] that is passed in. In shares and in the secret ML-KEM stands first.

use crate::base::random::Rng;
use crate::crypto::secret::Secret;
use crate::crypto::traits::{CryptoError, EphemeralKey, Group, KeyExchange, SharedSecret};
use ml_kem::kem::{Decapsulate as _, Encapsulate as _, Key, KeyExport as _};
use ml_kem::{DecapsulationKey768, EncapsulationKey768};

/// Bytes of an ML-KEM-768 encapsulation key.
const KEY_LEN: usize = 1_184;
/// Bytes of an ML-KEM-768 ciphertext.
const CIPHERTEXT_LEN: usize = 1_088;

struct HybridKey {
    x25519: Box<dyn EphemeralKey>,
    ml_kem: Box<DecapsulationKey768>,
    public: Vec<u8>,
}

/// A fresh pair of key pairs.
pub(super) fn start(provider: &dyn KeyExchange, rng: &mut Rng) -> Result<Box<dyn EphemeralKey>, CryptoError> {
    let mut seed = Secret::zeros(64);
    rng.fill_secret(seed.as_mut_bytes());
    let seed = seed.as_bytes().try_into().map_err(|_| CryptoError::Failed)?;
    let ml_kem = Box::new(DecapsulationKey768::from_seed(seed));
    let x25519 = provider.start(Group::X25519, rng)?;
    let public = [&ml_kem.encapsulation_key().to_bytes(), x25519.public_key()].concat();
    Ok(Box::new(HybridKey { x25519, ml_kem, public }))
}

/// The other side: encapsulates to the peer's key.
pub(super) fn answer(
    provider: &dyn KeyExchange,
    peer: &[u8],
    rng: &mut Rng,
) -> Result<(Vec<u8>, SharedSecret), CryptoError> {
    let (key, peer) = peer.split_at_checked(KEY_LEN).ok_or(CryptoError::BadKey)?;
    let key: &Key<EncapsulationKey768> = key.try_into().map_err(|_| CryptoError::BadKey)?;
    // FIPS 203 §7.2: a key whose numbers are out of range is refused here.
    let key = EncapsulationKey768::new(key).map_err(|_| CryptoError::BadKey)?;
    let (share, x25519) = provider.answer(Group::X25519, peer, rng)?;
    let (ciphertext, ml_kem) = key.encapsulate_with_rng(rng);
    let secret = SharedSecret::new([&ml_kem, x25519.as_bytes()].concat());
    Ok(([&ciphertext, &share[..]].concat(), secret))
}

impl EphemeralKey for HybridKey {
    fn group(&self) -> Group {
        Group::X25519MlKem768
    }

    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn agree(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, CryptoError> {
        let (ciphertext, peer) = peer.split_at_checked(CIPHERTEXT_LEN).ok_or(CryptoError::BadKey)?;
        let ciphertext = ciphertext.try_into().map_err(|_| CryptoError::BadKey)?;
        let ml_kem = self.ml_kem.decapsulate(ciphertext);
        let x25519 = self.x25519.agree(peer)?;
        Ok(SharedSecret::new([&ml_kem, x25519.as_bytes()].concat()))
    }
}
