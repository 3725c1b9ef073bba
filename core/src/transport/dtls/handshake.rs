//! What both sides' handshakes share: the context that states work in, and the order in which they are called.

use crate::base::drops::{DropReason, Drops};
use crate::base::random::Rng;
use crate::base::time::Instant;
use crate::crypto::secret::Secret;
use crate::crypto::traits::SignatureScheme;
use crate::transport::dtls::acks::Acks;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::config::{Config, Role};
use crate::transport::dtls::early::EarlyRecords;
use crate::transport::dtls::flight::{Flight, Piece};
use crate::transport::dtls::ids::Ids;
use crate::transport::dtls::reassembly::{Inserted, Message, Reassembly};
use crate::transport::dtls::records::{Epoch, Keys, Receiver, Sender};
use crate::transport::dtls::records13::Openers;
use crate::transport::dtls::schedule12::Master;
use crate::transport::dtls::schedule13::{Exporter, TrafficSecret};
use crate::transport::dtls::transcript::Transcript;
use crate::transport::dtls::verify::{self, FingerprintVerified};
use crate::transport::dtls::{client, client12, client13, server, server12, server13};
use crate::wire::cursor::Reader;
use crate::wire::dtls::alert::RecordNumber;
use crate::wire::dtls::codepoints::{CipherSuite, HandshakeType, NamedGroup, ProtocolVersion, SrtpProfile};
use crate::wire::dtls::extension::{Extension, Extensions};
use crate::wire::dtls::handshake::Fragment;
use crate::wire::dtls::message12::Message12;
use crate::wire::dtls::message13::Message13;
use crate::wire::fingerprint::Fingerprint;
use std::time::Duration;

/// Everything that outlives a single state of the handshake. Freed when the connection is up.
pub(super) struct Context {
    pub config: Config,
    pub rng: Rng,
    pub sender: Sender,
    pub receiver: Option<Receiver>,
    /// The reading side of 1.3, and with it the version: `None` as long as that may be another one.
    pub openers: Option<Openers>,
    pub acks: Acks,
    pub reassembly: Reassembly,
    pub transcript: Transcript,
    pub flight: Flight,
    pub early: EarlyRecords,
    /// What the session description says; `None` until it is known.
    pub fingerprints: Option<Vec<Fingerprint>>,
    pub ids: Ids,
    rtt: Option<Duration>,
    path_loses: bool,
    pub next_seq: u16,
    /// What a peer says otherwise than it should.
    #[cfg(test)]
    pub lie: Option<crate::transport::dtls::tests::lies::Lie>,
}

impl Context {
    pub(super) fn new(config: Config, rng: Rng) -> Self {
        Self {
            ids: Ids::new(config.connection_id),
            config,
            rng,
            sender: Sender::default(),
            receiver: None,
            openers: None,
            acks: Acks::default(),
            reassembly: Reassembly::default(),
            transcript: Transcript::default(),
            flight: Flight::default(),
            early: EarlyRecords::default(),
            fingerprints: None,
            rtt: None,
            path_loses: false,
            next_seq: 0,
            #[cfg(test)]
            lie: None,
        }
    }

    pub(super) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
    }

    /// Something was lost on this path.
    pub(super) fn note_loss(&mut self) {
        self.path_loses = true;
    }

    /// How long to wait for an answer at first.
    pub(super) fn wait(&self) -> Duration {
        let retransmit = &self.config.retransmit;
        match self.rtt {
            Some(rtt) => (rtt * 5 / 4).max(retransmit.floor).min(retransmit.cap),
            None => retransmit.initial,
        }
    }

    /// Begins a flight in answer to everything that was received so far.
    pub(super) fn begin_flight(&mut self) {
        self.acks.clear();
        let twice = self.config.retransmit.twice;
        self.flight = Flight::new(self.reassembly.next().checked_sub(1), self.wait(), twice);
        if self.path_loses && twice > 0 {
            self.flight.begin_twice();
        }
    }

    /// The version is 1.3: from here on nothing counts that is not sealed.
    pub(super) fn enter_13(&mut self) {
        self.transcript.shorten();
        self.reassembly.forget();
        self.openers.get_or_insert_default();
    }

    /// Adds a message to the flight and to the transcript.
    pub(super) fn send(&mut self, message: &Message12) {
        let mut body = Vec::new();
        message.write(&mut body);
        self.send_body(message.kind(), body);
    }

    /// Adds a message of 1.3 to the flight and to the transcript.
    pub(super) fn send_13(&mut self, message: &Message13) {
        let mut body = Vec::new();
        message.write(&mut body);
        self.send_body(message.kind(), body);
    }

    fn send_body(&mut self, kind: HandshakeType, body: Vec<u8>) {
        #[cfg(test)]
        let Some((kind, body)) =
            self.lie.as_ref().map_or(Some((kind, body.clone())), |lie| lie.tell(kind, body))
        else {
            return;
        };
        let (seq, epoch) = (self.next_seq, self.sender.epoch());
        self.next_seq += 1;
        self.transcript.sent(kind, seq, &body);
        self.flight.push(Piece::handshake(epoch, kind, seq, body));
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

    /// What a server's hello says about connection ids, where we asked for one.
    pub(super) fn accept_ids(&mut self, answer: &Extensions) {
        let theirs = self.ids.accept(answer);
        self.sender.set_connection_id(theirs);
    }

    /// What a server's hello is to say about connection ids, when the client's says something.
    pub(super) fn answer_ids(&mut self, offer: &Extensions) -> Option<Extension> {
        let (answer, theirs) = self.ids.answer(offer, &mut self.rng)?;
        self.sender.set_connection_id(theirs);
        Some(answer)
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
    pub secrets: Secrets,
    pub group: NamedGroup,
    pub srtp_profile: Option<SrtpProfile>,
    /// The peer's certificate (DER).
    pub certificate: Vec<u8>,
}

/// What lives on of a handshake's secrets.
pub(super) enum Secrets {
    Dtls12(Master),
    Dtls13(Exporter),
}

/// The secrets of application data in 1.3, from which later keys come.
pub(super) struct Traffic {
    pub read: TrafficSecret,
    pub write: TrafficSecret,
}

impl Agreed {
    pub(super) fn export(&self, label: &[u8], context: Option<&[u8]>, len: usize) -> Option<Secret> {
        match &self.secrets {
            Secrets::Dtls12(master) => master.export(label, context, len).ok(),
            Secrets::Dtls13(exporter) => exporter.export(label, context, len).ok(),
        }
    }

    /// The master secret, in 1.2.
    pub(super) const fn master(&self) -> Result<&Master, Failure> {
        match &self.secrets {
            Secrets::Dtls12(master) => Ok(master),
            Secrets::Dtls13(_) => Err(Failure::ProtocolVersion),
        }
    }

    pub(super) const fn version(&self) -> ProtocolVersion {
        match &self.secrets {
            Secrets::Dtls12(_) => ProtocolVersion::Dtls12,
            Secrets::Dtls13(_) => ProtocolVersion::Dtls13,
        }
    }

    pub(super) const fn suite(&self) -> CipherSuite {
        match &self.secrets {
            Secrets::Dtls12(master) => master.suite().code,
            Secrets::Dtls13(exporter) => exporter.suite().code,
        }
    }
}

/// Where the handshake stands.
pub(super) enum Step {
    /// Before `start`, or before a server's first `ClientHello`.
    Idle,
    /// A client that has not seen which version the server takes.
    Client(client::ExpectServerHello),
    Client12(client12::State),
    Client13(client13::State),
    Server12(server12::State),
    Server13(server13::State),
    Done(Done),
}

/// A handshake that is complete.
pub(super) struct Done {
    pub agreed: Box<Agreed>,
    /// In 1.3.
    pub traffic: Option<Box<Traffic>>,
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

    /// Whether we are a client that has not seen which version the server takes.
    pub(super) const fn is_waiting_for_version(&self) -> bool {
        matches!(self.step, Step::Client(_))
    }

    pub(super) fn is_client(&self) -> bool {
        self.role == Role::Client
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
            self.step = Step::Client(client::start(&mut self.cx)?);
        }
        Ok(())
    }

    /// Handles every message that is complete. What was agreed on comes back when the handshake is.
    pub(super) fn advance(&mut self) -> Result<Option<Done>, Failure> {
        while !self.is_waiting_for_fingerprints() {
            let Some(message) = self.cx.reassembly.pop() else { break };
            let step = std::mem::replace(&mut self.step, Step::Idle);
            self.step = self.handle(step, &message)?;
            if matches!(self.step, Step::Done(_)) {
                break;
            }
        }
        match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Done(done) => Ok(Some(done)),
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
        let (kind, body, cx) = (message.kind, &message.body, &mut self.cx);
        match step {
            Step::Idle => server::first(cx, kind, body),
            Step::Client(state) => state.handle(cx, Message12::parse(kind, body)?),
            Step::Client12(state) => state.handle(cx, Message12::parse(kind, body)?),
            Step::Client13(state) => state.handle(cx, Message13::parse(kind, body)?),
            Step::Server12(state) => state.handle(cx, Message12::parse(kind, body)?),
            Step::Server13(state) => state.handle(cx, Message13::parse(kind, body)?),
            Step::Done(done) => Ok(Step::Done(done)),
        }
    }

    /// The content of a handshake record.
    pub(super) fn handle_fragments(
        &mut self,
        now: Instant,
        (epoch, number): (Epoch, RecordNumber),
        content: &[u8],
        drops: &mut Drops,
    ) {
        let mut reader = Reader::new(content);
        let mut is_kept = true;
        while !reader.is_empty() {
            let Ok(fragment) = Fragment::parse(&mut reader) else {
                drops.count(DropReason::DtlsMalformed);
                return;
            };
            match self.insert(now, epoch, &fragment) {
                Ok(()) => {}
                Err(reason) => {
                    is_kept = false;
                    drops.count(reason);
                }
            }
        }
        // RFC 9147 §7: nothing is acknowledged that was not kept, and nothing of an earlier flight.
        if is_kept && (epoch == Epoch::Handshake || self.cx.openers.is_none()) {
            self.cx.acks.note(number);
            if epoch == Epoch::Handshake {
                // RFC 9147 §7.1: unless the answer makes it needless, a quarter of the time that the peer waits.
                self.cx.acks.tell(now + self.cx.wait() / 4);
            }
        }
    }

    fn insert(&mut self, now: Instant, epoch: Epoch, fragment: &Fragment<'_>) -> Result<(), DropReason> {
        let cx = &mut self.cx;
        if !is_welcome(cx, epoch, fragment) {
            return Err(DropReason::DtlsUnexpected);
        }
        let is_in_order = cx.reassembly.is_in_order(fragment);
        match cx.reassembly.insert(fragment)? {
            // Only while nothing newer came: who sends on has seen our flight.
            Inserted::EndOfOld(seq) if seq.checked_add(1) == Some(cx.reassembly.next()) => {
                let pause = cx.config.retransmit.floor / 2;
                cx.flight.peer_repeats(now, seq, pause);
            }
            // RFC 9147 §7.1: something seems to be lost.
            Inserted::Kept if !is_in_order && epoch == Epoch::Handshake => cx.acks.tell(now),
            _ => {}
        }
        Ok(())
    }
}

/// Whether a message may come under the keys that it came under.
fn is_welcome(cx: &Context, epoch: Epoch, fragment: &Fragment<'_>) -> bool {
    match epoch {
        // RFC 5246 §7.1: `Finished` is the first message under the new keys, and in a handshake the last.
        Epoch::Sealed => fragment.kind == HandshakeType::Finished,
        Epoch::Handshake => true,
        // RFC 8446 §5: once there are keys, what is not sealed can only be a repetition.
        Epoch::Plain if cx.openers.as_ref().is_some_and(Openers::has_handshake) => {
            fragment.message_seq < cx.reassembly.next()
        }
        Epoch::Plain => fragment.kind != HandshakeType::Finished,
    }
}
