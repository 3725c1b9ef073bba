//! The chunk types, each as a view that borrows from the packet.

use crate::base::seq::Serial32;
use crate::registry;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::sctp::cause::Causes;
use crate::wire::sctp::data::{Data, ForwardTsn, IData, IForwardTsn, Sack};
use crate::wire::sctp::param::Params;
use crate::wire::sctp::put_chunk;

registry! {
    /// Chunk types.
    pub enum ChunkType: u8 {
        /// DATA
        Data = 0,
        /// INIT
        Init = 1,
        /// INIT ACK
        InitAck = 2,
        /// SACK
        Sack = 3,
        /// HEARTBEAT
        Heartbeat = 4,
        /// HEARTBEAT ACK
        HeartbeatAck = 5,
        /// ABORT
        Abort = 6,
        /// SHUTDOWN
        Shutdown = 7,
        /// SHUTDOWN ACK
        ShutdownAck = 8,
        /// ERROR
        Error = 9,
        /// COOKIE ECHO
        CookieEcho = 10,
        /// COOKIE ACK
        CookieAck = 11,
        /// SHUTDOWN COMPLETE
        ShutdownComplete = 14,
        /// NR-SACK (draft-natarajan-tsvwg-sctp-nrsack)
        NrSack = 16,
        /// I-DATA (RFC 8260)
        IData = 64,
        /// RE-CONFIG (RFC 6525)
        Reconfig = 130,
        /// PAD (RFC 4820)
        Pad = 132,
        /// FORWARD TSN (RFC 3758)
        ForwardTsn = 192,
        /// I-FORWARD-TSN (RFC 8260)
        IForwardTsn = 194,
    }
}

/// The T bit of ABORT and SHUTDOWN COMPLETE: the tag is the receiver's of the packet, sent back.
const FLAG_T: u8 = 0x01;

/// Whether the flags of an ABORT or SHUTDOWN COMPLETE have the T bit.
#[must_use]
pub const fn is_reflected(flags: u8) -> bool {
    flags & FLAG_T != 0
}

/// INIT and INIT ACK (RFC 9260 §3.3.2, §3.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init<'a> {
    /// The tag that packets to the sender have to carry. Never zero.
    pub tag: u32,
    /// The sender's receive window in bytes.
    pub window: u32,
    /// Streams that the sender wants to send on.
    pub outbound_streams: u16,
    /// Streams that the sender accepts.
    pub inbound_streams: u16,
    /// The TSN of the sender's first DATA chunk.
    pub initial_tsn: Serial32,
    /// Options.
    pub params: Params<'a>,
}

impl<'a> Init<'a> {
    fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(value);
        Ok(Self {
            tag: r.u32()?,
            window: r.u32()?,
            outbound_streams: r.u16()?,
            inbound_streams: r.u16()?,
            initial_tsn: Serial32(r.u32()?),
            params: Params::new(r.rest()),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tag.to_be_bytes());
        out.extend_from_slice(&self.window.to_be_bytes());
        out.extend_from_slice(&self.outbound_streams.to_be_bytes());
        out.extend_from_slice(&self.inbound_streams.to_be_bytes());
        out.extend_from_slice(&self.initial_tsn.0.to_be_bytes());
        out.extend_from_slice(self.params.as_bytes());
    }
}

/// A chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// A message, or a fragment of one.
    Data(Data<'a>),
    /// A message or a fragment, in an association that interleaves.
    IData(IData<'a>),
    /// An acknowledgement.
    Sack(Sack<'a>),
    /// An acknowledgement that tells of some of what arrived, which is never taken back.
    NrSack(Sack<'a>),
    /// The first packet of an association.
    Init(Init<'a>),
    /// The answer to it, with a state cookie.
    InitAck(Init<'a>),
    /// "Are you there?", with parameters of which one is the heartbeat information.
    Heartbeat(Params<'a>),
    /// The answer, with the same parameters.
    HeartbeatAck(Params<'a>),
    /// The end, at once.
    Abort {
        /// The T bit: the packet carries a tag of its receiver's.
        reflected: bool,
        /// Why.
        causes: Causes<'a>,
    },
    /// The end, once everything is acknowledged.
    Shutdown {
        /// The last TSN that was received in sequence.
        cumulative: Serial32,
    },
    /// The answer to SHUTDOWN.
    ShutdownAck,
    /// A report that need not end the association.
    Error(Causes<'a>),
    /// The state cookie, sent back.
    CookieEcho(&'a [u8]),
    /// The answer to it.
    CookieAck,
    /// The answer to SHUTDOWN ACK.
    ShutdownComplete {
        /// The T bit, as in ABORT.
        reflected: bool,
    },
    /// Requests and responses about streams.
    Reconfig(Params<'a>),
    /// Padding.
    Pad(&'a [u8]),
    /// What the receiver shall not wait for any longer.
    ForwardTsn(ForwardTsn<'a>),
    /// The same in an association that interleaves.
    IForwardTsn(IForwardTsn<'a>),
    /// A type that this build has no name for.
    Unknown {
        /// The type; its two high bits say what to do.
        ty: u8,
        /// The flags.
        flags: u8,
        /// The value.
        value: &'a [u8],
    },
}

impl<'a> Chunk<'a> {
    /// Reads a chunk from its type, flags and value.
    pub fn parse(ty: ChunkType, flags: u8, value: &'a [u8]) -> Result<Self, ParseError> {
        let reflected = is_reflected(flags);
        Ok(match ty {
            ChunkType::Data => Self::Data(Data::parse(flags, value)?),
            ChunkType::IData => Self::IData(IData::parse(flags, value)?),
            ChunkType::Sack => Self::Sack(Sack::parse(value)?),
            ChunkType::NrSack => Self::NrSack(Sack::parse_nr(value)?),
            ChunkType::Init => Self::Init(Init::parse(value)?),
            ChunkType::InitAck => Self::InitAck(Init::parse(value)?),
            ChunkType::Heartbeat => Self::Heartbeat(Params::new(value)),
            ChunkType::HeartbeatAck => Self::HeartbeatAck(Params::new(value)),
            ChunkType::Abort => Self::Abort { reflected, causes: Causes::new(value) },
            ChunkType::Shutdown => Self::Shutdown { cumulative: Serial32(Reader::new(value).u32()?) },
            ChunkType::ShutdownAck => Self::ShutdownAck,
            ChunkType::Error => Self::Error(Causes::new(value)),
            ChunkType::CookieEcho => Self::CookieEcho(value),
            ChunkType::CookieAck => Self::CookieAck,
            ChunkType::ShutdownComplete => Self::ShutdownComplete { reflected },
            ChunkType::Reconfig => Self::Reconfig(Params::new(value)),
            ChunkType::Pad => Self::Pad(value),
            ChunkType::ForwardTsn => Self::ForwardTsn(ForwardTsn::parse(value)?),
            ChunkType::IForwardTsn => Self::IForwardTsn(IForwardTsn::parse(value)?),
            ChunkType::Unknown(ty) => Self::Unknown { ty, flags, value },
        })
    }

    /// The type.
    #[must_use]
    pub const fn ty(&self) -> ChunkType {
        match self {
            Self::Data(_) => ChunkType::Data,
            Self::IData(_) => ChunkType::IData,
            Self::Sack(_) => ChunkType::Sack,
            Self::NrSack(_) => ChunkType::NrSack,
            Self::Init(_) => ChunkType::Init,
            Self::InitAck(_) => ChunkType::InitAck,
            Self::Heartbeat(_) => ChunkType::Heartbeat,
            Self::HeartbeatAck(_) => ChunkType::HeartbeatAck,
            Self::Abort { .. } => ChunkType::Abort,
            Self::Shutdown { .. } => ChunkType::Shutdown,
            Self::ShutdownAck => ChunkType::ShutdownAck,
            Self::Error(_) => ChunkType::Error,
            Self::CookieEcho(_) => ChunkType::CookieEcho,
            Self::CookieAck => ChunkType::CookieAck,
            Self::ShutdownComplete { .. } => ChunkType::ShutdownComplete,
            Self::Reconfig(_) => ChunkType::Reconfig,
            Self::Pad(_) => ChunkType::Pad,
            Self::ForwardTsn(_) => ChunkType::ForwardTsn,
            Self::IForwardTsn(_) => ChunkType::IForwardTsn,
            Self::Unknown { ty, .. } => ChunkType::Unknown(*ty),
        }
    }

    /// Appends the chunk, padded.
    pub fn write(&self, out: &mut Vec<u8>) {
        let t = |reflected: bool| if reflected { FLAG_T } else { 0 };
        let ty = u8::from(self.ty());
        match self {
            Self::Data(data) => data.write(out),
            Self::IData(data) => data.write(out),
            Self::Sack(sack) => put_chunk(out, ty, 0, |out| sack.write(out)),
            Self::NrSack(sack) => put_chunk(out, ty, 0, |out| sack.write_nr(out)),
            Self::Init(init) | Self::InitAck(init) => put_chunk(out, ty, 0, |out| init.write(out)),
            Self::Heartbeat(params) | Self::HeartbeatAck(params) | Self::Reconfig(params) => {
                put_chunk(out, ty, 0, |out| out.extend_from_slice(params.as_bytes()));
            }
            Self::Abort { reflected, causes } => {
                put_chunk(out, ty, t(*reflected), |out| out.extend_from_slice(causes.as_bytes()));
            }
            Self::Error(causes) => put_chunk(out, ty, 0, |out| out.extend_from_slice(causes.as_bytes())),
            Self::Shutdown { cumulative } => {
                put_chunk(out, ty, 0, |out| out.extend_from_slice(&cumulative.0.to_be_bytes()));
            }
            Self::ShutdownAck | Self::CookieAck => put_chunk(out, ty, 0, |_| ()),
            Self::ShutdownComplete { reflected } => put_chunk(out, ty, t(*reflected), |_| ()),
            Self::CookieEcho(value) | Self::Pad(value) => {
                put_chunk(out, ty, 0, |out| out.extend_from_slice(value));
            }
            Self::ForwardTsn(forward) => put_chunk(out, ty, 0, |out| forward.write(out)),
            Self::IForwardTsn(forward) => put_chunk(out, ty, 0, |out| forward.write(out)),
            Self::Unknown { flags, value, .. } => {
                put_chunk(out, ty, *flags, |out| out.extend_from_slice(value));
            }
        }
    }
}

/// What the two high bits of an unknown chunk or parameter type ask for (RFC 9260 §3.2, §3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAction {
    /// Go on with what follows it.
    pub skip: bool,
    /// Tell the sender.
    pub report: bool,
}

impl UnknownAction {
    /// For an unknown chunk type.
    #[must_use]
    pub const fn of_chunk(ty: u8) -> Self {
        Self { skip: ty & 0x80 != 0, report: ty & 0x40 != 0 }
    }

    /// For an unknown parameter type.
    #[must_use]
    pub const fn of_param(ty: u16) -> Self {
        Self::of_chunk((ty >> 8) as u8)
    }
}
