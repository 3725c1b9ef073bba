//! `srtp`: one RTP packet of 1,200 bytes, sealed and opened, beside the primitives alone.

use std::hint::black_box;

use aes::Aes128;
use aes::cipher::{InnerIvInit, KeyInit, StreamCipherCore};
use bytes::BytesMut;
use ctr::CtrCore;
use ctr::flavors::Ctr32BE;
use hmac::{Hmac, Mac};
use purertc::CryptoProvider;
use purertc::base::random::Rng;
use purertc::crypto::secret::Secret;
use purertc::transport::srtp::{Config, MasterKey, Profile, Receiver, Sender};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc::crypto::default_provider;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use sha1::Sha1;

use crate::clock::nanos_per_call;
use crate::report::{FLOOR, Metric, Report};
use crate::scenarios::{Options, srtp_rivals};

const SEAL: Metric = Metric::lower("seal", "ns");
const OPEN: Metric = Metric::lower("open", "ns");
const GCM: &str = "AEAD_AES_128_GCM";
const CM: &str = "AES128_CM_SHA1_80";

/// Bytes of a packet.
pub const PACKET: usize = 1_200;
/// Bytes of its header.
pub const HEADER: usize = 12;
/// Packets that are sealed before they are opened, so that each is opened once.
const BATCH: usize = 512;

/// Nanoseconds for each direction.
pub struct Figures {
    pub seal: f64,
    pub open: f64,
}

pub fn run(options: &Options) {
    let mut report = Report::new("srtp");
    for _ in 0..options.runs {
        let secs = options.secs / 2.0;
        let ours = |profile| ours(profile, secs);
        for (case, stack, figures) in [
            (GCM, "purertc", ours(Profile::AeadAes128Gcm)),
            (GCM, "rtc", theirs(ProtectionProfile::AeadAes128Gcm, secs)),
            (GCM, "str0m", srtp_rivals::str0m_gcm(secs)),
            (GCM, FLOOR, floor_gcm(secs)),
            (CM, "purertc", ours(Profile::Aes128CmSha1_80)),
            (CM, "rtc", theirs(ProtectionProfile::Aes128CmHmacSha1_80, secs)),
            (CM, "str0m", srtp_rivals::str0m_cm(secs)),
            (CM, FLOOR, floor_cm(secs)),
        ] {
            report.add(case, SEAL, stack, figures.seal);
            report.add(case, OPEN, stack, figures.open);
        }
        for (case, profile) in [(GCM, "gcm"), (CM, "cm")] {
            if let Some(figures) = srtp_rivals::libsrtp2(profile, secs) {
                report.add(case, SEAL, "libsrtp2", figures.seal);
                report.add(case, OPEN, "libsrtp2", figures.open);
            }
        }
    }
    report.print(options.json);
}

pub fn packet(sequence: u16) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    let mut packet = vec![0x80, 96, high, low, 0, 0, 0, 1, 0, 0, 0, 7];
    packet.resize(PACKET, 0x5a);
    packet
}

fn ours(profile: Profile, secs: f64) -> Figures {
    let crypto = CryptoProvider::default();
    let key = MasterKey {
        profile,
        key: Secret::new(vec![7; profile.key_len()]),
        salt: Secret::new(vec![9; profile.salt_len()]),
    };
    let mut rng = Rng::from_number(1);
    let mut sender = Sender::new(&crypto, &key, Config::default(), &mut rng).expect("keys");
    let mut receiver = Receiver::new(&crypto, &key, Config::default(), &mut rng).expect("keys");
    let (mut sequence, mut out) = (0u16, Vec::with_capacity(2 * PACKET));
    let plain = packet(0);
    let seal = nanos_per_call(secs, || {
        out.clear();
        out.extend_from_slice(&plain);
        out[2..4].copy_from_slice(&sequence.to_be_bytes());
        sender.seal_rtp(&mut out, 0).expect("a packet");
        sequence = sequence.wrapping_add(1);
        black_box(&out);
    });
    let mut sender = Sender::new(&crypto, &key, Config::default(), &mut rng).expect("keys");
    let mut sequence = 0u16;
    let open = batched(
        secs,
        || {
            let mut out = packet(sequence);
            sequence = sequence.wrapping_add(1);
            sender.seal_rtp(&mut out, 0).expect("a packet");
            BytesMut::from(out.as_slice())
        },
        |sealed| {
            black_box(receiver.handle_rtp(sealed).expect("an authentic packet"));
        },
    );
    Figures { seal, open }
}

fn theirs(profile: ProtectionProfile, secs: f64) -> Figures {
    let provider = default_provider().expect("the default provider");
    let (key, salt) = (vec![7; profile.key_len()], vec![9; profile.salt_len()]);
    let context = || Context::new(&key, &salt, profile, None, None, provider.crypto()).expect("keys");
    let (mut sender, mut receiver) = (context(), context());
    let (mut sequence, mut plain) = (0u16, packet(0));
    let seal = nanos_per_call(secs, || {
        plain[2..4].copy_from_slice(&sequence.to_be_bytes());
        black_box(sender.encrypt_rtp(&plain).expect("a packet"));
        sequence = sequence.wrapping_add(1);
    });
    let mut sender = context();
    let mut sequence = 0u16;
    let open = batched(
        secs,
        || {
            let sealed = sender.encrypt_rtp(&packet(sequence)).expect("a packet");
            sequence = sequence.wrapping_add(1);
            sealed
        },
        |sealed| {
            black_box(receiver.decrypt_rtp(&sealed).expect("an authentic packet"));
        },
    );
    Figures { seal, open }
}

/// Nanoseconds of `open` alone, each packet once: what makes them is measured, too, and taken off.
pub fn batched<P>(secs: f64, mut seal: impl FnMut() -> P, mut open: impl FnMut(P)) -> f64 {
    let mut spent = 0.0;
    let mut count = 0;
    let start = crate::clock::cpu_seconds();
    while crate::clock::cpu_seconds() - start < 2.0 * secs {
        let sealed: Vec<P> = (0..BATCH).map(|_| seal()).collect();
        let begun = crate::clock::cpu_seconds();
        sealed.into_iter().for_each(&mut open);
        spent += crate::clock::cpu_seconds() - begun;
        count += BATCH;
    }
    spent * 1e9 / count as f64
}

fn floor_gcm(secs: f64) -> Figures {
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).expect("a key of 16 bytes"));
    let mut plain = packet(0);
    let mut counter = 0u64;
    let seal = nanos_per_call(secs, || {
        counter += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&counter.to_be_bytes());
        let (header, body) = plain.split_at_mut(HEADER);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), body).expect("a short packet");
        black_box(tag.as_ref());
    });
    let open = batched(
        secs,
        || {
            let mut sealed = packet(0);
            let (header, body) = sealed.split_at_mut(HEADER);
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), body).expect("a short packet");
            sealed.extend_from_slice(tag.as_ref());
            sealed
        },
        |mut sealed| {
            let (header, body) = sealed.split_at_mut(HEADER);
            let nonce = Nonce::assume_unique_for_key([0; 12]);
            black_box(key.open_in_place(nonce, Aad::from(header), body).expect("what was sealed"));
        },
    );
    Figures { seal, open }
}

/// The same work in both directions: one pass of AES-CTR, one of HMAC-SHA1.
fn floor_cm(secs: f64) -> Figures {
    let cipher = Aes128::new(&[7; 16].into());
    let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&[7; 20]).expect("a key of any length");
    let work = |data: &mut Vec<u8>| {
        let stream = CtrCore::<_, Ctr32BE>::inner_iv_init(&cipher, &[9; 16].into());
        stream.apply_keystream_partial(data[HEADER..].as_mut().into());
        let mut mac = mac.clone();
        mac.update(data);
        black_box(mac.finalize().into_bytes());
    };
    let mut data = packet(0);
    let seal = nanos_per_call(secs, || work(&mut data));
    let open = batched(secs, || packet(0), |mut data| work(&mut data));
    Figures { seal, open }
}
