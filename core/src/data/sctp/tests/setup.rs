use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::data::sctp::config::Config;
use crate::data::sctp::event::{CloseReason, Event};
use crate::data::sctp::tests::{Link, MTU, Net, association, pattern};
use crate::wire::sctp::chunk::{Chunk, ChunkType};
use crate::wire::sctp::{Packet, has_valid_checksum};
use bytes::Bytes;
use std::time::Duration;

fn types(packet: &[u8]) -> Vec<ChunkType> {
    Packet::parse(packet).unwrap().chunks().map(|chunk| chunk.unwrap().ty()).collect()
}

#[test]
fn crossing_inits_make_one_association() {
    let mut net = Net::connected(Link::default());
    net.run(2_000);
    for end in 0..2 {
        assert_eq!(net.events[end], [Event::Connected]);
        assert_eq!(net.ends[end].drops().total(), 0);
        assert_eq!(net.ends[end].inbound_streams(), 65_535);
    }
}

#[test]
fn an_end_that_begins_late_is_waited_for() {
    let mut net = Net::new(Link::default());
    net.ends[0].connect(net.now);
    net.run(300);
    net.ends[1].connect(net.now);
    assert!(net.run_until(5_000, |net| net.ends.iter().all(super::Association::is_up)));
}

#[test]
fn the_handshake_survives_loss_reordering_and_duplication() {
    for seed in 0..60 {
        let link = Link { loss: 0.3, ..Link::wild() };
        let mut net = Net::with(link, [Config::default(), Config::default()], seed);
        net.connect();
        net.send(0, 1, pattern(100, 1));
        net.send(1, 1, pattern(100, 2));
        assert!(
            net.run_until(120_000, |net| net.message_count(0) == 1 && net.message_count(1) == 1),
            "{seed}"
        );
    }
}

#[test]
fn data_travels_with_the_cookie() {
    let mut net = Net::new(Link::default());
    net.send(0, 1, Bytes::from_static(b"early"));
    net.send(1, 1, Bytes::from_static(b"early too"));
    net.connect();
    assert!(net.run_until(25, |net| net.message_count(0) == 1 && net.message_count(1) == 1));
    let echo = net.log[0].iter().find(|p| types(p)[0] == ChunkType::CookieEcho).unwrap();
    assert_eq!(types(echo), [ChunkType::CookieEcho, ChunkType::IData]);
}

#[test]
fn nothing_follows_the_cookie_until_it_is_acknowledged() {
    let (mut a, mut b) = (association(Config::default(), 1), association(Config::default(), 2));
    let (now, mut out) = (Instant::from_millis(1), Vec::new());
    (0..20).for_each(|n| a.send(now, 0, 53, pattern(1_000, n), Default::default()).unwrap());
    a.connect(now);
    b.connect(now);
    a.poll_transmit(now, MTU, &mut out).unwrap();
    b.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    // b's own INIT had not left, and need not: a's does its work.
    b.poll_transmit(now, MTU, &mut out).unwrap();
    assert_eq!(types(&out), [ChunkType::InitAck]);
    a.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    a.poll_transmit(now, MTU, &mut out).unwrap();
    assert_eq!(types(&out), [ChunkType::CookieEcho, ChunkType::IData]);
    assert_eq!(a.poll_transmit(now, MTU, &mut Vec::new()), None);
}

/// What came with a COOKIE ACK that was lost, or behind it, was discarded: it goes with the next one.
#[test]
fn a_lost_cookie_ack_is_repeated_with_its_data() {
    let (mut a, mut b) = (association(Config::default(), 1), association(Config::default(), 2));
    let (mut now, mut out) = (Instant::from_millis(1), Vec::new());
    a.connect(now);
    b.connect(now);
    b.send(now, 0, 53, pattern(100, 1), Default::default()).unwrap();
    a.poll_transmit(now, MTU, &mut out).unwrap();
    b.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    b.poll_transmit(now, MTU, &mut out).unwrap();
    a.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    a.poll_transmit(now, MTU, &mut out).unwrap();
    b.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    b.poll_transmit(now, MTU, &mut out).unwrap();
    assert_eq!(types(&out), [ChunkType::CookieAck, ChunkType::IData]);
    now = a.poll_timeout().unwrap();
    a.handle_timeout(now);
    // Twice, since one was lost.
    for _ in 0..2 {
        out.clear();
        a.poll_transmit(now, MTU, &mut out).unwrap();
        assert_eq!(types(&out), [ChunkType::CookieEcho]);
    }
    b.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    b.poll_transmit(now, MTU, &mut out).unwrap();
    assert_eq!(types(&out), [ChunkType::CookieAck, ChunkType::IData]);
    a.handle_packet(now, Bytes::from(std::mem::take(&mut out)).into());
    assert_eq!(a.poll_event(), Some(Event::Connected));
    assert!(matches!(a.poll_event(), Some(Event::Message { .. })));
}

#[test]
fn a_peer_that_never_answers_is_given_up() {
    let mut a = association(Config { max_init_retransmissions: 3, ..Config::default() }, 1);
    a.connect(Instant::ZERO);
    let mut inits = 0;
    while let Some(at) = a.poll_timeout() {
        inits += usize::from(a.poll_transmit(at, MTU, &mut Vec::new()).is_some());
        a.handle_timeout(at);
    }
    assert_eq!(inits, 4);
    assert_eq!(a.poll_event(), Some(Event::Closed(CloseReason::Timeout)));
}

#[test]
fn checksums_are_left_out_when_both_ends_agree() {
    for (agree, config) in
        [(true, Config::default()), (false, Config { zero_checksum: false, ..Config::default() })]
    {
        let mut net = Net::with(Link::default(), [Config::default(), config], 3);
        net.connect();
        net.send(0, 1, pattern(3_000, 1));
        net.run(1_000);
        assert_eq!(net.message_count(1), 1);
        for packet in net.log.iter().flatten() {
            let (parsed, types) = (Packet::parse(packet).unwrap(), types(packet));
            let setup = [ChunkType::Init, ChunkType::CookieEcho].contains(&types[0]);
            assert!(has_valid_checksum(&mut packet.to_vec()) || agree && !setup, "{types:?}");
            assert!(!agree || types[0] != ChunkType::IData || parsed.has_zero_checksum());
        }
        assert_eq!(net.ends[0].drops().total() + net.ends[1].drops().total(), 0);
    }
}

#[test]
fn shutdown_delivers_everything_first() {
    for link in [Link::default(), Link::wild()] {
        let mut net = Net::connected(link);
        net.send(0, 1, pattern(200_000, 1));
        net.ends[0].shutdown(net.now);
        let closed =
            |net: &Net, end: usize| net.events[end].last() == Some(&Event::Closed(CloseReason::Shutdown));
        assert!(net.run_until(120_000, |net| closed(net, 0) && closed(net, 1)), "{:?}", net.ends);
        assert_eq!(net.messages(1), [(1, pattern(200_000, 1))]);
        assert_eq!(net.ends[0].poll_timeout(), None);
    }
}

#[test]
fn both_may_shut_down_at_once() {
    let mut net = Net::connected(Link::default());
    let now = net.now;
    net.ends.iter_mut().for_each(|end| end.shutdown(now));
    net.run(5_000);
    for end in 0..2 {
        assert_eq!(net.events[end].last(), Some(&Event::Closed(CloseReason::Shutdown)));
    }
}

#[test]
fn abort_ends_both() {
    let mut net = Net::connected(Link::default());
    net.ends[0].abort();
    net.run(100);
    assert_eq!(net.events[0].last(), Some(&Event::Closed(CloseReason::LocalAbort)));
    assert_eq!(net.events[1].last(), Some(&Event::Closed(CloseReason::PeerAbort(Some(12)))));
    assert!(net.ends.iter().all(|end| end.poll_timeout().is_none()));
}

#[test]
fn a_peer_that_lost_its_state_begins_anew() {
    let mut net = Net::connected(Link::default());
    net.send(0, 1, pattern(100, 1));
    net.run(500);
    net.ends[1] = association(Config::default(), 77);
    net.events[1].clear();
    net.ends[1].connect(net.now);
    assert!(net.run_until(5_000, |net| net.ends[1].is_up()));
    net.run(100);
    assert_eq!(net.events[0].last(), Some(&Event::Restarted));
    net.send(0, 1, pattern(100, 2));
    net.send(1, 1, pattern(100, 3));
    net.run(500);
    assert_eq!(net.messages(1), [(1, pattern(100, 2))]);
    assert_eq!(net.messages(0), [(1, pattern(100, 3))]);
}

#[test]
fn a_cookie_that_is_too_old_is_refused_and_a_new_one_asked_for() {
    let mut net = Net::new(Link { delay: Duration::from_millis(400), ..Link::default() });
    net.ends[1] = association(Config { cookie_lifetime: Duration::from_millis(100), ..Config::default() }, 9);
    net.ends.iter_mut().for_each(|end| end.connect(net.now));
    // Only a's handshake goes on: b's own INIT is not answered.
    net.run(3_000);
    assert!(net.ends[1].drops().of(DropReason::SctpCookie) <= 5);
    assert!(net.ends.iter().all(super::Association::is_up), "{:?}", net.ends);
}

#[test]
fn heartbeats_keep_an_idle_association_and_find_a_dead_one() {
    let config = Config {
        heartbeat_interval: Some(Duration::from_secs(5)),
        max_retransmissions: 3,
        ..Config::default()
    };
    let mut net = Net::with(Link::default(), [config.clone(), config], 1);
    net.connect();
    net.run(60_000);
    assert!(net.ends.iter().all(super::Association::is_up));
    assert!(net.ends[0].stats().srtt.is_some());
    net.link.loss = 1.0;
    net.run(120_000);
    assert_eq!(net.events[0].last(), Some(&Event::Closed(CloseReason::Timeout)));
}

#[test]
fn what_was_queued_for_streams_that_the_peer_lacks_is_dropped() {
    let few = Config { streams: 4, ..Config::default() };
    let mut net = Net::with(Link::default(), [Config::default(), few], 1);
    net.send(0, 3, pattern(100, 1));
    net.send(0, 4, pattern(100, 2));
    net.connect();
    net.run(1_000);
    assert_eq!(net.messages(1), [(3, pattern(100, 1))]);
    assert_eq!((net.ends[0].outbound_streams(), net.ends[1].inbound_streams()), (4, 4));
    assert_eq!(net.ends[0].stats().queued_bytes, 0);
    assert_eq!(net.ends[1].drops().total(), 0);
}

#[test]
fn an_idle_association_asks_for_nothing() {
    let mut net = Net::connected(Link::default());
    net.send(0, 1, pattern(100, 1));
    net.run(5_000);
    assert_eq!(net.ends[0].poll_timeout(), None);
    assert_eq!(net.ends[1].poll_timeout(), None);
}

#[test]
fn unknown_chunks_are_skipped_or_reported_as_their_type_says() {
    let mut net = Net::connected(Link::default());
    net.run(100);
    let tag = net.ends[1].local.tag;
    let known = Chunk::Heartbeat(Default::default());
    for (ty, goes_on, reported) in
        [(0x3e, false, false), (0x7e, false, true), (0xbe, true, false), (0xfe, true, true)]
    {
        net.log[1].clear();
        let mut packet = net.ends[0].packet_of(tag, &Chunk::Unknown { ty, flags: 0, value: b"?" });
        known.write(&mut packet);
        crate::wire::sctp::fill_checksum(
            {
                packet[8..12].fill(0);
                &mut packet
            },
            0,
        );
        net.ends[1].handle_packet(net.now, packet.as_slice().into());
        net.flush();
        let answers: Vec<_> = net.log[1].iter().flat_map(|packet| types(packet)).collect();
        assert_eq!(answers.contains(&ChunkType::HeartbeatAck), goes_on, "{ty:x}");
        assert_eq!(answers.contains(&ChunkType::Error), reported, "{ty:x}");
    }
}

#[test]
fn streams_cost_nothing_until_they_are_used() {
    let mut net = Net::connected(Link::default());
    let cost = |net: &Net, end: usize| {
        net.ends[end].outbox.heap_of_streams() + net.ends[end].inbox.heap_of_streams()
    };
    assert_eq!((net.ends[0].outbound_streams(), net.ends[1].inbound_streams()), (65_535, 65_535));
    assert_eq!((cost(&net, 0), cost(&net, 1)), (0, 0));
    net.send(0, 0, pattern(10, 0));
    net.run(1_000);
    assert!((cost(&net, 0) + cost(&net, 1)) < 600, "{} {}", cost(&net, 0), cost(&net, 1));
    // The last one alone costs the way to it, and not those in between.
    net.send(0, 65_534, pattern(10, 1));
    net.run(1_000);
    assert!(cost(&net, 0).max(cost(&net, 1)) < 10_000, "{} {}", cost(&net, 0), cost(&net, 1));
}
