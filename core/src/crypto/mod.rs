//! Floor 1: cryptographic primitives behind one plain struct.
//!
//! A [`CryptoProvider`] is a struct of trait objects. It knows algorithms and no protocol: what a TLS
//! pseudo-random function or an SRTP key derivation is stands with the machine that needs it.

pub mod certificate;
pub mod md5;
pub mod secret;
mod software;
pub mod traits;

mod hybrid;
mod rsa;

#[cfg(feature = "ring")]
pub mod ring;
#[cfg(feature = "rustcrypto")]
pub mod rustcrypto;

#[cfg(test)]
pub(crate) mod conformance;

use self::traits::{Aead, CounterMode, Hash, Hmac, KeyExchange, Signing, Verification};
use std::fmt;

/// Where all cryptography of a connection comes from.
///
/// `Copy`, and made of `&'static` references: sharing it costs nothing, and no self-test runs per connection.
#[derive(Clone, Copy)]
pub struct CryptoProvider {
    /// The provider's name, for logs and error messages.
    pub name: &'static str,
    /// Hash functions.
    pub hash: &'static dyn Hash,
    /// Keyed hashes.
    pub hmac: &'static dyn Hmac,
    /// Authenticated encryption.
    pub aead: &'static dyn Aead,
    /// Encryption without authentication.
    pub counter_mode: &'static dyn CounterMode,
    /// Ephemeral key agreement.
    pub key_exchange: &'static dyn KeyExchange,
    /// Key generation and signatures with our own keys.
    pub signing: &'static dyn Signing,
    /// Verification of a peer's signatures.
    pub verification: &'static dyn Verification,
}

/// The provider by `ring`.
#[cfg(feature = "ring")]
impl Default for CryptoProvider {
    fn default() -> Self {
        self::ring::provider()
    }
}

/// The only provider of this build.
#[cfg(all(feature = "rustcrypto", not(feature = "ring")))]
impl Default for CryptoProvider {
    fn default() -> Self {
        self::rustcrypto::provider()
    }
}

impl fmt::Debug for CryptoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CryptoProvider").field("name", &self.name).finish_non_exhaustive()
    }
}
