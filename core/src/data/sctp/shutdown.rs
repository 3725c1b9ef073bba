//! How an association ends (RFC 9260 §9).

use crate::base::drops::DropReason;
use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::data::sctp::Association;
use crate::data::sctp::event::CloseReason;
use crate::data::sctp::state::State;
use crate::data::sctp::timeout::Timer;
use crate::wire::sctp::cause::{CauseCode, Causes, put_cause};
use crate::wire::sctp::chunk::Chunk;

impl Association {
    /// Ends it once everything that was queued is acknowledged. Nothing happens when it is ending already.
    pub fn shutdown(&mut self, now: Instant) {
        let now = self.clock(now);
        match self.state {
            State::Established => {
                self.state = State::ShutdownPending;
                self.advance_shutdown(now);
            }
            State::Idle | State::CookieWait | State::CookieEchoed { .. } => self.abort(),
            _ => (),
        }
    }

    /// Ends it at once. What was not delivered is lost, and the peer gets an ABORT.
    pub fn abort(&mut self) {
        self.abort_with(CauseCode::UserAbort, CloseReason::LocalAbort);
    }

    /// Ends it without a word to the peer: there is no way to reach it any more.
    pub fn abandon_silently(&mut self) {
        self.control.clear_packets();
        self.close_with(CloseReason::LocalAbort);
    }

    /// Ends it at once for a reason that the peer is told.
    pub(super) fn abort_with(&mut self, code: CauseCode, reason: CloseReason) {
        if let (Some(peer), false) = (self.peer, matches!(self.state, State::Idle | State::Closed(_))) {
            let mut causes = Vec::new();
            put_cause(&mut causes, code, &[]);
            let abort = Chunk::Abort { reflected: false, causes: Causes::new(&causes) };
            let packet = self.packet_of(peer.tag, &abort);
            self.control.clear_packets();
            self.control.push_packet(packet);
        }
        self.close_with(reason);
    }

    /// Goes on with the end once nothing is left to be acknowledged.
    pub(super) fn advance_shutdown(&mut self, now: Instant) {
        if !self.outbox.is_empty() || !self.flight.is_empty() {
            return;
        }
        match self.state {
            State::ShutdownPending => {
                self.state = State::ShutdownSent;
                self.send_shutdown(now);
            }
            State::ShutdownReceived => {
                self.state = State::ShutdownAckSent;
                self.send_shutdown_ack(now);
            }
            _ => (),
        }
    }

    fn send_shutdown(&mut self, now: Instant) {
        self.control.push_chunk(&Chunk::Shutdown { cumulative: self.inbox.tracker.cumulative() });
        self.timers.set(Timer::Shutdown, now + self.rtt.rto());
    }

    pub(super) fn send_shutdown_ack(&mut self, now: Instant) {
        self.control.push_chunk(&Chunk::ShutdownAck);
        self.timers.set(Timer::Shutdown, now + self.rtt.rto());
    }

    pub(super) fn on_shutdown_timeout(&mut self, now: Instant) {
        if self.gives_up() {
            return;
        }
        self.rtt.back_off();
        match self.state {
            State::ShutdownSent => self.send_shutdown(now),
            State::ShutdownAckSent => self.send_shutdown_ack(now),
            _ => (),
        }
    }

    // RFC 9260 §9.2
    pub(super) fn on_shutdown(&mut self, now: Instant, cumulative: Serial32) -> Result<(), DropReason> {
        if !self.state.is_up() {
            return Err(DropReason::SctpUnexpected);
        }
        self.flight.handle_cumulative(cumulative, &mut self.outbox.messages)?;
        match self.state {
            State::Established | State::ShutdownPending => self.state = State::ShutdownReceived,
            // Both ends want to end it at the same time.
            State::ShutdownSent => {
                self.state = State::ShutdownAckSent;
                self.send_shutdown_ack(now);
            }
            _ => (),
        }
        self.advance_shutdown(now);
        Ok(())
    }

    pub(super) fn on_shutdown_ack(&mut self) -> Result<(), DropReason> {
        let (State::ShutdownSent | State::ShutdownAckSent, Some(peer)) = (&self.state, self.peer) else {
            return Err(DropReason::SctpUnexpected);
        };
        let packet = self.packet_of(peer.tag, &Chunk::ShutdownComplete { reflected: false });
        self.control.push_packet(packet);
        self.close_with(CloseReason::Shutdown);
        Ok(())
    }

    pub(super) fn on_shutdown_complete(&mut self) -> Result<(), DropReason> {
        if self.state != State::ShutdownAckSent {
            return Err(DropReason::SctpUnexpected);
        }
        self.close_with(CloseReason::Shutdown);
        Ok(())
    }

    pub(super) fn on_abort(&mut self, causes: Causes<'_>) -> Result<(), DropReason> {
        let code = causes.first_code().map(u16::from);
        self.control.clear_packets();
        self.close_with(CloseReason::PeerAbort(code));
        Ok(())
    }
}
