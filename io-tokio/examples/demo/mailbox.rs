//! Where the example `files` leaves its offers for the pages that are open: `files send --to http://127.0.0.1:8080 FILE…`.
//! The bytes go from that terminal to the page, not through here.

use crate::signaling::{Events, Json, Refusal};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::sse::{KeepAlive, Sse};
use axum::routing::{get, post};
use purertc_tokio::SessionDescription;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;

/// How long an offer waits for a page to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Offers that wait at once.
const MAX_OFFERS: usize = 64;

/// An offer, as pages get it.
#[derive(Clone, Debug, Serialize)]
struct Letter {
    id: u64,
    offer: SessionDescription,
}

/// The offers that wait.
#[derive(Debug)]
struct Mailbox {
    pages: broadcast::Sender<Letter>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    answers: HashMap<u64, oneshot::Sender<SessionDescription>>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn router() -> Router {
    let mailbox = Mailbox { pages: broadcast::channel(MAX_OFFERS).0, waiting: Mutex::default() };
    Router::new()
        .route("/offer", post(take_offer))
        .route("/api/files", get(deliver))
        .route("/api/files/{id}", post(take_answer))
        .with_state(Arc::new(mailbox))
}

async fn take_offer(
    State(mailbox): State<Arc<Mailbox>>,
    Json(offer): Json<SessionDescription>,
) -> Result<axum::Json<SessionDescription>, Refusal> {
    let refusal = |why: &str| Refusal(StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
    let (sender, answer) = oneshot::channel();
    let id = {
        let mut waiting = mailbox.lock();
        if waiting.answers.len() >= MAX_OFFERS {
            return Err(refusal("too many offers wait already"));
        }
        waiting.last += 1;
        let id = waiting.last;
        waiting.answers.insert(id, sender);
        id
    };
    let is_heard = mailbox.pages.send(Letter { id, offer }).is_ok();
    let answer = if is_heard { timeout(PATIENCE, answer).await.ok() } else { None };
    mailbox.lock().answers.remove(&id);
    let answer = answer.and_then(Result::ok);
    answer.map(axum::Json).ok_or_else(|| refusal("no page answers; open one first"))
}

/// Every offer that comes from now on, as server-sent events. First comes `null`: browsers do not say that a stream is open
/// before something came.
async fn deliver(State(mailbox): State<Arc<Mailbox>>) -> impl IntoResponse {
    let mut letters = mailbox.pages.subscribe();
    let (sender, receiver) = mpsc::channel(MAX_OFFERS);
    tokio::spawn(async move {
        let _ = sender.try_send(None); // There is room.
        loop {
            tokio::select! {
                letter = letters.recv() => match letter {
                    Ok(letter) => {
                        let _ = sender.try_send(Some(letter)); // A page that does not read answers nothing, either.
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                () = sender.closed() => return,
            }
        }
    });
    Sse::new(Events(receiver)).keep_alive(KeepAlive::default())
}

/// The first page that answers has it.
async fn take_answer(
    State(mailbox): State<Arc<Mailbox>>,
    Path(id): Path<u64>,
    Json(answer): Json<SessionDescription>,
) -> Result<StatusCode, Refusal> {
    let sender = mailbox.lock().answers.remove(&id);
    let gone =
        || Refusal(StatusCode::CONFLICT, "another page has answered, or nobody waits any more".to_owned());
    sender.ok_or_else(gone)?.send(answer).map_err(|_| gone())?;
    Ok(StatusCode::NO_CONTENT)
}
