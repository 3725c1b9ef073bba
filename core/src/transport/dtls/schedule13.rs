//! The key schedule of DTLS 1.3 (RFC 8446 §7, RFC 9147 §5.9): HKDF, traffic secrets, `Finished`, exporter.

use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::crypto::traits::{CryptoError, HashAlgorithm, NONCE_LEN, SharedSecret};
use crate::transport::dtls::records13::Keys13;
use crate::transport::dtls::suite::Suite13;

/// What every label begins with (RFC 9147 §5.9); TLS has `tls13 `.
const PREFIX: &[u8] = b"dtls13";

/// HKDF-Extract (RFC 5869 §2.2).
fn extract(
    crypto: &CryptoProvider,
    hash: HashAlgorithm,
    salt: &[u8],
    input: &[u8],
) -> Result<Secret, CryptoError> {
    let mut out = Secret::zeros(hash.output_len());
    crypto.hmac.key(hash, salt)?.sign(&[input], out.as_mut_bytes());
    Ok(out)
}

/// A secret of the schedule: what labels are expanded from.
struct Source {
    crypto: CryptoProvider,
    hash: HashAlgorithm,
    prefix: &'static [u8],
    secret: Secret,
}

impl Source {
    const fn new(crypto: CryptoProvider, hash: HashAlgorithm, secret: Secret) -> Self {
        Self { crypto, hash, prefix: PREFIX, secret }
    }

    /// Of the same kind.
    const fn with(&self, secret: Secret) -> Self {
        Self { crypto: self.crypto, hash: self.hash, prefix: self.prefix, secret }
    }

    /// HKDF-Expand-Label (RFC 8446 §7.1), `len` bytes of it.
    fn expand(&self, label: &[u8], context: &[u8], len: usize) -> Result<Secret, CryptoError> {
        let short = |len: usize| u8::try_from(len).map_err(|_| CryptoError::Failed);
        let label_len = [short(self.prefix.len() + label.len())?];
        let context_len = [short(context.len())?];
        let total = u16::try_from(len).map_err(|_| CryptoError::Failed)?.to_be_bytes();
        let key = self.crypto.hmac.key(self.hash, self.secret.as_bytes())?;
        let mut out = Secret::zeros(len);
        let mut previous = Secret::default();
        for (n, block) in (1u8..).zip(out.as_mut_bytes().chunks_mut(self.hash.output_len())) {
            let info: [&[u8]; 7] =
                [&total, &label_len, self.prefix, label, &context_len, context, std::slice::from_ref(&n)];
            let mut whole = Secret::zeros(self.hash.output_len());
            let mut parts = vec![previous.as_bytes()];
            parts.extend_from_slice(&info);
            key.sign(&parts, whole.as_mut_bytes());
            block.copy_from_slice(&whole.as_bytes()[..block.len()]);
            previous = whole;
        }
        Ok(out)
    }

    /// As long as the hash.
    fn derive(&self, label: &[u8], context: &[u8]) -> Result<Self, CryptoError> {
        Ok(self.with(self.expand(label, context, self.hash.output_len())?))
    }

    /// Goes down one step of the schedule: derives, and mixes `input` in.
    fn mix(&self, input: &[u8]) -> Result<Self, CryptoError> {
        let nothing = self.crypto.hash.digest(self.hash, &[])?;
        let salt = self.derive(b"derived", &nothing)?;
        Ok(self.with(extract(&self.crypto, self.hash, salt.secret.as_bytes(), input)?))
    }
}

/// Where the schedule stands: at the handshake secret, then at the master secret.
pub(super) struct Schedule {
    source: Source,
    suite: &'static Suite13,
}

impl Schedule {
    /// The handshake secret, out of the key agreement. There is no key from before.
    pub(super) fn new(
        crypto: CryptoProvider,
        suite: &'static Suite13,
        shared: &SharedSecret,
    ) -> Result<Self, CryptoError> {
        let zeros = Secret::zeros(suite.hash.output_len());
        let early = extract(&crypto, suite.hash, &[], zeros.as_bytes())?;
        let source = Source::new(crypto, suite.hash, early).mix(shared.as_bytes())?;
        Ok(Self { source, suite })
    }

    /// Goes on to the master secret.
    pub(super) fn into_master(self) -> Result<Self, CryptoError> {
        let zeros = Secret::zeros(self.suite.hash.output_len());
        Ok(Self { source: self.source.mix(zeros.as_bytes())?, suite: self.suite })
    }

    pub(super) const fn suite(&self) -> &'static Suite13 {
        self.suite
    }

    /// A traffic secret over the transcript's hash.
    pub(super) fn traffic(&self, label: &[u8], transcript: &[u8]) -> Result<TrafficSecret, CryptoError> {
        Ok(TrafficSecret { source: self.source.derive(label, transcript)?, suite: self.suite })
    }

    /// The secret of exporters, over the transcript's hash up to the server's `Finished`.
    pub(super) fn exporter(&self, transcript: &[u8]) -> Result<Exporter, CryptoError> {
        Ok(Exporter { source: self.source.derive(b"exp master", transcript)?, suite: self.suite })
    }
}

/// A secret that the keys of one direction come from.
pub(super) struct TrafficSecret {
    source: Source,
    suite: &'static Suite13,
}

impl TrafficSecret {
    /// RFC 8446 §7.3, and the key for record numbers of RFC 9147 §4.2.3.
    pub(super) fn keys(&self) -> Result<Keys13, CryptoError> {
        let (aead, key_len) = (self.suite.aead, self.suite.aead.key_len());
        let crypto = &self.source.crypto;
        let key = self.source.expand(b"key", &[], key_len)?;
        let iv = self.source.expand(b"iv", &[], NONCE_LEN)?;
        let number = self.source.expand(b"sn", &[], key_len)?;
        let aead_key = crypto.aead.key(aead, key.as_bytes())?;
        let mask_key = crypto.aead.mask_key(aead, number.as_bytes())?;
        Ok(Keys13::new(aead, aead_key, mask_key, &iv))
    }

    /// What follows after a `KeyUpdate` (RFC 8446 §7.2).
    pub(super) fn next(&self) -> Result<Self, CryptoError> {
        Ok(Self { source: self.source.derive(b"traffic upd", &[])?, suite: self.suite })
    }

    /// The content of a `Finished` message (RFC 8446 §4.4.4).
    pub(super) fn verify_data(&self, transcript: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = self.source.derive(b"finished", &[])?;
        let mut out = vec![0; self.suite.hash.output_len()];
        let hmac = self.source.crypto.hmac.key(self.suite.hash, key.secret.as_bytes())?;
        hmac.sign(&[transcript], &mut out);
        Ok(out)
    }
}

/// What exporters draw from. It lives as long as the connection.
pub(super) struct Exporter {
    source: Source,
    suite: &'static Suite13,
}

impl Exporter {
    pub(super) const fn suite(&self) -> &'static Suite13 {
        self.suite
    }

    /// Keying material for others (RFC 8446 §7.5). No context is the same as an empty one.
    pub(super) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        len: usize,
    ) -> Result<Secret, CryptoError> {
        let digest = |data: &[u8]| self.source.crypto.hash.digest(self.suite.hash, data);
        let secret = self.source.derive(label, &digest(&[])?)?;
        secret.expand(b"exporter", &digest(context.unwrap_or_default())?, len)
    }
}

#[cfg(test)]
mod tests;
