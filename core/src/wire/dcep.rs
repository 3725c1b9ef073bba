//! The data channel establishment protocol (RFC 8832) and the payload protocol identifiers of data channels.

use crate::registry;
use crate::wire::cursor::{ParseError, Reader};

registry! {
    /// Payload protocol identifiers (RFC 8831 §8).
    pub enum Ppid: u32 {
        /// A message of this protocol.
        Dcep = 50,
        /// UTF-8 text, or its last part.
        String = 51,
        /// A part of binary data with more to follow (deprecated).
        BinaryPartial = 52,
        /// Binary data, or its last part.
        Binary = 53,
        /// A part of text with more to follow (deprecated).
        StringPartial = 54,
        /// Empty text, sent as one byte to be ignored.
        StringEmpty = 56,
        /// Empty binary data, sent as one byte to be ignored.
        BinaryEmpty = 57,
    }
}

registry! {
    /// Channel types (RFC 8832 §8.2.2), less the bit for unordered delivery.
    pub enum ChannelType: u8 {
        /// Everything arrives.
        Reliable = 0x00,
        /// The reliability parameter is a number of retransmissions.
        Retransmissions = 0x01,
        /// The reliability parameter is a life time in milliseconds.
        Lifetime = 0x02,
    }
}

const MESSAGE_ACK: u8 = 0x02;
const MESSAGE_OPEN: u8 = 0x03;
const UNORDERED: u8 = 0x80;

/// A message of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dcep<'a> {
    /// The channel's opener announces it.
    Open(Open<'a>),
    /// The other side agrees.
    Ack,
}

/// DATA_CHANNEL_OPEN (RFC 8832 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// How hard to try.
    pub channel_type: ChannelType,
    /// Whether messages may overtake each other.
    pub unordered: bool,
    /// The weight against other channels: 128, 256, 512 or 1,024, or anything between.
    pub priority: u16,
    /// Retransmissions or milliseconds, as the type says; zero for reliable channels.
    pub reliability: u32,
    /// The label, UTF-8, at most 65,535 bytes.
    pub label: &'a str,
    /// The subprotocol, UTF-8, at most 65,535 bytes.
    pub protocol: &'a str,
}

impl<'a> Dcep<'a> {
    /// Reads a message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        match r.u8()? {
            MESSAGE_ACK => Ok(Self::Ack),
            MESSAGE_OPEN => {
                let ty = r.u8()?;
                let (priority, reliability) = (r.u16()?, r.u32()?);
                let (label_len, protocol_len) = (usize::from(r.u16()?), usize::from(r.u16()?));
                let (label, protocol) = (r.bytes(label_len)?, r.bytes(protocol_len)?);
                Ok(Self::Open(Open {
                    channel_type: ChannelType::from(ty & !UNORDERED),
                    unordered: ty & UNORDERED != 0,
                    priority,
                    reliability,
                    label: text(label, "the label")?,
                    protocol: text(protocol, "the protocol")?,
                }))
            }
            _ => Err(ParseError::BadValue("the message type")),
        }
    }

    /// Appends the message. A label or protocol over 65,535 bytes is a bug of the caller, and panics.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self::Open(open) = self else { return out.push(MESSAGE_ACK) };
        let ty = u8::from(open.channel_type) | if open.unordered { UNORDERED } else { 0 };
        out.extend_from_slice(&[MESSAGE_OPEN, ty]);
        out.extend_from_slice(&open.priority.to_be_bytes());
        out.extend_from_slice(&open.reliability.to_be_bytes());
        for text in [open.label, open.protocol] {
            let len = u16::try_from(text.len()).expect("at most 65,535 bytes, as was checked at creation");
            out.extend_from_slice(&len.to_be_bytes());
        }
        out.extend_from_slice(open.label.as_bytes());
        out.extend_from_slice(open.protocol.as_bytes());
    }
}

fn text<'a>(bytes: &'a [u8], what: &'static str) -> Result<&'a str, ParseError> {
    std::str::from_utf8(bytes).map_err(|_| ParseError::BadValue(what))
}

#[cfg(test)]
mod tests {
    use super::{ChannelType, Dcep, Open};
    use crate::wire::cursor::ParseError;
    use quickcheck::quickcheck;

    #[test]
    fn an_open_message_has_these_bytes() {
        let open = Open {
            channel_type: ChannelType::Lifetime,
            unordered: true,
            priority: 256,
            reliability: 500,
            label: "ab",
            protocol: "c",
        };
        let mut out = Vec::new();
        Dcep::Open(open).write(&mut out);
        assert_eq!(out, [3, 0x82, 1, 0, 0, 0, 1, 0xf4, 0, 2, 0, 1, b'a', b'b', b'c']);
        assert_eq!(Dcep::parse(&out), Ok(Dcep::Open(open)));
        assert_eq!(Dcep::parse(&[2]), Ok(Dcep::Ack));
    }

    #[test]
    fn attack_28_lengths_past_the_buffer() {
        let open = [3, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, b'a', b'b'];
        assert_eq!(Dcep::parse(&open), Err(ParseError::Truncated));
        assert_eq!(
            Dcep::parse(&[3, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
            Err(ParseError::Truncated)
        );
        assert_eq!(Dcep::parse(&[]), Err(ParseError::Truncated));
        assert!(matches!(Dcep::parse(&[4]), Err(ParseError::BadValue(_))));
        assert!(matches!(
            Dcep::parse(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xff]),
            Err(ParseError::BadValue(_))
        ));
    }

    quickcheck! {
        fn open_round_trips(ty: u8, priority: u16, reliability: u32, label: String, protocol: String) -> bool {
            let open = Open {
                channel_type: ChannelType::from(ty & 0x7f),
                unordered: ty & 0x80 != 0,
                priority,
                reliability,
                label: &label,
                protocol: &protocol,
            };
            let mut out = Vec::new();
            Dcep::Open(open).write(&mut out);
            Dcep::parse(&out) == Ok(Dcep::Open(open))
        }

        fn any_bytes_do_not_panic(bytes: Vec<u8>) -> bool {
            let _ = Dcep::parse(&bytes);
            let mut open = vec![3];
            open.extend_from_slice(&bytes);
            let _ = Dcep::parse(&open);
            true
        }
    }
}
