//! Requests of many peers under numbers that are the endpoint's own, so that its driver need not know whose they are.

use crate::base::io::IoId;
use crate::base::map::SeededMap;
use crate::base::net::{LocalAddress, SocketId};
use crate::base::random::Rng;
use crate::endpoint::PeerId;

/// Something that a peer asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Its number here.
    pub(super) id: IoId,
    /// Its number at the peer.
    pub(super) own: IoId,
    /// Whether it asks for a stream or a port, which keeps its number as long as it is open.
    pub(super) is_stream: bool,
    /// The socket, once it is open.
    pub(super) socket: Option<SocketId>,
}

/// Whose the requests are.
#[derive(Debug)]
pub(super) struct Requests {
    next: u64,
    owners: SeededMap<IoId, PeerId>,
}

impl Requests {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self { next: 0, owners: SeededMap::new(rng) }
    }

    /// A number for a request of `peer`.
    pub(super) fn name(&mut self, peer: PeerId) -> IoId {
        let id = IoId(self.next);
        self.next += 1;
        self.owners.insert(id, peer);
        id
    }

    /// Whose request this is.
    pub(super) fn owner(&self, id: IoId) -> Option<PeerId> {
        self.owners.get(&id).copied()
    }

    /// It is answered, or nobody wants the answer.
    pub(super) fn forget(&mut self, id: IoId) {
        self.owners.remove(&id);
    }
}

/// The group of multicast DNS.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The request to join it, until it is answered.
    pub(super) asked: Option<IoId>,
    /// Where it is joined.
    pub(super) joined: Vec<LocalAddress>,
    /// Who wants to hear it, and under which number each one asked.
    pub(super) members: Vec<(PeerId, IoId)>,
}

impl Group {
    /// Whether it is heard at this socket.
    pub(super) fn has(&self, socket: SocketId) -> bool {
        self.joined.iter().any(|local| local.socket == socket)
    }
}
