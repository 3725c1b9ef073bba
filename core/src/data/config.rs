//! What an application may choose about data channels.

use crate::data::sctp::config::Config as SctpConfig;

/// Settings of the data channels of one connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The largest message that we accept, in bytes; goes into our description as `a=max-message-size`.
    ///
    /// Default 262,144, what browsers take. A peer that sends more loses the channel. The receive buffer is made
    /// large enough for one such message, so a large value lets a peer occupy as much memory.
    pub max_message_size: u32,
    /// The most bytes that may wait in one channel; `send` refuses what goes beyond.
    ///
    /// Default 16 MiB, as in Chromium. Memory is used when messages wait, not before.
    pub max_buffered_amount: usize,
    /// Channels that the peer may open. Default 1,024; further ones are refused by resetting their stream.
    pub max_incoming_channels: usize,
    /// The largest IP packet that path MTU discovery tries (RFC 8899), headers included. Default 1,500, what Ethernet carries;
    /// 0 turns it off. It begins when there is much to send, with datagrams of `Configuration::mtu`, and nothing is lost to it:
    /// only probes go out that are larger than what is known to pass. The driver's sockets have to set "don't fragment".
    pub largest_ip_packet: usize,
    /// Settings of the association; its ports and its largest message are filled in from elsewhere.
    pub sctp: SctpConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_message_size: 262_144,
            max_buffered_amount: 16 << 20,
            max_incoming_channels: 1_024,
            largest_ip_packet: 1_500,
            sctp: SctpConfig::default(),
        }
    }
}
