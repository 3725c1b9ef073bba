//! The first phase, which finds the path's rate by doubling, and the second, which takes back what that put into queues
//! (draft-ietf-ccwg-bbr §5.3.1, §5.3.2).

use crate::data::sctp::congestion::bbr::{Bbr, Mode};
use crate::data::sctp::congestion::{Ack, Sample};

/// The rate is growing while a round makes it so much higher.
const GROWTH: f64 = 1.25;
/// Rounds without growth until it is believed to be the path's.
const ROUNDS: u32 = 3;
/// The share of a round that has to be lost for the path to be full: doubling loses half of what is sent then, and random loss
/// is far less.
const FULL_LOSS: f64 = 0.15;
/// Packets that have to be lost.
const FULL_LOSSES: u64 = 6;

/// Whether the rate still grows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plateau {
    rate: f64,
    rounds: u32,
}

impl Plateau {
    /// A round is over. Whether the rate has stopped growing.
    pub(super) fn on_round(&mut self, rate: f64) -> bool {
        if rate >= self.rate * GROWTH {
            *self = Self { rate, rounds: 0 };
        } else {
            self.rounds += 1;
        }
        self.rounds >= ROUNDS
    }
}

impl Bbr {
    pub(super) fn advance_startup(&mut self, ack: &Ack, sample: &Sample) {
        // draft-ietf-ccwg-bbr §5.3.1.3, without waiting for the end of the round: each one doubles what is lost.
        let lossy = sample.lost >= FULL_LOSSES * self.mtu as u64
            && sample.lost as f64 > FULL_LOSS * sample.in_flight as f64;
        if lossy {
            let path = self.inflight(1.0).unwrap_or(0);
            self.bounds.long = Some(path.max(self.least()));
        }
        let queue = self.model.round_start && self.model.had_queue();
        let flat =
            self.model.round_start && !sample.app_limited && self.plateau.on_round(self.model.max_rate());
        if lossy || queue || flat {
            self.mode = Mode::Drain;
            self.advance_drain(ack);
        }
    }

    pub(super) fn advance_drain(&mut self, ack: &Ack) {
        let Some(path) = self.inflight(1.0) else { return };
        if ack.in_flight <= path {
            // The last doubling has shown its rate only now.
            self.bounds.long = self.bounds.long.map(|long| long.max(path));
            self.start_down(ack);
        }
    }
}
