//! The handshake as both sides saw it.
//!
//! DTLS 1.2 signs and hashes every message as if it had come in one piece (RFC 6347 §4.2.6). The bytes are
//! kept, because a signature may use another hash than the cipher suite; they are freed with the handshake.

use crate::crypto::CryptoProvider;
use crate::crypto::traits::{CryptoError, HashAlgorithm};
use crate::transport::dtls::reassembly::Message;
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::handshake::Fragment;

#[derive(Default)]
pub(super) struct Transcript {
    bytes: Vec<u8>,
    /// Where the message that was received last begins.
    received_at: usize,
}

impl Transcript {
    /// Forgets everything: the first `ClientHello` and a `HelloVerifyRequest` do not count (RFC 6347 §4.2.1).
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn sent(&mut self, kind: HandshakeType, message_seq: u16, body: &[u8]) {
        Fragment { kind, message_seq, length: body.len(), offset: 0, body }.write(&mut self.bytes);
    }

    pub(super) fn received(&mut self, message: &Message) {
        self.received_at = self.bytes.len();
        self.sent(message.kind, message.seq, &message.body);
    }

    /// Everything so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Everything before the message that was received last.
    pub(super) fn before_received(&self) -> &[u8] {
        &self.bytes[..self.received_at]
    }

    pub(super) fn hash(&self, crypto: &CryptoProvider, hash: HashAlgorithm) -> Result<Vec<u8>, CryptoError> {
        crypto.hash.digest(hash, &self.bytes)
    }

    pub(super) fn hash_before_received(
        &self,
        crypto: &CryptoProvider,
        hash: HashAlgorithm,
    ) -> Result<Vec<u8>, CryptoError> {
        crypto.hash.digest(hash, self.before_received())
    }
}
