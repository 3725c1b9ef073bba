//! Restarts: a new generation takes over from one that goes on working.

use super::net::{LEFT, Net, RIGHT, address, host, ms};
use crate::base::drops::DropReason;
use crate::transport::ice::{Event, IceRole, IceTransportState};
use crate::wire::candidate::Candidate;

const LEFT_HOST: &str = "192.0.2.1:5000";
const RIGHT_HOST: &str = "192.0.2.2:6000";

fn connected(seed: u64) -> Net {
    let mut net = Net::connected_by(seed, &[LEFT_HOST], &[RIGHT_HOST]);
    net.run_for(ms(5_000));
    net
}

/// Both begin a new generation, as an offer and its answer would have it.
fn restart(net: &mut Net) {
    for who in [LEFT, RIGHT] {
        let promised = net.agents[who].prepare_restart().clone();
        assert_eq!(net.agents[who].restart(net.now), &promised);
    }
}

/// Everything of the new generation is signalled.
fn signal(net: &mut Net) {
    net.exchange_credentials();
    for who in [LEFT, RIGHT] {
        let candidates: Vec<Candidate> = net.agents[who].local_candidates().collect();
        for candidate in candidates {
            net.agents[1 - who].add_remote_candidate(net.now, &candidate);
        }
    }
    net.end_candidates();
}

#[test]
fn data_goes_on_where_it_went_until_a_new_pair_is_selected() {
    let mut net = connected(1);
    let before = net.agents.each_ref().map(|agent| agent.selected().unwrap());
    let ufrags = net.agents.each_ref().map(|agent| agent.local_credentials().ufrag.clone());
    restart(&mut net);
    for who in [LEFT, RIGHT] {
        assert_ne!(net.agents[who].local_credentials().ufrag, ufrags[who]);
        assert_eq!(net.agents[who].send_path().unwrap().0, before[who].path);
        assert_eq!(net.agents[who].selected().unwrap().id, before[who].id);
        assert_eq!(net.agents[who].state(), IceTransportState::Connected);
    }
    // People take their time to carry the descriptions: consent holds on.
    net.run_for(ms(100_000));
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Connected));
    signal(&mut net);
    let took = net.run_while(ms(2_000), |net| {
        net.agents.iter().any(|agent| agent.state() != IceTransportState::Completed)
    });
    assert!(took < ms(300), "{took:?}");
    for who in [LEFT, RIGHT] {
        let selected = net.agents[who].selected().unwrap();
        assert_ne!(selected.id, before[who].id);
        assert_eq!(selected.local.ufrag, Some(net.agents[who].local_credentials().ufrag.clone()));
        assert_eq!(net.agents[who].drops().total(), 0);
        assert!(!net.events[who].contains(&Event::SendPathChange(None)));
    }
    net.run_for(ms(60_000));
    assert!(net.agents.iter().all(|agent| agent.former.is_none() && agent.drops().total() == 0));
}

#[test]
fn one_side_alone_waits_for_the_other_and_is_answered_meanwhile() {
    let mut net = connected(2);
    net.agents[LEFT].restart(net.now);
    net.run_for(ms(60_000));
    // RIGHT knows nothing of it and finds nothing amiss.
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Completed);
    // Now it learns of it by the credentials alone: it restarts too, as it had promised to.
    let promised = net.agents[RIGHT].prepare_restart().clone();
    net.tell_credentials(RIGHT);
    assert_eq!(net.agents[RIGHT].local_credentials(), &promised);
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Connected);
    signal(&mut net);
    net.run_for(ms(500));
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Completed));
    // The same credentials again are no restart.
    net.exchange_credentials();
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Completed));
}

#[test]
fn a_restart_moves_to_another_network() {
    let mut net = connected(3);
    let (old, new) = (address(LEFT_HOST), address("198.51.100.5:5000"));
    net.dead.insert(old);
    net.add_host(LEFT, host("198.51.100.5:5000"));
    restart(&mut net);
    signal(&mut net);
    net.run_for(ms(3_000));
    assert_eq!(net.agents[RIGHT].selected().unwrap().path.remote, new);
    assert_eq!(net.agents[LEFT].send_path().unwrap().0.local, new);
}

#[test]
fn what_failed_is_checking_again_and_may_succeed() {
    let mut net = connected(4);
    net.link.mute = [true, true];
    net.run_for(ms(60_000));
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Failed));
    net.link.mute = [false, false];
    restart(&mut net);
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Checking));
    assert!(net.agents.iter().all(|agent| agent.send_path().is_none()));
    signal(&mut net);
    net.run_for(ms(500));
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Completed));
    assert_eq!(net.agents[LEFT].role(), IceRole::Controlling);
}

#[test]
fn what_was_disconnected_is_checking_and_fails_if_nothing_comes_of_it() {
    let mut net = connected(5);
    net.link.mute = [true, true];
    net.run_while(ms(30_000), |net| net.agents[LEFT].state() != IceTransportState::Disconnected);
    restart(&mut net);
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Checking);
    signal(&mut net);
    net.run_for(ms(120_000));
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Failed));
    assert!(net.agents.iter().all(|agent| agent.send_path().is_none() && agent.poll_timeout().is_none()));
}

#[test]
fn a_restart_that_is_taken_back_leaves_everything_as_it_was() {
    let mut net = connected(6);
    let before = (net.agents[LEFT].local_credentials().clone(), net.agents[LEFT].selected());
    net.agents[LEFT].restart(net.now);
    net.agents[LEFT].restart(net.now);
    net.run_for(ms(3_000));
    assert!(net.agents[LEFT].cancel_restart(net.now));
    assert!(!net.agents[LEFT].cancel_restart(net.now));
    let after = (net.agents[LEFT].local_credentials().clone(), net.agents[LEFT].selected());
    assert_eq!(before.0, after.0);
    assert_eq!(before.1.map(|pair| pair.id), after.1.map(|pair| pair.id));
    net.run_for(ms(60_000));
    assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Completed));
    assert!(net.agents.iter().all(|agent| agent.drops().total() == 0));
}

#[test]
fn candidates_of_a_former_generation_are_left_out() {
    let mut net = connected(7);
    let stale: Vec<Candidate> = net.agents[RIGHT].local_candidates().collect();
    restart(&mut net);
    net.exchange_credentials();
    net.agents[LEFT].add_remote_candidate(net.now, &stale[0]);
    assert_eq!(net.agents[LEFT].drops().of(DropReason::IceCandidateGeneration), 1);
    assert_eq!(net.agents[LEFT].remote_candidates().count(), 0);
}

#[test]
fn many_restarts_keep_no_more_than_one() {
    let mut net = connected(8);
    for _ in 0..20 {
        restart(&mut net);
        signal(&mut net);
        net.run_for(ms(700));
        assert!(net.agents.iter().all(|agent| agent.state() == IceTransportState::Completed));
    }
    assert_eq!(net.agents[LEFT].local_candidates().count(), 1);
    assert_eq!(net.agents[LEFT].remote_candidates().count(), 1);
    assert_eq!(net.agents[LEFT].pairs().count(), 1);
    // A closed agent stays what it is.
    net.agents[LEFT].close();
    let ufrag = net.agents[LEFT].local_credentials().ufrag.clone();
    assert_eq!(net.agents[LEFT].restart(net.now).ufrag, ufrag);
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Closed);
}

#[test]
fn lossy_restarts_come_through() {
    for seed in 0..10 {
        let mut net = connected(100 + seed);
        net.link.loss = 0.25;
        restart(&mut net);
        signal(&mut net);
        net.run_for(ms(20_000));
        assert!(net.agreed().is_some(), "{seed}");
        assert!(net.agents.iter().all(|agent| agent.selected.is_some()), "{seed}");
    }
}
