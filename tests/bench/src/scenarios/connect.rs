//! `connect`: from two fresh peers to a data channel that is open at both ends.

use std::time::Duration;

use crate::clock::{Time, cpu_seconds};
use crate::link::{Pair, Sent};
use crate::report::{Metric, Report};
use crate::scenarios::{Options, Runner, batch, build, connect_pair, setups};
use crate::stacks::{Profile, Protocols, Security, Stack};

const CPU: Metric = Metric::lower("CPU per pair", "us");
const CREATION: Metric = Metric::lower("CPU to create a peer", "us");
const FLIGHTS: Metric = Metric::lower("one-way flights until open", "flights");
const ROUND_TRIPS: Metric = Metric::lower("round trips until open", "RTT");
const DATAGRAMS: Metric = Metric::lower("datagrams until open", "datagrams");
const BYTES: Metric = Metric::lower("bytes until open", "B");
/// Losses each way, and what is shown of each.
const LOSSES: [(f64, Metric, Metric); 2] = [
    (0.10, Metric::lower("p50 at 10 % loss", "ms"), Metric::lower("p95 at 10 % loss", "ms")),
    (0.25, Metric::lower("p50 at 25 % loss", "ms"), Metric::lower("p95 at 25 % loss", "ms")),
];
/// A connection that is not open by then counts as if it had opened then.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a connection came about over a link with delay.
pub struct Opening {
    /// Virtual time until the channel is open at both ends.
    time: Duration,
    /// The same in one-way delays.
    flights: f64,
    datagrams: u64,
    bytes: u64,
    /// Each datagram as a line, in order, where nothing is lost or all of it is asked for.
    log: Vec<String>,
}

pub fn run(options: &Options, runners: &[Runner]) {
    let mut report = Report::new("connect");
    for _ in 0..options.runs {
        for runner in runners {
            report.add("shared certificate", CREATION, runner.name, (runner.creation_micros)(options));
        }
        for (case, shared) in [("shared certificate", true), ("fresh certificate", false)] {
            for runner in runners {
                report.add(case, CPU, runner.name, (runner.connect_micros)(options, shared));
            }
        }
    }
    // What follows is exact, whatever the machine does.
    for runner in runners {
        let opening = (runner.opening)(options, Profile::Default, 0.0, 0);
        add_opening(&mut report, "default settings", runner.name, &opening);
    }
    let wanted = |case: &str| options.cell.as_deref().is_none_or(|cell| cell == case);
    for (case, protocols) in matrix().into_iter().filter(|(case, _)| wanted(case)) {
        for runner in runners.iter().filter(|runner| (runner.speaks)(protocols)) {
            let profile = Profile::Speaking(protocols);
            let opening = (runner.opening)(options, profile, 0.0, 0);
            add_opening(&mut report, &case, runner.name, &opening);
            for (loss, p50, p95) in LOSSES {
                let opening = |seed| (runner.opening)(options, profile, loss, seed);
                let mut openings: Vec<Opening> = (1..=options.openings).map(opening).collect();
                openings.sort_by_key(|opening| opening.time);
                for (metric, share) in [(p50, 0.50), (p95, 0.95)] {
                    let at = (share * options.openings as f64) as usize;
                    report.add(&case, metric, runner.name, openings[at].time.as_secs_f64() * 1e3);
                }
                if options.trace {
                    trace(&case, loss, &openings);
                }
            }
        }
    }
    report.print(options.json);
    if !options.json {
        for runner in runners {
            println!("{}, default settings, each datagram until open:", runner.name);
            let opening = (runner.opening)(options, Profile::Default, 0.0, 0);
            opening.log.iter().for_each(|line| println!("{line}"));
            println!();
        }
    }
}

/// Prints some of the slowest openings.
fn trace(case: &str, loss: f64, openings: &[Opening]) {
    let slow = openings.len() * 19 / 20;
    for opening in openings[slow..].iter().step_by((openings.len() / 200).max(1)) {
        println!("{case}, {} % loss, {} ms:", loss * 100.0, opening.time.as_millis());
        opening.log.iter().for_each(|line| println!("{line}"));
    }
}

fn add_opening(report: &mut Report, case: &str, name: &'static str, opening: &Opening) {
    report.add(case, FLIGHTS, name, opening.flights);
    report.add(case, ROUND_TRIPS, name, opening.flights / 2.0);
    report.add(case, DATAGRAMS, name, opening.datagrams as f64);
    report.add(case, BYTES, name, opening.bytes as f64);
}

/// Every version of DTLS with and without each of what saves round trips.
fn matrix() -> Vec<(String, Protocols)> {
    let securities =
        [("1.2", Security::Dtls12), ("1.3", Security::Dtls13), ("1.3 ML-KEM", Security::PostQuantum)];
    let mut matrix = Vec::new();
    for (name, security) in securities {
        for (sped, snap) in [(false, false), (false, true), (true, false), (true, true)] {
            let sped_name = if sped { " + SPED" } else { "" };
            let snap_name = if snap { " + SNAP" } else { "" };
            let case = format!("DTLS {name}{sped_name}{snap_name}");
            matrix.push((case, Protocols { security, sped, snap }));
        }
    }
    matrix
}

/// Processor time of building both peers, offer and answer as text, ICE, DTLS, SCTP and DCEP; the median connection.
pub fn micros_per_pair<S: Stack>(options: &Options, shared: bool) -> f64 {
    let identity = shared.then(S::identity);
    let connect = |seed| {
        let start = cpu_seconds();
        let pair = connect_pair::<S>(options, identity.as_ref(), seed);
        let spent = cpu_seconds() - start;
        drop(pair);
        spent * 1e6
    };
    // What a process does once is not part of a connection.
    connect(0);
    median((1..=u64::from(options.iters)).map(connect).collect())
}

/// Processor time of making one peer that has a certificate already, before it does anything.
pub fn creation_micros<S: Stack>(options: &Options) -> f64 {
    let identity = S::identity();
    let create = |seed| {
        let (setup, _) = setups(Profile::Default, Some(&identity), seed);
        let start = cpu_seconds();
        let peer = S::new(Time::ZERO, &setup);
        let spent = cpu_seconds() - start;
        drop(peer);
        spent * 1e6
    };
    create(0);
    median((1..=10 * u64::from(options.iters)).map(create).collect())
}

fn median(mut micros: Vec<f64>) -> f64 {
    micros.sort_by(f64::total_cmp);
    micros[micros.len() / 2]
}

/// Connects over a link with delay and loss, the answer travelling as long as a datagram does and never lost. Time counts
/// from the answer.
pub fn opening<S: Stack>(options: &Options, profile: Profile, loss: f64, seed: u64) -> Opening {
    let delay = Duration::from_millis(options.delay_ms);
    let identity = S::identity();
    let (mut a, mut b) = build::<S>(profile, Some(&identity), seed);
    let offer = a.offer(Time::ZERO);
    let answer = b.answer(Time::ZERO, &offer);

    let mut pair = Pair::new(a, b, delay, batch::<S>(options));
    for (end, dice) in [(&mut pair.a.out, 2 * seed), (&mut pair.b.out, 2 * seed + 1)] {
        (end.loss, end.dice) = (loss, dice);
        end.log = (loss == 0.0 || options.trace).then(Vec::new);
    }
    pair.a.drain(pair.now);
    pair.b.stack.timeout(pair.now);
    pair.b.drain(pair.now);
    while pair.next_event().is_some_and(|at| at < delay) {
        pair.step();
    }
    pair.now = delay;
    pair.a.stack.accept(delay, &answer);
    pair.a.stack.timeout(delay);
    pair.a.drain(delay);
    while !(pair.a.stack.is_open() && pair.b.stack.is_open()) && pair.now < PATIENCE && pair.step() {}
    assert!(loss > 0.0 || pair.now < PATIENCE, "{} does not open", S::NAME);
    let time = if pair.a.stack.is_open() && pair.b.stack.is_open() { pair.now } else { PATIENCE };
    let (datagrams, bytes) = pair.sent();
    let log = lines(&mut pair);
    Opening { time, flights: time.as_secs_f64() / delay.as_secs_f64(), datagrams, bytes, log }
}

/// What both ends have sent, in order.
fn lines<S: Stack>(pair: &mut Pair<S>) -> Vec<String> {
    let ends = [(&mut pair.a.out, "offerer"), (&mut pair.b.out, "answerer")];
    let mut sent: Vec<_> = ends
        .into_iter()
        .flat_map(|(out, name)| out.log.take().unwrap_or_default().into_iter().map(move |sent| (name, sent)))
        .collect();
    sent.sort_by_key(|(_, sent)| sent.at);
    let line = |(name, sent): &(&str, Sent)| {
        let fate = if sent.lost { "  lost" } else { "" };
        format!("{:>6} ms  {name:<8}  {:>5} B  {}{fate}", sent.at.as_millis(), sent.size, sent.what)
    };
    sent.iter().map(line).collect()
}
