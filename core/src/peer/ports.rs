//! The ports that a link has to itself. Its driver opens them when it asks.
//!
//! RTCP that does not share the port of RTP has the same credentials, so that nothing in a check tells which of the two
//! it is for; the port does.

use crate::base::io::{IoId, IoRequest, IoResponse, StreamName};
use crate::base::net::LocalAddress;
use crate::base::queue::Queue;
use std::net::IpAddr;

/// The bit of a link's own request numbers that its transport's do not reach.
const PORTS: u64 = 1 << 47;

/// A port, asked for or there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Port {
    request: IoId,
    at: IpAddr,
    local: Option<LocalAddress>,
}

/// The ports of a link.
#[derive(Debug, Default)]
pub(super) struct Ports {
    next: u64,
    ports: Vec<Port>,
    outbox: Queue<IoRequest>,
    /// The link is to gather, once it is known what from.
    pub wants_to_gather: bool,
}

impl Ports {
    /// Asks for a port at this address, unless there is one.
    pub fn want(&mut self, at: IpAddr) {
        if self.ports.iter().all(|port| port.at != at) {
            let request = IoId(PORTS | self.next);
            self.next += 1;
            self.ports.push(Port { request, at, local: None });
            self.outbox.push(IoRequest::Bind { id: request, at });
        }
    }

    /// Gives up the port at this address, if it is there.
    pub fn leave(&mut self, at: IpAddr) -> Option<LocalAddress> {
        let place = self.ports.iter().position(|port| port.at == at)?;
        let port = self.ports.remove(place);
        self.close(port.request);
        port.local
    }

    /// Gives up all.
    pub fn leave_all(&mut self) {
        for port in std::mem::take(&mut self.ports) {
            self.close(port.request);
        }
    }

    fn close(&mut self, request: IoId) {
        let asks = |known: &IoRequest| matches!(known, IoRequest::Bind { id, .. } if *id == request);
        let before = self.outbox.len();
        self.outbox.retain(|known| !asks(known));
        // What the driver has not heard of needs no end.
        if self.outbox.len() == before {
            self.outbox.push(IoRequest::Close { stream: StreamName::Requested(request) });
        }
    }

    /// Takes the answer to a request; the port that it brought comes back. `Err`: it is for the transport.
    pub fn answer(&mut self, id: IoId, response: IoResponse) -> Result<Option<LocalAddress>, IoResponse> {
        if id.0 & PORTS == 0 {
            return Err(response);
        }
        let Some(place) = self.ports.iter().position(|port| port.request == id) else { return Ok(None) };
        match response {
            IoResponse::Bound(local) => self.ports[place].local = Some(local),
            _ => drop(self.ports.remove(place)),
        }
        Ok(self.ports.get(place).filter(|port| port.request == id).and_then(|port| port.local))
    }

    /// Whether nothing is waited for.
    pub fn are_known(&self) -> bool {
        self.ports.iter().all(|port| port.local.is_some())
    }

    /// The ports that are there.
    pub fn iter(&self) -> impl Iterator<Item = LocalAddress> {
        self.ports.iter().filter_map(|port| port.local)
    }

    /// The next request.
    pub fn poll(&mut self) -> Option<IoRequest> {
        self.outbox.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::Ports;
    use crate::base::io::{IoRequest, IoResponse, StreamName};
    use crate::base::net::{LocalAddress, SocketId};

    #[test]
    fn ports_are_asked_for_once_and_closed_if_they_were() {
        let mut ports = Ports::default();
        let (here, there) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        ports.want(here);
        ports.want(here);
        let Some(IoRequest::Bind { id, at }) = ports.poll() else { panic!("a request") };
        assert_eq!((at, ports.poll()), (here, None));
        assert!(!ports.are_known());
        let local = LocalAddress::udp(SocketId(1), "192.0.2.1:7000".parse().unwrap());
        assert_eq!(ports.answer(id, IoResponse::Bound(local)), Ok(Some(local)));
        assert!(ports.are_known());

        // One that the driver has not heard of is forgotten without a word.
        ports.want(there);
        assert_eq!(ports.leave(there), None);
        assert_eq!(ports.poll(), None);
        ports.want(there);
        let Some(IoRequest::Bind { id: second, .. }) = ports.poll() else { panic!("a request") };
        assert_eq!(ports.answer(second, IoResponse::Failed("no".into())), Ok(None));
        assert!(ports.are_known(), "it does without");
        assert_eq!(ports.iter().collect::<Vec<_>>(), [local]);
        ports.leave_all();
        assert_eq!(ports.poll(), Some(IoRequest::Close { stream: StreamName::Requested(id) }));
        assert_eq!((ports.poll(), ports.iter().count()), (None, 0));
        let late = LocalAddress::udp(SocketId(2), "192.0.2.2:7000".parse().unwrap());
        assert_eq!(ports.answer(second, IoResponse::Bound(late)), Ok(None), "nobody waits for it");
        let other = IoResponse::Failed("not ours".into());
        assert_eq!(ports.answer(crate::base::io::IoId(0), other.clone()), Err(other));
    }
}
