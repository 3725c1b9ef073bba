//! RTP and RTCP through the transport: sealed in place on their way out, opened in place on their way in, framed in
//! place where they go through a relay.
//!
//! The keys come from the handshake (RFC 5764), which negotiates them when the configuration of DTLS names profiles.
//! What it takes to use them is made when the owner asks for media, and not before: a connection that carries data
//! alone pays nothing for it, and media may join it later.

use crate::base::drops::DropReason;
use crate::base::net::Path;
use crate::base::random::Rng;
use crate::crypto::CryptoProvider;
use crate::transport::dtls::Connection;
use crate::transport::dtls::export::SrtpKey;
use crate::transport::event::{Inbound, MediaPath};
use crate::transport::record::Outer;
use crate::transport::srtp::{Config, KeyError, MasterKey, Profile, Receiver, SealError, Sender};
use crate::transport::{Dtls, Transport};
use crate::wire::rtp::is_rtcp;
use bytes::BytesMut;

/// The securing of media.
#[derive(Debug, Default)]
pub(super) enum Media {
    /// The owner did not ask for it.
    #[default]
    Absent,
    /// The handshake has not given keys, or none were negotiated.
    Waiting(Config),
    Ready(Box<Secured>),
}

/// Both directions.
#[derive(Debug)]
pub(super) struct Secured {
    sender: Sender,
    pub receiver: Receiver,
}

impl Secured {
    /// The gate: only a connected [`Connection`] exports keys.
    fn new(
        connection: &Connection,
        crypto: &CryptoProvider,
        config: Config,
        rng: &mut Rng,
    ) -> Result<Option<Self>, KeyError> {
        let Some(keys) = connection.verified().and_then(|verified| connection.export_srtp_keys(verified))
        else {
            return Ok(None);
        };
        let profile = Profile::from_code(keys.profile).ok_or(KeyError::Unsupported)?;
        let master = |SrtpKey { key, salt }| MasterKey { profile, key, salt };
        let sender = Sender::new(crypto, &master(keys.local), config, rng)?;
        let receiver = Receiver::new(crypto, &master(keys.remote), config, rng)?;
        Ok(Some(Self { sender, receiver }))
    }
}

/// A packet of RTP or RTCP that was begun in a buffer.
#[derive(Debug)]
#[must_use = "finish the packet or cancel it"]
pub struct PacketStart {
    at: usize,
    frame: Option<Outer>,
}

impl PacketStart {
    /// Gives up on the packet and cuts `out` back to where it began.
    pub fn cancel(self, out: &mut Vec<u8>) {
        out.truncate(self.at);
        if let Some(frame) = self.frame {
            frame.cancel(out);
        }
    }

    /// Ends a packet that another transport's keys have sealed.
    pub fn finish_sealed(self, out: &mut Vec<u8>) {
        if let Some(frame) = self.frame {
            frame.finish(out);
        }
    }
}

/// Which of the two a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rtp,
    Rtcp,
}

impl Transport {
    /// Asks for media: from here on RTP and RTCP come and go, as soon as the handshake has given keys. `config` is
    /// what descriptions agreed on. Later calls change nothing.
    pub fn enable_media(&mut self, config: Config) {
        if matches!(self.media, Media::Absent) {
            self.media = Media::Waiting(config);
            self.secure_media();
        }
    }

    /// Makes what it takes to carry media, when it is wanted and its keys are there.
    pub(super) fn secure_media(&mut self) {
        let (Media::Waiting(config), Dtls::Ready(connection)) = (&self.media, &self.dtls) else { return };
        match Secured::new(connection, &self.crypto, *config, &mut self.rng) {
            Ok(Some(secured)) => self.media = Media::Ready(Box::new(secured)),
            Ok(None) => {}
            // A profile without a cipher: as if none had been negotiated.
            Err(_) => self.media = Media::Absent,
        }
    }

    /// Where media may leave now, and how large its packets may be; `None` before the handshake is done, when it
    /// agreed on no SRTP profile, and when consent is lost.
    #[must_use]
    pub fn media_path(&self) -> Option<MediaPath> {
        let (path, _consent) = self.agent.send_path()?;
        let Media::Ready(secured) = &self.media else { return None };
        let (path, framing) = self.outer_path(path)?;
        let room = self.mtu.saturating_sub(framing);
        Some(MediaPath {
            path,
            max_rtp: room.saturating_sub(secured.sender.rtp_overhead()),
            max_rtcp: room.saturating_sub(secured.sender.rtcp_overhead()),
        })
    }

    /// Begins a packet of RTP or RTCP at the end of `out`, behind room for the header of a relay. What the caller
    /// appends until [`finish_rtp`](Self::finish_rtp) or [`finish_rtcp`](Self::finish_rtcp) is the packet, header
    /// first. `None` as for [`media_path`](Self::media_path).
    ///
    /// Several packets may follow one another in one buffer: those of one size are one run of segments.
    pub fn begin_packet(&mut self, out: &mut Vec<u8>) -> Option<PacketStart> {
        let (path, _consent) = self.agent.send_path()?;
        if !matches!(self.media, Media::Ready(_)) {
            return None;
        }
        let frame = self.begin_outer(path, out)?;
        Some(PacketStart { at: out.len(), frame })
    }

    /// Seals, in place, the RTP packet that was appended to `out` since `start`.
    ///
    /// # Errors
    ///
    /// As [`Sender::seal_rtp`]; `out` is cut back to where the packet began.
    pub fn finish_rtp(&mut self, start: PacketStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.finish_packet(Kind::Rtp, start, out)
    }

    /// Seals, in place, the RTCP packet that was appended to `out` since `start`.
    ///
    /// # Errors
    ///
    /// As [`Sender::seal_rtcp`]; `out` is cut back to where the packet began.
    pub fn finish_rtcp(&mut self, start: PacketStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.finish_packet(Kind::Rtcp, start, out)
    }

    /// Opens an RTCP packet that came along the other component: a peer may secure both by the keys of one.
    pub fn open_rtcp(&mut self, packet: BytesMut, received: &mut Vec<Inbound>) {
        if let Media::Ready(secured) = &mut self.media {
            received.extend(secured.receiver.handle_rtcp(packet).map(Inbound::Rtcp));
        }
    }

    /// Seals, in place, what was appended to `out` from `at` on, for the other component.
    ///
    /// # Errors
    ///
    /// As [`Sender::seal_rtcp`], and when there are no keys.
    pub fn seal_rtcp(&mut self, at: usize, out: &mut Vec<u8>) -> Result<(), SealError> {
        match &mut self.media {
            Media::Ready(secured) => secured.sender.seal_rtcp(out, at),
            Media::Absent | Media::Waiting(_) => Err(SealError::Exhausted),
        }
    }

    fn finish_packet(&mut self, kind: Kind, start: PacketStart, out: &mut Vec<u8>) -> Result<(), SealError> {
        let PacketStart { at, frame } = start;
        let sealed = match (&mut self.media, kind) {
            (Media::Ready(secured), Kind::Rtp) => secured.sender.seal_rtp(out, at),
            (Media::Ready(secured), Kind::Rtcp) => secured.sender.seal_rtcp(out, at),
            // Only what is ready began a packet, and it never ceases to be.
            (Media::Absent | Media::Waiting(_), _) => Err(SealError::Exhausted),
        };
        match (&sealed, frame) {
            (Ok(()), Some(frame)) => frame.finish(out),
            (Err(_), Some(frame)) => frame.cancel(out),
            (_, None) => {}
        }
        sealed
    }

    /// Opens a packet of RTP or RTCP from a path that ICE has proven.
    pub(super) fn handle_media(&mut self, path: &Path, data: BytesMut, received: &mut Vec<Inbound>) {
        // RFC 8827 §6.5 and attack 6: nothing from elsewhere, whatever its keys.
        if self.agent.validated(path).is_none() {
            return self.drops.count(DropReason::UnvalidatedSource);
        }
        self.traffic.arrive(*path);
        let Media::Ready(secured) = &mut self.media else {
            return self.drops.count(DropReason::SrtpNotReady);
        };
        received.extend(if is_rtcp(&data) {
            secured.receiver.handle_rtcp(data).map(Inbound::Rtcp)
        } else {
            secured.receiver.handle_rtp(data).map(Inbound::Rtp)
        });
    }
}
