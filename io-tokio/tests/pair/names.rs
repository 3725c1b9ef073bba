//! Candidates with names in place of addresses, over the real group of multicast DNS.

use crate::support::{Pair, settings, soon};
use purertc_tokio::purertc::HostAddresses;

#[tokio::test]
async fn names_in_place_of_addresses_are_found_by_the_peer() {
    let mut named = settings();
    named.configuration.host_addresses = HostAddresses::Named;
    let (pair, near, far) = Pair::with(named.clone(), named).await.connect().await;
    for connection in [&pair.alice, &pair.bob] {
        let sdp = connection.local_description().unwrap().sdp;
        assert!(sdp.contains(".local ") && !sdp.contains("127.0.0.1"), "{sdp}");
    }
    // Neither knew an address of the other, so one of them must have found the name.
    near.send("found").await.unwrap();
    assert_eq!(soon(far.recv()).await.unwrap().data, "found");
}
