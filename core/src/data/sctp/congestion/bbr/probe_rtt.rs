//! Now and then the path is left half empty, to see how short its round trip is (draft-ietf-ccwg-bbr §5.3.4).

use crate::base::time::Instant;
use crate::data::sctp::congestion::Ack;
use crate::data::sctp::congestion::bbr::{Bbr, Mode};
use std::time::Duration;

/// How long the shortest round trip is believed without being seen.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long the path stays half empty, and a round trip at least.
const SPAN: Duration = Duration::from_millis(200);

impl Bbr {
    /// Begins when the shortest round trip was not seen for long.
    pub(super) fn check_round_trip(&mut self, ack: &Ack) {
        let old = ack.now.saturating_since(self.model.min_rtt_at) > INTERVAL;
        if old
            && !matches!(self.mode, Mode::ProbeRtt { .. } | Mode::Startup)
            && self.model.min_rtt().is_some()
        {
            self.mode = Mode::ProbeRtt { until: ack.now + SPAN, round: self.model.rounds + 2 };
        }
    }

    pub(super) fn advance_probe_rtt(&mut self, until: Instant, round: u64, ack: &Ack) {
        if ack.now < until || self.model.rounds < round {
            return;
        }
        // What the last round saw, with the path half empty, is the path's.
        if let Some(rtt) = ack.rtt {
            self.model.set_min_rtt(ack.now, rtt);
        }
        self.reset_short_bounds();
        self.start_down(ack);
        self.start_cruise(ack.now);
    }
}
