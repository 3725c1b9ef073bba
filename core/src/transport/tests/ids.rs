//! Connection ids do not vouch for paths: ICE does.

use super::net::{LEFT, Net, RIGHT, address, host, ms};
use crate::base::drops::DropReason;
use crate::base::net::{Datagram, Ecn};
use crate::transport::Inbound;
use crate::wire::dtls::codepoints::ProtocolVersion;
use bytes::BytesMut;

const LEFT_HOST: &str = "192.0.2.1:5000";
const RIGHT_HOST: &str = "192.0.2.2:6000";
const ELSEWHERE: &str = "203.0.113.9:7000";

fn connected(version: ProtocolVersion) -> Net {
    let mut net = Net::with(1, &|config| {
        config.dtls.versions = vec![version];
        config.dtls.connection_id = Some(8);
    });
    net.add_host(LEFT, LEFT_HOST);
    net.add_host(RIGHT, RIGHT_HOST);
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.connected());
    net
}

fn seal(net: &mut Net, who: usize, packet: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let start = net.peers[who].begin_record(&mut out).unwrap();
    out.extend_from_slice(packet);
    net.peers[who].finish_record(start, &mut out).unwrap();
    out
}

fn handle(net: &mut Net, from: &str, record: &[u8]) -> usize {
    let path = host(LEFT_HOST).to(address(from));
    let mut received: Vec<Inbound> = Vec::new();
    let datagram = Datagram { path, ecn: Ecn::NotEct, data: BytesMut::from(record) };
    net.peers[LEFT].handle_datagram(net.now, datagram, &mut received);
    received.len()
}

#[test]
fn attack_01_an_id_opens_no_door_that_ice_keeps_shut() {
    for version in [ProtocolVersion::Dtls12, ProtocolVersion::Dtls13] {
        let mut net = connected(version);
        let record = seal(&mut net, RIGHT, b"data");
        let path = net.peers[LEFT].send_path().unwrap().path;
        assert_eq!(handle(&mut net, ELSEWHERE, &record), 0);
        assert_eq!(net.peers[LEFT].drops().of(DropReason::UnvalidatedSource), 1);
        assert_eq!(net.peers[LEFT].send_path().unwrap().path, path);
        assert_eq!(handle(&mut net, RIGHT_HOST, &record), 1);
    }
}

/// A NAT forgets and maps anew: the next check proves the new address, and data goes on without a handshake, under an
/// id that nobody saw on the old path.
#[test]
fn a_peer_that_moves_is_known_again_once_a_check_has_proven_its_address() {
    for version in [ProtocolVersion::Dtls12, ProtocolVersion::Dtls13] {
        let mut net = connected(version);
        let id = |net: &mut Net| seal(net, LEFT, b"")[1..12].to_vec();
        let before = id(&mut net);
        net.nat.insert(address(RIGHT_HOST), address(ELSEWHERE));
        let record = seal(&mut net, RIGHT, b"at once");
        assert_eq!(handle(&mut net, ELSEWHERE, &record), 0);
        net.run_for(ms(20_000));
        assert_eq!(net.peers[LEFT].send_path().unwrap().path.remote, address(ELSEWHERE));
        let record = seal(&mut net, RIGHT, b"later");
        assert_eq!(handle(&mut net, ELSEWHERE, &record), 1);
        let is_new = id(&mut net)[..8] != before[..8];
        assert_eq!(is_new, version == ProtocolVersion::Dtls13);
    }
}
