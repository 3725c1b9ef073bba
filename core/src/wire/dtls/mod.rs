//! DTLS 1.2 (RFC 6347) and DTLS 1.3 (RFC 9147): records, handshake messages, extensions and alerts as values.
//!
//! Shapes only. Which message is welcome when, which value is acceptable and what anything means is decided by
//! the state machine. Codepoints that this build has no name for are kept as they are.

pub mod alert;
pub mod codepoints;
pub mod connection_id;
pub mod extension;
pub mod handshake;
pub mod hello;
pub mod message12;
pub mod message13;
pub mod record;
pub mod unified;
pub mod vector;

#[cfg(test)]
mod tests;
