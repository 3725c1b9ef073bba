//! DTLS (RFC 6347): a handshake with mutual certificates over datagrams, and records in both directions.
//!
//! [`Connection`] is the machine. It knows nothing of addresses: which path a datagram took, and whether ICE has
//! proven that path, is settled before a datagram gets here. It knows nothing of SRTP or SCTP either: it agrees
//! on an SRTP profile, exports keying material, and carries application data as opaque records.
//!
//! The two sides are equal but for who speaks first: both present a certificate, and both compare the other's
//! with fingerprints from the session description. Until that comparison has succeeded nothing is delivered and
//! no key is exported; the type [`FingerprintVerified`](verify::FingerprintVerified) stands for it.

pub mod alert;
pub mod config;
pub mod verify;

use crate::base::drops::Drops;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::secret::Secret;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::{Config, Role};
use crate::transport::dtls::verify::FingerprintVerified;
use crate::w3c_enum;
use crate::wire::dtls::codepoints::{CipherSuite, NamedGroup, ProtocolVersion, SrtpProfile};
use crate::wire::fingerprint::Fingerprint;
use bytes::BytesMut;
use std::time::Duration;
use thiserror::Error;

w3c_enum! {
    /// `RTCDtlsTransportState`
    pub enum DtlsTransportState {
        /// Nothing was sent or received.
        New = "new",
        /// The handshake is on its way.
        Connecting = "connecting",
        /// The handshake is complete and the peer is who it should be.
        Connected = "connected",
        /// Closed by either side.
        Closed = "closed",
        /// Ended by an error.
        Failed = "failed",
    }
}

/// What happened, for the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The handshake has begun (`connecting`).
    Connecting,
    /// The handshake is complete (`connected`): records can be sent, keys exported.
    Connected(FingerprintVerified),
    /// The peer sent `close_notify` (`closed`). Not given for our own [`Connection::close`].
    Closed,
    /// The connection failed (`failed`).
    Failed(Failure),
}

/// Why keying material cannot be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// The connection is not in state `connected`.
    #[error("the connection is not connected")]
    NotConnected,
    /// The label is reserved for the handshake itself, or the length is not between 1 and 4,096.
    #[error("this label or length cannot be used")]
    BadRequest,
}

/// Why a record was not sealed. The buffer is back to where `begin_record` found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// More than 16,384 bytes were put into one record.
    #[error("a record holds at most 16,384 bytes")]
    TooLarge,
    /// The connection ended between the two calls, or this very call used up the last record number.
    #[error("the connection is not connected")]
    NotConnected,
}

/// A record that was begun in a buffer: the place of its header.
#[derive(Debug)]
#[must_use = "finish the record or cancel it"]
pub struct RecordStart {
    at: usize,
}

impl RecordStart {
    /// Gives up on the record and cuts `out` back to where it began.
    pub fn cancel(self, out: &mut Vec<u8>) {
        out.truncate(self.at);
    }
}

/// One DTLS association.
///
/// * Ask: `state`, `role`, `version`, `cipher_suite`, `group`, `srtp_profile`, `remote_certificate`, `drops`.
/// * Handle, from below: [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout).
/// * Do, from above: `set_remote_fingerprints`, `start`, `begin_record`/`finish_record`, `close`.
/// * Poll: `poll_transmit`, `poll_event`, `poll_timeout`, in any order and as late as one likes.
#[derive(Debug)]
pub struct Connection {}

#[expect(clippy::todo, unused_variables, reason = "being filled in")]
impl Connection {
    /// A connection at rest. Nothing happens until [`start`](Self::start) or the first datagram.
    #[must_use]
    pub fn new(config: Config, role: Role, rng: Rng) -> Self {
        todo!()
    }

    /// Tells what the session description says about the peer's certificate.
    ///
    /// The handshake runs up to the peer's certificate without it and goes on here. With an empty list no
    /// certificate fits. Later calls change nothing once the certificate was checked. Application data that
    /// came early is appended to `received`.
    pub fn set_remote_fingerprints(
        &mut self,
        now: Instant,
        fingerprints: Vec<Fingerprint>,
        received: &mut Vec<BytesMut>,
    ) {
        todo!()
    }

    /// Begins the handshake: a client sends its `ClientHello`, a server has nothing to do. Later calls change
    /// nothing. Call it when ICE has a path.
    pub fn start(&mut self, now: Instant) {
        todo!()
    }

    /// Tells the round-trip time of the path, which sets how long to wait for an answer.
    pub fn set_rtt(&mut self, rtt: Duration) {
        todo!()
    }

    /// Tells the largest datagram to send from now on, in bytes of UDP payload.
    pub fn set_mtu(&mut self, mtu: usize) {
        todo!()
    }

    /// Takes a datagram of one or more records. The plaintext of each record of application data is appended to
    /// `received`: it is a slice of `datagram`, decrypted in place.
    ///
    /// Only for datagrams from an address that ICE has proven. Nothing is appended unless the state is
    /// [`Connected`](DtlsTransportState::Connected) afterwards or was before.
    pub fn handle_datagram(&mut self, now: Instant, datagram: BytesMut, received: &mut Vec<BytesMut>) {
        todo!()
    }

    /// Takes note of the time. Early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Appends one datagram of handshake or alert records to `out` and returns its length.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<usize> {
        todo!()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// Begins a record of application data at the end of `out`: leaves room for its header. What the caller
    /// appends until [`finish_record`](Self::finish_record) is its content, 16,384 bytes at most. `None` unless
    /// connected.
    pub fn begin_record(&self, out: &mut Vec<u8>) -> Option<RecordStart> {
        todo!()
    }

    /// Seals everything in `out` from `start` on, in place.
    ///
    /// # Errors
    ///
    /// When there is too much in it, or the connection ended in between; `out` is then cut back to where the
    /// record began.
    pub fn finish_record(&mut self, start: RecordStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        todo!()
    }

    /// How many bytes a record adds to its content. Before a cipher suite is agreed on: the most it can be.
    #[must_use]
    pub fn record_overhead(&self) -> usize {
        todo!()
    }

    /// Keying material for another protocol (RFC 5705), `len` bytes of it.
    ///
    /// # Errors
    ///
    /// When not connected, or when the label or the length cannot be used.
    pub fn export_keying_material(
        &self,
        verified: FingerprintVerified,
        label: &[u8],
        context: Option<&[u8]>,
        len: usize,
    ) -> Result<Secret, ExportError> {
        todo!()
    }

    /// Ends the connection and tells the peer (`close_notify`). Nothing is delivered afterwards.
    pub fn close(&mut self, now: Instant) {
        todo!()
    }

    /// The state, as W3C names it.
    #[must_use]
    pub fn state(&self) -> DtlsTransportState {
        todo!()
    }

    /// Why it failed, in state `failed`.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        todo!()
    }

    /// Our side of the handshake.
    #[must_use]
    pub fn role(&self) -> Role {
        todo!()
    }

    /// The proof that the peer is who it should be, when connected.
    #[must_use]
    pub fn verified(&self) -> Option<FingerprintVerified> {
        todo!()
    }

    /// The version that was agreed on, when connected.
    #[must_use]
    pub fn version(&self) -> Option<ProtocolVersion> {
        todo!()
    }

    /// The cipher suite that was agreed on, when connected.
    #[must_use]
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        todo!()
    }

    /// The group of the key agreement, when connected.
    #[must_use]
    pub fn group(&self) -> Option<NamedGroup> {
        todo!()
    }

    /// The SRTP profile that was agreed on, when connected and when both sides use `use_srtp`.
    #[must_use]
    pub fn srtp_profile(&self) -> Option<SrtpProfile> {
        todo!()
    }

    /// The peer's certificate (DER), when connected.
    #[must_use]
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        todo!()
    }

    /// What was dropped, and why.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        todo!()
    }
}
