//! Floor 3: data channels over SCTP (RFC 8831, RFC 8832, RFC 9260).

pub mod sctp;
