//! One UDP socket with segmentation offload, ECN and batches, whatever runtime it belongs to.

use crate::net::inbox::{Inbox, Left};
use crate::net::marking::{self, Descriptor, Marked};
use crate::net::outbox::Outbox;
use crate::net::settings::{Marking, SocketSettings};
use purertc::{Ecn, LocalAddress};
use quinn_udp::{EcnCodepoint, Transmit, UdpSockRef, UdpSocketState};
use std::fmt;
use std::io;

/// Bytes of the system's buffers that are asked for unless the settings say otherwise.
const BUFFER_SIZE: usize = 2 << 20;

/// A socket `S` of some runtime (or of the standard library) that is bound to one address.
///
/// `S` must be non-blocking. Readiness is the adapter's business: both [`receive`](Self::receive) and
/// [`send`](Self::send) say `WouldBlock` when the system does.
pub struct Socket<S> {
    io: S,
    state: UdpSocketState,
    local: LocalAddress,
    marking: Marking,
}

impl<S: fmt::Debug> fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("io", &self.io).field("local", &self.local).finish_non_exhaustive()
    }
}

impl<S: Descriptor> Socket<S>
where
    for<'a> UdpSockRef<'a>: From<&'a S>,
{
    /// Prepares `io`, which is bound to `local`, for offload, ECN and large buffers as far as the system has them.
    ///
    /// # Errors
    ///
    /// Those of the system. Buffers that are smaller than asked for are not among them.
    pub fn new(io: S, local: LocalAddress, settings: &SocketSettings) -> io::Result<Self> {
        let state = UdpSocketState::new((&io).into())?;
        let send = settings.send_buffer_size.unwrap_or(BUFFER_SIZE);
        let receive = settings.receive_buffer_size.unwrap_or(BUFFER_SIZE);
        if let Err(error) = state
            .set_send_buffer_size((&io).into(), send)
            .and_then(|()| state.set_recv_buffer_size((&io).into(), receive))
        {
            tracing::debug!(%error, "the socket's buffers keep their size");
        }
        Ok(Self { io, state, local, marking: settings.marking })
    }

    /// The runtime's socket.
    pub const fn io(&self) -> &S {
        &self.io
    }

    /// The runtime's socket.
    pub const fn io_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Whether it is bound to all addresses of its family.
    #[must_use]
    pub const fn is_wild(&self) -> bool {
        self.local.address.ip().is_unspecified()
    }

    /// The address that it is bound to.
    #[must_use]
    pub const fn local(&self) -> LocalAddress {
        self.local
    }

    /// Receives once, many datagrams if there are many, into `inbox`. Says whether asking again may bring more.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing has come; else the system's, after which receiving may go on. Reports about
    /// datagrams that were sent earlier are not errors here.
    pub fn receive(&self, inbox: &mut Inbox) -> io::Result<Left> {
        let received =
            inbox.fill(self.local, |buffers, metas| self.state.recv((&self.io).into(), buffers, metas));
        match received {
            // Windows tells the next receiver that a peer's port was closed.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(Left::Perhaps),
            other => other,
        }
    }

    /// Sends what waits in `outbox`, with one call where the system can cut a run into datagrams.
    ///
    /// UDP promises nothing, so what the system refuses for good (a network that cannot be reached, a datagram too
    /// long for it, no buffer) is as good as lost on the way: it is logged, skipped, and the protocols above
    /// repeat it or find another path.
    ///
    /// The ECN bits are set; the differentiated-services code point of a [`Transmit`](purertc::Transmit) where the settings
    /// want that ([`Marking`]) and the system takes it.
    ///
    /// # Errors
    ///
    /// Only `WouldBlock`: the rest of the run waits in `outbox`.
    pub fn send(&self, outbox: &mut Outbox) -> io::Result<()> {
        while let Some((transmit, rest)) = outbox.rest() {
            let segments = self.state.max_gso_segments();
            let segment = transmit.segment_size.unwrap_or(transmit.size).max(1);
            let contents = &rest[..rest.len().min(segment.saturating_mul(segments))];
            match self.send_once(transmit, contents) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // Offload turned out not to work here and is off now: the same again, one by one.
                Err(error) if self.state.max_gso_segments() < segments => {
                    tracing::debug!(%error, path = %transmit.path, "no segmentation offload");
                    continue;
                }
                Err(error) => {
                    tracing::debug!(%error, path = %transmit.path, bytes = contents.len(), "not sent");
                }
            }
            let gone = contents.len();
            outbox.advance(gone);
        }
        Ok(())
    }

    /// One call of the system's, or a second one if it takes no mark.
    fn send_once(&self, run: &purertc::Transmit, contents: &[u8]) -> io::Result<()> {
        let source = self.is_wild().then(|| run.path.local.ip());
        let segment = run.segment_size.filter(|size| *size < contents.len());
        if self.marking == Marking::ByPriority && run.dscp != 0 {
            let marked =
                Marked { dscp: run.dscp, ecn: run.ecn, to: run.path.remote, from: source, contents, segment };
            match marking::send(&self.io, &marked) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    tracing::debug!(%error, path = %run.path, "not marked");
                }
                other => return other,
            }
        }
        let transmit = Transmit {
            destination: run.path.remote,
            ecn: codepoint_of(run.ecn),
            contents,
            segment_size: run.segment_size,
            src_ip: source,
        };
        self.state.try_send((&self.io).into(), &transmit)
    }
}

const fn codepoint_of(ecn: Ecn) -> Option<EcnCodepoint> {
    match ecn {
        Ecn::NotEct => None,
        Ecn::Ect0 => Some(EcnCodepoint::Ect0),
        Ecn::Ect1 => Some(EcnCodepoint::Ect1),
        Ecn::Ce => Some(EcnCodepoint::Ce),
    }
}
