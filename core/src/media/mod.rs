//! Floor 3: audio and video as RTP. It takes and gives plain packets: sealing them and finding a way to the peer is
//! the transport's business, deciding what is sent is signaling's.
//!
//! So far there are the parts that need neither: payload formats, what a receiver counts and asks for, and what a
//! sender keeps.

pub mod codec;
pub mod receive;
pub mod send;
