//! What a connection cannot do itself and asks its driver for: streams, ports, names, multicast, identity providers.
//!
//! A request comes out of `poll_io_request` with an [`IoId`]; the driver answers it with `handle_io_response` under
//! the same id, once, however long that takes. Bytes of streams and datagrams of multicast go in and out as all
//! others do, as [`Datagram`](crate::base::net::Datagram)s and [`Transmit`](crate::base::net::Transmit)s: on a path
//! whose protocol is TCP each of them is the next piece of the stream, cut anywhere, and the core does the framing.

use crate::base::identity::{IdentityAnswer, IdentityFailure, IdentityRequest};
use crate::base::net::{LocalAddress, SocketId};
use std::net::{IpAddr, SocketAddr};

/// One request of one connection. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IoId(pub u64);

/// Something to do for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IoRequest {
    /// Look up the addresses of a host, of both families, in the DNS or whatever the system uses. The answer is
    /// [`IoResponse::Resolved`] or [`IoResponse::Failed`]; give up after about five seconds.
    Resolve {
        /// What to answer under.
        id: IoId,
        /// The name, as written in a server's URL or a candidate. Never an address, never a `.local` name.
        host: Box<str>,
    },
    /// Open a stream. The answer is [`IoResponse::Connected`] or [`IoResponse::Failed`]; give up after about ten
    /// seconds.
    Connect {
        /// What to answer under.
        id: IoId,
        /// The address of this host to connect from. Port 0: any that is free. Another one: exactly that, which a
        /// listener of ours may have, too (`SO_REUSEADDR` and `SO_REUSEPORT`), as simultaneous-open of ICE-TCP wants
        /// it.
        from: SocketAddr,
        /// Where to connect to.
        to: SocketAddr,
        /// Whether the bytes go as they are or through TLS.
        security: StreamSecurity,
    },
    /// Close a stream or what [`Bind`](Self::Bind) opened, or give up opening it: nothing is to be heard of it any more. Bytes that were handed over
    /// before still go out, as far as the system takes them within a second. No answer.
    Close {
        /// The request that opened it, or the socket of an accepted stream.
        stream: StreamName,
    },
    /// Open another UDP socket at this address of the host, with a port of its own: for RTCP that does not share the port
    /// of RTP. The answer is [`IoResponse::Bound`] or [`IoResponse::Failed`]. The socket is this connection's alone, and
    /// is closed when [`Close`](Self::Close) names this request.
    Bind {
        /// What to answer under.
        id: IoId,
        /// One of the local addresses that the driver named, never a wildcard.
        at: IpAddr,
    },
    /// Join the groups of multicast DNS (RFC 6762 §3: 224.0.0.251 and `ff02::fb`, port 5353) on the interfaces of
    /// the local addresses, sharing the port with others. The answer is [`IoResponse::Joined`] or
    /// [`IoResponse::Failed`]. Datagrams from the group arrive with the joined address as `path.local`; what is
    /// sent there has the group as `path.remote`.
    JoinMdns {
        /// What to answer under.
        id: IoId,
    },
    /// Ask an identity provider. The answer is [`IoResponse::Identity`] or [`IoResponse::Failed`]; after 15 seconds it is
    /// not waited for any more.
    Identity {
        /// What to answer under.
        id: IoId,
        /// Whom to ask, and what.
        request: Box<IdentityRequest>,
    },
}

impl IoRequest {
    /// The number of the request that this is, or that it is about. `None`: it is about a stream that was accepted.
    pub(crate) const fn id_mut(&mut self) -> Option<&mut IoId> {
        match self {
            Self::Resolve { id, .. }
            | Self::Connect { id, .. }
            | Self::Bind { id, .. }
            | Self::JoinMdns { id }
            | Self::Identity { id, .. }
            | Self::Close { stream: StreamName::Requested(id) } => Some(id),
            Self::Close { stream: StreamName::Accepted(_) } => None,
        }
    }
}

/// How the bytes of a stream travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamSecurity {
    /// As they are.
    Plain,
    /// Through TLS 1.2 or 1.3, and the server has to prove that it has this name (a host name or an address).
    Tls(Box<str>),
}

/// Which stream is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamName {
    /// The one that this request asked for, be it open yet or not.
    Requested(IoId),
    /// One that a listener accepted.
    Accepted(SocketId),
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IoResponse {
    /// The addresses of the host, in the order of the system's preference; empty when it has none.
    Resolved(Vec<IpAddr>),
    /// The stream is open: its number, [`Protocol::Tcp`](crate::base::net::Protocol::Tcp), and the address that the
    /// system gave it. With TLS its handshake is over, too.
    Connected(LocalAddress),
    /// The socket is open: its number, [`Protocol::Udp`](crate::base::net::Protocol::Udp), and the address that it is bound
    /// to. It is not added by `add_local_address`, and its datagrams are handed over like all others.
    Bound(LocalAddress),
    /// The groups are joined: one address for each interface and family, port 5353.
    Joined(Vec<LocalAddress>),
    /// What the identity provider said.
    Identity(Box<Result<IdentityAnswer, IdentityFailure>>),
    /// It cannot be done. The words go to the application (`icecandidateerror`), so they name the cause and no
    /// secret.
    Failed(String),
}
