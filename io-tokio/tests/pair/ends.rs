//! How things end.

use crate::support::{Pair, settings, soon};
use purertc_tokio::{DataChannelState, PeerConnection, PeerConnectionState, SendError};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

#[tokio::test]
async fn a_closed_channel_ends_on_both_sides_after_its_messages() {
    let (_pair, near, far) = Pair::connected().await;
    for n in 0..100_u8 {
        near.send(vec![n; 1000]).await.unwrap();
    }
    near.close();
    assert!(
        matches!(soon(near.send("late")).await, Err(SendError::Closed(closed)) if closed.error.is_none())
    );
    for n in 0..100_u8 {
        assert_eq!(soon(far.recv()).await.unwrap().data[0], n);
    }
    assert_eq!(soon(far.recv()).await, None);
    assert_eq!(soon(near.recv()).await, None);
    soon(near.closed()).await;
    soon(far.closed()).await;
    assert_eq!((near.ready_state(), far.ready_state()), (DataChannelState::Closed, DataChannelState::Closed));
}

#[tokio::test]
async fn dropping_a_channel_closes_it() {
    let (_pair, near, far) = Pair::connected().await;
    near.send("bye").await.unwrap();
    let clone = near.clone();
    drop(near);
    assert_eq!(soon(far.recv()).await.unwrap().data, "bye");
    assert_eq!(far.ready_state(), DataChannelState::Open);
    drop(clone);
    assert_eq!(soon(far.recv()).await, None);
}

#[tokio::test]
async fn close_tells_the_peer() {
    let (pair, near, far) = Pair::connected().await;
    soon(pair.alice.close()).await;
    assert_eq!(pair.alice.connection_state(), PeerConnectionState::Closed);
    assert_eq!(near.ready_state(), DataChannelState::Closed);
    assert_eq!(soon(near.recv()).await, None);
    assert_eq!(soon(far.recv()).await, None);
    assert!(soon(near.send("x")).await.is_err());
    assert!(pair.alice.create_data_channel("x", Default::default()).is_err());
    // Again is as good as once.
    soon(pair.alice.close()).await;
}

#[tokio::test]
async fn dropping_the_last_handle_delivers_and_then_closes() {
    let (Pair { alice, bob }, near, far) = Pair::connected().await;
    for _ in 0..200 {
        near.send(vec![3; 10_000]).await.unwrap();
    }
    drop(alice);
    // A channel is a handle of its connection, too.
    assert_eq!(far.ready_state(), DataChannelState::Open);
    drop(near);
    for _ in 0..200 {
        assert_eq!(soon(far.recv()).await.expect("all of them").data.len(), 10_000);
    }
    assert_eq!(soon(far.recv()).await, None);
    drop(bob);
}

#[tokio::test]
async fn a_peer_that_vanished_is_not_waited_for_long() {
    let mut near_side = settings();
    near_side.linger = Duration::from_millis(300);
    let (Pair { alice, bob }, near, far) = Pair::with(near_side, settings()).await.connect().await;
    let port = alice.inspect(|core| core.local_description().unwrap().sdp.clone());
    let port: u16 = port
        .lines()
        .find_map(|line| line.strip_prefix("a=candidate:")?.split(' ').nth(5)?.parse().ok())
        .expect("a candidate");
    soon(bob.close()).await;
    drop((bob, far));
    let begun = Instant::now();
    drop((alice, near));
    // Its socket is closed when the port is free again.
    soon(async {
        while std::net::UdpSocket::bind(("127.0.0.1", port)).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_runtime_that_shuts_down_says_farewell() {
    let far_runtime = Runtime::new().unwrap();
    let near_runtime = Runtime::new().unwrap();
    let bob = far_runtime.block_on(PeerConnection::new(settings())).unwrap();
    let alice = near_runtime.block_on(PeerConnection::new(settings())).unwrap();
    let pair = Pair { alice, bob };
    let (pair, near, far) = near_runtime.block_on(pair.connect());
    near_runtime.shutdown_timeout(Duration::from_secs(5));
    assert_eq!(pair.alice.connection_state(), PeerConnectionState::Closed);
    far_runtime.block_on(async {
        assert_eq!(soon(far.recv()).await, None);
        // The other side has no task any more, and nothing hangs.
        assert_eq!(soon(near.recv()).await, None);
        soon(pair.alice.close()).await;
    });
}
