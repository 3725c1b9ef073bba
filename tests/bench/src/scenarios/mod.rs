//! The scenarios: each is written once over [`Stack`], and run for every stack in turn within each run, so that what
//! disturbs the machine disturbs them alike.

pub mod bulk;
pub mod child;
pub mod connect;
pub mod forward;
pub mod grid;
pub mod heat_map;
pub mod idle_mem;
pub mod lossy;
pub mod raw;
pub mod real;
pub mod rtp;
pub mod scale;
pub mod sctp_raw;
pub mod sdp;
pub mod sfu;
pub mod srtp;
pub mod srtp_rivals;
pub mod stun_flood;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use clap::Args;

use crate::clock::Time;
use crate::link::Pair;
use crate::scenarios::bulk::{Counted, Timed};
use crate::scenarios::connect::Opening;
use crate::scenarios::grid::Congestion;
use crate::scenarios::lossy::Lossy;
use crate::stacks::{self, Profile, Protocols, Setup, Stack};

/// One way, where the time on the way is not what is measured.
pub const SHORT_DELAY: Duration = Duration::from_micros(100);

#[derive(Args)]
pub struct Options {
    /// Runs of each figure, of which the median is shown
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Only the stacks whose name contains this
    #[arg(long)]
    pub only: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Processor seconds a timed run
    #[arg(long, default_value_t = 0.5)]
    pub secs: f64,
    /// connect: connections a run
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub iters: u32,
    /// connect: one-way delay of the link in milliseconds, where round trips are counted
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub delay_ms: u64,
    /// idle-mem: connected pairs
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub pairs: u32,
    /// dc-grid: a file for the heat map (SVG)
    #[arg(long)]
    pub svg: Option<PathBuf>,
    /// dc-grid: the congestion controller, instead of the default
    #[arg(long, value_enum)]
    pub congestion: Option<Congestion>,
    /// connect: openings behind each median and percentile under loss
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(20..))]
    pub openings: u64,
    /// dc-grid: only the cells whose name contains this, such as "100 ms"; connect: only the case of this name
    #[arg(long)]
    pub cell: Option<String>,
    /// dc-grid: prints what the sender knows of the path, once a round trip; connect: prints the slowest openings
    #[arg(long)]
    pub trace: bool,
    /// dc-real: bytes of a datagram, besides the default
    #[arg(long)]
    pub mtu: Option<usize>,
    /// scale: peers that are idle
    #[arg(long, default_value_t = 10_000)]
    pub peers: usize,
    /// scale: peers that begin in a second
    #[arg(long, default_value_t = 1_000.0)]
    pub rate: f64,
    /// Datagrams handed over at once, instead of each stack's best
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub batch: Option<u16>,
    /// dc-real: the process is the one that offers, and sends
    #[arg(long, hide = true)]
    pub offer: bool,
    /// The program calls itself with this for figures that need a process of their own
    #[arg(long, hide = true)]
    pub child: Option<String>,
}

impl Options {
    /// Whether the stack of this name was asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| name.contains(only))
    }
}

/// The scenarios of one stack.
pub struct Runner {
    pub name: &'static str,
    pub connect_micros: fn(&Options, shared: bool) -> f64,
    pub creation_micros: fn(&Options) -> f64,
    pub speaks: fn(Protocols) -> bool,
    pub opening: fn(&Options, Profile, loss: f64, seed: u64) -> Opening,
    pub bulk: fn(&Options, message: usize) -> Timed,
    pub bulk_counted: fn(&Options, message: usize) -> Counted,
    pub idle_heap: fn(&Options) -> f64,
    pub lossy: fn(seed: u64, loss: f64) -> Lossy,
}

impl Runner {
    pub fn of<S: Stack>() -> Self {
        Self {
            name: S::NAME,
            connect_micros: connect::micros_per_pair::<S>,
            creation_micros: connect::creation_micros::<S>,
            speaks: S::speaks,
            opening: connect::opening::<S>,
            bulk: bulk::timed::<S>,
            bulk_counted: bulk::counted::<S>,
            idle_heap: idle_mem::heap_per_peer::<S>,
            lossy: lossy::transfer::<S>,
        }
    }
}

/// The stacks that were asked for; ends the program when there are none.
pub fn chosen(options: &Options) -> Vec<Runner> {
    let mut runners = stacks::all();
    let known: Vec<_> = runners.iter().map(|runner| runner.name).collect();
    runners.retain(|runner| options.wants(runner.name));
    if runners.is_empty() {
        eprintln!("no such stack; there are {}", known.join(", "));
        exit(2);
    }
    runners
}

/// Two peers that have been built and know nothing of each other.
fn build<S: Stack>(profile: Profile, identity: Option<&S::Identity>, seed: u64) -> (S, S) {
    let (offerer, answerer) = setups(profile, identity, seed);
    (S::new(Time::ZERO, &offerer), S::new(Time::ZERO, &answerer))
}

/// What the two peers of a pair are built from.
pub fn setups<I>(profile: Profile, identity: Option<&I>, seed: u64) -> (Setup<'_, I>, Setup<'_, I>) {
    let a = SocketAddr::from(([192, 0, 2, 1], 1000));
    let b = SocketAddr::from(([192, 0, 2, 2], 2000));
    let offerer = Setup { profile, local: a, remote: b, identity, seed: 2 * seed };
    let answerer = Setup { profile, local: b, remote: a, identity, seed: 2 * seed + 1 };
    (offerer, answerer)
}

/// Gives two peers each other's description.
fn introduce<S: Stack>(a: &mut S, b: &mut S) {
    let offer = a.offer(Time::ZERO);
    let answer = b.answer(Time::ZERO, &offer);
    a.accept(Time::ZERO, &answer);
}

/// Builds two peers and connects them over a link with [`SHORT_DELAY`] until the channel is open at both ends.
fn connect_pair<S: Stack>(options: &Options, identity: Option<&S::Identity>, seed: u64) -> Pair<S> {
    let (mut a, mut b) = build::<S>(Profile::Default, identity, seed);
    introduce(&mut a, &mut b);
    let mut pair = Pair::new(a, b, SHORT_DELAY, batch::<S>(options));
    pair.run_until_open();
    pair
}

fn batch<S: Stack>(options: &Options) -> usize {
    options.batch.map_or(S::BATCH, usize::from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::{Options, connect_pair};
    use crate::stacks::rtc::Rtc;
    use crate::stacks::str0m::Str0m;
    use crate::stacks::{QUEUE, Stack};

    #[derive(Parser)]
    struct Defaults {
        #[command(flatten)]
        options: Options,
    }

    fn delivers_and_pushes_back<S: Stack>() {
        let Defaults { options } = Defaults::parse_from(["bench"]);
        let mut pair = connect_pair::<S>(&options, None, 1);
        let message = [7; 1000];
        let mut sent = 0;
        while pair.a.stack.send(pair.now, &message) {
            sent += 1;
            assert!(sent * message.len() <= 2 * QUEUE, "{} queues without bound", S::NAME);
        }
        pair.a.drain(pair.now);
        pair.run_for(Duration::from_secs(1));
        let received = pair.b.stack.received();
        assert_eq!((received.messages, received.bytes), (sent as u64, 1000 * sent as u64), "{}", S::NAME);
    }

    #[test]
    fn every_stack_delivers_what_it_took_and_refuses_the_rest() {
        delivers_and_pushes_back::<Str0m>();
        delivers_and_pushes_back::<Rtc>();
    }
}
