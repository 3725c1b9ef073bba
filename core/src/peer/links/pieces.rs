//! Streams that listeners accepted: with several links, the first message on each says which link it is for.

use crate::base::drops::DropReason;
use crate::base::io::{IoRequest, StreamName};
use crate::base::net::{Datagram, Path, SocketId};
use crate::base::time::Instant;
use crate::peer::link::TransportId;
use crate::peer::links::Links;
use crate::peer::streams::Naming;
use crate::transport::Inbound;

impl Links {
    /// Takes a piece of a stream, with several links: to the one that has it, or that its first message names.
    pub(super) fn handle_piece(
        &mut self,
        now: Instant,
        mut datagram: Datagram,
        received: &mut Vec<Inbound>,
    ) -> Result<TransportId, DropReason> {
        let path = datagram.path;
        let Some(tables) = &mut self.tables else { return Err(DropReason::UnknownStream) };
        let id = match tables.sockets.get(&path.socket) {
            Some(&id) => id,
            None => match tables.unnamed.hear(&path, &datagram.data) {
                // The first link had it before there were others, or nobody knows it.
                Naming::Unknown => TransportId::FIRST,
                Naming::Wait => return Ok(TransportId::FIRST),
                Naming::Nonsense => {
                    self.leftovers.push(close(path.socket));
                    return Err(DropReason::StreamMalformed);
                }
                Naming::First { message, everything } => {
                    let Some(id) = tables.routes.named_in(&message) else {
                        self.leftovers.push(close(path.socket));
                        return Err(DropReason::UnknownStream);
                    };
                    tables.sockets.insert(path.socket, id);
                    datagram.data = everything;
                    if let Some(link) = self.get_mut(id) {
                        link.transport.handle_stream_opened(now, path);
                    }
                    id
                }
            },
        };
        let link = self.get_mut(id).ok_or(DropReason::UnknownStream)?;
        link.transport.handle_datagram(now, datagram, received);
        Ok(id)
    }

    /// A listener accepted a stream. Which of several links it is for shows in its first message.
    pub fn handle_stream_opened(&mut self, now: Instant, path: Path) {
        match &mut self.tables {
            None => self.first_mut().handle_stream_opened(now, path),
            Some(tables) => self.leftovers.extend(tables.unnamed.open(now, path).map(close)),
        }
    }

    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        let owner = self.tables.as_mut().and_then(|tables| {
            tables.unnamed.forget(socket);
            tables.sockets.remove(&socket)
        });
        if let Some(link) = self.get_mut(owner.unwrap_or_default()) {
            link.transport.handle_stream_closed(now, socket);
        }
    }
}

/// Asks for the end of an accepted stream.
pub(super) const fn close(socket: SocketId) -> IoRequest {
    IoRequest::Close { stream: StreamName::Accepted(socket) }
}
