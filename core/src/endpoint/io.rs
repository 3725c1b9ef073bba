//! Names and streams for many peers: requests go out under numbers of the endpoint, and what comes of them goes back to
//! the peer that asked.

use crate::base::drops::DropReason;
use crate::base::io::{IoId, IoRequest, IoResponse, StreamName};
use crate::base::net::{Datagram, Path, SocketId};
use crate::base::queue::Turn;
use crate::base::time::Instant;
use crate::endpoint::{Endpoint, PeerId, Request};
use crate::peer::streams::Naming;

impl Endpoint {
    /// The next thing that the driver is to do, for whichever peer.
    pub fn poll_io_request(&mut self) -> Option<IoRequest> {
        if let Some(stream) = self.to_close.pop() {
            return Some(IoRequest::Close { stream });
        }
        while let Some(&id) = self.to_request.front() {
            let peer = self.peers.get_mut(id);
            let request = peer.and_then(|peer| {
                let request = peer.connection.poll_io_request();
                peer.to_request = Turn::keep(request.is_some());
                request
            });
            match request {
                None => drop(self.to_request.pop()),
                Some(request) => {
                    if let Some(request) = self.adopt_request(id, request) {
                        return Some(request);
                    }
                }
            }
        }
        None
    }

    /// Gives a request of a peer a number of ours. `None`: it is not the driver's business.
    fn adopt_request(&mut self, peer: PeerId, mut request: IoRequest) -> Option<IoRequest> {
        if let IoRequest::JoinMdns { id } = request {
            return self.join_group(peer, id);
        }
        let known = self.peers.get_mut(peer)?;
        if let IoRequest::Close { stream } = &mut request {
            match stream {
                StreamName::Accepted(socket) => {
                    known.accepted.retain(|other| other != socket);
                    self.sockets.remove(socket);
                }
                StreamName::Requested(own) => {
                    let at = known.requests.iter().position(|request| request.own == *own)?;
                    let Request { id, socket, .. } = known.requests.swap_remove(at);
                    self.requests.forget(id);
                    socket.map(|socket| self.sockets.remove(&socket));
                    *own = id;
                }
            }
        } else {
            let is_stream = matches!(request, IoRequest::Connect { .. } | IoRequest::Bind { .. });
            let id = self.requests.name(peer);
            let own = std::mem::replace(request.id_mut()?, id);
            known.requests.push(Request { id, own, is_stream, socket: None });
        }
        Some(request)
    }

    /// Lets a peer hear the group, which the driver joins for the first one only.
    fn join_group(&mut self, peer: PeerId, own: IoId) -> Option<IoRequest> {
        self.group.members.push((peer, own));
        if !self.group.joined.is_empty() {
            let response = IoResponse::Joined(self.group.joined.clone());
            self.answer(self.now, peer, own, response);
            return None;
        }
        if self.group.asked.is_some() {
            return None;
        }
        let id = self.requests.name(peer);
        self.group.asked = Some(id);
        Some(IoRequest::JoinMdns { id })
    }

    /// Takes the answer to a request. A stream that was opened for a peer that is gone is to be closed: that is asked
    /// for.
    pub fn handle_io_response(&mut self, now: Instant, id: IoId, response: IoResponse) {
        let now = self.tick(now);
        if self.group.asked == Some(id) {
            return self.group_joined(now, &response);
        }
        let owner = self.requests.owner(id);
        let Some((peer, known)) = owner.and_then(|peer| Some((peer, self.peers.get_mut(peer)?))) else {
            let unwanted = matches!(response, IoResponse::Connected(_) | IoResponse::Bound(_));
            return self.to_close.extend(unwanted.then_some(StreamName::Requested(id)));
        };
        let Some(at) = known.requests.iter().position(|request| request.id == id) else { return };
        let own = known.requests[at].own;
        if let IoResponse::Connected(local) | IoResponse::Bound(local) = &response {
            known.requests[at].socket = Some(local.socket);
            self.sockets.insert(local.socket, peer);
        } else {
            known.requests.swap_remove(at);
            self.requests.forget(id);
        }
        self.answer(now, peer, own, response);
    }

    fn group_joined(&mut self, now: Instant, response: &IoResponse) {
        if let Some(id) = self.group.asked.take() {
            self.requests.forget(id);
        }
        let mut members = std::mem::take(&mut self.group.members);
        for &(peer, own) in &members {
            self.answer(now, peer, own, response.clone());
        }
        match response {
            IoResponse::Joined(joined) => self.group.joined.clone_from(joined),
            // Whoever asks next tries again.
            _ => members.clear(),
        }
        self.group.members = members;
    }

    fn answer(&mut self, now: Instant, peer: PeerId, own: IoId, response: IoResponse) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.connection.handle_io_response(now, own, response);
            self.touch(peer);
        }
    }

    /// A listener accepted the stream along `path`. Whose it is shows in its first message.
    pub fn handle_stream_opened(&mut self, now: Instant, path: Path) {
        let now = self.tick(now);
        self.to_close.extend(self.unnamed.open(now, path).map(StreamName::Accepted));
    }

    /// A stream ended or broke.
    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        let now = self.tick(now);
        self.unnamed.forget(socket);
        if let Some(id) = self.sockets.remove(&socket)
            && let Some(peer) = self.peers.get_mut(id)
        {
            peer.accepted.retain(|other| *other != socket);
            for request in peer.requests.extract_if(.., |request| request.socket == Some(socket)) {
                self.requests.forget(request.id);
            }
            peer.connection.handle_stream_closed(now, socket);
            self.touch(id);
        }
    }

    /// Takes a datagram to the group of multicast DNS, which is for everyone who joined it.
    pub(super) fn handle_multicast(&mut self, now: Instant, datagram: &Datagram) {
        let mut members = std::mem::take(&mut self.group.members);
        members.retain(|(id, _)| self.peers.get(*id).is_some());
        for &(id, _) in &members {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.connection.handle_datagram(now, datagram.clone());
                self.touch(id);
            }
        }
        self.group.members = members;
    }

    /// Takes a piece of a stream.
    pub(super) fn handle_piece(&mut self, now: Instant, mut datagram: Datagram) {
        let path = datagram.path;
        let owner = match self.sockets.get(&path.socket) {
            Some(&owner) => owner,
            None => match self.unnamed.hear(&path, &datagram.data) {
                Naming::First { message, everything } => {
                    let Some(owner) = self.adopt(now, path, &message) else { return };
                    datagram.data = everything;
                    owner
                }
                Naming::Nonsense => return self.turn_away(path.socket),
                Naming::Unknown => return self.drops.count(DropReason::UnknownPeer),
                Naming::Wait => return,
            },
        };
        if let Some(peer) = self.peers.get_mut(owner) {
            peer.connection.handle_datagram(now, datagram);
            self.touch(owner);
        }
    }

    /// Gives a stream to the peer that its first message is for.
    fn adopt(&mut self, now: Instant, path: Path, message: &[u8]) -> Option<PeerId> {
        let owner = self.routes.named_in(message);
        let Some((id, peer)) = owner.and_then(|id| Some((id, self.peers.get_mut(id)?))) else {
            self.turn_away(path.socket);
            return None;
        };
        peer.accepted.push(path.socket);
        peer.connection.handle_stream_opened(now, path);
        self.sockets.insert(path.socket, id);
        Some(id)
    }

    fn turn_away(&mut self, socket: SocketId) {
        self.drops.count(DropReason::UnknownPeer);
        self.to_close.push(StreamName::Accepted(socket));
    }
}
