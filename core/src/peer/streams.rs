//! TCP streams that a shared listener accepted: whose they are, which peer's of an endpoint or which link's of a peer,
//! shows in the first message on them, a check that names its addressee. Until then they are few, small and short-lived.

use crate::base::net::{Path, SocketId};
use crate::base::time::{Instant, earliest};
use crate::wire::framing::{Framing, take};
use bytes::BytesMut;
use std::time::Duration;

/// Streams that may wait for their name. Beyond it the oldest one goes.
const MAX_UNNAMED: usize = 128;
/// How long one may take to name itself.
const PATIENCE: Duration = Duration::from_secs(5);
/// A check is smaller than this.
const MAX_FIRST_MESSAGE: usize = 1_500;

/// A stream that has not said whose it is.
#[derive(Debug)]
struct Unnamed {
    path: Path,
    /// What came on it so far.
    held: BytesMut,
    until: Instant,
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Streams(Vec<Unnamed>);

/// What a stream has shown itself to be.
#[derive(Debug)]
pub(crate) enum Naming {
    /// It is none of these.
    Unknown,
    /// Its first message is not complete yet.
    Wait,
    /// Its first message, and everything that came on it so far.
    First { message: BytesMut, everything: BytesMut },
    /// Nothing that a peer would begin with.
    Nonsense,
}

impl Streams {
    /// Notes a stream; one that has to go for it comes back.
    pub(crate) fn open(&mut self, now: Instant, path: Path) -> Option<SocketId> {
        let full = self.0.len() >= MAX_UNNAMED;
        self.0.push(Unnamed { path, held: BytesMut::new(), until: now + PATIENCE });
        full.then(|| self.0.remove(0).path.socket)
    }

    /// What a piece of a stream makes of it. Except for [`Naming::Wait`] it is none of these from now on.
    pub(crate) fn hear(&mut self, path: &Path, piece: &[u8]) -> Naming {
        let Some(at) = self.0.iter().position(|stream| stream.path == *path) else { return Naming::Unknown };
        let stream = &mut self.0[at];
        stream.held.extend_from_slice(piece);
        // A copy of a message's size at most: what follows goes to the peer with it.
        let mut front = BytesMut::from(&stream.held[..stream.held.len().min(MAX_FIRST_MESSAGE)]);
        match take(Framing::Length, &mut front) {
            Ok(Some(message)) => Naming::First { message, everything: self.0.remove(at).held },
            Ok(None) if stream.held.len() < MAX_FIRST_MESSAGE => Naming::Wait,
            Ok(None) | Err(_) => {
                self.0.remove(at);
                Naming::Nonsense
            }
        }
    }

    /// Forgets a stream that ended.
    pub(crate) fn forget(&mut self, socket: SocketId) {
        self.0.retain(|stream| stream.path.socket != socket);
    }

    /// Takes one that has had its time.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<SocketId> {
        let at = self.0.iter().position(|stream| stream.until <= now)?;
        Some(self.0.remove(at).path.socket)
    }

    /// Takes all of them out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = SocketId> {
        self.0.drain(..).map(|stream| stream.path.socket)
    }

    /// When the next one has.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.0.iter().map(|stream| Some(stream.until)))
    }
}
