//! Which ways the server may go to its peers.

use clap::Args;
use purertc_tokio::{Configuration, IceServer, IceTransportPolicy, SessionDescription, Settings};

/// Ways to a peer.
#[derive(Clone, Debug, Args)]
pub(crate) struct Paths {
    /// A STUN or TURN server, such as turn:turn.example.org?transport=tcp. May be given more than once.
    #[arg(long, value_name = "URL")]
    ice_server: Vec<String>,
    /// The user at the TURN servers.
    #[arg(long, default_value = "")]
    username: String,
    /// The password at the TURN servers.
    #[arg(long, default_value = "")]
    credential: String,
    /// Go through TURN servers alone.
    #[arg(long)]
    relay: bool,
    /// Go over ICE-TCP alone.
    #[arg(long)]
    only_tcp: bool,
}

impl Paths {
    /// Settings of one connection. Browser and server are mostly on one host here, so loopback counts.
    pub(crate) fn settings(&self) -> Settings {
        let mut configuration = Configuration::default();
        let server = |url: &String| IceServer::turn(url, &self.username, &self.credential);
        configuration.ice_servers = self.ice_server.iter().map(server).collect();
        if self.relay {
            configuration.ice_transport_policy = IceTransportPolicy::Relay;
        }
        let mut settings = Settings::from(configuration).with_loopback();
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
