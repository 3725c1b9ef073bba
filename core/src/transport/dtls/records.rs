//! The record layer: numbers, replay protection, records without encryption, and the sealing of DTLS 1.2.
//!
//! Nonces are never random: the explicit part is epoch and record number, which never repeat under one key.

use crate::base::drops::DropReason;
use crate::crypto::traits::{AeadAlgorithm, AeadKey, CryptoError, NONCE_LEN, TAG_LEN};
use crate::transport::dtls::SealError;
use crate::transport::dtls::records13::{self, Keys13, Sealers};
use crate::wire::dtls::alert::{Alert, RecordNumber};
use crate::wire::dtls::codepoints::{ContentType, ProtocolVersion};
use crate::wire::dtls::connection_id::{ConnectionId, IdentifiedHeader};
use crate::wire::dtls::record::{MAX_PLAINTEXT, MAX_SEQUENCE, RECORD_HEADER_LEN, RecordHeader};
use bytes::{Buf as _, BytesMut};
use smallvec::SmallVec;

/// Where a header's length stands, and an id before it.
const LENGTH_AT: usize = RECORD_HEADER_LEN - 2;
/// What the content of a record with a connection id may exceed [`MAX_PLAINTEXT`] by: type and padding.
const MOST_PADDING: usize = 256;

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

    /// What stands before the content of a record that carries `id`.
    fn before(&self, id: &ConnectionId) -> usize {
        RECORD_HEADER_LEN + id.len() + self.explicit_len()
    }

    /// What a record that carries `id` adds to its content.
    fn overhead(&self, id: &ConnectionId) -> usize {
        // RFC 9146 §4: where there is an id, the type is encrypted, too.
        self.before(id) + usize::from(!id.is_empty()) + TAG_LEN
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
        (kind, id): (ContentType, &ConnectionId),
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<(), CryptoError> {
        let content = at + self.before(id);
        let outside = if id.is_empty() {
            kind
        } else {
            out.push(kind.into());
            ContentType::Tls12Cid
        };
        let explicit = explicit(number);
        let additional = additional_data(explicit, outside, id, out.len() - content);
        let tag = self.aead.seal(self.nonce(explicit), &additional, &mut out[content..])?;
        out.extend_from_slice(&tag);
        let front = RECORD_HEADER_LEN + id.len();
        let bytes = header(number, outside, out.len() - at - front).to_bytes();
        out[at..at + LENGTH_AT].copy_from_slice(&bytes[..LENGTH_AT]);
        out[at + LENGTH_AT..at + front - 2].copy_from_slice(id.as_bytes());
        out[at + front - 2..at + front].copy_from_slice(&bytes[LENGTH_AT..]);
        if matches!(self.salt, Salt::Gcm(_)) {
            out[at + front..content].copy_from_slice(&explicit);
        }
        Ok(())
    }

    /// Opens a whole record in place and tells its type; what remains of `record` is its content.
    fn open(&self, front: Front<'_>, record: &mut BytesMut) -> Result<ContentType, DropReason> {
        let Front { header, id } = front;
        let before = self.before(id);
        let len = record.len().checked_sub(before + TAG_LEN).ok_or(DropReason::DtlsMalformed)?;
        // RFC 9146 §4: type and padding are part of what is encrypted.
        if len > MAX_PLAINTEXT + usize::from(!id.is_empty()) * MOST_PADDING {
            return Err(DropReason::DtlsMalformed);
        }
        record.advance(RECORD_HEADER_LEN + id.len());
        let number = header.number().to_be_bytes();
        let explicit = match record.first_chunk::<8>() {
            Some(&explicit) if self.explicit_len() > 0 => explicit,
            _ => number,
        };
        record.advance(self.explicit_len());
        let additional = additional_data(number, header.content_type, id, len);
        let opened = self.aead.open(self.nonce(explicit), &additional, record);
        let len = opened.map_err(|_| DropReason::DtlsAuthentication)?;
        record.truncate(len);
        if id.is_empty() { Ok(header.content_type) } else { unpad(record) }
    }
}

/// Takes the zeros of the padding off, and the type before them, which comes back (RFC 8446 §5.4, RFC 9146 §4).
pub(super) fn unpad(record: &mut BytesMut) -> Result<ContentType, DropReason> {
    let end = record.iter().rposition(|&b| b != 0).ok_or(DropReason::DtlsMalformed)?;
    let content_type = record[end].into();
    if end > MAX_PLAINTEXT {
        return Err(DropReason::DtlsMalformed);
    }
    record.truncate(end);
    Ok(content_type)
}

/// The front of a record of DTLS 1.2.
#[derive(Clone, Copy)]
pub(super) struct Front<'a> {
    pub header: &'a RecordHeader,
    /// Empty in records without.
    pub id: &'a ConnectionId,
}

impl<'a> From<&'a IdentifiedHeader> for Front<'a> {
    fn from(IdentifiedHeader { header, id }: &'a IdentifiedHeader) -> Self {
        Self { header, id }
    }
}

type AdditionalData = SmallVec<[u8; 48]>;

/// Without an id RFC 5246 §6.2.3.3, with epoch and number as the sequence number (RFC 6347 §4.1.2.1); with one
/// RFC 9146 §5.3.
fn additional_data(number: [u8; 8], outside: ContentType, id: &ConnectionId, len: usize) -> AdditionalData {
    let mut out = AdditionalData::new();
    let version = u16::from(ProtocolVersion::Dtls12).to_be_bytes();
    if id.is_empty() {
        out.extend_from_slice(&number);
        out.push(outside.into());
        out.extend_from_slice(&version);
    } else {
        out.extend_from_slice(&[0xff; 8]);
        out.extend_from_slice(&[outside.into(), id.len() as u8, outside.into()]);
        out.extend_from_slice(&version);
        out.extend_from_slice(&number);
        out.extend_from_slice(id.as_bytes());
    }
    out.extend_from_slice(&(len as u16).to_be_bytes());
    out
}

fn header(number: RecordNumber, content_type: ContentType, length: usize) -> RecordHeader {
    RecordHeader {
        content_type,
        version: ProtocolVersion::Dtls12,
        epoch: number.epoch as u16,
        sequence: number.sequence,
        length: length as u16,
    }
}

/// As it stands in additional data and in the nonces of GCM.
const fn explicit(number: RecordNumber) -> [u8; 8] {
    (number.epoch << 48 | number.sequence).to_be_bytes()
}

/// Which keys a record is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// None: the handshake's first part.
    Plain,
    /// Those of the handshake, in DTLS 1.3.
    Handshake,
    /// Those that the handshake agreed on: in DTLS 1.2 from `Finished` on, in DTLS 1.3 the newest for data.
    Sealed,
}

/// The writing side: record numbers and keys.
#[derive(Default)]
pub(super) struct Sender {
    plain_next: u64,
    sealing: Sealing,
    /// What the peer wants to find in sealed records.
    id: ConnectionId,
}

#[derive(Default)]
enum Sealing {
    #[default]
    Nothing,
    Dtls12 {
        keys: Keys,
        next: u64,
    },
    Dtls13(Sealers),
}

impl Sender {
    /// The connection id that sealed records carry from here on.
    pub(super) fn set_connection_id(&mut self, id: ConnectionId) {
        self.id = id;
    }

    /// The connection id that sealed records carry; empty when they carry none.
    pub(super) const fn connection_id(&self) -> &ConnectionId {
        &self.id
    }

    /// The keys of DTLS 1.2.
    pub(super) fn install(&mut self, keys: Keys) {
        self.sealing = Sealing::Dtls12 { keys, next: 0 };
    }

    /// The handshake's keys of DTLS 1.3.
    pub(super) fn install_handshake(&mut self, keys: Keys13) {
        self.sealers().install_handshake(keys);
    }

    /// The next keys for data of DTLS 1.3.
    pub(super) fn install_application(&mut self, keys: Keys13) {
        self.sealers().install_application(keys);
    }

    /// What is of DTLS 1.3; from the first call on, the version.
    pub(super) fn sealers(&mut self) -> &mut Sealers {
        if !matches!(self.sealing, Sealing::Dtls13(_)) {
            self.sealing = Sealing::Dtls13(Sealers::default());
        }
        let Sealing::Dtls13(sealers) = &mut self.sealing else { unreachable!("it was just set") };
        sealers
    }

    /// The newest keys that there are.
    pub(super) const fn epoch(&self) -> Epoch {
        match &self.sealing {
            Sealing::Nothing => Epoch::Plain,
            Sealing::Dtls12 { .. } => Epoch::Sealed,
            Sealing::Dtls13(sealers) => sealers.epoch(),
        }
    }

    /// What a record of `epoch` adds to its content.
    pub(super) fn overhead(&self, epoch: Epoch) -> usize {
        match (epoch, &self.sealing) {
            (Epoch::Plain, _) | (_, Sealing::Nothing) => RECORD_HEADER_LEN,
            (_, Sealing::Dtls12 { keys, .. }) => keys.overhead(&self.id),
            (_, Sealing::Dtls13(_)) => records13::OVERHEAD + self.id.len(),
        }
    }

    /// Leaves room for what stands before the content.
    pub(super) fn begin(&self, epoch: Epoch, out: &mut Vec<u8>) -> usize {
        let at = out.len();
        out.resize(at + self.before(epoch), 0);
        at
    }

    /// How much [`begin`](Self::begin) leaves room for.
    pub(super) fn before(&self, epoch: Epoch) -> usize {
        match (epoch, &self.sealing) {
            (Epoch::Plain, _) | (_, Sealing::Nothing) => RECORD_HEADER_LEN,
            (_, Sealing::Dtls12 { keys, .. }) => keys.before(&self.id),
            (_, Sealing::Dtls13(_)) => records13::HEADER_LEN + self.id.len(),
        }
    }

    /// Completes the record that began at `at`, and tells its number. On an error `out` is cut back to `at`.
    pub(super) fn finish(
        &mut self,
        epoch: Epoch,
        kind: ContentType,
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<RecordNumber, SealError> {
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
    ) -> Result<RecordNumber, SealError> {
        match (epoch, &mut self.sealing) {
            (Epoch::Plain, _) => {
                let number = RecordNumber { epoch: 0, sequence: take(&mut self.plain_next)? };
                let length = out.len() - at - RECORD_HEADER_LEN;
                out[at..at + RECORD_HEADER_LEN].copy_from_slice(&header(number, kind, length).to_bytes());
                Ok(number)
            }
            (Epoch::Sealed, Sealing::Dtls12 { keys, next }) => {
                match out.len().checked_sub(at + keys.before(&self.id)) {
                    Some(0..=MAX_PLAINTEXT) => {}
                    _ => return Err(SealError::TooLarge),
                }
                let number = RecordNumber { epoch: 1, sequence: take(next)? };
                keys.seal(number, (kind, &self.id), out, at).map_err(|_| SealError::TooLarge)?;
                Ok(number)
            }
            (_, Sealing::Dtls13(sealers)) => sealers.seal(epoch, (kind, &self.id), out, at),
            _ => Err(SealError::NotConnected),
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
    pub(super) fn is_exhausted(&self) -> bool {
        match &self.sealing {
            Sealing::Nothing => false,
            Sealing::Dtls12 { next, .. } => *next > MAX_SEQUENCE,
            Sealing::Dtls13(sealers) => sealers.is_exhausted(),
        }
    }

    /// Whether it is time for new keys, where they can be had.
    pub(super) fn wants_update(&self) -> bool {
        matches!(&self.sealing, Sealing::Dtls13(sealers) if sealers.wants_update())
    }
}

/// The next number. It never wraps (RFC 6347 §4.1): a nonce would repeat.
pub(super) fn take(next: &mut u64) -> Result<u64, SealError> {
    let number = *next;
    if number > MAX_SEQUENCE {
        return Err(SealError::NotConnected);
    }
    *next += 1;
    Ok(number)
}

/// The reading side of DTLS 1.2: keys and replay window.
pub(super) struct Receiver {
    keys: Keys,
    window: ReplayWindow,
}

impl Receiver {
    pub(super) fn new(keys: Keys) -> Self {
        Self { keys, window: ReplayWindow::default() }
    }

    /// Opens a record of epoch 1 in place and tells its type.
    pub(super) fn open(
        &mut self,
        front: Front<'_>,
        record: &mut BytesMut,
    ) -> Result<ContentType, DropReason> {
        let content_type = self.read(front, record)?;
        // RFC 6347 §4.1.2.6: the window moves for authentic records alone.
        self.window.mark(front.header.sequence);
        Ok(content_type)
    }

    /// As [`open`](Self::open), but the record may come once more.
    pub(super) fn read(&self, front: Front<'_>, record: &mut BytesMut) -> Result<ContentType, DropReason> {
        if front.header.version != ProtocolVersion::Dtls12 {
            return Err(DropReason::DtlsMalformed);
        }
        if !self.window.is_new(front.header.sequence) {
            return Err(DropReason::DtlsReplay);
        }
        self.keys.open(front, record)
    }
}

/// Which of the latest 128 records were seen (RFC 6347 §4.1.2.6 asks for 32, prefers 64).
#[derive(Default)]
pub(super) struct ReplayWindow {
    /// One more than the highest number seen.
    end: u64,
    /// Bit `n` stands for the number `end - 1 - n`.
    seen: u128,
}

impl ReplayWindow {
    pub(super) const fn new() -> Self {
        Self { end: 0, seen: 0 }
    }

    /// Whether nothing was seen.
    pub(super) const fn is_fresh(&self) -> bool {
        self.end == 0
    }

    /// The number that has `low` as its lowest `bits` bits and is nearest to the one that is expected next
    /// (RFC 9147 §4.2.2).
    pub(super) const fn nearest(&self, low: u64, bits: u32) -> u64 {
        let span = 1 << bits;
        let guess = (self.end & !(span - 1)) | low;
        if guess > self.end + span / 2 && guess >= span {
            guess - span
        } else if guess + span / 2 < self.end && guess + span <= MAX_SEQUENCE {
            guess + span
        } else {
            guess
        }
    }

    pub(super) const fn is_new(&self, number: u64) -> bool {
        if number >= self.end {
            return true;
        }
        let age = self.end - 1 - number;
        age < 128 && self.seen >> age & 1 == 0
    }

    pub(super) fn mark(&mut self, number: u64) {
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
