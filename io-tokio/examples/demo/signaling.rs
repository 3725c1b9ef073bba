//! The HTTP half: descriptions by POST, candidates by POST and as server-sent events.

use crate::session::{Session, Sessions};
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use futures_core::Stream;
use purertc_tokio::{DataChannelInit, IceCandidateInit, SdpType, SessionDescription};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::convert::Infallible;
use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// No description of a page comes near.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(sessions: Sessions) -> Router {
    Router::new()
        .route("/api/offer", post(take_offer))
        .route("/api/session", post(make_offer))
        .route("/api/session/{id}", delete(hang_up))
        .route("/api/session/{id}/answer", post(take_answer))
        .route("/api/session/{id}/candidate", post(take_candidate))
        .route("/api/session/{id}/candidates", get(give_candidates))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(sessions)
}

/// A refusal: a status and one line that says why.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl Refusal {
    fn of(error: impl Display) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, self.1.replace(['\r', '\n'], " ")).into_response()
    }
}

/// A JSON body, or a refusal of one line.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let parsed = axum::Json::from_request(request, state).await;
        parsed.map(|axum::Json(value)| Self(value)).map_err(|no| Refusal(no.status(), no.body_text()))
    }
}

#[derive(Debug, Serialize)]
struct Answered {
    session: String,
    answer: SessionDescription,
}

#[derive(Debug, Serialize)]
struct Offered {
    session: String,
    offer: SessionDescription,
}

async fn take_offer(
    State(sessions): State<Sessions>,
    Json(offer): Json<SessionDescription>,
) -> Result<axum::Json<Answered>, Refusal> {
    expect(&offer, SdpType::Offer)?;
    let session = sessions.open().await?;
    let offer = sessions.paths.filter(offer);
    let answer = answer(&session, offer).await.inspect_err(|_| sessions.forget(&session))?;
    let answer = sessions.paths.filter(answer);
    Ok(axum::Json(Answered { session: session.id.clone(), answer }))
}

async fn answer(session: &Session, offer: SessionDescription) -> Result<SessionDescription, Refusal> {
    session.pc.set_remote_description(offer).await.map_err(Refusal::of)?;
    crate::echo::prepare(&session.pc);
    session.pc.set_local_description(None).await.map_err(Refusal::of)?;
    session.pc.local_description().ok_or_else(|| Refusal::of("the connection is closed"))
}

async fn make_offer(State(sessions): State<Sessions>) -> Result<axum::Json<Offered>, Refusal> {
    let session = sessions.open().await?;
    let offer = offer(&session).await.inspect_err(|_| sessions.forget(&session))?;
    let offer = sessions.paths.filter(offer);
    Ok(axum::Json(Offered { session: session.id.clone(), offer }))
}

async fn offer(session: &Arc<Session>) -> Result<SessionDescription, Refusal> {
    let hello = session.pc.create_data_channel("hello", DataChannelInit::default()).map_err(Refusal::of)?;
    tokio::spawn(crate::channels::greet(hello));
    session.pc.set_local_description(None).await.map_err(Refusal::of)?;
    session.pc.local_description().ok_or_else(|| Refusal::of("the connection is closed"))
}

async fn take_answer(
    State(sessions): State<Sessions>,
    Path(id): Path<String>,
    Json(answer): Json<SessionDescription>,
) -> Result<StatusCode, Refusal> {
    let session = sessions.find(&id)?;
    expect(&answer, SdpType::Answer)?;
    let answer = sessions.paths.filter(answer);
    session.pc.set_remote_description(answer).await.map_err(Refusal::of)?;
    Ok(StatusCode::NO_CONTENT)
}

fn expect(description: &SessionDescription, wanted: SdpType) -> Result<(), Refusal> {
    if description.kind == wanted {
        return Ok(());
    }
    Err(Refusal::of(format!("this takes an {wanted}, not an \"{}\"", description.kind)))
}

async fn take_candidate(
    State(sessions): State<Sessions>,
    Path(id): Path<String>,
    Json(candidate): Json<Option<IceCandidateInit>>,
) -> Result<StatusCode, Refusal> {
    let session = sessions.find(&id)?;
    if candidate.as_ref().is_none_or(|one| sessions.paths.allow(&one.candidate)) {
        session.pc.add_ice_candidate(candidate.as_ref()).await.map_err(Refusal::of)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn give_candidates(
    State(sessions): State<Sessions>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Refusal> {
    let mut found = sessions.find(&id)?.candidates.subscribe();
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        for next in 0.. {
            // Ends with the session, whose task holds the other side.
            let Ok(list) = found.wait_for(|list| list.len() > next).await.map(|list| list.clone()) else {
                return;
            };
            if sender.send(list[next].clone()).await.is_err() || list[next].is_none() {
                return;
            }
        }
    });
    Ok(Sse::new(Events(receiver)).keep_alive(KeepAlive::default()))
}

async fn hang_up(State(sessions): State<Sessions>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let session = sessions.find(&id)?;
    sessions.forget(&session);
    session.pc.close().await;
    Ok(StatusCode::NO_CONTENT)
}

/// What the page's `EventSource` reads: each in JSON.
pub(crate) struct Events<T>(pub(crate) mpsc::Receiver<T>);

impl<T: Serialize> Stream for Events<T> {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|next| {
            let json = serde_json::to_string(&next?).unwrap_or_else(|_| "null".to_owned());
            Some(Ok(Event::default().data(json)))
        })
    }
}
