//! From connected to closed: records, exporters, alerts, renegotiation, timers.

use crate::base::drops::DropReason;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::export::{ExportError, SrtpKeys};
use crate::transport::dtls::records::Epoch;
use crate::transport::dtls::tests::{DELAY, Pair, Side, config};
use crate::transport::dtls::{Connection, DtlsTransportState, Event, SealError, State};
use crate::wire::dtls::alert::Alert;
use crate::wire::dtls::codepoints::{
    AlertDescription, AlertLevel, CipherSuite, ContentType, HandshakeType, ProtocolVersion, SrtpProfile,
};
use crate::wire::dtls::handshake::Fragment;
use bytes::BytesMut;
use std::time::Duration;

/// A sealed record that is no application data.
pub(super) fn sealed(side: &mut Side, kind: ContentType, content: &[u8]) -> Vec<u8> {
    let State::Connected(established) = &mut side.dtls.state else { panic!("not connected") };
    let mut out = Vec::new();
    let at = established.sender.begin(Epoch::Sealed, &mut out);
    out.extend_from_slice(content);
    established.sender.finish(Epoch::Sealed, kind, &mut out, at).unwrap();
    out
}

#[test]
fn closing_tells_the_other_side() {
    let mut pair = Pair::connected();
    pair.client.dtls.close(pair.now);
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Closed);
    assert!(pair.client.dtls.begin_record(&mut Vec::new()).is_none());
    pair.run();
    assert_eq!(pair.server.dtls.state(), DtlsTransportState::Closed);
    assert_eq!(pair.server.events.last(), Some(&Event::Closed));
    assert_eq!(pair.client.events.len(), 2, "no event for what we did ourselves");
    // The answer to our close_notify finds us closed.
    assert_eq!(pair.client.dropped(DropReason::Closed), 1);
    assert_eq!((pair.client.dtls.poll_timeout(), pair.server.dtls.poll_timeout()), (None, None));
    pair.client.dtls.close(pair.now);
    assert_eq!(pair.client.poll(pair.now), None);
}

#[test]
fn closing_at_rest_and_half_way_is_possible() {
    let mut pair = Pair::at_rest(config(), config());
    pair.client.dtls.close(pair.now);
    assert_eq!(pair.client.poll(pair.now), None, "nobody to tell");
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Closed);

    let mut pair = Pair::default_config();
    let hello = pair.client.poll(pair.now).unwrap();
    pair.server.handle(pair.now, &hello);
    pair.client.dtls.close(pair.now);
    pair.run();
    assert_eq!(pair.server.dtls.state(), DtlsTransportState::Closed);
}

#[test]
fn an_authentic_fatal_alert_is_the_end() {
    let mut pair = Pair::connected();
    let alert = Alert { level: AlertLevel::Fatal, description: AlertDescription::InternalError };
    let record = sealed(&mut pair.client, ContentType::Alert, &alert.to_bytes());
    pair.server.handle(pair.now, &record);
    let failure = Failure::PeerAlert(AlertDescription::InternalError);
    assert_eq!(pair.server.events.last(), Some(&Event::Failed(failure)));
    assert_eq!(pair.server.dtls.failure(), Some(failure));
    assert_eq!(pair.server.poll(pair.now), None, "an alert is not answered with an alert");
}

#[test]
fn warnings_and_strange_records_change_nothing() {
    let mut pair = Pair::connected();
    let alert = Alert { level: AlertLevel::Warning, description: AlertDescription::UserCanceled };
    let records = [
        (sealed(&mut pair.client, ContentType::Alert, &alert.to_bytes()), DropReason::DtlsAlert),
        (sealed(&mut pair.client, ContentType::Alert, &[2]), DropReason::DtlsMalformed),
        (sealed(&mut pair.client, ContentType::ChangeCipherSpec, &[1]), DropReason::DtlsUnexpected),
        (sealed(&mut pair.client, ContentType::Unknown(99), &[1]), DropReason::DtlsUnexpected),
        (sealed(&mut pair.client, ContentType::Handshake, &[1, 2]), DropReason::DtlsMalformed),
    ];
    for (record, reason) in records {
        let before = pair.server.dropped(reason);
        pair.server.handle(pair.now, &record);
        assert_eq!(pair.server.dropped(reason), before + 1, "{reason}");
    }
    let empty = sealed(&mut pair.client, ContentType::ApplicationData, &[]);
    pair.server.handle(pair.now, &empty);
    assert!(pair.server.received.is_empty());
    pair.assert_connected();
}

#[test]
fn renegotiation_is_refused_by_both() {
    let mut pair = Pair::connected();
    let mut hello = Vec::new();
    let fragment =
        Fragment { kind: HandshakeType::ClientHello, message_seq: 4, length: 9, offset: 0, body: &[0; 9] };
    fragment.write(&mut hello);
    let records =
        (0..50).map(|_| sealed(&mut pair.client, ContentType::Handshake, &hello)).collect::<Vec<_>>();
    records.iter().for_each(|record| pair.server.handle(pair.now, record));
    let answer = pair.server.poll(pair.now).unwrap();
    assert_eq!(pair.server.poll(pair.now), None, "one refusal at a time");
    pair.client.handle(pair.now, &answer);
    assert_eq!(pair.client.dropped(DropReason::DtlsAlert), 1);

    let mut request = Vec::new();
    let fragment =
        Fragment { kind: HandshakeType::HelloRequest, message_seq: 9, length: 0, offset: 0, body: &[] };
    fragment.write(&mut request);
    let record = sealed(&mut pair.server, ContentType::Handshake, &request);
    pair.client.handle(pair.now, &record);
    assert!(pair.client.poll(pair.now).is_some());
    pair.assert_connected();
}

#[test]
fn records_are_sealed_where_they_stand() {
    let mut pair = Pair::connected();
    let overhead = pair.client.dtls.record_overhead();
    assert_eq!(overhead, 13 + 8 + 16);
    let mut out = b"another datagram".to_vec();
    let start = pair.client.dtls.begin_record(&mut out).unwrap();
    out.extend_from_slice(b"content");
    pair.client.dtls.finish_record(start, &mut out).unwrap();
    assert_eq!(out.len(), 16 + overhead + 7);
    // A second record in the same datagram, one given up, one too large.
    pair.client.dtls.begin_record(&mut out).unwrap().cancel(&mut out);
    let start = pair.client.dtls.begin_record(&mut out).unwrap();
    out.extend(vec![0; 16_385]);
    assert_eq!(pair.client.dtls.finish_record(start, &mut out), Err(SealError::TooLarge));
    let start = pair.client.dtls.begin_record(&mut out).unwrap();
    out.extend_from_slice(b"more");
    pair.client.dtls.finish_record(start, &mut out).unwrap();
    pair.server.handle(pair.now, &out[16..]);
    assert_eq!(pair.server.received, [&b"content"[..], b"more"]);
    // The end between the two calls.
    let start = pair.client.dtls.begin_record(&mut out).unwrap();
    let before = out.len() - 21;
    pair.client.dtls.close(pair.now);
    assert_eq!(pair.client.dtls.finish_record(start, &mut out), Err(SealError::NotConnected));
    assert_eq!(out.len(), before);
}

#[test]
fn chacha_records_carry_no_explicit_nonce() {
    let mut client = config();
    client.cipher_suites = vec![CipherSuite::EcdheEcdsaChaCha20Poly1305];
    let mut pair = Pair::new(client, config());
    assert_eq!(pair.client.dtls.record_overhead(), 37, "the most, while it is not known");
    pair.run();
    pair.assert_connected();
    assert_eq!(pair.client.dtls.record_overhead(), 13 + 16);
}

#[test]
fn data_is_a_slice_of_its_datagram() {
    let mut pair = Pair::connected();
    let datagram = BytesMut::from(&pair.client.seal(b"payload")[..]);
    let (start, end) = (datagram.as_ptr() as usize, datagram.as_ptr() as usize + datagram.len());
    let mut received = Vec::new();
    pair.server.dtls.handle_datagram(pair.now, datagram, &mut received);
    assert_eq!(received, [&b"payload"[..]]);
    assert!((start..end).contains(&(received[0].as_ptr() as usize)));
}

#[test]
fn exports_depend_on_label_context_and_length() {
    let pair = Pair::connected();
    let verified = pair.client.dtls.verified().unwrap();
    let export = |side: &Side, label: &[u8], context, len| {
        side.dtls.export_keying_material(verified, label, context, len).map(|s| s.as_bytes().to_vec())
    };
    let of = |label: &[u8], context| export(&pair.client, label, context, 40).unwrap();
    let base = of(b"EXTRACTOR-dtls_srtp", None);
    assert_eq!(export(&pair.server, b"EXTRACTOR-dtls_srtp", None, 40), Ok(base.clone()));
    assert_eq!(export(&pair.client, b"EXTRACTOR-dtls_srtp", None, 20).unwrap(), base[..20]);
    // RFC 5705 §4: no context is another thing than an empty one.
    assert_ne!(of(b"EXTRACTOR-dtls_srtp", Some(b"")), base);
    assert_ne!(of(b"EXTRACTOR-dtls_srtp", Some(b"x")), of(b"EXTRACTOR-dtls_srtp", Some(b"")));
    assert_ne!(of(b"EXPERIMENTAL", None), base);
    for (label, len) in [(&b"master secret"[..], 48), (b"key expansion", 40), (b"x", 0), (b"x", 4_097)] {
        assert_eq!(export(&pair.client, label, None, len), Err(ExportError::BadRequest));
    }
    let idle = Pair::default_config();
    assert_eq!(export(&idle.client, b"x", None, 1), Err(ExportError::NotConnected));
}

#[test]
fn srtp_keys_are_crosswise_the_same() {
    let profiles = [
        (SrtpProfile::Aes128CmSha1_80, 16, 14),
        (SrtpProfile::Aes128CmSha1_32, 16, 14),
        (SrtpProfile::AeadAes128Gcm, 16, 12),
        (SrtpProfile::AeadAes256Gcm, 32, 12),
    ];
    for (profile, key_len, salt_len) in profiles {
        let mut config = config();
        config.srtp_profiles = vec![profile];
        let mut pair = Pair::new(config.clone(), config);
        pair.run();
        let keys = |side: &Side| side.dtls.export_srtp_keys(side.dtls.verified().unwrap()).unwrap();
        let bytes = |keys: &SrtpKeys| {
            [&keys.local, &keys.remote].map(|k| (k.key.as_bytes().to_vec(), k.salt.as_bytes().to_vec()))
        };
        let (client, server) = (keys(&pair.client), keys(&pair.server));
        let ([c_local, c_remote], [s_local, s_remote]) = (bytes(&client), bytes(&server));
        assert_eq!((client.profile, &c_local, &c_remote), (profile, &s_remote, &s_local));
        assert_ne!(c_local, c_remote);
        assert_eq!((c_local.0.len(), c_local.1.len()), (key_len, salt_len));
        // The client's key comes first.
        let verified = pair.client.dtls.verified().unwrap();
        let raw =
            pair.client.dtls.export_keying_material(verified, b"EXTRACTOR-dtls_srtp", None, 60).unwrap();
        assert_eq!(raw.as_bytes()[..key_len], c_local.0);
    }
}

/// However late: a client that never saw our last flight would wait for ever.
#[test]
fn the_last_flight_is_kept() {
    let mut pair = Pair::default_config();
    pair.run_with(Duration::from_secs(10), &mut |to_server, _| if to_server { vec![DELAY] } else { vec![] });
    let flight = pair.client.sent.len();
    assert_eq!(pair.server.dtls.state(), DtlsTransportState::Connecting);
    // Everything reaches the client but the server's last flight, for an hour.
    pair.run_with(Duration::from_secs(3_600), &mut |_, datagram| match datagram[0] {
        20 => vec![],
        _ => vec![DELAY],
    });
    assert_eq!(pair.server.dtls.state(), DtlsTransportState::Connected);
    assert_eq!(pair.client.dtls.state(), DtlsTransportState::Connecting);
    assert!(pair.client.sent.len() > flight + 50);
    pair.run_with(Duration::from_secs(120), &mut |_, _| vec![DELAY]);
    pair.assert_connected();
}

#[test]
fn an_idle_connection_waits_for_nothing() {
    let mut pair = Pair::connected();
    assert_eq!((pair.client.dtls.poll_timeout(), pair.server.dtls.poll_timeout()), (None, None));
    pair.client.dtls.handle_timeout(pair.now);
    pair.assert_connected();
}

#[test]
fn a_connection_moves_between_threads_and_its_events_are_small() {
    fn is_send<T: Send + Sync>() {}
    is_send::<Connection>();
    assert!(size_of::<Event>() <= 48);
}

#[test]
fn a_version_is_known_when_connected() {
    let pair = Pair::connected();
    assert_eq!(pair.client.dtls.version(), Some(ProtocolVersion::Dtls12));
    assert_eq!(Pair::default_config().client.dtls.version(), None);
}

/// Polling late changes neither what is sent nor what happens.
#[cfg(feature = "rustcrypto")]
#[test]
fn there_is_no_hidden_drain_rule() {
    let run = |version: ProtocolVersion, eager: bool| {
        let crypto = crate::crypto::rustcrypto::provider();
        let options = crate::crypto::certificate::CertificateOptions::default();
        let certificate = super::new_certificate(&crypto, options, 1);
        let mut config = crate::transport::dtls::config::Config::new(certificate, crypto);
        config.mtu = 200;
        config.versions = vec![version];
        let mut pair = Pair::new(config.clone(), config);
        for _ in 0..8 {
            for to_server in [true, false] {
                let (from, to) = match to_server {
                    true => (&mut pair.client, &mut pair.server),
                    false => (&mut pair.server, &mut pair.client),
                };
                let datagrams: Vec<_> = std::iter::from_fn(|| from.poll(pair.now)).collect();
                for datagram in datagrams {
                    to.dtls.handle_datagram(pair.now, BytesMut::from(&datagram[..]), &mut to.received);
                    to.dtls.handle_timeout(pair.now);
                    if eager {
                        to.take_events();
                        let more: Vec<_> = std::iter::from_fn(|| to.poll(pair.now)).collect();
                        for datagram in more {
                            from.dtls.handle_datagram(
                                pair.now,
                                BytesMut::from(&datagram[..]),
                                &mut from.received,
                            );
                        }
                    }
                }
            }
        }
        pair.client.take_events();
        pair.server.take_events();
        pair.assert_connected();
        (pair.client.sent, pair.server.sent, pair.client.events, pair.server.events)
    };
    for version in [ProtocolVersion::Dtls12, ProtocolVersion::Dtls13] {
        assert_eq!(run(version, true), run(version, false));
    }
}
