//! Audio and video between browsers and this program: `cargo run --release -p purertc-tokio --example media -- echo`, then
//! open <http://127.0.0.1:8080>. Each of `play`, `record`, `echo` and `sfu` is one file. `play --to` and `record --from` go to
//! servers of WHIP and WHEP, such as the example `whip`.

#[path = "../demo/both_ways.rs"]
mod both_ways;
mod client;
mod containers;
mod echo;
mod play;
mod record;
mod sfu;
mod web;

use clap::{Parser, Subcommand};
use client::Client;
use std::error::Error;
use std::path::PathBuf;

/// What to do with the browsers that come.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// The port to listen on at 127.0.0.1; 0 takes any that is free.
    #[arg(long, global = true, default_value_t = 8080)]
    port: u16,
    /// What a server of WHIP or WHEP wants to know.
    #[arg(long, global = true)]
    token: Option<String>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Plays files into each browser, over and over: an IVF file of VP8, VP9 or AV1, an Ogg file of Opus.
    Play {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Publish them there by WHIP, in place of waiting for browsers.
        #[arg(long, value_name = "URL")]
        to: Option<String>,
    },
    /// Writes what each browser's camera and microphone send: IVF and Ogg files.
    Record {
        /// Where to; files that are there are kept.
        #[arg(default_value = ".")]
        into: PathBuf,
        /// Record what is published there, by WHEP, in place of waiting for browsers.
        #[arg(long, value_name = "URL")]
        from: Option<String>,
    },
    /// Sends each browser what it sends.
    Echo,
    /// One room: each browser sees all others, in the layer of the simulcast that it asks for.
    Sfu,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { what, port, token } = Arguments::parse();
    match what {
        What::Play { files, to: Some(url) } => {
            Client { url, token }.publish(play::Player::new(&files)?).await
        }
        What::Record { into, from: Some(url) } => {
            Client { url, token }.watch(record::Recorder::new(into)).await
        }
        What::Play { files, to: None } => web::serve(port, "play", play::Player::new(&files)?).await,
        What::Record { into, from: None } => web::serve(port, "record", record::Recorder::new(into)).await,
        What::Echo => web::serve(port, "echo", echo::Echo).await,
        What::Sfu => web::serve(port, "sfu", sfu::Room::default()).await,
    }
}
