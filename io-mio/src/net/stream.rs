//! One TCP stream, plain or through TLS, whatever runtime it belongs to.

use crate::net::inbox::Inbox;
use crate::net::outbox::Outbox;
use purertc::{Instant, IoId, Path};
use rustls::client::ClientConnection;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// How long opening may take, the handshake of TLS included.
const OPENING: Duration = Duration::from_secs(10);
/// How long someone who was let in may say nothing.
const SILENCE: Duration = Duration::from_secs(10);
/// How long the other side may take nothing of what waits for it. Somewhat more than the two or three seconds for
/// which a network may be away, and less than it takes until the path counts as failed.
const STALL: Duration = Duration::from_secs(5);
/// How long bytes may wait after the stream was closed.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes that wait for the other side, from which on no more are taken. A run may go beyond it.
const FULL: usize = 64 << 10;

/// A TCP stream of some runtime, or of the standard library. It never blocks.
pub trait Tcp {
    /// As [`Read::read`].
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has come; else the stream is over.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// As [`Write::write`].
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is taken now; else the stream is over.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Whether the stream is connected by now.
    ///
    /// # Errors
    ///
    /// `WouldBlock` while it is being connected; else it will not be.
    fn connected(&self) -> io::Result<()>;

    /// Its own address.
    ///
    /// # Errors
    ///
    /// Those of the system.
    fn local(&self) -> io::Result<SocketAddr>;
}

/// A TCP stream `S` of one path, with what waits to be sent on it.
#[derive(Debug)]
pub struct Stream<S> {
    io: S,
    path: Path,
    phase: Phase,
    /// The request that it was opened for; `None` when it was accepted.
    request: Option<IoId>,
    tls: Option<Box<ClientConnection>>,
    /// What is to be sent, encrypted if it has to be; the first `sent` bytes are gone.
    unsent: Vec<u8>,
    sent: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The other side has not answered yet.
    Connecting { until: Instant },
    /// TLS is being set up.
    Securing { until: Instant },
    /// Accepted, and nothing has come.
    Silent { until: Instant },
    /// In use.
    Open,
    /// In use, and the other side takes nothing.
    Stalled { until: Instant },
    /// What waits goes out, and nothing else is of interest.
    Closing { until: Instant },
}

/// What sending changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Nothing: it was open before, or is not yet.
    Unchanged,
    /// The stream is open as of now.
    Opened,
}

impl<S: Tcp> Stream<S> {
    /// A stream that is being connected along `path`, for a request; with TLS if there is a client for that.
    pub fn connecting(
        io: S,
        path: Path,
        request: IoId,
        tls: Option<Box<ClientConnection>>,
        now: Instant,
    ) -> Self {
        let phase = Phase::Connecting { until: now + OPENING };
        Self { io, path, phase, request: Some(request), tls, unsent: Vec::new(), sent: 0 }
    }

    /// A stream that a listener accepted.
    pub fn accepted(io: S, path: Path, now: Instant) -> Self {
        let phase = Phase::Silent { until: now + SILENCE };
        Self { io, path, phase, request: None, tls: None, unsent: Vec::new(), sent: 0 }
    }

    /// The runtime's stream.
    pub const fn io(&self) -> &S {
        &self.io
    }

    /// The runtime's stream.
    pub const fn io_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Its addresses.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// What it was opened for.
    #[must_use]
    pub const fn request(&self) -> Option<IoId> {
        self.request
    }

    /// Whether bytes of the connection may go this way: it was opened, and not closed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Silent { .. } | Phase::Stalled { .. })
    }

    /// Whether it was closed, and all has gone out.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. }) && !self.has_unsent()
    }

    /// Whether it was closed by this side.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. })
    }

    /// Whether [`send`](Self::send) would do something: bytes wait, or it is what goes on with opening.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        let opening = match self.phase {
            Phase::Connecting { .. } => true,
            Phase::Securing { .. } => self.is_secured(),
            _ => false,
        };
        opening || self.sent < self.unsent.len()
    }

    /// When the other side will have had enough time for what it is to do.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open => None,
            Phase::Connecting { until }
            | Phase::Securing { until }
            | Phase::Silent { until }
            | Phase::Stalled { until }
            | Phase::Closing { until } => Some(until),
        }
    }

    /// Says that nothing more is of interest. What waits still goes out, for a second at most.
    pub fn close(&mut self, now: Instant) {
        if !self.is_open() {
            // Nobody has said anything yet that should arrive.
            (self.unsent, self.sent) = (Vec::new(), 0);
        } else if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            self.encrypt();
        }
        self.phase = Phase::Closing { until: now + FAREWELL };
    }

    /// Takes the run that waits in `outbox`, unless too much waits here already. `false`: it still waits there.
    pub fn take(&mut self, outbox: &mut Outbox) -> bool {
        let Some((_, bytes)) = outbox.rest() else { return true };
        if self.is_open() {
            if self.unsent.len() - self.sent >= FULL {
                return false;
            }
            self.unsent.drain(..std::mem::take(&mut self.sent));
            match &mut self.tls {
                None => self.unsent.extend_from_slice(bytes),
                Some(tls) => {
                    // It has no limit of its own, so it takes everything.
                    if let Err(error) = tls.writer().write_all(bytes) {
                        tracing::debug!(%error, path = %self.path, "not encrypted");
                    }
                    self.encrypt();
                }
            }
        }
        outbox.discard();
        true
    }

    /// Sends what waits, as far as the system takes it, and goes on with opening.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when some of it still waits; else the stream is over.
    pub fn send(&mut self, now: Instant) -> io::Result<Opening> {
        let mut opening = Opening::Unchanged;
        if let Phase::Connecting { until } = self.phase {
            self.io.connected()?;
            self.path.local = self.io.local()?;
            if self.tls.is_some() {
                self.phase = Phase::Securing { until };
                self.encrypt();
            } else {
                self.phase = Phase::Open;
                opening = Opening::Opened;
            }
        }
        self.flush(now)?;
        if matches!(self.phase, Phase::Securing { .. }) && self.is_secured() {
            self.phase = Phase::Open;
            opening = Opening::Opened;
        }
        Ok(opening)
    }

    fn is_secured(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| !tls.is_handshaking())
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        while self.sent < self.unsent.len() {
            match self.io.send(&self.unsent[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.sent += count;
                    if matches!(self.phase, Phase::Stalled { .. }) {
                        self.phase = Phase::Open;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::WouldBlock && self.phase == Phase::Open {
                        self.phase = Phase::Stalled { until: now + STALL };
                    }
                    return Err(error);
                }
            }
        }
        self.unsent.clear();
        self.sent = 0;
        if self.unsent.capacity() > 4 * FULL {
            self.unsent = Vec::new();
        }
        Ok(())
    }

    /// Receives once, into `inbox` if it is for the connection. Before the stream is open, this goes on with opening;
    /// [`send`](Self::send) then, for it may have something to say.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has come; else the stream is over, `UnexpectedEof` being its orderly end.
    pub fn receive(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        let keep = !self.is_closing();
        if self.tls.is_none() {
            inbox.read(self.path, keep, |buffer| self.io.receive(buffer))?;
        } else {
            self.decrypt(inbox, keep)?;
        }
        if matches!(self.phase, Phase::Silent { .. }) {
            self.phase = Phase::Open;
        }
        Ok(())
    }

    fn decrypt(&mut self, inbox: &mut Inbox, keep: bool) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        if tls.read_tls(&mut Reader(&self.io))? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let processed = tls.process_new_packets();
        let mut reader = tls.reader();
        let end = loop {
            match inbox.read(self.path, keep, |buffer| reader.read(buffer)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.encrypt();
        processed.map_err(|error| {
            // An alert says why, if the system takes it at once.
            let _ = self.io.send(&self.unsent[self.sent..]);
            io::Error::new(io::ErrorKind::InvalidData, error)
        })?;
        end
    }

    /// Moves what TLS has to send to where it waits.
    fn encrypt(&mut self) {
        let Some(tls) = &mut self.tls else { return };
        while tls.wants_write() {
            // Memory takes everything.
            if tls.write_tls(&mut self.unsent).is_err() {
                return;
            }
        }
    }
}

/// A [`Tcp`] as rustls reads it.
struct Reader<'a, S>(&'a S);

impl<S: Tcp> Read for Reader<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.receive(buffer)
    }
}

/// Whether a stream that reports these two things is connected by now.
///
/// # Errors
///
/// As [`Tcp::connected`].
pub fn stream_is_connected(
    error: io::Result<Option<io::Error>>,
    peer: io::Result<SocketAddr>,
) -> io::Result<()> {
    if let Some(error) = error? {
        return Err(error);
    }
    match peer {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(io::ErrorKind::WouldBlock.into()),
        Err(error) => Err(error),
    }
}
