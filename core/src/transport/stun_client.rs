//! Asks STUN servers how they see this host (RFC 8489): one Binding transaction for each address and server, side
//! by side, so that a dead server delays nobody.

use crate::base::net::{LocalAddress, Path, Transmit};
use crate::base::queue::Queue;
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::wire::stun::{Attribute, Builder, Class, Message, Method, TransactionId};
use std::net::SocketAddr;
use std::time::Duration;

/// Time between the first requests of two transactions: what RFC 8445 §14.2 calls Ta, shorter than for checks,
/// because servers are few.
const PACING: Duration = Duration::from_millis(20);
/// RFC 8489 §6.2.1, RFC 8445 §14.3.
const FIRST_RTO: Duration = Duration::from_millis(500);
/// Rc of RFC 8489 §6.2.1.
const MAX_SENDS: u8 = 7;

/// One question: how is `base` seen by the server at `address`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub base: LocalAddress,
    /// The server's place in the list of its owner.
    pub server: usize,
    pub address: SocketAddr,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The address that the server saw.
    Mapped(Question, SocketAddr),
    /// The server refused, by this code and with these words.
    Refused(Question, u16, String),
    /// Nothing came.
    Silence(Question),
}

#[derive(Debug)]
struct Transaction {
    question: Question,
    id: TransactionId,
    sends: u8,
    again_at: Instant,
    /// When it is given up.
    end: Instant,
}

/// All questions that are open.
#[derive(Debug)]
pub(super) struct StunClient {
    rng: Rng,
    patience: Duration,
    waiting: Queue<Question>,
    open: Vec<Transaction>,
    outbox: Queue<TransactionId>,
    outcomes: Queue<Outcome>,
    next_at: Instant,
}

impl StunClient {
    /// A client that gives a server `patience` to answer.
    pub fn new(patience: Duration, rng: Rng) -> Self {
        Self {
            rng,
            patience,
            waiting: Queue::default(),
            open: Vec::new(),
            outbox: Queue::default(),
            outcomes: Queue::default(),
            next_at: Instant::ZERO,
        }
    }

    /// Asks, once its turn comes.
    pub fn ask(&mut self, now: Instant, question: Question) {
        self.waiting.push(question);
        self.start(now);
    }

    /// Drops all questions that `unwanted` says yes to.
    pub fn forget(&mut self, unwanted: impl Fn(&Question) -> bool) {
        self.waiting.retain(|question| !unwanted(question));
        self.open.retain(|transaction| !unwanted(&transaction.question));
    }

    /// Takes a response if it is one to a question of ours.
    pub fn handle(&mut self, path: Path, message: &Message<'_>) -> bool {
        let ours = |t: &Transaction| t.id == message.transaction;
        let Some(at) = self.open.iter().position(ours) else { return false };
        let question = self.open[at].question;
        // RFC 8489 §6.3.1: a response comes from where the request went, or it is none.
        if message.method != Method::Binding || question.base.to(question.address) != path {
            return false;
        }
        let Some(outcome) = read(question, message) else { return false };
        self.open.remove(at);
        self.outcomes.push(outcome);
        true
    }

    /// Sends again what was not answered, and gives up what never will be.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(transaction) = self.open.get_mut(at) {
            if now >= transaction.end {
                let question = self.open.remove(at).question;
                self.outcomes.push(Outcome::Silence(question));
                continue;
            }
            if now >= transaction.again_at && transaction.sends < MAX_SENDS {
                transaction.again_at = now + FIRST_RTO * (1 << transaction.sends);
                transaction.sends += 1;
                if !self.outbox.iter().any(|id| *id == transaction.id) {
                    self.outbox.push(transaction.id);
                }
            }
            at += 1;
        }
        self.start(now);
    }

    fn start(&mut self, now: Instant) {
        if now < self.next_at {
            return;
        }
        let Some(question) = self.waiting.pop() else { return };
        let id = TransactionId(self.rng.secret_bytes());
        let (again_at, end) = (now + FIRST_RTO, now + self.patience);
        self.open.push(Transaction { question, id, sends: 1, again_at, end });
        self.outbox.push(id);
        self.next_at = now + PACING;
    }

    /// Appends one datagram to `out`.
    pub fn poll_transmit(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        while let Some(id) = self.outbox.pop() {
            if let Some(transaction) = self.open.iter().find(|t| t.id == id) {
                let Question { base, address, .. } = transaction.question;
                let size = Builder::new(out, Class::Request, Method::Binding, id).fingerprint().finish();
                return Some(Transmit::single(base.to(address), size));
            }
        }
        None
    }

    /// What came of a question.
    pub fn poll_outcome(&mut self) -> Option<Outcome> {
        self.outcomes.pop()
    }

    /// When `handle_timeout` is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let start = (!self.waiting.is_empty()).then_some(self.next_at);
        let open = self.open.iter().map(|t| if t.sends < MAX_SENDS { t.again_at.min(t.end) } else { t.end });
        earliest([start, open.min()])
    }

    /// Whether nothing is open that `wanted` says yes to.
    pub fn is_done_with(&self, wanted: impl Fn(&Question) -> bool) -> bool {
        !self.waiting.iter().any(&wanted) && !self.open.iter().any(|t| wanted(&t.question))
    }
}

/// `None` for what is no proper response: the right one may still come.
fn read(question: Question, message: &Message<'_>) -> Option<Outcome> {
    let (mut plain, mut xored, mut error) = (None, None, None);
    for attribute in message.attributes() {
        match attribute.ok()? {
            Attribute::XorMappedAddress(address) => xored = xored.or(Some(address)),
            Attribute::MappedAddress(address) => plain = plain.or(Some(address)),
            Attribute::ErrorCode(code) => error = error.or(Some(code)),
            // RFC 8489 §6.3.3: what must be understood and is not makes the transaction fail.
            Attribute::Unknown(code, _) if Attribute::must_be_understood(code) => {
                return Some(Outcome::Refused(question, 420, "unknown attribute in the response".to_owned()));
            }
            _ => {}
        }
    }
    match message.class {
        // MAPPED-ADDRESS is all that servers from before RFC 5389 send.
        Class::Success => xored.or(plain).map(|mapped| Outcome::Mapped(question, mapped)),
        Class::Error => error.map(|error| Outcome::Refused(question, error.code, error.reason.to_owned())),
        Class::Request | Class::Indication => None,
    }
}
