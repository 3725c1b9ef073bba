//! Names on one link: two that look for each other, and those who would abuse them.

use super::{MAX_ANSWERS, MAX_QUERIES, Mdns, is_candidate_name, uuid};
use crate::base::drops::{DropReason, Drops};
use crate::base::net::{LocalAddress, Path, SocketId};
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::wire::candidate::Candidate;
use crate::wire::mdns::{GROUP_V4, Message, Record, write_query, write_response};
use quickcheck::quickcheck;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const NOW: Instant = Instant::from_millis(1_000);
const NAME: &str = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";

fn socket(text: &str) -> LocalAddress {
    LocalAddress::udp(SocketId(5), text.parse().unwrap())
}

fn joined(seed: u64) -> Mdns {
    let mut mdns = Mdns::new(Rng::from_number(seed));
    assert!(mdns.need_group() && !mdns.need_group());
    mdns.joined(NOW, vec![socket("192.168.0.1:5353")]);
    mdns
}

fn candidate(name: &str) -> Candidate {
    format!("1 1 udp 1 {name} 5000 typ host").parse().unwrap()
}

fn sent(mdns: &mut Mdns) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut all = Vec::new();
    let mut out = Vec::new();
    while let Some(transmit) = mdns.poll_transmit(&mut out) {
        assert_eq!(transmit.size, out.len());
        all.push((transmit.path.remote, std::mem::take(&mut out)));
    }
    all
}

fn from(text: &str) -> Path {
    socket("192.168.0.1:5353").to(text.parse().unwrap())
}

fn response(name: &str, ip: &str, ttl: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let record = Record { name: name.to_owned(), ip: ip.parse().unwrap(), ttl };
    write_response(&record, None, &mut out).unwrap();
    out
}

#[test]
fn two_on_a_link_find_each_other() {
    let (mut asker, mut owner) = (joined(1), joined(2));
    let (mut drops, ip) = (Drops::default(), IpAddr::from([192, 168, 0, 7]));
    let name = owner.name_of(ip);
    assert!(is_candidate_name(&name) && name == owner.name_of(ip));
    asker.resolve(NOW, &name.to_uppercase(), candidate(&name), &mut drops);
    let [(to, query)] = &sent(&mut asker)[..] else { panic!() };
    assert_eq!(*to, GROUP_V4);
    // The first answer goes to the asker alone.
    owner.handle_datagram(NOW, from("192.168.0.9:5353"), query, &mut drops);
    let [(to, answer)] = &sent(&mut owner)[..] else { panic!() };
    assert_eq!(*to, "192.168.0.9:5353".parse().unwrap());
    asker.handle_datagram(NOW, from("192.168.0.7:5353"), answer, &mut drops);
    assert_eq!(asker.poll_found(), Some((candidate(&name), ip)));
    assert_eq!(asker.poll_timeout(), None);
    // It is remembered.
    asker.resolve(NOW, &name, candidate(&name), &mut drops);
    assert!(asker.poll_found().is_some() && sent(&mut asker).is_empty());
    assert_eq!(drops.total(), 0);
    // An address that is gone has no name.
    owner.forget_ip(ip);
    owner.handle_datagram(NOW, from("192.168.0.9:5353"), query, &mut drops);
    assert!(sent(&mut owner).is_empty());
}

#[test]
fn a_name_that_nobody_answers_for_is_given_up() {
    let mut mdns = joined(3);
    mdns.resolve(NOW, NAME, candidate(NAME), &mut Drops::default());
    let mut times = vec![];
    let mut now = NOW;
    loop {
        times.extend(sent(&mut mdns).iter().map(|_| (now - NOW).as_secs()));
        let Some(at) = mdns.poll_timeout() else { break };
        now = at;
        mdns.handle_timeout(now);
    }
    assert_eq!(times, [0, 1, 3, 7]);
}

#[test]
fn without_the_group_nothing_is_found_and_nothing_waits() {
    let mut mdns = Mdns::new(Rng::from_number(4));
    mdns.need_group();
    mdns.resolve(NOW, NAME, candidate(NAME), &mut Drops::default());
    assert!(sent(&mut mdns).is_empty() && mdns.poll_timeout().is_none());
    mdns.joined(NOW, Vec::new());
    assert!(mdns.queries.is_empty() && mdns.poll_timeout().is_none());
}

#[test]
fn attack_37_names_that_never_resolve_are_few() {
    let (mut mdns, mut drops) = (joined(5), Drops::default());
    for n in 0..1_000_u128 {
        let name = format!("{}.local", uuid(n.to_be_bytes()));
        mdns.resolve(NOW, &name, candidate(&name), &mut drops);
    }
    assert_eq!(sent(&mut mdns).len(), MAX_QUERIES);
    assert_eq!(drops.of(DropReason::IceTooManyCandidates), 1_000 - MAX_QUERIES as u64);
    for odd in
        ["example.local", "local", "a.b.local", "1f4712db-ea17-4bcf-a596-105139dfd8bf.com", "\u{e9}.local"]
    {
        assert!(!is_candidate_name(odd), "{odd}");
    }
}

#[test]
fn attack_38_answers_are_few_near_and_not_for_strangers() {
    let (mut mdns, mut drops) = (joined(6), Drops::default());
    let name = mdns.name_of([192, 168, 0, 7].into());
    let query = |unicast| {
        let mut out = Vec::new();
        write_query(&name, unicast, &mut out).unwrap();
        out
    };
    // Multicast once a second, however often it is asked for.
    for _ in 0..100 {
        mdns.handle_datagram(NOW, from("192.168.0.9:5353"), &query(false), &mut drops);
    }
    assert_eq!(sent(&mut mdns).len(), 1);
    mdns.handle_datagram(NOW + Duration::from_secs(1), from("192.168.0.9:5353"), &query(false), &mut drops);
    assert_eq!(sent(&mut mdns).len(), 1);
    // To an asker from far away never, to one nearby a few.
    for port in [5353, 999] {
        mdns.handle_datagram(NOW, from(&format!("198.51.100.1:{port}")), &query(true), &mut drops);
    }
    assert!(sent(&mut mdns).is_empty());
    for _ in 0..100 {
        mdns.handle_datagram(NOW, from("192.168.0.9:999"), &query(true), &mut drops);
        let answers = sent(&mut mdns);
        assert!(answers.iter().all(|(_, answer)| matches!(
            Message::parse(answer), Ok(Message::Response(records)) if records[0].ttl == 10)));
    }
    assert!(mdns.unicast.1 > MAX_ANSWERS);
}

#[test]
fn a_response_has_to_be_one_and_to_be_clear() {
    let (mut mdns, mut drops) = (joined(7), Drops::default());
    mdns.resolve(NOW, NAME, candidate(NAME), &mut drops);
    mdns.handle_datagram(NOW, from("192.168.0.9:999"), &response(NAME, "192.168.0.9", 120), &mut drops);
    mdns.handle_datagram(NOW, from("192.168.0.9:5353"), &response(NAME, "192.168.0.9", 0), &mut drops);
    mdns.handle_datagram(NOW, from("192.168.0.9:5353"), b"nonsense", &mut drops);
    assert_eq!(drops.of(DropReason::MdnsMalformed), 2);
    assert_eq!(mdns.poll_found(), None);
    // Two addresses at once.
    let mut two = response(NAME, "192.168.0.9", 120);
    let more = response(NAME, "192.168.0.10", 120);
    two.extend_from_slice(&more[12..]);
    two[7] = 2;
    mdns.handle_datagram(NOW, from("192.168.0.9:5353"), &two, &mut drops);
    assert_eq!((mdns.poll_found(), mdns.queries.len()), (None, 0));
}

quickcheck! {
    fn arbitrary_datagrams_do_no_harm(datagrams: Vec<Vec<u8>>) -> bool {
        let (mut mdns, mut drops) = (joined(8), Drops::default());
        mdns.resolve(NOW, NAME, candidate(NAME), &mut drops);
        for datagram in &datagrams {
            mdns.handle_datagram(NOW, from("192.168.0.9:5353"), datagram, &mut drops);
        }
        mdns.outbox.len() <= MAX_ANSWERS + 1
    }
}
