//! What holds for any input and any habit of the driver.

use super::net::{LEFT, Net, RIGHT, agent, host, ms};
use super::scripted::{NOW, Scene, class};
use crate::base::net::Path;
use crate::base::time::Instant;
use crate::transport::ice::pair::pair_priority;
use crate::transport::ice::{Agent, Event, IceRole, IceTransportState};
use crate::wire::stun::{Attribute, Class};
use quickcheck::quickcheck;
use std::time::Duration;

#[test]
fn an_agent_can_move_between_threads_and_is_small() {
    fn is_send<T: Send>() {}
    is_send::<Agent>();
    assert!(size_of::<Agent>() <= 1_536, "{}", size_of::<Agent>());
    assert!(size_of::<Event>() <= 80, "{}", size_of::<Event>());
}

/// One side of a call on its own: everything that reached it, with its time.
fn recorded(seed: u64) -> Vec<(Instant, Path, Vec<u8>)> {
    let mut net = Net::connected_by(seed, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
    net.run_for(ms(12_000));
    let to_left = net.sent.iter().filter(|packet| packet.from == RIGHT);
    to_left.map(|p| (p.at + ms(10), host("192.0.2.1:5000").to(p.path.local), p.data.clone())).collect()
}

/// Plays what was recorded to the same agent, polling when `polls` says so.
fn replay(seed: u64, polls: impl Fn(usize) -> bool) -> (Vec<Vec<u8>>, Vec<Event>) {
    let mut net = Net::new(seed);
    net.roles(IceRole::Controlling, IceRole::Controlled);
    let right = net.gather(RIGHT, &["192.0.2.2:6000"]).remove(0);
    net.gather(LEFT, &["192.0.2.1:5000"]);
    let credentials = net.agents[RIGHT].local_credentials().clone();
    let agent = &mut net.agents[LEFT];
    let (mut sent, mut events) = (Vec::new(), Vec::new());
    let mut drain = |agent: &mut Agent, now: Instant, step: usize| {
        if polls(step) {
            let mut out = Vec::new();
            while agent.poll_transmit(now, &mut out).is_some() {
                sent.push(std::mem::take(&mut out));
            }
            events.extend(std::iter::from_fn(|| agent.poll_event()));
        }
    };
    let now = Instant::from_millis(1_000);
    agent.add_remote_candidate(now, &right);
    drain(agent, now, 0);
    agent.set_remote_credentials(now, credentials);
    drain(agent, now, 1);
    agent.end_of_local_candidates(now);
    agent.end_of_remote_candidates(now);
    drain(agent, now, 2);
    let mut step = 3;
    for (at, path, data) in recorded(seed) {
        while let Some(due) = agent.poll_timeout().filter(|&due| due < at) {
            agent.handle_timeout(due);
            drain(agent, due, step);
            step += 1;
        }
        agent.handle_stun(at, path, &data);
        drain(agent, at, step);
        step += 1;
    }
    drain(agent, NOW + ms(60_000), usize::MAX);
    (sent, events)
}

/// What can happen to an agent, the peer being as odd as it likes.
#[derive(Clone, Copy, Debug)]
struct Operation(u8, u8, u16);

impl quickcheck::Arbitrary for Operation {
    fn arbitrary(g: &mut quickcheck::Gen) -> Self {
        Self(u8::arbitrary(g), u8::arbitrary(g), u16::arbitrary(g))
    }
}

fn perform(scene: &mut Scene, now: &mut Instant, open: &mut Vec<(Path, Vec<u8>)>, operation: Operation) {
    let Operation(which, a, b) = operation;
    let port = 7_000 + u16::from(a % 8);
    let from = Scene::path(&format!("198.51.100.7:{port}"));
    let tie = if b & 4 == 0 { 0 } else { u64::MAX };
    let role = if b & 1 == 0 { Attribute::IceControlling(tie) } else { Attribute::IceControlled(tie) };
    match which % 8 {
        0 | 1 => {
            let wish = (b & 2 == 0).then_some(Attribute::UseCandidate);
            let attributes = [Some(Attribute::Priority(u32::from(b) + 1)), Some(role), wish];
            let attributes: Vec<_> = attributes.into_iter().flatten().collect();
            let (name, password) = (scene.good_name(), scene.ours.password.0.clone());
            let request = scene.request(&name, &password, &attributes);
            scene.agent.handle_stun(*now, from, &request);
        }
        2 | 3 if !open.is_empty() => {
            let (path, request) = open.remove(usize::from(a) % open.len());
            let mapped = format!("192.0.2.1:{}", 5_000 + b % 3);
            let response = Scene::response(&request, &mapped, &scene.theirs.password.0);
            let path = if b % 16 == 0 { from } else { path };
            scene.agent.handle_stun(*now, path, &response);
        }
        4 => {
            let text = format!("{a} 1 udp {} 198.51.100.7 {port} typ host", u32::from(b) + 1);
            scene.agent.add_remote_candidate(*now, &text.parse().unwrap());
        }
        5 => {
            let port = 5_000 + u16::from(a % 4);
            let host = host(&format!("192.0.2.1:{port}"));
            match b % 4 {
                0 => scene.agent.remove_local_address(*now, host),
                _ => drop(scene.agent.add_local_address(*now, host)),
            }
        }
        6 if b % 4 == 0 => {
            scene.agent.end_of_remote_candidates(*now);
            scene.agent.end_of_local_candidates(*now);
        }
        _ => {
            *now += ms(u64::from(b) % 2_000);
            scene.agent.handle_timeout(*now);
        }
    }
    let sent = scene.exchange(*now, |_| false);
    open.extend(sent.into_iter().filter(|(_, data)| class(data) == Class::Request));
    if open.len() > 20 {
        open.remove(0);
    }
}

quickcheck! {
    fn any_course_of_events_keeps_the_rules(controlling: bool, operations: Vec<Operation>) -> bool {
        let role = if controlling { IceRole::Controlling } else { IceRole::Controlled };
        let (mut scene, mut now, mut open) = (Scene::with_role(role), NOW, Vec::new());
        operations.into_iter().all(|operation| {
            perform(&mut scene, &mut now, &mut open, operation);
            let agent = &scene.agent;
            let usable = agent.send_path().is_none_or(|(path, _)| {
                let pair = agent.list.on_path(&path).unwrap();
                pair.consented(now) && agent.validated(&path).is_some()
            });
            let alive = !matches!(agent.state(), IceTransportState::Failed);
            let state = match agent.state() {
                IceTransportState::Connected | IceTransportState::Completed => agent.send_path().is_some(),
                IceTransportState::New | IceTransportState::Checking | IceTransportState::Failed => {
                    agent.send_path().is_none()
                }
                _ => true,
            };
            let sorted = agent.pairs().map(|pair| pair.priority).is_sorted_by(|a, b| a >= b);
            let role_holds = agent.list.iter().all(|pair| {
                let local = agent.candidates.local[pair.local].priority;
                let remote = agent.candidates.remote[pair.remote].priority;
                pair.priority == pair_priority(agent.role(), local, remote)
            });
            let few_cancelled = agent.list.iter().all(|pair| {
                let cancelled = agent.transactions.iter().filter(|t| t.pair == pair.id && t.purpose.is_cancelled());
                cancelled.count() <= 4
            });
            let bounded = agent.pairs().count() <= 100 && agent.transactions.len() <= 16 + 4 * 100;
            // A live agent always knows when to wake.
            usable && state && sorted && role_holds && few_cancelled && bounded && agent.poll_timeout().is_some() == alive
        })
    }

    fn arbitrary_bytes_do_no_harm(datagrams: Vec<Vec<u8>>) -> bool {
        let mut scene = Scene::new();
        for datagram in &datagrams {
            scene.agent.handle_stun(NOW, Scene::path("198.51.100.7:7000"), datagram);
        }
        scene.agent.drops().total() == datagrams.len() as u64 && scene.exchange(NOW, |_| true).is_empty()
    }

    fn mutated_checks_are_never_answered(at: usize, bit: u8) -> bool {
        let mut scene = Scene::new();
        let mut request = scene.good_request(&[Attribute::UseCandidate]);
        let at = at % request.len();
        request[at] ^= 1 << (bit % 8);
        scene.agent.handle_stun(NOW, Scene::path("198.51.100.7:7000"), &request);
        scene.exchange(NOW, |_| true).is_empty() && scene.agent.pairs().count() == 0
    }

    fn polling_late_changes_nothing_but_what_is_too_late(seed: u64, polls: Vec<bool>) -> bool {
        let seed = seed % 100;
        let (all, events) = replay(seed, |_| true);
        let polled = |step: usize| polls.is_empty() || polls[step % polls.len()];
        let (late, late_events) = replay(seed, |step| step == usize::MAX || polled(step));
        // A request that was answered, or a second copy of one, is not written any more: the peer of the
        // recording answered all of them. All else is there, byte for byte and in order.
        let answers = |sent: &[Vec<u8>]| -> Vec<Vec<u8>> {
            sent.iter().filter(|data| class(data) != Class::Request).cloned().collect()
        };
        let mut rest = all.iter();
        late_events == events
            && answers(&late) == answers(&all)
            && late.iter().all(|data| rest.any(|other| other == data))
    }

    fn within_a_moment_polling_late_changes_nothing(seed: u64, polls: u8) -> bool {
        replay(seed % 100, |_| true) == replay(seed % 100, |step| step >= 2 || polls >> step & 1 == 1)
    }

    fn waking_early_and_twice_changes_nothing(seed: u64, wakes: Vec<u16>) -> bool {
        let run = |wakes: &[u16]| {
            let mut net = Net::connected_by(seed % 100, &["192.0.2.1:5000"], &["192.0.2.2:6000"]);
            let end = net.now + ms(20_000);
            for wake in wakes {
                let until = (net.now + ms(u64::from(*wake) % 500)).min(end);
                net.run_until(until);
                for agent in &mut net.agents {
                    agent.handle_timeout(until);
                    agent.handle_timeout(until);
                }
            }
            net.run_until(end);
            let sent: Vec<_> = net.sent.iter().map(|p| (p.at, p.from, p.data.clone())).collect();
            (sent, net.events)
        };
        run(&wakes) == run(&[])
    }

    fn a_clock_that_goes_back_does_no_harm(times: Vec<u32>) -> bool {
        let mut agent = agent(1);
        agent.set_role(NOW, IceRole::Controlling);
        agent.add_local_address(NOW, host("192.0.2.1:5000"));
        agent.set_remote_credentials(NOW, Scene::new().theirs);
        agent.add_remote_candidate(NOW, &"1 1 udp 9 198.51.100.7 7000 typ host".parse().unwrap());
        let mut out = Vec::new();
        for time in &times {
            agent.handle_timeout(Instant::ZERO + Duration::from_millis(u64::from(*time % 100_000)));
            while agent.poll_transmit(Instant::ZERO, &mut out).is_some() {}
        }
        out.len() <= 7 * 200
    }
}
