//! The record layer of DTLS 1.2: numbers, sealing, opening, replay protection.
//!
//! Nonces are never random: the explicit part is epoch and record number, which never repeat under one key.

use crate::base::drops::DropReason;
use crate::crypto::traits::{AeadAlgorithm, AeadKey, CryptoError, NONCE_LEN, TAG_LEN};
use crate::transport::dtls::SealError;
use crate::wire::dtls::alert::Alert;
use crate::wire::dtls::codepoints::{ContentType, ProtocolVersion};
use crate::wire::dtls::record::{MAX_PLAINTEXT, MAX_SEQUENCE, RECORD_HEADER_LEN, RecordHeader};
use bytes::{Buf as _, BytesMut};

/// The part of a nonce that is a secret of the connection.
pub(super) enum Salt {
    /// GCM: four bytes, before eight that travel in the record (RFC 5288 §3).
    Gcm([u8; 4]),
    /// ChaCha20-Poly1305: twelve bytes, to be combined with the number; nothing travels (RFC 7905 §2).
    ChaCha20([u8; NONCE_LEN]),
}

impl Salt {
    pub(super) const fn len(algorithm: AeadAlgorithm) -> usize {
        match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => 4,
            AeadAlgorithm::ChaCha20Poly1305 => NONCE_LEN,
        }
    }

    /// From a slice of a key block, of one of the two lengths.
    pub(super) fn new(bytes: &[u8]) -> Self {
        match <[u8; 4]>::try_from(bytes) {
            Ok(salt) => Self::Gcm(salt),
            Err(_) => Self::ChaCha20(bytes.try_into().expect("a salt has 4 or 12 bytes")),
        }
    }
}

/// The keys of one direction, expanded once.
pub(super) struct Keys {
    aead: Box<dyn AeadKey>,
    salt: Salt,
}

impl Keys {
    pub(super) fn new(aead: Box<dyn AeadKey>, salt: Salt) -> Self {
        Self { aead, salt }
    }

    /// Bytes of the nonce that travel in front of the ciphertext.
    const fn explicit_len(&self) -> usize {
        match self.salt {
            Salt::Gcm(_) => 8,
            Salt::ChaCha20(_) => 0,
        }
    }

    /// What a record adds to its content.
    pub(super) const fn overhead(&self) -> usize {
        RECORD_HEADER_LEN + self.explicit_len() + TAG_LEN
    }

    fn nonce(&self, explicit: [u8; 8]) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        match &self.salt {
            Salt::Gcm(salt) => {
                nonce[..4].copy_from_slice(salt);
                nonce[4..].copy_from_slice(&explicit);
            }
            Salt::ChaCha20(salt) => {
                nonce[4..].copy_from_slice(&explicit);
                nonce.iter_mut().zip(salt).for_each(|(n, s)| *n ^= s);
            }
        }
        nonce
    }

    /// Seals `out[at..]`, which begins with room for header and explicit nonce.
    fn seal(
        &self,
        number: RecordNumber,
        kind: ContentType,
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<(), CryptoError> {
        let content = at + RECORD_HEADER_LEN + self.explicit_len();
        let explicit = number.to_bytes();
        let additional = additional_data(explicit, kind, out.len() - content);
        let tag = self.aead.seal(self.nonce(explicit), &additional, &mut out[content..])?;
        out.extend_from_slice(&tag);
        let length = out.len() - at - RECORD_HEADER_LEN;
        out[at..at + RECORD_HEADER_LEN].copy_from_slice(&header(number, kind, length).to_bytes());
        if matches!(self.salt, Salt::Gcm(_)) {
            out[at + RECORD_HEADER_LEN..content].copy_from_slice(&explicit);
        }
        Ok(())
    }

    /// Opens a whole record in place; what remains of `record` is its content.
    fn open(&self, header: &RecordHeader, record: &mut BytesMut) -> Result<(), DropReason> {
        let overhead = self.overhead();
        let len = record.len().checked_sub(overhead).ok_or(DropReason::DtlsMalformed)?;
        if len > MAX_PLAINTEXT {
            return Err(DropReason::DtlsMalformed);
        }
        record.advance(RECORD_HEADER_LEN);
        let number = header.number().to_be_bytes();
        let explicit = match record.first_chunk::<8>() {
            Some(&explicit) if self.explicit_len() > 0 => explicit,
            _ => number,
        };
        record.advance(self.explicit_len());
        let additional = additional_data(number, header.content_type, len);
        let opened = self.aead.open(self.nonce(explicit), &additional, record);
        let len = opened.map_err(|_| DropReason::DtlsAuthentication)?;
        record.truncate(len);
        Ok(())
    }
}

/// RFC 5246 §6.2.3.3, with epoch and number as the sequence number (RFC 6347 §4.1.2.1).
fn additional_data(number: [u8; 8], kind: ContentType, len: usize) -> [u8; 13] {
    let mut out = [0; 13];
    out[..8].copy_from_slice(&number);
    out[8] = kind.into();
    out[9..11].copy_from_slice(&u16::from(ProtocolVersion::Dtls12).to_be_bytes());
    out[11..].copy_from_slice(&(len as u16).to_be_bytes());
    out
}

fn header(number: RecordNumber, content_type: ContentType, length: usize) -> RecordHeader {
    RecordHeader {
        content_type,
        version: ProtocolVersion::Dtls12,
        epoch: number.epoch,
        sequence: number.sequence,
        length: length as u16,
    }
}

#[derive(Clone, Copy)]
struct RecordNumber {
    epoch: u16,
    sequence: u64,
}

impl RecordNumber {
    fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.epoch) << 48 | self.sequence).to_be_bytes()
    }
}

/// Which keys a record is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// None: the handshake's first part.
    Plain,
    /// Those that the handshake agreed on.
    Sealed,
}

/// The writing side: record numbers and keys.
#[derive(Default)]
pub(super) struct Sender {
    plain_next: u64,
    sealed_next: u64,
    keys: Option<Keys>,
}

impl Sender {
    pub(super) fn install(&mut self, keys: Keys) {
        self.keys = Some(keys);
    }

    /// The newest keys that there are.
    pub(super) const fn epoch(&self) -> Epoch {
        if self.keys.is_some() { Epoch::Sealed } else { Epoch::Plain }
    }

    /// What a record of `epoch` adds to its content.
    pub(super) fn overhead(&self, epoch: Epoch) -> usize {
        match (epoch, &self.keys) {
            (Epoch::Sealed, Some(keys)) => keys.overhead(),
            _ => RECORD_HEADER_LEN,
        }
    }

    /// Leaves room for what stands before the content.
    pub(super) fn begin(&self, epoch: Epoch, out: &mut Vec<u8>) -> usize {
        let at = out.len();
        let before = match (epoch, &self.keys) {
            (Epoch::Sealed, Some(keys)) => keys.overhead() - TAG_LEN,
            _ => RECORD_HEADER_LEN,
        };
        out.resize(at + before, 0);
        at
    }

    /// Completes the record that began at `at`. On an error `out` is cut back to `at`.
    pub(super) fn finish(
        &mut self,
        epoch: Epoch,
        kind: ContentType,
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<(), SealError> {
        let done = self.try_finish(epoch, kind, out, at);
        if done.is_err() {
            out.truncate(at);
        }
        done
    }

    fn try_finish(
        &mut self,
        epoch: Epoch,
        kind: ContentType,
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<(), SealError> {
        match (epoch, &self.keys) {
            (Epoch::Plain, _) => {
                let number = RecordNumber { epoch: 0, sequence: take(&mut self.plain_next)? };
                let length = out.len() - at - RECORD_HEADER_LEN;
                out[at..at + RECORD_HEADER_LEN].copy_from_slice(&header(number, kind, length).to_bytes());
                Ok(())
            }
            (Epoch::Sealed, Some(keys)) => {
                let before = RECORD_HEADER_LEN + keys.explicit_len();
                match out.len().checked_sub(at + before) {
                    Some(0..=MAX_PLAINTEXT) => {}
                    _ => return Err(SealError::TooLarge),
                }
                let number = RecordNumber { epoch: 1, sequence: take(&mut self.sealed_next)? };
                keys.seal(number, kind, out, at).map_err(|_| SealError::TooLarge)
            }
            (Epoch::Sealed, None) => Err(SealError::NotConnected),
        }
    }

    /// A datagram with one alert, under the newest keys.
    pub(super) fn alert(&mut self, alert: Alert) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(64);
        let epoch = self.epoch();
        let at = self.begin(epoch, &mut out);
        out.extend_from_slice(&alert.to_bytes());
        self.finish(epoch, ContentType::Alert, &mut out, at).ok()?;
        Some(out)
    }

    /// Whether record numbers ran out: the connection cannot go on.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.sealed_next > MAX_SEQUENCE
    }
}

/// The next number. It never wraps (RFC 6347 §4.1): a nonce would repeat.
fn take(next: &mut u64) -> Result<u64, SealError> {
    let number = *next;
    if number > MAX_SEQUENCE {
        return Err(SealError::NotConnected);
    }
    *next += 1;
    Ok(number)
}

/// The reading side: keys and replay window.
pub(super) struct Receiver {
    keys: Keys,
    window: ReplayWindow,
}

impl Receiver {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys, window: ReplayWindow::default() }
    }

    /// Opens a record of epoch 1 in place.
    pub(super) fn open(&mut self, header: &RecordHeader, record: &mut BytesMut) -> Result<(), DropReason> {
        if header.version != ProtocolVersion::Dtls12 {
            return Err(DropReason::DtlsMalformed);
        }
        if !self.window.is_new(header.sequence) {
            return Err(DropReason::DtlsReplay);
        }
        self.keys.open(header, record)?;
        // RFC 6347 §4.1.2.6: the window moves for authentic records alone.
        self.window.mark(header.sequence);
        Ok(())
    }
}

/// Which of the latest 128 records were seen (RFC 6347 §4.1.2.6 asks for 32, prefers 64).
#[derive(Default)]
struct ReplayWindow {
    /// One more than the highest number seen.
    end: u64,
    /// Bit `n` stands for the number `end - 1 - n`.
    seen: u128,
}

impl ReplayWindow {
    const fn is_new(&self, number: u64) -> bool {
        if number >= self.end {
            return true;
        }
        let age = self.end - 1 - number;
        age < 128 && self.seen >> age & 1 == 0
    }

    fn mark(&mut self, number: u64) {
        if number >= self.end {
            let by = number + 1 - self.end;
            self.seen = if by < 128 { self.seen << by } else { 0 } | 1;
            self.end = number + 1;
        } else {
            self.seen |= 1 << (self.end - 1 - number).min(127);
        }
    }
}

#[cfg(test)]
mod tests;
