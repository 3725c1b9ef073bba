//! Which header extensions a transceiver offers and takes, and which were negotiated (webrtc-extensions, "RTP Header
//! Extension Control").

use crate::base::media::{RtpTransceiverDirection, TransceiverId};
use crate::base::negotiated::NegotiatedSection;
use crate::base::parameters::RtpHeaderExtensionCapability;
use crate::signaling::media_error::TransceiverError;
use crate::signaling::session::Session;
use crate::signaling::transceiver::Transceiver;

/// What a bundle is told apart by, and so cannot do without (RFC 9143 §9.2).
const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";

impl Session {
    /// The header extensions of this side, and the direction that the next offer or answer has each in
    /// (`getHeaderExtensionsToNegotiate`). `None` when there is no such transceiver.
    #[must_use]
    pub fn header_extensions_to_negotiate(
        &self,
        id: TransceiverId,
    ) -> Option<Vec<RtpHeaderExtensionCapability>> {
        let found = self.transceivers.get(id)?;
        let wanted = |uri: &String| RtpHeaderExtensionCapability {
            uri: uri.clone(),
            direction: found.extension_direction(uri),
        };
        let all = &self.config.media.of(found.kind).header_extensions;
        Some(all.iter().map(|known| wanted(&known.uri)).collect())
    }

    /// Takes other directions for the next offer or answer (`setHeaderExtensionsToNegotiate`): the same extensions in the
    /// same order. One that is `stopped` is neither offered nor taken.
    ///
    /// # Errors
    ///
    /// Another list, or another direction for what a bundle cannot do without.
    pub fn set_header_extensions_to_negotiate(
        &mut self,
        id: TransceiverId,
        wanted: Vec<RtpHeaderExtensionCapability>,
    ) -> Result<(), TransceiverError> {
        let known = self.header_extensions_to_negotiate(id).ok_or(TransceiverError::Stopped)?;
        let uris = |list: &[RtpHeaderExtensionCapability]| -> Vec<String> {
            list.iter().map(|extension| extension.uri.clone()).collect()
        };
        if uris(&known) != uris(&wanted) {
            return Err(TransceiverError::OtherHeaderExtensions);
        }
        let changed = |extension: &&RtpHeaderExtensionCapability| {
            extension.uri == MID && extension.direction != RtpTransceiverDirection::SendRecv
        };
        if wanted.iter().find(changed).is_some() {
            return Err(TransceiverError::MandatoryHeaderExtension);
        }
        if let Some(found) = self.transceivers.get_mut(id) {
            found.header_extensions = wanted;
        }
        Ok(())
    }

    /// The header extensions of this side, each in the direction that was negotiated, `stopped` where it was not
    /// (`getNegotiatedHeaderExtensions`). `None` when there is no such transceiver.
    #[must_use]
    pub fn negotiated_header_extensions(
        &self,
        id: TransceiverId,
    ) -> Option<Vec<RtpHeaderExtensionCapability>> {
        let found = self.transceivers.get(id)?;
        let section = self.media().iter().find(|section| section.transceiver == id);
        let negotiated = |uri: &String| {
            let known = section?.extensions.iter().find(|extension| extension.uri == *uri);
            known.map(|extension| extension.direction)
        };
        let all = &self.config.media.of(found.kind).header_extensions;
        let each = |uri: &String| RtpHeaderExtensionCapability {
            uri: uri.clone(),
            direction: negotiated(uri).unwrap_or(RtpTransceiverDirection::Stopped),
        };
        Some(all.iter().map(|known| each(&known.uri)).collect())
    }

    /// An answer was set: what it has is what is wanted from now on.
    pub(in crate::signaling) fn keep_answered_extensions(&mut self, agreed: &[NegotiatedSection]) {
        for section in agreed {
            let differs = |found: &Transceiver| {
                let mut extensions = section.extensions.iter();
                extensions.any(|known| known.direction != found.extension_direction(&known.uri))
            };
            let found = self.transceivers.get(section.transceiver);
            if !found.is_some_and(differs) {
                continue;
            }
            let mut wanted = self.header_extensions_to_negotiate(section.transceiver).unwrap_or_default();
            for extension in &mut wanted {
                let answered = section.extensions.iter().find(|known| known.uri == extension.uri);
                extension.direction = answered.map_or(extension.direction, |known| known.direction);
            }
            if let Some(found) = self.transceivers.get_mut(section.transceiver) {
                found.header_extensions = wanted;
            }
        }
    }
}

impl Transceiver {
    /// The direction that an extension is wanted in; both ways unless somebody said otherwise.
    pub(in crate::signaling) fn extension_direction(&self, uri: &str) -> RtpTransceiverDirection {
        let known = self.header_extensions.iter().find(|known| known.uri == uri);
        known.map_or(RtpTransceiverDirection::SendRecv, |known| known.direction)
    }
}
