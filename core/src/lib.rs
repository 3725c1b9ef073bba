//! `purertc` is the WebRTC peer connection as a pure state machine.
//!
//! Datagrams, timestamps and API calls go in; transmits, deadlines and events come out. It never opens a
//! socket, reads a clock, spawns a thread or draws randomness that it was not handed.

pub mod base;
pub mod crypto;
pub mod data;
pub mod endpoint;
pub mod peer;
pub mod signaling;
pub mod transport;
pub mod wire;
