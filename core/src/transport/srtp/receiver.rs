//! The receiving half.

use crate::base::drops::{DropReason, Drops};
use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::transport::srtp::cipher::{Cipher, ENCRYPTED, PacketId};
use crate::transport::srtp::cryptex::Hidden;
use crate::transport::srtp::streams::Streams;
use crate::transport::srtp::{Config, KeyError, MasterKey, kdf};
use crate::wire::rtp::{Header, Layout};
use bytes::BytesMut;
use std::fmt;

/// Opens what the peer sends.
pub struct Receiver {
    rtp: Cipher,
    rtcp: Cipher,
    cryptex: bool,
    rtp_streams: Streams,
    rtcp_streams: Streams,
    drops: Drops,
}

impl Receiver {
    /// Expands the keys, once for all packets.
    ///
    /// # Errors
    ///
    /// When the keys do not fit their profile, or the provider does not have it.
    pub fn new(
        crypto: &CryptoProvider,
        key: &MasterKey,
        config: Config,
        rng: &mut Rng,
    ) -> Result<Self, KeyError> {
        let (rtp, rtcp) = kdf::ciphers(crypto, key)?;
        let Config { cryptex, max_streams } = config;
        let (rtp_streams, rtcp_streams) = (Streams::new(max_streams, rng), Streams::new(max_streams, rng));
        Ok(Self { rtp, rtcp, cryptex, rtp_streams, rtcp_streams, drops: Drops::default() })
    }

    /// Opens an SRTP packet in place; the RTP packet inside comes back, or nothing where it was refused, which is
    /// counted.
    pub fn handle_rtp(&mut self, mut packet: BytesMut) -> Option<BytesMut> {
        let opened = self.open_rtp(&mut packet);
        self.accept(packet, opened)
    }

    fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let layout = Layout::of(packet).map_err(|_| DropReason::SrtpMalformed)?;
        let header = Header::parse(packet).map_err(|_| DropReason::SrtpMalformed)?;
        // The tag is no part of the header, whatever that says of its length.
        if packet.len() < layout.header_len + self.rtp.tag_len() {
            return Err(DropReason::SrtpMalformed);
        }
        let Header { ssrc, sequence, .. } = header;
        let place = self.rtp_streams.find(ssrc);
        // RFC 3711 §3.3 steps 2 and 5: the index is a guess, and the guess is forgotten unless the tag is right.
        let index = self.rtp_streams.next_index(place, sequence).ok_or(DropReason::SrtpReplay)?;
        let hidden = Hidden::of(&layout, self.cryptex);
        let opened = self.rtp.open_rtp(packet, hidden, PacketId { ssrc, index });
        let (len, authentic) = opened.map_err(|_| DropReason::SrtpAuthentication)?;
        self.rtp_streams.note(authentic, place, ssrc, index);
        hidden.restore(packet);
        Ok(len)
    }

    /// Opens an SRTCP packet in place; the RTCP packet inside comes back, or nothing where it was refused, which is
    /// counted.
    ///
    /// RFC 3711 §3.4 lets a peer leave a packet unencrypted; it is authenticated all the same.
    pub fn handle_rtcp(&mut self, mut packet: BytesMut) -> Option<BytesMut> {
        let opened = self.open_rtcp(&mut packet);
        self.accept(packet, opened)
    }

    fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let word = self.rtcp.rtcp_word(packet).ok_or(DropReason::SrtpMalformed)?;
        let &mut [first, _, _, _, a, b, c, d, ..] = packet else { return Err(DropReason::SrtpMalformed) };
        if first >> 6 != 2 {
            return Err(DropReason::SrtpMalformed);
        }
        let (ssrc, index) = (u32::from_be_bytes([a, b, c, d]), u64::from(word & !ENCRYPTED));
        let place = self.rtcp_streams.find(ssrc);
        if !self.rtcp_streams.is_new(place, index) {
            return Err(DropReason::SrtpReplay);
        }
        let opened = self.rtcp.open_rtcp(packet, word, PacketId { ssrc, index });
        let (len, authentic) = opened.map_err(|_| DropReason::SrtpAuthentication)?;
        self.rtcp_streams.note(authentic, place, ssrc, index);
        Ok(len)
    }

    fn accept(&mut self, mut packet: BytesMut, opened: Result<usize, DropReason>) -> Option<BytesMut> {
        match opened {
            Ok(len) => {
                packet.truncate(len);
                Some(packet)
            }
            Err(reason) => {
                self.drops.count(reason);
                None
            }
        }
    }

    /// How many streams of RTP are known: those of which a packet was authentic.
    #[must_use]
    pub const fn streams(&self) -> usize {
        self.rtp_streams.len()
    }

    /// What was refused.
    #[must_use]
    pub const fn drops(&self) -> &Drops {
        &self.drops
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("streams", &self.streams()).finish_non_exhaustive()
    }
}
