//! Floor 1: formats, and nothing else.
//!
//! Bytes become values here and nowhere else. A parser in this folder has no clock, no keys and no state.
//!
//! # The panic contract
//!
//! No byte that a network or a peer can send makes anything in this folder panic, loop without end, or
//! allocate more than a small multiple of the input's length. Every parser returns a typed
//! [`ParseError`](cursor::ParseError), keeps codepoints that it does not know, and has a property test that
//! feeds it arbitrary bytes.

pub mod candidate;
pub mod cursor;
pub mod dcep;
mod decimal;
pub mod dtls;
pub mod fingerprint;
pub mod framing;
pub mod identity;
pub mod mdns;
pub mod registry;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod sdp;
pub mod server_url;
pub mod stun;
