//! What waits to be sent, and how it becomes a datagram when it is asked for.

use crate::base::drops::DropReason;
use crate::base::net::{Path, Transmit};
use crate::base::time::Instant;
use crate::transport::ice::Agent;
use crate::transport::ice::auth::Party;
use crate::transport::ice::check::Transaction;
use crate::transport::ice::luggage::Luggage;
use crate::transport::ice::state::IceRole;
use crate::wire::stun::{Attribute, Builder, Class, Codes, ErrorCode, Method, TransactionId};

/// Codes of unknown attributes that one answer names; a request with more is as unacceptable.
pub(super) const MAX_UNKNOWN: usize = 4;

/// One datagram to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outgoing {
    /// The request of a transaction, if that is still alive when the datagram is asked for.
    Request(TransactionId),
    /// An answer.
    Response {
        path: Path,
        id: TransactionId,
        answer: Answer,
        /// Who answers: the generation that was asked.
        generation: u32,
    },
}

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Success,
    BadRequest,
    RoleConflict,
    UnknownAttributes { codes: [u8; 2 * MAX_UNKNOWN], count: usize },
}

impl Agent {
    pub(super) fn queue_request(&mut self, id: TransactionId) {
        let queued = |o: &Outgoing| matches!(o, Outgoing::Request(other) if *other == id);
        // A retransmission that is due while the first one still waits to be polled is that one.
        if !self.outbox.iter().any(queued) {
            self.outbox.push(Outgoing::Request(id));
        }
    }

    pub(super) fn queue_response(&mut self, path: Path, id: TransactionId, answer: Answer) {
        self.queue_answer(Outgoing::Response { path, id, answer, generation: self.number });
    }

    pub(super) fn queue_answer(&mut self, response: Outgoing) {
        let waiting = self.outbox.iter().filter(|o| matches!(o, Outgoing::Response { .. })).count();
        if waiting >= self.config.max_queued_responses {
            self.drops.count(DropReason::StunBacklog);
            return;
        }
        self.outbox.push(response);
    }

    /// The next datagram, appended to `out`.
    pub(super) fn next_datagram(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        luggage: &mut dyn Luggage,
    ) -> Option<Transmit> {
        while let Some(outgoing) = self.outbox.pop() {
            let sent = match outgoing {
                Outgoing::Request(id) => self.write_request(now, id, out, luggage),
                Outgoing::Response { path, id, answer, generation } => self
                    .answering(generation)
                    .map(|party| write_response(party, (path, id), answer, out, luggage)),
            };
            if sent.is_some() {
                return sent;
            }
        }
        None
    }

    /// RFC 8445 §7.1, §7.2.2: USERNAME, PRIORITY, the role, USE-CANDIDATE to nominate, integrity, fingerprint.
    fn write_request(
        &mut self,
        now: Instant,
        id: TransactionId,
        out: &mut Vec<u8>,
        luggage: &mut dyn Luggage,
    ) -> Option<Transmit> {
        let transaction = self.transactions.iter_mut().find(|t| t.id == id)?;
        // What the driver was late is no part of the round trip.
        transaction.sent_at = transaction.sent_at.max(now);
        let transaction = transaction.clone();
        let proven = self.pair(transaction.pair).is_some_and(|pair| pair.proven);
        let (remote, username) = self.addressee(&transaction)?;
        let Transaction { path, priority, role, tie_breaker, purpose, .. } = transaction;
        let nominate = purpose.nominates();
        let message = Builder::new(out, Class::Request, Method::Binding, id)
            .attribute(&Attribute::Username(username))
            .attribute(&Attribute::Priority(priority))
            .attribute(&match role {
                IceRole::Controlling => Attribute::IceControlling(tie_breaker),
                IceRole::Controlled | IceRole::Unknown => Attribute::IceControlled(tie_breaker),
            })
            .maybe(nominate.then_some(Attribute::UseCandidate))
            .maybe((nominate && self.renomination).then_some(Attribute::Nomination(self.nomination)));
        let message = luggage.pack(proven, message);
        let size = message.integrity(|parts, tag| remote.sign(parts, tag)).fingerprint().finish();
        Some(Transmit::single(path, size))
    }
}

/// RFC 8445 §7.3: never larger than the request, so that nobody gains by faking a source (attack 38); but for luggage, which
/// goes to those alone who signed their request.
fn write_response(
    party: &Party,
    (path, id): (Path, TransactionId),
    answer: Answer,
    out: &mut Vec<u8>,
    luggage: &mut dyn Luggage,
) -> Transmit {
    let class = if matches!(answer, Answer::Success) { Class::Success } else { Class::Error };
    let error = |code| Some(Attribute::ErrorCode(ErrorCode { code, reason: "" }));
    let (first, second) = match &answer {
        Answer::Success => (Some(Attribute::XorMappedAddress(path.remote)), None),
        Answer::BadRequest => (error(ErrorCode::BAD_REQUEST), None),
        Answer::RoleConflict => (error(ErrorCode::ROLE_CONFLICT), None),
        Answer::UnknownAttributes { codes, count } => {
            let codes = Codes::from_bytes(&codes[..2 * count]);
            (error(ErrorCode::UNKNOWN_ATTRIBUTE), Some(Attribute::UnknownAttributes(codes)))
        }
    };
    let mut message = Builder::new(out, class, Method::Binding, id).maybe(first).maybe(second);
    if class == Class::Success {
        message = luggage.pack(true, message);
    }
    let size = message
        // RFC 8489 §9.1.3: with the password that protected the request.
        .integrity(|parts, tag| party.sign(parts, tag))
        .fingerprint()
        .finish();
    Transmit::single(path, size)
}
