//! Putting messages together from fragments that come in any order.
//!
//! Fragments that follow each other are a *run*, held in one buffer. In sequence there is one run and each fragment is
//! copied once; after a loss there are as many as there are gaps. A message is complete when runs that touch reach from a
//! first to a last fragment.

use crate::base::seq::Serial32;
use crate::data::sctp::outbox::MessageId;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// What a run is charged to the receive buffer besides its bytes.
const RUN_OVERHEAD: usize = 128;
/// Buffers that are used again, and how large each may be.
const BUFFERS: usize = 4;
const MAX_BUFFER: usize = 64 << 10;

/// A fragment; its key is the TSN where messages do not interleave, and the fragment's number where they do.
#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) key: Serial32,
    pub(super) id: MessageId,
    pub(super) ppid: u32,
    pub(super) begin: bool,
    pub(super) end: bool,
    pub(super) payload: &'a [u8],
}

/// A message that is complete.
#[derive(Debug)]
pub(super) struct Assembled {
    pub(super) id: MessageId,
    pub(super) ppid: u32,
    /// `None` when it was too large and is gone.
    pub(super) payload: Option<Bytes>,
}

/// What a fragment led to.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) complete: Option<Assembled>,
    /// The message has just become too large.
    pub(super) too_large: bool,
}

/// The fragment contradicts others.
#[derive(Debug)]
pub(super) struct Contradiction;

/// Buffers in which messages were put together. Once the application has dropped such a message, its buffer takes another one, so
/// that a steady stream of messages allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// The oldest in front.
    used: VecDeque<BytesMut>,
}

impl Buffers {
    /// An empty buffer with room for `capacity` bytes at least.
    fn take(&mut self, capacity: usize) -> BytesMut {
        // Not one whose message the application has not dropped yet, or that is too small.
        let free = self.used.iter_mut().position(|buffer| buffer.try_reclaim(capacity));
        free.and_then(|at| self.used.remove(at)).unwrap_or_else(|| BytesMut::with_capacity(capacity))
    }

    /// The message that a buffer holds; the buffer is kept in mind.
    fn finish(&mut self, mut buffer: BytesMut) -> Bytes {
        let message = buffer.split().freeze();
        if message.len() <= MAX_BUFFER {
            if self.used.len() == BUFFERS {
                self.used.pop_front();
            }
            self.used.push_back(buffer);
        }
        message
    }
}

/// Limits and the account of what is held, kept by the owner.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes held in all.
    pub(super) held: usize,
    /// Of them, those of messages that the application could have read.
    pub(super) unread: usize,
    /// The largest message.
    pub(super) max_message: usize,
    /// How long the last message of several fragments was: the capacity that the next one starts with.
    pub(super) hint: usize,
    pub(super) buffers: Buffers,
}

impl Budget {
    /// Nothing is held.
    pub(super) fn new(max_message: usize) -> Self {
        Self { held: 0, unread: 0, max_message, hint: 0, buffers: Buffers::default() }
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.buffers = Buffers::default();
    }
}

#[derive(Debug)]
struct Run {
    first: Serial32,
    /// The key after the last fragment.
    next: Serial32,
    id: MessageId,
    ppid: u32,
    begins: bool,
    ends: bool,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Kept(BytesMut),
    /// Over the limit: only the keys matter any more.
    Discarded,
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Kept(bytes) => bytes.len(),
            Self::Discarded => 0,
        }
    }
}

impl Run {
    /// Whether `right` goes on where this ends.
    fn leads_to(&self, right: &Self) -> bool {
        self.next == right.first && !self.ends && !right.begins && self.id == right.id
    }

    /// Appends bytes; whether that made the message too large.
    fn append(&mut self, payload: &[u8], budget: &mut Budget) -> bool {
        let Content::Kept(bytes) = &mut self.content else { return false };
        if bytes.len() + payload.len() > budget.max_message {
            budget.held -= bytes.len();
            self.content = Content::Discarded;
            return true;
        }
        bytes.extend_from_slice(payload);
        budget.held += payload.len();
        false
    }
}

/// Runs sorted by key.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: VecDeque<Run>,
}

impl Runs {
    /// Takes in a fragment.
    pub(super) fn insert(
        &mut self,
        fragment: &Fragment<'_>,
        budget: &mut Budget,
    ) -> Result<Outcome, Contradiction> {
        let key = fragment.key;
        let at = match self.runs.back() {
            Some(last) if last.next.is_after(key) => {
                self.runs.partition_point(|run| run.next.is_at_or_before(key))
            }
            _ => self.runs.len(),
        };
        if self.runs.get(at).is_some_and(|run| run.first.is_at_or_before(key)) {
            return Err(Contradiction);
        }
        let (at, too_large) = match at.checked_sub(1).and_then(|at| self.runs.get_mut(at)) {
            Some(left) if left.next == key && !left.ends && !fragment.begin => {
                if left.id != fragment.id {
                    return Err(Contradiction);
                }
                left.next = key.next();
                left.ends = fragment.end;
                (at - 1, left.append(fragment.payload, budget))
            }
            _ => (at, self.begin_run(at, fragment, budget)),
        };
        let mut outcome = Outcome { complete: None, too_large };
        if let Some((first, last)) = self.message_around(at) {
            self.join(first, last, budget, &mut outcome);
        }
        Ok(outcome)
    }

    fn begin_run(&mut self, at: usize, fragment: &Fragment<'_>, budget: &mut Budget) -> bool {
        // Only a message that begins in sequence is likely to need the room soon.
        let len = fragment.payload.len();
        let buffer = if fragment.begin && self.runs.is_empty() {
            budget.buffers.take(budget.hint.max(len))
        } else {
            BytesMut::with_capacity(len)
        };
        let mut run = Run {
            first: fragment.key,
            next: fragment.key.next(),
            id: fragment.id,
            ppid: fragment.ppid,
            begins: fragment.begin,
            ends: fragment.end,
            content: Content::Kept(buffer),
        };
        budget.held += RUN_OVERHEAD;
        let too_large = run.append(fragment.payload, budget);
        self.runs.insert(at, run);
        too_large
    }

    /// The runs that make a whole message together with the one at `at`.
    fn message_around(&self, at: usize) -> Option<(usize, usize)> {
        let (mut first, mut last) = (at, at);
        while !self.runs[first].begins {
            first = first.checked_sub(1).filter(|&left| self.runs[left].leads_to(&self.runs[left + 1]))?;
        }
        while !self.runs[last].ends {
            let right = self.runs.get(last + 1)?;
            if !self.runs[last].leads_to(right) {
                return None;
            }
            last += 1;
        }
        Some((first, last))
    }

    fn join(&mut self, first: usize, last: usize, budget: &mut Budget, outcome: &mut Outcome) {
        let total: usize = self.runs.range(first..=last).map(|run| run.content.len()).sum();
        budget.held -= total + RUN_OVERHEAD * (last - first + 1);
        let mut runs = self.runs.drain(first..=last);
        let Some(head) = runs.next() else { return };
        let mut payload = match head.content {
            Content::Kept(bytes) if total <= budget.max_message => Some(bytes),
            Content::Kept(_) => {
                outcome.too_large = true;
                None
            }
            Content::Discarded => None,
        };
        for run in runs {
            match (&mut payload, run.content) {
                (Some(bytes), Content::Kept(more)) => bytes.extend_from_slice(&more),
                _ => payload = None,
            }
        }
        if payload.is_some() {
            budget.hint = total;
        }
        let payload = payload.map(|buffer| budget.buffers.finish(buffer));
        outcome.complete = Some(Assembled { id: head.id, ppid: head.ppid, payload });
    }

    /// Drops the runs that begin at or before `key`: their messages are given up.
    pub(super) fn forward(&mut self, key: Serial32, budget: &mut Budget) {
        while self.runs.front().is_some_and(|run| run.first.is_at_or_before(key)) {
            let Some(run) = self.runs.pop_front() else { break };
            budget.held -= run.content.len() + RUN_OVERHEAD;
        }
    }

    /// Drops the runs of a stream.
    pub(super) fn drop_stream(&mut self, stream: u16, budget: &mut Budget) {
        self.runs.retain(|run| {
            let keep = run.id.stream != stream;
            if !keep {
                budget.held -= run.content.len() + RUN_OVERHEAD;
            }
            keep
        });
    }

    /// Drops everything.
    pub(super) fn clear(&mut self, budget: &mut Budget) {
        budget.held -= self.runs.iter().map(|run| run.content.len() + RUN_OVERHEAD).sum::<usize>();
        self.runs.clear();
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        self.runs.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Fragment, Runs};
    use crate::base::seq::Serial32;
    use crate::data::sctp::outbox::MessageId;
    use quickcheck::quickcheck;
    use std::collections::VecDeque;

    fn fragment(key: u32, of: std::ops::RangeInclusive<u32>, payload: &[u8]) -> Fragment<'_> {
        let id = MessageId { stream: 1, unordered: false, mid: Serial32(*of.start()) };
        let (begin, end) = (key == *of.start(), key == *of.end());
        Fragment { key: Serial32(key), id, ppid: 53, begin, end, payload }
    }

    quickcheck! {
        fn any_order_gives_the_message(keys: Vec<u32>, len: u8) -> bool {
            // Two messages next to each other, the fragments in an order that the keys choose.
            let len = u32::from(len % 30) + 2;
            let start = u32::MAX - 10;
            let mut order: Vec<u32> = (0..2 * len).collect();
            order.sort_by_key(|&n| keys.get(n as usize).copied().unwrap_or(n));
            let (mut runs, mut budget) = (Runs::default(), Budget::new(1_000));
            let mut done = Vec::new();
            for n in order {
                let of = if n < len { 0..=len - 1 } else { len..=2 * len - 1 };
                let payload = [n as u8];
                let mut fragment = fragment(n, of, &payload);
                fragment.key = Serial32(start.wrapping_add(n));
                done.extend(runs.insert(&fragment, &mut budget).unwrap().complete);
            }
            done.sort_by_key(|message| message.id.mid.0);
            let expected = [(0..len).map(|n| n as u8).collect::<Vec<_>>(), (len..2 * len).map(|n| n as u8).collect()];
            budget.held == 0 && done.into_iter().map(|m| m.payload.unwrap().to_vec()).eq(expected)
        }
    }

    #[test]
    fn a_message_over_the_limit_is_discarded_and_told_once() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let (mut runs, mut budget) = (Runs::default(), Budget::new(25));
            let outcomes: Vec<_> = order
                .into_iter()
                .map(|key| runs.insert(&fragment(key, 0..=3, &[9; 10]), &mut budget).unwrap())
                .collect();
            assert_eq!(outcomes.iter().filter(|outcome| outcome.too_large).count(), 1, "{order:?}");
            assert!(outcomes[3].complete.as_ref().is_some_and(|message| message.payload.is_none()));
            assert_eq!(budget.held, 0);
        }
    }

    #[test]
    fn a_buffer_is_used_again_once_its_message_is_dropped() {
        let (mut runs, mut budget) = (Runs::default(), Budget::new(1_000));
        let mut next = |n: u32| {
            let of = 2 * n..=2 * n + 1;
            let begin = runs.insert(&fragment(2 * n, of.clone(), &[n as u8; 10]), &mut budget).unwrap();
            assert!(begin.complete.is_none());
            let end = runs.insert(&fragment(2 * n + 1, of, &[n as u8; 10]), &mut budget).unwrap();
            end.complete.unwrap().payload.unwrap()
        };
        let kept = next(0);
        // Two are not read before the next is begun.
        let mut unread = VecDeque::from([next(1), next(2)]);
        let mut places: Vec<_> = (3..50)
            .map(|n| {
                unread.pop_front();
                unread.push_back(next(n));
                unread[1].as_ptr()
            })
            .collect();
        assert!(places.iter().all(|&place| place != kept.as_ptr()));
        places.sort();
        places.dedup();
        assert!(places.len() <= 2, "{places:?}");
        assert_eq!(kept, [0; 20].as_slice());
    }

    #[test]
    fn a_fragment_that_contradicts_is_refused() {
        let (mut runs, mut budget) = (Runs::default(), Budget::new(100));
        runs.insert(&fragment(5, 5..=9, b"a"), &mut budget).unwrap();
        assert!(runs.insert(&fragment(5, 5..=9, b"b"), &mut budget).is_err());
        assert!(runs.insert(&fragment(6, 1..=9, b"b"), &mut budget).is_err());
        runs.clear(&mut budget);
        assert_eq!(budget.held, 0);
    }
}
