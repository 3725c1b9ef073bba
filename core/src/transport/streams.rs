//! The streams of a transport: what came on each and is no whole message yet, and what each is for.

use crate::base::drops::DropReason;
use crate::base::io::{IoId, StreamName};
use crate::base::net::{Path, SocketId};
use crate::base::time::{Instant, earliest};
use crate::transport::relay::RelayId;
use crate::transport::{Inbound, Transport};
use crate::wire::cursor::ParseError;
use crate::wire::framing::{Framing, take};
use bytes::BytesMut;
use std::time::Duration;

/// Streams that a transport's listeners may have accepted. More are closed at once.
const MAX_ACCEPTED: usize = 32;
/// How long an accepted stream may take until a check on it was authenticated.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a stream leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A TURN server.
    Relay(RelayId),
    /// The peer (RFC 6544).
    Peer,
}

/// An open stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub name: StreamName,
    pub path: Path,
    pub leads_to: Use,
    framing: Framing,
    /// What came and is no whole message yet: less than [`MAX_FRAME`](crate::wire::framing::MAX_FRAME) between calls,
    /// and one piece.
    held: BytesMut,
    /// When it has to have shown whose it is.
    until: Option<Instant>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Stream>);

impl Streams {
    /// A stream to a relay's server is open.
    pub(super) fn add_relay(&mut self, io: IoId, relay: RelayId, path: Path) {
        self.add(StreamName::Requested(io), path, Use::Relay(relay), None);
    }

    /// A stream to the peer that we asked for is open.
    pub(super) fn add_requested(&mut self, io: IoId, path: Path) {
        self.add(StreamName::Requested(io), path, Use::Peer, None);
    }

    fn add(&mut self, name: StreamName, path: Path, leads_to: Use, until: Option<Instant>) {
        let framing = match leads_to {
            Use::Relay(_) => Framing::Turn,
            Use::Peer => Framing::Length,
        };
        self.0.push(Stream { name, path, leads_to, framing, held: BytesMut::new(), until });
    }

    /// Forgets the one that this request opened.
    pub(super) fn forget(&mut self, io: IoId) {
        self.0.retain(|stream| stream.name != StreamName::Requested(io));
    }

    /// Takes out the one with this number.
    pub(super) fn remove(&mut self, socket: SocketId) -> Option<Stream> {
        let at = self.0.iter().position(|stream| stream.path.socket == socket)?;
        Some(self.0.remove(at))
    }

    /// Takes out those to the peer that `unwanted` says yes to.
    fn remove_peers(&mut self, unwanted: impl Fn(&Stream) -> bool) -> Vec<Stream> {
        self.0.extract_if(.., |stream| stream.leads_to == Use::Peer && unwanted(stream)).collect()
    }

    /// Takes out all of them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Stream> {
        self.0.drain(..)
    }

    /// When the next accepted one has to have shown whose it is.
    pub(super) fn deadline(&self) -> Option<Instant> {
        earliest(self.0.iter().map(|stream| stream.until))
    }

    fn get_mut(&mut self, path: &Path) -> Option<&mut Stream> {
        self.0.iter_mut().find(|stream| stream.path == *path)
    }
}

impl Stream {
    /// Takes the next piece. In most cases it is whole messages, and nothing is copied.
    fn push(&mut self, piece: BytesMut) {
        if self.held.is_empty() {
            self.held = piece;
        } else {
            self.held.unsplit(piece);
        }
    }

    fn next(&mut self) -> Result<Option<BytesMut>, ParseError> {
        take(self.framing, &mut self.held)
    }
}

impl Transport {
    /// Takes a piece of a stream, and what is whole by it.
    pub(super) fn handle_piece(
        &mut self,
        now: Instant,
        path: Path,
        piece: BytesMut,
        received: &mut Vec<Inbound>,
    ) {
        match self.streams.get_mut(&path) {
            Some(stream) => stream.push(piece),
            None => return self.drops.count(DropReason::UnknownStream),
        }
        // A message may end the stream, or the connection.
        while let Some(stream) = self.streams.get_mut(&path) {
            match stream.next() {
                Ok(Some(message)) => self.handle_message(now, path, message, received),
                Ok(None) => return,
                Err(_) => {
                    self.drops.count(DropReason::StreamMalformed);
                    let name = stream.name;
                    self.handle_stream_closed(now, path.socket);
                    self.requests.close(name);
                }
            }
        }
    }

    /// A listener accepted the stream along `path`. It is closed again where none of our addresses is there, and when
    /// no check on it is authentic in time.
    pub fn handle_stream_opened(&mut self, now: Instant, path: Path) {
        let name = StreamName::Accepted(path.socket);
        let accepted = self.streams.0.iter().filter(|s| matches!(s.name, StreamName::Accepted(_))).count();
        if self.listens_at(path.local) && accepted < MAX_ACCEPTED {
            self.streams.add(name, path, Use::Peer, Some(now + PATIENCE));
        } else {
            self.drops.count(DropReason::UnknownStream);
            self.requests.close(name);
        }
        self.advance(now);
    }

    /// The stream on `socket` is at its end.
    pub fn handle_stream_closed(&mut self, now: Instant, socket: SocketId) {
        let Some(stream) = self.streams.remove(socket) else { return };
        match stream.leads_to {
            Use::Relay(relay) => {
                if let Some(relay) = self.relays.get_mut(relay) {
                    relay.client.disconnected(now, "the stream to the server ended".to_owned());
                }
            }
            Use::Peer => self.agent.stream_lost(now, &stream.path),
        }
        self.advance(now);
    }

    /// Closes streams to strangers that had their time, and those of pairs that are no more.
    pub(super) fn tidy_streams(&mut self, now: Instant) {
        let agent = &self.agent;
        for stream in self.streams.0.iter_mut().filter(|stream| stream.until.is_some()) {
            stream.until = stream.until.filter(|_| agent.validated(&stream.path).is_none());
        }
        let stranger = |stream: &Stream| stream.until.is_some_and(|at| at <= now);
        let unwanted =
            |stream: &Stream| stranger(stream) || stream.until.is_none() && !agent.uses(&stream.path);
        for stream in self.streams.remove_peers(unwanted) {
            self.requests.close(stream.name);
        }
    }
}
