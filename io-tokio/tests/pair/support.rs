//! Two connections in one process, over loopback.

use purertc_tokio::{
    Configuration, DataChannel, DataChannelInit, Endpoint, Event, PeerConnection, Settings, SocketSettings,
};
use std::future::Future;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails the test instead of hanging.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("this should not take so long")
}

pub(crate) fn settings() -> Settings {
    let mut sockets = SocketSettings::default();
    sockets.addresses = vec![Ipv4Addr::LOCALHOST.into()];
    let mut settings = Settings::from(Configuration::default());
    settings.sockets = sockets;
    settings
}

pub(crate) struct Pair {
    pub(crate) alice: PeerConnection,
    pub(crate) bob: PeerConnection,
}

impl Pair {
    pub(crate) async fn new() -> Self {
        Self::with(settings(), settings()).await
    }

    pub(crate) async fn with(alice: Settings, bob: Settings) -> Self {
        Self {
            alice: PeerConnection::new(alice).await.expect("alice's sockets"),
            bob: PeerConnection::new(bob).await.expect("bob's sockets"),
        }
    }

    /// Offer and answer with every candidate inside.
    pub(crate) async fn negotiate(&self) {
        let Self { alice, bob } = self;
        alice.set_local_description(None).await.expect("an offer");
        soon(alice.gathering_complete()).await;
        bob.set_remote_description(alice.local_description().unwrap()).await.expect("alice's offer");
        bob.set_local_description(None).await.expect("an answer");
        soon(bob.gathering_complete()).await;
        alice.set_remote_description(bob.local_description().unwrap()).await.expect("bob's answer");
    }

    /// A connected pair with one channel, at both ends.
    pub(crate) async fn connected() -> (Self, DataChannel, DataChannel) {
        Self::new().await.connect().await
    }

    pub(crate) async fn connect(self) -> (Self, DataChannel, DataChannel) {
        let near = self.alice.create_data_channel("test", DataChannelInit::default()).expect("a channel");
        self.negotiate().await;
        let far = incoming(&self.bob).await;
        soon(near.opened()).await.expect("open");
        (self, near, far)
    }
}

/// A client with a socket of its own and a connection of an endpoint's, and the two ends of a channel.
pub(crate) struct Link {
    _client: PeerConnection,
    pub(crate) server: PeerConnection,
    pub(crate) ours: DataChannel,
    pub(crate) theirs: DataChannel,
}

pub(crate) async fn link(endpoint: &Endpoint) -> Link {
    let client = PeerConnection::new(settings()).await.expect("sockets");
    let server = endpoint.connection().expect("a connection");
    let theirs = client.create_data_channel("to the server", DataChannelInit::default()).expect("a channel");
    client.set_local_description(None).await.expect("an offer");
    server.set_remote_description(client.local_description().unwrap()).await.expect("the offer");
    server.set_local_description(None).await.expect("an answer");
    client.set_remote_description(server.local_description().unwrap()).await.expect("the answer");
    let ours = incoming(&server).await;
    Link { _client: client, server, ours, theirs }
}

/// The next channel that the peer opens.
pub(crate) async fn incoming(connection: &PeerConnection) -> DataChannel {
    soon(async {
        loop {
            let event = connection.next_event().await.expect("the connection is up");
            if let Event::DataChannel(channel) = event {
                return channel;
            }
        }
    })
    .await
}

/// Sends back whatever comes, until the channel closes.
pub(crate) fn echo(channel: DataChannel) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(message) = channel.recv().await {
            if channel.send_message(message.data, message.kind).await.is_err() {
                return;
            }
        }
    })
}
