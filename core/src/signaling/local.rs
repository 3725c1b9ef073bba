//! What the session is told: its configuration, and what the local side has and can do.

use crate::base::media::MediaCapabilities;
use crate::signaling::fast_setup::FastSetup;
use crate::wire::candidate::Credentials;
use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::attribute::Setup;
use std::sync::Arc;

crate::w3c_enum! {
    /// How media sections share transports when the peer does not bundle (`RTCBundlePolicy`).
    pub enum BundlePolicy {
        /// With a peer that does not bundle: one transport for each kind of media. Our own offers have one for all, which falls
        /// apart where the answer wants that, and sections beyond the first of their kind are for the bundle alone. The
        /// default.
        Balanced = "balanced",
        /// A transport for each section, in our offers, too: for peers that do not bundle.
        MaxCompat = "max-compat",
        /// One transport: sections outside the first one's bundle are rejected.
        MaxBundle = "max-bundle",
    }
}

crate::w3c_enum! {
    /// Whether RTCP may have a port of its own (`RTCRtcpMuxPolicy`).
    pub enum RtcpMuxPolicy {
        /// Offers have one for it, and peers that do not multiplex are taken. Not in the W3C enum any more; for peers from
        /// before RFC 5761.
        Negotiate = "negotiate",
        /// It shares that of RTP, and peers that do not multiplex are refused. The default.
        Require = "require",
    }
}

/// What stays the same during a session's life.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionConfig {
    /// Default [`BundlePolicy::Balanced`], as in browsers. Decides which sections of an offer have an address of
    /// their own, and which of an offer without a usable bundle group are accepted.
    pub bundle_policy: BundlePolicy,
    /// Default [`RtcpMuxPolicy::Require`], as in browsers.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// How many transports the owner drives, those of RTCP alone not counted; sections that would need one more are rejected. Default 16.
    pub max_transports: usize,
    /// What an offer says of the DTLS role of a new association. Default `actpass`, as RFC 8842 §5.3 wants it; the other two
    /// are for peers that have no choice. `holdconn` counts as `actpass`.
    pub offered_setup: Setup,
    /// Whether descriptions say that nominations may be numbered (`a=ice-options:renomination`). Default no.
    pub renomination: bool,
    /// What this side can do with audio and video. Default: everything that browsers do.
    pub media: Arc<MediaCapabilities>,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            bundle_policy: BundlePolicy::Balanced,
            rtcp_mux_policy: RtcpMuxPolicy::Require,
            max_transports: MAX_TRANSPORTS,
            offered_setup: Setup::ActPass,
            renomination: false,
            media: MediaCapabilities::shared(),
        }
    }
}

/// More transports than sections that anybody sends without bundling them. Each has sockets' worth of candidates.
pub const MAX_TRANSPORTS: usize = 16;

/// The SCTP port that everyone uses inside DTLS, where ports tell nothing apart.
pub const DEFAULT_SCTP_PORT: u16 = 5000;

/// The largest message that we say we take, in bytes: what Chromium says, so that applications see one limit
/// with every peer, and what one reassembly may cost.
pub const DEFAULT_MAX_MESSAGE_SIZE: u64 = 262_144;

/// What the local side has and can do at the moment of a verb.
#[derive(Clone, Copy, Debug)]
pub struct LocalParameters<'a> {
    /// The credentials of the newest local ICE generation, of each transport by its number: at least as many as
    /// [`transports_to_offer`](crate::signaling::session::Session::transports_to_offer) or
    /// [`transports_to_answer`](crate::signaling::session::Session::transports_to_answer) say. New ones here make the
    /// next offer an ICE restart; an answer takes them up only when its offer restarted ICE.
    pub ice: &'a [Credentials],
    /// Whether the local agent is ICE-lite.
    pub ice_lite: bool,
    /// Hashes of the certificate in use, at least one.
    pub fingerprints: &'a [Fingerprint],
    /// The local SCTP port; [`DEFAULT_SCTP_PORT`] unless there is a reason.
    pub sctp_port: u16,
    /// The largest message that the local side takes, in bytes; 0 for any. See [`DEFAULT_MAX_MESSAGE_SIZE`].
    pub max_message_size: u64,
    /// Whether an offer is to have a data section: a channel was created, or data is always negotiated. A
    /// section that is there already stays whatever this says.
    pub wants_data: bool,
    /// What saves round trips at the start.
    pub fast: FastSetup<'a>,
    /// The value of `a=identity`, where somebody vouches for us.
    pub identity: Option<&'a str>,
}
