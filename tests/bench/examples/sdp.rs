//! What one offer costs, for `valgrind --tool=callgrind`: read (`parse`), or read, set and answered (`answer`), so many
//! times.

use purertc::wire::sdp::description::Description;
use purertc::{Configuration, Init, Instant, PeerConnection, SdpType, SessionDescription};
use std::hint::black_box;
use std::time::SystemTime;

const OFFER: &str = include_str!("../../vectors/sdp/chromium-av-data-offer.sdp");

fn main() {
    let mut args = std::env::args().skip(1);
    let what = args.next().unwrap_or_default();
    let times = args.next().and_then(|times| times.parse().ok()).unwrap_or(1_000);
    if what == "parse" {
        (0..times).for_each(|_| drop(black_box(Description::parse(black_box(OFFER)))));
        return;
    }
    let init = || Init::new(Instant::ZERO, SystemTime::UNIX_EPOCH, [7; 32]);
    let certificate =
        PeerConnection::generate_certificate(Default::default(), init()).expect("a certificate");
    for _ in 0..times {
        let mut configuration = Configuration::default();
        configuration.certificates = vec![certificate.clone()];
        answer(PeerConnection::new(configuration, init()).expect("a connection"));
    }
}

/// The part to look at: `callgrind --toggle-collect='*answer*'`.
#[inline(never)]
fn answer(mut connection: PeerConnection) {
    let offer = SessionDescription::new(SdpType::Offer, OFFER);
    connection.set_remote_description(Instant::ZERO, offer).expect("an offer");
    connection.set_local_description(Instant::ZERO, None).expect("an answer");
    black_box(connection.local_description());
}
