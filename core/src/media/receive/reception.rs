//! What a receiver counts of one stream (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8): its place, its losses, its
//! jitter.

use crate::base::seq::{Serial16, Serial32, Unwrap16};
use crate::base::time::{Instant, ticks};
use crate::wire::rtcp::report::{ReportBlock, SenderInfo, middle};
use std::time::Duration;

/// Numbers ahead that are taken for losses; farther ones are a jump (RFC 3550 appendix A.1, `MAX_DROPOUT`).
const MAX_DROPOUT: u64 = 3_000;
/// Numbers back that are taken for late packets (`MAX_MISORDER`); retransmissions come later than in 1996.
const MAX_MISORDER: u64 = 3_000;

/// What a packet is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first packet.
    First(u64),
    /// The next one, or one further on, so that those between are missing.
    Ahead {
        /// The count of the packet.
        count: u64,
        /// How many are missing in front of it.
        missing: u64,
    },
    /// One that others overtook.
    Late(u64),
    /// The stream goes on somewhere else: a second packet in a row said so.
    Restart(u64),
    /// Out of all proportion. If the next one follows on it, the stream has jumped; else it never happened.
    Stray,
}

/// The state of one stream.
#[derive(Clone, Debug)]
pub struct Reception {
    clock_rate: u32,
    unwrap: Unwrap16,
    /// The count that the numbers of losses begin at.
    base: u64,
    /// What a stray packet said would be next.
    expected_after_stray: Option<Serial16>,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    /// In 1/16 of a timestamp unit.
    jitter: u64,
    /// The transit time of the packet before, in timestamp units.
    transit: Option<u32>,
    /// When the last sender report came, and the middle of its NTP time.
    sender_report: Option<(Instant, u32)>,
}

impl Reception {
    /// A stream whose timestamps count `clock_rate` units a second, at least one.
    #[must_use]
    pub fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: clock_rate.max(1),
            unwrap: Unwrap16::default(),
            base: 0,
            expected_after_stray: None,
            received: 0,
            reported: (0, 0),
            jitter: 0,
            transit: None,
            sender_report: None,
        }
    }

    /// Takes note of a packet that came at `now`.
    pub fn receive(&mut self, now: Instant, sequence: Serial16, timestamp: Serial32) -> Arrival {
        let arrival = self.place(sequence);
        if arrival != Arrival::Stray {
            self.received += 1;
            // Late packets and retransmissions would tell of their own delay, not of the network's.
            if !matches!(arrival, Arrival::Late(_)) {
                self.measure(now, timestamp);
            }
        }
        arrival
    }

    /// Takes note of a packet that was sent again. It has a place; that it was lost is what the sender is to be told
    /// (RFC 4588 §4: its own source is what counts it as received).
    pub fn repair(&mut self, sequence: Serial16) -> Arrival {
        self.place(sequence)
    }

    fn place(&mut self, sequence: Serial16) -> Arrival {
        let Some(highest) = self.unwrap.highest() else {
            let count = self.unwrap.advance(sequence);
            self.base = count;
            return Arrival::First(count);
        };
        let count = self.unwrap.peek(sequence);
        let near =
            if count > highest { count - highest <= MAX_DROPOUT } else { highest - count <= MAX_MISORDER };
        if near {
            self.expected_after_stray = None;
            self.unwrap.advance(sequence);
            return match count.checked_sub(highest) {
                Some(ahead @ 1..) => Arrival::Ahead { count, missing: ahead - 1 },
                _ => {
                    self.base = self.base.min(count);
                    Arrival::Late(count)
                }
            };
        }
        if self.expected_after_stray.replace(sequence.next()) != Some(sequence) {
            return Arrival::Stray;
        }
        // RFC 3550 appendix A.1: two in a row, so the sender has begun anew. Counts go on above all that were.
        self.expected_after_stray = None;
        let count = (highest | 0xffff) + 1 + u64::from(sequence.0);
        (self.base, self.received, self.reported) = (count, 0, (0, 0));
        self.unwrap = Unwrap16::at(count);
        Arrival::Restart(count)
    }

    /// RFC 3550 appendix A.8.
    fn measure(&mut self, now: Instant, timestamp: Serial32) {
        let units = ticks(now.saturating_since(Instant::ZERO), self.clock_rate) as u32;
        let transit = units.wrapping_sub(timestamp.0);
        if let Some(before) = self.transit.replace(transit) {
            let change = u64::from((transit.wrapping_sub(before) as i32).unsigned_abs());
            self.jitter = (self.jitter + change).saturating_sub((self.jitter + 8) >> 4);
        }
    }

    /// Takes note of the sender's report.
    pub const fn hear_sender(&mut self, now: Instant, info: &SenderInfo) {
        self.sender_report = Some((now, middle(info.ntp)));
    }

    /// Packets that came, since the stream began or jumped.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The highest count so far.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.unwrap.highest()
    }

    /// Packets that did not; negative when duplicates came.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.expected().cast_signed() - self.received.cast_signed()
    }

    /// Interarrival jitter.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        Duration::from_nanos((self.jitter >> 4) * 1_000_000_000 / u64::from(self.clock_rate))
    }

    fn expected(&self) -> u64 {
        self.unwrap.highest().map_or(0, |highest| highest + 1 - self.base)
    }

    /// What to tell the sender of `ssrc` now. The fraction of losses is that since the last call.
    pub fn report(&mut self, now: Instant, ssrc: u32) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let (expected_before, received_before) = std::mem::replace(&mut self.reported, (expected, received));
        let interval = expected.saturating_sub(expected_before);
        let lost = interval.saturating_sub(received.saturating_sub(received_before));
        let fraction = (lost << 8).checked_div(interval).unwrap_or(0);
        let (last_report, delay) = self
            .sender_report
            .map_or((0, 0), |(at, ntp)| (ntp, ticks(now.saturating_since(at), 65_536) as u32));
        ReportBlock {
            ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: self.lost().clamp(-0x80_0000, 0x7f_ffff) as i32,
            // Sixteen bits of number, sixteen of how often they went around since the first packet.
            highest: self.unwrap.highest().map_or(0, |highest| (highest - (self.base & !0xffff)) as u32),
            jitter: (self.jitter >> 4) as u32,
            last_report,
            delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Reception};
    use crate::base::seq::{Serial16, Serial32};
    use crate::base::time::Instant;
    use crate::wire::rtcp::report::SenderInfo;

    fn receive(reception: &mut Reception, ms: u64, sequence: u16, timestamp: u32) -> Arrival {
        reception.receive(Instant::from_micros(ms * 1_000), Serial16(sequence), Serial32(timestamp))
    }

    #[test]
    fn losses_are_what_is_missing_below_the_highest() {
        let mut reception = Reception::new(90_000);
        assert_eq!(receive(&mut reception, 0, 65_530, 0), Arrival::First(131_066));
        for sequence in 65_531..=65_535 {
            receive(&mut reception, 0, sequence, 0);
        }
        assert_eq!(receive(&mut reception, 0, 4, 0), Arrival::Ahead { count: 131_076, missing: 4 });
        assert_eq!(receive(&mut reception, 0, 2, 0), Arrival::Late(131_074));
        let report = reception.report(Instant::ZERO, 9);
        assert_eq!((report.lost, report.highest, report.fraction_lost), (3, 65_540, 69));
        // Two more came, one of them twice.
        for sequence in [5, 6, 6] {
            receive(&mut reception, 0, sequence, 0);
        }
        let report = reception.report(Instant::ZERO, 9);
        assert_eq!((report.lost, report.fraction_lost), (2, 0));
    }

    #[test]
    fn a_jump_counts_when_it_is_confirmed() {
        let mut reception = Reception::new(8_000);
        receive(&mut reception, 0, 10, 0);
        assert_eq!(receive(&mut reception, 0, 30_000, 0), Arrival::Stray);
        assert_eq!(receive(&mut reception, 0, 11, 0), Arrival::Ahead { count: 65_547, missing: 0 });
        assert_eq!(receive(&mut reception, 0, 30_001, 0), Arrival::Stray);
        assert_eq!(receive(&mut reception, 0, 30_002, 0), Arrival::Restart(161_074));
        assert_eq!(receive(&mut reception, 0, 30_003, 0), Arrival::Ahead { count: 161_075, missing: 0 });
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn jitter_is_how_unsteady_packets_come() {
        let mut steady = Reception::new(90_000);
        let mut unsteady = Reception::new(90_000);
        for at in 0..200 {
            let sequence = at as u16;
            receive(&mut steady, 20 * at, sequence, 1_800 * at as u32);
            receive(&mut unsteady, 20 * at + 10 * (at % 2), sequence, 1_800 * at as u32);
        }
        assert_eq!(steady.jitter().as_millis(), 0);
        assert!((9..=10).contains(&unsteady.jitter().as_millis()), "{:?}", unsteady.jitter());
    }

    #[test]
    fn a_report_refers_to_the_sender_s() {
        let mut reception = Reception::new(48_000);
        receive(&mut reception, 0, 1, 0);
        let info = SenderInfo { ntp: 0x1234_5678_9abc_def0, ..SenderInfo::default() };
        reception.hear_sender(Instant::from_micros(1_000_000), &info);
        let report = reception.report(Instant::from_micros(1_500_000), 9);
        assert_eq!((report.last_report, report.delay), (0x5678_9abc, 32_768));
    }
}
