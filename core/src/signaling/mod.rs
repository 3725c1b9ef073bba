//! Floor 3: offers and answers (RFC 9429). No clock, no bytes: descriptions in, decisions out.
//!
//! A [`Session`](session::Session) knows the four description slots and the signaling state. It writes offers
//! and answers, checks what the peer sends, and says what follows as [`Changes`](changes::Changes) for its
//! owner to carry out. It is neither a transport nor an association: what the local side has comes in as
//! [`LocalParameters`](local::LocalParameters).

mod agreement;
mod apply;
mod candidates;
pub mod changes;
mod checks;
mod content;
pub mod description;
pub mod error;
mod generations;
pub mod local;
mod plan;
mod rtp_checks;
pub mod session;
mod slots;
pub mod state;
#[cfg(test)]
mod tests;
mod text;
mod write;
