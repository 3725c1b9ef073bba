use crate::base::priority::Priority;
use crate::data::DataChannels;
use crate::data::channel::{Channel, DataChannelInit};
use crate::data::config::Config;
use crate::data::error::{ChannelError, CreateDataChannelError, SendError};
use crate::data::event::{DataChannelState, Event, MessageKind, SctpTransportState};
use crate::data::tests::Net;
use bytes::Bytes;

#[test]
fn a_channel_opens_at_both_ends_with_the_events_of_w3c() {
    let mut net = Net::new();
    let id = net.create(0, "chat");
    assert_eq!(net.ready(0, id), Some(DataChannelState::Connecting));
    assert_eq!(net.ends[0].channel(id).and_then(Channel::id), None);
    assert_eq!(net.ends[0].state(), SctpTransportState::Connecting);
    assert_eq!(net.ends[0].max_channels(), None);
    net.start();
    assert_eq!(net.ends[0].channel(id).and_then(Channel::id), Some(0));
    // INITs cross, answers cross, cookies cross: three times 10 ms, and the OPEN travels with the cookie.
    net.run(31);
    let connected = Event::StateChange(SctpTransportState::Connected);
    assert_eq!(net.events[0], [connected.clone(), Event::Open(id)]);
    let there = net.incoming(1);
    assert_eq!(net.events[1], [connected, Event::DataChannel(there), Event::Open(there)]);
    assert_eq!(net.ends[0].max_channels(), Some(65_535));
    net.text(0, id, "hello");
    net.text(1, there, "good day");
    net.run(100);
    assert_eq!((net.texts(0), net.texts(1)), (vec!["good day".into()], vec!["hello".into()]));
    assert_eq!(net.ends[0].drops().total() + net.ends[1].drops().total(), 0);
}

#[test]
fn all_options_reach_the_other_end() {
    let mut net = Net::started();
    let init = DataChannelInit {
        ordered: false,
        max_retransmits: Some(3),
        protocol: "proto/ü".into(),
        priority: Priority::High,
        ..DataChannelInit::default()
    };
    net.ends[1].create(net.now, "läbel", init).unwrap();
    net.run(100);
    let there = net.incoming(0);
    let channel = net.ends[0].channel(there).unwrap();
    assert_eq!((channel.label(), channel.protocol()), ("läbel", "proto/ü"));
    assert_eq!((channel.ordered(), channel.max_retransmits()), (false, Some(3)));
    assert_eq!((channel.max_packet_life_time(), channel.negotiated()), (None, false));
    assert_eq!((channel.priority(), channel.id()), (Priority::High, Some(1)));
    let init = DataChannelInit { max_packet_life_time: Some(70), ..DataChannelInit::default() };
    net.ends[0].create(net.now, "", init).unwrap();
    net.run(100);
    let channel = net.ends[1].channel(net.incoming(1)).unwrap();
    assert_eq!((channel.ordered(), channel.max_packet_life_time()), (true, Some(70)));
}

#[test]
fn creation_fails_as_w3c_says() {
    let mut net = Net::new();
    let long = "x".repeat(65_536);
    let mut create =
        |label: &str, init: DataChannelInit| net.ends[0].create(net.now, label, init).unwrap_err();
    let default = DataChannelInit::default;
    let negotiated = |id| DataChannelInit { negotiated: true, id, ..default() };
    assert_eq!(create(&long, default()), CreateDataChannelError::LabelTooLong);
    assert_eq!(
        create("", DataChannelInit { protocol: long, ..default() }),
        CreateDataChannelError::ProtocolTooLong
    );
    assert_eq!(create("", negotiated(None)), CreateDataChannelError::MissingId);
    assert_eq!(create("", negotiated(Some(65_535))), CreateDataChannelError::BadId);
    let both = DataChannelInit { max_retransmits: Some(1), max_packet_life_time: Some(1), ..default() };
    assert_eq!(create("", both), CreateDataChannelError::BothLimits);
    net.ends[0].create(net.now, "", negotiated(Some(7))).unwrap();
    let again = net.ends[0].create(net.now, "", negotiated(Some(7)));
    assert_eq!(again.unwrap_err(), CreateDataChannelError::IdInUse);
    // An id without `negotiated` is ignored.
    let id = net.ends[0].create(net.now, "", DataChannelInit { id: Some(65_535), ..default() }).unwrap();
    net.start();
    assert_eq!(net.ends[0].channel(id).and_then(Channel::id), Some(0));
    net.ends[0].close();
    let closed = net.ends[0].create(net.now, "", default());
    assert_eq!(closed.unwrap_err(), CreateDataChannelError::Closed);
}

#[test]
fn identifiers_run_out() {
    let mut config = Config::default();
    config.sctp.streams = 6;
    let mut net = Net::with([config, Config::default()]);
    let ids: Vec<_> = (0..4).map(|n| net.create(0, &n.to_string())).collect();
    net.start();
    net.run(100);
    // 0, 2 and 4 exist; the fourth channel fails.
    assert_eq!(net.ready(0, ids[2]), Some(DataChannelState::Open));
    assert!(net.events[0].contains(&Event::Error { id: ids[3], error: ChannelError::NoStream }));
    assert!(net.events[0].contains(&Event::Close(ids[3])));
    let none = net.ends[0].create(net.now, "", DataChannelInit::default());
    assert_eq!(none.unwrap_err(), CreateDataChannelError::NoIdFree);
    let init = DataChannelInit { negotiated: true, id: Some(6), ..DataChannelInit::default() };
    assert_eq!(net.ends[0].create(net.now, "", init).unwrap_err(), CreateDataChannelError::IdTooLarge);
}

#[test]
fn negotiated_channels_need_no_announcement() {
    let mut net = Net::new();
    let init =
        DataChannelInit { negotiated: true, id: Some(100), ordered: false, ..DataChannelInit::default() };
    let a = net.ends[0].create(net.now, "x", init.clone()).unwrap();
    let b = net.ends[1].create(net.now, "x", init).unwrap();
    net.start();
    net.run(50);
    net.text(0, a, "over");
    net.text(1, b, "back");
    net.run(100);
    assert_eq!((net.texts(0), net.texts(1)), (vec!["back".into()], vec!["over".into()]));
    assert!(!net.events.iter().flatten().any(|event| matches!(event, Event::DataChannel(_))));
}

#[test]
fn every_kind_of_message_arrives_as_it_was_sent() {
    let mut net = Net::started();
    let id = net.create(0, "");
    let messages = [
        (MessageKind::Text, Bytes::from_static("tëxt".as_bytes())),
        (MessageKind::Binary, Bytes::from_static(&[0, 255, 0])),
        (MessageKind::Text, Bytes::new()),
        (MessageKind::Binary, Bytes::new()),
        (MessageKind::Binary, vec![7; 262_144].into()),
    ];
    for (kind, data) in messages.clone() {
        net.ends[0].send(net.now, id, data, kind).unwrap();
    }
    net.run(2_000);
    let got: Vec<_> = net.events[1]
        .iter()
        .filter_map(|event| match event {
            Event::Message { message, .. } => Some((message.kind, message.data.clone())),
            _ => None,
        })
        .collect();
    assert!(got == messages);
    let there = net.incoming(1);
    let (sent, received) =
        (net.ends[0].channel(id).unwrap().counters(), net.ends[1].channel(there).unwrap().counters());
    assert_eq!((sent.messages_sent, sent.bytes_sent), (5, 262_152));
    assert_eq!((received.messages_received, received.bytes_received), (5, 262_152));
    assert_eq!(net.ends[1].stats().local_rwnd, 4 << 20);
}

#[test]
fn sending_fails_as_w3c_says() {
    let config = Config { max_buffered_amount: 1_000, ..Config::default() };
    let mut net = Net::with([config, Config::default()]);
    let id = net.create(0, "");
    let send = |net: &mut Net, data: Bytes, kind| net.ends[0].send(net.now, id, data, kind);
    let byte = Bytes::from_static(b"x");
    assert_eq!(send(&mut net, byte.clone(), MessageKind::Text), Err(SendError::NotOpen));
    net.start();
    net.run(100);
    net.ends[0].set_remote(5_000, 800);
    assert_eq!(
        send(&mut net, vec![0; 801].into(), MessageKind::Binary),
        Err(SendError::TooLarge { max: 800 })
    );
    assert_eq!(send(&mut net, vec![0xff].into(), MessageKind::Text), Err(SendError::NotUtf8));
    let message = Bytes::from(vec![0; 600]);
    assert_eq!(send(&mut net, message.clone(), MessageKind::Binary), Ok(()));
    assert_eq!(send(&mut net, message.clone(), MessageKind::Binary), Err(SendError::BufferFull(message)));
    assert_eq!(net.ends[0].buffered_amount(id), 600);
    net.run(100);
    assert_eq!(net.ends[0].buffered_amount(id), 0);
    net.ends[0].set_remote(5_000, 0);
    assert_eq!(net.ends[0].max_message_size(), Some(u64::MAX));
    net.ends[0].close_channel(id);
    assert_eq!(send(&mut net, byte, MessageKind::Text), Err(SendError::NotOpen));
}

#[test]
fn buffered_amount_low_fires_once_for_each_crossing() {
    let mut net = Net::started();
    let id = net.create(0, "");
    net.run(100);
    net.ends[0].set_buffered_amount_low_threshold(id, 10_000);
    for _ in 0..2 {
        for _ in 0..10 {
            net.ends[0].send(net.now, id, vec![1; 10_000].into(), MessageKind::Binary).unwrap();
        }
        assert_eq!(net.ends[0].buffered_amount(id), 100_000);
        net.run(1_000);
    }
    // Below the threshold nothing is crossed.
    net.ends[0].send(net.now, id, vec![1; 5_000].into(), MessageKind::Binary).unwrap();
    net.run(100);
    let low = net.events[0].iter().filter(|event| **event == Event::BufferedAmountLow(id)).count();
    assert_eq!(low, 2);
    // An empty message and the announcement of a channel count for nothing.
    net.ends[0].send(net.now, id, Bytes::new(), MessageKind::Text).unwrap();
    assert_eq!(net.ends[0].buffered_amount(id), 0);
}

#[test]
fn closing_delivers_what_was_sent_and_frees_the_identifier() {
    for loss in [0.0, 0.2] {
        let mut net = Net::started();
        for round in 0..5 {
            net.events.iter_mut().for_each(Vec::clear);
            let id = net.create(0, "x");
            assert_eq!(net.ends[0].channel(id).and_then(Channel::id), Some(0), "{round}");
            net.loss = loss;
            for n in 0..50 {
                net.ends[0].send(net.now, id, vec![n; 3_000].into(), MessageKind::Binary).unwrap();
            }
            net.ends[0].close_channel(id);
            assert_eq!(net.ready(0, id), Some(DataChannelState::Closing));
            net.run(200_000);
            net.loss = 0.0;
            net.run(20_000);
            assert_eq!(net.texts(1).len(), 50);
            let there = net.incoming(1);
            assert_eq!(
                net.events[1][net.events[1].len() - 2..],
                [Event::Closing(there), Event::Close(there)]
            );
            assert_eq!(net.events[0].last(), Some(&Event::Close(id)));
            assert!(!net.events[0].contains(&Event::Closing(id)), "we closed it ourselves");
            assert_eq!(net.ends[0].channels().count() + net.ends[1].channels().count(), 0);
        }
    }
}

#[test]
fn both_may_close_at_once_and_a_closed_channel_can_be_asked_until_the_next_event() {
    let mut net = Net::started();
    let id = net.create(0, "x");
    net.run(100);
    let there = net.incoming(1);
    net.ends[0].close_channel(id);
    net.ends[1].close_channel(there);
    net.ends[1].close_channel(there);
    net.run(1_000);
    assert_eq!(net.take(0).last(), Some(&Event::Close(id)));
    assert_eq!(net.take(1).last(), Some(&Event::Close(there)));

    let id = net.create(0, "y");
    net.run(100);
    net.ends[0].transport_closed();
    let mut last = None;
    while let Some(event) = net.ends[0].poll_event() {
        last = Some(event);
        if last == Some(Event::Close(id)) {
            assert_eq!(net.ready(0, id), Some(DataChannelState::Closed));
        }
    }
    assert_eq!(last, Some(Event::Close(id)));
    assert!(net.ends[0].channel(id).is_none());
    assert_eq!(net.ends[0].poll_timeout(), None);
}

#[test]
fn a_channel_may_be_closed_while_it_is_connecting() {
    let mut net = Net::new();
    let early = net.create(0, "early");
    net.ends[0].close_channel(early);
    assert_eq!(net.ends[0].poll_event(), Some(Event::Close(early)));
    let late = net.create(0, "late");
    net.start();
    net.ends[0].close_channel(late);
    assert_eq!(net.ready(0, late), Some(DataChannelState::Closing));
    net.run(1_000);
    assert!(net.events[0].contains(&Event::Close(late)));
    assert!(!net.events[0].contains(&Event::Open(late)));
    let there = net.incoming(1);
    assert!(net.events[1].ends_with(&[Event::Closing(there), Event::Close(there)]));
}

#[test]
fn the_end_of_the_association_ends_its_channels() {
    let mut net = Net::started();
    let id = net.create(0, "");
    net.run(100);
    let there = net.incoming(1);
    net.ends[0].close();
    assert_eq!(net.ready(0, id), Some(DataChannelState::Closed));
    assert_eq!(net.ends[0].poll_event(), None);
    net.events[1].clear();
    net.run(100);
    let error = ChannelError::Aborted { cause: Some(12) };
    assert_eq!(
        net.events[1],
        [
            Event::StateChange(SctpTransportState::Closed),
            Event::Error { id: there, error },
            Event::Close(there),
        ]
    );
    assert_eq!((error.detail(), error.sctp_cause_code()), ("sctp-failure", Some(12)));
    assert_eq!(net.ends[1].state(), SctpTransportState::Closed);
}

#[test]
fn what_waits_in_a_channel_can_still_be_asked_for_when_it_is_closed() {
    for end in [DataChannels::close, DataChannels::transport_closed] {
        let mut net = Net::started();
        let id = net.create(0, "");
        net.run(100);
        net.text(0, id, "12345");
        assert_eq!(net.ends[0].buffered_amount(id), 5);
        end(&mut net.ends[0]);
        assert_eq!(net.ready(0, id), Some(DataChannelState::Closed));
        assert_eq!(net.ends[0].buffered_amount(id), 5);
    }
}

#[test]
fn a_thousand_channels() {
    let mut net = Net::started();
    let ids: Vec<_> = (0..1_000).map(|n| net.create(0, &n.to_string())).collect();
    for (n, &id) in ids.iter().enumerate() {
        net.text(0, id, &n.to_string());
    }
    net.run(5_000);
    let mut texts: Vec<usize> = net.texts(1).iter().map(|text| text.parse().unwrap()).collect();
    texts.sort_unstable();
    assert!(texts.into_iter().eq(0..1_000));
    ids.iter().for_each(|&id| net.ends[0].close_channel(id));
    net.run(60_000);
    assert_eq!(net.ends[0].channels().count() + net.ends[1].channels().count(), 0);
}

#[test]
fn until_the_peer_knows_the_channel_everything_is_in_order() {
    let mut net = Net::started();
    let init = DataChannelInit { ordered: false, ..DataChannelInit::default() };
    let id = net.ends[0].create(net.now, "", init).unwrap();
    // The packet with the OPEN and the first message is lost; the second message must not come before them.
    net.text(0, id, "one");
    net.loss = 1.0;
    net.run(1);
    net.loss = 0.0;
    net.text(0, id, "two");
    net.run(2_000);
    assert_eq!(net.texts(1), ["one", "two"]);
    assert!(matches!(
        net.ends[0].channel(id).unwrap().phase,
        crate::data::channel::Phase::Open { confirmed: true }
    ));
}

#[test]
fn an_event_is_small() {
    assert!(size_of::<Event>() <= 64, "{}", size_of::<Event>());
    fn sendable<T: Send>() {}
    sendable::<crate::data::DataChannels>();
}
