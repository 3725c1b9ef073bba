//! Ways to connect, and what is told meanwhile.

use crate::support::{Pair, incoming, settings, soon};
use purertc_tokio::SessionDescription;
use purertc_tokio::purertc::wire::candidate::Credentials;
use purertc_tokio::purertc::{ExternalAddress, MediaKind, RtpTransceiverInit, StatsSelector};
use purertc_tokio::{
    AnswerOptions, ConnectionLost, DataChannelInit, DataChannelState, Event, IceCandidateInit,
    IceGatheringState, OfferOptions, PeerConnection, PeerConnectionState, Settings, SetupError,
    SignalingState,
};
use std::net::Ipv4Addr;
use tokio::sync::mpsc;

#[tokio::test]
async fn a_whole_description_is_enough() {
    let (pair, near, _far) = Pair::connected().await;
    soon(pair.alice.connected()).await.unwrap();
    soon(pair.bob.connected()).await.unwrap();
    assert_eq!(near.ready_state(), DataChannelState::Open);
    assert_eq!(pair.alice.signaling_state(), SignalingState::Stable);
    assert_eq!(pair.alice.ice_gathering_state(), IceGatheringState::Complete);
    assert!(pair.alice.inspect(|core| core.sctp().is_some()));
}

/// Sends on what one side finds, until it has found everything.
async fn trickle(from: &PeerConnection, to: mpsc::UnboundedSender<Option<IceCandidateInit>>) {
    while let Some(event) = from.next_event().await {
        if let Event::IceCandidate(candidate) = event {
            let last = candidate.is_none();
            let _ = to.send(candidate);
            if last {
                return;
            }
        }
    }
}

#[tokio::test]
async fn candidates_may_trickle() {
    let Pair { alice, bob } = Pair::new().await;
    let near = alice.create_data_channel("trickle", DataChannelInit::default()).unwrap();
    let offer = alice.create_offer(OfferOptions::default()).await.unwrap();
    assert!(!offer.sdp.contains("a=candidate"));
    alice.set_local_description(Some(offer.clone().into())).await.unwrap();
    bob.set_remote_description(offer).await.unwrap();
    let answer = bob.create_answer(AnswerOptions::default()).await.unwrap();
    assert!(!answer.sdp.contains("a=candidate"));
    bob.set_local_description(Some(answer.clone().into())).await.unwrap();
    alice.set_remote_description(answer).await.unwrap();

    let ((to_bob, mut for_bob), (to_alice, mut for_alice)) =
        (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    tokio::join!(soon(trickle(&alice, to_bob)), soon(trickle(&bob, to_alice)));
    let mut count = 0;
    while let Some(candidate) = for_bob.recv().await {
        count += 1;
        bob.add_ice_candidate(candidate.as_ref()).await.unwrap();
    }
    // One address, the end of the generation, the end of it all.
    assert_eq!(count, 3);
    while let Some(candidate) = for_alice.recv().await {
        alice.add_ice_candidate(candidate.as_ref()).await.unwrap();
    }
    soon(near.opened()).await.unwrap();
    soon(bob.wait_for(PeerConnectionState::Connected)).await.unwrap();
}

#[tokio::test]
async fn events_tell_the_whole_story_to_a_late_reader() {
    let (pair, _near, _far) = Pair::connected().await;
    soon(pair.alice.connected()).await.unwrap();
    let mut states = Vec::new();
    soon(async {
        while states.last() != Some(&PeerConnectionState::Connected) {
            if let Some(Event::ConnectionStateChange(state)) = pair.alice.next_event().await {
                states.push(state);
            }
        }
    })
    .await;
    assert_eq!(states, [PeerConnectionState::Connecting, PeerConnectionState::Connected]);
}

#[tokio::test]
async fn either_side_may_open_channels_later() {
    let (pair, _near, _far) = Pair::connected().await;
    let from_bob = pair.bob.create_data_channel("later", DataChannelInit::default()).unwrap();
    let at_alice = incoming(&pair.alice).await;
    assert_eq!(at_alice.label(), "later");
    soon(from_bob.opened()).await.unwrap();
    from_bob.send_text("hi").await.unwrap();
    assert_eq!(soon(at_alice.recv()).await.unwrap().data, "hi");
}

#[tokio::test]
async fn waiting_for_what_will_not_be_ends() {
    let pair = Pair::new().await;
    let waiting = tokio::spawn({
        let alice = pair.alice.clone();
        async move { alice.connected().await }
    });
    tokio::task::yield_now().await;
    soon(pair.alice.close()).await;
    assert_eq!(soon(waiting).await.unwrap(), Err(ConnectionLost::Closed));
    soon(pair.alice.gathering_complete()).await;
    assert!(soon(pair.alice.next_event()).await.is_none());
}

#[tokio::test]
async fn a_connection_without_sockets_is_refused() {
    let mut settings = settings();
    // Documentation addresses are nobody's.
    settings.sockets.addresses = vec![Ipv4Addr::new(203, 0, 113, 77).into()];
    assert!(matches!(PeerConnection::new(settings).await, Err(SetupError::Io(_))));
}

#[test]
fn a_connection_without_a_runtime_is_refused() {
    let mut task = std::pin::pin!(PeerConnection::new(Settings::default()));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(matches!(task.as_mut().poll(&mut context), std::task::Poll::Ready(Err(SetupError::NoRuntime))));
}

#[test]
fn handles_can_go_anywhere() {
    fn everywhere<T: Clone + Send + Sync + 'static>() {}
    everywhere::<PeerConnection>();
    everywhere::<purertc_tokio::DataChannel>();
}

#[tokio::test]
async fn ice_restarts_on_the_same_sockets() {
    let (pair, near, far) = Pair::connected().await;
    let ufrag = |pc: &PeerConnection| pc.inspect(|core| core.transport().local_credentials().ufrag.clone());
    let before = (ufrag(&pair.alice), ufrag(&pair.bob));
    pair.alice.restart_ice();
    pair.negotiate().await;
    assert_ne!(ufrag(&pair.alice), before.0);
    assert_ne!(ufrag(&pair.bob), before.1);
    soon(near.send_text("still here")).await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "still here");
}

#[tokio::test]
async fn operations_are_done_in_the_order_of_their_calls() {
    let pair = Pair::new().await;
    let (alice, bob) = (&pair.alice, &pair.bob);
    alice.add_transceiver(MediaKind::Audio, RtpTransceiverInit::default()).unwrap();
    // All at once, none awaited before the next is called: an offer, its rollback, and an offer again.
    let rollback = || Some(SessionDescription::rollback().into());
    let (first, back, again) = tokio::join!(
        alice.set_local_description(None),
        alice.set_local_description(rollback()),
        alice.set_local_description(None),
    );
    first.and(back).and(again).unwrap();
    assert_eq!(alice.signaling_state(), SignalingState::HaveLocalOffer);
    // Dropped before its first poll: not done. Polled once: done.
    drop(alice.set_local_description(rollback()));
    assert_eq!(alice.signaling_state(), SignalingState::HaveLocalOffer);
    let offer = alice.pending_local_description().unwrap();
    let (heard, answered) = tokio::join!(bob.set_remote_description(offer), bob.set_local_description(None));
    heard.and(answered).unwrap();
    assert_eq!((bob.signaling_state(), bob.transceivers().len()), (SignalingState::Stable, 1));
    alice.set_remote_description(bob.current_local_description().unwrap()).await.unwrap();
    assert_eq!(alice.senders().len(), 1);
    assert!(alice.get_stats(StatsSelector::All).await.unwrap().iter().next().is_some());
    loop {
        if let Event::Track(track) = soon(bob.next_event()).await.unwrap() {
            assert_eq!(track.track.kind, MediaKind::Audio);
            break;
        }
    }
}

#[tokio::test]
async fn ports_outside_addresses_and_credentials_are_as_the_settings_say() {
    let mut chosen = settings();
    let ports = free_port()..=u16::MAX;
    chosen.sockets.ports = Some(ports.clone());
    let (internal, external) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(203, 0, 113, 7).into());
    chosen.configuration.external_addresses =
        vec![ExternalAddress { internal, external, replaces_host: true }];
    chosen.configuration.ice.credentials = Credentials::new("chosen", "chosenchosenchosenchosen").ok();
    let Pair { alice, .. } = Pair::with(chosen, settings()).await;
    alice.create_data_channel("test", DataChannelInit::default()).unwrap();
    alice.set_local_description(None).await.unwrap();
    soon(alice.gathering_complete()).await;
    let sdp = alice.local_description().unwrap().sdp;
    assert!(sdp.contains("\r\na=ice-ufrag:chosen\r\na=ice-pwd:chosenchosenchosenchosen\r\n"), "{sdp}");
    let (_, candidate) = sdp.split_once(" 203.0.113.7 ").expect("the address that the world sees");
    assert!(ports.contains(&candidate.split(' ').next().unwrap().parse().unwrap()), "{sdp}");
    assert!(!sdp.contains("127.0.0.1"), "{sdp}");
}

/// A port that is free, or was just now.
fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}
