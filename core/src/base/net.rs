//! Addresses, paths and datagrams: what crosses the line between the core and a driver.

use bytes::BytesMut;
use std::fmt;
use std::net::SocketAddr;

/// A socket of the driver. The number is the driver's own; the core hands it back unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// A UDP datagram.
    Udp,
    /// A TCP stream: what is handed over is its next piece, cut anywhere.
    Tcp,
}

/// Where a datagram goes and where it comes from: the five-tuple and the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The driver's socket.
    pub socket: SocketId,
    /// What carries it.
    pub protocol: Protocol,
    /// Our address. Never a wildcard: a driver with a socket bound to `0.0.0.0` says which of the
    /// host's addresses a datagram came to, and sends from the one named here.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
        };
        write!(f, "{protocol} {} -> {}", self.local, self.remote)
    }
}

/// An address of this host that a connection may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalAddress {
    /// The driver's socket that is bound to it.
    pub socket: SocketId,
    /// What the socket carries.
    pub protocol: Protocol,
    /// The address itself: neither a wildcard nor port 0.
    pub address: SocketAddr,
}

impl LocalAddress {
    /// An address of the UDP socket `socket`.
    #[must_use]
    pub const fn udp(socket: SocketId, address: SocketAddr) -> Self {
        Self { socket, protocol: Protocol::Udp, address }
    }

    /// An address where the driver accepts TCP streams for ICE-TCP (RFC 6544), `socket` being the listener. Each stream
    /// that is accepted gets a number of its own and is announced by `handle_stream_opened`.
    #[must_use]
    pub const fn tcp(socket: SocketId, address: SocketAddr) -> Self {
        Self { socket, protocol: Protocol::Tcp, address }
    }

    /// The path from here to `remote`.
    #[must_use]
    pub const fn to(self, remote: SocketAddr) -> Path {
        Path { socket: self.socket, protocol: self.protocol, local: self.address, remote }
    }
}

/// The two ECN bits of an IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct,
    /// ECN-capable, codepoint 1 (L4S, RFC 9331).
    Ect1,
    /// ECN-capable, codepoint 0.
    Ect0,
    /// Congestion experienced.
    Ce,
}

/// What arrived from the network.
#[derive(Clone, Debug)]
pub struct Datagram {
    /// How it came: `local` is the address that it was sent to.
    pub path: Path,
    /// The ECN bits that it carried, [`Ecn::NotEct`] where the driver cannot tell.
    pub ecn: Ecn,
    /// The payload. It is decrypted in place, and what the application receives are slices of it.
    pub data: BytesMut,
}

/// What to send, the bytes being in the buffer that was handed to `poll_transmit`.
///
/// `size` bytes at the buffer's front are one or more datagrams for the same path: when `segment_size` is set,
/// each is that long but the last, which may be shorter (what UDP segmentation offload takes in one call).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Where to send, and from which socket and address.
    pub path: Path,
    /// ECN bits to set.
    pub ecn: Ecn,
    /// The differentiated-services code point to ask for (RFC 8837); 0 is best effort.
    pub dscp: u8,
    /// Bytes in all.
    pub size: usize,
    /// Bytes of each datagram but the last; `None` when there is only one.
    pub segment_size: Option<usize>,
}

impl Transmit {
    /// One datagram of `size` bytes along `path`, best effort, not ECN-capable.
    #[must_use]
    pub const fn single(path: Path, size: usize) -> Self {
        Self { path, ecn: Ecn::NotEct, dscp: 0, size, segment_size: None }
    }

    /// The datagrams in `bytes`, which must be what was written together with this value.
    pub fn datagrams<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        bytes[..self.size].chunks(self.segment_size.unwrap_or(self.size).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::{LocalAddress, SocketId, Transmit};

    #[test]
    fn a_run_falls_into_its_datagrams() {
        let local = LocalAddress::udp(SocketId(1), "192.0.2.1:5000".parse().unwrap());
        let mut transmit = Transmit::single(local.to("192.0.2.2:6000".parse().unwrap()), 5);
        assert_eq!(transmit.datagrams(b"abcde").collect::<Vec<_>>(), [b"abcde".as_slice()]);
        transmit.segment_size = Some(2);
        assert_eq!(transmit.datagrams(b"abcde-").collect::<Vec<_>>(), [&b"ab"[..], b"cd", b"e"]);
    }
}
