//! Path MTU discovery: what passes is found and used, and nothing is lost to it.

use crate::data::sctp::state::Extensions;
use crate::data::sctp::tests::{Link, MTU, Net, pattern};
use crate::wire::sctp::Packet;
use crate::wire::sctp::chunk::{Chunk, ChunkType};
use crate::wire::sctp::param::{ParamType, Params, put_param};
use crate::wire::sctp::{fill_checksum, put_chunk};

const LARGE: usize = 1_444;

/// Two ends that may try large packets, on a path that carries packets of `path_mtu` bytes.
fn net(path_mtu: usize) -> Net {
    let mut net = Net::connected(Link::default());
    net.path_mtu = path_mtu;
    net.ends.iter_mut().for_each(|end| end.set_path(LARGE));
    net
}

fn transfer(net: &mut Net, messages: usize) {
    let before = net.message_count(1);
    (0..messages).for_each(|n| net.send(0, 3, pattern(60_000, n)));
    assert!(net.run_until(120_000, |net| net.message_count(1) == before + messages), "{:?}", net.ends);
    let came = net.messages(1).split_off(before);
    assert!(came.into_iter().enumerate().all(|(n, (_, data))| data == pattern(60_000, n)));
    net.run(500);
}

fn is_probe(packet: &[u8]) -> bool {
    Packet::parse(packet).unwrap().chunks().any(|chunk| matches!(chunk, Ok(Chunk::Pad(_))))
}

/// The largest packet with data.
fn largest(net: &Net) -> usize {
    net.log[0].iter().filter(|packet| !is_probe(packet)).map(bytes::Bytes::len).max().unwrap()
}

#[test]
fn a_large_path_is_found_and_used_by_bundling_chunks_that_pass_any_path() {
    let mut net = net(LARGE);
    transfer(&mut net, 20);
    assert_eq!(largest(&net), LARGE);
    assert_eq!(net.log[0].iter().filter(|packet| is_probe(packet)).count(), 1);
    let header = MTU - 12;
    for packet in &net.log[0] {
        let data = Packet::parse(packet).unwrap().chunks().filter_map(Result::ok);
        assert!(data.filter(|chunk| chunk.ty() == ChunkType::IData).all(|chunk| {
            let mut out = Vec::new();
            chunk.write(&mut out);
            out.len() <= header
        }));
    }
}

/// A peer that does not know PAD: what it would do with one is not known either.
fn forget_padding(net: &mut Net) {
    let peer = net.ends[0].peer.as_mut().unwrap();
    peer.extensions = Extensions::from_bits(peer.extensions.bits() & !Extensions::PADDING.bits());
}

#[test]
fn a_peer_without_pad_is_asked_by_a_padded_parameter() {
    let mut net = net(LARGE);
    forget_padding(&mut net);
    transfer(&mut net, 20);
    let probes = |packet: &[u8]| {
        Packet::parse(packet)
            .unwrap()
            .chunks()
            .any(|chunk| matches!(chunk, Ok(Chunk::Heartbeat(params)) if params.as_bytes().len() > 1_000))
    };
    let asked: Vec<_> = net.log[0].iter().filter(|packet| probes(packet)).collect();
    assert_eq!(asked.iter().map(|packet| packet.len()).collect::<Vec<_>>(), [LARGE]);
    assert!(net.log[1].iter().any(|packet| packet.len() == LARGE), "the answer is as large");
    assert!(!net.log[0].iter().any(|packet| is_probe(packet)));
    let data = net.log[0].iter().filter(|packet| !probes(packet));
    // No chunk fills the last bytes up.
    assert!(data.map(bytes::Bytes::len).max().unwrap() > LARGE - 36);
}

#[test]
fn a_peer_that_does_not_answer_large_ones_is_left_at_what_every_path_carries() {
    let mut net = net(LARGE);
    forget_padding(&mut net);
    // As dcSCTP in browsers, which sends nothing above its own MTU.
    net.ends[1].set_path(0);
    (0..16).for_each(|_| transfer(&mut net, 5));
    let data = net.log[0].iter().filter(|packet| {
        !matches!(Packet::parse(packet).unwrap().chunks().next(), Some(Ok(Chunk::Heartbeat(_))))
    });
    assert_eq!(data.map(bytes::Bytes::len).max().unwrap(), MTU);
    assert_eq!(net.ends[0].stats().chunks_retransmitted, 0);
}

#[test]
fn a_path_in_between_is_found_by_halving_and_nothing_is_lost_to_it() {
    let mut net = net(1_300);
    // Each leaves time for one probe.
    (0..16).for_each(|_| transfer(&mut net, 5));
    assert!((1_300 - 36..=1_300).contains(&largest(&net)), "{}", largest(&net));
    assert_eq!(net.ends[0].stats().chunks_retransmitted, 0);
}

#[test]
fn a_path_that_carries_no_more_than_any_is_used_as_it_is() {
    let mut net = net(MTU);
    transfer(&mut net, 40);
    assert_eq!(largest(&net), MTU);
    assert_eq!(net.ends[0].stats().chunks_retransmitted, 0);
}

#[test]
fn when_large_packets_begin_to_vanish_small_ones_take_their_place() {
    let mut net = net(LARGE);
    transfer(&mut net, 5);
    (0..20).for_each(|n| net.send(0, 3, pattern(60_000, n)));
    net.run(30);
    net.path_mtu = MTU;
    assert!(net.run_until(20_000, |net| net.message_count(1) == 25), "{:?}", net.ends);
    net.path_mtu = LARGE;
    transfer(&mut net, 20);
}

#[test]
fn little_to_send_is_not_worth_a_probe() {
    let mut net = net(LARGE);
    for n in 0..50 {
        net.send(0, 1, pattern(2_000, n));
        net.run(40);
    }
    assert!(!net.log.iter().flatten().any(|packet| is_probe(packet)));
}

#[test]
fn attack_26_an_answer_that_was_not_asked_for_raises_nothing() {
    let mut net = net(MTU);
    (0..20).for_each(|n| net.send(0, 3, pattern(60_000, n)));
    net.run(5);
    for nonce in [[0u8; 8], [1; 8], [0xff; 8]] {
        let mut params = Vec::new();
        put_param(&mut params, ParamType::HeartbeatInfo, &nonce);
        let mut out = Vec::new();
        net.ends[1].header(net.ends[0].local.tag).write(&mut out);
        put_chunk(&mut out, 5, 0, |out| out.extend_from_slice(Params::new(&params).as_bytes()));
        fill_checksum(&mut out, 0);
        net.ends[0].handle_packet(net.now, out.as_slice().into());
    }
    net.run(5_000);
    assert_eq!(largest(&net), MTU);
}
