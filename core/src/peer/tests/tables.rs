//! The tables that states are derived by, printed and compared with what is checked in.

use crate::peer::state::{TransportState, connection_state, ice_connection_state};
use crate::transport::dtls::DtlsTransportState as Dtls;
use crate::transport::ice::IceTransportState as Ice;

fn row(transports: &[TransportState]) -> String {
    let name = |(ice, dtls): &TransportState| format!("{ice} {dtls}");
    let names: Vec<String> = transports.iter().map(name).collect();
    let states = transports.iter().copied();
    let (ice, all) = (ice_connection_state(false, &states), connection_state(false, &states));
    format!("{} -> {ice} {all}", names.join(", "))
}

/// The file was written from the tables of webrtc-pc §4.3.3 and §4.3.4.
#[test]
fn the_derived_states_are_those_that_are_checked_in() {
    let mut lines =
        vec!["# ICE and DTLS of each transport -> iceConnectionState, connectionState".to_owned()];
    for &ice in Ice::ALL {
        lines.extend(Dtls::ALL.iter().map(|&dtls| row(&[(ice, dtls)])));
    }
    for (at, &one) in Ice::ALL.iter().enumerate() {
        let pairs = Ice::ALL[at..].iter().map(|&other| [(one, Dtls::Connected), (other, Dtls::Connected)]);
        lines.extend(pairs.map(|pair| row(&pair)));
    }
    let printed = lines.join("\n") + "\n";
    println!("{printed}");
    assert_eq!(printed, include_str!("states.txt"));
}
