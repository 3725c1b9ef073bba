//! Error causes of ABORT and ERROR (RFC 9260 §3.3.10).

use crate::registry;
use crate::wire::cursor::ParseError;
use crate::wire::sctp::param::take_tlv;
use crate::wire::sctp::{CHUNK_HEADER_LEN, put_tlv};

registry! {
    /// Cause codes.
    pub enum CauseCode: u16 {
        /// Invalid stream identifier
        InvalidStream = 1,
        /// Missing mandatory parameter
        MissingParameter = 2,
        /// Stale cookie
        StaleCookie = 3,
        /// Out of resource
        OutOfResource = 4,
        /// Unresolvable address
        UnresolvableAddress = 5,
        /// Unrecognised chunk type
        UnrecognizedChunk = 6,
        /// Invalid mandatory parameter
        InvalidParameter = 7,
        /// Unrecognised parameters
        UnrecognizedParameters = 8,
        /// No user data
        NoUserData = 9,
        /// Cookie received while shutting down
        CookieWhileShuttingDown = 10,
        /// Restart with new addresses
        RestartWithNewAddresses = 11,
        /// User-initiated abort
        UserAbort = 12,
        /// Protocol violation
        ProtocolViolation = 13,
    }
}

/// An error cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The code.
    pub code: CauseCode,
    /// What the code is about.
    pub value: &'a [u8],
}

/// A run of error causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes<'a> {
    bytes: &'a [u8],
}

impl<'a> Causes<'a> {
    /// Causes in wire form.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The wire form.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The causes in order. The first malformed one ends the iteration with its error.
    pub fn iter(&self) -> impl Iterator<Item = Result<Cause<'a>, ParseError>> + use<'a> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let cause = take_tlv(&mut rest);
            if cause.is_err() {
                rest = &[];
            }
            Some(cause.map(|(code, whole)| Cause { code: code.into(), value: &whole[CHUNK_HEADER_LEN..] }))
        })
    }

    /// The first cause's code, if there is one.
    #[must_use]
    pub fn first_code(&self) -> Option<CauseCode> {
        self.iter().next()?.ok().map(|cause| cause.code)
    }
}

/// Appends a cause, padded.
pub fn put_cause(out: &mut Vec<u8>, code: CauseCode, value: &[u8]) {
    put_tlv(out, code.into(), |out| out.extend_from_slice(value));
}
