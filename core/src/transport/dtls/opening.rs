//! Records during the handshake: which are opened with what, which have to wait, which are nobody's.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::dtls::config::Role;
use crate::transport::dtls::handshake::Handshake;
use crate::transport::dtls::records::{Epoch, Front};
use crate::transport::dtls::records13::{Opened13, Openers};
use crate::wire::dtls::alert::{Ack, RecordNumber};
use crate::wire::dtls::codepoints::{ContentType, ProtocolVersion};
use crate::wire::dtls::connection_id::{ConnectionId, IdentifiedHeader};
use crate::wire::dtls::record::{MAX_PLAINTEXT, RECORD_HEADER_LEN, RecordHeader};
use crate::wire::dtls::unified::UnifiedHeader;
use bytes::{Buf as _, BytesMut};

impl Handshake {
    /// Opens a record with the long header in place. `None`: it waits.
    pub(super) fn open_long(
        &mut self,
        role: Role,
        header: &RecordHeader,
        record: &mut BytesMut,
    ) -> Result<Option<Opened13>, DropReason> {
        // A client that has not begun expects nothing, a server a `ClientHello` alone.
        let is_welcome = role == Role::Server && header.content_type == ContentType::Handshake;
        let is_idle = self.is_idle();
        if is_idle && !is_welcome {
            return Err(DropReason::DtlsUnexpected);
        }
        let content_type = header.content_type;
        let number = RecordNumber { epoch: u64::from(header.epoch), sequence: header.sequence };
        match (header.epoch, &mut self.cx.receiver) {
            (0, _) => {
                check_plain(header)?;
                record.advance(RECORD_HEADER_LEN);
                Ok(Some(Opened13 { content_type, epoch: Epoch::Plain, number }))
            }
            (1, _) if is_idle || self.cx.openers.is_some() => Err(DropReason::DtlsUnknownEpoch),
            // Application data stays sealed until the peer is known to be who it should be.
            (1, Some(receiver)) if content_type != ContentType::ApplicationData => {
                let content_type = receiver.open(Front { header, id: &ConnectionId::default() }, record)?;
                Ok(Some(Opened13 { content_type, epoch: Epoch::Sealed, number }))
            }
            (1, _) => self.cx.early.keep(record).map(|()| None),
            _ => Err(DropReason::DtlsUnknownEpoch),
        }
    }

    /// Opens a record of DTLS 1.2 with a connection id in place. `None`: it waits.
    pub(super) fn open_identified(
        &mut self,
        identified: &IdentifiedHeader,
        record: &mut BytesMut,
    ) -> Result<Option<Opened13>, DropReason> {
        let header = &identified.header;
        // RFC 9146 §4: what is not sealed carries none.
        if header.epoch != 1 || self.is_idle() || self.cx.openers.is_some() {
            return Err(DropReason::DtlsUnknownEpoch);
        }
        let Some(receiver) = &mut self.cx.receiver else { return self.cx.early.keep(record).map(|()| None) };
        let sealed = record.clone();
        match receiver.read(identified.into(), record)? {
            // Its type is known too late to leave it sealed: what was opened is thrown away.
            ContentType::ApplicationData => self.cx.early.keep(&sealed).map(|()| None),
            _ => {
                let mut sealed = sealed;
                let content_type = receiver.open(identified.into(), &mut sealed)?;
                let number = RecordNumber { epoch: 1, sequence: header.sequence };
                *record = sealed;
                Ok(Some(Opened13 { content_type, epoch: Epoch::Sealed, number }))
            }
        }
    }

    /// Opens a record with the unified header in place. `None`: it waits.
    pub(super) fn open_unified(
        &mut self,
        now: Instant,
        header: &UnifiedHeader,
        record: &mut BytesMut,
    ) -> Result<Option<Opened13>, DropReason> {
        let is_open = self.is_waiting_for_version();
        let cx = &mut self.cx;
        match &mut cx.openers {
            Some(openers) if openers.has_keys(header) => {
                let opened = openers.open(header, record)?;
                // RFC 9147 §6.1: the handshake's keys carry no data.
                match opened.content_type {
                    ContentType::ApplicationData => Err(DropReason::DtlsUnexpected),
                    _ => Ok(Some(opened)),
                }
            }
            None if !is_open => Err(DropReason::DtlsUnknownEpoch),
            // Application data stays sealed until the peer is known to be who it should be; and what overtook
            // `ServerHello` waits for its keys.
            openers => {
                cx.early.keep(record)?;
                if !openers.as_ref().is_some_and(Openers::has_handshake) {
                    // RFC 9147 §7.1: an empty acknowledgement says that something before it is lost.
                    cx.acks.tell(now + cx.wait() / 4);
                }
                Ok(None)
            }
        }
    }

    /// Whether there are keys to read with.
    pub(super) fn has_keys(&self) -> bool {
        self.cx.receiver.is_some() || self.cx.openers.as_ref().is_some_and(Openers::has_handshake)
    }

    /// Whether an alert that came in this epoch is nobody's. A client that could not read our hello has no keys
    /// to seal its alert with; once it has sealed anything, it has.
    pub(super) fn ignores_alerts(&self, epoch: Epoch) -> bool {
        epoch == Epoch::Plain
            && self
                .cx
                .openers
                .as_ref()
                .is_some_and(|openers| openers.has_handshake() && (self.is_client() || openers.has_opened()))
    }

    /// The peer has these records of our flight.
    pub(super) fn handle_ack(&mut self, now: Instant, ack: &Ack) {
        let pause = self.cx.config.retransmit.floor / 2;
        self.cx.flight.acknowledge(now, &ack.records, pause);
    }
}

/// RFC 6347 §4.1: a first `ClientHello` may come under an old version's number.
fn check_plain(header: &RecordHeader) -> Result<(), DropReason> {
    let version = matches!(header.version, ProtocolVersion::Dtls10 | ProtocolVersion::Dtls12);
    if version && usize::from(header.length) <= MAX_PLAINTEXT {
        Ok(())
    } else {
        Err(DropReason::DtlsMalformed)
    }
}
