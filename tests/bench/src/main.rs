//! Measures purertc beside the other sans-I/O WebRTC stacks of the Rust world. `README.md` says what and how.

mod alloc;
mod clock;
mod link;
mod path;
mod report;
mod scenarios;
mod stacks;

use clap::{Parser, ValueEnum};

use crate::scenarios::{Options, bulk, child, connect, grid, idle_mem, lossy, raw, stun_flood};

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// From two fresh peers to a channel that is open at both ends
    Connect,
    /// One channel, no delay, as fast as it goes
    DcBulk,
    /// Ours over paths of every rate, delay and loss, and beside other flows; not part of `all`
    DcGrid,
    /// Two of our flows over one path, with different controllers; not part of `all`
    DcFairness,
    /// One channel over 100 Mbit/s and 50 ms, with and without loss
    DcLossy,
    /// Heap of a connected peer that is idle
    IdleMem,
    /// The floor: cipher, checksum, copy
    Raw,
    /// A million datagrams of unknown origin to an endpoint with a thousand peers
    StunFlood,
    /// All of them that take seconds
    All,
}

#[derive(Parser)]
#[command(
    about = "purertc beside the other sans-I/O WebRTC stacks: one thread, virtual clock, processor time"
)]
struct Cli {
    scenario: Scenario,
    #[command(flatten)]
    options: Options,
}

fn main() {
    let Cli { scenario, options } = Cli::parse();
    if options.child.is_some() {
        return child::serve(&options);
    }
    let runners = scenarios::chosen(&options);
    if options.json {
        eprintln!("{}", report::machine());
    } else {
        println!("{}\n", report::machine());
    }
    let wants = |one| scenario == one || scenario == Scenario::All;
    if wants(Scenario::Raw) {
        raw::run(&options);
    }
    if wants(Scenario::Connect) {
        connect::run(&options, &runners);
    }
    if wants(Scenario::DcBulk) {
        bulk::run(&options, &runners);
    }
    if scenario == Scenario::DcGrid {
        grid::run(&options);
    }
    if scenario == Scenario::DcFairness {
        grid::fairness(&options);
    }
    if wants(Scenario::DcLossy) {
        lossy::run(&options, &runners);
    }
    if wants(Scenario::IdleMem) {
        idle_mem::run(&options, &runners);
    }
    // Turns counting on, so it comes last.
    if wants(Scenario::StunFlood) {
        stun_flood::run(&options);
    }
}
