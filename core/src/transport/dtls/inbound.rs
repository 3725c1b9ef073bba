//! From datagrams to records, and from records to messages, alerts and application data.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Role;
use crate::transport::dtls::established::{Established, Opened};
use crate::transport::dtls::handshake::Agreed;
use crate::transport::dtls::records::Epoch;
use crate::transport::dtls::{Connection, Event, State};
use crate::wire::dtls::alert::{Alert, CHANGE_CIPHER_SPEC};
use crate::wire::dtls::codepoints::{AlertDescription, AlertLevel, ContentType, ProtocolVersion};
use crate::wire::dtls::record::{self, MAX_PLAINTEXT, RECORD_HEADER_LEN, RecordHeader};
use bytes::BytesMut;

impl Connection {
    /// Takes a datagram of one or more records. The plaintext of each record of application data is appended to
    /// `received`: it is a slice of `datagram`, decrypted in place.
    ///
    /// Only for datagrams from an address that ICE has proven. Nothing is appended unless the state is
    /// `connected` afterwards or was before.
    pub fn handle_datagram(&mut self, now: Instant, mut datagram: BytesMut, received: &mut Vec<BytesMut>) {
        if datagram.is_empty() {
            self.drops.count(DropReason::Empty);
        }
        while !datagram.is_empty() {
            let Ok(header) = record::split(&datagram) else {
                self.drops.count(DropReason::DtlsMalformed);
                return;
            };
            let len = RECORD_HEADER_LEN + usize::from(header.length);
            // The last record takes the allocation with it; splitting it off would share the allocation.
            let is_last = len == datagram.len();
            let record = if is_last { std::mem::take(&mut datagram) } else { datagram.split_to(len) };
            self.handle_record(now, &header, record, received);
        }
    }

    fn handle_record(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        record: BytesMut,
        received: &mut Vec<BytesMut>,
    ) {
        let handled = match &self.state {
            State::Connected(_) => self.handle_connected(now, header, record, received),
            State::Handshaking(_) => self.handle_handshaking(now, header, record, received),
            State::Closed | State::Failed(_) => Err(DropReason::Closed),
        };
        if let Err(reason) = handled {
            self.drops.count(reason);
        }
    }

    fn handle_connected(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        record: BytesMut,
        received: &mut Vec<BytesMut>,
    ) -> Result<(), DropReason> {
        let State::Connected(established) = &mut self.state else { return Err(DropReason::DtlsUnexpected) };
        match established.open(header, record)? {
            // An empty record is allowed (RFC 5246 §6.2.1), and nothing to tell.
            Opened::Data(data) if data.is_empty() => {}
            Opened::Data(data) => received.push(data),
            Opened::Alert(alert) => return self.handle_alert(alert),
            Opened::Handshake(content) => {
                let asks_again = established.handle_handshake(now, &content, self.retransmit.floor / 2)?;
                if asks_again {
                    self.refuse_renegotiation();
                }
            }
        }
        Ok(())
    }

    /// RFC 5246 §7.2.2: the peer may go on with what there is. WebRTC never renegotiates.
    fn refuse_renegotiation(&mut self) {
        let alert = Alert { level: AlertLevel::Warning, description: AlertDescription::NoRenegotiation };
        self.drops.count(DropReason::DtlsUnexpected);
        let State::Connected(established) = &mut self.state else { return };
        // One that waits to be sent is enough.
        if self.outbox.is_empty()
            && let Some(datagram) = established.sender.alert(alert)
        {
            self.outbox.push(datagram);
        }
    }

    fn handle_handshaking(
        &mut self,
        now: Instant,
        header: &RecordHeader,
        mut record: BytesMut,
        received: &mut Vec<BytesMut>,
    ) -> Result<(), DropReason> {
        let State::Handshaking(handshake) = &mut self.state else { return Err(DropReason::DtlsUnexpected) };
        // A client that has not begun expects nothing, a server a `ClientHello` alone.
        let is_welcome = self.role == Role::Server && header.content_type == ContentType::Handshake;
        if handshake.is_idle() && !is_welcome {
            return Err(DropReason::DtlsUnexpected);
        }
        let epoch = match header.epoch {
            0 => {
                check_plain(header)?;
                let _header = record.split_to(RECORD_HEADER_LEN);
                Epoch::Plain
            }
            1 if handshake.is_idle() => return Err(DropReason::DtlsUnknownEpoch),
            1 => match &mut handshake.cx.receiver {
                // Application data stays sealed until the peer is known to be who it should be.
                Some(receiver) if header.content_type != ContentType::ApplicationData => {
                    receiver.open(header, &mut record)?;
                    Epoch::Sealed
                }
                _ => return handshake.cx.early.keep(&record),
            },
            _ => return Err(DropReason::DtlsUnknownEpoch),
        };
        match header.content_type {
            ContentType::Handshake => {
                handshake.handle_fragments(now, epoch, &record, &mut self.drops);
                self.advance(now, received);
                Ok(())
            }
            ContentType::Alert => {
                self.handle_alert(Alert::parse(&record).map_err(|_| DropReason::DtlsMalformed)?)
            }
            // What it announces stands in each record's epoch; the message itself changes nothing.
            ContentType::ChangeCipherSpec if *record == CHANGE_CIPHER_SPEC => Ok(()),
            ContentType::ChangeCipherSpec => Err(DropReason::DtlsMalformed),
            _ => Err(DropReason::DtlsUnexpected),
        }
    }

    /// Goes on with the handshake as far as messages and fingerprints allow.
    pub(super) fn advance(&mut self, now: Instant, received: &mut Vec<BytesMut>) {
        let State::Handshaking(handshake) = &mut self.state else { return };
        let was_idle = handshake.is_idle();
        let had_keys = handshake.cx.receiver.is_some();
        match handshake.advance() {
            Err(failure) => self.fail(failure),
            Ok(agreed) => {
                if was_idle && !handshake.is_idle() {
                    self.events.push(Event::Connecting);
                }
                let has_keys = handshake.cx.receiver.is_some();
                match agreed {
                    Some(agreed) => self.connect(now, *agreed, received),
                    None if has_keys && !had_keys => self.replay_early(now, received),
                    None => {}
                }
            }
        }
        self.arm();
    }

    fn connect(&mut self, now: Instant, agreed: Agreed, received: &mut Vec<BytesMut>) {
        let State::Handshaking(handshake) = &mut self.state else { return };
        let cx = &mut handshake.cx;
        let Some(receiver) = cx.receiver.take() else { return };
        let early = cx.early.take();
        // RFC 6347 §4.2.4: who sent the last flight repeats it when it was lost.
        let flight = (self.role == Role::Server).then(|| std::mem::take(&mut cx.flight));
        let verified = agreed.verified;
        let established = Established::new(std::mem::take(&mut cx.sender), receiver, agreed, flight);
        self.state = State::Connected(Box::new(established));
        self.timers.cancel_all();
        self.events.push(Event::Connected(verified));
        self.handle_again(now, early, received);
    }

    fn replay_early(&mut self, now: Instant, received: &mut Vec<BytesMut>) {
        let State::Handshaking(handshake) = &mut self.state else { return };
        let early = handshake.cx.early.take();
        self.handle_again(now, early, received);
    }

    fn handle_again(&mut self, now: Instant, records: Vec<BytesMut>, received: &mut Vec<BytesMut>) {
        for record in records {
            if let Ok(header) = record::split(&record) {
                self.handle_record(now, &header, record, received);
            }
        }
    }

    fn handle_alert(&mut self, alert: Alert) -> Result<(), DropReason> {
        match alert {
            // RFC 5246 §7.2.1: answered in kind.
            Alert { description: AlertDescription::CloseNotify, .. } => {
                let answer = Alert { level: AlertLevel::Warning, description: AlertDescription::CloseNotify };
                if self.end(State::Closed, Some(answer)) {
                    self.events.push(Event::Closed);
                }
                Ok(())
            }
            Alert { level: AlertLevel::Fatal, description } => {
                self.fail(Failure::PeerAlert(description));
                Ok(())
            }
            Alert { .. } => Err(DropReason::DtlsAlert),
        }
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
