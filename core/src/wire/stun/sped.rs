//! The value of the attribute that names embedded datagrams (draft-hancke-webrtc-sped): a list of CRC-32 sums.

use crate::wire::cursor::{ParseError, Reader};
use crc_fast::CrcAlgorithm;

/// The most that one message names: what the draft says, and more than any flight has.
pub const MAX_ACKS: usize = 4;
/// The most that one message may name: what newer peers send.
const MOST_RECEIVED: usize = 16;

/// What names an embedded datagram: its CRC-32 (that of Ethernet).
#[must_use]
pub fn hash(datagram: &[u8]) -> u32 {
    crc_fast::checksum(CrcAlgorithm::Crc32IsoHdlc, datagram) as u32
}

/// The names of datagrams that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acks {
    bytes: [u8; 4 * MOST_RECEIVED],
    len: usize,
}

impl Default for Acks {
    fn default() -> Self {
        Self { bytes: [0; 4 * MOST_RECEIVED], len: 0 }
    }
}

impl Acks {
    /// Of these, the last [`MAX_ACKS`].
    #[must_use]
    pub fn of(hashes: &[u32]) -> Self {
        let mut acks = Self::default();
        for hash in &hashes[hashes.len().saturating_sub(MAX_ACKS)..] {
            acks.bytes[acks.len..acks.len + 4].copy_from_slice(&hash.to_be_bytes());
            acks.len += 4;
        }
        acks
    }

    /// Reads the value of an attribute.
    ///
    /// # Errors
    ///
    /// When it is not a list of at most sixteen sums.
    pub fn parse(value: &[u8]) -> Result<Self, ParseError> {
        let mut acks = Self::default();
        if value.len() > acks.bytes.len() {
            return Err(ParseError::TooMany("acknowledged datagrams"));
        }
        let mut reader = Reader::new(value);
        while !reader.is_empty() {
            acks.bytes[acks.len..acks.len + 4].copy_from_slice(&reader.array::<4>()?);
            acks.len += 4;
        }
        Ok(acks)
    }

    /// The value of the attribute.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether a datagram with this hash is among them.
    #[must_use]
    pub fn names(&self, hash: u32) -> bool {
        self.as_bytes().as_chunks::<4>().0.contains(&hash.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Acks, MAX_ACKS, hash};
    use crate::wire::cursor::ParseError;
    use quickcheck::quickcheck;

    #[test]
    fn names_are_crc_32() {
        assert_eq!(hash(b"123456789"), 0xcbf4_3926);
        let acks = Acks::of(&[hash(b"123456789"), 7]);
        assert_eq!(acks.as_bytes(), [0xcb, 0xf4, 0x39, 0x26, 0, 0, 0, 7]);
        assert!(acks.names(7) && acks.names(hash(b"123456789")) && !acks.names(0));
        assert!(!Acks::default().names(0));
    }

    #[test]
    fn a_list_is_bounded() {
        assert!(Acks::parse(&[0; 64]).is_ok());
        assert_eq!(Acks::parse(&[0; 68]), Err(ParseError::TooMany("acknowledged datagrams")));
        assert_eq!(Acks::parse(&[0; 5]), Err(ParseError::Truncated));
    }

    quickcheck! {
        fn lists_round_trip(hashes: Vec<u32>) -> bool {
            let acks = Acks::of(&hashes);
            let kept = &hashes[hashes.len().saturating_sub(MAX_ACKS)..];
            kept.iter().all(|&hash| acks.names(hash)) && Acks::parse(acks.as_bytes()) == Ok(acks)
        }

        fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>) -> bool {
            Acks::parse(&bytes).is_ok_and(|acks| acks.as_bytes() == bytes)
                || !bytes.len().is_multiple_of(4) || bytes.len() > 64
        }
    }
}
