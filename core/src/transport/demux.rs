//! What a datagram is, by its first byte (RFC 7983 §7).

/// The protocols that share a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 0 to 3.
    Stun,
    /// 20 to 63.
    Dtls,
    /// 64 to 79.
    TurnChannel,
    /// 128 to 191.
    Rtp,
    /// Another first byte; ZRTP and QUIC among them, which nothing here speaks.
    Unknown,
}

/// What begins with `first`.
#[must_use]
pub const fn kind(first: u8) -> Kind {
    match first {
        0..=3 => Kind::Stun,
        20..=63 => Kind::Dtls,
        64..=79 => Kind::TurnChannel,
        128..=191 => Kind::Rtp,
        _ => Kind::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn ranges_are_those_of_the_rfc() {
        let count = |wanted| (0..=u8::MAX).filter(|&byte| kind(byte) == wanted).count();
        assert_eq!(count(Kind::Stun), 4);
        assert_eq!(count(Kind::Dtls), 44);
        assert_eq!(count(Kind::TurnChannel), 16);
        assert_eq!(count(Kind::Rtp), 64);
        assert_eq!(count(Kind::Unknown), 128);
        assert_eq!((kind(22), kind(0), kind(128)), (Kind::Dtls, Kind::Stun, Kind::Rtp));
    }
}
