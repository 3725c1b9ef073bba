//! Sorted spans of transmission sequence numbers: what a SACK reports, kept from one to the next so that only what
//! changed is looked at.

use crate::base::seq::Serial32;

/// From `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Serial32,
    pub(super) last: Serial32,
}

/// Calls `found` with each part of the sorted spans `these` that the sorted spans `those` do not cover, as offsets from
/// `base`; what comes before `base` is left out.
pub(super) fn difference(
    base: Serial32,
    these: &[Span],
    those: &[Span],
    mut found: impl FnMut(usize, usize),
) {
    let mut those = those.iter().filter_map(|span| offsets(base, *span)).peekable();
    for (mut first, last) in these.iter().filter_map(|span| offsets(base, *span)) {
        while first <= last {
            // Spans that end before this one begins matter no more.
            while those.next_if(|&(_, end)| end < first).is_some() {}
            match those.peek() {
                Some(&(start, end)) if start <= first => first = end + 1,
                Some(&(start, _)) if start <= last => {
                    found(first, start - 1);
                    first = start;
                }
                _ => {
                    found(first, last);
                    break;
                }
            }
        }
    }
}

/// Puts the sorted spans `more` to those in `into`, without what comes before `base`.
pub(super) fn merge(base: Serial32, more: &[Span], into: &mut Vec<Span>) {
    into.extend(more.iter().filter(|span| !span.last.is_before(base)));
    // Two sorted runs, which this sort takes in one pass.
    into.sort_by_key(|span| offsets(base, *span).map(|(first, _)| first));
    into.dedup_by(|next, last| {
        let touch = next.first.is_at_or_before(last.last.next());
        if touch {
            last.last = last.last.later(next.last);
            last.first = if next.first.is_before(last.first) { next.first } else { last.first };
        }
        touch
    });
}

/// A span as offsets from `base`, cut where it begins before it.
pub(super) fn offsets(base: Serial32, span: Span) -> Option<(usize, usize)> {
    if span.last.is_before(base) {
        return None;
    }
    let first = if span.first.is_before(base) { 0 } else { span.first.distance_from(base) };
    Some((first as usize, span.last.distance_from(base) as usize))
}

#[cfg(test)]
mod tests {
    use super::{Span, difference, merge};
    use crate::base::seq::Serial32;
    use quickcheck::quickcheck;

    fn spans(base: Serial32, bits: &[bool]) -> Vec<Span> {
        let mut out: Vec<Span> = Vec::new();
        for (n, _) in bits.iter().enumerate().filter(|(_, set)| **set) {
            let tsn = base.plus(n as u32);
            match out.last_mut() {
                Some(span) if span.last.next() == tsn => span.last = tsn,
                _ => out.push(Span { first: tsn, last: tsn }),
            }
        }
        out
    }

    quickcheck! {
        fn merging_is_the_union_of_sets(start: u32, these: Vec<bool>, those: Vec<bool>) -> bool {
            let base = Serial32(start);
            let mut merged = spans(base, &these);
            merge(base, &spans(base, &those), &mut merged);
            let bit = |bits: &[bool], n: usize| bits.get(n).copied().unwrap_or(false);
            let both: Vec<_> =
                (0..these.len().max(those.len())).map(|n| bit(&these, n) || bit(&those, n)).collect();
            merged == spans(base, &both)
        }

        fn is_the_difference_of_sets(start: u32, these: Vec<bool>, those: Vec<bool>, skip: u8) -> bool {
            let first = Serial32(start);
            let base = first.plus(u32::from(skip % 8));
            let mut found = Vec::new();
            difference(base, &spans(first, &these), &spans(first, &those), |a, b| found.extend(a..=b));
            let expected: Vec<_> = (usize::from(skip % 8)..these.len())
                .filter(|&n| these[n] && !those.get(n).copied().unwrap_or(false))
                .map(|n| n - usize::from(skip % 8))
                .collect();
            found == expected
        }
    }
}
