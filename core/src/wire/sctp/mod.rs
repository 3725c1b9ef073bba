//! SCTP packets, chunks and parameters (RFC 9260 and extensions).
