//! Every fuzz target without libFuzzer, as a test: the same bodies, on a stable toolchain, over inputs that a seeded mutator
//! makes. It knows nothing of coverage, so it finds what is near the surface; cargo-fuzz (see the README) digs deeper.
//!
//! ```text
//! cargo test -p purertc-tests --test fuzz                            # a moment for each target
//! PURERTC_FUZZ_SECONDS=10 cargo test -p purertc-tests --test fuzz    # what CI does
//! PURERTC_FUZZ_SEED=7 cargo test …                                   # the same inputs again
//! ```

// What `libfuzzer_sys` is to the targets.
extern crate self as libfuzzer_sys;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant, SystemTime};

use data_encoding::HEXLOWER;
use purertc::base::random::Rng;

/// As of libFuzzer, but for a function in place of a program.
mod macros {
    macro_rules! fuzz_target {
        (|$data:ident: &[u8]| $body:expr) => {
            pub(crate) fn run($data: &[u8]) {
                $body
            }
        };
        (|$text:ident: &str| $body:expr) => {
            pub(crate) fn run(bytes: &[u8]) {
                let text = String::from_utf8_lossy(bytes);
                let $text = &*text;
                $body
            }
        };
    }
    pub(crate) use fuzz_target;
}
pub(crate) use self::macros::fuzz_target;

macro_rules! targets {
    ($($name:ident = $path:literal),* $(,)?) => {
        $(
            // That it has no `main` is said of a program; and two programs have a file in common.
            #[allow(unused_attributes, clippy::duplicate_mod)]
            #[path = $path]
            mod $name;
        )*

        $(
            #[test]
            fn $name() {
                fuzz(stringify!($name), $name::run);
            }
        )*

        const TARGETS: &[&str] = &[$($path),*];
    };
}

targets! {
    association = "targets/association.rs",
    connection = "targets/connection.rs",
    dcep = "targets/dcep.rs",
    descriptions = "targets/descriptions.rs",
    dtls = "targets/dtls.rs",
    fec = "targets/fec.rs",
    framing = "targets/framing.rs",
    handshake = "targets/handshake.rs",
    mdns = "targets/mdns.rs",
    media = "targets/media.rs",
    payloads = "targets/payloads.rs",
    rtcp = "targets/rtcp.rs",
    rtp = "targets/rtp.rs",
    sctp = "targets/sctp.rs",
    sdp = "targets/sdp.rs",
    srtp = "targets/srtp.rs",
    stun = "targets/stun.rs",
    turn = "targets/turn.rs",
}

/// What a target that is not asked for more gets.
const MOMENT: Duration = Duration::from_millis(300);
/// Inputs that further ones are made of.
const POOL: usize = 64;
/// The longest input.
const MOST: usize = 4_096;

/// What parsers look for, so that inputs get past their first checks.
const WORDS: &[&[u8]] = &[
    // STUN: a request's front, and attributes.
    &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    &[0, 6, 0, 3, b'a', b':', b'b', 0],
    &[0, 8, 0, 20],
    &[0, 0x20, 0, 8, 0, 1, 0x21, 0x12, 0x21, 0x12, 0xa4, 0x42],
    // DTLS: record headers of both kinds, and the front of a hello.
    &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    &[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 1],
    &[0x2e, 0, 0, 0, 24],
    &[0x3e, 1, 2, 3, 4, 5, 0, 0, 0, 24],
    &[0, 43, 0, 5, 4, 0xfe, 0xfc, 0xfe, 0xfd],
    &[0, 51, 0, 38, 0, 36, 0, 29, 0, 32],
    // SCTP: a header, and chunks.
    &[0x13, 0x88, 0x13, 0x88, 0, 0, 0, 0, 0, 0, 0, 0],
    &[1, 0, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1],
    &[0, 3, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 1, 2, 3, 4],
    &[3, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0],
    // RTP and RTCP.
    &[0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7],
    &[0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0],
    &[0x80, 200, 0, 6, 0, 0, 0, 7],
    &[0x81, 205, 0, 3, 0, 0, 0, 7, 0, 0, 0, 9, 0, 1, 0, 1],
    // Parity of both kinds, and fronts of payloads of H.264 and AV1.
    &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0xc0, 0],
    &[0, 96, 0, 1, 0, 0, 0, 0, 0, 4, 0, 4, 0xc0, 0],
    &[0x78, 0, 4, 0x67, 0x42, 0, 0x1e, 0, 2, 0x68, 0xce],
    &[0x18, 0x0a, 0x0b, 0, 0, 0, 2, 0x30, 1],
    // mDNS: a response with one record.
    b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x04name\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\xc0\0\x02\x01",
    // Text.
    b"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    b"m=audio 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 opus/48000/2\r\n",
    b"a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n",
    b"candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
    b"a=fingerprint:sha-256 00:11:22:33\r\na=setup:actpass\r\na=mid:0\r\n",
];

#[test]
fn every_target_is_among_them() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/targets");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if std::fs::read_to_string(&path).unwrap().contains("fuzz_target!(") {
            found.push(format!("targets/{}", path.file_name().unwrap().to_str().unwrap()));
        }
    }
    found.sort();
    assert_eq!(found, TARGETS);
}

fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().expect("a number"))
}

fn fuzz(name: &str, run: fn(&[u8])) {
    let patience = number("PURERTC_FUZZ_SECONDS").map_or(MOMENT, Duration::from_secs);
    let clock = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = number("PURERTC_FUZZ_SEED").unwrap_or(clock.as_secs());
    let mut mutator = Mutator { rng: Rng::from_number(seed), pool: vec![Vec::new()] };
    let begun = Instant::now();
    let mut count = 0_u64;
    while begun.elapsed() < patience {
        let input = mutator.next();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(&input))) {
            eprintln!("{name}: seed {seed}, input {count}: {}", HEXLOWER.encode(&input));
            resume_unwind(panic);
        }
        count += 1;
    }
    println!("{name}: seed {seed}, {count} inputs");
}

struct Mutator {
    rng: Rng,
    pool: Vec<Vec<u8>>,
}

impl Mutator {
    fn below(&mut self, limit: usize) -> usize {
        (self.rng.jitter() % limit.max(1) as u64) as usize
    }

    fn next(&mut self) -> Vec<u8> {
        let at = self.below(self.pool.len());
        let mut input = self.pool[at].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
        }
        input.truncate(MOST);
        // Some are what others are made of, so that they grow and drift.
        match self.below(4) {
            0 if self.pool.len() < POOL => self.pool.push(input.clone()),
            0 => {
                let at = self.below(POOL);
                self.pool[at].clone_from(&input);
            }
            _ => {}
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let (from, to) = (self.below(input.len() + 1), self.below(input.len() + 1));
        let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 64));
        match self.below(8) {
            0 | 1 if from < input.len() => input[from] = self.rng.jitter() as u8,
            2 if from < input.len() => input[from] ^= 1 << self.below(8),
            3 => drop(input.drain(from..to)),
            4 => {
                let piece = input[from..to].to_vec();
                input.splice(from..from, piece);
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(from..from, word.iter().copied());
            }
            6 => {
                let bytes: Vec<u8> = (0..self.below(32)).map(|_| self.rng.jitter() as u8).collect();
                input.splice(from..from, bytes);
            }
            _ => {
                let other = self.below(self.pool.len());
                let piece = self.pool[other].clone();
                input.splice(from..to, piece);
            }
        }
    }
}

#[test]
fn the_same_seed_makes_the_same_inputs_and_they_are_various() {
    let inputs = |seed| {
        let mut mutator = Mutator { rng: Rng::from_number(seed), pool: vec![Vec::new()] };
        (0..1_000).map(|_| mutator.next()).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    let mut various = inputs(1);
    assert_ne!(various, inputs(2));
    assert!(various.iter().any(|input| input.len() > 500));
    various.sort();
    various.dedup();
    assert!(various.len() > 900, "{}", various.len());
}

/// What panics is told with what made it.
#[test]
fn a_finding_is_a_failure() {
    let found = catch_unwind(|| fuzz("a_target", |data| assert!(!data.contains(&7), "seven")));
    assert!(found.is_err());
}
