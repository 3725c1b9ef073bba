//! A borrowed handle to one transceiver: its attributes and verbs, under their W3C names.

use crate::base::media::{MediaKind, ReceiverId, RtpCodec, RtpTransceiverDirection, SenderId, TransceiverId};
use crate::base::parameters::RtpHeaderExtensionCapability;
use crate::peer::PeerConnection;
use crate::peer::event::Event;
use crate::peer::offer_answer::NegotiationCheck;
use crate::signaling::media_error::TransceiverError;
use crate::signaling::transceiver::Transceiver;

/// `RTCRtpTransceiver`, for as long as the connection is borrowed. Keep the [`TransceiverId`].
#[derive(Debug)]
pub struct RtpTransceiver<'a> {
    pc: &'a mut PeerConnection,
    id: TransceiverId,
}

impl<'a> RtpTransceiver<'a> {
    pub(super) fn find(pc: &'a mut PeerConnection, id: TransceiverId) -> Option<Self> {
        pc.session.transceiver(id).is_some().then_some(Self { pc, id })
    }

    fn state(&self) -> &Transceiver {
        // The handle holds the only borrow since `find` saw the transceiver, and no verb here removes one.
        self.pc.session.transceiver(self.id).expect("a handle is only made for a transceiver that exists")
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> TransceiverId {
        self.id
    }

    /// Audio or video.
    #[must_use]
    pub fn kind(&self) -> MediaKind {
        self.state().kind()
    }

    /// `mid`: `None` until a description with it was set.
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.state().mid()
    }

    /// `sender`.
    #[must_use]
    pub const fn sender(&self) -> SenderId {
        self.id.sender()
    }

    /// `receiver`.
    #[must_use]
    pub const fn receiver(&self) -> ReceiverId {
        self.id.receiver()
    }

    /// `direction`: what is wanted; `stopped` once [`stop`](Self::stop) was called.
    #[must_use]
    pub fn direction(&self) -> RtpTransceiverDirection {
        self.state().direction()
    }

    /// `currentDirection`: what was negotiated; `None` before, `stopped` after the end.
    #[must_use]
    pub fn current_direction(&self) -> Option<RtpTransceiverDirection> {
        self.state().current_direction()
    }

    /// The obsolete `stopped`: whether it ended for both sides.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.state().is_stopped()
    }

    /// Wants another direction (`direction`, or the obsolete `setDirection`), and asks for negotiation.
    ///
    /// # Errors
    ///
    /// Stopped, or `stopped` was asked for.
    pub fn set_direction(&mut self, direction: RtpTransceiverDirection) -> Result<(), TransceiverError> {
        if self.pc.session.set_direction(self.id, direction)? {
            self.pc.update_negotiation_needed(NegotiationCheck::AfterVerb);
        }
        Ok(())
    }

    /// Ends it for good (`stop`), and asks for negotiation: with the next answer it is gone.
    ///
    /// # Errors
    ///
    /// The connection is closed.
    pub fn stop(&mut self) -> Result<(), TransceiverError> {
        if self.pc.session.stop(self.id)? {
            self.pc.events.push(Event::TrackEnded(self.id.receiver()));
            self.pc.update_negotiation_needed(NegotiationCheck::AfterVerb);
        }
        Ok(())
    }

    /// Puts codecs in order and leaves out the others, for the next offer or answer (`setCodecPreferences`). None
    /// at all: the default again.
    ///
    /// # Errors
    ///
    /// A codec that this side does not have, or none that carries the media itself.
    pub fn set_codec_preferences(&mut self, codecs: Vec<RtpCodec>) -> Result<(), TransceiverError> {
        self.pc.session.set_codec_preferences(self.id, codecs)
    }

    /// The header extensions that this side has, and the direction that the next offer or answer has each in
    /// (`getHeaderExtensionsToNegotiate`).
    #[must_use]
    pub fn get_header_extensions_to_negotiate(&self) -> Vec<RtpHeaderExtensionCapability> {
        self.pc.session.header_extensions_to_negotiate(self.id).unwrap_or_default()
    }

    /// Wants header extensions in other directions, from the next offer or answer on (`setHeaderExtensionsToNegotiate`): what
    /// [`get_header_extensions_to_negotiate`](Self::get_header_extensions_to_negotiate) gave, with directions changed.
    /// `stopped` leaves one out.
    ///
    /// # Errors
    ///
    /// Another list, or another direction than both for the extension of mids.
    pub fn set_header_extensions_to_negotiate(
        &mut self,
        extensions: Vec<RtpHeaderExtensionCapability>,
    ) -> Result<(), TransceiverError> {
        self.pc.session.set_header_extensions_to_negotiate(self.id, extensions)
    }

    /// The same with the directions that were negotiated (`getNegotiatedHeaderExtensions`): `stopped` for those that were not.
    #[must_use]
    pub fn get_negotiated_header_extensions(&self) -> Vec<RtpHeaderExtensionCapability> {
        self.pc.session.negotiated_header_extensions(self.id).unwrap_or_default()
    }
}
