//! RTCP packets: RFC 3550 §6 with RFC 3611 (extended reports), RFC 4585 and RFC 5104 (feedback), RFC 8888 (congestion
//! control feedback), transport-wide feedback and REMB.
//!
//! [`packets`] walks a compound packet, or one of reduced size (RFC 5506), in place: nothing is allocated. A count that
//! the bytes have no room for is an error of its packet, so that what iterates later meets no surprise. Each value is
//! written by [`Packet::write`], which appends to a `Vec<u8>`.

pub mod congestion;
pub mod extended;
pub mod feedback;
pub mod list;
pub mod report;
pub mod source;
pub mod transport_wide;

#[cfg(test)]
mod tests;

use crate::registry;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtcp::congestion::Congestion;
use crate::wire::rtcp::extended::Extended;
use crate::wire::rtcp::feedback::Feedback;
use crate::wire::rtcp::report::{ReceiverReport, SenderReport};
use crate::wire::rtcp::source::{App, Bye, Description};

/// Bytes of the header that every packet begins with.
pub const HEADER_LEN: usize = 4;
/// The most that the count of a header says.
pub const MAX_COUNT: usize = 31;

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;

registry! {
    /// Types of packets.
    pub enum PacketType: u8 {
        /// SR (RFC 3550 §6.4.1).
        SenderReport = 200,
        /// RR (RFC 3550 §6.4.2).
        ReceiverReport = 201,
        /// SDES (RFC 3550 §6.5).
        SourceDescription = 202,
        /// BYE (RFC 3550 §6.6).
        Bye = 203,
        /// APP (RFC 3550 §6.7).
        App = 204,
        /// RTPFB (RFC 4585 §6.2).
        TransportFeedback = 205,
        /// PSFB (RFC 4585 §6.3).
        PayloadFeedback = 206,
        /// XR (RFC 3611 §2).
        ExtendedReport = 207,
    }
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Packet<'a> {
    /// What a source sent, and how it receives others.
    SenderReport(SenderReport<'a>),
    /// How a source receives others.
    ReceiverReport(ReceiverReport<'a>),
    /// Names of sources.
    SourceDescription(Description<'a>),
    /// Sources that leave.
    Bye(Bye<'a>),
    /// An application's own.
    App(App<'a>),
    /// Extended reports.
    Extended(Extended<'a>),
    /// A wish or a notice about a stream.
    Feedback(Feedback<'a>),
    /// When packets of several streams arrived (RFC 8888).
    Congestion(Congestion<'a>),
    /// Of another type.
    Unknown {
        /// The type.
        packet_type: u8,
        /// The header's count, of five bits.
        count: u8,
        /// What follows the header, of whole words; others are filled up with zeros.
        body: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    fn parse(packet_type: PacketType, count: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        Ok(match packet_type {
            PacketType::SenderReport => Self::SenderReport(SenderReport::parse(count, body)?),
            PacketType::ReceiverReport => Self::ReceiverReport(ReceiverReport::parse(count, body)?),
            PacketType::SourceDescription => Self::SourceDescription(Description::parse(count, body)?),
            PacketType::Bye => Self::Bye(Bye::parse(count, body)?),
            PacketType::App => Self::App(App::parse(count, body)?),
            PacketType::ExtendedReport => Self::Extended(Extended::parse(body)?),
            PacketType::TransportFeedback if count == congestion::FORMAT => {
                Self::Congestion(Congestion::parse(body)?)
            }
            PacketType::TransportFeedback | PacketType::PayloadFeedback => {
                Self::Feedback(Feedback::parse(packet_type, count, body)?)
            }
            PacketType::Unknown(packet_type) => Self::Unknown { packet_type, count, body },
        })
    }

    /// Appends the packet. More than 31 of what its header counts, or more than 262,140 bytes, are a bug of the caller,
    /// and panic.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::SenderReport(report) => report.write(out),
            Self::ReceiverReport(report) => report.write(out),
            Self::SourceDescription(description) => description.write(out),
            Self::Bye(bye) => bye.write(out),
            Self::App(app) => app.write(out),
            Self::Extended(report) => report.write(out),
            Self::Feedback(feedback) => feedback.write(out),
            Self::Congestion(feedback) => feedback.write(out),
            Self::Unknown { packet_type, count, body } => {
                put_packet(out, PacketType::from(*packet_type), usize::from(*count), |out| {
                    out.extend_from_slice(body);
                });
            }
        }
    }
}

/// Whether `bytes` begin as a compound packet has to where reduced size was not agreed on (RFC 3550 §6.1): with a
/// report.
#[must_use]
pub const fn begins_with_report(bytes: &[u8]) -> bool {
    matches!(bytes, [_, 200 | 201, ..])
}

/// The packets of a compound in order.
///
/// A packet with a malformed body is an error and the next one follows; a header that cannot be believed is an error
/// and the end.
#[must_use]
pub const fn packets(bytes: &[u8]) -> Packets<'_> {
    Packets { rest: bytes }
}

/// Iterates over the packets of a compound.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    /// Takes a packet off: its type, its count, its body without padding.
    fn split(&mut self) -> Result<(PacketType, u8, &'a [u8]), ParseError> {
        let mut r = Reader::new(self.rest);
        let (first, packet_type) = (r.u8()?, PacketType::from(r.u8()?));
        if first >> 6 != VERSION {
            return Err(ParseError::BadValue("the RTCP version"));
        }
        let len = usize::from(r.u16()?) * 4;
        let body = r.bytes(len)?;
        self.rest = r.rest();
        Ok((packet_type, first & MAX_COUNT as u8, unpad(body, first & PADDING != 0)?))
    }
}

/// Takes the padding off: the last byte says how many bytes there are.
///
/// RFC 3550 §6.4.1 has whole words of it, in the last packet alone. libwebrtc fills transport-wide feedback up with one
/// to three bytes, wherever in a compound it stands, so neither is asked for.
fn unpad(body: &[u8], padded: bool) -> Result<&[u8], ParseError> {
    if !padded {
        return Ok(body);
    }
    let count = body.last().map_or(0, |&count| usize::from(count));
    let len = body.len().checked_sub(count).filter(|_| count > 0);
    len.map(|len| &body[..len]).ok_or(ParseError::BadLength)
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let before = self.rest.len();
        let split = self.split();
        if self.rest.len() == before {
            self.rest = &[];
        }
        Some(split.and_then(|(packet_type, count, body)| Packet::parse(packet_type, count, body)))
    }
}

/// Appends a packet whose body, of whole words, `body` writes.
fn put_packet(out: &mut Vec<u8>, packet_type: PacketType, count: usize, body: impl FnOnce(&mut Vec<u8>)) {
    assert!(count <= MAX_COUNT, "at most 31 in one packet");
    let start = out.len();
    out.extend_from_slice(&[VERSION << 6 | count as u8, packet_type.into(), 0, 0]);
    body(out);
    pad(out, start);
    let words = u16::try_from((out.len() - start) / 4 - 1).expect("a packet of at most 262,144 bytes");
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// Fills the last word of what began at `start` with zeros.
fn pad(out: &mut Vec<u8>, start: usize) {
    let len = (out.len() - start).next_multiple_of(4);
    out.resize(start + len, 0);
}
