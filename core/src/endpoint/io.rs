//! Names and streams for many peers: requests go out with the peer that wants them, and what comes of them goes back
//! there.

use crate::base::drops::DropReason;
use crate::base::io::{IoId, IoRequest, IoResponse, StreamName};
use crate::base::net::{Datagram, Path, SocketId};
use crate::base::time::Instant;
use crate::endpoint::{Endpoint, Naming, PeerId, Turn};

impl Endpoint {
    /// The next thing that the driver is to do, and for whom: the answer goes to that peer. `None` in place of a peer:
    /// a stream is to be closed that nobody wants.
    pub fn poll_io_request(&mut self) -> Option<(Option<PeerId>, IoRequest)> {
        if let Some(socket) = self.to_close.pop() {
            return Some((None, IoRequest::Close { stream: StreamName::Accepted(socket) }));
        }
        while let Some(&id) = self.to_request.front() {
            let peer = self.peers.get_mut(id);
            let request = peer.and_then(|peer| {
                let request = peer.connection.poll_io_request();
                peer.to_request = Turn::keep(request.is_some());
                request
            });
            if let Some(request) = request {
                if let IoRequest::Close { stream } = request {
                    self.stream_closed_by(id, stream);
                }
                return Some((Some(id), request));
            }
            self.to_request.pop();
        }
        None
    }

    /// Takes the answer to a request of `peer`. A stream that was opened for a peer that is gone is to be closed: that is
    /// asked for.
    pub fn handle_io_response(&mut self, now: Instant, peer: PeerId, id: IoId, response: IoResponse) {
        let socket = match &response {
            IoResponse::Connected(local) => Some(local.socket),
            _ => None,
        };
        if let IoResponse::Joined(at) = &response {
            for local in at {
                match self.groups.get_mut(&local.socket) {
                    Some(members) => members.push(peer),
                    None => drop(self.groups.insert(local.socket, vec![peer])),
                }
            }
        }
        let Some(known) = self.peers.get_mut(peer) else {
            return self.to_close.extend(socket);
        };
        known.connection.handle_io_response(now, id, response);
        if let Some(socket) = socket {
            known.streams.push((Some(id), socket));
            self.sockets.insert(socket, peer);
        }
        self.touch(peer);
    }

    /// A listener accepted the stream along `path`. Whose it is shows in its first message.
    pub fn handle_stream_opened(&mut self, now: Instant, path: Path) {
        self.to_close.extend(self.unnamed.open(now, path));
    }

    /// A stream ended or broke.
    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        self.unnamed.forget(socket);
        if let Some(id) = self.sockets.remove(&socket)
            && let Some(peer) = self.peers.get_mut(id)
        {
            peer.streams.retain(|(_, other)| *other != socket);
            peer.connection.handle_stream_closed(now, socket);
            self.touch(id);
        }
    }

    /// Takes a datagram to the group of multicast DNS, which is for everyone who joined it.
    pub(super) fn handle_multicast(&mut self, now: Instant, datagram: &Datagram) {
        let socket = datagram.path.socket;
        let mut members = self.groups.remove(&socket).unwrap_or_default();
        members.retain(|id| self.peers.get(*id).is_some());
        for &id in &members {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.connection.handle_datagram(now, datagram.clone());
                self.touch(id);
            }
        }
        if !members.is_empty() {
            self.groups.insert(socket, members);
        }
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
        peer.streams.push((None, path.socket));
        peer.connection.handle_stream_opened(now, path);
        self.sockets.insert(path.socket, id);
        Some(id)
    }

    fn turn_away(&mut self, socket: SocketId) {
        self.drops.count(DropReason::UnknownPeer);
        self.to_close.push(socket);
    }

    /// Forgets what `peer` asked to be closed.
    fn stream_closed_by(&mut self, peer: PeerId, stream: StreamName) {
        let Some(peer) = self.peers.get_mut(peer) else { return };
        let named = |(request, socket): &mut (Option<IoId>, SocketId)| match stream {
            StreamName::Requested(id) => *request == Some(id),
            StreamName::Accepted(accepted) => request.is_none() && *socket == accepted,
        };
        for (_, socket) in peer.streams.extract_if(.., named) {
            self.sockets.remove(&socket);
        }
    }
}
