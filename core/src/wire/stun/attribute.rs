//! The attributes: types, values, and their bytes both ways.

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::stun::{MAGIC_COOKIE, TransactionId};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

crate::registry! {
    /// What an attribute is. Below 0x8000 it must be understood, from there on it may be ignored.
    pub enum AttributeType: u16 {
        /// RFC 8489
        MappedAddress = 0x0001,
        /// RFC 8489
        Username = 0x0006,
        /// RFC 8489
        MessageIntegrity = 0x0008,
        /// RFC 8489
        ErrorCode = 0x0009,
        /// RFC 8489
        UnknownAttributes = 0x000A,
        /// RFC 8656
        ChannelNumber = 0x000C,
        /// RFC 8656
        Lifetime = 0x000D,
        /// RFC 8656
        XorPeerAddress = 0x0012,
        /// RFC 8656
        Data = 0x0013,
        /// RFC 8489
        Realm = 0x0014,
        /// RFC 8489
        Nonce = 0x0015,
        /// RFC 8656
        XorRelayedAddress = 0x0016,
        /// RFC 8656
        RequestedAddressFamily = 0x0017,
        /// RFC 8656
        EvenPort = 0x0018,
        /// RFC 8656
        RequestedTransport = 0x0019,
        /// RFC 8656
        DontFragment = 0x001A,
        /// RFC 7635
        AccessToken = 0x001B,
        /// RFC 8489
        MessageIntegritySha256 = 0x001C,
        /// RFC 8489
        PasswordAlgorithm = 0x001D,
        /// RFC 8489
        UserHash = 0x001E,
        /// RFC 8489
        XorMappedAddress = 0x0020,
        /// RFC 8656
        ReservationToken = 0x0022,
        /// RFC 8445
        Priority = 0x0024,
        /// RFC 8445
        UseCandidate = 0x0025,
        /// RFC 6062
        ConnectionId = 0x002A,
        /// RFC 8656
        AdditionalAddressFamily = 0x8000,
        /// RFC 8656
        AddressErrorCode = 0x8001,
        /// RFC 8489
        PasswordAlgorithms = 0x8002,
        /// RFC 8489
        AlternateDomain = 0x8003,
        /// RFC 8656
        Icmp = 0x8004,
        /// RFC 8489
        Software = 0x8022,
        /// RFC 8489
        AlternateServer = 0x8023,
        /// RFC 8489
        Fingerprint = 0x8028,
        /// RFC 8445
        IceControlled = 0x8029,
        /// RFC 8445
        IceControlling = 0x802A,
        /// RFC 7635
        ThirdPartyAuthorization = 0x802E,
        /// draft-thatcher-ice-renomination
        Nomination = 0xC001,
        /// draft-hancke-webrtc-sped
        DtlsInStun = 0xC070,
        /// draft-hancke-webrtc-sped
        DtlsInStunAck = 0xC071,
    }
}

/// The longest USERNAME (RFC 8489 §14.3).
const MAX_USERNAME: usize = 508;
/// The longest REALM, NONCE, SOFTWARE and reason phrase (RFC 8489 §14.8 to §14.14).
const MAX_TEXT: usize = 763;

/// An attribute with its value. Borrows from the datagram when received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// Our address as the other side saw it, in the clear.
    MappedAddress(SocketAddr),
    /// The same, made unrecognisable for meddling NATs.
    XorMappedAddress(SocketAddr),
    /// In ICE the receiver's user fragment, a colon, the sender's.
    Username(&'a str),
    /// Why a request was refused.
    ErrorCode(ErrorCode<'a>),
    /// The attributes that were not understood.
    UnknownAttributes(Codes<'a>),
    /// For long-term credentials.
    Realm(&'a str),
    /// For long-term credentials.
    Nonce(&'a str),
    /// The hash of user name and realm.
    UserHash(&'a [u8; 32]),
    /// The algorithm chosen, with parameters, as on the wire.
    PasswordAlgorithm(&'a [u8]),
    /// The algorithms offered, as on the wire.
    PasswordAlgorithms(&'a [u8]),
    /// An OAuth token (RFC 7635), as on the wire.
    AccessToken(&'a [u8]),
    /// The name of an OAuth server (RFC 7635).
    ThirdPartyAuthorization(&'a str),
    /// What the sender is.
    Software(&'a str),
    /// The server to try instead.
    AlternateServer(SocketAddr),
    /// The name of the server to try instead.
    AlternateDomain(&'a str),
    /// The priority that a peer-reflexive candidate learnt from this check would have.
    Priority(u32),
    /// The pair is nominated.
    UseCandidate,
    /// The sender is the controlled agent; its tie-breaker.
    IceControlled(u64),
    /// The sender is the controlling agent; its tie-breaker.
    IceControlling(u64),
    /// The pair is nominated for the n-th time.
    Nomination(u32),
    /// A TURN channel.
    ChannelNumber(u16),
    /// Seconds that an allocation lives.
    Lifetime(u32),
    /// The peer's address, as seen by the TURN server.
    XorPeerAddress(SocketAddr),
    /// The address allocated.
    XorRelayedAddress(SocketAddr),
    /// What a peer sent or is sent.
    Data(&'a [u8]),
    /// 1 for IPv4, 2 for IPv6.
    RequestedAddressFamily(u8),
    /// 1 for IPv4, 2 for IPv6.
    AdditionalAddressFamily(u8),
    /// An even port is asked for; `true` to reserve the next one too.
    EvenPort(bool),
    /// 17 for UDP, 6 for TCP.
    RequestedTransport(u8),
    /// Relayed packets are not to be fragmented.
    DontFragment,
    /// Names a reserved port.
    ReservationToken([u8; 8]),
    /// Why one family of two was not allocated: the family, and the reason.
    AddressErrorCode(u8, ErrorCode<'a>),
    /// An ICMP message came for a peer: type, code, data.
    Icmp(u8, u8, [u8; 4]),
    /// A TURN TCP connection.
    ConnectionId(u32),
    /// DTLS records that ride in a check; may be empty.
    DtlsInStun(&'a [u8]),
    /// CRC-32 values of DTLS records that arrived, as on the wire.
    DtlsInStunAck(&'a [u8]),
    /// Type and value of what has no name here, or a malformed value that may be ignored.
    Unknown(u16, &'a [u8]),
}

/// An error code (300 to 699) and its reason phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// Class times 100 plus number.
    pub code: u16,
    /// For humans.
    pub reason: &'a str,
}

impl<'a> ErrorCode<'a> {
    /// Try another server.
    pub const TRY_ALTERNATE: u16 = 300;
    /// Malformed.
    pub const BAD_REQUEST: u16 = 400;
    /// Credentials are missing or wrong.
    pub const UNAUTHENTICATED: u16 = 401;
    /// An attribute was not understood.
    pub const UNKNOWN_ATTRIBUTE: u16 = 420;
    /// The peer must not be reached through this server.
    pub const FORBIDDEN: u16 = 403;
    /// There is no such allocation, or there is one already.
    pub const ALLOCATION_MISMATCH: u16 = 437;
    /// Relayed addresses of this family are not to be had.
    pub const FAMILY_NOT_SUPPORTED: u16 = 440;
    /// The nonce is too old.
    pub const STALE_NONCE: u16 = 438;
    /// Both agents take the same role (RFC 8445 §7.3.1.1).
    pub const ROLE_CONFLICT: u16 = 487;

    fn decode(number: [u8; 2], reason: &'a [u8]) -> Result<Self, ParseError> {
        let (class, number) = (number[0] & 0x07, number[1]);
        if !(3..=6).contains(&class) || number > 99 {
            return Err(ParseError::BadValue("ERROR-CODE"));
        }
        // The phrase is for humans: a broken one does not break the code.
        let reason = text(reason, MAX_TEXT).unwrap_or_default();
        Ok(Self { code: u16::from(class) * 100 + u16::from(number), reason })
    }

    fn encode(&self, first: u16, out: &mut Vec<u8>) {
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&[(self.code / 100) as u8, (self.code % 100) as u8]);
        out.extend_from_slice(self.reason.as_bytes());
    }
}

/// A list of attribute types, as on the wire: two bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes<'a>(&'a [u8]);

impl<'a> Codes<'a> {
    /// Over big-endian 16-bit codes; a last odd byte is ignored.
    #[must_use]
    pub const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The types.
    pub fn iter(&self) -> impl Iterator<Item = AttributeType> {
        self.0.chunks_exact(2).map(|code| AttributeType::from(u16::from_be_bytes([code[0], code[1]])))
    }
}

impl<'a> Attribute<'a> {
    /// Whether a receiver that does not know it has to refuse the message (RFC 8489 §14).
    #[must_use]
    pub const fn must_be_understood(code: u16) -> bool {
        code < 0x8000
    }

    pub(super) fn decode(kind: u16, value: &'a [u8], id: TransactionId) -> Result<Self, ParseError> {
        match Self::decode_value(kind, value, id) {
            Err(_) if !Self::must_be_understood(kind) => Ok(Self::Unknown(kind, value)),
            read => read,
        }
    }

    fn decode_value(kind: u16, value: &'a [u8], id: TransactionId) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        Ok(match AttributeType::from(kind) {
            AttributeType::MappedAddress => Self::MappedAddress(plain_address(value)?),
            AttributeType::XorMappedAddress => Self::XorMappedAddress(xor_address(value, id)?),
            AttributeType::AlternateServer => Self::AlternateServer(plain_address(value)?),
            AttributeType::Username => Self::Username(text(value, MAX_USERNAME)?),
            AttributeType::Realm => Self::Realm(text(value, MAX_TEXT)?),
            AttributeType::Nonce => Self::Nonce(text(value, MAX_TEXT)?),
            AttributeType::Software => Self::Software(text(value, MAX_TEXT)?),
            AttributeType::AlternateDomain => Self::AlternateDomain(text(value, MAX_TEXT)?),
            AttributeType::ThirdPartyAuthorization => Self::ThirdPartyAuthorization(text(value, MAX_TEXT)?),
            AttributeType::ErrorCode => {
                r.u16()?;
                let number = r.array()?;
                Self::ErrorCode(ErrorCode::decode(number, r.rest())?)
            }
            AttributeType::UnknownAttributes => Self::UnknownAttributes(Codes(value)),
            AttributeType::UserHash => {
                Self::UserHash(value.try_into().map_err(|_| ParseError::BadValue("USERHASH"))?)
            }
            AttributeType::PasswordAlgorithm => Self::PasswordAlgorithm(value),
            AttributeType::PasswordAlgorithms => Self::PasswordAlgorithms(value),
            AttributeType::AccessToken => Self::AccessToken(value),
            AttributeType::Priority => Self::Priority(exactly(r, Reader::u32)?),
            AttributeType::UseCandidate => exactly(r, |_| Ok(Self::UseCandidate))?,
            AttributeType::IceControlled => Self::IceControlled(exactly(r, Reader::u64)?),
            AttributeType::IceControlling => Self::IceControlling(exactly(r, Reader::u64)?),
            AttributeType::Nomination => Self::Nomination(exactly(r, Reader::u32)?),
            AttributeType::DtlsInStun => Self::DtlsInStun(value),
            AttributeType::DtlsInStunAck => Self::DtlsInStunAck(value),
            _ => return Self::decode_relay_value(kind, value, id),
        })
    }

    /// What only TURN uses.
    fn decode_relay_value(kind: u16, value: &'a [u8], id: TransactionId) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        Ok(match AttributeType::from(kind) {
            AttributeType::ChannelNumber => Self::ChannelNumber(exactly(r, |r| {
                let number = r.u16()?;
                r.u16().map(|_| number)
            })?),
            AttributeType::Lifetime => Self::Lifetime(exactly(r, Reader::u32)?),
            AttributeType::XorPeerAddress => Self::XorPeerAddress(xor_address(value, id)?),
            AttributeType::XorRelayedAddress => Self::XorRelayedAddress(xor_address(value, id)?),
            AttributeType::Data => Self::Data(value),
            AttributeType::RequestedAddressFamily => Self::RequestedAddressFamily(first_of_four(r)?),
            AttributeType::AdditionalAddressFamily => Self::AdditionalAddressFamily(first_of_four(r)?),
            AttributeType::RequestedTransport => Self::RequestedTransport(first_of_four(r)?),
            AttributeType::EvenPort => Self::EvenPort(exactly(r, Reader::u8)? & 0x80 != 0),
            AttributeType::DontFragment => exactly(r, |_| Ok(Self::DontFragment))?,
            AttributeType::ReservationToken => Self::ReservationToken(exactly(r, Reader::array)?),
            AttributeType::AddressErrorCode => {
                let family = r.u8()?;
                r.u8()?;
                let number = r.array()?;
                Self::AddressErrorCode(family, ErrorCode::decode(number, r.rest())?)
            }
            AttributeType::Icmp => exactly(r, |r| {
                r.u16()?;
                Ok(Self::Icmp(r.u8()?, r.u8()?, r.array()?))
            })?,
            AttributeType::ConnectionId => Self::ConnectionId(exactly(r, Reader::u32)?),
            _ => Self::Unknown(kind, value),
        })
    }

    /// The attribute's type.
    #[must_use]
    pub fn code(&self) -> u16 {
        u16::from(match self {
            Self::MappedAddress(_) => AttributeType::MappedAddress,
            Self::XorMappedAddress(_) => AttributeType::XorMappedAddress,
            Self::Username(_) => AttributeType::Username,
            Self::ErrorCode(_) => AttributeType::ErrorCode,
            Self::UnknownAttributes(_) => AttributeType::UnknownAttributes,
            Self::Realm(_) => AttributeType::Realm,
            Self::Nonce(_) => AttributeType::Nonce,
            Self::UserHash(_) => AttributeType::UserHash,
            Self::PasswordAlgorithm(_) => AttributeType::PasswordAlgorithm,
            Self::PasswordAlgorithms(_) => AttributeType::PasswordAlgorithms,
            Self::AccessToken(_) => AttributeType::AccessToken,
            Self::ThirdPartyAuthorization(_) => AttributeType::ThirdPartyAuthorization,
            Self::Software(_) => AttributeType::Software,
            Self::AlternateServer(_) => AttributeType::AlternateServer,
            Self::AlternateDomain(_) => AttributeType::AlternateDomain,
            Self::Priority(_) => AttributeType::Priority,
            Self::UseCandidate => AttributeType::UseCandidate,
            Self::IceControlled(_) => AttributeType::IceControlled,
            Self::IceControlling(_) => AttributeType::IceControlling,
            Self::Nomination(_) => AttributeType::Nomination,
            Self::ChannelNumber(_) => AttributeType::ChannelNumber,
            Self::Lifetime(_) => AttributeType::Lifetime,
            Self::XorPeerAddress(_) => AttributeType::XorPeerAddress,
            Self::XorRelayedAddress(_) => AttributeType::XorRelayedAddress,
            Self::Data(_) => AttributeType::Data,
            Self::RequestedAddressFamily(_) => AttributeType::RequestedAddressFamily,
            Self::AdditionalAddressFamily(_) => AttributeType::AdditionalAddressFamily,
            Self::EvenPort(_) => AttributeType::EvenPort,
            Self::RequestedTransport(_) => AttributeType::RequestedTransport,
            Self::DontFragment => AttributeType::DontFragment,
            Self::ReservationToken(_) => AttributeType::ReservationToken,
            Self::AddressErrorCode(..) => AttributeType::AddressErrorCode,
            Self::Icmp(..) => AttributeType::Icmp,
            Self::ConnectionId(_) => AttributeType::ConnectionId,
            Self::DtlsInStun(_) => AttributeType::DtlsInStun,
            Self::DtlsInStunAck(_) => AttributeType::DtlsInStunAck,
            Self::Unknown(code, _) => AttributeType::Unknown(*code),
        })
    }

    /// Appends the value, without type, length and padding.
    pub(super) fn encode_value(&self, id: TransactionId, out: &mut Vec<u8>) {
        match *self {
            Self::MappedAddress(address) | Self::AlternateServer(address) => put_plain_address(address, out),
            Self::XorMappedAddress(address)
            | Self::XorPeerAddress(address)
            | Self::XorRelayedAddress(address) => put_plain_address(xor(address, id), out),
            Self::Username(text)
            | Self::Realm(text)
            | Self::Nonce(text)
            | Self::ThirdPartyAuthorization(text)
            | Self::Software(text)
            | Self::AlternateDomain(text) => out.extend_from_slice(text.as_bytes()),
            Self::ErrorCode(error) => error.encode(0, out),
            Self::AddressErrorCode(family, error) => error.encode(u16::from(family) << 8, out),
            Self::UnknownAttributes(Codes(bytes))
            | Self::PasswordAlgorithm(bytes)
            | Self::PasswordAlgorithms(bytes)
            | Self::AccessToken(bytes)
            | Self::Data(bytes)
            | Self::DtlsInStun(bytes)
            | Self::DtlsInStunAck(bytes)
            | Self::Unknown(_, bytes) => out.extend_from_slice(bytes),
            Self::UserHash(hash) => out.extend_from_slice(hash),
            Self::Priority(n) | Self::Nomination(n) | Self::Lifetime(n) | Self::ConnectionId(n) => {
                out.extend_from_slice(&n.to_be_bytes());
            }
            Self::IceControlled(n) | Self::IceControlling(n) => out.extend_from_slice(&n.to_be_bytes()),
            Self::UseCandidate | Self::DontFragment => {}
            Self::ChannelNumber(n) => out.extend_from_slice(&(u32::from(n) << 16).to_be_bytes()),
            Self::RequestedAddressFamily(n)
            | Self::AdditionalAddressFamily(n)
            | Self::RequestedTransport(n) => out.extend_from_slice(&[n, 0, 0, 0]),
            Self::EvenPort(reserve) => out.push(u8::from(reserve) << 7),
            Self::ReservationToken(token) => out.extend_from_slice(&token),
            Self::Icmp(kind, code, data) => {
                out.extend_from_slice(&[0, 0, kind, code]);
                out.extend_from_slice(&data);
            }
        }
    }
}

/// Reads a value that must fill its attribute.
fn exactly<'a, T>(
    mut r: Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let value = read(&mut r)?;
    r.finish()?;
    Ok(value)
}

fn first_of_four(r: Reader<'_>) -> Result<u8, ParseError> {
    exactly(r, |r| r.array::<4>().map(|[first, ..]| first))
}

fn text(value: &[u8], longest: usize) -> Result<&str, ParseError> {
    if value.len() > longest {
        return Err(ParseError::BadLength);
    }
    std::str::from_utf8(value).map_err(|_| ParseError::BadValue("STUN text"))
}

/// RFC 8489 §14.1.
fn plain_address(value: &[u8]) -> Result<SocketAddr, ParseError> {
    exactly(Reader::new(value), |r| {
        r.u8()?;
        let family = r.u8()?;
        let port = r.u16()?;
        let ip = match family {
            1 => IpAddr::V4(Ipv4Addr::from(r.array::<4>()?)),
            2 => IpAddr::V6(Ipv6Addr::from(r.array::<16>()?)),
            _ => return Err(ParseError::BadValue("STUN address family")),
        };
        Ok(SocketAddr::new(ip, port))
    })
}

fn put_plain_address(address: SocketAddr, out: &mut Vec<u8>) {
    let family = if address.is_ipv4() { 1 } else { 2 };
    out.extend_from_slice(&[0, family]);
    out.extend_from_slice(&address.port().to_be_bytes());
    match address.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
}

fn xor_address(value: &[u8], id: TransactionId) -> Result<SocketAddr, ParseError> {
    plain_address(value).map(|address| xor(address, id))
}

/// RFC 8489 §14.2: combined with the cookie, IPv6 with cookie and transaction id. Its own inverse.
fn xor(address: SocketAddr, id: TransactionId) -> SocketAddr {
    let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
    let ip = match address.ip() {
        IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) ^ MAGIC_COOKIE).into()),
        IpAddr::V6(ip) => {
            let mut key = [0; 16];
            key[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
            key[4..].copy_from_slice(&id.0);
            IpAddr::V6((u128::from(ip) ^ u128::from_be_bytes(key)).into())
        }
    };
    SocketAddr::new(ip, port)
}
