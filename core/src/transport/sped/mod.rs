//! SPED: the handshake of DTLS inside of ICE's checks (draft-hancke-webrtc-sped), which saves the round trip that DTLS
//! would wait for the first pair.
//!
//! [`Embedding`] is the machine. It knows neither STUN nor DTLS: datagrams of the flight of the moment go in, and it says
//! which of them a message is to carry; what a message carried goes in, and it says what of that is for DTLS. Every message
//! also names the datagrams that arrived, by their [`hash`], whether there are any or not: that is how either side learns
//! that the other knows of this. Who does not, ignores both attributes and sends neither, and the handshake goes its usual way.
//!
//! What is here is not secure by itself. The owner hands over what authenticated messages carried, and nothing else.

mod received;

#[cfg(test)]
mod tests;

use crate::transport::sped::received::Received;
use crate::wire::stun::sped::{Acks, hash};

/// Bytes that a check has besides the datagram inside, at most: header, user name, priority, role, nomination, integrity,
/// fingerprint, the names of datagrams and the header of this one. The draft says 124, with short user names.
pub const OVERHEAD: usize = 160;

/// How far the two sides are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Whether the peer knows of this is not known.
    Tentative,
    /// It does, and the handshake is on its way.
    Confirmed,
    /// The handshake is complete on our side. The peer may lack our last flight, and we may lack its acknowledgement.
    Complete,
    /// Nothing is carried any more, or never was.
    Over,
}

/// A datagram that the peer may lack.
#[derive(Debug)]
struct Pending {
    hash: u32,
    datagram: Vec<u8>,
    /// Whether it has left along a path that is likely to work.
    has_left: bool,
}

/// One side's handshake inside of checks.
#[derive(Debug)]
pub struct Embedding {
    phase: Phase,
    /// The flight of the moment, less what the peer has.
    pending: Vec<Pending>,
    /// Which of them the next message carries.
    next: usize,
    received: Received,
    /// How many datagrams messages carried, ours and the peer's.
    carried: Carried,
}

/// How much of a handshake went inside of checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Carried {
    /// Datagrams in messages that we sent, repetitions among them.
    pub sent: u32,
    /// Datagrams in messages that we received, without repetitions.
    pub received: u32,
}

/// What a message is to carry.
#[derive(Debug, PartialEq, Eq)]
pub struct Load<'a> {
    /// A datagram of DTLS.
    pub datagram: Option<&'a [u8]>,
    /// The names of those that arrived.
    pub acks: Acks,
}

impl Embedding {
    /// For a handshake that may go inside of checks.
    #[must_use]
    pub fn new() -> Self {
        Self {
            phase: Phase::Tentative,
            pending: Vec::new(),
            next: 0,
            received: Received::default(),
            carried: Carried::default(),
        }
    }

    /// For one that may not.
    #[must_use]
    pub fn off() -> Self {
        Self { phase: Phase::Over, ..Self::new() }
    }

    /// Whether flights are handed in here.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        !matches!(self.phase, Phase::Over)
    }

    /// How much went inside of checks.
    #[must_use]
    pub const fn carried(&self) -> Carried {
        self.carried
    }

    /// A flight, or a repetition of one, in the place of what was there.
    pub fn set_flight(&mut self, datagrams: Vec<Vec<u8>>) {
        let pending = |datagram: Vec<u8>| Pending { hash: hash(&datagram), datagram, has_left: false };
        self.pending = datagrams.into_iter().map(pending).collect();
        self.next = 0;
    }

    /// What the next message carries. `proven`: it leaves along a path that is likely to work, so that its datagram need not
    /// be sent besides.
    pub fn load(&mut self, proven: bool) -> Option<Load<'_>> {
        if !self.is_on() {
            return None;
        }
        let acks = self.received.acks();
        if self.pending.is_empty() {
            return Some(Load { datagram: None, acks });
        }
        let at = self.next % self.pending.len();
        self.next = at + 1;
        self.carried.sent += 1;
        let pending = &mut self.pending[at];
        pending.has_left |= proven;
        Some(Load { datagram: Some(&pending.datagram), acks })
    }

    /// A datagram that has not left by itself, for a path that works. Also once all is over: what was handed in here has to
    /// leave.
    pub fn poll_transmit(&mut self) -> Option<&[u8]> {
        let pending = self.pending.iter_mut().find(|pending| !pending.has_left)?;
        pending.has_left = true;
        Some(&pending.datagram)
    }

    /// Takes what an authenticated message carried. What comes back is for DTLS.
    pub fn handle<'m>(&mut self, datagram: Option<&'m [u8]>, acks: Option<Acks>) -> Option<&'m [u8]> {
        if !self.is_on() {
            return None;
        }
        if datagram.is_none() && acks.is_none() {
            // Once the peer has shown that it knows of this, its silence says that it is done.
            if self.phase != Phase::Confirmed {
                self.end();
            }
            return None;
        }
        if self.phase == Phase::Tentative {
            self.phase = Phase::Confirmed;
        }
        if let Some(acks) = acks {
            self.pending.retain(|pending| !acks.names(pending.hash));
        }
        let datagram = datagram.filter(|datagram| !datagram.is_empty());
        let fresh = datagram.filter(|datagram| self.received.note(hash(datagram)));
        self.carried.received += u32::from(fresh.is_some());
        // The peer lacks nothing, and has nothing that we lack.
        if self.phase == Phase::Complete && self.pending.is_empty() && datagram.is_none() {
            self.end();
        }
        fresh
    }

    /// Takes note of a datagram that came by itself. `false`: it is one that was here before.
    pub fn note(&mut self, datagram: &[u8]) -> bool {
        !self.is_on() || self.received.note(hash(datagram))
    }

    /// The handshake is complete on our side.
    pub fn complete(&mut self) {
        match self.phase {
            Phase::Confirmed => self.phase = Phase::Complete,
            // It went its usual way, and the peer has not been heard of here: it will not be.
            Phase::Tentative => self.end(),
            Phase::Complete | Phase::Over => {}
        }
    }

    /// Data came under the keys of the handshake: the peer lacks nothing.
    pub fn peer_is_complete(&mut self) {
        if self.phase == Phase::Complete {
            self.pending.clear();
        }
    }

    /// Nothing more is carried; what has not left goes its usual way.
    pub fn end(&mut self) {
        self.phase = Phase::Over;
        self.pending.retain(|pending| !pending.has_left);
        self.received = Received::default();
    }
}

impl Default for Embedding {
    fn default() -> Self {
        Self::off()
    }
}
