//! What a server, or whoever pretends to be one, may try.

use super::{Carrier, Client, Config, Event, Handled, Login};
use crate::base::drops::DropReason;
use crate::base::net::{LocalAddress, SocketId};
use crate::base::random::Rng;
use crate::base::redact::Redacted;
use crate::base::time::Instant;
use crate::crypto::CryptoProvider;
use crate::crypto::md5;
use crate::crypto::traits::{HashAlgorithm, HmacKey};
use crate::wire::stun::{
    Attribute, Builder, ChannelHeader, Class, ErrorCode, Message, Method, TransactionId,
};
use bytes::BytesMut;
use quickcheck::quickcheck;
use std::net::SocketAddr;
use std::time::Duration;

const NOW: Instant = Instant::from_millis(1_000);
const PEER: &str = "198.51.100.7:7000";

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn client() -> Client {
    let config = Config {
        base: LocalAddress::udp(SocketId(1), address("192.0.2.1:5000")),
        server: address("203.0.113.9:3478"),
        login: Login { username: "user".to_owned(), password: Redacted("secret".to_owned()) },
        patience: Duration::from_secs(5),
        carrier: Carrier::Datagrams,
        sole_user: true,
    };
    Client::new(config, CryptoProvider::default(), Rng::from_number(1))
}

fn key() -> Box<dyn HmacKey> {
    CryptoProvider::default().hmac.key(HashAlgorithm::Sha1, &md5::digest(b"user:realm:secret")).unwrap()
}

fn sent(client: &mut Client, now: Instant) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut out = Vec::new();
    while client.poll_transmit(now, &mut out).is_some() {
        all.push(std::mem::take(&mut out));
    }
    all
}

fn respond(request: &[u8], class: Class, attributes: &[Attribute<'_>], signed: bool) -> BytesMut {
    let message = Message::parse(request).unwrap();
    let mut out = Vec::new();
    let mut builder = Builder::new(&mut out, class, message.method, message.transaction);
    for attribute in attributes {
        builder = builder.attribute(attribute);
    }
    if signed {
        builder = builder.integrity(|parts, tag| key().sign(parts, tag));
    }
    builder.finish();
    BytesMut::from(&out[..])
}

fn challenge(code: u16) -> [Attribute<'static>; 3] {
    [
        Attribute::ErrorCode(ErrorCode { code, reason: "" }),
        Attribute::Realm("realm"),
        Attribute::Nonce("nonce"),
    ]
}

/// A client with an allocation and leave to reach PEER.
fn allocated() -> Client {
    let mut client = client();
    client.allocate(NOW);
    let first = sent(&mut client, NOW).remove(0);
    client.handle_datagram(NOW, respond(&first, Class::Error, &challenge(401), false));
    let second = sent(&mut client, NOW).remove(0);
    let granted = [
        Attribute::XorRelayedAddress(address("203.0.113.9:50000")),
        Attribute::XorMappedAddress(address("192.0.2.1:5000")),
        Attribute::Lifetime(600),
    ];
    client.handle_datagram(NOW, respond(&second, Class::Success, &granted, true));
    assert!(matches!(client.poll_event(), Some(Event::Allocated { .. })));
    client.permit(NOW, address(PEER));
    let permission = sent(&mut client, NOW).remove(0);
    client.handle_datagram(NOW, respond(&permission, Class::Success, &[], true));
    client
}

fn indication(attributes: &[Attribute<'_>]) -> BytesMut {
    let mut out = Vec::new();
    let mut builder = Builder::new(&mut out, Class::Indication, Method::Data, TransactionId([1; 12]));
    for attribute in attributes {
        builder = builder.attribute(attribute);
    }
    builder.finish();
    BytesMut::from(&out[..])
}

#[test]
fn attack_41_an_indication_without_data_or_peer_ends_nothing() {
    let mut client = allocated();
    let (peer, data) = (Attribute::XorPeerAddress(address(PEER)), Attribute::Data(b"hello"));
    for bad in [
        &[peer][..],
        &[data],
        &[],
        &[peer, Attribute::Data(b"")],
        &[Attribute::Unknown(0x7000, b""), peer, data],
    ] {
        assert!(matches!(client.handle_datagram(NOW, indication(bad)), Handled::Done), "{bad:?}");
    }
    assert_eq!(client.drops().of(DropReason::TurnMalformed), 4);
    assert_eq!(client.drops().of(DropReason::StunUnknownAttribute), 1);
    let Handled::Data(from, inner) = client.handle_datagram(NOW, indication(&[peer, data])) else { panic!() };
    assert_eq!((from, &inner[..]), (address(PEER), &b"hello"[..]));
    assert!(client.is_allocated());
}

#[test]
fn attack_42_no_relay_to_what_listens_on_the_server() {
    let mut client = allocated();
    for odd in [
        "0.0.0.0:80",
        "127.0.0.1:80",
        "[::]:80",
        "[::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:198.51.100.7]:80",
        "224.0.0.1:80",
        "198.51.100.7:0",
        "[2001:db8::1]:80",
    ] {
        client.permit(NOW, address(odd));
        client.bind(NOW, address(odd));
        client.send(NOW, address(odd), b"boo");
        assert!(sent(&mut client, NOW).iter().all(|data| {
            let message = Message::parse(data).unwrap();
            message.method == Method::Send
                || !message.attributes().flatten().any(|a| a == Attribute::XorPeerAddress(address(odd)))
        }));
        let data = [Attribute::XorPeerAddress(address(odd)), Attribute::Data(b"boo")];
        if address(odd).ip() != address(PEER).ip() {
            assert!(matches!(client.handle_datagram(NOW, indication(&data)), Handled::Done), "{odd}");
        }
    }
    assert!(client.drops().of(DropReason::TurnUnknownPeer) >= 8);
    assert!(client.held.is_empty());
}

#[test]
fn what_is_not_signed_by_the_password_never_came() {
    let mut client = client();
    client.allocate(NOW);
    let first = sent(&mut client, NOW).remove(0);
    client.handle_datagram(NOW, respond(&first, Class::Error, &challenge(401), false));
    let second = sent(&mut client, NOW).remove(0);
    let forged = [
        Attribute::XorRelayedAddress(address("198.51.100.66:6")),
        Attribute::XorMappedAddress(address("192.0.2.1:5000")),
    ];
    client.handle_datagram(NOW, respond(&second, Class::Success, &forged, false));
    assert!(!client.is_allocated() && client.is_allocating());
    assert_eq!(client.drops().of(DropReason::StunIntegrity), 1);
    // Refreshes, too: an unsigned refusal takes no allocation away.
    let mut client = allocated();
    let due = NOW + Duration::from_secs(545);
    client.handle_timeout(due);
    let refresh =
        sent(&mut client, due).into_iter().find(|d| Message::parse(d).unwrap().method == Method::Refresh);
    let refusal = [Attribute::ErrorCode(ErrorCode { code: 437, reason: "" })];
    client.handle_datagram(due, respond(refresh.as_ref().unwrap(), Class::Error, &refusal, false));
    assert!(client.is_allocated());
    client.handle_datagram(due, respond(refresh.as_ref().unwrap(), Class::Error, &refusal, true));
    assert!(!client.is_allocated() && client.is_over());
    assert_eq!(client.poll_event(), Some(Event::Lost));
}

#[test]
fn a_channel_is_what_was_asked_for_and_nothing_else() {
    let mut client = allocated();
    client.bind(NOW, address(PEER));
    let bind = sent(&mut client, NOW).remove(0);
    let message = |number, content: &[u8], length| {
        let mut data = ChannelHeader { number, length }.to_bytes().to_vec();
        data.extend_from_slice(content);
        BytesMut::from(&data[..])
    };
    assert!(matches!(client.handle_datagram(NOW, message(0x4001, b"x", 1)), Handled::Done));
    assert!(matches!(client.handle_datagram(NOW, message(0x4000, b"x", 2)), Handled::Done));
    assert!(matches!(client.handle_datagram(NOW, message(0x4000, b"", 0)), Handled::Done));
    assert_eq!(client.drops().of(DropReason::TurnUnknownPeer), 1);
    assert_eq!(client.drops().of(DropReason::TurnMalformed), 2);
    // With padding, and before the answer to our request.
    let Handled::Data(from, data) = client.handle_datagram(NOW, message(0x4000, b"abc\0", 3)) else {
        panic!()
    };
    assert_eq!((from, &data[..]), (address(PEER), &b"abc"[..]));
    // By indication until bound, by channel from then on.
    client.send(NOW, address(PEER), b"hello");
    let before = sent(&mut client, NOW).remove(0);
    let attributes: Vec<_> = Message::parse(&before).unwrap().attributes().flatten().collect();
    assert_eq!(attributes, [Attribute::XorPeerAddress(address(PEER)), Attribute::Data(b"hello")]);
    client.handle_datagram(NOW, respond(&bind, Class::Success, &[], true));
    client.send(NOW, address(PEER), b"hello");
    assert_eq!(sent(&mut client, NOW), [message(0x4000, b"hello", 5).to_vec()]);
}

#[test]
fn datagrams_wait_for_their_permission_and_not_for_ever() {
    let mut client = allocated();
    let other = address("198.51.100.8:7000");
    for _ in 0..100 {
        client.send(NOW, other, b"check");
    }
    let asked = sent(&mut client, NOW);
    assert_eq!(asked.len(), 1);
    assert_eq!(client.drops().of(DropReason::TurnNoPermission), 36);
    client.handle_datagram(NOW, respond(&asked[0], Class::Success, &[], true));
    assert_eq!(sent(&mut client, NOW).len(), 64);
    // A refusal lets them go.
    let third = address("198.51.100.9:7000");
    client.send(NOW, third, b"check");
    let asked = sent(&mut client, NOW).remove(0);
    let forbidden = [Attribute::ErrorCode(ErrorCode { code: ErrorCode::FORBIDDEN, reason: "" })];
    client.handle_datagram(NOW, respond(&asked, Class::Error, &forbidden, true));
    assert!(client.held.is_empty() && sent(&mut client, NOW).is_empty());
}

#[test]
fn what_is_not_used_is_not_renewed() {
    let mut client = allocated();
    let end = NOW + Duration::from_secs(500);
    let mut requests = 0;
    while let Some(at) = client.poll_timeout().filter(|&at| at <= end) {
        client.handle_timeout(at);
        requests += sent(&mut client, at).len();
    }
    assert_eq!(requests, 0);
    client.send(end, address(PEER), b"again");
    assert_eq!(sent(&mut client, end).len(), 1, "the permission is asked for anew");
}

quickcheck! {
    fn arbitrary_bytes_do_no_harm(datagrams: Vec<Vec<u8>>, cookie: bool) -> bool {
        let mut client = allocated();
        client.bind(NOW, address(PEER));
        for mut bytes in datagrams {
            if cookie && bytes.len() >= 8 {
                bytes[..2].copy_from_slice(&[0, 0x17]);
                bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xA4, 0x42]);
            }
            let _ = client.handle_datagram(NOW, BytesMut::from(&bytes[..]));
        }
        client.is_allocated() && client.poll_timeout().is_some()
    }

    fn mutated_responses_allocate_nothing(at: usize, bit: u8) -> bool {
        let mut client = client();
        client.allocate(NOW);
        let first = sent(&mut client, NOW).remove(0);
        client.handle_datagram(NOW, respond(&first, Class::Error, &challenge(401), false));
        let second = sent(&mut client, NOW).remove(0);
        let granted = [Attribute::XorRelayedAddress(address("203.0.113.9:50000")), Attribute::XorMappedAddress(address(PEER))];
        let mut response = respond(&second, Class::Success, &granted, true);
        let at = at % response.len();
        response[at] ^= 1 << (bit % 8);
        client.handle_datagram(NOW, response);
        !client.is_allocated()
    }
}
