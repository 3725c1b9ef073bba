//! When packets of a transport arrived, as its sender's congestion control wants to know
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use crate::base::seq::{Serial16, Unwrap16};
use crate::base::time::Instant;
use crate::wire::rtcp::transport_wide::{DELTA_MICROS, REFERENCE_MICROS, TransportWide};
use std::collections::VecDeque;

/// Packets of one feedback: at the longest interval and 2,000 packets/s there are fewer.
const MAX_PACKETS: usize = 512;
/// Packets that are remembered between two feedbacks.
const MAX_SPAN: u64 = 4_096;

/// Arrivals that the sender has not been told yet.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    unwrap: Unwrap16,
    /// The count of the first place in `times`.
    base: u64,
    /// When each packet from `base` on arrived.
    times: VecDeque<Option<Instant>>,
    /// The number of the next feedback.
    sequence: u8,
    /// Where the feedback that is being read is kept.
    deltas: Vec<Option<i16>>,
}

impl Arrivals {
    /// Takes note of a packet.
    pub fn receive(&mut self, now: Instant, number: Serial16) {
        let count = self.unwrap.peek(number);
        if self.times.is_empty() {
            // One from before what was reported last is told of all the same, unless it is far off.
            self.base = count;
        }
        if count < self.base {
            // Reordered across a feedback: it was reported missing, and is not waited for.
            return;
        }
        let at = count - self.base;
        if at >= MAX_SPAN {
            // A jump: what is before it can wait no longer.
            self.times.clear();
            self.base = count;
        }
        self.unwrap.advance(number);
        let at = (count - self.base) as usize;
        if at >= self.times.len() {
            self.times.resize(at + 1, None);
        }
        self.times[at].get_or_insert(now);
    }

    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The next feedback, of as many packets as one holds. Call it until it is `None`.
    pub fn feedback(&mut self) -> Option<TransportWide<'_>> {
        let first = self.times.iter().flatten().next()?;
        let reference = (first.as_micros() / REFERENCE_MICROS.unsigned_abs()).cast_signed();
        let mut last = reference * REFERENCE_MICROS;
        self.deltas.clear();
        for time in self.times.iter().take(MAX_PACKETS) {
            let delta = match time {
                None => None,
                Some(time) => {
                    let units = (time.as_micros().cast_signed() - last).div_euclid(DELTA_MICROS);
                    // More than eight seconds between two packets: the next feedback has a reference of its own.
                    let Ok(delta) = i16::try_from(units) else { break };
                    last += units * DELTA_MICROS;
                    Some(delta)
                }
            };
            self.deltas.push(delta);
        }
        // What is missing behind the last arrival may still be on its way.
        while self.deltas.last().is_some_and(Option::is_none) {
            self.deltas.pop();
        }
        let base = Serial16(self.base as u16);
        self.base += self.deltas.len() as u64;
        self.times.drain(..self.deltas.len());
        while self.times.front().is_some_and(Option::is_none) {
            self.times.pop_front();
            self.base += 1;
        }
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        // Of 24 bits with sign.
        let reference = (reference as i32) << 8 >> 8;
        Some(TransportWide::new(base, reference, sequence, &self.deltas))
    }
}

#[cfg(test)]
mod tests {
    use super::Arrivals;
    use crate::base::seq::Serial16;
    use crate::base::time::Instant;

    fn told(arrivals: &mut Arrivals) -> Vec<(u16, i32, u8, Vec<Option<i16>>)> {
        std::iter::from_fn(|| {
            arrivals.feedback().map(|f| (f.base.0, f.reference, f.sequence, f.arrivals().collect()))
        })
        .collect()
    }

    #[test]
    fn each_packet_is_told_of_once() {
        let mut arrivals = Arrivals::default();
        for (number, at) in [(65_535, 64_000), (1, 64_750), (0, 65_000)] {
            arrivals.receive(Instant::from_micros(at), Serial16(number));
        }
        assert_eq!(told(&mut arrivals), [(65_535, 1, 0, vec![Some(0), Some(4), Some(-1)])]);
        assert!(arrivals.is_empty() && arrivals.feedback().is_none());
        arrivals.receive(Instant::from_micros(128_000), Serial16(4));
        arrivals.receive(Instant::from_micros(128_250), Serial16(6));
        assert_eq!(told(&mut arrivals), [(4, 2, 1, vec![Some(0), None, Some(1)])]);
    }

    #[test]
    fn a_long_silence_and_a_jump_begin_a_new_feedback() {
        let mut arrivals = Arrivals::default();
        arrivals.receive(Instant::from_micros(0), Serial16(1));
        arrivals.receive(Instant::from_micros(10_000_000), Serial16(2));
        let bases: Vec<u16> = told(&mut arrivals).iter().map(|told| told.0).collect();
        assert_eq!(bases, [1, 2]);
        arrivals.receive(Instant::from_micros(10_000_000), Serial16(3));
        arrivals.receive(Instant::from_micros(10_000_000), Serial16(30_000));
        assert_eq!(told(&mut arrivals).len(), 1);
        for number in 30_001..30_601 {
            arrivals.receive(Instant::from_micros(11_000_000), Serial16(number));
        }
        let lens: Vec<usize> = told(&mut arrivals).iter().map(|told| told.3.len()).collect();
        assert_eq!(lens, [512, 88]);
    }
}
