//! Floor 0: time, randomness, addresses, ids and serial numbers, and what media is described with.
//!
//! Everything above stands on these types. None of them knows a protocol, and none reads a clock,
//! opens a socket or draws randomness that it was not handed.

pub mod drops;
pub mod identity;
pub mod ids;
pub mod io;
pub mod map;
pub mod media;
pub mod negotiated;
pub mod net;
pub mod parameters;
pub mod priority;
pub mod queue;
pub mod random;
pub mod redact;
pub mod routes;
pub mod seq;
pub mod time;
pub mod timers;
pub mod w3c;
