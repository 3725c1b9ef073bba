use crate::base::seq::{Serial16, Serial32};
use crate::wire::cursor::ParseError;
use crate::wire::sctp::cause::{CauseCode, Causes, put_cause};
use crate::wire::sctp::chunk::{Chunk, Init, UnknownAction};
use crate::wire::sctp::data::{Data, DataFlags, IData, put_nr_sack, put_sack};
use crate::wire::sctp::param::{ParamType, Params, put_param};
use crate::wire::sctp::reconfig::{Reconfig, ReconfigResult, StreamList};
use crate::wire::sctp::{HEADER_LEN, Header, Packet, fill_checksum, has_valid_checksum, put_chunk};
use quickcheck::{TestResult, quickcheck};

const HEADER: Header = Header { source_port: 5000, destination_port: 5001, verification_tag: 0x0102_0304 };

fn packet(chunks: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    HEADER.write(&mut out);
    out.extend_from_slice(chunks);
    out
}

fn chunks(packet: &[u8]) -> Vec<Result<Chunk<'_>, ParseError>> {
    Packet::parse(packet).unwrap().chunks().collect()
}

/// RFC 9260 has no packet vector; this is the CRC-32C of RFC 3720 appendix B.4 (32 bytes of zeros, 0x8a9136aa) and of
/// "123456789" (0xe3069283), laid over our header.
#[test]
fn the_checksum_is_crc32c_with_its_low_byte_first() {
    assert_eq!(crc_fast::crc32_iscsi(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc_fast::crc32_iscsi(b"123456789"), 0xe306_9283);
    let mut zeros = vec![0; 32];
    fill_checksum(&mut zeros, 0);
    assert_eq!(zeros[8..12], [0xaa, 0x36, 0x91, 0x8a]);
    assert!(has_valid_checksum(&mut zeros.clone()));
    zeros[20] ^= 1;
    assert!(!has_valid_checksum(&mut zeros));
    assert!(!has_valid_checksum(&mut zeros[..11]));
}

#[test]
fn a_packet_of_two_chunks_has_these_bytes() {
    let mut out = packet(&[]);
    put_chunk(&mut out, 3, 0, |out| {
        put_sack(out, Serial32(9), 0x1_0000, [(2, 3)].into_iter(), &[Serial32(8)]);
    });
    let flags = DataFlags::BEGIN.with(DataFlags::END).with(DataFlags::IMMEDIATE);
    let data =
        Data { flags, tsn: Serial32(0x0a0b_0c0d), stream: 2, ssn: Serial16(7), ppid: 51, payload: b"hello" };
    data.write(&mut out);
    #[rustfmt::skip]
    assert_eq!(out[HEADER_LEN..], [
        3, 0, 0, 24, 0, 0, 0, 9, 0, 1, 0, 0, 0, 1, 0, 1, 0, 2, 0, 3, 0, 0, 0, 8,
        0, 0x0b, 0, 21, 10, 11, 12, 13, 0, 2, 0, 7, 0, 0, 0, 51, b'h', b'e', b'l', b'l', b'o', 0, 0, 0,
    ]);
    let parsed = chunks(&out);
    let Ok(Chunk::Sack(sack)) = &parsed[0] else { panic!("{parsed:?}") };
    assert_eq!((sack.cumulative, sack.window), (Serial32(9), 0x1_0000));
    assert_eq!(sack.gaps().collect::<Vec<_>>(), [(2, 3)]);
    assert_eq!(sack.duplicates().collect::<Vec<_>>(), [Serial32(8)]);
    assert_eq!(parsed[1], Ok(Chunk::Data(data)));
    assert_eq!(parsed.len(), 2);
}

#[test]
fn init_parameters_are_found() {
    let mut params = Vec::new();
    put_param(&mut params, ParamType::SupportedExtensions, &[130, 192, 64]);
    put_param(&mut params, ParamType::ForwardTsnSupported, &[]);
    let init = Chunk::Init(Init {
        tag: 7,
        window: 100_000,
        outbound_streams: 65_535,
        inbound_streams: 1_024,
        initial_tsn: Serial32(u32::MAX),
        params: Params::new(&params),
    });
    let mut out = packet(&[]);
    init.write(&mut out);
    let parsed = chunks(&out);
    assert_eq!(parsed, [Ok(init)]);
    let Ok(Chunk::Init(init)) = &parsed[0] else { unreachable!() };
    assert_eq!(init.params.find(ParamType::SupportedExtensions).unwrap().value, [130, 192, 64]);
    assert!(init.params.find(ParamType::ForwardTsnSupported).is_some());
    assert!(init.params.find(ParamType::ZeroChecksum).is_none());
}

#[test]
fn re_configuration_round_trips() {
    let (request, response, last_tsn) = (Serial32(1), Serial32(2), Serial32(3));
    let streams = StreamList::parse(&[0, 1, 0, 5, 0, 9]).unwrap();
    let all = [
        Reconfig::OutgoingReset { request, response, last_tsn, streams },
        Reconfig::IncomingReset { request, streams },
        Reconfig::SsnTsnReset { request },
        Reconfig::Response { request, result: ReconfigResult::InProgress },
        Reconfig::AddOutgoing { request, count: 9 },
        Reconfig::AddIncoming { request, count: 65_535 },
    ];
    let mut params = Vec::new();
    all.iter().for_each(|value| value.write(&mut params));
    let back = Params::new(&params).iter().map(|param| Reconfig::parse(&param.unwrap()).unwrap().unwrap());
    assert_eq!(back.collect::<Vec<_>>(), all);
    assert_eq!(streams.iter().collect::<Vec<_>>(), [1, 5, 9]);
}

#[test]
fn causes_round_trip() {
    let mut bytes = Vec::new();
    put_cause(&mut bytes, CauseCode::UserAbort, b"bye");
    put_cause(&mut bytes, CauseCode::Unknown(99), b"");
    let causes = Causes::new(&bytes);
    assert_eq!(causes.first_code(), Some(CauseCode::UserAbort));
    let codes: Vec<_> = causes.iter().map(|cause| cause.unwrap()).map(|c| (c.code, c.value)).collect();
    assert_eq!(codes, [(CauseCode::UserAbort, &b"bye"[..]), (CauseCode::Unknown(99), b"")]);
}

#[test]
fn high_bits_say_what_to_do_with_the_unknown() {
    assert_eq!(UnknownAction::of_chunk(0x3f), UnknownAction { skip: false, report: false });
    assert_eq!(UnknownAction::of_chunk(0x7f), UnknownAction { skip: false, report: true });
    assert_eq!(UnknownAction::of_param(0x8fff), UnknownAction { skip: true, report: false });
    assert_eq!(UnknownAction::of_param(0xcfff), UnknownAction { skip: true, report: true });
}

#[test]
fn attack_20_chunk_lengths_zero_or_past_the_end() {
    for len in [0u8, 1, 2, 3, 17, 255] {
        let bytes = packet(&[14, 0, 0, 4, 0, 3, 0, len, 1, 2, 3, 4]);
        let parsed = chunks(&bytes);
        assert_eq!(parsed[0], Ok(Chunk::ShutdownComplete { reflected: false }));
        assert_eq!(parsed[1..], [Err(ParseError::BadLength)], "{len}");
    }
    assert_eq!(chunks(&packet(&[0, 3, 0])), [Err(ParseError::Truncated)]);
    // A DATA chunk too short for its own header.
    assert_eq!(
        chunks(&packet(&[0, 3, 0, 15, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])),
        [Err(ParseError::Truncated)]
    );
}

#[test]
fn attack_21_init_parameter_crosses_the_end_of_its_chunk() {
    // The parameter claims 8 bytes where the chunk has 6; a second chunk follows, which must not be read into.
    let mut bytes = packet(&[1, 0, 0, 26]);
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&[0x80, 8, 0, 8, 1, 2, 0, 0]);
    bytes.extend_from_slice(&[14, 0, 0, 4]);
    let parsed = chunks(&bytes);
    let Ok(Chunk::Init(init)) = &parsed[0] else { panic!("{parsed:?}") };
    assert_eq!(init.params.iter().collect::<Vec<_>>(), [Err(ParseError::BadLength)]);
    assert_eq!(parsed[1], Ok(Chunk::ShutdownComplete { reflected: false }));
}

/// The layout of draft-natarajan-tsvwg-sctp-nrsack §4: blocks that could be taken back come first, and count as nothing.
#[test]
fn an_nr_sack_has_these_bytes() {
    let mut out = packet(&[]);
    put_chunk(&mut out, 16, 0, |out| put_nr_sack(out, Serial32(9), 0x1_0000, [(2, 3)].into_iter()));
    #[rustfmt::skip]
    assert_eq!(out[HEADER_LEN..], [16, 0, 0, 24, 0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 3]);
    #[rustfmt::skip]
    let other = packet(&[
        16, 0, 0, 32, 0, 0, 0, 9, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 5, 0, 6, 0, 2, 0, 3, 0, 0, 0, 7,
    ]);
    for packet in [&out, &other] {
        let parsed = chunks(packet);
        let Ok(Chunk::NrSack(sack)) = &parsed[0] else { panic!("{parsed:?}") };
        assert_eq!((sack.cumulative, sack.window), (Serial32(9), 0x1_0000));
        assert_eq!(sack.gaps().collect::<Vec<_>>(), [(2, 3)]);
    }
    let cut = &other[..other.len() - 4];
    let mut short = cut.to_vec();
    short[HEADER_LEN + 3] = 28;
    assert!(chunks(&short)[0].is_err());
}

#[test]
fn attack_22_sack_counts_beyond_the_chunk() {
    let mut bytes = packet(&[3, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1]);
    bytes.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 1, 0, 2]);
    assert_eq!(chunks(&bytes), [Err(ParseError::Truncated)]);
}

quickcheck! {
    fn any_bytes_do_not_panic(bytes: Vec<u8>) -> bool {
        walk(&bytes);
        walk(&packet(&bytes));
        true
    }

    fn every_type_survives_any_value(ty: u8, flags: u8, value: Vec<u8>) -> TestResult {
        let Ok(chunk) = Chunk::parse(ty.into(), flags, &value) else { return TestResult::discard() };
        let mut once = packet(&[]);
        chunk.write(&mut once);
        walk(&once);
        let mut parsed = Packet::parse(&once).unwrap().chunks();
        let again = parsed.next().unwrap().unwrap();
        TestResult::from_bool(again == chunk && parsed.next().is_none())
    }

    fn i_data_round_trips(flags: u8, tsn: u32, stream: u16, mid: u32, fsn: u32) -> bool {
        let payload = b"some payload";
        let (flags, tsn, mid) = (DataFlags::from_bits(flags), Serial32(tsn), Serial32(mid));
        let data = IData { flags, tsn, stream, mid, ppid_or_fsn: fsn, payload };
        let mut out = packet(&[]);
        data.write(&mut out);
        chunks(&out) == [Ok(Chunk::IData(data))]
    }

    fn a_checksum_fits_what_was_written(bytes: Vec<u8>) -> bool {
        let mut out = packet(&bytes);
        fill_checksum(&mut out, 0);
        Packet::parse(&out).unwrap().header == HEADER && has_valid_checksum(&mut out)
    }
}

/// Reads everything that can be read.
fn walk(bytes: &[u8]) {
    let Ok(packet) = Packet::parse(bytes) else { return };
    let _ = has_valid_checksum(&mut bytes.to_vec());
    for chunk in packet.chunks() {
        match chunk {
            Ok(Chunk::Sack(sack) | Chunk::NrSack(sack)) => {
                let _ = (sack.gaps().count(), sack.duplicates().count());
            }
            Ok(Chunk::Init(init) | Chunk::InitAck(init)) => walk_params(init.params),
            Ok(Chunk::Reconfig(params) | Chunk::Heartbeat(params)) => walk_params(params),
            Ok(Chunk::Abort { causes, .. } | Chunk::Error(causes)) => {
                causes.iter().count();
            }
            Ok(Chunk::ForwardTsn(forward)) => {
                forward.skipped().count();
            }
            Ok(Chunk::IForwardTsn(forward)) => {
                forward.skipped().count();
            }
            _ => (),
        }
    }
}

fn walk_params(params: Params<'_>) {
    for param in params.iter().flatten() {
        if let Ok(Some(Reconfig::OutgoingReset { streams, .. })) = Reconfig::parse(&param) {
            streams.iter().count();
        }
    }
}
