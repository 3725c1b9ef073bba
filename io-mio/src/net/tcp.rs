//! Opening TCP sockets: connections that are on their way, and listeners.

use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 64;

/// Begins to connect from the address `from` (port 0: any) to `to`. The stream does not block; it can be written to
/// once it is connected, and has an error if it cannot be.
pub(super) fn connect(from: SocketAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = open(from)?;
    if from.port() != 0 {
        share_port(&socket)?;
    }
    socket.bind(&from.into())?;
    match socket.connect(&to.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(socket.into()),
    }
}

/// Listens on a port that connections may be made from, too.
pub(super) fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let address = SocketAddr::new(address, port);
    if port != 0 {
        // A shared port would be granted to another connection of ours, too: see that nobody else listens.
        drop(TcpListener::bind(address)?);
    }
    let socket = open(address)?;
    share_port(&socket)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn open(local: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(local), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // What is sent here is complete by itself: waiting for more only delays it. Accepted streams inherit it.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// Simultaneous-open of ICE-TCP connects from the port that is listened on (RFC 6544 §5.2).
fn share_port(socket: &Socket) -> io::Result<()> {
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.set_reuse_address(true)
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}
