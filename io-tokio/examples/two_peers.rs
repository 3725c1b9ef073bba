//! Two connections in one process: `cargo run -p purertc-tokio --example two_peers`.

use purertc_tokio::{Configuration, DataChannelInit, Event, PeerConnection, Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from(Configuration::default()).with_loopback();
    let alice = PeerConnection::new(settings.clone()).await?;
    let bob = PeerConnection::new(settings).await?;

    // What signaling carries between two hosts: an offer there, an answer back.
    let chat = alice.create_data_channel("chat", DataChannelInit::default())?;
    alice.set_local_description(None).await?;
    alice.gathering_complete().await;
    bob.set_remote_description(alice.local_description().ok_or("no offer")?).await?;
    bob.set_local_description(None).await?;
    bob.gathering_complete().await;
    alice.set_remote_description(bob.local_description().ok_or("no answer")?).await?;

    chat.send_text("Hello, Bob.").await?;
    while let Some(event) = bob.next_event().await {
        println!("bob: {event:?}");
        if let Event::DataChannel(channel) = event {
            let message = channel.recv().await.ok_or("the channel closed")?;
            println!("bob hears on {}: {}", channel.label(), String::from_utf8_lossy(&message.data));
            channel.send_text("Hello, Alice.").await?;
            let reply = chat.recv().await.ok_or("the channel closed")?;
            println!("alice hears: {}", String::from_utf8_lossy(&reply.data));
            break;
        }
    }
    tokio::join!(alice.close(), bob.close());
    Ok(())
}
