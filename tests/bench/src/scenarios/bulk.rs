//! `dc-bulk`: one reliable, ordered channel without delay, as fast as it goes, both ends on one core.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::alloc::{counts, track};
use crate::clock::cpu_seconds;
use crate::link::Pair;
use crate::report::{FLOOR, Metric, Report};
use crate::scenarios::{Options, Runner, child, connect_pair, raw};
use crate::stacks::purertc::Purertc;
use crate::stacks::{QUEUE, Received, Stack};

const CASES: [(&str, usize); 3] = [("100 B", 100), ("1 KiB", 1024), ("64 KiB", 65536)];

const RATE: Metric = Metric::higher("payload per core", "MB/s");
const TIME: Metric = Metric::lower("CPU per message", "us");
const FILL: Metric = Metric::higher("payload per datagram", "B");
const CALLS_DATAGRAM: Metric = Metric::lower("allocations per datagram", "allocations");
const CALLS_MESSAGE: Metric = Metric::lower("allocations per message", "allocations");
const ALLOCATED: Metric = Metric::lower("allocated per payload byte", "B/B");
const COPIED_MESSAGE: Metric = Metric::lower("copied per message", "B");
const COPIED: Metric = Metric::lower("copied per payload byte", "B/B");
/// What is left of the rate without a backlog when the memory takes its time.
const AS_MEMORY_ALLOWS: Metric = Metric::higher("what the memory leaves of the rate without", "MB/s");
const OF_FLOOR: Metric = Metric::higher("payload per core, of the floor", "%");

/// Channels beside the one that is used, and bytes that wait in it, where there are many.
const MANY: usize = 999;
const BACKLOG: usize = 16 << 20;

/// Virtual time that an exchange takes: what the stacks see as the path's delay.
const TICK: Duration = Duration::from_micros(20);

/// Virtual time in which the last of connecting settles, and again the congestion window opens.
const SETTLE: Duration = Duration::from_millis(300);

/// What one run moved, from `a` to `b`.
#[derive(Clone, Copy)]
pub struct Timed {
    seconds: f64,
    payload: u64,
    messages: u64,
    datagrams: u64,
}

/// The same for a run that counts.
#[derive(Serialize, Deserialize)]
pub struct Counted {
    payload: u64,
    messages: u64,
    datagrams: u64,
    allocations: u64,
    allocated: u64,
    copied: Option<u64>,
}

pub fn run(options: &Options, runners: &[Runner]) {
    let mut report = Report::new("dc-bulk");
    for _ in 0..options.runs {
        let floor = raw::measure(options.secs / 5.0);
        for (case, message) in CASES {
            for runner in runners {
                add_timed(&mut report, case, runner.name, (runner.bulk)(options, message));
            }
            for runner in runners {
                let counted = child::ask(options, runner, &format!("bulk:{message}"));
                add_counted(&mut report, case, runner.name, &counted);
            }
            report.add(case, RATE, FLOOR, floor.bulk_rate(message));
        }
    }
    for (case, _) in CASES {
        let floor = report.median(case, RATE, FLOOR).expect("measured above");
        for runner in runners {
            let rate = report.median(case, RATE, runner.name).expect("measured above");
            report.add(case, OF_FLOOR, runner.name, 100.0 * rate / floor);
        }
    }
    if runners.iter().any(|runner| runner.name == Purertc::NAME) {
        full_houses(&mut report, options);
    }
    report.print(options.json);
}

/// Ours with much that could slow it down: it should not.
fn full_houses(report: &mut Report, options: &Options) {
    for _ in 0..options.runs {
        let mut add = |case: &str, house: House, message: usize| {
            let run = crowded(options, house, message);
            report.add(case, RATE, Purertc::NAME, run.payload as f64 / run.seconds / 1e6);
        };
        let empty = House { channels: 0, queue: QUEUE, shared: false };
        for (case, message) in [("1 KiB", 1024), ("64 KiB", 65536)] {
            add(&format!("{case}, 1,000 open channels"), House { channels: MANY, ..empty }, message);
            add(&format!("{case}, shared bytes"), House { shared: true, ..empty }, message);
            let full = House { queue: BACKLOG, ..empty };
            add(&format!("{case}, shared bytes, backlog of 16 MiB"), House { shared: true, ..full }, message);
            add(&format!("{case}, backlog of 16 MiB"), full, message);
        }
        for (case, message) in [("1 KiB", 1024), ("64 KiB", 65536)] {
            let nanos = |waiting| raw::queue_nanos(options.secs / 5.0, message, waiting);
            let slower = nanos(BACKLOG) - nanos(QUEUE);
            let rate = report.median(case, RATE, Purertc::NAME).expect("measured before");
            let left = message as f64 / (message as f64 / rate * 1e3 + slower) * 1e3;
            report.add(&format!("{case}, backlog of 16 MiB"), AS_MEMORY_ALLOWS, FLOOR, left);
        }
    }
}

/// What there is besides the one message.
#[derive(Clone, Copy)]
struct House {
    /// Channels that nothing is sent on.
    channels: usize,
    /// Bytes that wait.
    queue: usize,
    /// All messages are the same bytes in memory, as those of a file would be that was read once: nothing is measured of what the
    /// application's memory costs, which fits no cache where each message has its own.
    shared: bool,
}

/// As [`timed`], in a house that is full.
fn crowded(options: &Options, house: House, message: usize) -> Timed {
    let House { channels, queue, shared } = house;
    let mut pair = ready::<Purertc>(options);
    pair.a.stack.open_more(channels);
    pair.a.drain(pair.now);
    pair.run_for(SETTLE);
    pair.a.stack.set_queue(queue);
    let data = payload(message);
    if shared {
        pair.a.stack.share(&data);
    }
    pump(&mut pair, &data, options.secs / 5.0);
    pump(&mut pair, &data, options.secs)
}

fn add_timed(report: &mut Report, case: &str, stack: &'static str, run: Timed) {
    report.add(case, RATE, stack, run.payload as f64 / run.seconds / 1e6);
    report.add(case, TIME, stack, run.seconds * 1e6 / run.messages as f64);
    report.add(case, FILL, stack, run.payload as f64 / run.datagrams as f64);
}

fn add_counted(report: &mut Report, case: &str, stack: &'static str, run: &Counted) {
    let (payload, messages) = (run.payload as f64, run.messages as f64);
    report.add(case, CALLS_DATAGRAM, stack, run.allocations as f64 / run.datagrams as f64);
    report.add(case, CALLS_MESSAGE, stack, run.allocations as f64 / messages);
    report.add(case, ALLOCATED, stack, run.allocated as f64 / payload);
    if let Some(copied) = run.copied {
        report.add(case, COPIED_MESSAGE, stack, copied as f64 / messages);
        report.add(case, COPIED, stack, copied as f64 / payload);
    }
}

/// Sends for `options.secs` of processor time, warmed up for a fifth of that.
pub fn timed<S: Stack>(options: &Options, message: usize) -> Timed {
    let mut pair = ready::<S>(options);
    let data = payload(message);
    pump(&mut pair, &data, options.secs / 5.0);
    pump(&mut pair, &data, options.secs)
}

/// Sends for a while with all counters on. Counting is slow, so this is not timed.
pub fn counted<S: Stack>(options: &Options, message: usize) -> Counted {
    let mut pair = ready::<S>(options);
    let data = payload(message);
    pump(&mut pair, &data, options.secs / 5.0);
    track();
    let before = counts();
    let run = pump(&mut pair, &data, options.secs / 2.0);
    let after = counts();
    Counted {
        payload: run.payload,
        messages: run.messages,
        datagrams: run.datagrams,
        allocations: after.calls - before.calls,
        allocated: after.bytes - before.bytes,
        copied: after.copied.zip(before.copied).map(|(after, before)| after - before),
    }
}

fn ready<S: Stack>(options: &Options) -> Pair<S> {
    let identity = S::identity();
    let mut pair = connect_pair::<S>(options, Some(&identity), 0);
    pair.run_for(SETTLE);
    pair.without_delay(TICK);
    pair
}

fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 + 7) as u8).collect()
}

/// Keeps the queue of `a` full for `seconds` of processor time.
#[inline(never)]
fn pump<S: Stack>(pair: &mut Pair<S>, message: &[u8], seconds: f64) -> Timed {
    let before = position(pair);
    let began = pair.now;
    let start = cpu_seconds();
    loop {
        for _ in 0..8 {
            let mut wrote = false;
            while pair.a.stack.send(pair.now, message) {
                wrote = true;
            }
            if wrote {
                pair.a.drain(pair.now);
            }
            assert!(pair.step(), "{}: stalled with data to send", S::NAME);
        }
        let spent = cpu_seconds() - start;
        if spent >= seconds {
            let after = position(pair);
            assert!(after.0.messages > before.0.messages, "{}: nothing arrived", S::NAME);
            return Timed {
                seconds: spent,
                payload: after.0.bytes - before.0.bytes,
                messages: after.0.messages - before.0.messages,
                datagrams: after.1 - before.1,
            };
        }
        assert!(
            pair.now < began + Duration::from_secs(3600),
            "{}: an hour passed, the data did not",
            S::NAME
        );
    }
}

fn position<S: Stack>(pair: &Pair<S>) -> (Received, u64) {
    (pair.b.stack.received(), pair.a.out.datagrams)
}
