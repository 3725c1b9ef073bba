//! Peers that break the rules of data channels. The hostile end is an association of its own.

use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::CryptoProvider;
use crate::data::DataChannels;
use crate::data::channel::DataChannelInit;
use crate::data::config::Config;
use crate::data::error::ChannelError;
use crate::data::event::Event;
use crate::data::sctp::Association;
use crate::data::sctp::config::Config as SctpConfig;
use crate::data::sctp::event::{Event as SctpEvent, SendOptions};
use crate::wire::dcep::{ChannelType, Dcep, Open};
use bytes::Bytes;
use std::time::Duration;

struct Pair {
    now: Instant,
    /// We are the DTLS client, so the peer may open odd streams.
    us: DataChannels,
    peer: Association,
    events: Vec<Event>,
    peer_events: Vec<SctpEvent>,
}

impl Pair {
    fn new(config: Config) -> Self {
        let now = Instant::from_millis(1);
        let mut us = DataChannels::new(config, CryptoProvider::default().hmac, Rng::from_number(1));
        us.set_dtls_role(now, true);
        us.set_remote(5_000, 0);
        us.start(now);
        let mut peer =
            Association::new(SctpConfig::default(), CryptoProvider::default().hmac, Rng::from_number(2))
                .unwrap();
        peer.connect(now);
        let mut pair = Self { now, us, peer, events: Vec::new(), peer_events: Vec::new() };
        pair.run();
        pair.events.clear();
        pair
    }

    fn run(&mut self) {
        for _ in 0..2_000 {
            self.now += Duration::from_millis(1);
            let mut out = Vec::new();
            while self.us.poll_transmit(self.now, 1_172, &mut out).is_some() {
                self.peer.handle_packet(self.now, Bytes::from(std::mem::take(&mut out)).into());
            }
            while self.peer.poll_transmit(self.now, 1_172, &mut out).is_some() {
                self.us.handle_packet(self.now, Bytes::from(std::mem::take(&mut out)).into());
            }
            self.us.handle_timeout(self.now);
            self.peer.handle_timeout(self.now);
            self.events.extend(std::iter::from_fn(|| self.us.poll_event()));
            self.peer_events.extend(std::iter::from_fn(|| self.peer.poll_event()));
        }
    }

    fn send(&mut self, stream: u16, ppid: u32, data: impl Into<Bytes>) {
        self.peer.send(self.now, stream, ppid, data.into(), SendOptions::default()).unwrap();
    }

    fn open(&mut self, stream: u16) {
        let mut out = Vec::new();
        let open = Open {
            channel_type: ChannelType::Reliable,
            unordered: false,
            priority: 256,
            reliability: 0,
            label: "l",
            protocol: "",
        };
        Dcep::Open(open).write(&mut out);
        self.send(stream, 50, out);
    }

    fn was_reset(&self, stream: u16) -> bool {
        self.peer_events.contains(&SctpEvent::IncomingReset { stream })
    }
}

#[test]
fn attack_03_nothing_exists_before_dtls_is_up() {
    let mut us = DataChannels::new(Config::default(), CryptoProvider::default().hmac, Rng::from_number(1));
    let mut peer =
        Association::new(SctpConfig::default(), CryptoProvider::default().hmac, Rng::from_number(2)).unwrap();
    peer.connect(Instant::ZERO);
    let mut init = Vec::new();
    peer.poll_transmit(Instant::ZERO, 1_172, &mut init).unwrap();
    us.handle_packet(Instant::ZERO, init.as_slice().into());
    assert!(us.association().is_none());
    assert_eq!(us.poll_transmit(Instant::ZERO, 1_172, &mut Vec::new()), None);
    assert_eq!((us.poll_timeout(), us.drops().of(DropReason::Closed)), (None, 1));
}

#[test]
fn attack_28_wrong_parity_used_streams_and_broken_messages_are_reset() {
    let mut pair = Pair::new(Config::default());
    pair.open(4);
    pair.open(5);
    pair.send(7, 50, vec![3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]);
    pair.send(9, 50, vec![99]);
    pair.run();
    assert!(pair.was_reset(4) && pair.was_reset(7) && pair.was_reset(9) && !pair.was_reset(5));
    assert_eq!(pair.us.channels().count(), 1);
    // The same stream once more: the channel that has it fails.
    let id = pair.us.channels().next().unwrap().0;
    pair.open(5);
    pair.run();
    assert!(pair.was_reset(5));
    assert!(pair.events.contains(&Event::Error { id, error: ChannelError::ProtocolViolation }));
    assert_eq!(pair.us.drops().of(DropReason::DcepMalformed), 2);
    assert_eq!(pair.us.drops().of(DropReason::DcepUnexpected), 2);
}

#[test]
fn attack_29_a_message_over_the_limit_costs_the_channel_and_no_memory() {
    let config = Config { max_message_size: 100_000, ..Config::default() };
    let mut pair = Pair::new(config);
    pair.open(1);
    pair.open(3);
    pair.run();
    let id = pair.us.channels().find(|(_, channel)| channel.id() == Some(1)).unwrap().0;
    pair.send(1, 53, vec![1; 30 << 20]);
    pair.run();
    assert!(pair.events.contains(&Event::Error { id, error: ChannelError::MessageTooLarge }));
    assert!(pair.us.stats().local_rwnd > 3 << 20, "what was discarded is not held");
    // Others go on.
    pair.send(3, 51, &b"still here"[..]);
    pair.run();
    assert!(pair.events.iter().any(|event| matches!(event, Event::Message { .. })));
    // In parts of the deprecated kind it is no better, and what was held for it is given back.
    pair.open(11);
    (0..3).for_each(|_| pair.send(11, 52, vec![1; 50_000]));
    pair.run();
    let failures = pair.events.iter().filter(|event| matches!(event, Event::Error { .. })).count();
    assert_eq!((failures, pair.us.stats().local_rwnd), (2, 4 << 20));
}

#[test]
fn deprecated_parts_make_one_message() {
    let mut pair = Pair::new(Config::default());
    pair.open(1);
    pair.send(1, 54, &b"one, "[..]);
    pair.send(1, 54, &b"two, "[..]);
    pair.send(1, 51, &b"three"[..]);
    pair.send(1, 51, &[0xff][..]);
    pair.send(1, 77, &b"?"[..]);
    pair.run();
    let messages: Vec<_> = pair
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message { message, .. } => Some(message.data.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(messages, [&b"one, two, three"[..]]);
    assert_eq!(pair.us.drops().of(DropReason::DataNotUtf8), 1);
    assert_eq!(pair.us.drops().of(DropReason::DataPayloadProtocol), 1);
    assert_eq!(pair.us.stats().local_rwnd, 4 << 20);
}

#[test]
fn attack_30_only_so_many_channels_can_be_opened() {
    let config = Config { max_incoming_channels: 100, ..Config::default() };
    let mut pair = Pair::new(config);
    (0..300).for_each(|n| pair.open(2 * n + 1));
    (0..5).for_each(|_| pair.run());
    assert_eq!(pair.us.channels().count(), 100);
    assert!(!pair.was_reset(199) && pair.was_reset(201) && pair.was_reset(599));
    // One is closed, so another may come.
    pair.peer.reset_stream(1).unwrap();
    pair.run();
    pair.open(601);
    pair.run();
    assert_eq!(pair.us.channels().count(), 100);
    assert!(!pair.was_reset(601));
}

#[test]
fn attack_30_opening_and_closing_does_not_pile_up_events() {
    let config = Config { max_incoming_channels: 10, ..Config::default() };
    let mut pair = Pair::new(config);
    // The application polls nothing while the peer opens and closes.
    for round in 0..50 {
        for n in 0..10 {
            pair.open(20 * round + 2 * n + 1);
            pair.peer.reset_stream(20 * round + 2 * n + 1).unwrap();
        }
        for _ in 0..50 {
            pair.now += Duration::from_millis(1);
            let mut out = Vec::new();
            while pair.us.poll_transmit(pair.now, 1_172, &mut out).is_some() {
                pair.peer.handle_packet(pair.now, Bytes::from(std::mem::take(&mut out)).into());
            }
            while pair.peer.poll_transmit(pair.now, 1_172, &mut out).is_some() {
                pair.us.handle_packet(pair.now, Bytes::from(std::mem::take(&mut out)).into());
            }
            pair.peer.handle_timeout(pair.now);
            pair.us.handle_timeout(pair.now);
        }
    }
    assert_eq!(pair.us.channels().count(), 10);
    pair.run();
    assert_eq!(pair.events.len(), 40, "opened, open, closing and closed for each");
}

#[test]
fn attack_30_a_peer_that_never_resets_its_side_keeps_no_channel_open() {
    let mut pair = Pair::new(Config::default());
    let id = pair.us.create(pair.now, "", DataChannelInit::default()).unwrap();
    pair.run();
    pair.us.close_channel(id);
    (0..8).for_each(|_| pair.run());
    assert_eq!(pair.events.last(), Some(&Event::Close(id)));
    // Its identifier is not given out while the peer may still use it.
    let id = pair.us.create(pair.now, "", DataChannelInit::default()).unwrap();
    assert_eq!(pair.us.channel(id).and_then(crate::data::channel::Channel::id), Some(2));
    pair.peer.reset_stream(0).unwrap();
    pair.run();
    let id = pair.us.create(pair.now, "", DataChannelInit::default()).unwrap();
    assert_eq!(pair.us.channel(id).and_then(crate::data::channel::Channel::id), Some(0));
}

#[test]
fn a_peer_that_restarts_closes_every_channel_and_may_open_new_ones() {
    let mut pair = Pair::new(Config::default());
    pair.open(1);
    pair.run();
    let id = pair.us.channels().next().unwrap().0;
    pair.peer =
        Association::new(SctpConfig::default(), CryptoProvider::default().hmac, Rng::from_number(5)).unwrap();
    pair.peer.connect(pair.now);
    pair.run();
    assert!(pair.events.ends_with(&[Event::Error { id, error: ChannelError::Restarted }, Event::Close(id)]));
    pair.open(1);
    pair.run();
    assert_eq!(pair.us.channels().count(), 1);
}

#[test]
fn messages_for_nobody_are_counted_and_not_kept() {
    let mut pair = Pair::new(Config::default());
    pair.send(1, 53, vec![1; 5_000]);
    pair.run();
    assert_eq!(pair.us.drops().of(DropReason::DataChannelClosed), 1);
    assert_eq!(pair.us.stats().local_rwnd, 4 << 20);
}
