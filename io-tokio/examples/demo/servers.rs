//! Which STUN and TURN servers an example uses.

use clap::Args;
use purertc_tokio::{Configuration, IceServer, IceTransportPolicy};

/// STUN and TURN servers.
#[derive(Clone, Debug, Args)]
pub struct Servers {
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
}

impl Servers {
    /// The configuration of a connection that uses them.
    pub fn configuration(&self) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.ice_servers = self.ice_server.iter().map(|url| self.server(url)).collect();
        if self.relay {
            configuration.ice_transport_policy = IceTransportPolicy::Relay;
        }
        configuration
    }

    fn server(&self, url: &str) -> IceServer {
        match url.split(':').next() {
            Some("stun" | "stuns") => IceServer::stun(url),
            _ => IceServer::turn(url, &self.username, &self.credential),
        }
    }
}
