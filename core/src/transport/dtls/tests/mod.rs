//! Two connections and a virtual network between them.

mod attacks;
mod attacks13;
mod attacks_handshake;
mod handshakes;
mod handshakes13;
mod ids;
mod keys13;
pub(super) mod lies;
mod lifetime;
mod lossy;

use crate::base::drops::DropReason;
use crate::base::random::Rng;
use crate::base::time::{Instant, earliest};
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateOptions};
use crate::transport::dtls::config::{Config, Role};
use crate::transport::dtls::verify::fingerprint_of;
use crate::transport::dtls::{Connection, DtlsTransportState, Event};
use crate::wire::dtls::codepoints::ProtocolVersion;
use crate::wire::fingerprint::{Fingerprint, FingerprintAlgorithm};
use bytes::BytesMut;
use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

pub(super) const DELAY: Duration = Duration::from_millis(10);

/// What the network does to one datagram: the delays after which copies of it arrive.
pub(super) type Fate = Vec<Duration>;

/// One side.
pub(super) struct Side {
    pub dtls: Connection,
    pub events: Vec<Event>,
    pub received: Vec<BytesMut>,
    /// Every handshake or alert datagram that it sent.
    pub sent: Vec<Vec<u8>>,
}

impl Side {
    pub(super) fn new(config: Config, role: Role, seed: u64) -> Self {
        let dtls = Connection::new(config, role, Rng::from_number(seed));
        Self { dtls, events: Vec::new(), received: Vec::new(), sent: Vec::new() }
    }

    pub(super) fn handle(&mut self, now: Instant, datagram: &[u8]) {
        self.dtls.handle_datagram(now, BytesMut::from(datagram), &mut self.received);
        self.take_events();
    }

    pub(super) fn trust(&mut self, now: Instant, fingerprint: Fingerprint) {
        self.dtls.set_remote_fingerprints(now, vec![fingerprint], &mut self.received);
        self.take_events();
    }

    pub(super) fn take_events(&mut self) {
        self.events.extend(std::iter::from_fn(|| self.dtls.poll_event()));
    }

    pub(super) fn seal(&mut self, content: &[u8]) -> Vec<u8> {
        let mut out = vec![0xee; 3];
        let start = self.dtls.begin_record(&mut out).expect("connected");
        out.extend_from_slice(content);
        self.dtls.finish_record(start, &mut out).unwrap();
        out.split_off(3)
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let len = self.dtls.poll_transmit(now, &mut out)?;
        assert_eq!(len, out.len());
        self.sent.push(out.clone());
        Some(out)
    }

    pub(super) fn dropped(&self, reason: DropReason) -> u64 {
        self.dtls.drops().of(reason)
    }
}

/// Both sides, and the datagrams between them.
pub(super) struct Pair {
    pub now: Instant,
    pub client: Side,
    pub server: Side,
    /// When, whether for the server, and what; in order of sending.
    wire: VecDeque<(Instant, bool, Vec<u8>)>,
}

impl Pair {
    /// Neither has begun, and neither knows the other's fingerprint.
    pub(super) fn at_rest(client: Config, server: Config) -> Self {
        Self {
            now: Instant::ZERO,
            client: Side::new(client, Role::Client, 1),
            server: Side::new(server, Role::Server, 2),
            wire: VecDeque::new(),
        }
    }

    /// The client has begun, and each knows the other's fingerprint.
    pub(super) fn new(client: Config, server: Config) -> Self {
        let (c, s) = (fingerprint(&client), fingerprint(&server));
        let mut pair = Self::at_rest(client, server);
        pair.client.trust(pair.now, s);
        pair.server.trust(pair.now, c);
        pair.client.dtls.start(pair.now);
        pair.client.take_events();
        pair
    }

    pub(super) fn default_config() -> Self {
        Self::new(config(), config())
    }

    /// A pair that is connected with 1.3.
    pub(super) fn connected_13() -> Self {
        let mut pair = Self::new(config_13(), config_13());
        pair.run();
        pair.assert_connected();
        pair
    }

    pub(super) fn connected() -> Self {
        let mut pair = Self::default_config();
        pair.run();
        pair.assert_connected();
        pair
    }

    /// Sends what there is to send.
    pub(super) fn transmit(&mut self, fate: &mut impl FnMut(bool, &[u8]) -> Fate) {
        for to_server in [true, false] {
            let side = if to_server { &mut self.client } else { &mut self.server };
            while let Some(datagram) = side.poll(self.now) {
                for delay in fate(to_server, &datagram) {
                    self.wire.push_back((self.now + delay, to_server, datagram.clone()));
                }
            }
        }
    }

    /// Goes on to the next datagram or timer. `false` when there is none up to `until`.
    pub(super) fn step(&mut self, until: Instant, fate: &mut impl FnMut(bool, &[u8]) -> Fate) -> bool {
        self.transmit(fate);
        let arrival = self.wire.iter().map(|w| w.0).min();
        let next = earliest([arrival, self.client.dtls.poll_timeout(), self.server.dtls.poll_timeout()]);
        let Some(next) = next.filter(|&at| at <= until) else { return false };
        self.now = self.now.max(next);
        while let Some(at) = self.wire.iter().position(|w| w.0 <= self.now) {
            let (_, to_server, datagram) = self.wire.remove(at).unwrap();
            let side = if to_server { &mut self.server } else { &mut self.client };
            side.handle(self.now, &datagram);
        }
        for side in [&mut self.client, &mut self.server] {
            side.dtls.handle_timeout(self.now);
            side.take_events();
        }
        true
    }

    /// Runs for ten seconds over a perfect network.
    pub(super) fn run(&mut self) {
        self.run_with(Duration::from_secs(10), &mut |_, _| vec![DELAY]);
    }

    pub(super) fn run_with(&mut self, time: Duration, fate: &mut impl FnMut(bool, &[u8]) -> Fate) {
        let until = self.now + time;
        while self.step(until, fate) {}
        self.now = until;
    }

    pub(super) fn is_connected(&self) -> bool {
        [&self.client, &self.server].iter().all(|s| s.dtls.state() == DtlsTransportState::Connected)
    }

    /// Both are up, agree on everything, and can talk.
    pub(super) fn assert_connected(&mut self) {
        for side in [&self.client, &self.server] {
            assert_eq!(side.dtls.failure(), None);
            assert_eq!(side.dtls.state(), DtlsTransportState::Connected);
        }
        let (c, s) = (&self.client.dtls, &self.server.dtls);
        assert_eq!(c.cipher_suite(), s.cipher_suite());
        assert_eq!((c.group(), c.version(), c.srtp_profile()), (s.group(), s.version(), s.srtp_profile()));
        let export = |d: &Connection| {
            let verified = d.verified().unwrap();
            d.export_keying_material(verified, b"EXTRACTOR-dtls_srtp", None, 60).unwrap().as_bytes().to_vec()
        };
        assert_eq!(export(c), export(s));
        self.talk(b"from the client", b"from the server");
    }

    pub(super) fn talk(&mut self, from_client: &[u8], from_server: &[u8]) {
        let to_server = self.client.seal(from_client);
        let to_client = self.server.seal(from_server);
        self.server.handle(self.now, &to_server);
        self.client.handle(self.now, &to_client);
        assert_eq!(self.server.received.pop().as_deref(), Some(from_client));
        assert_eq!(self.client.received.pop().as_deref(), Some(from_server));
    }
}

pub(super) fn new_certificate(
    crypto: &CryptoProvider,
    options: CertificateOptions,
    seed: u64,
) -> Certificate {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    Certificate::generate(crypto, options, now, &mut Rng::from_number(seed)).unwrap()
}

/// As [`config`], but as it comes: for 1.3 first.
pub(super) fn config_13() -> Config {
    let versions = vec![ProtocolVersion::Dtls13, ProtocolVersion::Dtls12];
    Config { versions, ..config() }
}

/// With a certificate of its own that the whole process shares, and for 1.2 alone.
pub(super) fn config() -> Config {
    static CERTIFICATE: OnceLock<Certificate> = OnceLock::new();
    let crypto = CryptoProvider::default();
    let certificate =
        CERTIFICATE.get_or_init(|| new_certificate(&crypto, CertificateOptions::default(), 1)).clone();
    Config { versions: vec![ProtocolVersion::Dtls12], ..Config::new(certificate, crypto) }
}

pub(super) fn fingerprint(config: &Config) -> Fingerprint {
    fingerprint_of(config.certificate.der(), FingerprintAlgorithm::Sha256, &config.crypto).unwrap()
}
