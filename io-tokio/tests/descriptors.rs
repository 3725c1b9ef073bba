//! Nothing of a connection is left in the system once it is gone, and it takes no time that it does not need. Alone in its program, because it counts for all.

#![cfg(target_os = "linux")]

use purertc_tokio::{Configuration, DataChannel, DataChannelInit, PeerConnection, Settings};
use std::time::{Duration, Instant};

/// File descriptors and threads of this process.
fn held() -> [usize; 2] {
    ["/proc/self/fd", "/proc/self/task"].map(|folder| std::fs::read_dir(folder).unwrap().count())
}

/// Processor time that this thread has used; it drives the connections, too.
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// Nothing happens, so nothing is done but what keeps a path open.
async fn does_not_spin() {
    let before = used();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let busy = used() - before;
    assert!(busy < Duration::from_millis(200), "{busy:?} of one idle second");
}

async fn connect() -> (DataChannel, [PeerConnection; 2]) {
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
    (channel, [alice, bob])
}

async fn connect_and_close() {
    let (_channel, connections) = connect().await;
    for connection in connections {
        connection.close().await;
    }
}

#[tokio::test]
async fn nothing_is_left_and_nothing_spins() {
    sockets_and_threads_go_with_their_connection().await;
    let pair = connect().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    does_not_spin().await;
    drop(pair);
}

async fn sockets_and_threads_go_with_their_connection() {
    // What the runtime and the libraries keep for ever is there after the first time.
    connect_and_close().await;
    let before = held();
    for _ in 0..5 {
        connect_and_close().await;
    }
    let begun = Instant::now();
    // A thread that asked for a name may have been there still, and be gone now.
    while held().iter().zip(&before).any(|(held, before)| held > before) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?} instead of {before:?}", held());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
