//! Congestion control: how much may be under way.
//!
//! A controller knows bytes and time; streams, messages and chunks are not its business.

pub mod newreno;

use crate::base::time::Instant;
use std::fmt::Debug;
use std::time::Duration;

/// What an acknowledgement said.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// When it came.
    pub now: Instant,
    /// Bytes of chunks that are acknowledged for the first time.
    pub bytes: usize,
    /// Bytes that were under way before it.
    pub in_flight_before: usize,
    /// Whether the cumulative acknowledgement moved.
    pub cumulative: bool,
    /// Whether a loss is being repaired.
    pub recovering: bool,
    /// The smoothed round trip, once measured.
    pub srtt: Option<Duration>,
}

/// A congestion controller. It owns the window and the threshold.
pub trait Controller: Debug + Send {
    /// Bytes of chunks that may be under way.
    fn window(&self) -> usize;

    /// The slow-start threshold in bytes; `usize::MAX` before the first loss.
    fn threshold(&self) -> usize;

    /// Something was acknowledged.
    fn on_ack(&mut self, ack: &Ack);

    /// A loss was found by acknowledgements; called once for each episode of recovery.
    fn on_loss(&mut self, now: Instant, in_flight: usize);

    /// The retransmission timer fired.
    fn on_timeout(&mut self, now: Instant, in_flight: usize);

    /// The largest packet changed, in bytes.
    fn on_mtu(&mut self, mtu: usize);
}
