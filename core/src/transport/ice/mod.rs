//! Interactive connectivity establishment: finds a path to the peer and watches over it (RFC 8445, RFC 8838,
//! RFC 8863, RFC 7675, RFC 8421, RFC 6544).
//!
//! It is a full agent for one component of one transport. It is not a gatherer: it is told its addresses, and
//! talks to no STUN or TURN server; and it never looks at anything but STUN.
//!
//! Not here: simultaneous-open of ICE-TCP. What a peer sends of these is counted and ignored.
//!
//! # The order of things
//!
//! Local addresses, remote candidates, credentials and the role may come in any order. Checks begin when the
//! role and the peer's credentials are known; checks of the peer are answered from the start, and what they
//! teach is used then. [`Agent::send_path`] is set with the first valid pair, before nomination.

mod answer;
mod auth;
mod candidate;
mod change;
mod check;
mod checklist;
mod config;
mod consent;
mod drive;
mod learnt;
mod luggage;
mod nominate;
mod outcome;
mod pair;
mod restart;
mod scan;
mod send;
mod state;
mod tcp;
#[cfg(test)]
mod tests;
mod token;

pub use self::config::{Config, Mode};
pub use self::luggage::{AuthenticCheck, Luggage, NoLuggage};
pub use self::pair::{PairCounters, PairInfo, PairState, Rtt};
pub use self::state::{IceRole, IceTransportState};
pub use self::token::{ConsentGranted, ValidatedPath};

use self::answer::Early;
use self::auth::Party;
use self::candidate::{Candidates, RemoteCandidate, plain};
use self::check::Transaction;
use self::checklist::Checklist;
use self::consent::{Sending, Watch};
use self::luggage::Vouched;
use self::pair::{Pair, PairId};
use self::restart::Former;
use self::send::Outgoing;
use crate::base::drops::{DropReason, Drops};
use crate::base::net::{LocalAddress, Path, Transmit};
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::base::timers::Timers;
use crate::crypto::traits::Hmac;
use crate::wire::candidate::{Candidate, Credentials};
use crate::wire::stun::{Class, Message, Method};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Characters of our user fragments: 48 bits, so that an endpoint with many peers can tell them apart.
const UFRAG_LEN: usize = 8;
/// Characters of our passwords: 192 bits, where RFC 8445 §5.3 asks for 128 (attack 40).
const PASSWORD_LEN: usize = 32;

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
    /// A pair needs a stream: [`Agent::stream_opened`] or [`Agent::stream_refused`] tells what came of it.
    Connect {
        /// Names the pair.
        pair: u32,
        /// The address of this host to connect from, without a port.
        from: SocketAddr,
        /// Where to connect to.
        to: SocketAddr,
    },
    /// A role conflict was resolved by taking this role (RFC 8445 §7.3.1.1).
    RoleChange(IceRole),
}

/// The pair in use, as W3C's `RTCIceTransport.getSelectedCandidatePair()` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPair {
    /// Names it in [`Agent::pairs`].
    pub id: u32,
    /// Our candidate.
    pub local: Candidate,
    /// The peer's candidate.
    pub remote: Candidate,
    /// The five-tuple.
    pub path: Path,
    /// The smoothed round-trip time of the checks on it.
    pub rtt: Option<Duration>,
}

crate::timer_keys! {
    enum Timer {
        /// The next check may start.
        Pace,
        /// A request is sent again or given up.
        Retransmit,
        /// The controlling agent has waited long enough for something better.
        Settle,
        /// The next consent check.
        Consent,
        /// The pair in use has been silent for so long that the state changes.
        Silence,
        /// Consent ends.
        Expiry,
        /// The agent's patience ends (RFC 8863).
        Patience,
        /// What is left of the former generation is forgotten.
        Former,
    }
}

/// Whether checks have begun, and whether the peer is still waited for (RFC 8863 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    NotBegun,
    Waiting,
    Over,
}

/// Which side has said that no candidate will come any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ended {
    local: bool,
    remote: bool,
}

/// An ICE agent for one component of one transport.
///
/// * Ask: [`state`](Self::state), [`send_path`](Self::send_path), [`validated`](Self::validated), …, at any time.
/// * Tell: `add_*`, `end_of_*`, `set_*`, [`close`](Self::close), in any order.
/// * Handle: [`handle_stun`](Self::handle_stun), [`handle_timeout`](Self::handle_timeout).
/// * Poll: `poll_*`, whenever convenient; nothing depends on it.
///
/// `now` must come from one clock; where it goes backwards it counts as standing still.
pub struct Agent {
    config: Config,
    hmac: &'static dyn Hmac,
    rng: Rng,
    /// Which generation this is, and the newest that there was.
    number: u32,
    newest: u32,
    local: Party,
    remote: Option<Party>,
    /// `peer:us`, the USERNAME of our checks.
    outgoing_username: String,
    role: IceRole,
    tie_breaker: u64,
    /// The generation before, until this one has a pair of its own.
    former: Option<Box<Former>>,
    /// The credentials of the generation to come.
    prepared: Option<Credentials>,
    candidates: Candidates,
    /// Whether nominations are numbered, and the number of the last one, sent or followed.
    renomination: bool,
    nomination: u32,
    /// Nothing leaves from this host's own addresses, in this generation.
    relayed_only: bool,
    /// Remote candidates that came before the credentials, which tell what generation is wanted.
    pending: Vec<(Candidate, Option<IpAddr>)>,
    early: Vec<Early>,
    ended: Ended,
    list: Checklist,
    transactions: Vec<Transaction>,
    outbox: Queue<Outgoing>,
    next_check_at: Instant,
    selected: Option<PairId>,
    sending: Option<Sending>,
    watch: Watch,
    patience: Patience,
    state: IceTransportState,
    timers: Timers<Timer, { Timer::COUNT }>,
    events: Queue<Event>,
    drops: Drops,
    vouched: Vouched,
    clock: Instant,
}

impl Agent {
    /// A fresh agent with credentials and tie-breaker from `rng`. No role, no candidates, nothing to send.
    ///
    /// # Panics
    ///
    /// When `hmac` has no SHA-1, which every provider must have.
    #[must_use]
    pub fn new(config: Config, hmac: &'static dyn Hmac, mut rng: Rng) -> Self {
        let credentials = config.credentials.clone().unwrap_or_else(|| restart::draw(&mut rng));
        Self {
            number: 0,
            newest: 0,
            local: Party::new(hmac, credentials),
            remote: None,
            outgoing_username: String::new(),
            role: IceRole::Unknown,
            tie_breaker: rng.secret_u64(),
            former: None,
            prepared: None,
            candidates: Candidates::new(config.component.clamp(1, 256)),
            renomination: false,
            nomination: 0,
            relayed_only: false,
            pending: Vec::new(),
            early: Vec::new(),
            ended: Ended::default(),
            list: Checklist::default(),
            transactions: Vec::new(),
            outbox: Queue::default(),
            next_check_at: Instant::ZERO,
            selected: None,
            sending: None,
            watch: Watch::Steady,
            patience: Patience::NotBegun,
            state: IceTransportState::New,
            timers: Timers::default(),
            events: Queue::default(),
            drops: Drops::default(),
            vouched: Vouched::default(),
            clock: Instant::ZERO,
            config,
            hmac,
            rng,
        }
    }

    /// The component that it is for.
    #[must_use]
    pub const fn component(&self) -> u16 {
        self.config.component
    }

    /// Takes a role. The first call decides; later ones have no effect, because the role belongs to the session
    /// (RFC 8445 §6.1.1) and a conflict may have changed it. [`IceRole::Unknown`] has no effect either.
    pub fn set_role(&mut self, now: Instant, role: IceRole) {
        let now = self.tick(now);
        if self.role == IceRole::Unknown {
            self.role = role;
        }
        self.run(now);
    }

    /// Whether this agent sends no checks.
    #[must_use]
    pub const fn is_lite(&self) -> bool {
        matches!(self.config.mode, Mode::Lite)
    }

    /// Numbers our nominations (draft-thatcher-ice-renomination): both sides have said `a=ice-options:renomination`, and
    /// the peer takes the pair of the highest number, wherever that is in its order. Those of the peer are followed in
    /// any case.
    pub const fn set_renomination(&mut self, renomination: bool) {
        self.renomination = renomination;
    }

    /// Adds an address of this host, or one back that was removed. What comes back is the host candidate to be signalled: `None` for an
    /// address that is there already, that nobody can be reached at (wildcard, multicast, port 0), or that is one over
    /// [`Config::max_local_candidates`]. One of a listener for streams makes a passive candidate.
    ///
    /// The order of calls is the order of preference within an address family. Paths must name the address
    /// exactly as it was given here.
    pub fn add_local_address(&mut self, now: Instant, address: LocalAddress) -> Option<Candidate> {
        let now = self.tick(now);
        if self.is_over() {
            return None;
        }
        let address = LocalAddress { address: plain(address.address), ..address };
        let at = self.candidates.add_host(address, self.config.max_local_candidates)?;
        self.add_active();
        let remotes = 0..self.candidates.remote.len();
        self.form_pairs(remotes.map(|remote| (at, remote)).collect());
        self.run(now);
        Some(self.candidates.describe_local(at, &self.local.credentials.ufrag))
    }

    /// Whether only relayed candidates may make pairs and be heard at (`iceTransportPolicy`). It is for a generation
    /// that has no pairs yet; the former one goes on as it is.
    pub const fn set_relayed_only(&mut self, relayed_only: bool) {
        self.relayed_only = relayed_only;
    }

    /// No further local address will come for now.
    pub fn end_of_local_candidates(&mut self, now: Instant) {
        let now = self.tick(now);
        self.ended.local = true;
        self.run(now);
    }

    /// Takes the peer's credentials. The same again have no effect. Others than before mean that the peer restarts
    /// (RFC 8445 §9): so does this agent, unless it has, with the credentials of
    /// [`prepare_restart`](Self::prepare_restart).
    pub fn set_remote_credentials(&mut self, now: Instant, credentials: Credentials) {
        let now = self.tick(now);
        let known = self.remote.as_ref().map(|remote| &remote.credentials);
        if known == Some(&credentials) || self.state == IceTransportState::Closed {
            return;
        }
        if known.is_some() {
            self.restart(now);
        }
        // RFC 8445 §7.2.2: the peer's fragment, a colon, ours.
        self.outgoing_username = format!("{}:{}", credentials.ufrag, self.local.credentials.ufrag);
        self.remote = Some(Party::new(self.hmac, credentials));
        for (candidate, ip) in std::mem::take(&mut self.pending) {
            self.take_remote_candidate(&candidate, ip);
        }
        self.run(now);
    }

    /// Takes a candidate of the peer. One that is of no use (a name, another component, another
    /// generation by its `ufrag`) is counted in [`drops`](Self::drops) and otherwise ignored.
    pub fn add_remote_candidate(&mut self, now: Instant, candidate: &Candidate) {
        self.add_candidate(now, candidate, candidate.address.ip());
    }

    /// Takes a candidate of the peer whose name stands for `ip`. What is told about it has the name.
    pub fn add_resolved_candidate(&mut self, now: Instant, candidate: &Candidate, ip: IpAddr) {
        self.add_candidate(now, candidate, Some(ip));
    }

    fn add_candidate(&mut self, now: Instant, candidate: &Candidate, ip: Option<IpAddr>) {
        let now = self.tick(now);
        if self.is_over() {
            return;
        }
        if self.remote.is_some() {
            self.take_remote_candidate(candidate, ip);
        } else if self.pending.len() < self.config.max_remote_candidates {
            self.pending.push((candidate.clone(), ip));
        } else {
            self.drops.count(DropReason::IceTooManyCandidates);
        }
        self.run(now);
    }

    /// The peer will signal no further candidate.
    pub fn end_of_remote_candidates(&mut self, now: Instant) {
        let now = self.tick(now);
        self.ended.remote = true;
        self.run(now);
    }

    /// Takes a datagram whose first byte says STUN (0 to 3, RFC 7983). What comes back is the proof that it was authentic.
    pub fn handle_stun(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Option<AuthenticCheck> {
        self.handle_message(now, path, datagram);
        self.vouched.take()
    }

    fn handle_message(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let now = self.tick(now);
        if self.is_over() {
            return self.drops.count(match self.state {
                IceTransportState::Closed => DropReason::Closed,
                _ => DropReason::StunUnexpected,
            });
        }
        let path = Path { remote: plain(path.remote), local: plain(path.local), ..path };
        let Ok(message) = Message::parse(datagram) else {
            return self.drops.count(DropReason::StunMalformed);
        };
        if message.method != Method::Binding {
            return self.drops.count(DropReason::StunUnknownMethod);
        }
        // RFC 8445 §7.1.3, RFC 8489 §7.3: with ICE the fingerprint is always there.
        if !message.has_valid_fingerprint() {
            return self.drops.count(DropReason::StunFingerprint);
        }
        match message.class {
            Class::Request => self.handle_request(now, path, &message),
            Class::Success | Class::Error => self.handle_response(now, path, &message),
            // A keepalive (RFC 8445 §11): it did its work on the way here.
            Class::Indication => {}
        }
        self.run(now);
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.tick(now);
        self.run(now);
    }

    /// Shuts down: nothing is sent or answered any more. Unread events are forgotten, and none comes of this.
    pub fn close(&mut self) {
        self.stop(IceTransportState::Closed);
        self.selected = None;
        self.former = None;
        self.list.clear();
        self.events.clear();
    }

    /// Appends one STUN datagram to `out`; [`Transmit::size`] counts that datagram alone.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        self.poll_transmit_with(now, out, &mut NoLuggage)
    }

    /// As [`poll_transmit`](Self::poll_transmit); `luggage` adds to checks and to their answers.
    pub fn poll_transmit_with(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        luggage: &mut dyn Luggage,
    ) -> Option<Transmit> {
        let now = self.tick(now);
        self.next_datagram(now, out, luggage)
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.deadline()
    }

    /// Our credentials of this generation.
    #[must_use]
    pub fn local_credentials(&self) -> &Credentials {
        &self.local.credentials
    }

    /// Our user fragments that checks are answered for: that of this generation, and that of the former one as long as it
    /// is remembered.
    pub fn answers_to(&self) -> impl Iterator<Item = &str> + Clone {
        let former = self.former.as_ref().map(|former| &*former.local.credentials.ufrag);
        std::iter::once(&*self.local.credentials.ufrag).chain(former)
    }

    /// The peer's credentials, once known.
    #[must_use]
    pub fn remote_credentials(&self) -> Option<&Credentials> {
        self.remote.as_ref().map(|remote| &remote.credentials)
    }

    /// The role now; a role conflict may have changed it.
    #[must_use]
    pub const fn role(&self) -> IceRole {
        self.role
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> IceTransportState {
        self.state
    }

    /// Proof that authenticated STUN was seen on exactly this path.
    #[must_use]
    pub fn validated(&self, path: &Path) -> Option<ValidatedPath> {
        if self.sending.is_some_and(|sending| sending.path == *path) {
            return Some(ValidatedPath::mint(*path));
        }
        let plain = Path { remote: plain(path.remote), local: plain(path.local), ..*path };
        let former = self.former.as_ref().and_then(|former| former.list.on_path(&plain));
        let seen = self.list.on_path(&plain).is_some_and(|pair| pair.proven)
            || former.is_some_and(|pair| pair.proven)
            || self.early.iter().any(|check| check.path == plain);
        seen.then(|| ValidatedPath::mint(*path))
    }

    /// Where data may be sent now: along the selected pair, or before there is one along the best valid pair.
    /// `None` before the first valid pair and after consent was lost: then nothing at all may be sent.
    #[must_use]
    pub fn send_path(&self) -> Option<(Path, ConsentGranted)> {
        self.sending.map(|sending| (sending.path, ConsentGranted::mint()))
    }

    /// The selected pair; after a restart that of the former generation, until another is selected. It stays after
    /// consent was lost, and is gone when closed.
    #[must_use]
    pub fn selected(&self) -> Option<SelectedPair> {
        let (pair, remotes, ufrag) = match (self.selected, &self.former) {
            (Some(id), _) => (self.list.get(id)?, &self.candidates.remote, &self.local.credentials.ufrag),
            (None, Some(former)) => {
                let Former { list, remotes, local, .. } = &**former;
                (list.get(former.selected?)?, &remotes.candidates, &local.credentials.ufrag)
            }
            (None, None) => return None,
        };
        let local = pair.seen_as.unwrap_or(pair.local);
        Some(SelectedPair {
            id: pair.id.0,
            local: self.candidates.describe_local(local, ufrag),
            remote: remotes[pair.remote].describe(self.config.component),
            path: pair.path,
            rtt: pair.rtt.smoothed,
        })
    }

    /// The round-trip time on the path in use: smoothed, or while none was measured the most that it can be.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.pair(self.sending?.pair)?.rtt.known()
    }

    /// What was refused, and how often.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }

    /// Our candidates, those learnt by checks (`prflx`) among them. Places are stable.
    pub fn local_candidates(&self) -> impl Iterator<Item = Candidate> {
        let ufrag = &self.local.credentials.ufrag;
        (0..self.candidates.local.len()).map(move |at| self.candidates.describe_local(at, ufrag))
    }

    /// The peer's candidates, those learnt by checks (`prflx`) among them. Places are stable until a restart.
    pub fn remote_candidates(&self) -> impl Iterator<Item = Candidate> {
        self.candidates.remote.iter().map(|candidate| candidate.describe(self.config.component))
    }

    /// Where the peer's candidates are, whatever their names.
    pub fn remote_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.candidates.remote.iter().map(|candidate| candidate.address)
    }

    /// Every pair of this generation, the best first.
    pub fn pairs(&self) -> impl Iterator<Item = PairInfo> {
        self.list.iter().map(Pair::info)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("ufrag", &self.local.credentials.ufrag)
            .field("state", &self.state)
            .field("role", &self.role)
            .field("sending", &self.sending)
            .field("next", &self.timers.next())
            .finish_non_exhaustive()
    }
}
