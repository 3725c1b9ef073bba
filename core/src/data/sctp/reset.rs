//! Starting streams anew (RFC 6525): how a data channel ends.
//!
//! We reset our outgoing streams, and the peer its own. One request is under way at a time; it is repeated until it is
//! answered, and also when the answer is "in progress".

use crate::base::drops::DropReason;
use crate::base::seq::Serial32;
use crate::base::time::Instant;
use crate::data::sctp::Association;
use crate::data::sctp::event::{Event, SendError};
use crate::data::sctp::state::Extensions;
use crate::data::sctp::timeout::Timer;
use crate::wire::sctp::chunk::Chunk;
use crate::wire::sctp::param::Params;
use crate::wire::sctp::reconfig::{Reconfig, ReconfigResult, StreamList};

/// Streams of one request: as many as fit any packet with what may stand before them.
const MAX_STREAMS: usize = 256;
/// Bytes that a packet needs to have left before a request is laid out in it.
const REQUEST_ROOM: usize = 4 + 16 + 2 * MAX_STREAMS;

/// Requests, ours and the peer's.
#[derive(Debug)]
pub(super) struct Resets {
    /// Streams to start anew, not yet asked for.
    wanted: Vec<u16>,
    /// What we asked for.
    request: Option<Request>,
    next_request: Serial32,
    /// The number of the peer's next request.
    expected: Serial32,
    /// What became of the peer's last request.
    last_result: ReconfigResult,
    /// A request of the peer that waits for data that is still under way.
    deferred: Option<Deferred>,
}

#[derive(Debug)]
struct Request {
    number: Serial32,
    last_tsn: Serial32,
    streams: Vec<u16>,
    /// To be sent with the next packet.
    due: bool,
}

#[derive(Debug)]
struct Deferred {
    number: Serial32,
    last_tsn: Serial32,
    streams: Vec<u16>,
}

impl Resets {
    // RFC 6525 §5.1.1: requests are numbered from the initial TSN.
    pub(super) const fn new(initial_tsn: Serial32) -> Self {
        Self {
            wanted: Vec::new(),
            request: None,
            next_request: initial_tsn,
            expected: initial_tsn,
            last_result: ReconfigResult::NothingToDo,
            deferred: None,
        }
    }

    pub(super) const fn begin(&mut self, peer_initial_tsn: Serial32) {
        self.expected = peer_initial_tsn;
    }
}

impl Association {
    /// Starts our side of a stream anew, once everything queued in it is sent. It takes no more messages until
    /// [`Event::OutgoingReset`] says that the peer has done so too.
    ///
    /// # Errors
    ///
    /// When the association is over, the stream does not exist or is being reset already.
    pub fn reset_stream(&mut self, stream: u16) -> Result<(), SendError> {
        if !self.state.takes_messages() {
            return Err(SendError::Closed);
        }
        if stream >= self.outbound_streams() {
            return Err(SendError::NoStream);
        }
        let asked = self.resets.request.as_ref().is_some_and(|request| request.streams.contains(&stream));
        if asked || self.resets.wanted.contains(&stream) {
            return Err(SendError::Resetting);
        }
        self.outbox.close_gate(stream);
        self.resets.wanted.push(stream);
        Ok(())
    }

    /// Lays out a request where one is due or can be made.
    pub(super) fn write_reconfig(&mut self, now: Instant, room: usize, out: &mut Vec<u8>) {
        if self.resets.request.is_none() && !self.resets.wanted.is_empty() {
            self.make_request();
        }
        let Some(request) = self.resets.request.as_mut().filter(|request| request.due) else { return };
        if room < REQUEST_ROOM.min(20 + 2 * request.streams.len()) {
            return;
        }
        request.due = false;
        let streams: Vec<u8> = request.streams.iter().flat_map(|stream| stream.to_be_bytes()).collect();
        let streams = StreamList::parse(&streams).unwrap_or_default();
        let (number, last_tsn) = (request.number, request.last_tsn);
        let response = self.resets.expected.minus(1);
        let mut params = Vec::new();
        Reconfig::OutgoingReset { request: number, response, last_tsn, streams }.write(&mut params);
        Chunk::Reconfig(Params::new(&params)).write(out);
        self.timers.set(Timer::Reconfig, now + self.rtt.rto());
    }

    /// Asks for the streams whose queues are empty.
    // RFC 6525 §5.1.2
    fn make_request(&mut self) {
        if !self.has_extension(Extensions::RECONFIG) {
            // A peer that cannot: the stream is over for us all the same.
            for stream in std::mem::take(&mut self.resets.wanted) {
                self.outbox.reopen(stream);
                self.events.push_back(Event::OutgoingReset { stream, performed: false });
            }
            return;
        }
        let outbox = &self.outbox;
        let mut streams = Vec::new();
        self.resets.wanted.retain(|&stream| {
            let take = streams.len() < MAX_STREAMS && outbox.is_drained(stream);
            if take {
                streams.push(stream);
            }
            !take
        });
        if streams.is_empty() {
            return;
        }
        let number = self.resets.next_request;
        self.resets.next_request = number.next();
        let last_tsn = self.flight.next_tsn().minus(1);
        self.resets.request = Some(Request { number, last_tsn, streams, due: true });
    }

    pub(super) fn on_reconfig_timeout(&mut self, _now: Instant) {
        if self.resets.request.is_some() && self.gives_up() {
            return;
        }
        self.rtt.back_off();
        if let Some(request) = &mut self.resets.request {
            request.due = true;
        }
    }

    pub(super) fn on_reconfig(&mut self, params: Params<'_>) -> Result<(), DropReason> {
        if !self.has_extension(Extensions::RECONFIG) {
            return Err(DropReason::SctpNotNegotiated);
        }
        if !self.state.is_up() {
            return Err(DropReason::SctpUnexpected);
        }
        for param in params {
            let param = param.map_err(|_| DropReason::SctpMalformed)?;
            match Reconfig::parse(&param).map_err(|_| DropReason::SctpMalformed)? {
                Some(Reconfig::OutgoingReset { request, last_tsn, streams, .. }) => {
                    self.on_request(request, |this| this.on_outgoing_reset(request, last_tsn, streams));
                }
                // The peer has as many streams as it asked for at the start; more would change nothing for us.
                Some(Reconfig::AddOutgoing { request, .. }) => {
                    self.on_request(request, |_| ReconfigResult::Performed);
                }
                // RFC 8831 §6.7 uses none of these; they may be refused (RFC 6525 §5.2.3, §5.2.4, §5.2.6).
                Some(
                    Reconfig::IncomingReset { request, .. }
                    | Reconfig::SsnTsnReset { request }
                    | Reconfig::AddIncoming { request, .. },
                ) => self.on_request(request, |_| ReconfigResult::Denied),
                Some(Reconfig::Response { request, result }) => self.on_response(request, result),
                None => (),
            }
        }
        Ok(())
    }

    /// Carries out a request with the number that is expected, and answers it; one that was answered is answered again.
    // RFC 6525 §5.2.1
    fn on_request(&mut self, number: Serial32, carry_out: impl FnOnce(&mut Self) -> ReconfigResult) {
        let waits = self.resets.deferred.as_ref().is_some_and(|deferred| deferred.number == number);
        let result = if waits {
            ReconfigResult::InProgress
        } else if number == self.resets.expected {
            self.resets.expected = number.next();
            self.resets.last_result = carry_out(self);
            self.resets.last_result
        } else if number.next() == self.resets.expected {
            self.resets.last_result
        } else {
            ReconfigResult::BadSequenceNumber
        };
        self.respond(number, result);
    }

    fn respond(&mut self, request: Serial32, result: ReconfigResult) {
        let mut params = Vec::new();
        Reconfig::Response { request, result }.write(&mut params);
        self.control.push_chunk(&Chunk::Reconfig(Params::new(&params)));
    }

    // RFC 6525 §5.2.2
    fn on_outgoing_reset(
        &mut self,
        number: Serial32,
        last_tsn: Serial32,
        streams: StreamList<'_>,
    ) -> ReconfigResult {
        // "All streams" would be every one that the peer may send on; nobody who speaks data channels means that.
        if streams.is_all() || streams.iter().any(|stream| stream >= self.inbound_streams()) {
            return ReconfigResult::Denied;
        }
        let streams: Vec<u16> = streams.iter().collect();
        if last_tsn.is_after(self.inbox.tracker.cumulative()) {
            self.resets.deferred = Some(Deferred { number, last_tsn, streams });
            return ReconfigResult::InProgress;
        }
        self.perform(&streams);
        ReconfigResult::Performed
    }

    fn perform(&mut self, streams: &[u16]) {
        for &stream in streams {
            self.inbox.reset_stream(stream);
            self.events.push_back(Event::IncomingReset { stream });
        }
    }

    /// Carries out what waited for data, if that has arrived.
    pub(super) fn advance_reset(&mut self) {
        let cumulative = self.inbox.tracker.cumulative();
        if let Some(deferred) = self.resets.deferred.take_if(|d| d.last_tsn.is_at_or_before(cumulative)) {
            self.perform(&deferred.streams);
            self.resets.last_result = ReconfigResult::Performed;
            self.respond(deferred.number, ReconfigResult::Performed);
        }
    }

    // RFC 6525 §5.2.7
    fn on_response(&mut self, number: Serial32, result: ReconfigResult) {
        let Some(request) = self.resets.request.take_if(|request| request.number == number) else { return };
        self.tries.clear();
        self.rtt.clear_backoff();
        match result {
            // The timer repeats it.
            ReconfigResult::InProgress => {
                self.resets.request = Some(request);
                return;
            }
            // A request of the peer's own is in its way: asked again, as a new request, when the timer fires.
            ReconfigResult::AlreadyInProgress => {
                let number = self.resets.next_request;
                self.resets.next_request = number.next();
                self.resets.request = Some(Request { number, ..request });
                return;
            }
            ReconfigResult::NothingToDo | ReconfigResult::Performed => {
                for &stream in &request.streams {
                    self.outbox.restart_stream(stream);
                    self.events.push_back(Event::OutgoingReset { stream, performed: true });
                }
            }
            _ => {
                for &stream in &request.streams {
                    self.outbox.reopen(stream);
                    self.events.push_back(Event::OutgoingReset { stream, performed: false });
                }
            }
        }
        self.timers.cancel(Timer::Reconfig);
    }
}
