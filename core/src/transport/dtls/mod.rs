//! DTLS connections (RFC 6347; RFC 9147 next).
