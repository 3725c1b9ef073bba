//! A connection that is up: records in both directions, and what little else may still come.

use crate::base::drops::{DropReason, Drops};
use crate::base::time::Instant;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::flight::Flight;
use crate::transport::dtls::handshake::Agreed;
use crate::transport::dtls::records::{Receiver, Sender};
use crate::transport::dtls::records13::Opened13;
use crate::transport::dtls::session13::Session13;
use crate::wire::cursor::Reader;
use crate::wire::dtls::alert::{Ack, Alert};
use crate::wire::dtls::codepoints::{ContentType, HandshakeType};
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::record::RecordHeader;
use crate::wire::dtls::unified::{Header, UnifiedHeader};
use bytes::BytesMut;
use std::time::Duration;

pub(super) struct Established {
    pub sender: Sender,
    pub agreed: Agreed,
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
    pub(super) const fn new(sender: Sender, agreed: Agreed, protocol: Protocol) -> Self {
        Self { sender, agreed, protocol }
    }

    pub(super) fn open(&mut self, header: &Header, record: BytesMut) -> Result<Opened, DropReason> {
        match (header, &mut self.protocol) {
            (Header::Long(header), Protocol::Dtls12 { receiver, .. }) => open_12(receiver, header, record),
            (Header::Unified(header), Protocol::Dtls13(session)) => open_13(session, header, record),
            // Late or forged parts of the handshake. Nothing unsealed counts any more.
            (Header::Long(header), Protocol::Dtls13(_)) if header.epoch == 0 => Err(DropReason::DtlsReplay),
            (Header::Long(_), Protocol::Dtls13(_)) => Err(DropReason::DtlsUnknownEpoch),
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
                session.handle_handshake(now, opened, content, (&mut self.sender, drops))
            }
        }
    }

    pub(super) fn handle_ack(&mut self, now: Instant, ack: &Ack) -> Result<(), Failure> {
        match &mut self.protocol {
            Protocol::Dtls12 { .. } => Ok(()),
            Protocol::Dtls13(session) => session.handle_ack(now, ack, &mut self.sender),
        }
    }

    /// Begins to change our keys, where that is possible and when it is time.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        match &mut self.protocol {
            Protocol::Dtls13(session) if self.sender.wants_update() => session.update(&self.sender),
            _ => Ok(()),
        }
    }

    /// As if it were time to change our keys.
    #[cfg(test)]
    pub(super) fn request_update(&mut self) {
        if let Protocol::Dtls13(session) = &mut self.protocol {
            session.update(&self.sender).unwrap();
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

    pub(super) fn poll_transmit(&mut self, now: Instant, mtu: usize, out: &mut Vec<u8>) -> Option<usize> {
        match &mut self.protocol {
            Protocol::Dtls12 { flight, .. } => {
                flight.as_mut()?.poll_transmit(now, mtu, &mut self.sender, out)
            }
            Protocol::Dtls13(session) => session.poll_transmit(now, mtu, &mut self.sender, out),
        }
    }
}

fn open_12(
    receiver: &mut Receiver,
    header: &RecordHeader,
    mut record: BytesMut,
) -> Result<Opened, DropReason> {
    match header.epoch {
        1 => receiver.open(header, &mut record)?,
        // Late or forged parts of the handshake. Nothing unsealed counts any more.
        0 => return Err(DropReason::DtlsReplay),
        _ => return Err(DropReason::DtlsUnknownEpoch),
    }
    match header.content_type {
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
