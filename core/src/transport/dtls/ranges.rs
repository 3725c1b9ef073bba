//! Parts of a message: which of its bytes are there, or were acknowledged.

use smallvec::SmallVec;

/// Ranges of bytes: sorted, neither overlapping nor touching.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges(SmallVec<[(usize, usize); 2]>);

impl Ranges {
    /// Adds `start..end`, which is not empty.
    pub(super) fn insert(&mut self, start: usize, end: usize) {
        let (first, last) = self.touched(start, end);
        let merged = self.0[first..last].iter().fold((start, end), |m, r| (m.0.min(r.0), m.1.max(r.1)));
        self.0.drain(first..last);
        self.0.insert(first, merged);
    }

    /// What of `start..end` is missing.
    pub(super) fn gaps(&self, start: usize, end: usize) -> impl Iterator<Item = (usize, usize)> {
        let (first, last) = self.touched(start, end);
        let inside = &self.0[first..last];
        let starts = std::iter::once(start).chain(inside.iter().map(|r| r.1));
        let ends = inside.iter().map(|r| r.0).chain(std::iter::once(end));
        starts.zip(ends).filter(|(from, to)| from < to)
    }

    /// Whether all of a message of `len` bytes is there. Of an empty one it always is.
    pub(super) fn covers(&self, len: usize) -> bool {
        self.gaps(0, len).next().is_none()
    }

    /// How much is there from the front on.
    pub(super) fn prefix(&self) -> usize {
        self.0.first().filter(|r| r.0 == 0).map_or(0, |r| r.1)
    }

    /// How many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The ranges that `start..end` overlaps or touches.
    fn touched(&self, start: usize, end: usize) -> (usize, usize) {
        (self.0.partition_point(|r| r.1 < start), self.0.partition_point(|r| r.0 <= end))
    }
}

#[cfg(test)]
mod tests {
    use super::Ranges;
    use quickcheck::quickcheck;

    quickcheck! {
        fn ranges_are_a_set_of_bytes(parts: Vec<(u8, u8)>, window: (u8, u8)) -> bool {
            let (mut ranges, mut there) = (Ranges::default(), [false; 512]);
            for (start, len) in parts {
                let (start, end) = (usize::from(start), usize::from(start) + usize::from(len) + 1);
                ranges.insert(start, end);
                there[start..end].fill(true);
            }
            let start = usize::from(window.0);
            let end = start + usize::from(window.1) + 1;
            let missing: Vec<usize> = ranges.gaps(start, end).flat_map(|(from, to)| from..to).collect();
            let expected: Vec<usize> = (start..end).filter(|&at| !there[at]).collect();
            let prefix = there.iter().position(|there| !there).unwrap();
            let runs = (0..511).filter(|&at| there[at] && !there[at + 1]).count();
            missing == expected && ranges.prefix() == prefix && ranges.len() == runs
                && ranges.covers(end) == there[..end].iter().all(|&there| there)
        }
    }

    #[test]
    fn nothing_is_all_of_nothing() {
        assert!(Ranges::default().covers(0));
        assert!(!Ranges::default().covers(1));
    }
}
