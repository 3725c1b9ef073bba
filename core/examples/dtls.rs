//! DTLS alone: a handshake of two connections in memory, a record each way, and the keys that SRTP would get.
//!
//! ```text
//! cargo run -p purertc --example dtls
//! ```

// The core itself has neither clock nor sockets; a program that drives it has both.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use bytes::BytesMut;
use purertc::base::random::Rng;
use purertc::transport::dtls::Connection;
use purertc::transport::dtls::config::{Config, Role};
use purertc::transport::dtls::verify::fingerprint_of;
use purertc::wire::fingerprint::FingerprintAlgorithm;
use purertc::{Certificate, CertificateOptions, CryptoProvider, Instant};
use std::error::Error;
use std::time::SystemTime;

fn main() -> Result<(), Box<dyn Error>> {
    let crypto = CryptoProvider::default();
    let now = Instant::ZERO;
    let mut rng = Rng::from_number(1);
    let mut certificate =
        || Certificate::generate(&crypto, CertificateOptions::default(), SystemTime::now(), &mut rng);
    let certificates = [certificate()?, certificate()?];

    let [mut client, mut server] = [(0, Role::Client), (1, Role::Server)].map(|(at, role)| {
        Connection::new(Config::new(certificates[at].clone(), crypto), role, Rng::from_number(at as u64))
    });
    // Each side has to know what the other's certificate hashes to: signalling carries that.
    let mut opened = Vec::new();
    let hash = |at: usize| fingerprint_of(certificates[at].der(), FingerprintAlgorithm::Sha256, &crypto);
    client.set_remote_fingerprints(now, vec![hash(1).map_err(|error| format!("{error:?}"))?], &mut opened);
    server.set_remote_fingerprints(now, vec![hash(0).map_err(|error| format!("{error:?}"))?], &mut opened);
    client.start(now);

    let mut flight = Vec::new();
    loop {
        let before = flight.len();
        while let Some(len) = client.poll_transmit(now, &mut flight) {
            println!("client -> server: {len} bytes");
            server.handle_datagram(now, BytesMut::from(&flight[flight.len() - len..]), &mut opened);
        }
        while let Some(len) = server.poll_transmit(now, &mut flight) {
            println!("server -> client: {len} bytes");
            client.handle_datagram(now, BytesMut::from(&flight[flight.len() - len..]), &mut opened);
        }
        if flight.len() == before {
            break;
        }
    }
    println!(
        "{:?} with {:?} over {:?}",
        client.version().ok_or("no version")?,
        client.cipher_suite().ok_or("no cipher suite")?,
        client.group().ok_or("no group")?,
    );

    // A record is laid out and sealed in place, and opened in place.
    let mut datagram = Vec::new();
    let record = client.begin_record(&mut datagram).ok_or("not connected")?;
    datagram.extend_from_slice(b"over DTLS");
    client.finish_record(record, &mut datagram)?;
    server.handle_datagram(now, BytesMut::from(&datagram[..]), &mut opened);
    println!("{} bytes on the wire are {:?}", datagram.len(), String::from_utf8_lossy(&opened[0]));
    println!("SRTP would use {:?}", client.srtp_profile());
    Ok(())
}
