//! Handshakes of 1.3 over a perfect network, and which version comes out.

use crate::crypto::traits::{Group, KeyType};
use crate::transport::dtls::Event;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Config;
use crate::transport::dtls::suite::group_code;
use crate::transport::dtls::tests::handshakes::{providers, with_key, with_rsa};
use crate::transport::dtls::tests::{Pair, config, config_13, fingerprint};
use crate::wire::dtls::codepoints::{CipherSuite, ProtocolVersion, SrtpProfile};

const SUITES: [CipherSuite; 3] =
    [CipherSuite::Aes128GcmSha256, CipherSuite::Aes256GcmSha384, CipherSuite::ChaCha20Poly1305Sha256];
const GROUPS: [Group; 4] = [Group::X25519, Group::P256, Group::P384, Group::X25519MlKem768];

fn with_13(config: Config) -> Config {
    Config { versions: config_13().versions, ..config }
}

fn connect(client: Config, server: Config) -> Pair {
    let mut pair = Pair::new(client, server);
    pair.run();
    pair.assert_connected();
    assert_eq!(pair.client.dtls.drops().total() + pair.server.dtls.drops().total(), 0);
    assert_eq!((pair.client.dtls.poll_timeout(), pair.server.dtls.poll_timeout()), (None, None));
    pair
}

#[test]
fn every_suite_with_every_key_and_every_group_between_all_providers() {
    for (a, b) in providers().into_iter().flat_map(|a| providers().into_iter().map(move |b| (a, b))) {
        for (suite, group) in SUITES.into_iter().flat_map(|s| GROUPS.map(|g| (s, g))) {
            for key in [KeyType::EcdsaP256, KeyType::EcdsaP384] {
                let mut client = with_13(with_key(a, key));
                client.cipher_suites = vec![suite];
                (client.groups, client.key_shares) = (vec![group], vec![group]);
                let pair = connect(client, with_13(with_key(b, KeyType::EcdsaP256)));
                assert_eq!(pair.client.dtls.version(), Some(ProtocolVersion::Dtls13));
                assert_eq!(pair.client.dtls.cipher_suite(), Some(suite));
                assert_eq!(pair.client.dtls.group(), Some(group_code(group)));
            }
        }
    }
}

#[test]
fn rsa_certificates_are_understood_on_both_sides() {
    for crypto in providers() {
        connect(with_13(with_rsa(crypto)), with_13(with_key(crypto, KeyType::EcdsaP256)));
        connect(with_13(with_key(crypto, KeyType::EcdsaP384)), with_13(with_rsa(crypto)));
    }
}

#[test]
fn a_handshake_takes_three_flights_and_an_acknowledgement() {
    let pair = Pair::connected_13();
    assert_eq!((pair.client.sent.len(), pair.server.sent.len()), (2, 2), "one datagram each");
    for side in [&pair.client, &pair.server] {
        let verified = side.dtls.verified().unwrap();
        assert_eq!(side.events, [Event::Connecting, Event::Connected(verified)]);
        assert_eq!(side.dtls.remote_certificate(), Some(config().certificate.der()));
    }
}

/// Each side speaks 1.2, 1.3 or both; the newest that both speak comes out.
#[test]
fn the_newest_version_that_both_speak_comes_out() {
    let (old, new) = (ProtocolVersion::Dtls12, ProtocolVersion::Dtls13);
    let speakers = [vec![old], vec![new], vec![new, old]];
    for client in &speakers {
        for server in &speakers {
            let expected = [new, old].into_iter().find(|v| client.contains(v) && server.contains(v));
            let of = |versions: &Vec<_>| Config { versions: versions.clone(), ..config() };
            let mut pair = Pair::new(of(client), of(server));
            pair.run();
            match expected {
                Some(version) => {
                    pair.assert_connected();
                    assert_eq!(pair.client.dtls.version(), Some(version), "{client:?} {server:?}");
                }
                None => {
                    assert_eq!(pair.server.dtls.failure(), Some(Failure::ProtocolVersion));
                    assert!(matches!(pair.client.dtls.failure(), Some(Failure::PeerAlert(_))));
                }
            }
        }
    }
    // A server that would rather have 1.2 gets no client of 1.3 to believe that nobody took it away.
    let mut pair = Pair::new(config_13(), Config { versions: vec![old, new], ..config() });
    pair.run();
    let failure = Failure::IllegalParameter("version below what both sides speak");
    assert_eq!(pair.client.dtls.failure(), Some(failure));
}

#[test]
fn a_version_without_a_suite_is_not_spoken() {
    let mut client = config_13();
    client.cipher_suites.retain(|s| !SUITES.contains(s));
    assert_eq!(connect(client, config_13()).client.dtls.version(), Some(ProtocolVersion::Dtls12));
    let mut server = config_13();
    server.cipher_suites.retain(|s| SUITES.contains(s));
    assert_eq!(connect(config_13(), server).client.dtls.version(), Some(ProtocolVersion::Dtls13));
    let mut mute = config_13();
    mute.cipher_suites.clear();
    let pair = Pair::new(mute, config_13());
    assert_eq!(pair.client.events, [Event::Failed(Failure::ProtocolVersion)]);
}

#[test]
fn a_server_asks_for_the_share_that_it_needs() {
    for group in GROUPS {
        for cookie in [false, true] {
            let mut client = config_13();
            (client.groups, client.key_shares) = (GROUPS.to_vec(), vec![]);
            let server = Config { groups: vec![group], cookie, ..config_13() };
            let pair = connect(client, server);
            assert_eq!(pair.client.dtls.group(), Some(group_code(group)));
            assert_eq!(pair.client.dtls.version(), Some(ProtocolVersion::Dtls13));
        }
    }
}

#[test]
fn a_cookie_is_asked_for_when_configured() {
    for versions in [config().versions, config_13().versions] {
        let server = Config { cookie: true, ..config_13() };
        let pair = connect(Config { versions, ..config() }, server);
        assert_eq!(pair.client.sent.len(), 3);
        // Nothing larger than the hello comes back before the path is proven.
        assert!(pair.server.sent[0].len() < pair.client.sent[0].len());
    }
}

/// "Accepted always": the share decides, not our list.
#[test]
fn a_post_quantum_share_is_taken_whether_configured_or_not() {
    let mut client = config_13();
    client.groups.insert(0, Group::X25519MlKem768);
    client.key_shares.insert(0, Group::X25519MlKem768);
    let pair = connect(client.clone(), config_13());
    assert_eq!(pair.client.dtls.group(), Some(group_code(Group::X25519MlKem768)));
    // A client that merely knows the group is not asked for it.
    client.key_shares = vec![Group::X25519];
    let pair = connect(client.clone(), config_13());
    assert_eq!(pair.client.dtls.group(), Some(group_code(Group::X25519)));
    // In 1.2 there is no such group.
    client.key_shares = vec![Group::X25519MlKem768];
    let server = Config { groups: client.groups.clone(), ..config() };
    let pair = connect(client, server);
    assert_eq!(pair.client.dtls.group(), Some(group_code(Group::X25519)));
}

#[test]
fn the_server_s_preference_decides() {
    let (mut client, mut server) = (config_13(), config_13());
    client.key_shares.clone_from(&client.groups);
    server.cipher_suites.reverse();
    server.groups.reverse();
    server.srtp_profiles.reverse();
    let pair = connect(client, server);
    assert_eq!(pair.client.dtls.cipher_suite(), Some(CipherSuite::ChaCha20Poly1305Sha256));
    assert_eq!(pair.client.dtls.group(), Some(group_code(Group::P384)));
    assert_eq!(pair.client.dtls.srtp_profile(), Some(SrtpProfile::Aes128CmSha1_80));
}

#[test]
fn nothing_in_common_fails_on_both_sides() {
    let failed = |change: fn(&mut Config)| {
        let (mut client, mut server) = (config_13(), config_13());
        (client.versions, server.versions) = (vec![ProtocolVersion::Dtls13], vec![ProtocolVersion::Dtls13]);
        change(&mut client);
        let mut pair = Pair::new(client, server);
        pair.run();
        assert!(matches!(pair.client.dtls.failure(), Some(Failure::PeerAlert(_))));
        pair.server.dtls.failure()
    };
    let group = failed(|c| (c.groups, c.key_shares) = (vec![], vec![]));
    assert_eq!(group, Some(Failure::NothingInCommon("group")));
    let srtp = failed(|c| c.versions = vec![ProtocolVersion::Dtls12]);
    assert_eq!(srtp, Some(Failure::ProtocolVersion));
}

#[test]
fn srtp_is_optional() {
    for (ours, theirs) in
        [(vec![], vec![SrtpProfile::AeadAes128Gcm]), (vec![SrtpProfile::AeadAes128Gcm], vec![])]
    {
        let (mut client, mut server) = (config_13(), config_13());
        (client.srtp_profiles, server.srtp_profiles) = (ours, theirs);
        assert_eq!(connect(client, server).client.dtls.srtp_profile(), None);
    }
}

/// The handshake waits at the certificate, and tells the peer that nothing was lost.
#[test]
fn fingerprints_may_come_late() {
    for client_first in [true, false] {
        let mut pair = Pair::at_rest(config_13(), config_13());
        pair.client.dtls.start(pair.now);
        pair.run();
        // The hello, and one acknowledgement; the server repeats nothing.
        assert_eq!((pair.client.sent.len(), pair.server.sent.len()), (2, 1));
        let (c, s) = (fingerprint(&config()), fingerprint(&config()));
        if client_first {
            pair.client.trust(pair.now, s);
            pair.run();
            assert_eq!((pair.client.sent.len(), pair.server.sent.len()), (3, 2));
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

/// The acknowledgement of the client's last flight needs no datagram of its own where there is data to send.
#[test]
fn an_acknowledgement_may_travel_behind_data() {
    let mut pair = Pair::new(config_13(), config_13());
    let hello = pair.client.poll(pair.now).unwrap();
    pair.server.handle(pair.now, &hello);
    let flight = pair.server.poll(pair.now).unwrap();
    pair.client.handle(pair.now, &flight);
    let last = pair.client.poll(pair.now).unwrap();
    pair.server.handle(pair.now, &last);
    assert!(pair.client.dtls.poll_timeout().is_some(), "its last flight is not acknowledged");
    let owed = pair.server.dtls.owed_ack(pair.now).unwrap();
    let mut datagram = pair.server.seal(b"data");
    let len = datagram.len();
    pair.server.dtls.append_ack(pair.now, &mut datagram);
    assert_eq!(datagram.len(), len + owed);
    assert_eq!((pair.server.dtls.owed_ack(pair.now), pair.server.poll(pair.now)), (None, None));
    pair.client.handle(pair.now, &datagram);
    assert_eq!(pair.client.received, [&b"data"[..]]);
    assert_eq!(pair.client.dtls.poll_timeout(), None);
}

#[test]
fn tiny_datagrams_do() {
    for mtu in [0, 64, 90, 200, 576] {
        let config = Config { mtu, cookie: true, ..config_13() };
        let pair = connect(config.clone(), config);
        let longest = pair.client.sent.iter().chain(&pair.server.sent).map(Vec::len).max().unwrap();
        assert!(longest <= mtu.max(64), "{longest} > {mtu}");
    }
}

#[cfg(feature = "rustcrypto")]
#[test]
fn the_same_seeds_give_the_same_bytes() {
    let run = |group| {
        let mut ours = with_13(with_key(crate::crypto::rustcrypto::provider(), KeyType::EcdsaP256));
        (ours.groups, ours.key_shares) = (vec![group], vec![group]);
        let pair = connect(ours.clone(), ours);
        (pair.client.sent, pair.server.sent)
    };
    for group in GROUPS {
        assert_eq!(run(group), run(group));
    }
}
