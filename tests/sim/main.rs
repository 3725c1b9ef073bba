//! Whole connections on a virtual clock and a seeded network: what must hold between two peers whatever the
//! network does, and what no peer can do to another.
//!
//! `PURERTC_SIM_SEED=<number>` replays the world that a failure printed.

mod attacks;
mod determinism;
mod endpoint;
mod lifecycle;
mod media_signaling;
mod messages;
mod world;
