//! What protects a stream of ours against loss without being asked: older sound in each packet (RFC 2198), parity behind each
//! picture (RFC 5109, FlexFEC).

use crate::base::seq::{Serial16, Serial32};
use crate::media::codec::red::{self, Block, MAX_LEN, MAX_OFFSET};
use crate::media::codec::{Head, Payload};
use crate::media::parity::Parity;
use crate::wire::rtp::fec::{Correction, MAX_ULPFEC_SPAN};
use bytes::Bytes;
use std::collections::VecDeque;

/// Older payloads that a packet carries at most: what libwebrtc allows.
const MAX_REDUNDANCY: u8 = 9;

/// How a sender protects what it sends, beyond repeating what the peer asks for. Default: not at all.
///
/// It costs bandwidth all the time and helps where a round trip is too long to ask. Only what was negotiated is used:
/// `red` for sound, `flexfec-03` or else `ulpfec` in `red` for pictures. Packets that are forwarded are sent as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Protection {
    /// How many frames back each packet of sound carries along, up to 9. One more costs the sound's rate once more.
    pub redundancy: u8,
    /// How many packets of parity a picture has, as a part of its own packets, from 0 to 1. Any above 0 makes one at least.
    pub correction: f32,
}

impl Protection {
    pub(in crate::media) fn depth(self) -> usize {
        self.redundancy.min(MAX_REDUNDANCY).into()
    }

    /// Packets of parity for a group of so many.
    fn count(self, group: usize) -> usize {
        // A share that is no number is none.
        let wanted = (group as f32 * self.correction.clamp(0.0, 1.0)).ceil() as usize;
        wanted.clamp(1, group.max(1))
    }
}

/// How parity travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::media) enum Carrier {
    /// Among the stream's own packets, which RFC 2198 tells apart.
    Ulpfec { red: u8, payload_type: u8 },
    /// As a stream of its own.
    Flexfec { payload_type: u8 },
}

/// Sound that was sent last, the oldest first, in packets that follow one another.
#[derive(Clone, Debug, Default)]
pub(in crate::media) struct Older(VecDeque<(Serial32, Bytes)>);

impl Older {
    /// The payload that carries `payload` of this type and `depth` older ones, as far as `limit` has room.
    pub(in crate::media) fn wrap(
        &mut self,
        timestamp: Serial32,
        (payload_type, payload): (u8, &Bytes),
        depth: usize,
        limit: usize,
    ) -> Payload {
        let mut room = limit.saturating_sub(1 + payload.len());
        let mut blocks = Vec::new();
        // From the newest back: without one, those before it would be taken for later ones.
        for (at, data) in self.0.iter().rev().take(depth) {
            let offset = timestamp.distance_from(*at);
            let cost = 4 + data.len();
            if cost > room || data.len() > MAX_LEN || offset > MAX_OFFSET {
                break;
            }
            room -= cost;
            blocks.insert(0, Block { payload_type, offset, data });
        }
        let mut head = Vec::new();
        red::write(&blocks, Block { payload_type, offset: 0, data: &[] }, &mut head);
        self.0.push_back((timestamp, payload.clone()));
        self.0.drain(..self.0.len().saturating_sub(depth));
        Payload { head: Head::from_vec(head), body: payload.clone() }
    }

    /// Something else was sent in between.
    pub(in crate::media) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Packets of a picture that parity is computed of.
#[derive(Clone, Debug)]
pub(in crate::media) struct Group {
    base: Serial16,
    left: usize,
    added: usize,
    sums: Vec<(u128, Parity)>,
}

impl Group {
    /// A group that begins with the number `base`, of the `packets` that a picture still has.
    pub(in crate::media) fn new(base: Serial16, packets: usize, protection: Protection) -> Self {
        let left = packets.clamp(1, MAX_ULPFEC_SPAN);
        let sums = vec![(0, Parity::default()); protection.count(left)];
        Self { base, left, added: 0, sums }
    }

    /// Adds a shielded packet. Neighbours are of different sums: losses come in bursts. `true`: it was the last.
    pub(in crate::media) fn add(&mut self, sequence: Serial16, packet: &[u8]) -> bool {
        let at = self.added % self.sums.len();
        let place = usize::from(sequence.distance_from(self.base));
        if place < MAX_ULPFEC_SPAN {
            self.sums[at].0 |= 1 << place;
            self.sums[at].1.add(packet);
        }
        self.added += 1;
        self.added >= self.left
    }

    /// What protects it.
    pub(in crate::media) fn corrections(&self, ssrc: u32) -> impl Iterator<Item = Correction<'_>> {
        let sums = self.sums.iter().filter(|(mask, _)| *mask != 0);
        sums.map(move |(mask, sum)| sum.correction(ssrc, self.base, *mask))
    }
}

#[cfg(test)]
mod tests {
    use super::{Group, Older, Protection};
    use crate::base::seq::{Serial16, Serial32};
    use crate::media::codec::red;
    use bytes::Bytes;

    fn blocks(older: &mut Older, at: u32, data: &'static [u8], limit: usize) -> Vec<(u32, usize)> {
        let payload = older.wrap(Serial32(at), (111, &Bytes::from_static(data)), 2, limit);
        let mut bytes = Vec::new();
        payload.write(&mut bytes);
        assert!(bytes.len() <= limit);
        red::parse(&bytes).unwrap().iter().map(|block| (block.offset, block.data.len())).collect()
    }

    #[test]
    fn sound_carries_what_was_before_it() {
        let mut older = Older::default();
        assert_eq!(blocks(&mut older, 0, b"1", 100), [(0, 1)]);
        assert_eq!(blocks(&mut older, 960, b"22", 100), [(960, 1), (0, 2)]);
        assert_eq!(blocks(&mut older, 1_920, b"333", 100), [(1_920, 1), (960, 2), (0, 3)]);
        // No room for the oldest, and none for any before one that does not fit.
        assert_eq!(blocks(&mut older, 2_880, b"4444", 13), [(960, 3), (0, 4)].map(|(o, l)| (o, l)).to_vec());
        assert_eq!(blocks(&mut older, 3_840, b"5", 6), [(0, 1)]);
        // Silence so long that its begin is too old to be named.
        assert_eq!(blocks(&mut older, 30_000, b"6", 100), [(0, 1)]);
        older.clear();
        assert_eq!(blocks(&mut older, 30_960, b"7", 100), [(0, 1)]);
    }

    #[test]
    fn neighbours_have_different_parity() {
        let protection = Protection { correction: 0.3, ..Protection::default() };
        let mut group = Group::new(Serial16(65_534), 5, protection);
        let ends: Vec<bool> = (0..5).map(|at| group.add(Serial16(65_534).plus(at), &[0x80; 20])).collect();
        assert_eq!(ends, [false, false, false, false, true]);
        let masks: Vec<u128> = group.corrections(9).map(|correction| correction.mask).collect();
        assert_eq!(masks, [0b1_0101, 0b0_1010]);
    }

    #[test]
    fn any_share_makes_a_count() {
        let count = |correction, group| Protection { correction, redundancy: 0 }.count(group);
        let counts = [count(0.01, 10), count(0.25, 10), count(1.0, 10), count(7.0, 10), count(f32::NAN, 10)];
        assert_eq!(counts, [1, 3, 10, 10, 1]);
        assert_eq!(count(0.5, 0), 1);
    }
}
