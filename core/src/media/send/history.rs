//! What was sent, for as long as it may be asked for again (RFC 4588).

use crate::base::seq::Serial16;
use crate::base::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// Numbers that may be left out: more are a source that jumped.
const MAX_GAP: u16 = 1_024;

/// The packets of one stream that were sent last: not older than a time, and not more than so many bytes.
///
/// They lie by their numbers, so a packet is found without searching. What is forwarded may leave numbers out and fill
/// them later.
#[derive(Clone, Debug)]
pub struct History<P> {
    /// The number of the first.
    first: Serial16,
    packets: VecDeque<Option<Sent<P>>>,
    bytes: usize,
    max_bytes: usize,
    max_age: Duration,
}

#[derive(Clone, Debug)]
struct Sent<P> {
    packet: P,
    len: usize,
    at: Instant,
    /// When it was repeated last.
    repeated: Option<Instant>,
}

/// Why a packet is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not there: too old, or never sent.
    Unknown,
    /// It was, less than a round trip ago, and may be on its way.
    TooSoon,
}

impl<P> History<P> {
    /// One that keeps packets for `max_age`, as long as they have no more than `max_bytes` together.
    #[must_use]
    pub const fn new(max_bytes: usize, max_age: Duration) -> Self {
        Self { first: Serial16(0), packets: VecDeque::new(), bytes: 0, max_bytes, max_age }
    }

    /// Keeps a packet of `len` bytes. A number far from the one before begins anew.
    pub fn push(&mut self, now: Instant, sequence: Serial16, packet: P, len: usize) {
        let sent = Some(Sent { packet, len, at: now, repeated: None });
        let end = self.first.plus(self.packets.len() as u16);
        if sequence.is_before(end) && sequence.is_at_or_after(self.first) {
            let place = &mut self.packets[usize::from(sequence.distance_from(self.first))];
            self.bytes += if place.is_none() { len } else { 0 };
            if place.is_none() {
                *place = sent;
            }
        } else {
            if self.packets.is_empty() || sequence.is_before(end) || sequence.distance_from(end) > MAX_GAP {
                self.clear();
                self.first = sequence;
            }
            let at = usize::from(sequence.distance_from(self.first));
            self.packets.resize_with(at, || None);
            self.packets.push_back(sent);
            self.bytes += len;
        }
        // Half the ring of numbers can be told apart.
        while self.bytes > self.max_bytes || self.packets.len() > 1 << 14 || self.is_stale(now) {
            self.pop();
        }
    }

    /// Whether the first place is of no use any more.
    fn is_stale(&self, now: Instant) -> bool {
        match self.packets.front() {
            Some(Some(sent)) => now.saturating_since(sent.at) > self.max_age,
            Some(None) => true,
            None => false,
        }
    }

    fn pop(&mut self) {
        if let Some(place) = self.packets.pop_front() {
            self.bytes -= place.map_or(0, |sent| sent.len);
            self.first = self.first.next();
        }
    }

    /// Finds the packet that the peer misses, to send it again now.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: RFC 4588 §6.3 wants repetitions kept within bounds, and a request that comes twice within a round
    /// trip was made before the answer to the first one can have come.
    pub fn repeat(&mut self, now: Instant, sequence: Serial16, round_trip: Duration) -> Result<&P, Refusal> {
        let max_age = self.max_age;
        let at = usize::from(sequence.distance_from(self.first));
        let sent = self.packets.get_mut(at).and_then(Option::as_mut).ok_or(Refusal::Unknown)?;
        if now.saturating_since(sent.at) > max_age {
            return Err(Refusal::Unknown);
        }
        if sent.repeated.is_some_and(|repeated| now.saturating_since(repeated) < round_trip) {
            return Err(Refusal::TooSoon);
        }
        sent.repeated = Some(now);
        Ok(&sent.packet)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
    }

    /// Bytes that are kept.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{History, Refusal};
    use crate::base::seq::Serial16;
    use crate::base::time::Instant;
    use std::time::Duration;

    const ROUND_TRIP: Duration = Duration::from_millis(50);

    fn ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    #[test]
    fn packets_are_there_until_they_are_too_old_or_too_many() {
        let mut history = History::new(1_000, Duration::from_secs(1));
        for at in 0..12 {
            history.push(ms(at), Serial16(65_530).plus(at as u16), at, 100);
        }
        assert_eq!(history.bytes(), 1_000);
        assert_eq!(history.repeat(ms(20), Serial16(65_531), ROUND_TRIP), Err(Refusal::Unknown));
        assert_eq!(history.repeat(ms(20), Serial16(65_532), ROUND_TRIP), Ok(&2));
        assert_eq!(history.repeat(ms(20), Serial16(5), ROUND_TRIP), Ok(&11));
        assert_eq!(history.repeat(ms(20), Serial16(6), ROUND_TRIP), Err(Refusal::Unknown));
        assert_eq!(history.repeat(ms(1_003), Serial16(65_532), ROUND_TRIP), Err(Refusal::Unknown));
    }

    #[test]
    fn a_packet_is_repeated_once_in_a_round_trip() {
        let mut history = History::new(1_000, Duration::from_secs(1));
        history.push(ms(0), Serial16(1), "packet", 6);
        assert_eq!(history.repeat(ms(40), Serial16(1), ROUND_TRIP), Ok(&"packet"));
        assert_eq!(history.repeat(ms(60), Serial16(1), ROUND_TRIP), Err(Refusal::TooSoon));
        assert_eq!(history.repeat(ms(90), Serial16(1), ROUND_TRIP), Ok(&"packet"));
    }

    #[test]
    fn a_jump_of_the_numbers_begins_anew() {
        let mut history = History::new(1_000, Duration::from_secs(1));
        history.push(ms(0), Serial16(1), 'a', 1);
        history.push(ms(0), Serial16(9_000), 'b', 1);
        assert_eq!(history.repeat(ms(0), Serial16(1), ROUND_TRIP), Err(Refusal::Unknown));
        assert_eq!(history.repeat(ms(0), Serial16(9_000), ROUND_TRIP), Ok(&'b'));
        // One packet above the limit is not kept at all.
        history.push(ms(0), Serial16(9_001), 'c', 1_001);
        assert_eq!(history.bytes(), 0);
    }

    #[test]
    fn numbers_that_are_left_out_may_be_filled_later() {
        let mut history = History::new(1_000, Duration::from_secs(1));
        for (number, packet) in [(1, 'a'), (4, 'd'), (2, 'b'), (2, 'x')] {
            history.push(ms(0), Serial16(number), packet, 1);
        }
        let found: Vec<_> =
            (0..6).map(|at| history.repeat(ms(0), Serial16(at), ROUND_TRIP).ok().copied()).collect();
        assert_eq!(found, [None, Some('a'), Some('b'), None, Some('d'), None]);
        assert_eq!(history.bytes(), 3);
    }
}
