use crate::base::seq::Serial32;
use crate::data::sctp::arriving::Arriving;
use crate::data::sctp::config::Config;
use crate::data::sctp::event::{Event, SendOptions};
use crate::data::sctp::tests::{Link, MTU, Net, association, pattern, plain};
use bytes::{Bytes, BytesMut};
use std::time::Duration;

fn both(config: &Config) -> [Config; 2] {
    [config.clone(), config.clone()]
}

/// Sends messages of these lengths and expects them in order, once.
fn transfer(mut net: Net, lengths: impl IntoIterator<Item = usize>) -> Net {
    net.connect();
    let sent: Vec<_> = lengths.into_iter().enumerate().map(|(n, len)| (5, pattern(len, n))).collect();
    sent.iter().for_each(|(stream, data)| net.send(0, *stream, data.clone()));
    assert!(net.run_until(900_000, |net| net.message_count(1) >= sent.len()), "{:?}", net.ends);
    net.run(3_000);
    assert!(net.messages(1) == sent);
    for end in &net.ends {
        let stats = end.stats();
        assert_eq!((stats.in_flight, stats.unacked_chunks, stats.queued_bytes), (0, 0, 0));
        assert_eq!(end.inbox.held(), 0);
        assert_eq!(end.flight.unacked_payload(), 0);
    }
    net
}

#[test]
fn a_thousand_messages_come_in_order() {
    for config in [Config::default(), plain()] {
        for link in [Link::default(), Link::lossy(0.05), Link::wild()] {
            transfer(Net::with(link, both(&config), 5), (0..1_000).map(|n| 1 + n * 7 % 3_000));
        }
    }
}

#[test]
fn large_messages_are_put_together() {
    let config = Config { max_message_size: 8 << 20, ..Config::default() };
    for config in [config.clone(), Config { interleaving: false, ..config }] {
        for link in [Link::default(), Link::lossy(0.02), Link::wild()] {
            transfer(Net::with(link, both(&config), 6), [3 << 20, 70_000, 5 << 20, 1, 1_144, 1_145]);
        }
    }
}

#[test]
fn a_message_of_sixteen_mebibytes_is_held_once_at_each_end() {
    const LEN: usize = 16 << 20;
    let large = Config { max_message_size: LEN, ..Config::default() };
    let mut net = Net::with(Link::default(), both(&large), 1);
    net.connect();
    let message = pattern(LEN, 5);
    net.send(0, 1, message.clone());
    while net.message_count(1) == 0 {
        assert!(net.step());
        // The receiver keeps the bytes that came, and nothing of the packets that they came in.
        assert!(net.ends[1].inbox.held() <= LEN + 4_096);
        // What waits here is a slice of what was given, and counts for what is left of it.
        assert_eq!(net.ends[0].buffered(1), net.ends[0].outbox.queued());
    }
    let came = net.events[1].drain(..).find_map(|event| match event {
        Event::Message { data, .. } => Some(data),
        _ => None,
    });
    let came = came.unwrap();
    assert_eq!(came, message);
    assert!(
        came.try_into_mut().is_ok_and(|came| came.capacity() < LEN + LEN / 2),
        "one buffer, and no other holds it"
    );
    net.run(1_000);
    assert!(message.is_unique(), "nothing of it is kept once it is acknowledged");
}

#[test]
fn sequence_numbers_wrap() {
    for (config, link) in [(plain(), Link::lossy(0.05)), (Config::default(), Link::wild())] {
        let mut net = Net::with(link, both(&config), 7);
        for end in &mut net.ends {
            end.local.initial_tsn = Serial32(u32::MAX - 500);
            end.flight.restart(end.local.initial_tsn);
            end.resets = crate::data::sctp::reset::Resets::new(end.local.initial_tsn);
        }
        // More than 65,536 messages, so that stream sequence numbers wrap too.
        transfer(net, (0..70_000).map(|n| 10 + n % 10));
    }
}

#[test]
fn acknowledgements_are_delayed_and_shared() {
    let mut net = Net::connected(Link::default());
    net.run(2_000);
    net.log.iter_mut().for_each(Vec::clear);
    net.send(0, 1, pattern(10, 0));
    net.run(200);
    // One packet with the message, and one acknowledgement 20 ms after it arrived.
    assert_eq!((net.log[0].len(), net.log[1].len()), (1, 1));
    net.log.iter_mut().for_each(Vec::clear);
    // A batch that is handed in before anything is polled gets one.
    let mut batch = Vec::new();
    net.send(0, 1, pattern(9_000, 0));
    let mut out = Vec::new();
    while net.ends[0].poll_transmit(net.now, MTU, &mut out).is_some() {
        batch.push(Bytes::from(std::mem::take(&mut out)));
    }
    assert_eq!(batch.len(), 8);
    batch.into_iter().for_each(|packet| net.ends[1].handle_packet(net.now, packet.into()));
    net.flush();
    assert_eq!(net.log[1].len(), 1);
}

#[test]
fn full_packets_have_one_size() {
    for (len, expected) in
        [(65_536, MTU), (1_024, 12 + 20 + 1_024), (100, 12 + 9 * 120), (700, 12 + 20 + 700)]
    {
        let mut net = Net::connected(Link::default());
        net.run(1_000);
        net.log[0].clear();
        for n in 0..400_000 / len {
            net.send(0, 1, pattern(len, n));
        }
        net.run(1_000);
        let sizes: Vec<_> = net.log[0].iter().map(Bytes::len).collect();
        let full = sizes.iter().filter(|&&size| size == expected).count();
        assert!(full * 100 >= sizes.len() * 90, "{len}: {full} of {} {:?}", sizes.len(), &sizes[..9]);
    }
}

#[test]
fn a_window_that_is_not_read_closes_and_opens_again() {
    for config in [Config::default(), plain()] {
        let config = Config { receive_buffer: 300_000, ..config };
        let mut net = Net::with(Link::default(), both(&config), 8);
        net.connect();
        net.reads[1] = false;
        (0..100).for_each(|n| net.send(0, 1, pattern(50_000, n)));
        net.run(30_000);
        let held = net.ends[1].inbox.held();
        assert!((300_000..500_000).contains(&held), "{held}");
        assert!(net.ends[1].stats().local_rwnd == 0 || held < 400_000);
        assert!(net.ends[0].is_up(), "probing a closed window is no failure");
        net.reads[1] = true;
        assert!(net.run_until(60_000, |net| net.message_count(1) == 100), "{:?}", net.ends);
    }
}

#[test]
fn an_end_that_only_receives_measures_the_path_and_lets_its_window_grow() {
    let mut net = Net::connected(Link { delay: Duration::from_millis(100), ..Link::default() });
    let first = net.ends[1].stats().local_rwnd;
    assert_eq!(net.ends[1].stats().srtt, None);
    for n in 0..400 {
        net.send(0, 1, pattern(100_000, n));
    }
    assert!(net.run_until(60_000, |net| net.message_count(1) == 400));
    assert_eq!(net.ends[1].stats().srtt.map(|srtt| srtt.as_millis()), Some(200));
    assert!(net.ends[1].stats().local_rwnd >= 2 * first, "{:?}", net.ends[1]);
}

#[test]
fn a_first_time_out_that_is_too_short_neither_lasts_nor_hides_the_round_trip() {
    let short = || Config { rto_initial: Duration::from_millis(100), ..Config::default() };
    let mut net =
        Net::with(Link { delay: Duration::from_millis(150), ..Link::default() }, [short(), short()], 1);
    net.connect();
    for n in 0..40 {
        net.send(0, 1, pattern(10_000, n));
    }
    assert!(net.run_until(10_000, |net| net.message_count(1) == 40));
    let stats = net.ends[0].stats();
    assert_eq!(stats.srtt.map(|srtt| srtt.as_millis()), Some(300));
    assert!(stats.timeouts <= 2, "{stats:?}");
}

#[test]
fn a_small_message_is_not_blocked_by_a_large_one() {
    let mut net = Net::connected(Link::default());
    net.run(500);
    net.send(0, 1, pattern(200_000, 1));
    net.send(0, 2, Bytes::from_static(b"urgent"));
    assert!(net.run_until(10_000, |net| net.message_count(1) == 2));
    assert_eq!(net.messages(1)[0], (2, Bytes::from_static(b"urgent")));
}

#[test]
fn a_thousand_streams_share() {
    for config in [Config::default(), plain()] {
        let mut net = Net::with(Link::wild(), both(&config), 9);
        net.connect();
        for n in 0..3_000 {
            net.send(0, n as u16 % 1_000 * 3, pattern(100 + n * 7 % 9_000, n));
        }
        assert!(net.run_until(300_000, |net| net.message_count(1) == 3_000), "{:?}", net.ends);
        let mut messages = net.messages(1);
        messages.sort_by_key(|&(stream, _)| stream);
        for (at, (stream, data)) in messages.into_iter().enumerate() {
            let n = at / 3 + at % 3 * 1_000;
            assert_eq!(usize::from(stream), at / 3 * 3);
            assert_eq!(data, pattern(100 + n * 7 % 9_000, n));
        }
    }
}

#[test]
fn weights_share_the_wire() {
    let mut net = Net::connected(Link::default());
    net.run(500);
    net.ends[0].set_weight(1, 1_024);
    for n in 0..400 {
        net.send(0, 1, pattern(1_000, n));
        net.send(0, 2, pattern(1_000, n));
    }
    net.run_until(60_000, |net| net.message_count(1) >= 300);
    let first = net.messages(1).iter().filter(|(stream, _)| *stream == 1).count();
    assert!((200..290).contains(&first), "{first} of 300");
}

#[test]
fn a_lost_packet_is_repaired_within_a_round_trip_or_two() {
    for lost in 0..3 {
        let mut net = Net::connected(Link { delay: Duration::from_millis(50), ..Link::default() });
        net.send(0, 1, pattern(10, 0));
        net.run(3_000);
        // Five packets, of which one is lost: the first, the second, or the last.
        let at = [0, 1, 4][lost];
        let begin = net.now;
        net.send(0, 1, pattern(5 * 1_140, 1));
        let mut out = Vec::new();
        for n in 0..5 {
            net.ends[0].poll_transmit(net.now, MTU, &mut out).unwrap();
            let packet = Bytes::from(std::mem::take(&mut out));
            if n != at {
                net.carry(1, &packet);
            }
        }
        assert!(net.run_until(2_000, |net| net.message_count(1) == 2));
        let took = net.now.saturating_since(begin);
        // The last one is found missing by a probe, two round trips after the others were acknowledged.
        let most = Duration::from_millis([230, 230, 400][lost]);
        assert!(took <= most, "{lost}: {took:?}");
        assert_eq!(net.ends[0].stats().timeouts, 0);
    }
}

#[test]
fn one_message_alone_that_is_lost_comes_after_the_time_out() {
    let mut net = Net::connected(Link::default());
    net.send(0, 1, pattern(10, 0));
    net.run(3_000);
    let begin = net.now;
    net.link.loss = 1.0;
    net.send(0, 1, pattern(10, 1));
    net.flush();
    net.link.loss = 0.0;
    assert!(net.run_until(2_000, |net| net.message_count(1) == 2));
    assert!(net.now.saturating_since(begin) < Duration::from_millis(260));
}

#[test]
fn what_a_peer_takes_back_is_sent_again() {
    let mut net = Net::connected(Link::default());
    net.run(500);
    (0..4).for_each(|n| net.send(0, 1, pattern(1_000, n)));
    net.flush();
    let cumulative = net.ends[1].inbox.tracker.cumulative();
    let tag = net.ends[0].local.tag;
    let mut sack = |gaps: &[(u16, u16)]| {
        let mut out = Vec::new();
        net.ends[1].header(tag).write(&mut out);
        crate::wire::sctp::put_chunk(&mut out, 3, 0, |out| {
            crate::wire::sctp::data::put_sack(out, cumulative, 100_000, gaps.iter().copied(), &[]);
        });
        crate::wire::sctp::fill_checksum(&mut out, 0);
        net.ends[0].handle_packet(net.now, out.as_slice().into());
        net.ends[0].flight.in_flight()
    };
    let all = sack(&[]);
    let less = sack(&[(4, 4)]);
    assert!(less < all);
    sack(&[]);
    assert!(net.ends[0].flight.has_lost());
    assert!(net.run_until(5_000, |net| net.message_count(1) == 4));
    net.run(500);
    assert_eq!(net.ends[0].flight.unacked_payload(), 0);
}

#[test]
fn unordered_messages_do_not_wait_for_lost_ones() {
    let mut net = Net::connected(Link::default());
    net.run(500);
    let unordered = SendOptions { unordered: true, ..SendOptions::default() };
    net.link.loss = 1.0;
    net.send_with(0, 1, pattern(1_100, 0), unordered);
    net.flush();
    net.link.loss = 0.0;
    net.send_with(0, 1, pattern(1_100, 1), unordered);
    net.run(15);
    assert_eq!(net.messages(1), [(1, pattern(1_100, 1))]);
    assert!(net.run_until(1_000, |net| net.message_count(1) == 2));
}

#[test]
fn what_runs_low_is_told() {
    let mut net = Net::connected(Link::default());
    net.ends[0].set_low_threshold(4, 20_000);
    net.send(0, 4, pattern(100_000, 0));
    assert!(net.ends[0].buffered(4) == 100_000);
    net.run(1_000);
    let told = net.events[0].iter().filter(|e| matches!(e, Event::BufferedLow { stream: 4 })).count();
    assert_eq!((told, net.ends[0].buffered(4)), (1, 0));
}

#[test]
fn small_messages_keep_no_large_buffers_alive() {
    let mut a = association(Config::default(), 1);
    a.inbox.begin(Serial32(1), 10, false);
    let id = crate::data::sctp::outbox::MessageId { stream: 0, unordered: true, mid: Serial32(0) };
    let flags = crate::wire::sctp::data::DataFlags::from_bits(7);
    for (tsn, len, shared) in [(1, 1_000, true), (2, 20, false)] {
        let (mut bytes, payload) = (BytesMut::from(pattern(1_172, 0)), 100..100 + len);
        let payload_end = payload.end;
        let place = bytes[payload.clone()].as_ptr();
        let chunk =
            crate::data::sctp::inbox::Incoming { tsn: Serial32(tsn), id, fsn: 0, ppid: 53, flags, payload };
        a.inbox.handle_data(&mut Arriving::new(&mut bytes, payload_end), &chunk, &mut a.events).unwrap();
        let Some(Event::Message { data, .. }) = a.poll_event() else { panic!() };
        assert_eq!(data.as_ptr() == place, shared);
    }
}
