//! What of an agent can be tuned, and why the defaults are what they are.

use crate::wire::candidate::Credentials;
use std::time::Duration;

/// How much of ICE an agent does (RFC 8445 §2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All of it.
    #[default]
    Full,
    /// It answers checks and sends none: for servers whose addresses everyone reaches. Connecting takes one round trip
    /// less of theirs, and a peer that is lite, too, cannot be connected to. The peer's checks stand in for consent
    /// checks of ours.
    Lite,
}

/// Timings and caps of an [`Agent`](super::Agent).
///
/// Durations under a millisecond make no sense anywhere here and are not refused; the pacing interval alone has
/// a floor, because RFC 8445 sets one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Ta, the time between the starts of two checks. Default 50 ms (RFC 8445 §14.2); values under 5 ms count
    /// as 5 ms. Smaller finds a pair sooner and loads the network more.
    pub pacing: Duration,
    /// The least retransmission timeout of a check. Default 500 ms (RFC 8445 §14.3).
    pub minimum_rto: Duration,
    /// The most that many pairs make the first retransmission timeout of a check. RFC 8445 §14.3 has it grow
    /// with the pairs under way, without bound. Default 1 s: beyond 20 pairs retransmissions come somewhat
    /// faster than one for each pace, and a hopeless search ends within 79 s instead of minutes.
    pub maximum_rto: Duration,
    /// Rc, how often a check is sent before it is given up. Default 7 (RFC 8489 §6.2.1): 39.5 s in all.
    pub max_sends: u8,
    /// How often each of the two best pairs is checked anew when its check was not answered in time, while none has an answer;
    /// others are checked again, each time after twice as long. A loss is then but a loss. Default 0, as RFC 8445 has it.
    pub anew: u8,
    /// Rm: after the last send a check waits this many times the first timeout. Default 16 (RFC 8489 §6.2.1).
    pub last_wait: u32,
    /// How long the agent is patient: before this much time after the start of checks it never fails, since
    /// the peer's checks may still teach it a pair; after it, no more candidates are awaited. Default 39.5 s,
    /// the life of one check (RFC 8863 §4). Raise it where people carry the descriptions by hand.
    pub patience: Duration,
    /// Mean time between two consent checks; each draws 0.8 to 1.2 of it. Default 5 s (RFC 7675 §5.1).
    pub consent_interval: Duration,
    /// Consent ends this long after the last answer to a check of ours. Default 30 s (RFC 7675 §5.1).
    pub consent_expiry: Duration,
    /// Time between consent checks once one was not answered in time. Default 500 ms: a loss or an outage is
    /// told apart within a second, and an outage costs 60 small datagrams until consent ends.
    pub silent_interval: Duration,
    /// The state is `disconnected` this long after the first consent check without an answer. Default 5 s.
    pub disconnected_after: Duration,
    /// As controlling side: how long a better pair than the best valid one is waited for, when both
    /// candidates of that are host or peer-reflexive ones. Default 100 ms, two paces.
    pub settle_direct: Duration,
    /// The same for a pair with a server-reflexive candidate. Default 250 ms.
    pub settle_reflexive: Duration,
    /// The same for a pair with a relayed candidate. Default 500 ms: leaving a relay later costs more than this.
    pub settle_relayed: Duration,
    /// How long a STUN server may take to answer before gathering ends without it. Default 5 s: three
    /// retransmissions. Connections do not wait for it, only the end of gathering does.
    pub gathering_patience: Duration,
    /// Full or lite. Default full.
    pub mode: Mode,
    /// Whether the descriptions say that nominations may be numbered (draft-thatcher-ice-renomination,
    /// `a=ice-options:renomination`), and ours are with a peer that says so, too: the controlling side may then change its mind
    /// in any direction at once. Those of a peer are followed in any case. Default no, as in browsers.
    pub renomination: bool,
    /// The credentials of the first generation. Default: drawn. A server may choose them so that it finds a connection by
    /// its user fragment; whoever can guess the password can take the connection over.
    pub credentials: Option<Credentials>,
    /// The component (RFC 8445 §2): 1 for RTP and for everything that shares its port, 2 for RTCP with a port of its
    /// own. Default 1. Each component has an agent to itself, with the credentials of the other.
    pub component: u16,
    /// Most local candidates. Default 32.
    pub max_local_candidates: usize,
    /// Most remote candidates, signalled and learnt. Default 100.
    pub max_remote_candidates: usize,
    /// Most candidate pairs. Default 100 (RFC 8445 §6.1.2.5); the worst of them go first.
    pub max_pairs: usize,
    /// Most paths that are remembered from checks that came before the remote description. Default 16.
    pub max_early_checks: usize,
    /// Most answers that wait for `poll_transmit`; beyond it checks go unanswered, and come again. Default 64.
    pub max_queued_responses: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pacing: Duration::from_millis(50),
            minimum_rto: Duration::from_millis(500),
            maximum_rto: Duration::from_secs(1),
            max_sends: 7,
            anew: 0,
            last_wait: 16,
            patience: Duration::from_millis(39_500),
            consent_interval: Duration::from_secs(5),
            consent_expiry: Duration::from_secs(30),
            silent_interval: Duration::from_millis(500),
            disconnected_after: Duration::from_secs(5),
            settle_direct: Duration::from_millis(100),
            settle_reflexive: Duration::from_millis(250),
            settle_relayed: Duration::from_millis(500),
            gathering_patience: Duration::from_secs(5),
            mode: Mode::Full,
            renomination: false,
            credentials: None,
            component: 1,
            max_local_candidates: 32,
            max_remote_candidates: 100,
            max_pairs: 100,
            max_early_checks: 16,
            max_queued_responses: 64,
        }
    }
}
