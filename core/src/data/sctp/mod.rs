//! SCTP associations (RFC 9260 and extensions).

pub mod config;
