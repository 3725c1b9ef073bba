//! Binds the [`purertc`] peer connection to mio sockets: no threads, no async.
//!
//! A [`Driver`] owns one connection and its sockets. It lives in the program's own `mio::Poll`, next to whatever
//! else waits there: give it the events, ask it for the time of the next call, read what happened.
//!
//! ```no_run
//! use mio::{Events, Poll, Token};
//! use purertc::{Configuration, DataChannelInit};
//! use purertc_mio::{Driver, net::SocketSettings};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut poll = Poll::new()?;
//! let mut events = Events::with_capacity(64);
//! let mut driver =
//!     Driver::new(Configuration::default(), &SocketSettings::default(), poll.registry(), Token(0))?;
//! let now = driver.now();
//! driver.connection().create_data_channel("chat", DataChannelInit::default())?;
//! driver.connection().set_local_description(now, None)?;
//! loop {
//!     while let Some(event) = driver.poll_event() {
//!         println!("{event:?}");
//!     }
//!     driver.flush();
//!     poll.poll(&mut events, driver.timeout())?;
//!     driver.turn(&events);
//! }
//! # }
//! ```
//!
//! A program without a loop has [`Driver::run`]. A server with many peers has [`Driver::endpoint_on`], or
//! [`Driver::endpoint_in`] in each of several threads.
//!
//! [`net`] is the half that has nothing to do with mio: sockets with segmentation offload, streams, names, interfaces,
//! the clock.
//! Adapters to other runtimes build on it; `purertc-tokio` does.

mod driver;
mod error;
pub mod net;
mod runtime;

pub use driver::Driver;
pub use error::SetupError;
