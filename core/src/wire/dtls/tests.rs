//! Round trips of every shape, and every parser against arbitrary bytes.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::dtls::alert::{Ack, Alert, RecordNumber};
use crate::wire::dtls::codepoints::{ContentType, ExtensionType, HandshakeType};
use crate::wire::dtls::connection_id::{ConnectionId, IdentifiedHeader};
use crate::wire::dtls::extension::{Extension, Extensions, KeyShareEntry, Place};
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::hello::{ClientHello, HELLO_RETRY_REQUEST, HelloVerifyRequest, ServerHello};
use crate::wire::dtls::message12::{self, Message12};
use crate::wire::dtls::message13::{
    self, CertificateEntry, KeyUpdate, Message13, NewConnectionId, NewSessionTicket, RequestConnectionId,
    Usage,
};
use crate::wire::dtls::record::{self, MAX_SEQUENCE, RECORD_HEADER_LEN, RecordHeader};
use crate::wire::dtls::unified::{Header, SequenceBits, UnifiedHeader};
use quickcheck::{Arbitrary, Gen, quickcheck};

fn vec_of<T: Arbitrary>(g: &mut Gen, max: usize) -> Vec<T> {
    let len = usize::arbitrary(g) % (max + 1);
    (0..len).map(|_| T::arbitrary(g)).collect()
}

fn codes<T: From<u16>>(g: &mut Gen) -> Vec<T> {
    vec_of::<u16>(g, 20).into_iter().map(T::from).collect()
}

fn array32(g: &mut Gen) -> [u8; 32] {
    std::array::from_fn(|_| u8::arbitrary(g))
}

fn share(g: &mut Gen) -> KeyShareEntry {
    KeyShareEntry { group: u16::arbitrary(g).into(), key: vec_of(g, 100) }
}

fn connection_id(g: &mut Gen) -> ConnectionId {
    ConnectionId::new(&vec_of::<u8>(g, 255))
}

fn extensions(g: &mut Gen, place: Place) -> Extensions {
    let mut list = vec![
        Extension::SupportedGroups(codes(g)),
        Extension::EcPointFormats(vec_of(g, 4)),
        Extension::SignatureAlgorithms(codes(g)),
        Extension::UseSrtp { profiles: codes(g), mki: vec_of(g, 5) },
        Extension::ExtendedMasterSecret,
        Extension::RenegotiationInfo(vec_of(g, 12)),
        Extension::Cookie(vec_of(g, 300)),
        Extension::Other(ExtensionType::Unknown(0x0a0a), vec_of(g, 9)),
        Extension::Other(ExtensionType::Unknown(0x0017 + 1000), vec_of(g, 9)),
    ];
    match place {
        Place::ClientHello => {
            list.push(Extension::SupportedVersions(codes(g)));
            list.push(Extension::KeyShares((0..3).map(|_| share(g)).collect()));
            list.push(Extension::ConnectionId(connection_id(g)));
        }
        Place::ServerHello => {
            list.push(Extension::SelectedVersion(u16::arbitrary(g).into()));
            list.push(Extension::KeyShare(share(g)));
            list.push(Extension::ConnectionId(connection_id(g)));
        }
        Place::HelloRetryRequest => {
            list.push(Extension::SelectedVersion(u16::arbitrary(g).into()));
            list.push(Extension::SelectedGroup(u16::arbitrary(g).into()));
        }
        Place::Other => list.push(Extension::Other(ExtensionType::KeyShare, vec_of(g, 9))),
    }
    while !list.is_empty() && bool::arbitrary(g) {
        list.swap_remove(usize::arbitrary(g) % list.len());
    }
    Extensions::new(list)
}

fn server_hello(g: &mut Gen) -> ServerHello {
    let retry = bool::arbitrary(g);
    ServerHello {
        version: u16::arbitrary(g).into(),
        random: if retry { HELLO_RETRY_REQUEST } else { array32(g) },
        session_id: vec_of(g, 32),
        cipher_suite: u16::arbitrary(g).into(),
        compression_method: u8::arbitrary(g),
        extensions: extensions(g, if retry { Place::HelloRetryRequest } else { Place::ServerHello }),
    }
}

impl Arbitrary for ClientHello {
    fn arbitrary(g: &mut Gen) -> Self {
        Self {
            version: u16::arbitrary(g).into(),
            random: array32(g),
            session_id: vec_of(g, 32),
            cookie: vec_of(g, 255),
            cipher_suites: codes(g),
            compression_methods: vec_of(g, 3),
            extensions: extensions(g, Place::ClientHello),
        }
    }
}

impl Arbitrary for Message12 {
    fn arbitrary(g: &mut Gen) -> Self {
        match u8::arbitrary(g) % 12 {
            0 => Self::HelloRequest,
            1 => Self::ClientHello(ClientHello::arbitrary(g)),
            2 => Self::ServerHello(server_hello(g)),
            3 => Self::HelloVerifyRequest(HelloVerifyRequest {
                version: u16::arbitrary(g).into(),
                cookie: vec_of(g, 255),
            }),
            4 => Self::Certificate(message12::Certificate {
                chain: (0..u8::arbitrary(g) % 4).map(|_| vec_of(g, 500)).collect(),
            }),
            5 => Self::ServerKeyExchange(message12::ServerKeyExchange {
                group: u16::arbitrary(g).into(),
                public_key: vec_of(g, 255),
                scheme: u16::arbitrary(g).into(),
                signature: vec_of(g, 300),
            }),
            6 => Self::CertificateRequest(message12::CertificateRequest {
                types: vec_of::<u8>(g, 5).into_iter().map(Into::into).collect(),
                signature_algorithms: codes(g),
                authorities: vec_of(g, 100),
            }),
            7 => Self::ServerHelloDone,
            8 => Self::ClientKeyExchange(message12::ClientKeyExchange { public_key: vec_of(g, 255) }),
            9 => Self::CertificateVerify(message12::CertificateVerify {
                scheme: u16::arbitrary(g).into(),
                signature: vec_of(g, 300),
            }),
            10 => Self::Finished(message12::Finished { verify_data: vec_of(g, 48) }),
            _ => Self::Other(HandshakeType::Unknown(200), vec_of(g, 50)),
        }
    }
}

impl Arbitrary for Message13 {
    fn arbitrary(g: &mut Gen) -> Self {
        match u8::arbitrary(g) % 12 {
            0 => Self::ClientHello(ClientHello::arbitrary(g)),
            1 => Self::ServerHello(server_hello(g)),
            2 => Self::EncryptedExtensions(extensions(g, Place::Other)),
            3 => Self::CertificateRequest(message13::CertificateRequest {
                context: vec_of(g, 255),
                extensions: extensions(g, Place::Other),
            }),
            4 => Self::Certificate(message13::Certificate {
                context: vec_of(g, 255),
                chain: (0..u8::arbitrary(g) % 4)
                    .map(|_| CertificateEntry {
                        der: vec_of(g, 400),
                        extensions: extensions(g, Place::Other),
                    })
                    .collect(),
            }),
            5 => Self::CertificateVerify(message12::CertificateVerify {
                scheme: u16::arbitrary(g).into(),
                signature: vec_of(g, 300),
            }),
            6 => Self::Finished(message12::Finished { verify_data: vec_of(g, 64) }),
            7 => Self::NewSessionTicket(NewSessionTicket {
                lifetime: u32::arbitrary(g),
                age_add: u32::arbitrary(g),
                nonce: vec_of(g, 255),
                ticket: vec_of(g, 300),
                extensions: extensions(g, Place::Other),
            }),
            8 if bool::arbitrary(g) => Self::KeyUpdate(KeyUpdate::Requested),
            8 => Self::KeyUpdate(KeyUpdate::NotRequested),
            9 => Self::RequestConnectionId(RequestConnectionId { count: u8::arbitrary(g) }),
            10 => Self::NewConnectionId(NewConnectionId {
                ids: (0..u8::arbitrary(g) % 5).map(|_| connection_id(g)).collect(),
                usage: if bool::arbitrary(g) { Usage::Immediate } else { Usage::Spare },
            }),
            _ => Self::Other(HandshakeType::Unknown(200), vec_of(g, 50)),
        }
    }
}

quickcheck! {
    fn message_12_round_trips(message: Message12) -> bool {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        Message12::parse(message.kind(), &bytes) == Ok(message)
    }

    fn message_13_round_trips(message: Message13) -> bool {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        Message13::parse(message.kind(), &bytes) == Ok(message)
    }

    fn a_message_cut_short_is_refused(message: Message12, cut: usize) -> bool {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        // Finished and unknown messages have no inner structure, and a hello may end before its extensions.
        let free = matches!(message, Message12::Finished(_) | Message12::Other(..));
        let cut = cut % bytes.len().max(1);
        free || bytes.is_empty() || match Message12::parse(message.kind(), &bytes[..cut]) {
            Err(_) => true,
            Ok(Message12::ClientHello(hello)) => hello.extensions.is_empty(),
            Ok(Message12::ServerHello(hello)) => hello.extensions.is_empty(),
            Ok(_) => false,
        }
    }

    fn any_bytes_are_survived(bytes: Vec<u8>) -> bool {
        for kind in 0..=u8::MAX {
            let _ = Message12::parse(kind.into(), &bytes);
            let _ = Message13::parse(kind.into(), &bytes);
        }
        let _ = (Alert::parse(&bytes), Ack::parse(&bytes), record::split(&bytes));
        let _ = Header::split(&bytes, 0).map(|(_, len)| &bytes[..len]);
        let _ = Header::split(&bytes, 7).map(|(_, len)| &bytes[..len]);
        let _ = UnifiedHeader::parse(&mut Reader::new(&bytes), 3);
        let mut reader = Reader::new(&bytes);
        while Fragment::parse(&mut reader).is_ok() {}
        true
    }

    fn damaged_hellos_are_survived(hello: ClientHello, at: usize, to: u8) -> bool {
        let mut bytes = Vec::new();
        hello.write(&mut bytes);
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = (ClientHello::parse(&bytes), ServerHello::parse(&bytes));
        true
    }

    fn record_headers_round_trip(kind: u8, version: u16, epoch: u16, sequence: u64, length: u16) -> bool {
        let sequence = sequence & MAX_SEQUENCE;
        let header = RecordHeader {
            content_type: kind.into(), version: version.into(), epoch, sequence, length,
        };
        RecordHeader::parse(&header.to_bytes()) == header
            && header.number().to_be_bytes() == header.to_bytes()[3..11]
    }

    fn unified_headers_round_trip(epoch: u8, cid: Option<Vec<u8>>, number: u16, short: bool, length: Option<u16>) -> bool {
        let sequence = if short { SequenceBits::Eight(number as u8) } else { SequenceBits::Sixteen(number) };
        let cid = cid.as_deref().map(ConnectionId::new);
        let cid_len = cid.as_ref().map_or(7, ConnectionId::len);
        let header = UnifiedHeader { epoch_bits: epoch & 3, connection_id: cid, sequence, length };
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        let mut reader = Reader::new(&bytes);
        UnifiedHeader::is_unified(bytes[0])
            && header.wire_len() == bytes.len()
            && UnifiedHeader::parse(&mut reader, cid_len) == Ok(header)
            && reader.is_empty()
    }

    fn identified_headers_round_trip(version: u16, epoch: u16, sequence: u64, id: Vec<u8>, body: Vec<u8>) -> bool {
        let header = RecordHeader {
            content_type: ContentType::Tls12Cid,
            version: version.into(),
            epoch,
            sequence: sequence & MAX_SEQUENCE,
            length: body.len() as u16,
        };
        let id = ConnectionId::new(if id.is_empty() { &[7] } else { &id });
        let header = IdentifiedHeader { header, id };
        let (mut bytes, id_len) = (Vec::new(), header.id.len());
        header.write(&mut bytes);
        bytes.extend_from_slice(&body);
        let len = bytes.len();
        let cut = len > header.wire_len() && IdentifiedHeader::split(&bytes[..len - 1], id_len).is_ok();
        !cut && Header::split(&bytes, id_len) == Ok((Header::Identified(header), len))
    }

    fn fragments_round_trip(kind: u8, message_seq: u16, offset: u16, body: Vec<u8>, more: u16) -> bool {
        let offset = usize::from(offset);
        let length = offset + body.len() + usize::from(more);
        let fragment = Fragment { kind: kind.into(), message_seq, length, offset, body: &body };
        let mut bytes = Vec::new();
        fragment.write(&mut bytes);
        Fragment::parse(&mut Reader::new(&bytes)) == Ok(fragment)
    }

    fn acks_round_trip(numbers: Vec<(u64, u64)>) -> bool {
        let records = numbers.into_iter().map(|(epoch, sequence)| RecordNumber { epoch, sequence });
        let ack = Ack { records: records.collect() };
        let mut bytes = Vec::new();
        ack.write(&mut bytes);
        Ack::parse(&bytes) == Ok(ack)
    }

    fn alerts_round_trip(level: u8, description: u8) -> bool {
        let alert = Alert { level: level.into(), description: description.into() };
        Alert::parse(&alert.to_bytes()) == Ok(alert)
    }
}

#[test]
fn a_record_must_be_there_in_full() {
    let mut bytes = vec![23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, 0, 3, 1, 2, 3];
    assert_eq!(record::split(&bytes).map(|h| h.sequence), Ok(5));
    bytes.pop();
    assert_eq!(record::split(&bytes), Err(ParseError::Truncated));
    assert_eq!(record::split(&bytes[..RECORD_HEADER_LEN - 1]), Err(ParseError::Truncated));
    bytes[11] = 0xff;
    assert_eq!(record::split(&bytes), Err(ParseError::BadLength));
}

#[test]
fn a_unified_record_goes_to_the_datagram_s_end_or_to_its_length() {
    let split = |bytes: &[u8]| Header::split(bytes, 0).map(|(_, len)| len);
    assert_eq!(split(&[0b0010_1110, 1, 2, 0, 2, 7, 7, 9]), Ok(7));
    assert_eq!(split(&[0b0010_1110, 1, 2, 0, 3, 7, 7]), Err(ParseError::Truncated));
    assert_eq!(split(&[0b0010_1010, 1, 2, 7, 7, 7]), Ok(6));
    assert_eq!(split(&[0b0010_0010, 1, 7, 7]), Ok(4));
    assert_eq!(split(&[0b0010_1110, 1]), Err(ParseError::Truncated));
    assert_eq!(split(&[]), Err(ParseError::Truncated));
    let split = |bytes: &[u8]| Header::split(bytes, 3).map(|(_, len)| len);
    assert_eq!(split(&[0b0011_1110, 9, 9, 9, 1, 2, 0, 2, 7, 7, 9]), Ok(10));
    assert_eq!(split(&[0b0010_1110, 1, 2, 0, 2, 7, 7, 9]), Ok(7));
    assert_eq!(split(&[0b0011_1110, 9, 9]), Err(ParseError::Truncated));
}

#[test]
fn a_fragment_never_goes_beyond_its_message() {
    // Length 4, offset 3, two bytes.
    let bytes = [1, 0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 2, 9, 9];
    assert_eq!(Fragment::parse(&mut Reader::new(&bytes)), Err(ParseError::BadLength));
}

#[test]
fn a_repeated_extension_is_refused() {
    let bytes = [0, 8, 0, 23, 0, 0, 0, 23, 0, 0];
    let parsed = Extensions::parse(&mut Reader::new(&bytes), Place::ClientHello);
    assert_eq!(parsed, Err(ParseError::BadValue("a repeated extension")));
}

#[test]
fn a_cookie_that_ends_early_is_refused() {
    assert_eq!(HelloVerifyRequest::parse(&[0xfe, 0xff, 20, 1, 2]), Err(ParseError::Truncated));
    assert_eq!(HelloVerifyRequest::parse(&[0xfe]), Err(ParseError::Truncated));
}

#[test]
fn attack_18_an_endless_chain_is_refused() {
    let chain = vec![vec![0x30]; message12::MAX_CHAIN + 1];
    let mut bytes = Vec::new();
    message12::Certificate { chain }.write(&mut bytes);
    assert_eq!(message12::Certificate::parse(&bytes), Err(ParseError::TooMany("certificates")));
}

#[test]
fn attack_18_an_endless_chain_of_1_3_is_refused() {
    let entry = || CertificateEntry { der: vec![0x30], extensions: Extensions::default() };
    let chain = (0..=message12::MAX_CHAIN).map(|_| entry()).collect();
    let mut bytes = Vec::new();
    message13::Certificate { context: Vec::new(), chain }.write(&mut bytes);
    assert_eq!(message13::Certificate::parse(&bytes), Err(ParseError::TooMany("certificates")));
}
