//! Nomination and what comes after it: consent, silence, following the peer.

use super::net::{LEFT, Net, RIGHT, address, ms};
use super::scripted::{NOW, Scene, class};
use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::ice::{Event, IceRole, IceTransportState, PairState};
use crate::wire::candidate::Candidate;
use crate::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method};

const NEAR: &str = "198.51.100.7:7000";
const FAR: &str = "198.51.100.8:7000";

#[test]
fn consent_is_asked_for_every_five_seconds_more_or_less() {
    let mut net = Net::connected_by(1, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(1_000));
    let start = net.now;
    net.run_for(ms(120_000));
    let times: Vec<_> = net
        .sent_by(LEFT, start)
        .filter(|packet| class(&packet.data) == Class::Request)
        .map(|packet| packet.at)
        .collect();
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // Counted from the answer, which takes 20 ms.
    assert!(gaps.iter().all(|gap| (ms(4_000)..=ms(6_020)).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().any(|gap| *gap < ms(4_700)) && gaps.iter().any(|gap| *gap > ms(5_300)));
    let pair = net.agents[LEFT].pairs().next().unwrap();
    assert_eq!(
        pair.counters.consent_requests_sent,
        pair.counters.responses_received - pair.counters.requests_sent
    );
    let ids: std::collections::BTreeSet<_> =
        net.sent_by(LEFT, start).map(|packet| Message::parse(&packet.data).unwrap().transaction).collect();
    assert!(ids.len() >= times.len(), "each consent check is a transaction of its own");
}

#[test]
fn a_black_hole_is_noticed_and_ends_all_sending() {
    let mut net = Net::connected_by(2, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(20_000));
    net.link.mute = [true, true];
    let noticed = net.run_while(ms(60_000), |net| net.agents[LEFT].state() == IceTransportState::Completed);
    assert!((ms(5_000)..ms(11_500)).contains(&noticed), "{noticed:?}");
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Disconnected);
    assert!(net.agents[LEFT].send_path().is_some());
    let lost = noticed + net.run_while(ms(60_000), |net| net.agents[LEFT].send_path().is_some());
    assert!((ms(24_000)..=ms(30_000)).contains(&lost), "{lost:?}");
    let after = net.now;
    net.run_for(ms(60_000));
    assert_eq!(net.sent_by(LEFT, after).count(), 0);
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Failed);
    assert!(net.agents[LEFT].selected().is_some(), "statistics want to know what it was");
    let states = net.states(LEFT);
    assert_eq!(states[states.len() - 2..], [IceTransportState::Disconnected, IceTransportState::Failed]);
    assert!(net.events[LEFT].contains(&Event::SendPathChange(None)));
}

#[test]
fn an_early_loss_fails_only_when_patience_ends() {
    let mut net = Net::connected_by(3, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    let start = net.now;
    net.run_for(ms(300));
    net.link.mute = [true, true];
    net.run_until(start + ms(39_000));
    assert!(net.agents[LEFT].send_path().is_none());
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Disconnected);
    net.run_until(start + ms(40_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Failed);
}

#[test]
fn an_outage_of_some_seconds_is_recovered_from() {
    let mut net = Net::connected_by(4, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(10_000));
    net.link.mute = [true, true];
    net.run_for(ms(15_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Disconnected);
    net.link.mute = [false, false];
    let back = net.run_while(ms(5_000), |net| net.agents[LEFT].state() != IceTransportState::Completed);
    assert!(back <= ms(600), "{back:?}");
    net.run_for(ms(60_000));
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Completed);
}

#[test]
fn a_single_lost_consent_check_changes_no_state() {
    for seed in 0..10 {
        let mut net = Net::connected_by(seed, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
        net.run_for(ms(1_000));
        let known = net.events.clone();
        net.link.loss = 0.2;
        net.run_for(ms(300_000));
        assert_eq!(net.events, known, "{seed}");
    }
}

#[test]
fn a_path_that_works_one_way_loses_consent_on_both_sides() {
    let mut net = Net::connected_by(5, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(45_000));
    net.link.mute = [false, true];
    net.run_for(ms(45_000));
    // RIGHT hears every check of LEFT, but nothing answers its own.
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Failed);
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Failed);
}

#[test]
fn a_slow_path_is_not_taken_for_a_silent_one() {
    let mut net = Net::connected_by(6, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.link.delay = ms(900);
    net.run_for(ms(20_000));
    let known = net.events.clone();
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Completed);
    net.run_for(ms(100_000));
    assert_eq!(net.events, known);
    let pair = net.agents[LEFT].pairs().next().unwrap();
    assert!(pair.counters.consent_requests_sent <= 31, "{pair:?}");
    assert_eq!(net.agents[LEFT].rtt(), Some(ms(1_800)));
}

#[test]
fn an_aggressive_nominator_is_followed_to_the_best_of_what_it_nominates() {
    let mut scene = Scene::new();
    let ask = |scene: &mut Scene, now: Instant, from: &str, priority: u32| {
        let attributes =
            [Attribute::Priority(priority), Attribute::IceControlling(7), Attribute::UseCandidate];
        let (name, password) = (scene.good_name(), scene.ours.password.0.clone());
        let request = scene.request(&name, &password, &attributes);
        scene.agent.handle_stun(now, Scene::path(from), &request);
        scene.run(now + ms(60), |_| true);
        scene.agent.selected().map(|pair| pair.path.remote)
    };
    assert_eq!(ask(&mut scene, NOW, FAR, 1_000), Some(address(FAR)));
    // A better one: go there. A worse one right after: stay.
    assert_eq!(ask(&mut scene, NOW + ms(100), NEAR, 2_000), Some(address(NEAR)));
    assert_eq!(ask(&mut scene, NOW + ms(200), FAR, 1_000), Some(address(NEAR)));
    // The peer asks for the worse one alone from now on: it has changed its mind.
    assert_eq!(ask(&mut scene, NOW + ms(2_500), FAR, 1_000), Some(address(FAR)));
    assert_eq!(scene.agent.send_path().unwrap().0, Scene::path(FAR));
}

#[test]
fn a_silent_pair_is_left_for_one_that_the_peer_asks_for() {
    let mut scene = Scene::new();
    let request = scene.good_request(&[Attribute::UseCandidate]);
    scene.agent.handle_stun(NOW, Scene::path(NEAR), &request);
    scene.run(NOW + ms(100), |_| true);
    // NEAR dies. The peer goes on at FAR.
    scene.run(NOW + ms(8_000), |_| false);
    let at = NOW + ms(8_000);
    let request = scene.good_request(&[Attribute::UseCandidate]);
    scene.agent.handle_stun(at, Scene::path(FAR), &request);
    scene.run(at + ms(100), |path| path.remote == address(FAR));
    assert_eq!(scene.agent.send_path().unwrap().0, Scene::path(FAR));
    assert_eq!(scene.agent.state(), IceTransportState::Connected);
}

#[test]
fn an_answer_from_elsewhere_fails_the_pair() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene
        .agent
        .add_remote_candidate(NOW, &"1 1 udp 9 198.51.100.7 7000 typ host".parse::<Candidate>().unwrap());
    let sent = scene.exchange(NOW, |_| false);
    let response = Scene::response(&sent[0].1, "192.0.2.1:5000", &scene.theirs.password.0);
    scene.agent.handle_stun(NOW, Scene::path(FAR), &response);
    assert_eq!(scene.agent.drops().of(DropReason::StunWrongPath), 1);
    assert_eq!(scene.agent.pairs().next().unwrap().state, PairState::Failed);
    // A check of the peer revives it (RFC 8445 §7.3.1.4).
    let request = scene.good_request(&[]);
    scene.agent.handle_stun(NOW + ms(50), Scene::path(NEAR), &request);
    assert_eq!(scene.agent.pairs().next().unwrap().state, PairState::InProgress);
}

#[test]
fn refusals_that_are_signed_fail_the_pair_and_others_do_not() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene
        .agent
        .add_remote_candidate(NOW, &"1 1 udp 9 198.51.100.7 7000 typ host".parse::<Candidate>().unwrap());
    let sent = scene.exchange(NOW, |_| false);
    let refusal = |password: Option<&str>| {
        let id = Message::parse(&sent[0].1).unwrap().transaction;
        let mut out = Vec::new();
        let error = Attribute::ErrorCode(ErrorCode { code: 400, reason: "no" });
        let builder = Builder::new(&mut out, Class::Error, Method::Binding, id).attribute(&error);
        let builder = match password {
            Some(password) => builder.integrity(|parts, tag| super::scripted::hmac(password, parts, tag)),
            None => builder,
        };
        builder.fingerprint().finish();
        out
    };
    scene.agent.handle_stun(NOW, Scene::path(NEAR), &refusal(None));
    assert_eq!(scene.agent.pairs().next().unwrap().state, PairState::InProgress);
    scene.agent.handle_stun(NOW, Scene::path(NEAR), &refusal(Some("peerpeerpeerpeerpeerpeer")));
    assert_eq!(scene.agent.pairs().next().unwrap().state, PairState::Failed);
}

#[test]
fn the_controlling_agent_waits_a_little_for_something_better_and_not_for_ever() {
    for (kind, settle) in [("host", 100), ("srflx", 250), ("relay", 500)] {
        let mut scene = Scene::with_role(IceRole::Controlling);
        let far = format!("1 1 udp 9 198.51.100.8 7000 typ {kind}");
        let far = if kind == "host" { far } else { format!("{far} raddr 10.0.0.1 rport 1") };
        scene.agent.add_remote_candidate(NOW, &far.parse::<Candidate>().unwrap());
        let near = "2 1 udp 99 198.51.100.7 7000 typ host".parse::<Candidate>().unwrap();
        scene.agent.add_remote_candidate(NOW, &near);
        let only_far = |path: &crate::base::net::Path| path.remote == address(FAR);
        let first = scene.run(NOW, only_far);
        assert_eq!(first.len() + scene.exchange(NOW, only_far).len(), 1);
        // FAR succeeds at once, NEAR is better and never answers.
        scene.run(NOW + ms(settle - 1), only_far);
        assert!(scene.agent.send_path().is_some() && scene.agent.selected().is_none(), "{kind}");
        scene.run(NOW + ms(settle + 60), only_far);
        assert_eq!(scene.agent.selected().unwrap().path.remote, address(FAR), "{kind}");
    }
}

#[test]
fn a_nomination_that_is_lost_again_and_again_does_not_fail_a_pair_that_works() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    let near = "1 1 udp 9 198.51.100.7 7000 typ host".parse::<Candidate>().unwrap();
    scene.agent.add_remote_candidate(NOW, &near);
    // Everything arrives but what carries USE-CANDIDATE.
    let nominates = |data: &[u8]| {
        Message::parse(data).unwrap().attributes().any(|a| matches!(a, Ok(Attribute::UseCandidate)))
    };
    let end = NOW + ms(60_000);
    let mut lost = 0;
    let mut now = NOW;
    loop {
        for (path, data) in scene.exchange(now, |_| false) {
            if nominates(&data) {
                lost += 1;
                continue;
            }
            let response = Scene::response(&data, "192.0.2.1:5000", &scene.theirs.password.0);
            scene.agent.handle_stun(now, path, &response);
        }
        let Some(next) = scene.agent.poll_timeout().filter(|&at| at <= end) else { break };
        now = next;
        scene.agent.handle_timeout(now);
    }
    assert!((20..=60).contains(&lost), "{lost}");
    assert!(scene.agent.selected().is_none() && scene.agent.send_path().is_some());
    let gap = scene.run(end + ms(10_000), |_| true);
    assert!(gap.iter().any(|(_, data)| nominates(data)));
    assert!(scene.agent.selected().is_some());
}

#[test]
fn a_closed_agent_is_silent_and_deaf() {
    let mut net = Net::connected_by(7, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(1_000));
    let path = net.agents[LEFT].send_path().unwrap().0;
    net.agents[LEFT].close();
    let closed = net.now;
    net.run_for(ms(60_000));
    let agent = &net.agents[LEFT];
    assert_eq!(net.sent_by(LEFT, closed).count(), 0);
    assert_eq!((agent.state(), agent.poll_timeout()), (IceTransportState::Closed, None));
    assert!(agent.send_path().is_none() && agent.validated(&path).is_none() && agent.selected().is_none());
    assert!(agent.drops().of(DropReason::Closed) > 0);
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Failed);
}
