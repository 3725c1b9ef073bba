//! Channel messages of TURN (RFC 8656 §12.4): a number, a length, and what is relayed.

use crate::wire::cursor::{ParseError, Reader};

/// Bytes before what is relayed.
pub const CHANNEL_HEADER_LEN: usize = 4;

/// The header of a channel message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelHeader {
    /// The channel: 0x4000 to 0x4FFF.
    pub number: u16,
    /// Bytes that are relayed; padding may follow.
    pub length: u16,
}

impl ChannelHeader {
    /// Reads the header of a message that has to be there as a whole.
    pub fn parse(message: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(message);
        let (number, length) = (r.u16()?, r.u16()?);
        if !(0x4000..=0x4FFF).contains(&number) {
            return Err(ParseError::BadValue("TURN channel"));
        }
        // RFC 8656 §12.5, §12.6.
        if usize::from(length) > r.len() {
            return Err(ParseError::Truncated);
        }
        Ok(Self { number, length })
    }

    /// The bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; CHANNEL_HEADER_LEN] {
        let ([a, b], [c, d]) = (self.number.to_be_bytes(), self.length.to_be_bytes());
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::ChannelHeader;
    use quickcheck::quickcheck;

    quickcheck! {
        fn headers_go_both_ways(number: u16, content: Vec<u8>) -> bool {
            let header = ChannelHeader { number: 0x4000 | number & 0xFFF, length: content.len() as u16 };
            let mut message = header.to_bytes().to_vec();
            message.extend_from_slice(&content);
            ChannelHeader::parse(&message) == Ok(header)
        }

        fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) -> bool {
            ChannelHeader::parse(&bytes).is_ok_and(|header| usize::from(header.length) + 4 <= bytes.len())
                || ChannelHeader::parse(&bytes).is_err()
        }
    }
}
