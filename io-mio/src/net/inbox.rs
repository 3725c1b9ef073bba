//! Where datagrams land.

use bytes::BytesMut;
use purertc::{Datagram, Ecn, LocalAddress, Path};
use quinn_udp::{EcnCodepoint, RecvMeta};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

/// Buffers that one call may fill. With receive offload each holds up to 64 datagrams of one sender, and nearly
/// everything that comes to a connection has one sender.
const BUFFERS: usize = 8;
/// What the system puts into a buffer at most.
const BUFFER: usize = 1 << 16;

/// Whether the system has more to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It may have.
    Perhaps,
    /// It had none a moment ago, and tells when more comes.
    Nothing,
}

/// Buffers to receive into, and the datagrams that were received and not handed over yet.
///
/// The buffers take 512 KiB of address space; what is never written to takes no memory.
#[derive(Debug)]
pub struct Inbox {
    buffers: Vec<u8>,
    datagrams: Vec<Datagram>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { buffers: vec![0; BUFFERS * BUFFER], datagrams: Vec::new() }
    }
}

impl Inbox {
    /// What was received, oldest first. The list is empty afterwards.
    pub fn drain(&mut self) -> impl Iterator<Item = Datagram> {
        self.datagrams.drain(..)
    }

    /// What was received, to be looked through.
    pub(super) const fn received(&mut self) -> &mut Vec<Datagram> {
        &mut self.datagrams
    }

    /// How many datagrams wait to be handed over.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether nothing was received.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Lets `receive` fill the buffers, and takes over what it filled.
    ///
    /// What one call brought is moved once, into one allocation of exactly its size, and cut up there: messages
    /// that an application keeps must not hold on to buffers that are mostly empty.
    pub(super) fn fill<E>(
        &mut self,
        local: LocalAddress,
        receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> Result<usize, E>,
    ) -> Result<Left, E> {
        let mut metas = [RecvMeta::default(); BUFFERS];
        let mut chunks = self.buffers.chunks_mut(BUFFER);
        let mut slices: [IoSliceMut<'_>; BUFFERS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let count = receive(&mut slices, &mut metas)?;
        let metas = &metas[..count.min(BUFFERS)];
        let mut block = BytesMut::with_capacity(metas.iter().map(|meta| meta.len).sum());
        for (buffer, meta) in self.buffers.chunks(BUFFER).zip(metas) {
            let Some(local) = at(local, meta.dst_ip) else { continue };
            block.extend_from_slice(&buffer[..meta.len]);
            let mut run = block.split();
            while !run.is_empty() {
                // A stride of zero would never end.
                let data = run.split_to(meta.stride.clamp(1, run.len()));
                let path = local.to(meta.addr);
                self.datagrams.push(Datagram { path, ecn: ecn_of(meta.ecn), data });
            }
        }
        // `recvmmsg` stops early for one reason: there was no more.
        let took_all = cfg!(any(target_os = "android", target_os = "linux")) && count < BUFFERS;
        Ok(if took_all { Left::Nothing } else { Left::Perhaps })
    }

    /// Lets `read` fill a buffer with the next piece of a stream, and takes it over unless it is not to be kept.
    ///
    /// The end of the stream is the error `UnexpectedEof`.
    pub(super) fn read(
        &mut self,
        path: Path,
        keep: bool,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let count = read(&mut self.buffers[..BUFFER])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if keep {
            let data = BytesMut::from(&self.buffers[..count]);
            self.datagrams.push(Datagram { path, ecn: Ecn::NotEct, data });
        }
        Ok(())
    }
}

/// Where a datagram came to. A socket on a wildcard is told; without that nobody could answer.
fn at(local: LocalAddress, to: Option<IpAddr>) -> Option<LocalAddress> {
    if !local.address.ip().is_unspecified() {
        return Some(local);
    }
    let address = SocketAddr::new(to?, local.address.port());
    Some(LocalAddress { address, ..local })
}

const fn ecn_of(codepoint: Option<EcnCodepoint>) -> Ecn {
    match codepoint {
        None => Ecn::NotEct,
        Some(EcnCodepoint::Ect0) => Ecn::Ect0,
        Some(EcnCodepoint::Ect1) => Ecn::Ect1,
        Some(EcnCodepoint::Ce) => Ecn::Ce,
    }
}
