//! The operations chain of W3C (webrtc-pc §4.4.1.2): verbs that wait for something, and those that wait for them.
//!
//! What is waited for are identity providers alone: the core does everything else at once.

use crate::connection::PeerConnection;
use crate::state::{Phase, State};
use purertc::{CreateDescriptionError, Instant, SessionDescription};
use tokio::sync::MutexGuard;

impl PeerConnection {
    /// The turn of an operation, in the order of the calls. Dropping the future gives it up.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.lease.operations.lock().await
    }

    /// Creates a description in its turn, with the assertion that it is to have.
    pub(crate) async fn create(
        &self,
        verb: impl Fn(&mut purertc::PeerConnection) -> Result<SessionDescription, CreateDescriptionError>,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        self.assured(|state, _| verb(&mut state.core), asks_for_assertion).await
    }

    /// Does a verb in its turn. Where it fails for what `asks` an identity provider for, it is done anew once that has
    /// answered.
    pub(crate) async fn assured<R, E>(
        &self,
        verb: impl Fn(&mut State<'_>, Instant) -> Result<R, E>,
        asks: impl Fn(&E, &mut State<'_>, Instant) -> bool,
    ) -> Result<R, E> {
        let _turn = self.turn().await;
        let (result, waits) = self.seat().act(|state, now| {
            let result = verb(state, now);
            let waits = result.as_ref().is_err_and(|error| asks(error, state, now));
            (result, waits)
        });
        if !waits {
            return result;
        }
        // The core gives up by itself, after 15 seconds.
        self.watch(|state| (!state.core.awaits_identity() || state.phase() != Phase::Open).then_some(()))
            .await;
        self.seat().act(|state, now| verb(state, now))
    }
}

/// Asks our provider to vouch for us, if that is what is missing.
pub(crate) fn asks_for_assertion(
    error: &CreateDescriptionError,
    state: &mut State<'_>,
    now: Instant,
) -> bool {
    *error == CreateDescriptionError::NoIdentityAssertion && state.core.get_identity_assertion(now).is_ok()
}
