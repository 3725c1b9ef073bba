//! The requests and responses inside RE-CONFIG (RFC 6525 §4).

use crate::base::seq::Serial32;
use crate::registry;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::sctp::param::{Param, ParamType};
use crate::wire::sctp::put_tlv;

registry! {
    /// What became of a request (RFC 6525 §4.4).
    pub enum ReconfigResult: u32 {
        /// Nothing to do
        NothingToDo = 0,
        /// Performed
        Performed = 1,
        /// Denied
        Denied = 2,
        /// Wrong stream sequence number
        WrongSsn = 3,
        /// Another request is in progress
        AlreadyInProgress = 4,
        /// Bad sequence number
        BadSequenceNumber = 5,
        /// In progress
        InProgress = 6,
    }
}

/// A request or response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconfig<'a> {
    /// The sender starts its streams anew (§4.1).
    OutgoingReset {
        /// The request's number.
        request: Serial32,
        /// The request of the peer that this answers, or the one before the next that is expected.
        response: Serial32,
        /// The last TSN that the sender assigned.
        last_tsn: Serial32,
        /// Which streams; none means all.
        streams: StreamList<'a>,
    },
    /// The sender asks the receiver to start its streams anew (§4.2).
    IncomingReset {
        /// The request's number.
        request: Serial32,
        /// Which streams; none means all.
        streams: StreamList<'a>,
    },
    /// Everything starts anew (§4.3).
    SsnTsnReset {
        /// The request's number.
        request: Serial32,
    },
    /// The answer to a request (§4.4).
    Response {
        /// The request's number.
        request: Serial32,
        /// What became of it.
        result: ReconfigResult,
    },
    /// The sender wants more outgoing streams (§4.5).
    AddOutgoing {
        /// The request's number.
        request: Serial32,
        /// How many more.
        count: u16,
    },
    /// The sender wants the receiver to have more outgoing streams (§4.6).
    AddIncoming {
        /// The request's number.
        request: Serial32,
        /// How many more.
        count: u16,
    },
}

impl<'a> Reconfig<'a> {
    /// Reads a parameter of RE-CONFIG; `None` when it is of another type.
    pub fn parse(param: &Param<'a>) -> Result<Option<Self>, ParseError> {
        let mut r = Reader::new(param.value);
        Ok(Some(match param.ty {
            ParamType::OutgoingReset => Self::OutgoingReset {
                request: Serial32(r.u32()?),
                response: Serial32(r.u32()?),
                last_tsn: Serial32(r.u32()?),
                streams: StreamList::parse(r.rest())?,
            },
            ParamType::IncomingReset => {
                Self::IncomingReset { request: Serial32(r.u32()?), streams: StreamList::parse(r.rest())? }
            }
            ParamType::SsnTsnReset => Self::SsnTsnReset { request: Serial32(r.u32()?) },
            ParamType::ReconfigResponse => {
                Self::Response { request: Serial32(r.u32()?), result: r.u32()?.into() }
            }
            ParamType::AddOutgoingStreams => {
                Self::AddOutgoing { request: Serial32(r.u32()?), count: r.u16()? }
            }
            ParamType::AddIncomingStreams => {
                Self::AddIncoming { request: Serial32(r.u32()?), count: r.u16()? }
            }
            _ => return Ok(None),
        }))
    }

    /// Appends the parameter, padded.
    pub fn write(&self, out: &mut Vec<u8>) {
        let ty = match self {
            Self::OutgoingReset { .. } => ParamType::OutgoingReset,
            Self::IncomingReset { .. } => ParamType::IncomingReset,
            Self::SsnTsnReset { .. } => ParamType::SsnTsnReset,
            Self::Response { .. } => ParamType::ReconfigResponse,
            Self::AddOutgoing { .. } => ParamType::AddOutgoingStreams,
            Self::AddIncoming { .. } => ParamType::AddIncomingStreams,
        };
        put_tlv(out, ty.into(), |out| self.write_value(out));
    }

    fn write_value(&self, out: &mut Vec<u8>) {
        let mut put = |n: u32| out.extend_from_slice(&n.to_be_bytes());
        match *self {
            Self::OutgoingReset { request, response, last_tsn, streams } => {
                [request, response, last_tsn].into_iter().for_each(|n| put(n.0));
                out.extend_from_slice(streams.0);
            }
            Self::IncomingReset { request, streams } => {
                put(request.0);
                out.extend_from_slice(streams.0);
            }
            Self::SsnTsnReset { request } => put(request.0),
            Self::Response { request, result } => {
                put(request.0);
                put(result.into());
            }
            Self::AddOutgoing { request, count } | Self::AddIncoming { request, count } => {
                put(request.0);
                put(u32::from(count) << 16);
            }
        }
    }
}

/// Stream identifiers, two bytes each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamList<'a>(&'a [u8]);

impl<'a> StreamList<'a> {
    /// A list in wire form.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len().is_multiple_of(2) { Ok(Self(bytes)) } else { Err(ParseError::BadLength) }
    }

    /// Whether the list is empty, which means every stream.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The identifiers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        self.0.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }
}
