//! Measures purertc beside the other sans-I/O WebRTC stacks of the Rust world. `README.md` says what and how.

mod alloc;
mod clock;
mod link;
mod media;
mod path;
mod report;
mod scenarios;
mod stacks;

use clap::{Parser, ValueEnum};

use crate::scenarios::{
    Options, bulk, child, connect, forward, grid, idle_mem, lossy, raw, real, rtp, scale, sctp_raw, sdp, sfu,
    srtp, stun_flood,
};

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
    /// Two processes, real sockets on loopback, beside the implementations with sockets of their own; not part of `all`
    DcReal,
    /// Thousands of peers behind one port, on real sockets; not part of `all`
    Scale,
    /// SCTP alone, with its checksum
    SctpRaw,
    /// Heap of a connected peer that is idle
    IdleMem,
    /// The floor: cipher, checksum, copy
    Raw,
    /// A million datagrams of unknown origin to an endpoint with a thousand peers
    StunFlood,
    /// A browser's offer of audio, video and data: read, and answered
    Sdp,
    /// One packet of media, sealed and opened
    Srtp,
    /// Packets of media through whole connections of 1, 20 and 200 sections
    Rtp,
    /// Packets of one publisher to 10 and 500 subscribers, and those idle
    MediaForward,
    /// Packets of one publisher to 100 subscribers, through a real socket
    SfuReal,
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
    if scenario == Scenario::DcReal && options.child.is_some() {
        return real::serve(&options);
    }
    if scenario == Scenario::Scale && options.child.is_some() {
        return scale::generate(&options);
    }
    if options.child.is_some() {
        return child::serve(&options);
    }
    // Its columns are other implementations.
    let has_own_columns = matches!(scenario, Scenario::DcReal | Scenario::Scale);
    let runners = if has_own_columns { Vec::new() } else { scenarios::chosen(&options) };
    if options.json {
        eprintln!("{}", report::machine());
    } else {
        println!("{}\n", report::machine());
    }
    let wants = |one| scenario == one || scenario == Scenario::All;
    if wants(Scenario::Raw) {
        raw::run(&options);
    }
    if wants(Scenario::Sdp) {
        sdp::run(&options);
    }
    if wants(Scenario::Srtp) {
        srtp::run(&options);
    }
    if wants(Scenario::Rtp) {
        rtp::run(&options);
    }
    if wants(Scenario::SfuReal) {
        sfu::run(&options);
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
    if scenario == Scenario::DcReal {
        real::run(&options);
    }
    if scenario == Scenario::Scale {
        scale::run(&options);
    }
    if wants(Scenario::SctpRaw) {
        sctp_raw::run(&options);
    }
    if wants(Scenario::IdleMem) {
        idle_mem::run(&options, &runners);
    }
    // These turn counting on, so they come last.
    if wants(Scenario::MediaForward) {
        forward::run(&options);
    }
    if wants(Scenario::StunFlood) {
        stun_flood::run(&options);
    }
}
