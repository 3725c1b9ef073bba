//! ICE-TCP (RFC 6544): pairs that are streams.
//!
//! Of each pair one side opens the stream. We do towards passive candidates of the peer, from every address of ours; at
//! our own passive candidates, which are listeners, the peer does, and its first check shows the pair. Where both sides
//! have candidates of simultaneous open, both do, each from its listener's port: that goes through firewalls and NATs
//! that let in answers alone. A pair has one stream. Opening, closing and framing are the owner's.

use crate::base::net::{LocalAddress, Path, Protocol, SocketId};
use crate::base::time::Instant;
use crate::transport::ice::address::{plain, same_host_and_port};
use crate::transport::ice::pair::{Nomination, Pair, PairId, Standing};
use crate::transport::ice::{Agent, Event};
use crate::wire::candidate::{Candidate, TcpType};
use std::net::SocketAddr;
use std::time::Duration;

/// The port of active candidates (RFC 6544 §4.5).
pub(super) const ACTIVE_PORT: u16 = 9;
/// Ti of RFC 8489 §6.2.2: over a stream nothing is sent again, and this is how long an answer may take.
pub(super) const ANSWER_WAIT: Duration = Duration::from_millis(39_500);
/// Streams that are opened for one pair, the first and those in place of one that was lost.
const MAX_STREAMS: u8 = 4;

/// What a pair is sent along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Datagrams,
    /// A stream that is to be opened by us, and how many were.
    Wanted(u8),
    /// One that is being opened.
    Opening(u8),
    /// One that we opened.
    Opened(u8),
    /// One that the peer opened.
    Accepted,
}

impl Link {
    /// Whether checks can be sent.
    pub const fn is_there(self) -> bool {
        matches!(self, Self::Datagrams | Self::Opened(_) | Self::Accepted)
    }
}

/// Where streams to the peer begin: at `ip`, whatever socket that will be.
pub(super) fn active_base(address: LocalAddress) -> LocalAddress {
    let address = SocketAddr::new(address.address.ip(), ACTIVE_PORT);
    LocalAddress { socket: SocketId(u32::MAX), protocol: Protocol::Tcp, address: plain(address) }
}

/// Whether what goes along `path` leaves from `base`.
pub(super) fn leaves_from(base: &LocalAddress, path: &Path) -> bool {
    match base.protocol {
        Protocol::Udp => base.to(path.remote) == *path,
        Protocol::Tcp if base.address.port() == ACTIVE_PORT => {
            path.protocol == Protocol::Tcp && path.local.ip() == base.address.ip()
        }
        Protocol::Tcp => path.protocol == Protocol::Tcp && same_host_and_port(path.local, base.address),
    }
}

impl Agent {
    /// Asks for the stream of a pair whose check is due; `true` when there is none yet.
    pub(super) fn needs_stream(&mut self, id: PairId) -> bool {
        let both = self.list.get(id).is_some_and(|pair| self.opens_both_ways(pair));
        let Some(pair) = self.list.get_mut(id) else { return false };
        match pair.link {
            Link::Wanted(before) => {
                pair.link = Link::Opening(before + 1);
                pair.standing = Standing::InProgress;
                // RFC 6544 §5.2: simultaneous open is from the very port that was signalled.
                let port = if both { pair.path.local.port() } else { 0 };
                let (from, to) = (SocketAddr::new(pair.path.local.ip(), port), pair.path.remote);
                self.events.push(Event::Connect { pair: id.0, from, to });
                true
            }
            Link::Opening(_) => {
                // It was to be checked anew before its stream was there: others need not wait for that.
                pair.standing = Standing::InProgress;
                true
            }
            Link::Datagrams | Link::Opened(_) | Link::Accepted => false,
        }
    }

    /// The stream of a pair is open, and has this address here; its path comes back. `None`: nobody wants it any more.
    pub fn stream_opened(&mut self, now: Instant, pair: u32, local: LocalAddress) -> Option<Path> {
        let now = self.tick(now);
        let id = PairId(pair);
        let opening = |link| match link {
            Link::Opening(count) => Some(count),
            _ => None,
        };
        let pair = self.list.get_mut(id)?;
        let count = opening(pair.link)?;
        pair.link = Link::Opened(count);
        pair.path = Path {
            socket: local.socket,
            protocol: Protocol::Tcp,
            local: plain(local.address),
            remote: pair.path.remote,
        };
        let path = pair.path;
        pair.standing = Standing::Waiting;
        self.list.trigger_first(id);
        self.run(now);
        Some(path)
    }

    /// The stream of a pair cannot be opened: its check has failed (RFC 6544 §7.1).
    pub fn stream_refused(&mut self, now: Instant, pair: u32) {
        let now = self.tick(now);
        let id = PairId(pair);
        if let Some(pair) = self.list.get_mut(id)
            && let Link::Opening(count) = pair.link
        {
            pair.link = Link::Wanted(count);
            self.fail(id);
            self.run(now);
        }
    }

    /// A stream ended. The side that opened it opens another one, a few times (RFC 6544 §7.3.2); to the other side that
    /// will be another pair.
    pub fn stream_lost(&mut self, now: Instant, path: &Path) {
        let now = self.tick(now);
        let Some(id) =
            self.list.on_path(path).or_else(|| self.former.as_ref()?.list.on_path(path)).map(|p| p.id)
        else {
            return;
        };
        self.transactions.retain(|t| t.pair != id);
        let both = self.pair(id).is_some_and(|pair| self.opens_both_ways(pair));
        if let Some(pair) = self.pair_mut(id) {
            let again = match pair.link {
                Link::Opened(count) if count < MAX_STREAMS => Some(Link::Wanted(count)),
                _ => None,
            };
            pair.nomination = Nomination::No;
            pair.proven = false;
            pair.standing = if again.is_some() { Standing::Waiting } else { Standing::Revoked };
            if let Some(link) = again {
                pair.link = link;
                pair.path.socket = SocketId(u32::MAX);
                if !both {
                    pair.path.local.set_port(ACTIVE_PORT);
                }
            }
        }
        if self.selected == Some(id) {
            self.reselect(now);
        }
        if self.sending.is_some_and(|sending| sending.pair == id) {
            self.reopen(now);
        }
        self.run(now);
    }

    /// Whether both sides open the stream of a pair.
    fn opens_both_ways(&self, pair: &Pair) -> bool {
        self.candidates.local[pair.local].tcp == Some(TcpType::SimultaneousOpen)
    }

    /// The candidate of simultaneous open at our listener `address`, as this generation signals it;
    /// [`Config::simultaneous_open`](crate::transport::ice::Config::simultaneous_open).
    #[must_use]
    pub fn simultaneous_candidate(&self, address: LocalAddress) -> Option<Candidate> {
        let at = self.candidates.simultaneous(LocalAddress { address: plain(address.address), ..address })?;
        Some(self.candidates.describe_local(at, &self.local.credentials.ufrag))
    }

    /// Whether a pair of either generation is sent along this path.
    #[must_use]
    pub fn uses(&self, path: &Path) -> bool {
        let former = self.former.as_ref().and_then(|former| former.list.on_path(path));
        self.list.on_path(path).or(former).is_some_and(|pair| !pair.is_revoked())
    }

    /// Makes active candidates of our addresses, as soon as the peer has a candidate that waits for streams. They are not
    /// signalled: what the peer would learn of them is in the stream itself.
    pub(super) fn add_active(&mut self) {
        let passive = |c: &super::RemoteCandidate| c.protocol == Protocol::Tcp && c.is_passive();
        if self.relayed_only || !self.candidates.remote.iter().any(passive) {
            return;
        }
        let limit = self.config.max_local_candidates;
        for at in self.candidates.add_active(limit) {
            let remotes = 0..self.candidates.remote.len();
            self.form_pairs(remotes.map(|remote| (at, remote)).collect());
        }
    }
}
