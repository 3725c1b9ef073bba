//! Sockets, interfaces, clock and randomness: what a connection needs from the system, without any loop.
//!
//! An adapter wraps the sockets that [`SocketSettings::bind`] gives into those of its runtime, learns from the
//! runtime when they are ready, and then calls [`Socket::receive`] and [`Socket::send`]. Nothing here waits.

mod arrivals;
mod clock;
mod exchange;
mod identity;
mod inbox;
mod interfaces;
mod lookup;
mod machine;
mod marking;
mod multicast;
mod outbox;
mod settings;
mod share;
mod socket;
mod sockets;
mod stream;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod watch;

pub use self::arrivals::Arrivals;
pub use self::clock::Clock;
pub use self::exchange::{Desk, Exchanged};
pub use self::identity::IdentityGateway;
pub use self::inbox::{Inbox, Left};
pub use self::lookup::{Alarm, Resolver};
pub use self::machine::Machine;
pub use self::marking::Descriptor;
pub use self::outbox::Outbox;
pub use self::settings::{Bound, Marking, PortUse, SocketSettings};
pub use self::share::Share;
pub use self::socket::Socket;
pub use self::sockets::{Kind, Place, Runtime, SocketLimits, Sockets};
pub use self::stream::{Opening, Stream, Tcp, stream_is_connected};
pub use self::table::Table;
pub use self::tls::TlsSettings;

use purertc::{Init, Instant};
use std::io;
use std::time::SystemTime;

/// What a new connection wants to know, at `now`: the date, and 32 unguessable bytes from the system.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn init(now: Instant) -> io::Result<Init> {
    Ok(Init::new(now, SystemTime::now(), seed()?))
}

/// 32 unguessable bytes from the system.
///
/// # Errors
///
/// When the system has no randomness to give.
pub fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(io::Error::other)?;
    Ok(seed)
}
