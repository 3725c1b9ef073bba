//! The handshake inside of checks.

use super::net::{LEFT, Net, RIGHT, ms};
use crate::transport::dtls::DtlsTransportState;
use crate::transport::sped::Carried;
use crate::wire::dtls::codepoints::ProtocolVersion;

const LEFT_HOST: &str = "192.0.2.1:5000";
const RIGHT_HOST: &str = "192.0.2.2:6000";

fn net(versions: &[ProtocolVersion], who: [bool; 2]) -> Net {
    let on = std::cell::Cell::new(0);
    let mut net = Net::with(1, &|config| {
        config.dtls.versions = versions.to_vec();
        config.sped = who[on.replace(on.get() + 1)];
    });
    net.add_host(LEFT, LEFT_HOST);
    net.add_host(RIGHT, RIGHT_HOST);
    net
}

/// Milliseconds until each side is connected, at ten one way.
fn times(net: &mut Net) -> [u64; 2] {
    net.signal();
    let begun = net.now;
    let mut times = [0; 2];
    for time in 1..1_000 {
        net.run_for(ms(1));
        for (who, at) in times.iter_mut().enumerate() {
            if *at == 0 && net.peers[who].dtls_state() == DtlsTransportState::Connected {
                *at = time;
            }
        }
    }
    assert!(net.now > begun && net.connected());
    times
}

fn talk(net: &mut Net) {
    for who in [LEFT, RIGHT] {
        net.send(who, b"hello");
        net.run_for(ms(20));
        assert_eq!(net.received[1 - who].pop().as_deref(), Some(&b"hello"[..]));
    }
}

/// Both sides know everything at once and begin to check at once; RIGHT is the client.
#[test]
fn the_handshake_goes_with_the_checks() {
    // ClientHello, ServerHello to Finished, Finished.
    let mut net = net(&[ProtocolVersion::Dtls13], [true; 2]);
    assert_eq!(times(&mut net), [30, 20]);
    talk(&mut net);
    for peer in &net.peers {
        assert!(peer.embedded().sent > 0 && peer.embedded().received > 0);
        assert_eq!(peer.drops().total(), 0);
    }
    // A flight more in 1.2, which takes a round trip of its own.
    let mut net = self::net(&[ProtocolVersion::Dtls12], [true; 2]);
    assert_eq!(times(&mut net), [30, 40]);
    talk(&mut net);
}

#[test]
fn it_ends_with_the_handshake() {
    let mut net = net(&[ProtocolVersion::Dtls13], [true; 2]);
    times(&mut net);
    net.run_for(ms(20_000));
    assert!(net.peers.iter().all(|peer| !peer.sped.is_on()));
}

#[test]
fn a_peer_without_it_loses_nothing() {
    let plain = times(&mut net(&[ProtocolVersion::Dtls13], [false; 2]));
    for who in [[true, false], [false, true]] {
        let mut net = net(&[ProtocolVersion::Dtls13], who);
        assert_eq!(times(&mut net), plain);
        talk(&mut net);
        for (peer, on) in net.peers.iter().zip(who) {
            assert!(!peer.sped.is_on());
            assert_eq!(peer.embedded().received, 0);
            assert!(on || peer.embedded() == Carried::default());
        }
    }
}
