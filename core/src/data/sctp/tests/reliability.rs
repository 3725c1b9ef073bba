use crate::data::sctp::config::Config;
use crate::data::sctp::event::{Reliability, SendOptions};
use crate::data::sctp::tests::{Link, Net, pattern, plain};
use bytes::Bytes;
use std::time::Duration;

fn options(reliability: Reliability, unordered: bool) -> SendOptions {
    SendOptions { unordered, reliability, uncounted: false }
}

fn nets(link: Link) -> impl Iterator<Item = Net> {
    [Config::default(), plain()].into_iter().map(move |config| {
        let mut net = Net::with(link, [config.clone(), config], 11);
        net.connect();
        net.send(0, 9, pattern(10, 0));
        net.run(2_000);
        net.events[1].clear();
        net
    })
}

/// Everything is settled: nothing under way, nothing held, and a reliable message gets through.
fn settle(net: &mut Net) {
    net.link = Link::default();
    net.run(30_000);
    for end in &net.ends {
        assert_eq!((end.stats().in_flight, end.stats().unacked_chunks), (0, 0), "{end:?}");
        assert_eq!(end.inbox.held(), 0);
        assert_eq!(end.flight.unacked_payload(), 0);
    }
    for stream in [1, 2] {
        let before = net.message_count(1);
        net.send(0, stream, pattern(5_000, 99));
        net.run(1_000);
        assert_eq!(net.message_count(1), before + 1);
    }
}

#[test]
fn without_retransmissions_a_lost_message_is_skipped() {
    for mut net in nets(Link::default()) {
        let once = options(Reliability::Retransmits(0), false);
        net.link.loss = 1.0;
        net.send_with(0, 1, pattern(500, 1), once);
        net.flush();
        net.link.loss = 0.0;
        net.send_with(0, 1, pattern(500, 2), once);
        net.run(1_000);
        assert_eq!(net.messages(1), [(1, pattern(500, 2))]);
        assert_eq!(net.ends[0].stats().chunks_retransmitted, 0);
        assert_eq!(net.ends[0].stats().messages_abandoned, 1);
        settle(&mut net);
    }
}

#[test]
fn a_number_of_retransmissions_is_kept_to() {
    for mut net in nets(Link::default()) {
        net.link.loss = 1.0;
        net.send_with(0, 1, pattern(500, 1), options(Reliability::Retransmits(2), false));
        net.run(20_000);
        assert_eq!(net.ends[0].stats().chunks_retransmitted, 2);
        assert_eq!(net.ends[0].stats().messages_abandoned, 1);
        settle(&mut net);
    }
}

#[test]
fn a_life_time_counts_from_send() {
    for mut net in nets(Link::default()) {
        let short = options(Reliability::Lifetime(Duration::from_millis(300)), false);
        // A backlog keeps the message from being sent at all.
        net.link.loss = 1.0;
        net.send(0, 2, pattern(100_000, 1));
        net.run(50);
        net.send_with(0, 2, pattern(500, 2), short);
        net.run(400);
        net.link.loss = 0.0;
        net.send(0, 2, Bytes::from_static(b"after"));
        net.run(20_000);
        assert_eq!(net.messages(1), [(2, pattern(100_000, 1)), (2, Bytes::from_static(b"after"))]);
        assert_eq!(net.ends[0].buffered(2), 0);
        settle(&mut net);
    }
}

#[test]
fn a_whole_message_is_given_up_with_what_was_not_sent_yet() {
    for mut net in nets(Link::default()) {
        // 100 kB are more than the first window, so a part is under way and a part is not.
        net.link.loss = 1.0;
        net.send_with(0, 1, pattern(100_000, 1), options(Reliability::Retransmits(0), false));
        net.flush();
        assert!(net.ends[0].buffered(1) > 0);
        net.run(3_000);
        assert_eq!(net.ends[0].buffered(1), 0);
        assert_eq!(net.ends[0].stats().messages_abandoned, 1);
        settle(&mut net);
    }
}

#[test]
fn a_message_whose_sent_part_arrived_is_given_up_too() {
    for mut net in nets(Link::default()) {
        let short = options(Reliability::Lifetime(Duration::from_millis(5)), true);
        net.send_with(0, 1, pattern(200_000, 1), short);
        net.run(3_000);
        assert_eq!(net.message_count(1), 0);
        assert_eq!(net.ends[0].stats().messages_abandoned, 1);
        settle(&mut net);
    }
}

#[test]
fn limits_hold_under_loss_and_order_is_kept() {
    for link in [Link::lossy(0.2), Link::wild()] {
        for mut net in nets(link) {
            for n in 0..600 {
                let reliability = match n % 4 {
                    0 => Reliability::Reliable,
                    1 => Reliability::Retransmits(0),
                    2 => Reliability::Retransmits(1),
                    _ => Reliability::Lifetime(Duration::from_millis(80)),
                };
                let stream = 20 + n as u16 % 8;
                net.send_with(0, stream, pattern(40 + n * 53 % 4_000, n), options(reliability, n % 8 >= 4));
                if n % 10 == 0 {
                    net.run(20);
                }
            }
            net.run(60_000);
            let messages = net.messages(1);
            // Every reliable message came, none twice, and the ordered ones in order.
            let sent: Vec<_> = (0..600).map(|n| pattern(40 + n * 53 % 4_000, n)).collect();
            let mut last = [None; 8];
            let mut seen = vec![false; 600];
            for (stream, data) in messages {
                let n = sent.iter().position(|s| *s == data).expect("a message that was sent");
                assert!(!std::mem::replace(&mut seen[n], true), "{n} came twice");
                assert_eq!(usize::from(stream), 20 + n % 8);
                if n % 8 < 4 {
                    assert!(last[n % 8].replace(n) < Some(n));
                }
            }
            assert!((0..600).step_by(4).all(|n| seen[n]), "a reliable message is missing");
            assert!(seen.iter().filter(|seen| !**seen).count() > 5, "losses must show");
            settle(&mut net);
        }
    }
}
