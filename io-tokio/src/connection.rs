//! The handle of a connection.

use crate::channel::DataChannel;
use crate::endpoint::Endpoint;
use crate::error::{ConnectionLost, SetupError};
use crate::event::Event;
use crate::operations::asks_for_assertion;
use crate::sequences::EventStream;
use crate::settings::Settings;
use crate::state::{Phase, Seat, State};
use purertc::{
    AddIceCandidateError, AnswerOptions, CreateDataChannelError, CreateDescriptionError, DataChannelInit,
    Event as CoreEvent, IceCandidateInit, IceConnectionState, IceGatheringState, Instant,
    LocalDescriptionInit, OfferOptions, PeerConnectionState, SessionDescription, SetDescriptionError,
    SignalingState,
};
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::Mutex;

/// `RTCPeerConnection` on tokio. A handle: clones are the same connection, from any task or thread.
///
/// Verbs carry their W3C names. Those that W3C makes promises of are `async`; they are done on their first poll, unless an
/// identity provider has to be waited for. Meanwhile the others of W3C's operations chain wait for their turn, in order.
/// See the [crate's page](crate) for cancel safety, slow readers and the end.
#[derive(Clone)]
pub struct PeerConnection {
    pub(crate) lease: Arc<Lease>,
}

/// Shared by every handle of a connection, channels among them, and by nobody else: when it goes, so does the
/// connection.
pub(crate) struct Lease {
    pub(crate) seat: Seat,
    /// Held by the operation whose turn it is.
    pub(crate) operations: Mutex<()>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.seat.shared.with(|group, now| group.leave(self.seat.id, now));
    }
}

impl fmt::Debug for PeerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConnection")
            .field("connection_state", &self.connection_state())
            .field("signaling_state", &self.signaling_state())
            .finish_non_exhaustive()
    }
}

impl PeerConnection {
    /// A connection with sockets of its own: one on each interface, or as the settings say. Takes a
    /// [`Configuration`](crate::Configuration) or [`Settings`].
    ///
    /// Its driver runs as a task of the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// [`SetupError`]: settings that cannot be, no socket, no runtime.
    pub async fn new(settings: impl Into<Settings>) -> Result<Self, SetupError> {
        Endpoint::alone(settings.into())
    }

    pub(crate) fn at(seat: Seat) -> Self {
        Self { lease: Arc::new(Lease { seat, operations: Mutex::new(()) }) }
    }

    pub(crate) fn seat(&self) -> &Seat {
        &self.lease.seat
    }

    fn ask<R>(&self, look: impl FnOnce(&purertc::PeerConnection) -> R) -> R {
        self.seat().look(look)
    }

    /// Makes a data channel (`createDataChannel`). The first one asks for negotiation.
    ///
    /// # Errors
    ///
    /// [`CreateDataChannelError`] says which option cannot be.
    pub fn create_data_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, CreateDataChannelError> {
        let (id, facts) = self.seat().act(|state, _| {
            let id = state.core.create_data_channel(label, init)?;
            state.adopt(id);
            Ok((id, state.facts(id).ok_or(CreateDataChannelError::Closed)?))
        })?;
        Ok(DataChannel::new(self.lease.clone(), id, facts))
    }

    /// An offer of everything that was asked for so far (`createOffer`). Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`CreateDescriptionError`] when closed, or while a remote offer waits for its answer.
    pub async fn create_offer(
        &self,
        options: OfferOptions,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        self.create(move |core| core.create_offer(options)).await
    }

    /// Asks for new ICE credentials in the next offer (`restartIce`), as after a change of networks: a path is
    /// looked for anew, and data goes on along the present one until another is found.
    pub fn restart_ice(&self) {
        self.seat().act(|state, _| state.core.restart_ice());
    }

    /// An answer to the remote offer (`createAnswer`). Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`CreateDescriptionError`] when closed, or when there is no remote offer.
    pub async fn create_answer(
        &self,
        options: AnswerOptions,
    ) -> Result<SessionDescription, CreateDescriptionError> {
        self.create(move |core| core.create_answer(options)).await
    }

    /// Sets what was created last; `None` creates on the spot the offer or answer that is wanted
    /// (`setLocalDescription`). Gathering begins.
    ///
    /// # Errors
    ///
    /// [`SetDescriptionError`]; nothing has changed then.
    pub async fn set_local_description(
        &self,
        description: Option<LocalDescriptionInit>,
    ) -> Result<(), SetDescriptionError> {
        let set = |state: &mut State<'_>, now| state.core.set_local_description(now, description.clone());
        self.assured(set, |error, state, now| match error {
            SetDescriptionError::Create(error) => asks_for_assertion(error, state, now),
            _ => false,
        })
        .await
    }

    /// Sets what the peer sent (`setRemoteDescription`). An offer that crosses our own rolls ours back. Where the peer has to
    /// be somebody (`peer_identity`), this waits until the provider that it names has said that it is.
    ///
    /// # Errors
    ///
    /// [`SetDescriptionError`]; nothing has changed then.
    pub async fn set_remote_description(
        &self,
        description: SessionDescription,
    ) -> Result<(), SetDescriptionError> {
        let set = |state: &mut State<'_>, now| state.core.set_remote_description(now, description.clone());
        self.assured(set, |error, state, now| {
            *error == SetDescriptionError::IdentityNotValidated
                && state.core.validate_identity(now, &description).is_ok()
        })
        .await
    }

    /// Takes a candidate that the peer trickled (`addIceCandidate`). `None`, or an empty candidate: there are no
    /// more.
    ///
    /// # Errors
    ///
    /// [`AddIceCandidateError`]; nothing has changed then.
    pub async fn add_ice_candidate(
        &self,
        candidate: Option<&IceCandidateInit>,
    ) -> Result<(), AddIceCandidateError> {
        let _turn = self.turn().await;
        self.seat().act(|state, now| state.core.add_ice_candidate(now, candidate))
    }

    /// The local description, pending or current, with the candidates found so far (`localDescription`).
    #[must_use]
    pub fn local_description(&self) -> Option<SessionDescription> {
        self.ask(|core| core.local_description().cloned())
    }

    /// The remote description, pending or current (`remoteDescription`).
    #[must_use]
    pub fn remote_description(&self) -> Option<SessionDescription> {
        self.ask(|core| core.remote_description().cloned())
    }

    /// `signalingState`.
    #[must_use]
    pub fn signaling_state(&self) -> SignalingState {
        self.ask(purertc::PeerConnection::signaling_state)
    }

    /// `iceGatheringState`.
    #[must_use]
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.ask(purertc::PeerConnection::ice_gathering_state)
    }

    /// `iceConnectionState`.
    #[must_use]
    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.ask(purertc::PeerConnection::ice_connection_state)
    }

    /// `connectionState`.
    #[must_use]
    pub fn connection_state(&self) -> PeerConnectionState {
        self.ask(purertc::PeerConnection::connection_state)
    }

    /// Looks at the core: statistics, the selected pair, certificates, descriptions. The connection stands still
    /// meanwhile, so look briefly; and do not use a handle of this connection inside, for that would wait for itself.
    pub fn inspect<R>(&self, look: impl FnOnce(&purertc::PeerConnection) -> R) -> R {
        self.ask(look)
    }

    /// The next event, oldest first; `None` once the connection is closed.
    ///
    /// Cancel-safe. Each event goes to one reader, if there are several.
    pub async fn next_event(&self) -> Option<Event> {
        poll_fn(|cx| self.poll_next_event(cx)).await
    }

    /// [`next_event`](Self::next_event) by hand.
    pub fn poll_next_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            let (event, facts) = std::task::ready!(self.seat().with(|state, _| {
                state.poll_event(cx).map(|event| {
                    let facts = match event {
                        Some(CoreEvent::DataChannel(id)) => state.facts(id),
                        _ => None,
                    };
                    (event, facts)
                })
            }));
            let Some(event) = event else { return Poll::Ready(None) };
            let channel = match (&event, facts) {
                (CoreEvent::DataChannel(id), Some(facts)) => {
                    Some(DataChannel::new(self.lease.clone(), *id, facts))
                }
                _ => None,
            };
            if let Some(event) = Event::from_core(event, channel) {
                return Poll::Ready(Some(event));
            }
        }
    }

    /// The events, as a `Stream` of `futures`. Each event goes to one reader, if there are several.
    #[must_use]
    pub fn events(&self) -> EventStream {
        EventStream::new(self.clone())
    }

    /// Waits until every candidate is found, so that [`local_description`](Self::local_description) holds them
    /// all; or until the connection is closed. Needs a local description first.
    ///
    /// Cancel-safe.
    pub async fn gathering_complete(&self) {
        self.watch(|state| {
            let complete = state.core.ice_gathering_state() == IceGatheringState::Complete;
            (complete || state.phase() != Phase::Open).then_some(())
        })
        .await;
    }

    /// Waits until the connection is ready for data.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`ConnectionLost`] when it failed or was closed.
    pub async fn connected(&self) -> Result<(), ConnectionLost> {
        self.wait_for(PeerConnectionState::Connected).await
    }

    /// Waits for a state. One that passes faster than this task can look may be missed; events tell all of them.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`ConnectionLost`] when another final state, `failed` or `closed`, was reached instead.
    pub async fn wait_for(&self, wanted: PeerConnectionState) -> Result<(), ConnectionLost> {
        self.watch(|state| match state.core.connection_state() {
            reached if reached == wanted => Some(Ok(())),
            PeerConnectionState::Closed => Some(Err(ConnectionLost::Closed)),
            PeerConnectionState::Failed => Some(Err(ConnectionLost::Failed)),
            _ => None,
        })
        .await
    }

    /// Closes the connection (`close`) and waits until the peer was told and the sockets are closed: one second at
    /// most. Messages that wait to be sent are lost; close their channels first, or let go of the connection
    /// instead.
    ///
    /// Cancel-safe: closing begins on the first poll.
    pub async fn close(&self) {
        self.seat().act(|state, now| {
            state.close(now);
        });
        self.watch(|state| (state.phase() == Phase::Done).then_some(())).await;
    }

    pub(crate) async fn watch<R>(&self, look: impl Fn(&State<'_>) -> Option<R>) -> R {
        poll_fn(|cx| self.seat().with(|state, _: Instant| state.poll_watch(cx, &look))).await
    }
}
