//! Floor 3: audio and video as RTP. It takes and gives plain packets: sealing them and finding a way to the peer is
//! the transport's business, deciding what is sent is signaling's.

pub mod codec;
