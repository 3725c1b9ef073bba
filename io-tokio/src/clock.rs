//! The connection's clock.

use purertc::Instant;

/// The clock that the driver's timer counts by, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(tokio::time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }

    pub(crate) fn at(&self, instant: Instant) -> tokio::time::Instant {
        self.0 + instant.saturating_since(Instant::ZERO)
    }
}
