//! What goes on in DTLS 1.3 once the connection is up: acknowledgements, new keys, tickets.
//!
//! One flight of ours is on its way at a time: a client's last one of the handshake, later a `KeyUpdate`. It is
//! repeated until the peer has acknowledged it.

use crate::base::drops::{DropReason, Drops};
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::transport::dtls::acks::Acks;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Role;
use crate::transport::dtls::flight::{Flight, Piece};
use crate::transport::dtls::handshake::{Context, Traffic};
use crate::transport::dtls::ids::Ids;
use crate::transport::dtls::reassembly::{Inserted, Message, Reassembly};
use crate::transport::dtls::records::{Epoch, Sender};
use crate::transport::dtls::records13::{Opened13, Openers};
use crate::wire::cursor::Reader;
use crate::wire::dtls::alert::Ack;
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::message13::{KeyUpdate, Message13, NewConnectionId, RequestConnectionId, Usage};
use std::time::Duration;

/// The flight that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outstanding {
    /// None.
    Nothing,
    /// A client's last flight of the handshake.
    Handshake,
    /// A `KeyUpdate`. The keys change when it is acknowledged (RFC 9147 §8).
    KeyUpdate,
    /// Ids for the peer, or a request for the peer's.
    ConnectionIds,
}

/// What is to be sent when the flight before it is over (RFC 9147 §5.8.4: one message of a kind at a time).
#[derive(Default)]
struct Owed {
    /// New keys of ours.
    update: bool,
    /// Ids for the peer.
    ids: Option<NewConnectionId>,
    /// The wish for ids of the peer's.
    request: bool,
}

pub(super) struct Session13 {
    role: Role,
    pub openers: Openers,
    traffic: Box<Traffic>,
    reassembly: Reassembly,
    acks: Acks,
    flight: Flight,
    outstanding: Outstanding,
    owed: Owed,
    /// We have asked for ids that did not come yet. RFC 9147 §9: not twice.
    is_requesting: bool,
    /// Ids for the peer are drawn from it, where it uses any.
    rng: Option<Rng>,
    next_seq: u16,
    /// How long to wait for an acknowledgement at first.
    wait: Duration,
    /// How long not to repeat what was just sent.
    pause: Duration,
}

impl Session13 {
    /// Takes over from the handshake.
    pub(super) fn new(
        now: Instant,
        role: Role,
        cx: &mut Context,
        traffic: Box<Traffic>,
    ) -> Result<Self, Failure> {
        let mut openers = cx.openers.take().unwrap_or_default();
        openers.install_application(traffic.read.keys().map_err(Failure::Crypto)?);
        let mut this = Self {
            role,
            openers,
            traffic,
            reassembly: std::mem::take(&mut cx.reassembly),
            acks: std::mem::take(&mut cx.acks),
            flight: Flight::default(),
            outstanding: Outstanding::Nothing,
            owed: Owed::default(),
            is_requesting: false,
            rng: (!cx.ids.ours().is_empty()).then(|| cx.rng.fork()),
            next_seq: cx.next_seq,
            wait: cx.wait(),
            pause: cx.config.retransmit.floor / 2,
        };
        match role {
            Role::Client => {
                this.flight = std::mem::take(&mut cx.flight);
                this.outstanding = Outstanding::Handshake;
            }
            // RFC 9147 §7.1: nothing else tells the client that its last flight arrived.
            Role::Server => {
                cx.sender.sealers().end_handshake();
                this.acks.tell(now);
            }
        }
        this.request_ids(&cx.sender, &mut cx.ids)?;
        Ok(this)
    }

    /// The content of a handshake record.
    pub(super) fn handle_handshake(
        &mut self,
        now: Instant,
        opened: Opened13,
        content: &[u8],
        (sender, ids, drops): (&mut Sender, &mut Ids, &mut Drops),
    ) -> Result<(), Failure> {
        let mut reader = Reader::new(content);
        let mut is_kept = true;
        while !reader.is_empty() {
            let inserted = Fragment::parse(&mut reader)
                .map_err(|_| DropReason::DtlsMalformed)
                .and_then(|fragment| self.insert(now, opened.epoch, &fragment));
            if let Err(reason) = inserted {
                drops.count(reason);
                is_kept = false;
                break;
            }
        }
        // RFC 9147 §7: also what came before and comes again.
        if is_kept {
            self.acks.note(opened.number);
            self.acks.tell(now);
        }
        while let Some(message) = self.reassembly.pop() {
            self.handle_message(&message, sender, ids)?;
        }
        Ok(())
    }

    fn insert(&mut self, now: Instant, epoch: Epoch, fragment: &Fragment<'_>) -> Result<(), DropReason> {
        let next = self.reassembly.next();
        // The handshake is over: under its keys nothing new comes.
        if epoch == Epoch::Handshake && fragment.message_seq >= next {
            return Err(DropReason::DtlsUnexpected);
        }
        if let Inserted::EndOfOld(seq) = self.reassembly.insert(fragment)?
            && seq.checked_add(1) == Some(next)
        {
            self.flight.peer_repeats(now, seq, self.pause);
        }
        Ok(())
    }

    fn handle_message(
        &mut self,
        message: &Message,
        sender: &mut Sender,
        ids: &mut Ids,
    ) -> Result<(), Failure> {
        match Message13::parse(message.kind, &message.body)? {
            Message13::KeyUpdate(update) => {
                // RFC 8446 §4.6.3: the peer sends under new keys from here on.
                let next = self.traffic.read.next().map_err(Failure::Crypto)?;
                self.openers.install_application(next.keys().map_err(Failure::Crypto)?);
                self.traffic.read = next;
                if update == KeyUpdate::Requested {
                    self.owed.update = true;
                    self.pay(sender, ids)?;
                }
                Ok(())
            }
            // RFC 9147 §9: only by who wants to find some itself, and only by who finds some to use.
            Message13::NewConnectionId(new) if !sender.connection_id().is_empty() => {
                self.is_requesting &= new.usage == Usage::Immediate;
                if let Some(id) = ids.take(new)? {
                    // What was to spare is not any more.
                    sender.set_connection_id(id);
                    self.request_ids(sender, ids)?;
                }
                Ok(())
            }
            Message13::RequestConnectionId(request) if !ids.ours().is_empty() => {
                self.issue_ids(request.count, Usage::Spare, sender, ids)
            }
            // There is nothing to resume: every connection of WebRTC has its own fingerprints.
            Message13::NewSessionTicket(_) if self.role == Role::Client => Ok(()),
            other => Err(Failure::UnexpectedMessage { expected: "KeyUpdate", got: other.kind() }),
        }
    }

    /// The peer has what it names.
    pub(super) fn handle_ack(
        &mut self,
        now: Instant,
        ack: &Ack,
        sender: &mut Sender,
        ids: &mut Ids,
    ) -> Result<(), Failure> {
        if self.flight.is_over() || !self.flight.acknowledge(now, &ack.records, self.pause) {
            return Ok(());
        }
        match std::mem::replace(&mut self.outstanding, Outstanding::Nothing) {
            Outstanding::Nothing | Outstanding::ConnectionIds => {}
            Outstanding::Handshake => {
                sender.sealers().end_handshake();
                self.openers.end_handshake();
            }
            Outstanding::KeyUpdate => {
                let next = self.traffic.write.next().map_err(Failure::Crypto)?;
                sender.install_application(next.keys().map_err(Failure::Crypto)?);
                self.traffic.write = next;
            }
        }
        self.pay(sender, ids)
    }

    /// Our keys are soon used up: asks the peer for nothing, and changes them.
    pub(super) fn update(&mut self, sender: &Sender, ids: &mut Ids) -> Result<(), Failure> {
        if self.outstanding != Outstanding::KeyUpdate {
            self.owed.update = true;
        }
        self.pay(sender, ids)
    }

    /// Gives the peer further ids: as many as it wants and we allow, none among them (RFC 9147 §9). Who asks again
    /// before it has an answer gets one for both.
    pub(super) fn issue_ids(
        &mut self,
        count: u8,
        usage: Usage,
        sender: &Sender,
        ids: &mut Ids,
    ) -> Result<(), Failure> {
        if let (None, Some(rng)) = (&self.owed.ids, &mut self.rng) {
            self.owed.ids = ids.issue(count, usage, rng);
        }
        self.pay(sender, ids)
    }

    /// Asks the peer for ids to spare, where it uses any.
    pub(super) fn request_ids(&mut self, sender: &Sender, ids: &mut Ids) -> Result<(), Failure> {
        self.owed.request |= !sender.connection_id().is_empty();
        self.pay(sender, ids)
    }

    /// Sends what is owed, unless a flight is on its way (RFC 9147 §8, §9: one at a time).
    fn pay(&mut self, sender: &Sender, ids: &Ids) -> Result<(), Failure> {
        if self.outstanding != Outstanding::Nothing {
            return Ok(());
        }
        if std::mem::take(&mut self.owed.update) {
            self.outstanding = Outstanding::KeyUpdate;
            return self.send(&Message13::KeyUpdate(KeyUpdate::NotRequested), sender);
        }
        if let Some(new) = self.owed.ids.take() {
            self.outstanding = Outstanding::ConnectionIds;
            return self.send(&Message13::NewConnectionId(new), sender);
        }
        let count = ids.wanted();
        if std::mem::take(&mut self.owed.request) && count > 0 && !self.is_requesting {
            self.outstanding = Outstanding::ConnectionIds;
            self.is_requesting = true;
            let request = RequestConnectionId { count };
            return self.send(&Message13::RequestConnectionId(request), sender);
        }
        Ok(())
    }

    fn send(&mut self, message: &Message13, sender: &Sender) -> Result<(), Failure> {
        let mut body = Vec::new();
        message.write(&mut body);
        let seq = self.next_seq;
        // RFC 9147 §5.2: numbers of messages do not wrap.
        self.next_seq = seq.checked_add(1).ok_or(Failure::Exhausted)?;
        self.flight = Flight::new(None, self.wait, 0);
        self.flight.push(Piece::handshake(sender.epoch(), message.kind(), seq, body));
        Ok(())
    }

    /// Says something that our side never would.
    #[cfg(test)]
    pub(super) fn say(&mut self, message: &Message13, sender: &Sender) {
        self.send(message, sender).unwrap();
    }

    /// Nobody acknowledged our flight.
    pub(super) fn time_out(&mut self, cap: Duration) {
        self.flight.time_out(cap);
    }

    /// When to repeat our flight, and when to acknowledge the peer's.
    pub(super) fn deadlines(&self) -> (Option<Instant>, Option<Instant>) {
        (self.flight.deadline(), self.acks.deadline())
    }

    /// How long the record is that acknowledges what is to be acknowledged now.
    pub(super) fn owed_ack(&self, now: Instant, sender: &Sender) -> Option<usize> {
        self.acks.due_len(now, sender)
    }

    /// Appends that record.
    pub(super) fn write_ack(&mut self, now: Instant, mtu: usize, sender: &mut Sender, out: &mut Vec<u8>) {
        self.acks.poll_transmit(now, mtu, sender, out);
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        mtu: usize,
        sender: &mut Sender,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        if let Some(sent) = self.flight.poll_transmit(now, mtu, sender, out) {
            return Some(sent);
        }
        self.acks.poll_transmit(now, mtu, sender, out)
    }
}
