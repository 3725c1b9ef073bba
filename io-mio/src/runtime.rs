//! What mio makes of sockets: things with tokens.

use crate::net::{Runtime, Tcp, stream_is_connected};
use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

/// Registers sockets with the program's `Poll`, under tokens of one range.
#[derive(Debug)]
pub(crate) struct Registrar {
    pub(crate) registry: Registry,
    pub(crate) tokens: Range<usize>,
}

/// What mio said about a socket since the system last said otherwise. At first, nobody knows better than to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readiness {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { readable: true, writable: true }
    }
}

impl Runtime for Registrar {
    type Udp = UdpSocket;
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Mark = Readiness;

    fn udp(&mut self, place: usize, socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        let mut socket = UdpSocket::from_std(socket);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut socket, Token(self.tokens.start + place), interest)?;
        Ok(socket)
    }

    fn listener(&mut self, place: usize, listener: std::net::TcpListener) -> io::Result<TcpListener> {
        let mut listener = TcpListener::from_std(listener);
        self.registry.register(&mut listener, Token(self.tokens.start + place), Interest::READABLE)?;
        Ok(listener)
    }

    fn stream(&mut self, place: usize, stream: std::net::TcpStream) -> io::Result<TcpStream> {
        self.accepted(place, TcpStream::from_std(stream))
    }
}

impl Registrar {
    pub(crate) fn accepted(&mut self, place: usize, mut stream: TcpStream) -> io::Result<TcpStream> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut stream, Token(self.tokens.start + place), interest)?;
        Ok(stream)
    }

    /// A bell that other threads ring: its token is the last one.
    pub(crate) fn bell(&mut self) -> io::Result<Arc<Bell>> {
        Bell::new(&self.registry, Token(self.tokens.end - 1)).map(Arc::new)
    }
}

/// An event of the system: a `Poll` has but one `Waker`, and that is the program's own.
#[cfg(any(target_os = "android", target_os = "linux"))]
#[derive(Debug)]
pub(crate) struct Bell(nix::sys::eventfd::EventFd);

#[cfg(any(target_os = "android", target_os = "linux"))]
impl Bell {
    fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        use nix::sys::eventfd::{EfdFlags, EventFd};
        use std::os::fd::AsRawFd;

        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        registry.register(&mut mio::unix::SourceFd(&event.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self(event))
    }

    pub(crate) fn ring(&self) {
        // It counts to 2⁶⁴, and rings at every step.
        let _ = self.0.write(1);
    }

    /// mio tells of each ring once, whether or not it is read.
    #[expect(clippy::unused_self, reason = "elsewhere there is something to do")]
    pub(crate) const fn hush(&self) {}
}

/// A socket that speaks to itself: a `Poll` has but one `Waker`, and that is the program's own.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
#[derive(Debug)]
pub(crate) struct Bell(UdpSocket);

#[cfg(not(any(target_os = "android", target_os = "linux")))]
impl Bell {
    fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let mut socket = UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0).into())?;
        socket.connect(socket.local_addr()?)?;
        registry.register(&mut socket, token, Interest::READABLE)?;
        Ok(Self(socket))
    }

    pub(crate) fn ring(&self) {
        // When it is full, it rings already.
        let _ = self.0.send(&[1]);
    }

    /// Hears all the rings so far as one.
    pub(crate) fn hush(&self) {
        let mut ring = [0; 1];
        while self.0.recv(&mut ring).is_ok() {}
    }
}

impl Tcp for TcpStream {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.read(buffer)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.write(bytes)
    }

    fn connected(&self) -> io::Result<()> {
        stream_is_connected(self.take_error(), self.peer_addr())
    }

    fn local(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}
