//! RSA keys of our own, for peers that want nothing else (W3C `RSASSA-PKCS1-v1_5`).
//!
//! Every provider makes them here, `ring` being unable to. Who can sign elsewhere should: signatures here are blinded,
//! and yet the library does not promise to take the same time for every key.

use crate::base::random::Rng;
use crate::crypto::traits::CryptoError;
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use zeroize::Zeroizing;

#[cfg(feature = "rustcrypto")]
pub(super) use self::signing::load;

/// What W3C WebRTC §4.9.1 names: shorter ones are refused by every peer, longer ones cost more than they give.
const BITS: usize = 2_048;

/// A fresh key pair as a PKCS #8 document. It takes some tenths of a second to find.
pub(super) fn generate(rng: &mut Rng) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let key = RsaPrivateKey::new(rng, BITS).map_err(|_| CryptoError::Failed)?;
    key.to_pkcs8_der().map(|document| document.to_bytes()).map_err(|_| CryptoError::Failed)
}

#[cfg(feature = "rustcrypto")]
mod signing {
    use crate::base::random::Rng;
    use crate::crypto::traits::{CryptoError, PrivateKey, PublicKeyType, RSA_SCHEMES, SignatureScheme};
    use rsa::pkcs1::EncodeRsaPublicKey as _;
    use rsa::pkcs8::DecodePrivateKey as _;
    use rsa::signature::{RandomizedSigner, SignatureEncoding};
    use rsa::traits::PublicKeyParts as _;
    use rsa::{RsaPrivateKey, pkcs1v15, pss};
    use sha2::{Sha256, Sha384, Sha512};
    use std::sync::Arc;

    struct RsaKey {
        key: RsaPrivateKey,
        public: Vec<u8>,
    }

    /// A key pair from a PKCS #8 document, of 2,048 bits at least.
    pub(in crate::crypto) fn load(pkcs8: &[u8]) -> Result<Arc<dyn PrivateKey>, CryptoError> {
        let key = RsaPrivateKey::from_pkcs8_der(pkcs8).map_err(|_| CryptoError::BadKey)?;
        if key.n().bits() < 2_048 {
            return Err(CryptoError::BadKey);
        }
        let public = key.to_public_key().to_pkcs1_der().map_err(|_| CryptoError::BadKey)?;
        Ok(Arc::new(RsaKey { key, public: public.as_bytes().to_vec() }))
    }

    impl PrivateKey for RsaKey {
        fn key_type(&self) -> PublicKeyType {
            PublicKeyType::Rsa
        }

        fn schemes(&self) -> &'static [SignatureScheme] {
            &RSA_SCHEMES
        }

        fn public_key(&self) -> &[u8] {
            &self.public
        }

        fn sign(
            &self,
            scheme: SignatureScheme,
            message: &[u8],
            rng: &mut Rng,
        ) -> Result<Vec<u8>, CryptoError> {
            let key = self.key.clone();
            match scheme {
                SignatureScheme::RsaPkcs1Sha256 => {
                    sign(&pkcs1v15::SigningKey::<Sha256>::new(key), message, rng)
                }
                SignatureScheme::RsaPkcs1Sha384 => {
                    sign(&pkcs1v15::SigningKey::<Sha384>::new(key), message, rng)
                }
                SignatureScheme::RsaPkcs1Sha512 => {
                    sign(&pkcs1v15::SigningKey::<Sha512>::new(key), message, rng)
                }
                SignatureScheme::RsaPssSha256 => sign(&pss::SigningKey::<Sha256>::new(key), message, rng),
                SignatureScheme::RsaPssSha384 => sign(&pss::SigningKey::<Sha384>::new(key), message, rng),
                SignatureScheme::RsaPssSha512 => sign(&pss::SigningKey::<Sha512>::new(key), message, rng),
                SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 => {
                    Err(CryptoError::Unsupported)
                }
            }
        }
    }

    fn sign<S: SignatureEncoding>(
        key: &impl RandomizedSigner<S>,
        message: &[u8],
        rng: &mut Rng,
    ) -> Result<Vec<u8>, CryptoError> {
        key.try_sign_with_rng(rng, message).map(|s| s.to_vec()).map_err(|_| CryptoError::Failed)
    }
}
