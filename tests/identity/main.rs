//! Two connections on real sockets, and an identity provider that is reached by HTTP: it vouches for one of them, and the
//! other finds out who that is.

use purertc_tokio::purertc::{
    IdentityAnswer, IdentityErrorDetail, IdentityFailure, IdentityProviderOptions, IdentityRequest,
    SetDescriptionError,
};
use purertc_tokio::{
    AnswerOptions, Configuration, DataChannelInit, Event, IdentityGateway, OfferOptions, PeerConnection,
    Settings,
};
use serde_json::{Value, json};
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::task::Poll;
use std::time::Duration;

/// A provider with one user. It signs nothing: an assertion is what it was asked to vouch for.
fn provider() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serve(stream))));
    address
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or("").to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = match path.as_str() {
        "/.well-known/idp-proxy/default/generate" => {
            ("200 OK", json!({ "assertion": json!({ "about": asked["contents"] }).to_string() }))
        }
        "/.well-known/idp-proxy/default/validate" => {
            let made: Value =
                serde_json::from_str(asked["assertion"].as_str().unwrap_or("")).unwrap_or_default();
            ("200 OK", json!({ "identity": "alice@127.0.0.1", "contents": made["about"] }))
        }
        _ => ("403 Forbidden", json!({})),
    };
    let answer = answer.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
        answer.len()
    )
}

/// Reaches providers by HTTP, as an application might.
fn ask(request: &IdentityRequest) -> Result<IdentityAnswer, IdentityFailure> {
    let (provider, verb, question) = match request {
        IdentityRequest::Generate { provider, contents, .. } => {
            (provider, "generate", json!({ "contents": contents }))
        }
        IdentityRequest::Validate { provider, assertion } => {
            (provider, "validate", json!({ "assertion": assertion }))
        }
        _ => return Err(IdentityFailure::new(IdentityErrorDetail::Execution, "not known here")),
    };
    let url = format!("{}/{verb}", provider.url().replacen("https", "http", 1));
    let failed = |error: ureq::Error| {
        let http_status = match &error {
            ureq::Error::StatusCode(status) => Some(*status),
            _ => None,
        };
        IdentityFailure { http_status, ..IdentityFailure::new(IdentityErrorDetail::Load, error.to_string()) }
    };
    let mut response = ureq::post(&url).send(question.to_string()).map_err(failed)?;
    let text = response.body_mut().read_to_string().map_err(failed)?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let string = |key: &str| answer[key].as_str().unwrap_or("").to_owned();
    Ok(match request {
        IdentityRequest::Generate { .. } => {
            IdentityAnswer::Asserted { provider: provider.clone(), assertion: string("assertion") }
        }
        _ => IdentityAnswer::Validated { identity: string("identity"), contents: string("contents") },
    })
}

async fn connection(peer_identity: Option<&str>) -> PeerConnection {
    let mut configuration = Configuration::default();
    configuration.peer_identity = peer_identity.map(str::to_owned);
    let mut settings = Settings::from(configuration);
    settings.sockets.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    settings.sockets.identity = Some(IdentityGateway::new(ask));
    PeerConnection::new(settings).await.expect("sockets")
}

/// The first event that `wanted` takes.
async fn event<T>(connection: &PeerConnection, wanted: impl Fn(Event) -> Option<T>) -> T {
    let found = async {
        loop {
            let event = connection.next_event().await.expect("the connection is up");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), found).await.expect("this should not take so long")
}

#[tokio::test]
async fn a_provider_reached_by_http_says_who_the_peer_is() {
    let domain = provider().to_string();
    let alice = connection(None).await;
    let _channel = alice.create_data_channel("chat", DataChannelInit::default()).expect("a channel");
    alice.update(|core, _| {
        core.set_identity_provider(&domain, IdentityProviderOptions::default()).expect("a provider");
    });
    let vouched = |event| match event {
        Event::IdentityResult(value) => Some(Ok(value)),
        Event::IdpAssertionError(error) => Some(Err(error)),
        _ => None,
    };
    // An offer asks for the assertion that it is to have.
    let offer = alice.create_offer(OfferOptions::default()).await.expect("an offer");
    let value = event(&alice, vouched).await.expect("an assertion");
    assert!(offer.sdp.contains(&*value), "{}", offer.sdp);

    // One that takes anyone, and one that wants her.
    let anyone = connection(None).await;
    anyone.set_remote_description(offer.clone()).await.expect("the offer");
    let validated = |event| match event {
        Event::PeerIdentity(peer) => Some(Ok(peer)),
        Event::IdpValidationError(error) => Some(Err(error)),
        _ => None,
    };
    let peer = event(&anyone, validated).await.expect("an identity");
    assert_eq!((peer.idp.as_str(), peer.name.as_str()), (domain.as_str(), "alice@127.0.0.1"));

    let choosy = connection(Some("alice@127.0.0.1")).await;
    // What is called meanwhile waits for its turn: there is nothing to answer before.
    let (set, answer) = tokio::join!(
        choosy.set_remote_description(offer.clone()),
        choosy.create_answer(AnswerOptions::default())
    );
    set.expect("the offer");
    assert!(answer.expect("an answer").sdp.contains("a=setup:active"));
    assert_eq!(event(&choosy, validated).await.expect("an identity").name, "alice@127.0.0.1");
    let other = connection(Some("bob@127.0.0.1")).await;
    let refused = other.set_remote_description(offer.clone()).await.expect_err("it is not bob");
    assert_eq!(refused, SetDescriptionError::IdentityNotValidated);
    assert!(other.remote_description().is_none());
    // One that gives up leaves the turn to the next.
    let hasty = connection(Some("alice@127.0.0.1")).await;
    let mut given_up = Box::pin(hasty.set_remote_description(offer.clone()));
    let waits = poll_fn(|cx| Poll::Ready(given_up.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "a provider cannot answer at once");
    drop(given_up);
    hasty.set_remote_description(offer).await.expect("the offer");

    // A protocol that the provider does not speak.
    alice.update(|core, now| {
        let mut options = IdentityProviderOptions::default();
        options.protocol = Some("other".to_owned());
        core.set_identity_provider(&domain, options).expect("a provider");
        core.get_identity_assertion(now).expect("a question");
    });
    let error = event(&alice, vouched).await.expect_err("no assertion");
    assert_eq!((error.failure.detail, error.failure.http_status), (IdentityErrorDetail::Load, Some(403)));
}
