//! The round trip and the time-out made of it (RFC 9260 §6.3.1), in microseconds.

use crate::data::sctp::config::Config;
use std::time::Duration;

/// How often the time-out of T1 passes before it doubles: what is under way then are single packets, whose loss says nothing
/// of congestion.
const UNDOUBLED: u32 = 3;

/// Estimates the round trip.
#[derive(Debug)]
pub(super) struct Rtt {
    smoothed: Option<Smoothed>,
    /// The time-out as long as none has fired; before there is a measurement, the one of the settings.
    base: Duration,
    setup: Duration,
    margin: Duration,
    max: Duration,
    /// How often the time-out has doubled since something was acknowledged.
    backoff: u32,
}

#[derive(Clone, Copy, Debug)]
struct Smoothed {
    srtt: Duration,
    var: Duration,
}

impl Rtt {
    pub(super) const fn new(config: &Config) -> Self {
        Self {
            smoothed: None,
            base: config.rto_initial,
            setup: config.setup_wait,
            margin: config.rto_margin,
            max: config.rto_max,
            backoff: 0,
        }
    }

    // RFC 9260 §6.3.1, rules C2 and C3, with α = 1/8 and β = 1/4.
    pub(super) fn sample(&mut self, rtt: Duration) {
        if self.smoothed.is_none() {
            self.backoff = 0;
        }
        let Smoothed { srtt, var } = match self.smoothed {
            None => Smoothed { srtt: rtt, var: rtt / 2 },
            Some(Smoothed { srtt, var }) => {
                Smoothed { srtt: srtt * 7 / 8 + rtt / 8, var: var * 3 / 4 + srtt.abs_diff(rtt) / 4 }
            }
        };
        self.smoothed = Some(Smoothed { srtt, var });
        self.base = srtt + (var * 4).max(self.margin);
    }

    pub(super) fn srtt(&self) -> Option<Duration> {
        self.smoothed.map(|s| s.srtt)
    }

    /// The time-out, doubled as often as it has fired.
    pub(super) fn rto(&self) -> Duration {
        // RFC 9260 §6.3.3, rule E2
        match self.backoff {
            0 => self.base.min(self.max),
            backoff => self.base.saturating_mul(1 << backoff.min(16)).min(self.max),
        }
    }

    /// The time-out of T1.
    pub(super) fn setup_wait(&self) -> Duration {
        self.setup.saturating_mul(1 << self.backoff.saturating_sub(UNDOUBLED).min(16)).min(self.max)
    }

    pub(super) const fn back_off(&mut self) {
        self.backoff = self.backoff.saturating_add(1);
    }

    pub(super) const fn clear_backoff(&mut self) {
        self.backoff = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::Rtt;
    use crate::data::sctp::config::Config;
    use std::time::Duration;

    #[test]
    fn a_few_losses_at_the_beginning_are_but_losses() {
        let mut rtt = Rtt::new(&Config::default());
        for wait in [500, 500, 500, 500, 1_000, 2_000] {
            assert_eq!(rtt.setup_wait().as_millis(), wait);
            rtt.back_off();
        }
    }

    #[test]
    fn the_floor_comes_from_the_round_trip() {
        let mut rtt = Rtt::new(&Config::default());
        assert_eq!(rtt.rto(), Duration::from_millis(500));
        (0..100).for_each(|_| rtt.sample(Duration::from_millis(30)));
        assert_eq!(rtt.rto().as_millis(), 230);
        rtt.back_off();
        assert_eq!(rtt.rto().as_millis(), 460);
        (0..40).for_each(|_| rtt.back_off());
        assert_eq!(rtt.rto(), Duration::from_secs(10));
        rtt.clear_backoff();
        assert_eq!(rtt.rto().as_millis(), 230);
    }
}
