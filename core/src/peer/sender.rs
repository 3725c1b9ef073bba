//! A borrowed handle to one sender: its attributes and verbs, under their W3C names.

use crate::base::media::{MediaStreamTrack, SenderId, TransceiverId};
use crate::base::parameters::RtpSendParameters;
use crate::media::error::WriteError;
use crate::media::event::{SendFrame, SendPacket};
use crate::media::send::guard::Protection;
use crate::peer::PeerConnection;
use crate::peer::dtmf::DtmfSender;
use crate::peer::link::TransportId;
use crate::peer::offer_answer::NegotiationCheck;
use crate::signaling::media_error::{SetParametersError, TransceiverError};
use crate::signaling::transceiver::Transceiver;

/// `RTCRtpSender`, for as long as the connection is borrowed. Keep the [`SenderId`].
#[derive(Debug)]
pub struct RtpSender<'a> {
    pc: &'a mut PeerConnection,
    id: SenderId,
}

impl<'a> RtpSender<'a> {
    pub(super) fn find(pc: &'a mut PeerConnection, id: SenderId) -> Option<Self> {
        pc.session.transceiver(id.transceiver()).is_some().then_some(Self { pc, id })
    }

    fn state(&self) -> &Transceiver {
        let found = self.pc.session.transceiver(self.id.transceiver());
        // The handle holds the only borrow since `find` saw it, and no verb here removes one.
        found.expect("a handle is only made for a sender that exists")
    }

    /// Its transceiver.
    #[must_use]
    pub const fn transceiver(&self) -> TransceiverId {
        self.id.transceiver()
    }

    /// `track`: what it sends.
    #[must_use]
    pub fn track(&self) -> Option<&MediaStreamTrack> {
        self.state().sender_track()
    }

    /// The ids of the streams that the peer is told this is in.
    #[must_use]
    pub fn streams(&self) -> &[String] {
        self.state().sender_streams()
    }

    /// Sends another track, or none for now (`replaceTrack`). Nothing has to be negotiated.
    ///
    /// # Errors
    ///
    /// Another kind, closed, or stopped.
    pub fn replace_track(&mut self, track: Option<MediaStreamTrack>) -> Result<(), TransceiverError> {
        self.pc.session.replace_track(self.id, track)
    }

    /// Tells the peer of other streams (`setStreams`), and asks for negotiation.
    ///
    /// # Errors
    ///
    /// Closed, or an id that is no SDP token.
    pub fn set_streams(
        &mut self,
        streams: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<(), TransceiverError> {
        self.pc.session.set_streams(self.id, streams.into_iter().map(Into::into).collect())?;
        self.pc.update_negotiation_needed(NegotiationCheck::AfterVerb);
        Ok(())
    }

    /// What carries it (`transport`); `None` until that is negotiated.
    #[must_use]
    pub fn transport(&self) -> Option<TransportId> {
        self.pc.transport_of(self.id.transceiver())
    }

    /// The obsolete `rtcpTransport`: what carries its RTCP, where that has a port of its own; `None` while it shares that of
    /// RTP.
    #[must_use]
    pub fn rtcp_transport(&self) -> Option<TransportId> {
        self.pc.rtcp_transport_of(self.id.transceiver())
    }

    /// What plays tones in it (`dtmf`); `None` for video.
    pub fn dtmf(&mut self) -> Option<DtmfSender<'_>> {
        DtmfSender::find(self.pc, self.id)
    }

    /// How it is set up (`getParameters`): change what may be changed, and hand it to
    /// [`set_parameters`](Self::set_parameters). The same until that, or until the next negotiation.
    pub fn get_parameters(&mut self) -> RtpSendParameters {
        self.pc.session.get_parameters(self.id).unwrap_or_default()
    }

    /// Sets it up (`setParameters`).
    ///
    /// # Errors
    ///
    /// [`SetParametersError`]; nothing has changed then.
    pub fn set_parameters(&mut self, parameters: RtpSendParameters) -> Result<(), SetParametersError> {
        self.pc.session.set_parameters(self.id, parameters)
    }

    /// How [frames](Self::write_frame) are protected against loss from now on, with what was negotiated. Default: not at
    /// all; what the peer misses it asks for.
    pub fn set_protection(&mut self, protection: Protection) {
        self.pc.planes.set_protection(self.id, protection);
    }

    /// Sends a frame, as an encoder gave it: it is cut into packets here. It leaves with the next
    /// [`poll_transmit`](PeerConnection::poll_transmit).
    ///
    /// # Errors
    ///
    /// [`WriteError`] says what is to be done about it; nothing is sent then.
    pub fn write_frame(&mut self, frame: &SendFrame<'_>) -> Result<(), WriteError> {
        self.check_encoding(frame.encoding)?;
        self.pc.send_frame(self.id, frame)
    }

    /// Sends a packet of another source on, under numbers and ids of this connection. The payload is shared and not
    /// copied.
    ///
    /// # Errors
    ///
    /// [`WriteError`] says what is to be done about it; it is not sent then.
    pub fn write_rtp(&mut self, packet: &SendPacket<'_>) -> Result<(), WriteError> {
        self.check_encoding(packet.encoding)?;
        self.pc.send_packet(self.id, packet)
    }

    // W3C WebRTC §5.2: no track, nothing sent; an encoding that is not active is not sent.
    fn check_encoding(&self, encoding: usize) -> Result<(), WriteError> {
        let state = self.state();
        if state.sender_track().is_none() {
            return Err(WriteError::NoTrack);
        }
        match state.encodings().get(encoding) {
            Some(known) if !known.active => Err(WriteError::NotActive(encoding)),
            _ => Ok(()),
        }
    }
}
