#![no_main]
//! SRTP and SRTCP: any bytes to a receiver, packets of a sender that are damaged on their way, and any packet to a sender. With
//! the right tags nothing comes out but what went in; behind cryptography that keeps nobody out nothing panics.

mod door;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use purertc::base::random::Rng;
use purertc::crypto::secret::Secret;
use purertc::crypto::{CryptoProvider, rustcrypto};
use purertc::transport::srtp::{Config, MasterKey, Profile, Receiver, Sender};

fn pair(crypto: &CryptoProvider, profile: Profile, cryptex: bool) -> (Sender, Receiver) {
    let key = MasterKey {
        profile,
        key: Secret::new(vec![7; profile.key_len()]),
        salt: Secret::new(vec![9; profile.salt_len()]),
    };
    let mut config = Config::default();
    (config.cryptex, config.max_streams) = (cryptex, 4);
    let mut rng = Rng::from_number(1);
    let sender = Sender::new(crypto, &key, config, &mut rng).expect("keys");
    (sender, Receiver::new(crypto, &key, config, &mut rng).expect("keys"))
}

fuzz_target!(|data: &[u8]| {
    let Some((&first, mut rest)) = data.split_first() else { return };
    let profile =
        [Profile::AeadAes128Gcm, Profile::AeadAes256Gcm, Profile::Aes128CmSha1_80, Profile::Aes128CmSha1_32]
            [usize::from(first & 3)];
    let is_open = first & 8 != 0;
    let crypto = if is_open { door::provider() } else { rustcrypto::provider() };
    let (mut sender, mut receiver) = pair(&crypto, profile, first & 4 != 0);
    // Each operation: what to do with how many of the bytes that follow, and which to change.
    while let Some((&[what, len, at], tail)) = rest.split_first_chunk() {
        let (packet, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        let is_rtcp = what & 1 != 0;
        let mut handle = |packet: &[u8]| match is_rtcp {
            true => receiver.handle_rtcp(BytesMut::from(packet)),
            false => receiver.handle_rtp(BytesMut::from(packet)),
        };
        if what & 2 != 0 {
            let opened = handle(packet);
            assert!(is_open || opened.is_none(), "a forgery");
            continue;
        }
        let mut sealed = packet.to_vec();
        let done = if is_rtcp { sender.seal_rtcp(&mut sealed, 0) } else { sender.seal_rtp(&mut sealed, 0) };
        if done.is_err() {
            assert!(sealed.is_empty());
            continue;
        }
        let mut damaged = sealed.clone();
        let place = usize::from(at) % damaged.len();
        damaged[place] ^= what | 1;
        let opened = handle(&damaged);
        assert!(is_open || opened.is_none(), "a forgery");
        if !is_open && let Some(opened) = handle(&sealed) {
            // Cryptex gives a packet with contributing sources an empty extension, which stays (RFC 9335 §5.1).
            assert!(opened == packet || first & 4 != 0 && !is_rtcp && opened.len() == packet.len() + 4);
            assert_eq!(handle(&sealed), None, "a repetition");
        }
    }
    assert!(receiver.streams() <= 4);
});
