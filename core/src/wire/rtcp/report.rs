//! Sender and receiver reports (RFC 3550 §6.4).

use crate::base::seq::Serial32;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtcp::list::{List, Record};
use crate::wire::rtcp::{PacketType, put_packet};

/// SR: what a source sent, and how it receives others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SenderReport<'a> {
    /// Whose report it is.
    pub ssrc: u32,
    /// What it sent.
    pub info: SenderInfo,
    /// How it receives others; at most 31.
    pub blocks: List<'a, ReportBlock>,
    /// What a profile adds, of whole words.
    pub extension: &'a [u8],
}

/// What a source sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// When this report left: NTP time, 32.32 fixed point.
    pub ntp: u64,
    /// The same time on the clock of the stream's timestamps.
    pub timestamp: Serial32,
    /// Packets so far, modulo 2³².
    pub packets: u32,
    /// Bytes of payload so far, modulo 2³².
    pub octets: u32,
}

/// RR: how a source receives others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReceiverReport<'a> {
    /// Whose report it is.
    pub ssrc: u32,
    /// How it receives others; at most 31.
    pub blocks: List<'a, ReportBlock>,
    /// What a profile adds, of whole words.
    pub extension: &'a [u8],
}

/// How one stream is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// What was lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// What was lost so far, of 24 bits with sign: duplicates make it negative.
    pub lost: i32,
    /// The highest sequence number, and in the upper half how often they went around.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time, or 0.
    pub last_report: u32,
    /// How long ago that came, in 1/65,536 s.
    pub delay: u32,
}

impl Record for ReportBlock {
    const LEN: usize = 24;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            ssrc: r.u32()?,
            fraction_lost: r.u8()?,
            lost: (r.u24()? << 8) as i32 >> 8,
            highest: r.u32()?,
            jitter: r.u32()?,
            last_report: r.u32()?,
            delay: r.u32()?,
        })
    }

    /// A number of lost packets beyond 24 bits is written as the nearest that fits (RFC 3550 appendix A.3).
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        let lost = self.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0x00ff_ffff;
        out.extend_from_slice(&(u32::from(self.fraction_lost) << 24 | lost).to_be_bytes());
        for word in [self.highest, self.jitter, self.last_report, self.delay] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let ssrc = r.u32()?;
        let info =
            SenderInfo { ntp: r.u64()?, timestamp: Serial32(r.u32()?), packets: r.u32()?, octets: r.u32()? };
        let blocks = List::read(&mut r, count.into())?;
        Ok(Self { ssrc, info, blocks, extension: r.rest() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::SenderReport, self.blocks.len(), |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            out.extend_from_slice(&self.info.ntp.to_be_bytes());
            for word in [self.info.timestamp.0, self.info.packets, self.info.octets] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            self.blocks.write(out);
            out.extend_from_slice(self.extension);
        });
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let ssrc = r.u32()?;
        let blocks = List::read(&mut r, count.into())?;
        Ok(Self { ssrc, blocks, extension: r.rest() })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::ReceiverReport, self.blocks.len(), |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            self.blocks.write(out);
            out.extend_from_slice(self.extension);
        });
    }
}

/// The middle 32 bits of an NTP time, as reports refer to each other by.
#[must_use]
pub const fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}
