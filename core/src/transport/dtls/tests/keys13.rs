//! New keys on the way (RFC 9147 §8), and what else may come after a handshake of 1.3.

use crate::base::drops::DropReason;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::tests::lifetime::sealed;
use crate::transport::dtls::tests::{Pair, Side};
use crate::transport::dtls::{DtlsTransportState, Event, SealError, State};
use crate::wire::dtls::alert::Alert;
use crate::wire::dtls::codepoints::{AlertDescription, AlertLevel, ContentType, HandshakeType};
use crate::wire::dtls::handshake::Fragment;
use std::time::Duration;

/// Lets the sender believe that it has sealed `next` records under its key.
fn skip_to(side: &mut Side, next: u64) {
    let State::Connected(established) = &mut side.dtls.state else { panic!("not connected") };
    established.sender.sealers().skip_to(next);
}

/// A sealed handshake message.
fn message(side: &mut Side, kind: HandshakeType, message_seq: u16, body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    Fragment { kind, message_seq, length: body.len(), offset: 0, body }.write(&mut content);
    sealed(side, ContentType::Handshake, &content)
}

/// The lowest bits of the epoch that a side seals data with.
fn epoch_bits(side: &mut Side) -> u8 {
    side.seal(b"")[0] & 0b11
}

#[test]
fn keys_are_changed_in_time_as_often_as_it_takes() {
    let mut pair = Pair::connected_13();
    for round in 0..10u8 {
        let epoch = 3 + round;
        assert_eq!((epoch_bits(&mut pair.client), epoch_bits(&mut pair.server)), (epoch & 3, epoch & 3));
        for side in [&mut pair.client, &mut pair.server] {
            let State::Connected(established) = &mut side.dtls.state else { panic!() };
            established.request_update();
        }
        let late = pair.client.seal(b"on its way");
        pair.run();
        pair.server.handle(pair.now, &late);
        assert_eq!(
            pair.server.received.pop().as_deref(),
            Some(&b"on its way"[..]),
            "the keys before serve on"
        );
        pair.assert_connected();
    }
    assert_eq!((pair.client.dtls.poll_timeout(), pair.server.dtls.poll_timeout()), (None, None));
}

#[test]
fn an_update_is_repeated_until_acknowledged_and_the_old_keys_serve_until_then() {
    let mut pair = Pair::connected_13();
    let State::Connected(established) = &mut pair.client.dtls.state else { panic!() };
    established.request_update();
    let sent = pair.client.sent.len();
    pair.run_with(Duration::from_secs(10), &mut |_, _| vec![]);
    assert_eq!(pair.client.sent.len() - sent, 5, "after 0, 1, 2, 4 and 8 seconds");
    assert_eq!(epoch_bits(&mut pair.client), 3);
    pair.assert_connected();
    pair.run_with(Duration::from_secs(60), &mut |_, _| vec![super::DELAY]);
    assert_eq!(epoch_bits(&mut pair.client), 0);
    pair.assert_connected();
}

#[test]
fn a_request_for_new_keys_is_answered_once() {
    let mut pair = Pair::connected_13();
    // The client's messages had the numbers 0 to 3.
    let request = message(&mut pair.client, HandshakeType::KeyUpdate, 4, &[1]);
    (0..5).for_each(|_| pair.server.handle(pair.now, &request));
    assert_eq!(pair.server.dropped(DropReason::DtlsReplay), 4);
    pair.run();
    assert_eq!(epoch_bits(&mut pair.server), 0, "epoch 4");
    let data = pair.server.seal(b"under new keys");
    pair.client.handle(pair.now, &data);
    assert_eq!(pair.client.received.pop().as_deref(), Some(&b"under new keys"[..]));
}

#[test]
fn an_update_begins_long_before_the_limit() {
    let mut pair = Pair::connected_13();
    skip_to(&mut pair.client, (1 << 23) - 2);
    pair.client.seal(b"not yet");
    assert_eq!(pair.client.poll(pair.now), None);
    pair.client.seal(b"now");
    assert!(pair.client.poll(pair.now).is_some());
    (0..3).for_each(|_| drop(pair.client.seal(b"still under the old keys")));
    assert_eq!(pair.client.poll(pair.now), None, "one update at a time");
    assert!(pair.client.dtls.poll_timeout().is_some());
}

#[test]
fn numbers_that_run_out_end_the_connection() {
    let mut pair = Pair::connected_13();
    skip_to(&mut pair.client, 23_726_565);
    pair.client.seal(b"the last");
    pair.client.take_events();
    assert_eq!(pair.client.events.last(), Some(&Event::Failed(Failure::Exhausted)));
    let mut out = Vec::new();
    assert!(pair.client.dtls.begin_record(&mut out).is_none());
    let mut pair = Pair::connected_13();
    let start = pair.client.dtls.begin_record(&mut out).unwrap();
    out.extend(vec![0; 16_385]);
    assert_eq!(pair.client.dtls.finish_record(start, &mut out), Err(SealError::TooLarge));
    assert_eq!(pair.client.dtls.record_overhead(), 5 + 1 + 16);
}

#[test]
fn tickets_are_acknowledged_and_forgotten() {
    let mut pair = Pair::connected_13();
    let ticket = [&[0; 8][..], &[1, 9], &[0, 2, 7, 7], &[0, 0]].concat();
    // The server's messages had the numbers 0 to 5.
    let record = message(&mut pair.server, HandshakeType::NewSessionTicket, 6, &ticket);
    pair.client.handle(pair.now, &record);
    assert!(pair.client.poll(pair.now).is_some(), "the acknowledgement");
    assert_eq!(pair.client.poll(pair.now), None);
    pair.assert_connected();
    // A client gives none.
    let record = message(&mut pair.client, HandshakeType::NewSessionTicket, 4, &ticket);
    pair.server.handle(pair.now, &record);
    assert!(matches!(pair.server.dtls.failure(), Some(Failure::UnexpectedMessage { .. })));
}

#[test]
fn what_has_no_place_after_the_handshake_ends_it() {
    for (kind, body) in [
        (HandshakeType::CertificateRequest, &[0, 0, 0][..]),
        (HandshakeType::ClientHello, &[0; 3]),
        (HandshakeType::KeyUpdate, &[2]),
        (HandshakeType::Finished, &[0; 32]),
    ] {
        let mut pair = Pair::connected_13();
        let record = message(&mut pair.server, kind, 6, body);
        pair.client.handle(pair.now, &record);
        assert_eq!(pair.client.dtls.state(), DtlsTransportState::Failed, "{kind:?}");
        pair.run();
        assert!(matches!(pair.server.dtls.failure(), Some(Failure::PeerAlert(_))), "{kind:?}");
    }
}

/// RFC 8446 §6: whatever an alert says of its level.
#[test]
fn every_alert_but_one_is_the_end() {
    let alert = |description| Alert { level: AlertLevel::Warning, description }.to_bytes();
    let mut pair = Pair::connected_13();
    let record = sealed(&mut pair.client, ContentType::Alert, &alert(AlertDescription::UserCanceled));
    pair.server.handle(pair.now, &record);
    pair.assert_connected();
    let record = sealed(&mut pair.client, ContentType::Alert, &alert(AlertDescription::BadCertificate));
    pair.server.handle(pair.now, &record);
    assert_eq!(pair.server.dtls.failure(), Some(Failure::PeerAlert(AlertDescription::BadCertificate)));

    let mut pair = Pair::connected_13();
    pair.client.dtls.close(pair.now);
    pair.run();
    assert_eq!(pair.server.dtls.state(), DtlsTransportState::Closed);
    assert_eq!(pair.server.events.last(), Some(&Event::Closed));
}
