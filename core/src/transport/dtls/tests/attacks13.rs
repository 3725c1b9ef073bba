//! What a handshake and a connection of 1.3 must withstand.

use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::tests::attacks::plain;
use crate::transport::dtls::tests::attacks_handshake::{browser_hello, datagram_of, message_in, record_of};
use crate::transport::dtls::tests::{DELAY, Pair, config, config_13, fingerprint};
use crate::transport::dtls::{DtlsTransportState, Event};
use crate::wire::dtls::alert::{Ack, Alert, RecordNumber};
use crate::wire::dtls::codepoints::{
    AlertDescription, AlertLevel, CipherSuite, ContentType, ExtensionType, HandshakeType, NamedGroup,
    ProtocolVersion,
};
use crate::wire::dtls::extension::{Extension, Extensions, KeyShareEntry};
use crate::wire::dtls::hello::{HELLO_RETRY_REQUEST, ServerHello};
use crate::wire::dtls::message12::Message12;

fn pair_13() -> Pair {
    Pair::new(config_13(), config_13())
}

fn fatal() -> Vec<u8> {
    let alert = Alert { level: AlertLevel::Fatal, description: AlertDescription::InternalError };
    plain(ContentType::Alert, 77, &alert.to_bytes())
}

#[test]
fn attack_01_neither_hellos_nor_alerts_disturb_a_connection() {
    let mut pair = Pair::connected_13();
    let hello = pair.client.sent[0].clone();
    let stranger = pair_13().client.poll(pair.now).unwrap();
    for datagram in [hello, stranger, fatal()] {
        pair.server.handle(pair.now, &datagram);
        pair.client.handle(pair.now, &datagram);
        assert_eq!((pair.server.poll(pair.now), pair.client.poll(pair.now)), (None, None));
    }
    assert_eq!(pair.server.dropped(DropReason::DtlsReplay), 3);
    pair.assert_connected();
}

#[test]
fn attack_07_the_fingerprints_are_compared() {
    for client_is_fooled in [true, false] {
        let mut pair = Pair::at_rest(config_13(), config_13());
        let (right, mut wrong) = (fingerprint(&config()), fingerprint(&config()));
        wrong.digest[0] ^= 1;
        let (c, s) = if client_is_fooled { (wrong, right) } else { (right, wrong) };
        pair.client.trust(pair.now, c);
        pair.server.trust(pair.now, s);
        pair.client.dtls.start(pair.now);
        pair.run();
        let (fooled, other) = match client_is_fooled {
            true => (&pair.client, &pair.server),
            false => (&pair.server, &pair.client),
        };
        assert_eq!(fooled.events, [Event::Connecting, Event::Failed(Failure::FingerprintMismatch)]);
        let alert = Failure::PeerAlert(AlertDescription::BadCertificate);
        assert_eq!(other.dtls.failure(), Some(alert));
    }
}

/// A client that gets this answer to its hello, and why it gave up.
fn client_gets(change: impl FnOnce(&mut ServerHello)) -> Option<Failure> {
    let mut pair = pair_13();
    let mut hello = ServerHello {
        version: ProtocolVersion::Dtls12,
        random: [7; 32],
        session_id: Vec::new(),
        cipher_suite: CipherSuite::Aes128GcmSha256,
        compression_method: 0,
        extensions: Extensions::new(vec![selected(), share(NamedGroup::X25519, 9)]),
    };
    change(&mut hello);
    pair.transmit(&mut |_, _| vec![]);
    pair.client.handle(pair.now, &datagram_of(0, &Message12::ServerHello(hello)));
    pair.client.dtls.failure()
}

fn selected() -> Extension {
    Extension::SelectedVersion(ProtocolVersion::Dtls13)
}

fn share(group: NamedGroup, byte: u8) -> Extension {
    Extension::KeyShare(KeyShareEntry { group, key: vec![byte; 32] })
}

#[test]
fn attack_16_a_crafted_server_hello_is_refused() {
    let illegal = |what| Some(Failure::IllegalParameter(what));
    assert_eq!(client_gets(|_| {}), None);
    assert_eq!(client_gets(|h| h.version = ProtocolVersion::Dtls13), illegal("version"));
    assert_eq!(client_gets(|h| h.session_id = vec![1]), illegal("echo of a session"));
    assert_eq!(client_gets(|h| h.compression_method = 1), illegal("echo of a session"));
    let suite = CipherSuite::EcdheEcdsaAes128GcmSha256;
    assert_eq!(client_gets(|h| h.cipher_suite = suite), illegal("cipher suite"));
    let with = |list: Vec<Extension>| client_gets(|h| h.extensions = Extensions::new(list));
    assert_eq!(with(vec![selected()]), Some(Failure::MissingExtension(ExtensionType::KeyShare)));
    assert_eq!(with(vec![selected(), share(NamedGroup::X25519, 0)]), illegal("key share"));
    assert_eq!(with(vec![selected(), share(NamedGroup::Secp256r1, 4)]), illegal("group"));
    assert_eq!(with(vec![selected(), share(NamedGroup::X25519MlKem768, 4)]), illegal("group"));
    let extra = with(vec![selected(), share(NamedGroup::X25519, 9), Extension::ExtendedMasterSecret]);
    assert_eq!(extra, illegal("extension in this message"));
    let extra = with(vec![selected(), share(NamedGroup::X25519, 9), Extension::Cookie(vec![1])]);
    assert_eq!(extra, Some(Failure::UnsupportedExtension(ExtensionType::Cookie)));
}

#[test]
fn attack_16_a_crafted_request_to_try_again_is_refused() {
    let retry = |list: Vec<Extension>| {
        client_gets(|h| (h.random, h.extensions) = (HELLO_RETRY_REQUEST, Extensions::new(list)))
    };
    let illegal = |what| Some(Failure::IllegalParameter(what));
    assert_eq!(retry(vec![selected()]), illegal("request to try again"));
    for sent_or_unknown in [NamedGroup::X25519, NamedGroup::X25519MlKem768, NamedGroup::Unknown(1)] {
        assert_eq!(retry(vec![selected(), Extension::SelectedGroup(sent_or_unknown)]), illegal("group"));
    }
    assert_eq!(retry(vec![selected(), Extension::SelectedGroup(NamedGroup::Secp256r1)]), None);
    assert_eq!(retry(vec![selected(), Extension::Cookie(vec![1; 500])]), None);

    // Once and no more.
    let mut pair = pair_13();
    pair.transmit(&mut |_, _| vec![]);
    for seq in 0..2 {
        let hello = ServerHello {
            version: ProtocolVersion::Dtls12,
            random: HELLO_RETRY_REQUEST,
            session_id: Vec::new(),
            cipher_suite: CipherSuite::Aes128GcmSha256,
            compression_method: 0,
            extensions: Extensions::new(vec![selected(), Extension::Cookie(vec![seq as u8 + 1])]),
        };
        assert_eq!(pair.client.dtls.failure(), None);
        pair.client.handle(pair.now, &datagram_of(seq, &Message12::ServerHello(hello)));
    }
    assert!(matches!(pair.client.dtls.failure(), Some(Failure::UnexpectedMessage { .. })));
}

#[test]
fn attack_17_nothing_without_encryption_counts_once_there_are_keys() {
    let mut pair = pair_13();
    let data = plain(ContentType::ApplicationData, 5, b"injected");
    // What would stand in the way of the real messages, before and after `ServerHello`, and an alert.
    let forged: Vec<_> = (1..6)
        .map(|seq| record_of(HandshakeType::EncryptedExtensions, seq, &[0, 0]))
        .chain([fatal(), data])
        .collect();
    pair.transmit(&mut |_, _| vec![DELAY]);
    (0..5).for_each(|n| pair.client.handle(pair.now, &forged[n]));
    while !pair.is_connected() {
        assert!(pair.step(pair.now + DELAY * 100, &mut |_, _| vec![DELAY]));
        let has_begun = pair.server.dtls.state() != DtlsTransportState::New;
        let has_keys = has_begun && pair.client.dtls.state() != DtlsTransportState::Connecting;
        for datagram in forged.iter().filter(|d| has_keys || d[0] != 21) {
            pair.client.handle(pair.now, datagram);
        }
    }
    assert!(pair.client.dropped(DropReason::DtlsUnexpected) > 0);
    pair.run();
    pair.assert_connected();
}

#[test]
fn attack_17_replays_and_forgeries_are_dropped_one_by_one() {
    let mut pair = Pair::connected_13();
    let record = pair.client.seal(b"once");
    let mut forged = record.clone();
    forged[9] ^= 1;
    let mut unknown_epoch = record.clone();
    unknown_epoch[0] ^= 2;
    let datagram = [&forged[..], &record, &record, &unknown_epoch, b"\x2f\xfe\xfd"].concat();
    pair.server.handle(pair.now, &datagram);
    assert_eq!(pair.server.received, [&b"once"[..]]);
    let reasons = [
        DropReason::DtlsAuthentication,
        DropReason::DtlsReplay,
        DropReason::DtlsUnknownEpoch,
        DropReason::DtlsMalformed,
    ];
    assert_eq!(reasons.map(|reason| pair.server.dropped(reason)), [1; 4]);
    pair.server.received.clear();
    pair.assert_connected();
}

#[test]
fn attack_17_early_records_are_bounded() {
    let mut pair = pair_13();
    pair.transmit(&mut |_, _| vec![]);
    let sealed = [&[0b0010_1111, 0, 0, 3, 232][..], &[0; 1_000]].concat();
    (0..100).for_each(|_| pair.client.handle(pair.now, &sealed));
    assert_eq!(pair.client.dropped(DropReason::DtlsBuffered), 84);
    pair.run();
    pair.assert_connected();
}

/// An acknowledgement of what was never sent, and of everything there is.
#[test]
fn forged_acknowledgements_cost_little() {
    let mut pair = pair_13();
    pair.transmit(&mut |_, _| vec![]);
    let sent = pair.client.sent.len();
    let records = (0..1_024).map(|sequence| RecordNumber { epoch: 2, sequence }).collect();
    let mut content = Vec::new();
    Ack { records }.write(&mut content);
    for n in 0..100 {
        pair.client.handle(pair.now, &plain(ContentType::Ack, n, &content));
        pair.client.poll(pair.now);
    }
    assert_eq!(pair.client.sent.len(), sent, "not a byte in answer");
    pair.run();
    pair.assert_connected();
}

#[test]
fn attack_19_a_browser_s_hello_gets_1_3_and_post_quantum_keys() {
    for order in 0..20 {
        let mut server = Pair::at_rest(config_13(), config_13()).server;
        let now = crate::base::time::Instant::from_millis(1);
        server.handle(now, &datagram_of(0, &Message12::ClientHello(browser_hello(order))));
        let (seq, length) = {
            let datagram = server.poll(now).unwrap();
            // The answer with its share of 1,120 bytes may be cut.
            let mut reader = crate::wire::cursor::Reader::new(&datagram[13..]);
            let fragment = crate::wire::dtls::handshake::Fragment::parse(&mut reader).unwrap();
            assert_eq!(fragment.kind, HandshakeType::ServerHello);
            (fragment.message_seq, fragment.length)
        };
        assert!(seq == 0 && length > 1_120);
        assert_eq!(server.dtls.drops().total(), 0);
    }
}

#[test]
fn any_bytes_do_a_connection_no_harm() {
    let mut rng = Rng::from_number(5);
    let mut pair = Pair::connected_13();
    for _ in 0..2_000 {
        let mut datagram = pair.client.seal(b"something to damage");
        for _ in 0..=rng.jitter() % 3 {
            let at = rng.jitter() as usize % datagram.len();
            datagram[at] = rng.jitter() as u8;
        }
        datagram.truncate(datagram.len() - rng.jitter() as usize % 16);
        pair.server.handle(pair.now, &datagram);
    }
    assert!(pair.server.received.iter().all(|r| r == &b"something to damage"[..]));
    pair.server.received.clear();
    pair.assert_connected();
}

/// The other version's answer, with and without the mark of a downgrade.
#[test]
fn a_downgrade_is_noticed() {
    let mut pair = Pair::new(config(), config_13());
    let hello = pair.client.poll(pair.now).unwrap();
    pair.server.handle(pair.now, &hello);
    let (_, Message12::ServerHello(answer)) = message_in(&pair.server.poll(pair.now).unwrap()) else {
        panic!()
    };
    assert!(answer.random.ends_with(b"DOWNGRD\x01"));
    let mut pair = Pair::new(config(), config());
    let hello = pair.client.poll(pair.now).unwrap();
    pair.server.handle(pair.now, &hello);
    let (_, Message12::ServerHello(answer)) = message_in(&pair.server.poll(pair.now).unwrap()) else {
        panic!()
    };
    assert!(!answer.random.ends_with(b"DOWNGRD\x01"));
}
