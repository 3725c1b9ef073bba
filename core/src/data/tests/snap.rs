//! Associations that begin with INIT chunks from the descriptions (SNAP).

use crate::data::DataChannels;
use crate::data::config::Config;
use crate::data::event::{Event, MessageKind, SctpTransportState};
use crate::data::sctp::event::InitError;
use crate::data::tests::Net;
use bytes::Bytes;

/// What Chromium puts into a description: no padding, five megabytes, FORWARD TSN and RE-CONFIG.
const CHROMIUM: [u8; 30] = [
    1, 0, 0, 30, 0xde, 0xad, 0xbe, 0xef, 0, 0x50, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9, 0xc0, 0, 0, 4,
    0x80, 8, 0, 6, 0x82, 0xc0,
];

/// Each end has the other's chunk.
fn described(configs: [Config; 2]) -> Net {
    let mut net = Net::with(configs);
    let inits = net.ends.each_mut().map(DataChannels::sctp_init);
    net.ends[0].set_remote_sctp_init(Some(&inits[1])).unwrap();
    net.ends[1].set_remote_sctp_init(Some(&inits[0])).unwrap();
    net
}

#[test]
fn channels_are_open_at_once_and_a_message_takes_one_flight() {
    let mut net = described([Config::default(), Config::default()]);
    let id = net.create(0, "chat");
    net.start();
    let connected = Event::StateChange(SctpTransportState::Connected);
    assert_eq!(net.ends[0].poll_event(), Some(connected.clone()));
    assert_eq!(net.ends[0].poll_event(), Some(Event::Open(id)));
    net.text(0, id, "hello");
    net.run(11);
    let there = net.incoming(1);
    assert_eq!(net.events[1][..3], [connected, Event::DataChannel(there), Event::Open(there)]);
    assert_eq!(net.texts(1), ["hello"]);
    net.text(1, there, "good day");
    net.run(2_000);
    assert_eq!(net.texts(0), ["good day"]);
    assert_eq!(net.ends[0].drops().total() + net.ends[1].drops().total(), 0);
    assert_eq!(net.ends[0].max_channels(), Some(65_535));
}

#[test]
fn what_both_ends_can_do_is_settled_by_the_chunks() {
    let mut few = Config::default();
    few.sctp.streams = 7;
    few.sctp.interleaving = false;
    few.sctp.receive_buffer = 1 << 20;
    let mut net = described([Config::default(), few]);
    net.start();
    assert_eq!(net.ends.each_ref().map(DataChannels::max_channels), [Some(7); 2]);
    assert_eq!(net.ends.each_ref().map(|end| end.stats().peer_rwnd), [1 << 20, 4 << 20]);
    let id = net.create(0, "large");
    let large = Bytes::from(vec![7; 200_000]);
    net.ends[0].send(net.now, id, large.clone(), MessageKind::Binary).unwrap();
    net.run(2_000);
    let messages = |event: &Event| match event {
        Event::Message { message, .. } => Some(message.data.clone()),
        _ => None,
    };
    assert_eq!(net.events[1].iter().filter_map(messages).collect::<Vec<_>>(), [large]);
    assert_eq!(net.ends[0].drops().total() + net.ends[1].drops().total(), 0);
}

#[test]
fn the_chunk_stays_the_same_and_says_what_init_says() {
    let mut net = Net::new();
    let chunk = net.ends[0].sctp_init();
    assert_eq!(chunk, net.ends[0].sctp_init());
    net.start();
    let mut packet = Vec::new();
    net.ends[0].poll_transmit(net.now, 1_172, &mut packet).unwrap();
    assert_eq!(packet[12..], chunk, "without the peer's chunk there is a handshake, with ours");
    net.run(200);
    assert_eq!(net.ends[0].state(), SctpTransportState::Connected);
}

#[test]
fn a_description_without_the_chunk_takes_it_back() {
    let mut net = described([Config::default(), Config::default()]);
    net.ends.iter_mut().for_each(|end| end.set_remote_sctp_init(None).unwrap());
    net.start();
    assert_eq!(net.ends[0].state(), SctpTransportState::Connecting);
    net.run(200);
    assert_eq!(net.ends[0].state(), SctpTransportState::Connected);
}

#[test]
fn a_chunk_without_padding_is_taken() {
    let mut net = Net::new();
    net.ends[0].set_remote_sctp_init(Some(&CHROMIUM)).unwrap();
    let padded = [&CHROMIUM[..], &[0, 0]].concat();
    net.ends[0].set_remote_sctp_init(Some(&padded)).unwrap();
    net.start();
    assert_eq!(net.ends[0].stats().peer_rwnd, 5 << 20);
    net.ends[0].poll_transmit(net.now, 1_172, &mut Vec::new());
    assert_eq!(net.ends[0].state(), SctpTransportState::Connected);
}

#[test]
fn bad_chunks_are_errors_and_change_nothing() {
    let with = |at: usize, bytes: &[u8]| {
        let mut chunk = CHROMIUM.to_vec();
        chunk[at..at + bytes.len()].copy_from_slice(bytes);
        chunk
    };
    let cases = [
        (vec![], InitError::Malformed),
        (CHROMIUM[..19].to_vec(), InitError::Malformed),
        ([&CHROMIUM[..], &[0; 4]].concat(), InitError::Malformed),
        (with(0, &[2]), InitError::Malformed),
        (with(2, &[0, 3]), InitError::Malformed),
        // A parameter that goes beyond the chunk.
        (with(26, &[0, 7]), InitError::Malformed),
        (with(4, &[0; 4]), InitError::NoTag),
        (with(12, &[0; 2]), InitError::NoStreams),
        (with(14, &[0; 2]), InitError::NoStreams),
    ];
    let mut net = described([Config::default(), Config::default()]);
    for (chunk, error) in cases {
        assert_eq!(net.ends[0].set_remote_sctp_init(Some(&chunk)), Err(error), "{chunk:x?}");
    }
    net.start();
    assert_eq!(net.ends[0].state(), SctpTransportState::Connected);
}
