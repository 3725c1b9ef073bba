//! DTLS 1.3 (RFC 9147) and 1.2 (RFC 6347): a handshake with mutual certificates over datagrams, and records in both directions.
//!
//! [`Connection`] is the machine. It knows nothing of addresses: which path a datagram took, and whether ICE has
//! proven that path, is settled before a datagram gets here. It knows nothing of SRTP or SCTP either: it agrees
//! on an SRTP profile, exports keying material, and carries application data as opaque records.
//!
//! The two sides are equal but for who speaks first: both present a certificate, and both compare the other's
//! with fingerprints from the session description. Until that comparison has succeeded nothing is delivered and
//! no key is exported; the type [`FingerprintVerified`] stands for it.

pub mod alert;
pub mod config;
pub mod export;
pub mod verify;

mod acks;
mod client;
mod client12;
mod client13;
mod common12;
mod common13;
mod early;
mod established;
mod flight;
mod handshake;
mod ids;
mod inbound;
mod opening;
mod ranges;
mod reassembly;
mod records;
mod records13;
mod schedule12;
mod schedule13;
mod server;
mod server12;
mod server13;
mod session13;
mod suite;
mod transcript;

#[cfg(test)]
mod tests;

use crate::base::drops::Drops;
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::base::timers::Timers;
use crate::timer_keys;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::{Config, Retransmit, Role};
use crate::transport::dtls::established::Established;
use crate::transport::dtls::handshake::Handshake;
use crate::transport::dtls::records::Epoch;
use crate::transport::dtls::verify::FingerprintVerified;
use crate::w3c_enum;
use crate::wire::dtls::alert::Alert;
use crate::wire::dtls::codepoints::{
    AlertDescription, AlertLevel, CipherSuite, ContentType, NamedGroup, ProtocolVersion, SrtpProfile,
};
use crate::wire::dtls::connection_id::ConnectionId;
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

/// Why a record was not sealed. The buffer is back to where `begin_record` found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// More than 16,384 bytes were put into one record.
    #[error("a record holds at most 16,384 bytes")]
    TooLarge,
    /// The connection ended between the two calls, or has used up its record numbers.
    #[error("the connection is not connected")]
    NotConnected,
}

/// A record that was begun in a buffer: the place of its header.
#[derive(Debug)]
#[must_use = "finish the record or cancel it"]
pub struct RecordStart {
    at: usize,
    /// Where its content begins.
    content: usize,
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
/// * Do, from above: `set_remote_fingerprints`, `start`, `begin_record`/`finish_record`,
///   `export_keying_material`, `export_srtp_keys`, `close`.
/// * Poll: `poll_transmit`, `poll_event`, `poll_timeout`, in any order and as late as one likes.
pub struct Connection {
    role: Role,
    /// How long the connection ids are that we ask for.
    id_len: usize,
    mtu: usize,
    retransmit: Retransmit,
    state: State,
    timers: Timers<Timer, { Timer::COUNT }>,
    events: Queue<Event>,
    /// Alerts, ready to be sent.
    outbox: Queue<Vec<u8>>,
    drops: Drops,
}

enum State {
    /// From rest to `Finished`.
    Handshaking(Box<Handshake>),
    Connected(Box<Established>),
    Closed,
    Failed(Failure),
}

timer_keys! {
    enum Timer {
        /// The flight was not answered.
        Retransmit,
        /// What arrived of the peer's flight is to be acknowledged.
        Acknowledge,
    }
}

/// The smallest datagram that a flight can be cut to.
const LEAST_MTU: usize = 64;

/// What a record adds at most: header, explicit nonce, tag.
const MOST_OVERHEAD: usize = 37;

impl Connection {
    /// A connection at rest. Nothing happens until [`start`](Self::start) or the first datagram.
    #[must_use]
    pub fn new(config: Config, role: Role, rng: Rng) -> Self {
        let mtu = config.mtu.max(LEAST_MTU);
        let retransmit = config.retransmit;
        let handshake = Handshake::new(config, role, rng);
        Self {
            role,
            id_len: handshake.cx.ids.our_len(),
            mtu,
            retransmit,
            state: State::Handshaking(Box::new(handshake)),
            timers: Timers::default(),
            events: Queue::default(),
            outbox: Queue::default(),
            drops: Drops::default(),
        }
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
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.cx.fingerprints = Some(fingerprints);
            self.advance(now, received);
        }
    }

    /// Begins the handshake: a client sends its `ClientHello`, a server has nothing to do. Later calls change
    /// nothing. Call it when ICE has a path.
    pub fn start(&mut self, _now: Instant) {
        let State::Handshaking(handshake) = &mut self.state else { return };
        let was_idle = handshake.is_idle();
        match handshake.start() {
            Ok(()) if was_idle && !handshake.is_idle() => self.events.push(Event::Connecting),
            Ok(()) => {}
            Err(failure) => self.fail(failure),
        }
    }

    /// Tells the round-trip time of the path, which sets how long to wait for an answer.
    pub fn set_rtt(&mut self, rtt: Duration) {
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.cx.set_rtt(rtt);
        }
    }

    /// Tells that the path has lost something, or what is as likely on it: where the configuration has flights repeated
    /// [two times at once](config::Retransmit::twice), they begin so.
    pub fn note_loss(&mut self) {
        if let State::Handshaking(handshake) = &mut self.state {
            handshake.cx.note_loss();
        }
    }

    /// Tells the largest datagram to send from now on, in bytes of UDP payload.
    pub fn set_mtu(&mut self, mtu: usize) {
        self.mtu = mtu.max(LEAST_MTU);
    }

    /// Takes note of the time. Early and repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(timer) = self.timers.pop_due(now) {
            match (timer, &mut self.state) {
                (Timer::Retransmit, State::Handshaking(handshake)) => {
                    handshake.cx.flight.time_out(self.retransmit.cap);
                    handshake.cx.note_loss();
                }
                (Timer::Retransmit, State::Connected(established)) => {
                    established.time_out(self.retransmit.cap);
                }
                // It goes out when a datagram is asked for.
                (Timer::Acknowledge, _) | (Timer::Retransmit, _) => {}
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.deadline()
    }

    /// Appends one datagram of handshake or alert records to `out` and returns its length.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<usize> {
        let sent = match &mut self.state {
            State::Handshaking(handshake) => {
                let cx = &mut handshake.cx;
                let sent = cx.flight.poll_transmit(now, self.mtu, &mut cx.sender, out);
                sent.or_else(|| cx.acks.poll_transmit(now, self.mtu, &mut cx.sender, out))
            }
            State::Connected(established) => established.poll_transmit(now, self.mtu, out),
            State::Closed | State::Failed(_) => None,
        };
        self.arm();
        sent.or_else(|| {
            let datagram = self.outbox.pop()?;
            out.extend_from_slice(&datagram);
            Some(datagram.len())
        })
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Begins a record of application data at the end of `out`: leaves room for its header. What the caller
    /// appends until [`finish_record`](Self::finish_record) is its content, 16,384 bytes at most. `None` unless
    /// connected.
    pub fn begin_record(&self, out: &mut Vec<u8>) -> Option<RecordStart> {
        let at = self.established()?.sender.begin(Epoch::Sealed, out);
        Some(RecordStart { at, content: out.len() })
    }

    /// Seals everything in `out` from `start` on, in place.
    ///
    /// # Errors
    ///
    /// When there is too much in it, or the connection ended in between; `out` is then cut back to where the
    /// record began.
    pub fn finish_record(&mut self, start: RecordStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        let State::Connected(established) = &mut self.state else {
            start.cancel(out);
            return Err(SealError::NotConnected);
        };
        let room = established.sender.before(Epoch::Sealed);
        // The peer has asked for another connection id in between, of another length.
        if start.content != start.at + room {
            out.splice(start.at..start.content, std::iter::repeat_n(0, room));
        }
        let sealed = established.sender.finish(Epoch::Sealed, ContentType::ApplicationData, out, start.at);
        let renewed = established.renew();
        if established.sender.is_exhausted() {
            self.fail(Failure::Exhausted);
        } else if let Err(failure) = renewed {
            self.fail(failure);
        }
        sealed.map(|_| ())
    }

    /// How many bytes the acknowledgement has that is due, if one is (1.3 alone): it may leave in one datagram with data.
    #[must_use]
    pub fn owed_ack(&self, now: Instant) -> Option<usize> {
        self.established()?.owed_ack(now)
    }

    /// Appends the acknowledgement that is due, behind a record of the same datagram.
    pub fn append_ack(&mut self, now: Instant, out: &mut Vec<u8>) {
        if let State::Connected(established) = &mut self.state {
            established.write_ack(now, self.mtu, out);
            self.arm();
        }
    }

    /// Tells that records take another path from now on. Where the peer gave us a connection id to spare (1.3
    /// alone), they carry that one, so that who sees both paths cannot tell that they are of one connection.
    pub fn change_path(&mut self) {
        let State::Connected(established) = &mut self.state else { return };
        if let Err(failure) = established.change_id() {
            self.fail(failure);
        }
        self.arm();
    }

    /// Asks the peer to put a new connection id on its records at once. `false` where it cannot be asked: unless
    /// connected with 1.3, and with ids of ours.
    pub fn renew_connection_id(&mut self) -> bool {
        let State::Connected(established) = &mut self.state else { return false };
        let renewed = established.renew_id();
        let asked = renewed.unwrap_or_else(|failure| {
            self.fail(failure);
            false
        });
        self.arm();
        asked
    }

    /// The connection ids that the peer may put on its records, when connected: the one that it uses is among them.
    #[must_use]
    pub fn local_connection_ids(&self) -> &[ConnectionId] {
        self.established().map_or(&[], |e| e.ids.ours())
    }

    /// The connection id that our records carry, when connected; empty when they carry none.
    #[must_use]
    pub fn remote_connection_id(&self) -> Option<&ConnectionId> {
        self.established().map(|e| e.sender.connection_id())
    }

    /// How many bytes a record adds to its content. Before a cipher suite is agreed on: the most it can be, a
    /// connection id aside.
    #[must_use]
    pub fn record_overhead(&self) -> usize {
        self.established().map_or(MOST_OVERHEAD, |e| e.sender.overhead(Epoch::Sealed))
    }

    /// Ends the connection and tells the peer (`close_notify`). Nothing is delivered afterwards.
    pub fn close(&mut self, _now: Instant) {
        self.end(
            State::Closed,
            Some(Alert { level: AlertLevel::Warning, description: AlertDescription::CloseNotify }),
        );
    }

    /// The state, as W3C names it.
    #[must_use]
    pub fn state(&self) -> DtlsTransportState {
        match &self.state {
            State::Handshaking(handshake) if handshake.is_idle() => DtlsTransportState::New,
            State::Handshaking(_) => DtlsTransportState::Connecting,
            State::Connected(_) => DtlsTransportState::Connected,
            State::Closed => DtlsTransportState::Closed,
            State::Failed(_) => DtlsTransportState::Failed,
        }
    }

    /// Why it failed, in state `failed`.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        match self.state {
            State::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// Our side of the handshake.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The proof that the peer is who it should be, when connected.
    #[must_use]
    pub fn verified(&self) -> Option<FingerprintVerified> {
        self.established().map(|e| e.agreed.verified)
    }

    /// The version that was agreed on, when connected.
    #[must_use]
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.established().map(|e| e.agreed.version())
    }

    /// The cipher suite that was agreed on, when connected.
    #[must_use]
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        self.established().map(|e| e.agreed.suite())
    }

    /// The group of the key agreement, when connected.
    #[must_use]
    pub fn group(&self) -> Option<NamedGroup> {
        self.established().map(|e| e.agreed.group)
    }

    /// The SRTP profile that was agreed on, when connected and when both sides use `use_srtp`.
    #[must_use]
    pub fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.established()?.agreed.srtp_profile
    }

    /// The peer's certificate (DER), when connected.
    #[must_use]
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        self.established().map(|e| &e.agreed.certificate[..])
    }

    /// What was dropped, and why.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        &self.drops
    }

    fn established(&self) -> Option<&Established> {
        match &self.state {
            State::Connected(established) => Some(established),
            _ => None,
        }
    }

    /// Sets the timer for the flight of the moment. It rests while we wait for the fingerprints: the peer has
    /// answered, it is we who do not go on.
    fn arm(&mut self) {
        let (repeat, acknowledge) = match &self.state {
            State::Handshaking(h) => {
                let repeat = (!h.is_waiting_for_fingerprints()).then(|| h.cx.flight.deadline());
                (repeat.flatten(), h.cx.acks.deadline())
            }
            State::Connected(established) => established.deadlines(),
            State::Closed | State::Failed(_) => (None, None),
        };
        for (timer, deadline) in [(Timer::Retransmit, repeat), (Timer::Acknowledge, acknowledge)] {
            match deadline {
                Some(at) => self.timers.set(timer, at),
                None => self.timers.cancel(timer),
            }
        }
    }

    /// A fatal error becomes the state.
    fn fail(&mut self, failure: Failure) {
        let alert = failure.alert().map(|description| Alert { level: AlertLevel::Fatal, description });
        if self.end(State::Failed(failure), alert) {
            self.events.push(Event::Failed(failure));
        }
    }

    /// Ends the connection with a last word to the peer, unless it has ended before.
    fn end(&mut self, state: State, alert: Option<Alert>) -> bool {
        let sender = match &mut self.state {
            State::Handshaking(handshake) => handshake.has_begun().then_some(&mut handshake.cx.sender),
            State::Connected(established) => Some(&mut established.sender),
            State::Closed | State::Failed(_) => return false,
        };
        if let (Some(sender), Some(alert)) = (sender, alert)
            && let Some(datagram) = sender.alert(alert)
        {
            self.outbox.push(datagram);
        }
        self.state = state;
        self.timers.cancel_all();
        true
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("role", &self.role)
            .field("state", &self.state())
            .field("cipher_suite", &self.cipher_suite())
            .finish_non_exhaustive()
    }
}
