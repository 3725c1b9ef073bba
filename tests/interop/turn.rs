//! Two connections of our own that may use relayed candidates alone, and coturn.

use std::net::Ipv4Addr;
use std::time::Duration;

use purertc_tests::coturn::{Carrier, Coturn, CoturnError, PASSWORD, USER};
use purertc_tokio::{
    Configuration, DataChannel, DataChannelInit, Event, IceCandidateError, IceServer, IceTransportPolicy,
    PeerConnection, PeerConnectionState, Resolver, Settings, TlsSettings,
};
use tokio::time::timeout;

use crate::stage::{Failure, Outcome};

/// One thing to try with a server.
pub(crate) type Play = fn(&mut Coturn) -> Outcome;

pub(crate) const CASES: &[(&str, Play)] = &[
    ("a_relay_over_udp_carries_data", over_udp),
    ("a_relay_over_tcp_carries_data", over_tcp),
    ("a_relay_over_tls_carries_data", over_tls),
    ("a_server_may_be_named", by_name),
    ("a_wrong_password_is_told_as_401", wrong_password),
    ("a_certificate_that_nobody_trusts_is_told_as_701", untrusted),
    ("a_server_that_is_not_there_is_told_as_701", absent),
    ("a_server_that_was_killed_and_started_again_serves_others", restarted),
    ("a_connection_comes_back_after_a_server_was_killed_and_started_again", comes_back),
];

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a case with a server of its own.
pub(crate) fn play(play: Play) -> Outcome {
    play(&mut Coturn::start(&Carrier::ALL)?)
}

impl From<CoturnError> for Failure {
    fn from(error: CoturnError) -> Self {
        Self(error.to_string())
    }
}

fn block_on(what: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failure(&error))?.block_on(what)
}

fn failure(error: &dyn std::fmt::Display) -> Failure {
    Failure(error.to_string())
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
    timeout(PATIENCE, future).await.map_err(|_| Failure(format!("{what}: not within {PATIENCE:?}")))
}

fn check(fact: bool, words: &str) -> Outcome {
    if fact { Ok(()) } else { Err(Failure(words.to_owned())) }
}

/// Settings that leave no way but the server at `url`.
fn relayed(url: &str, password: &str) -> Settings {
    let mut configuration = Configuration::default();
    configuration.ice_servers = vec![IceServer::turn(url, USER, password)];
    configuration.ice_transport_policy = IceTransportPolicy::Relay;
    let mut settings = Settings::from(configuration);
    settings.sockets.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    settings
}

struct Pair {
    alice: PeerConnection,
    bob: PeerConnection,
}

impl Pair {
    async fn new(settings: &Settings) -> Result<Self, Failure> {
        let make = async || PeerConnection::new(settings.clone()).await.map_err(|e| failure(&e));
        Ok(Self { alice: make().await?, bob: make().await? })
    }

    async fn negotiate(&self) -> Outcome {
        let Self { alice, bob } = self;
        alice.set_local_description(None).await.map_err(|e| failure(&e))?;
        soon("gathering", alice.gathering_complete()).await?;
        let offer = alice.local_description().ok_or_else(|| failure(&"no offer"))?;
        check(offer.sdp.contains(" typ relay "), &format!("no relayed candidate in\n{}", offer.sdp))?;
        check(!offer.sdp.contains(" typ host"), &format!("a host candidate in\n{}", offer.sdp))?;
        bob.set_remote_description(offer).await.map_err(|e| failure(&e))?;
        bob.set_local_description(None).await.map_err(|e| failure(&e))?;
        soon("gathering", bob.gathering_complete()).await?;
        let answer = bob.local_description().ok_or_else(|| failure(&"no answer"))?;
        alice.set_remote_description(answer).await.map_err(|e| failure(&e))
    }

    /// A connected pair with a channel at both ends.
    async fn connect(settings: &Settings) -> Result<(Self, DataChannel, DataChannel), Failure> {
        let pair = Self::new(settings).await?;
        let near = pair.alice.create_data_channel("test", DataChannelInit::default());
        let near = near.map_err(|e| failure(&e))?;
        pair.negotiate().await?;
        let incoming = async {
            loop {
                match pair.bob.next_event().await {
                    Some(Event::DataChannel(channel)) => return Ok(channel),
                    Some(_) => {}
                    None => return Err(failure(&"the connection ended")),
                }
            }
        };
        let far = soon("a channel", incoming).await??;
        soon("open", near.opened()).await?.map_err(|e| failure(&e))?;
        Ok((pair, near, far))
    }
}

/// Two megabytes, in messages of every kind of size.
async fn transfer(near: &DataChannel, far: &DataChannel) -> Outcome {
    const SIZES: [usize; 5] = [1, 1_200, 16 * 1_024, 65_536, 262_144];
    let sending = async {
        for size in SIZES.into_iter().cycle().take(30) {
            near.send(vec![size as u8; size]).await.map_err(|e| failure(&e))?;
        }
        Ok(())
    };
    let receiving = async {
        for size in SIZES.into_iter().cycle().take(30) {
            let message = far.recv().await.ok_or_else(|| failure(&"the channel closed"))?;
            check(
                message.data == vec![size as u8; size],
                &format!("a message of {size} bytes came changed"),
            )?;
        }
        Ok(())
    };
    let both: (Outcome, Outcome) = soon("a transfer", async { tokio::join!(sending, receiving) }).await?;
    both.0.and(both.1)
}

fn carries_data(settings: &Settings) -> Outcome {
    block_on(async {
        let (_pair, near, far) = Pair::connect(settings).await?;
        transfer(&near, &far).await?;
        transfer(&far, &near).await
    })
}

fn over_udp(server: &mut Coturn) -> Outcome {
    carries_data(&relayed(&server.url(Carrier::Udp), PASSWORD))
}

fn over_tcp(server: &mut Coturn) -> Outcome {
    server.set_carriers(&[Carrier::Tcp])?;
    carries_data(&relayed(&server.url(Carrier::Tcp), PASSWORD))
}

fn over_tls(server: &mut Coturn) -> Outcome {
    server.set_carriers(&[Carrier::Tls])?;
    let mut settings = relayed(&server.url(Carrier::Tls), PASSWORD);
    let trusted = TlsSettings::default().with_roots(server.certificate().as_bytes());
    settings.sockets.tls = trusted.map_err(|e| failure(&e))?;
    carries_data(&settings)
}

fn by_name(server: &mut Coturn) -> Outcome {
    // The system's own resolver, with what every system knows.
    carries_data(&relayed(&server.url_at("localhost", Carrier::Udp), PASSWORD))?;
    let mut settings = relayed(&server.url_at("no-such-host.invalid", Carrier::Tcp), PASSWORD);
    settings.sockets.resolver = Resolver::new(|_| Err(std::io::Error::other("the cable is out")));
    let error = candidate_error(&settings)?;
    check(error.error_code == 701, &format!("{error:?}"))?;
    check(error.error_text.contains("the cable is out"), &format!("{error:?}"))
}

/// What the first `icecandidateerror` says.
fn candidate_error(settings: &Settings) -> Result<IceCandidateError, Failure> {
    let mut found = None;
    block_on(async {
        let pc = PeerConnection::new(settings.clone()).await.map_err(|e| failure(&e))?;
        let _channel = pc.create_data_channel("test", DataChannelInit::default()).map_err(|e| failure(&e))?;
        pc.set_local_description(None).await.map_err(|e| failure(&e))?;
        let wait = async {
            while let Some(event) = pc.next_event().await {
                if let Event::IceCandidateError(error) = event {
                    return Some(error);
                }
            }
            None
        };
        found = soon("icecandidateerror", wait).await?;
        soon("gathering", pc.gathering_complete()).await
    })?;
    found.ok_or_else(|| failure(&"the connection ended without a word"))
}

fn wrong_password(server: &mut Coturn) -> Outcome {
    for carrier in [Carrier::Udp, Carrier::Tcp] {
        let url = server.url(carrier);
        let error = candidate_error(&relayed(&url, "wrong"))?;
        check(error.error_code == 401 && error.url == url, &format!("{error:?}"))?;
    }
    Ok(())
}

fn untrusted(server: &mut Coturn) -> Outcome {
    let error = candidate_error(&relayed(&server.url(Carrier::Tls), PASSWORD))?;
    check(error.error_code == 701, &format!("{error:?}"))?;
    check(error.error_text.contains("certificate"), &format!("{error:?}"))
}

fn absent(server: &mut Coturn) -> Outcome {
    server.kill();
    for carrier in [Carrier::Udp, Carrier::Tcp, Carrier::Tls] {
        let error = candidate_error(&relayed(&server.url(carrier), PASSWORD))?;
        check(error.error_code == 701, &format!("{carrier:?}: {error:?}"))?;
    }
    Ok(())
}

/// A pair whose server was killed under it, and is back.
async fn cut_off(
    server: &mut Coturn,
    settings: &Settings,
) -> Result<(Pair, DataChannel, DataChannel), Failure> {
    let (pair, near, far) = Pair::connect(settings).await?;
    transfer(&near, &far).await?;
    server.kill();
    let gone = pair.alice.wait_for(PeerConnectionState::Disconnected);
    soon("disconnected", gone).await?.map_err(|e| failure(&e))?;
    server.restart()?;
    Ok((pair, near, far))
}

fn restarted(server: &mut Coturn) -> Outcome {
    let settings = relayed(&server.url(Carrier::Udp), PASSWORD);
    block_on(async {
        let _lost = cut_off(server, &settings).await?;
        let (_pair, near, far) = Pair::connect(&settings).await?;
        transfer(&near, &far).await
    })
}

fn comes_back(server: &mut Coturn) -> Outcome {
    for carrier in [Carrier::Tcp, Carrier::Udp] {
        comes_back_over(server, carrier)?;
    }
    Ok(())
}

fn comes_back_over(server: &mut Coturn, carrier: Carrier) -> Outcome {
    let settings = relayed(&server.url(carrier), PASSWORD);
    block_on(async {
        let (pair, near, far) = cut_off(server, &settings).await?;
        pair.alice.restart_ice();
        pair.negotiate().await?;
        let back = pair.alice.wait_for(PeerConnectionState::Connected);
        soon("connected again", back).await?.map_err(|e| failure(&e))?;
        // Over the same channels: what they hold has survived the path.
        transfer(&near, &far).await?;
        transfer(&far, &near).await
    })
}
