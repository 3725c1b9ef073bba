//! The servers that candidates are gathered from, and what goes wrong with them.

use crate::transport::turn::Login;
use crate::wire::server_url::{ServerTransport, ServerUrl};
use std::net::SocketAddr;

/// More servers than any application has; the rest is left out (W3C WebRTC §4.4.1.6 asks for 32 at least).
pub(super) const MAX_SERVERS: usize = 32;

/// A STUN or TURN server: one URL of an `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceServer {
    /// The URL, as events are to name it.
    pub url: Box<str>,
    /// What it says.
    pub at: ServerUrl,
    /// User name and password at a TURN server; `None` for one that is asked for reflexive addresses alone.
    pub turn: Option<Login>,
}

/// Which server told of a candidate of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateSource {
    /// The server's URL.
    pub url: Box<str>,
    /// How a relay is reached (`relayProtocol`); `None` for a reflexive candidate.
    pub relay_protocol: Option<ServerTransport>,
}

/// What an `icecandidateerror` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateError {
    /// The address of this host that the server was asked from; `None` when that is hidden from the peer, or when none
    /// was got so far.
    pub address: Option<SocketAddr>,
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
