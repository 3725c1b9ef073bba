#![no_main]
//! A DTLS client and a DTLS server behind cryptography that keeps nobody out, and a network that the fuzzer is: every datagram
//! may be damaged, repeated, withheld or made up, in every state of both versions.

mod door;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use purertc::Instant;
use purertc::base::random::Rng;
use purertc::crypto::certificate::{Certificate, CertificateOptions};
use purertc::crypto::traits::Group;
use purertc::transport::dtls::config::{Config, Role};
use purertc::transport::dtls::verify::fingerprints_of;
use purertc::transport::dtls::{Connection, DtlsTransportState};
use purertc::wire::dtls::codepoints::ProtocolVersion;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

fn certificate() -> Certificate {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    let make = || {
        let rng = &mut Rng::from_number(1);
        let options = CertificateOptions::default();
        Certificate::generate(&door::provider(), options, SystemTime::UNIX_EPOCH, rng).expect("a certificate")
    };
    CERTIFICATE.get_or_init(make).clone()
}

fn config(versions: u8, hybrid: bool, cookie: bool) -> Config {
    let mut config = Config::new(certificate(), door::provider());
    config.versions = match versions & 3 {
        0 => vec![ProtocolVersion::Dtls12],
        1 => vec![ProtocolVersion::Dtls13],
        _ => vec![ProtocolVersion::Dtls13, ProtocolVersion::Dtls12],
    };
    config.cookie = cookie;
    config.connection_id = (versions & 16 != 0).then_some(versions >> 5);
    if hybrid {
        config.groups.insert(0, Group::X25519MlKem768);
        config.key_shares.insert(0, Group::X25519MlKem768);
    }
    config
}

struct Side {
    dtls: Connection,
    received: Vec<BytesMut>,
}

impl Side {
    fn new(config: Config, role: Role, number: u64) -> Self {
        let fingerprints = fingerprints_of(&config.certificate, &config.crypto);
        let mut dtls = Connection::new(config, role, Rng::from_number(number));
        dtls.set_remote_fingerprints(Instant::ZERO, fingerprints, &mut Vec::new());
        dtls.start(Instant::ZERO);
        Self { dtls, received: Vec::new() }
    }

    fn handle(&mut self, now: Instant, datagram: &[u8]) {
        let was_connected = self.dtls.state() == DtlsTransportState::Connected;
        self.dtls.handle_datagram(now, datagram.into(), &mut self.received);
        let state = self.dtls.state();
        assert!(self.received.is_empty() || was_connected || state != DtlsTransportState::Connecting);
        self.received.clear();
        assert_eq!(self.dtls.failure().is_some(), state == DtlsTransportState::Failed);
    }

    fn say(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        let mut out = Vec::new();
        while self.dtls.poll_transmit(now, &mut out).is_some() {
            said.push(std::mem::take(&mut out));
            assert!(said.len() < 1_000, "it never stops sending");
        }
        while self.dtls.poll_event().is_some() {}
        said
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&[first, second], mut rest)) = data.split_first_chunk() else { return };
    let mut now = Instant::ZERO;
    let mut sides = [
        Side::new(config(first, first & 4 != 0, false), Role::Client, 1),
        Side::new(config(second, second & 4 != 0, second & 8 != 0), Role::Server, 2),
    ];
    // Each operation: a byte that says what, and its operand.
    while let Some((&what, tail)) = rest.split_first() {
        rest = tail;
        let who = usize::from(what & 1);
        match what >> 6 {
            // What a side has to say arrives, whole, or with a byte changed, or cut, or twice.
            0 | 1 => {
                for mut datagram in sides[who].say(now) {
                    if what & 0x40 != 0
                        && let Some((&[high, low, change], tail)) = rest.split_first_chunk()
                    {
                        rest = tail;
                        let at = usize::from(u16::from_be_bytes([high, low])) % datagram.len();
                        datagram[at] ^= change;
                        match what & 6 {
                            2 => datagram.truncate(at),
                            4 => continue,
                            6 => sides[1 - who].handle(now, &datagram),
                            _ => {}
                        }
                    }
                    sides[1 - who].handle(now, &datagram);
                }
            }
            // Time passes.
            2 => {
                now += Duration::from_millis(u64::from(what & 0x3f) * 20);
                sides.iter_mut().for_each(|side| side.dtls.handle_timeout(now));
            }
            // A datagram of the fuzzer's.
            _ => {
                let len = usize::from(what & 0x3e) * 4;
                let (bytes, tail) = rest.split_at(len.min(rest.len()));
                rest = tail;
                sides[who].handle(now, bytes);
            }
        }
    }
});
