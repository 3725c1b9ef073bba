//! The life of the allocation itself: asked for, refreshed, given back (RFC 8656 §7, §8).

use crate::base::time::{Instant, earliest};
use crate::transport::turn::request::{Family, Request};
use crate::transport::turn::{Client, Event};
use crate::wire::stun::{Attribute, ErrorCode, Message};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What an allocation lives when the server does not say (RFC 8656 §3.2).
const LIFETIME: u32 = 600;
/// A refresh goes out this long before the end, or at half of a short life.
const RENEW_EARLY: Duration = Duration::from_secs(60);
/// How often a server may send us to another one.
const MAX_REDIRECTS: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Allocating {
        give_up_at: Instant,
        redirects: u8,
        /// An allocation of an earlier life stood in the way and is being removed.
        cleared: bool,
    },
    Allocated {
        relayed: [Option<SocketAddr>; 2],
        renew_at: Instant,
        expires: Instant,
        /// Whether the server was asked if it still knows of it, and has not said.
        is_unsure: bool,
    },
    /// The allocation is being given back.
    Closing,
    Over,
}

impl Client {
    /// Asks for an allocation, once: of both families, or of the one that the server has.
    pub fn allocate(&mut self, now: Instant) {
        if self.state != State::Idle {
            return;
        }
        let give_up_at = now + self.config.patience;
        self.state = State::Allocating { give_up_at, redirects: 0, cleared: false };
        self.connect(None);
        self.ask(now, Request::Allocate { family: Family::Both });
    }

    /// Asks the server whether it still has the allocation: [`Event::Confirmed`] comes of it, or
    /// [`Event::Forgotten`], or [`Event::Lost`] when the server is silent for as long as it may be at the start. Datagrams do not tell that a server was
    /// started anew.
    pub fn confirm(&mut self, now: Instant) {
        if let State::Allocated { relayed, expires, is_unsure: false, .. } = self.state {
            let expires = expires.min(now + self.config.patience);
            self.state = State::Allocated { relayed, renew_at: now, expires, is_unsure: true };
            self.keep_allocation(now);
        }
    }

    /// Gives the allocation back (RFC 8656 §8); nothing goes through any more.
    pub fn close(&mut self, now: Instant) {
        let allocated = self.is_allocated();
        self.end(State::Over);
        if allocated {
            self.state = State::Closing;
            self.ask(now, Request::Refresh { lifetime: 0 });
        }
    }

    /// Everything but the state is left behind.
    fn end(&mut self, state: State) {
        self.state = state;
        self.transactions.clear();
        self.permissions = Vec::new();
        self.channels = Vec::new();
        self.outbox.clear();
        self.held.clear();
    }

    /// Nothing is left to be said to anyone.
    pub(super) fn end_quietly(&mut self) {
        self.end(State::Over);
    }

    pub(super) fn fail(&mut self, event: Event) {
        self.end(State::Over);
        self.events.push(event);
    }

    pub(super) fn allocated(&mut self, now: Instant, message: &Message<'_>) {
        let (mut relayed, mut mapped, mut lifetime) = ([None; 2], None, LIFETIME);
        for attribute in message.attributes().flatten() {
            match attribute {
                // RFC 8656 §7.3: one of each family where both were asked for.
                Attribute::XorRelayedAddress(address) if address.port() != 0 => {
                    let slot: &mut Option<_> = &mut relayed[usize::from(address.is_ipv6())];
                    *slot = slot.or(Some(address));
                }
                Attribute::XorMappedAddress(address) => mapped = mapped.or(Some(address)),
                Attribute::Lifetime(seconds) => lifetime = seconds,
                _ => {}
            }
        }
        let (true, Some(mapped)) = (relayed.iter().any(Option::is_some), mapped) else {
            return self.fail(Event::Refused(ErrorCode::BAD_REQUEST, "no address was allocated".to_owned()));
        };
        self.live(now, relayed, lifetime);
        self.events.extend(relayed.into_iter().flatten().map(|relayed| Event::Allocated { relayed, mapped }));
    }

    fn live(&mut self, now: Instant, relayed: [Option<SocketAddr>; 2], lifetime: u32) {
        let lifetime = Duration::from_secs(u64::from(lifetime.max(1)));
        let renew_after = lifetime.saturating_sub(RENEW_EARLY).max(lifetime / 2);
        let (renew_at, expires) = (now + renew_after, now + lifetime);
        self.state = State::Allocated { relayed, renew_at, expires, is_unsure: false };
    }

    pub(super) fn refreshed(&mut self, now: Instant, asked: u32, message: &Message<'_>) {
        let lifetime = message.attributes().flatten().find_map(|attribute| match attribute {
            Attribute::Lifetime(seconds) => Some(seconds),
            _ => None,
        });
        match self.state {
            State::Closing => self.end(State::Over),
            State::Allocating { .. } if asked == 0 => self.try_again(now),
            State::Allocated { relayed, is_unsure, .. } => {
                self.live(now, relayed, lifetime.unwrap_or(LIFETIME));
                if is_unsure {
                    self.events.push(Event::Confirmed);
                }
            }
            State::Idle | State::Allocating { .. } | State::Over => {}
        }
    }

    fn try_again(&mut self, now: Instant) {
        self.ask(now, Request::Allocate { family: Family::Both });
    }

    pub(super) fn refresh_failed(&mut self, asked: u32) {
        match self.state {
            State::Closing => self.end(State::Over),
            State::Allocated { is_unsure: true, .. } => self.fail(Event::Forgotten),
            State::Allocated { .. } => self.fail(Event::Lost),
            State::Allocating { .. } if asked == 0 => self.fail(Event::Refused(
                ErrorCode::ALLOCATION_MISMATCH,
                "an earlier allocation is in the way".to_owned(),
            )),
            State::Idle | State::Allocating { .. } | State::Over => {}
        }
    }

    pub(super) fn allocation_unanswered(&mut self) {
        self.fail(Event::Unreachable("the server did not answer".to_owned()));
    }

    /// RFC 8656 §7.4.
    pub(super) fn allocation_refused(
        &mut self,
        now: Instant,
        family: Family,
        error: ErrorCode<'_>,
        message: &Message<'_>,
    ) {
        let State::Allocating { give_up_at, redirects, cleared } = self.state else { return };
        match error.code {
            // RFC 8656 §7.2: it has no IPv4 to give.
            ErrorCode::FAMILY_NOT_SUPPORTED if family == Family::Both => {
                self.ask(now, Request::Allocate { family: Family::Sixth });
            }
            // A client of this address was here before and left without a word. Where its user was the same, what
            // it left can be removed.
            ErrorCode::ALLOCATION_MISMATCH if !cleared && self.config.sole_user => {
                self.state = State::Allocating { give_up_at, redirects, cleared: true };
                self.ask(now, Request::Refresh { lifetime: 0 });
            }
            ErrorCode::TRY_ALTERNATE if redirects < MAX_REDIRECTS => match self.alternate(message) {
                Some(server) => {
                    self.config.server = server;
                    // RFC 8489 §10: another server has another realm and nonce.
                    self.session = None;
                    self.state = State::Allocating { give_up_at, redirects: redirects + 1, cleared };
                    self.connect(alternate_domain(message));
                    self.try_again(now);
                }
                None => self.fail(Event::Refused(error.code, error.reason.to_owned())),
            },
            _ => self.fail(Event::Refused(error.code, error.reason.to_owned())),
        }
    }

    /// RFC 8489 §10: of the same family, and another one. A server on the network does not get to send us to what
    /// listens on this host.
    fn alternate(&self, message: &Message<'_>) -> Option<SocketAddr> {
        let now = self.config.server;
        message.attributes().flatten().find_map(|attribute| match attribute {
            Attribute::AlternateServer(server) => {
                let ip = server.ip();
                let fits = server != now && ip.is_ipv4() == now.is_ipv4() && server.port() != 0;
                let decent = !ip.is_unspecified() && !ip.is_multicast() && !is_loopback(ip);
                (fits && (decent || now.ip().is_loopback())).then_some(server)
            }
            _ => None,
        })
    }

    pub(super) fn keep_allocation(&mut self, now: Instant) {
        match self.state {
            State::Allocating { give_up_at, .. } if now >= give_up_at => self.allocation_unanswered(),
            State::Allocated { expires, .. } if now >= expires => self.fail(Event::Lost),
            State::Allocated { renew_at, .. } if now >= renew_at && !self.is_refreshing() => {
                self.ask(now, Request::Refresh { lifetime: LIFETIME });
            }
            _ => {}
        }
    }

    fn is_refreshing(&self) -> bool {
        self.is_asking(|request| matches!(request, Request::Refresh { .. }))
    }

    pub(super) fn allocation_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Allocating { give_up_at, .. } => Some(give_up_at),
            State::Allocated { renew_at, expires, .. } => {
                earliest([Some(expires), (!self.is_refreshing()).then_some(renew_at)])
            }
            State::Idle | State::Closing | State::Over => None,
        }
    }
}

fn alternate_domain(message: &Message<'_>) -> Option<String> {
    message.attributes().flatten().find_map(|attribute| match attribute {
        Attribute::AlternateDomain(domain) => Some(domain.to_owned()),
        _ => None,
    })
}

/// Loopback, in whatever disguise.
pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
