//! Handshakes over a perfect network: everything that can be agreed on.

use crate::transport::dtls::tests::Pair;

#[test]
fn two_sides_connect() {
    let mut pair = Pair::default_config();
    pair.run();
    pair.assert_connected();
}
