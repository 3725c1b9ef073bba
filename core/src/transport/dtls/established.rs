//! A connection that is up: records in both directions, and what little else may still come.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::dtls::flight::Flight;
use crate::transport::dtls::handshake::Agreed;
use crate::transport::dtls::records::{Receiver, Sender};
use crate::wire::cursor::Reader;
use crate::wire::dtls::alert::Alert;
use crate::wire::dtls::codepoints::{ContentType, HandshakeType};
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::record::RecordHeader;
use bytes::BytesMut;
use std::time::Duration;

pub(super) struct Established {
    pub sender: Sender,
    receiver: Receiver,
    pub agreed: Agreed,
    /// A server's last flight. RFC 6347 §4.2.4 would have it kept for four minutes; it is kept for good, because
    /// a client on a bad path may ask for it later than that, and it takes 200 bytes and no timer.
    flight: Option<Flight>,
}

/// The content of an authentic record.
pub(super) enum Opened {
    Data(BytesMut),
    Alert(Alert),
    Handshake(BytesMut),
}

impl Established {
    pub(super) const fn new(
        sender: Sender,
        receiver: Receiver,
        agreed: Agreed,
        flight: Option<Flight>,
    ) -> Self {
        Self { sender, receiver, agreed, flight }
    }

    pub(super) fn open(&mut self, header: &RecordHeader, mut record: BytesMut) -> Result<Opened, DropReason> {
        match header.epoch {
            1 => self.receiver.open(header, &mut record)?,
            // Late or forged parts of the handshake. Nothing unsealed counts any more.
            0 => return Err(DropReason::DtlsReplay),
            _ => return Err(DropReason::DtlsUnknownEpoch),
        }
        match header.content_type {
            ContentType::ApplicationData => Ok(Opened::Data(record)),
            ContentType::Alert => {
                Alert::parse(&record).map(Opened::Alert).map_err(|_| DropReason::DtlsMalformed)
            }
            ContentType::Handshake => Ok(Opened::Handshake(record)),
            _ => Err(DropReason::DtlsUnexpected),
        }
    }

    /// Handles handshake messages that come after the handshake: the client's last flight once more, or a wish
    /// to renegotiate, for which `true` comes back.
    pub(super) fn handle_handshake(
        &mut self,
        now: Instant,
        content: &[u8],
        pause: Duration,
    ) -> Result<bool, DropReason> {
        let mut reader = Reader::new(content);
        while !reader.is_empty() {
            let fragment = Fragment::parse(&mut reader).map_err(|_| DropReason::DtlsMalformed)?;
            match (fragment.kind, &mut self.flight) {
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

    pub(super) fn poll_transmit(&mut self, now: Instant, mtu: usize, out: &mut Vec<u8>) -> Option<usize> {
        self.flight.as_mut()?.poll_transmit(now, mtu, &mut self.sender, out)
    }
}
