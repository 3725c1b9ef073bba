//! Extended reports (RFC 3611): here the two that let a receiver measure the round trip (§4.4, §4.5).

use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtcp::list::{List, Record};
use crate::wire::rtcp::{PacketType, put_packet};

const REFERENCE_TIME: u8 = 4;
const DELAYS: u8 = 5;

/// XR: extended reports.
#[derive(Clone, Copy, Debug)]
pub struct Extended<'a> {
    /// Whose reports they are.
    pub ssrc: u32,
    blocks: Blocks<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Blocks<'a> {
    Wire(&'a [u8]),
    Values(&'a [Block<'a>]),
}

/// One report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Block<'a> {
    /// RRTR: when this report left, NTP time, 32.32 fixed point.
    ReferenceTime(u64),
    /// DLRR: answers to such times.
    Delays(List<'a, Delay>),
    /// Of another type.
    Unknown {
        /// The type.
        block_type: u8,
        /// Bits that mean what the type says.
        specific: u8,
        /// Of whole words.
        body: &'a [u8],
    },
}

/// An answer to a reference time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// Who sent that time.
    pub ssrc: u32,
    /// Its middle 32 bits, or 0.
    pub last_report: u32,
    /// How long ago it came, in 1/65,536 s.
    pub delay: u32,
}

impl Record for Delay {
    const LEN: usize = 12;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { ssrc: r.u32()?, last_report: r.u32()?, delay: r.u32()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        for word in [self.ssrc, self.last_report, self.delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

impl<'a> Block<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (block_type, specific) = (r.u8()?, r.u8()?);
        let len = usize::from(r.u16()?) * 4;
        let body = r.bytes(len)?;
        let mut inner = Reader::new(body);
        match block_type {
            REFERENCE_TIME => {
                let time = inner.u64()?;
                inner.finish().map(|()| Self::ReferenceTime(time))
            }
            DELAYS => List::read_rest(&mut inner).map(Self::Delays),
            _ => Ok(Self::Unknown { block_type, specific, body }),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (block_type, specific) = match self {
            Self::ReferenceTime(_) => (REFERENCE_TIME, 0),
            Self::Delays(_) => (DELAYS, 0),
            Self::Unknown { block_type, specific, .. } => (*block_type, *specific),
        };
        let start = out.len();
        out.extend_from_slice(&[block_type, specific, 0, 0]);
        match self {
            Self::ReferenceTime(time) => out.extend_from_slice(&time.to_be_bytes()),
            Self::Delays(delays) => delays.write(out),
            Self::Unknown { body, .. } => out.extend_from_slice(body),
        }
        let words = u16::try_from((out.len() - start) / 4 - 1).expect("a block of at most 262,140 bytes");
        out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
    }
}

impl<'a> Extended<'a> {
    /// Reports of `ssrc`.
    #[must_use]
    pub const fn new(ssrc: u32, blocks: &'a [Block<'a>]) -> Self {
        Self { ssrc, blocks: Blocks::Values(blocks) }
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let report = Self { ssrc: r.u32()?, blocks: Blocks::Wire(r.rest()) };
        while !r.is_empty() {
            Block::read(&mut r)?;
        }
        Ok(report)
    }

    /// The reports.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'a>> + use<'a> {
        let (bytes, values): (&[u8], &[Block<'a>]) = match self.blocks {
            Blocks::Wire(bytes) => (bytes, &[]),
            Blocks::Values(values) => (&[], values),
        };
        let mut r = Reader::new(bytes);
        std::iter::from_fn(move || Block::read(&mut r).ok()).chain(values.iter().copied())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::ExtendedReport, 0, |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            self.blocks().for_each(|block| block.write(out));
        });
    }
}

impl PartialEq for Extended<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.ssrc == other.ssrc && self.blocks().eq(other.blocks())
    }
}
