//! Whole connections on a virtual clock and a seeded network: what must hold between two peers whatever the
//! network does, and what no peer can do to another.
//!
//! `PURERTC_SIM_SEED=<number>` replays the world that a failure printed. `PURERTC_SIM_DAY=<seconds>` makes the day longer.

mod attacks;
mod day;
mod determinism;
mod endpoint;
mod fast_setup;
mod lifecycle;
mod media;
mod media_pace;
mod media_protection;
mod media_signaling;
mod media_stats;
mod messages;
mod nat;
mod objects;
mod rtcp;
mod transports;
// The strict server of the transport's own tests, which names what it needs by the paths of the core.
#[path = "../../core/src/transport/tests/turn_server.rs"]
#[allow(dead_code, reason = "the transport's tests use more of it")]
mod turn_server;
mod world;

use purertc::{base, crypto, transport, wire};
