//! What both sides' handshakes share: the context that states work in, and the order in which they are called.

use crate::base::drops::{DropReason, Drops};
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::secret::Secret;
use crate::crypto::traits::SignatureScheme;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::{Config, Role};
use crate::transport::dtls::early::EarlyRecords;
use crate::transport::dtls::flight::{Flight, Piece};
use crate::transport::dtls::reassembly::{Inserted, Message, Reassembly};
use crate::transport::dtls::records::{Epoch, Keys, Receiver, Sender};
use crate::transport::dtls::schedule12::Master;
use crate::transport::dtls::transcript::Transcript;
use crate::transport::dtls::verify::{self, FingerprintVerified};
use crate::transport::dtls::{client12, server12};
use crate::wire::cursor::Reader;
use crate::wire::dtls::codepoints::{HandshakeType, NamedGroup, ProtocolVersion, SrtpProfile};
use crate::wire::dtls::extension::Extension;
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::hello::ClientHello;
use crate::wire::dtls::message12::Message12;
use crate::wire::fingerprint::Fingerprint;
use std::time::Duration;

/// Everything that outlives a single state of the handshake. Freed when the connection is up.
pub(super) struct Context {
    pub config: Config,
    pub rng: Rng,
    pub sender: Sender,
    pub receiver: Option<Receiver>,
    pub reassembly: Reassembly,
    pub transcript: Transcript,
    pub flight: Flight,
    pub early: EarlyRecords,
    /// What the session description says; `None` until it is known.
    pub fingerprints: Option<Vec<Fingerprint>>,
    rtt: Option<Duration>,
    next_seq: u16,
}

impl Context {
    pub(super) fn new(config: Config, rng: Rng) -> Self {
        Self {
            config,
            rng,
            sender: Sender::default(),
            receiver: None,
            reassembly: Reassembly::default(),
            transcript: Transcript::default(),
            flight: Flight::default(),
            early: EarlyRecords::default(),
            fingerprints: None,
            rtt: None,
            next_seq: 0,
        }
    }

    pub(super) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
    }

    /// Begins a flight in answer to everything that was received so far.
    pub(super) fn begin_flight(&mut self) {
        let retransmit = &self.config.retransmit;
        let wait = match self.rtt {
            Some(rtt) => (rtt * 2).max(retransmit.floor).min(retransmit.cap),
            None => retransmit.initial,
        };
        self.flight = Flight::new(self.reassembly.next().checked_sub(1), wait);
    }

    /// Adds a message to the flight and to the transcript.
    pub(super) fn send(&mut self, message: &Message12) {
        let mut body = Vec::new();
        message.write(&mut body);
        let (kind, seq, epoch) = (message.kind(), self.next_seq, self.sender.epoch());
        self.next_seq += 1;
        self.transcript.sent(kind, seq, &body);
        self.flight.push(Piece::Handshake { epoch, kind, seq, body });
    }

    /// Announces the new keys; what is sent after this is sealed.
    pub(super) fn change_keys(&mut self, keys: Keys) {
        self.flight.push(Piece::ChangeCipherSpec);
        self.sender.install(keys);
    }

    /// Of our certificate's schemes the most preferred that `acceptable` says yes to.
    pub(super) fn signature_scheme(
        &self,
        acceptable: impl Fn(SignatureScheme) -> bool,
    ) -> Result<SignatureScheme, Failure> {
        let ours = self.config.certificate.key().schemes().iter().copied();
        ours.into_iter().find(|&s| acceptable(s)).ok_or(Failure::NothingInCommon("signature scheme"))
    }

    /// Signs with our certificate's key.
    pub(super) fn sign(&mut self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let key = self.config.certificate.key();
        key.sign(scheme, message, &mut self.rng).map_err(Failure::Crypto)
    }

    /// Signs what has been sent and received so far.
    pub(super) fn sign_transcript(&mut self, scheme: SignatureScheme) -> Result<Vec<u8>, Failure> {
        let key = self.config.certificate.key();
        key.sign(scheme, self.transcript.bytes(), &mut self.rng).map_err(Failure::Crypto)
    }

    /// The offer of `use_srtp`, if there is one.
    pub(super) fn srtp_offer(&self) -> Option<Extension> {
        let profiles = self.config.srtp_profiles.clone();
        (!profiles.is_empty()).then_some(Extension::UseSrtp { profiles, mki: Vec::new() })
    }

    /// The gate: compares the peer's certificate with the session description.
    pub(super) fn check_fingerprint(&self, der: &[u8]) -> Result<FingerprintVerified, Failure> {
        let signalled = self.fingerprints.as_deref().unwrap_or_default();
        verify::check_fingerprint(der, signalled, &self.config.crypto)
    }
}

/// What a handshake agreed on.
pub(super) struct Agreed {
    pub verified: FingerprintVerified,
    pub master: Master,
    pub group: NamedGroup,
    pub srtp_profile: Option<SrtpProfile>,
    /// The peer's certificate (DER).
    pub certificate: Vec<u8>,
}

impl Agreed {
    pub(super) fn export(&self, label: &[u8], context: Option<&[u8]>, len: usize) -> Option<Secret> {
        self.master.export(label, context, len).ok()
    }
}

/// Where the handshake stands.
pub(super) enum Step {
    /// Before `start`, or before a server's first `ClientHello`.
    Idle,
    Client12(client12::State),
    Server12(server12::State),
    Done(Box<Agreed>),
}

/// A handshake on its way.
pub(super) struct Handshake {
    pub cx: Context,
    role: Role,
    step: Step,
}

impl Handshake {
    pub(super) fn new(config: Config, role: Role, rng: Rng) -> Self {
        Self { cx: Context::new(config, rng), role, step: Step::Idle }
    }

    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.step, Step::Idle)
    }

    /// Whether anything was sent or received, so that the peer may be told how it ends.
    pub(super) const fn has_begun(&self) -> bool {
        !self.is_idle() || self.cx.reassembly.next() > 0
    }

    /// Whether the next message cannot be handled before the fingerprints are known.
    pub(super) fn is_waiting_for_fingerprints(&self) -> bool {
        self.cx.fingerprints.is_none() && self.cx.reassembly.peek() == Some(HandshakeType::Certificate)
    }

    pub(super) fn start(&mut self) -> Result<(), Failure> {
        if self.role == Role::Client && self.is_idle() {
            self.step = Step::Client12(client12::start(&mut self.cx)?);
        }
        Ok(())
    }

    /// Handles every message that is complete. What was agreed on comes back when the handshake is.
    pub(super) fn advance(&mut self) -> Result<Option<Box<Agreed>>, Failure> {
        while !self.is_waiting_for_fingerprints() {
            let Some(message) = self.cx.reassembly.pop() else { break };
            let step = std::mem::replace(&mut self.step, Step::Idle);
            self.step = self.handle(step, &message)?;
            if matches!(self.step, Step::Done(_)) {
                break;
            }
        }
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Done(agreed) => Ok(Some(agreed)),
            step => {
                self.step = step;
                Ok(None)
            }
        }
    }

    fn handle(&mut self, step: Step, message: &Message) -> Result<Step, Failure> {
        // RFC 5246 §7.4.1.1: ignored during a handshake, and part of no transcript.
        if message.kind == HandshakeType::HelloRequest && self.role == Role::Client {
            return Ok(step);
        }
        self.cx.transcript.received(message);
        match step {
            Step::Idle => self.first(message),
            Step::Client12(state) => {
                state.handle(&mut self.cx, Message12::parse(message.kind, &message.body)?)
            }
            Step::Server12(state) => {
                state.handle(&mut self.cx, Message12::parse(message.kind, &message.body)?)
            }
            Step::Done(agreed) => Ok(Step::Done(agreed)),
        }
    }

    /// A server's first message. The version is chosen here, over a `ClientHello` that is there in full.
    fn first(&mut self, message: &Message) -> Result<Step, Failure> {
        if message.kind != HandshakeType::ClientHello {
            return Err(Failure::UnexpectedMessage { expected: "ClientHello", got: message.kind });
        }
        let hello = ClientHello::parse(&message.body)?;
        match choose_version(&hello)? {
            Version::Dtls12 => Ok(Step::Server12(server12::accept(&mut self.cx, &hello)?)),
        }
    }

    /// The content of a handshake record.
    pub(super) fn handle_fragments(&mut self, now: Instant, epoch: Epoch, content: &[u8], drops: &mut Drops) {
        let mut reader = Reader::new(content);
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::parse(&mut reader) else {
                drops.count(DropReason::DtlsMalformed);
                return;
            };
            // RFC 5246 §7.1: `Finished` is the first message under the new keys, and in a handshake the last.
            if (fragment.kind == HandshakeType::Finished) != (epoch == Epoch::Sealed) {
                drops.count(DropReason::DtlsUnexpected);
                continue;
            }
            match self.cx.reassembly.insert(&fragment) {
                // Only while nothing newer came: who sends on has seen our flight.
                Ok(Inserted::EndOfOld(seq)) if seq.checked_add(1) == Some(self.cx.reassembly.next()) => {
                    let pause = self.cx.config.retransmit.floor / 2;
                    self.cx.flight.peer_repeats(now, seq, pause);
                }
                Ok(_) => {}
                Err(reason) => drops.count(reason),
            }
        }
    }
}

/// The versions that there are.
enum Version {
    Dtls12,
}

/// Chooses for a server (RFC 8446 §4.2.1): by the extension where there is one, by the old field elsewhere.
fn choose_version(hello: &ClientHello) -> Result<Version, Failure> {
    let offered = hello.extensions.find(|e| match e {
        Extension::SupportedVersions(versions) => Some(versions),
        _ => None,
    });
    let has_12 = match offered {
        Some(versions) => versions.contains(&ProtocolVersion::Dtls12),
        // Newer versions are smaller numbers; a client may say more than 1.2 in the old field (RFC 5246 §E.1).
        None => (0xfe00..=0xfefd).contains(&u16::from(hello.version)),
    };
    if has_12 { Ok(Version::Dtls12) } else { Err(Failure::ProtocolVersion) }
}
