//! The names of ICE's states and roles as W3C has them, and the pure rule from facts to state.

use std::fmt::Debug;

crate::w3c_enum! {
    /// `RTCIceTransportState`, whose values `RTCIceConnectionState` shares.
    pub enum IceTransportState {
        /// Gathering, or waiting for remote candidates; no check was started.
        New = "new",
        /// Checks run and none has succeeded, or consent was lost everywhere and other pairs are left.
        Checking = "checking",
        /// There is a usable pair; checks go on, or more candidates may come.
        Connected = "connected",
        /// There is a usable pair, all checks are done and no more candidates can come.
        Completed = "completed",
        /// The pair in use has gone silent, or nothing works and more candidates may come.
        Disconnected = "disconnected",
        /// Nothing works and nothing more can come. Final until an ICE restart.
        Failed = "failed",
        /// Shut down.
        Closed = "closed",
    }
}

crate::w3c_enum! {
    /// `RTCIceRole`: who chooses the pair (RFC 8445 §6.1.1).
    pub enum IceRole {
        /// Not decided yet: no check is sent, and role conflicts are not looked for.
        Unknown = "unknown",
        /// This side nominates.
        Controlling = "controlling",
        /// The other side nominates.
        Controlled = "controlled",
    }
}

impl IceRole {
    /// The role of the other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// What the state follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub health: Health,
    pub checks: Checks,
    pub outlook: Outlook,
    /// Whether the peer has a candidate, signalled or learnt.
    pub remote_known: bool,
}

/// How the pair in use does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// There is none.
    Nothing,
    /// There is one, not nominated.
    Valid,
    /// There is one, nominated.
    Selected,
    /// There is one, and it does not answer.
    Silent,
}

/// How checks stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    /// There is no pair to check, or checks have not begun.
    None,
    /// Some pair is not done with.
    Running,
    /// All pairs are done with, and none ever worked.
    AllFailed,
    /// All pairs are done with, and one worked once.
    Lost,
}

/// What can still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Candidates of either side.
    MoreCandidates,
    /// No signalled candidate, but the peer's checks may teach one (RFC 8863).
    PeerReflexive,
    /// Nothing.
    Nothing,
}

impl IceTransportState {
    /// The W3C state that the facts amount to, as long as it is neither failed nor closed already.
    pub(super) const fn from_facts(facts: Facts) -> Self {
        match (facts.health, facts.checks, facts.outlook) {
            (Health::Silent, _, _) => Self::Disconnected,
            (Health::Selected, _, Outlook::PeerReflexive | Outlook::Nothing) => Self::Completed,
            (Health::Selected | Health::Valid, _, _) => Self::Connected,
            (Health::Nothing, Checks::Running, _) => Self::Checking,
            // RFC 8863 §4: never before the patience timer.
            (Health::Nothing, _, Outlook::Nothing) => Self::Failed,
            (Health::Nothing, Checks::Lost, _) => Self::Disconnected,
            (Health::Nothing, Checks::AllFailed, Outlook::MoreCandidates) => Self::Disconnected,
            (Health::Nothing, Checks::AllFailed, Outlook::PeerReflexive) => Self::Checking,
            (Health::Nothing, Checks::None, _) if facts.remote_known => Self::Checking,
            (Health::Nothing, Checks::None, _) => Self::New,
        }
    }
}
