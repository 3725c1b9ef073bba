//! How two agents find each other.

use super::net::{LEFT, Link, Net, RIGHT, address, host, ms};
use crate::base::drops::DropReason;
use crate::transport::ice::{Event, IceRole, IceTransportState, PairState};
use crate::wire::candidate::{Candidate, CandidateAddress, CandidateProtocol, CandidateType, TcpType};
use quickcheck::quickcheck;

#[test]
fn two_hosts_connect_within_a_few_round_trips() {
    let mut net = Net::connected_by(1, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    let took = net.run_while(ms(1_000), |net| net.agreed().is_none());
    assert!(took <= ms(120), "{took:?}");
    net.run_for(ms(100));
    for who in [LEFT, RIGHT] {
        use IceTransportState::{Checking, Completed};
        let states = net.states(who);
        assert_eq!((states[0], *states.last().unwrap()), (Checking, Completed), "{states:?}");
        assert_eq!(net.agents[who].drops().total(), 0);
        let (path, _) = net.agents[who].send_path().unwrap();
        assert_eq!(Some(path), net.agents[who].selected().map(|pair| pair.path));
        assert!(net.agents[who].validated(&path).is_some());
        let rtt = net.agents[who].rtt().unwrap();
        assert!((ms(20)..ms(25)).contains(&rtt), "{rtt:?}");
    }
}

/// A request and an answer from either side: the check of the only pair nominates it.
#[test]
fn one_pair_takes_four_datagrams() {
    let mut net = Net::new(2);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    for (who, at) in [(LEFT, "192.0.2.1:5000"), (RIGHT, "192.0.2.2:6000")] {
        for candidate in net.gather(who, &[at]) {
            net.agents[1 - who].add_remote_candidate(net.now, &candidate);
        }
    }
    net.end_candidates();
    net.exchange_credentials();
    net.drain();
    net.run_for(ms(2_000));
    assert!(net.agreed().is_some());
    let start = crate::base::time::Instant::ZERO;
    let sent: usize = [LEFT, RIGHT].map(|side| net.sent_by(side, start).count()).iter().sum();
    assert_eq!(sent, 4);
    // And yet nobody is told that it is completed who was not told that it is connected.
    for who in [LEFT, RIGHT] {
        use IceTransportState::{Checking, Completed, Connected};
        assert_eq!(net.states(who), [Checking, Connected, Completed]);
    }
}

#[test]
fn data_may_flow_on_the_first_valid_pair() {
    let mut net = Net::connected_by(2, &["192.0.2.1:5000", "192.0.2.1:5001"], &["192.0.2.2:6000"]);
    net.run_while(ms(1_000), |net| net.agents[LEFT].send_path().is_none());
    assert!(net.agents[LEFT].selected().is_none());
    let first = net.events[LEFT].iter().find(|event| matches!(event, Event::SendPathChange(Some(_))));
    assert!(first.is_some());
}

#[test]
fn events_come_in_the_order_of_w3c() {
    let mut net = Net::connected_by(3, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(500));
    for events in &net.events {
        let place = |wanted: Event| events.iter().position(|event| *event == wanted).unwrap();
        let selected = place(Event::SelectedPairChange);
        assert!(place(Event::StateChange(IceTransportState::Checking)) < selected);
        assert!(selected < place(Event::StateChange(IceTransportState::Completed)));
    }
}

#[test]
fn of_two_families_the_sixth_is_preferred_and_the_fourth_does_when_it_is_all_there_is() {
    let left = ["192.0.2.1:5000", "[2001:db8::1]:5000"];
    let right = ["192.0.2.2:6000", "[2001:db8::2]:6000"];
    let mut net = Net::connected_by(4, &left, &right);
    net.run_for(ms(1_000));
    assert_eq!(net.agreed(), Some((address(left[1]), address(right[1]))));
    // IPv6 is signalled by both and works for neither.
    let mut net = Net::connected_by(4, &left, &right);
    net.nat.insert(address(left[1]), address("[2001:db8:f::1]:1"));
    net.nat.insert(address(right[1]), address("[2001:db8:f::2]:1"));
    let took = net.run_while(ms(5_000), |net| net.agreed().is_none());
    assert_eq!(net.agreed(), Some((address(left[0]), address(right[0]))));
    assert!(took <= ms(300), "{took:?}");
}

#[test]
fn priorities_interleave_families() {
    let mut net = Net::new(5);
    let all =
        net.gather(LEFT, &["192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1", "[fe80::1]:1", "127.0.0.1:1"]);
    let mut order: Vec<_> =
        all.iter().map(|c| (std::cmp::Reverse(c.priority), c.address.to_string())).collect();
    order.sort();
    let order: Vec<_> = order.iter().map(|(_, address)| address.as_str()).collect();
    assert_eq!(order, ["2001:db8::1", "192.0.2.1", "192.0.2.2", "fe80::1", "127.0.0.1"]);
    assert!(all.iter().all(|c| c.priority >> 24 == 126 && c.priority & 0xff == 255));
    let mut foundations: Vec<_> = all.iter().map(|c| &c.foundation).collect();
    foundations.dedup();
    assert_eq!(foundations.len(), 5);
}

#[test]
fn a_nat_teaches_peer_reflexive_candidates_on_both_sides() {
    let mut net = Net::connected_by(6, &["10.0.0.1:5000"], &["192.0.2.2:6000"]);
    net.nat.insert(address("10.0.0.1:5000"), address("203.0.113.9:40000"));
    net.run_for(ms(2_000));
    assert_eq!(net.agreed(), Some((address("203.0.113.9:40000"), address("192.0.2.2:6000"))));
    let local = net.agents[LEFT].selected().unwrap().local;
    assert_eq!(local.kind, CandidateType::PeerReflexive);
    assert_eq!(local.related, Some((CandidateAddress::Ip("10.0.0.1".parse().unwrap()), 5000)));
    let remote = net.agents[RIGHT].selected().unwrap().remote;
    assert_eq!((remote.kind, remote.priority), (CandidateType::PeerReflexive, local.priority));
}

#[test]
fn a_trickled_candidate_takes_the_place_of_what_a_check_taught() {
    let mut net = Net::new(7);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    let left = net.gather(LEFT, &["192.0.2.1:5000"]).remove(0);
    let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.exchange_credentials();
    net.agents[LEFT].add_remote_candidate(net.now, &right);
    net.run_for(ms(300));
    // RIGHT was never told where LEFT is.
    assert!(net.agreed().is_some());
    let known: Vec<_> = net.agents[RIGHT].remote_candidates().collect();
    assert_eq!(known.iter().map(|c| c.kind).collect::<Vec<_>>(), [CandidateType::PeerReflexive]);
    let before = net.agents[RIGHT].pairs().next().unwrap();
    net.agents[RIGHT].add_remote_candidate(net.now, &left);
    let known: Vec<_> = net.agents[RIGHT].remote_candidates().collect();
    assert_eq!(known, [left]);
    let after = net.agents[RIGHT].pairs().next().unwrap();
    assert_eq!((after.id, after.state), (before.id, PairState::Succeeded));
    assert!(after.priority > before.priority);
    assert_eq!(net.agents[RIGHT].pairs().count(), 1);
}

#[test]
fn checks_that_come_before_the_description_are_answered_and_remembered() {
    let mut net = Net::new(8);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    net.gather(LEFT, &["192.0.2.1:5000"]);
    let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.tell_credentials(LEFT);
    net.agents[LEFT].add_remote_candidate(net.now, &right);
    net.run_for(ms(400));
    // LEFT has a valid pair and nominated it; RIGHT knows nobody, and yet what comes along this path is good.
    assert!(net.agents[LEFT].selected().is_some());
    assert!(net.agents[RIGHT].send_path().is_none());
    let path = host("192.0.2.2:6000").to(address("192.0.2.1:5000"));
    assert!(net.agents[RIGHT].validated(&path).is_some());
    net.tell_credentials(RIGHT);
    net.run_for(ms(100));
    assert!(net.agreed().is_some());
    assert_eq!(net.agents[RIGHT].drops().total(), 0);
}

#[test]
fn what_came_early_from_somebody_else_is_forgotten() {
    let mut net = Net::new(9);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    net.gather(LEFT, &["192.0.2.1:5000"]);
    let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.tell_credentials(LEFT);
    net.agents[LEFT].add_remote_candidate(net.now, &right);
    net.run_for(ms(30));
    let other = super::net::agent(77).local_credentials().clone();
    net.agents[RIGHT].set_remote_credentials(net.now, other);
    assert_eq!(net.agents[RIGHT].drops().of(DropReason::StunUsername), 1);
    assert_eq!(net.agents[RIGHT].remote_candidates().count(), 0);
    let path = host("192.0.2.2:6000").to(address("192.0.2.1:5000"));
    assert!(net.agents[RIGHT].validated(&path).is_none());
}

#[test]
fn a_role_conflict_is_resolved_whichever_way_it_is() {
    for role in [IceRole::Controlling, IceRole::Controlled] {
        for seed in 0..20 {
            let mut net = Net::new(seed);
            net.roles(role, role);
            net.signal_all(
                &["192.0.2.1:5000", "[2001:db8::1]:5000"],
                &["192.0.2.2:6000", "[2001:db8::2]:6000"],
            );
            net.run_for(ms(1_500));
            assert_eq!(net.agents[LEFT].role(), net.agents[RIGHT].role().opposite(), "{role} {seed}");
            assert_eq!(net.agreed().unwrap().0, address("[2001:db8::1]:5000"));
            let changes = net.events.iter().flatten().filter(|e| matches!(e, Event::RoleChange(_))).count();
            assert_eq!(changes, 1, "{role} {seed}");
        }
    }
}

#[test]
fn without_any_path_it_fails_with_its_patience_and_not_before() {
    for told_the_end in [true, false] {
        let mut net = Net::new(10);
        net.link.loss = 1.0;
        net.roles(IceRole::Controlling, IceRole::Controlled);
        let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
        net.gather(LEFT, &["192.0.2.1:5000"]);
        net.exchange_credentials();
        net.agents[LEFT].add_remote_candidate(net.now, &right);
        if told_the_end {
            net.end_candidates();
        }
        net.run_for(ms(39_000));
        assert_eq!(net.agents[LEFT].state(), IceTransportState::Checking);
        // The agent that has nothing to check waits to be checked.
        assert_eq!(net.agents[RIGHT].state(), IceTransportState::New);
        net.run_for(ms(1_000));
        assert_eq!(net.agents[LEFT].state(), IceTransportState::Failed);
        assert_eq!(net.agents[RIGHT].state(), IceTransportState::Failed);
        assert_eq!(net.sent_by(LEFT, crate::base::time::Instant::ZERO).count(), 7);
        assert_eq!(net.agents[LEFT].poll_timeout(), None);
    }
}

#[test]
fn an_unanswered_check_is_sent_seven_times_with_growing_gaps() {
    let mut net = Net::connected_by(10, &["192.0.2.1:5000"], &[]);
    net.link.loss = 1.0;
    let start = net.now;
    net.agents[LEFT].add_remote_candidate(start, &"1 1 udp 9 192.0.2.2 6000 typ host".parse().unwrap());
    net.run_for(ms(60_000));
    let sent: Vec<_> = net.sent.iter().map(|packet| (packet.at - start).as_millis()).collect();
    assert_eq!(sent, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    assert!(net.sent.windows(2).all(|pair| pair[0].data == pair[1].data), "one transaction");
}

#[test]
fn pairs_of_one_foundation_wait_for_the_first_of_them() {
    let mut net = Net::new(15);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    net.gather(LEFT, &["192.0.2.1:5000", "192.0.2.1:5001", "192.0.2.3:5000"]);
    net.exchange_credentials();
    let states = |net: &Net| {
        let mut states: Vec<_> = net.agents[LEFT].pairs().map(|pair| (pair.local, pair.state)).collect();
        states.sort();
        states.iter().map(|(_, state)| *state).collect::<Vec<_>>()
    };
    use PairState::{Frozen, InProgress, Waiting};
    let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.agents[LEFT].add_remote_candidate(net.now, &right);
    assert_eq!(states(&net), [InProgress, Frozen, Waiting]);
    net.link.mute[RIGHT] = true;
    net.run_for(ms(300));
    assert_eq!(states(&net), [InProgress, Frozen, InProgress]);
}

#[test]
fn pairs_that_fail_while_more_may_come_are_a_disconnection() {
    let config = crate::transport::ice::Config { patience: ms(100_000), ..Default::default() };
    let mut net = Net::new(11);
    net.agents[LEFT] = crate::transport::ice::Agent::new(
        config,
        crate::crypto::CryptoProvider::default().hmac,
        crate::base::random::Rng::from_number(1),
    );
    net.link.loss = 1.0;
    net.roles(IceRole::Controlling, IceRole::Controlled);
    let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.gather(LEFT, &["192.0.2.1:5000"]);
    net.exchange_credentials();
    net.agents[LEFT].add_remote_candidate(net.now, &right);
    net.run_for(ms(45_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Disconnected);
    net.agents[LEFT].end_of_remote_candidates(net.now);
    net.agents[LEFT].end_of_local_candidates(net.now);
    // The peer may still check us.
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Checking);
    net.run_for(ms(60_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Failed);
}

#[test]
fn candidates_of_no_use_are_counted_and_ignored() {
    let mut net = Net::new(12);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    let good = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.gather(LEFT, &["192.0.2.1:5000"]);
    net.exchange_credentials();
    let odd = |change: fn(&mut Candidate)| {
        let mut candidate = good.clone();
        change(&mut candidate);
        candidate
    };
    let unusable = [
        odd(|c| c.address = CandidateAddress::Name("0a1b.local".into())),
        odd(|c| c.protocol = CandidateProtocol::Tcp),
        odd(|c| c.protocol = CandidateProtocol::Unknown("quic".into())),
        odd(|c| c.component = 2),
        odd(|c| c.port = 0),
        odd(|c| c.address = CandidateAddress::Ip("0.0.0.0".parse().unwrap())),
        odd(|c| c.address = CandidateAddress::Ip("224.0.0.1".parse().unwrap())),
        odd(|c| c.address = CandidateAddress::Ip("::ffff:192.0.2.2".parse().unwrap())),
        odd(|c| c.address = CandidateAddress::Ip("::".parse().unwrap())),
    ];
    for candidate in &unusable {
        net.agents[LEFT].add_remote_candidate(net.now, candidate);
    }
    net.agents[LEFT].add_remote_candidate(net.now, &odd(|c| c.ufrag = Some("older".into())));
    // It is fine, but cannot be reached from here.
    net.agents[LEFT]
        .add_remote_candidate(net.now, &odd(|c| c.address = CandidateAddress::Ip("::1".parse().unwrap())));
    let drops = net.agents[LEFT].drops();
    assert_eq!(drops.of(DropReason::IceCandidateUnusable), unusable.len() as u64);
    assert_eq!(drops.of(DropReason::IceCandidateGeneration), 1);
    assert_eq!(net.agents[LEFT].pairs().count(), 0);
    for _ in 0..2 {
        net.agents[LEFT].add_remote_candidate(net.now, &good);
    }
    assert_eq!(net.agents[LEFT].pairs().count(), 1);
}

#[test]
fn addresses_of_no_use_make_no_candidate() {
    let mut net = Net::new(13);
    for text in ["0.0.0.0:5000", "192.0.2.1:0", "224.0.0.1:5000", "[::]:5000", "[::ffff:192.0.2.1]:5000"] {
        assert_eq!(net.gather(LEFT, &[text]), [], "{text}");
    }
    assert_eq!(net.gather(LEFT, &["192.0.2.1:5000", "192.0.2.1:5000"]).len(), 1);
    let tcp = crate::base::net::LocalAddress {
        protocol: crate::base::net::Protocol::Tcp,
        ..host("192.0.2.1:5001")
    };
    let passive = net.agents[LEFT].add_local_address(net.now, tcp).unwrap();
    assert_eq!(passive.tcp_type, Some(TcpType::Passive));
    // RFC 6544 §4.2: behind datagrams, and by direction.
    assert_eq!((passive.priority >> 24, passive.priority >> 21 & 7), (90, 4));
}

#[test]
fn a_selected_pair_ends_the_search() {
    let left: Vec<_> = (1..=10).map(|n| format!("192.0.2.{n}:5000")).collect();
    let left: Vec<_> = left.iter().map(String::as_str).collect();
    let mut net = Net::connected_by(14, &left, &["192.0.2.102:6000"]);
    net.run_for(ms(2_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Completed);
    assert!(
        net.agents[LEFT]
            .pairs()
            .all(|pair| pair.state == PairState::Succeeded || pair.state == PairState::Failed)
    );
    assert!(net.agents[LEFT].pairs().count() < 6, "what was not tried is forgotten");
    let before = net.sent.len();
    net.run_for(ms(3_000));
    assert!(net.sent.len() <= before + 4, "nothing but consent checks");
}

/// What a side can be told, in any order.
#[derive(Clone, Copy, Debug)]
enum Told {
    Role,
    Credentials,
    Address(usize),
    Candidate(usize),
}

quickcheck! {
    fn whatever_the_order_of_signalling_they_connect(seed: u64, order: Vec<u8>) -> bool {
        let mut net = Net::new(seed % 1_000);
        let addresses = [["192.0.2.1:5000", "[2001:db8::1]:5000"], ["192.0.2.2:6000", "[2001:db8::2]:6000"]];
        // Candidates are what the other side's addresses will give.
        let texts = [0, 1].map(|who| {
            let mut other = Net::new(seed % 1_000);
            other.gather(who, &addresses[who])
        });
        let one = [Told::Role, Told::Credentials, Told::Address(0), Told::Address(1), Told::Candidate(0), Told::Candidate(1)];
        let mut todo: Vec<_> = [LEFT, RIGHT].into_iter().flat_map(|who| one.map(|told| (who, told))).collect();
        let mut picks = order.into_iter().map(usize::from);
        while !todo.is_empty() {
            let (who, told) = todo.remove(picks.next().unwrap_or_default() % todo.len());
            match told {
                Told::Role => {
                    let role = if who == LEFT { IceRole::Controlling } else { IceRole::Controlled };
                    net.agents[who].set_role(net.now, role);
                }
                Told::Credentials => net.tell_credentials(who),
                Told::Address(n) => {
                    net.add_host(who, host(addresses[who][n]));
                }
                Told::Candidate(n) => net.agents[who].add_remote_candidate(net.now, &texts[1 - who][n]),
            }
            net.run_for(ms(picks.next().unwrap_or_default() as u64));
        }
        net.end_candidates();
        net.run_for(ms(3_000));
        net.agreed().is_some() && net.agents.iter().all(|a| a.state() == IceTransportState::Completed)
    }

    fn a_bad_network_is_survived(seed: u64, loss: u8, jitter: u8, duplicate: u8) -> bool {
        let mut net = Net::connected_by(seed % 1_000, &["192.0.2.1:5000", "[2001:db8::1]:5000"],
            &["192.0.2.2:6000", "[2001:db8::2]:6000"]);
        net.link = Link {
            delay: ms(40),
            jitter: ms(u64::from(jitter)),
            loss: f64::from(loss % 30) / 100.0,
            duplicate: f64::from(duplicate % 50) / 100.0,
            mute: [false; 2],
        };
        net.run_while(ms(60_000), |net| net.agreed().is_none());
        net.agreed().is_some() && net.agents[LEFT].drops().of(DropReason::StunIntegrity) == 0
    }
}
