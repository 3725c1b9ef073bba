//! What happens to the packets of one stream that the peer sends.

pub mod arrivals;
pub mod gaps;
pub mod reception;
