//! `HyStart++` (RFC 9406): ends slow start when the round trip grows, before packets are lost.

use crate::data::sctp::congestion::Ack;
use std::time::Duration;

// RFC 9406 §4.3
const MIN_RTT_THRESH: Duration = Duration::from_millis(4);
const MAX_RTT_THRESH: Duration = Duration::from_millis(16);
const MIN_RTT_DIVISOR: u32 = 8;
const N_RTT_SAMPLE: u32 = 8;
/// Slow start grows by one part in so many while it is doubted.
const CSS_GROWTH_DIVISOR: usize = 4;
const CSS_ROUNDS: u32 = 5;

/// What slow start is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Grow by so many bytes.
    Grow(usize),
    /// It is over.
    Stop,
}

/// Watches the round trips of slow start.
#[derive(Debug, Default)]
pub struct HyStart {
    /// The round ends when what was sent after so many bytes had arrived is acknowledged.
    round_end: u64,
    last: Option<Duration>,
    current: Option<Duration>,
    samples: u32,
    /// Doubting: the round trip when that began, and the rounds since.
    doubt: Option<(Duration, u32)>,
}

impl HyStart {
    /// What to do after an acknowledgement in slow start.
    // RFC 9406 §4.2
    pub fn on_ack(&mut self, ack: &Ack) -> Advice {
        if let Some(rtt) = ack.rtt {
            self.current = Some(self.current.map_or(rtt, |current| current.min(rtt)));
            self.samples += 1;
        }
        self.judge();
        if let Some(sample) = ack.sample
            && sample.prior_delivered >= self.round_end
        {
            self.round_end = sample.delivered;
            (self.last, self.current, self.samples) = (self.current, None, 0);
            if let Some((_, rounds)) = &mut self.doubt {
                *rounds += 1;
                if *rounds >= CSS_ROUNDS {
                    return Advice::Stop;
                }
            }
        }
        Advice::Grow(if self.doubt.is_some() { ack.bytes / CSS_GROWTH_DIVISOR } else { ack.bytes })
    }

    fn judge(&mut self) {
        let (Some(current), true) = (self.current, self.samples >= N_RTT_SAMPLE) else { return };
        match self.doubt {
            // The growth was no queue after all.
            Some((baseline, _)) if current < baseline => self.doubt = None,
            Some(_) => (),
            None => {
                let Some(last) = self.last else { return };
                let thresh = (last / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
                if current >= last + thresh {
                    self.doubt = Some((current, 0));
                }
            }
        }
    }
}
