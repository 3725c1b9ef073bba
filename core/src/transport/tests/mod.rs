//! Two transports, the NATs before them and the servers behind, with a virtual clock.

mod gathering;
mod names;
mod net;
mod relay;
mod streams;
mod turn_server;
