//! What happens to the packets of one stream that the peer sends.

pub mod arrivals;
pub(super) mod congestion;
pub(super) mod corrector;
pub(super) mod frames;
pub mod gaps;
pub mod playout;
pub mod reception;
pub(super) mod stream;
