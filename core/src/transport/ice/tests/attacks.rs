//! Rows of the table of attacks that stop here.

use super::net::{LEFT, Net, RIGHT, address, agent, host, ms};
use super::scripted::{NOW, Scene, class, error_code};
use crate::base::drops::DropReason;
use crate::base::time::Instant;
use crate::transport::ice::{Config, Event, IceRole, IceTransportState};
use crate::wire::candidate::{Candidate, ICE_CHARS};
use crate::wire::stun::{Attribute, Class, Message};
use std::collections::BTreeSet;

const PEER: &str = "198.51.100.7:7000";

#[test]
fn attack_02_no_path_is_valid_before_stun_was_authenticated_on_it() {
    let mut net = Net::connected_by(1, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    let path = host("192.0.2.1:5000").to(address("192.0.2.2:6000"));
    assert!(net.agents[LEFT].validated(&path).is_none() && net.agents[LEFT].send_path().is_none());
    net.run_for(ms(500));
    assert!(net.agents[LEFT].validated(&path).is_some());
    // Another port, another socket, another address of ours: other paths.
    for other in [
        host("192.0.2.1:5000").to(address("192.0.2.2:6001")),
        host("192.0.2.1:5001").to(address("192.0.2.2:6000")),
        crate::base::net::Path { socket: crate::base::net::SocketId(2), ..path },
    ] {
        assert!(net.agents[LEFT].validated(&other).is_none(), "{other}");
    }
}

#[test]
fn attack_04_unauthenticated_or_misaddressed_checks_do_nothing() {
    let mut scene = Scene::new();
    let (ours, theirs) = (scene.ours.clone(), scene.theirs.clone());
    let good = [Attribute::Priority(1), Attribute::IceControlling(1), Attribute::UseCandidate];
    let name = scene.good_name();
    let wrong_key = scene.request(&name, &theirs.password.0, &good);
    let wrong_peer = scene.request(&format!("{}:other", ours.ufrag), &ours.password.0, &good);
    let wrong_us = scene.request("other:peer", &ours.password.0, &good);
    let no_colon = scene.request(&ours.ufrag, &ours.password.0, &good);
    let mut without_integrity = Vec::new();
    crate::wire::stun::Builder::new(
        &mut without_integrity,
        Class::Request,
        crate::wire::stun::Method::Binding,
        crate::wire::stun::TransactionId([9; 12]),
    )
    .attribute(&Attribute::Username(&name))
    .attribute(&Attribute::UseCandidate)
    .fingerprint()
    .finish();
    let mut tampered = scene.request(&name, &ours.password.0, &good);
    tampered[30] ^= 1;
    let mut counts = Vec::new();
    for datagram in [wrong_key, wrong_peer, wrong_us, no_colon, without_integrity, tampered] {
        scene.agent.handle_stun(NOW, Scene::path(PEER), &datagram);
        counts.push(scene.agent.drops().total());
        assert!(scene.exchange(NOW, |_| true).is_empty());
    }
    assert_eq!(counts, [1, 2, 3, 4, 5, 6]);
    let drops = scene.agent.drops();
    assert_eq!((drops.of(DropReason::StunIntegrity), drops.of(DropReason::StunUsername)), (2, 3));
    assert_eq!(drops.of(DropReason::StunFingerprint), 1);
    assert!(scene.agent.validated(&Scene::path(PEER)).is_none());
    assert_eq!(scene.agent.remote_candidates().count(), 0);
    assert!(scene.agent.selected().is_none());
}

#[test]
fn attack_04_use_candidate_is_not_believed_before_our_own_check_succeeds() {
    let mut scene = Scene::new();
    let request = scene.good_request(&[Attribute::UseCandidate]);
    scene.agent.handle_stun(NOW, Scene::path(PEER), &request);
    let sent = scene.exchange(NOW, |_| false);
    assert_eq!(
        sent.iter().map(|(_, data)| class(data)).collect::<Vec<_>>(),
        [Class::Success, Class::Request]
    );
    assert!(scene.agent.selected().is_none() && scene.agent.send_path().is_none());
    // The source is known to hold the password, so DTLS from it may be looked at.
    assert!(scene.agent.validated(&Scene::path(PEER)).is_some());
    let response = Scene::response(&sent[1].1, "192.0.2.1:5000", &scene.theirs.password.0);
    scene.agent.handle_stun(NOW, Scene::path(PEER), &response);
    assert_eq!(scene.agent.selected().unwrap().path, Scene::path(PEER));
}

#[test]
fn attack_05_forged_stun_tears_nothing_down() {
    let mut net = Net::connected_by(2, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(500));
    let path = net.agents[LEFT].send_path().unwrap().0;
    let mut scene = Scene::new();
    let ours = net.agents[LEFT].local_credentials().clone();
    let theirs = net.agents[RIGHT].local_credentials().clone();
    let name = format!("{}:{}", ours.ufrag, theirs.ufrag);
    for _ in 0..1_000 {
        let forged = scene.request(&name, "guessed", &[Attribute::Priority(1), Attribute::IceControlled(1)]);
        net.agents[LEFT].handle_stun(net.now, path, &forged);
    }
    // An answer to a consent check, forged by someone who sees it.
    let before = net.now;
    let asked = |net: &Net| {
        let mut sent = net.sent_by(LEFT, before).map(|packet| packet.data.clone());
        sent.find(|data| class(data) == Class::Request)
    };
    net.run_while(ms(8_000), |net| asked(net).is_none());
    let check = asked(&net).unwrap();
    let forged = Scene::response(&check, "203.0.113.1:1", "guessed");
    net.agents[LEFT].handle_stun(net.now, path, &forged);
    net.run_for(ms(20_000));
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Completed);
    assert_eq!(net.agents[LEFT].send_path().unwrap().0, path);
    assert_eq!(net.agents[LEFT].drops().of(DropReason::StunIntegrity), 1_001);
    assert!(!net.agents[LEFT].local_candidates().any(|c| c.port == 1));
}

#[test]
fn attack_37_thousands_of_candidates_are_capped_and_paced() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    for n in 0..5_000u32 {
        let text = format!("{n} 1 udp {} 198.51.{}.{} 4000 typ host", n + 1, n >> 8, n & 0xff);
        scene.agent.add_remote_candidate(NOW, &text.parse::<Candidate>().unwrap());
    }
    let mut more = super::net::host("192.0.2.3:5000");
    more.address.set_port(5_001);
    scene.agent.add_local_address(NOW, more);
    let config = Config::default();
    assert_eq!(scene.agent.remote_candidates().count(), config.max_remote_candidates);
    assert_eq!(scene.agent.pairs().count(), config.max_pairs);
    assert!(scene.agent.drops().of(DropReason::IceTooManyCandidates) >= 4_900);
    // In a second no more than twenty checks, and seven sends for each in the end.
    let sent = scene.run(NOW + ms(999), |_| false);
    let checks: BTreeSet<_> =
        sent.iter().map(|(_, data)| Message::parse(data).unwrap().transaction).collect();
    assert_eq!(checks.len(), 20);
    let sent = scene.run(NOW + ms(120_000), |_| false);
    assert!(sent.len() <= 7 * 100, "{}", sent.len());
    assert_eq!(scene.agent.state(), IceTransportState::Failed);
}

#[test]
fn attack_37_candidates_that_came_before_the_description_are_capped_too() {
    let mut agent = agent(3);
    for n in 0..1_000 {
        let text = format!("{n} 1 udp {} 198.51.100.1 {} typ host", n + 1, 1_000 + n);
        agent.add_remote_candidate(NOW, &text.parse::<Candidate>().unwrap());
    }
    assert_eq!(agent.drops().of(DropReason::IceTooManyCandidates), 900);
}

#[test]
fn attack_38_nothing_is_answered_unauthenticated_and_no_answer_is_larger_than_its_question() {
    let mut scene = Scene::new();
    let plain = {
        let mut out = Vec::new();
        let id = scene.fresh_id();
        crate::wire::stun::Builder::new(&mut out, Class::Request, crate::wire::stun::Method::Binding, id)
            .fingerprint()
            .finish();
        out
    };
    scene.agent.handle_stun(NOW, Scene::path(PEER), &plain);
    assert!(scene.exchange(NOW, |_| false).is_empty());
    // A success, a refusal for what is not understood, one for what is missing, one for the role.
    let (name, password) = (scene.good_name(), scene.ours.password.0.clone());
    let unknown = Attribute::Unknown(0x7123, &[]);
    let questions = [
        scene.good_request(&[]),
        scene.good_request(&[unknown]),
        scene.request(&name, &password, &[Attribute::IceControlling(0)]),
        scene.request(&name, &password, &[Attribute::Priority(1), Attribute::IceControlled(u64::MAX)]),
    ];
    let expected = [None, Some(420), Some(400), Some(487)];
    for (question, code) in questions.iter().zip(expected) {
        scene.agent.handle_stun(NOW, Scene::path("[2001:db8::7]:7000"), question);
        let answers = scene.exchange(NOW, |_| false);
        let answer = answers.iter().find(|(_, data)| class(data) != Class::Request).unwrap();
        assert_eq!(error_code(&answer.1), code);
        assert!(answer.1.len() <= question.len(), "{} > {}", answer.1.len(), question.len());
    }
}

#[test]
fn attack_39_strangers_leave_no_trace_and_the_peer_a_bounded_one() {
    let mut scene = Scene::new();
    let password = scene.ours.password.0.clone();
    for n in 0..2_000u16 {
        let name = format!("x{n}:y{n}");
        let request = scene.request(&name, &password, &[Attribute::Priority(1)]);
        let path = host("192.0.2.1:5000").to(std::net::SocketAddr::new([203, 0, 113, 1].into(), n + 1));
        scene.agent.handle_stun(NOW, path, &request);
    }
    assert_eq!(scene.agent.drops().of(DropReason::StunUsername), 2_000);
    assert_eq!((scene.agent.remote_candidates().count(), scene.agent.pairs().count()), (0, 0));
    // The peer itself, from everywhere at once, and nobody polls.
    for n in 0..2_000u16 {
        let request = scene.good_request(&[]);
        let path = host("192.0.2.1:5000").to(std::net::SocketAddr::new([203, 0, 113, 1].into(), n + 1));
        scene.agent.handle_stun(NOW, path, &request);
    }
    let config = Config::default();
    assert_eq!(scene.agent.remote_candidates().count(), config.max_remote_candidates);
    assert_eq!(scene.agent.drops().of(DropReason::StunBacklog), 2_000 - config.max_queued_responses as u64);
    let sent = scene.exchange(NOW, |_| false);
    assert!(sent.len() <= config.max_queued_responses + 1, "{}", sent.len());
}

#[test]
fn attack_39_early_checks_are_bounded() {
    let mut agent = agent(4);
    agent.add_local_address(NOW, host("192.0.2.1:5000"));
    let ours = agent.local_credentials().clone();
    let mut scene = Scene::new();
    for n in 0..500u16 {
        let name = format!("{}:whoever{n}", ours.ufrag);
        let request = scene.request(&name, &ours.password.0, &[Attribute::Priority(1)]);
        let path = host("192.0.2.1:5000").to(std::net::SocketAddr::new([203, 0, 113, 1].into(), n + 1));
        agent.handle_stun(NOW, path, &request);
    }
    let kept = Config::default().max_early_checks as u64;
    assert_eq!(agent.drops().of(DropReason::IceTooManyCandidates), 500 - kept);
}

#[test]
fn attack_40_passwords_are_long_and_unlike_each_other() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let agent = agent(seed);
        let credentials = agent.local_credentials();
        // Six bits a character: 48 and 192 bits, where 24 and 128 are asked for (RFC 8445 §5.3).
        assert_eq!((credentials.ufrag.len(), credentials.password.0.len()), (8, 32));
        assert!(credentials.password.0.bytes().all(|c| ICE_CHARS.contains(&c)));
        assert!(seen.insert(credentials.password.0.clone()) && seen.insert(credentials.ufrag.clone()));
        assert!(!format!("{agent:?}").contains(&credentials.password.0));
    }
}

#[test]
fn attack_43_one_malformed_datagram_ends_nothing() {
    let mut net = Net::connected_by(6, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    let path = host("192.0.2.1:5000").to(address("192.0.2.2:6000"));
    for garbage in [
        &[][..],
        &[0; 19],
        &[0; 20],
        &[1; 100],
        b"\x00\x01\x00\x04\x21\x12\xa4\x42abcdefghijkl\x00\x06\xff\xff",
    ] {
        net.agents[LEFT].handle_stun(net.now, path, garbage);
    }
    net.run_for(ms(500));
    assert_eq!(net.agents[LEFT].drops().of(DropReason::StunMalformed), 5);
    assert_eq!(net.agents[LEFT].state(), IceTransportState::Completed);
}

#[test]
fn attack_44_after_consent_is_lost_nothing_is_sent_however_late_the_driver() {
    // A driver that sleeps through everything finds consent gone when it wakes.
    let mut net = Net::connected_by(5, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(500));
    let agent = &mut net.agents[LEFT];
    agent.handle_timeout(net.now + ms(31_000));
    assert!(agent.send_path().is_none());
    let events: Vec<_> = std::iter::from_fn(|| agent.poll_event()).collect();
    assert!(events.contains(&Event::SendPathChange(None)));
    assert!(agent.poll_transmit(net.now + ms(31_000), &mut Vec::new()).is_none());
}

#[test]
fn attack_44_a_hostile_peer_cannot_renew_consent_by_asking() {
    let mut scene = Scene::new();
    let request = scene.good_request(&[Attribute::UseCandidate]);
    scene.agent.handle_stun(NOW, Scene::path(PEER), &request);
    scene.exchange(NOW, |_| true);
    assert!(scene.agent.send_path().is_some());
    // From now on it asks every second and never answers.
    let mut now = NOW;
    let mut last_sent = Instant::ZERO;
    for _ in 0..90 {
        now += ms(1_000);
        if !scene.run(now, |_| false).is_empty() {
            last_sent = now;
        }
        let request = scene.good_request(&[Attribute::UseCandidate]);
        scene.agent.handle_stun(now, Scene::path(PEER), &request);
        if !scene.exchange(now, |_| false).is_empty() {
            last_sent = now;
        }
        assert_eq!(scene.agent.send_path().is_some(), now < NOW + ms(30_000), "{now:?}");
    }
    // Not even an answer: these credentials are not used on this path any more.
    assert!(last_sent <= NOW + ms(30_000), "{last_sent:?}");
    assert_eq!(scene.agent.state(), IceTransportState::Failed);
}
