//! The record layer of DTLS 1.3 (RFC 9147 §4): the unified header, hidden record numbers, keys by epoch.

use crate::base::drops::DropReason;
use crate::crypto::secret::Secret;
use crate::crypto::traits::{AeadAlgorithm, AeadKey, CryptoError, MaskKey, NONCE_LEN, SAMPLE_LEN, TAG_LEN};
use crate::transport::dtls::SealError;
use crate::transport::dtls::records::{Epoch, ReplayWindow, take, unpad};
use crate::wire::dtls::alert::RecordNumber;
use crate::wire::dtls::codepoints::ContentType;
use crate::wire::dtls::connection_id::{ConnectionId, USUAL_ID_LEN};
use crate::wire::dtls::record::{MAX_PLAINTEXT, MAX_SEQUENCE};
use crate::wire::dtls::unified::{SequenceBits, UnifiedHeader};
use bytes::{Buf as _, BytesMut};

/// Bytes of the header that we write, a connection id aside: sixteen bits of the number, and the length, so that
/// records may stand one behind the other.
pub(super) const HEADER_LEN: usize = 5;
/// What a record adds to its content, a connection id aside: header, content type, tag.
pub(super) const OVERHEAD: usize = HEADER_LEN + 1 + TAG_LEN;

/// The epoch of the handshake's keys, and the first one of application data (RFC 9147 §6.1).
const HANDSHAKE: u64 = 2;
const APPLICATION: u64 = 3;

/// RFC 9147 §4.5.3: how many records may be protected with one key of AES-GCM, 2^24.5.
const MOST_GCM: u64 = 23_726_566;
/// When new keys are asked for: soon enough to get them before the old ones are used up.
const UPDATE_AT: u64 = 1 << 23;
/// RFC 9147 §4.5.3: how many records may fail to open with one key.
const MOST_FORGED: u64 = 1 << 36;

/// The keys of one direction and epoch, expanded once.
pub(super) struct Keys13 {
    aead: Box<dyn AeadKey>,
    mask: Box<dyn MaskKey>,
    iv: [u8; NONCE_LEN],
    /// Records that may be protected with them.
    most: u64,
}

impl Keys13 {
    pub(super) fn new(
        algorithm: AeadAlgorithm,
        aead: Box<dyn AeadKey>,
        mask: Box<dyn MaskKey>,
        iv: &Secret,
    ) -> Self {
        let most = match algorithm {
            AeadAlgorithm::Aes128Gcm | AeadAlgorithm::Aes256Gcm => MOST_GCM,
            AeadAlgorithm::ChaCha20Poly1305 => MAX_SEQUENCE,
        };
        Self { aead, mask, iv: std::array::from_fn(|at| iv.as_bytes()[at]), most }
    }

    /// RFC 8446 §5.3. The number is without the epoch (RFC 9147 §4), and never repeats under one key.
    fn nonce(&self, sequence: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.iv;
        nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(n, s)| *n ^= s);
        nonce
    }

    /// Hides or shows the bits of the number (RFC 9147 §4.2.3). `false` when there is too little ciphertext.
    fn mask_number(&self, bits: &mut [u8], ciphertext: &[u8]) -> bool {
        let Some(sample) = ciphertext.first_chunk::<SAMPLE_LEN>() else { return false };
        let mask = self.mask.mask(sample);
        bits.iter_mut().zip(mask).for_each(|(b, m)| *b ^= m);
        true
    }
}

/// Keys to write with.
struct Sealer {
    keys: Keys13,
    epoch: u64,
    next: u64,
}

impl Sealer {
    /// Seals `out[at..]`, which begins with room for the header.
    fn seal(
        &mut self,
        (kind, id): (ContentType, &ConnectionId),
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<RecordNumber, SealError> {
        let content = at + HEADER_LEN + id.len();
        match out.len().checked_sub(content) {
            Some(0..=MAX_PLAINTEXT) => {}
            _ => return Err(SealError::TooLarge),
        }
        if self.next >= self.keys.most {
            return Err(SealError::NotConnected);
        }
        let number = RecordNumber { epoch: self.epoch, sequence: take(&mut self.next)? };
        // RFC 9147 §4: the content's type stands behind it, encrypted.
        out.push(kind.into());
        let length = (out.len() - content + TAG_LEN) as u16;
        put_header(number, id, length, &mut out[at..content]);
        let (front, plaintext) = out.split_at_mut(content);
        let tag = self.keys.aead.seal(self.keys.nonce(number.sequence), &front[at..], plaintext);
        out.extend_from_slice(&tag.map_err(|_| SealError::TooLarge)?);
        let (front, ciphertext) = out.split_at_mut(content);
        self.keys.mask_number(&mut front[content - 4..content - 2], ciphertext);
        Ok(number)
    }
}

/// `001CSLEE`: a connection id if there is one, sixteen bits, a length.
fn put_header(number: RecordNumber, id: &ConnectionId, length: u16, out: &mut [u8]) {
    let has_id = if id.is_empty() { 0 } else { 0b1_0000 };
    let [.., s0, s1] = number.sequence.to_be_bytes();
    let [l0, l1] = length.to_be_bytes();
    out[0] = 0b0010_1100 | has_id | (number.epoch as u8 & 0b11);
    out[1..=id.len()].copy_from_slice(id.as_bytes());
    out[1 + id.len()..].copy_from_slice(&[s0, s1, l0, l1]);
}

/// The writing side.
#[derive(Default)]
pub(super) struct Sealers {
    handshake: Option<Sealer>,
    application: Option<Sealer>,
}

impl Sealers {
    pub(super) fn install_handshake(&mut self, keys: Keys13) {
        self.handshake = Some(Sealer { keys, epoch: HANDSHAKE, next: 0 });
    }

    /// Keys for application data: the first, or those after a `KeyUpdate`.
    pub(super) fn install_application(&mut self, keys: Keys13) {
        let epoch = self.application.as_ref().map_or(APPLICATION, |old| old.epoch + 1);
        self.application = Some(Sealer { keys, epoch, next: 0 });
    }

    /// Nothing more will be sent, or sent again, under the handshake's keys.
    pub(super) fn end_handshake(&mut self) {
        self.handshake = None;
    }

    pub(super) const fn epoch(&self) -> Epoch {
        match self {
            Self { application: Some(_), .. } => Epoch::Sealed,
            Self { handshake: Some(_), .. } => Epoch::Handshake,
            _ => Epoch::Plain,
        }
    }

    pub(super) fn seal(
        &mut self,
        epoch: Epoch,
        kind: (ContentType, &ConnectionId),
        out: &mut Vec<u8>,
        at: usize,
    ) -> Result<RecordNumber, SealError> {
        let sealer = match epoch {
            Epoch::Handshake => self.handshake.as_mut(),
            _ => self.application.as_mut(),
        };
        sealer.ok_or(SealError::NotConnected)?.seal(kind, out, at)
    }

    /// Whether it is time for a `KeyUpdate`.
    pub(super) fn wants_update(&self) -> bool {
        self.application.as_ref().is_some_and(|sealer| sealer.next >= UPDATE_AT)
    }

    /// Whether the keys are used up, and new ones did not come in time.
    pub(super) fn is_exhausted(&self) -> bool {
        self.application.as_ref().is_some_and(|sealer| sealer.next >= sealer.keys.most)
    }

    #[cfg(test)]
    pub(super) fn skip_to(&mut self, next: u64) {
        if let Some(sealer) = &mut self.application {
            sealer.next = next;
        }
    }
}

/// Keys to read with.
struct Opener {
    keys: Keys13,
    epoch: u64,
    window: ReplayWindow,
    forged: u64,
}

impl Opener {
    const fn new(keys: Keys13, epoch: u64) -> Self {
        Self { keys, epoch, window: ReplayWindow::new(), forged: 0 }
    }

    fn open(&mut self, header: &UnifiedHeader, record: &mut BytesMut) -> Result<Opened13, DropReason> {
        let (mut front, len) = front_of(header, record)?;
        record.advance(len);
        if record.len() > MAX_PLAINTEXT + 256 || self.forged >= MOST_FORGED {
            return Err(DropReason::DtlsMalformed);
        }
        let bits = match header.sequence {
            SequenceBits::Eight(_) => 1,
            SequenceBits::Sixteen(_) => 2,
        };
        // RFC 9147 §4.2.3: a record too short for a sample is as one that does not open.
        let at = 1 + header.connection_id.as_ref().map_or(0, ConnectionId::len);
        if !self.keys.mask_number(&mut front[at..at + bits], record) {
            return Err(DropReason::DtlsAuthentication);
        }
        let low = front[at..at + bits].iter().fold(0, |n, &b| n << 8 | u64::from(b));
        let sequence = self.window.nearest(low, 8 * bits as u32);
        if !self.window.is_new(sequence) {
            return Err(DropReason::DtlsReplay);
        }
        let opened = self.keys.aead.open(self.keys.nonce(sequence), &front[..len], record);
        let len = opened.map_err(|_: CryptoError| {
            self.forged += 1;
            DropReason::DtlsAuthentication
        })?;
        // RFC 9147 §4.5.1: the window moves for authentic records alone.
        self.window.mark(sequence);
        record.truncate(len);
        let content_type = unpad(record)?;
        let epoch = if self.epoch == HANDSHAKE { Epoch::Handshake } else { Epoch::Sealed };
        Ok(Opened13 { content_type, epoch, number: RecordNumber { epoch: self.epoch, sequence } })
    }
}

/// A header and the longest of our ids.
const MOST_FRONT: usize = HEADER_LEN + USUAL_ID_LEN;

/// The header's bytes as they came, and how many there are.
fn front_of(header: &UnifiedHeader, record: &BytesMut) -> Result<([u8; MOST_FRONT], usize), DropReason> {
    let len = header.wire_len();
    let mut front = [0; MOST_FRONT];
    let bytes = record.get(..len).ok_or(DropReason::DtlsMalformed)?;
    front.get_mut(..len).ok_or(DropReason::DtlsMalformed)?.copy_from_slice(bytes);
    Ok((front, len))
}

/// What an authentic record was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened13 {
    pub content_type: ContentType,
    pub epoch: Epoch,
    pub number: RecordNumber,
}

/// The reading side.
#[derive(Default)]
pub(super) struct Openers {
    handshake: Option<Box<Opener>>,
    /// The keys before the latest `KeyUpdate`, for records that were overtaken.
    previous: Option<Box<Opener>>,
    current: Option<Opener>,
}

impl Openers {
    pub(super) fn install_handshake(&mut self, keys: Keys13) {
        self.handshake = Some(Box::new(Opener::new(keys, HANDSHAKE)));
    }

    /// Keys for application data: the first, or those after a `KeyUpdate`.
    pub(super) fn install_application(&mut self, keys: Keys13) {
        let epoch = self.current.as_ref().map_or(APPLICATION, |old| old.epoch + 1);
        self.previous = self.current.replace(Opener::new(keys, epoch)).map(Box::new);
        // The handshake's keys end before an epoch comes whose two bits are theirs.
        if epoch > APPLICATION + 1 {
            self.handshake = None;
        }
    }

    /// Nothing that matters can come under the handshake's keys any more.
    pub(super) fn end_handshake(&mut self) {
        self.handshake = None;
    }

    /// Opens a whole record in place; what remains of `record` is its content.
    ///
    /// RFC 9147 §4.2.2: of the epochs that the two bits may mean, the latest is taken.
    pub(super) fn open(
        &mut self,
        header: &UnifiedHeader,
        record: &mut BytesMut,
    ) -> Result<Opened13, DropReason> {
        let openers = [self.current.as_mut(), self.previous.as_deref_mut(), self.handshake.as_deref_mut()];
        let fits = |opener: &&mut Opener| opener.epoch as u8 & 0b11 == header.epoch_bits;
        let opener = openers.into_iter().flatten().find(fits);
        opener.ok_or(DropReason::DtlsUnknownEpoch)?.open(header, record)
    }

    /// Whether keys for the record are there.
    pub(super) fn has_keys(&self, header: &UnifiedHeader) -> bool {
        let openers = [self.current.as_ref(), self.previous.as_deref(), self.handshake.as_deref()];
        openers.into_iter().flatten().any(|opener| opener.epoch as u8 & 0b11 == header.epoch_bits)
    }

    /// Whether there are any keys.
    pub(super) const fn has_handshake(&self) -> bool {
        self.handshake.is_some()
    }

    /// Whether any record of the handshake was authentic.
    pub(super) fn has_opened(&self) -> bool {
        self.handshake.as_ref().is_some_and(|opener| !opener.window.is_fresh())
    }
}

#[cfg(test)]
mod tests;
