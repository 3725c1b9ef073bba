//! Sealing and opening one packet, under keys that were expanded once.
//!
//! Nonces are made of a stream's identifier and a packet's index and never random: no pair of them is used twice.

use crate::crypto::secret::Secret;
use crate::crypto::traits::{AeadKey, BLOCK_LEN, CounterKey, CryptoError, HmacKey, NONCE_LEN, TAG_LEN};
use crate::transport::srtp::cryptex::Hidden;

/// Bytes of RTCP that stay readable: the first header and the sender's identifier.
pub(super) const RTCP_CLEAR_LEN: usize = 8;
/// Bytes of the word with the index of an RTCP packet and whether it is encrypted.
pub(super) const RTCP_INDEX_LEN: usize = 4;
/// In that word: the packet is encrypted.
pub(super) const ENCRYPTED: u32 = 1 << 31;

/// The longest tag of HMAC-SHA1 that a profile uses.
const MAX_MAC_LEN: usize = 10;

/// The proof that a packet's tag was right. Nothing else makes one, and nothing is remembered of a packet without.
#[must_use]
pub(super) struct Authentic(());

/// Which packet it is.
#[derive(Clone, Copy)]
pub(super) struct PacketId {
    pub ssrc: u32,
    /// 48 bits for RTP, 31 for RTCP.
    pub index: u64,
}

/// The keys of one direction for RTP or for RTCP.
pub(super) enum Cipher {
    CounterMode { cipher: Box<dyn CounterKey>, mac: Box<dyn HmacKey>, tag_len: usize, salt: Secret },
    Gcm { aead: Box<dyn AeadKey>, salt: Secret },
}

impl Cipher {
    pub(super) fn counter_mode(
        cipher: Box<dyn CounterKey>,
        mac: Box<dyn HmacKey>,
        tag_len: usize,
        salt: Secret,
    ) -> Self {
        Self::CounterMode { cipher, mac, tag_len, salt }
    }

    pub(super) fn gcm(aead: Box<dyn AeadKey>, salt: Secret) -> Self {
        Self::Gcm { aead, salt }
    }

    pub(super) const fn tag_len(&self) -> usize {
        match self {
            Self::CounterMode { tag_len, .. } => *tag_len,
            Self::Gcm { .. } => TAG_LEN,
        }
    }

    /// Seals the RTP packet `out[start..]`.
    pub(super) fn seal_rtp(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        hidden: Hidden,
        id: PacketId,
    ) -> Result<(), CryptoError> {
        match self {
            Self::CounterMode { cipher, mac, tag_len, salt } => {
                hidden.within(&mut out[start..], |_, data| cipher.apply(block(salt, id), data));
                put_tag(&**mac, *tag_len, &roll_over(id), out, start);
            }
            Self::Gcm { aead, salt } => {
                let packet = &mut out[start..];
                let tag = hidden.within(packet, |clear, data| aead.seal(nonce(salt, id), clear, data))?;
                out.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Opens an RTP packet in place; the length of what remains comes back.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        hidden: Hidden,
        id: PacketId,
    ) -> Result<(usize, Authentic), CryptoError> {
        match self {
            Self::CounterMode { cipher, mac, tag_len, salt } => {
                let len = packet.len().checked_sub(*tag_len).ok_or(CryptoError::Authentication)?;
                let (packet, tag) = packet.split_at_mut(len);
                mac.verify(&[packet, &roll_over(id)], tag)?;
                hidden.within(packet, |_, data| cipher.apply(block(salt, id), data));
                Ok((len, Authentic(())))
            }
            Self::Gcm { aead, salt } => {
                let len = packet.len().checked_sub(TAG_LEN).ok_or(CryptoError::Authentication)?;
                hidden.within(packet, |clear, data| aead.open(nonce(salt, id), clear, data))?;
                Ok((len, Authentic(())))
            }
        }
    }

    /// Seals the RTCP packet `out[start..]`, of at least [`RTCP_CLEAR_LEN`] bytes.
    pub(super) fn seal_rtcp(&self, out: &mut Vec<u8>, start: usize, id: PacketId) -> Result<(), CryptoError> {
        let word = (id.index as u32 | ENCRYPTED).to_be_bytes();
        let at = start + RTCP_CLEAR_LEN;
        match self {
            Self::CounterMode { cipher, mac, tag_len, salt } => {
                cipher.apply(block(salt, id), &mut out[at..]);
                out.extend_from_slice(&word);
                put_tag(&**mac, *tag_len, &[], out, start);
            }
            Self::Gcm { aead, salt } => {
                let additional = rtcp_additional(&out[start..at], word);
                let tag = aead.seal(nonce(salt, id), &additional, &mut out[at..])?;
                out.extend_from_slice(&tag);
                out.extend_from_slice(&word);
            }
        }
        Ok(())
    }

    /// The word with the index of an RTCP packet; `None` when the packet is too short to have one.
    pub(super) fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        // Behind the word stands the tag of HMAC-SHA1 (RFC 3711 §3.4) and nothing in GCM (RFC 7714 §9.1).
        let behind = match self {
            Self::CounterMode { tag_len, .. } => *tag_len,
            Self::Gcm { .. } => 0,
        };
        packet.len().checked_sub(RTCP_CLEAR_LEN + RTCP_INDEX_LEN + self.tag_len())?;
        packet[..packet.len() - behind].last_chunk().map(|&word| u32::from_be_bytes(word))
    }

    /// Opens, in place, an RTCP packet that [`rtcp_word`](Self::rtcp_word) found long enough.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        word: u32,
        id: PacketId,
    ) -> Result<(usize, Authentic), CryptoError> {
        let encrypted = word & ENCRYPTED != 0;
        let trailer = RTCP_INDEX_LEN + self.tag_len();
        let len = packet.len().checked_sub(trailer).ok_or(CryptoError::Authentication)?;
        match self {
            Self::CounterMode { cipher, mac, salt, .. } => {
                let (covered, tag) = packet.split_at_mut(len + RTCP_INDEX_LEN);
                mac.verify(&[covered], tag)?;
                if encrypted {
                    cipher.apply(block(salt, id), &mut covered[RTCP_CLEAR_LEN..len]);
                }
            }
            Self::Gcm { aead, salt } if encrypted => {
                let (clear, rest) = packet.split_at_mut(RTCP_CLEAR_LEN);
                let additional = rtcp_additional(clear, word.to_be_bytes());
                let sealed = &mut rest[..len - RTCP_CLEAR_LEN + TAG_LEN];
                aead.open(nonce(salt, id), &additional, sealed)?;
            }
            Self::Gcm { aead, salt } => {
                // RFC 7714 §9.3: everything is additional data, the word included, which moves before the tag.
                packet[len..].rotate_right(RTCP_INDEX_LEN);
                let (additional, tag) = packet.split_at_mut(len + RTCP_INDEX_LEN);
                aead.open(nonce(salt, id), additional, tag)?;
            }
        }
        Ok((len, Authentic(())))
    }
}

fn put_tag(mac: &dyn HmacKey, tag_len: usize, behind: &[u8], out: &mut Vec<u8>, start: usize) {
    let mut tag = [0; MAX_MAC_LEN];
    mac.sign(&[&out[start..], behind], &mut tag[..tag_len]);
    out.extend_from_slice(&tag[..tag_len]);
}

/// The first block of the key stream (RFC 3711 §4.1.1).
fn block(salt: &Secret, id: PacketId) -> [u8; BLOCK_LEN] {
    let mut block = [0; BLOCK_LEN];
    block[..14].copy_from_slice(salt.as_bytes());
    mix(&mut block[4..14], id);
    block
}

/// RFC 7714 §8.1 and §9.1, which differ in nothing but the length of the index.
fn nonce(salt: &Secret, id: PacketId) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce.copy_from_slice(salt.as_bytes());
    mix(&mut nonce[2..], id);
    nonce
}

/// Combines ten bytes of salt with the stream's identifier and the packet's index.
fn mix(bytes: &mut [u8], id: PacketId) {
    let [_, _, index @ ..] = id.index.to_be_bytes();
    bytes.iter_mut().zip(id.ssrc.to_be_bytes().into_iter().chain(index)).for_each(|(b, x)| *b ^= x);
}

/// The roll-over counter, which is authenticated and not sent (RFC 3711 §4.2).
fn roll_over(id: PacketId) -> [u8; 4] {
    ((id.index >> 16) as u32).to_be_bytes()
}

/// RFC 7714 §9.2.
fn rtcp_additional(clear: &[u8], word: [u8; RTCP_INDEX_LEN]) -> [u8; RTCP_CLEAR_LEN + RTCP_INDEX_LEN] {
    let mut additional = [0; RTCP_CLEAR_LEN + RTCP_INDEX_LEN];
    additional[..RTCP_CLEAR_LEN].copy_from_slice(clear);
    additional[RTCP_CLEAR_LEN..].copy_from_slice(&word);
    additional
}
