//! Messages that wait or are under way. Each is in one place until nothing of it is needed any more; queues and what was sent
//! know its slot, so that no message is moved and nothing of its bytes is counted for each packet.

use crate::base::time::Instant;
use bytes::Bytes;

/// Until when, or how often, a message is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    None,
    Until(Instant),
    Retransmits(u16),
}

impl Limit {
    /// Whether a message may not be sent for the first time any more.
    pub(super) fn is_over(self, now: Instant) -> bool {
        matches!(self, Self::Until(end) if end <= now)
    }
}

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) payload: Bytes,
    pub(super) limit: Limit,
    pub(super) ppid: u32,
    pub(super) unordered: bool,
    /// It is part of the buffered amount.
    pub(super) counted: bool,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageSlot(u32);

impl MessageSlot {
    /// Of a chunk that has no message any more.
    pub(super) const NONE: Self = Self(u32::MAX);
}

#[derive(Debug)]
struct Place {
    /// `None` in a free place. (An empty message instead would have to be asked, from memory that may be cold, how it is dropped.)
    message: Option<Message>,
    /// Queues and chunks that need it.
    holds: u32,
    /// The next free place.
    next: u32,
}

/// All messages of an association.
#[derive(Debug)]
pub(super) struct Messages {
    places: Vec<Place>,
    free: u32,
}

impl Default for Messages {
    fn default() -> Self {
        Self { places: Vec::new(), free: MessageSlot::NONE.0 }
    }
}

impl Messages {
    /// Puts a message somewhere, held once.
    pub(super) fn insert(&mut self, message: Message) -> MessageSlot {
        let at = self.free;
        if let Some(place) = self.places.get_mut(at as usize) {
            self.free = place.next;
            (place.message, place.holds) = (Some(message), 1);
            return MessageSlot(at);
        }
        self.places.push(Place { message: Some(message), holds: 1, next: MessageSlot::NONE.0 });
        MessageSlot(self.places.len() as u32 - 1)
    }

    /// The message in a slot.
    ///
    /// # Panics
    ///
    /// When nobody holds the slot.
    #[inline]
    pub(super) fn get(&self, slot: MessageSlot) -> &Message {
        self.places[slot.0 as usize].message.as_ref().expect("the slot is held")
    }

    /// The same, to change it.
    #[inline]
    pub(super) fn get_mut(&mut self, slot: MessageSlot) -> &mut Message {
        self.places[slot.0 as usize].message.as_mut().expect("the slot is held")
    }

    /// One more needs the message.
    #[inline]
    pub(super) fn hold(&mut self, slot: MessageSlot) {
        self.places[slot.0 as usize].holds += 1;
    }

    /// One less needs the message; when nobody does, it is gone.
    #[inline]
    pub(super) fn release(&mut self, slot: MessageSlot) {
        let Some(place) = self.places.get_mut(slot.0 as usize) else { return };
        place.holds -= 1;
        if place.holds == 0 {
            place.message = None;
            place.next = std::mem::replace(&mut self.free, slot.0);
        }
    }

    /// Gives memory back.
    pub(super) fn shrink(&mut self) {
        if self.places.iter().all(|place| place.holds == 0) {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Limit, Message, Messages};
    use bytes::Bytes;

    fn message(text: &'static str) -> Message {
        let payload = Bytes::from_static(text.as_bytes());
        Message { payload, limit: Limit::None, ppid: 51, unordered: false, counted: true }
    }

    #[test]
    fn a_place_is_used_again_once_nobody_holds_it() {
        let mut messages = Messages::default();
        let [a, b] = ["a", "b"].map(|text| messages.insert(message(text)));
        messages.hold(a);
        messages.release(a);
        assert_eq!(messages.get(a).payload, "a");
        messages.release(a);
        let c = messages.insert(message("c"));
        assert_eq!(
            (c, &messages.get(c).payload[..], &messages.get(b).payload[..]),
            (a, &b"c"[..], &b"b"[..])
        );
        messages.shrink();
        assert_eq!(messages.get(b).payload, "b");
        [b, c].into_iter().for_each(|slot| messages.release(slot));
        messages.shrink();
        assert_eq!(messages.places.capacity(), 0);
    }
}
