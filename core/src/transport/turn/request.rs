//! Requests to the server: sent again until answered, signed anew when the server changes its nonce.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::turn::auth::{Challenge, Session};
use crate::transport::turn::peers::CHANNEL_LIFETIME;
use crate::transport::turn::{Carrier, Client, Outgoing};
use crate::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method, TransactionId};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// RFC 8489 §6.2.1.
const FIRST_RTO: Duration = Duration::from_millis(500);
const MAX_SENDS: u8 = 7;
const LAST_WAIT: u32 = 16;
/// Ti: over a stream nothing is sent again, and this is how long an answer may take (RFC 8489 §6.2.2).
const STREAM_WAIT: Duration = Duration::from_millis(39_500);
/// How often the server may change its nonce, or its mind, during one request.
const MAX_RETRIES: u8 = 3;
/// REQUESTED-TRANSPORT for UDP.
const UDP: u8 = 17;
/// REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY for IPv6.
const IPV6: u8 = 2;

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Allocate {
        family: Family,
    },
    Refresh {
        /// Seconds; 0 ends the allocation.
        lifetime: u32,
    },
    Permit(IpAddr),
    Bind(u16, SocketAddr),
}

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4, as servers give it when nothing is said, and IPv6 beside it where a server has it (RFC 8656 §7.1).
    Both,
    /// IPv6 alone.
    Sixth,
}

/// A request that may still be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transaction {
    pub id: TransactionId,
    pub request: Request,
    sends: u8,
    /// How often it was asked anew because of its credentials.
    retries: u8,
    /// When it is sent again or given up.
    pub due: Instant,
}

impl Client {
    pub(super) fn ask(&mut self, now: Instant, request: Request) {
        self.ask_again(now, request, 0);
    }

    fn ask_again(&mut self, now: Instant, request: Request, retries: u8) {
        let id = TransactionId(self.rng.secret_bytes());
        let (sends, wait) = match self.config.carrier {
            Carrier::Datagrams => (1, FIRST_RTO),
            Carrier::Stream => (MAX_SENDS, STREAM_WAIT),
        };
        self.transactions.push(Transaction { id, request, sends, retries, due: now + wait });
        self.outbox.push(Outgoing::Request(id));
    }

    pub(super) fn is_asking(&self, wanted: impl Fn(&Request) -> bool) -> bool {
        self.transactions.iter().any(|t| wanted(&t.request))
    }

    pub(super) fn is_ours(&self, message: &Message<'_>) -> bool {
        let method = |request| match request {
            Request::Allocate { .. } => Method::Allocate,
            Request::Refresh { .. } => Method::Refresh,
            Request::Permit(_) => Method::CreatePermission,
            Request::Bind(..) => Method::ChannelBind,
        };
        let ours = |t: &Transaction| t.id == message.transaction && method(t.request) == message.method;
        self.transactions.iter().any(ours)
    }

    pub(super) fn write_request(&self, _now: Instant, id: TransactionId, out: &mut Vec<u8>) -> Option<usize> {
        let Transaction { request, .. } = *self.transactions.iter().find(|t| t.id == id)?;
        let begin = |out, method| Builder::new(out, Class::Request, method, id);
        let builder = match request {
            Request::Allocate { family } => begin(out, Method::Allocate)
                .attribute(&Attribute::RequestedTransport(UDP))
                .attribute(&match family {
                    Family::Both => Attribute::AdditionalAddressFamily(IPV6),
                    Family::Sixth => Attribute::RequestedAddressFamily(IPV6),
                }),
            Request::Refresh { lifetime } => {
                begin(out, Method::Refresh).attribute(&Attribute::Lifetime(lifetime))
            }
            // RFC 8656 §9: a permission is for all ports of an address.
            Request::Permit(ip) => begin(out, Method::CreatePermission)
                .attribute(&Attribute::XorPeerAddress(SocketAddr::new(ip, 0))),
            Request::Bind(number, peer) => begin(out, Method::ChannelBind)
                .attribute(&Attribute::ChannelNumber(number))
                .attribute(&Attribute::XorPeerAddress(peer)),
        };
        let builder = match &self.session {
            Some(session) => session.sign(builder),
            None => builder,
        };
        Some(builder.fingerprint().finish())
    }

    /// Sends again what was not answered, and gives up what was sent often enough.
    pub(super) fn retransmit(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(transaction) = self.transactions.get_mut(at) {
            if transaction.due > now {
                at += 1;
            } else if transaction.sends < MAX_SENDS {
                transaction.due = now
                    + if transaction.sends + 1 == MAX_SENDS {
                        FIRST_RTO * LAST_WAIT
                    } else {
                        FIRST_RTO * (1 << transaction.sends)
                    };
                transaction.sends += 1;
                let id = transaction.id;
                if !self.outbox.iter().any(|o| matches!(o, Outgoing::Request(other) if *other == id)) {
                    self.outbox.push(Outgoing::Request(id));
                }
                at += 1;
            } else {
                let request = self.transactions.remove(at).request;
                self.gave_up(now, request, None);
            }
        }
    }

    /// A response to one of our transactions.
    pub(super) fn handle_response(&mut self, now: Instant, message: &Message<'_>) {
        let Some(at) = self.transactions.iter().position(|t| t.id == message.transaction) else { return };
        let code = message.attributes().flatten().find_map(|attribute| match attribute {
            Attribute::ErrorCode(code) => Some(code),
            _ => None,
        });
        let signed = self.session.as_ref().map(|session| session.signed(message));
        // RFC 8489 §9.2.5: what is signed wrongly never came; what has to be signed and is not, neither. A server
        // that does not accept our credentials cannot sign, and says so early.
        let believed = match (signed, message.class, code) {
            (Some(Some(right)), _, _) => right,
            (Some(None), Class::Error, Some(error)) => {
                matches!(error.code, ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE)
                    || self.is_allocating()
            }
            (Some(None), _, _) => false,
            (None, _, _) => true,
        };
        if !believed {
            return self.drops.count(DropReason::StunIntegrity);
        }
        let malformed = message.attributes().any(|attribute| match attribute {
            Ok(Attribute::Unknown(code, _)) => Attribute::must_be_understood(code),
            Ok(_) => false,
            Err(_) => true,
        });
        if malformed || message.class == Class::Error && code.is_none() {
            return self.drops.count(DropReason::StunMalformed);
        }
        let Transaction { request, retries, .. } = self.transactions.remove(at);
        match code.filter(|_| message.class == Class::Error) {
            None => self.granted(now, request, message),
            Some(error) if self.meets_challenge(error, message, retries) => {
                self.ask_again(now, request, retries + 1);
            }
            Some(error) => self.refused(now, request, error, message),
        }
    }

    /// Whether a refusal is about credentials, and there are better ones now (RFC 8489 §9.2.5).
    fn meets_challenge(&mut self, error: ErrorCode<'_>, message: &Message<'_>, retries: u8) -> bool {
        let expected = match error.code {
            // Once it was asked for credentials, a 401 means that they are wrong.
            ErrorCode::UNAUTHENTICATED => self.session.is_none(),
            ErrorCode::STALE_NONCE => retries < MAX_RETRIES,
            _ => false,
        };
        if !expected {
            return false;
        }
        let challenge = Challenge::read(message);
        let Some(session) = Session::answer(&self.config.login, challenge, &self.crypto) else {
            return false;
        };
        self.session = Some(session);
        true
    }

    fn granted(&mut self, now: Instant, request: Request, message: &Message<'_>) {
        match request {
            Request::Allocate { .. } => self.allocated(now, message),
            Request::Refresh { lifetime } => self.refreshed(now, lifetime, message),
            Request::Permit(ip) => self.permitted(now, ip),
            Request::Bind(number, peer) => {
                self.bound(now, number, now + CHANNEL_LIFETIME);
                self.permitted(now, peer.ip());
            }
        }
    }

    fn refused(&mut self, now: Instant, request: Request, error: ErrorCode<'_>, message: &Message<'_>) {
        match request {
            Request::Allocate { family } => self.allocation_refused(now, family, error, message),
            Request::Refresh { .. } | Request::Permit(_) | Request::Bind(..) => {
                self.gave_up(now, request, Some(error.code));
            }
        }
    }

    /// Nothing came of a request: the server refused, or did not answer at all.
    fn gave_up(&mut self, now: Instant, request: Request, code: Option<u16>) {
        match request {
            Request::Allocate { .. } => self.allocation_unanswered(),
            Request::Refresh { lifetime } => self.refresh_failed(lifetime),
            Request::Permit(ip) => self.not_permitted(ip),
            Request::Bind(number, _) => self.not_bound(now, number, code),
        }
    }
}
