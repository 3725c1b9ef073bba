//! Names in place of addresses: host candidates that show no address (draft-ietf-mmusic-mdns-ice-candidates over
//! RFC 6762).
//!
//! It registers names of our own, answers for them, and resolves those of the peer. It is no general resolver or
//! responder: names are unguessable and belong to one connection each, so nothing is probed, announced or browsed.

use crate::base::drops::{DropReason, Drops};
use crate::base::net::{LocalAddress, Path, Transmit};
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::wire::candidate::Candidate;
use crate::wire::mdns::{GROUP_V4, GROUP_V6, Message, PORT, Question, Record, write_query, write_response};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Names of the peer that are looked for at once. Attack 37: each costs a few multicast datagrams.
const MAX_QUERIES: usize = 32;
/// Candidates that wait for one name.
const MAX_WAITING: usize = 8;
/// Names that were found, and are remembered for [`TTL`].
const MAX_KNOWN: usize = 32;
/// How often a name is asked for: at once, after 1 s, 3 s and 7 s.
const MAX_SENDS: u8 = 4;
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// What RFC 6762 §10 has for records of hosts.
const TTL: u32 = 120;
/// The most that one gets who does not know mDNS (RFC 6762 §6.7).
const LEGACY_TTL: u32 = 10;
/// A record is not multicast again for this long (RFC 6762 §6).
const MULTICAST_EVERY: Duration = Duration::from_secs(1);
/// Answers that may wait to be sent, and answers to one asker in [`MULTICAST_EVERY`] of all.
const MAX_ANSWERS: usize = 16;

/// Whether the group is joined.
#[derive(Debug, PartialEq, Eq)]
enum Group {
    NotNeeded,
    Asked,
    /// At these addresses; none where it could not be.
    Joined(Vec<LocalAddress>),
}

/// A name of ours.
#[derive(Debug)]
struct Own {
    name: String,
    ip: IpAddr,
    multicast_at: Option<Instant>,
}

/// A name of the peer.
#[derive(Debug)]
struct Query {
    name: String,
    waiting: Vec<Candidate>,
    sends: u8,
    due: Instant,
}

/// Everything about names.
#[derive(Debug)]
pub(super) struct Mdns {
    group: Group,
    own: Vec<Own>,
    queries: Vec<Query>,
    known: Vec<(Record, Instant)>,
    outbox: Queue<(Path, Vec<u8>)>,
    /// Answers to askers alone, since when.
    unicast: (Instant, usize),
    found: Queue<(Candidate, IpAddr)>,
    rng: Rng,
}

/// Whether the form of `name` is that of a candidate: one label, a UUID, under `local` (§3.1.2 of the draft wants
/// nothing else to be resolved).
pub(super) fn is_candidate_name(name: &str) -> bool {
    let label = name.get(name.len().saturating_sub(6)..).filter(|end| end.eq_ignore_ascii_case(".local"));
    label.is_some() && {
        let label = &name[..name.len() - 6];
        let dash = |at| matches!(at, 8 | 13 | 18 | 23);
        label.len() == 36
            && label
                .bytes()
                .enumerate()
                .all(|(at, c)| if dash(at) { c == b'-' } else { c.is_ascii_hexdigit() })
    }
}

impl Mdns {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            group: Group::NotNeeded,
            own: Vec::new(),
            queries: Vec::new(),
            known: Vec::new(),
            outbox: Queue::default(),
            unicast: (Instant::ZERO, 0),
            found: Queue::default(),
            rng,
        }
    }

    /// Notes that the group is needed; `true` when the driver has to be asked to join it.
    pub(super) fn need_group(&mut self) -> bool {
        let first = self.group == Group::NotNeeded;
        if first {
            self.group = Group::Asked;
        }
        first
    }

    /// The driver joined the group at these addresses, or at none.
    pub(super) fn joined(&mut self, now: Instant, at: Vec<LocalAddress>) {
        self.group = Group::Joined(at);
        self.queries.iter_mut().for_each(|query| query.due = now);
        self.handle_timeout(now);
    }

    /// Whether a datagram on this path is for here.
    pub(super) fn owns(&self, path: &Path) -> bool {
        path.local.port() == PORT && self.joined_at().iter().any(|local| local.socket == path.socket)
    }

    fn joined_at(&self) -> &[LocalAddress] {
        match &self.group {
            Group::Joined(at) => at,
            Group::NotNeeded | Group::Asked => &[],
        }
    }

    /// The name that stands for `ip`, registered now if need be.
    pub(super) fn name_of(&mut self, ip: IpAddr) -> String {
        if let Some(own) = self.own.iter().find(|own| own.ip == ip) {
            return own.name.clone();
        }
        let name = format!("{}.local", uuid(self.rng.secret_bytes()));
        self.own.push(Own { name: name.clone(), ip, multicast_at: None });
        name
    }

    /// The address of ours that `name` stands for.
    pub(super) fn ip_of(&self, name: &str) -> Option<IpAddr> {
        self.own.iter().find(|own| own.name.eq_ignore_ascii_case(name)).map(|own| own.ip)
    }

    /// Takes back the name of an address that is gone.
    pub(super) fn forget_ip(&mut self, ip: IpAddr) {
        self.own.retain(|own| own.ip != ip);
    }

    /// Looks for the address of a candidate with the name `name`; it comes out of [`poll_found`](Self::poll_found) when
    /// there is one.
    pub(super) fn resolve(&mut self, now: Instant, name: &str, candidate: Candidate, drops: &mut Drops) {
        let name = name.to_ascii_lowercase();
        if let Some((record, _)) = self.known.iter().find(|(r, until)| r.name == name && now < *until) {
            return self.found.push((candidate, record.ip));
        }
        if let Some(query) = self.queries.iter_mut().find(|query| query.name == name) {
            if query.waiting.len() < MAX_WAITING {
                query.waiting.push(candidate);
            }
        } else if self.queries.len() < MAX_QUERIES {
            self.queries.push(Query { name, waiting: vec![candidate], sends: 0, due: now });
            self.handle_timeout(now);
        } else {
            drops.count(DropReason::IceTooManyCandidates);
        }
    }

    /// Nobody waits for names any more: they were of another generation.
    pub(super) fn forget_queries(&mut self) {
        self.queries.clear();
        self.found.clear();
    }

    /// Sends what is due, and gives up names that nobody answers for.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let Group::Joined(at) = &self.group else { return };
        self.known.retain(|(_, until)| now < *until);
        let nowhere = at.is_empty();
        self.queries.retain(|query| !nowhere && (query.sends < MAX_SENDS || query.due > now));
        for query in self.queries.iter_mut().filter(|query| query.due <= now) {
            // RFC 6762 §5.4: the first time an answer to us alone is welcome, since others have no use for it.
            let unicast = query.sends == 0;
            query.due = now + FIRST_WAIT * (1 << query.sends);
            query.sends += 1;
            for local in at {
                let mut datagram = Vec::new();
                if write_query(&query.name, unicast, &mut datagram).is_some() {
                    self.outbox.push((local.to(group_of(local)), datagram));
                }
            }
        }
    }

    /// Takes a datagram that came to the group, or to us from a responder.
    pub(super) fn handle_datagram(&mut self, now: Instant, path: Path, data: &[u8], drops: &mut Drops) {
        match Message::parse(data) {
            Ok(Message::Query { id, questions, known }) => {
                for question in questions {
                    self.answer(now, path, id, &question, &known);
                }
            }
            // RFC 6762 §6: a response comes from the port of mDNS, or it is none.
            Ok(Message::Response(records)) if path.remote.port() == PORT => self.learn(now, &records),
            Ok(Message::Response(_)) | Err(_) => drops.count(DropReason::MdnsMalformed),
        }
    }

    fn learn(&mut self, now: Instant, records: &[Record]) {
        for at in (0..self.queries.len()).rev() {
            let name = &self.queries[at].name;
            let mut alike = records.iter().filter(|record| record.name == *name && record.ttl > 0);
            let Some(record) = alike.next() else { continue };
            // §3.2.1 of the draft: a name with several addresses is of no use.
            let ambiguous = alike.any(|other| other.ip != record.ip);
            let query = self.queries.remove(at);
            if ambiguous {
                continue;
            }
            if self.known.len() < MAX_KNOWN {
                let lifetime = Duration::from_secs(u64::from(record.ttl.min(TTL)));
                self.known.push((record.clone(), now + lifetime));
            }
            self.found.extend(query.waiting.into_iter().map(|candidate| (candidate, record.ip)));
        }
    }

    /// Answers for a name of ours, to everyone or to the asker alone (RFC 6762 §5.4, §6.7).
    fn answer(&mut self, now: Instant, path: Path, id: u16, question: &Question, known: &[Record]) {
        let asked = |own: &&mut Own| own.name == question.name && question.family.includes(own.ip);
        let Some(own) = self.own.iter_mut().find(asked) else { return };
        // RFC 6762 §7.1: who knows it for a good while yet is not told.
        let knows = |r: &Record| r.name == own.name && r.ip == own.ip && r.ttl >= TTL / 2;
        if self.outbox.len() >= MAX_ANSWERS || known.iter().any(knows) {
            return;
        }
        let legacy = path.remote.port() != PORT;
        let (to, echo) = if legacy || question.unicast {
            // RFC 6762 §11, attack 38: not to the other end of the world, and not to many.
            if !is_near(path.remote.ip()) || !spare(&mut self.unicast, now) {
                return;
            }
            (path.remote, legacy.then_some((id, question.family)))
        } else {
            if own.multicast_at.is_some_and(|at| now < at + MULTICAST_EVERY) {
                return;
            }
            own.multicast_at = Some(now);
            (if path.local.is_ipv4() { GROUP_V4 } else { GROUP_V6 }, None)
        };
        let ttl = if legacy { LEGACY_TTL } else { TTL };
        let record = Record { name: own.name.clone(), ip: own.ip, ttl };
        let mut datagram = Vec::new();
        if write_response(&record, echo, &mut datagram).is_some() {
            self.outbox.push((Path { remote: to, ..path }, datagram));
        }
    }

    /// A candidate whose name was found, and the address.
    pub(super) fn poll_found(&mut self) -> Option<(Candidate, IpAddr)> {
        self.found.pop()
    }

    /// Appends one datagram to `out`.
    pub(super) fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        let (path, datagram) = self.outbox.pop()?;
        out.extend_from_slice(&datagram);
        Some(Transmit::single(path, datagram.len()))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let joined = matches!(self.group, Group::Joined(_));
        earliest(self.queries.iter().map(|query| joined.then_some(query.due)))
    }

    /// Nothing is sent or answered any more.
    pub(super) fn close(&mut self) {
        self.own.clear();
        self.outbox.clear();
        self.forget_queries();
    }
}

/// Takes one of the answers of this second.
fn spare((since, count): &mut (Instant, usize), now: Instant) -> bool {
    if *since + MULTICAST_EVERY <= now {
        (*since, *count) = (now, 0);
    }
    *count += 1;
    *count <= MAX_ANSWERS
}

fn group_of(local: &LocalAddress) -> SocketAddr {
    match local.address {
        SocketAddr::V4(_) => GROUP_V4,
        SocketAddr::V6(_) => GROUP_V6,
    }
}

/// Whether an address may well be on this link: private, link-local or this host.
fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unique_local() || ip.is_loopback(),
    }
}

/// A version 4 UUID (RFC 9562 §5.4) of these random bytes.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..4], &hex[4..6], &hex[6..8], &hex[8..10], &hex[10..]].map(<[String]>::concat).join("-")
}

#[cfg(test)]
mod tests;
