//! Interoperability with real browsers, through the demo's own page and its `window.demo`.
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
mod failures;
mod lab;
mod lifecycle;
mod media_signaling;
mod messages;
mod reliability;
mod stage;
mod throughput;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use purertc_tests::browser::{Addresses, Kind};
use purertc_tests::{demo, interop};

use crate::lab::{Lab, Profile};
use crate::stage::{Offerer, Outcome, Stage};

/// One thing to try, for every browser and in both directions.
#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    play: fn(&mut Stage<'_>) -> Outcome,
}

/// Every case is played in these.
const FULL: [Profile; 2] = [
    Profile { name: "chromium", kind: Kind::Chromium, addresses: Addresses::Plain, only_dtls_1_2: false },
    Profile { name: "firefox", kind: Kind::Firefox, addresses: Addresses::Plain, only_dtls_1_2: false },
];

/// Where only the way to the connection differs, a few cases tell enough.
const PARTIAL: [(Profile, &[Case]); 3] = [
    (Profile { name: "chromium_with_hidden_addresses", addresses: Addresses::Hidden, ..FULL[0] }, SHORT),
    (Profile { name: "firefox_with_hidden_addresses", addresses: Addresses::Hidden, ..FULL[1] }, SHORT),
    (Profile { name: "firefox_with_dtls_1_2", only_dtls_1_2: true, ..FULL[1] }, SHORT_DTLS_1_2),
];

const SHORT: &[Case] = {
    use crate::lifecycle::statistics_name_the_path_and_the_encryption;
    use crate::messages::{a_message_of_256_kib_comes_back_whole, text_comes_back_as_text};
    cases![
        text_comes_back_as_text,
        a_message_of_256_kib_comes_back_whole,
        statistics_name_the_path_and_the_encryption
    ]
};

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
    }
    if !lab::is_rehearsal() && !demo::exists() {
        if !quiet {
            interop::skip("interoperability", "there is no demo server in io-tokio/examples");
        }
        return trials;
    }
    for (group, profile, offerer, cases) in groups().into_iter().filter(|g| kinds.contains(&g.1.kind)) {
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
    let trials = trials(&lab, arguments.list);
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The browser ends here, not at the end of the process, which would leave it running.
    drop(lab);
    conclusion.exit_code()
}
