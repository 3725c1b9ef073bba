//! Interfaces come and go: whoever wants to know is told.

use crate::net::lookup::Alarm;
use netwatcher::WatchHandle;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Says when the addresses of this host may have changed.
///
/// All watches of a process share one thread, which sleeps until the system says something (netlink on Linux).
pub struct InterfaceWatch {
    watcher: Arc<Watcher>,
    subscriber: Arc<Subscriber>,
}

struct Subscriber {
    alarm: Alarm,
    changed: AtomicBool,
}

struct Watcher {
    subscribers: Subscribers,
    /// Ends the thread when it is dropped.
    _handle: Mutex<WatchHandle>,
}

type Subscribers = Arc<Mutex<Vec<Weak<Subscriber>>>>;

/// That of this process, while anybody is interested.
static WATCHER: Mutex<Weak<Watcher>> = Mutex::new(Weak::new());

impl fmt::Debug for InterfaceWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InterfaceWatch").finish_non_exhaustive()
    }
}

impl InterfaceWatch {
    /// Begins. `None` where the system does not tell.
    pub fn start(alarm: Alarm) -> Option<Self> {
        let watcher = Watcher::of_this_process()?;
        let subscriber = Arc::new(Subscriber { alarm, changed: AtomicBool::new(false) });
        let mut subscribers = watcher.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Arc::downgrade(&subscriber));
        drop(subscribers);
        Some(Self { watcher, subscriber })
    }

    /// Whether anything changed since the last time that this was asked, or the beginning.
    pub fn take_change(&self) -> bool {
        self.subscriber.changed.swap(false, Ordering::AcqRel)
    }
}

impl Drop for InterfaceWatch {
    fn drop(&mut self) {
        let mut subscribers = self.watcher.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|other| !std::ptr::eq(other.as_ptr(), &*self.subscriber));
    }
}

impl Watcher {
    fn of_this_process() -> Option<Arc<Self>> {
        let mut shared = WATCHER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watcher) = shared.upgrade() {
            return Some(watcher);
        }
        let subscribers = Subscribers::default();
        let told = subscribers.clone();
        let handle = netwatcher::watch_interfaces_with_callback(move |update| {
            if update.is_initial {
                return;
            }
            let subscribers = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for subscriber in subscribers.iter().filter_map(Weak::upgrade) {
                subscriber.changed.store(true, Ordering::Release);
                (subscriber.alarm)();
            }
        });
        match handle {
            Ok(handle) => {
                let watcher = Arc::new(Self { subscribers, _handle: Mutex::new(handle) });
                *shared = Arc::downgrade(&watcher);
                Some(watcher)
            }
            Err(error) => {
                tracing::debug!(%error, "changes of interfaces are not seen");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InterfaceWatch, WATCHER};
    use std::sync::Arc;

    #[test]
    fn one_thread_serves_all_and_ends_with_the_last() {
        let watch = || InterfaceWatch::start(Arc::new(|| {})).unwrap();
        let (one, other) = (watch(), watch());
        assert!(Arc::ptr_eq(&one.watcher, &other.watcher));
        assert!(!one.take_change());
        drop(one);
        assert_eq!(other.watcher.subscribers.lock().unwrap().len(), 1);
        drop(other);
        assert!(WATCHER.lock().unwrap().upgrade().is_none());
    }
}
