//! RFC 5769 vectors, round trips and arbitrary bytes.

use super::{
    Attribute, Builder, Class, Codes, ErrorCode, HEADER_LEN, Message, Method, TransactionId, message_type,
    peek_username, split_type,
};
use quickcheck::{Arbitrary, Gen, quickcheck};
use std::net::SocketAddr;

const ID: TransactionId =
    TransactionId([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);

/// RFC 5769 §2.1.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74\
                       002400046e0001ff80290008932ff9b151263b36000600096576746a3a683676592020200008\
                       00149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf";
/// RFC 5769 §2.2.
const RESPONSE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f72200020\
                           00080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004\
                           c07d4c96";
/// RFC 5769 §2.3.
const RESPONSE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f72200020\
                           00140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c\
                           8292c275bfe3ed4180280004c8fb0b4c";
const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn attributes<'a>(message: &Message<'a>) -> Vec<Attribute<'a>> {
    message.attributes().map(Result::unwrap).collect()
}

fn key() -> Box<dyn crate::crypto::traits::HmacKey> {
    let algorithm = crate::crypto::traits::HashAlgorithm::Sha1;
    crate::crypto::CryptoProvider::default().hmac.key(algorithm, PASSWORD).unwrap()
}

#[test]
fn the_sample_request_is_read() {
    let bytes = hex(REQUEST);
    let message = Message::parse(&bytes).unwrap();
    assert_eq!((message.class, message.method, message.transaction), (Class::Request, Method::Binding, ID));
    assert_eq!(
        attributes(&message),
        [
            Attribute::Software("STUN test client"),
            Attribute::Priority(0x6e00_01ff),
            Attribute::IceControlled(0x932f_f9b1_5126_3b36),
            Attribute::Username("evtj:h6vY"),
        ]
    );
    assert!(message.has_valid_fingerprint());
    assert_eq!(peek_username(&bytes), Some("evtj"));
}

#[test]
fn the_sample_responses_are_read() {
    for (text, mapped) in
        [(RESPONSE_V4, "192.0.2.1:32853"), (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let bytes = hex(text);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!((message.class, message.method), (Class::Success, Method::Binding));
        let mapped = Attribute::XorMappedAddress(mapped.parse().unwrap());
        assert_eq!(attributes(&message), [Attribute::Software("test vector"), mapped]);
        assert!(message.has_valid_fingerprint());
        assert_eq!(peek_username(&bytes), None);
    }
}

#[test]
fn the_sample_messages_are_authentic() {
    for text in [REQUEST, RESPONSE_V4, RESPONSE_V6] {
        let mut bytes = hex(text);
        let sealed = Message::parse(&bytes).unwrap().integrity().unwrap();
        key().verify(&[&sealed.header, sealed.body], sealed.tag).unwrap();
        bytes[HEADER_LEN + 5] ^= 1;
        let message = Message::parse(&bytes).unwrap();
        let sealed = message.integrity().unwrap();
        key().verify(&[&sealed.header, sealed.body], sealed.tag).unwrap_err();
        assert!(!message.has_valid_fingerprint());
    }
}

#[test]
fn what_is_written_is_the_sample_but_for_the_padding() {
    // The samples pad with spaces; RFC 8489 wants zeros from us. SOFTWARE of this length needs no padding.
    let mut out = b"before".to_vec();
    let id = TransactionId([7; 12]);
    let size = Builder::new(&mut out, Class::Request, Method::Binding, id)
        .attribute(&Attribute::Software("STUN test client"))
        .attribute(&Attribute::Username("evtj:h6vY"))
        .integrity(|parts, tag| key().sign(parts, tag))
        .fingerprint()
        .finish();
    assert_eq!(size, out.len() - 6);
    let message = Message::parse(&out[6..]).unwrap();
    let sealed = message.integrity().unwrap();
    key().verify(&[&sealed.header, sealed.body], sealed.tag).unwrap();
    assert!(message.has_valid_fingerprint());
    assert!(message.integrity_sha256().is_none());
    assert_eq!(attributes(&message).len(), 2);
}

#[test]
fn types_interleave() {
    assert_eq!(message_type(Class::Success, Method::Binding), 0x0101);
    assert_eq!(message_type(Class::Error, Method::Allocate), 0x0113);
    assert_eq!(message_type(Class::Indication, Method::Data), 0x0017);
    for field in 0..0x4000 {
        let (class, method) = split_type(field);
        assert_eq!(message_type(class, method), field);
    }
}

#[test]
fn what_follows_integrity_is_not_believed() {
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Request, Method::Binding, ID)
        .attribute(&Attribute::Priority(1))
        .integrity(|_, tag| tag.fill(1))
        .attribute(&Attribute::UseCandidate)
        .fingerprint()
        .finish();
    let message = Message::parse(&out).unwrap();
    assert_eq!(attributes(&message), [Attribute::Priority(1)]);
    assert!(message.has_valid_fingerprint());
}

#[test]
fn bad_forms_are_refused() {
    let good = hex(REQUEST);
    let broken = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("short", good[..19].to_vec()),
        ("length beyond the end", good[..good.len() - 4].to_vec()),
        ("trailing bytes", [&good[..], &[0; 4]].concat()),
        ("type bits", broken(0, 0x40)),
        ("cookie", broken(4, 0x20)),
        ("odd length", broken(3, 0x57)),
        ("attribute length", broken(23, 0xff)),
        ("integrity length", broken(79, 0x10)),
    ] {
        assert!(Message::parse(&bytes).is_err(), "{what}");
    }
}

#[test]
fn a_malformed_value_matters_only_where_it_must_be_understood() {
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Request, Method::Binding, ID)
        .attribute(&Attribute::Unknown(0x8022, &[0xff, 0xfe]))
        .attribute(&Attribute::Unknown(0x0024, &[1, 2]))
        .finish();
    let message = Message::parse(&out).unwrap();
    let read: Vec<_> = message.attributes().collect();
    assert_eq!(read[0], Ok(Attribute::Unknown(0x8022, &[0xff, 0xfe])));
    assert!(read[1].is_err());
    assert_eq!(peek_username(&out), None);
}

/// An attribute of every kind, with a value from arbitrary material.
#[derive(Clone, Debug)]
struct Material {
    which: u8,
    number: u64,
    address: SocketAddr,
    text: String,
    bytes: Vec<u8>,
}

impl Arbitrary for Material {
    fn arbitrary(g: &mut Gen) -> Self {
        let ip = std::net::IpAddr::arbitrary(g);
        let mut text = String::arbitrary(g);
        while text.len() > 508 {
            text.pop();
        }
        Self {
            which: u8::arbitrary(g),
            number: u64::arbitrary(g),
            address: SocketAddr::new(ip, u16::arbitrary(g)),
            text,
            bytes: Vec::arbitrary(g),
        }
    }
}

impl Material {
    fn attribute(&self) -> Attribute<'_> {
        let Self { which, number, address, ref text, ref bytes } = *self;
        let error = ErrorCode { code: 300 + (number % 400) as u16, reason: text };
        let n = number as u32;
        match which % 37 {
            0 => Attribute::MappedAddress(address),
            1 => Attribute::XorMappedAddress(address),
            2 => Attribute::Username(text),
            3 => Attribute::ErrorCode(error),
            4 => Attribute::UnknownAttributes(Codes::from_bytes(bytes)),
            5 => Attribute::Realm(text),
            6 => Attribute::Nonce(text),
            7 => Attribute::UserHash(b"0123456789abcdef0123456789abcdef"),
            8 => Attribute::PasswordAlgorithm(bytes),
            9 => Attribute::PasswordAlgorithms(bytes),
            10 => Attribute::AccessToken(bytes),
            11 => Attribute::ThirdPartyAuthorization(text),
            12 => Attribute::Software(text),
            13 => Attribute::AlternateServer(address),
            14 => Attribute::AlternateDomain(text),
            15 => Attribute::Priority(n),
            16 => Attribute::UseCandidate,
            17 => Attribute::IceControlled(number),
            18 => Attribute::IceControlling(number),
            19 => Attribute::Nomination(n),
            20 => Attribute::ChannelNumber(number as u16),
            21 => Attribute::Lifetime(n),
            22 => Attribute::XorPeerAddress(address),
            23 => Attribute::XorRelayedAddress(address),
            24 => Attribute::Data(bytes),
            25 => Attribute::RequestedAddressFamily(number as u8),
            26 => Attribute::AdditionalAddressFamily(number as u8),
            27 => Attribute::EvenPort(number & 1 == 1),
            28 => Attribute::RequestedTransport(number as u8),
            29 => Attribute::DontFragment,
            30 => Attribute::ReservationToken(number.to_be_bytes()),
            31 => Attribute::AddressErrorCode(number as u8, error),
            32 => Attribute::Icmp(number as u8, which, n.to_be_bytes()),
            33 => Attribute::ConnectionId(n),
            34 => Attribute::DtlsInStun(bytes),
            35 => Attribute::DtlsInStunAck(bytes),
            _ => Attribute::Unknown(0xBFFF, bytes),
        }
    }
}

quickcheck! {
    fn messages_round_trip(materials: Vec<Material>, field: u16) -> bool {
        let (class, method) = split_type(field & 0x3FFF);
        let mut out = Vec::new();
        let mut builder = Builder::new(&mut out, class, method, ID);
        for material in &materials {
            builder = builder.attribute(&material.attribute());
        }
        builder.integrity(|parts, tag| tag.fill(parts[0].len() as u8)).fingerprint().finish();
        let message = Message::parse(&out).unwrap();
        let written: Vec<_> = materials.iter().map(Material::attribute).collect();
        message.has_valid_fingerprint()
            && attributes(&message) == written
            && (message.class, message.method) == (class, method)
    }

    fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) -> bool {
        let _ = peek_username(&bytes);
        Message::parse(&bytes).is_err() || bytes.len() >= HEADER_LEN
    }

    fn arbitrary_bytes_behind_a_header_do_no_harm(body: Vec<u8>, padded: bool) -> bool {
        let mut bytes = hex(REQUEST)[..HEADER_LEN].to_vec();
        bytes.extend_from_slice(&body);
        if padded {
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        let length = (bytes.len() - HEADER_LEN) as u16;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let _ = peek_username(&bytes);
        if let Ok(message) = Message::parse(&bytes) {
            let _ = (message.attributes().count(), message.has_valid_fingerprint(), message.integrity());
        }
        true
    }

    fn mutated_messages_do_no_harm(at: usize, byte: u8) -> bool {
        let mut bytes = hex(REQUEST);
        let at = at % bytes.len();
        bytes[at] = byte;
        match Message::parse(&bytes) {
            Ok(message) => message.attributes().count() < 64 && message.integrity().is_none_or(|s| s.tag.len() == 20),
            Err(_) => true,
        }
    }
}
