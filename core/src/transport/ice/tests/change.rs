//! Networks come and go, and the connection stays.

use super::net::{LEFT, Net, RIGHT, address, host, ms};
use crate::transport::ice::{Event, IceTransportState};
use std::time::Duration;

const WIFI: &str = "192.0.2.1:5000";
const MOBILE: &str = "198.51.100.5:5000";
const PEER: &str = "192.0.2.2:6000";

fn settled(net: &Net, local: &str) -> bool {
    let here = net.agents[LEFT].selected().is_some_and(|pair| pair.path.local == address(local));
    here && net.agreed().is_some()
}

fn outage(net: &mut Net, to: &str) -> Duration {
    net.run_while(ms(60_000), |net| !settled(net, to))
}

#[test]
fn another_pair_takes_over_from_one_that_died_without_a_restart() {
    for controlling in [LEFT, RIGHT] {
        let mut net = Net::new(1);
        use crate::transport::ice::IceRole::{Controlled, Controlling};
        match controlling {
            LEFT => net.roles(Controlling, Controlled),
            _ => net.roles(Controlled, Controlling),
        }
        net.signal_all(&[WIFI, MOBILE], &[PEER]);
        net.run_for(ms(120_000));
        assert!(settled(&net, WIFI));
        net.dead.insert(address(WIFI));
        let took = outage(&mut net, MOBILE);
        assert!(took < ms(10_500), "{took:?}");
        net.run_for(ms(60_000));
        assert!(settled(&net, MOBILE));
        for who in [LEFT, RIGHT] {
            assert_eq!(net.agents[who].state(), IceTransportState::Completed, "{who}");
            assert!(!net.events[who].contains(&Event::SendPathChange(None)), "{who}");
            assert!(!net.states(who).contains(&IceTransportState::Failed), "{who}");
        }
    }
}

#[test]
fn an_address_that_comes_later_takes_over_when_it_is_needed() {
    let mut net = Net::connected_by(2, &[WIFI], &[PEER]);
    net.run_for(ms(60_000));
    // RIGHT is never told of it: our checks teach it.
    assert!(net.add_host(LEFT, host(MOBILE)).is_some());
    net.run_for(ms(60_000));
    assert!(settled(&net, WIFI), "a pair that works is not left");
    net.dead.insert(address(WIFI));
    let took = outage(&mut net, MOBILE);
    assert!(took < ms(10_500), "{took:?}");
}

#[test]
fn an_address_that_is_removed_is_left_at_once() {
    let mut net = Net::connected_by(3, &[WIFI, MOBILE], &[PEER]);
    net.run_for(ms(10_000));
    assert!(settled(&net, WIFI));
    net.agents[LEFT].remove_local_address(net.now, host(WIFI));
    net.dead.insert(address(WIFI));
    let removed = net.now;
    let took = outage(&mut net, MOBILE);
    assert!(took < ms(300), "{took:?}");
    net.run_for(ms(30_000));
    assert!(net.sent_by(LEFT, removed).all(|packet| packet.path.local == address(MOBILE)));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Completed);
    // Not an address of ours: no effect.
    net.agents[LEFT].remove_local_address(net.now, host("192.0.2.99:1"));
    assert!(settled(&net, MOBILE));
}

#[test]
fn the_last_address_may_go_and_another_one_come() {
    let mut net = Net::connected_by(4, &[WIFI], &[PEER]);
    net.run_for(ms(60_000));
    net.agents[LEFT].remove_local_address(net.now, host(WIFI));
    net.dead.insert(address(WIFI));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Disconnected);
    assert!(net.agents[LEFT].send_path().is_none() && net.agents[LEFT].selected().is_none());
    net.run_for(ms(4_000));
    assert!(net.add_host(LEFT, host(MOBILE)).is_some());
    assert!(outage(&mut net, MOBILE) < ms(10_500));
    // And back again: the old address has its old place.
    net.dead.clear();
    assert!(net.add_host(LEFT, host(WIFI)).is_some());
    assert_eq!(net.agents[LEFT].local_candidates().count(), 2);
    net.run_for(ms(5_000));
    net.agents[LEFT].remove_local_address(net.now, host(MOBILE));
    assert!(outage(&mut net, WIFI) < ms(10_500));
}

#[test]
fn without_any_address_it_fails_in_the_end() {
    let mut net = Net::connected_by(5, &[WIFI], &[PEER]);
    net.run_for(ms(60_000));
    net.agents[LEFT].remove_local_address(net.now, host(WIFI));
    net.run_for(ms(39_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Disconnected);
    net.run_for(ms(1_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Failed);
    assert_eq!(net.agents[LEFT].poll_timeout(), None);
}

#[test]
fn losses_alone_make_nobody_move() {
    for seed in 0..5 {
        let mut net = Net::connected_by(seed, &[WIFI, MOBILE], &[PEER]);
        net.run_for(ms(2_000));
        net.link.loss = 0.15;
        net.run_for(ms(300_000));
        assert!(settled(&net, WIFI), "{seed}");
    }
}
