mod attacks;
mod behaviour;
mod vectors;

use super::{Config, MasterKey, Profile, Receiver, Sender};
use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::base::seq::{Serial16, Serial32};
use crate::crypto::CryptoProvider;
use crate::crypto::secret::Secret;
use crate::wire::rtp::Header;
use bytes::BytesMut;

pub(super) const PROFILES: [Profile; 4] =
    [Profile::Aes128CmSha1_80, Profile::Aes128CmSha1_32, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm];

pub(super) fn master(profile: Profile) -> MasterKey {
    MasterKey {
        profile,
        key: Secret::new((0..profile.key_len() as u8).collect()),
        salt: Secret::new((100..100 + profile.salt_len() as u8).collect()),
    }
}

/// Both ends of one direction.
pub(super) struct Pair {
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
}

impl Pair {
    pub(super) fn new(profile: Profile) -> Self {
        Self::with(profile, Config::default())
    }

    pub(super) fn with(profile: Profile, config: Config) -> Self {
        Self::from_key(&master(profile), config)
    }

    pub(super) fn from_key(key: &MasterKey, config: Config) -> Self {
        let (crypto, mut rng) = (CryptoProvider::default(), Rng::from_number(7));
        Self {
            sender: Sender::new(&crypto, key, config, &mut rng).unwrap(),
            receiver: Receiver::new(&crypto, key, config, &mut rng).unwrap(),
        }
    }

    pub(super) fn seal(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut out = packet.to_vec();
        self.sender.seal_rtp(&mut out, 0).unwrap();
        out
    }

    pub(super) fn seal_rtcp(&mut self, packet: &[u8]) -> Vec<u8> {
        let mut out = packet.to_vec();
        self.sender.seal_rtcp(&mut out, 0).unwrap();
        out
    }

    pub(super) fn open(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.receiver.handle_rtp(packet.into())
    }

    pub(super) fn open_rtcp(&mut self, packet: &[u8]) -> Option<BytesMut> {
        self.receiver.handle_rtcp(packet.into())
    }

    /// Expects that `packet` is refused for `reason`.
    pub(super) fn refuses(&mut self, packet: &[u8], reason: DropReason) {
        let before = self.receiver.drops().of(reason);
        assert_eq!(self.open(packet), None);
        assert_eq!(self.receiver.drops().of(reason), before + 1, "{reason}: {:?}", self.receiver.drops());
    }
}

/// An RTP packet of stream `ssrc`.
pub(super) fn rtp(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = Vec::new();
    let (sequence, timestamp) = (Serial16(sequence), Serial32(3_000));
    Header { marker: false, payload_type: 96, sequence, timestamp, ssrc }.write(&[], &mut out);
    out.extend_from_slice(b"the payload of a packet");
    out
}

/// An RTCP packet of stream `ssrc`: an empty receiver report and a request for a picture.
pub(super) fn rtcp(ssrc: u32) -> Vec<u8> {
    let [a, b, c, d] = ssrc.to_be_bytes();
    vec![0x80, 201, 0, 1, a, b, c, d, 0x81, 206, 0, 2, a, b, c, d, 1, 2, 3, 4]
}
