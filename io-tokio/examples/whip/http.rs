//! The HTTP half.

use crate::fragment::Fragment;
use crate::room::Room;
use crate::session::{Session, answer};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, LOCATION, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use purertc_tokio::{Endpoint, SdpType, SessionDescription};
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");
/// No description of audio and video comes near.
const MAX_BODY: usize = 256 * 1024;
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything that is served.
#[derive(Debug)]
pub(crate) struct Server {
    endpoint: Endpoint,
    token: Option<String>,
    state: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    rooms: HashMap<String, Arc<Room>>,
    /// By a name that nobody guesses: it is all that it takes to end a session.
    sessions: HashMap<String, Arc<Session>>,
    last: u64,
}

/// Which side of a room a connection is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Publisher,
    Viewer,
}

impl Server {
    pub(crate) fn new(endpoint: Endpoint, token: Option<String>) -> Self {
        Self { endpoint, token, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, name: &str) -> Result<Arc<Session>, Refusal> {
        let session = self.lock().sessions.get(name).cloned();
        session.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "there is no such session (any more)"))
    }

    async fn open(self: Arc<Self>, room: String, side: Side, offer: String) -> Result<Response, Refusal> {
        let room_of = self.lock().rooms.entry(room.clone()).or_default().clone();
        let opened = self.clone().open_in(room_of, &room, side, offer).await;
        if opened.is_err() {
            self.sweep(&room);
        }
        opened
    }

    async fn open_in(
        self: Arc<Self>,
        room_of: Arc<Room>,
        room: &str,
        side: Side,
        offer: String,
    ) -> Result<Response, Refusal> {
        let number = {
            let mut state = self.lock();
            state.last += 1;
            state.last
        };
        if side == Side::Viewer && !room_of.has_publisher() {
            return Err(Refusal::new(StatusCode::CONFLICT, "nobody publishes here yet"));
        }
        let pc = self.endpoint.connection().map_err(Refusal::of)?;
        let offer = SessionDescription { kind: SdpType::Offer, sdp: offer };
        let prepare = || {
            if side == Side::Viewer {
                room_of.prepare(&pc);
            }
        };
        let answer = answer(&pc, offer, prepare).await?;
        match side {
            Side::Viewer => room_of.watch(number, &pc),
            Side::Publisher if room_of.publish(number, &pc) => {}
            Side::Publisher => {
                pc.close().await;
                return Err(Refusal::new(StatusCode::CONFLICT, "somebody publishes here already"));
            }
        }
        let name = format!("{:032x}", u128::from_ne_bytes(random().map_err(Refusal::of)?));
        let session = Arc::new(Session::new(number, pc, room_of));
        self.lock().sessions.insert(name.clone(), session.clone());
        let path = if side == Side::Publisher { "whip" } else { "whep" };
        let headers = [
            (CONTENT_TYPE, SDP.to_owned()),
            (LOCATION, format!("/{path}/{room}/{name}")),
            (ETAG, session.tag()),
            (ACCEPT_PATCH, FRAGMENT.to_owned()),
        ];
        let response = (StatusCode::CREATED, headers, answer.sdp).into_response();
        let room = room.to_owned();
        tokio::spawn(async move {
            let never_connects = async {
                if timeout(PATIENCE, session.pc.connected()).await.is_ok() {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                () = session.room.live(session.number, &session.pc) => {}
                () = never_connects => {}
            }
            self.end(&name, &room).await;
        });
        Ok(response)
    }

    /// Ends a session, whichever side wants that.
    async fn end(&self, name: &str, room: &str) {
        let Some(session) = self.lock().sessions.remove(name) else { return };
        session.room.leave(session.number).await;
        session.pc.close().await;
        self.sweep(room);
    }

    /// Forgets a room without anybody.
    fn sweep(&self, room: &str) {
        let mut state = self.lock();
        if state.rooms.get(room).is_some_and(|room| room.is_empty()) {
            state.rooms.remove(room);
        }
    }
}

fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A refusal, as `application/problem+json` (RFC 9457).
#[derive(Debug)]
pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    pub(crate) fn new(status: StatusCode, why: &str) -> Self {
        Self(status, why.to_owned())
    }

    pub(crate) fn of(error: impl Display) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "status": self.0.as_u16(), "title": self.1 });
        let mut response = (self.0, Json(body)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.0 == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(crate) fn router(server: Arc<Server>) -> Router {
    let resource = patch(change).delete(end);
    Router::new()
        .route("/whip/{room}", post(publish))
        .route("/whep/{room}", post(watch))
        .route("/whip/{room}/{session}", resource.clone())
        .route("/whep/{room}/{session}", resource)
        .route_layer(from_fn_with_state(server.clone(), guard))
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(server)
}

/// Who may, and from which pages: from all, for it is the token that says who.
async fn guard(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let bearer =
        request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let may = server.token.is_none() || server.token.as_deref() == bearer;
    let mut response = if request.method() == Method::OPTIONS {
        // RFC 9725 §4.2: what POST takes.
        (StatusCode::NO_CONTENT, [(ACCEPT_POST, SDP)]).into_response()
    } else if may {
        next.run(request).await
    } else {
        Refusal::new(StatusCode::UNAUTHORIZED, "say who you are: Authorization: Bearer …").into_response()
    };
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "POST, PATCH, DELETE, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, If-Match"),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "Location, ETag, Accept-Patch"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// The body, if it is what it has to be.
fn expect(headers: &HeaderMap, kind: &str) -> Result<(), Refusal> {
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if found.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &format!("this takes {kind}")))
}

async fn publish(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
    headers: HeaderMap,
    offer: String,
) -> Result<Response, Refusal> {
    expect(&headers, SDP)?;
    server.open(room, Side::Publisher, offer).await
}

async fn watch(
    State(server): State<Arc<Server>>,
    Path(room): Path<String>,
    headers: HeaderMap,
    offer: String,
) -> Result<Response, Refusal> {
    expect(&headers, SDP)?;
    server.open(room, Side::Viewer, offer).await
}

/// Candidates, or a restart of ICE (RFC 9725 §4.3).
async fn change(
    State(server): State<Arc<Server>>,
    Path((_, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, Refusal> {
    expect(&headers, FRAGMENT)?;
    let session = server.session(&name)?;
    let fragment = Fragment::parse(&body);
    let matches = headers.get(IF_MATCH).map(|value| value.to_str().unwrap_or_default());
    match matches {
        Some("*") => {
            let answer = session.restart(&fragment).await?;
            Ok((StatusCode::OK, [(CONTENT_TYPE, FRAGMENT.to_owned()), (ETAG, session.tag())], answer)
                .into_response())
        }
        Some(tag) if tag == session.tag() => {
            session.trickle(&fragment).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        Some(_) => Err(Refusal::new(StatusCode::PRECONDITION_FAILED, "another generation of ICE is in use")),
        None => Err(Refusal::new(StatusCode::PRECONDITION_REQUIRED, "say which generation of ICE: If-Match")),
    }
}

async fn end(
    State(server): State<Arc<Server>>,
    Path((room, name)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    server.session(&name)?;
    server.end(&name, &room).await;
    Ok(StatusCode::OK)
}
