//! A web page and the peer that it talks to: `cargo run --release -p purertc-tokio --example demo`, then open
//! <http://127.0.0.1:8080>. What page and server say to each other is in `PROTOCOL.md`.

mod both_ways;
mod channels;
mod echo;
mod mailbox;
mod page;
mod paths;
mod servers;
mod session;
mod signaling;

use clap::Parser;
use paths::Paths;
use session::Sessions;
use std::error::Error;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Serves a page that opens data channels to this program.
#[derive(Debug, Parser)]
struct Arguments {
    /// The address to listen on. Browsers give pages from elsewhere than this host no WebRTC over plain HTTP.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    #[command(flatten)]
    paths: Paths,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let Arguments { host, port, paths } = Arguments::parse();
    let listener = TcpListener::bind((host, port))
        .await
        .map_err(|error| format!("cannot listen on {host} port {port}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let sessions = Sessions::new(paths);
    let app = page::router().merge(mailbox::router()).merge(signaling::router(sessions.clone()));
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        _ = tokio::signal::ctrl_c() => sessions.close_all().await,
    }
    Ok(())
}
