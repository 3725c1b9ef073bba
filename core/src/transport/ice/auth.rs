//! Credentials with their expanded key: who signs, and who verifies, MESSAGE-INTEGRITY.

use crate::crypto::traits::{HashAlgorithm, Hmac, HmacKey};
use crate::wire::candidate::Credentials;
use crate::wire::stun::Message;
use std::fmt;

/// One side's credentials, the HMAC key expanded once.
pub(super) struct Party {
    pub credentials: Credentials,
    key: Box<dyn HmacKey>,
}

impl Party {
    /// # Panics
    ///
    /// With a provider that has no HMAC-SHA1, which every provider must have.
    pub fn new(hmac: &dyn Hmac, credentials: Credentials) -> Self {
        // RFC 8445 §7.1.2, RFC 8489 §9.1.1: the key of a short-term credential is the password itself.
        let key = hmac.key(HashAlgorithm::Sha1, credentials.password.0.as_bytes());
        Self { credentials, key: key.expect("a provider with HMAC-SHA1") }
    }

    pub fn sign(&self, parts: &[&[u8]], tag: &mut [u8]) {
        self.key.sign(parts, tag);
    }

    /// Whether `message` was signed with this password. In constant time, and at most one HMAC.
    pub fn signed(&self, message: &Message<'_>) -> bool {
        message
            .integrity()
            .is_some_and(|sealed| self.key.verify(&[&sealed.header, sealed.body], sealed.tag).is_ok())
    }
}

impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.credentials.fmt(f)
    }
}
