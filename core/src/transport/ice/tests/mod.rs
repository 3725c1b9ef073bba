//! Two agents on a small network with a virtual clock, and scripted peers.

mod attacks;
mod change;
mod connect;
mod modes;
mod net;
mod properties;
mod restart;
mod rules;
mod scripted;
mod watch;
