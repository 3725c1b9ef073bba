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
