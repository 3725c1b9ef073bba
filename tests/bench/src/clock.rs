//! The two clocks: the virtual one that the stacks live on, and the processor's, by which they are judged.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Virtual time since the scenario began. Nothing here waits: the network moves it from event to event.
pub type Time = Duration;

/// Virtual time in the type of the stacks that take `std::time::Instant`.
pub fn to_std(time: Time) -> Instant {
    origin() + time
}

/// The inverse of [`to_std`]; what lies before the origin becomes the origin.
pub fn from_std(instant: Instant) -> Time {
    instant.saturating_duration_since(origin())
}

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Seconds of processor time that this thread has used. Other processes cost it noise in the caches, not time.
pub fn cpu_seconds() -> f64 {
    let t = clock_gettime(ClockId::ThreadCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// Calls `work` for about `seconds` of processor time after a warm-up of a tenth; nanoseconds a call.
pub fn nanos_per_call(seconds: f64, mut work: impl FnMut()) -> f64 {
    let mut timed = |seconds: f64| {
        let (start, mut calls) = (cpu_seconds(), 0u32);
        loop {
            for _ in 0..256 {
                work();
            }
            calls += 256;
            let spent = cpu_seconds() - start;
            if spent >= seconds {
                return spent * 1e9 / f64::from(calls);
            }
        }
    };
    timed(seconds / 10.0);
    timed(seconds)
}
