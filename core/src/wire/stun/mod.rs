//! STUN messages (RFC 8489) with the attributes of ICE (RFC 8445).
