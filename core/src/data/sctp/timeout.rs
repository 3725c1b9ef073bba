//! What happens when time passes.

use crate::base::time::Instant;
use crate::data::sctp::event::CloseReason;
use crate::data::sctp::state::State;
use crate::data::sctp::{Association, Recovery, Spurious};
use crate::timer_keys;
use crate::wire::sctp::chunk::Chunk;
use crate::wire::sctp::param::{ParamType, Params, put_param};
use std::time::Duration;

/// How long an association has to be idle until it gives memory back.
const IDLE: Duration = Duration::from_secs(1);
/// What a probe allows for the peer's timers, where more than one packet is under way.
const PROBE_SLACK: Duration = Duration::from_millis(2);
/// How long another implementation may hold back the acknowledgement of a single packet.
const ACK_DELAY: Duration = Duration::from_millis(200);

timer_keys! {
    /// What an association waits for.
    pub(super) enum Timer {
        /// The answer to INIT or COOKIE ECHO (T1).
        Setup,
        /// An acknowledgement (T3).
        Retransmit,
        /// The time to provoke one.
        Probe,
        /// The time to send one.
        Sack,
        /// The time to send what pacing holds back.
        Pace,
        /// The answer to SHUTDOWN or SHUTDOWN ACK (T2).
        Shutdown,
        /// The answer to a RE-CONFIG request.
        Reconfig,
        /// The answer to a probe of the path's MTU, or the time to look again.
        PathMtu,
        /// The time to ask an idle peer whether it is there.
        Heartbeat,
        /// The time to give memory back.
        Shrink,
    }
}

impl Association {
    /// Does what is due at `now`. Early or repeated calls are harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock(now);
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Setup => self.on_setup_timeout(now),
                Timer::Retransmit => self.on_retransmit_timeout(now),
                Timer::Probe => self.on_probe_timeout(now),
                Timer::Sack => self.acks.demand(),
                // It goes when it is asked for.
                Timer::Pace => (),
                Timer::Shutdown => self.on_shutdown_timeout(now),
                Timer::Reconfig => self.on_reconfig_timeout(now),
                Timer::PathMtu => self.on_path_mtu_timeout(),
                Timer::Heartbeat => self.on_heartbeat_timeout(now),
                Timer::Shrink => self.shrink(),
            }
        }
    }

    /// One more time-out without an answer. Whether the association was given up for it.
    // RFC 9260 §8.1
    pub(super) fn gives_up(&mut self) -> bool {
        let exhausted = self.tries.exhausted();
        if exhausted {
            self.close_with(CloseReason::Timeout);
        }
        exhausted
    }

    // RFC 9260 §6.3.3
    fn on_retransmit_timeout(&mut self, now: Instant) {
        if self.flight.is_empty() {
            return;
        }
        self.totals.timeouts += 1;
        if self.gives_up() {
            return;
        }
        self.rtt.back_off();
        self.measure(now);
        self.suspect_black_hole();
        // While the peer has no room, what goes out are probes of its window, and their loss says nothing about the path.
        if self.peer_window > 0 {
            self.congestion.on_timeout(now, self.flight.in_flight());
            self.spurious = Spurious::default();
            self.note_pace();
        }
        self.flight.lose_all();
        self.recovery = Recovery::Timeout { exit: self.flight.next_tsn().minus(1) };
        self.forward.due = self.flight.skippable().next().is_some();
        self.timers.set(Timer::Retransmit, now + self.rtt.rto());
        self.timers.cancel(Timer::Probe);
    }

    /// Sets the timer of the probe that is sent when the end of what is under way may be lost (RFC 8985 §7 for TCP).
    pub(super) fn arm_probe(&mut self, now: Instant, single: bool) {
        let (Some(srtt), Recovery::None) = (self.rtt.srtt(), self.recovery) else { return };
        let slack = if single { ACK_DELAY } else { PROBE_SLACK };
        self.timers.set(Timer::Probe, now + srtt * 2 + slack);
    }

    fn on_probe_timeout(&mut self, now: Instant) {
        if self.recovery == Recovery::None
            && !self.flight.has_lost()
            && self.flight.lose_last(now, &self.outbox.messages)
        {
            self.recovery = Recovery::Probe;
        }
    }

    fn on_heartbeat_timeout(&mut self, now: Instant) {
        let Some(interval) = self.config.heartbeat_interval else { return };
        if self.state != State::Established {
            return;
        }
        // RFC 9260 §8.3: only an idle path needs to be asked.
        if self.flight.is_empty() {
            if self.heartbeat.is_some() && self.gives_up() {
                return;
            }
            self.ask(now);
        }
        self.timers.set(Timer::Heartbeat, now + interval + self.rtt.rto());
    }

    fn ask(&mut self, now: Instant) {
        let nonce = self.rng.secret_u64();
        self.heartbeat = Some((nonce, now));
        let mut params = Vec::new();
        put_param(&mut params, ParamType::HeartbeatInfo, &nonce.to_be_bytes());
        self.control.push_chunk(&Chunk::Heartbeat(Params::new(&params)));
    }

    /// Asks for the sake of the round trip, where nothing else measures it: what was sent twice does not, and an end that only
    /// receives has nothing else, but tunes its window by it.
    // RFC 9260 §8.3: an answer to HEARTBEAT is a measurement.
    pub(super) fn measure(&mut self, now: Instant) {
        let patience = self.rtt.rto();
        let waiting = self.heartbeat.is_some_and(|(_, asked_at)| now.saturating_since(asked_at) < patience);
        if self.rtt.srtt().is_none() && self.state == State::Established && !waiting {
            self.ask(now);
        }
    }

    /// Sets the timer that gives memory back, when nothing is left to do.
    pub(super) fn note_idle(&mut self, now: Instant) {
        if self.flight.is_empty() && self.outbox.is_empty() && self.timers.get(Timer::Shrink).is_none() {
            self.timers.set(Timer::Shrink, now + IDLE);
        }
    }

    fn shrink(&mut self) {
        self.outbox.shrink();
        self.flight.shrink();
        self.inbox.shrink();
        self.events.shrink_to_fit();
    }
}
