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
