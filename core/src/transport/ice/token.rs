//! Gates as types: what only the agent can vouch for.

use crate::base::net::Path;

/// Proof that authenticated STUN was seen on a path: a check of ours succeeded there, or a request of the peer
/// arrived there whose message integrity was right. Nothing but STUN is looked at without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidatedPath(Path);

impl ValidatedPath {
    pub(super) const fn mint(path: Path) -> Self {
        Self(path)
    }

    /// The path that it is the proof for.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.0
    }
}

/// Proof that the peer consents, now, to be sent to on the path that came with it (RFC 7675).
///
/// Neither `Clone` nor `Copy`: ask anew for each batch rather than keep one.
#[derive(Debug)]
#[must_use = "it is the permission to send on the path that came with it"]
pub struct ConsentGranted(());

impl ConsentGranted {
    pub(super) const fn mint() -> Self {
        Self(())
    }
}
