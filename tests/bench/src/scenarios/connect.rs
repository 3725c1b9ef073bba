//! `connect`: from two fresh peers to a data channel that is open at both ends.

use std::time::Duration;

use crate::clock::{Time, cpu_seconds};
use crate::link::Pair;
use crate::report::{Metric, Report};
use crate::scenarios::{Options, Runner, batch, build, connect_pair};
use crate::stacks::{Profile, Stack};

const CPU: Metric = Metric::lower("CPU per pair", "us");
const FLIGHTS: Metric = Metric::lower("one-way flights until open", "flights");
const ROUND_TRIPS: Metric = Metric::lower("round trips until open", "RTT");
const DATAGRAMS: Metric = Metric::lower("datagrams until open", "datagrams");
const BYTES: Metric = Metric::lower("bytes until open", "B");

/// How a connection came about over a link with delay.
pub struct Opening {
    /// Virtual time until the channel is open at both ends, in one-way delays.
    flights: f64,
    datagrams: u64,
    bytes: u64,
}

pub fn run(options: &Options, runners: &[Runner]) {
    let mut report = Report::new("connect");
    for _ in 0..options.runs {
        for (case, shared) in [("shared certificate", true), ("fresh certificate", false)] {
            for runner in runners {
                report.add(case, CPU, runner.name, (runner.connect_micros)(options, shared));
            }
        }
        for (case, profile) in
            [("default settings", Profile::Default), ("fewest round trips", Profile::FewestFlights)]
        {
            for runner in runners {
                let opening = (runner.opening)(options, profile);
                report.add(case, FLIGHTS, runner.name, opening.flights);
                report.add(case, ROUND_TRIPS, runner.name, opening.flights / 2.0);
                report.add(case, DATAGRAMS, runner.name, opening.datagrams as f64);
                report.add(case, BYTES, runner.name, opening.bytes as f64);
            }
        }
    }
    report.print(options.json);
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
    let mut micros: Vec<f64> = (1..=u64::from(options.iters)).map(connect).collect();
    micros.sort_by(f64::total_cmp);
    micros[micros.len() / 2]
}

/// Connects over a link with delay, the answer travelling as long as a datagram does. Time counts from the answer.
pub fn opening<S: Stack>(options: &Options, profile: Profile) -> Opening {
    let delay = Duration::from_millis(options.delay_ms);
    let identity = S::identity();
    let (mut a, mut b) = build::<S>(profile, Some(&identity), 0);
    let offer = a.offer(Time::ZERO);
    let answer = b.answer(Time::ZERO, &offer);

    let mut pair = Pair::new(a, b, delay, batch::<S>(options));
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
    pair.run_until("open channel", |pair| pair.a.stack.is_open() && pair.b.stack.is_open());
    let (datagrams, bytes) = pair.sent();
    Opening { flights: pair.now.as_secs_f64() / delay.as_secs_f64(), datagrams, bytes }
}
