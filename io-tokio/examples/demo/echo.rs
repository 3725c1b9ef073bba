//! What a page's camera and microphone send comes back to it, packet by packet and unopened.

use purertc::{Delivery, MediaStreamTrack, RtpPacket, RtpTransceiverDirection, SendPacket, SenderId};
use purertc_tokio::PeerConnection;

/// Before the answer: each section may be used both ways, as far as the page offers that.
pub(crate) fn prepare(pc: &PeerConnection) {
    pc.receivers().into_iter().for_each(|receiver| pc.set_delivery(receiver, Delivery::Packets));
    for id in pc.transceivers() {
        let kind = pc.with_transceiver(id, |mut transceiver| {
            // It refuses only where it was stopped.
            let _ = transceiver.set_direction(RtpTransceiverDirection::SendRecv);
            transceiver.kind()
        });
        let track = kind.map(|kind| MediaStreamTrack::new(kind, format!("echo{}", id.as_u64())));
        pc.with_sender(id.sender(), |mut sender| sender.replace_track(track));
    }
}

/// Sends a packet back on the section that it came on.
pub(crate) fn back(pc: &PeerConnection, packet: &RtpPacket) {
    let header = packet.parse().header;
    let back = SendPacket {
        payload_type: Some(header.payload_type),
        count: packet.count,
        timestamp: header.timestamp.0,
        marker: header.marker,
        payload: packet.payload(),
        ..SendPacket::default()
    };
    // Until the path is up there is nothing to be done with it.
    let _ = pc.write_rtp(packet.receiver.transceiver().sender(), &back);
}

/// The page cannot go on without a key frame, and only the page can make it.
pub(crate) fn ask_for_key_frame(pc: &PeerConnection, sender: SenderId) {
    pc.request_key_frame(sender.transceiver().receiver(), None);
}
