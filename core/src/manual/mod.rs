//! The manual: how to choose, tune and move. Pages of text; the reference is everywhere else.
//!
//! * [`sockets_and_threads`]: which package, how many sockets, which thread does what.
//! * [`tuning`]: the settings that matter, their defaults, and what moves them.
//! * [`moving`]: from the browser's API, from webrtc-rs and from str0m, name by name.

pub mod moving;
pub mod sockets_and_threads;
pub mod tuning;
