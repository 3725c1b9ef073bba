//! RFC 8448 §3 has no DTLS in it: with TLS's prefix the schedule must give its values, and with DTLS's prefix
//! those that an independent implementation of RFC 5869 gave.

use crate::crypto::CryptoProvider;
use crate::crypto::traits::SharedSecret;
use crate::transport::dtls::schedule13::{Schedule, Source, extract};
use crate::transport::dtls::suite::{Suite13, find_13};
use crate::wire::dtls::codepoints::CipherSuite;
use data_encoding::HEXLOWER;

const SHARED: &str = "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d";
const HELLOS: &str = "860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8";
const FINISHED: &str = "9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13";

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn suite() -> &'static Suite13 {
    find_13(CipherSuite::Aes128GcmSha256).unwrap()
}

/// The schedule as TLS has it.
fn tls() -> Schedule {
    let crypto = CryptoProvider::default();
    let early = extract(&crypto, suite().hash, &[], &[0; 32]).unwrap();
    let source = Source { crypto, hash: suite().hash, prefix: b"tls13 ", secret: early };
    Schedule { source: source.mix(&hex(SHARED)).unwrap(), suite: suite() }
}

fn expanded(source: &Source, label: &[u8], len: usize) -> String {
    HEXLOWER.encode(source.expand(label, &[], len).unwrap().as_bytes())
}

#[test]
fn the_trace_of_rfc_8448_comes_out() {
    let schedule = tls();
    let is =
        |source: &Source, expected: &str| assert_eq!(HEXLOWER.encode(source.secret.as_bytes()), expected);
    is(&schedule.source, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac");
    let client = schedule.traffic(b"c hs traffic", &hex(HELLOS)).unwrap();
    is(&client.source, "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21");
    let server = schedule.traffic(b"s hs traffic", &hex(HELLOS)).unwrap();
    is(&server.source, "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
    assert_eq!(expanded(&server.source, b"key", 16), "3fce516009c21727d0f2e4e86ee403bc");
    assert_eq!(expanded(&server.source, b"iv", 12), "5d313eb2671276ee13000b30");
    let verify_data = client.verify_data(&hex(FINISHED)).unwrap();
    assert_eq!(verify_data, hex("a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61"));
    let master = schedule.into_master().unwrap();
    is(&master.source, "18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
    let server = master.traffic(b"s ap traffic", &hex(FINISHED)).unwrap();
    is(&server.source, "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
    let exporter = master.exporter(&hex(FINISHED)).unwrap();
    is(&exporter.source, "fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50");
}

#[test]
fn labels_of_dtls_begin_with_dtls13() {
    let shared = SharedSecret::new(hex(SHARED));
    let schedule = Schedule::new(CryptoProvider::default(), suite(), &shared).unwrap();
    let client = schedule.traffic(b"c hs traffic", &hex(HELLOS)).unwrap();
    assert_eq!(
        HEXLOWER.encode(client.source.secret.as_bytes()),
        "0ac2c35eb415ee9574894b75d7a89af77aba06c2a783252418b7f5b78ddf8e21"
    );
    assert_eq!(expanded(&client.source, b"sn", 16), "bda0c6fe81d52ca4ba00cc103cbf0b71");
    let next = client.next().unwrap();
    assert_eq!(
        HEXLOWER.encode(next.source.secret.as_bytes()),
        "0ecee01737bfd1320c4f8e9cd4aa027058e321cd2da41fc743867415cb5ea256"
    );
    let exporter = schedule.into_master().unwrap().exporter(&hex(FINISHED)).unwrap();
    let material = exporter.export(b"EXTRACTOR-dtls_srtp", None, 60).unwrap();
    assert_eq!(
        HEXLOWER.encode(material.as_bytes()),
        "ee8aea0a9a7384167e2a61e688ea6ab1e4c6db2bcfe56de6191861041eeb05d4f258d4e9bbdfc6fb\
                c56ea9e5a40c691b122b4b57befdec739d02d285"
    );
    let with_empty = exporter.export(b"EXTRACTOR-dtls_srtp", Some(b""), 60).unwrap();
    assert_eq!(with_empty.as_bytes(), material.as_bytes(), "RFC 8446 §7.5");
    assert!(exporter.export(&[b'x'; 250], None, 60).is_err(), "a label has 255 bytes at most");
}
