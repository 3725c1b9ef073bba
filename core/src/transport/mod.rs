//! Floor 2: how bytes reach the peer and come back: ICE, DTLS, and soon TURN and SRTP.

pub mod dtls;
pub mod ice;
