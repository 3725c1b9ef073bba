//! SRTP of others that cannot be called as they are: str0m's contexts are private, libsrtp2 is in C.

use std::hint::black_box;
use std::process::Command;

use str0m::config::CryptoProvider;
use str0m::crypto::from_feature_flags;

use crate::clock::nanos_per_call;
use crate::scenarios::srtp::{Figures, HEADER, PACKET, batched, packet};

const GCM_TAG: usize = 16;
const CM_TAG: usize = 10;
/// What AES-CTR of aws-lc-rs wants to have behind its output.
const CTR_ROOM: usize = 15;

/// What str0m's cryptography takes, called as its context calls it: a buffer for each packet, a key of HMAC made ready for
/// each. What the context does besides is not in it.
pub fn str0m_gcm(secs: f64) -> Figures {
    let CryptoProvider { srtp_provider, .. } = from_feature_flags();
    let cipher = |encrypt| srtp_provider.aead_aes_128_gcm().create_cipher([7; 16], encrypt);
    let (mut sender, mut receiver) = (cipher(true), cipher(false));
    let mut protect = |counter: u64, plain: &[u8]| {
        let mut out = vec![0; PACKET + GCM_TAG];
        sender
            .encrypt(&nonce(counter), &plain[..HEADER], &plain[HEADER..], &mut out[HEADER..])
            .expect("keys");
        out[..HEADER].copy_from_slice(&plain[..HEADER]);
        out
    };
    let (plain, mut counter) = (packet(0), 0);
    let seal = nanos_per_call(secs, || {
        counter += 1;
        black_box(protect(counter, &plain));
    });
    let open = batched(
        secs,
        || protect(0, &plain),
        |sealed| {
            let (aad, input) = sealed.split_at(HEADER);
            let mut out = vec![0; input.len()];
            let len = receiver.decrypt(&nonce(0), &[aad], input, &mut out).expect("what was sealed");
            out.truncate(len);
            black_box(out);
        },
    );
    Figures { seal, open }
}

/// The same with AES-CM and HMAC-SHA1.
pub fn str0m_cm(secs: f64) -> Figures {
    let CryptoProvider { srtp_provider, sha1_hmac_provider, .. } = from_feature_flags();
    let cipher = |encrypt| srtp_provider.aes_128_cm_sha1_80().create_cipher([7; 16], encrypt);
    let (mut sender, mut receiver) = (cipher(true), cipher(false));
    let tag = |data: &[u8]| sha1_hmac_provider.sha1_hmac(&[7; 20], &[data, &[0; 4]]);
    let mut protect = |plain: &[u8]| {
        let mut out = vec![0; PACKET + CTR_ROOM];
        sender.encrypt(&[9; 16], &plain[HEADER..], &mut out[HEADER..]).expect("keys");
        out[..HEADER].copy_from_slice(&plain[..HEADER]);
        let tag = tag(&out[..PACKET]);
        out[PACKET..PACKET + CM_TAG].copy_from_slice(&tag[..CM_TAG]);
        out.truncate(PACKET + CM_TAG);
        out
    };
    let plain = packet(0);
    let seal = nanos_per_call(secs, || {
        black_box(protect(&plain));
    });
    let open = batched(
        secs,
        || protect(&plain),
        |sealed| {
            let (data, theirs) = sealed.split_at(PACKET);
            assert_eq!(tag(data)[..CM_TAG], *theirs);
            let mut out = vec![0; PACKET - HEADER + CTR_ROOM];
            receiver.decrypt(&[9; 16], &data[HEADER..], &mut out).expect("keys");
            out.truncate(PACKET - HEADER);
            black_box(out);
        },
    );
    Figures { seal, open }
}

fn nonce(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// libsrtp2 as the system has it, in a process of its own; `None` where it was not there when this was built.
pub fn libsrtp2(profile: &str, secs: f64) -> Option<Figures> {
    let program = option_env!("LIBSRTP_PROGRAM")?;
    let output = Command::new(program).args([profile, &secs.to_string()]).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut figures = text.split_whitespace().map(|figure| figure.parse().expect("a figure"));
    Some(Figures { seal: figures.next()?, open: figures.next()? })
}
