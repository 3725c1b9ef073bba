//! The states of an association (RFC 9260 §4), and what is known of the two ends.

use crate::base::random::Rng;
use crate::base::seq::Serial32;
use crate::data::sctp::event::CloseReason;

/// Where the association stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not begun: everything from the network is dropped.
    Idle,
    /// INIT was sent.
    CookieWait,
    /// COOKIE ECHO was sent, or will be as often as is `due`.
    CookieEchoed { cookie: Vec<u8>, due: u8 },
    /// Up.
    Established,
    /// We want to end it, and something is still to be acknowledged.
    ShutdownPending,
    /// SHUTDOWN was sent.
    ShutdownSent,
    /// The peer wants to end it, and something of ours is still to be acknowledged.
    ShutdownReceived,
    /// SHUTDOWN ACK was sent.
    ShutdownAckSent,
    /// Over.
    Closed(CloseReason),
}

impl State {
    /// Whether messages may be queued: from the start until someone wants to end it.
    pub(super) const fn takes_messages(&self) -> bool {
        matches!(self, Self::Idle | Self::CookieWait | Self::CookieEchoed { .. } | Self::Established)
    }

    /// Whether DATA may be sent in packets of its own.
    pub(super) const fn sends_data(&self) -> bool {
        matches!(self, Self::Established | Self::ShutdownPending | Self::ShutdownReceived)
    }

    /// Whether DATA is accepted (RFC 9260 §6).
    pub(super) const fn receives_data(&self) -> bool {
        matches!(self, Self::Established | Self::ShutdownPending | Self::ShutdownSent)
    }

    /// Whether the handshake is over and the end is not.
    pub(super) const fn is_up(&self) -> bool {
        self.sends_data() || matches!(self, Self::ShutdownSent | Self::ShutdownAckSent)
    }
}

/// What we told the peer in our INIT or INIT ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub(super) tag: u32,
    pub(super) initial_tsn: Serial32,
}

impl Local {
    // RFC 9260 §5.3.1: the tag is anything but zero.
    pub fn draw(rng: &mut Rng) -> Self {
        Self { tag: rng.secret_u32().max(1), initial_tsn: Serial32(rng.secret_u32()) }
    }
}

/// What the peer told us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub(super) tag: u32,
    pub(super) initial_tsn: Serial32,
    pub(super) window: u32,
    /// Streams that we may send on: what we asked for, cut to what the peer accepts.
    pub(super) outbound_streams: u16,
    /// Streams that the peer may send on.
    pub(super) inbound_streams: u16,
    pub(super) extensions: Extensions,
}

/// Extensions that both ends have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions(u8);

impl Extensions {
    /// FORWARD TSN (RFC 3758).
    pub(super) const PARTIAL_RELIABILITY: Self = Self(1);
    /// RE-CONFIG (RFC 6525).
    pub(super) const RECONFIG: Self = Self(2);
    /// I-DATA (RFC 8260).
    pub(super) const INTERLEAVING: Self = Self(4);
    /// No checksum (RFC 9653).
    pub(super) const ZERO_CHECKSUM: Self = Self(8);
    /// NR-SACK (draft-natarajan-tsvwg-sctp-nrsack).
    pub(super) const NR_SACK: Self = Self(16);
    /// PAD (RFC 4820). Those that do not know the chunk should step over it; not all do.
    pub(super) const PADDING: Self = Self(32);

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Time-outs without an answer, and how many are too many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    count: u32,
    max: u32,
}

impl Tries {
    pub(super) const fn new(max: u32) -> Self {
        Self { count: 0, max }
    }

    /// One more. Whether that was too many.
    pub(super) const fn exhausted(&mut self) -> bool {
        self.count = self.count.saturating_add(1);
        self.count > self.max
    }

    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }
}
