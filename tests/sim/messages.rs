//! Every reliable message once and in order, whatever the network does; the others as they promise.

use crate::world::{Link, Setup, World};
use bytes::Bytes;
use purertc::{ChannelEvent, DataChannelInit, Event, MessageKind, SendError};
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn reliable_messages_arrive_once_and_in_order_through_any_network() {
    let networks = [
        Link::clean(1),
        Link::clean(100),
        Link { loss: 0.2, ..Link::clean(30) },
        Link { jitter: Duration::from_millis(60), ..Link::clean(5) },
        Link { duplication: 0.5, ..Link::clean(10) },
        Link::rough(),
    ];
    for (seed, link) in (1..).zip(networks) {
        let (mut world, id) = World::connected(&Setup::new(seed, link));
        let sent: Vec<String> = (0..300).map(|n| format!("{n}:{}", "x".repeat(n * 17 % 3_000))).collect();
        for (n, text) in sent.iter().enumerate() {
            world.send(0, id, text);
            if n % 20 == 0 {
                world.run(Duration::from_millis(11));
            }
        }
        let other = world.nodes[1].channel();
        world.run_until(Duration::from_secs(600), |world| world.nodes[1].texts(other).len() >= sent.len());
        world.run(Duration::from_secs(5));
        assert_eq!(world.nodes[1].texts(other), sent, "{link:?}");
    }
}

#[test]
fn messages_cross_in_both_directions_at_once() {
    let (mut world, id) = World::connected(&Setup::new(21, Link::rough()));
    let other = world.nodes[1].channel();
    for n in 0..200 {
        world.send(0, id, &format!("a{n}"));
        world.send(1, other, &format!("b{n}"));
        world.run(Duration::from_millis(3));
    }
    world.run_until(Duration::from_secs(60), |world| {
        world.nodes[1].texts(other).len() == 200 && world.nodes[0].texts(id).len() == 200
    });
    assert_eq!(world.nodes[0].texts(id), (0..200).map(|n| format!("b{n}")).collect::<Vec<_>>());
    assert_eq!(world.nodes[1].texts(other), (0..200).map(|n| format!("a{n}")).collect::<Vec<_>>());
}

#[test]
fn text_bytes_and_empty_messages_keep_their_kind() {
    let (mut world, id) = World::connected(&Setup::new(22, Link::rough()));
    let messages = [
        (MessageKind::Text, Bytes::from_static("grüße".as_bytes())),
        (MessageKind::Text, Bytes::new()),
        (MessageKind::Binary, Bytes::new()),
        (MessageKind::Binary, Bytes::from_static(&[0])),
        (MessageKind::Binary, Bytes::from(vec![7; 256 * 1024])),
        (MessageKind::Text, Bytes::from_static(b"end")),
    ];
    for (kind, data) in messages.clone() {
        world.nodes[0].pc.data_channel(id).unwrap().send_message(world.now, data, kind).unwrap();
    }
    let other = world.nodes[1].channel();
    world.run_until(Duration::from_secs(60), |world| {
        world.nodes[1].messages.get(&other).is_some_and(|received| received.len() == messages.len())
    });
    let received = world.nodes[1].messages[&other].iter().map(|message| (message.kind, message.data.clone()));
    assert_eq!(received.collect::<Vec<_>>(), messages);
}

#[test]
fn unordered_messages_all_arrive() {
    let setup = Setup::new(23, Link { loss: 0.1, ..Link::rough() });
    let mut world = World::new(&setup);
    let init = DataChannelInit { ordered: false, ..DataChannelInit::default() };
    let id = world.nodes[0].pc.create_data_channel("loose", init).unwrap();
    world.negotiate(0);
    world.run_until(Duration::from_secs(60), |world| world.nodes[0].opened(id));
    let sent: BTreeSet<String> = (0..500).map(|n| n.to_string()).collect();
    sent.iter().for_each(|text| world.send(0, id, text));
    world.run_until(Duration::from_secs(120), |world| {
        world.nodes[1].messages.values().flatten().count() == 500
    });
    let other = world.nodes[1].channel();
    assert!(!world.nodes[1].pc.data_channel(other).unwrap().ordered());
    assert_eq!(world.nodes[1].texts(other).into_iter().collect::<BTreeSet<_>>(), sent);
}

#[test]
fn messages_of_limited_reliability_are_given_up_and_never_doubled() {
    let limits = [
        DataChannelInit { max_retransmits: Some(0), ..DataChannelInit::default() },
        DataChannelInit { max_retransmits: Some(0), ordered: false, ..DataChannelInit::default() },
        DataChannelInit { max_packet_life_time: Some(60), ..DataChannelInit::default() },
    ];
    for (seed, init) in (31..).zip(limits) {
        let mut world = World::new(&Setup::new(seed, Link { loss: 0.2, ..Link::clean(20) }));
        let id = world.nodes[0].pc.create_data_channel("partial", init.clone()).unwrap();
        world.negotiate(0);
        world.run_until(Duration::from_secs(60), |world| world.nodes[0].opened(id));
        for n in 0..400 {
            world.send(0, id, &n.to_string());
            world.run(Duration::from_millis(10));
        }
        world.run(Duration::from_secs(20));
        let other = world.nodes[1].channel();
        let numbers: Vec<u32> =
            world.nodes[1].texts(other).iter().map(|text| text.parse().unwrap()).collect();
        let once: BTreeSet<u32> = numbers.iter().copied().collect();
        assert_eq!(once.len(), numbers.len(), "{init:?}: a message came twice");
        assert!((240..400).contains(&numbers.len()), "{init:?}: {} of 400 at 20 % loss", numbers.len());
        if init.ordered {
            assert!(numbers.is_sorted(), "{init:?}");
        }
        // What was given up must not hold up what comes after it.
        world.link.loss = 0.0;
        world.send(0, id, "9999");
        world.run(Duration::from_secs(5));
        assert_eq!(world.nodes[1].texts(other).last().unwrap(), "9999", "{init:?}");
    }
}

#[test]
fn a_full_buffer_is_an_error_that_returns_the_message() {
    let mut setup = Setup::new(41, Link::clean(10));
    setup.configuration.data.max_buffered_amount = 100_000;
    let (mut world, id) = World::connected(&setup);
    let now = world.now;
    let mut channel = world.nodes[0].pc.data_channel(id).unwrap();
    channel.set_buffered_amount_low_threshold(10_000);
    channel.send(now, vec![1; 60_000]).unwrap();
    let refused = channel.send(now, vec![2; 60_000]).unwrap_err();
    assert_eq!(refused, SendError::BufferFull(Bytes::from(vec![2; 60_000])));
    let buffered = channel.buffered_amount();
    world.run_until(Duration::from_secs(30), |world| {
        world.nodes[0].saw(|event| *event == Event::Channel(id, ChannelEvent::BufferedAmountLow))
    });
    let mut channel = world.nodes[0].pc.data_channel(id).unwrap();
    assert!(buffered > 10_000 && channel.buffered_amount() <= 10_000);
    channel.send(world.now, vec![2; 60_000]).unwrap();
    assert!(channel.send(world.now, vec![0; 262_145]).is_err(), "larger than the peer takes");
}

#[test]
fn a_reader_that_does_not_read_holds_the_sender_back() {
    let (mut world, id) = World::connected(&Setup::new(42, Link::clean(1)));
    let reading =
        |world: &World| world.nodes[1].messages.values().flatten().map(|m| m.data.len()).sum::<usize>();
    assert_eq!(reading(&world), 0);
    for _ in 0..300 {
        let data = vec![0; 50_000];
        world.nodes[0].pc.data_channel(id).unwrap().send(world.now, data).unwrap();
    }
    // Only the sender's side is polled for events: the reader's messages stay where they are.
    world.run_without_reading(1, Duration::from_secs(20));
    let waiting = world.nodes[0].pc.data_channel(id).unwrap().buffered_amount();
    assert!(waiting > 5_000_000, "{waiting} bytes wait at the sender: the window never closed");
    let other = world.nodes[1].channel();
    world.run_until(Duration::from_secs(120), |world| {
        world.nodes[1].messages.get(&other).is_some_and(|m| m.len() == 300)
    });
}

#[test]
fn messages_of_one_size_leave_in_runs_of_one_size() {
    for size in [100, 1_000, 64 * 1024] {
        // Without delay, so that the size of a run is not what pacing makes it.
        let (mut world, id) = World::connected(&Setup::new(51, Link::clean(0)));
        for _ in 0..400_000 / size {
            world.nodes[0].pc.data_channel(id).unwrap().send(world.now, vec![1; size]).unwrap();
        }
        world.run(Duration::from_secs(2));
        assert!(
            world.nodes[0].longest_run >= 20,
            "{size} B: at most {} in one run",
            world.nodes[0].longest_run
        );
        assert_eq!(world.nodes[1].messages.values().flatten().count(), 400_000 / size);
    }
}
