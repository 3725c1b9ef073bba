//! What goes wrong outside, and what becomes of it. Time is paused where nothing but time passes: it jumps to the next
//! deadline whenever all tasks wait.

use crate::support::{Pair, incoming, settings, soon};
use purertc_tokio::{
    DataChannelInit, Endpoint, Event, IceServer, PeerConnection, PeerConnectionState, Resolver, SetupError,
};
use std::io::ErrorKind;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Processor time that this thread has used; it drives the connections, too.
#[cfg(target_os = "linux")]
fn used() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_name_service_that_never_answers_delays_what_needs_it_and_nothing_else() {
    let (release, held) = channel::<()>();
    let held = Arc::new(Mutex::new(held));
    let mut stuck = settings();
    stuck.sockets.resolver = Resolver::new(move |_| {
        let _ = held.lock().unwrap().recv();
        Err(ErrorKind::TimedOut.into())
    });
    stuck.configuration.ice_servers = vec![
        IceServer::turn("turn:relay.example", "me", "secret"),
        IceServer::turn("turn:other.example?transport=tcp", "me", "secret"),
    ];
    let Pair { alice, bob } = Pair::with(stuck, settings()).await;
    let near = alice.create_data_channel("test", DataChannelInit::default()).unwrap();
    // What is there already goes to the peer, and does.
    alice.set_local_description(None).await.unwrap();
    bob.set_remote_description(alice.local_description().unwrap()).await.unwrap();
    bob.set_local_description(None).await.unwrap();
    alice.set_remote_description(bob.local_description().unwrap()).await.unwrap();
    let begun = Instant::now();
    soon(near.opened()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "it waited for the names");
    soon(alice.gathering_complete()).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "names are given up after five seconds");
    let mut told = Vec::new();
    while told.len() < 2 {
        if let Event::IceCandidateError(error) = soon(alice.next_event()).await.expect("open") {
            told.push((error.error_code, error.error_text));
        }
    }
    assert!(told.iter().all(|(code, text)| *code == 701 && text.contains(".example")), "{told:?}");
    near.send("on").await.unwrap();
    assert_eq!(soon(incoming(&bob).await.recv()).await.unwrap().data, "on");
    drop(release);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_thousand_peers_that_open_and_stall_fail_in_time_and_leave_nothing() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let client = PeerConnection::new(settings()).await.unwrap();
    let _channel = client.create_data_channel("never", DataChannelInit::default()).unwrap();
    client.set_local_description(None).await.unwrap();
    let mut offer = client.local_description().unwrap();
    // Someone else is there, who says nothing.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let candidate = offer.sdp.lines().find(|line| line.starts_with("a=candidate:")).unwrap();
    let port = candidate.split(' ').nth(5).unwrap().to_owned();
    let other = silent.local_addr().unwrap().port();
    offer.sdp = offer.sdp.replace(&format!(" {port} typ"), &format!(" {other} typ"));
    client.close().await;
    drop(client);
    let endpoint = Endpoint::new(settings()).await.unwrap();
    let tasks = metrics.num_alive_tasks();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let mut stalled = Vec::new();
    for _ in 0..1_000 {
        let connection = endpoint.connection().unwrap();
        connection.set_remote_description(offer.clone()).await.unwrap();
        connection.set_local_description(None).await.unwrap();
        stalled.push(connection);
    }
    assert_eq!((descriptors(), metrics.num_alive_tasks()), (before, tasks), "they cost memory and no more");
    for connection in &stalled {
        assert!(connection.wait_for(PeerConnectionState::Connected).await.is_err());
        assert_eq!(connection.connection_state(), PeerConnectionState::Failed);
    }
    let busy = used();
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let busy = used() - busy;
    assert!(busy < Duration::from_secs(5), "{busy:?} for an hour of a thousand that failed");
    drop(stalled);
    while endpoint.inspect(purertc::Endpoint::len) > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(endpoint.inspect(purertc::Endpoint::routes), 0);
    endpoint.close().await;
    drop(endpoint);
    while metrics.num_alive_tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_nothing_hangs() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut settings = settings();
    settings.sockets.ports = Some(port..=port);
    let refused = PeerConnection::new(settings).await;
    assert!(matches!(refused, Err(SetupError::Io(error)) if error.kind() == ErrorKind::AddrInUse));
}
