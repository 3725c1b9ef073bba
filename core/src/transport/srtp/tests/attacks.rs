use super::{PROFILES, Pair, rtcp, rtp};
use crate::base::drops::DropReason;
use crate::transport::srtp::streams::WINDOW;
use crate::transport::srtp::{Config, Profile};
use quickcheck::quickcheck;

/// werift#582, CVE-2025-53399: packets went on although their tag was wrong.
#[test]
fn attack_09_a_tag_that_is_wrong_or_missing() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let sealed = pair.seal(&rtp(1, 1));
        let sealed_rtcp = pair.seal_rtcp(&rtcp(1));
        for at in 1..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 0x20;
            assert_eq!(pair.open(&forged), None, "byte {at}");
        }
        for at in 1..sealed_rtcp.len() {
            let mut forged = sealed_rtcp.clone();
            forged[at] ^= 0x20;
            assert_eq!(pair.open_rtcp(&forged), None, "byte {at}");
        }
        assert_eq!(pair.open(&rtp(1, 2)), None, "in the clear");
        assert_eq!(pair.open_rtcp(&rtcp(1)), None, "in the clear");
        assert_eq!(pair.open(&sealed_rtcp), None, "the keys of RTCP are others");
        let mut stranger = Pair::new(if profile == PROFILES[0] { PROFILES[1] } else { PROFILES[0] });
        assert_eq!(stranger.open(&sealed), None);
        assert!(pair.open(&sealed).is_some() && pair.open_rtcp(&sealed_rtcp).is_some());
    }
}

#[test]
fn attack_10_a_packet_that_comes_again() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let sealed: Vec<_> = (0..=WINDOW as u16).map(|n| pair.seal(&rtp(1, n))).collect();
        // The newest comes first: a retransmission may be as late as the window is long.
        assert!(pair.open(&sealed[WINDOW as usize]).is_some());
        pair.refuses(&sealed[0], DropReason::SrtpReplay);
        for packet in &sealed[1..WINDOW as usize] {
            assert!(pair.open(packet).is_some());
        }
        for packet in &sealed {
            pair.refuses(packet, DropReason::SrtpReplay);
        }
        let first = pair.seal_rtcp(&rtcp(1));
        let second = pair.seal_rtcp(&rtcp(1));
        assert!(pair.open_rtcp(&second).is_some() && pair.open_rtcp(&first).is_some());
        let before = pair.receiver.drops().of(DropReason::SrtpReplay);
        assert!(pair.open_rtcp(&second).is_none() && pair.open_rtcp(&first).is_none());
        assert_eq!(pair.receiver.drops().of(DropReason::SrtpReplay), before + 2);
    }
    // A retransmission takes longer than the 64 packets that RFC 3711 §3.3.2 asks for.
    const { assert!(WINDOW >= 1_024) };
}

#[test]
fn attack_10_a_forged_number_moves_no_counter() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let first = pair.seal(&rtp(1, 60_000));
        assert!(pair.open(&first).is_some());
        // Each would move the roll-over counter, or the window beyond what comes next.
        for sequence in [0, 1, 20_000, 27_000, 65_535] {
            for _ in 0..10 {
                pair.refuses(&rtp(1, sequence), DropReason::SrtpAuthentication);
            }
        }
        let mut forged = rtcp(1);
        forged.extend([0xff; 20]);
        assert_eq!(pair.open_rtcp(&forged), None);
        for sequence in 60_001..60_010 {
            let sealed = pair.seal(&rtp(1, sequence));
            assert_eq!(pair.open(&sealed).unwrap(), rtp(1, sequence));
        }
        let sealed = pair.seal_rtcp(&rtcp(1));
        assert!(pair.open_rtcp(&sealed).is_some());
    }
}

/// pion/srtp#372: a stream for each identifier that anybody cares to name.
#[test]
fn attack_11_endless_streams_of_forged_packets() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        for ssrc in 0..10_000 {
            pair.refuses(&rtp(ssrc, 1), DropReason::SrtpAuthentication);
        }
        assert_eq!(pair.receiver.streams(), 0);
    }
}

#[test]
fn attack_11_endless_streams_of_a_peer_with_keys() {
    let config = Config { max_streams: 20_000, ..Config::default() };
    let mut peer = Pair::with(Profile::AeadAes128Gcm, config);
    let mut ours = Pair::new(Profile::AeadAes128Gcm);
    for ssrc in 0..10_000 {
        let sealed = peer.seal(&rtp(ssrc, 1));
        assert!(ours.open(&sealed).is_some());
        // Stream 0 keeps talking, and is not the one that is forgotten.
        let sealed = peer.seal(&rtp(0, ssrc as u16 + 2));
        assert!(ours.open(&sealed).is_some());
    }
    assert_eq!(ours.receiver.streams(), 1_024);
    ours.refuses(&rtp(0, 15_000), DropReason::SrtpAuthentication);
    let again = peer.seal(&rtp(0, 20_000));
    assert!(ours.open(&again).is_some());
    ours.refuses(&again, DropReason::SrtpReplay);
}

/// CVE-2021-41105: a hundred bad packets ended the call.
#[test]
fn attack_12_any_number_of_bad_packets() {
    let mut pair = Pair::new(Profile::AeadAes128Gcm);
    for n in 0..100_000u32 {
        assert_eq!(pair.open(&rtp(1, n as u16)), None);
        assert_eq!(pair.open_rtcp(&rtcp(1)), None);
    }
    assert_eq!(pair.receiver.drops().total(), 200_000);
    let (sealed, sealed_rtcp) = (pair.seal(&rtp(1, 1)), pair.seal_rtcp(&rtcp(1)));
    assert!(pair.open(&sealed).is_some() && pair.open_rtcp(&sealed_rtcp).is_some());
}

/// CVE-2015-6360: a packet shorter than what stands at its end.
#[test]
fn attack_13_packets_shorter_than_their_trailer() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let (sealed, sealed_rtcp) = (pair.seal(&rtp(1, 1)), pair.seal_rtcp(&rtcp(1)));
        for len in 0..sealed_rtcp.len() {
            assert_eq!(pair.open_rtcp(&sealed_rtcp[..len]), None);
        }
        let least = 8 + 4 + profile.rtcp_tag_len();
        assert_eq!(pair.receiver.drops().of(DropReason::SrtpMalformed), least as u64);
        for len in 0..sealed.len() {
            assert_eq!(pair.open(&sealed[..len]), None);
        }
        // A packet without a payload is as short as it gets.
        let mut empty = rtp(1, 2);
        empty.truncate(12);
        let sealed = pair.seal(&empty);
        assert_eq!(pair.open(&sealed).unwrap(), empty);
        let mut empty = rtcp(1);
        empty.truncate(8);
        let sealed = pair.seal_rtcp(&empty);
        assert_eq!(pair.open_rtcp(&sealed).unwrap(), empty);
    }
}

/// A header that says that it reaches into the tag, sealed by a peer with keys that means harm.
#[test]
fn attack_13_a_header_that_reaches_into_the_tag() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let mut packet = rtp(1, 1);
        packet.truncate(12);
        let mut sealed = pair.seal(&packet);
        sealed[0] |= 1;
        pair.refuses(&sealed, DropReason::SrtpMalformed);
    }
}

quickcheck! {
    fn any_bytes_do_no_harm(which: usize, cryptex: bool, first: u8, bytes: Vec<u8>) -> bool {
        let mut pair = Pair::with(PROFILES[which % 4], Config { cryptex, ..Config::default() });
        let behind = [&[0x80 | first & 0x3f][..], &bytes].concat();
        [bytes, behind].iter().all(|bytes| pair.open(bytes).is_none() && pair.open_rtcp(bytes).is_none())
            && pair.receiver.drops().total() == 4
    }
}
