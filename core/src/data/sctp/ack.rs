//! When to acknowledge.

use crate::data::sctp::tracker::Tracker;
use crate::wire::sctp::chunk::ChunkType;
use crate::wire::sctp::data::{NR_SACK_LEN, put_nr_sack, put_sack};
use crate::wire::sctp::put_chunk;

/// Packets with data until an acknowledgement is due (RFC 9260 §6.2).
const EVERY: u32 = 2;

/// Whether a SACK is to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing to say.
    #[default]
    No,
    /// With the next data, or when the timer fires.
    Later,
    /// With the next packet.
    Now,
}

#[derive(Debug, Default)]
pub(super) struct Acks {
    due: Due,
    packets: u32,
    /// The window that the last SACK advertised.
    advertised: Option<usize>,
}

impl Acks {
    pub(super) const fn due(&self) -> Due {
        self.due
    }

    /// A packet with data was taken in. Whether the timer has to be set.
    pub(super) const fn note_packet(&mut self, at_once: bool) -> bool {
        self.packets += 1;
        if at_once || self.packets >= EVERY {
            self.due = Due::Now;
        } else if matches!(self.due, Due::No) {
            self.due = Due::Later;
            return true;
        }
        false
    }

    /// Acknowledge with the next packet.
    pub(super) const fn demand(&mut self) {
        self.due = Due::Now;
    }

    /// The receive window has changed by reading: a peer that saw it nearly closed hears when it has opened.
    // RFC 9260 §6.2: a receiver that has room again should say so.
    pub(super) const fn note_window(&mut self, window: usize) {
        if let Some(advertised) = self.advertised
            && window >= 4 * advertised
            && window > 16 << 10
        {
            self.due = Due::Now;
            self.advertised = Some(window);
        }
    }

    /// Appends a SACK of at most `room` bytes, or an NR-SACK (where `in_parts` allows it) when there is more to tell than
    /// fits. `false` when there is no room for one.
    pub(super) fn write(
        &mut self,
        tracker: &mut Tracker,
        window: usize,
        room: usize,
        in_parts: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some(spare) = room.checked_sub(NR_SACK_LEN) else { return false };
        let window_field = u32::try_from(window).unwrap_or(u32::MAX);
        *self = Self { due: Due::No, packets: 0, advertised: Some(window) };
        if in_parts && tracker.gap_count() > spare / 4 {
            let cumulative = tracker.cumulative();
            let gaps = tracker.next_gaps(spare / 4);
            put_chunk(out, ChunkType::NrSack.into(), 0, |out| {
                put_nr_sack(out, cumulative, window_field, gaps);
            });
            return true;
        }
        let gaps = tracker.gaps(spare / 4);
        let spare = spare - 4 * gaps.len();
        let duplicates = tracker.duplicates();
        let duplicates = &duplicates[..duplicates.len().min(spare / 4)];
        put_chunk(out, ChunkType::Sack.into(), 0, |out| {
            put_sack(out, tracker.cumulative(), window_field, gaps, duplicates);
        });
        tracker.clear_duplicates();
        true
    }
}
