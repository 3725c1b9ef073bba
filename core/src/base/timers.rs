//! Timers as one enum and one table per machine.
//!
//! A deadline carries its reason, so a failing simulation can say what it woke for.

use crate::base::time::Instant;
use std::fmt::Debug;
use std::marker::PhantomData;

/// The names of a machine's timers. Implement it with [`timer_keys!`](crate::timer_keys).
pub trait TimerKey: Copy + Debug + PartialEq + 'static {
    /// Every timer, in order of [`index`](Self::index).
    const ALL: &'static [Self];

    /// This timer's place in the table.
    fn index(self) -> usize;
}

/// Declares the enum of a machine's timers and its [`TimerKey`] implementation.
///
/// `Enum::COUNT` is the size for [`Timers`].
#[macro_export]
macro_rules! timer_keys {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$key_meta:meta])* $key:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $($(#[$key_meta])* $key),+ }

        impl $name {
            /// How many timers there are.
            $vis const COUNT: usize = <Self as $crate::base::timers::TimerKey>::ALL.len();
        }

        impl $crate::base::timers::TimerKey for $name {
            const ALL: &'static [Self] = &[$(Self::$key),+];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// One optional deadline per timer name.
#[derive(Clone, Debug)]
pub struct Timers<K, const N: usize> {
    at: [Option<Instant>; N],
    of: PhantomData<fn() -> K>,
}

impl<K: TimerKey, const N: usize> Default for Timers<K, N> {
    fn default() -> Self {
        const { assert!(K::ALL.len() == N, "the table has one place for each timer") };
        Self { at: [None; N], of: PhantomData }
    }
}

impl<K: TimerKey, const N: usize> Timers<K, N> {
    /// Arms `key`, in place of what it was set to before.
    pub fn set(&mut self, key: K, at: Instant) {
        self.at[key.index()] = Some(at);
    }

    /// Arms `key` unless it is set to something earlier already.
    pub fn set_earlier(&mut self, key: K, at: Instant) {
        let slot = &mut self.at[key.index()];
        *slot = Some(slot.map_or(at, |set| set.min(at)));
    }

    /// Disarms `key`.
    pub fn cancel(&mut self, key: K) {
        self.at[key.index()] = None;
    }

    /// Disarms every timer.
    pub fn cancel_all(&mut self) {
        self.at = [None; N];
    }

    /// When `key` fires.
    #[must_use]
    pub fn get(&self, key: K) -> Option<Instant> {
        self.at[key.index()]
    }

    /// The next deadline and what it is for; the first declared wins a tie.
    #[must_use]
    pub fn next(&self) -> Option<(Instant, K)> {
        let set = K::ALL.iter().filter_map(|&key| Some((self.get(key)?, key)));
        set.min_by_key(|&(at, _)| at)
    }

    /// The next deadline.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.next().map(|(at, _)| at)
    }

    /// Takes the next timer that is due at `now`, disarming it.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (at, key) = self.next()?;
        (at <= now).then(|| {
            self.cancel(key);
            key
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Timers;
    use crate::base::time::Instant;

    timer_keys! {
        enum Timer { Early, Late }
    }

    #[test]
    fn due_timers_come_in_order_of_time_and_once() {
        let mut timers = Timers::<Timer, { Timer::COUNT }>::default();
        timers.set(Timer::Late, Instant::from_millis(1));
        timers.set(Timer::Early, Instant::from_millis(2));
        timers.set_earlier(Timer::Early, Instant::from_millis(9));
        assert_eq!(timers.next(), Some((Instant::from_millis(1), Timer::Late)));
        assert_eq!(timers.pop_due(Instant::ZERO), None);
        assert_eq!(timers.pop_due(Instant::from_millis(5)), Some(Timer::Late));
        assert_eq!(timers.pop_due(Instant::from_millis(5)), Some(Timer::Early));
        assert_eq!(timers.pop_due(Instant::from_millis(5)), None);
        assert_eq!(timers.deadline(), None);
    }
}
