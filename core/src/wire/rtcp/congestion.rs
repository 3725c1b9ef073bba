//! Congestion control feedback (RFC 8888 §3.1): for packets of several streams whether, when and how marked they
//! arrived.

use crate::base::seq::Serial16;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtcp::list::{List, Record};
use crate::wire::rtcp::{PacketType, pad, put_packet};

/// The format among transport feedback.
pub(super) const FORMAT: u8 = 11;
/// The most packets of one stream (RFC 8888 §3.1).
pub const MAX_METRICS: usize = 16_384;
/// An arrival longer ago than can be written.
pub const OFFSET_TOO_LARGE: u16 = 0x1ffe;
/// An arrival at an unknown time.
pub const OFFSET_UNKNOWN: u16 = 0x1fff;

/// Whether, when and how marked packets arrived.
#[derive(Clone, Copy, Debug)]
pub struct Congestion<'a> {
    /// Who sent it.
    pub sender: u32,
    /// When: the middle 32 bits of an NTP time.
    pub timestamp: u32,
    streams: Streams<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Streams<'a> {
    Wire(&'a [u8]),
    Values(&'a [StreamMetrics<'a>]),
}

/// The packets of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StreamMetrics<'a> {
    /// The stream.
    pub ssrc: u32,
    /// The number of the first packet.
    pub begin: Serial16,
    /// What is known of each from there on; at most [`MAX_METRICS`].
    pub metrics: List<'a, Metric>,
}

/// What is known of a packet: how it arrived, if it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metric(pub Option<Arrival>);

/// How a packet arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The two ECN bits of its IP header.
    pub ecn: u8,
    /// How long before the timestamp, in 1/1,024 s, or [`OFFSET_TOO_LARGE`] or [`OFFSET_UNKNOWN`]: of 13 bits.
    pub offset: u16,
}

impl Record for Metric {
    const LEN: usize = 2;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let word = r.u16()?;
        let arrival = Arrival { ecn: (word >> 13 & 3) as u8, offset: word & 0x1fff };
        Ok(Self((word >> 15 == 1).then_some(arrival)))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let word = match self.0 {
            Some(Arrival { ecn, offset }) => 1 << 15 | u16::from(ecn & 3) << 13 | offset & 0x1fff,
            None => 0,
        };
        out.extend_from_slice(&word.to_be_bytes());
    }
}

impl<'a> StreamMetrics<'a> {
    fn read(r: &mut Reader<'a>) -> Result<Self, ParseError> {
        let (ssrc, begin, count) = (r.u32()?, Serial16(r.u16()?), usize::from(r.u16()?));
        // RFC 8888 §3.1: more are not to be believed.
        if count > MAX_METRICS {
            return Err(ParseError::TooMany("packets of a stream"));
        }
        let metrics = List::read(r, count)?;
        r.bytes(if count % 2 == 1 { 2 } else { 0 })?;
        Ok(Self { ssrc, begin, metrics })
    }

    fn write(&self, out: &mut Vec<u8>) {
        assert!(self.metrics.len() <= MAX_METRICS, "at most 16,384 packets of a stream");
        let start = out.len();
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&self.begin.0.to_be_bytes());
        out.extend_from_slice(&(self.metrics.len() as u16).to_be_bytes());
        self.metrics.write(out);
        pad(out, start);
    }
}

impl<'a> Congestion<'a> {
    /// Feedback on `streams`.
    #[must_use]
    pub const fn new(sender: u32, timestamp: u32, streams: &'a [StreamMetrics<'a>]) -> Self {
        Self { sender, timestamp, streams: Streams::Values(streams) }
    }

    pub(super) fn parse(body: &'a [u8]) -> Result<Self, ParseError> {
        let (rest, timestamp) = body.split_last_chunk().ok_or(ParseError::Truncated)?;
        let mut r = Reader::new(rest);
        let sender = r.u32()?;
        let feedback =
            Self { sender, timestamp: u32::from_be_bytes(*timestamp), streams: Streams::Wire(r.rest()) };
        while !r.is_empty() {
            StreamMetrics::read(&mut r)?;
        }
        Ok(feedback)
    }

    /// What is known, stream by stream.
    pub fn streams(&self) -> impl Iterator<Item = StreamMetrics<'a>> + use<'a> {
        let (bytes, values): (&[u8], &[StreamMetrics<'a>]) = match self.streams {
            Streams::Wire(bytes) => (bytes, &[]),
            Streams::Values(values) => (&[], values),
        };
        let mut r = Reader::new(bytes);
        std::iter::from_fn(move || StreamMetrics::read(&mut r).ok()).chain(values.iter().copied())
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_packet(out, PacketType::TransportFeedback, FORMAT.into(), |out| {
            out.extend_from_slice(&self.sender.to_be_bytes());
            self.streams().for_each(|stream| stream.write(out));
            out.extend_from_slice(&self.timestamp.to_be_bytes());
        });
    }
}

impl PartialEq for Congestion<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.sender, self.timestamp) == (other.sender, other.timestamp) && self.streams().eq(other.streams())
    }
}
