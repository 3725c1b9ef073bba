//! What is asked of the driver, and what for.

use crate::base::io::{IoId, IoRequest, StreamName};
use crate::base::queue::Queue;
use crate::transport::relay::RelayId;
use crate::wire::candidate::Candidate;

/// What an answer of the driver is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The addresses of a server with this name.
    Server(Box<str>),
    /// A stream to a TURN server.
    Relay(RelayId),
    /// The addresses of the host that a candidate of the peer names.
    Candidate(Box<Candidate>),
    /// The group of multicast DNS.
    Mdns,
    /// A stream to the peer: a pair of the ICE agent's.
    Pair(u32),
}

/// Requests that wait to be taken, and those that wait for their answer.
#[derive(Debug, Default)]
pub(super) struct Requests {
    next: u64,
    outbox: Queue<IoRequest>,
    open: Vec<(IoId, Purpose)>,
}

impl Requests {
    /// Asks; `request` gets the id to be answered under.
    pub(super) fn ask(&mut self, purpose: Purpose, request: impl FnOnce(IoId) -> IoRequest) -> IoId {
        let id = IoId(self.next);
        self.next += 1;
        self.outbox.push(request(id));
        self.open.push((id, purpose));
        id
    }

    /// Has a stream closed.
    pub(super) fn close(&mut self, stream: StreamName) {
        self.outbox.push(IoRequest::Close { stream });
    }

    /// What an answer is for; `None` for one that nobody waits for, or not any more.
    pub(super) fn answered(&mut self, id: IoId) -> Option<Purpose> {
        let at = self.open.iter().position(|(open, _)| *open == id)?;
        Some(self.open.remove(at).1)
    }

    /// How many are waited for that `wanted` says yes to.
    pub(super) fn count(&self, wanted: impl Fn(&Purpose) -> bool) -> usize {
        self.open.iter().filter(|(_, purpose)| wanted(purpose)).count()
    }

    /// Waits no longer for what `unwanted` says yes to.
    pub(super) fn forget(&mut self, unwanted: impl Fn(&Purpose) -> bool) {
        self.open.retain(|(_, purpose)| !unwanted(purpose));
    }

    /// The end: no answer is waited for, and nothing is asked but that streams be closed.
    pub(super) fn only_closing(&mut self) {
        let unanswered: Vec<_> = self.open.drain(..).collect();
        self.outbox.retain(|request| matches!(request, IoRequest::Close { .. }));
        for (id, purpose) in unanswered {
            if matches!(purpose, Purpose::Relay(_) | Purpose::Pair(_)) {
                self.close(StreamName::Requested(id));
            }
        }
    }

    /// The next request.
    pub(super) fn poll(&mut self) -> Option<IoRequest> {
        self.outbox.pop()
    }
}
