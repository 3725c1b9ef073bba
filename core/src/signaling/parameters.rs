//! `getParameters` and `setParameters` (webrtc-pc §5.2).

use crate::base::media::{MediaKind, ReceiverId, SenderId, TransceiverId};
use crate::base::negotiated::{NegotiatedCodec, NegotiatedSection};
use crate::base::parameters::{
    RtcpParameters, RtpCodecParameters, RtpHeaderExtensionParameters, RtpReceiveParameters, RtpSendParameters,
};
use crate::signaling::codecs::same_dictionary;
use crate::signaling::media_error::{EncodingError, SetParametersError};
use crate::signaling::session::Session;
use crate::signaling::transceiver::{Life, random_text};
use crate::signaling::verbs::scale;

impl Session {
    /// What a sender is set up with, under a new transaction id unless one is open. `None` when there is no such
    /// sender.
    pub fn get_parameters(&mut self, sender: SenderId) -> Option<RtpSendParameters> {
        let id = sender.transceiver();
        let transceiver = self.transceivers.get(id)?;
        if let Some(open) = &transceiver.sender.last_returned {
            return Some((**open).clone());
        }
        let encodings = transceiver.sender.encodings.clone();
        let section = self.section_of(id);
        let rtcp = RtcpParameters {
            cname: Some(self.cname.clone()),
            reduced_size: section.is_some_and(|section| section.rtcp.reduced_size),
        };
        let header_extensions = section.map_or_else(Vec::new, |s| extensions(s, true));
        let codecs = section.map_or_else(Vec::new, |section| codecs(&section.send));
        let parameters = RtpSendParameters {
            transaction_id: random_text(&mut self.rng),
            encodings,
            header_extensions,
            rtcp,
            codecs,
            degradation_preference: transceiver.sender.degradation_preference,
        };
        let transceiver = self.transceivers.get_mut(id)?;
        transceiver.sender.last_returned = Some(Box::new(parameters.clone()));
        Some(parameters)
    }

    /// Sets a sender up with what [`get_parameters`](Self::get_parameters) gave, changed.
    ///
    /// # Errors
    ///
    /// [`SetParametersError`], in the order of webrtc-pc §5.2.
    pub fn set_parameters(
        &mut self,
        sender: SenderId,
        mut parameters: RtpSendParameters,
    ) -> Result<(), SetParametersError> {
        let id = sender.transceiver();
        let transceiver =
            self.transceivers.get(id).filter(|t| t.life == Life::Live).ok_or(SetParametersError::Stopped)?;
        let known = transceiver.sender.last_returned.as_ref().ok_or(SetParametersError::NotAsked)?;
        let rids = |p: &RtpSendParameters| p.encodings.iter().map(|e| e.rid.clone()).collect::<Vec<_>>();
        let read_only = |p: &RtpSendParameters| {
            (p.transaction_id.clone(), rids(p), p.header_extensions.clone(), p.rtcp.clone(), p.codecs.clone())
        };
        if read_only(known) != read_only(&parameters) {
            return Err(SetParametersError::ReadOnly);
        }
        for encoding in &mut parameters.encodings {
            self.check_encoding(transceiver.kind, encoding).map_err(|error| match error {
                // W3C WebRTC §5.2: what was not negotiated is a modification that cannot be.
                EncodingError::UnknownCodec => SetParametersError::NotNegotiated,
                other => other.into(),
            })?;
            let negotiated =
                |wanted| parameters.codecs.iter().any(|known| same_dictionary(&known.codec, wanted));
            let wanted = encoding.codec.as_ref().filter(|_| !parameters.codecs.is_empty());
            if wanted.is_some_and(|wanted| !negotiated(wanted)) {
                return Err(SetParametersError::NotNegotiated);
            }
        }
        scale_missing(&mut parameters, transceiver.kind);
        let Some(transceiver) = self.transceivers.get_mut(id) else {
            return Err(SetParametersError::Stopped);
        };
        transceiver.sender.encodings = parameters.encodings;
        transceiver.sender.degradation_preference = parameters.degradation_preference;
        transceiver.sender.last_returned = None;
        Ok(())
    }

    /// What a receiver is ready for.
    #[must_use]
    pub fn receive_parameters(&self, receiver: ReceiverId) -> Option<RtpReceiveParameters> {
        let id = receiver.transceiver();
        self.transceivers.get(id)?;
        let Some(section) = self.section_of(id) else { return Some(RtpReceiveParameters::default()) };
        let receives = section.direction.receives();
        Some(RtpReceiveParameters {
            header_extensions: extensions(section, false),
            rtcp: RtcpParameters { cname: None, reduced_size: section.rtcp.reduced_size },
            codecs: if receives { codecs(&section.receive) } else { Vec::new() },
        })
    }

    fn section_of(&self, id: TransceiverId) -> Option<&NegotiatedSection> {
        self.media.iter().find(|section| section.transceiver == id)
    }
}

/// W3C WebRTC §5.2: video that is not said to be scaled down is not.
fn scale_missing(parameters: &mut RtpSendParameters, kind: MediaKind) {
    if let Some(first) = parameters.encodings.first_mut()
        && kind == MediaKind::Video
    {
        first.scale_resolution_down_by.get_or_insert(1.0);
    }
    scale(kind, &mut parameters.encodings);
}

fn codecs(negotiated: &[NegotiatedCodec]) -> Vec<RtpCodecParameters> {
    let parameters = |known: &NegotiatedCodec| {
        let own = RtpCodecParameters { payload_type: known.payload_type, codec: known.codec.clone() };
        // W3C WebRTC §5.2.3: retransmissions are codecs of their own.
        let rtx = known.rtx.map(|payload_type| {
            let mut codec = known.codec.clone();
            let kind = codec.mime_type.split('/').next().unwrap_or("video");
            codec.mime_type = format!("{kind}/rtx");
            codec.sdp_fmtp_line = Some(format!("apt={}", known.payload_type));
            RtpCodecParameters { payload_type, codec }
        });
        [Some(own), rtx].into_iter().flatten()
    };
    negotiated.iter().flat_map(parameters).collect()
}

fn extensions(section: &NegotiatedSection, sends: bool) -> Vec<RtpHeaderExtensionParameters> {
    let used = section
        .extensions
        .iter()
        .filter(|extension| if sends { extension.direction.sends() } else { extension.direction.receives() });
    let parameters = used.map(|extension| RtpHeaderExtensionParameters {
        uri: extension.uri.clone(),
        id: extension.id,
        encrypted: false,
    });
    parameters.collect()
}
