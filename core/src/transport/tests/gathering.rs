//! Server-reflexive candidates, and how gathering begins and ends.

use super::net::{LEFT, Net, RIGHT, address, host, ms, stun};
use crate::transport::{CandidateError, Event, IceGatheringState};
use crate::wire::candidate::{CandidateAddress, CandidateType};

const STUN: &str = "203.0.113.250:3478";
const OTHER: &str = "203.0.113.251:3478";
const DEAD: &str = "203.0.113.252:3478";

fn behind_nats(seed: u64) -> Net {
    let mut net = Net::new(seed);
    net.start_stun_server(STUN);
    net.start_stun_server(OTHER);
    net.nat.insert(address("10.0.0.1:5000"), address("203.0.113.1:40001"));
    net.nat.insert(address("10.0.0.2:6000"), address("203.0.113.2:40002"));
    net.add_host(LEFT, "10.0.0.1:5000");
    net.add_host(RIGHT, "10.0.0.2:6000");
    net
}

fn errors(net: &Net, who: usize) -> Vec<CandidateError> {
    let errors = net.events[who].iter().filter_map(|event| match event {
        Event::CandidateError(error) => Some(CandidateError::clone(error)),
        _ => None,
    });
    errors.collect()
}

#[test]
fn two_behind_nats_meet_by_what_a_server_saw() {
    let mut net = behind_nats(1);
    for peer in &mut net.peers {
        peer.set_ice_servers(vec![stun(STUN), stun(OTHER)]);
    }
    net.signal();
    net.run_for(ms(2_000));
    assert!(net.connected());
    let candidates = net.candidates(LEFT);
    // The second server saw the same: one candidate.
    let kinds: Vec<_> = candidates.iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [CandidateType::Host, CandidateType::ServerReflexive]);
    assert_eq!((candidates[1].address.ip(), candidates[1].port), (Some([203, 0, 113, 1].into()), 40_001));
    let base = CandidateAddress::Ip([10, 0, 0, 1].into());
    assert_eq!(candidates[1].related, Some((base, 5_000)));
    assert_eq!((candidates[0].priority >> 24, candidates[1].priority >> 24), (126, 100));
    assert_ne!(candidates[0].foundation, candidates[1].foundation);
    let selected = net.peers[LEFT].selected_pair().unwrap();
    assert_eq!(selected.local.kind, CandidateType::ServerReflexive);
    assert_eq!(selected.path.remote, address("203.0.113.2:40002"));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
    assert!(errors(&net, LEFT).is_empty());
    assert_eq!(net.peers[LEFT].drops().total(), 0);
}

#[test]
fn a_dead_server_delays_nothing_but_the_end_of_gathering() {
    let mut net = behind_nats(2);
    for peer in &mut net.peers {
        peer.set_ice_servers(vec![stun(DEAD), stun(STUN)]);
    }
    net.signal();
    net.run_for(ms(1_500));
    assert!(net.connected());
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Gathering);
    net.run_for(ms(4_000));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
    let [error] = &errors(&net, LEFT)[..] else { panic!() };
    assert_eq!((error.code, &*error.url), (701, "stun:203.0.113.252:3478"));
    assert_eq!(error.address, Some(address("10.0.0.1:5000")));
    // 0, 0.5, 1.5 and 3.5 s after the start.
    let asked =
        net.sent.iter().filter(|(_, from, to)| (*from, *to) == (address("203.0.113.1:40001"), address(DEAD)));
    assert_eq!(asked.count(), 4);
}

#[test]
fn a_server_that_is_reached_from_one_address_is_not_unreachable() {
    let mut net = behind_nats(3);
    // Nothing comes back to this one.
    net.nat.insert(address("10.9.9.9:5000"), address("10.9.9.9:1"));
    net.peers[LEFT].add_local_address(net.now, host("10.9.9.9:5000"));
    net.peers[LEFT].set_ice_servers(vec![stun(STUN)]);
    net.signal();
    net.run_for(ms(6_000));
    assert!(errors(&net, LEFT).is_empty());
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
}

#[test]
fn a_refusal_is_told_with_the_servers_code() {
    let mut net = behind_nats(4);
    net.stun_servers[0].refuses = Some(500);
    net.peers[LEFT].set_ice_servers(vec![stun(STUN)]);
    net.signal();
    net.run_for(ms(200));
    let [error] = &errors(&net, LEFT)[..] else { panic!() };
    assert_eq!((error.code, error.text.as_str()), (500, "go away"));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
}

#[test]
fn without_a_nat_there_is_nothing_new_and_other_families_are_not_asked() {
    let mut net = Net::new(5);
    net.start_stun_server(STUN);
    net.add_host(LEFT, "192.0.2.1:5000");
    net.add_host(LEFT, "[2001:db8::1]:5000");
    net.peers[LEFT].set_ice_servers(vec![stun(STUN)]);
    net.gather();
    net.run_for(ms(200));
    assert_eq!(net.candidates(LEFT).len(), 2);
    assert_eq!(net.sent.iter().filter(|(_, _, to)| *to == address(STUN)).count(), 1);
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
}

#[test]
fn a_restart_gathers_anew_from_the_servers_of_then() {
    let mut net = behind_nats(6);
    for peer in &mut net.peers {
        peer.set_ice_servers(vec![stun(STUN)]);
    }
    net.signal();
    net.run_for(ms(2_000));
    let before = net.peers[LEFT].selected_pair().unwrap().id;
    let first = net.candidates(LEFT);
    net.events = Default::default();
    for peer in &mut net.peers {
        peer.set_ice_servers(vec![stun(OTHER)]);
        peer.restart(net.now);
    }
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
    net.send(LEFT, b"before");
    net.signal();
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Gathering);
    net.run_for(ms(2_000));
    let second = net.candidates(LEFT);
    assert_eq!(first.len(), second.len());
    for (old, new) in first.iter().zip(&second) {
        assert_eq!((old.address.clone(), old.port, old.kind), (new.address.clone(), new.port, new.kind));
        assert_ne!(old.ufrag, new.ufrag);
    }
    assert_ne!(net.peers[LEFT].selected_pair().unwrap().id, before);
    net.send(LEFT, b"after");
    net.run_for(ms(100));
    assert_eq!(net.received[RIGHT], [b"before".to_vec(), b"after".to_vec()]);
    assert!(net.sent.iter().any(|(_, _, to)| *to == address(OTHER)));
    assert!(net.connected());
}

#[test]
fn an_address_that_goes_is_asked_for_no_longer() {
    let mut net = behind_nats(7);
    net.peers[LEFT].set_ice_servers(vec![stun(DEAD)]);
    net.gather();
    net.run_for(ms(100));
    net.peers[LEFT].remove_local_address(net.now, host("10.0.0.1:5000"));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
    let before = net.sent.len();
    net.run_for(ms(5_000));
    assert_eq!(net.sent.len(), before);
}
