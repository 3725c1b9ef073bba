//! Session descriptions as typed values (RFC 8866 and the attributes of RFC 9429).
//!
//! [`Description::parse`](description::Description::parse) reads a text in one pass and borrows from it;
//! printing writes it back. Attributes without a type here are kept as they are, so that reading and printing
//! changes nothing but spelling (letter case of hashes and transports, order of candidate extensions, line
//! endings). What a description
//! means, and whether it may be accepted, is decided on the signaling floor.

pub mod attribute;
pub mod description;
mod error;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use crate::wire::sdp::error::{SdpError, SdpErrorReason};
pub use crate::wire::sdp::parse::{
    MAX_CANDIDATES, MAX_FORMATS, MAX_LENGTH, MAX_LINES_PER_SECTION, MAX_SECTIONS,
};
