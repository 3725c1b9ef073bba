//! Tasks that wait for something.

use std::task::{Context, Waker};

/// Tasks that wait for one thing. Each is woken once, and registers again if it still waits.
#[derive(Debug, Default)]
pub(crate) struct Wakers(Vec<Waker>);

impl Wakers {
    /// Adds the task, unless it waits already. A future that was dropped leaves a waker behind; it is woken for
    /// nothing and gone then.
    pub(crate) fn register(&mut self, cx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    /// Moves all of them to `due`, which is woken once the lock is free: a task that wakes up at once on another
    /// thread should not find it taken.
    pub(crate) fn release(&mut self, due: &mut Vec<Waker>) {
        due.append(&mut self.0);
    }
}
