//! What tokio makes of sockets: things that wake a task.

use purertc_mio::net::{Runtime, Tcp, stream_is_connected};
use std::io;
use std::net::SocketAddr;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// The runtime that this is called in.
#[derive(Debug)]
pub(crate) struct Tokio;

impl Runtime for Tokio {
    type Udp = UdpSocket;
    type Listener = TcpListener;
    type Stream = Stream;
    /// Errors since the last datagram.
    type Mark = u32;

    fn udp(&mut self, _: usize, socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::from_std(socket)
    }

    fn listener(&mut self, _: usize, listener: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }

    fn stream(&mut self, _: usize, stream: std::net::TcpStream) -> io::Result<Stream> {
        TcpStream::from_std(stream).map(Stream)
    }
}

/// A TCP stream.
#[derive(Debug)]
pub(crate) struct Stream(pub(crate) TcpStream);

impl Tcp for Stream {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn connected(&self) -> io::Result<()> {
        // So that the task is woken once more, if it was woken too early.
        self.0.try_io(Interest::WRITABLE, || stream_is_connected(self.0.take_error(), self.0.peer_addr()))
    }

    fn local(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}
