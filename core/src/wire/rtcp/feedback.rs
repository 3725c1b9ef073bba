//! Feedback about streams (RFC 4585 §6, RFC 5104 §4): lost packets, wishes for pictures and for a slower pace.

use crate::base::seq::Serial16;
use crate::wire::cursor::{ParseError, Reader};
use crate::wire::rtcp::list::{List, Record};
use crate::wire::rtcp::transport_wide::{self, TransportWide};
use crate::wire::rtcp::{PacketType, put_packet};

const NACK: u8 = 1;
const TMMBR: u8 = 3;
const TMMBN: u8 = 4;
const PLI: u8 = 1;
const FIR: u8 = 4;
const APPLICATION: u8 = 15;

/// What an estimate of the receiver begins with (draft-alvestrand-rmcat-remb).
const REMB: [u8; 4] = *b"REMB";
/// Bits of the mantissas.
const REMB_MANTISSA: u32 = 18;
const TMMBR_MANTISSA: u32 = 17;

/// A wish or a notice about a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feedback<'a> {
    /// Who sent it.
    pub sender: u32,
    /// What it is about; 0 where the message names streams itself.
    pub media: u32,
    /// What it says.
    pub message: Message<'a>,
}

/// What feedback says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Message<'a> {
    /// Packets are missing (RFC 4585 §6.2.1).
    Nack(List<'a, Missing>),
    /// Send no faster (RFC 5104 §4.2.1).
    LimitRequest(List<'a, Limit>),
    /// What limits are in force (RFC 5104 §4.2.2).
    LimitNotice(List<'a, Limit>),
    /// When packets of the transport arrived.
    TransportWide(TransportWide<'a>),
    /// The picture cannot go on (RFC 4585 §6.3.1).
    PictureLoss,
    /// Send a key frame (RFC 5104 §4.3.1).
    IntraRequest(List<'a, IntraRequest>),
    /// How much the receiver thinks that it can take.
    Estimate(Estimate<'a>),
    /// An application's own, other than an estimate.
    Application(&'a [u8]),
    /// RTPFB of another format, of five bits.
    UnknownTransport(u8, &'a [u8]),
    /// PSFB of another format, of five bits.
    UnknownPayload(u8, &'a [u8]),
}

/// A packet that is missing, and which of the sixteen that follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The first.
    pub first: Serial16,
    /// Bit `n` stands for the number `n + 1` later.
    pub following: u16,
}

impl Missing {
    /// All numbers, in order.
    pub fn numbers(self) -> impl Iterator<Item = Serial16> {
        let following = (0..16).filter(move |n| self.following >> n & 1 == 1);
        std::iter::once(self.first).chain(following.map(move |n| self.first.plus(n + 1)))
    }

    /// Packs `numbers`, which are in order, calling `put` for each record.
    pub fn pack(numbers: impl IntoIterator<Item = Serial16>, mut put: impl FnMut(Self)) {
        let mut open: Option<Self> = None;
        for number in numbers {
            if let Some(missing) = &mut open {
                match number.distance_from(missing.first) {
                    0 => continue,
                    ahead @ 1..=16 => {
                        missing.following |= 1 << (ahead - 1);
                        continue;
                    }
                    _ => put(*missing),
                }
            }
            open = Some(Self { first: number, following: 0 });
        }
        open.into_iter().for_each(put);
    }
}

impl Record for Missing {
    const LEN: usize = 4;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self { first: Serial16(r.u16()?), following: r.u16()? })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first.0.to_be_bytes());
        out.extend_from_slice(&self.following.to_be_bytes());
    }
}

/// A limit for one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// The stream.
    pub ssrc: u32,
    /// Bits per second, of which 17 are written, rounded down.
    pub bitrate: u64,
    /// Bytes that each packet has besides, of nine bits.
    pub overhead: u16,
}

impl Record for Limit {
    const LEN: usize = 8;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let (ssrc, word) = (r.u32()?, r.u32()?);
        let bitrate = expand(word >> 26, word >> 9 & 0x1_ffff, TMMBR_MANTISSA);
        Ok(Self { ssrc, bitrate, overhead: (word & 0x1ff) as u16 })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (exponent, mantissa) = shorten(self.bitrate, TMMBR_MANTISSA);
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        let word = exponent << 26 | mantissa << 9 | u32::from(self.overhead & 0x1ff);
        out.extend_from_slice(&word.to_be_bytes());
    }
}

/// A wish for a key frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntraRequest {
    /// The stream.
    pub ssrc: u32,
    /// The wish's number: the same as before when it is repeated.
    pub sequence: u8,
}

impl Record for IntraRequest {
    const LEN: usize = 8;

    fn read(r: &mut Reader<'_>) -> Result<Self, ParseError> {
        let request = Self { ssrc: r.u32()?, sequence: r.u8()? };
        r.u24().map(|_| request)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&[self.sequence, 0, 0, 0]);
    }
}

/// REMB: how much a receiver thinks that it can take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate<'a> {
    /// Bits per second, of which 18 are written, rounded down.
    pub bitrate: u64,
    /// The streams together; at most 255.
    pub streams: List<'a, u32>,
}

impl<'a> Estimate<'a> {
    fn parse(data: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(data);
        let (count, word) = (r.u8()?, r.u24()?);
        let bitrate = expand(word >> REMB_MANTISSA, word & 0x3_ffff, REMB_MANTISSA);
        let streams = List::read(&mut r, count.into())?;
        r.finish().map(|()| Self { bitrate, streams })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (exponent, mantissa) = shorten(self.bitrate, REMB_MANTISSA);
        let count = u8::try_from(self.streams.len()).expect("at most 255 streams");
        let word = u32::from(count) << 24 | exponent << REMB_MANTISSA | mantissa;
        out.extend_from_slice(&word.to_be_bytes());
        self.streams.write(out);
    }
}

/// A rate out of its two parts. What 64 bits cannot hold becomes the largest rate that they can.
const fn expand(exponent: u32, mantissa: u32, mantissa_bits: u32) -> u64 {
    if mantissa != 0 && exponent > (mantissa as u64).leading_zeros() {
        return ((1 << mantissa_bits) - 1) << (u64::BITS - mantissa_bits);
    }
    (mantissa as u64) << exponent
}

/// A rate as exponent and mantissa, rounded down.
const fn shorten(rate: u64, mantissa_bits: u32) -> (u32, u32) {
    let exponent = (u64::BITS - rate.leading_zeros()).saturating_sub(mantissa_bits);
    (exponent, (rate >> exponent) as u32)
}

impl<'a> Feedback<'a> {
    pub(super) fn parse(packet_type: PacketType, format: u8, body: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(body);
        let (sender, media) = (r.u32()?, r.u32()?);
        let message = if packet_type == PacketType::TransportFeedback {
            match format {
                NACK => Message::Nack(List::read_rest(&mut r)?),
                TMMBR => Message::LimitRequest(List::read_rest(&mut r)?),
                TMMBN => Message::LimitNotice(List::read_rest(&mut r)?),
                transport_wide::FORMAT => Message::TransportWide(TransportWide::parse(r.rest())?),
                _ => Message::UnknownTransport(format, r.rest()),
            }
        } else {
            match format {
                PLI => Message::PictureLoss,
                FIR => Message::IntraRequest(List::read_rest(&mut r)?),
                APPLICATION => match r.rest().strip_prefix(&REMB) {
                    Some(estimate) => Message::Estimate(Estimate::parse(estimate)?),
                    None => Message::Application(r.rest()),
                },
                _ => Message::UnknownPayload(format, r.rest()),
            }
        };
        Ok(Self { sender, media, message })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (packet_type, format) = self.message.codes();
        put_packet(out, packet_type, format.into(), |out| {
            out.extend_from_slice(&self.sender.to_be_bytes());
            out.extend_from_slice(&self.media.to_be_bytes());
            match &self.message {
                Message::Nack(missing) => missing.write(out),
                Message::LimitRequest(limits) | Message::LimitNotice(limits) => limits.write(out),
                Message::TransportWide(feedback) => feedback.write(out),
                Message::PictureLoss => {}
                Message::IntraRequest(requests) => requests.write(out),
                Message::Estimate(estimate) => {
                    out.extend_from_slice(&REMB);
                    estimate.write(out);
                }
                Message::Application(data)
                | Message::UnknownTransport(_, data)
                | Message::UnknownPayload(_, data) => out.extend_from_slice(data),
            }
        });
    }
}

impl Message<'_> {
    const fn codes(&self) -> (PacketType, u8) {
        match self {
            Self::Nack(_) => (PacketType::TransportFeedback, NACK),
            Self::LimitRequest(_) => (PacketType::TransportFeedback, TMMBR),
            Self::LimitNotice(_) => (PacketType::TransportFeedback, TMMBN),
            Self::TransportWide(_) => (PacketType::TransportFeedback, transport_wide::FORMAT),
            Self::UnknownTransport(format, _) => (PacketType::TransportFeedback, *format),
            Self::PictureLoss => (PacketType::PayloadFeedback, PLI),
            Self::IntraRequest(_) => (PacketType::PayloadFeedback, FIR),
            Self::Estimate(_) | Self::Application(_) => (PacketType::PayloadFeedback, APPLICATION),
            Self::UnknownPayload(format, _) => (PacketType::PayloadFeedback, *format),
        }
    }
}
