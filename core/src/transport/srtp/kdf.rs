//! From a master key to the keys of a session (RFC 3711 §4.3, RFC 7714 §11).
//!
//! Keys are derived once: the key derivation rate is zero, as DTLS-SRTP has it (RFC 5764 §4.1.2).

use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::crypto::traits::{AeadAlgorithm, BLOCK_LEN, CounterKey, CryptoError, HashAlgorithm};
use crate::transport::srtp::cipher::Cipher;
use crate::transport::srtp::profile::Profile;
use crate::transport::srtp::{KeyError, MasterKey};

/// Bytes of a session's authentication key (RFC 3711 §5.2).
const AUTHENTICATION_KEY_LEN: usize = 20;

/// What the keys are for: the labels of RFC 3711 §4.3.1 and §4.3.2, of which RTP has the first three.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Rtp = 0,
    Rtcp = 3,
}

/// The ciphers of one direction: for RTP and for RTCP.
pub(super) fn ciphers(crypto: &CryptoProvider, master: &MasterKey) -> Result<(Cipher, Cipher), KeyError> {
    let MasterKey { profile, key, salt } = master;
    if key.as_bytes().len() != profile.key_len() || salt.as_bytes().len() != profile.salt_len() {
        return Err(KeyError::BadLength);
    }
    let function = crypto.counter_mode.key(key.as_bytes()).map_err(unsupported)?;
    let derivation = Derivation { function: &*function, salt: salt.as_bytes() };
    let of = |purpose, tag_len| derivation.cipher(crypto, *profile, purpose, tag_len).map_err(unsupported);
    Ok((of(Purpose::Rtp, profile.rtp_tag_len())?, of(Purpose::Rtcp, profile.rtcp_tag_len())?))
}

const fn unsupported(_: CryptoError) -> KeyError {
    KeyError::Unsupported
}

pub(super) struct Derivation<'a> {
    pub function: &'a dyn CounterKey,
    pub salt: &'a [u8],
}

impl Derivation<'_> {
    /// RFC 3711 §4.3.1: the key stream of `label ∥ 0` combined with the master salt. A salt of 12 bytes is followed
    /// by two of zero (RFC 7714 §11).
    pub(super) fn derive(&self, label: u8, len: usize) -> Secret {
        let mut block = [0; BLOCK_LEN];
        block[..self.salt.len()].copy_from_slice(self.salt);
        block[7] ^= label;
        let mut key = Secret::zeros(len);
        self.function.apply(block, key.as_mut_bytes());
        key
    }

    fn cipher(
        &self,
        crypto: &CryptoProvider,
        profile: Profile,
        purpose: Purpose,
        tag_len: usize,
    ) -> Result<Cipher, CryptoError> {
        let label = purpose as u8;
        let encryption = self.derive(label, profile.key_len());
        let salt = self.derive(label + 2, profile.salt_len());
        let algorithm = match profile {
            Profile::Aes128CmSha1_80 | Profile::Aes128CmSha1_32 => {
                let authentication = self.derive(label + 1, AUTHENTICATION_KEY_LEN);
                let mac = crypto.hmac.key(HashAlgorithm::Sha1, authentication.as_bytes())?;
                let cipher = crypto.counter_mode.key(encryption.as_bytes())?;
                return Ok(Cipher::counter_mode(cipher, mac, tag_len, salt));
            }
            Profile::AeadAes128Gcm => AeadAlgorithm::Aes128Gcm,
            Profile::AeadAes256Gcm => AeadAlgorithm::Aes256Gcm,
        };
        Ok(Cipher::gcm(crypto.aead.key(algorithm, encryption.as_bytes())?, salt))
    }
}
