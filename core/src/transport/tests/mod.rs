//! Two transports, the NATs before them and the servers behind, with a virtual clock.

mod gathering;
mod ids;
mod media;
mod names;
mod net;
mod relay;
mod sped;
mod streams;
mod turn_server;
