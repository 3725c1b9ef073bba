//! What the handles and the driver of an endpoint share: the core, and what waits on either side of it.
//!
//! Not a machine: it moves events into queues and wakes whom they concern. `group` has what the driver does, `member` what
//! handles of connections do, `channels` what handles of channels do. A connection with sockets of its own is an endpoint
//! with one member.

mod channels;
mod group;
mod member;

pub(crate) use self::channels::{Facts, Want};
pub(crate) use self::group::Group;
pub(crate) use self::member::State;

use crate::clock::Clock;
use purertc::{Instant, PeerConnection, PeerId};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

/// How much may wait, from the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) send_buffer: usize,
    pub(crate) receive_buffer: usize,
    pub(crate) linger: Duration,
}

/// An endpoint, seen from handles and driver.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) span: tracing::Span,
    group: Mutex<Group>,
    /// The driver's task once more, for those who may not wait for the group.
    bell: Mutex<Option<Waker>>,
}

impl Shared {
    pub(crate) fn new(group: Group, clock: Clock, span: tracing::Span) -> Self {
        Self { clock, span, group: Mutex::new(group), bell: Mutex::default() }
    }

    /// The group, whatever happened to a thread that held it: what it holds is always whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something under the lock, and wakes the driver afterwards if that needs it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Group, Instant) -> R) -> R {
        let _entered = self.span.enter();
        let mut group = self.lock();
        let result = act(&mut group, self.clock.now());
        group.publish();
        let driver = group.take_nudged();
        drop(group);
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }

    /// Wakes the driver, from any thread and at once: the group may be locked for as long as it likes.
    pub(crate) fn ring(&self) {
        let bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(driver) = bell {
            driver.wake();
        }
    }

    /// The driver will look after what has rung before, and is to be woken for what rings later.
    pub(crate) fn hear(&self, cx: &Context<'_>) {
        let mut bell = self.bell.lock().unwrap_or_else(PoisonError::into_inner);
        if !bell.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *bell = Some(cx.waker().clone());
        }
    }
}

/// One connection among them. Whoever has a seat has let nobody [leave](Group::leave).
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: PeerId,
}

impl Seat {
    /// Looks at the core.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&PeerConnection) -> R) -> R {
        look(self.shared.lock().connection(self.id))
    }

    /// Does something under the lock, and wakes the driver afterwards if that needs it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State<'_>, Instant) -> R) -> R {
        self.shared.with(|group, now| group.at(self.id, |state| act(state, now)))
    }

    /// Does a verb of the core, which may have something to send.
    pub(crate) fn act<R>(&self, verb: impl FnOnce(&mut State<'_>, Instant) -> R) -> R {
        self.with(|state, now| {
            state.nudge = true;
            verb(state, now)
        })
    }
}

/// Where a connection is in its life, as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In use.
    Open,
    /// No handle is left; channels empty and close.
    Lingering {
        /// No longer than this.
        until: Instant,
    },
    /// The core is closed; the last datagrams go out.
    Closing {
        /// No longer than this.
        until: Instant,
    },
    /// Nothing happens any more.
    Done,
}
