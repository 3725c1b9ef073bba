//! The servers that candidates are gathered from, and what goes wrong with them.

use crate::transport::turn::Login;
use std::net::SocketAddr;

/// More servers than any application has; the rest is left out (W3C WebRTC §4.4.1.6 asks for 32 at least).
pub(super) const MAX_SERVERS: usize = 32;

/// A STUN or TURN server whose address is known: one URL of an `RTCIceServer` that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// The URL that it stands for, as events are to name it.
    pub url: Box<str>,
    /// Where it is; it is spoken to over UDP.
    pub address: SocketAddr,
    /// User name and password at a TURN server; `None` for one that is asked for reflexive addresses alone.
    pub turn: Option<Login>,
}

/// What an `icecandidateerror` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateError {
    /// The address of this host that the server was asked from.
    pub address: SocketAddr,
    /// The server's URL.
    pub url: Box<str>,
    /// STUN's error code, or [`UNREACHABLE`](Self::UNREACHABLE).
    pub code: u16,
    /// The server's words, or ours.
    pub text: String,
}

impl CandidateError {
    /// No answer came from the server, from no address of this host.
    pub const UNREACHABLE: u16 = 701;
}
