//! `stun-flood`: what a datagram of unknown origin costs an endpoint with many peers, in time and in memory.

use std::net::SocketAddr;
use std::time::SystemTime;

use bytes::BytesMut;
use purertc::wire::stun::{Attribute, Builder, Class, Method, TransactionId};
use purertc::{
    Certificate, CertificateOptions, Configuration, CryptoProvider, Datagram, DropReason, Endpoint, Init,
    Instant, LocalAddress, PeerConnection, SocketId,
};

use crate::alloc::{counts, track};
use crate::clock::cpu_seconds;
use crate::report::{Metric, Report};
use crate::scenarios::Options;

const TIME: Metric = Metric::lower("CPU per datagram", "ns");
const HEAP: Metric = Metric::lower("heap that a million leave", "B");
const OURS: &str = "purertc";

const FLOOD: u32 = 1_000_000;
const PEERS: u16 = 1_000;
const WALL: SystemTime = SystemTime::UNIX_EPOCH;

pub fn run(options: &Options) {
    let mut report = Report::new("stun-flood");
    let mut endpoint = endpoint();
    let cases: [(&str, &[u8]); 3] =
        [("checks for strangers", &check()), ("DTLS", b"\x16\xfe\xfd\x00\x00\x00"), ("noise", &[0xff; 100])];
    for _ in 0..options.runs {
        for (case, bytes) in cases {
            report.add(case, TIME, OURS, flood(&mut endpoint, bytes) * 1e9 / f64::from(FLOOD));
        }
    }
    // Counted last, because counting takes time and is never turned off.
    track();
    for (case, bytes) in cases {
        let (before, routes) = (counts().live, endpoint.routes());
        flood(&mut endpoint, bytes);
        assert_eq!(endpoint.routes(), routes, "a flood made a route");
        report.add(case, HEAP, OURS, (counts().live - before) as f64);
    }
    report.print(options.json);
}

/// A check as a stranger would send it: everything right but the name.
fn check() -> Vec<u8> {
    let mut out = Vec::new();
    Builder::new(&mut out, Class::Request, Method::Binding, TransactionId([7; 12]))
        .attribute(&Attribute::Username("nobodyat:allhere/"))
        .attribute(&Attribute::Priority(1_845_494_271))
        .attribute(&Attribute::IceControlling(7))
        .integrity(|_, tag| tag.fill(7))
        .fingerprint()
        .finish();
    out
}

/// Many peers on one socket, waiting for theirs.
fn endpoint() -> Endpoint {
    let crypto = CryptoProvider::default();
    let mut rng = purertc::base::random::Rng::from_number(1);
    let certificate =
        Certificate::generate(&crypto, CertificateOptions::default(), WALL, &mut rng).expect("a certificate");
    let mut endpoint = Endpoint::new([1; 32]);
    for number in 0..PEERS {
        let mut seed = [0; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let mut configuration = Configuration::default();
        configuration.certificates = vec![certificate.clone()];
        let mut pc =
            PeerConnection::new(configuration, Init::new(Instant::ZERO, WALL, seed)).expect("a connection");
        pc.add_local_address(Instant::ZERO, local());
        endpoint.add(pc);
    }
    endpoint
}

fn local() -> LocalAddress {
    LocalAddress::udp(SocketId(0), SocketAddr::from(([192, 0, 2, 1], 443)))
}

/// Each from another address; seconds of processor time, the making of the datagrams included.
fn flood(endpoint: &mut Endpoint, bytes: &[u8]) -> f64 {
    let before = endpoint.drops().of(DropReason::UnknownPeer);
    let start = cpu_seconds();
    for n in 0..FLOOD {
        let [a, b, c, d] = n.to_be_bytes();
        let from = SocketAddr::from(([203, a, b, c], 1_024 + u16::from(d)));
        let data = BytesMut::from(bytes);
        endpoint.handle_datagram(
            Instant::ZERO,
            Datagram { path: local().to(from), ecn: Default::default(), data },
        );
    }
    let spent = cpu_seconds() - start;
    assert_eq!(endpoint.drops().of(DropReason::UnknownPeer) - before, u64::from(FLOOD), "one was somebody's");
    spent
}
