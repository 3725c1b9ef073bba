//! What is on its way out.

use crate::net::machine::Machine;
use purertc::{Instant, SocketId, Transmit};

/// One run of datagrams that the connection has given and the system has not taken yet.
///
/// There is never more than one: what else is to be sent waits inside the connection, which builds packets when
/// they are asked for.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    /// The run, and how many of its bytes are sent.
    waiting: Option<(Transmit, usize)>,
}

impl Outbox {
    /// The socket to send from now: that of the run that waits, or of the next one that `machine` has. `None`
    /// when there is nothing to send.
    pub fn load(&mut self, now: Instant, machine: &mut impl Machine) -> Option<SocketId> {
        if self.waiting.is_none() {
            self.waiting = machine.poll_transmit(now, &mut self.bytes).map(|transmit| (transmit, 0));
        }
        self.socket()
    }

    /// The socket of the run that waits.
    #[must_use]
    pub fn socket(&self) -> Option<SocketId> {
        self.waiting.map(|(transmit, _)| transmit.path.socket)
    }

    /// Forgets the run that waits.
    pub fn discard(&mut self) {
        self.waiting = None;
    }

    /// Puts a run in place of what the connection would give.
    #[cfg(test)]
    pub(super) fn put(&mut self, transmit: Transmit, bytes: Vec<u8>) {
        (self.waiting, self.bytes) = (Some((transmit, 0)), bytes);
    }

    /// What remains of the run.
    pub(super) fn rest(&self) -> Option<(&Transmit, &[u8])> {
        let (transmit, sent) = self.waiting.as_ref()?;
        Some((transmit, &self.bytes[*sent..transmit.size]))
    }

    /// Notes that `bytes` of what remains are gone.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.waiting = self
            .waiting
            .map(|(transmit, sent)| (transmit, sent + bytes))
            .filter(|(run, sent)| *sent < run.size);
    }
}
