//! Handshakes over a perfect network: everything that can be agreed on, and everything that cannot.

use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateOptions};
use crate::crypto::conformance::RSA_2048;
use crate::crypto::traits::{Group, KeyType};
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Config;
use crate::transport::dtls::suite::group_code;
use crate::transport::dtls::tests::{Pair, config, fingerprint, new_certificate};
use crate::transport::dtls::{DtlsTransportState, Event};
use crate::wire::dtls::codepoints::{AlertDescription, CipherSuite, SrtpProfile};

pub(super) fn providers() -> Vec<CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        crate::crypto::ring::provider(),
        #[cfg(feature = "rustcrypto")]
        crate::crypto::rustcrypto::provider(),
    ]
}

pub(super) fn with_key(crypto: CryptoProvider, key_type: KeyType) -> Config {
    let options = CertificateOptions { key_type, ..CertificateOptions::default() };
    Config { versions: config().versions, ..Config::new(new_certificate(&crypto, options, 3), crypto) }
}

pub(super) fn with_rsa(crypto: CryptoProvider) -> Config {
    let certificate = Certificate::from_pem(&crypto, RSA_2048).unwrap();
    Config { versions: config().versions, ..Config::new(certificate, crypto) }
}

fn connect(mut client: Config, server: &Config, suite: CipherSuite, group: Group) {
    client.cipher_suites = vec![suite];
    client.groups.retain(|&g| g == group);
    // The curve of a server's certificate must be among the groups; a client that offers one group alone
    // takes certificates of that curve alone.
    client.groups.extend([Group::P256, Group::P384].into_iter().filter(|&g| g != group));
    let mut server = server.clone();
    server.groups = vec![group];
    let mut pair = Pair::new(client, server);
    pair.run();
    pair.assert_connected();
    assert_eq!(pair.client.dtls.cipher_suite(), Some(suite));
    assert_eq!(pair.client.dtls.group(), Some(group_code(group)));
    assert_eq!(pair.client.dtls.drops().total() + pair.server.dtls.drops().total(), 0);
}

const ECDSA: [CipherSuite; 3] = [
    CipherSuite::EcdheEcdsaAes128GcmSha256,
    CipherSuite::EcdheEcdsaAes256GcmSha384,
    CipherSuite::EcdheEcdsaChaCha20Poly1305,
];
const RSA: [CipherSuite; 3] = [
    CipherSuite::EcdheRsaAes128GcmSha256,
    CipherSuite::EcdheRsaAes256GcmSha384,
    CipherSuite::EcdheRsaChaCha20Poly1305,
];
const GROUPS: [Group; 3] = [Group::X25519, Group::P256, Group::P384];

#[test]
fn every_suite_with_every_key_and_every_group_between_all_providers() {
    for (a, b) in providers().into_iter().flat_map(|a| providers().into_iter().map(move |b| (a, b))) {
        for (suite, group) in ECDSA.into_iter().flat_map(|s| GROUPS.map(|g| (s, g))) {
            for key in [KeyType::EcdsaP256, KeyType::EcdsaP384] {
                connect(with_key(a, KeyType::EcdsaP256), &with_key(b, key), suite, group);
                connect(with_key(a, key), &with_key(b, KeyType::EcdsaP256), suite, group);
            }
        }
    }
}

#[test]
fn rsa_certificates_are_understood_on_both_sides() {
    for crypto in providers() {
        for (suite, group) in RSA.into_iter().flat_map(|s| GROUPS.map(|g| (s, g))) {
            connect(with_key(crypto, KeyType::EcdsaP256), &with_rsa(crypto), suite, group);
        }
        connect(with_rsa(crypto), &with_key(crypto, KeyType::EcdsaP256), ECDSA[0], Group::X25519);
    }
}

#[test]
fn the_server_s_preference_decides() {
    let (client, mut server) = (config(), config());
    server.cipher_suites.reverse();
    server.groups.reverse();
    server.srtp_profiles.reverse();
    let mut pair = Pair::new(client, server);
    pair.run();
    pair.assert_connected();
    assert_eq!(pair.client.dtls.cipher_suite(), Some(CipherSuite::EcdheEcdsaChaCha20Poly1305));
    assert_eq!(pair.client.dtls.group(), Some(group_code(Group::P384)));
    assert_eq!(pair.client.dtls.srtp_profile(), Some(SrtpProfile::Aes128CmSha1_80));
}

#[test]
fn srtp_is_optional() {
    let cases = [
        (vec![], vec![SrtpProfile::AeadAes128Gcm], None),
        (vec![SrtpProfile::AeadAes128Gcm], vec![], None),
        (vec![SrtpProfile::AeadAes128Gcm], vec![SrtpProfile::AeadAes256Gcm], None),
        (
            vec![SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm],
            vec![SrtpProfile::AeadAes128Gcm],
            Some(SrtpProfile::AeadAes128Gcm),
        ),
    ];
    for (ours, theirs, agreed) in cases {
        let (mut client, mut server) = (config(), config());
        (client.srtp_profiles, server.srtp_profiles) = (ours, theirs);
        let mut pair = Pair::new(client, server);
        pair.run();
        pair.assert_connected();
        assert_eq!(pair.client.dtls.srtp_profile(), agreed);
    }
}

#[test]
fn nothing_in_common_fails_on_both_sides() {
    let (mut client, server) = (config(), config());
    client.cipher_suites = RSA.to_vec();
    let mut pair = Pair::new(client, server);
    pair.run();
    let ours = Failure::NothingInCommon("cipher suite");
    assert_eq!(pair.server.events, [Event::Failed(ours)]);
    let theirs = Failure::PeerAlert(AlertDescription::HandshakeFailure);
    assert_eq!(pair.client.events, [Event::Connecting, Event::Failed(theirs)]);
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Failed);

    let (mut client, mut server) = (config(), config());
    (client.groups, server.groups) = (vec![Group::P256], vec![Group::P384]);
    let mut pair = Pair::new(client, server);
    pair.run();
    assert_eq!(pair.server.dtls.failure(), Some(Failure::NothingInCommon("group")));
}

#[test]
fn events_and_states_follow_the_handshake() {
    let mut pair = Pair::at_rest(config(), config());
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::New);
    assert_eq!((pair.client.dtls.verified(), pair.client.dtls.remote_certificate()), (None, None));
    pair.run();
    assert_eq!(pair.server.dtls.state(), DtlsTransportState::New);

    let mut pair = Pair::default_config();
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Connecting);
    pair.run();
    for side in [&pair.client, &pair.server] {
        let verified = side.dtls.verified().unwrap();
        assert_eq!(side.events, [Event::Connecting, Event::Connected(verified)]);
        assert_eq!(side.dtls.remote_certificate(), Some(config().certificate.der()));
    }
    // A second start changes nothing.
    pair.client.dtls.start(pair.now);
    pair.assert_connected();
}

/// The answer may come after the peer's first flights: the handshake waits at the certificate.
#[test]
fn fingerprints_may_come_late() {
    for client_first in [true, false] {
        let mut pair = Pair::at_rest(config(), config());
        pair.client.dtls.start(pair.now);
        pair.run();
        assert_eq!(pair.client.dtls.state(), DtlsTransportState::Connecting);
        let (c, s) = (fingerprint(&config()), fingerprint(&config()));
        if client_first {
            pair.client.trust(pair.now, s);
            pair.run();
            pair.server.trust(pair.now, c);
        } else {
            pair.server.trust(pair.now, c);
            pair.run();
            pair.client.trust(pair.now, s);
        }
        pair.run();
        pair.assert_connected();
        assert_eq!(pair.server.dtls.drops().total(), 0);
    }
}

#[test]
fn a_client_without_a_fingerprint_sends_nothing_more() {
    let mut pair = Pair::at_rest(config(), config());
    pair.client.dtls.start(pair.now);
    pair.run();
    assert_eq!(pair.client.sent.len(), 1);
    assert_eq!(pair.client.dtls.poll_timeout(), None);
}

#[test]
fn tiny_datagrams_do() {
    for mtu in [0, 64, 90, 200, 576] {
        let (mut client, mut server) = (config(), config());
        (client.mtu, server.mtu) = (mtu, mtu);
        let mut pair = Pair::new(client, server);
        pair.run();
        pair.assert_connected();
        let longest = pair.client.sent.iter().chain(&pair.server.sent).map(Vec::len).max().unwrap();
        assert!(longest <= mtu.max(64), "{longest} > {mtu}");
    }
}

#[test]
fn small_messages_share_a_datagram() {
    let mut pair = Pair::default_config();
    pair.run();
    let counts = (pair.client.sent.len(), pair.server.sent.len());
    assert_eq!(counts, (2, 2), "two flights each, one datagram per flight");
}

#[cfg(feature = "rustcrypto")]
#[test]
fn the_same_seeds_give_the_same_bytes() {
    let run = || {
        let ours = with_key(crate::crypto::rustcrypto::provider(), KeyType::EcdsaP256);
        let mut pair = Pair::new(ours.clone(), ours);
        pair.run();
        pair.assert_connected();
        (pair.client.sent, pair.server.sent)
    };
    assert_eq!(run(), run());
}
