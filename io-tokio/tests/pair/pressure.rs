//! Slow readers hold senders back, and nobody else.

use crate::support::{Pair, echo, incoming, settings, soon};
use bytes::Bytes;
use purertc_tokio::{
    DataChannelInit, DtlsTransportState, Event, MessageKind, PeerConnectionState, SendError,
};
use std::time::Duration;
use tokio::time::timeout;

const SIZE: usize = 16 * 1024;

/// Sends until nothing has gone for a while; how many bytes went.
async fn fill(channel: &purertc_tokio::DataChannel, message: &Bytes) -> usize {
    let mut sent = 0;
    while timeout(Duration::from_millis(1500), channel.send(message.clone()))
        .await
        .is_ok_and(|sent| sent.is_ok())
    {
        sent += message.len();
        assert!(sent < 64 << 20, "nobody reads, and the sender is not held back");
    }
    sent
}

#[tokio::test]
async fn a_reader_that_sleeps_bounds_what_is_sent() {
    let window = 256 * 1024;
    let (mut near_side, mut far_side) = (settings(), settings());
    near_side.send_buffer = 128 * 1024;
    far_side.receive_buffer = 128 * 1024;
    far_side.configuration.data.sctp.receive_buffer = window;
    let (_pair, near, far) = Pair::with(near_side, far_side).await.connect().await;
    let message = Bytes::from(vec![7; SIZE]);

    let sent = fill(&near, &message).await;
    // Send buffer, the window, the adapter's own queue, and something under way.
    assert!(sent <= 128 * 1024 + 2 * window + 128 * 1024, "{sent} bytes went to nobody");
    assert!(near.buffered_amount() <= 128 * 1024);
    let refused = near.try_send(message.clone(), MessageKind::Binary);
    assert_eq!(refused, Err(SendError::NotNow(message.clone())));

    // And nothing of it is lost.
    let mut received = 0;
    while received < sent {
        received += soon(far.recv()).await.expect("open").data.len();
    }
    soon(near.send(message)).await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data.len(), SIZE);
}

#[tokio::test]
async fn a_channel_that_is_not_read_does_not_stop_the_others() {
    let (pair, near, _unread) = Pair::connected().await;
    let lively = pair.alice.create_data_channel("lively", DataChannelInit::default()).unwrap();
    echo(incoming(&pair.bob).await);
    // Less than what may wait.
    for _ in 0..40 {
        soon(near.send(vec![0; SIZE])).await.unwrap();
    }
    for n in 0..100 {
        soon(lively.send_text(n.to_string())).await.unwrap();
        assert_eq!(soon(lively.recv()).await.unwrap().data, n.to_string());
    }
}

#[tokio::test]
async fn a_channel_whose_handle_was_dropped_takes_no_room() {
    let mut far_side = settings();
    far_side.receive_buffer = 64 * 1024;
    let (pair, near, unread) = Pair::with(settings(), far_side).await.connect().await;
    let lively = pair.alice.create_data_channel("lively", DataChannelInit::default()).unwrap();
    echo(incoming(&pair.bob).await);
    let full = fill(&near, &Bytes::from(vec![0; SIZE])).await;
    assert!(full > 64 * 1024);
    drop(unread);
    soon(lively.send_text("room?")).await.unwrap();
    assert_eq!(soon(lively.recv()).await.unwrap().data, "room?");
}

#[tokio::test]
async fn messages_that_nobody_reads_do_not_hold_up_the_connections_own_events() {
    let mut far_side = settings();
    far_side.receive_buffer = 64 * 1024;
    let (pair, near, _unread) = Pair::with(settings(), far_side).await.connect().await;
    fill(&near, &Bytes::from(vec![0; SIZE])).await;
    pair.alice.close().await;
    let closed = async {
        while let Some(event) = pair.bob.next_event().await {
            if matches!(event, Event::DtlsTransportStateChange(_, DtlsTransportState::Closed)) {
                return true;
            }
        }
        false
    };
    assert!(soon(closed).await, "the end of the connection was never told");
}

#[tokio::test]
async fn both_sides_may_send_before_they_read() {
    // Each waits for room to send while what it should read piles up: room must not depend on reading.
    let (_pair, near, far) = Pair::connected().await;
    let message = Bytes::from(vec![1; SIZE]);
    let total = 3 << 20;
    let send = async |channel: &purertc_tokio::DataChannel| {
        for _ in 0..total / SIZE {
            channel.send(message.clone()).await.unwrap();
        }
        let mut read = 0;
        while read < total {
            read += channel.recv().await.unwrap().data.len();
        }
    };
    soon(async { tokio::join!(send(&near), send(&far)) }).await;
}

#[tokio::test]
async fn a_reader_of_events_that_is_late_misses_none() {
    // In waves, since a peer may not have too many channels at once. More in all than the adapter keeps events.
    const WAVES: usize = 3;
    const CHANNELS: usize = 500;
    let (pair, _near, _far) = Pair::connected().await;
    for wave in 0..WAVES {
        let label = |n: usize| (wave * CHANNELS + n).to_string();
        let channels: Vec<_> = (0..CHANNELS)
            .map(|n| pair.alice.create_data_channel(&label(n), DataChannelInit::default()).unwrap())
            .collect();
        for channel in channels {
            soon(channel.opened()).await.unwrap();
            channel.close();
            soon(channel.closed()).await;
        }
    }
    let mut next = 0;
    while next < WAVES * CHANNELS {
        if let Event::DataChannel(channel) = soon(pair.bob.next_event()).await.unwrap() {
            assert_eq!(channel.label(), next.to_string());
            assert_eq!(soon(channel.recv()).await, None);
            next += 1;
        }
    }
    assert_eq!(pair.bob.connection_state(), PeerConnectionState::Connected);
}
