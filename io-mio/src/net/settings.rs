//! Which sockets to open.

use crate::net::identity::IdentityGateway;
use crate::net::interfaces::usable_addresses;
use crate::net::lookup::Resolver;
use crate::net::tls::TlsSettings;
use purertc::{LocalAddress, SocketId};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

/// Which sockets a connection gets. `SocketSettings::default()` suits most programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SocketSettings {
    /// The addresses to bind to. Default: none are named, and every interface that is up is used.
    ///
    /// Naming addresses keeps the others from the peer. A wildcard (`0.0.0.0`, `::`) is one socket for all addresses of
    /// its family, those that come later included; what is sent goes out from the address that the path says, so that
    /// answers come from where the question went.
    pub addresses: Vec<IpAddr>,
    /// Whether loopback interfaces count among all interfaces. Default false: no other host can reach them (RFC
    /// 8445 §5.1.1.1). Turn it on for peers on the same host.
    pub include_loopback: bool,
    /// The ports to bind to: the first that is free, for each address. Default `None`: the system picks. A range
    /// serves firewalls; every connection takes one port of it on each address.
    pub ports: Option<RangeInclusive<u16>>,
    /// Whether other sockets may have the same port. Default: none may.
    pub port_use: PortUse,
    /// Whether TCP streams of the peer are accepted on every address, too (ICE-TCP, RFC 6544). Default false: few
    /// peers are behind something that lets TCP through and no UDP, and most of those use TURN. Streams to passive
    /// candidates of the peer's are made regardless.
    pub listen_tcp: bool,
    /// Whether datagrams carry code points of differentiated services. Default: none do.
    pub marking: Marking,
    /// Whether addresses that the host gains or loses later are used and given up. Default true. It concerns
    /// connections whose addresses are not named.
    pub watch_interfaces: bool,
    /// Which certificates servers may prove their names with. Default: those that the system trusts.
    pub tls: TlsSettings,
    /// Who knows the addresses of hosts. Default: the system, as in `/etc/hosts` and `/etc/resolv.conf`.
    pub resolver: Resolver,
    /// Who reaches identity providers (`setIdentityProvider`, and what peers claim). Default: nobody, so that none vouches.
    pub identity: Option<IdentityGateway>,
    /// Bytes of the system's send buffer to ask for. Default `None`: 2 MiB, of which the system grants what it
    /// likes.
    pub send_buffer_size: Option<usize>,
    /// Bytes of the system's receive buffer to ask for. Default `None`: 2 MiB, of which the system grants what it
    /// likes. What does not fit is lost, so a fast peer wants more than the customary 208 KiB.
    pub receive_buffer_size: Option<usize>,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            include_loopback: false,
            ports: None,
            port_use: PortUse::default(),
            listen_tcp: false,
            marking: Marking::default(),
            watch_interfaces: true,
            tls: TlsSettings::default(),
            resolver: Resolver::default(),
            identity: None,
            send_buffer_size: None,
            receive_buffer_size: None,
        }
    }
}

/// Who may have a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortUse {
    /// One socket.
    #[default]
    Alone,
    /// All that say so (`SO_REUSEPORT`, where the system has it), such as one for each thread. The system deals datagrams
    /// out among them by their senders.
    Shared,
}

/// Which datagrams carry code points of differentiated services (RFC 8837).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marking {
    /// None: networks that do not know them may drop what carries one, and few honour them.
    #[default]
    Off,
    /// Those of data, by the highest [`Priority`](purertc::Priority) among the channels. On Linux and Android alone;
    /// elsewhere nothing is marked. What the system refuses to mark goes without.
    ByPriority,
}

/// A socket that was opened, non-blocking, and the address that a connection may use through it.
#[derive(Debug)]
pub struct Bound {
    /// The socket.
    pub socket: UdpSocket,
    /// Its address, or the wildcard. The socket's number is its place in the list that [`SocketSettings::bind`] gives.
    pub local: LocalAddress,
}

impl SocketSettings {
    /// Opens one socket for each address.
    ///
    /// An address that cannot be bound (it is just going away, or its ports are taken) is left out.
    ///
    /// # Errors
    ///
    /// When no socket could be opened: why the last address failed, or `AddrNotAvailable` when there is none.
    pub fn bind(&self) -> io::Result<Vec<Bound>> {
        let all;
        let addresses = if self.addresses.is_empty() {
            all = usable_addresses(self.include_loopback)?;
            &all
        } else {
            &self.addresses
        };
        let mut bound: Vec<Bound> = Vec::with_capacity(addresses.len());
        let mut failure = io::Error::new(io::ErrorKind::AddrNotAvailable, "no usable interface is up");
        for &address in addresses {
            let id = SocketId(u32::try_from(bound.len()).unwrap_or(u32::MAX));
            match self.bind_one(address) {
                Ok((socket, address)) => bound.push(Bound { socket, local: LocalAddress::udp(id, address) }),
                Err(error) => {
                    tracing::debug!(%address, %error, "address left out");
                    failure = error;
                }
            }
        }
        if bound.is_empty() { Err(failure) } else { Ok(bound) }
    }

    pub(super) fn bind_one(&self, address: IpAddr) -> io::Result<(UdpSocket, SocketAddr)> {
        let socket = self.on_a_port(|port| self.open((address, port).into()))?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    pub(super) fn open(&self, address: SocketAddr) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(socket2::Protocol::UDP))?;
        if address.is_ipv6() {
            // Or a wildcard would take the other family's datagrams, too, under mapped addresses.
            socket.set_only_v6(true)?;
        }
        #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
        socket.set_reuse_port(self.port_use == PortUse::Shared)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        Ok(socket.into())
    }

    /// Opens something on the first port that is free.
    pub(super) fn on_a_port<T>(&self, open: impl Fn(u16) -> io::Result<T>) -> io::Result<T> {
        let Some(ports) = &self.ports else { return open(0) };
        let mut taken = io::Error::new(io::ErrorKind::InvalidInput, "the range of ports is empty");
        ports.clone().find_map(|port| open(port).map_err(|error| taken = error).ok()).ok_or(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::{PortUse, SocketSettings};
    use std::io;
    use std::net::Ipv4Addr;

    fn on_loopback() -> SocketSettings {
        SocketSettings { addresses: vec![Ipv4Addr::LOCALHOST.into()], ..SocketSettings::default() }
    }

    #[test]
    fn a_range_of_ports_is_used_up_and_then_refused() {
        let probe = on_loopback().bind().unwrap();
        let port = probe[0].local.address.port();
        drop(probe);
        let settings = SocketSettings { ports: Some(port..=port), ..on_loopback() };
        let first = settings.bind().unwrap();
        assert_eq!(first[0].local.address.port(), port);
        assert_eq!(settings.bind().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn a_port_is_shared_by_those_that_all_want_to() {
        let shared = SocketSettings { port_use: PortUse::Shared, ..on_loopback() };
        let first = shared.bind().unwrap();
        let port = first[0].local.address.port();
        let shared = SocketSettings { ports: Some(port..=port), ..shared };
        assert_eq!(shared.bind().unwrap()[0].local.address.port(), port);
        let alone = SocketSettings { port_use: PortUse::Alone, ..shared };
        assert_eq!(alone.bind().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn sockets_are_numbered_in_order() {
        let settings =
            SocketSettings { addresses: vec![Ipv4Addr::LOCALHOST.into(); 3], ..SocketSettings::default() };
        let ids: Vec<u32> = settings.bind().unwrap().iter().map(|bound| bound.local.socket.0).collect();
        assert_eq!(ids, [0, 1, 2]);
    }
}
