//! STUN messages (RFC 8489) with the attributes of ICE (RFC 8445).

/// The local user fragment that a Binding request is addressed to: what stands before the colon of its USERNAME.
///
/// Looks at no more than it must and proves nothing: it is for routing a first request to the peer whose
/// credentials can then authenticate it.
#[must_use]
pub fn peek_username(datagram: &[u8]) -> Option<&str> {
    let _ = datagram;
    todo!()
}
