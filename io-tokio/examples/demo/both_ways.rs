//! Answers that use each section both ways.

use purertc::{MediaStreamTrack, RtpTransceiverDirection};
use purertc_tokio::PeerConnection;

/// Before the answer: each section may be used both ways, as far as the browser offers that. Tracks are called `name`, and a number.
pub(crate) fn answer(pc: &PeerConnection, name: &str) {
    for id in pc.transceivers() {
        let kind = pc.with_transceiver(id, |mut transceiver| {
            // It refuses only where it was stopped.
            let _ = transceiver.set_direction(RtpTransceiverDirection::SendRecv);
            transceiver.kind()
        });
        let track = kind.map(|kind| MediaStreamTrack::new(kind, format!("{name}{}", id.as_u64())));
        pc.with_sender(id.sender(), |mut sender| sender.replace_track(track));
    }
}
