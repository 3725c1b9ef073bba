//! `dc-grid`: our data channels over paths of every rate, delay, loss and queue, and beside flows of other controllers.

use std::fs;
use std::time::Duration;

use clap::ValueEnum;
use purertc::Certificate;
use purertc::data::sctp::config::CongestionAlgorithm;

use crate::clock::Time;
use crate::path::{Network, Path};
use crate::report::{Metric, Report};
use crate::scenarios::heat_map::{Square, svg};
use crate::scenarios::{Options, introduce, setups};
use crate::stacks::purertc::{Purertc, configuration};
use crate::stacks::{Profile, Stack};

const RATES: [f64; 3] = [10e6, 100e6, 1_000e6];
const ROUND_TRIPS: [u64; 5] = [1, 20, 50, 100, 200];
const LOSSES: [f64; 4] = [0.0, 0.001, 0.01, 0.03];
const QUEUES: [f64; 2] = [1.0, 0.1];

const SHARE: Metric = Metric::higher("payload of the link", "%");
const OURS: Metric = Metric::higher("ours, of the link", "%");
const OTHER: Metric = Metric::higher("the other, of the link", "%");
const SMALL: Metric = Metric::lower("small message beside it, p99", "RTT");

/// The controllers that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Congestion {
    NewReno,
    Cubic,
    Bbr,
}

impl Congestion {
    fn algorithm(self) -> CongestionAlgorithm {
        match self {
            Self::NewReno => CongestionAlgorithm::NewReno,
            Self::Cubic => CongestionAlgorithm::Cubic,
            Self::Bbr => CongestionAlgorithm::Bbr,
        }
    }
}

/// The size of a message.
const MESSAGE: usize = 64 << 10;

/// One path of the grid.
#[derive(Clone, Copy)]
struct Cell {
    rate: usize,
    round_trip: usize,
    loss: usize,
    queue: usize,
}

impl Cell {
    fn all() -> impl Iterator<Item = Self> {
        let sizes = [QUEUES.len(), RATES.len(), LOSSES.len(), ROUND_TRIPS.len()];
        (0..sizes.iter().product()).map(move |n| Self {
            queue: n % sizes[0],
            rate: n / sizes[0] % sizes[1],
            loss: n / sizes[0] / sizes[1] % sizes[2],
            round_trip: n / sizes[0] / sizes[1] / sizes[2],
        })
    }

    fn path(self) -> Path {
        Path {
            rate: RATES[self.rate],
            round_trip: Duration::from_millis(ROUND_TRIPS[self.round_trip]),
            queue: QUEUES[self.queue],
            loss: LOSSES[self.loss],
        }
    }

    fn row_name(self) -> String {
        format!("{} ms, {} %", ROUND_TRIPS[self.round_trip], LOSSES[self.loss] * 100.0)
    }

    fn column_name(self) -> String {
        format!("{} Mbit/s", RATES[self.rate] / 1e6)
    }

    fn name(self) -> String {
        format!("{}, {}, {} BDP", self.row_name(), self.column_name(), QUEUES[self.queue])
    }

    /// Virtual time that is counted: less where more happens in it, but twenty round trips at least.
    fn span(self) -> Duration {
        Duration::from_secs([24, 12, 5][self.rate])
    }
}

pub fn run(options: &Options) {
    let mut report = Report::new("dc-grid");
    let identity = Purertc::identity();
    let wanted = |cell: &Cell| options.cell.as_ref().is_none_or(|part| cell.name().contains(part.as_str()));
    let mut squares = Vec::new();
    for cell in Cell::all().filter(wanted) {
        let (percent, small) = transfer(cell, &identity, options);
        report.add(&cell.name(), SHARE, Purertc::NAME, percent);
        report.add(&cell.name(), SMALL, Purertc::NAME, small);
        squares.push(Square {
            column: cell.queue * RATES.len() + cell.rate,
            row: cell.round_trip * LOSSES.len() + cell.loss,
            percent,
        });
    }
    report.print(options.json);
    if let Some(file) = &options.svg {
        fs::write(file, picture(&squares)).expect("a file that can be written");
    }
}

fn picture(squares: &[Square]) -> String {
    let groups = QUEUES.map(|queue| format!("payload of the link; queue of {queue} BDP"));
    let first = |cell: &Cell| cell.loss == 0 && cell.round_trip == 0;
    let mut columns: Vec<_> = Cell::all().filter(first).collect();
    columns.sort_by_key(|cell| cell.queue);
    let columns: Vec<_> = columns.into_iter().map(Cell::column_name).collect();
    let rows = Cell::all().filter(|cell| cell.rate == 0 && cell.queue == 0);
    svg(&groups, &columns, &rows.map(Cell::row_name).collect::<Vec<_>>(), squares)
}

/// The share of the link that a transfer gets, in percent, and the 99th percentile of how long small messages take beside it.
fn transfer(cell: Cell, identity: &Certificate, options: &Options) -> (f64, f64) {
    let path = cell.path();
    let mut network = Network::new([pair(identity, options.congestion, 1)], path, 7);
    network.connect();
    let message = [7; MESSAGE];
    let every = (path.round_trip / 4).max(Duration::from_millis(5));
    let mut next = network.now;
    let mut traced = network.now;
    let mut feed = |_, stack: &mut Purertc, now: Time| {
        if options.trace && now >= traced {
            trace(stack, now);
            traced = now + path.round_trip;
        }
        let due = now >= next;
        if due {
            stack.send_beside(now);
            next = now + every;
        }
        fill(stack, now, &message) || due
    };
    network.run_until(network.now + Duration::from_secs(1) + 20 * path.round_trip, &mut feed);
    let receiver = |network: &mut Network<Purertc>| {
        let stack = &mut network.pairs[0][1].stack;
        (stack.received().bytes, std::mem::take(&mut stack.delays))
    };
    let (before, _) = receiver(&mut network);
    network.run_until(network.now + cell.span(), &mut feed);
    let (after, mut delays) = receiver(&mut network);
    delays.sort();
    let small = delays.get(delays.len() * 99 / 100).map_or(f64::INFINITY, Duration::as_secs_f64);
    let percent = (after - before) as f64 * 8.0 / cell.span().as_secs_f64() / path.rate * 100.0;
    (percent, small / path.round_trip.as_secs_f64())
}

fn trace(stack: &Purertc, now: Time) {
    let s = stack.sctp();
    let (millis, srtt) = (now.as_secs_f64() * 1e3, s.srtt.unwrap_or_default().as_secs_f64() * 1e3);
    eprintln!(
        "{millis:9.1} ms: srtt {srtt:6.1} ms, window {:9}, under way {:9}, unacknowledged {:6}, peer's window {:9}, sent {:11}, \
         again {:6}, timeouts {}",
        s.cwnd, s.in_flight, s.unacked_chunks, s.peer_rwnd, s.bytes_sent, s.chunks_retransmitted, s.timeouts
    );
}

/// Keeps the queue full. Whether something was added.
fn fill(stack: &mut Purertc, now: Time, message: &[u8]) -> bool {
    let mut wrote = false;
    while stack.send(now, message) {
        wrote = true;
    }
    wrote
}

/// Two peers that have each other's description; the first one's controller may be chosen.
fn pair(identity: &Certificate, congestion: Option<Congestion>, seed: u64) -> (Purertc, Purertc) {
    let (offerer, answerer) = setups(Profile::Default, Some(identity), seed);
    let mut chosen = configuration(Some(identity));
    if let Some(congestion) = congestion {
        chosen.data.sctp.congestion = congestion.algorithm();
    }
    let mut a = Purertc::configured(Time::ZERO, &offerer, chosen);
    let mut b = Purertc::configured(Time::ZERO, &answerer, configuration(Some(identity)));
    introduce(&mut a, &mut b);
    (a, b)
}

/// Bulk flows of two controllers, over a path that they share: what each gets of what both get.
pub fn fairness(options: &Options) {
    let mut report = Report::new("dc-fairness");
    let identity = Purertc::identity();
    let ours = options.congestion;
    for other in [Congestion::Cubic, Congestion::NewReno, Congestion::Bbr] {
        for (queue, millis) in [(1.0, 20), (1.0, 50), (0.1, 50), (1.0, 100)] {
            let path = Path { rate: 50e6, round_trip: Duration::from_millis(millis), queue, loss: 0.0 };
            let case = format!("beside {other:?}, {millis} ms, {queue} BDP");
            let [first, second] =
                share(path, [(ours, 1), (Some(other), 2)].map(|(c, s)| pair(&identity, c, s)));
            report.add(&case, OURS, Purertc::NAME, first / path.rate * 100.0);
            report.add(&case, OTHER, Purertc::NAME, second / path.rate * 100.0);
        }
    }
    report.print(options.json);
}

/// Bits a second that two flows get over a minute, once both have run for some seconds.
fn share(path: Path, pairs: [(Purertc, Purertc); 2]) -> [f64; 2] {
    let mut network = Network::new(pairs, path, 7);
    network.connect();
    let message = [7; MESSAGE];
    let mut feed = |_, stack: &mut Purertc, now| fill(stack, now, &message);
    network.run_until(network.now + Duration::from_secs(10), &mut feed);
    let received = |network: &Network<Purertc>| [0, 1].map(|n| network.pairs[n][1].stack.received().bytes);
    let before = received(&network);
    network.run_until(network.now + Duration::from_secs(60), &mut feed);
    let after = received(&network);
    [0, 1].map(|n| (after[n] - before[n]) as f64 * 8.0 / 60.0)
}
