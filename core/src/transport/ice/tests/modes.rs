//! Lite agents, numbered nominations, credentials of the application's choice.

use super::net::{LEFT, Net, RIGHT, address, ms};
use super::scripted::{NOW, Scene};
use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::transport::ice::{Agent, Config, IceRole, IceTransportState, Mode, SelectedPair};
use crate::wire::candidate::Credentials;
use crate::wire::stun::{Attribute, Class, Message};

fn lite(credentials: Option<Credentials>) -> Agent {
    let config = Config { mode: Mode::Lite, credentials, ..Config::default() };
    Agent::new(config, CryptoProvider::default().hmac, Rng::from_number(9))
}

/// LEFT is full and controls, RIGHT is lite.
fn with_lite() -> Net {
    let mut net = Net::new(40);
    net.agents[RIGHT] = lite(None);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    net.signal_all(&["192.0.2.1:5000", "192.0.2.3:5000"], &["198.51.100.1:443"]);
    net
}

#[test]
fn a_lite_agent_answers_and_follows_and_asks_nothing() {
    let mut net = with_lite();
    net.run_for(ms(2_000));
    let path = net.agreed().expect("both selected the same pair");
    assert_eq!(path.1, address("198.51.100.1:443"));
    net.run_for(ms(120_000));
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Completed);
    assert!(net.agents[RIGHT].send_path().is_some());
    let asked = net.sent.iter().filter(|p| p.from == RIGHT);
    assert!(asked.clone().count() > 10);
    assert!(asked.clone().all(|p| Message::parse(&p.data).unwrap().class == Class::Success));
    assert_eq!(net.agents[RIGHT].drops().total(), 0);
}

#[test]
fn attack_44_a_lite_agent_stops_when_the_peer_does() {
    let mut net = with_lite();
    net.run_for(ms(2_000));
    net.link.mute[LEFT] = true;
    net.run_for(ms(14_000));
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Disconnected);
    assert!(net.agents[RIGHT].send_path().is_some());
    net.run_for(ms(20_000));
    assert!(net.agents[RIGHT].send_path().is_none(), "consent is over after 30 s");
    // It was only a moment.
    let mut net = with_lite();
    net.run_for(ms(2_000));
    net.link.mute[LEFT] = true;
    net.run_for(ms(14_000));
    net.link.mute[LEFT] = false;
    net.run_for(ms(2_000));
    assert_eq!(net.agents[RIGHT].state(), IceTransportState::Completed);
}

#[test]
fn a_lite_agent_believes_only_who_knows_its_password() {
    let mut agent = lite(None);
    agent.add_local_address(NOW, super::net::host("192.0.2.1:5000"));
    agent.set_role(NOW, IceRole::Controlled);
    agent.set_remote_credentials(NOW, Credentials::new("peer", "peerpeerpeerpeerpeerpeer").unwrap());
    let mut scene = Scene::new();
    scene.ours = agent.local_credentials().clone();
    let name = scene.good_name();
    let wish = [Attribute::Priority(9), Attribute::IceControlling(7), Attribute::UseCandidate];
    let path = Scene::path("192.0.2.2:6000");
    let forged = scene.request(&name, "not the password at all", &wish);
    agent.handle_stun(NOW, path, &forged);
    assert!(agent.send_path().is_none() && agent.validated(&path).is_none());
    let password = scene.ours.password.0.clone();
    let honest = scene.request(&name, &password, &wish);
    agent.handle_stun(NOW, path, &honest);
    assert_eq!(agent.selected().map(|pair| pair.path), Some(path));
}

fn selected(scene: &Scene) -> Option<std::net::SocketAddr> {
    scene.agent.selected().map(|SelectedPair { path, .. }| path.remote)
}

#[test]
fn the_highest_number_is_followed_whatever_the_priorities() {
    let mut scene = Scene::new();
    let ask = |scene: &mut Scene, from: &str, number: u32| {
        let request = scene.good_request(&[Attribute::UseCandidate, Attribute::Nomination(number)]);
        let now = scene.agent.clock;
        scene.agent.handle_stun(now, Scene::path(from), &request);
        let end = now + ms(200);
        scene.run(end, |_| true);
        scene.agent.handle_timeout(end);
    };
    ask(&mut scene, "192.0.2.2:6000", 1);
    assert_eq!(selected(&scene), Some(address("192.0.2.2:6000")));
    ask(&mut scene, "192.0.2.3:6000", 2);
    assert_eq!(selected(&scene), Some(address("192.0.2.3:6000")));
    // At once, and back again.
    ask(&mut scene, "192.0.2.2:6000", 3);
    assert_eq!(selected(&scene), Some(address("192.0.2.2:6000")));
    // What was overtaken is answered and changes nothing.
    ask(&mut scene, "192.0.2.3:6000", 2);
    assert_eq!(selected(&scene), Some(address("192.0.2.2:6000")));
}

#[test]
fn nominations_are_numbered_where_both_sides_want_it() {
    for numbered in [true, false] {
        let mut net = Net::new(41);
        net.agents[LEFT].set_renomination(numbered);
        net.roles(IceRole::Controlling, IceRole::Controlled);
        net.signal_all(&["192.0.2.1:5000"], &["192.0.2.2:6000"]);
        net.run_for(ms(2_000));
        assert!(net.agreed().is_some());
        let numbers: Vec<_> = net
            .sent
            .iter()
            .filter_map(|p| {
                let message = Message::parse(&p.data).unwrap();
                let attributes: Vec<_> = message.attributes().flatten().collect();
                attributes.contains(&Attribute::UseCandidate).then(|| {
                    attributes.iter().find_map(|a| match a {
                        Attribute::Nomination(number) => Some(*number),
                        _ => None,
                    })
                })
            })
            .collect();
        assert!(!numbers.is_empty() && numbers.iter().all(|n| *n == numbered.then_some(1)), "{numbers:?}");
    }
}

#[test]
fn the_application_may_choose_the_first_credentials() {
    let chosen = Credentials::new("room42", "0123456789abcdefghijklmnop").unwrap();
    let mut agent = lite(Some(chosen.clone()));
    assert_eq!(*agent.local_credentials(), chosen);
    assert_ne!(*agent.restart(NOW), chosen);
}
