//! Which addresses of the host a connection may use.

use std::io;
use std::net::{IpAddr, Ipv6Addr};

/// Addresses of interfaces that are up, each once.
pub(super) fn usable_addresses(include_loopback: bool) -> io::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for interface in if_addrs::get_if_addrs()? {
        let ip = interface.ip();
        let down = matches!(
            interface.oper_status,
            if_addrs::IfOperStatus::Down
                | if_addrs::IfOperStatus::NotPresent
                | if_addrs::IfOperStatus::LowerLayerDown
        );
        if !down && is_usable(ip, include_loopback) && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    Ok(addresses)
}

/// The number of the interface that has this address.
pub(super) fn index_of(address: IpAddr) -> io::Result<u32> {
    let all = if_addrs::get_if_addrs()?;
    let found = all.into_iter().find(|interface| interface.ip() == address);
    found
        .and_then(|interface| interface.index)
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "no interface has this address"))
}

// RFC 8445 §5.1.1.1: no loopback, no deprecated kinds of IPv6 addresses. A link-local IPv6 address means nothing
// to a peer without a scope, which candidates do not carry.
fn is_usable(ip: IpAddr, include_loopback: bool) -> bool {
    if ip.is_unspecified() || ip.is_multicast() {
        return false;
    }
    if ip.is_loopback() {
        return include_loopback;
    }
    match ip {
        IpAddr::V4(ip) => !ip.is_broadcast(),
        IpAddr::V6(ip) => {
            !ip.is_unicast_link_local()
                && !is_site_local(ip)
                && ip.to_ipv4_mapped().is_none()
                && !is_ipv4_compatible(ip)
        }
    }
}

const fn is_site_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xffc0 == 0xfec0
}

fn is_ipv4_compatible(ip: Ipv6Addr) -> bool {
    ip.segments()[..6] == [0; 6]
}

#[cfg(test)]
mod tests {
    use super::{is_usable, usable_addresses};

    #[test]
    fn addresses_that_no_peer_can_use_are_left_out() {
        let usable = |text: &str| is_usable(text.parse().unwrap(), false);
        for good in ["192.0.2.1", "10.0.0.1", "169.254.1.1", "2001:db8::1", "fd00::1"] {
            assert!(usable(good), "{good}");
        }
        for bad in [
            "0.0.0.0",
            "::",
            "127.0.0.1",
            "::1",
            "224.0.0.1",
            "ff02::1",
            "fe80::1",
            "fec0::1",
            "::ffff:1.2.3.4",
            "::1.2.3.4",
            "255.255.255.255",
        ] {
            assert!(!usable(bad), "{bad}");
        }
        assert!(is_usable("127.0.0.1".parse().unwrap(), true));
        assert!(is_usable("::1".parse().unwrap(), true));
    }

    #[test]
    fn loopback_is_there_on_request() {
        assert!(usable_addresses(true).unwrap().iter().any(std::net::IpAddr::is_loopback));
        assert!(!usable_addresses(false).unwrap().iter().any(std::net::IpAddr::is_loopback));
    }
}
