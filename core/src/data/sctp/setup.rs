//! How an association begins: INIT, INIT ACK, COOKIE ECHO, COOKIE ACK (RFC 9260 §5).
//!
//! Over DTLS both ends send an INIT, mostly at the same time; each then answers the other's with its own tag, and the
//! cookies meet.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::data::sctp::cookie::Cookie;
use crate::data::sctp::event::{CloseReason, Event, InitError};
use crate::data::sctp::flight::Flight;
use crate::data::sctp::init::{self, Options, put_options};
use crate::data::sctp::reset::Resets;
use crate::data::sctp::state::{Extensions, Local, Peer, State, Tries};
use crate::data::sctp::timeout::Timer;
use crate::data::sctp::{Association, Recovery};
use crate::wire::sctp::cause::{CauseCode, Causes, put_cause};
use crate::wire::sctp::chunk::{Chunk, Init};
use crate::wire::sctp::param::{ParamType, put_param};

impl Association {
    /// Begins: sends an INIT. Nothing happens when it has begun already.
    pub fn connect(&mut self, now: Instant) {
        let now = self.clock(now);
        if self.state == State::Idle {
            self.state = State::CookieWait;
            self.send_init(now);
        }
    }

    fn send_init(&mut self, now: Instant) {
        let mut params = Vec::new();
        put_options(&self.config, &mut params);
        let init = init::init(&self.config, self.local, self.inbox.window(), &params);
        // RFC 9260 §8.5.1 A: an INIT carries no tag.
        let packet = self.packet_of(0, &Chunk::Init(init));
        self.control.push_packet(packet);
        self.timers.set(Timer::Setup, now + self.rtt.setup_wait());
    }

    /// Begins without a handshake: both ends have each other's INIT chunk from the descriptions (SNAP,
    /// draft-hancke-tsvwg-snap). Nothing happens when it has begun already.
    ///
    /// # Errors
    ///
    /// [`InitError`]: the chunk is not one that an association could begin with. Nothing has changed then.
    pub fn connect_at_once(&mut self, now: Instant, peer_init: &[u8]) -> Result<(), InitError> {
        let peer = Peer::described(peer_init, &self.config)?;
        self.begin_with(now, peer);
        Ok(())
    }

    /// The same with what the peer's chunk says.
    pub(crate) fn begin_with(&mut self, now: Instant, peer: Peer) {
        let now = self.clock(now);
        if self.state == State::Idle {
            self.adopt(peer);
            self.establish(now);
        }
    }

    /// An INIT arrived: it is answered without anything being kept.
    // RFC 9260 §5.1 B, §5.2.1, §5.2.2
    pub(super) fn on_init(&mut self, now: Instant, init: &Init<'_>) -> Result<(), DropReason> {
        if init.tag == 0 {
            return Err(DropReason::SctpVerificationTag);
        }
        if init.outbound_streams == 0 || init.inbound_streams == 0 {
            let mut causes = Vec::new();
            put_cause(&mut causes, CauseCode::InvalidParameter, &[]);
            let abort = Chunk::Abort { reflected: false, causes: Causes::new(&causes) };
            let packet = self.packet_of(init.tag, &abort);
            self.control.push_packet(packet);
            return Err(DropReason::SctpMalformed);
        }
        let options = Options::read(init.params, &self.config)?;
        let existing = (self.local.tag, self.peer.map_or(0, |peer| peer.tag));
        let (local, tie_tags) = match self.state {
            // An INIT of ours that has not left need not: this one does its work.
            State::CookieWait => {
                self.control.clear_packets();
                (self.local, (0, 0))
            }
            State::CookieEchoed { .. } => (self.local, existing),
            // Perhaps the peer has lost its state. Whether it has, the cookie will show.
            State::Established | State::ShutdownPending | State::ShutdownReceived | State::ShutdownSent => {
                (Local::draw(&mut self.rng), existing)
            }
            State::ShutdownAckSent => {
                self.send_shutdown_ack(now);
                return Err(DropReason::SctpUnexpected);
            }
            State::Idle | State::Closed(_) => return Err(DropReason::SctpUnexpected),
        };
        let peer = Peer::read(init, options.extensions, &self.config);
        let cookie = Cookie { made_at: now, local, peer, tie_tags }.seal(&*self.cookie_key);
        let mut params = Vec::new();
        put_param(&mut params, ParamType::StateCookie, &cookie);
        put_options(&self.config, &mut params);
        params.extend_from_slice(&options.report);
        let answer = init::init(&self.config, local, self.inbox.window(), &params);
        let packet = self.packet_of(init.tag, &Chunk::InitAck(answer));
        if self.control.push_packet(packet) { Ok(()) } else { Err(DropReason::SctpUnexpected) }
    }

    // RFC 9260 §5.1 C, §5.2.3
    pub(super) fn on_init_ack(&mut self, now: Instant, init: &Init<'_>) -> Result<(), DropReason> {
        if self.state != State::CookieWait {
            return Err(DropReason::SctpUnexpected);
        }
        let options = Options::read(init.params, &self.config)?;
        let Some(cookie) = options.cookie else { return Err(DropReason::SctpMalformed) };
        if init.tag == 0 || init.outbound_streams == 0 || init.inbound_streams == 0 {
            self.abort_with(CauseCode::InvalidParameter, CloseReason::ProtocolViolation);
            return Err(DropReason::SctpMalformed);
        }
        let cookie = cookie.to_vec();
        self.adopt(Peer::read(init, options.extensions, &self.config));
        self.state = State::CookieEchoed { cookie, due: 1 };
        self.control.clear_packets();
        self.tries.clear();
        self.rtt.clear_backoff();
        self.timers.set(Timer::Setup, now + self.rtt.setup_wait());
        Ok(())
    }

    /// Takes over what the peer said of itself.
    fn adopt(&mut self, peer: Peer) {
        let interleave = peer.extensions.has(Extensions::INTERLEAVING);
        self.inbox.begin(peer.initial_tsn, peer.inbound_streams, interleave);
        self.outbox.set_extensions(interleave, peer.extensions.has(Extensions::PARTIAL_RELIABILITY));
        self.flight.set_interleave(interleave);
        // What was queued for streams that the peer does not have cannot be sent.
        (peer.outbound_streams..self.config.streams).for_each(|stream| self.outbox.drop_stream(stream));
        self.resets.begin(peer.initial_tsn);
        self.peer_window = peer.window as usize;
        self.peer = Some(peer);
    }

    // RFC 9260 §5.2.4
    pub(super) fn on_cookie_echo(&mut self, now: Instant, tag: u32, bytes: &[u8]) -> Result<(), DropReason> {
        let cookie = Cookie::open(bytes, &*self.cookie_key).ok_or(DropReason::SctpCookie)?;
        if tag != cookie.local.tag {
            return Err(DropReason::SctpVerificationTag);
        }
        let same_local = cookie.local.tag == self.local.tag;
        let same_peer = self.peer.is_some_and(|peer| peer.tag == cookie.peer.tag);
        let age = now.saturating_since(cookie.made_at);
        if age > self.config.cookie_lifetime && !(same_local && same_peer) {
            let staleness =
                u32::try_from((age - self.config.cookie_lifetime).as_micros()).unwrap_or(u32::MAX);
            let mut causes = Vec::new();
            put_cause(&mut causes, CauseCode::StaleCookie, &staleness.to_be_bytes());
            let packet = self.packet_of(cookie.peer.tag, &Chunk::Error(Causes::new(&causes)));
            self.control.push_packet(packet);
            return Err(DropReason::SctpCookie);
        }
        let beginning = matches!(self.state, State::CookieWait | State::CookieEchoed { .. });
        match (same_local, same_peer) {
            // D: the cookies of both ends have met, or the COOKIE ACK was lost.
            (true, true) if beginning => self.establish(now),
            // What went with the lost COOKIE ACK, or after it, was discarded.
            (true, true) if self.rtt.srtt().is_none() => self.flight.lose_all(),
            (true, true) => (),
            // B: the peer's INIT crossed ours, and its answer to ours is still under way or lost.
            (true, false) if beginning => {
                self.adopt(cookie.peer);
                self.establish(now);
            }
            // A: the peer has lost its state and begins anew.
            (false, false) if self.is_restart(&cookie) => self.restart(now, &cookie),
            // C and everything else: late, or made up.
            _ => return Err(DropReason::SctpCookie),
        }
        self.control.push_chunk(&Chunk::CookieAck);
        Ok(())
    }

    fn is_restart(&self, cookie: &Cookie) -> bool {
        let tags = (self.local.tag, self.peer.map_or(0, |peer| peer.tag));
        self.state.is_up() && self.state != State::ShutdownAckSent && cookie.tie_tags == tags && tags.1 != 0
    }

    fn restart(&mut self, now: Instant, cookie: &Cookie) {
        self.local = cookie.local;
        self.outbox.clear();
        self.flight = Flight::new(cookie.local.initial_tsn);
        self.resets = Resets::new(cookie.local.initial_tsn);
        self.recovery = Recovery::None;
        self.forward.due = false;
        self.heartbeat = None;
        self.control.clear_chunks();
        self.timers.cancel_all();
        self.adopt(cookie.peer);
        self.state = State::Established;
        self.begin_established(now);
        self.events.push_back(Event::Restarted);
    }

    pub(super) fn on_cookie_ack(&mut self, now: Instant) -> Result<(), DropReason> {
        match self.state {
            State::CookieEchoed { .. } => self.establish(now),
            // The peer's cookie came first, or the answer comes twice: nothing wrong with either.
            ref state if state.is_up() => (),
            _ => return Err(DropReason::SctpUnexpected),
        }
        Ok(())
    }

    fn establish(&mut self, now: Instant) {
        self.state = State::Established;
        // An INIT of ours that waits to be repeated has done its work.
        self.control.clear_packets();
        self.begin_established(now);
        self.events.push_back(Event::Connected);
    }

    fn begin_established(&mut self, now: Instant) {
        self.timers.cancel(Timer::Setup);
        self.tries = Tries::new(self.config.max_retransmissions);
        self.rtt.clear_backoff();
        if !self.flight.is_empty() {
            self.timers.set(Timer::Retransmit, now + self.rtt.rto());
        }
        if let Some(interval) = self.config.heartbeat_interval {
            self.timers.set(Timer::Heartbeat, now + interval + self.rtt.rto());
        }
    }

    /// The peer says that our cookie was too old: begin again.
    // RFC 9260 §5.2.6
    pub(super) fn on_stale_cookie(&mut self, now: Instant) {
        if matches!(self.state, State::CookieEchoed { .. }) && !self.gives_up() {
            self.state = State::CookieWait;
            self.peer = None;
            self.flight.lose_all();
            self.send_init(now);
        }
    }

    // RFC 9260 §5.1: T1
    pub(super) fn on_setup_timeout(&mut self, now: Instant) {
        if self.gives_up() {
            return;
        }
        self.rtt.back_off();
        match &mut self.state {
            State::CookieWait => {
                // Twice: what lost one may lose another, and both are small (RFC 9002 §6.2.4 has QUIC do the same).
                self.send_init(now);
                self.send_init(now);
            }
            State::CookieEchoed { due, .. } => {
                *due = 2;
                self.flight.lose_all();
                self.timers.set(Timer::Setup, now + self.rtt.setup_wait());
            }
            _ => (),
        }
    }
}
