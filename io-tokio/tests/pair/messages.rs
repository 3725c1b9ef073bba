//! What goes in comes out.

use crate::support::{Pair, echo, incoming, soon};
use bytes::Bytes;
use purertc_tokio::{DataChannelInit, DataChannelState, Message, MessageKind, SendError};

fn binary(data: impl Into<Bytes>) -> Message {
    Message { kind: MessageKind::Binary, data: data.into() }
}

fn text(data: &'static str) -> Message {
    Message { kind: MessageKind::Text, data: Bytes::from_static(data.as_bytes()) }
}

async fn every_kind_of_message_comes_back() {
    let (_pair, near, far) = Pair::connected().await;
    let echo = echo(far);
    let large: Bytes = (0..262_144_u32).map(|n| (n.wrapping_mul(7) >> 3) as u8).collect();
    for message in [
        text("hello"),
        binary(&b"\0\x01\xff"[..]),
        text(""),
        binary(Bytes::new()),
        binary(&b"x"[..]),
        binary(large),
    ] {
        soon(near.send_message(message.data.clone(), message.kind)).await.unwrap();
        assert_eq!(soon(near.recv()).await, Some(message));
    }
    near.close();
    soon(near.closed()).await;
    soon(echo).await.unwrap();
}

#[tokio::test]
async fn messages_come_back_on_one_thread() {
    every_kind_of_message_comes_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn messages_come_back_on_many_threads() {
    every_kind_of_message_comes_back().await;
}

#[tokio::test]
async fn a_thousand_messages_keep_their_order() {
    let (_pair, near, far) = Pair::connected().await;
    let send = async {
        for n in 0..1_000_u32 {
            near.send(n.to_be_bytes().to_vec()).await.unwrap();
        }
    };
    let receive = async {
        for n in 0..1_000_u32 {
            assert_eq!(far.recv().await, Some(binary(n.to_be_bytes().to_vec())));
        }
    };
    soon(async { tokio::join!(send, receive) }).await;
}

#[tokio::test]
async fn ten_channels_at_once_do_not_mix() {
    let Pair { alice, bob } = Pair::new().await;
    let near: Vec<_> = (0..10)
        .map(|n| alice.create_data_channel(&format!("echo {n}"), DataChannelInit::default()).unwrap())
        .collect();
    let pair = Pair { alice, bob };
    pair.negotiate().await;
    for _ in 0..10 {
        echo(incoming(&pair.bob).await);
    }
    let tasks: Vec<_> = near
        .into_iter()
        .map(|channel| {
            tokio::spawn(async move {
                for n in 0..50 {
                    let said = format!("{} {n}", channel.label());
                    channel.send_text(said.clone()).await.unwrap();
                    assert_eq!(channel.recv().await.unwrap().data, said);
                }
            })
        })
        .collect();
    for task in tasks {
        soon(task).await.unwrap();
    }
}

#[tokio::test]
async fn attributes_arrive_with_the_channel() {
    let pair = Pair::new().await;
    let init = DataChannelInit {
        ordered: false,
        max_retransmits: Some(3),
        protocol: "chess".to_owned(),
        ..DataChannelInit::default()
    };
    let near = pair.alice.create_data_channel("board", init).unwrap();
    assert_eq!(near.ready_state(), DataChannelState::Connecting);
    assert_eq!(near.id(), None);
    pair.negotiate().await;
    let far = incoming(&pair.bob).await;
    soon(near.opened()).await.unwrap();
    for channel in [&near, &far] {
        assert_eq!((channel.label(), channel.protocol()), ("board", "chess"));
        assert_eq!((channel.ordered(), channel.max_retransmits()), (false, Some(3)));
        assert_eq!(channel.max_packet_life_time(), None);
        assert_eq!(channel.ready_state(), DataChannelState::Open);
    }
    assert_eq!(near.id(), far.id());
    assert!(near.id().is_some());
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_and_the_channel_lives() {
    let (_pair, near, far) = Pair::connected().await;
    let long = Bytes::from(vec![0; 262_145]);
    assert_eq!(soon(near.send(long)).await, Err(SendError::TooLarge { max: 262_144 }));
    let no_text = Bytes::from_static(b"\xff");
    assert_eq!(soon(near.send_message(no_text, MessageKind::Text)).await, Err(SendError::NotUtf8));
    near.send_text("still here").await.unwrap();
    assert_eq!(soon(far.recv()).await, Some(text("still here")));
}

#[tokio::test]
async fn a_message_to_a_channel_that_is_not_open_comes_back_or_waits() {
    let pair = Pair::new().await;
    let near = pair.alice.create_data_channel("early", DataChannelInit::default()).unwrap();
    let early = Bytes::from_static(b"early");
    assert_eq!(near.try_send(early.clone(), MessageKind::Binary), Err(SendError::NotNow(early.clone())));
    let sent = tokio::spawn({
        let near = near.clone();
        async move { near.send(early).await }
    });
    pair.negotiate().await;
    let far = incoming(&pair.bob).await;
    assert_eq!(soon(sent).await.unwrap(), Ok(()));
    assert_eq!(soon(far.recv()).await, Some(binary(&b"early"[..])));
}
