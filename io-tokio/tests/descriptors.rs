//! Nothing of a connection is left in the system once it is gone. Alone in its program, because it counts for all.

#![cfg(target_os = "linux")]

use purertc_tokio::{Configuration, DataChannelInit, PeerConnection, Settings};
use std::time::{Duration, Instant};

/// File descriptors and threads of this process.
fn held() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|folder| std::fs::read_dir(folder).unwrap().count())
}

async fn connect_and_close() {
    let mut settings = Settings::from(Configuration::default()).with_loopback();
    settings.sockets.listen_tcp = true;
    let alice = PeerConnection::new(settings.clone()).await.unwrap();
    let bob = PeerConnection::new(settings).await.unwrap();
    let channel = alice.create_data_channel("test", DataChannelInit::default()).unwrap();
    alice.set_local_description(None).await.unwrap();
    alice.gathering_complete().await;
    bob.set_remote_description(alice.local_description().unwrap()).await.unwrap();
    bob.set_local_description(None).await.unwrap();
    bob.gathering_complete().await;
    alice.set_remote_description(bob.local_description().unwrap()).await.unwrap();
    channel.opened().await.unwrap();
    alice.close().await;
    bob.close().await;
}

#[tokio::test]
async fn sockets_and_threads_go_with_their_connection() {
    // What the runtime and the libraries keep for ever is there after the first time.
    connect_and_close().await;
    let before = held();
    for _ in 0..5 {
        connect_and_close().await;
    }
    let begun = Instant::now();
    while held() != before {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?} instead of {before:?}", held());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
