//! A server for WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): who publishes to `/whip/<room>` is seen at `/whep/<room>`, by
//! as many as like. All of them share one UDP port.
//!
//! `cargo run --release -p purertc-tokio --example whip`, then publish with the camera at <http://127.0.0.1:8085>, with
//! GStreamer's `whipclientsink` or with OBS, and watch on the same page. Packets are passed on unopened.
//!
//! What is not here: counter-offers (a viewer offers), `Link` headers for ICE servers, one token for each room.

mod fragment;
mod http;
mod room;
mod session;

use clap::Parser;
use http::Server;
use purertc_tokio::{Configuration, Endpoint, Settings};
use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves one publisher and any number of viewers for each room.
#[derive(Debug, Parser)]
struct Arguments {
    /// The address to listen on for HTTP.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The port to listen on for HTTP; 0 takes any that is free.
    #[arg(long, default_value_t = 8085)]
    port: u16,
    /// The UDP port of all media. Default: any that is free.
    #[arg(long)]
    media_port: Option<u16>,
    /// What publishers and viewers have to know (`Authorization: Bearer …`). Default: nothing.
    #[arg(long)]
    token: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { host, port, media_port, token } = Arguments::parse();
    let mut settings = Settings::from(Configuration::default()).with_loopback();
    settings.sockets.ports = media_port.map(|port| port..=port);
    let endpoint = Endpoint::new(settings).await?;
    let listener = TcpListener::bind((host, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let app = http::router(Arc::new(Server::new(endpoint.clone(), token)));
    tokio::select! {
        served = axum::serve(listener, app) => served?,
        _ = tokio::signal::ctrl_c() => endpoint.close().await,
    }
    Ok(())
}
