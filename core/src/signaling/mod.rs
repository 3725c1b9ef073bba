//! Floor 3: offers and answers (RFC 9429). No clock, no bytes: descriptions in, decisions out.
//!
//! A [`Session`](session::Session) knows the four description slots and the signaling state. It writes offers
//! and answers, checks what the peer sends, and says what follows as [`Changes`](changes::Changes) for its
//! owner to carry out. It is neither a transport nor an association: what the local side has comes in as
//! [`LocalParameters`](local::LocalParameters).

mod accept;
mod agreement;
mod apply;
mod associate;
mod candidates;
pub mod changes;
mod checks;
mod codecs;
mod content;
pub mod description;
pub mod error;
pub mod fast_setup;
mod generations;
mod header_extensions;
pub mod identity;
pub mod local;
pub mod media_error;
mod media_plan;
mod negotiated;
mod negotiation;
mod parameters;
mod payloads;
mod plan;
mod profiles;
mod rtp;
mod rtp_checks;
pub mod session;
mod slots;
mod split;
pub mod state;
#[cfg(test)]
mod tests;
mod text;
pub mod transceiver;
mod verbs;
mod write;
