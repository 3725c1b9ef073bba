//! Addresses: which make a candidate at all, which two a pair, and what tells one from another.

use crate::base::net::LocalAddress;
use std::net::{IpAddr, SocketAddr};

/// Without what does not tell one host from another: flow labels, and scopes where they have no meaning.
pub(super) fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(mut v6) => {
            v6.set_flowinfo(0);
            if !v6.ip().is_unicast_link_local() {
                v6.set_scope_id(0);
            }
            SocketAddr::V6(v6)
        }
        v4 @ SocketAddr::V4(_) => v4,
    }
}

/// Candidates are signalled without a scope, so a scope does not make another candidate.
pub(super) fn same_host_and_port(a: SocketAddr, b: SocketAddr) -> bool {
    (a.ip(), a.port()) == (b.ip(), b.port())
}

/// Whether one host can have this address, and be reached at it.
pub(super) fn is_usable(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) => !ip.is_broadcast(),
        // RFC 8445 §5.1.1.1: neither IPv4-mapped nor IPv4-compatible (which covers `::`).
        IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4().is_none(),
    };
    ip && address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast()
}

pub(super) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Whether a candidate that the peer merely named may be checked from `local`.
///
/// A peer does not get to probe what listens on this host's loopback, unless the application put a loopback
/// address up itself. One that proved itself by a check from there is answered in kind: on one host, a check to
/// another of its addresses may well come from loopback.
pub(super) fn may_probe(local: &LocalAddress, remote: SocketAddr) -> bool {
    local.address.ip().is_loopback() || !remote.ip().is_loopback()
}

/// Where `local` would reach `remote`, if the two may make a pair.
pub(super) fn reach(local: &LocalAddress, remote: SocketAddr) -> Option<SocketAddr> {
    let (from, to) = (local.address.ip(), remote.ip());
    // RFC 8445 §6.1.2.2: same family; link-local IPv6 with its like alone.
    let alike = from.is_ipv4() == to.is_ipv4() && is_link_local(from) == is_link_local(to);
    if !alike {
        return None;
    }
    match (local.address, remote) {
        (SocketAddr::V6(from), SocketAddr::V6(mut to)) if is_link_local(from.ip().to_owned().into()) => {
            to.set_scope_id(from.scope_id());
            Some(SocketAddr::V6(to))
        }
        _ => Some(remote),
    }
}
