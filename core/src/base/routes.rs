//! What an endpoint learns of the way to its peers, in words for others who share its ports.

use crate::base::net::Path;

/// A change in what leads to the peers of an endpoint.
///
/// Several endpoints, one for each thread, may have sockets on one port. The system deals datagrams out among those sockets
/// without knowing whose they are; whoever drives the endpoints collects this from each of them and so knows where a
/// datagram belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteChange {
    /// Checks that name this ICE user fragment are for a peer of this endpoint.
    Name(String),
    /// They are not any more.
    NameGone(String),
    /// A UDP path leads to a peer of this endpoint.
    Path {
        /// The path.
        path: Path,
        /// Whether ICE has authenticated the peer on it. If not, it was sent to, and its answers belong here.
        is_proven: bool,
    },
    /// It does not any more.
    PathGone(Path),
}
