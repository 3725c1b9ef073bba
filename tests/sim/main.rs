//! Whole connections on a virtual clock and a seeded network: what must hold between two peers whatever the
//! network does, and what no peer can do to another.
//!
//! `PURERTC_SIM_SEED=<number>` replays the world that a failure printed. `PURERTC_SIM_DAY=<seconds>` makes the day longer.

mod attacks;
mod day;
mod determinism;
mod endpoint;
mod lifecycle;
mod messages;
mod world;
