//! What travels in checks and is none of ICE's business: the owner packs attributes of its own into a message on its way
//! out, and reads those of a message that was authentic.

use crate::wire::stun::Builder;

/// Packs what the owner wants to travel along.
pub trait Luggage {
    /// Appends attributes to a check, or to the answer to one. `proven`: something authentic came along the path that it
    /// leaves by, so that it is likely to arrive. What is added counts towards the size of the datagram.
    fn pack<'o>(&mut self, proven: bool, message: Builder<'o>) -> Builder<'o>;
}

/// For owners without any.
#[derive(Clone, Copy, Debug)]
pub struct NoLuggage;

impl Luggage for NoLuggage {
    fn pack<'o>(&mut self, _proven: bool, message: Builder<'o>) -> Builder<'o> {
        message
    }
}

/// Proof that a message was a check of the peer, or its answer to one of ours, with the right integrity. What else it
/// carries may be looked at.
#[derive(Debug)]
#[must_use = "it is the permission to look at what the message carried"]
pub struct AuthenticCheck(());

/// Whether the message of the moment was authentic.
#[derive(Debug, Default)]
pub(super) struct Vouched(bool);

impl Vouched {
    /// The message's integrity is right.
    pub const fn vouch(&mut self) {
        self.0 = true;
    }

    /// The proof, for the message that was handled last.
    pub fn take(&mut self) -> Option<AuthenticCheck> {
        std::mem::take(&mut self.0).then_some(AuthenticCheck(()))
    }
}
