//! The handshake as both sides saw it.
//!
//! DTLS 1.2 signs and hashes every message as if it had come in one piece (RFC 6347 §4.2.6), DTLS 1.3 as if it
//! had come over TLS, with neither number nor fragment in its header (RFC 9147 §5.2). The bytes are kept, because
//! the version and its hash are not known from the start; they are freed with the handshake.

use crate::crypto::CryptoProvider;
use crate::crypto::traits::{CryptoError, HashAlgorithm};
use crate::transport::dtls::reassembly::Message;
use crate::wire::cursor::Reader;
use crate::wire::dtls::codepoints::HandshakeType;
use crate::wire::dtls::handshake::Fragment;

/// Bytes of a header of DTLS 1.3: type and length.
const SHORT_HEADER_LEN: usize = 4;

/// The shape of headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// As in DTLS 1.2, and until the version is known.
    #[default]
    Long,
    /// As in DTLS 1.3.
    Short,
}

#[derive(Default)]
pub(super) struct Transcript {
    form: Form,
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
        let fragment = Fragment { kind, message_seq, length: body.len(), offset: 0, body };
        self.write(&fragment);
    }

    /// The version is 1.3: gives everything so far, and what is to come, the short headers.
    pub(super) fn shorten(&mut self) {
        if self.form == Form::Short {
            return;
        }
        self.form = Form::Short;
        let long = std::mem::take(&mut self.bytes);
        let mut reader = Reader::new(&long);
        while let Ok(fragment) = Fragment::parse(&mut reader) {
            // The message received last is the last one there, if it was received at all.
            self.received_at = self.bytes.len();
            self.write(&fragment);
        }
    }

    /// A server asks for another hello: in the place of the first one stands its hash (RFC 8446 §4.4.1).
    pub(super) fn retry(&mut self, crypto: &CryptoProvider, hash: HashAlgorithm) -> Result<(), CryptoError> {
        let len = match self.bytes.first_chunk() {
            Some(&[_, a, b, c]) => SHORT_HEADER_LEN + u32::from_be_bytes([0, a, b, c]) as usize,
            None => 0,
        };
        let digest = crypto.hash.digest(hash, &self.bytes[..len])?;
        let rest = self.bytes.split_off(len);
        self.bytes.clear();
        self.sent(HandshakeType::MessageHash, 0, &digest);
        self.received_at = self.bytes.len();
        self.bytes.extend_from_slice(&rest);
        Ok(())
    }

    fn write(&mut self, fragment: &Fragment<'_>) {
        match self.form {
            Form::Long => fragment.write(&mut self.bytes),
            Form::Short => {
                self.bytes.extend_from_slice(&fragment.header()[..SHORT_HEADER_LEN]);
                self.bytes.extend_from_slice(fragment.body);
            }
        }
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

#[cfg(test)]
mod tests {
    use super::Transcript;
    use crate::crypto::CryptoProvider;
    use crate::crypto::traits::HashAlgorithm;
    use crate::transport::dtls::reassembly::Message;
    use crate::wire::dtls::codepoints::HandshakeType;

    #[test]
    fn headers_become_short_and_the_first_hello_a_hash() {
        let crypto = CryptoProvider::default();
        let mut transcript = Transcript::default();
        transcript.sent(HandshakeType::ClientHello, 0, b"hello");
        transcript.received(&Message { kind: HandshakeType::ServerHello, seq: 0, body: b"retry".to_vec() });
        assert_eq!(transcript.bytes().len(), 2 * (12 + 5));
        transcript.shorten();
        transcript.shorten();
        assert_eq!(transcript.bytes(), b"\x01\0\0\x05hello\x02\0\0\x05retry");
        assert_eq!(transcript.before_received(), b"\x01\0\0\x05hello");
        transcript.retry(&crypto, HashAlgorithm::Sha256).unwrap();
        let digest = crypto.hash.digest(HashAlgorithm::Sha256, b"\x01\0\0\x05hello").unwrap();
        assert_eq!(transcript.bytes(), [&[254, 0, 0, 32], &digest[..], b"\x02\0\0\x05retry"].concat());
        transcript.sent(HandshakeType::ClientHello, 1, b"x");
        assert!(transcript.bytes().ends_with(b"retry\x01\0\0\x01x"));
    }
}
