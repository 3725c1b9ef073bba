//! Which ways the server may go to its peers.

use crate::servers::Servers;
use clap::Args;
use purertc_tokio::{SessionDescription, Settings};

/// Ways to a peer.
#[derive(Clone, Debug, Args)]
pub(crate) struct Paths {
    #[command(flatten)]
    servers: Servers,
    /// Go over ICE-TCP alone.
    #[arg(long)]
    only_tcp: bool,
}

impl Paths {
    /// Settings of one connection. Browser and server are mostly on one host here, so loopback counts.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::from(self.servers.configuration()).with_loopback();
        settings.sockets.listen_tcp = self.only_tcp;
        settings
    }

    /// Whether a candidate, as it is written in its line, is for one of them.
    pub(crate) fn allow(&self, candidate: &str) -> bool {
        // candidate:<foundation> <component> <transport> …
        let is_udp = |transport: &str| transport.eq_ignore_ascii_case("udp");
        !self.only_tcp || !candidate.split(' ').nth(2).is_some_and(is_udp)
    }

    /// A description without the candidates that are for none of them.
    pub(crate) fn filter(&self, mut description: SessionDescription) -> SessionDescription {
        let lines = description.sdp.split_inclusive('\n');
        description.sdp =
            lines.filter(|line| !line.starts_with("a=candidate:") || self.allow(line)).collect();
        description
    }
}
