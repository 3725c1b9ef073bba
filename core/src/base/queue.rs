//! A first-in first-out queue that gives its memory back.

use std::collections::VecDeque;

/// Room that an empty queue may keep; more than this goes back to the allocator.
const KEEP: usize = 64;

/// A queue of events or packets: a `VecDeque` that lets go of what a burst made it allocate.
#[derive(Clone, Debug)]
pub struct Queue<T>(VecDeque<T>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Queue<T> {
    /// Appends `value`.
    pub fn push(&mut self, value: T) {
        self.0.push_back(value);
    }

    /// Appends all of `values`.
    pub fn extend(&mut self, values: impl IntoIterator<Item = T>) {
        self.0.extend(values);
    }

    /// Takes the oldest value.
    pub fn pop(&mut self) -> Option<T> {
        let value = self.0.pop_front();
        if self.0.is_empty() && self.0.capacity() > KEEP {
            self.0 = VecDeque::new();
        }
        value
    }

    /// The oldest value.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.0.front()
    }

    /// How many values wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0 = VecDeque::new();
    }

    /// Keeps what `keep` says yes to, in order.
    pub fn retain(&mut self, keep: impl FnMut(&T) -> bool) {
        self.0.retain(keep);
    }

    /// The values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// Whether something that can wait in a queue does: so it waits there once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It does not.
    #[default]
    None,
    /// It does.
    Queued,
}

impl Turn {
    /// Takes a place in the queue; `false` when it has one.
    pub(crate) fn take(&mut self) -> bool {
        std::mem::replace(self, Self::Queued) == Self::None
    }

    /// Whether it keeps its place.
    pub(crate) const fn keep(wanted: bool) -> Self {
        if wanted { Self::Queued } else { Self::None }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEEP, Queue};

    #[test]
    fn a_burst_is_forgotten() {
        let mut queue = Queue::default();
        (0..10 * KEEP).for_each(|n| queue.push(n));
        assert_eq!(queue.len(), 10 * KEEP);
        (0..10 * KEEP).for_each(|n| assert_eq!(queue.pop(), Some(n)));
        assert_eq!(queue.pop(), None);
        assert_eq!(queue.0.capacity(), 0);
    }
}
