//! A first-in first-out queue that gives its memory back.

use std::collections::VecDeque;

/// A queue of events or packets: a `VecDeque` that lets go of what a burst made it allocate. When it is empty it keeps room for
/// `KEEP` values at most: none, since a connection has twenty queues that hardly ever hold anything.
#[derive(Clone, Debug)]
pub struct Queue<T, const KEEP: usize = 0>(VecDeque<T>);

/// A queue that fills and empties with the datagrams, and keeps its room.
pub type BusyQueue<T> = Queue<T, 64>;

impl<T, const KEEP: usize> Default for Queue<T, KEEP> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T, const KEEP: usize> Queue<T, KEEP> {
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
    use super::{BusyQueue, Queue};

    #[test]
    fn a_burst_is_forgotten() {
        let mut queue = BusyQueue::default();
        (0..640).for_each(|n| queue.push(n));
        assert_eq!(queue.len(), 640);
        (0..640).for_each(|n| assert_eq!(queue.pop(), Some(n)));
        assert_eq!((queue.pop(), queue.0.capacity()), (None, 0));
    }

    #[test]
    fn a_busy_queue_keeps_some_room_and_another_none() {
        let (mut busy, mut other) = (BusyQueue::default(), Queue::<i32>::default());
        busy.push(1);
        other.push(1);
        assert_eq!((busy.pop(), other.pop()), (Some(1), Some(1)));
        assert!(busy.0.capacity() > 0);
        assert_eq!(other.0.capacity(), 0);
    }
}
