//! Interoperability with real browsers, through the demo's own page and its `window.demo`; with coturn, through real
//! NATs, and with other implementations.
//!
//! ```text
//! cargo test -p purertc-tests --test interop                       # every case, one browser of each kind
//! cargo test -p purertc-tests --test interop -- firefox::server    # those that match
//! PURERTC_DEMO=rehearsal cargo test …                              # against a stand-in in JavaScript: tests the cases
//! PURERTC_DEMO=/path/to/program cargo test …                       # against a server that is built already
//! PURERTC_INTEROP=1 cargo test …                                   # a missing browser is a failure (CI)
//! ```
//!
//! The harness is our own, because a browser takes seconds to start: all cases of a run share one, and it must be ended
//! at the end. Under nextest, which gives each test a process of its own, all cases of one browser and direction are one test.

/// Makes a list of cases from functions, whose names are the cases' names.
macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$(Case { name: stringify!($name), play: $name }),*] };
}

mod channels;
mod driver;
mod dtls_peers;
mod failures;
mod fast_setup;
mod faults;
mod files;
mod files_page;
mod lab;
mod lifecycle;
mod media;
mod media_examples;
mod media_more;
mod media_signaling;
mod messages;
mod moving;
mod nat;
mod netns;
mod peers;
mod reliability;
mod stage;
mod throughput;
mod turn;
mod ways;
mod whip;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use purertc::transport::dtls::config::Role;
use purertc_tests::browser::{Addresses, Kind};
use purertc_tests::coturn::Coturn;
use purertc_tests::{demo, interop};

use crate::lab::{Lab, Profile, Way};
use crate::peers::{Peer, Side};
use crate::stage::{Offerer, Outcome, Stage};

/// One thing to try, for every browser and in both directions.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    play: fn(&mut Stage<'_>) -> Outcome,
}

/// Every case is played in these.
const FULL: [Profile; 2] = [
    Profile { name: "chromium", kind: Kind::Chromium, ..PLAIN },
    Profile { name: "firefox", kind: Kind::Firefox, ..PLAIN },
];

const PLAIN: Profile = Profile {
    name: "",
    kind: Kind::Chromium,
    addresses: Addresses::Plain,
    only_dtls_1_2: false,
    way: Way::Direct,
};

/// Where only the way to the connection differs, a few cases tell enough.
const PARTIAL: [(Profile, &[Case]); 9] = [
    (
        Profile { name: "chromium_with_hidden_addresses", addresses: Addresses::Hidden, ..FULL[0] },
        ways::HIDDEN,
    ),
    (
        Profile { name: "firefox_with_hidden_addresses", addresses: Addresses::Hidden, ..FULL[1] },
        ways::HIDDEN_AND_FOUND,
    ),
    (Profile { name: "firefox_with_dtls_1_2", only_dtls_1_2: true, ..FULL[1] }, SHORT_DTLS_1_2),
    (Profile { name: "chromium_relayed", way: Way::PageRelayed, ..FULL[0] }, ways::BY_THE_PAGE),
    (Profile { name: "firefox_relayed", way: Way::PageRelayed, ..FULL[1] }, ways::BY_THE_PAGE),
    (Profile { name: "chromium_with_a_relayed_server", way: Way::ServerRelayed, ..FULL[0] }, ways::BY_US),
    (Profile { name: "firefox_with_a_relayed_server", way: Way::ServerRelayed, ..FULL[1] }, ways::BY_US),
    (Profile { name: "chromium_over_tcp", way: Way::OnlyTcp, ..FULL[0] }, ways::OVER_TCP),
    (Profile { name: "firefox_over_tcp", way: Way::OnlyTcp, ..FULL[1] }, ways::OVER_TCP),
];

const SHORT_DTLS_1_2: &[Case] = {
    use crate::lifecycle::the_encryption_is_dtls_1_2;
    use crate::messages::{a_message_of_256_kib_comes_back_whole, text_comes_back_as_text};
    cases![text_comes_back_as_text, a_message_of_256_kib_comes_back_whole, the_encryption_is_dtls_1_2]
};

/// Everything that can be run, as (name of the group, the group's profile and direction, its cases).
fn groups() -> Vec<(String, Profile, Offerer, Vec<Case>)> {
    let all =
        [messages::CASES, reliability::CASES, channels::CASES, lifecycle::CASES, throughput::CASES].concat();
    let full = FULL.iter().map(|profile| (*profile, all.clone()));
    let partial = PARTIAL.iter().map(|(profile, cases)| (*profile, cases.to_vec()));
    full.chain(partial)
        .flat_map(|(profile, cases)| {
            Offerer::ALL.map(|offerer| {
                (format!("{}::{}", profile.name, offerer.name()), profile, offerer, cases.clone())
            })
        })
        .collect()
}

fn trials(lab: &Arc<Mutex<Lab>>, quiet: bool) -> Vec<Trial> {
    let mut trials = Vec::new();
    let is_there = |kind: Kind| {
        if quiet { kind.check_installed().is_ok() } else { interop::has_browser(kind, kind.name()) }
    };
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|&k| is_there(k)).collect();
    let hidden = PARTIAL.map(|(profile, _)| profile).into_iter().filter(|p| p.addresses == Addresses::Hidden);
    for profile in FULL.into_iter().chain(hidden).filter(|p| kinds.contains(&p.kind)) {
        trials.push(trial(lab, format!("driver::{}", profile.name), move |lab| lab.play_driver(&profile)));
    }
    for profile in FULL.into_iter().filter(|p| kinds.contains(&p.kind)) {
        let name = format!("page_without_server::{}", profile.name);
        trials.push(trial(lab, name, move |lab| lab.play_without_server(&profile)));
    }
    for profile in FULL.into_iter().filter(|p| kinds.contains(&p.kind)) {
        let name = format!("media_signaling::{}", profile.name);
        trials.push(trial(lab, name, move |lab| lab.play_media_signaling(&profile)));
        let name = format!("media::{}", profile.name);
        trials.push(trial(lab, name, move |lab| lab.play_media(&profile)));
    }
    if kinds.contains(&Kind::Chromium) {
        // A browser of their own, with other switches than the lab's, which they must not share a machine with.
        trials.extend(Offerer::ALL.map(|offerer| {
            trial(lab, format!("fast_setup::chromium::{}", offerer.name()), move |_| {
                fast_setup::play(offerer)
            })
        }));
    }
    for kind in kinds.iter().copied().filter(|&kind| kind == Kind::Chromium) {
        trials.extend(Offerer::ALL.map(|offerer| {
            let name = format!("post_quantum::{}::{}", kind.name(), offerer.name());
            trial(lab, name, move |_| fast_setup::play_post_quantum(kind, offerer))
        }));
    }
    if !lab::is_rehearsal() && !demo::exists() {
        if !quiet {
            interop::skip("interoperability", "there is no demo server in io-tokio/examples");
        }
        return trials;
    }
    if !lab::is_rehearsal() {
        for profile in FULL.into_iter().filter(|p| kinds.contains(&p.kind)) {
            let name = format!("whip::{}", profile.name);
            trials.push(trial(lab, name, move |lab| lab.play_whip(&profile)));
            for (name, play) in files_page::CASES {
                let name = format!("files::{}::{name}", profile.name);
                trials.push(trial(lab, name, move |lab| lab.play_files(&profile, play)));
            }
        }
    }
    let relays = Coturn::check_installed().is_ok() || interop::is_required();
    let possible =
        |profile: &Profile| kinds.contains(&profile.kind) && (relays || !profile.way.needs_relay());
    for (group, profile, offerer, cases) in groups().into_iter().filter(|group| possible(&group.1)) {
        if std::env::var_os("NEXTEST").is_some() {
            trials.push(trial(lab, group, move |lab| play_all(lab, &profile, offerer, &cases)));
            continue;
        }
        for case in cases {
            trials.push(trial(lab, format!("{group}::{}", case.name), move |lab| {
                lab.play(&profile, offerer, &case)
            }));
        }
    }
    trials
}

/// Cases with servers, which need no browser.
fn server_trials(lab: &Arc<Mutex<Lab>>, quiet: bool) -> Vec<Trial> {
    let missing = Coturn::check_installed().err().map(|error| error.to_string());
    let obstacle = netns::Obstacle::find();
    if !quiet {
        match (&missing, &obstacle) {
            (Some(reason), _) => interop::skip("coturn", reason),
            (None, Some(netns::Obstacle::Missing(reason))) => interop::skip("network namespaces", reason),
            (None, Some(netns::Obstacle::Refused(reason))) => {
                interop::leave_out("network namespaces", reason);
            }
            (None, None) => {}
        }
    }
    let turn = turn::CASES.iter().map(|(name, play)| {
        let trial = trial(lab, format!("turn::{name}"), move |_| turn::play(*play));
        trial.with_ignored_flag(missing.is_some())
    });
    let nat = nat::CASES.iter().map(|(name, nats, meeting)| {
        let trial = trial(lab, format!("nat::{name}"), move |_| nat::play(*nats, *meeting));
        trial.with_ignored_flag(missing.is_some() || obstacle.is_some())
    });
    let moving = moving::CASES.iter().map(|(name, play)| {
        trial(lab, format!("moving::{name}"), move |_| play()).with_ignored_flag(obstacle.is_some())
    });
    let guarded = trial(lab, "nat::streams_through_two_firewalls".to_owned(), |_| nat::play_guarded());
    let guarded = guarded.with_ignored_flag(obstacle.is_some());
    let faults = faults::CASES.iter().map(|(name, play)| {
        trial(lab, format!("faults::{name}"), move |_| play()).with_ignored_flag(obstacle.is_some())
    });
    turn.chain(nat).chain(moving).chain([guarded]).chain(faults).collect()
}

/// Cases with other implementations.
fn peer_trials(lab: &Arc<Mutex<Lab>>, quiet: bool) -> Vec<Trial> {
    let mut trials = Vec::new();
    for peer in Peer::ALL {
        let obstacle = peer.obstacle();
        if let Some(reason) = &obstacle
            && !quiet
        {
            interop::skip(peer.name(), reason);
        }
        for side in Side::ALL {
            let name = format!("peers::{}::{}", peer.name(), side.name());
            let trial = trial(lab, name, move |_| peers::play(peer, side));
            trials.push(trial.with_ignored_flag(obstacle.is_some()));
        }
        if Peer::APART.contains(&peer) {
            let name = format!("peers::{}::apart", peer.name());
            let trial = trial(lab, name, move |_| peers::play_apart(peer));
            trials.push(trial.with_ignored_flag(obstacle.is_some()));
        }
    }
    trials
}

/// Cases with other implementations of DTLS alone.
fn dtls_trials(lab: &Arc<Mutex<Lab>>, quiet: bool) -> Vec<Trial> {
    let mut trials = Vec::new();
    for peer in dtls_peers::Peer::ALL {
        let obstacle = peer.obstacle();
        if let Some(reason) = &obstacle
            && !quiet
        {
            interop::skip(peer.name(), reason);
        }
        for (ours, theirs) in [(Role::Client, "server"), (Role::Server, "client")] {
            let name = format!("dtls_peers::{}::{theirs}", peer.name());
            let trial = trial(lab, name, move |_| dtls_peers::play(peer, ours));
            trials.push(trial.with_ignored_flag(obstacle.is_some()));
        }
    }
    trials
}

/// The examples of audio and video, with Chromium and with ffmpeg, which makes files and reads them.
fn example_trials(lab: &Arc<Mutex<Lab>>, quiet: bool) -> Vec<Trial> {
    let obstacle = media_examples::obstacle();
    if let Some(reason) = &obstacle
        && !quiet
    {
        interop::skip("examples of audio and video", reason);
    }
    let trial = |(name, play): (&str, media_examples::Play)| {
        let trial = trial(lab, format!("examples::{name}"), move |_| play());
        trial.with_ignored_flag(obstacle.is_some())
    };
    media_examples::CASES.into_iter().map(trial).collect()
}

/// The file-transfer examples, which need nothing from elsewhere.
fn file_trials(lab: &Arc<Mutex<Lab>>) -> Vec<Trial> {
    let trial = |(name, from, to, signaling)| {
        trial(lab, format!("files::{name}"), move |_| files::play(from, to, signaling))
    };
    files::CASES.into_iter().map(trial).collect()
}

fn play_all(lab: &mut Lab, profile: &Profile, offerer: Offerer, cases: &[Case]) -> Outcome {
    let mut failures = String::new();
    for case in cases {
        let outcome = lab.play(profile, offerer, case);
        println!("{} {}", if outcome.is_ok() { "ok    " } else { "FAILED" }, case.name);
        if let Err(failure) = outcome {
            failures.push_str(&format!("\n---- {}\n{failure}\n", case.name));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(stage::Failure(failures)) }
}

fn trial(
    lab: &Arc<Mutex<Lab>>,
    name: String,
    play: impl FnOnce(&mut Lab) -> Outcome + Send + 'static,
) -> Trial {
    let lab = Arc::clone(lab);
    Trial::test(name, move || {
        let mut lab = lab.lock().unwrap_or_else(PoisonError::into_inner);
        play(&mut lab).map_err(|failure| Failed::from(failure.to_string()))
    })
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share one browser, and the throughput of two at a time would say nothing.
    arguments.test_threads = Some(1);
    let lab = Arc::new(Mutex::new(Lab::default()));
    let mut trials = trials(&lab, arguments.list);
    trials.extend(server_trials(&lab, arguments.list));
    trials.extend(peer_trials(&lab, arguments.list));
    trials.extend(dtls_trials(&lab, arguments.list));
    trials.extend(file_trials(&lab));
    trials.extend(example_trials(&lab, arguments.list));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The browser ends here, not at the end of the process, which would leave it running.
    drop(lab);
    conclusion.exit_code()
}
