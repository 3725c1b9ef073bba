//! SRTP and SRTCP (RFC 3711, RFC 7714, RFC 9335): a [`Sender`] seals packets in place, a [`Receiver`] opens them.
//!
//! One of each stands for one direction of one DTLS association, made from the [`MasterKey`]s that its handshake
//! exported. A new association means new ones of both; nothing is carried over.
//!
//! ```
//! # use purertc::CryptoProvider;
//! # use purertc::base::random::Rng;
//! # use purertc::crypto::secret::Secret;
//! # use purertc::transport::srtp::{Config, MasterKey, Profile, Receiver, Sender};
//! let key = || MasterKey {
//!     profile: Profile::AeadAes128Gcm,
//!     key: Secret::new(vec![1; 16]),
//!     salt: Secret::new(vec![2; 12]),
//! };
//! let (crypto, mut rng) = (CryptoProvider::default(), Rng::from_number(1));
//! let mut sender = Sender::new(&crypto, &key(), Config::default(), &mut rng)?;
//! let mut receiver = Receiver::new(&crypto, &key(), Config::default(), &mut rng)?;
//!
//! let packet = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, b'h', b'i'];
//! let mut out = packet.to_vec();
//! sender.seal_rtp(&mut out, 0)?;
//! let opened = receiver.handle_rtp(out.as_slice().into());
//! assert_eq!(opened.as_deref(), Some(&packet[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What a forged packet can do
//!
//! Nothing but be counted. Roll-over counters, replay windows and the list of streams change for packets alone whose
//! tag was right, and no number of wrong ones ends anything.

mod cipher;
mod cryptex;
mod kdf;
mod profile;
mod receiver;
mod sender;
mod streams;

#[cfg(test)]
mod tests;

pub use self::profile::Profile;
pub use self::receiver::Receiver;
pub use self::sender::Sender;

use crate::crypto::secret::Secret;
use thiserror::Error;

/// What a handshake exports for one direction (RFC 5764 §4.2).
#[derive(Clone, Debug)]
pub struct MasterKey {
    /// The profile that was agreed on.
    pub profile: Profile,
    /// As many bytes as the profile says.
    pub key: Secret,
    /// As many bytes as the profile says.
    pub salt: Secret,
}

/// What both directions are told at their start.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Whether cryptex (RFC 9335, `a=cryptex`) was agreed on: header extensions and contributing sources are hidden,
    /// too. Default `false`. Costs four bytes in packets with contributing sources and no extension.
    pub cryptex: bool,
    /// How many streams are known at once, of RTP and of RTCP each, at 300 bytes a stream. Default 1,024. A receiver
    /// forgets the one that was silent for longest when the peer begins another: what it sent could then be replayed,
    /// and it cannot go on if its sequence numbers had rolled over. A sender refuses to begin another, because a
    /// stream that it forgot would use numbers again. Values below 1 count as 1.
    pub max_streams: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { cryptex: false, max_streams: 1_024 }
    }
}

/// Why there is no [`Sender`] or [`Receiver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Key or salt are not as long as their profile says.
    #[error("key or salt do not fit the profile")]
    BadLength,
    /// The provider of cryptography refuses.
    #[error("the cryptography provider does not support the profile")]
    Unsupported,
}

/// Why a packet was not sealed. The buffer is back to where the packet began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// It is not a well-formed RTP or RTCP packet, or is too large.
    #[error("not a well-formed packet")]
    Malformed,
    /// A packet of this number left before, or left so long ago that nobody knows. Sealing it again would give the key
    /// stream away: what is to be repeated is repeated sealed, or in a stream of its own (RFC 4588).
    #[error("a packet with this number was sent before")]
    Repeated,
    /// There are more streams than [`Config::max_streams`].
    #[error("too many streams")]
    TooManyStreams,
    /// The numbers that the keys are good for are used up; a new association is needed.
    #[error("the keys are used up")]
    Exhausted,
}
