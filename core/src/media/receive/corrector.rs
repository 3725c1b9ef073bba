//! Packets that come back out of parity: those of one stream that may be needed for it, and parity that waits for more of
//! them (RFC 5109 §9.2).

use crate::base::seq::Serial16;
use crate::media::parity::Parity;
use crate::wire::rtp::fec::Correction;
use std::collections::VecDeque;

/// Packets that are kept: twice what one group can span.
const MAX_PACKETS: usize = 256;
/// Groups that wait for more packets: what is looked at with each packet that comes.
const MAX_GROUPS: usize = 16;

/// What is known of one stream's latest packets.
#[derive(Clone, Debug, Default)]
pub(in crate::media) struct Corrector {
    /// The count of the first place.
    base: u64,
    packets: VecDeque<Option<Vec<u8>>>,
    groups: VecDeque<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    base: u64,
    mask: u128,
    sum: Parity,
}

impl Group {
    fn counts(&self) -> impl Iterator<Item = u64> + use<> {
        let (base, mask) = (self.base, self.mask);
        (0..128).filter(move |at| mask >> at & 1 == 1).map(move |at| base + at)
    }
}

impl Corrector {
    /// Keeps a packet of the stream that was shielded.
    pub(in crate::media) fn keep(&mut self, count: u64, packet: Vec<u8>) {
        if self.packets.is_empty() || count >= self.base + 4 * MAX_PACKETS as u64 {
            self.packets.clear();
            self.base = count;
        }
        let Some(at) = count.checked_sub(self.base) else { return };
        let at = at as usize;
        if at >= self.packets.len() {
            self.packets.resize_with(at + 1, || None);
        }
        self.packets[at].get_or_insert(packet);
        let old = self.packets.len().saturating_sub(MAX_PACKETS);
        self.packets.drain(..old);
        self.base += old as u64;
    }

    /// Takes the parity of a group. `highest`: the highest count of the stream, which tells where its numbers lie.
    pub(in crate::media) fn join(&mut self, highest: u64, correction: &Correction<'_>) {
        let ahead = correction.base.0.wrapping_sub(highest as u16).cast_signed();
        let Some(base) = highest.checked_add_signed(ahead.into()) else { return };
        if self.groups.len() == MAX_GROUPS {
            self.groups.pop_front();
        }
        self.groups.push_back(Group { base, mask: correction.mask, sum: Parity::of(correction) });
    }

    /// The next packet that can be computed. It is kept like those that came.
    pub(in crate::media) fn recover(&mut self, ssrc: u32) -> Option<Vec<u8>> {
        for at in 0..self.groups.len() {
            let mut missing = self.groups[at].counts().filter(|count| self.find(*count).is_none());
            let lost = missing.next();
            if missing.next().is_some() {
                continue;
            }
            drop(missing);
            let Group { mask, base, mut sum } = self.groups.remove(at)?;
            // Nothing is missing: it is of no use any more, and what it was waits for the next call.
            let Some(lost) = lost else { return self.recover(ssrc) };
            let others = (0..128).filter(|at| mask >> at & 1 == 1).map(|at| base + at);
            others.filter_map(|count| self.find(count)).for_each(|packet| sum.add(packet));
            let Some(packet) = sum.packet(ssrc, Serial16(lost as u16)) else { return self.recover(ssrc) };
            self.keep(lost, packet.clone());
            return Some(packet);
        }
        None
    }

    fn find(&self, count: u64) -> Option<&[u8]> {
        let at = usize::try_from(count.checked_sub(self.base)?).ok()?;
        self.packets.get(at)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::{Corrector, MAX_GROUPS, MAX_PACKETS};
    use crate::base::seq::Serial16;
    use crate::media::parity::Parity;
    use crate::wire::rtp::Header;

    const SSRC: u32 = 9;

    fn packet(count: u64) -> Vec<u8> {
        let mut packet = Vec::new();
        let sequence = Serial16(count as u16);
        Header { payload_type: 96, sequence, ssrc: SSRC, ..Header::default() }.write(&[], &mut packet);
        packet.extend(vec![count as u8; count as usize % 7 + 1]);
        packet
    }

    fn protect(corrector: &mut Corrector, highest: u64, base: u64, mask: u128) {
        let mut sum = Parity::default();
        (0..109).filter(|at| mask >> at & 1 == 1).for_each(|at| sum.add(&packet(base + at)));
        corrector.join(highest, &sum.correction(SSRC, Serial16(base as u16), mask));
    }

    #[test]
    fn one_recovery_makes_another_possible() {
        let mut corrector = Corrector::default();
        for count in (65_530..65_542).filter(|count| ![65_533, 65_536, 65_539].contains(count)) {
            corrector.keep(count, packet(count));
        }
        // The first group misses two, the second one of them, the third the last.
        protect(&mut corrector, 65_541, 65_530, 0b100_1001);
        assert_eq!(corrector.recover(SSRC), None);
        protect(&mut corrector, 65_541, 65_533, 0b11);
        assert_eq!(corrector.recover(SSRC), Some(packet(65_533)));
        assert_eq!(corrector.recover(SSRC), Some(packet(65_536)));
        assert_eq!(corrector.recover(SSRC), None);
        protect(&mut corrector, 65_541, 65_530, 0b11_1111_1111);
        assert_eq!(corrector.recover(SSRC), Some(packet(65_539)));
        assert!(corrector.groups.is_empty());
    }

    #[test]
    fn parity_may_come_before_what_it_protects() {
        let mut corrector = Corrector::default();
        protect(&mut corrector, 100, 101, 0b111);
        for count in [101, 103] {
            assert_eq!(corrector.recover(SSRC), None);
            corrector.keep(count, packet(count));
        }
        assert_eq!(corrector.recover(SSRC), Some(packet(102)));
    }

    #[test]
    fn nothing_grows() {
        let mut corrector = Corrector::default();
        for count in (0..100_000_u64).map(|n| n * n % 7_919) {
            corrector.keep(count, vec![0; 12]);
            protect(&mut corrector, count, count, u128::MAX >> 19);
            assert!(corrector.packets.len() <= MAX_PACKETS && corrector.groups.len() <= MAX_GROUPS);
        }
    }
}
