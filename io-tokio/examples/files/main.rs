//! Sends files from one terminal to another: `cargo run -p purertc-tokio --example files -- send FILE…` here, and
//! `… -- receive` there.
//!
//! Each prints a line; paste it into the other one. With `send --to http://host:8090` and `receive --listen 0.0.0.0:8090`
//! the lines travel by themselves. With `send --to http://127.0.0.1:8080` the demo's page receives, and with `receive --listen
//! 127.0.0.1:8090 --page http://127.0.0.1:8080` it sends.
//!
//! A transfer survives a path that goes away: the sender restarts ICE when the connection breaks (or when a line says
//! `restart`), which takes another line each way, and goes on where it was. `io-mio` has the same example on one thread without
//! async; either end may be any of the two.

#[path = "../demo/servers.rs"]
mod servers;
mod signaling;
mod transfer;

use clap::{Parser, Subcommand};
use purertc_tokio::{
    DataChannel, DataChannelInit, Event, MessageKind, PeerConnection, PeerConnectionState, Settings,
};
use servers::Servers;
use signaling::Signaling;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use transfer::{Header, Incoming, Outgoing, PROTOCOL, Trailer};

/// How long a broken connection may take to come back by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// Sends files from one terminal to another.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    servers: Servers,
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Send files.
    Send {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Where a receiver listens, as `http://host:port`.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
    },
    /// Receive files.
    Receive {
        /// The folder to put them into.
        #[arg(long, default_value = ".")]
        into: PathBuf,
        /// Where to wait for a sender, such as `0.0.0.0:8090`.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// Where the page comes from that may send, too, such as `http://127.0.0.1:8080` for the demo's.
        #[arg(long, value_name = "ORIGIN", requires = "listen")]
        page: Option<String>,
    },
}

pub(crate) type Failure = Box<dyn Error + Send + Sync>;
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

fn main() -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(transfer(Arguments::parse()));
    // A line that is still waited for would hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn transfer(Arguments { servers, command }: Arguments) -> Outcome {
    let pc = PeerConnection::new(Settings::from(servers.configuration()).with_loopback()).await?;
    let outcome = match command {
        Action::Send { files, to } => send_all(&pc, &files, Signaling::to(to)).await,
        Action::Receive { into, listen, page } => {
            receive_all(&pc, &into, Signaling::at(listen, page).await?).await
        }
    };
    pc.close().await;
    outcome
}

async fn send_all(pc: &PeerConnection, files: &[PathBuf], mut signaling: Signaling) -> Outcome {
    let mut sending = JoinSet::new();
    for path in files {
        let file = Outgoing::open(path)?;
        let init = DataChannelInit { protocol: PROTOCOL.into(), ..Default::default() };
        let channel = pc.create_data_channel(&file.header.name, init)?;
        sending.spawn(send(channel, file));
    }
    offer(pc, &mut signaling).await?;
    loop {
        tokio::select! {
            sent = sending.join_next() => match sent {
                Some(sent) => sent??,
                None => return Ok(()),
            },
            () = broken(pc) => {
                pc.restart_ice();
                offer(pc, &mut signaling).await?;
            }
            asked = signaling.restart() => {
                asked?;
                pc.restart_ice();
                offer(pc, &mut signaling).await?;
            }
        }
    }
}

/// Makes an offer, and takes the answer.
async fn offer(pc: &PeerConnection, signaling: &mut Signaling) -> Outcome {
    pc.set_local_description(None).await?;
    pc.gathering_complete().await;
    let offer = pc.local_description().ok_or("no description was made")?;
    let answer = signaling.exchange(&offer).await?;
    Ok(pc.set_remote_description(answer).await?)
}

/// Waits until the connection is broken and does not come back by itself.
async fn broken(pc: &PeerConnection) {
    let is_broken =
        || matches!(pc.connection_state(), PeerConnectionState::Disconnected | PeerConnectionState::Failed);
    loop {
        sleep(PATIENCE / 4).await;
        if is_broken() {
            sleep(PATIENCE).await;
            if is_broken() {
                return;
            }
        }
    }
}

async fn send(channel: DataChannel, mut file: Outgoing) -> Outcome {
    channel.send_text(serde_json::to_string(&file.header)?).await?;
    loop {
        let piece = file.piece()?;
        if piece.is_empty() {
            break;
        }
        channel.send(piece).await?;
    }
    let name = file.header.name.clone();
    let sent = file.finish();
    channel.send_text(serde_json::to_string(&sent)?).await?;
    let answer = channel.recv().await.ok_or("the receiver went away")?;
    let seen: Trailer = serde_json::from_slice(&answer.data)?;
    if seen.sha256 != sent.sha256 {
        return Err("the receiver saw something else".into());
    }
    println!("sent {name} {}", seen.sha256);
    Ok(())
}

async fn receive_all(pc: &PeerConnection, into: &Path, mut signaling: Signaling) -> Outcome {
    let mut receiving = JoinSet::new();
    loop {
        tokio::select! {
            event = pc.next_event() => match event {
                Some(Event::DataChannel(channel)) if channel.protocol() == PROTOCOL => {
                    receiving.spawn(receive(channel, into.to_owned()));
                }
                Some(Event::ConnectionStateChange(PeerConnectionState::Closed)) | None => return Ok(()),
                Some(_) => {}
            },
            Some(received) = receiving.join_next() => received??,
            heard = signaling.hear() => match heard? {
                Some(offer) => {
                    pc.set_remote_description(offer).await?;
                    pc.set_local_description(None).await?;
                    pc.gathering_complete().await;
                    signaling.answer(&pc.local_description().ok_or("no description was made")?)?;
                }
                None => return Ok(()),
            },
        }
    }
}

async fn receive(channel: DataChannel, into: PathBuf) -> Outcome {
    let first = channel.recv().await.ok_or("the sender went away")?;
    let header: Header = serde_json::from_slice(&first.data)?;
    let mut file = Incoming::create(&into, header)?;
    while let Some(message) = channel.recv().await {
        if message.kind == MessageKind::Binary {
            file.take(&message.data)?;
            continue;
        }
        let name = file.header.name.clone();
        let seen = file.finish(&serde_json::from_slice(&message.data)?)?;
        channel.send_text(serde_json::to_string(&seen)?).await?;
        println!("received {name} {}", seen.sha256);
        // The sender closes, once it has the answer.
        channel.closed().await;
        return Ok(());
    }
    Err("the sender went away".into())
}
