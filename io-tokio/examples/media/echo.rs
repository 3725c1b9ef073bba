//! What a browser sends comes back to it, packet by packet and unopened.

use crate::web::Guests;
use purertc::{Delivery, SendPacket};
use purertc_tokio::{Event, PeerConnection};
use std::sync::Arc;

pub(crate) struct Echo;

impl Guests for Echo {
    async fn join(self: Arc<Self>, pc: PeerConnection) {
        pc.receivers().into_iter().for_each(|receiver| pc.set_delivery(receiver, Delivery::Packets));
        while let Some(event) = pc.next_event().await {
            match event {
                Event::Rtp(packet) => {
                    let payload_type = Some(packet.parse().header.payload_type);
                    let back = SendPacket { payload_type, ..SendPacket::from(&packet) };
                    // Until the path is up there is nothing to be done with it.
                    let _ = pc.write_rtp(packet.receiver.transceiver().sender(), &back);
                }
                // The page cannot go on without one, and only the page can make it.
                Event::KeyFrameRequest { sender, .. } => {
                    pc.request_key_frame(sender.transceiver().receiver(), None);
                }
                _ => {}
            }
        }
    }
}
