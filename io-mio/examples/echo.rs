//! Answers one offer and echoes every message, on one thread.
//!
//! Reads an offer as a line of JSON from standard input and prints the answer as a line of JSON. In a browser's
//! console:
//!
//! ```js
//! pc = new RTCPeerConnection(); dc = pc.createDataChannel("echo");
//! dc.onopen = () => dc.send("hello"); dc.onmessage = (e) => console.log(e.data);
//! pc.onicecandidate = (e) => e.candidate || console.log(JSON.stringify(pc.localDescription));
//! await pc.setLocalDescription();           // copy the offer, paste it here
//! await pc.setRemoteDescription(/* paste the answer */);
//! ```

use mio::{Events, Poll, Token};
use purertc::{
    ChannelEvent, Configuration, DataChannelId, DtlsTransportState, Event, IceGatheringState, Message,
    PeerConnectionState, SendError, SessionDescription,
};
use purertc_mio::{Driver, net::SocketSettings};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let offer: SessionDescription = serde_json::from_str(&line)?;

    let mut settings = SocketSettings::default();
    settings.include_loopback = true;
    let mut poll = Poll::new()?;
    let mut driver = Driver::new(Configuration::default(), &settings, poll.registry(), Token(0))?;
    let now = driver.now();
    driver.connection().set_remote_description(now, offer)?;
    driver.connection().set_local_description(now, None)?;

    let mut events = Events::with_capacity(64);
    // A message that found no room. Until it has, nothing more is read, which holds the peer back.
    let mut waiting = None;
    loop {
        if let Some((id, message)) = waiting.take() {
            waiting = echo(&mut driver, id, message);
        }
        while waiting.is_none() {
            match driver.poll_event() {
                Some(Event::IceGatheringStateChange(IceGatheringState::Complete)) => {
                    println!("{}", serde_json::to_string(&driver.connection().local_description())?);
                }
                Some(Event::Channel(id, ChannelEvent::Message(message))) => {
                    waiting = echo(&mut driver, id, message);
                }
                Some(
                    Event::DtlsTransportStateChange(
                        _,
                        DtlsTransportState::Closed | DtlsTransportState::Failed,
                    )
                    | Event::ConnectionStateChange(PeerConnectionState::Failed),
                ) => return Ok(()),
                Some(event) => eprintln!("{event:?}"),
                None => break,
            }
        }
        driver.flush();
        poll.poll(&mut events, driver.timeout())?;
        driver.turn(&events);
    }
}

/// Sends a message back; what comes back from that found no room.
fn echo(driver: &mut Driver, id: DataChannelId, message: Message) -> Option<(DataChannelId, Message)> {
    let now = driver.now();
    let Message { kind, data } = message;
    match driver.connection().data_channel(id)?.send_message(now, data, kind) {
        Err(SendError::BufferFull(data)) => Some((id, Message { kind, data })),
        // Closed meanwhile.
        Ok(()) | Err(_) => None,
    }
}
