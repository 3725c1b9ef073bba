//! Who vouches for us, and who the peer is (RFC 8827 §7, W3C Identity for WebRTC).
//!
//! The connection says what has to be vouched for, and checks what was: that an assertion is about the certificates of
//! the description that carries it, and that a provider speaks for its own domain alone. It reaches no provider: drivers
//! do ([`IoRequest::Identity`]). Tracks are labels here, so that isolating them is the application's business.

#[cfg(test)]
mod tests;

use crate::base::identity::{
    IdentityAnswer, IdentityErrorDetail, IdentityFailure, IdentityProvider, IdentityRequest,
};
use crate::base::io::{IoId, IoRequest, IoResponse};
use crate::base::queue::Queue;
use crate::base::time::{Instant, earliest};
use crate::base::w3c::ErrorKind;
use crate::peer::PeerConnection;
use crate::peer::event::Event;
use crate::peer::links::NO_LINK;
use crate::signaling::description::SessionDescription;
use crate::signaling::error::{CreateDescriptionError, SetDescriptionError};
use crate::signaling::identity::IdentityClaim;
use crate::signaling::state::SdpType;
use crate::wire::fingerprint::Fingerprint;
use crate::wire::identity::{IdentityAssertion, contents_of, is_domain, is_protocol, parse_contents};
use std::time::Duration;
use thiserror::Error;

/// W3C Identity §5.2: how long a provider may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// `RTCIdentityProviderOptions`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityProviderOptions {
    /// `protocol`: which of the provider's. Default `default`.
    pub protocol: Option<String>,
    /// `usernameHint`: who we say we are. Default: the provider knows.
    pub username_hint: Option<String>,
    /// `peerIdentity`: whom we talk to. Default: nobody in particular.
    pub peer_identity: Option<String>,
}

/// `RTCIdentityAssertion`: who the peer is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerIdentity {
    /// `idp`: the domain that says so.
    pub idp: String,
    /// `name`: `user@domain`.
    pub name: String,
}

/// `RTCIdentityErrorEvent`: whose answer failed, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IdpError {
    /// Who was asked; without a domain when the peer's description does not say.
    pub provider: IdentityProvider,
    /// What went wrong.
    pub failure: IdentityFailure,
}

/// Why a verb about identity refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The connection is closed.
    #[error("the connection is closed; use a new one")]
    Closed,
    /// The domain cannot be the host of a URL.
    #[error("the identity provider's domain is no host name")]
    Domain,
    /// The protocol would lead elsewhere.
    #[error("the identity provider's protocol has characters that it may not have")]
    Protocol,
    /// There is nobody to ask.
    #[error("no identity provider is set")]
    NoProvider,
    /// The description has no `a=identity`.
    #[error("the description claims no identity")]
    NoAssertion,
}

impl IdentityError {
    /// The exception that a browser would throw.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Closed | Self::NoProvider => ErrorKind::InvalidState,
            Self::Domain | Self::Protocol => ErrorKind::Syntax,
            Self::NoAssertion => ErrorKind::Operation,
        }
    }
}

/// What a connection knows of identities.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// Who vouches for us.
    provider: Option<(IdentityProvider, IdentityProviderOptions)>,
    assertion: Ours,
    /// The check of the peer that is under way, one at a time.
    check: Option<Check>,
    validated: Option<Validated>,
    peer: Option<PeerIdentity>,
    login_url: Option<String>,
    error_info: Option<String>,
    requests: Queue<IoRequest>,
    next: u64,
}

/// How far our assertion is.
#[derive(Debug, Default)]
enum Ours {
    #[default]
    Absent,
    Asked(Asked),
    /// The value of `a=identity`.
    Ready(String),
}

/// A request that a provider has.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: IoId,
    deadline: Instant,
}

/// What the peer claims, and who was asked about it.
#[derive(Debug)]
struct Check {
    asked: Asked,
    provider: IdentityProvider,
    claim: IdentityClaim,
}

/// What a provider said that it holds.
#[derive(Debug)]
struct Validated {
    assertion: String,
    fingerprints: Vec<Fingerprint>,
}

impl Validated {
    /// Whether the claim is this one, about certificates that it is about.
    fn covers(&self, claim: &IdentityClaim) -> bool {
        claim.assertion.as_ref() == Some(&self.assertion)
            && claim.fingerprints.iter().all(|fingerprint| self.fingerprints.contains(fingerprint))
    }
}

impl Identity {
    /// The value of `a=identity` for our descriptions.
    pub fn assertion(&self) -> Option<&str> {
        match &self.assertion {
            Ours::Ready(value) => Some(value),
            Ours::Absent | Ours::Asked(_) => None,
        }
    }

    /// W3C Identity §5.1: no description without the assertion that it is to have.
    pub const fn ready(&self) -> Result<(), CreateDescriptionError> {
        match (&self.provider, &self.assertion) {
            (None, _) | (_, Ours::Ready(_)) => Ok(()),
            _ => Err(CreateDescriptionError::NoIdentityAssertion),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let ours = match &self.assertion {
            Ours::Asked(asked) => Some(asked.deadline),
            Ours::Absent | Ours::Ready(_) => None,
        };
        earliest([ours, self.check.as_ref().map(|check| check.asked.deadline)])
    }

    /// Nothing is to be heard of any provider any more.
    pub fn close(&mut self) {
        (self.assertion, self.check) = (Ours::Absent, None);
        self.requests.clear();
    }

    fn ask(&mut self, now: Instant, request: IdentityRequest) -> Asked {
        let id = IoId(NO_LINK | self.next);
        self.next += 1;
        self.requests.push(IoRequest::Identity { id, request: Box::new(request) });
        Asked { id, deadline: now + PATIENCE }
    }

    fn note(&mut self, failure: &IdentityFailure) {
        if failure.detail == IdentityErrorDetail::NeedLogin {
            self.login_url.clone_from(&failure.login_url);
        }
        self.error_info = Some(failure.text.clone());
    }
}

impl PeerConnection {
    /// Names who vouches for us (`setIdentityProvider`). Descriptions are created once it has:
    /// [`get_identity_assertion`](Self::get_identity_assertion).
    ///
    /// # Errors
    ///
    /// [`IdentityError`]: closed, or a provider that cannot be.
    pub fn set_identity_provider(
        &mut self,
        domain: &str,
        options: IdentityProviderOptions,
    ) -> Result<(), IdentityError> {
        if self.is_closed() {
            return Err(IdentityError::Closed);
        }
        if !is_domain(domain) {
            return Err(IdentityError::Domain);
        }
        let protocol = options.protocol.as_deref().unwrap_or(IdentityProvider::DEFAULT_PROTOCOL);
        // W3C Identity §5: `/` and `\` would leave the place where protocols are.
        if !is_protocol(protocol) {
            return Err(IdentityError::Protocol);
        }
        let provider = IdentityProvider { domain: domain.to_owned(), protocol: protocol.to_owned() };
        let new = Some((provider, options));
        let identity = self.identity.get_or_insert_default();
        if identity.provider != new {
            identity.provider = new;
            identity.assertion = Ours::Absent;
        }
        Ok(())
    }

    /// Has the provider vouch for our certificate (`getIdentityAssertion`). What comes of it is
    /// [`Event::IdentityResult`] or [`Event::IdpAssertionError`]; an assertion that is there is said again.
    ///
    /// # Errors
    ///
    /// [`IdentityError`]: closed, or there is no provider.
    pub fn get_identity_assertion(&mut self, now: Instant) -> Result<(), IdentityError> {
        let now = self.tick(now);
        if self.is_closed() {
            return Err(IdentityError::Closed);
        }
        let identity = self.identity.as_mut().ok_or(IdentityError::NoProvider)?;
        let (provider, options) = identity.provider.clone().ok_or(IdentityError::NoProvider)?;
        match &identity.assertion {
            Ours::Ready(value) => self.events.push(Event::IdentityResult(value.as_str().into())),
            Ours::Asked(_) => {}
            Ours::Absent => {
                let request = IdentityRequest::Generate {
                    provider,
                    contents: contents_of(&self.fingerprints),
                    username_hint: options.username_hint,
                    peer_identity: options.peer_identity,
                };
                identity.assertion = Ours::Asked(identity.ask(now, request));
            }
        }
        Ok(())
    }

    /// Has the provider that a description of the peer names say whether it is who it claims to be. What comes of it is
    /// [`Event::PeerIdentity`] or [`Event::IdpValidationError`].
    ///
    /// [`set_remote_description`](Self::set_remote_description) asks for this by itself as long as the peer may be anyone. Once
    /// it has to be somebody (`peer_identity` of the configuration, or who it was before), its descriptions are set after
    /// they were validated.
    ///
    /// # Errors
    ///
    /// [`IdentityError`]: closed, or nothing is claimed.
    pub fn validate_identity(
        &mut self,
        now: Instant,
        description: &SessionDescription,
    ) -> Result<(), IdentityError> {
        let now = self.tick(now);
        if self.is_closed() {
            return Err(IdentityError::Closed);
        }
        let claim = IdentityClaim::read(&description.sdp);
        if claim.assertion.is_none() {
            return Err(IdentityError::NoAssertion);
        }
        let is_known = self.validated().is_some_and(|validated| validated.covers(&claim));
        match self.peer_identity().filter(|_| is_known).cloned() {
            Some(peer) => self.events.push(Event::PeerIdentity(Box::new(peer))),
            None => self.check_claim(now, claim),
        }
        Ok(())
    }

    /// Who the peer is (`peerIdentity`), once that was validated.
    #[must_use]
    pub fn peer_identity(&self) -> Option<&PeerIdentity> {
        self.identity.as_ref()?.peer.as_ref()
    }

    /// Where the user of our provider can log in (`idpLoginUrl`), when it asked for that.
    #[must_use]
    pub fn idp_login_url(&self) -> Option<&str> {
        self.identity.as_ref()?.login_url.as_deref()
    }

    /// What a provider said of its last failure (`idpErrorInfo`).
    #[must_use]
    pub fn idp_error_info(&self) -> Option<&str> {
        self.identity.as_ref()?.error_info.as_deref()
    }

    /// Whether an identity provider was asked and has not answered: for our assertion, or for who the peer is.
    #[must_use]
    pub fn awaits_identity(&self) -> bool {
        self.identity_deadline().is_some()
    }

    /// Who the peer has to be.
    fn target_identity(&self) -> Option<&str> {
        let known = self.peer_identity().map(|peer| peer.name.as_str());
        self.configuration.peer_identity.as_deref().or(known)
    }

    // W3C Identity §5.2: with a target, a description waits for its validation.
    pub(super) fn admit_identity(&self, description: &SessionDescription) -> Result<(), SetDescriptionError> {
        if description.kind == SdpType::Rollback || self.is_closed() || self.target_identity().is_none() {
            return Ok(());
        }
        let claim = IdentityClaim::read(&description.sdp);
        match self.validated() {
            Some(validated) if validated.covers(&claim) => Ok(()),
            _ => Err(SetDescriptionError::IdentityNotValidated),
        }
    }

    /// A description was set that may have an assertion: without a target, that is checked while all goes on.
    pub(super) fn check_description(&mut self, now: Instant, sdp: &str) {
        let claim = IdentityClaim::read(sdp);
        if claim.assertion.is_none() {
            return;
        }
        let known = self.validated().is_some_and(|validated| validated.covers(&claim));
        let check = self.identity.as_ref().and_then(|identity| identity.check.as_ref());
        if !known && check.is_none_or(|check| check.claim != claim) {
            self.check_claim(now, claim);
        }
    }

    fn check_claim(&mut self, now: Instant, claim: IdentityClaim) {
        let value = claim.assertion.as_deref().unwrap_or("");
        match IdentityAssertion::parse(value) {
            Ok(IdentityAssertion { provider, assertion }) => {
                let request = IdentityRequest::Validate { provider: provider.clone(), assertion };
                let identity = self.identity.get_or_insert_default();
                let asked = identity.ask(now, request);
                identity.check = Some(Check { asked, provider, claim });
            }
            Err(error) => {
                let provider = IdentityProvider { domain: String::new(), protocol: String::new() };
                self.not_validated(provider, failed(IdentityErrorDetail::TokenInvalid, error.to_string()));
            }
        }
    }

    /// Whether a response is a provider's, which is taken then.
    pub(super) fn take_identity(&mut self, id: IoId, response: IoResponse) -> Option<IoResponse> {
        if id.0 & NO_LINK != NO_LINK {
            return Some(response);
        }
        let answer = match response {
            IoResponse::Identity(answer) => *answer,
            IoResponse::Failed(words) => Err(failed(IdentityErrorDetail::Load, words)),
            _ => Err(failed(IdentityErrorDetail::Execution, "the driver answered something else")),
        };
        let identity = self.identity.as_mut()?;
        if matches!(&identity.assertion, Ours::Asked(asked) if asked.id == id) {
            self.asserted(answer);
        } else if let Some(check) = identity.check.take_if(|check| check.asked.id == id) {
            self.conclude(check, answer);
        }
        None
    }

    /// Gives up on providers that take too long.
    pub(super) fn time_out_identity(&mut self, now: Instant) {
        let late = || Err(failed(IdentityErrorDetail::Timeout, "the identity provider took too long"));
        let Some(identity) = &mut self.identity else { return };
        let check = identity.check.take_if(|check| check.asked.deadline <= now);
        if matches!(&identity.assertion, Ours::Asked(asked) if asked.deadline <= now) {
            self.asserted(late());
        }
        if let Some(check) = check {
            self.conclude(check, late());
        }
    }

    /// What a provider is to be asked.
    pub(super) fn identity_request(&mut self) -> Option<IoRequest> {
        self.identity.as_mut()?.requests.pop()
    }

    /// When a provider has taken too long.
    pub(super) fn identity_deadline(&self) -> Option<Instant> {
        self.identity.as_ref()?.deadline()
    }

    fn validated(&self) -> Option<&Validated> {
        self.identity.as_ref()?.validated.as_ref()
    }

    fn asserted(&mut self, answer: Result<IdentityAnswer, IdentityFailure>) {
        let answer = match answer {
            Ok(IdentityAnswer::Asserted { provider, assertion }) => Ok((provider, assertion)),
            Ok(_) => Err(failed(IdentityErrorDetail::Execution, "the provider answered something else")),
            Err(failure) => Err(failure),
        };
        let identity = self.identity.get_or_insert_default();
        match answer {
            Ok((provider, assertion)) => {
                let value = IdentityAssertion { provider, assertion }.to_text();
                self.events.push(Event::IdentityResult(value.as_str().into()));
                identity.assertion = Ours::Ready(value);
            }
            Err(failure) => {
                identity.assertion = Ours::Absent;
                identity.note(&failure);
                if let Some((provider, _)) = &identity.provider {
                    let error = IdpError { provider: provider.clone(), failure };
                    self.events.push(Event::IdpAssertionError(Box::new(error)));
                }
            }
        }
    }

    fn conclude(&mut self, check: Check, answer: Result<IdentityAnswer, IdentityFailure>) {
        let Check { provider, claim, .. } = check;
        match answer.and_then(|answer| validated(&provider, &claim, answer, self.target_identity())) {
            Ok((name, fingerprints)) => {
                let assertion = claim.assertion.unwrap_or_default();
                let peer = PeerIdentity { idp: provider.domain, name };
                self.events.push(Event::PeerIdentity(Box::new(peer.clone())));
                let identity = self.identity.get_or_insert_default();
                identity.validated = Some(Validated { assertion, fingerprints });
                identity.peer = Some(peer);
            }
            Err(failure) => self.not_validated(provider, failure),
        }
    }

    fn not_validated(&mut self, provider: IdentityProvider, failure: IdentityFailure) {
        self.identity.get_or_insert_default().note(&failure);
        self.events.push(Event::IdpValidationError(Box::new(IdpError { provider, failure })));
    }
}

fn failed(detail: IdentityErrorDetail, text: impl Into<String>) -> IdentityFailure {
    IdentityFailure::new(detail, text)
}

/// The peer's name, and the certificates that the assertion is about.
fn validated(
    provider: &IdentityProvider,
    claim: &IdentityClaim,
    answer: IdentityAnswer,
    target: Option<&str>,
) -> Result<(String, Vec<Fingerprint>), IdentityFailure> {
    let invalid = |text: &str| Err(failed(IdentityErrorDetail::TokenInvalid, text));
    let IdentityAnswer::Validated { identity, contents } = answer else {
        return Err(failed(IdentityErrorDetail::Execution, "the provider answered something else"));
    };
    // RFC 8827 §8: a provider speaks for its own domain.
    let is_own =
        |(user, domain): (&str, &str)| !user.is_empty() && domain.eq_ignore_ascii_case(provider.host());
    if !identity.rsplit_once('@').is_some_and(is_own) {
        return invalid("the name is not of the provider's domain");
    }
    // RFC 8827 §7.4: all certificates of the description are among those that were asserted.
    let Ok(fingerprints) = parse_contents(&contents) else {
        return invalid("the assertion is not about certificates");
    };
    let covered = claim.fingerprints.iter().all(|fingerprint| fingerprints.contains(fingerprint));
    if claim.fingerprints.is_empty() || !covered {
        return invalid("the assertion is about other certificates");
    }
    if target.is_some_and(|target| target != identity) {
        return invalid("the peer is somebody else");
    }
    Ok((identity, fingerprints))
}
