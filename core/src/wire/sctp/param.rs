//! Parameters of INIT, INIT ACK, HEARTBEAT and RE-CONFIG.

use crate::registry;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::sctp::{CHUNK_HEADER_LEN, padded, put_tlv};

registry! {
    /// Parameter types.
    pub enum ParamType: u16 {
        /// Heartbeat information
        HeartbeatInfo = 1,
        /// IPv4 address
        Ipv4Address = 5,
        /// IPv6 address
        Ipv6Address = 6,
        /// State cookie
        StateCookie = 7,
        /// Unrecognised parameter
        Unrecognized = 8,
        /// Cookie preservative
        CookiePreservative = 9,
        /// Host name address (deprecated)
        HostName = 11,
        /// Supported address types
        SupportedAddressTypes = 12,
        /// Outgoing SSN reset request (RFC 6525)
        OutgoingReset = 13,
        /// Incoming SSN reset request (RFC 6525)
        IncomingReset = 14,
        /// SSN/TSN reset request (RFC 6525)
        SsnTsnReset = 15,
        /// Re-configuration response (RFC 6525)
        ReconfigResponse = 16,
        /// Add outgoing streams request (RFC 6525)
        AddOutgoingStreams = 17,
        /// Add incoming streams request (RFC 6525)
        AddIncomingStreams = 18,
        /// ECN capable
        EcnCapable = 0x8000,
        /// Zero checksum acceptable (RFC 9653)
        ZeroChecksum = 0x8001,
        /// Random (RFC 4895)
        Random = 0x8002,
        /// Chunk list (RFC 4895)
        ChunkList = 0x8003,
        /// Requested HMAC algorithm (RFC 4895)
        HmacAlgorithm = 0x8004,
        /// Padding (RFC 4820)
        Padding = 0x8005,
        /// Supported extensions (RFC 5061)
        SupportedExtensions = 0x8008,
        /// Forward TSN supported (RFC 3758)
        ForwardTsnSupported = 0xc000,
    }
}

/// The error detection method "SCTP over DTLS" in the zero checksum parameter (RFC 9653 §7).
pub const EDMID_DTLS: u32 = 1;

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// The type.
    pub ty: ParamType,
    /// The value.
    pub value: &'a [u8],
    /// The parameter as it came, without padding: what a report of an unknown one echoes.
    pub whole: &'a [u8],
}

impl Param<'_> {
    /// The value as one 32-bit number.
    pub fn as_u32(&self) -> Result<u32, ParseError> {
        Reader::new(self.value).u32()
    }
}

/// A run of parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// Parameters in wire form.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The wire form.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The parameters in order. The first malformed one ends the iteration with its error.
    #[must_use]
    pub const fn iter(&self) -> ParamIter<'a> {
        ParamIter { rest: self.bytes }
    }

    /// The first well-formed parameter of type `ty`.
    #[must_use]
    pub fn find(&self, ty: ParamType) -> Option<Param<'a>> {
        self.iter().map_while(Result::ok).find(|param| param.ty == ty)
    }
}

impl<'a> IntoIterator for Params<'a> {
    type Item = Result<Param<'a>, ParseError>;
    type IntoIter = ParamIter<'a>;

    fn into_iter(self) -> ParamIter<'a> {
        self.iter()
    }
}

/// Iterates over [`Params`].
#[derive(Clone, Debug)]
pub struct ParamIter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for ParamIter<'a> {
    type Item = Result<Param<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let tlv = take_tlv(&mut self.rest);
        if tlv.is_err() {
            self.rest = &[];
        }
        Some(tlv.map(|(ty, whole)| Param {
            ty: ParamType::from(ty),
            value: &whole[CHUNK_HEADER_LEN..],
            whole,
        }))
    }
}

/// Takes a type-length-value from the front: its type, and all of it without the padding.
pub(super) fn take_tlv<'a>(rest: &mut &'a [u8]) -> Result<(u16, &'a [u8]), ParseError> {
    let &[a, b, high, low, ..] = *rest else { return Err(ParseError::Truncated) };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if len < CHUNK_HEADER_LEN {
        return Err(ParseError::BadLength);
    }
    let whole = rest.get(..len).ok_or(ParseError::BadLength)?;
    *rest = rest.get(padded(len)..).unwrap_or_default();
    Ok((u16::from_be_bytes([a, b]), whole))
}

/// Appends a parameter, padded.
pub fn put_param(out: &mut Vec<u8>, ty: ParamType, value: &[u8]) {
    put_tlv(out, ty.into(), |out| out.extend_from_slice(value));
}
