//! Protection profiles: what packets are hidden and authenticated with.

use crate::wire::dtls::codepoints::SrtpProfile;

/// A protection profile (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// AES-128 in counter mode and HMAC-SHA1 cut to 80 bits. Every peer has it.
    Aes128CmSha1_80,
    /// The same with 32 bits for RTP; RTCP keeps its 80.
    Aes128CmSha1_32,
    /// AES-128 in Galois/counter mode, the fastest where it is in hardware.
    AeadAes128Gcm,
    /// AES-256 in Galois/counter mode.
    AeadAes256Gcm,
}

impl Profile {
    /// Bytes of a master key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of a master salt.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Bytes that protection adds to an RTP packet.
    #[must_use]
    pub const fn rtp_tag_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::Aes128CmSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes of the tag of an RTCP packet, to which four of the index come.
    #[must_use]
    pub const fn rtcp_tag_len(self) -> usize {
        match self {
            // RFC 5764 §4.1.2: RTCP has 80 bits in both.
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// The profile of a code point that a handshake agreed on; `None` where nothing here knows it.
    #[must_use]
    pub const fn from_code(code: SrtpProfile) -> Option<Self> {
        match code {
            SrtpProfile::Aes128CmSha1_80 => Some(Self::Aes128CmSha1_80),
            SrtpProfile::Aes128CmSha1_32 => Some(Self::Aes128CmSha1_32),
            SrtpProfile::AeadAes128Gcm => Some(Self::AeadAes128Gcm),
            SrtpProfile::AeadAes256Gcm => Some(Self::AeadAes256Gcm),
            SrtpProfile::Unknown(_) => None,
        }
    }
}
