//! Sockets on the same ports for several threads.

use crate::net::exchange::{Desk, MAX_MEMBERS};
use crate::net::settings::{Bound, PortUse, SocketSettings};
use purertc::LocalAddress;
use std::io;

/// One thread's sockets on ports that it shares with others, bound and not used yet: what an endpoint of a crew begins
/// with. [`SocketSettings::share`] makes them, all at once; send each to its thread.
///
/// Peers stay with the endpoint that they were made at. The system deals datagrams out by their senders, so many reach
/// another thread first; those are handed over, a batch at a time, without a copy. Hand-over costs far less than what is
/// done with a datagram after it, so threads share the work evenly when they have about as many peers.
///
/// A share that is dropped takes its sockets along, and the system deals datagrams out anew.
#[derive(Debug)]
pub struct Share {
    pub(super) settings: SocketSettings,
    pub(super) bound: Vec<Bound>,
    pub(super) desk: Desk,
}

impl SocketSettings {
    /// Opens sockets for `members` threads, 1 to 64: each gets one on each address, and all have the same port there
    /// (`SO_REUSEPORT`).
    ///
    /// Listeners for TCP streams ([`listen_tcp`](Self::listen_tcp)) have a port for each thread: leave `ports` to the
    /// system, or give a range, or only one thread has any.
    ///
    /// # Errors
    ///
    /// Those of [`bind`](Self::bind); `InvalidInput` when `members` is out of range, and `Unsupported` on a system
    /// whose sockets cannot share a port.
    pub fn share(&self, members: usize) -> io::Result<Vec<Share>> {
        if !(1..=MAX_MEMBERS).contains(&members) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a crew has 1 to 64 members"));
        }
        if members > 1 && !cfg!(unix) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "sockets cannot share a port here"));
        }
        let settings = Self { port_use: PortUse::Shared, ..self.clone() };
        let first = settings.bind()?;
        let addresses: Vec<_> = first.iter().map(|bound| bound.local).collect();
        let mut all = vec![first];
        for _ in 1..members {
            let open = |&local: &LocalAddress| Ok(Bound { socket: settings.open(local.address)?, local });
            all.push(addresses.iter().map(open).collect::<io::Result<_>>()?);
        }
        let desks = Desk::crew(members);
        let shares = all.into_iter().zip(desks);
        Ok(shares.map(|(bound, desk)| Share { settings: settings.clone(), bound, desk }).collect())
    }
}

impl Share {
    /// This member's place among the others.
    #[must_use]
    pub const fn desk(&self) -> &Desk {
        &self.desk
    }
}
