//! The key schedule of DTLS 1.2: pseudo-random function, master secret, key block, `Finished`, exporter.

use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::crypto::traits::{CryptoError, HashAlgorithm, SharedSecret};
use crate::transport::dtls::records::{Keys, Salt};
use crate::transport::dtls::suite::Suite;

/// Bytes of a master secret.
const MASTER_LEN: usize = 48;
/// Bytes of a `Finished` message.
pub(super) const VERIFY_DATA_LEN: usize = 12;

/// Both sides' random values.
#[derive(Clone, Copy)]
pub(super) struct Randoms {
    pub client: [u8; 32],
    pub server: [u8; 32],
}

/// The pseudo-random function of TLS 1.2 (RFC 5246 §5), over the concatenation of `seed`.
pub(super) fn prf(
    crypto: &CryptoProvider,
    hash: HashAlgorithm,
    secret: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    let key = crypto.hmac.key(hash, secret)?;
    let mut a = Secret::zeros(hash.output_len());
    key.sign(seed, a.as_mut_bytes());
    for block in out.chunks_mut(hash.output_len()) {
        let mut parts = Vec::with_capacity(seed.len() + 1);
        parts.push(a.as_bytes());
        parts.extend_from_slice(seed);
        key.sign(&parts, block);
        let mut next = Secret::zeros(hash.output_len());
        key.sign(&[a.as_bytes()], next.as_mut_bytes());
        a = next;
    }
    Ok(())
}

/// What the master secret is derived over besides the agreed secret.
pub(super) enum Binding<'a> {
    /// The hash of the handshake up to `ClientKeyExchange` (RFC 7627 §4).
    Session(&'a [u8]),
    /// The two randoms alone, with a peer that knows no better (RFC 5246 §8.1).
    Randoms,
}

/// A master secret and what belongs to it. It lives as long as the connection, for exporters.
pub(super) struct Master {
    secret: Secret,
    randoms: Randoms,
    suite: &'static Suite,
    crypto: CryptoProvider,
}

impl Master {
    pub(super) fn derive(
        crypto: CryptoProvider,
        suite: &'static Suite,
        pre_master: &SharedSecret,
        randoms: Randoms,
        binding: &Binding<'_>,
    ) -> Result<Self, CryptoError> {
        let mut secret = Secret::zeros(MASTER_LEN);
        let seed: &[&[u8]] = match binding {
            Binding::Session(hash) => &[b"extended master secret", hash],
            Binding::Randoms => &[b"master secret", &randoms.client, &randoms.server],
        };
        prf(&crypto, suite.hash, pre_master.as_bytes(), seed, secret.as_mut_bytes())?;
        Ok(Self { secret, randoms, suite, crypto })
    }

    /// The keys for records that the client writes, and for those that the server writes (RFC 5246 §6.3).
    pub(super) fn keys(&self) -> Result<(Keys, Keys), CryptoError> {
        let (key_len, salt_len) = (self.suite.aead.key_len(), Salt::len(self.suite.aead));
        let mut block = Secret::zeros(2 * (key_len + salt_len));
        let seed: &[&[u8]] = &[b"key expansion", &self.randoms.server, &self.randoms.client];
        prf(&self.crypto, self.suite.hash, self.secret.as_bytes(), seed, block.as_mut_bytes())?;
        let (keys, salts) = block.as_bytes().split_at(2 * key_len);
        let make = |at: usize| {
            let key = self.crypto.aead.key(self.suite.aead, &keys[at * key_len..][..key_len])?;
            Ok(Keys::new(key, Salt::new(&salts[at * salt_len..][..salt_len])))
        };
        Ok((make(0)?, make(1)?))
    }

    /// The content of a `Finished` message (RFC 5246 §7.4.9).
    pub(super) fn verify_data(
        &self,
        label: &[u8],
        transcript_hash: &[u8],
    ) -> Result<[u8; VERIFY_DATA_LEN], CryptoError> {
        let mut out = [0; VERIFY_DATA_LEN];
        prf(&self.crypto, self.suite.hash, self.secret.as_bytes(), &[label, transcript_hash], &mut out)?;
        Ok(out)
    }

    /// Keying material for others (RFC 5705 §4).
    pub(super) fn export(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        len: usize,
    ) -> Result<Secret, CryptoError> {
        let mut out = Secret::zeros(len);
        let context_len = context.map(|c| u16::try_from(c.len()).map_err(|_| CryptoError::Failed));
        let context_len = context_len.transpose()?.unwrap_or(0).to_be_bytes();
        let whole: &[&[u8]] =
            &[label, &self.randoms.client, &self.randoms.server, &context_len, context.unwrap_or_default()];
        let seed = if context.is_some() { whole } else { &whole[..3] };
        prf(&self.crypto, self.suite.hash, self.secret.as_bytes(), seed, out.as_mut_bytes())?;
        Ok(out)
    }

    pub(super) const fn suite(&self) -> &'static Suite {
        self.suite
    }
}

#[cfg(test)]
mod tests {
    use super::prf;
    use crate::crypto::CryptoProvider;
    use crate::crypto::traits::HashAlgorithm;
    use data_encoding::HEXLOWER;

    /// The vector that circulated on the IETF's TLS list for P_SHA256 (and that most stacks test with).
    #[test]
    fn the_pseudo_random_function_gives_the_known_answer() {
        let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let (secret, seed) =
            (hex("9bbe436ba940f017b17652849a71db35"), hex("a0ba9f936cda311827a6f796ffd5198c"));
        let (crypto, mut out) = (CryptoProvider::default(), [0; 100]);
        prf(&crypto, HashAlgorithm::Sha256, &secret, &[b"test label", &seed], &mut out).unwrap();
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9\
                        c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789ba\
                        a48082d122ee42c5a72e5a5110fff70187347b66";
        assert_eq!(HEXLOWER.encode(&out), expected);
    }
}
