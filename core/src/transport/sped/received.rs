//! What arrived inside of messages, by its hash.

use crate::wire::stun::sped::{Acks, MAX_ACKS};

/// The hashes of the latest datagrams, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Received(Vec<u32>);

impl Received {
    /// Takes note of a datagram; `false` when it is one of the latest that were there before.
    pub fn note(&mut self, hash: u32) -> bool {
        if self.0.contains(&hash) {
            return false;
        }
        if self.0.len() == MAX_ACKS {
            self.0.remove(0);
        }
        self.0.push(hash);
        true
    }

    pub fn acks(&self) -> Acks {
        Acks::of(&self.0)
    }
}
