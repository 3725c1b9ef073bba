//! Events until the application takes them, within bounds.

use crate::base::queue::BusyQueue;
use crate::media::event::Event;

/// Bytes of media that wait to be taken. Beyond it packets are refused as if the network had lost them: what nobody
/// takes in time is of no use later.
const MAX_BYTES: usize = 16 << 20;
/// Events that wait to be taken.
const MAX_EVENTS: usize = 16_384;

/// Events that wait, and how many bytes of media are among them.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    events: BusyQueue<Event>,
    bytes: usize,
}

impl Backlog {
    pub(super) fn push(&mut self, event: Event) {
        self.bytes += event.size();
        self.events.push(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop()?;
        self.bytes -= event.size();
        Some(event)
    }

    /// Whether the application has left so much that nothing more may come.
    pub(super) fn is_full(&self) -> bool {
        self.bytes > MAX_BYTES || self.events.len() > MAX_EVENTS
    }
}
