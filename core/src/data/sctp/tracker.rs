//! Which TSNs have arrived.

use crate::base::seq::Serial32;
use crate::data::sctp::spans::Span;
use std::collections::VecDeque;

/// Spans beyond the cumulative TSN that are kept: what a gigabit over 200 ms needs while each thirtieth packet is lost.
const MAX_SPANS: usize = 4_096;
/// How far beyond the cumulative TSN a chunk may be: what a gap block can say (RFC 9260 §3.3.4).
const MAX_AHEAD: u32 = 65_535;
/// Duplicates that one SACK reports.
const MAX_DUPLICATES: usize = 16;

/// What a TSN is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The next in sequence, with nothing beyond it.
    InSequence,
    /// New, but out of sequence or filling a gap.
    New,
    Duplicate,
    /// Too far ahead, or one gap too many.
    TooFar,
}

#[derive(Debug)]
pub(super) struct Tracker {
    cumulative: Serial32,
    spans: VecDeque<Span>,
    duplicates: Vec<Serial32>,
    /// Where the next acknowledgement goes on that cannot tell of all spans.
    cursor: Serial32,
}

impl Tracker {
    /// Nothing has arrived; the first TSN will be `initial`.
    pub(super) const fn new(initial: Serial32) -> Self {
        let cumulative = initial.minus(1);
        Self { cumulative, spans: VecDeque::new(), duplicates: Vec::new(), cursor: cumulative }
    }

    /// The last TSN in sequence.
    pub(super) const fn cumulative(&self) -> Serial32 {
        self.cumulative
    }

    /// The highest TSN that has arrived.
    pub(super) fn highest(&self) -> Serial32 {
        self.spans.back().map_or(self.cumulative, |span| span.last)
    }

    /// How many gap blocks there are to report.
    pub(super) fn gap_count(&self) -> usize {
        self.spans.len()
    }

    /// Whether something is missing.
    pub(super) fn has_gaps(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Says what `tsn` is; a new one is noted only by [`record`](Self::record).
    #[inline]
    pub(super) fn classify(&self, tsn: Serial32) -> Arrival {
        let ahead = tsn.distance_from(self.cumulative);
        if ahead == 1 && self.spans.is_empty() {
            return Arrival::InSequence;
        }
        self.classify_slowly(tsn)
    }

    fn classify_slowly(&self, tsn: Serial32) -> Arrival {
        if tsn.is_at_or_before(self.cumulative) {
            return Arrival::Duplicate;
        }
        if tsn.distance_from(self.cumulative) > MAX_AHEAD {
            return Arrival::TooFar;
        }
        let at = self.place(tsn);
        if self.spans.get(at).is_some_and(|span| span.first.is_at_or_before(tsn)) {
            return Arrival::Duplicate;
        }
        if self.spans.len() >= MAX_SPANS && !self.touches(at, tsn) {
            return Arrival::TooFar;
        }
        Arrival::New
    }

    /// Whether `tsn`, which belongs before the span at `at`, extends a span or the sequence.
    fn touches(&self, at: usize, tsn: Serial32) -> bool {
        let before = if at == 0 { Some(self.cumulative) } else { self.spans.get(at - 1).map(|s| s.last) };
        before == Some(tsn.minus(1)) || self.spans.get(at).is_some_and(|span| span.first == tsn.next())
    }

    /// The first span that ends at or after `tsn`.
    fn place(&self, tsn: Serial32) -> usize {
        match self.spans.back() {
            Some(last) if last.last.is_before(tsn) => self.spans.len(),
            _ => self.spans.partition_point(|span| span.last.is_before(tsn)),
        }
    }

    /// Notes a TSN that [`classify`](Self::classify) called new.
    #[inline]
    pub(super) fn record(&mut self, tsn: Serial32) {
        if self.spans.is_empty() && tsn == self.cumulative.next() {
            self.cumulative = tsn;
        } else {
            self.record_slowly(tsn);
        }
    }

    fn record_slowly(&mut self, tsn: Serial32) {
        if tsn == self.cumulative.next() {
            self.cumulative = tsn;
            self.absorb();
            return;
        }
        let at = self.place(tsn);
        let joins_next = self.spans.get(at).is_some_and(|span| span.first == tsn.next());
        let joins_last = at > 0 && self.spans[at - 1].last.next() == tsn;
        match (joins_last, joins_next) {
            (true, true) => {
                self.spans[at - 1].last = self.spans[at].last;
                self.spans.remove(at);
            }
            (true, false) => self.spans[at - 1].last = tsn,
            (false, true) => self.spans[at].first = tsn,
            (false, false) => self.spans.insert(at, Span { first: tsn, last: tsn }),
        }
    }

    /// Moves the sequence over spans that it has reached.
    fn absorb(&mut self) {
        while let Some(span) = self.spans.front() {
            if span.first.is_after(self.cumulative.next()) {
                break;
            }
            self.cumulative = self.cumulative.later(span.last);
            self.spans.pop_front();
        }
    }

    /// Takes everything up to `tsn` as arrived (FORWARD TSN).
    pub(super) fn forward(&mut self, tsn: Serial32) {
        if tsn.is_after(self.cumulative) {
            self.cumulative = tsn;
            self.absorb();
        }
    }

    /// Notes a duplicate for the next SACK.
    pub(super) fn note_duplicate(&mut self, tsn: Serial32) {
        if self.duplicates.len() < MAX_DUPLICATES {
            self.duplicates.push(tsn);
        }
    }

    /// Duplicates since the last SACK.
    pub(super) fn duplicates(&self) -> &[Serial32] {
        &self.duplicates
    }

    /// A SACK went out.
    pub(super) fn clear_duplicates(&mut self) {
        self.duplicates.clear();
    }

    /// Gap blocks: offsets of the first and last TSN of each span.
    pub(super) fn gaps(&self, max: usize) -> impl ExactSizeIterator<Item = (u16, u16)> {
        // Spans are at most MAX_AHEAD beyond the sequence, so the offsets fit.
        let offset = |tsn: Serial32| tsn.distance_from(self.cumulative) as u16;
        self.spans.iter().take(max).map(move |span| (offset(span.first), offset(span.last)))
    }

    /// At most `max` gap blocks, where there are more: each time those that follow the last ones, and always the newest.
    pub(super) fn next_gaps(&mut self, max: usize) -> impl ExactSizeIterator<Item = (u16, u16)> {
        let newest = self.spans.len().saturating_sub(1);
        let from = match self.place(self.cursor.next()) {
            at if at < newest => at,
            _ => 0,
        };
        let end = (from + max.saturating_sub(1)).min(newest);
        self.cursor = self.spans.get(end).map_or(self.cumulative, |span| span.first.minus(1));
        let cumulative = self.cumulative;
        let offset = move |tsn: Serial32| tsn.distance_from(cumulative) as u16;
        let spans = &self.spans;
        let count = if spans.is_empty() { 0 } else { end + 1 - from };
        (from..from + count).map(move |at| {
            let span = spans[if at == end { newest } else { at }];
            (offset(span.first), offset(span.last))
        })
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.spans.shrink_to_fit();
        self.duplicates.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Tracker};
    use crate::base::seq::Serial32;
    use quickcheck::quickcheck;
    use std::collections::BTreeSet;

    quickcheck! {
        fn knows_what_came(start: u32, order: Vec<u8>) -> bool {
            let mut tracker = Tracker::new(Serial32(start));
            let mut seen = BTreeSet::new();
            order.into_iter().all(|n| {
                let tsn = Serial32(start).plus(u32::from(n));
                let arrival = tracker.classify(tsn);
                let new = seen.insert(n);
                if new {
                    tracker.record(tsn);
                }
                let in_sequence = (0..=255).take_while(|n| seen.contains(n)).count() as u32;
                let mut covered: Vec<_> = (0..in_sequence).collect();
                for (first, last) in tracker.gaps(999) {
                    covered.extend((u32::from(first)..=u32::from(last)).map(|offset| offset + in_sequence - 1));
                }
                (arrival != Arrival::Duplicate) == new
                    && tracker.cumulative() == Serial32(start).plus(in_sequence).minus(1)
                    && covered.iter().map(|&n| n as u8).eq(seen.iter().copied())
            })
        }
    }

    #[test]
    fn gaps_are_limited() {
        let mut tracker = Tracker::new(Serial32(0));
        for n in 1..=4_096 {
            tracker.record(Serial32(n * 2));
        }
        assert_eq!(tracker.classify(Serial32(9_000)), Arrival::TooFar);
        assert_eq!(tracker.classify(Serial32(3)), Arrival::New);
        assert_eq!(tracker.classify(Serial32(8_193)), Arrival::New);
        assert_eq!(tracker.classify(Serial32(65_535)), Arrival::TooFar);
        assert_eq!(Tracker::new(Serial32(0)).classify(Serial32(70_000)), Arrival::TooFar);
    }

    #[test]
    fn blocks_take_turns_where_there_are_too_many() {
        let mut tracker = Tracker::new(Serial32(0));
        (1..=10).for_each(|n| tracker.record(Serial32(n * 2)));
        let mut firsts = || tracker.next_gaps(4).map(|(first, _)| first - 1).collect::<Vec<_>>();
        // Offsets count from the last TSN in sequence, which is -1.
        assert_eq!(firsts(), [2, 4, 6, 20]);
        assert_eq!(firsts(), [8, 10, 12, 20]);
        assert_eq!(firsts(), [14, 16, 18, 20]);
        assert_eq!(firsts(), [2, 4, 6, 20]);
        tracker.forward(Serial32(20));
        assert_eq!(tracker.next_gaps(4).len(), 0);
    }

    #[test]
    fn forwarding_passes_gaps() {
        let mut tracker = Tracker::new(Serial32(1));
        [3, 5].into_iter().for_each(|n| tracker.record(Serial32(n)));
        tracker.forward(Serial32(4));
        assert_eq!(tracker.cumulative(), Serial32(5));
        assert!(!tracker.has_gaps());
    }
}
