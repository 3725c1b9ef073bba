//! From datagrams to records, and from records to messages, alerts and application data.

use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Role;
use crate::transport::dtls::established::{Established, Opened, Protocol};
use crate::transport::dtls::handshake::Done;
use crate::transport::dtls::ids::{Ids, Naming};
use crate::transport::dtls::session13::Session13;
use crate::transport::dtls::{Connection, Event, State};
use crate::wire::dtls::alert::{Ack, Alert, CHANGE_CIPHER_SPEC};
use crate::wire::dtls::codepoints::{AlertDescription, AlertLevel, ContentType, ProtocolVersion};
use crate::wire::dtls::unified::Header;
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
        let mut is_named = false;
        while !datagram.is_empty() {
            // Where an id ends that we never asked for nobody knows.
            if self.id_len == 0 && Header::is_named(datagram[0]) {
                self.drops.count(DropReason::DtlsConnectionId);
                return;
            }
            let Ok((header, len)) = Header::split(&datagram, self.id_len) else {
                self.drops.count(DropReason::DtlsMalformed);
                return;
            };
            let naming = self.ids().map_or(Naming::Fits, |ids| ids.check(&header, is_named));
            // RFC 9147 §4: with a record for another connection the rest of its datagram goes.
            if naming == Naming::Foreign {
                self.drops.count(DropReason::DtlsConnectionId);
                return;
            }
            // The last record takes the allocation with it; splitting it off would share the allocation.
            let is_last = len == datagram.len();
            let record = if is_last { std::mem::take(&mut datagram) } else { datagram.split_to(len) };
            if naming == Naming::Missing {
                self.drops.count(DropReason::DtlsConnectionId);
                continue;
            }
            is_named |= matches!(&header, Header::Unified(header) if header.connection_id.is_some());
            self.handle_record(now, &header, record, received);
        }
    }

    const fn ids(&self) -> Option<&Ids> {
        match &self.state {
            State::Handshaking(handshake) => Some(&handshake.cx.ids),
            State::Connected(established) => Some(&established.ids),
            State::Closed | State::Failed(_) => None,
        }
    }

    fn handle_record(
        &mut self,
        now: Instant,
        header: &Header,
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
        header: &Header,
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
            Opened::Handshake13(opened, content) => {
                let handled = established.handle_handshake_13(now, opened, &content, &mut self.drops);
                self.end_if_failed(handled);
            }
            Opened::Ack(ack) => {
                let handled = established.handle_ack(now, &ack);
                self.end_if_failed(handled);
            }
        }
        Ok(())
    }

    fn end_if_failed(&mut self, handled: Result<(), Failure>) {
        if let Err(failure) = handled {
            self.fail(failure);
        }
        self.arm();
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
        header: &Header,
        mut record: BytesMut,
        received: &mut Vec<BytesMut>,
    ) -> Result<(), DropReason> {
        let State::Handshaking(handshake) = &mut self.state else { return Err(DropReason::DtlsUnexpected) };
        let opened = match header {
            Header::Long(header) => handshake.open_long(self.role, header, &mut record)?,
            Header::Identified(header) => handshake.open_identified(header, &mut record)?,
            Header::Unified(header) => handshake.open_unified(now, header, &mut record)?,
        };
        let Some(opened) = opened else { return Ok(()) };
        match opened.content_type {
            ContentType::Handshake => {
                handshake.handle_fragments(now, (opened.epoch, opened.number), &record, &mut self.drops);
                self.advance(now, received);
                Ok(())
            }
            // RFC 8446 §6: once both sides seal, alerts that are not sealed are nobody's.
            ContentType::Alert if handshake.ignores_alerts(opened.epoch) => Err(DropReason::DtlsUnexpected),
            ContentType::Alert => {
                self.handle_alert(Alert::parse(&record).map_err(|_| DropReason::DtlsMalformed)?)
            }
            ContentType::Ack => {
                let ack = Ack::parse(&record).map_err(|_| DropReason::DtlsMalformed)?;
                handshake.handle_ack(now, &ack);
                self.arm();
                Ok(())
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
        let had_keys = handshake.has_keys();
        match handshake.advance() {
            Err(failure) => self.fail(failure),
            Ok(done) => {
                if was_idle && !handshake.is_idle() {
                    self.events.push(Event::Connecting);
                }
                let has_keys = handshake.has_keys();
                match done {
                    Some(done) => self.connect(now, done, received),
                    None if has_keys && !had_keys => self.replay_early(now, received),
                    None => {}
                }
            }
        }
        self.arm();
    }

    fn connect(&mut self, now: Instant, done: Done, received: &mut Vec<BytesMut>) {
        let State::Handshaking(handshake) = &mut self.state else { return };
        let cx = &mut handshake.cx;
        let protocol = match (done.traffic, cx.receiver.take()) {
            (Some(traffic), _) => {
                Session13::new(now, self.role, cx, traffic).map(|session| Protocol::Dtls13(Box::new(session)))
            }
            (None, Some(receiver)) => {
                // RFC 6347 §4.2.4: who sent the last flight repeats it when it was lost.
                let flight = (self.role == Role::Server).then(|| std::mem::take(&mut cx.flight));
                Ok(Protocol::Dtls12 { receiver, flight })
            }
            (None, None) => return,
        };
        let protocol = match protocol {
            Ok(protocol) => protocol,
            Err(failure) => return self.fail(failure),
        };
        let early = cx.early.take();
        let verified = done.agreed.verified;
        let ids = std::mem::replace(&mut cx.ids, Ids::new(None));
        let established = Established::new(std::mem::take(&mut cx.sender), *done.agreed, ids, protocol);
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
            self.handle_datagram(now, record, received);
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
            // RFC 8446 §6: of 1.3 every other alert but one is the end, whatever it says of itself.
            Alert { level, description }
                if level == AlertLevel::Fatal
                    || (self.speaks_13() && description != AlertDescription::UserCanceled) =>
            {
                self.fail(Failure::PeerAlert(description));
                Ok(())
            }
            Alert { .. } => Err(DropReason::DtlsAlert),
        }
    }

    const fn speaks_13(&self) -> bool {
        match &self.state {
            State::Handshaking(handshake) => handshake.cx.openers.is_some(),
            State::Connected(established) => {
                matches!(established.agreed.version(), ProtocolVersion::Dtls13)
            }
            State::Closed | State::Failed(_) => false,
        }
    }
}
