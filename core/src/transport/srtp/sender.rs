//! The sending half.

use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::transport::srtp::cipher::{Cipher, ENCRYPTED, PacketId, RTCP_CLEAR_LEN, RTCP_INDEX_LEN};
use crate::transport::srtp::cryptex::Hidden;
use crate::transport::srtp::streams::Streams;
use crate::transport::srtp::{Config, KeyError, MasterKey, SealError, kdf};
use crate::wire::rtp::{EXTENSION_HEADER_LEN, Header, Layout};
use std::fmt;

/// Seals what we send.
pub struct Sender {
    rtp: Cipher,
    rtcp: Cipher,
    cryptex: bool,
    streams: Streams,
    /// The index of the next RTCP packet, whichever stream it is from: no identifier, old or new, ever meets an
    /// index twice.
    rtcp_index: u32,
}

impl Sender {
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
        Ok(Self { rtp, rtcp, cryptex, streams: Streams::new(max_streams, rng), rtcp_index: 0 })
    }

    /// The most bytes that sealing adds to an RTP packet.
    #[must_use]
    pub const fn rtp_overhead(&self) -> usize {
        self.rtp.tag_len() + if self.cryptex { EXTENSION_HEADER_LEN } else { 0 }
    }

    /// The bytes that sealing adds to an RTCP packet.
    #[must_use]
    pub const fn rtcp_overhead(&self) -> usize {
        self.rtcp.tag_len() + RTCP_INDEX_LEN
    }

    /// Seals, in place, the RTP packet that began at `start` and ends with `out`.
    ///
    /// A stream's first packet has a roll-over counter of zero; from there the sequence numbers of a stream may skip
    /// and swap places, by less than half of their ring.
    ///
    /// # Errors
    ///
    /// When the packet is malformed or its number was used before; `out` is cut back to `start`.
    pub fn seal_rtp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let sealed = self.try_seal_rtp(out, start);
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    fn try_seal_rtp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let layout = Layout::of(&out[start..]).map_err(|_| SealError::Malformed)?;
        let Header { ssrc, sequence, .. } = Header::parse(&out[start..]).map_err(|_| SealError::Malformed)?;
        let place = self.streams.find(ssrc);
        if place.is_unknown() && self.streams.is_full() {
            return Err(SealError::TooManyStreams);
        }
        // RFC 3711 §9.1: a key stream is used once.
        let index = self.streams.next_index(place, sequence).ok_or(SealError::Repeated)?;
        let hidden = match self.cryptex {
            true => Hidden::prepare(&layout, out, start),
            false => Hidden::Payload { header_len: layout.header_len },
        };
        let id = PacketId { ssrc, index };
        self.rtp.seal_rtp(out, start, hidden, id).map_err(|_| SealError::Malformed)?;
        self.streams.note_own(place, ssrc, index);
        Ok(())
    }

    /// Seals, in place, the compound or reduced-size RTCP packet that began at `start` and ends with `out`.
    ///
    /// # Errors
    ///
    /// When the packet has fewer than eight bytes or the keys are used up; `out` is cut back to `start`.
    pub fn seal_rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let sealed = self.try_seal_rtcp(out, start);
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    fn try_seal_rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> Result<(), SealError> {
        let clear = out[start..].first_chunk::<RTCP_CLEAR_LEN>().ok_or(SealError::Malformed)?;
        let &[_, _, _, _, a, b, c, d] = clear;
        // RFC 3711 §9.2: 2^31 packets at most.
        if self.rtcp_index >= ENCRYPTED {
            return Err(SealError::Exhausted);
        }
        let id = PacketId { ssrc: u32::from_be_bytes([a, b, c, d]), index: self.rtcp_index.into() };
        self.rtcp.seal_rtcp(out, start, id).map_err(|_| SealError::Malformed)?;
        self.rtcp_index += 1;
        Ok(())
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("streams", &self.streams.len()).finish_non_exhaustive()
    }
}
