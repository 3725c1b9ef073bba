//! A peer that holds the right keys and lies, at each step of the handshake: what it says is part of its transcript, so that
//! nothing else gives it away. The other side is left `failed` with the reason, and with nothing else.

use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::{Config, Role};
use crate::transport::dtls::tests::{Pair, Side, config, config_13};
use crate::transport::dtls::{DtlsTransportState, Event, State};
use crate::wire::dtls::codepoints::{HandshakeType, ProtocolVersion};

/// How one message is changed.
#[derive(Clone, Debug)]
pub(in crate::transport::dtls) enum How {
    /// It is left out.
    Omit,
    /// Its last byte is missing.
    Cut,
    /// There is a byte behind it.
    Extend,
    /// It says that it is another one.
    Rename(HandshakeType),
    /// A bit of the byte this far from its end is another one.
    Flip(usize),
}

/// A lie: about which message, and how.
#[derive(Clone, Debug)]
pub(in crate::transport::dtls) struct Lie(HandshakeType, How);

impl Lie {
    pub(in crate::transport::dtls) fn tell(
        &self,
        kind: HandshakeType,
        mut body: Vec<u8>,
    ) -> Option<(HandshakeType, Vec<u8>)> {
        if kind != self.0 {
            return Some((kind, body));
        }
        match self.1 {
            How::Omit => return None,
            How::Cut => body.truncate(body.len().saturating_sub(1)),
            How::Extend => body.push(0),
            How::Rename(other) => return Some((other, body)),
            How::Flip(back) => {
                let at = body.len() - 1 - back;
                body[at] ^= 1;
            }
        }
        Some((kind, body))
    }
}

/// Why the victim of this lie gave up; nothing else may have come of it.
fn told(base: &Config, liar: Role, lie: &Lie) -> Failure {
    let mut pair = Pair::at_rest(base.clone(), base.clone());
    let print = super::fingerprint(base);
    pair.client.trust(pair.now, print.clone());
    pair.server.trust(pair.now, print);
    let (liar, at) = match liar {
        Role::Client => (&mut pair.client, Role::Client),
        Role::Server => (&mut pair.server, Role::Server),
    };
    let State::Handshaking(handshake) = &mut liar.dtls.state else { panic!("at rest") };
    handshake.cx.lie = Some(lie.clone());
    pair.client.dtls.start(pair.now);
    pair.client.take_events();
    pair.run();
    let (liar, victim): (&Side, &mut Side) = match at {
        Role::Client => (&pair.client, &mut pair.server),
        Role::Server => (&pair.server, &mut pair.client),
    };
    let words = format!("{:?} of {at:?}: {:?}", base.versions, lie);
    let failure = victim.dtls.failure().unwrap_or_else(|| panic!("{words}: no failure"));
    assert_eq!(victim.dtls.state(), DtlsTransportState::Failed, "{words}");
    assert_eq!(victim.events.last(), Some(&Event::Failed(failure)), "{words}");
    let connected = |side: &Side| side.events.iter().any(|event| matches!(event, Event::Connected(_)));
    assert!(!connected(victim), "{words}");
    assert!(victim.received.is_empty() && victim.dtls.verified().is_none(), "{words}");
    assert!(victim.dtls.begin_record(&mut Vec::new()).is_none(), "{words}");
    assert_eq!((victim.dtls.poll_timeout(), victim.poll(pair.now)), (None, None), "{words}");
    // It is told why, in so far as it is there to be told.
    let alert = failure.alert().map(Failure::PeerAlert);
    assert_eq!(liar.dtls.failure(), alert, "{words}");
    failure
}

fn base(version: ProtocolVersion) -> Config {
    match version {
        ProtocolVersion::Dtls13 => Config { versions: vec![version], ..config_13() },
        _ => config(),
    }
}

const CLIENT: Role = Role::Client;
const SERVER: Role = Role::Server;

/// Every message of a handshake, and who says it.
fn messages(version: ProtocolVersion) -> Vec<(Role, HandshakeType)> {
    use HandshakeType as Kind;
    match version {
        ProtocolVersion::Dtls13 => vec![
            (CLIENT, Kind::ClientHello),
            (SERVER, Kind::ServerHello),
            (SERVER, Kind::EncryptedExtensions),
            (SERVER, Kind::CertificateRequest),
            (SERVER, Kind::Certificate),
            (SERVER, Kind::CertificateVerify),
            (SERVER, Kind::Finished),
            (CLIENT, Kind::Certificate),
            (CLIENT, Kind::CertificateVerify),
            (CLIENT, Kind::Finished),
        ],
        _ => vec![
            (CLIENT, Kind::ClientHello),
            (SERVER, Kind::ServerHello),
            (SERVER, Kind::Certificate),
            (SERVER, Kind::ServerKeyExchange),
            (SERVER, Kind::CertificateRequest),
            (SERVER, Kind::ServerHelloDone),
            (CLIENT, Kind::Certificate),
            (CLIENT, Kind::ClientKeyExchange),
            (CLIENT, Kind::CertificateVerify),
            (CLIENT, Kind::Finished),
            (SERVER, Kind::Finished),
        ],
    }
}

const VERSIONS: [ProtocolVersion; 2] = [ProtocolVersion::Dtls12, ProtocolVersion::Dtls13];

#[test]
fn a_message_of_another_length_ends_the_handshake_at_each_step() {
    for version in VERSIONS {
        let base = base(version);
        for (liar, kind) in messages(version) {
            for how in [How::Cut, How::Extend] {
                // It has no bytes to lose.
                if matches!((kind, &how), (HandshakeType::ServerHelloDone, How::Cut)) {
                    continue;
                }
                let failure = told(&base, liar, &Lie(kind, how.clone()));
                match kind {
                    HandshakeType::Finished => assert_eq!(failure, Failure::BadFinished),
                    _ => assert!(matches!(failure, Failure::Decode(_)), "{kind:?} {how:?}: {failure:?}"),
                }
            }
        }
    }
}

#[test]
fn a_message_of_another_kind_ends_the_handshake_at_each_step() {
    for version in VERSIONS {
        let base = base(version);
        for (liar, kind) in messages(version) {
            let lie = Lie(kind, How::Rename(HandshakeType::Unknown(99)));
            // Under the last keys of 1.2 comes `Finished` alone: anything else is dropped, and the handshake stands.
            if (version, kind) == (ProtocolVersion::Dtls12, HandshakeType::Finished) {
                continue;
            }
            let failure = told(&base, liar, &lie);
            assert!(matches!(failure, Failure::UnexpectedMessage { .. }), "{kind:?}: {failure:?}");
        }
    }
}

#[test]
fn a_message_that_is_left_out_ends_the_handshake_at_each_step() {
    for version in VERSIONS {
        let base = base(version);
        for (liar, kind) in messages(version) {
            let is_13 = version == ProtocolVersion::Dtls13;
            match kind {
                // Who says nothing more is waited for, and ICE decides for how long.
                HandshakeType::ClientHello | HandshakeType::ServerHelloDone | HandshakeType::Finished => {}
                // Nothing after it can be read without it.
                HandshakeType::ServerHello if is_13 => {}
                // Who does not ask for a certificate does without a proof, and ends it itself.
                HandshakeType::CertificateRequest => {}
                _ => {
                    let failure = told(&base, liar, &Lie(kind, How::Omit));
                    assert!(matches!(failure, Failure::UnexpectedMessage { .. }), "{kind:?}: {failure:?}");
                }
            }
        }
    }
}

#[test]
fn a_value_that_is_wrong_ends_the_handshake_at_each_step() {
    use HandshakeType as Kind;
    for version in VERSIONS {
        let base = base(version);
        for (liar, kind) in messages(version) {
            let expected = match kind {
                Kind::Certificate => Failure::FingerprintMismatch,
                Kind::CertificateVerify | Kind::ServerKeyExchange => Failure::BadSignature,
                Kind::Finished => Failure::BadFinished,
                _ => continue,
            };
            // Of a certificate of 1.3 the last bytes are those of its extensions' length.
            let failure = told(&base, liar, &Lie(kind, How::Flip(2)));
            assert_eq!(failure, expected, "{version:?} {liar:?} {kind:?}");
        }
    }
}
