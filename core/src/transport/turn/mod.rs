//! A TURN client (RFC 8656): addresses on a server that relays to peers and back.
//!
//! One [`Client`] is one allocation: one address of this host, one server, one address on it of each family that it has.
//! It asks for the allocation and keeps it alive, permits peers, binds channels, and frames what goes through. It speaks
//! to the server in datagrams or over a stream, which its owner opens for it and cuts into messages. It knows nothing of
//! ICE, nor of TCP allocations (RFC 6062), which no browser uses.

mod allocation;
mod auth;
mod frame;
mod peers;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use self::auth::Login;
pub use self::frame::Frame;

use self::allocation::State;
use self::auth::Session;
use self::peers::{Channel, Permission};
use self::request::Transaction;
use self::stream::Link;
use crate::base::drops::{DropReason, Drops};
use crate::base::net::{LocalAddress, Path, Transmit};
use crate::base::queue::{BusyQueue, Queue};
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::CryptoProvider;
use crate::wire::stun::{CHANNEL_HEADER_LEN, Class, Message, Method, TransactionId};
use bytes::{Buf as _, BytesMut};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Datagrams that wait for a permission or for a slow driver.
const MAX_WAITING: usize = 64;
/// The first byte of STUN is below this, that of a channel message is not (RFC 8656 §12).
const FIRST_CHANNEL_BYTE: u8 = 64;

/// What a client is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where requests are sent from.
    pub base: LocalAddress,
    /// The server.
    pub server: SocketAddr,
    /// User name and password there.
    pub login: Login,
    /// How long the server may take to answer until there is an allocation.
    pub patience: Duration,
    /// What carries our words to the server.
    pub carrier: Carrier,
    /// Whether an allocation that the server has for [`base`](Self::base) already is one of ours from an earlier life,
    /// which may be removed. Not where others use the same socket.
    pub sole_user: bool,
}

/// What carries words to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// UDP, from [`Config::base`].
    Datagrams,
    /// TCP or TLS, from the same host. The owner opens it when [`Event::Connect`] asks for it.
    Stream,
}

/// What a client has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A stream to the server is wanted, in place of the one before: [`Client::connected`] or
    /// [`Client::disconnected`] tells what came of it.
    Connect {
        /// Where to.
        server: SocketAddr,
        /// The name that the server proves to have, where it is another than that of the server before
        /// (ALTERNATE-DOMAIN, RFC 8489 §14.16).
        domain: Option<String>,
    },
    /// There is an allocation. Comes once for each address of it, so twice where there is one of each family.
    Allocated {
        /// The address that peers reach.
        relayed: SocketAddr,
        /// Our address as the server sees it.
        mapped: SocketAddr,
    },
    /// There is none and will be none: the server's code and words.
    Refused(u16, String),
    /// There is none, because the server does not answer or cannot be connected to.
    Unreachable(String),
    /// There still is one ([`Client::confirm`]).
    Confirmed,
    /// There is none, says the server that was asked for it ([`Client::confirm`]).
    Forgotten,
    /// There is none any more.
    Lost,
}

/// What a datagram from the server was.
#[derive(Debug)]
pub enum Handled {
    /// Nothing of ours; here it is back.
    Other(BytesMut),
    /// Ours, and done with.
    Done,
    /// A datagram of this peer.
    Data(SocketAddr, BytesMut),
}

/// One allocation on a TURN server.
///
/// * Do: [`allocate`](Self::allocate), [`permit`](Self::permit), [`bind`](Self::bind), [`send`](Self::send),
///   `begin`/`finish` for datagrams that are laid out in place, [`close`](Self::close).
/// * Handle: [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout).
/// * Poll: `poll_transmit`, `poll_event`, `poll_timeout`, in any order and as late as one likes.
pub struct Client {
    config: Config,
    link: Link,
    crypto: CryptoProvider,
    rng: Rng,
    session: Option<Session>,
    state: State,
    transactions: Vec<Transaction>,
    permissions: Vec<Permission>,
    channels: Vec<Channel>,
    outbox: BusyQueue<Outgoing>,
    /// What waits for a permission.
    held: Queue<(SocketAddr, Vec<u8>)>,
    events: BusyQueue<Event>,
    drops: Drops,
}

/// What is to be sent to the server.
#[derive(Debug)]
enum Outgoing {
    /// The request of a transaction, if that is still alive when it is asked for.
    Request(TransactionId),
    /// Framed already.
    Datagram(Vec<u8>),
}

impl Client {
    /// A client that does nothing yet.
    #[must_use]
    pub fn new(config: Config, crypto: CryptoProvider, rng: Rng) -> Self {
        Self {
            link: Link::new(config.carrier),
            config,
            crypto,
            rng,
            session: None,
            state: State::Idle,
            transactions: Vec::new(),
            permissions: Vec::new(),
            channels: Vec::new(),
            outbox: BusyQueue::default(),
            held: Queue::default(),
            events: BusyQueue::default(),
            drops: Drops::default(),
        }
    }

    /// The way to the server, which may have named another one; `None` while there is no stream.
    #[must_use]
    pub fn path(&self) -> Option<Path> {
        match self.link {
            Link::Datagrams => Some(self.config.base.to(self.config.server)),
            Link::Connecting => None,
            Link::Connected(path) => Some(path),
        }
    }

    /// The server, or the one that it named in its place.
    #[must_use]
    pub const fn server(&self) -> SocketAddr {
        self.config.server
    }

    /// Where requests are sent from.
    #[must_use]
    pub const fn base(&self) -> LocalAddress {
        self.config.base
    }

    /// The relayed addresses, at most one of each family, while there is an allocation.
    pub fn relayed(&self) -> impl Iterator<Item = SocketAddr> {
        let relayed = match self.state {
            State::Allocated { relayed, .. } => relayed,
            _ => [None; 2],
        };
        relayed.into_iter().flatten()
    }

    /// The relayed address that reaches `peer`, and that `peer` reaches.
    #[must_use]
    pub fn relayed_for(&self, peer: SocketAddr) -> Option<SocketAddr> {
        self.relayed().find(|relayed| relayed.is_ipv4() == peer.is_ipv4())
    }

    /// Whether there is an allocation.
    #[must_use]
    pub const fn is_allocated(&self) -> bool {
        matches!(self.state, State::Allocated { .. })
    }

    /// Whether the answer to [`allocate`](Self::allocate) is awaited.
    #[must_use]
    pub const fn is_allocating(&self) -> bool {
        matches!(self.state, State::Allocating { .. })
    }

    /// Whether the answer to [`confirm`](Self::confirm) is awaited.
    #[must_use]
    pub const fn is_unsure(&self) -> bool {
        matches!(self.state, State::Allocated { is_unsure: true, .. })
    }

    /// Whether nothing will ever come of it any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Takes a datagram from the server.
    pub fn handle_datagram(&mut self, now: Instant, mut data: BytesMut) -> Handled {
        if data.first().is_some_and(|first| *first >= FIRST_CHANNEL_BYTE) {
            // Outside 64 to 79 it is no channel message: the server itself may be a peer without a relay.
            if data[0] > 79 || !self.is_allocated() {
                return Handled::Other(data);
            }
            return match self.channel_peer(&data) {
                Ok((peer, size)) => {
                    data.advance(CHANNEL_HEADER_LEN);
                    data.truncate(size);
                    Handled::Data(peer, data)
                }
                Err(reason) => self.refuse(reason),
            };
        }
        let Ok(message) = Message::parse(&data) else { return Handled::Other(data) };
        match (message.class, message.method) {
            (Class::Indication, Method::Data) if self.is_allocated() => match self.relayed_data(&message) {
                Ok((peer, inner)) => Handled::Data(peer, inner),
                Err(reason) => self.refuse(reason),
            },
            (Class::Success | Class::Error, _) if self.is_ours(&message) => {
                self.handle_response(now, &message);
                Handled::Done
            }
            _ => Handled::Other(data),
        }
    }

    fn refuse(&mut self, reason: DropReason) -> Handled {
        self.drops.count(reason);
        Handled::Done
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.retransmit(now);
        self.keep_allocation(now);
        self.keep_peers(now);
    }

    /// Appends one datagram for the server to `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let path = self.path()?;
        while let Some(outgoing) = self.outbox.pop() {
            let size = match outgoing {
                Outgoing::Request(id) => self.write_request(now, id, out),
                Outgoing::Datagram(datagram) => {
                    out.extend_from_slice(&datagram);
                    Some(datagram.len())
                }
            };
            if let Some(size) = size {
                return Some(Transmit::single(path, size));
            }
        }
        None
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// When `handle_timeout` is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let requests = self.transactions.iter().map(|t| t.due).min();
        earliest([requests, self.allocation_deadline(), self.peers_deadline()])
    }

    /// What was refused, and how often.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.config)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
