//! What the handshake must withstand: a peer made of crafted messages.

use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::traits::SignatureScheme;
use crate::transport::dtls::DtlsTransportState;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::Config;
use crate::transport::dtls::tests::attacks::plain;
use crate::transport::dtls::tests::{DELAY, Pair, config};
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::dtls::codepoints::{
    CipherSuite, ContentType, ExtensionType, HandshakeType, NamedGroup, ProtocolVersion, SignatureSchemeCode,
};
use crate::wire::dtls::extension::{Extension, Extensions, KeyShareEntry};
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::hello::{ClientHello, HelloVerifyRequest, ServerHello};
use crate::wire::dtls::message12::{Certificate, Message12, ServerKeyExchange};
use crate::wire::dtls::record::RECORD_HEADER_LEN;

pub(super) fn record_of(kind: HandshakeType, message_seq: u16, body: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    Fragment { kind, message_seq, length: body.len(), offset: 0, body }.write(&mut content);
    plain(ContentType::Handshake, u64::from(message_seq), &content)
}

fn body_of(message: &Message12) -> Vec<u8> {
    let mut body = Vec::new();
    message.write(&mut body);
    body
}

pub(super) fn datagram_of(message_seq: u16, message: &Message12) -> Vec<u8> {
    record_of(message.kind(), message_seq, &body_of(message))
}

/// The first handshake message in a datagram.
pub(super) fn message_in(datagram: &[u8]) -> (u16, Message12) {
    let fragment = Fragment::parse(&mut Reader::new(&datagram[RECORD_HEADER_LEN..])).unwrap();
    (fragment.message_seq, Message12::parse(fragment.kind, fragment.body).unwrap())
}

fn server_hello() -> ServerHello {
    ServerHello {
        version: ProtocolVersion::Dtls12,
        random: [7; 32],
        session_id: Vec::new(),
        cipher_suite: CipherSuite::EcdheEcdsaAes128GcmSha256,
        compression_method: 0,
        extensions: Extensions::new(vec![Extension::ExtendedMasterSecret]),
    }
}

fn certificate() -> Message12 {
    Message12::Certificate(Certificate { chain: vec![config().certificate.der().to_vec()] })
}

/// A client that gets these messages, and why it gave up.
fn client_gets(messages: &[Message12]) -> Option<Failure> {
    let mut pair = Pair::default_config();
    pair.transmit(&mut |_, _| vec![]);
    for (seq, message) in (0..).zip(messages) {
        pair.client.handle(pair.now, &datagram_of(seq, message));
    }
    assert_ne!(pair.client.dtls.state(), DtlsTransportState::Connected);
    pair.client.dtls.failure()
}

#[test]
fn attack_16_a_crafted_server_key_exchange_is_refused() {
    let hello = Message12::ServerHello(server_hello());
    let mut pair = Pair::default_config();
    pair.transmit(&mut |_, _| vec![]);
    pair.client.handle(pair.now, &datagram_of(0, &hello));
    pair.client.handle(pair.now, &datagram_of(1, &certificate()));
    assert_eq!(pair.client.dtls.failure(), None);

    let exchange = |group, key: &[u8], scheme, signature: &[u8]| {
        Message12::ServerKeyExchange(ServerKeyExchange {
            group,
            public_key: key.to_vec(),
            scheme,
            signature: signature.to_vec(),
        })
    };
    let ecdsa = SignatureSchemeCode::EcdsaSha256;
    let cases = [
        (exchange(NamedGroup::X25519, &[9; 32], ecdsa, &[]), Failure::BadSignature),
        (exchange(NamedGroup::X25519, &[], ecdsa, &[0x30, 0]), Failure::BadSignature),
        (exchange(NamedGroup::X25519MlKem768, &[9; 32], ecdsa, &[]), Failure::IllegalParameter("group")),
        (
            exchange(NamedGroup::X25519, &[9; 32], SignatureSchemeCode::Unknown(0x0203), &[]),
            Failure::IllegalParameter("signature scheme"),
        ),
        (
            exchange(NamedGroup::X25519, &[9; 32], SignatureSchemeCode::RsaPssSha256, &[]),
            Failure::BadSignature,
        ),
    ];
    for (message, failure) in cases {
        assert_eq!(client_gets(&[hello.clone(), certificate(), message]), Some(failure));
    }
}

/// Every prefix of a message, and lengths that lie.
#[test]
fn attack_16_a_server_key_exchange_cut_anywhere_is_refused() {
    let whole = body_of(&Message12::ServerKeyExchange(ServerKeyExchange {
        group: NamedGroup::X25519,
        public_key: vec![9; 32],
        scheme: SignatureSchemeCode::EcdsaSha256,
        signature: vec![1; 70],
    }));
    let explicit_curve = [&[1], &whole[1..]].concat();
    let long_key = [&whole[..3], &[255], &whole[4..]].concat();
    let cuts = (0..whole.len()).map(|n| whole[..n].to_vec());
    for body in cuts.chain([explicit_curve, long_key]) {
        let mut pair = Pair::default_config();
        pair.transmit(&mut |_, _| vec![]);
        pair.client.handle(pair.now, &datagram_of(0, &Message12::ServerHello(server_hello())));
        pair.client.handle(pair.now, &datagram_of(1, &certificate()));
        pair.client.handle(pair.now, &record_of(HandshakeType::ServerKeyExchange, 2, &body));
        assert!(matches!(pair.client.dtls.failure(), Some(Failure::Decode(_))), "{body:?}");
    }
}

/// A share that is no point, properly signed by the certificate's key.
#[test]
fn attack_16_a_signed_share_off_the_curve_is_refused() {
    for (group, share) in [(NamedGroup::X25519, vec![0; 32]), (NamedGroup::Secp256r1, vec![4; 65])] {
        let mut pair = Pair::default_config();
        let (_, Message12::ClientHello(hello)) = message_in(&pair.client.poll(pair.now).unwrap()) else {
            panic!()
        };
        let mut signed = [hello.random, [7; 32]].concat();
        ServerKeyExchange::write_params(group, &share, &mut signed);
        let scheme = SignatureScheme::EcdsaP256Sha256;
        let config = config();
        let signature = config.certificate.key().sign(scheme, &signed, &mut Rng::from_number(1)).unwrap();
        let scheme = SignatureSchemeCode::EcdsaSha256;
        let exchange = ServerKeyExchange { group, public_key: share, scheme, signature };
        let flight = [
            Message12::ServerHello(server_hello()),
            certificate(),
            Message12::ServerKeyExchange(exchange),
            Message12::ServerHelloDone,
        ];
        for (seq, message) in (0..).zip(&flight) {
            pair.client.handle(pair.now, &datagram_of(seq, message));
        }
        assert_eq!(pair.client.dtls.failure(), Some(Failure::IllegalParameter("key share")));
    }
}

#[test]
fn attack_16_a_hello_verify_request_cut_short_is_refused() {
    for body in [&[][..], &[0xfe], &[0xfe, 0xff], &[0xfe, 0xff, 20], &[0xfe, 0xff, 20, 1, 2]] {
        let mut pair = Pair::default_config();
        pair.transmit(&mut |_, _| vec![]);
        pair.client.handle(pair.now, &record_of(HandshakeType::HelloVerifyRequest, 0, body));
        assert_eq!(pair.client.dtls.failure(), Some(Failure::Decode(ParseError::Truncated)), "{body:?}");
    }
}

#[test]
fn a_cookie_is_repeated_and_not_for_ever() {
    let mut pair = Pair::default_config();
    let (_, Message12::ClientHello(first)) = message_in(&pair.client.poll(pair.now).unwrap()) else {
        panic!()
    };
    for seq in 0..4 {
        let cookie = vec![seq as u8 + 1; 32];
        let request = HelloVerifyRequest { version: ProtocolVersion::Dtls10, cookie: cookie.clone() };
        pair.client.handle(pair.now, &datagram_of(seq, &Message12::HelloVerifyRequest(request)));
        if seq == 3 {
            break;
        }
        let (next_seq, Message12::ClientHello(next)) = message_in(&pair.client.poll(pair.now).unwrap())
        else {
            panic!()
        };
        assert_eq!((next_seq, next), (seq + 1, ClientHello { cookie, ..first.clone() }));
    }
    assert_eq!(pair.client.dtls.failure(), Some(Failure::IllegalParameter("number of cookies")));
}

#[test]
fn a_wrong_cookie_is_as_none_and_not_for_ever() {
    let mut pair = Pair::new(config(), Config { cookie: true, ..config() });
    let (_, Message12::ClientHello(hello)) = message_in(&pair.client.poll(pair.now).unwrap()) else {
        panic!()
    };
    for seq in 0..4 {
        let cookie = vec![7; 32 * usize::from(seq)];
        let wrong = ClientHello { cookie, ..hello.clone() };
        pair.server.handle(pair.now, &datagram_of(seq, &Message12::ClientHello(wrong)));
        if seq == 3 {
            break;
        }
        let (answer_seq, answer) = message_in(&pair.server.poll(pair.now).unwrap());
        assert_eq!(answer_seq, seq);
        assert!(matches!(answer, Message12::HelloVerifyRequest(_)));
        assert_eq!(pair.server.poll(pair.now), None);
    }
    assert_eq!(pair.server.dtls.failure(), Some(Failure::IllegalParameter("cookie")));
}

#[test]
fn a_server_answers_to_what_was_offered() {
    let with = |change: fn(&mut ServerHello)| {
        let mut hello = server_hello();
        change(&mut hello);
        client_gets(&[Message12::ServerHello(hello)])
    };
    let cookie = Extension::Cookie(vec![1]);
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|h| h.version = ProtocolVersion::Dtls10), Some(Failure::ProtocolVersion));
    let suite = Some(Failure::IllegalParameter("cipher suite"));
    assert_eq!(with(|h| h.cipher_suite = CipherSuite::Aes128GcmSha256), suite);
    assert_eq!(with(|h| h.cipher_suite = CipherSuite::Unknown(0xc013)), suite);
    assert_eq!(with(|h| h.compression_method = 1), Some(Failure::IllegalParameter("compression method")));
    assert_eq!(
        with(|h| h.extensions = Extensions::new(vec![Extension::Cookie(vec![1])])),
        Some(Failure::UnsupportedExtension(cookie.kind()))
    );
    let srtp = |profile| Extension::UseSrtp { profiles: profile, mki: Vec::new() };
    let refused = Some(Failure::IllegalParameter("SRTP profile"));
    let offered = config().srtp_profiles;
    for extension in [srtp(vec![]), srtp(vec![0x0002.into()]), srtp(offered[..2].to_vec())] {
        let hello = ServerHello { extensions: Extensions::new(vec![extension]), ..server_hello() };
        assert_eq!(client_gets(&[Message12::ServerHello(hello)]), refused);
    }
}

#[test]
fn messages_out_of_place_are_refused() {
    let hello = Message12::ServerHello(server_hello());
    let failed = |messages: &[Message12]| {
        assert!(matches!(client_gets(messages), Some(Failure::UnexpectedMessage { .. })), "{messages:?}");
    };
    failed(&[certificate()]);
    failed(&[hello.clone(), hello.clone()]);
    failed(&[hello.clone(), Message12::ServerHelloDone]);
    failed(&[hello.clone(), certificate(), Message12::ServerHelloDone]);
    let none = Message12::Certificate(Certificate { chain: Vec::new() });
    assert_eq!(client_gets(&[hello.clone(), none]), Some(Failure::NoCertificate));
    // Asking for a renegotiation in the middle means nothing.
    assert_eq!(client_gets(&[Message12::HelloRequest, hello, certificate()]), None);
}

#[test]
fn attack_17_finished_without_encryption_is_dropped() {
    let mut pair = Pair::default_config();
    pair.transmit(&mut |_, _| vec![]);
    pair.client.handle(pair.now, &record_of(HandshakeType::Finished, 0, &[0; 12]));
    assert_eq!(pair.client.dropped(DropReason::DtlsUnexpected), 1);
    pair.run();
    pair.assert_connected();
}

/// What browsers send: 1.3 first, GREASE, a post-quantum share, extensions in any order.
pub(super) fn browser_hello(order: u64) -> ClientHello {
    let mut extensions = vec![
        Extension::Other(ExtensionType::Unknown(0x2a2a), Vec::new()),
        Extension::Other(ExtensionType::Unknown(0x1a1a), vec![0]),
        Extension::ExtendedMasterSecret,
        Extension::RenegotiationInfo(Vec::new()),
        Extension::SupportedGroups([0x3a3a, 0x11ec, 29, 23, 24, 25, 256].map(NamedGroup::from).to_vec()),
        Extension::EcPointFormats(vec![0]),
        Extension::SignatureAlgorithms(
            [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0807].map(SignatureSchemeCode::from).to_vec(),
        ),
        Extension::UseSrtp { profiles: [8, 7, 1, 2].map(Into::into).to_vec(), mki: Vec::new() },
        Extension::SupportedVersions([0x4a4a, 0xfefc, 0xfefd].map(ProtocolVersion::from).to_vec()),
        Extension::KeyShares(vec![
            KeyShareEntry { group: NamedGroup::Unknown(0x3a3a), key: vec![0] },
            KeyShareEntry { group: NamedGroup::X25519MlKem768, key: vec![5; 1_216] },
            KeyShareEntry { group: NamedGroup::X25519, key: vec![6; 32] },
        ]),
        Extension::Other(ExtensionType::Unknown(28), vec![0x40, 0]),
        Extension::Other(ExtensionType::Unknown(0xfe0d), vec![9; 200]),
    ];
    let mut rng = Rng::from_number(order);
    for at in (1..extensions.len()).rev() {
        extensions.swap(at, rng.jitter() as usize % (at + 1));
    }
    ClientHello {
        version: ProtocolVersion::Dtls12,
        random: [3; 32],
        session_id: Vec::new(),
        cookie: Vec::new(),
        cipher_suites: [0x5a5a, 0x1301, 0x1303, 0xc02b, 0xcca9, 0xc02f, 0xc013]
            .map(CipherSuite::from)
            .to_vec(),
        compression_methods: vec![0],
        extensions: Extensions::new(extensions),
    }
}

#[test]
fn attack_19_a_client_hello_over_several_datagrams_in_any_order() {
    for order in 0..20 {
        let body = body_of(&Message12::ClientHello(browser_hello(order)));
        assert!(body.len() > 1_500);
        let mut pieces: Vec<Vec<u8>> = (0..)
            .zip(body.chunks(700))
            .map(|(n, piece)| {
                let mut content = Vec::new();
                let kind = HandshakeType::ClientHello;
                Fragment { kind, message_seq: 0, length: body.len(), offset: n * 700, body: piece }
                    .write(&mut content);
                plain(ContentType::Handshake, n as u64, &content)
            })
            .collect();
        if order % 2 == 1 {
            pieces.reverse();
        }
        let mut server = Pair::default_config().server;
        let now = Instant::from_millis(1);
        for (n, piece) in pieces.iter().enumerate() {
            assert_eq!(server.dtls.state(), DtlsTransportState::New, "before piece {n}");
            assert_eq!(server.poll(now), None, "no version is chosen before the hello is complete");
            server.handle(now, piece);
        }
        let (_, Message12::ServerHello(answer)) = message_in(&server.poll(now).unwrap()) else { panic!() };
        assert_eq!(answer.version, ProtocolVersion::Dtls12);
        assert_eq!(answer.cipher_suite, CipherSuite::EcdheEcdsaAes128GcmSha256);
        let kinds: Vec<_> = answer.extensions.iter().map(Extension::kind).collect();
        assert!(
            !kinds.contains(&ExtensionType::SupportedVersions) && kinds.contains(&ExtensionType::UseSrtp)
        );
        assert_eq!(server.dtls.drops().total(), 0);
    }
}

#[test]
fn a_client_that_cannot_speak_1_2_is_refused() {
    let versions = |list: &[u16]| {
        let mut hello = browser_hello(0);
        let mut kept: Vec<_> = hello.extensions.iter().cloned().collect();
        kept.retain(|e| e.kind() != ExtensionType::SupportedVersions);
        if !list.is_empty() {
            kept.push(Extension::SupportedVersions(list.iter().map(|&v| v.into()).collect()));
        }
        hello.extensions = Extensions::new(kept);
        hello
    };
    let outcome = |hello: ClientHello| {
        let mut server = Pair::default_config().server;
        server.handle(Instant::ZERO, &datagram_of(0, &Message12::ClientHello(hello)));
        server.dtls.failure()
    };
    assert_eq!(outcome(versions(&[0xfefc])), Some(Failure::ProtocolVersion));
    assert_eq!(outcome(versions(&[0xfefc, 0xfefd])), None);
    assert_eq!(outcome(versions(&[])), None);
    let old = ClientHello { version: ProtocolVersion::Dtls10, ..versions(&[]) };
    assert_eq!(outcome(old), Some(Failure::ProtocolVersion));
    let newer = ClientHello { version: ProtocolVersion::Dtls13, ..versions(&[]) };
    assert_eq!(outcome(newer), None);
    let tls = ClientHello { version: ProtocolVersion::Unknown(0x0303), ..versions(&[]) };
    assert_eq!(outcome(tls), Some(Failure::ProtocolVersion));
}

/// Any byte of any flight may be changed on its way: nobody panics, and nobody is fooled.
#[test]
fn a_damaged_handshake_never_ends_in_disagreement() {
    let mut rng = Rng::from_number(3);
    for _ in 0..400 {
        let mut pair = Pair::default_config();
        let target = rng.jitter() % 6;
        let (mut count, mut at, mut flip) = (0, rng.jitter() as usize, (rng.jitter() % 255 + 1) as u8);
        let until = Instant::from_millis(3_000);
        let mut damaged = Vec::new();
        loop {
            let now = pair.now;
            let mut flight = Vec::new();
            pair.transmit(&mut |to_server, datagram| {
                flight.push((to_server, datagram.to_vec()));
                vec![]
            });
            for (to_server, mut datagram) in flight {
                if count == target {
                    at %= datagram.len();
                    datagram[at] ^= std::mem::take(&mut flip);
                    damaged.clone_from(&datagram);
                }
                count += 1;
                let side = if to_server { &mut pair.server } else { &mut pair.client };
                side.handle(now, &datagram);
            }
            if !pair.step(until, &mut |_, _| vec![DELAY]) {
                break;
            }
        }
        if pair.is_connected() {
            pair.assert_connected();
        } else {
            assert!(pair.client.received.is_empty() && pair.server.received.is_empty());
        }
    }
}
