//! One peer whose signaling is lines on standard input and output, for scripts, `ssh` and pipes:
//! `cargo run -p purertc-tokio --example pipe -- --offer`.
//!
//! It prints its description as a line of JSON once all candidates are found, and reads that of the peer as a line.
//! Candidates that are found later are lines, too, in both directions. What becomes of the connection is said in words,
//! a line each: `connected <local type> <remote type> <path>`, `echoed <bytes>`, `failed`. The side that offers sends; the
//! other sends everything back. It ends with its standard input.

#[path = "demo/servers.rs"]
mod servers;

use clap::Parser;
use purertc::transport::ice::SelectedPair;
use purertc_tokio::{
    DataChannel, DataChannelInit, Event, IceCandidateInit, PeerConnection, PeerConnectionState, Settings,
};
use servers::Servers;
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};
use tokio::time::sleep;

/// Bytes of each message that goes back and forth.
const MESSAGE: usize = 16 * 1024;

/// A peer that speaks through its standard input and output.
#[derive(Debug, Parser)]
struct Arguments {
    /// Make the offer, and send.
    #[arg(long)]
    offer: bool,
    #[command(flatten)]
    servers: Servers,
    /// Messages to send and to get back.
    #[arg(long, default_value_t = 64)]
    messages: usize,
    /// Accept streams, too, and open them together with the peer (ICE-TCP): for networks that let no datagrams through.
    #[arg(long)]
    streams: bool,
    /// Milliseconds between two of them.
    #[arg(long, default_value_t = 0)]
    pause: u64,
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let arguments = Arguments::parse();
    let mut settings = Settings::from(arguments.servers.configuration());
    settings.sockets.listen_tcp = arguments.streams;
    settings.configuration.ice.simultaneous_open = arguments.streams;
    let pc = PeerConnection::new(settings).await?;
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let channel = signal(&pc, &mut input, arguments.offer).await?;
    let sent = async {
        match channel {
            Some(channel) => send(&channel, &arguments).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        sent = sent => sent?,
        () = events(&pc) => {}
        () = report(&pc) => {}
        heard = hear_candidates(&pc, &mut input) => heard?,
    }
    pc.close().await;
    Ok(())
}

/// Exchanges descriptions. The side that offers gets a channel.
async fn signal(
    pc: &PeerConnection,
    input: &mut Lines<BufReader<Stdin>>,
    offer: bool,
) -> Outcome<Option<DataChannel>> {
    let mut channel = None;
    if offer {
        channel = Some(pc.create_data_channel("pipe", DataChannelInit::default())?);
        print_description(pc).await?;
    }
    let line = input.next_line().await?.ok_or("no description came")?;
    pc.set_remote_description(serde_json::from_str(&line)?).await?;
    if !offer {
        print_description(pc).await?;
    }
    Ok(channel)
}

async fn print_description(pc: &PeerConnection) -> Outcome {
    pc.set_local_description(None).await?;
    pc.gathering_complete().await;
    println!("{}", serde_json::to_string(&pc.local_description())?);
    Ok(())
}

/// Says which pair of candidates is in use, each time that it changes, until the connection failed.
async fn report(pc: &PeerConnection) {
    let mut last = String::new();
    while pc.connection_state() != PeerConnectionState::Failed {
        let pair = pc.inspect(|core| core.transport().selected_pair());
        let words =
            |pair: SelectedPair| format!("connected {} {} {}", pair.local.kind, pair.remote.kind, pair.path);
        let pair = pair.map(words);
        if let Some(pair) = pair.filter(|pair| *pair != last) {
            println!("{pair}");
            last = pair;
        }
        sleep(Duration::from_millis(20)).await;
    }
    println!("failed");
}

async fn send(channel: &DataChannel, arguments: &Arguments) -> Outcome {
    for n in 0..arguments.messages {
        channel.send(vec![n as u8; MESSAGE]).await?;
        let back = channel.recv().await.ok_or("the channel closed")?;
        if back.data != vec![n as u8; MESSAGE] {
            return Err("a message came back changed".into());
        }
        sleep(Duration::from_millis(arguments.pause)).await;
    }
    println!("echoed {}", arguments.messages * MESSAGE);
    std::future::pending().await
}

/// Prints candidates, and sends back what comes along channels.
async fn events(pc: &PeerConnection) {
    while let Some(event) = pc.next_event().await {
        match event {
            Event::IceCandidate(Some(candidate)) => {
                println!("{}", serde_json::to_string(&candidate).unwrap_or_default());
            }
            Event::DataChannel(channel) => {
                tokio::spawn(async move {
                    while let Some(message) = channel.recv().await {
                        if channel.send_message(message.data, message.kind).await.is_err() {
                            return;
                        }
                    }
                });
            }
            _ => {}
        }
    }
}

/// Takes the candidates that the peer found later, until the end of the input.
async fn hear_candidates(pc: &PeerConnection, input: &mut Lines<BufReader<Stdin>>) -> Outcome {
    while let Some(line) = input.next_line().await? {
        let candidate: IceCandidateInit = serde_json::from_str(&line)?;
        pc.add_ice_candidate(Some(&candidate)).await?;
    }
    Ok(())
}
