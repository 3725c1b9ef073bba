//! RTP and RTCP between two transports.

use super::net::{LEFT, Net, RIGHT, host, ms, turn};
use super::turn_server::{Habit, TurnServer};
use crate::base::drops::DropReason;
use crate::base::net::{Datagram, Ecn};
use crate::transport::Inbound;
use crate::transport::srtp;
use crate::wire::dtls::codepoints::SrtpProfile;
use bytes::BytesMut;

const PROFILES: [SrtpProfile; 4] = [
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::Aes128CmSha1_80,
    SrtpProfile::Aes128CmSha1_32,
];
const TURN: &str = "203.0.113.99:3478";
const LEFT_HOST: &str = "192.0.2.1:5000";
const RIGHT_HOST: &str = "192.0.2.2:6000";

fn net(profile: SrtpProfile) -> Net {
    let mut net = Net::with(1, &|config| config.dtls.srtp_profiles = vec![profile]);
    net.add_host(LEFT, LEFT_HOST);
    net.add_host(RIGHT, RIGHT_HOST);
    net
}

fn connect(net: &mut Net) {
    net.peers.iter_mut().for_each(|peer| peer.enable_media(srtp::Config::default()));
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.connected());
}

fn rtp(sequence: u16, size: usize) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    let mut packet = vec![0x80, 96, high, low, 0, 0, 0, 1, 0, 0, 0, 7];
    packet.resize(size, 0xab);
    packet
}

fn rtcp() -> Vec<u8> {
    vec![0x80, 201, 0, 1, 0, 0, 0, 7]
}

/// A run of RTP and an RTCP packet each way, every packet as large as it may be.
fn exchange(net: &mut Net) {
    for who in [LEFT, RIGHT] {
        let before = net.received[1 - who].len();
        let media = net.peers[who].media_path().expect("a path");
        let mut run = Vec::new();
        for sequence in 1..=3 {
            let start = net.peers[who].begin_packet(&mut run).expect("keys");
            run.extend_from_slice(&rtp(sequence, media.max_rtp));
            net.peers[who].finish_rtp(start, &mut run).unwrap();
        }
        assert_eq!(run.len() % 3, 0, "one size, for segmentation");
        let size = run.len() / 3;
        // Channel messages are not padded; only an indication would be.
        assert!(size <= 1_200 && size > 1_190, "{size}");
        run.chunks(size).for_each(|packet| net.leave(media.path, packet.to_vec()));
        let mut out = Vec::new();
        let start = net.peers[who].begin_packet(&mut out).expect("keys");
        out.extend_from_slice(&rtcp());
        net.peers[who].finish_rtcp(start, &mut out).unwrap();
        net.leave(media.path, out);
        net.run_for(ms(100));
        let expected: Vec<_> = (1..=3).map(|n| rtp(n, media.max_rtp)).chain([rtcp()]).collect();
        assert_eq!(net.received[1 - who][before..], expected);
    }
    assert_eq!(net.peers.iter().map(|peer| peer.drops().total()).sum::<u64>(), 0);
}

#[test]
fn media_goes_both_ways_with_every_profile() {
    for profile in PROFILES {
        let mut net = net(profile);
        connect(&mut net);
        assert_eq!(net.peers[LEFT].dtls().unwrap().srtp_profile(), Some(profile));
        exchange(&mut net);
    }
}

#[test]
fn media_goes_through_a_relay() {
    let mut net = net(SrtpProfile::AeadAes128Gcm);
    net.apart = true;
    net.turn_servers.push(TurnServer::new(TURN, Habit::New));
    net.peers[LEFT].set_ice_servers(vec![turn(TURN)]);
    connect(&mut net);
    exchange(&mut net);
}

#[test]
fn media_may_be_asked_for_later_and_needs_a_profile() {
    let mut net = net(SrtpProfile::AeadAes128Gcm);
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.connected());
    assert_eq!(net.peers[LEFT].media_path(), None);
    assert!(net.peers[LEFT].begin_packet(&mut Vec::new()).is_none());
    net.peers.iter_mut().for_each(|peer| peer.enable_media(srtp::Config::default()));
    exchange(&mut net);

    let mut net = Net::with(1, &|config| config.dtls.srtp_profiles.clear());
    net.add_host(LEFT, LEFT_HOST);
    net.add_host(RIGHT, RIGHT_HOST);
    connect(&mut net);
    assert_eq!(net.peers[LEFT].media_path(), None);
    assert!(net.peers[LEFT].begin_packet(&mut Vec::new()).is_none());
}

#[test]
fn what_is_no_packet_leaves_the_buffer_as_it_was() {
    let mut net = net(SrtpProfile::AeadAes128Gcm);
    connect(&mut net);
    let mut out = b"before".to_vec();
    let start = net.peers[LEFT].begin_packet(&mut out).unwrap();
    out.extend_from_slice(b"no RTP");
    assert_eq!(net.peers[LEFT].finish_rtp(start, &mut out), Err(srtp::SealError::Malformed));
    let start = net.peers[LEFT].begin_packet(&mut out).unwrap();
    out.extend_from_slice(&rtp(1, 100));
    start.cancel(&mut out);
    assert_eq!(out, b"before");
}

fn handle(net: &mut Net, from: &str, packet: &[u8]) -> usize {
    let path = host(LEFT_HOST).to(from.parse().unwrap());
    let mut received: Vec<Inbound> = Vec::new();
    let datagram = Datagram { path, ecn: Ecn::NotEct, data: BytesMut::from(packet) };
    net.peers[LEFT].handle_datagram(net.now, datagram, &mut received);
    received.len()
}

/// Attack 6: a packet moves no path, even one that the peer sealed and somebody else forwards; attack 9: nothing
/// without its tag.
#[test]
fn attack_06_and_09_media_counts_from_proven_paths_and_with_its_tag_alone() {
    let mut net = net(SrtpProfile::AeadAes128Gcm);
    assert_eq!(handle(&mut net, RIGHT_HOST, &rtp(1, 100)), 0);
    assert_eq!(net.peers[LEFT].drops().of(DropReason::UnvalidatedSource), 1);
    net.signal();
    net.run_for(ms(3_000));
    assert_eq!(handle(&mut net, RIGHT_HOST, &rtp(1, 100)), 0);
    assert_eq!(net.peers[LEFT].drops().of(DropReason::SrtpNotReady), 1);
    net.peers.iter_mut().for_each(|peer| peer.enable_media(srtp::Config::default()));

    let mut sealed = Vec::new();
    let start = net.peers[RIGHT].begin_packet(&mut sealed).unwrap();
    sealed.extend_from_slice(&rtp(1, 100));
    net.peers[RIGHT].finish_rtp(start, &mut sealed).unwrap();
    let path = net.peers[LEFT].media_path().unwrap();
    assert_eq!(handle(&mut net, "198.51.100.66:6000", &sealed), 0);
    assert_eq!(net.peers[LEFT].drops().of(DropReason::UnvalidatedSource), 2);
    assert_eq!(net.peers[LEFT].media_path(), Some(path));
    let mut forged = sealed.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(handle(&mut net, RIGHT_HOST, &forged), 0);
    assert_eq!(net.peers[LEFT].drops().of(DropReason::SrtpAuthentication), 1);
    assert_eq!(handle(&mut net, RIGHT_HOST, &sealed), 1);
}

#[test]
fn one_component_may_secure_what_the_other_carries() {
    let mut net = net(SrtpProfile::AeadAes128Gcm);
    connect(&mut net);
    let mut out = b"front".to_vec();
    out.extend_from_slice(&rtcp());
    net.peers[LEFT].seal_rtcp(5, &mut out).unwrap();
    let sealed = BytesMut::from(&out[5..]);
    let mut received = Vec::new();
    // Once, and not what was changed.
    let mut changed = sealed.clone();
    changed[9] ^= 1;
    for packet in [changed, sealed.clone(), sealed] {
        net.peers[RIGHT].open_rtcp(packet, &mut received);
    }
    let [Inbound::Rtcp(packet)] = &received[..] else { panic!("{received:?}") };
    assert_eq!(packet[..], rtcp());
}
