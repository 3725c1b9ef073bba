//! One connection, as an HTTP resource: its candidates and restarts come by PATCH, its end by DELETE.

use crate::fragment::Fragment;
use crate::http::Refusal;
use crate::room::Room;
use axum::http::StatusCode;
use purertc_tokio::{PeerConnection, SessionDescription};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A publisher's or a viewer's connection.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) number: u64,
    pub(crate) pc: PeerConnection,
    pub(crate) room: Arc<Room>,
    /// Counts the generations of ICE; candidates are for one of them.
    generation: AtomicU64,
}

impl Session {
    pub(crate) fn new(number: u64, pc: PeerConnection, room: Arc<Room>) -> Self {
        Self { number, pc, room, generation: AtomicU64::new(1) }
    }

    /// `ETag`: the generation.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}\"", self.generation.load(Ordering::Relaxed))
    }

    /// RFC 9725 §4.3.1: candidates that the peer found later.
    pub(crate) async fn trickle(&self, fragment: &Fragment) -> Result<(), Refusal> {
        for candidate in &fragment.candidates {
            self.pc.add_ice_candidate(Some(candidate)).await.map_err(Refusal::of)?;
        }
        if fragment.is_last {
            self.pc.add_ice_candidate(None).await.map_err(Refusal::of)?;
        }
        Ok(())
    }

    /// RFC 9725 §4.3.2: the peer restarts ICE. What we say to that.
    pub(crate) async fn restart(&self, fragment: &Fragment) -> Result<String, Refusal> {
        let offer = self.pc.remote_description().and_then(|last| fragment.restart(last));
        let no_credentials =
            || Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "a restart needs new credentials");
        let answer = answer(&self.pc, offer.ok_or_else(no_credentials)?, || ()).await?;
        self.generation.fetch_add(1, Ordering::Relaxed);
        Ok(Fragment::of(&answer))
    }
}

/// Answers an offer, with every candidate; `prepare` may change what the answer says.
pub(crate) async fn answer(
    pc: &PeerConnection,
    offer: SessionDescription,
    prepare: impl FnOnce(),
) -> Result<SessionDescription, Refusal> {
    pc.set_remote_description(offer).await.map_err(Refusal::of)?;
    prepare();
    pc.set_local_description(None).await.map_err(Refusal::of)?;
    // RFC 9725 §4.3.1: the server's candidates are in its answer, for there is no way to send others.
    pc.gathering_complete().await;
    pc.local_description().ok_or_else(|| Refusal::of("the connection is closed"))
}
