//! Providers that vouch, refuse, lie and stay silent.

use crate::base::identity::{
    IdentityAnswer, IdentityErrorDetail, IdentityFailure, IdentityProvider, IdentityRequest,
};
use crate::base::io::{IoId, IoRequest, IoResponse};
use crate::base::time::Instant;
use crate::base::w3c::ErrorKind;
use crate::peer::identity::{IdentityError, IdentityProviderOptions, PATIENCE};
use crate::peer::{Configuration, Event, Init, OfferOptions, PeerConnection};
use crate::signaling::description::SessionDescription;
use crate::signaling::error::{CreateDescriptionError, SetDescriptionError};
use std::time::{Duration, SystemTime};

const NOW: Instant = Instant::ZERO;

fn peer(seed: u8, target: Option<&str>) -> PeerConnection {
    let configuration =
        Configuration { peer_identity: target.map(str::to_owned), ..Configuration::default() };
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut peer = PeerConnection::new(configuration, Init::new(NOW, date, [seed; 32])).unwrap();
    peer.create_data_channel("chat", crate::data::channel::DataChannelInit::default()).unwrap();
    peer
}

fn asked(peer: &mut PeerConnection) -> Option<(IoId, IdentityRequest)> {
    match peer.poll_io_request()? {
        IoRequest::Identity { id, request } => Some((id, *request)),
        other => panic!("{other:?}"),
    }
}

fn answer(peer: &mut PeerConnection, id: IoId, answer: Result<IdentityAnswer, IdentityFailure>) {
    peer.handle_io_response(NOW, id, IoResponse::Identity(Box::new(answer)));
}

/// The events that concern identity.
fn told(peer: &mut PeerConnection) -> Vec<Event> {
    let concerns = |event: &Event| {
        matches!(
            event,
            Event::IdentityResult(_)
                | Event::PeerIdentity(_)
                | Event::IdpAssertionError(_)
                | Event::IdpValidationError(_)
        )
    };
    std::iter::from_fn(|| peer.poll_event()).filter(concerns).collect()
}

fn failure_of(peer: &mut PeerConnection) -> IdentityErrorDetail {
    match &told(peer)[..] {
        [Event::IdpValidationError(error) | Event::IdpAssertionError(error)] => error.failure.detail,
        other => panic!("{other:?}"),
    }
}

/// An offer of alice's that her provider vouches for, and what it vouched for.
fn vouched_offer() -> (PeerConnection, SessionDescription, String) {
    let mut alice = peer(1, None);
    alice.set_identity_provider("idp.example:8443", IdentityProviderOptions::default()).unwrap();
    let early = alice.create_offer(OfferOptions::default()).unwrap_err();
    assert_eq!((early, early.kind()), (CreateDescriptionError::NoIdentityAssertion, ErrorKind::NotReadable));
    alice.get_identity_assertion(NOW).unwrap();
    alice.get_identity_assertion(NOW).unwrap();
    let Some((id, IdentityRequest::Generate { provider, contents, .. })) = asked(&mut alice) else {
        panic!("nobody was asked")
    };
    assert!(asked(&mut alice).is_none(), "asked twice");
    let digest = alice.fingerprints()[0].to_string();
    assert!(contents.contains(digest.split(' ').nth(1).unwrap()), "{contents}");
    answer(&mut alice, id, Ok(IdentityAnswer::Asserted { provider, assertion: "it is alice".to_owned() }));
    let [Event::IdentityResult(value)] = &told(&mut alice)[..] else { panic!("no result") };
    let offer = alice.create_offer(OfferOptions::default()).unwrap();
    assert!(offer.sdp.contains(&format!("a=identity:{value}\r\n")), "{}", offer.sdp);
    (alice, offer, contents)
}

fn is_alice(contents: &str) -> Result<IdentityAnswer, IdentityFailure> {
    Ok(IdentityAnswer::Validated { identity: "alice@idp.example".to_owned(), contents: contents.to_owned() })
}

#[test]
fn a_provider_vouches_and_the_peer_finds_out() {
    let (_, offer, contents) = vouched_offer();
    let mut bob = peer(2, None);
    bob.set_remote_description(NOW, offer.clone()).unwrap();
    let Some((id, IdentityRequest::Validate { provider, assertion })) = asked(&mut bob) else {
        panic!("nobody was asked")
    };
    let expected = IdentityProvider { domain: "idp.example:8443".to_owned(), protocol: "default".to_owned() };
    assert_eq!((provider, assertion.as_str()), (expected, "it is alice"));
    assert_eq!(bob.peer_identity(), None);
    answer(&mut bob, id, is_alice(&contents));
    assert!(matches!(&told(&mut bob)[..], [Event::PeerIdentity(peer)] if peer.name == "alice@idp.example"));
    assert_eq!(bob.peer_identity().map(|peer| peer.name.as_str()), Some("alice@idp.example"));
    // The same again is known to be true.
    bob.set_remote_description(NOW, offer.clone()).unwrap();
    assert!(asked(&mut bob).is_none());
    // From now on it has to be her.
    let (_, others) = (peer(3, None), vouched_by_nobody());
    let before = format!("{bob:?}");
    assert_eq!(bob.set_remote_description(NOW, others), Err(SetDescriptionError::IdentityNotValidated));
    assert_eq!(format!("{bob:?}"), before);
}

fn vouched_by_nobody() -> SessionDescription {
    peer(9, None).create_offer(OfferOptions::default()).unwrap()
}

#[test]
fn with_a_target_nothing_is_set_before_it_is_validated() {
    let (_, offer, contents) = vouched_offer();
    let mut bob = peer(2, Some("alice@idp.example"));
    let before = format!("{bob:?}");
    let refused = bob.set_remote_description(NOW, offer.clone()).unwrap_err();
    assert_eq!(
        (refused.clone(), refused.kind()),
        (SetDescriptionError::IdentityNotValidated, ErrorKind::Operation)
    );
    assert_eq!(format!("{bob:?}"), before, "an error changes nothing");
    assert_eq!(bob.validate_identity(NOW, &vouched_by_nobody()), Err(IdentityError::NoAssertion));
    bob.validate_identity(NOW, &offer).unwrap();
    let (id, _) = asked(&mut bob).unwrap();
    answer(&mut bob, id, is_alice(&contents));
    assert!(matches!(told(&mut bob)[..], [Event::PeerIdentity(_)]));
    bob.set_remote_description(NOW, offer.clone()).unwrap();
    // What was validated need not be asked about.
    bob.validate_identity(NOW, &offer).unwrap();
    assert!(asked(&mut bob).is_none() && matches!(told(&mut bob)[..], [Event::PeerIdentity(_)]));

    let mut carol = peer(4, Some("dave@idp.example"));
    carol.validate_identity(NOW, &offer).unwrap();
    let (id, _) = asked(&mut carol).unwrap();
    answer(&mut carol, id, is_alice(&contents));
    assert_eq!(failure_of(&mut carol), IdentityErrorDetail::TokenInvalid);
    assert_eq!(carol.set_remote_description(NOW, offer), Err(SetDescriptionError::IdentityNotValidated));
}

#[test]
fn lies_are_found_out_and_do_not_stop_what_needs_no_identity() {
    let (_, offer, contents) = vouched_offer();
    let other = r#"{"fingerprint":[{"algorithm":"sha-256","digest":"00:11"}]}"#;
    let says = |identity: &str, contents: &str| {
        Ok(IdentityAnswer::Validated { identity: identity.to_owned(), contents: contents.to_owned() })
    };
    let rows = [
        (says("alice@elsewhere.example", &contents), IdentityErrorDetail::TokenInvalid),
        (says("alice", &contents), IdentityErrorDetail::TokenInvalid),
        (says("@idp.example", &contents), IdentityErrorDetail::TokenInvalid),
        (says("alice@idp.example", other), IdentityErrorDetail::TokenInvalid),
        (says("alice@idp.example", "nonsense"), IdentityErrorDetail::TokenInvalid),
        (
            Err(IdentityFailure::new(IdentityErrorDetail::TokenExpired, "too old")),
            IdentityErrorDetail::TokenExpired,
        ),
    ];
    for (said, detail) in rows {
        let mut bob = peer(2, None);
        bob.set_remote_description(NOW, offer.clone()).unwrap();
        let (id, _) = asked(&mut bob).unwrap();
        answer(&mut bob, id, said);
        assert_eq!(failure_of(&mut bob), detail);
        assert_eq!(bob.peer_identity(), None);
        bob.set_local_description(NOW, None).unwrap();
    }
    let mut bob = peer(2, None);
    let value = offer.sdp.lines().find_map(|line| line.strip_prefix("a=identity:")).unwrap();
    let garbled = SessionDescription::new(offer.kind, offer.sdp.replace(value, "bm9uc2Vuc2U="));
    bob.set_remote_description(NOW, garbled).unwrap();
    assert_eq!(failure_of(&mut bob), IdentityErrorDetail::TokenInvalid);
}

#[test]
fn a_provider_may_refuse_or_stay_silent() {
    let mut alice = peer(1, None);
    assert_eq!(alice.get_identity_assertion(NOW), Err(IdentityError::NoProvider));
    alice.set_identity_provider("idp.example", IdentityProviderOptions::default()).unwrap();
    alice.get_identity_assertion(NOW).unwrap();
    let (id, _) = asked(&mut alice).unwrap();
    let login_url = Some("https://idp.example/login".to_owned());
    let failure =
        IdentityFailure { login_url, ..IdentityFailure::new(IdentityErrorDetail::NeedLogin, "who?") };
    answer(&mut alice, id, Err(failure));
    assert_eq!(failure_of(&mut alice), IdentityErrorDetail::NeedLogin);
    assert_eq!(alice.idp_login_url(), Some("https://idp.example/login"));
    assert_eq!(alice.idp_error_info(), Some("who?"));
    // A driver that reaches nobody.
    alice.get_identity_assertion(NOW).unwrap();
    let (id, _) = asked(&mut alice).unwrap();
    alice.handle_io_response(NOW, id, IoResponse::Failed("no way".to_owned()));
    assert_eq!(failure_of(&mut alice), IdentityErrorDetail::Load);
    alice.get_identity_assertion(NOW).unwrap();
    let (id, _) = asked(&mut alice).unwrap();
    assert_eq!(alice.poll_timeout(), Some(NOW + PATIENCE));
    alice.handle_timeout(NOW + PATIENCE);
    assert_eq!(failure_of(&mut alice), IdentityErrorDetail::Timeout);
    alice.handle_io_response(NOW, id, IoResponse::Failed("late".to_owned()));
    assert!(told(&mut alice).is_empty());
}

#[test]
fn verbs_refuse_what_cannot_be() {
    let mut alice = peer(1, None);
    let options = |protocol: &str| IdentityProviderOptions {
        protocol: Some(protocol.to_owned()),
        ..IdentityProviderOptions::default()
    };
    let before = format!("{alice:?}");
    for protocol in ["a/b", "a\\b", "", "a?b"] {
        let error = alice.set_identity_provider("idp.example", options(protocol)).unwrap_err();
        assert_eq!((error, error.kind()), (IdentityError::Protocol, ErrorKind::Syntax), "{protocol}");
    }
    for domain in ["", "a/b", "user@idp.example", "a b"] {
        assert_eq!(alice.set_identity_provider(domain, options("p")), Err(IdentityError::Domain), "{domain}");
    }
    assert_eq!(format!("{alice:?}"), before);
    alice.close(NOW);
    let error = alice.set_identity_provider("idp.example", options("p")).unwrap_err();
    assert_eq!((error, error.kind()), (IdentityError::Closed, ErrorKind::InvalidState));
    assert_eq!(alice.get_identity_assertion(NOW), Err(IdentityError::Closed));
    assert_eq!(alice.validate_identity(NOW, &vouched_by_nobody()), Err(IdentityError::Closed));
}

#[test]
fn another_provider_has_to_vouch_anew() {
    let (mut alice, ..) = vouched_offer();
    alice.set_identity_provider("other.example", IdentityProviderOptions::default()).unwrap();
    assert_eq!(alice.create_offer(OfferOptions::default()), Err(CreateDescriptionError::NoIdentityAssertion));
}
