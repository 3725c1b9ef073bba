//! Vectors, round trips and hostile bytes.

use super::{Family, Message, Question, Record, write_query, write_response};
use data_encoding::HEXLOWER;
use quickcheck::quickcheck;
use std::net::IpAddr;

const NAME: &str = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";

fn record(ip: IpAddr) -> Record {
    Record { name: NAME.to_owned(), ip, ttl: 120 }
}

#[test]
fn a_query_has_the_bytes_that_responders_expect() {
    let mut out = vec![9];
    assert_eq!(write_query("a.local", true, &mut out), Some(38));
    let wanted = "000000000002000000000000\
                  0161056c6f63616c0000018001\
                  0161056c6f63616c00001c8001";
    assert_eq!(HEXLOWER.encode(&out[1..]), wanted);
    let question = |family| Question { name: "a.local".to_owned(), family, unicast: true };
    let questions = vec![question(Family::V4), question(Family::V6)];
    assert_eq!(Message::parse(&out[1..]), Ok(Message::Query { id: 0, questions, known: Vec::new() }));
}

#[test]
fn compressed_names_in_any_case_and_other_records_are_read() {
    // A response: one PTR record, one A record whose name points into it, class with the cache-flush bit.
    let mut bytes = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    bytes.extend_from_slice(b"\x01A\x05LOCAL\x00\x00\x0c\x00\x01\x00\x00\x00\x78\x00\x02\xc0\x0c");
    bytes.extend_from_slice(b"\xc0\x0c\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\xc0\x00\x02\x01");
    let wanted = Record { name: "a.local".to_owned(), ip: [192, 0, 2, 1].into(), ttl: 120 };
    assert_eq!(Message::parse(&bytes), Ok(Message::Response(vec![wanted])));
}

#[test]
fn what_could_go_on_for_ever_ends() {
    let header = |questions| vec![0, 0, 0, 0, 0, questions, 0, 0, 0, 0, 0, 0];
    // A name that points to itself, one that points into the header, one without an end.
    for tail in [
        &b"\xc0\x0c\x00\x01\x00\x01"[..],
        b"\xc0\x02\x00\x01\x00\x01",
        &[b"\x3f".as_slice(), &[b'a'; 63]].concat(),
    ] {
        let mut bytes = header(1);
        bytes.extend_from_slice(tail);
        assert!(Message::parse(&bytes).is_err());
    }
    let mut long = header(1);
    for _ in 0..5 {
        long.push(63);
        long.extend_from_slice(&[b'a'; 63]);
    }
    long.extend_from_slice(&[0, 0, 1, 0, 1]);
    assert!(Message::parse(&long).is_err());
    assert!(Message::parse(&[0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0]).is_err());
}

#[test]
fn names_that_cannot_be_written_are_not() {
    for name in ["", "a..local", ".local", "\u{e9}.local", &"a".repeat(64), &["a"; 200].join(".")] {
        let mut out = vec![1];
        assert_eq!(write_query(name, false, &mut out), None, "{name}");
        assert_eq!(out, [1]);
    }
}

quickcheck! {
    fn responses_go_both_ways(ip: IpAddr, ttl: u32, id: Option<u16>) -> bool {
        let mut out = Vec::new();
        let record = Record { ttl, ..record(ip) };
        let size = write_response(&record, id.map(|id| (id, Family::V4)), &mut out);
        size == Some(out.len()) && Message::parse(&out) == Ok(Message::Response(vec![record]))
    }

    fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>, header: bool, questions: u8, answers: u8) -> bool {
        let mut message = bytes;
        if header {
            message.splice(0..0, [0, 0, 0x84, 0, 0, questions % 8, 0, answers % 8, 0, 0, 0, 0]);
        }
        match Message::parse(&message) {
            Ok(Message::Query { questions, known, .. }) => questions.len() + known.len() <= message.len(),
            Ok(Message::Response(records)) => records.len() <= message.len(),
            Err(_) => true,
        }
    }
}
