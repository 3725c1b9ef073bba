//! Interactive connectivity establishment (RFC 8445).
