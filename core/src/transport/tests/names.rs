//! Candidates that show names, or nothing, in place of addresses.

use super::net::{LEFT, Net, RIGHT, address, ms, stun};
use crate::base::io::IoRequest;
use crate::transport::mdns::is_candidate_name;
use crate::transport::{Event, ExternalAddress, HostAddresses, IceGatheringState, IceTransportPolicy};
use crate::wire::candidate::{Candidate, CandidateAddress, CandidateType};

const STUN: &str = "203.0.113.250:3478";

fn on_one_link(seed: u64) -> Net {
    let mut net = Net::new(seed);
    net.add_host(LEFT, "192.168.0.1:5000");
    net.add_host(RIGHT, "192.168.0.2:6000");
    net
}

#[test]
fn two_on_one_link_meet_by_names_alone() {
    let mut net = on_one_link(1);
    net.peers.iter_mut().for_each(|peer| peer.set_host_addresses(HostAddresses::Named));
    net.signal();
    net.run_for(ms(1_000));
    assert!(net.connected());
    for who in [LEFT, RIGHT] {
        let [candidate] = &net.candidates(who)[..] else { panic!() };
        assert!(matches!(&candidate.address, CandidateAddress::Name(name) if is_candidate_name(name)));
        assert!(!candidate.to_string().contains("192.168"));
        // What is told about the peer has its name, too, though its packets showed its address.
        let remote = net.peers[1 - who].selected_pair().unwrap().remote;
        let hidden = remote.kind == CandidateType::PeerReflexive || remote.address == candidate.address;
        assert!(hidden, "{remote:?}");
        let resolved = net.peers[1 - who].ice().remote_candidates().any(|c| c.address == candidate.address);
        assert!(resolved);
        assert_eq!(net.peers[who].drops().total(), 0);
    }
}

#[test]
fn no_candidate_shows_what_is_hidden() {
    for policy in [HostAddresses::Named, HostAddresses::Hidden] {
        let mut net = on_one_link(2);
        net.start_stun_server(STUN);
        net.nat.insert(address("192.168.0.1:5000"), address("203.0.113.1:40001"));
        net.add_host(LEFT, "10.9.0.1:5000");
        net.peers[LEFT].set_host_addresses(policy);
        net.peers[LEFT].set_ice_servers(vec![stun(STUN)]);
        net.gather();
        net.run_for(ms(500));
        let candidates = net.candidates(LEFT);
        assert!(candidates.iter().any(|c| c.kind == CandidateType::ServerReflexive));
        for candidate in &candidates {
            let text = candidate.to_string();
            assert!(!text.contains("192.168.") && !text.contains("10.9."), "{text}");
        }
        let hosts = candidates.iter().filter(|c| c.kind == CandidateType::Host).count();
        assert_eq!(hosts, if policy == HostAddresses::Named { 2 } else { 0 });
    }
}

#[test]
fn on_the_default_route_other_networks_are_not_used() {
    let mut net = on_one_link(3);
    net.add_host(LEFT, "10.9.0.1:5000");
    net.add_host(LEFT, "[2001:db8::1]:5000");
    net.peers[LEFT].set_host_addresses(HostAddresses::DefaultRoute);
    net.gather();
    net.run_for(ms(100));
    let ips: Vec<_> = net.candidates(LEFT).iter().map(|c| c.address.ip().unwrap().to_string()).collect();
    assert_eq!(ips, ["192.168.0.1", "2001:db8::1"]);
}

#[test]
fn host_names_are_looked_up_a_few_at_a_time_and_not_under_the_relay_policy() {
    let mut net = on_one_link(4);
    net.names.insert("right.example.org".to_owned(), Ok(vec![[192, 168, 0, 2].into()]));
    let named = |name: &str| -> Candidate { format!("1 1 udp 1 {name} 6000 typ host").parse().unwrap() };
    net.signal();
    net.peers[LEFT].add_remote_candidate(net.now, &named("right.example.org"));
    for n in 0..20 {
        net.peers[LEFT].add_remote_candidate(net.now, &named(&format!("silent{n}.example.org")));
        net.peers[LEFT].add_remote_candidate(net.now, &named("printer.local"));
    }
    net.run_for(ms(1_000));
    let lookups =
        |net: &Net| net.requests.iter().filter(|(_, r)| matches!(r, IoRequest::Resolve { .. })).count();
    assert_eq!(lookups(&net), 8);
    assert!(!net.requests.iter().any(|(_, r)| matches!(r, IoRequest::JoinMdns { .. })));
    assert!(net.connected());
    let mut net = on_one_link(5);
    net.peers[LEFT].set_ice_transport_policy(IceTransportPolicy::Relay);
    net.peers[LEFT].add_remote_candidate(net.now, &named("right.example.org"));
    net.peers[LEFT].add_remote_candidate(net.now, &named("1f4712db-ea17-4bcf-a596-105139dfd8bf.local"));
    net.run_for(ms(100));
    assert_eq!((lookups(&net), net.requests.len()), (0, 0));
}

#[test]
fn the_world_may_know_this_host_by_other_addresses() {
    for replaces_host in [true, false] {
        let mut net = on_one_link(6);
        let external = [203, 0, 113, 7].into();
        let internal = [192, 168, 0, 1].into();
        net.peers[LEFT].set_external_addresses(vec![ExternalAddress { internal, external, replaces_host }]);
        net.gather();
        net.run_for(ms(100));
        let shown: Vec<_> = net.candidates(LEFT).iter().map(|c| (c.kind, c.address.ip(), c.port)).collect();
        let wanted = if replaces_host {
            vec![(CandidateType::Host, Some(external), 5_000)]
        } else {
            vec![
                (CandidateType::Host, Some(internal), 5_000),
                (CandidateType::ServerReflexive, Some(external), 5_000),
            ]
        };
        assert_eq!(shown, wanted);
    }
}

#[test]
fn under_the_public_policy_private_addresses_are_not_shown() {
    let mut net = Net::new(7);
    for text in ["192.168.0.1:1", "10.0.0.1:1", "100.64.0.1:1", "169.254.0.1:1", "[fd00::1]:1", "[fe80::1]:1"]
    {
        net.add_host(LEFT, text);
    }
    net.add_host(LEFT, "198.51.100.1:1");
    net.add_host(LEFT, "[2001:db8::1]:1");
    net.peers[LEFT].set_ice_transport_policy(IceTransportPolicy::Public);
    net.gather();
    net.run_for(ms(100));
    let ips: Vec<_> = net.candidates(LEFT).iter().map(|c| c.address.ip().unwrap().to_string()).collect();
    assert_eq!(ips, ["198.51.100.1", "2001:db8::1"]);
}

#[test]
fn a_pool_gathers_before_it_is_asked_to() {
    let mut net = on_one_link(8);
    net.start_stun_server(STUN);
    net.nat.insert(address("192.168.0.1:5000"), address("203.0.113.1:40001"));
    net.peers[LEFT].set_ice_servers(vec![stun(STUN)]);
    net.peers[LEFT].fill_pool(net.now);
    net.add_host(LEFT, "192.168.0.7:5000");
    net.run_for(ms(500));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::New);
    assert!(net.candidates(LEFT).iter().any(|c| c.kind == CandidateType::ServerReflexive));
    let states = |net: &Net| -> Vec<_> {
        let state = |event: &Event| match event {
            Event::GatheringStateChange(state) => Some(*state),
            _ => None,
        };
        net.events[LEFT].iter().filter_map(state).collect()
    };
    assert_eq!(states(&net), []);
    let sent = net.sent.len();
    net.peers[LEFT].gather(net.now);
    net.run_for(ms(500));
    assert_eq!(states(&net), [IceGatheringState::Gathering, IceGatheringState::Complete]);
    assert_eq!(net.sent.len(), sent, "nobody is asked again");
}
