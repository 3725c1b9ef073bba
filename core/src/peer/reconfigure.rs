//! `getConfiguration` and `setConfiguration`.

use crate::peer::PeerConnection;
use crate::peer::config::{Configuration, ConfigurationError};
use crate::peer::ice_server::IceServer;

impl PeerConnection {
    /// What the connection was made with, or was set to since (`getConfiguration`).
    #[must_use]
    pub const fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Sets another configuration (`setConfiguration`): servers and the transport policy may differ, and count from
    /// the next gathering on; so may the size of the pool before the first description is set. The next offer then restarts ICE, if gathering had begun.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`]: closed, a server that cannot be, or a member that cannot change any more. The
    /// connection is as it was.
    pub fn set_configuration(&mut self, configuration: Configuration) -> Result<(), ConfigurationError> {
        if self.is_closed() {
            return Err(ConfigurationError::Closed);
        }
        let known = &self.configuration;
        // W3C WebRTC §4.4.1.6: what stays is checked before the servers are.
        let certificates = |configuration: &Configuration| -> Vec<Vec<u8>> {
            configuration.certificates.iter().map(|certificate| certificate.der().to_vec()).collect()
        };
        if certificates(known) != certificates(&configuration) {
            return Err(ConfigurationError::Modified("certificates"));
        }
        if known.bundle_policy != configuration.bundle_policy {
            return Err(ConfigurationError::Modified("bundle_policy"));
        }
        if known.rtcp_mux_policy != configuration.rtcp_mux_policy {
            return Err(ConfigurationError::Modified("rtcp_mux_policy"));
        }
        let pool = configuration.ice_candidate_pool_size;
        let gathers = self.session.local_description().is_some();
        if known.ice_candidate_pool_size != pool && gathers {
            return Err(ConfigurationError::Modified("ice_candidate_pool_size"));
        }
        if known.peer_identity != configuration.peer_identity {
            return Err(ConfigurationError::Modified("peer_identity"));
        }
        if known.media != configuration.media {
            return Err(ConfigurationError::Modified("media"));
        }
        if known.mtu != configuration.mtu {
            return Err(ConfigurationError::Modified("mtu"));
        }
        if known.offered_dtls_role != configuration.offered_dtls_role {
            return Err(ConfigurationError::Modified("offered_dtls_role"));
        }
        let servers = configuration.ice_servers.iter().map(IceServer::read).collect::<Result<Vec<_>, _>>()?;
        let differs = known.ice_servers != configuration.ice_servers
            || known.ice_transport_policy != configuration.ice_transport_policy;
        let servers = servers.concat();
        self.links.for_each(|transport| {
            transport.set_ice_servers(servers.clone());
            transport.set_ice_transport_policy(configuration.ice_transport_policy);
        });
        if pool > 0 && !gathers {
            let now = self.now;
            self.links.first_mut().fill_pool(now);
        }
        // RFC 9429 §4.1.18: what was gathered is not what is wanted now.
        if differs && self.session.local_description().is_some() {
            self.note_credentials_to_replace();
        }
        self.configuration = configuration;
        Ok(())
    }
}
