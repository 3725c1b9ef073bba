//! Two connections in one process, over loopback: the adapter's promises, on real sockets.

mod cancel;
mod crew;
mod endpoint;
mod ends;
mod faults;
mod media;
mod messages;
mod names;
mod pressure;
mod sequences;
mod signaling;
mod stream;
mod support;
mod tcp;
