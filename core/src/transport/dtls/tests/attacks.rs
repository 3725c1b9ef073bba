//! What a connection that is up must withstand, and whose certificate it must not accept.

use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::crypto::certificate::{Certificate, CertificateOptions};
use crate::crypto::traits::TAG_LEN;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Config;
use crate::transport::dtls::export::ExportError;
use crate::transport::dtls::tests::{Pair, config, fingerprint, new_certificate};
use crate::transport::dtls::verify::{check_fingerprint, fingerprint_of};
use crate::transport::dtls::{DtlsTransportState, Event};
use crate::wire::dtls::alert::Alert;
use crate::wire::dtls::codepoints::{AlertDescription, AlertLevel, ContentType, ProtocolVersion};
use crate::wire::dtls::record::{RECORD_HEADER_LEN, RecordHeader};
use crate::wire::fingerprint::{Fingerprint, FingerprintAlgorithm};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A record without encryption.
pub(super) fn plain(content_type: ContentType, sequence: u64, content: &[u8]) -> Vec<u8> {
    let version = ProtocolVersion::Dtls12;
    let header = RecordHeader { content_type, version, epoch: 0, sequence, length: content.len() as u16 };
    [&header.to_bytes()[..], content].concat()
}

/// With a certificate other than that of `config`.
fn other_config() -> Config {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    let crypto = config().crypto;
    let certificate = CERTIFICATE.get_or_init(|| new_certificate(&crypto, CertificateOptions::default(), 99));
    Config { versions: config().versions, ..Config::new(certificate.clone(), crypto) }
}

#[test]
fn attack_01_a_client_hello_does_not_disturb_a_connection() {
    let mut pair = Pair::connected();
    let hello = pair.client.sent[0].clone();
    let stranger = Pair::default_config().client.poll(pair.now).unwrap();
    for datagram in [hello, stranger] {
        pair.server.handle(pair.now, &datagram);
        assert_eq!(pair.server.poll(pair.now), None, "not a byte in answer");
    }
    assert_eq!(pair.server.dropped(DropReason::DtlsReplay), 2);
    pair.assert_connected();
}

#[test]
fn attack_01_alerts_without_authentication_are_ignored() {
    let mut pair = Pair::connected();
    for description in [AlertDescription::CloseNotify, AlertDescription::InternalError] {
        let alert = Alert { level: AlertLevel::Fatal, description };
        pair.client.handle(pair.now, &plain(ContentType::Alert, 77, &alert.to_bytes()));
    }
    pair.assert_connected();
    // Nor does one keep a server from beginning.
    let mut pair = Pair::default_config();
    let alert = Alert { level: AlertLevel::Fatal, description: AlertDescription::InternalError };
    pair.server.handle(pair.now, &plain(ContentType::Alert, 0, &alert.to_bytes()));
    assert_eq!(pair.server.dropped(DropReason::DtlsUnexpected), 1);
    pair.run();
    pair.assert_connected();
}

/// Runs a handshake in which each side was told these fingerprints of the other.
fn told(client_is_told: Vec<Fingerprint>, server_is_told: Vec<Fingerprint>) -> Pair {
    let mut pair = Pair::at_rest(config(), other_config());
    pair.client.dtls.set_remote_fingerprints(pair.now, client_is_told, &mut Vec::new());
    pair.server.dtls.set_remote_fingerprints(pair.now, server_is_told, &mut Vec::new());
    pair.client.dtls.start(pair.now);
    pair.run();
    pair
}

#[test]
fn attack_07_the_client_compares_the_server_s_fingerprint() {
    let (ours, theirs) = (fingerprint(&config()), fingerprint(&other_config()));
    // Our own (the comparison with oneself), and none at all.
    for wrong in [vec![ours.clone()], vec![]] {
        let pair = told(wrong, vec![ours.clone()]);
        assert_eq!(pair.client.events, [Event::Connecting, Event::Failed(Failure::FingerprintMismatch)]);
        let alert = Failure::PeerAlert(AlertDescription::BadCertificate);
        assert_eq!(pair.server.events, [Event::Connecting, Event::Failed(alert)]);
    }
    told(vec![theirs], vec![ours]).assert_connected();
}

#[test]
fn attack_07_the_server_compares_the_client_s_fingerprint() {
    let (ours, theirs) = (fingerprint(&config()), fingerprint(&other_config()));
    for wrong in [vec![theirs.clone()], vec![]] {
        let pair = told(vec![theirs.clone()], wrong);
        assert_eq!(pair.server.events, [Event::Connecting, Event::Failed(Failure::FingerprintMismatch)]);
        let alert = Failure::PeerAlert(AlertDescription::BadCertificate);
        assert_eq!(pair.client.events, [Event::Connecting, Event::Failed(alert)]);
        assert_eq!(pair.client.dtls.state(), DtlsTransportState::Failed);
    }
    told(vec![theirs], vec![ours]).assert_connected();
}

#[test]
fn attack_07_the_strongest_fingerprint_decides() {
    let (config, other) = (config(), other_config());
    let of = |config: &Config, algorithm| {
        fingerprint_of(config.certificate.der(), algorithm, &config.crypto).unwrap()
    };
    let check =
        |list: &[Fingerprint]| check_fingerprint(config.certificate.der(), list, &config.crypto).is_ok();
    let (weak, strong) = (of(&config, FingerprintAlgorithm::Sha1), of(&config, FingerprintAlgorithm::Sha512));
    let (wrong_weak, wrong_strong) =
        (of(&other, FingerprintAlgorithm::Sha256), of(&other, FingerprintAlgorithm::Sha512));
    let unknown = Fingerprint { algorithm: FingerprintAlgorithm::Unknown("md5".into()), digest: vec![1; 64] };
    let empty = Fingerprint { algorithm: FingerprintAlgorithm::Sha256, digest: vec![] };
    let cut = Fingerprint { digest: strong.digest[..32].to_vec(), ..strong.clone() };

    assert!(check(std::slice::from_ref(&weak)) && check(std::slice::from_ref(&strong)));
    assert!(check(&[wrong_weak.clone(), strong.clone()]), "a weaker one does not count");
    assert!(!check(&[weak.clone(), wrong_strong.clone()]), "a weaker one does not help");
    assert!(check(&[wrong_strong, strong]), "one of several certificates");
    assert!(check(&[unknown.clone(), weak.clone()]), "an unknown one is passed over");
    for hopeless in [vec![], vec![unknown], vec![empty], vec![cut], vec![wrong_weak]] {
        assert!(!check(&hopeless), "{hopeless:?}");
    }
}

#[test]
fn attack_08_nothing_flows_when_verification_fails() {
    // The server is fooled; the client, who is not, must neither deliver nor export.
    let mut pair = told(vec![fingerprint(&config())], vec![fingerprint(&config())]);
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Failed);
    assert_eq!((pair.client.dtls.verified(), pair.client.dtls.srtp_profile()), (None, None));
    assert_eq!(pair.client.dtls.remote_certificate(), None);
    let verified = Pair::connected().client.dtls.verified().unwrap();
    let export = pair.client.dtls.export_keying_material(verified, b"EXTRACTOR-dtls_srtp", None, 60);
    assert_eq!(export.err(), Some(ExportError::NotConnected));
    assert!(pair.client.dtls.begin_record(&mut Vec::new()).is_none());
    let record = Pair::connected().server.seal(b"secret");
    let before = pair.client.dropped(DropReason::Closed);
    pair.client.handle(pair.now, &record);
    assert!(pair.client.received.is_empty());
    assert_eq!(pair.client.dropped(DropReason::Closed), before + 1);
}

#[test]
fn attack_08_early_data_dies_with_a_failed_verification() {
    let mut pair = Pair::at_rest(config(), other_config());
    pair.server.trust(pair.now, fingerprint(&config()));
    pair.client.dtls.start(pair.now);
    pair.run();
    let record = plain(ContentType::ApplicationData, 9, b"x");
    let mut sealed = record.clone();
    sealed[4] = 1;
    pair.client.handle(pair.now, &record);
    pair.client.handle(pair.now, &sealed);
    pair.client.trust(pair.now, fingerprint(&config()));
    assert_eq!(pair.client.dtls.failure(), Some(Failure::FingerprintMismatch));
    assert!(pair.client.received.is_empty());
}

#[test]
fn attack_14_no_explicit_nonce_is_used_twice() {
    let mut pair = Pair::connected();
    // `Finished` took number 0, the first talk number 1.
    let mut seen = BTreeSet::new();
    for n in 0..100 {
        let record = pair.client.seal(b"x");
        let explicit = record[RECORD_HEADER_LEN..][..8].to_vec();
        assert_eq!(explicit, record[3..11], "epoch and record number");
        assert_eq!(explicit, (1u64 << 48 | (n + 2)).to_be_bytes());
        assert!(seen.insert(explicit));
    }
}

#[test]
fn attack_17_application_data_without_encryption_is_refused() {
    let data = plain(ContentType::ApplicationData, 5, b"injected");
    let mut pair = Pair::default_config();
    pair.transmit(&mut |_, _| vec![]);
    pair.client.handle(pair.now, &data);
    pair.server.handle(pair.now, &data);
    assert_eq!(pair.client.dropped(DropReason::DtlsUnexpected), 1);
    assert_eq!(pair.server.dropped(DropReason::DtlsUnexpected), 1);
    pair.run();
    pair.assert_connected();
    pair.client.handle(pair.now, &data);
    assert!(pair.client.received.is_empty());
    assert_eq!(pair.client.dropped(DropReason::DtlsReplay), 1);
}

#[test]
fn attack_17_replays_and_forgeries_are_dropped_one_by_one() {
    let mut pair = Pair::connected();
    let record = pair.client.seal(b"once");
    let mut forged = record.clone();
    forged[5..11].fill(0xff);
    let unknown_epoch = [&record[..4], &[2], &record[5..]].concat();
    let datagram = [&forged[..], &record, &record, &unknown_epoch, b"\x17\xfe\xfd"].concat();
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
    let mut pair = Pair::default_config();
    pair.transmit(&mut |_, _| vec![]);
    let mut sealed = plain(ContentType::ApplicationData, 0, &[0; 1_000]);
    sealed[4] = 1;
    (0..100).for_each(|_| pair.client.handle(pair.now, &sealed));
    assert_eq!(pair.client.dropped(DropReason::DtlsBuffered), 84);
    pair.run();
    pair.assert_connected();
    // Those that were kept are no more than any other forgery once there are keys.
    assert_eq!(pair.client.dropped(DropReason::DtlsReplay), 16);
}

#[test]
fn any_bytes_do_a_connection_no_harm() {
    let mut rng = Rng::from_number(5);
    let mut pair = Pair::connected();
    for _ in 0..2_000 {
        let mut datagram = pair.client.seal(b"something to damage");
        for _ in 0..=rng.jitter() % 3 {
            let at = rng.jitter() as usize % datagram.len();
            datagram[at] = rng.jitter() as u8;
        }
        datagram.truncate(datagram.len() - (rng.jitter() as usize % 4) * TAG_LEN / 3);
        pair.server.handle(pair.now, &datagram);
    }
    assert!(
        pair.server.received.iter().all(|r| r == &b"something to damage"[..]),
        "a change that changes nothing"
    );
    pair.server.received.clear();
    pair.assert_connected();
}
