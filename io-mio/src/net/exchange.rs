//! Threads that share ports: what the system hands to the wrong one goes to the one whose peer it is for.
//!
//! The kernel deals datagrams out among the sockets of a port by their senders, and knows nothing of peers. So whatever
//! leads to the peers of one thread (user fragments, paths) is written down where all threads can read it, and each looks
//! there before its own endpoint does. The tables change when peers come, connect and go; between that they are only
//! read, in many parts that are locked one by one.
//!
//! No protocol is decided here: a datagram whose owner is not known stays where it came to.

use crate::net::lookup::Alarm;
use purertc::wire::stun::{Class, peek_transaction, peek_username};
use purertc::{Datagram, Path, Protocol, RouteChange};
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How many threads may share a port.
pub(super) const MAX_MEMBERS: usize = 64;
/// Parts of the table of paths.
const PARTS: usize = 64;
/// Datagrams that may wait for a thread. Beyond it they are lost, as in a socket whose buffer is full.
const MAX_WAITING: usize = 4_096;

/// Datagrams that usually go to another thread at once.
const RUN: usize = 64;

/// What members of a crew handed each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchanged {
    /// Datagrams that this member got from others.
    pub taken: u64,
    /// Datagrams for this member that were lost, because too many waited already.
    pub lost: u64,
}

/// What all members share.
struct Exchange {
    hasher: RandomState,
    names: RwLock<HashMap<String, usize>>,
    paths: Vec<RwLock<HashMap<(SocketAddr, SocketAddr), Claims>>>,
    boxes: Vec<Mailbox>,
}

/// Who claims a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claims {
    /// Who is given what names nobody: the last one whose peer was authenticated, or else the first.
    owner: usize,
    /// One bit for each member that sends along it, the owner's included.
    members: u64,
}

/// What waits for one member.
#[derive(Default)]
struct Mailbox {
    datagrams: Mutex<Vec<Datagram>>,
    /// Room for the next ones, while those are taken.
    spare: Mutex<Vec<Datagram>>,
    /// Whether any does, to be asked without the lock.
    is_full: AtomicBool,
    alarm: Mutex<Option<Alarm>>,
    taken: AtomicU64,
    lost: AtomicU64,
}

/// Whose a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// That of whoever received it, as far as anybody knows.
    Own,
    /// That of another member.
    Of(usize),
    /// An answer for one of several members: one bit for each.
    OneOf(u64),
}

/// One member's place at the exchange: says what leads to its peers, and hands over what is not its own.
///
/// Clones are the same member. What it said is forgotten when the last one is dropped.
#[derive(Clone)]
pub struct Desk(Arc<Seat>);

struct Seat {
    exchange: Arc<Exchange>,
    me: usize,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("member", &self.0.me).finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk for each of `members`, 64 at most.
    pub(super) fn crew(members: usize) -> Vec<Self> {
        let members = members.clamp(1, MAX_MEMBERS);
        let exchange = Arc::new(Exchange {
            hasher: RandomState::new(),
            names: RwLock::default(),
            paths: (0..PARTS).map(|_| RwLock::default()).collect(),
            boxes: (0..members).map(|_| Mailbox::default()).collect(),
        });
        (0..members).map(|me| Self(Arc::new(Seat { exchange: exchange.clone(), me }))).collect()
    }

    /// Rings this from now on when something waits for this member.
    pub(super) fn begin(&self, alarm: Alarm) {
        let mailbox = self.mailbox();
        *mailbox.alarm.lock().unwrap_or_else(PoisonError::into_inner) = Some(alarm);
        if mailbox.is_full.load(Ordering::Acquire) {
            mailbox.ring();
        }
    }

    fn mailbox(&self) -> &Mailbox {
        &self.0.exchange.boxes[self.0.me]
    }

    /// What others handed to this member.
    #[must_use]
    pub fn exchanged(&self) -> Exchanged {
        let Mailbox { taken, lost, .. } = self.mailbox();
        Exchanged { taken: taken.load(Ordering::Relaxed), lost: lost.load(Ordering::Relaxed) }
    }

    /// Writes down what changed at this member's endpoint.
    pub fn publish(&self, changes: impl IntoIterator<Item = RouteChange>) {
        changes.into_iter().for_each(|change| self.0.exchange.note(self.0.me, change));
    }

    /// Takes out of `datagrams` what is for other members and hands it over, and puts in what waits for this one, as
    /// `adopt` wants it.
    pub(super) fn exchange(
        &self,
        datagrams: &mut Vec<Datagram>,
        adopt: impl FnMut(Datagram) -> Option<Datagram>,
    ) {
        let exchange = &self.0.exchange;
        if !datagrams.is_empty() && exchange.boxes.len() > 1 {
            exchange.sort(self.0.me, datagrams);
        }
        let mailbox = self.mailbox();
        if mailbox.is_full.swap(false, Ordering::AcqRel) {
            let mut taken = mailbox.spare.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(
                &mut *taken,
                &mut *mailbox.datagrams.lock().unwrap_or_else(PoisonError::into_inner),
            );
            mailbox.taken.fetch_add(taken.len() as u64, Ordering::Relaxed);
            datagrams.extend(taken.drain(..).filter_map(adopt));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.exchange.forget(self.me);
    }
}

impl Mailbox {
    fn put(&self, datagrams: &mut Vec<Datagram>) {
        let mut waiting = self.datagrams.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_WAITING.saturating_sub(waiting.len());
        if datagrams.len() > room {
            self.lost.fetch_add((datagrams.len() - room) as u64, Ordering::Relaxed);
            datagrams.truncate(room);
        }
        waiting.append(datagrams);
        let was_full = self.is_full.swap(true, Ordering::AcqRel);
        drop(waiting);
        if !was_full {
            self.ring();
        }
    }

    fn ring(&self) {
        let alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(alarm) = alarm {
            alarm();
        }
    }
}

impl Exchange {
    fn part(&self, ends: &(SocketAddr, SocketAddr)) -> &RwLock<HashMap<(SocketAddr, SocketAddr), Claims>> {
        &self.paths[self.hasher.hash_one(ends) as usize % PARTS]
    }

    fn note(&self, me: usize, change: RouteChange) {
        match change {
            RouteChange::Name(name) => {
                let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
                names.entry(name).or_insert(me);
            }
            RouteChange::NameGone(name) => {
                let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
                if names.get(&name) == Some(&me) {
                    names.remove(&name);
                }
            }
            RouteChange::Path { path, is_proven } => {
                let ends = (path.local, path.remote);
                let mut part = self.part(&ends).write().unwrap_or_else(PoisonError::into_inner);
                let claims = part.entry(ends).or_insert(Claims { owner: me, members: 0 });
                claims.members |= 1 << me;
                if is_proven {
                    claims.owner = me;
                }
            }
            RouteChange::PathGone(path) => {
                let ends = (path.local, path.remote);
                let mut part = self.part(&ends).write().unwrap_or_else(PoisonError::into_inner);
                let Some(claims) = part.get_mut(&ends) else { return };
                if !claims.leave(me) {
                    part.remove(&ends);
                }
            }
        }
    }

    /// A member is gone.
    fn forget(&self, me: usize) {
        self.names.write().unwrap_or_else(PoisonError::into_inner).retain(|_, owner| *owner != me);
        for part in &self.paths {
            part.write().unwrap_or_else(PoisonError::into_inner).retain(|_, claims| claims.leave(me));
        }
        let Mailbox { datagrams, alarm, .. } = &self.boxes[me];
        *alarm.lock().unwrap_or_else(PoisonError::into_inner) = None;
        datagrams.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn claims(&self, path: &Path) -> Option<Claims> {
        let ends = (path.local, path.remote);
        self.part(&ends).read().unwrap_or_else(PoisonError::into_inner).get(&ends).copied()
    }

    /// Whose this is. A check names its addressee; an answer is for whoever asked; what else comes belongs to the owner of
    /// the path.
    fn judge(&self, me: usize, datagram: &Datagram) -> Verdict {
        let one = |member: usize| if member == me { Verdict::Own } else { Verdict::Of(member) };
        if is_stun(datagram) {
            if let Some(name) = peek_username(&datagram.data) {
                let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(&member) = names.get(name) {
                    return one(member);
                }
            } else if let Some((Class::Success | Class::Error, _)) = peek_transaction(&datagram.data)
                && let Some(claims) = self.claims(&datagram.path)
                && !claims.members.is_power_of_two()
            {
                return Verdict::OneOf(claims.members);
            }
        }
        self.claims(&datagram.path).map_or(Verdict::Own, |claims| one(claims.owner))
    }

    /// Hands over what is not this member's.
    fn sort(&self, me: usize, datagrams: &mut Vec<Datagram>) {
        let mut others: Vec<Vec<Datagram>> = Vec::new();
        // What follows on the same path goes the same way, unless it may name someone.
        let mut last: Option<(Path, Verdict)> = None;
        datagrams.retain_mut(|datagram| {
            if datagram.path.protocol == Protocol::Tcp {
                return true;
            }
            let known = last.filter(|(path, _)| *path == datagram.path && !is_stun(datagram));
            let verdict = known.map_or_else(|| self.judge(me, datagram), |(_, verdict)| verdict);
            last = (!is_stun(datagram)).then_some((datagram.path, verdict));
            if verdict == Verdict::Own {
                return true;
            }
            others.resize_with(self.boxes.len(), Vec::new);
            match verdict {
                Verdict::Own => true,
                Verdict::Of(member) => {
                    let data = std::mem::take(&mut datagram.data);
                    if others[member].is_empty() {
                        others[member].reserve(RUN);
                    }
                    others[member].push(Datagram { data, ..*datagram });
                    false
                }
                Verdict::OneOf(members) => {
                    let asked = |member: usize| members & 1 << member != 0;
                    let copies = others.iter_mut().enumerate();
                    copies
                        .filter(|&(member, _)| member != me && asked(member))
                        .for_each(|(_, other)| other.push(datagram.clone()));
                    asked(me)
                }
            }
        });
        for (mailbox, datagrams) in self.boxes.iter().zip(&mut others) {
            if !datagrams.is_empty() {
                mailbox.put(datagrams);
            }
        }
    }
}

impl Claims {
    /// Lets go of one member's claim. Whether anybody's is left.
    const fn leave(&mut self, member: usize) -> bool {
        self.members &= !(1 << member);
        if self.owner == member && self.members != 0 {
            self.owner = self.members.trailing_zeros() as usize;
        }
        self.members != 0
    }
}

// RFC 7983 §7.
fn is_stun(datagram: &Datagram) -> bool {
    datagram.data.first().is_some_and(|&first| first < 4)
}

#[cfg(test)]
mod tests;
