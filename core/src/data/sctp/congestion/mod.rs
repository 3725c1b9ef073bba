//! Congestion control: how much may be under way, and how fast it goes.
//!
//! A controller knows bytes and time; streams, messages and chunks are not its business.

pub mod bbr;
pub mod cubic;
pub mod hystart;
pub mod newreno;

use crate::base::time::Instant;
use crate::data::sctp::config::CongestionAlgorithm;
use std::fmt::Debug;
use std::time::Duration;

/// Packets of the initial window (RFC 6928, as other implementations of WebRTC do; RFC 9260 has about four).
pub(super) const INITIAL_PACKETS: usize = 10;

/// What an acknowledgement said.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    /// When it came.
    pub now: Instant,
    /// Bytes of chunks that are acknowledged for the first time.
    pub bytes: usize,
    /// Bytes of chunks that it showed to be lost.
    pub lost: usize,
    /// Bytes that were under way before it.
    pub in_flight_before: usize,
    /// Bytes that are under way after it.
    pub in_flight: usize,
    /// Whether the cumulative acknowledgement moved.
    pub cumulative: bool,
    /// Whether a loss is being repaired.
    pub recovering: bool,
    /// The round trip that it measured, if it did.
    pub rtt: Option<Duration>,
    /// The smoothed round trip, once measured.
    pub srtt: Option<Duration>,
    /// How fast data arrives, as the newest packet that it acknowledges tells.
    pub sample: Option<Sample>,
}

/// A measurement of the rate at which data arrives (draft-ietf-ccwg-bbr §4.1), made with one packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Bytes that have ever arrived.
    pub delivered: u64,
    /// The same when the packet was sent.
    pub prior_delivered: u64,
    /// The time in which the difference arrived, or was sent if that took longer.
    pub interval: Duration,
    /// Bytes that were found lost since the packet was sent.
    pub lost: u64,
    /// Bytes under way when the packet had been sent, itself included.
    pub in_flight: usize,
    /// Whether there was too little to send for the path to show what it can do.
    pub app_limited: bool,
}

/// A congestion controller. It owns the window and the threshold.
///
/// A mark by explicit congestion notification, where a transport has it, is told as a loss.
pub trait Controller: Debug + Send {
    /// Bytes of chunks that may be under way.
    fn window(&self) -> usize;

    /// The slow-start threshold in bytes; `usize::MAX` before the first loss.
    fn threshold(&self) -> usize;

    /// Bytes a second at which packets leave; `None` where only the window holds them back.
    fn pacing_rate(&self) -> Option<u64>;

    /// Something was acknowledged.
    fn on_ack(&mut self, ack: &Ack);

    /// A loss was found by acknowledgements; called once for each episode of recovery.
    fn on_loss(&mut self, now: Instant, in_flight: usize);

    /// The retransmission timer fired.
    fn on_timeout(&mut self, now: Instant, in_flight: usize);

    /// All that the last [`on_loss`](Self::on_loss) was called for had arrived after all.
    fn on_spurious(&mut self, now: Instant);

    /// Something is sent after nothing was under way for `idle`.
    fn on_restart(&mut self, now: Instant, idle: Duration);

    /// The largest packet changed, in bytes.
    fn on_mtu(&mut self, mtu: usize);
}

/// A controller of the kind that was chosen, for packets of at most `mtu` bytes.
#[must_use]
pub fn controller(algorithm: CongestionAlgorithm, mtu: usize) -> Box<dyn Controller> {
    match algorithm {
        CongestionAlgorithm::NewReno => Box::new(newreno::NewReno::new(mtu)),
        CongestionAlgorithm::Bbr => Box::new(bbr::Bbr::new(mtu)),
        CongestionAlgorithm::Cubic => Box::new(cubic::Cubic::new(mtu)),
    }
}

/// The rate at which a window of such a size leaves in a round trip, times a gain in percent.
// RFC 9002 §7.7: a little more than the window would give, so that pacing never is the limit in the long run.
pub(super) fn window_rate(window: usize, srtt: Option<Duration>, gain: u64) -> Option<u64> {
    let micros = u64::try_from(srtt?.as_micros()).unwrap_or(u64::MAX).max(1);
    Some((window as u64).saturating_mul(10_000 * gain) / micros)
}
