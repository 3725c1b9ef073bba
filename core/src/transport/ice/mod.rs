//! Interactive connectivity establishment: finds a path to the peer and watches over it (RFC 8445, RFC 8838,
//! RFC 8863, RFC 7675, RFC 8421).
//!
//! It is a full agent for one component of one transport. It is not a gatherer: it is told its addresses, and
//! talks to no STUN or TURN server; and it never looks at anything but STUN.

mod config;
mod state;
mod token;

pub use self::config::Config;
pub use self::state::{IceRole, IceTransportState};
pub use self::token::{ConsentGranted, ValidatedPath};

use crate::base::drops::Drops;
use crate::base::net::{LocalAddress, Path, Transmit};
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::traits::Hmac;
use crate::wire::candidate::{Candidate, Credentials};
use std::time::Duration;

/// What an agent has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// [`Agent::selected`] names another pair than before. Comes before the state change that it causes.
    SelectedPairChange,
    /// The state, after the change.
    StateChange(IceTransportState),
    /// Where [`Agent::send_path`] points now: set for the first time with the first valid pair, which is when
    /// DTLS may start; `None` when consent was lost.
    SendPathChange(Option<Path>),
    /// A role conflict was resolved by taking this role (RFC 8445 §7.3.1.1).
    RoleChange(IceRole),
}

/// The pair in use, as W3C's `RTCIceTransport.getSelectedCandidatePair()` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPair {
    /// Our candidate.
    pub local: Candidate,
    /// The peer's candidate.
    pub remote: Candidate,
    /// The five-tuple.
    pub path: Path,
    /// The smoothed round-trip time of the checks on it.
    pub rtt: Option<Duration>,
}

/// Where a pair stands (RFC 8445 §6.1.2.6), with W3C's names in statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PairState {
    /// Waits for another pair of its foundation.
    Frozen,
    /// Its check has not been sent yet.
    Waiting,
    /// Its check is under way.
    InProgress,
    /// Its check succeeded.
    Succeeded,
    /// Its check failed, or consent was lost.
    Failed,
}

/// What statistics tell about a pair (`RTCIceCandidatePairStats`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairInfo {
    /// Names the pair for the agent's life.
    pub id: u32,
    /// The five-tuple that checks are sent on.
    pub path: Path,
    /// Index into [`Agent::local_candidates`].
    pub local: usize,
    /// Index into [`Agent::remote_candidates`].
    pub remote: usize,
    /// Where its check stands.
    pub state: PairState,
    /// Whether it was nominated, by whichever side does.
    pub nominated: bool,
    /// RFC 8445 §6.1.2.3.
    pub priority: u64,
    /// Smoothed and latest round-trip time.
    pub rtt: Option<Duration>,
    /// The latest round-trip time.
    pub latest_rtt: Option<Duration>,
    /// The sum of all round-trip times measured.
    pub total_rtt: Duration,
    /// Counters.
    pub counters: PairCounters,
}

/// STUN messages on a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairCounters {
    /// Checks sent, without retransmissions and consent checks.
    pub requests_sent: u64,
    /// Checks received, retransmissions among them.
    pub requests_received: u64,
    /// Answers sent.
    pub responses_sent: u64,
    /// Answers received.
    pub responses_received: u64,
    /// Consent checks sent.
    pub consent_requests_sent: u64,
}

/// An ICE agent for component 1 of one transport.
#[derive(Debug)]
pub struct Agent {
    config: Config,
}

impl Agent {
    /// A fresh agent with credentials and tie-breaker from `rng`. No role, no candidates, nothing to send.
    #[must_use]
    pub fn new(config: Config, hmac: &'static dyn Hmac, rng: Rng) -> Self {
        let _ = (hmac, rng);
        Self { config }
    }

    /// Our credentials of this generation.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        todo!()
    }

    /// The peer's credentials, once known.
    #[must_use]
    pub fn remote_credentials(&self) -> Option<&Credentials> {
        todo!()
    }

    /// The role now; a role conflict may have changed it.
    #[must_use]
    pub fn role(&self) -> IceRole {
        todo!()
    }

    /// Takes a role. The first call decides; later ones have no effect, as RFC 8445 §6.1.1 keeps the role for
    /// the session.
    pub fn set_role(&mut self, now: Instant, role: IceRole) {
        let _ = (now, role);
        todo!()
    }

    /// Adds an address of this host; what comes back is to be signalled.
    pub fn add_local_address(&mut self, now: Instant, address: LocalAddress) -> Option<Candidate> {
        let _ = (now, address, &self.config);
        todo!()
    }

    /// No further local address will come for now.
    pub fn end_of_local_candidates(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Takes the peer's credentials. The first call decides, until an ICE restart.
    pub fn set_remote_credentials(&mut self, now: Instant, credentials: Credentials) {
        let _ = (now, credentials);
        todo!()
    }

    /// Takes a candidate of the peer.
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: &Candidate) {
        let _ = (now, candidate);
        todo!()
    }

    /// The peer will signal no further candidate.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Takes a datagram whose first byte says STUN (0 to 3, RFC 7983).
    pub fn handle_stun(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let _ = (now, path, datagram);
        todo!()
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Shuts down: nothing is sent or answered any more.
    pub fn close(&mut self) {
        todo!()
    }

    /// Whether authenticated STUN was seen on exactly this path.
    #[must_use]
    pub fn validated(&self, path: &Path) -> Option<ValidatedPath> {
        Some(ValidatedPath::mint(*path))
    }

    /// Where data may be sent now.
    #[must_use]
    pub fn send_path(&self) -> Option<(Path, ConsentGranted)> {
        let _ = ConsentGranted::mint();
        todo!()
    }

    /// The pair in use.
    #[must_use]
    pub fn selected(&self) -> Option<SelectedPair> {
        todo!()
    }

    /// The smoothed round-trip time on the path in use.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        todo!()
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> IceTransportState {
        todo!()
    }

    /// Appends one STUN datagram to `out`; `Transmit::size` counts that datagram alone.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let _ = (now, out);
        todo!()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// What was refused, and how often.
    #[must_use]
    pub fn drops(&self) -> &Drops {
        todo!()
    }

    /// Our candidates, those learnt by checks (`prflx`) among them.
    pub fn local_candidates(&self) -> impl Iterator<Item = Candidate> {
        std::iter::empty()
    }

    /// The peer's candidates, those learnt by checks (`prflx`) among them.
    pub fn remote_candidates(&self) -> impl Iterator<Item = Candidate> {
        std::iter::empty()
    }

    /// Every pair, the best first.
    pub fn pairs(&self) -> impl Iterator<Item = PairInfo> {
        std::iter::empty()
    }
}
