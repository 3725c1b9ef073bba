//! What of the peer's flight arrived, and when to tell it (RFC 9147 §7).

use crate::base::time::{Instant, earliest};
use crate::transport::dtls::records::Sender;
use crate::wire::dtls::alert::{Ack, RecordNumber};
use crate::wire::dtls::codepoints::ContentType;

/// The most records that wait to be acknowledged: more than there are in any flight of normal size.
const MOST: usize = 64;
/// Bytes that one takes.
const NUMBER_LEN: usize = 16;

/// Records to acknowledge.
#[derive(Default)]
pub(super) struct Acks {
    numbers: Vec<RecordNumber>,
    due: Option<Instant>,
}

impl Acks {
    /// A record was processed, or is kept.
    pub(super) fn note(&mut self, number: RecordNumber) {
        if self.numbers.len() == MOST {
            self.numbers.remove(0);
        }
        self.numbers.push(number);
    }

    /// Has everything that was noted told at `at`, or sooner.
    pub(super) fn tell(&mut self, at: Instant) {
        self.due = earliest([self.due, Some(at)]);
    }

    /// What we send now acknowledges everything (RFC 9147 §7.1).
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When there is something to tell.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// How many bytes a record with everything that is due would have; `None` when nothing is.
    pub(super) fn due_len(&self, now: Instant, sender: &Sender) -> Option<usize> {
        self.due.filter(|&due| due <= now)?;
        Some(sender.overhead(sender.epoch()) + 2 + self.numbers.len() * NUMBER_LEN)
    }

    /// Appends a datagram with an acknowledgement, when it is due, and returns its length. An empty one is one,
    /// too: it says that nothing of what came could be read (RFC 9147 §7.1).
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        mtu: usize,
        sender: &mut Sender,
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let due = self.due.take_if(|due| *due <= now)?;
        // RFC 9147 §7: under the newest keys.
        let epoch = sender.epoch();
        let room = mtu.saturating_sub(sender.overhead(epoch) + 2) / NUMBER_LEN;
        let from = self.numbers.len().saturating_sub(room);
        let mut records = self.numbers.split_off(from);
        // What finds no room goes into the next datagram.
        self.due = (!self.numbers.is_empty()).then_some(due);
        records.sort_unstable_by_key(|number| (number.epoch, number.sequence));
        records.dedup();
        let at = sender.begin(epoch, out);
        Ack { records }.write(out);
        sender.finish(epoch, ContentType::Ack, out, at).ok()?;
        Some(out.len() - at)
    }
}
