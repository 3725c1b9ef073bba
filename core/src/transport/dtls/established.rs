//! A connection that is up: records in both directions, and what little else may still come.

use crate::base::drops::{DropReason, Drops};
use crate::base::time::Instant;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::flight::Flight;
use crate::transport::dtls::handshake::Agreed;
use crate::transport::dtls::ids::Ids;
use crate::transport::dtls::records::{Front, Receiver, Sender};
use crate::transport::dtls::records13::Opened13;
use crate::transport::dtls::session13::Session13;
use crate::wire::cursor::Reader;
use crate::wire::dtls::alert::{Ack, Alert};
use crate::wire::dtls::codepoints::{ContentType, HandshakeType};
use crate::wire::dtls::connection_id::ConnectionId;
use crate::wire::dtls::handshake::Fragment;
#[cfg(test)]
use crate::wire::dtls::message13::Message13;
use crate::wire::dtls::message13::Usage;
use crate::wire::dtls::unified::{Header, UnifiedHeader};
use bytes::BytesMut;
use std::time::Duration;

pub(super) struct Established {
    pub sender: Sender,
    pub agreed: Agreed,
    pub ids: Ids,
    protocol: Protocol,
}

/// What belongs to one version.
pub(super) enum Protocol {
    Dtls12 {
        receiver: Receiver,
        /// A server's last flight. RFC 6347 §4.2.4 would have it kept for four minutes; it is kept for good,
        /// because a client on a bad path may ask for it later than that, and it takes 200 bytes and no timer.
        flight: Option<Flight>,
    },
    Dtls13(Box<Session13>),
}

/// The content of an authentic record.
pub(super) enum Opened {
    Data(BytesMut),
    Alert(Alert),
    Handshake(BytesMut),
    Handshake13(Opened13, BytesMut),
    Ack(Ack),
}

impl Established {
    pub(super) const fn new(sender: Sender, agreed: Agreed, ids: Ids, protocol: Protocol) -> Self {
        Self { sender, agreed, ids, protocol }
    }

    pub(super) fn open(&mut self, header: &Header, record: BytesMut) -> Result<Opened, DropReason> {
        match (header, &mut self.protocol) {
            (Header::Long(header), Protocol::Dtls12 { receiver, .. }) => {
                open_12(receiver, Front { header, id: &ConnectionId::default() }, record)
            }
            (Header::Identified(header), Protocol::Dtls12 { receiver, .. }) => {
                open_12(receiver, header.into(), record)
            }
            (Header::Unified(unified), Protocol::Dtls13(session)) => {
                let opened = open_13(session, unified, record)?;
                self.ids.note_use(header);
                Ok(opened)
            }
            // Late or forged parts of the handshake. Nothing unsealed counts any more.
            (Header::Long(header), Protocol::Dtls13(_)) if header.epoch == 0 => Err(DropReason::DtlsReplay),
            (Header::Long(_) | Header::Identified(_), Protocol::Dtls13(_)) => {
                Err(DropReason::DtlsUnknownEpoch)
            }
            (Header::Unified(_), Protocol::Dtls12 { .. }) => Err(DropReason::DtlsMalformed),
        }
    }

    /// Handles handshake messages of 1.2 that come after the handshake: the client's last flight once more, or a
    /// wish to renegotiate, for which `true` comes back.
    pub(super) fn handle_handshake(
        &mut self,
        now: Instant,
        content: &[u8],
        pause: Duration,
    ) -> Result<bool, DropReason> {
        let Protocol::Dtls12 { flight, .. } = &mut self.protocol else {
            return Err(DropReason::DtlsUnexpected);
        };
        let mut reader = Reader::new(content);
        while !reader.is_empty() {
            let fragment = Fragment::parse(&mut reader).map_err(|_| DropReason::DtlsMalformed)?;
            match (fragment.kind, &mut *flight) {
                (HandshakeType::Finished, Some(flight)) => {
                    flight.peer_repeats(now, fragment.message_seq, pause);
                }
                (HandshakeType::ClientHello | HandshakeType::HelloRequest, _) => return Ok(true),
                // A server's `Finished` that was on its way twice.
                (HandshakeType::Finished, None) => {}
                _ => return Err(DropReason::DtlsUnexpected),
            }
        }
        Ok(false)
    }

    /// Handles handshake messages of 1.3 that come after the handshake.
    pub(super) fn handle_handshake_13(
        &mut self,
        now: Instant,
        opened: Opened13,
        content: &[u8],
        drops: &mut Drops,
    ) -> Result<(), Failure> {
        match &mut self.protocol {
            Protocol::Dtls12 { .. } => Ok(()),
            Protocol::Dtls13(session) => {
                session.handle_handshake(now, opened, content, (&mut self.sender, &mut self.ids, drops))
            }
        }
    }

    pub(super) fn handle_ack(&mut self, now: Instant, ack: &Ack) -> Result<(), Failure> {
        match &mut self.protocol {
            Protocol::Dtls12 { .. } => Ok(()),
            Protocol::Dtls13(session) => session.handle_ack(now, ack, &mut self.sender, &mut self.ids),
        }
    }

    /// Begins to change our keys, where that is possible and when it is time.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        match &mut self.protocol {
            Protocol::Dtls13(session) if self.sender.wants_update() => {
                session.update(&self.sender, &mut self.ids)
            }
            _ => Ok(()),
        }
    }

    /// As if it were time to change our keys.
    #[cfg(test)]
    pub(super) fn request_update(&mut self) {
        if let Protocol::Dtls13(session) = &mut self.protocol {
            session.update(&self.sender, &mut self.ids).unwrap();
        }
    }

    /// Says something that our side never would.
    #[cfg(test)]
    pub(super) fn say(&mut self, message: &Message13) {
        if let Protocol::Dtls13(session) = &mut self.protocol {
            session.say(message, &self.sender);
        }
    }

    /// The path has changed: takes the next id for our records, where the peer gave one to spare, and asks for another.
    pub(super) fn change_id(&mut self) -> Result<(), Failure> {
        let Protocol::Dtls13(session) = &mut self.protocol else { return Ok(()) };
        let Some(next) = self.ids.next_spare() else { return Ok(()) };
        self.sender.set_connection_id(next);
        session.request_ids(&self.sender, &mut self.ids)
    }

    /// Has the peer take a new id for its records. `false` where that cannot be.
    pub(super) fn renew_id(&mut self) -> Result<bool, Failure> {
        match &mut self.protocol {
            Protocol::Dtls13(session) if !self.ids.ours().is_empty() => {
                session.issue_ids(1, Usage::Immediate, &self.sender, &mut self.ids).map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Nobody acknowledged our flight.
    pub(super) fn time_out(&mut self, cap: Duration) {
        if let Protocol::Dtls13(session) = &mut self.protocol {
            session.time_out(cap);
        }
    }

    /// When to repeat our flight, and when to acknowledge the peer's.
    pub(super) fn deadlines(&self) -> (Option<Instant>, Option<Instant>) {
        match &self.protocol {
            Protocol::Dtls12 { .. } => (None, None),
            Protocol::Dtls13(session) => session.deadlines(),
        }
    }

    /// How long the record is that acknowledges what is to be acknowledged now.
    pub(super) fn owed_ack(&self, now: Instant) -> Option<usize> {
        match &self.protocol {
            Protocol::Dtls12 { .. } => None,
            Protocol::Dtls13(session) => session.owed_ack(now, &self.sender),
        }
    }

    /// Appends that record.
    pub(super) fn write_ack(&mut self, now: Instant, mtu: usize, out: &mut Vec<u8>) {
        if let Protocol::Dtls13(session) = &mut self.protocol {
            session.write_ack(now, mtu, &mut self.sender, out);
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, mtu: usize, out: &mut Vec<u8>) -> Option<usize> {
        match &mut self.protocol {
            Protocol::Dtls12 { flight, .. } => {
                flight.as_mut()?.poll_transmit(now, mtu, &mut self.sender, out)
            }
            Protocol::Dtls13(session) => session.poll_transmit(now, mtu, &mut self.sender, out),
        }
    }
}

fn open_12(receiver: &mut Receiver, front: Front<'_>, mut record: BytesMut) -> Result<Opened, DropReason> {
    let content_type = match front.header.epoch {
        1 => receiver.open(front, &mut record)?,
        // Late or forged parts of the handshake. Nothing unsealed counts any more.
        0 => return Err(DropReason::DtlsReplay),
        _ => return Err(DropReason::DtlsUnknownEpoch),
    };
    match content_type {
        ContentType::Handshake => Ok(Opened::Handshake(record)),
        other => content(other, record),
    }
}

fn open_13(
    session: &mut Session13,
    header: &UnifiedHeader,
    mut record: BytesMut,
) -> Result<Opened, DropReason> {
    let opened = session.openers.open(header, &mut record)?;
    match (opened.content_type, opened.number.epoch) {
        (ContentType::Handshake, _) => Ok(Opened::Handshake13(opened, record)),
        (ContentType::Ack, _) => Ack::parse(&record).map(Opened::Ack).map_err(|_| DropReason::DtlsMalformed),
        // RFC 9147 §6.1: the handshake's keys carry no data.
        (ContentType::ApplicationData, 2) => Err(DropReason::DtlsUnexpected),
        (other, _) => content(other, record),
    }
}

fn content(content_type: ContentType, record: BytesMut) -> Result<Opened, DropReason> {
    match content_type {
        ContentType::ApplicationData => Ok(Opened::Data(record)),
        ContentType::Alert => Alert::parse(&record).map(Opened::Alert).map_err(|_| DropReason::DtlsMalformed),
        _ => Err(DropReason::DtlsUnexpected),
    }
}
