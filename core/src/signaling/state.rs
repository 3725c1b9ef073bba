//! The signaling states, and the one table that says how descriptions move a session between them.

crate::w3c_enum! {
    /// Where the session stands between offer and answer (`RTCSignalingState`).
    pub enum SignalingState {
        /// No offer is outstanding; also the initial state.
        Stable = "stable",
        /// A local offer waits for its answer.
        HaveLocalOffer = "have-local-offer",
        /// A remote offer waits for its answer.
        HaveRemoteOffer = "have-remote-offer",
        /// A remote offer was answered provisionally.
        HaveLocalPranswer = "have-local-pranswer",
        /// A local offer was answered provisionally.
        HaveRemotePranswer = "have-remote-pranswer",
        /// The connection was closed; nothing leads out of here.
        Closed = "closed",
    }
}

crate::w3c_enum! {
    /// What a description is (`RTCSdpType`).
    pub enum SdpType {
        /// Proposes a session.
        Offer = "offer",
        /// Answers an offer for the time being.
        Pranswer = "pranswer",
        /// Answers an offer and ends the exchange.
        Answer = "answer",
        /// Takes back the outstanding offer; carries no text.
        Rollback = "rollback",
    }
}

/// Whose description is being set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Ours, by `set_local`.
    Local,
    /// The peer's, by `set_remote`.
    Remote,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Local => Self::Remote,
            Self::Remote => Self::Local,
        }
    }
}

/// One row: in a state, setting a description of this side and type leads to another state.
type Row = (SignalingState, Side, SdpType, SignalingState);

// RFC 9429 §3.2 and webrtc-pc §4.3.1. What has no row is an `InvalidStateError`. A pranswer cannot be rolled
// back: webrtc-pc forbids what RFC 9429 §4.1.10.2 would allow, and browsers follow webrtc-pc.
const TABLE: &[Row] = {
    use self::SdpType::{Answer, Offer, Pranswer, Rollback};
    use self::Side::{Local, Remote};
    use self::SignalingState::{
        HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
    };
    &[
        (Stable, Local, Offer, HaveLocalOffer),
        (Stable, Remote, Offer, HaveRemoteOffer),
        (HaveLocalOffer, Local, Offer, HaveLocalOffer),
        (HaveLocalOffer, Remote, Pranswer, HaveRemotePranswer),
        (HaveLocalOffer, Remote, Answer, Stable),
        (HaveLocalOffer, Local, Rollback, Stable),
        (HaveLocalOffer, Remote, Rollback, Stable),
        (HaveRemoteOffer, Remote, Offer, HaveRemoteOffer),
        (HaveRemoteOffer, Local, Pranswer, HaveLocalPranswer),
        (HaveRemoteOffer, Local, Answer, Stable),
        (HaveRemoteOffer, Local, Rollback, Stable),
        (HaveRemoteOffer, Remote, Rollback, Stable),
        (HaveLocalPranswer, Local, Pranswer, HaveLocalPranswer),
        (HaveLocalPranswer, Local, Answer, Stable),
        (HaveRemotePranswer, Remote, Pranswer, HaveRemotePranswer),
        (HaveRemotePranswer, Remote, Answer, Stable),
    ]
};

impl SignalingState {
    /// The state that setting a description of `side` and `kind` leads to, or `None` when it is not allowed.
    #[must_use]
    pub fn next(self, side: Side, kind: SdpType) -> Option<Self> {
        TABLE.iter().find(|row| (row.0, row.1, row.2) == (self, side, kind)).map(|row| row.3)
    }
}
