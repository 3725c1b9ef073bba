#![no_main]
//! A TURN server of the fuzzer's to our client: it answers requests as it likes, signed or not, and sends what it likes.

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use purertc::base::random::Rng;
use purertc::base::redact::Redacted;
use purertc::crypto::CryptoProvider;
use purertc::crypto::md5;
use purertc::crypto::rustcrypto;
use purertc::crypto::traits::HashAlgorithm;
use purertc::transport::turn::{Carrier, Client, Config, Login};
use purertc::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, peek_transaction};
use purertc::{Instant, LocalAddress, SocketId};
use std::time::Duration;

fn client(crypto: CryptoProvider) -> Client {
    let config = Config {
        base: LocalAddress::udp(SocketId(1), ([192, 0, 2, 1], 5_000).into()),
        server: ([203, 0, 113, 9], 3_478).into(),
        login: Login { username: "user".to_owned(), password: Redacted("secret".to_owned()) },
        patience: Duration::from_secs(5),
        carrier: Carrier::Datagrams,
        sole_user: true,
    };
    Client::new(config, crypto, Rng::from_number(1))
}

/// An answer to `request`: what it says is the fuzzer's choice, and so is whether it is signed.
fn answer(crypto: &CryptoProvider, request: &[u8], choice: u8, attributes: &[u8]) -> Option<BytesMut> {
    let message = Message::parse(request).ok()?;
    let class = if choice & 1 == 0 { Class::Success } else { Class::Error };
    let mut out = Vec::new();
    let mut builder = Builder::new(&mut out, class, message.method, message.transaction);
    if class == Class::Error {
        let code = [400, 401, 437, 438, 440, 441, 300, 508][usize::from(choice >> 1 & 7)];
        builder = builder
            .attribute(&Attribute::ErrorCode(ErrorCode { code, reason: "" }))
            .attribute(&Attribute::Realm("realm"))
            .attribute(&Attribute::Nonce("nonce"));
    } else if choice & 2 == 0 {
        builder = builder
            .attribute(&Attribute::XorRelayedAddress(([203, 0, 113, 9], 50_000).into()))
            .attribute(&Attribute::XorMappedAddress(([192, 0, 2, 1], 5_000).into()));
    }
    for piece in attributes.chunks(6).filter(|piece| piece.len() > 2) {
        let code = u16::from_be_bytes([piece[0] & 0x80, piece[1]]);
        builder = builder.attribute(&Attribute::Unknown(code, &piece[2..]));
    }
    if choice & 16 == 0 {
        let key = crypto.hmac.key(HashAlgorithm::Sha1, &md5::digest(b"user:realm:secret")).ok()?;
        builder = builder.integrity(|parts, tag| key.sign(parts, tag));
    }
    builder.finish();
    Some(BytesMut::from(&out[..]))
}

fuzz_target!(|data: &[u8]| {
    let crypto = rustcrypto::provider();
    let mut now = Instant::ZERO;
    let mut client = client(crypto);
    client.allocate(now);
    let (mut rest, mut asked) = (data, Vec::new());
    while let Some((&what, tail)) = rest.split_first() {
        let (bytes, tail) = tail.split_at(usize::from(what & 0x1F).min(tail.len()));
        rest = tail;
        let peer = ([198, 51, 100, what & 7], 7_000).into();
        match what >> 5 {
            0 => {
                now += Duration::from_secs(u64::from(what) * 10);
                client.handle_timeout(now);
            }
            1 => client.send(now, peer, bytes),
            2 => client.bind(now, peer),
            3 => drop(client.handle_datagram(now, BytesMut::from(bytes))),
            _ => {
                if let Some(request) = asked.pop()
                    && let Some(response) = answer(&crypto, &request, what & 0x1F, bytes)
                {
                    drop(client.handle_datagram(now, response));
                }
            }
        }
        let mut out = Vec::new();
        while client.poll_transmit(now, &mut out).is_some() {
            let datagram = std::mem::take(&mut out);
            if peek_transaction(&datagram).is_some() && asked.len() < 32 {
                asked.push(datagram);
            }
        }
        while client.poll_event().is_some() {}
    }
});
