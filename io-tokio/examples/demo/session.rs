//! One session per page: a peer connection, its candidates, and the task that reads its events.

use crate::channels;
use crate::echo;
use crate::paths::Paths;
use crate::signaling::Refusal;
use axum::http::StatusCode;
use purertc::DtlsTransportState;
use purertc_tokio::{Event, IceCandidateInit, PeerConnection, PeerConnectionState};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::info;

/// Sessions at once. Each has sockets.
const MAX_SESSIONS: usize = 64;
/// How long a page may take to connect.
const PATIENCE: Duration = Duration::from_secs(60);

/// One page's connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) pc: PeerConnection,
    /// Every local candidate so far; the last is `None`.
    pub(crate) candidates: watch::Sender<Vec<Option<IceCandidateInit>>>,
}

/// Every session, by id.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    pub(crate) paths: Arc<Paths>,
    open: Arc<Mutex<HashMap<String, Arc<Session>>>>,
}

impl Sessions {
    pub(crate) fn new(paths: Paths) -> Self {
        Self { paths: Arc::new(paths), open: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn open(&self) -> Result<Arc<Session>, Refusal> {
        let refusal = |why: String| Refusal(StatusCode::SERVICE_UNAVAILABLE, why);
        if self.lock().len() >= MAX_SESSIONS {
            return Err(refusal(format!("there are {MAX_SESSIONS} sessions already; close one")));
        }
        let pc =
            PeerConnection::new(self.paths.settings()).await.map_err(|error| refusal(error.to_string()))?;
        let id = new_id().map_err(|error| refusal(error.to_string()))?;
        let session = Arc::new(Session { id, pc, candidates: watch::channel(Vec::new()).0 });
        self.lock().insert(session.id.clone(), session.clone());
        info!(session = session.id, "opened");
        tokio::spawn(self.clone().run(session.clone()));
        Ok(session)
    }

    pub(crate) fn find(&self, id: &str) -> Result<Arc<Session>, Refusal> {
        let session = self.lock().get(id).cloned();
        session
            .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "there is no such session (any more)".to_owned()))
    }

    pub(crate) fn forget(&self, session: &Session) {
        if self.lock().remove(&session.id).is_some() {
            info!(session = session.id, "forgotten");
        }
    }

    pub(crate) async fn close_all(&self) {
        let all: Vec<Arc<Session>> = self.lock().drain().map(|(_, session)| session).collect();
        for session in all {
            session.pc.close().await;
        }
    }

    /// Reads a session's events until it is over.
    async fn run(self, session: Arc<Session>) {
        let never_connects = async {
            if timeout(PATIENCE, session.pc.connected()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = session.read_events(&self.paths) => {}
            () = never_connects => info!(session = session.id, "never connected"),
        }
        self.forget(&session);
        session.pc.close().await;
    }
}

impl Session {
    /// Until the connection failed or was closed, by whichever side.
    async fn read_events(self: &Arc<Self>, paths: &Paths) {
        while let Some(event) = self.pc.next_event().await {
            match event {
                Event::IceCandidate(candidate)
                    if candidate.as_ref().is_none_or(|one| paths.allow(&one.candidate)) =>
                {
                    self.candidates.send_modify(|list| list.push(candidate));
                }
                Event::IceCandidateError(error) => info!(session = self.id, ?error, "no candidate"),
                Event::DataChannel(channel) => {
                    info!(session = self.id, label = channel.label(), "channel");
                    tokio::spawn(channels::serve(self.clone(), channel));
                }
                Event::Rtp(packet) => echo::back(&self.pc, &packet),
                Event::KeyFrameRequest { sender, .. } => echo::ask_for_key_frame(&self.pc, sender),
                Event::ConnectionStateChange(state) => {
                    info!(session = self.id, %state, "connection");
                    if matches!(state, PeerConnectionState::Failed | PeerConnectionState::Closed) {
                        return;
                    }
                }
                Event::DtlsTransportStateChange(
                    _,
                    DtlsTransportState::Closed | DtlsTransportState::Failed,
                ) => {
                    return;
                }
                _ => {}
            }
        }
    }
}

/// 128 bits that nobody guesses: an id is all that it takes to speak for a session.
fn new_id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut id, byte| {
        // Writing to a string does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    }))
}
