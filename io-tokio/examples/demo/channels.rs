//! What the server does on a channel, by its label.

use crate::session::Session;
use bytes::Bytes;
use purertc_tokio::{DataChannel, DataChannelInit, Message, MessageKind, SendError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

const MAX_SECONDS: f64 = 60.0;
const MAX_SIZE: usize = 262_144;

/// Serves a channel that the page opened, until it is closed.
pub(crate) async fn serve(session: Arc<Session>, channel: DataChannel) {
    let served = match channel.label() {
        "upload" => upload(&channel).await,
        "download" => download(&channel).await,
        "close-me" => {
            channel.recv().await;
            Ok(())
        }
        "control" => control(&session, &channel).await,
        label if label == "chat" || label == "ping" || label.starts_with("echo") => echo(&channel).await,
        _ => {
            ignore(&channel).await;
            Ok(())
        }
    };
    if let Err(error) = served {
        info!(session = session.id, label = channel.label(), %error, "channel over");
    }
}

/// Says hello, and listens to nothing.
pub(crate) async fn greet(channel: DataChannel) {
    if channel.send_text("hello").await.is_ok() {
        ignore(&channel).await;
    }
}

async fn echo(channel: &DataChannel) -> Result<(), SendError> {
    while let Some(Message { kind, data }) = channel.recv().await {
        channel.send_message(data, kind).await?;
    }
    Ok(())
}

async fn ignore(channel: &DataChannel) {
    while channel.recv().await.is_some() {}
}

#[derive(Debug, Default, Serialize)]
struct Counted {
    bytes: u64,
    messages: u64,
    seconds: f64,
}

async fn upload(channel: &DataChannel) -> Result<(), SendError> {
    let mut begun = None;
    let mut counted = Counted::default();
    while let Some(Message { kind, data }) = channel.recv().await {
        let since = *begun.get_or_insert_with(Instant::now);
        match kind {
            MessageKind::Binary => {
                counted.messages += 1;
                counted.bytes += data.len() as u64;
            }
            MessageKind::Text if &data[..] == b"end" => {
                counted.seconds = since.elapsed().as_secs_f64();
                channel.send_text(serde_json::to_string(&counted).unwrap_or_default()).await?;
                (begun, counted) = (None, Counted::default());
            }
            MessageKind::Text => {}
        }
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Wanted {
    seconds: f64,
    size: usize,
}

async fn download(channel: &DataChannel) -> Result<(), SendError> {
    while let Some(Message { data, .. }) = channel.recv().await {
        let Ok(Wanted { seconds, size }) = serde_json::from_slice(&data) else { continue };
        let until = Instant::now() + Duration::from_secs_f64(seconds.clamp(0.0, MAX_SECONDS));
        let message = Bytes::from(vec![0; size.min(MAX_SIZE)]);
        // `send` waits for room, which is all the care that the buffer needs.
        while Instant::now() < until {
            channel.send(message.clone()).await?;
        }
        channel.send_text("end").await?;
    }
    Ok(())
}

async fn control(session: &Arc<Session>, channel: &DataChannel) -> Result<(), SendError> {
    while let Some(Message { data, .. }) = channel.recv().await {
        let command = String::from_utf8_lossy(&data).into_owned();
        if command == "close-pc" {
            session.pc.close().await;
        } else if command == "path" {
            let pair = session.pc.inspect(|core| core.transport().selected_pair());
            let words = pair.map(|pair| format!("{} {} {}", pair.local.kind, pair.remote.kind, pair.path));
            channel.send_text(words.unwrap_or_else(|| "none".to_owned())).await?;
        } else if let Some(label) = command.strip_prefix("open ") {
            match session.pc.create_data_channel(label, DataChannelInit::default()) {
                Ok(opened) => {
                    tokio::spawn(async move { echo(&opened).await });
                }
                Err(error) => channel.send_text(format!("cannot open {label}: {error}")).await?,
            }
        } else {
            channel.send_text(format!("unknown command: {command}")).await?;
        }
    }
    Ok(())
}
