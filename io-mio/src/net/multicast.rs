//! Sockets in the groups of multicast DNS.

use crate::net::interfaces::index_of;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

// RFC 6762 §3.
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const PORT: u16 = 5353;

/// A socket in the group of the interface that has `address`, and of its family. It hears that interface's group
/// alone, and speaks to it. Other programs of this host do the same on the same port.
pub(super) fn join(address: IpAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address((address, PORT).into()), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // RFC 6762 §15.1: several responders on one host.
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    let any: IpAddr = match address {
        IpAddr::V4(interface) => {
            // Without this, Linux hands a socket what comes to any group that anybody here joined.
            #[cfg(any(target_os = "android", target_os = "linux"))]
            socket.set_multicast_all_v4(false)?;
            socket.join_multicast_v4(&GROUP_V4, &interface)?;
            socket.set_multicast_if_v4(&interface)?;
            // RFC 6762 §11.
            socket.set_multicast_ttl_v4(255)?;
            Ipv4Addr::UNSPECIFIED.into()
        }
        IpAddr::V6(_) => {
            let interface = index_of(address)?;
            socket.set_only_v6(true)?;
            #[cfg(any(target_os = "android", target_os = "linux"))]
            socket.set_multicast_all_v6(false)?;
            socket.join_multicast_v6(&GROUP_V6, interface)?;
            socket.set_multicast_if_v6(interface)?;
            socket.set_multicast_hops_v6(255)?;
            Ipv6Addr::UNSPECIFIED.into()
        }
    };
    socket.bind(&SocketAddr::new(any, PORT).into())?;
    Ok(socket.into())
}

/// The address that stands for such a socket: that of its interface.
pub(super) const fn name_of(address: IpAddr) -> SocketAddr {
    SocketAddr::new(address, PORT)
}

#[cfg(test)]
mod tests {
    use super::{GROUP_V4, PORT, join};
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    #[test]
    fn two_members_of_the_group_hear_each_other() {
        let [one, other] = [0, 1].map(|_| join(Ipv4Addr::LOCALHOST.into()).unwrap());
        // Other members of this host may talk at the same time.
        let (words, mut heard) = (format!("purertc {}", std::process::id()), [0; 1_500]);
        one.send_to(words.as_bytes(), (GROUP_V4, PORT)).unwrap();
        let begun = Instant::now();
        loop {
            match other.recv_from(&mut heard) {
                Ok((count, from)) if &heard[..count] == words.as_bytes() => {
                    assert_eq!(from, (Ipv4Addr::LOCALHOST, PORT).into());
                    return;
                }
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "nobody heard it");
        }
    }
}
