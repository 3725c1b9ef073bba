use super::{PROFILES, Pair, master, rtcp, rtp};
use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::transport::srtp::streams::{WINDOW, Window};
use crate::transport::srtp::{Config, KeyError, MasterKey, Profile, Receiver, SealError, Sender};
use crate::wire::dtls::codepoints::SrtpProfile;
use crate::wire::rtp::Layout;
use crate::wire::rtp::extension::{Form, Writer};
use quickcheck::quickcheck;
use std::collections::BTreeSet;

#[test]
fn every_profile_carries_both_protocols() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        for sequence in 0..100 {
            let packet = rtp(1, sequence);
            let sealed = pair.seal(&packet);
            assert_eq!(sealed.len(), packet.len() + profile.rtp_tag_len());
            assert_eq!(sealed.len(), packet.len() + pair.sender.rtp_overhead());
            assert_eq!(sealed[..12], packet[..12]);
            assert_ne!(sealed[12..packet.len()], packet[12..]);
            assert_eq!(pair.open(&sealed).unwrap(), packet);
        }
        let sealed = pair.seal_rtcp(&rtcp(1));
        assert_eq!(sealed.len(), rtcp(1).len() + pair.sender.rtcp_overhead());
        assert_ne!(sealed[8..20], rtcp(1)[8..]);
        assert_eq!(pair.open_rtcp(&sealed).unwrap(), rtcp(1));
        assert_eq!(pair.receiver.drops().total(), 0);
    }
}

#[test]
fn what_is_before_the_packet_stays() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let mut out = b"before".to_vec();
        out.extend(rtp(1, 1));
        pair.sender.seal_rtp(&mut out, 6).unwrap();
        assert_eq!(pair.open(&out[6..]).unwrap(), rtp(1, 1));
        let at = out.len();
        out.extend(rtcp(1));
        pair.sender.seal_rtcp(&mut out, at).unwrap();
        assert_eq!(pair.open_rtcp(&out[at..]).unwrap(), rtcp(1));
        assert_eq!(out[..6], *b"before");
        let at = out.len();
        out.extend([0x80, 1, 2]);
        assert_eq!(pair.sender.seal_rtp(&mut out, at), Err(SealError::Malformed));
        out.extend([0x80, 1, 2]);
        assert_eq!(pair.sender.seal_rtcp(&mut out, at), Err(SealError::Malformed));
        assert_eq!(out.len(), at);
    }
}

#[test]
fn sequence_numbers_roll_over() {
    for profile in [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm] {
        let mut pair = Pair::new(profile);
        let mut late = Vec::new();
        for n in 0..200_000u32 {
            let packet = rtp(1, n as u16);
            let sealed = pair.seal(&packet);
            match n % 65_536 {
                // Some are lost, and some come after the roll-over.
                100..32_000 => {}
                65_500 => late.push((packet, sealed)),
                _ => assert_eq!(pair.open(&sealed).unwrap(), packet, "{n}"),
            }
            if n % 65_536 == 99 && n > 65_536 {
                let (packet, sealed) = late.pop().unwrap();
                assert_eq!(pair.open(&sealed).unwrap(), packet);
                pair.refuses(&sealed, DropReason::SrtpReplay);
            }
        }
    }
}

/// RFC 3711 §3.3.1 has no index before the first: it would be that of another round.
#[test]
fn nothing_comes_before_index_zero() {
    let mut pair = Pair::new(Profile::AeadAes128Gcm);
    let sealed = pair.seal(&rtp(1, 3));
    assert!(pair.open(&sealed).is_some());
    pair.refuses(&rtp(1, 65_530), DropReason::SrtpReplay);
    assert_eq!(pair.sender.seal_rtp(&mut rtp(1, 65_530), 0), Err(SealError::Repeated));
}

/// RFC 3711 §9.1: two packets under one key stream give both away.
#[test]
fn a_number_is_sealed_once() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        pair.seal(&rtp(1, 7));
        let mut out = rtp(1, 7);
        assert_eq!(pair.sender.seal_rtp(&mut out, 0), Err(SealError::Repeated));
        assert!(out.is_empty());
        pair.seal(&rtp(1, 7 + WINDOW as u16));
        assert_eq!(pair.sender.seal_rtp(&mut rtp(1, 6), 0), Err(SealError::Repeated));
        pair.seal(&rtp(1, 8));
        pair.seal(&rtp(2, 7));
    }
}

#[test]
fn a_sender_does_not_forget_streams() {
    let mut pair = Pair::with(Profile::AeadAes128Gcm, Config { max_streams: 2, ..Config::default() });
    pair.seal(&rtp(1, 1));
    pair.seal(&rtp(2, 1));
    assert_eq!(pair.sender.seal_rtp(&mut rtp(3, 1), 0), Err(SealError::TooManyStreams));
    pair.seal(&rtp(1, 2));
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let (crypto, mut rng) = (CryptoProvider::default(), Rng::from_number(1));
    for profile in PROFILES {
        let good = master(profile);
        let long = MasterKey { key: Secret::zeros(profile.key_len() + 1), ..good.clone() };
        let short = MasterKey { salt: Secret::zeros(profile.salt_len() - 1), ..good };
        for key in [long, short] {
            let sender = Sender::new(&crypto, &key, Config::default(), &mut rng);
            assert_eq!(sender.err(), Some(KeyError::BadLength));
            let receiver = Receiver::new(&crypto, &key, Config::default(), &mut rng);
            assert_eq!(receiver.err(), Some(KeyError::BadLength));
        }
    }
}

#[test]
fn profiles_have_their_code_points() {
    let codes = [1u16, 2, 7, 8].map(|code| Profile::from_code(SrtpProfile::from(code)));
    assert_eq!(codes, PROFILES.map(Some));
    assert_eq!(Profile::from_code(SrtpProfile::Unknown(5)), None);
}

/// RFC 9335 §5.1 and §4.
#[test]
fn cryptex_hides_sources_and_leaves_foreign_extensions() {
    for profile in PROFILES {
        let mut pair = Pair::with(profile, Config { cryptex: true, ..Config::default() });
        let plain = rtp(1, 1);
        let sealed = pair.seal(&plain);
        assert_eq!(sealed.len(), plain.len() + profile.rtp_tag_len(), "nothing to hide but the payload");
        assert_eq!(pair.open(&sealed).unwrap(), plain);

        let mut sources = rtp(1, 2);
        sources[0] |= 2;
        let sealed = pair.seal(&sources);
        assert_eq!(sealed.len(), sources.len() + pair.sender.rtp_overhead());
        assert_ne!(sealed[12..20], sources[12..20]);
        let opened = pair.open(&sealed).unwrap();
        assert_eq!(Layout::of(&opened).unwrap().profile, Some(0xBEDE));
        assert_eq!((&opened[12..20], &opened[24..]), (&sources[12..20], &sources[20..]));

        for (sequence, foreign) in [(3, 0xABAC_u16), (4, 0x1001)] {
            let mut packet = rtp(1, sequence);
            packet.truncate(12);
            packet[0] |= 0x10;
            packet.extend(foreign.to_be_bytes());
            packet.extend([0, 1, 9, 9, 9, 9, 1, 2, 3]);
            let sealed = pair.seal(&packet);
            assert_eq!(sealed[..20], packet[..20]);
            assert_eq!(pair.open(&sealed).unwrap(), packet);
        }
    }
}

#[test]
fn extensions_stay_readable_without_cryptex() {
    for profile in PROFILES {
        let mut pair = Pair::new(profile);
        let mut packet = rtp(1, 1);
        packet.truncate(12);
        let mut writer = Writer::begin(&mut packet, 0, Form::OneByte);
        writer.put(3, |out| out.extend_from_slice(b"abc"));
        writer.finish();
        packet.extend_from_slice(b"payload");
        let sealed = pair.seal(&packet);
        assert_eq!(sealed[..20], packet[..20]);
        assert_eq!(pair.open(&sealed).unwrap(), packet);
    }
}

quickcheck! {
    /// The ring of bits agrees with a set of numbers.
    fn the_window_remembers(steps: Vec<(u16, bool)>) -> bool {
        let (mut window, mut seen, mut end) = (Window::default(), BTreeSet::new(), 0u64);
        for (step, back) in steps {
            let step = u64::from(step);
            let index = if back { end.saturating_sub(step % (2 * WINDOW)) } else { end + step % 5_000 };
            let expected = index >= end || (end - index <= WINDOW && !seen.contains(&index));
            if window.is_new(index) != expected {
                return false;
            }
            if expected {
                window.mark(index);
                seen.insert(index);
                end = end.max(index + 1);
            }
            if window.is_new(index) {
                return false;
            }
        }
        true
    }

    fn any_payload_goes_through(which: usize, csrcs: u8, payload: Vec<u8>, cryptex: bool) -> bool {
        let config = Config { cryptex, ..Config::default() };
        let mut pair = Pair::with(PROFILES[which % 4], config);
        let mut packet = rtp(9, 1);
        packet.truncate(12);
        packet[0] |= csrcs & 0x0f;
        packet.resize(12 + 4 * usize::from(csrcs & 0x0f), csrcs);
        packet.extend_from_slice(&payload);
        let sealed = pair.seal(&packet);
        pair.open(&sealed).is_some_and(|opened| opened.ends_with(&payload))
    }
}
