//! Datagrams with a code point of differentiated services, where the system takes one for each of them.
//!
//! The byte is shared with ECN, and quinn-udp sets it on every datagram with those two bits alone; so what is marked goes
//! a way of its own.

use purertc::Ecn;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// What a marked run of datagrams is.
#[derive(Debug)]
pub(super) struct Marked<'a> {
    pub(super) dscp: u8,
    pub(super) ecn: Ecn,
    pub(super) to: SocketAddr,
    /// The address to send from, on a wildcard.
    pub(super) from: Option<IpAddr>,
    pub(super) contents: &'a [u8],
    /// The size of each but the last, if there are several.
    pub(super) segment: Option<usize>,
}

/// What every socket has.
#[cfg(unix)]
pub trait Descriptor: std::os::fd::AsFd {}
#[cfg(unix)]
impl<S: std::os::fd::AsFd> Descriptor for S {}

/// What every socket has.
#[cfg(not(unix))]
pub trait Descriptor {}
#[cfg(not(unix))]
impl<S> Descriptor for S {}

// RFC 2474 §3, RFC 3168 §5: six bits and two.
#[cfg_attr(not(any(target_os = "android", target_os = "linux")), expect(dead_code))]
const fn byte(dscp: u8, ecn: Ecn) -> u8 {
    let ecn = match ecn {
        Ecn::NotEct => 0,
        Ecn::Ect1 => 1,
        Ecn::Ect0 => 2,
        Ecn::Ce => 3,
    };
    dscp << 2 | ecn
}

/// Sends a run with one call. An error other than `WouldBlock` may be that of the mark.
#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) fn send(io: &impl Descriptor, marked: &Marked<'_>) -> io::Result<()> {
    use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
    use std::os::fd::AsRawFd;

    let tos = byte(marked.dscp, marked.ecn);
    let class = i32::from(tos);
    let mut control = match marked.to {
        SocketAddr::V4(_) => vec![ControlMessage::Ipv4Tos(&tos)],
        SocketAddr::V6(_) => vec![ControlMessage::Ipv6TClass(&class)],
    };
    let segment = marked.segment.and_then(|size| u16::try_from(size).ok());
    control.extend(segment.as_ref().map(ControlMessage::UdpGsoSegments));
    let v4 = |ip: std::net::Ipv4Addr| libc::in_addr { s_addr: u32::from_ne_bytes(ip.octets()) };
    let (mut info4, mut info6) = (None, None);
    match marked.from {
        Some(IpAddr::V4(ip)) => {
            info4 = Some(libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: v4(ip),
                ipi_addr: v4(std::net::Ipv4Addr::UNSPECIFIED),
            });
        }
        Some(IpAddr::V6(ip)) => {
            let address = libc::in6_addr { s6_addr: ip.octets() };
            info6 = Some(libc::in6_pktinfo { ipi6_addr: address, ipi6_ifindex: 0 });
        }
        None => {}
    }
    control.extend(info4.as_ref().map(ControlMessage::Ipv4PacketInfo));
    control.extend(info6.as_ref().map(ControlMessage::Ipv6PacketInfo));
    let contents = [io::IoSlice::new(marked.contents)];
    let to = SockaddrStorage::from(marked.to);
    sendmsg(io.as_fd().as_raw_fd(), &contents, &control, MsgFlags::empty(), Some(&to))?;
    Ok(())
}

/// Nothing is marked here.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(super) fn send(_: &impl Descriptor, _: &Marked<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, any(target_os = "android", target_os = "linux")))]
mod tests {
    use crate::net::{Marking, Outbox, Socket, SocketSettings};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};
    use purertc::{Ecn, LocalAddress, SocketId, Transmit};
    use std::io::IoSliceMut;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::time::Duration;

    /// The byte that the next datagram came with.
    fn byte_of(socket: &UdpSocket) -> u8 {
        let mut buffer = [0; 2_000];
        let mut slices = [IoSliceMut::new(&mut buffer)];
        let mut control = nix::cmsg_space!(i32);
        let flags = MsgFlags::empty();
        let message =
            recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags).unwrap();
        let found = message.cmsgs().unwrap().find_map(|control| match control {
            ControlMessageOwned::Ipv4Tos(tos) => Some(tos),
            ControlMessageOwned::Ipv6TClass(class) => u8::try_from(class).ok(),
            _ => None,
        });
        found.expect("it was asked for")
    }

    /// What comes of three datagrams with this mark, sent from `bound`.
    fn marks(bound: IpAddr, host: IpAddr, marking: Marking, dscp: u8) -> Vec<u8> {
        let receiver = UdpSocket::bind((host, 0)).unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let option = socket2::SockRef::from(&receiver);
        match host {
            IpAddr::V4(_) => option.set_recv_tos_v4(true).unwrap(),
            IpAddr::V6(_) => option.set_recv_tclass_v6(true).unwrap(),
        }
        let settings = SocketSettings { marking, ..SocketSettings::default() };
        let io = UdpSocket::bind((bound, 0)).unwrap();
        let local = LocalAddress::udp(SocketId(0), io.local_addr().unwrap());
        let socket = Socket::new(io, local, &settings).unwrap();
        let mut path = local.to(receiver.local_addr().unwrap());
        path.local.set_ip(host);
        let run = Transmit { path, ecn: Ecn::Ect0, dscp, size: 2_500, segment_size: Some(1_000) };
        let mut outbox = Outbox::default();
        outbox.put(run, vec![7; 2_500]);
        socket.send(&mut outbox).unwrap();
        assert!(outbox.socket().is_none());
        (0..3).map(|_| byte_of(&receiver)).collect()
    }

    #[test]
    fn every_datagram_of_a_run_carries_the_mark_beside_the_ecn_bits() {
        let (v4, v6) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
        for (bound, host) in [(v4, v4), (Ipv4Addr::UNSPECIFIED.into(), v4), (v6, v6)] {
            assert_eq!(marks(bound, host, Marking::ByPriority, 18), [18 << 2 | 2; 3], "{bound}");
            assert_eq!(marks(bound, host, Marking::ByPriority, 0), [2; 3], "best effort has no mark");
            assert_eq!(marks(bound, host, Marking::Off, 18), [2; 3], "nobody asked for it");
        }
    }
}
