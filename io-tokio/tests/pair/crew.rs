//! Several endpoints on one port, each with its own task or thread.

use crate::support::{Link, link, settings, soon};
use purertc::DropReason;
use purertc_tokio::{Endpoint, Settings};
use std::sync::Arc;
use std::sync::mpsc::channel;
use tokio::sync::Barrier;

/// What came to a member and was nobody's.
fn strays(endpoint: &Endpoint) -> u64 {
    endpoint.inspect(|core| core.drops().of(DropReason::UnknownPeer))
}

/// Messages large enough to come as runs of datagrams, there and back.
async fn echoes(links: &[(usize, Link)], size: usize) {
    for (n, link) in links {
        link.theirs.send(vec![*n as u8; size]).await.expect("room");
    }
    for (n, link) in links {
        let message = soon(link.ours.recv()).await.expect("a message");
        assert_eq!(message.data, vec![*n as u8; size]);
        link.ours.send(message.data).await.expect("room");
    }
    for (n, link) in links {
        assert_eq!(soon(link.theirs.recv()).await.expect("an echo").data, vec![*n as u8; size]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn members_have_one_port_and_every_peer_stays_where_it_was_made() {
    let crew = Endpoint::crew(settings(), 3).await.expect("sockets");
    let port = crew[0].local_addresses()[0].address.port();
    let mut links = Vec::new();
    for n in 0..24 {
        links.push((n, link(&crew[n % 3]).await));
    }
    echoes(&links, 100_000).await;
    for (_, link) in &links {
        let pair = link.server.inspect(|core| core.transport().selected_pair()).expect("a pair");
        assert_eq!(pair.path.local.port(), port);
    }
    for member in &crew {
        assert_eq!(member.local_addresses()[0].address.port(), port);
        assert_eq!(member.inspect(purertc::Endpoint::len), 8);
        assert_eq!((member.exchanged().lost, strays(member)), (0, 0));
    }
    let taken: u64 = crew.iter().map(|member| member.exchanged().taken).sum();
    assert!(taken > 0, "the system cannot have guessed all of 24 right");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_goes_leaves_the_others_their_peers() {
    let mut crew = Endpoint::crew(settings(), 2).await.expect("sockets");
    let mut links = Vec::new();
    for n in 0..12 {
        links.push((n, link(&crew[n % 2]).await));
    }
    echoes(&links, 1_000).await;
    let gone = crew.pop().expect("the second");
    soon(gone.close()).await;
    let (stay, left): (Vec<_>, Vec<_>) = links.into_iter().partition(|(n, _)| n % 2 == 0);
    for (_, link) in &left {
        soon(link.theirs.closed()).await;
    }
    // Its socket is closed, so that the system deals the others' datagrams out anew.
    echoes(&stay, 10_000).await;
    assert!(gone.connection().is_err());
}

#[test]
fn each_member_may_have_a_thread_and_a_runtime_of_its_own() {
    let base = settings();
    let shares = base.sockets.share(2).expect("sockets");
    let (tell, told) = channel();
    // What comes for a member that is gone is nobody's, and one that blocks hands nothing over.
    let done = Arc::new(Barrier::new(2));
    let threads = shares.into_iter().map(|share| {
        let (tell, settings, done): (_, Settings, _) = (tell.clone(), base.clone(), done.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let endpoint = Endpoint::in_share(settings, share).expect("sockets");
                let mut links = Vec::new();
                for n in 0..8 {
                    links.push((n, link(&endpoint).await));
                }
                echoes(&links, 50_000).await;
                tell.send((endpoint.exchanged(), strays(&endpoint))).unwrap();
                soon(done.wait()).await;
                soon(endpoint.close()).await;
            });
        })
    });
    let threads: Vec<_> = threads.collect();
    drop(tell);
    let all: Vec<_> = told.iter().collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|(exchanged, strays)| exchanged.lost == 0 && *strays == 0), "{all:?}");
    assert!(all.iter().any(|(exchanged, _)| exchanged.taken > 0), "{all:?}");
}

#[tokio::test]
async fn a_crew_without_members_and_one_that_is_too_large_are_refused() {
    for members in [0, 65] {
        assert!(Endpoint::crew(settings(), members).await.is_err());
    }
    assert_eq!(Endpoint::crew(settings(), 1).await.expect("sockets").len(), 1);
}
