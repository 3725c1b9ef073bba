//! `scale`: many peers behind one port, on real sockets, the load coming from another process.
//!
//! * 10,000 peers that are connected and idle: what they take of memory and of one core;
//! * peers that come, say something, hear it and go, as many a second as asked for: whether one fails, and what it costs;
//! * data from many peers to one thread and to several that share the port: what a byte costs, hand-over included.

mod load;
mod server;
mod signals;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::report::{Metric, Report};
use crate::scenarios::Options;
use crate::scenarios::scale::server::Crew;

pub use crate::scenarios::scale::load::generate;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const OURS: &str = "purertc-mio";
const CORE: Metric = Metric::lower("of a core", "%");
const MEMORY: Metric = Metric::lower("memory of the process", "MiB");
const EACH: Metric = Metric::lower("memory of a peer", "kB");
const RATE: Metric = Metric::higher("connected", "1/s");
const FAILED: Metric = Metric::lower("failed", "peers");
const SET_UP: Metric = Metric::lower("processor time of one", "µs");
const SLOWEST: Metric = Metric::lower("99th percentile until open", "ms");
const COST: Metric = Metric::lower("processor time of a MB", "µs");
const FLOW: Metric = Metric::higher("payload", "Mbit/s");
const MOVED: Metric = Metric::lower("datagrams handed over", "%");

/// What the load has to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    /// The server's threads, by the ports of their signaling.
    pub ports: Vec<u16>,
    pub peers: usize,
    /// Peers that begin in a second.
    pub rate: f64,
    pub kind: Kind,
}

/// What each peer does once its channel is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing.
    Stays,
    /// Says something, waits for the echo, and goes.
    Visits,
    /// Sends without end.
    Floods,
}

/// What came of it, as the load saw it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Seen {
    pub connected: usize,
    pub failed: usize,
    /// From the first offer to the last that is done.
    pub seconds: f64,
    /// Milliseconds from an offer to the open channel.
    pub slowest: f64,
}

/// The process that makes the load.
struct Load {
    child: Child,
    input: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Load {
    fn start(task: &Task) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["scale", "--child", &serde_json::to_string(task)?]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("no input")?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, input, lines })
    }

    /// What it says once all peers are done, or connected and there to stay.
    fn seen(&mut self) -> Outcome<Seen> {
        let mut line = String::new();
        self.lines.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    fn end(mut self) -> Outcome {
        self.input.write_all(b"\n")?;
        self.child.wait()?;
        Ok(())
    }
}

/// Seconds of processor time of this process, the kernel's on its behalf included.
fn cpu() -> f64 {
    let t = clock_gettime(ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// Bytes of this process that are in memory.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    pages * 4_096.0
}

pub fn run(options: &Options) {
    let wants = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut report = Report::new("scale");
    for _ in 0..options.runs {
        let parts: [(&str, Part); 3] = [("idle", idle), ("connects", connects), ("threads", threads)];
        for (name, part) in parts {
            if wants(name)
                && let Err(error) = part(options, &mut report)
            {
                eprintln!("{name}: {error}");
            }
        }
    }
    report.print(options.json);
}

type Part = fn(&Options, &mut Report) -> Outcome;

fn idle(options: &Options, report: &mut Report) -> Outcome {
    let peers = options.peers;
    let case = format!("{peers} idle peers");
    let before = resident();
    let crew = Crew::start(1, server::Manner::Echo)?;
    let task = Task { ports: crew.ports(), peers, rate: options.rate, kind: Kind::Stays };
    let mut load = Load::start(&task)?;
    let seen = load.seen()?;
    // Checks that nominate, and timers of the beginning, are over then.
    thread::sleep(Duration::from_secs(10));
    let (busy, began) = (cpu(), Instant::now());
    thread::sleep(Duration::from_secs_f64(options.secs.max(10.0)));
    let share = (cpu() - busy) / began.elapsed().as_secs_f64();
    let memory = resident();
    report.add(&case, FAILED, OURS, seen.failed as f64);
    report.add(&case, CORE, OURS, share * 100.0);
    report.add(&case, MEMORY, OURS, memory / f64::from(1 << 20));
    report.add(&case, EACH, OURS, (memory - before) / peers as f64 / 1e3);
    load.end()?;
    crew.end();
    Ok(())
}

fn connects(options: &Options, report: &mut Report) -> Outcome {
    let case = format!("{} connects a second for {} s", options.rate, options.secs.max(10.0));
    let crew = Crew::start(1, server::Manner::Echo)?;
    let peers = (options.rate * options.secs.max(10.0)) as usize;
    let busy = cpu();
    let task = Task { ports: crew.ports(), peers, rate: options.rate, kind: Kind::Visits };
    let mut load = Load::start(&task)?;
    let seen = load.seen()?;
    let busy = cpu() - busy;
    report.add(&case, FAILED, OURS, seen.failed as f64);
    report.add(&case, RATE, OURS, seen.connected as f64 / seen.seconds);
    report.add(&case, SET_UP, OURS, busy * 1e6 / seen.connected.max(1) as f64);
    report.add(&case, CORE, OURS, busy / seen.seconds * 100.0);
    report.add(&case, SLOWEST, OURS, seen.slowest);
    load.end()?;
    crew.end();
    Ok(())
}

fn threads(options: &Options, report: &mut Report) -> Outcome {
    for members in [1, 2] {
        let case = format!("data of 32 peers to {members} thread(s)");
        let crew = Crew::start(members, server::Manner::Count)?;
        let task = Task { ports: crew.ports(), peers: 32, rate: 200.0, kind: Kind::Floods };
        let mut load = Load::start(&task)?;
        load.seen()?;
        thread::sleep(Duration::from_secs(1));
        let (busy, began, before) = (cpu(), Instant::now(), crew.counted());
        thread::sleep(Duration::from_secs_f64(options.secs.max(5.0)));
        let (busy, seconds, after) = (cpu() - busy, began.elapsed().as_secs_f64(), crew.counted());
        let bytes = (after.bytes - before.bytes) as f64;
        let moved = (after.taken - before.taken) as f64;
        report.add(&case, FLOW, OURS, bytes * 8.0 / seconds / 1e6);
        report.add(&case, COST, OURS, busy * 1e6 / (bytes / 1e6));
        report.add(&case, CORE, OURS, busy / seconds * 100.0);
        // A datagram carries about that much.
        report.add(&case, MOVED, OURS, moved * 1_130.0 / bytes * 100.0);
        load.end()?;
        crew.end();
    }
    Ok(())
}
