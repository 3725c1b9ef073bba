//! What an application may choose about a connection on tokio.

use crate::state::Limits;
use purertc::Configuration;
use purertc_mio::net::SocketSettings;
use std::time::Duration;

/// Settings of a connection on tokio: those of the core, those of its sockets, and how much waits where.
///
/// A [`Configuration`] converts into settings with defaults.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Certificates, timings and limits of the protocols.
    pub configuration: Configuration,
    /// Addresses, ports and buffers of the sockets.
    pub sockets: SocketSettings,
    /// Bytes that may wait to be sent in one channel before [`send`](crate::DataChannel::send) waits. Default 1
    /// MiB: a few times what the driver sends in one turn. What is under way does not count. One message goes in
    /// whatever its size when nothing waits.
    pub send_buffer: usize,
    /// Bytes of received messages that may wait to be read, in all channels together. Default 1 MiB. As much
    /// again as the receive window (`configuration.data.sctp.receive_buffer`) waits in the connection itself
    /// before the peer is held back.
    pub receive_buffer: usize,
    /// How long a connection tries to deliver what was sent, after its last handle was dropped. Default 1 s. Zero
    /// closes it at once.
    pub linger: Duration,
}

impl From<Configuration> for Settings {
    fn from(configuration: Configuration) -> Self {
        Self {
            configuration,
            sockets: SocketSettings::default(),
            send_buffer: 1 << 20,
            receive_buffer: 1 << 20,
            linger: Duration::from_secs(1),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from(Configuration::default())
    }
}

impl Settings {
    /// What the core needs, what the sockets do, and what handles and driver do.
    pub(crate) fn split(self) -> (Configuration, SocketSettings, Limits) {
        let Self { configuration, sockets, send_buffer, receive_buffer, linger } = self;
        (configuration, sockets, Limits { send_buffer, receive_buffer: receive_buffer.max(1), linger })
    }

    /// The same with loopback interfaces, for peers on this host.
    #[must_use]
    pub const fn with_loopback(mut self) -> Self {
        self.sockets.include_loopback = true;
        self
    }
}
