//! AES in counter mode and keyed hashes by the RustCrypto crates.
//!
//! Every provider has its counter mode from here, `ring` offering none, and its HMAC-SHA1: `ring` does not use the
//! processor's instructions for SHA-1, and takes three times as long.

use crate::crypto::traits::{BLOCK_LEN, CounterKey, CounterMode, CryptoError, HmacKey};
use aes::cipher::{InnerIvInit as _, KeyInit, StreamCipherCore as _};
use aes::{Aes128, Aes256};
use ctr::{CtrCore, flavors::Ctr32BE};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize as _;

/// AES in counter mode.
#[derive(Debug)]
pub(super) struct SoftwareCounterMode;

struct SoftwareCounterKey<C>(C);

impl CounterMode for SoftwareCounterMode {
    fn key(&self, key: &[u8]) -> Result<Box<dyn CounterKey>, CryptoError> {
        match key.len() {
            16 => counter_key::<Aes128>(key),
            32 => counter_key::<Aes256>(key),
            _ => Err(CryptoError::BadKey),
        }
    }
}

fn counter_key<C>(key: &[u8]) -> Result<Box<dyn CounterKey>, CryptoError>
where
    C: KeyInit + Send + Sync + 'static,
    SoftwareCounterKey<C>: CounterKey,
{
    let cipher = C::new_from_slice(key).map_err(|_| CryptoError::BadKey)?;
    Ok(Box::new(SoftwareCounterKey(cipher)))
}

macro_rules! counter_keys {
    ($($cipher:ty),+) => {$(
        impl CounterKey for SoftwareCounterKey<$cipher> {
            fn apply(&self, block: [u8; BLOCK_LEN], data: &mut [u8]) {
                CtrCore::<_, Ctr32BE>::inner_iv_init(&self.0, &block.into()).apply_keystream_partial(data.into());
            }
        }
    )+};
}

counter_keys!(Aes128, Aes256);

/// The key as the two midstates that it was hashed into.
struct SoftwareHmacKey<M>(M);

/// A key of HMAC-SHA1.
pub(super) fn hmac_sha1_key(key: &[u8]) -> Result<Box<dyn HmacKey>, CryptoError> {
    hmac_key::<Hmac<Sha1>>(key)
}

/// A key of any keyed hash.
pub(super) fn hmac_key<M: Mac + KeyInit + Clone + Send + Sync + 'static>(
    key: &[u8],
) -> Result<Box<dyn HmacKey>, CryptoError> {
    let mac = <M as KeyInit>::new_from_slice(key).map_err(|_| CryptoError::BadKey)?;
    Ok(Box::new(SoftwareHmacKey(mac)))
}

impl<M: Mac + Clone + Send + Sync> HmacKey for SoftwareHmacKey<M> {
    fn sign(&self, parts: &[&[u8]], out: &mut [u8]) {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        let mut tag = mac.finalize().into_bytes();
        out.copy_from_slice(&tag[..out.len()]);
        tag.as_mut_slice().zeroize();
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        let ours = mac.finalize().into_bytes();
        let ours = ours.get(..tag.len()).filter(|t| t.len() >= 4).ok_or(CryptoError::Authentication)?;
        if ours.ct_eq(tag).into() { Ok(()) } else { Err(CryptoError::Authentication) }
    }
}
