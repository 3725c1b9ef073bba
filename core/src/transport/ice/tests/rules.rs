//! Single rules of the checklist, held with a scripted peer.

use super::net::{address, host, ms};
use super::scripted::{NOW, Scene, class, hmac};
use crate::transport::ice::{IceRole, PairState};
use crate::wire::candidate::Candidate;
use crate::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method};

const NEAR: &str = "1 1 udp 99 198.51.100.7 7000 typ host";
const FAR: &str = "2 1 udp 9 198.51.100.8 7000 typ host";

fn candidate(text: &str) -> Candidate {
    text.parse().unwrap()
}

fn role_of(request: &[u8]) -> Attribute<'_> {
    let message = Message::parse(request).unwrap();
    let role = |a: &Attribute<'_>| matches!(a, Attribute::IceControlled(_) | Attribute::IceControlling(_));
    message.attributes().filter_map(Result::ok).find(role).unwrap()
}

#[test]
fn a_success_thaws_what_is_like_it() {
    let mut scene = Scene::new();
    scene.agent.add_local_address(NOW, host("192.0.2.1:5001"));
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    scene.agent.add_remote_candidate(NOW, &candidate(FAR));
    let states = |scene: &Scene| scene.agent.pairs().map(|pair| pair.state).collect::<Vec<_>>();
    use PairState::{Frozen, InProgress, Succeeded, Waiting};
    assert_eq!(states(&scene), [InProgress, Frozen, Waiting, Frozen]);
    scene.exchange(NOW + ms(1), |_| true);
    assert_eq!(states(&scene), [Succeeded, Waiting, Waiting, Frozen]);
    scene.run(NOW + ms(50), |_| false);
    assert_eq!(states(&scene), [Succeeded, InProgress, Waiting, Frozen]);
}

#[test]
fn after_a_refused_role_the_next_check_has_the_other_role_and_another_tie_breaker() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    let first = scene.exchange(NOW, |_| false).remove(0).1;
    let mut refusal = Vec::new();
    Builder::new(&mut refusal, Class::Error, Method::Binding, Message::parse(&first).unwrap().transaction)
        .attribute(&Attribute::ErrorCode(ErrorCode { code: ErrorCode::ROLE_CONFLICT, reason: "" }))
        .integrity(|parts, tag| hmac(&scene.theirs.password.0, parts, tag))
        .fingerprint()
        .finish();
    scene.agent.handle_stun(NOW, Scene::path("198.51.100.7:7000"), &refusal);
    assert_eq!(scene.agent.role(), IceRole::Controlled);
    let second = scene.run(NOW + ms(50), |_| false).remove(0).1;
    match (role_of(&first), role_of(&second)) {
        (Attribute::IceControlling(before), Attribute::IceControlled(after)) => assert_ne!(before, after),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_nomination_under_way_is_void_once_the_peer_controls() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    scene.exchange(NOW, |_| true);
    let (path, nominating) = scene.run(NOW + ms(60), |_| false).pop().unwrap();
    let (name, password) = (scene.good_name(), scene.ours.password.0.clone());
    let conflict = [Attribute::Priority(1), Attribute::IceControlling(u64::MAX)];
    let request = scene.request(&name, &password, &conflict);
    scene.agent.handle_stun(NOW + ms(60), path, &request);
    assert_eq!(scene.agent.role(), IceRole::Controlled);
    let response = Scene::response(&nominating, "192.0.2.1:5000", &scene.theirs.password.0);
    scene.agent.handle_stun(NOW + ms(70), path, &response);
    assert!(scene.agent.selected().is_none() && scene.agent.send_path().is_some());
}

#[test]
fn with_a_pair_selected_other_checks_are_not_sent_again() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene.agent.add_remote_candidate(NOW, &candidate(FAR));
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    let sent = scene.run(NOW + ms(10_000), |path| path.remote == address("198.51.100.7:7000"));
    assert!(scene.agent.selected().is_some());
    let to_far = sent.iter().filter(|(path, _)| path.remote == address("198.51.100.8:7000"));
    assert_eq!(to_far.count(), 1);
}

#[test]
fn what_comes_after_the_selection_is_checked_and_stands_by() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene.agent.add_remote_candidate(NOW, &candidate(FAR));
    scene.run(NOW + ms(1_000), |_| true);
    assert!(scene.agent.selected().is_some());
    scene.agent.add_remote_candidate(NOW + ms(1_000), &candidate(NEAR));
    assert!(scene.agent.add_local_address(NOW + ms(1_000), host("192.0.2.1:5001")).is_some());
    scene.run(NOW + ms(2_000), |_| true);
    let succeeded = scene.agent.pairs().filter(|pair| pair.state == PairState::Succeeded).count();
    assert_eq!((scene.agent.remote_candidates().count(), scene.agent.pairs().count(), succeeded), (2, 4, 4));
    assert_eq!(scene.agent.selected().unwrap().path, Scene::path("198.51.100.8:7000"));
}

#[test]
fn a_peer_that_checks_all_the_time_does_not_pile_up_our_checks() {
    let mut scene = Scene::new();
    let mut now = NOW;
    for _ in 0..100 {
        let request = scene.good_request(&[]);
        scene.agent.handle_stun(now, Scene::path("198.51.100.7:7000"), &request);
        now += ms(60);
        scene.run(now, |_| false);
        assert!(scene.agent.transactions.len() <= 18);
    }
    assert!(scene.agent.pairs().next().unwrap().counters.requests_sent > 50);
}

#[test]
fn a_peer_cannot_have_this_hosts_loopback_probed() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    let loopback = candidate("3 1 udp 9 127.0.0.1 7000 typ host");
    scene.agent.add_remote_candidate(NOW, &loopback);
    assert_eq!(scene.agent.pairs().count(), 0);
    // An application that puts a loopback address up wants to be reached there.
    scene.agent.add_local_address(NOW, host("127.0.0.1:5000"));
    assert_eq!(scene.agent.pairs().count(), 1);
}

#[test]
fn a_check_that_comes_from_loopback_makes_a_pair() {
    // Chromium checks a host's other addresses from 127.0.0.1, and may nominate such a pair.
    let mut scene = Scene::new();
    scene.agent.add_remote_candidate(NOW, &candidate("3 1 udp 9 127.0.0.1 7000 typ host"));
    let path = Scene::path("127.0.0.1:7000");
    let request = scene.good_request(&[Attribute::UseCandidate]);
    scene.agent.handle_stun(NOW, path, &request);
    assert!(scene.agent.validated(&path).is_some());
    assert_eq!(scene.agent.pairs().map(|pair| pair.path).collect::<Vec<_>>(), [path]);
    assert_eq!(scene.agent.drops().total(), 0);
}

#[test]
fn link_local_addresses_pair_with_their_like_and_take_our_scope() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    let here = host("[fe80::1%4]:5000");
    scene.agent.add_local_address(NOW, here);
    scene.agent.add_local_address(NOW, host("[2001:db8::1]:5000"));
    scene.agent.add_remote_candidate(NOW, &candidate("3 1 udp 9 fe80::2 7000 typ host"));
    let pairs: Vec<_> = scene.agent.pairs().map(|pair| pair.path).collect();
    assert_eq!(pairs, [here.to(address("[fe80::2%4]:7000"))]);
}

#[test]
fn a_late_driver_does_not_lengthen_the_round_trip() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    let (path, request) = scene.exchange(NOW + ms(300), |_| false).remove(0);
    let response = Scene::response(&request, "192.0.2.1:5000", &scene.theirs.password.0);
    scene.agent.handle_stun(NOW + ms(320), path, &response);
    assert_eq!(scene.agent.rtt(), Some(ms(20)));
}

#[test]
fn a_full_list_loses_its_worst_pair_but_none_that_the_peer_has_shown() {
    let mut scene = Scene::new();
    scene.agent.config.max_pairs = 2;
    let shown = scene.good_request(&[]);
    scene.agent.handle_stun(NOW, Scene::path("198.51.100.1:1"), &shown);
    // Its check fails, by an answer from elsewhere; the peer can be heard there all the same.
    let check = scene.exchange(NOW, |_| false).pop().unwrap().1;
    let response = Scene::response(&check, "192.0.2.1:5000", &scene.theirs.password.0);
    scene.agent.handle_stun(NOW, Scene::path("198.51.100.1:9"), &response);
    assert_eq!(scene.agent.pairs().next().unwrap().state, PairState::Failed);
    let remotes = |scene: &Scene| {
        let mut ports: Vec<_> = scene.agent.pairs().map(|pair| pair.path.remote.port()).collect();
        ports.sort_unstable();
        ports
    };
    for (port, priority) in [(2, 2_000_000), (3, 1_900_000), (4, 2_100_000)] {
        let text = format!("{port} 1 udp {priority} 198.51.100.1 {port} typ host");
        scene.agent.add_remote_candidate(NOW, &candidate(&text));
    }
    assert_eq!(remotes(&scene), [1, 4]);
}

#[test]
fn a_keepalive_is_neither_answered_nor_believed() {
    let mut scene = Scene::new();
    let mut indication = Vec::new();
    let id = scene.fresh_id();
    Builder::new(&mut indication, Class::Indication, Method::Binding, id).fingerprint().finish();
    scene.agent.handle_stun(NOW, Scene::path("198.51.100.7:7000"), &indication);
    assert!(scene.exchange(NOW, |_| false).iter().all(|(_, data)| class(data) == Class::Request));
    assert!(scene.agent.validated(&Scene::path("198.51.100.7:7000")).is_none());
    assert_eq!(scene.agent.drops().total(), 0);
}

#[test]
fn what_a_description_says_of_the_pair_in_use_nominates_it() {
    // RFC 8839 §4.4.3.2: the check that nominates was lost, and the description was not.
    let (mut scene, elsewhere) = (Scene::new(), address("192.0.2.1:5999"));
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    scene.exchange(NOW, |_| true);
    assert!(scene.agent.send_path().is_some());
    scene.agent.follow_choice(NOW, elsewhere);
    assert!(scene.agent.selected().is_none());
    scene.agent.follow_choice(NOW, address("192.0.2.1:5000"));
    assert_eq!(scene.agent.selected().unwrap().remote.port, 7_000);
    assert_eq!(scene.agent.remote_choice(), None, "it is for the other side to say");
}

#[test]
fn a_pair_that_a_description_names_is_taken_once_it_works() {
    let mut scene = Scene::new();
    let (check, path) = (scene.good_request(&[]), Scene::path("198.51.100.7:7000"));
    scene.agent.handle_stun(NOW, path, &check);
    scene.agent.follow_choice(NOW, address("192.0.2.1:5000"));
    assert!(scene.agent.selected().is_none());
    scene.run(NOW + ms(100), |_| true);
    assert!(scene.agent.selected().is_some());
}

#[test]
fn only_the_controlling_side_says_what_is_in_use_and_only_as_it_was_signalled() {
    let mut scene = Scene::with_role(IceRole::Controlling);
    scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
    assert_eq!(scene.agent.remote_choice(), None);
    scene.run(NOW + ms(500), |_| true);
    assert_eq!(scene.agent.remote_choice().unwrap().to_string(), "1 198.51.100.7 7000");
    scene.agent.follow_choice(NOW + ms(500), address("192.0.2.1:5000"));
    assert!(scene.agent.selected().is_some());
    // One that was learnt from its checks alone may be hidden.
    let mut scene = Scene::with_role(IceRole::Controlling);
    let check = scene.good_request(&[]);
    scene.agent.handle_stun(NOW, Scene::path("198.51.100.7:7000"), &check);
    scene.run(NOW + ms(500), |_| true);
    assert!(scene.agent.selected().is_some() && scene.agent.remote_choice().is_none());
}

#[test]
fn what_is_passed_over_was_lost_and_what_is_late_was_not() {
    for late in [false, true] {
        let mut scene = Scene::with_role(IceRole::Controlling);
        (scene.agent.config.minimum_rto, scene.agent.config.anew) = (ms(100), 5);
        scene.agent.add_remote_candidate(NOW, &candidate(NEAR));
        let first = scene.exchange(NOW, |_| false).remove(0).1;
        let second = scene.run(NOW + ms(100), |_| false).pop().unwrap().1;
        let answered = if late { first } else { second };
        let response = Scene::response(&answered, "192.0.2.1:5000", &scene.theirs.password.0);
        scene.agent.handle_stun(NOW + ms(150), Scene::path("198.51.100.7:7000"), &response);
        assert!(scene.agent.send_path().is_some());
        assert_eq!(scene.agent.has_lost(), !late);
    }
}
