//! Over ICE-TCP alone, on real sockets.

use crate::support::{Pair, incoming, settings, soon};
use purertc_tokio::purertc::wire::candidate::TcpType;
use purertc_tokio::purertc::{BundlePolicy, MediaKind, Protocol, RtpTransceiverInit};
use purertc_tokio::{DataChannel, DataChannelInit, PeerConnection, PeerConnectionState, SessionDescription};
use std::time::{Duration, Instant};

/// What goes to the peer, with the candidates of this direction alone.
fn description(connection: &PeerConnection, direction: &str) -> SessionDescription {
    let mut description = connection.local_description().expect("just set");
    let lines = description.sdp.split_inclusive('\n');
    let goes = |line: &&str| !line.starts_with("a=candidate:") || line.contains(direction);
    description.sdp = lines.filter(goes).collect();
    description
}

/// A pair that has TCP and nothing else; with a channel, at both ends.
async fn connected() -> (Pair, DataChannel, DataChannel) {
    connected_by("tcptype passive").await
}

/// The same with candidates of one direction alone.
async fn connected_by(direction: &str) -> (Pair, DataChannel, DataChannel) {
    let mut settings = settings();
    settings.sockets.listen_tcp = true;
    settings.configuration.ice.simultaneous_open = true;
    let pair = Pair::with(settings.clone(), settings).await;
    let Pair { alice, bob } = &pair;
    let near = alice.create_data_channel("test", DataChannelInit::default()).unwrap();
    alice.set_local_description(None).await.unwrap();
    soon(alice.gathering_complete()).await;
    bob.set_remote_description(description(alice, direction)).await.unwrap();
    bob.set_local_description(None).await.unwrap();
    soon(bob.gathering_complete()).await;
    alice.set_remote_description(description(bob, direction)).await.unwrap();
    let far = incoming(bob).await;
    soon(near.opened()).await.unwrap();
    (pair, near, far)
}

#[tokio::test]
async fn ten_megabytes_arrive_whole_over_tcp() {
    const SIZE: usize = 50_000;
    const COUNT: usize = 200;
    let (pair, near, far) = connected().await;
    let sending = async {
        for n in 0..COUNT {
            near.send(vec![n as u8; SIZE]).await.unwrap();
        }
    };
    let receiving = async {
        for n in 0..COUNT {
            assert_eq!(far.recv().await.expect("open").data, vec![n as u8; SIZE]);
        }
    };
    soon(async { tokio::join!(sending, receiving) }).await;
    // Data may flow before a pair is nominated.
    let nominated = async {
        loop {
            if let Some(pair) = pair.alice.inspect(|core| core.transport().selected_pair()) {
                return pair.path;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert_eq!(soon(nominated).await.protocol, Protocol::Tcp);
}

#[tokio::test]
async fn every_transport_of_a_peer_that_does_not_bundle_has_streams_of_its_own() {
    let mut settings = settings();
    settings.sockets.listen_tcp = true;
    settings.configuration.bundle_policy = BundlePolicy::MaxCompat;
    let Pair { alice, bob } = Pair::with(settings.clone(), settings).await;
    let lone = |mut description: SessionDescription| {
        let lines = description.sdp.split_inclusive('\n');
        description.sdp = lines.filter(|line| !line.starts_with("a=group")).collect();
        description
    };
    alice.add_transceiver(MediaKind::Audio, RtpTransceiverInit::default()).unwrap();
    let near = alice.create_data_channel("test", DataChannelInit::default()).unwrap();
    alice.set_local_description(None).await.unwrap();
    soon(alice.gathering_complete()).await;
    bob.set_remote_description(lone(description(&alice, "tcptype passive"))).await.unwrap();
    bob.set_local_description(None).await.unwrap();
    soon(bob.gathering_complete()).await;
    alice.set_remote_description(description(&bob, "tcptype passive")).await.unwrap();
    let far = incoming(&bob).await;
    soon(near.opened()).await.unwrap();
    near.send("over the second").await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "over the second");
    for side in [&alice, &bob] {
        soon(side.connected()).await.unwrap();
        let paths = side.inspect(|core| {
            core.transports().map(|(_, link)| link.selected_pair().map(|pair| pair.path)).collect::<Vec<_>>()
        });
        assert_eq!(paths.len(), 2);
        assert!(paths.iter().flatten().all(|path| path.protocol == Protocol::Tcp), "{paths:?}");
    }
}

#[tokio::test]
async fn close_tells_the_peer_over_tcp() {
    let (pair, near, far) = connected().await;
    near.send("bye").await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "bye");
    soon(pair.alice.close()).await;
    assert_eq!(pair.alice.connection_state(), PeerConnectionState::Closed);
    assert_eq!(soon(far.recv()).await, None);
}

#[tokio::test]
async fn both_sides_open_the_stream_over_tcp() {
    let begun = Instant::now();
    let (pair, near, far) = connected_by("tcptype so").await;
    // Nothing waits for a timer: what was said before a stream was accepted is heard at once.
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    near.send("hello").await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "hello");
    let selected = async {
        loop {
            if let Some(selected) = pair.alice.inspect(|core| core.transport().selected_pair()) {
                return selected;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let selected = soon(selected).await;
    assert_eq!([selected.local.tcp_type, selected.remote.tcp_type], [Some(TcpType::SimultaneousOpen); 2]);
    assert_eq!(
        (selected.path.local.port(), selected.path.remote.port()),
        (selected.local.port, selected.remote.port)
    );
}
