//! Futures that are dropped half-way lose nothing and repeat nothing.

use crate::support::{Pair, settings, soon};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn a_dropped_recv_loses_no_message() {
    let (_pair, near, far) = Pair::connected().await;
    let sending = tokio::spawn(async move {
        for n in 0..200_u32 {
            near.send(n.to_be_bytes().to_vec()).await.unwrap();
            sleep(Duration::from_micros(300)).await;
        }
        near
    });
    let mut next = 0_u32;
    while next < 200 {
        // Some of these win, some lose.
        tokio::select! {
            message = far.recv() => {
                assert_eq!(message.expect("open").data, next.to_be_bytes()[..]);
                next += 1;
            }
            () = sleep(Duration::from_micros(100)) => {}
        }
    }
    soon(sending).await.unwrap();
}

#[tokio::test]
async fn a_dropped_send_sent_nothing_and_a_finished_one_did() {
    let mut near_side = settings();
    near_side.send_buffer = 64 * 1024;
    let mut far_side = settings();
    far_side.receive_buffer = 64 * 1024;
    let (_pair, near, far) = Pair::with(near_side, far_side).await.connect().await;
    let mut sent = Vec::new();
    let mut dropped = 0;
    for n in 0..2_000_u32 {
        let mut message = vec![0; 8 * 1024];
        message[..4].copy_from_slice(&n.to_be_bytes());
        match timeout(Duration::from_micros(200), near.send(message)).await {
            Ok(result) => {
                result.unwrap();
                sent.push(n);
            }
            Err(_) => dropped += 1,
        }
    }
    assert!(dropped > 0, "the reader sleeps, so some must have waited in vain");
    assert!(!sent.is_empty());
    for n in sent {
        assert_eq!(soon(far.recv()).await.expect("open").data[..4], n.to_be_bytes());
    }
    soon(near.send(Bytes::from_static(b"last"))).await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "last");
}

#[tokio::test]
async fn several_tasks_may_wait_on_one_channel() {
    let (_pair, near, far) = Pair::connected().await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let far = far.clone();
            tokio::spawn(async move { far.recv().await.expect("open").data })
        })
        .collect();
    sleep(Duration::from_millis(20)).await;
    for n in 0..4_u8 {
        near.send(vec![n]).await.unwrap();
    }
    let mut seen = Vec::new();
    for reader in readers {
        seen.extend_from_slice(&soon(reader).await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3]);
}

/// Polls once, and drops.
async fn abandon(what: impl Future) {
    let mut what = std::pin::pin!(what);
    std::future::poll_fn(|cx| {
        let _ = what.as_mut().poll(cx);
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn waiting_that_is_given_up_changes_nothing_and_later_waiting_is_heard() {
    let pair = Pair::new().await;
    let near = pair.alice.create_data_channel("test", Default::default()).unwrap();
    for _ in 0..3 {
        abandon(near.opened()).await;
        abandon(near.recv()).await;
        abandon(near.closed()).await;
        abandon(pair.alice.connected()).await;
        abandon(pair.alice.gathering_complete()).await;
        abandon(pair.alice.wait_for(purertc_tokio::PeerConnectionState::Connected)).await;
    }
    // Not polled at all: not done.
    drop(pair.alice.set_local_description(None));
    assert!(pair.alice.local_description().is_none());
    pair.negotiate().await;
    soon(near.opened()).await.unwrap();
    abandon(near.drained()).await;
    soon(near.drained()).await;
    soon(pair.alice.connected()).await.unwrap();
    let far = crate::support::incoming(&pair.bob).await;
    abandon(far.recv()).await;
    near.send("heard").await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "heard");
    abandon(near.closed()).await;
    near.close();
    soon(near.closed()).await;
}

#[tokio::test]
async fn a_dropped_next_event_loses_no_event() {
    let pair = Pair::new().await;
    let _near = pair.alice.create_data_channel("test", Default::default()).unwrap();
    abandon(pair.bob.next_event()).await;
    pair.negotiate().await;
    let mut channels = 0;
    let begun = std::time::Instant::now();
    while channels == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it was lost");
        // Most of these are given up.
        if let Ok(event) = timeout(Duration::from_micros(50), pair.bob.next_event()).await {
            channels += usize::from(matches!(event.expect("open"), purertc_tokio::Event::DataChannel(_)));
        }
    }
}

#[tokio::test]
async fn closing_goes_on_when_nobody_waits_for_it() {
    let (pair, _near, far) = Pair::connected().await;
    abandon(pair.alice.close()).await;
    soon(far.closed()).await;
    assert_eq!(pair.alice.connection_state(), purertc_tokio::PeerConnectionState::Closed);
    let endpoint = purertc_tokio::Endpoint::new(settings()).await.unwrap();
    let connection = endpoint.connection().unwrap();
    abandon(endpoint.close()).await;
    soon(connection.close()).await;
    assert!(endpoint.connection().is_err());
}
