//! What a page's camera and microphone send comes back to it, packet by packet and unopened.

use crate::both_ways;
use purertc::{Delivery, RtpPacket, SendPacket, SenderId};
use purertc_tokio::PeerConnection;

/// Before the answer: each section may be used both ways, as far as the page offers that.
pub(crate) fn prepare(pc: &PeerConnection) {
    pc.receivers().into_iter().for_each(|receiver| pc.set_delivery(receiver, Delivery::Packets));
    both_ways::answer(pc, "echo");
}

/// Sends a packet back on the section that it came on.
pub(crate) fn back(pc: &PeerConnection, packet: &RtpPacket) {
    let payload_type = Some(packet.parse().header.payload_type);
    let back = SendPacket { payload_type, ..SendPacket::from(packet) };
    // Until the path is up there is nothing to be done with it.
    let _ = pc.write_rtp(packet.receiver.transceiver().sender(), &back);
}

/// The page cannot go on without a key frame, and only the page can make it.
pub(crate) fn ask_for_key_frame(pc: &PeerConnection, sender: SenderId) {
    pc.request_key_frame(sender.transceiver().receiver(), None);
}
