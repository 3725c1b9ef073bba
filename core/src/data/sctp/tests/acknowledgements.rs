//! When acknowledgements come, and what they undo.

use crate::data::sctp::config::{Config, CongestionAlgorithm};
use crate::data::sctp::tests::{Link, MTU, Net, pattern};
use crate::wire::sctp::Packet;
use crate::wire::sctp::chunk::{Chunk, ChunkType};
use bytes::Bytes;

fn sacks(packets: &[Bytes]) -> usize {
    let has_sack = |packet: &&Bytes| {
        Packet::parse(packet).unwrap().chunks().any(|chunk| chunk.unwrap().ty() == ChunkType::Sack)
    };
    packets.iter().filter(has_sack).count()
}

/// The packets that an end would send now.
fn burst(net: &mut Net, from: usize) -> Vec<Bytes> {
    let mut packets = Vec::new();
    let mut out = Vec::new();
    while net.ends[from].poll_transmit(net.now, MTU, &mut out).is_some() {
        packets.push(Bytes::from(std::mem::take(&mut out)));
    }
    packets
}

#[test]
fn the_end_of_a_burst_asks_for_its_acknowledgement_at_once() {
    let mut net = Net::connected(Link::default());
    net.run(500);
    // An odd number of packets: the last would wait for another.
    net.send(0, 1, pattern(3 * 1_100, 1));
    let packets = burst(&mut net, 0);
    let asks = |packet: &Bytes| {
        Packet::parse(packet).unwrap().chunks().any(|chunk| match chunk.unwrap() {
            Chunk::IData(data) => data.flags.immediate(),
            _ => false,
        })
    };
    assert_eq!(packets.iter().map(asks).collect::<Vec<_>>(), [false, false, true]);
    packets.into_iter().for_each(|packet| net.ends[1].handle_packet(net.now, packet.into()));
    let answer = burst(&mut net, 1);
    assert_eq!(sacks(&answer), 1);
    answer.into_iter().for_each(|packet| net.ends[0].handle_packet(net.now, packet.into()));
    // One on its own is left to the answer that it may cause.
    net.send(0, 1, pattern(100, 2));
    let packets = burst(&mut net, 0);
    assert_eq!(packets.iter().map(asks).collect::<Vec<_>>(), [false]);
}

#[test]
fn packets_that_come_together_are_acknowledged_together() {
    let mut net = Net::connected(Link::default());
    net.run(500);
    net.send(0, 1, pattern(10 * 1_100, 1));
    let packets = burst(&mut net, 0);
    assert!(packets.len() >= 9, "{}", packets.len());
    packets.into_iter().for_each(|packet| net.ends[1].handle_packet(net.now, packet.into()));
    assert_eq!(sacks(&burst(&mut net, 1)), 1);
}

#[test]
fn what_was_only_late_is_not_held_against_the_path() {
    for congestion in [CongestionAlgorithm::Cubic, CongestionAlgorithm::Bbr] {
        let config = || Config { congestion, ..Config::default() };
        let mut net = Net::with(Link::default(), [config(), config()], 1);
        net.connect();
        net.send(0, 1, pattern(8_000, 0));
        net.run(1_000);
        let before = (net.ends[0].stats().cwnd, net.ends[0].stats().ssthresh);
        // The first of eight packets takes 5 ms more than the others: they seem to show that it was lost.
        net.send(0, 1, pattern(8 * 1_100, 1));
        let mut packets = burst(&mut net, 0).into_iter();
        let late = packets.next().unwrap();
        packets.for_each(|packet| net.carry(1, &packet));
        net.run(5);
        net.carry(1, &late);
        net.run(19);
        let lost = net.ends[0].stats();
        assert!(lost.chunks_retransmitted > 0, "{congestion:?}: {lost:?}");
        net.run(1_000);
        let after = net.ends[0].stats();
        assert_eq!(net.message_count(1), 2);
        assert_eq!(after.timeouts, 0);
        assert!(
            after.cwnd >= before.0 && after.ssthresh >= before.1,
            "{congestion:?}: {before:?}, {after:?}"
        );
    }
}
