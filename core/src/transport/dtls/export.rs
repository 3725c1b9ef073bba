//! Keys for other protocols, SRTP first of all, out of a handshake (RFC 5705, RFC 5764 §4.2).

use crate::crypto::secret::Secret;
use crate::transport::dtls::Connection;
use crate::transport::dtls::config::Role;
use crate::transport::dtls::verify::FingerprintVerified;
use crate::wire::dtls::codepoints::SrtpProfile;
use thiserror::Error;

/// The most keying material that one export gives.
const MAX_EXPORT: usize = 4_096;

/// Labels of the handshake itself, which would give its own secrets away.
const RESERVED: [&[u8]; 5] =
    [b"client finished", b"server finished", b"master secret", b"key expansion", b"extended master secret"];

/// Why keying material cannot be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// The connection is not in state `connected`.
    #[error("the connection is not connected")]
    NotConnected,
    /// The label is reserved for the handshake itself, the context is longer than 65,535 bytes, or the length is
    /// not between 1 and 4,096.
    #[error("this label, context or length cannot be used")]
    BadRequest,
}

/// A master key and its salt.
#[derive(Clone, Debug)]
pub struct SrtpKey {
    /// 16 or 32 bytes, by the profile.
    pub key: Secret,
    /// 14 bytes for AES-CM, 12 for AES-GCM.
    pub salt: Secret,
}

/// What SRTP needs to know.
#[derive(Clone, Debug)]
pub struct SrtpKeys {
    /// The profile that was agreed on.
    pub profile: SrtpProfile,
    /// For packets that we send.
    pub local: SrtpKey,
    /// For packets that the peer sends.
    pub remote: SrtpKey,
}

impl Connection {
    /// Keying material for another protocol (RFC 5705), `len` bytes of it.
    ///
    /// # Errors
    ///
    /// When not connected, or when label, context or length cannot be used.
    pub fn export_keying_material(
        &self,
        _verified: FingerprintVerified,
        label: &[u8],
        context: Option<&[u8]>,
        len: usize,
    ) -> Result<Secret, ExportError> {
        let established = self.established().ok_or(ExportError::NotConnected)?;
        // RFC 5705 §4: these labels are taken.
        if RESERVED.contains(&label) || !(1..=MAX_EXPORT).contains(&len) {
            return Err(ExportError::BadRequest);
        }
        established.agreed.export(label, context, len).ok_or(ExportError::BadRequest)
    }

    /// The keys of SRTP, when connected and when a profile that is known here was agreed on.
    #[must_use]
    pub fn export_srtp_keys(&self, verified: FingerprintVerified) -> Option<SrtpKeys> {
        let profile = self.srtp_profile()?;
        let (key_len, salt_len) = lengths(profile)?;
        let material = self
            .export_keying_material(verified, b"EXTRACTOR-dtls_srtp", None, 2 * (key_len + salt_len))
            .ok()?;
        // RFC 5764 §4.2: both keys, then both salts, the client's first.
        let (keys, salts) = material.as_bytes().split_at(2 * key_len);
        let of = |at: usize| SrtpKey {
            key: Secret::new(keys[at * key_len..][..key_len].to_vec()),
            salt: Secret::new(salts[at * salt_len..][..salt_len].to_vec()),
        };
        let (local, remote) = match self.role() {
            Role::Client => (of(0), of(1)),
            Role::Server => (of(1), of(0)),
        };
        Some(SrtpKeys { profile, local, remote })
    }
}

/// Bytes of a profile's master key and salt (RFC 5764 §4.1.2, RFC 7714 §12).
const fn lengths(profile: SrtpProfile) -> Option<(usize, usize)> {
    match profile {
        SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32 => Some((16, 14)),
        SrtpProfile::AeadAes128Gcm => Some((16, 12)),
        SrtpProfile::AeadAes256Gcm => Some((32, 12)),
        SrtpProfile::Unknown(_) => None,
    }
}
