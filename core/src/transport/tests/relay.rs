//! Relayed candidates, end to end.

use super::net::{LEFT, Net, RIGHT, address, host, ms, stun, turn};
use super::turn_server::{Habit, TurnServer};
use crate::transport::ice::IceTransportState;
use crate::transport::{CandidateError, Event, IceGatheringState, IceTransportPolicy};
use crate::wire::candidate::CandidateType;
use crate::wire::stun::Method;

const TURN: &str = "203.0.113.99:3478";
const OTHER: &str = "203.0.113.98:3478";
const LEFT_HOST: &str = "192.0.2.1:5000";
const RIGHT_HOST: &str = "192.0.2.2:6000";

/// Two that reach servers and not each other; LEFT has a TURN server.
fn apart(seed: u64, habit: Habit) -> Net {
    let mut net = Net::new(seed);
    net.apart = true;
    net.turn_servers.push(TurnServer::new(TURN, habit));
    net.add_host(LEFT, LEFT_HOST);
    net.add_host(RIGHT, RIGHT_HOST);
    net.peers[LEFT].set_ice_servers(vec![turn(TURN)]);
    net
}

#[test]
fn two_that_cannot_reach_each_other_meet_at_a_relay() {
    for habit in [Habit::Old, Habit::New] {
        let mut net = apart(1, habit);
        net.signal();
        net.run_for(ms(3_000));
        assert!(net.connected(), "{habit:?}");
        let candidates = net.candidates(LEFT);
        let relayed = candidates.iter().find(|c| c.kind == CandidateType::Relayed).unwrap();
        assert_eq!(
            relayed.related.as_ref().map(|(a, p)| (a.ip().unwrap(), *p)),
            Some(([192, 0, 2, 1].into(), 5_000))
        );
        assert!(relayed.priority >> 24 <= 2);
        assert_eq!(net.peers[LEFT].selected_pair().unwrap().local.kind, CandidateType::Relayed);
        assert_eq!(net.peers[LEFT].send_path().unwrap().path, host(LEFT_HOST).to(address(TURN)));
        assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
        let before = net.turn_servers[0].relayed;
        net.exchange();
        let after = net.turn_servers[0].relayed;
        // A pair in use has a channel.
        assert_eq!((after[0], after[1] >= before[1] + 5), (before[0], true));
        assert_eq!(net.peers[LEFT].drops().total(), 0);
        assert!(net.error(LEFT).is_none());
    }
}

#[test]
fn a_relayed_pair_lives_for_a_hundred_minutes() {
    let mut net = apart(2, Habit::Old);
    net.signal();
    net.run_for(ms(3_000));
    for _ in 0..100 {
        net.run_for(ms(60_000));
        assert_eq!(net.peers[LEFT].ice_state(), IceTransportState::Completed);
        assert_eq!(net.peers[RIGHT].ice_state(), IceTransportState::Completed);
    }
    net.exchange();
    let counts = &net.turn_servers[0].counts;
    let count = |method: Method| counts.get(&method.into()).copied().unwrap_or(0);
    // Nine minutes, and four: with what stale nonces add.
    assert!((11..=24).contains(&count(Method::Refresh)), "{counts:?}");
    assert!((25..=40).contains(&count(Method::ChannelBind)), "{counts:?}");
    assert_eq!(net.peers[LEFT].drops().total(), 0);
}

#[test]
fn a_close_says_goodbye_through_the_relay_and_then_to_it() {
    let mut net = apart(3, Habit::Old);
    net.signal();
    net.run_for(ms(3_000));
    net.peers[LEFT].close(net.now);
    net.drain();
    net.peers[LEFT].shut_down();
    net.run_for(ms(100));
    assert!(net.turn_servers[0].allocated().is_empty());
    use crate::transport::dtls::DtlsTransportState;
    assert_eq!(net.peers[RIGHT].dtls_state(), DtlsTransportState::Closed);
    assert_eq!(net.peers[LEFT].poll_timeout(), None);
}

#[test]
fn refusals_are_told_by_their_codes_and_nothing_waits_for_them() {
    for code in [441, 442, 486, 508, 403] {
        let mut net = apart(4, Habit::Refuses(code));
        net.signal();
        net.run_for(ms(200));
        let error = net.error(LEFT).unwrap();
        assert_eq!((error.code, &*error.url), (code, "turn:203.0.113.99:3478"));
        assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
        assert_eq!(
            net.turn_servers[0].counts[&Method::Allocate.into()],
            2,
            "one without credentials, one with"
        );
    }
    let mut net = apart(4, Habit::Old);
    let mut server = turn(TURN);
    server.turn.as_mut().unwrap().password.0 = "wrong".to_owned();
    net.peers[LEFT].set_ice_servers(vec![server]);
    net.signal();
    net.run_for(ms(200));
    assert_eq!(net.error(LEFT).unwrap().code, 401);
    assert_eq!(net.turn_servers[0].counts[&Method::Allocate.into()], 2);
}

#[test]
fn a_server_that_calls_every_nonce_stale_is_given_up() {
    let mut net = apart(5, Habit::NeverContent);
    net.signal();
    net.run_for(ms(1_000));
    assert_eq!(net.error(LEFT).unwrap().code, 438);
    assert!(net.turn_servers[0].counts[&Method::Allocate.into()] <= 6);
}

#[test]
fn a_server_may_send_to_another_one_and_not_in_circles() {
    let mut net = apart(6, Habit::Sends(address(OTHER)));
    net.turn_servers.push(TurnServer::new(OTHER, Habit::Old));
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.connected());
    assert_eq!(net.turn_servers[1].allocated().len(), 1);
    net.exchange();
    let mut net = apart(6, Habit::Sends(address(OTHER)));
    net.turn_servers.push(TurnServer::new(OTHER, Habit::Sends(address(TURN))));
    net.signal();
    net.run_for(ms(1_000));
    assert_eq!(net.error(LEFT).unwrap().code, 300);
    // To itself, or to what is on this host: no.
    for bad in [TURN, "127.0.0.1:3478", "0.0.0.0:3478", "[2001:db8::1]:3478"] {
        let mut net = apart(6, Habit::Sends(address(bad)));
        net.signal();
        net.run_for(ms(1_000));
        assert_eq!(net.error(LEFT).unwrap().code, 300, "{bad}");
        assert!(!net.sent.iter().any(|(_, _, to)| bad != TURN && *to == address(bad)), "{bad}");
    }
}

#[test]
fn an_allocation_of_an_earlier_life_makes_way() {
    let mut net = apart(7, Habit::Old);
    net.gather();
    net.run_for(ms(200));
    let old = net.turn_servers[0].allocated();
    // The program dies, and comes back on the same port.
    let mut fresh = apart(8, Habit::Old);
    std::mem::swap(&mut fresh.turn_servers, &mut net.turn_servers);
    fresh.signal();
    fresh.run_for(ms(3_000));
    assert!(fresh.connected());
    assert!(fresh.turn_servers[0].allocated().len() == 1 && fresh.turn_servers[0].allocated() != old);
}

#[test]
fn a_dead_turn_server_is_unreachable_and_delays_nothing() {
    let mut net = apart(9, Habit::Old);
    net.peers[LEFT].set_ice_servers(vec![turn(OTHER), turn(TURN)]);
    net.signal();
    net.run_for(ms(2_000));
    assert!(net.connected());
    assert!(net.error(LEFT).is_none());
    net.run_for(ms(4_000));
    assert_eq!(net.error(LEFT).unwrap().code, CandidateError::UNREACHABLE);
    assert_eq!(net.events[LEFT].iter().filter(|e| matches!(e, Event::CandidateError(_))).count(), 1);
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
}

#[test]
fn a_server_that_forgets_takes_its_candidate_with_it() {
    let mut net = apart(10, Habit::Old);
    net.signal();
    net.run_for(ms(3_000));
    net.turn_servers[0].forget();
    net.run_for(ms(600_000));
    assert_ne!(net.peers[LEFT].ice_state(), IceTransportState::Completed);
    assert!(net.peers[LEFT].send_path().is_none());
    // A restart asks again.
    net.events = Default::default();
    for who in [LEFT, RIGHT] {
        net.peers[who].restart(net.now);
    }
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.candidates(LEFT).iter().any(|c| c.kind == CandidateType::Relayed));
    net.exchange();
}

#[test]
fn a_restart_keeps_the_allocation_and_signals_it_again() {
    let mut net = apart(11, Habit::Old);
    net.signal();
    net.run_for(ms(3_000));
    let before = net.turn_servers[0].allocated();
    net.events = Default::default();
    for who in [LEFT, RIGHT] {
        net.peers[who].restart(net.now);
    }
    net.exchange();
    net.signal();
    net.run_for(ms(3_000));
    assert_eq!(net.turn_servers[0].allocated(), before);
    assert!(net.candidates(LEFT).iter().any(|c| c.kind == CandidateType::Relayed));
    net.exchange();
    // Without the server in the next generation, and with another way, the allocation goes.
    net.apart = false;
    net.peers[LEFT].set_ice_servers(vec![stun(OTHER)]);
    for who in [LEFT, RIGHT] {
        net.peers[who].restart(net.now);
    }
    net.signal();
    net.run_for(ms(12_000));
    assert_eq!(net.peers[LEFT].selected_pair().unwrap().local.kind, CandidateType::Host);
    assert!(net.turn_servers[0].allocated().is_empty());
    net.exchange();
}

/// A server that was started anew, or is dead, says nothing of it to those that send datagrams: a restart asks.
#[test]
fn a_restart_has_a_young_allocation_made_anew_too() {
    let mut net = apart(13, Habit::Old);
    net.signal();
    net.run_for(ms(3_000));
    net.turn_servers[0].forget();
    restart(&mut net);
    net.run_for(ms(3_000));
    assert_eq!(net.turn_servers[0].allocated().len(), 1);
    net.exchange();
}

#[test]
fn a_restart_asks_whether_the_allocation_is_still_there() {
    let mut net = apart(12, Habit::Old);
    net.signal();
    net.run_for(ms(30_000));
    let before = net.turn_servers[0].allocated();
    net.turn_servers[0].forget();
    restart(&mut net);
    net.run_for(ms(3_000));
    let after = net.turn_servers[0].allocated();
    assert!(after.len() == 1 && after != before);
    let relayed: Vec<_> =
        net.candidates(LEFT).into_iter().filter(|c| c.kind == CandidateType::Relayed).collect();
    assert_eq!(relayed.iter().map(|c| c.port).collect::<Vec<_>>(), [after[0].port()]);
    net.exchange();

    // Nobody there any more: no candidate, and the server's silence is told.
    let server = net.turn_servers.pop().unwrap();
    restart(&mut net);
    net.run_for(ms(15_000));
    assert!(net.candidates(LEFT).iter().all(|c| c.kind != CandidateType::Relayed));
    assert_eq!(net.error(LEFT).unwrap().code, CandidateError::UNREACHABLE);
    assert_eq!(net.peers[LEFT].gathering_state(), IceGatheringState::Complete);
    // And back again, with a memory as before.
    net.turn_servers.push(server);
    restart(&mut net);
    net.run_for(ms(5_000));
    net.exchange();
}

fn restart(net: &mut Net) {
    net.events = Default::default();
    for who in [LEFT, RIGHT] {
        net.peers[who].restart(net.now);
    }
    net.signal();
}

#[test]
fn both_ends_may_have_a_relay() {
    let mut net = apart(12, Habit::Old);
    net.turn_servers.push(TurnServer::new(OTHER, Habit::New));
    net.turn_servers[1].relay_from("203.0.113.201");
    net.peers[RIGHT].set_ice_servers(vec![turn(OTHER)]);
    net.signal();
    net.run_for(ms(5_000));
    assert!(net.connected());
    net.exchange();
}

#[test]
fn under_the_relay_policy_nothing_else_is_said_or_used() {
    let mut net = apart(13, Habit::Old);
    net.apart = false;
    net.peers[LEFT].set_ice_transport_policy(IceTransportPolicy::Relay);
    net.signal();
    net.run_for(ms(3_000));
    assert!(net.connected());
    let kinds: Vec<_> = net.candidates(LEFT).iter().map(|c| c.kind).collect();
    assert_eq!(kinds, [CandidateType::Relayed]);
    let sent_by_left = net.sent.iter().filter(|(_, from, _)| *from == address(LEFT_HOST));
    assert!(sent_by_left.clone().count() > 5 && sent_by_left.clone().all(|(_, _, to)| *to == address(TURN)));
    net.exchange();
    // And back to all, by a restart.
    net.peers[LEFT].set_ice_transport_policy(IceTransportPolicy::All);
    for who in [LEFT, RIGHT] {
        net.peers[who].restart(net.now);
    }
    net.signal();
    net.run_for(ms(3_000));
    assert_eq!(net.peers[LEFT].selected_pair().unwrap().local.kind, CandidateType::Host);
    net.exchange();
}
