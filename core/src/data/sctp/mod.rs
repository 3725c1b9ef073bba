//! SCTP associations (RFC 9260 and extensions), single-homed, as they run over DTLS (RFC 8261).
//!
//! An [`Association`] takes and gives whole SCTP packets and knows messages on streams. What a message means, and what a
//! data channel is, is not its business; nor are addresses: whoever owns it sends what it gives to the one peer.
//!
//! * `handle_packet` takes a packet. Acknowledgements are decided when `poll_transmit` is called, so that a batch of
//!   packets gets one.
//! * `poll_transmit` appends one packet. Messages are cut into chunks at that moment, straight into the caller's buffer.
//! * `poll_event` yields messages. What is not taken stays charged to the receive buffer, and the peer's window closes.

pub mod config;
pub mod congestion;
pub mod event;
pub mod stream_map;

mod ack;
mod arriving;
mod cookie;
mod flight;
mod inbox;
pub(super) mod init;
mod input;
mod messages;
mod outbox;
mod output;
mod pacer;
mod packets;
mod pmtu;
mod reassembly;
mod reset;
mod rtt;
mod setup;
mod shutdown;
mod spans;
pub(super) mod state;
mod timeout;
mod tracker;

#[cfg(test)]
mod tests;

use crate::base::drops::{DropReason, Drops};
use crate::base::random::Rng;
use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::base::timers::Timers;
use crate::crypto::traits::{CryptoError, HashAlgorithm, Hmac, HmacKey};
use crate::data::sctp::ack::{Acks, Due};
use crate::data::sctp::config::{Config, Stats};
use crate::data::sctp::congestion::{Controller, controller};
use crate::data::sctp::event::{CloseReason, Event, Reliability, SendError, SendOptions};
use crate::data::sctp::flight::Flight;
use crate::data::sctp::inbox::Inbox;
use crate::data::sctp::init::first_window;
use crate::data::sctp::messages::{Limit, Message};
use crate::data::sctp::outbox::Outbox;
use crate::data::sctp::output::Control;
use crate::data::sctp::pacer::Pacer;
use crate::data::sctp::pmtu::PathMtu;
use crate::data::sctp::reset::Resets;
use crate::data::sctp::rtt::Rtt;
use crate::data::sctp::state::{Extensions, Local, Peer, State, Tries};
use crate::data::sctp::timeout::Timer;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;

/// Packets of this size are assumed until the first call of `poll_transmit` says how large they may be.
const ASSUMED_MTU: usize = 1_172;

/// One end of an association.
pub struct Association {
    config: Config,
    state: State,
    /// The latest time that was handed in: a clock that runs backwards is held here.
    now: Instant,
    rng: Rng,
    cookie_key: Box<dyn HmacKey>,
    local: Local,
    peer: Option<Peer>,
    timers: Timers<Timer, { Timer::COUNT }>,
    rtt: Rtt,
    tries: Tries,
    outbox: Outbox,
    flight: Flight,
    congestion: Box<dyn Controller>,
    pacer: Pacer,
    /// When the last acknowledgement came that left nothing under way.
    idle_since: Option<Instant>,
    spurious: Spurious,
    recovery: Recovery,
    mtu: usize,
    path_mtu: PathMtu,
    /// The window that the peer advertised last, in bytes of payload.
    peer_window: usize,
    forward: Forward,
    /// What the last HEARTBEAT asked, while it is not answered, and when.
    heartbeat: Option<(u64, Instant)>,
    inbox: Inbox,
    reading: Reading,
    acks: Acks,
    resets: Resets,
    control: Control,
    events: VecDeque<Event>,
    drops: Drops,
    totals: Totals,
}

/// Whether losses are being repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recovery {
    /// Nothing is.
    None,
    /// A probe may go out though the window is full; nothing is known to be lost.
    Probe,
    /// Acknowledgements told of a loss; until `exit` is acknowledged. One packet may go out though the window is full where
    /// `free_packet`.
    Fast { exit: Serial32, free_packet: bool },
    /// The retransmission timer fired; until `exit` is acknowledged.
    Timeout { exit: Serial32 },
}

/// What became of the chunks that the present or last episode of recovery took for lost.
#[derive(Clone, Copy, Debug, Default)]
struct Spurious {
    lost: u32,
    /// Of them, those that had arrived.
    arrived: u32,
}

/// How much has come, and how much the application has read, since a round trip began.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    begin: Instant,
    bytes: usize,
    received: usize,
}

/// FORWARD TSN: when one went out last, and whether one is due.
#[derive(Clone, Copy, Debug, Default)]
struct Forward {
    due: bool,
    sent_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    packets_sent: u64,
    packets_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
    timeouts: u64,
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("state", &self.state)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Association {
    /// An association that has not begun. `hmac` must have SHA-256; it authenticates the state cookie.
    ///
    /// # Errors
    ///
    /// Those of the provider of cryptography.
    pub fn new(config: Config, hmac: &dyn Hmac, mut rng: Rng) -> Result<Self, CryptoError> {
        let local = Local::draw(&mut rng);
        Self::with_local(config, hmac, rng, local)
    }

    /// One whose tag and first TSN have been drawn before it.
    pub(super) fn with_local(
        config: Config,
        hmac: &dyn Hmac,
        mut rng: Rng,
        local: Local,
    ) -> Result<Self, CryptoError> {
        let cookie_key = hmac.key(HashAlgorithm::Sha256, &rng.secret_bytes::<32>())?;
        let limit = first_window(&config);
        Ok(Self {
            state: State::Idle,
            now: Instant::ZERO,
            cookie_key,
            local,
            peer: None,
            timers: Timers::default(),
            rtt: Rtt::new(&config),
            tries: Tries::new(config.max_init_retransmissions),
            outbox: Outbox::default(),
            flight: Flight::new(local.initial_tsn),
            congestion: controller(config.congestion, ASSUMED_MTU),
            pacer: Pacer::default(),
            idle_since: None,
            spurious: Spurious::default(),
            recovery: Recovery::None,
            mtu: ASSUMED_MTU,
            path_mtu: PathMtu::default(),
            peer_window: 0,
            forward: Forward::default(),
            heartbeat: None,
            inbox: Inbox::new(limit, config.max_message_size),
            reading: Reading::default(),
            acks: Acks::default(),
            resets: Resets::new(local.initial_tsn),
            control: Control::default(),
            events: VecDeque::new(),
            drops: Drops::default(),
            totals: Totals::default(),
            config,
            rng,
        })
    }

    /// Uses another congestion controller. For before the association begins.
    pub fn set_controller(&mut self, controller: Box<dyn Controller>) {
        self.congestion = controller;
    }

    /// Says which port the peer has. For before the association begins.
    pub const fn set_remote_port(&mut self, port: u16) {
        self.config.remote_port = port;
    }

    /// Queues a message. It is sent when the association is up; `now` is from when a life time counts.
    ///
    /// # Errors
    ///
    /// The message is dropped in each case.
    pub fn send(
        &mut self,
        now: Instant,
        stream: u16,
        ppid: u32,
        payload: Bytes,
        options: SendOptions,
    ) -> Result<(), SendError> {
        if !self.state.takes_messages() {
            return Err(SendError::Closed);
        }
        if stream >= self.outbound_streams() {
            return Err(SendError::NoStream);
        }
        if payload.is_empty() {
            return Err(SendError::Empty);
        }
        let limit = match options.reliability {
            Reliability::Reliable => Limit::None,
            Reliability::Retransmits(max) => Limit::Retransmits(max),
            Reliability::Lifetime(time) => Limit::Until(now + time),
        };
        let message =
            Message { payload, ppid, limit, unordered: options.unordered, counted: !options.uncounted };
        if self.outbox.push(stream, message) { Ok(()) } else { Err(SendError::Resetting) }
    }

    /// What happened, oldest first. A message that is taken makes room in the receive buffer.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.next_event()?;
        if let Event::Message { data, .. } = &event {
            self.release(data.len());
        }
        Some(event)
    }

    /// Like [`poll_event`](Self::poll_event), but the message stays charged until [`release`](Self::release).
    pub(super) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A message of `len` bytes has been read.
    pub(super) const fn release(&mut self, len: usize) {
        self.inbox.release(len);
        self.reading.bytes += len;
        self.acks.note_window(self.inbox.window());
    }

    /// A message became part of a larger one that is not complete: its bytes stay charged.
    pub(super) const fn keep(&mut self) {
        self.inbox.keep();
    }

    /// So many bytes that were kept are gone.
    pub(super) const fn drop_kept(&mut self, len: usize) {
        self.inbox.drop_kept(len);
    }

    /// When `handle_timeout` wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.deadline()
    }

    /// Sets what a stream's buffered bytes have to fall to for [`Event::BufferedLow`]. Default 0.
    pub fn set_low_threshold(&mut self, stream: u16, bytes: usize) {
        if stream < self.outbound_streams() {
            self.outbox.set_threshold(stream, bytes);
        }
    }

    /// Sets a stream's share against others: 256 is the usual one.
    pub fn set_weight(&mut self, stream: u16, weight: u16) {
        if stream < self.outbound_streams() {
            self.outbox.set_weight(stream, weight);
        }
    }

    /// Bytes of messages that wait in a stream, without those sent as `uncounted`.
    #[must_use]
    pub fn buffered(&self, stream: u16) -> usize {
        self.outbox.buffered(stream)
    }

    /// Streams that we may send on.
    #[must_use]
    pub fn outbound_streams(&self) -> u16 {
        self.peer.map_or(self.config.streams, |peer| peer.outbound_streams)
    }

    /// Streams that the peer may send on.
    #[must_use]
    pub fn inbound_streams(&self) -> u16 {
        self.peer.map_or(self.config.streams, |peer| peer.inbound_streams)
    }

    /// Whether the handshake is over and the association is not.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.state.is_up()
    }

    /// Whether something is under way, waits to be sent, or waits to be acknowledged.
    pub(super) fn is_busy(&self) -> bool {
        !self.flight.is_empty() || !self.outbox.is_empty() || self.acks.due() != Due::No
    }

    /// Why it is over, if it is.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        match self.state {
            State::Closed(reason) => Some(reason),
            _ => None,
        }
    }

    /// What was refused from the network, by reason.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            srtt: self.rtt.srtt(),
            rto: self.rtt.rto(),
            cwnd: self.congestion.window(),
            ssthresh: self.congestion.threshold(),
            peer_rwnd: self.peer_window.saturating_sub(self.flight.unacked_payload()),
            local_rwnd: self.inbox.window(),
            in_flight: self.flight.in_flight(),
            unacked_chunks: self.flight.unacked_chunks(),
            queued_bytes: self.outbox.queued(),
            packets_sent: self.totals.packets_sent,
            packets_received: self.totals.packets_received,
            bytes_sent: self.totals.bytes_sent,
            bytes_received: self.totals.bytes_received,
            chunks_retransmitted: self.flight.retransmitted(),
            timeouts: self.totals.timeouts,
            messages_abandoned: self.flight.abandoned() + self.outbox.dropped(),
            interleaving: self.has_extension(Extensions::INTERLEAVING),
            zero_checksum: self.has_extension(Extensions::ZERO_CHECKSUM),
        }
    }

    /// Moves the clock on; one that runs backwards is held.
    fn clock(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn drop_for(&mut self, reason: DropReason) {
        self.drops.count(reason);
    }

    /// The association is over. Packets that are already laid out still go.
    fn close_with(&mut self, reason: CloseReason) {
        if matches!(self.state, State::Closed(_)) {
            return;
        }
        self.state = State::Closed(reason);
        self.timers.cancel_all();
        self.outbox.close();
        self.flight.restart(self.local.initial_tsn);
        self.resets = Resets::new(self.local.initial_tsn);
        self.control.clear_chunks();
        self.acks = Acks::default();
        self.events.push_back(Event::Closed(reason));
    }
}
