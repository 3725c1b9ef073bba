//! `dc-lossy`: one reliable, ordered channel, kept full, over 100 Mbit/s and 50 ms there and back.

use std::time::Duration;

use crate::clock::cpu_seconds;
use crate::path::{Network, Path};
use crate::report::{Metric, Report};
use crate::scenarios::{Options, Runner, build, introduce};
use crate::stacks::{Profile, Stack};

const CASES: [(&str, f64); 4] =
    [("no loss", 0.0), ("0.1 % loss", 0.001), ("1 % loss", 0.01), ("3 % loss", 0.03)];

const GOODPUT: Metric = Metric::higher("payload of 100 Mbit/s", "Mbit/s");
const CPU: Metric = Metric::lower("CPU per megabyte, both ends", "ms");

/// The size of a message.
const MESSAGE: usize = 16 << 10;
/// Virtual time until counting starts, and for which it lasts.
const WARM_UP: Duration = Duration::from_secs(3);
const COUNTED: Duration = Duration::from_secs(15);

/// What one run moved.
pub struct Lossy {
    bytes: u64,
    cpu: f64,
}

pub fn run(options: &Options, runners: &[Runner]) {
    let mut report = Report::new("dc-lossy");
    for seed in 0..u64::from(options.runs) {
        for (case, loss) in CASES {
            for runner in runners {
                let Lossy { bytes, cpu } = (runner.lossy)(seed, loss);
                let rate = bytes as f64 * 8.0 / COUNTED.as_secs_f64() / 1e6;
                report.add(case, GOODPUT, runner.name, rate);
                report.add(case, CPU, runner.name, cpu * 1e9 / bytes as f64);
            }
        }
    }
    report.print(options.json);
}

/// Keeps the queue of the sender full.
pub fn transfer<S: Stack>(seed: u64, loss: f64) -> Lossy {
    let identity = S::identity();
    let (mut a, mut b) = build::<S>(Profile::Default, Some(&identity), seed);
    introduce(&mut a, &mut b);
    let path = Path { rate: 100e6, round_trip: Duration::from_millis(50), queue: 1.0, loss };
    let mut network = Network::new([(a, b)], path, seed);
    network.connect();
    let message = [7; MESSAGE];
    let fill = |_, stack: &mut S, now| {
        let mut wrote = false;
        while stack.send(now, &message) {
            wrote = true;
        }
        wrote
    };
    network.run_until(network.now + WARM_UP, fill);
    let (before, start) = (network.pairs[0][1].stack.received().bytes, cpu_seconds());
    network.run_until(network.now + COUNTED, fill);
    Lossy { bytes: network.pairs[0][1].stack.received().bytes - before, cpu: cpu_seconds() - start }
}
