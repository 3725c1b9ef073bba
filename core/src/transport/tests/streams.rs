//! Servers by name, TURN over TCP and TLS, and ICE-TCP, end to end.

use super::net::{LEFT, Net, RIGHT, address, ms, turn_url};
use super::turn_server::{Habit, TurnServer};
use crate::base::drops::DropReason;
use crate::base::io::{IoRequest, StreamSecurity};
use crate::base::net::{Protocol, SocketId};
use crate::transport::ice::IceTransportState;
use crate::transport::{Event, ExternalAddress, IceGatheringState};
use crate::wire::candidate::{CandidateProtocol, CandidateType, TcpType};
use crate::wire::server_url::ServerTransport;

const TURN: &str = "203.0.113.99:3478";
const TCP: &str = "turn:turn.example.org?transport=tcp";
const TLS: &str = "turns:turn.example.org:3478";

fn apart(seed: u64, url: &str) -> Net {
    let mut net = Net::new(seed);
    net.apart = true;
    net.turn_servers.push(TurnServer::new(TURN, Habit::Old));
    net.names.insert("turn.example.org".to_owned(), Ok(vec![[203, 0, 113, 99].into()]));
    net.add_host(LEFT, "192.0.2.1:5000");
    net.add_host(RIGHT, "192.0.2.2:6000");
    net.peers[LEFT].set_ice_servers(vec![turn_url(url)]);
    net
}

fn connects(net: &Net) -> Vec<StreamSecurity> {
    let connect = |(_, request): &(usize, IoRequest)| match request {
        IoRequest::Connect { security, .. } => Some(security.clone()),
        _ => None,
    };
    net.requests.iter().filter_map(connect).collect()
}

#[test]
fn a_relay_over_a_stream_carries_all_that_one_over_datagrams_does() {
    for (url, security, relay) in [
        (TCP, StreamSecurity::Plain, ServerTransport::Tcp),
        (TLS, StreamSecurity::Tls("turn.example.org".into()), ServerTransport::Tls),
    ] {
        let mut net = apart(1, url);
        net.signal();
        net.run_for(ms(4_000));
        assert!(net.connected(), "{url}");
        assert_eq!(connects(&net), [security]);
        let candidates = net.candidates(LEFT);
        let relayed = candidates.iter().find(|c| c.kind == CandidateType::Relayed).unwrap();
        assert_eq!(relayed.protocol, CandidateProtocol::Udp);
        let source = net.peers[LEFT].candidate_source(relayed).unwrap();
        assert_eq!((&*source.url, source.relay_protocol), (url, Some(relay)));
        assert_eq!(net.peers[LEFT].send_path().unwrap().path.protocol, Protocol::Tcp);
        net.exchange();
        for _ in 0..100 {
            net.run_for(ms(60_000));
        }
        assert_eq!(net.peers[LEFT].ice_state(), IceTransportState::Completed);
        net.exchange();
        assert_eq!(net.peers[LEFT].drops().total(), 0);
        // Goodbye, through the stream.
        net.peers[LEFT].close(net.now);
        net.drain();
        net.peers[LEFT].shut_down();
        net.run_for(ms(100));
        assert!(net.turn_servers[0].allocated().is_empty());
        assert!(net.streams.is_empty());
    }
}

#[test]
fn a_stream_that_breaks_is_replaced_with_its_allocation() {
    let mut net = apart(2, TCP);
    net.signal();
    net.run_for(ms(12_000));
    let before = net.turn_servers[0].allocated();
    net.break_streams();
    net.run_for(ms(8_000));
    assert_eq!(connects(&net).len(), 2);
    assert_ne!(net.turn_servers[0].allocated().last(), before.last());
    net.exchange();
    // One that breaks again and again is left alone.
    for _ in 0..5 {
        net.break_streams();
        net.run_for(ms(500));
    }
    assert!(connects(&net).len() <= 4, "{}", connects(&net).len());
    // What ended by itself is not asked to be closed.
    assert!(!net.requests.iter().any(|(_, request)| matches!(request, IoRequest::Close { .. })));
}

#[test]
fn a_server_that_cannot_be_connected_to_is_unreachable() {
    let mut net = apart(3, TCP);
    net.turn_servers.clear();
    net.signal();
    net.run_for(ms(200));
    let error = net.error(LEFT).unwrap();
    assert_eq!((error.code, &*error.url, &*error.text), (701, TCP, "connection refused"));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
}

#[test]
fn names_are_looked_up_once_and_every_address_is_tried() {
    let mut net = apart(4, "turn:turn.example.org");
    // The first is dead, the second of another family, the third lives.
    let ips = vec![[203, 0, 113, 9].into(), "2001:db8::9".parse().unwrap(), [203, 0, 113, 99].into()];
    net.names.insert("turn.example.org".to_owned(), Ok(ips));
    net.peers[LEFT].set_ice_servers(vec![turn_url("turn:turn.example.org"), turn_url(TCP)]);
    net.signal();
    net.run_for(ms(5_000));
    assert!(net.connected());
    let lookups = net.requests.iter().filter(|(_, r)| matches!(r, IoRequest::Resolve { .. })).count();
    assert_eq!(lookups, 1);
    assert_eq!(net.turn_servers[0].allocated().len(), 2, "one over datagrams, one over a stream");
    assert!(net.error(LEFT).is_none());
    net.exchange();
}

#[test]
fn names_that_are_not_found_delay_nothing_but_the_end_of_gathering() {
    let mut net = apart(5, "turn:nowhere.example.org");
    net.names.insert("nowhere.example.org".to_owned(), Err("no such name".to_owned()));
    net.names.insert("empty.example.org".to_owned(), Ok(Vec::new()));
    let urls = [
        "turn:nowhere.example.org",
        "turn:empty.example.org",
        "turn:silent.example.org",
        "turn:turn.example.org",
    ];
    net.peers[LEFT].set_ice_servers(urls.map(turn_url).to_vec());
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.connected());
    assert_eq!(net.error(LEFT).unwrap().text, "no such name");
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Gathering);
    net.run_for(ms(8_000));
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
    let errors = net.events[LEFT].iter().filter(|e| matches!(e, Event::CandidateError(_))).count();
    assert_eq!(errors, 3);
}

#[test]
fn a_server_sends_to_another_one_over_streams_too() {
    let mut net = apart(6, TCP);
    net.turn_servers[0].habit = Habit::Sends(address("203.0.113.98:3478"));
    net.turn_servers.push(TurnServer::new("203.0.113.98:3478", Habit::Old));
    net.signal();
    net.run_for(ms(4_000));
    assert!(net.connected());
    assert_eq!(net.turn_servers[1].allocated().len(), 1);
    assert_eq!(net.streams.len(), 1, "the stream to the first server is closed");
    net.exchange();
}

#[test]
fn a_server_without_ipv4_is_asked_for_ipv6_by_name() {
    let mut net = apart(7, "turn:203.0.113.99");
    net.turn_servers[0].habit = Habit::OnlySixth;
    net.signal();
    net.run_for(ms(200));
    // Ours refuses that, too, and has been asked for it.
    assert_eq!(net.error(LEFT).unwrap().code, 440);
    assert_eq!(net.turn_servers[0].counts[&3], 3);
}

/// LEFT has a listener; datagrams go nowhere.
fn tcp_only(seed: u64) -> Net {
    let mut net = Net::new(seed);
    net.apart = true;
    net.add_listener(LEFT, "192.0.2.1:9000");
    net.add_host(RIGHT, "192.0.2.2:6000");
    net
}

#[test]
fn two_meet_over_a_stream_that_one_of_them_opens() {
    let mut net = tcp_only(8);
    net.signal();
    net.run_for(ms(4_000));
    assert!(net.connected());
    let [passive] = &net.candidates(LEFT)[..] else { panic!() };
    assert_eq!((passive.tcp_type, passive.port), (Some(TcpType::Passive), 9_000));
    assert!(passive.to_string().contains(" tcp ") && passive.to_string().contains("tcptype passive"));
    // Active ones are not signalled, and yet known for what they are.
    assert_eq!(net.candidates(RIGHT).len(), 1);
    let pair = net.peers[RIGHT].selected_pair().unwrap();
    assert_eq!((pair.local.tcp_type, pair.local.port), (Some(TcpType::Active), pair.path.local.port()));
    assert_eq!(pair.path.protocol, Protocol::Tcp);
    assert_eq!(net.peers[LEFT].selected_pair().unwrap().remote.tcp_type, Some(TcpType::Active));
    net.exchange();
    net.run_for(ms(120_000));
    assert_eq!(net.peers[LEFT].ice_state(), IceTransportState::Completed);
    assert_eq!(net.peers.each_ref().map(|peer| peer.drops().total()), [0, 0]);
    assert_eq!(net.streams.len(), 2, "both ends of one");
    net.peers[RIGHT].close(net.now);
    net.drain();
    net.peers[RIGHT].shut_down();
    net.run_for(ms(100));
    assert!(net.streams.is_empty());
}

#[test]
fn datagrams_are_preferred_where_they_get_through() {
    let mut net = tcp_only(9);
    net.apart = false;
    net.add_host(LEFT, "192.0.2.1:5000");
    net.signal();
    net.run_for(ms(4_000));
    assert_eq!(net.peers[RIGHT].selected_pair().unwrap().path.protocol, Protocol::Udp);
    net.exchange();
}

#[test]
fn who_opened_a_stream_opens_another_when_it_breaks() {
    let mut net = tcp_only(10);
    net.signal();
    net.run_for(ms(4_000));
    net.break_streams();
    net.run_for(ms(4_000));
    assert_eq!(net.streams.len(), 2);
    net.exchange();
    // Not for ever.
    for _ in 0..10 {
        net.break_streams();
        net.run_for(ms(4_000));
    }
    assert!(connects(&net).len() <= 4);
    net.run_for(ms(60_000));
    assert_ne!(net.peers[RIGHT].ice_state(), IceTransportState::Completed);
}

#[test]
fn strangers_on_streams_are_few_and_short_lived() {
    let mut net = tcp_only(11);
    net.signal();
    for n in 0..40 {
        let path = crate::base::net::LocalAddress::tcp(SocketId(1_000 + n), address("192.0.2.1:9000"))
            .to(address(&format!("198.51.100.1:{}", 1_000 + n)));
        net.peers[LEFT].handle_stream_opened(net.now, path);
    }
    assert_eq!(net.peers[LEFT].drops().of(DropReason::UnknownStream), 9);
    net.run_for(ms(15_000));
    let closed =
        |(who, request): &&(usize, IoRequest)| *who == LEFT && matches!(request, IoRequest::Close { .. });
    assert_eq!(net.requests.iter().filter(closed).count(), 40);
}

/// Both have a listener and candidates of simultaneous open; datagrams go nowhere.
fn both_open(seed: u64, guarded: bool) -> Net {
    let mut net = Net::with(seed, &|config| config.ice.simultaneous_open = true);
    (net.apart, net.guarded) = (true, guarded);
    net.add_listener(LEFT, "192.0.2.1:9000");
    net.add_listener(RIGHT, "192.0.2.2:9001");
    net
}

#[test]
fn both_open_a_stream_at_once_where_neither_lets_anyone_in() {
    let mut net = both_open(12, true);
    net.signal();
    net.run_for(ms(4_000));
    assert!(net.connected());
    let types: Vec<_> = net.candidates(LEFT).iter().map(|c| c.tcp_type.unwrap()).collect();
    assert_eq!(types, [TcpType::Passive, TcpType::SimultaneousOpen]);
    for who in [LEFT, RIGHT] {
        let pair = net.peers[who].selected_pair().unwrap();
        let ends = [pair.local.tcp_type, pair.remote.tcp_type];
        assert_eq!(ends, [Some(TcpType::SimultaneousOpen); 2]);
        assert_eq!((pair.path.local.port(), pair.path.protocol), (9_000 + who as u16, Protocol::Tcp));
    }
    net.exchange();
    // Both open another one when it breaks.
    net.break_streams();
    net.run_for(ms(4_000));
    net.exchange();
    assert_eq!(net.streams.len(), 2);
    assert_eq!(net.peers.each_ref().map(|peer| peer.drops().total()), [0, 0]);
}

#[test]
fn of_two_that_open_at_once_a_listener_may_take_the_first() {
    let mut net = both_open(13, false);
    // What a peer would do that has this kind alone.
    for who in [LEFT, RIGHT] {
        net.unsaid[who] = |candidate| candidate.tcp_type == Some(TcpType::Passive);
    }
    net.signal();
    net.run_for(ms(4_000));
    assert!(net.connected());
    assert_eq!(net.streams.len(), 2, "one stream, though both asked for one");
    assert_eq!(net.peers[LEFT].selected_pair().unwrap().local.tcp_type, Some(TcpType::SimultaneousOpen));
    net.exchange();
    for _ in 0..20 {
        net.break_streams();
        net.run_for(ms(4_000));
    }
    assert!(connects(&net).len() <= 8, "{}", connects(&net).len());
}

#[test]
fn a_listener_behind_a_one_to_one_nat_is_shown_with_its_direction() {
    let mut net = both_open(14, false);
    let (internal, external) = ([192, 0, 2, 1].into(), [198, 51, 100, 1].into());
    let seen = ExternalAddress { internal, external, replaces_host: false };
    net.peers[LEFT].set_external_addresses(vec![seen]);
    net.signal();
    let outside =
        net.candidates(LEFT).into_iter().find(|c| c.kind == CandidateType::ServerReflexive).unwrap();
    assert_eq!((outside.tcp_type, outside.port), (Some(TcpType::Passive), 9_000));
    assert_eq!(outside.priority >> 24, 70);
}
