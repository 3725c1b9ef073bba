//! What the driver is asked for, and what comes of it: names and streams.

use crate::base::io::{IoId, IoRequest, IoResponse, StreamName, StreamSecurity};
use crate::base::net::LocalAddress;
use crate::base::time::Instant;
use crate::transport::Transport;
use crate::transport::requests::Purpose;
use std::net::SocketAddr;

impl Transport {
    /// The next thing that the driver is to do.
    pub fn poll_io_request(&mut self) -> Option<IoRequest> {
        self.requests.poll()
    }

    /// Takes the driver's answer to the request `id`. One to a request that nobody waits for any more changes nothing.
    pub fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse) {
        let Some(purpose) = self.requests.answered(id) else { return };
        match purpose {
            Purpose::Server(host) => {
                let found = match response {
                    IoResponse::Resolved(ips) => Ok(ips),
                    other => Err(failure(other)),
                };
                self.looked_up(now, &host, found);
            }
            Purpose::Relay(relay) => match response {
                IoResponse::Connected(local) => self.relay_connected(id, relay, local),
                other => {
                    if let Some(relay) = self.relays.get_mut(relay) {
                        relay.client.disconnected(now, failure(other));
                    }
                }
            },
            Purpose::Candidate(candidate) => {
                // RFC 8839 §5.1: the first address, where the name has several.
                if let IoResponse::Resolved(ips) = response
                    && let Some(ip) = ips.first()
                {
                    self.take_candidate(now, &candidate, ip.to_canonical());
                }
            }
            Purpose::Mdns => match response {
                IoResponse::Joined(at) => self.mdns.joined(now, at),
                _ => self.mdns.joined(now, Vec::new()),
            },
            Purpose::Pair(pair) => match response {
                IoResponse::Connected(local) => self.pair_connected(now, id, pair, local),
                _ => self.agent.stream_refused(now, pair),
            },
        }
        self.advance(now);
    }

    /// Has a stream to the peer opened.
    pub(super) fn connect_pair(&mut self, pair: u32, from: SocketAddr, to: SocketAddr) {
        let security = StreamSecurity::Plain;
        self.requests.ask(Purpose::Pair(pair), |id| IoRequest::Connect { id, from, to, security });
    }

    fn pair_connected(&mut self, now: Instant, id: IoId, pair: u32, local: LocalAddress) {
        match self.agent.stream_opened(now, pair, local) {
            Some(path) => self.streams.add_requested(id, path),
            None => self.requests.close(StreamName::Requested(id)),
        }
    }
}

/// Why there is no answer of the kind that was asked for.
fn failure(response: IoResponse) -> String {
    match response {
        IoResponse::Failed(why) => why,
        _ => "the driver answered something else".to_owned(),
    }
}
