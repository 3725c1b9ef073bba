//! The window of RFC 9260 §7.2: the reference that everything else is measured against.

use crate::base::time::Instant;
use crate::data::sctp::congestion::{Ack, Controller, INITIAL_PACKETS, window_rate};
use std::time::Duration;

/// Packets that a loss leaves at least (RFC 9260 §7.2.3).
const MIN_PACKETS: usize = 4;

/// Slow start, congestion avoidance and halving.
#[derive(Debug)]
pub struct NewReno {
    mtu: usize,
    window: usize,
    threshold: usize,
    /// Bytes acknowledged since the window last grew, in congestion avoidance (`partial_bytes_acked`).
    partial: usize,
    srtt: Option<Duration>,
    /// Window and threshold before the last loss.
    undo: Option<(usize, usize)>,
}

impl NewReno {
    /// A controller for packets of at most `mtu` bytes.
    #[must_use]
    pub const fn new(mtu: usize) -> Self {
        Self { mtu, window: INITIAL_PACKETS * mtu, threshold: usize::MAX, partial: 0, srtt: None, undo: None }
    }
}

impl Controller for NewReno {
    fn window(&self) -> usize {
        self.window
    }

    fn threshold(&self) -> usize {
        self.threshold
    }

    fn pacing_rate(&self) -> Option<u64> {
        window_rate(self.window, self.srtt, if self.window <= self.threshold { 200 } else { 120 })
    }

    fn on_ack(&mut self, ack: &Ack) {
        self.srtt = ack.srtt;
        // RFC 9260 §7.2.1, §7.2.2: the window grows only while it is the limit, and only when the cumulative
        // acknowledgement moves outside of recovery.
        let limited = ack.in_flight_before + self.mtu > self.window;
        if !ack.cumulative || ack.recovering || !limited {
            return;
        }
        if self.window <= self.threshold {
            // One acknowledgement may stand for a whole batch of packets here, so the limit is what it acknowledges and
            // not one packet (RFC 9260 leaves L to the sender when it paces or, as on a batch, would else starve).
            self.window += ack.bytes;
            return;
        }
        self.partial += ack.bytes;
        while self.partial >= self.window {
            self.partial -= self.window;
            self.window += self.mtu;
        }
    }

    // RFC 9260 §7.2.3, §7.2.4
    fn on_loss(&mut self, _now: Instant, _in_flight: usize) {
        self.undo = Some((self.window, self.threshold));
        self.threshold = (self.window / 2).max(MIN_PACKETS * self.mtu);
        self.window = self.threshold;
        self.partial = 0;
    }

    // RFC 9260 §7.2.3
    fn on_timeout(&mut self, _now: Instant, _in_flight: usize) {
        self.threshold = (self.window / 2).max(MIN_PACKETS * self.mtu);
        self.window = self.mtu;
        self.partial = 0;
        self.undo = None;
    }

    fn on_spurious(&mut self, _now: Instant) {
        if let Some((window, threshold)) = self.undo.take() {
            self.window = self.window.max(window);
            self.threshold = threshold;
        }
    }

    fn on_restart(&mut self, _now: Instant, _idle: Duration) {}

    fn on_mtu(&mut self, mtu: usize) {
        if self.threshold == usize::MAX && self.window == INITIAL_PACKETS * self.mtu {
            self.window = INITIAL_PACKETS * mtu;
        }
        self.mtu = mtu;
    }
}

#[cfg(test)]
mod tests {
    use super::NewReno;
    use crate::base::time::Instant;
    use crate::data::sctp::congestion::{Ack, Controller};

    fn ack(bytes: usize, in_flight_before: usize) -> Ack {
        let now = Instant::ZERO;
        Ack {
            now,
            bytes,
            lost: 0,
            in_flight_before,
            in_flight: in_flight_before - bytes,
            cumulative: true,
            recovering: false,
            rtt: None,
            srtt: None,
            sample: None,
        }
    }

    #[test]
    fn grows_only_when_it_is_the_limit() {
        let mut reno = NewReno::new(1_000);
        reno.on_ack(&ack(2_000, 5_000));
        assert_eq!(reno.window(), 10_000);
        reno.on_ack(&ack(2_000, 10_000));
        assert_eq!(reno.window(), 12_000);
    }

    #[test]
    fn halves_on_loss_and_then_grows_by_a_packet_a_window() {
        let mut reno = NewReno::new(1_000);
        reno.on_ack(&ack(10_000, 10_000));
        reno.on_loss(Instant::ZERO, 20_000);
        assert_eq!((reno.window(), reno.threshold()), (10_000, 10_000));
        reno.on_ack(&ack(1_000, 10_000));
        assert_eq!(reno.window(), 11_000);
        reno.on_ack(&ack(10_999, 11_000));
        assert_eq!(reno.window(), 11_000);
        reno.on_ack(&ack(1, 11_000));
        assert_eq!(reno.window(), 12_000);
        reno.on_timeout(Instant::ZERO, 11_000);
        assert_eq!((reno.window(), reno.threshold()), (1_000, 6_000));
        reno.on_spurious(Instant::ZERO);
        assert_eq!(reno.window(), 1_000);
        (0..9).for_each(|_| reno.on_loss(Instant::ZERO, 0));
        assert_eq!(reno.threshold(), 4_000);
    }
}
