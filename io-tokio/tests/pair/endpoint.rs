//! Many connections behind one socket.

use crate::support::{link, settings, soon};
use purertc_tokio::{Endpoint, PeerConnectionState};

#[tokio::test]
async fn connections_share_a_port_and_each_gets_its_own_messages() {
    let endpoint = Endpoint::new(settings()).await.expect("sockets");
    let mut links = Vec::new();
    for _ in 0..5 {
        links.push(link(&endpoint).await);
    }
    let [address] = endpoint.local_addresses() else { panic!("one socket") };
    for (n, link) in links.iter().enumerate() {
        link.theirs.send_text(format!("I am {n}")).await.expect("room");
        let path = link.server.inspect(|core| core.transport().selected_pair()).map(|pair| pair.path.local);
        assert!(path.is_none_or(|path| path == address.address));
    }
    for (n, link) in links.iter().enumerate() {
        let message = soon(link.ours.recv()).await.expect("a message");
        assert_eq!(message.data, format!("I am {n}"));
        link.ours.send(message.data).await.expect("room");
        assert_eq!(soon(link.theirs.recv()).await.expect("an echo").data, format!("I am {n}"));
    }
    assert_eq!(endpoint.inspect(purertc::Endpoint::len), 5);
}

#[tokio::test]
async fn a_connection_that_leaves_is_forgotten_and_the_others_stay() {
    let endpoint = Endpoint::new(settings()).await.expect("sockets");
    let (stays, leaves, closes) = (link(&endpoint).await, link(&endpoint).await, link(&endpoint).await);
    soon(closes.server.close()).await;
    assert_eq!(closes.server.connection_state(), PeerConnectionState::Closed);
    assert_eq!(endpoint.inspect(purertc::Endpoint::len), 3, "its handles can still be asked");
    drop((leaves.server, leaves.ours));
    drop((closes.server, closes.ours));
    soon(leaves.theirs.closed()).await;
    soon(closes.theirs.closed()).await;
    soon(async {
        while endpoint.inspect(purertc::Endpoint::len) > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
    stays.theirs.send_text("still here").await.expect("room");
    assert_eq!(soon(stays.ours.recv()).await.expect("a message").data, "still here");
}

#[tokio::test]
async fn a_slow_reader_holds_up_its_own_peer_alone() {
    let mut small = settings();
    small.receive_buffer = 1 << 16;
    small.configuration.data.sctp.receive_buffer = 1 << 16;
    let endpoint = Endpoint::new(small).await.expect("sockets");
    let (slow, quick) = (link(&endpoint).await, link(&endpoint).await);
    let flood = tokio::spawn({
        let channel = slow.theirs.clone();
        async move {
            for _ in 0..256 {
                channel.send(vec![7; 1 << 16]).await.expect("room");
            }
            channel.drained().await;
        }
    });
    for n in 0..50_u8 {
        quick.theirs.send(vec![n]).await.expect("room");
        assert_eq!(soon(quick.ours.recv()).await.expect("a message").data[..], [n]);
    }
    assert!(!flood.is_finished(), "16 MiB that nobody reads");
    for _ in 0..256 {
        assert_eq!(soon(slow.ours.recv()).await.expect("a message").data.len(), 1 << 16);
    }
    soon(flood).await.expect("no panic");
}

#[tokio::test]
async fn connections_outlive_the_handle_of_their_endpoint() {
    let endpoint = Endpoint::new(settings()).await.expect("sockets");
    let link = link(&endpoint).await;
    drop(endpoint);
    link.theirs.send_text("on").await.expect("room");
    assert_eq!(soon(link.ours.recv()).await.expect("a message").data, "on");
    soon(link.server.close()).await;
    soon(link.theirs.closed()).await;
}

#[tokio::test]
async fn a_closed_endpoint_closes_all_and_takes_no_more() {
    let endpoint = Endpoint::new(settings()).await.expect("sockets");
    let links = [link(&endpoint).await, link(&endpoint).await];
    soon(endpoint.close()).await;
    for link in &links {
        assert_eq!(link.server.connection_state(), PeerConnectionState::Closed);
        soon(link.theirs.closed()).await;
    }
    assert!(endpoint.connection().is_err());
    soon(endpoint.close()).await;
}
