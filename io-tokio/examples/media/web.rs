//! The page, and the one request that it makes: an offer, for an answer. All candidates are in both.

use crate::both_ways;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use purertc_tokio::{Configuration, PeerConnection, SessionDescription, Settings};
use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;
use tokio::net::TcpListener;

/// What becomes of the browsers that come.
pub(crate) trait Guests: Send + Sync + 'static {
    /// How the connections to them are set up.
    fn configuration(&self) -> Configuration {
        Configuration::default()
    }

    /// One has come: it is connected once this is told to, and gone when the connection has no event any more.
    fn join(self: Arc<Self>, pc: PeerConnection) -> impl Future<Output = ()> + Send;
}

/// Serves the page until Ctrl+C.
pub(crate) async fn serve(port: u16, name: &str, guests: impl Guests) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    let page = include_str!("page.html").replace("NAME", name);
    let app = Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/offer", post(answer))
        .layer(DefaultBodyLimit::max(256 * 1024))
        .with_state(Arc::new(guests));
    tokio::select! {
        served = axum::serve(listener, app) => Ok(served?),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn answer<G: Guests>(
    State(guests): State<Arc<G>>,
    Json(offer): Json<SessionDescription>,
) -> Result<Json<SessionDescription>, (StatusCode, String)> {
    let refused = |error: &dyn Display| (StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
    let settings = Settings::from(guests.configuration()).with_loopback();
    let pc = PeerConnection::new(settings).await.map_err(|error| refused(&error))?;
    pc.set_remote_description(offer).await.map_err(|error| refused(&error))?;
    both_ways::answer(&pc, "track");
    pc.set_local_description(None).await.map_err(|error| refused(&error))?;
    pc.gathering_complete().await;
    let answer = pc.local_description().ok_or_else(|| refused(&"the connection is closed"))?;
    tokio::spawn(guests.join(pc));
    Ok(Json(answer))
}
