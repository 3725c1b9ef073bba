//! Streams and sinks of `futures`.

use crate::support::{Pair, settings, soon};
use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use purertc_tokio::{DataChannelState, Event, Message, MessageKind, SendError};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    soon(poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx))).await
}

async fn put<I, S: Sink<I, Error = SendError> + Unpin>(sink: &mut S, item: I) -> Result<(), SendError> {
    soon(poll_fn(|cx| Pin::new(&mut *sink).poll_ready(cx))).await?;
    Pin::new(&mut *sink).start_send(item)
}

#[tokio::test]
async fn messages_go_into_a_sink_and_come_out_of_a_stream() {
    let (_pair, near, far) = Pair::connected().await;
    let (mut sink, mut messages) = (near.sink(), far.messages());
    for n in 0..100_u8 {
        put(&mut sink, Bytes::from(vec![n])).await.unwrap();
    }
    put(&mut sink, Message { kind: MessageKind::Text, data: "last".into() }).await.unwrap();
    soon(poll_fn(|cx| Sink::<Bytes>::poll_flush(Pin::new(&mut sink), cx))).await.unwrap();
    for n in 0..100_u8 {
        assert_eq!(next(&mut messages).await.unwrap().data[..], [n]);
    }
    let last = next(&mut messages).await.unwrap();
    assert_eq!((last.kind, &last.data[..]), (MessageKind::Text, &b"last"[..]));
    soon(poll_fn(|cx| Sink::<Bytes>::poll_close(Pin::new(&mut sink), cx))).await.unwrap();
    assert_eq!(near.ready_state(), DataChannelState::Closed);
    assert_eq!(next(&mut messages).await, None);
    let refused = put(&mut sink, Bytes::from_static(b"more")).await;
    let refused = match refused {
        Ok(()) => poll_fn(|cx| Sink::<Bytes>::poll_flush(Pin::new(&mut sink), cx)).await,
        refused => refused,
    };
    assert!(matches!(refused, Err(SendError::Closed(_))), "{refused:?}");
}

#[tokio::test]
async fn a_sink_waits_for_a_reader_that_does_not_read() {
    let mut small = settings();
    (small.send_buffer, small.receive_buffer) = (1 << 16, 1 << 16);
    small.configuration.data.sctp.receive_buffer = 1 << 16;
    small.configuration.data.sctp.max_receive_buffer = 1 << 16;
    let (_pair, near, far) = Pair::with(small.clone(), small).await.connect().await;
    let mut sink = pin!(near.sink());
    let mut taken = 0_usize;
    // Until it says no: what both sides hold is bounded.
    let mut idle = 0;
    while idle < 20 {
        let ready = poll_fn(|cx| Poll::Ready(Sink::<Bytes>::poll_ready(sink.as_mut(), cx))).await;
        if ready.is_pending() {
            idle += 1;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        }
        idle = 0;
        Sink::<Bytes>::start_send(sink.as_mut(), vec![7; 1 << 14].into()).unwrap();
        taken += 1;
        assert!(taken < 1_000, "nobody reads, and all of it was taken");
    }
    let mut messages = far.messages();
    let flush = soon(poll_fn(|cx| Sink::<Bytes>::poll_flush(sink.as_mut(), cx)));
    let (flushed, ()) = tokio::join!(flush, async {
        for _ in 0..taken {
            assert_eq!(next(&mut messages).await.unwrap().data.len(), 1 << 14);
        }
    });
    flushed.unwrap();
}

#[tokio::test]
async fn events_are_a_stream_that_ends_with_the_connection() {
    let (pair, _near, _far) = Pair::connected().await;
    let mut events = pair.alice.events();
    let mut heard = 0;
    pair.alice.close().await;
    while let Some(event) = next(&mut events).await {
        assert!(!matches!(event, Event::DataChannel(_)));
        heard += 1;
    }
    assert!(heard < 100);
}
