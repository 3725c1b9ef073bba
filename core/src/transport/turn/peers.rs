//! Who may send to us through the server, and the channels to them (RFC 8656 §9, §12).

use crate::base::drops::DropReason;
use crate::base::time::{Instant, earliest};
use crate::transport::turn::allocation::is_loopback;
use crate::transport::turn::request::Request;
use crate::transport::turn::{Client, MAX_WAITING};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// RFC 8656 §3.3.
const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
/// RFC 8656 §12.
pub(super) const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
/// Permissions, and channels too (each renews the permission of its peer), are renewed this long after they were
/// granted, if they were used meanwhile.
const RENEW_AFTER: Duration = Duration::from_secs(240);
/// As many as there may be candidates.
const MAX_PERMISSIONS: usize = 100;
/// Only pairs that were selected have one.
const MAX_CHANNELS: usize = 64;
/// RFC 8656 §12: 0x4000 to 0x4FFF.
const FIRST_CHANNEL: u16 = 0x4000;

/// Leave to reach a peer at one address, and to be reached from there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permission {
    ip: IpAddr,
    standing: Standing,
    /// Since it was last granted.
    used: bool,
}

/// A number that stands for a peer. It is never given to another one, so the five minutes during which a number
/// must not be (RFC 8656 §12) need no clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channel {
    number: u16,
    peer: SocketAddr,
    standing: Standing,
    used: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The server was asked, for the first time.
    Asked,
    Granted {
        until: Instant,
        renew_at: Option<Instant>,
    },
    /// The server said no, or it ran out.
    Gone,
}

impl Standing {
    const fn is_granted(self) -> bool {
        matches!(self, Self::Granted { .. })
    }

    const fn deadlines(self) -> [Option<Instant>; 2] {
        match self {
            Self::Granted { until, renew_at } => [Some(until), renew_at],
            Self::Asked | Self::Gone => [None, None],
        }
    }

    /// What is due at `now`: `Some(true)` to renew it, `Some(false)` for its end.
    fn due(&mut self, now: Instant, used: bool) -> bool {
        match self {
            Self::Granted { until, .. } if now >= *until => {
                *self = Self::Gone;
                false
            }
            Self::Granted { renew_at, .. } if renew_at.is_some_and(|at| now >= at) => {
                *renew_at = None;
                used
            }
            _ => false,
        }
    }
}

impl Client {
    /// Lets `peer` reach us, and us the peer: all ports of its address. Without effect while there is no
    /// allocation, and for an address that no peer can have.
    pub fn permit(&mut self, now: Instant, peer: SocketAddr) {
        if !self.may_reach(peer) {
            return;
        }
        let ip = peer.ip();
        let full = self.permissions.len() >= MAX_PERMISSIONS;
        match self.permissions.iter_mut().find(|permission| permission.ip == ip) {
            Some(known) if known.standing == Standing::Gone => {
                known.standing = Standing::Asked;
                self.ask(now, Request::Permit(ip));
            }
            Some(known) => known.used = true,
            None if full => self.drops.count(DropReason::TurnNoPermission),
            None => {
                self.permissions.push(Permission { ip, standing: Standing::Asked, used: true });
                self.ask(now, Request::Permit(ip));
            }
        }
    }

    /// Asks for a channel to `peer`: 4 bytes for each datagram instead of 36. For a peer that much is sent to.
    pub fn bind(&mut self, now: Instant, peer: SocketAddr) {
        if !self.may_reach(peer) {
            return;
        }
        let full = self.channels.len() >= MAX_CHANNELS;
        let next = FIRST_CHANNEL + self.channels.len() as u16;
        let known_ip = self.permissions.iter().any(|p| p.ip == peer.ip());
        let number = match self.channels.iter_mut().find(|channel| channel.peer == peer) {
            Some(known) if known.standing == Standing::Gone && known_ip => {
                known.standing = Standing::Asked;
                known.number
            }
            Some(_) => return,
            None if full => return,
            None => {
                self.channels.push(Channel { number: next, peer, standing: Standing::Asked, used: true });
                next
            }
        };
        self.ask(now, Request::Bind(number, peer));
    }

    /// Neither wildcards nor what listens on the server itself, in whatever disguise (attack 42); of a family that was
    /// allocated, else the server says 443.
    fn may_reach(&self, peer: SocketAddr) -> bool {
        if self.relayed_for(peer).is_none() {
            return false;
        }
        let ip = peer.ip().to_canonical();
        let odd = ip.is_unspecified() || ip.is_multicast() || peer.ip() != ip || peer.port() == 0;
        let local = is_loopback(ip) && !self.config.server.ip().is_loopback();
        !odd && !local
    }

    pub(super) fn is_permitted(&self, peer: SocketAddr) -> bool {
        self.permissions.iter().any(|p| p.ip == peer.ip() && p.standing.is_granted())
    }

    /// Whether to wait for a permission that was asked for.
    pub(super) fn awaits_permission(&self, peer: SocketAddr) -> bool {
        self.permissions.iter().any(|p| p.ip == peer.ip() && p.standing == Standing::Asked)
    }

    /// Whether a channel to `peer` may be used.
    pub(super) fn is_bound(&self, peer: SocketAddr) -> bool {
        self.channels.iter().any(|c| c.peer == peer && c.standing.is_granted())
    }

    /// The number of the channel to `peer`, if it is bound; notes that it, and the permission, are used.
    pub(super) fn use_channel(&mut self, peer: SocketAddr) -> Option<u16> {
        if let Some(permission) = self.permissions.iter_mut().find(|p| p.ip == peer.ip()) {
            permission.used = true;
        }
        let channel = self.channels.iter_mut().find(|c| c.peer == peer && c.standing.is_granted())?;
        channel.used = true;
        Some(channel.number)
    }

    /// The peer of a channel that was asked for. It may be in use before we hear that it was granted.
    pub(super) fn peer_of(&self, number: u16) -> Option<SocketAddr> {
        let channel = self.channels.iter().find(|c| c.number == number && c.standing != Standing::Gone)?;
        Some(channel.peer)
    }

    pub(super) fn permitted(&mut self, now: Instant, ip: IpAddr) {
        let standing =
            Standing::Granted { until: now + PERMISSION_LIFETIME, renew_at: Some(now + RENEW_AFTER) };
        let full = self.permissions.len() >= MAX_PERMISSIONS;
        match self.permissions.iter_mut().find(|permission| permission.ip == ip) {
            Some(permission) => (permission.standing, permission.used) = (standing, false),
            None if full => {}
            None => self.permissions.push(Permission { ip, standing, used: false }),
        }
        self.release(ip);
    }

    /// What waited for this permission goes out.
    fn release(&mut self, ip: IpAddr) {
        for _ in 0..self.held.len() {
            let Some((peer, datagram)) = self.held.pop() else { return };
            if peer.ip() == ip {
                self.queue_framed(peer, &datagram);
            } else {
                self.held.push((peer, datagram));
            }
        }
    }

    pub(super) fn hold(&mut self, peer: SocketAddr, datagram: &[u8]) {
        if self.held.len() < MAX_WAITING {
            self.held.push((peer, datagram.to_vec()));
        } else {
            self.drops.count(DropReason::TurnNoPermission);
        }
    }

    /// The server said no, or nothing. What stood before stands until its time.
    pub(super) fn not_permitted(&mut self, ip: IpAddr) {
        if let Some(known) = self.permissions.iter_mut().find(|p| p.ip == ip && p.standing == Standing::Asked)
        {
            // It is asked again when the peer is sent to again.
            known.standing = Standing::Gone;
            self.held.retain(|(peer, _)| peer.ip() != ip);
            self.drops.count(DropReason::TurnNoPermission);
        }
    }

    pub(super) fn bound(&mut self, now: Instant, number: u16, until: Instant) {
        if let Some(channel) = self.channels.iter_mut().find(|c| c.number == number) {
            channel.standing = Standing::Granted { until, renew_at: Some(now + RENEW_AFTER) };
            channel.used = false;
        }
    }

    /// Without a channel it goes by indications; what was bound stays so until its time, unless the server said no.
    pub(super) fn not_bound(&mut self, _now: Instant, number: u16, code: Option<u16>) {
        let Some(channel) = self.channels.iter_mut().find(|c| c.number == number) else { return };
        if channel.standing == Standing::Asked || code.is_some() {
            channel.standing = Standing::Gone;
        }
    }

    /// Renews what is used, and lets the rest run out.
    pub(super) fn keep_peers(&mut self, now: Instant) {
        let mut due = Vec::new();
        for channel in &mut self.channels {
            if channel.standing.due(now, channel.used) {
                due.push(Request::Bind(channel.number, channel.peer));
            }
        }
        for permission in &mut self.permissions {
            if permission.standing.due(now, permission.used) {
                due.push(Request::Permit(permission.ip));
            }
        }
        due.into_iter().for_each(|request| self.ask(now, request));
    }

    pub(super) fn peers_deadline(&self) -> Option<Instant> {
        let permissions = self.permissions.iter().flat_map(|p| p.standing.deadlines());
        earliest(permissions.chain(self.channels.iter().flat_map(|c| c.standing.deadlines())))
    }
}
