//! The arithmetic of forward error correction: packets added up without carry, and one of them taken out of the sum.

use crate::base::seq::Serial16;
use crate::media::extensions::Extensions;
use crate::wire::rtp::fec::{Correction, HeaderParity};
use crate::wire::rtp::value::Kind;
use crate::wire::rtp::{HEADER_LEN, Layout, Packet};

/// Where the values of `video-timing` begin that are filled in when a packet leaves, and later.
const TIMING_STAMPS: usize = 7;

/// A packet as both ends take it into account: without the wrapping of RFC 2198, and with nothing in those header
/// extensions that are stamped when it leaves.
pub(super) fn shield(packet: &[u8], extensions: &Extensions, is_wrapped: bool) -> Option<Vec<u8>> {
    let parsed = Packet::parse(packet).ok()?;
    let mut bytes = packet.to_vec();
    for element in parsed.extensions() {
        let from = match extensions.kind(element.id) {
            Some(
                Kind::AbsSendTime
                | Kind::TransmissionOffset
                | Kind::TransportSequence
                | Kind::TransportSequence2,
            ) => 0,
            Some(Kind::VideoTiming) => TIMING_STAMPS,
            _ => continue,
        };
        // The element lies inside of the packet.
        let at = element.data.as_ptr() as usize - packet.as_ptr() as usize;
        bytes[at..at + element.data.len()].iter_mut().skip(from).for_each(|byte| *byte = 0);
    }
    if is_wrapped {
        let at = Layout::of(packet).ok()?.header_len;
        let inner = *bytes.get(at)? & 0x7f;
        bytes.remove(at);
        bytes[1] = bytes[1] & 0x80 | inner;
    }
    Some(bytes)
}

/// The sum of some packets.
#[derive(Clone, Debug, Default)]
pub(super) struct Parity {
    header: HeaderParity,
    parity: Vec<u8>,
}

impl Parity {
    /// Of a group that somebody else has added up.
    pub(super) fn of(correction: &Correction<'_>) -> Self {
        Self { header: correction.header, parity: correction.parity.to_vec() }
    }

    /// Adds a packet that was [shielded](shield); one that is in it already is taken out again.
    pub(super) fn add(&mut self, packet: &[u8]) {
        let Some((head, rest)) = packet.split_first_chunk::<HEADER_LEN>() else { return };
        self.header.flags[0] ^= head[0] & 0x3f;
        self.header.flags[1] ^= head[1];
        self.header.length ^= rest.len() as u16;
        self.header.timestamp ^= u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        if self.parity.len() < rest.len() {
            self.parity.resize(rest.len(), 0);
        }
        self.parity.iter_mut().zip(rest).for_each(|(sum, byte)| *sum ^= byte);
    }

    /// What is said of the packets of `mask` from `base` on, of which this is the sum.
    pub(super) fn correction(&self, ssrc: u32, base: Serial16, mask: u128) -> Correction<'_> {
        Correction { ssrc: Some(ssrc), base, mask, header: self.header, parity: &self.parity }
    }

    /// The one packet that is left in the sum. `None`: it would be longer than what was protected.
    pub(super) fn packet(&self, ssrc: u32, sequence: Serial16) -> Option<Vec<u8>> {
        let rest = self.parity.get(..usize::from(self.header.length))?;
        let mut packet = Vec::with_capacity(HEADER_LEN + rest.len());
        let [first, second] = self.header.flags;
        packet.extend_from_slice(&[0x80 | first & 0x3f, second]);
        packet.extend_from_slice(&sequence.0.to_be_bytes());
        packet.extend_from_slice(&self.header.timestamp.to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(rest);
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::Parity;
    use crate::base::seq::Serial16;
    use crate::wire::rtp::fec::Correction;
    use quickcheck::quickcheck;

    fn packet(sequence: u16, seed: u8, len: u8) -> Vec<u8> {
        let mut packet = vec![0x80 | seed & 0x10, seed];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&[seed, 1, 2, seed, 0, 0, 0, 9]);
        packet.extend((0..len).map(|at| at.wrapping_mul(seed)));
        packet
    }

    quickcheck! {
        fn any_one_packet_comes_back(group: Vec<(u8, u8)>, lost: usize) -> bool {
            let packets: Vec<Vec<u8>> =
                (0..).zip(group.iter().take(48)).map(|(at, &(seed, len))| packet(at, seed, len)).collect();
            if packets.is_empty() {
                return true;
            }
            let lost = lost % packets.len();
            let mut sum = Parity::default();
            packets.iter().for_each(|packet| sum.add(packet));
            let mut bytes = Vec::new();
            sum.correction(9, Serial16(0), (1 << packets.len()) - 1).write_flexfec(&mut bytes);
            let mut left = Parity::of(&Correction::parse_flexfec(&bytes).unwrap());
            packets.iter().enumerate().filter(|(at, _)| *at != lost).for_each(|(_, packet)| left.add(packet));
            left.packet(9, Serial16(lost as u16)) == Some(packets[lost].clone())
        }
    }
}
