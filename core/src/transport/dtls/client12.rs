//! The client's side of a DTLS 1.2 handshake (RFC 5246 §7.3, RFC 6347 §4.2.1).
//!
//! After a `ServerHello` that takes this version: `Certificate`, `ServerKeyExchange`,
//! `CertificateRequest`, `ServerHelloDone`; then our flight; then `Finished`.

use crate::crypto::traits::Group;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::client::{self, ExpectServerHello};
use crate::transport::dtls::common12::{check_finished, check_point_formats, finish, unexpected};
use crate::transport::dtls::handshake::{Agreed, Context, Done, Secrets, Step};
use crate::transport::dtls::records::Receiver;
use crate::transport::dtls::schedule12::{Binding, Master, Randoms};
use crate::transport::dtls::suite::{self, Auth, Suite};
use crate::transport::dtls::verify::{Peer, verify_signature};
use crate::wire::dtls::codepoints::{ExtensionType, ProtocolVersion, SrtpProfile};
use crate::wire::dtls::extension::{Extension, Extensions};
use crate::wire::dtls::hello::{ClientHello, ServerHello};
use crate::wire::dtls::message12::{
    Certificate, CertificateRequest, CertificateVerify, ClientKeyExchange, Message12, ServerKeyExchange,
};

/// What the client waits for.
pub(super) enum State {
    Certificate(ExpectCertificate),
    ServerKeyExchange(ExpectServerKeyExchange),
    RequestOrDone(ExpectRequestOrDone),
    Finished(ExpectFinished),
}

impl State {
    pub(super) fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        match self {
            Self::Certificate(state) => state.handle(cx, message),
            Self::ServerKeyExchange(state) => state.handle(cx, message),
            Self::RequestOrDone(state) => state.handle(cx, message),
            Self::Finished(state) => state.handle(cx, message),
        }
    }
}

/// The server takes 1.2.
pub(super) fn accept(client: &ExpectServerHello, answer: &ServerHello) -> Result<Step, Failure> {
    let hello = client.hello();
    if answer.version != ProtocolVersion::Dtls12 {
        return Err(Failure::ProtocolVersion);
    }
    let offered = hello.cipher_suites.contains(&answer.cipher_suite);
    let chosen = suite::find(answer.cipher_suite).filter(|_| offered);
    let suite = chosen.ok_or(Failure::IllegalParameter("cipher suite"))?;
    if answer.compression_method != 0 {
        return Err(Failure::IllegalParameter("compression method"));
    }
    let srtp_profile = check_extensions(hello, &answer.extensions)?;
    let base = Base {
        suite,
        randoms: Randoms { client: hello.random, server: answer.random },
        extended: answer.extensions.has(ExtensionType::ExtendedMasterSecret),
        srtp_profile,
    };
    Ok(Step::Client12(State::Certificate(ExpectCertificate { base })))
}

/// RFC 5246 §7.4.1.4: a server answers to what was offered and adds nothing.
fn check_extensions(hello: &ClientHello, answered: &Extensions) -> Result<Option<SrtpProfile>, Failure> {
    let mut srtp_profile = None;
    for extension in answered.iter() {
        if !hello.extensions.has(extension.kind()) {
            return Err(Failure::UnsupportedExtension(extension.kind()));
        }
        check_point_formats(extension)?;
        match extension {
            // RFC 5746 §3.4: nothing was negotiated before.
            Extension::RenegotiationInfo(info) if !info.is_empty() => {
                return Err(Failure::IllegalParameter("renegotiation_info"));
            }
            Extension::UseSrtp { .. } => srtp_profile = client::check_srtp(hello, extension)?,
            _ => {}
        }
    }
    Ok(srtp_profile)
}

/// What the hellos settled.
struct Base {
    suite: &'static Suite,
    randoms: Randoms,
    /// Whether the server knows the extended master secret. Every browser does, and it is always offered; a
    /// server without it is accepted, as browsers accept it: sessions are never resumed or renegotiated here,
    /// which is what the attacks that it prevents are made of (RFC 7627 §1).
    extended: bool,
    srtp_profile: Option<SrtpProfile>,
}

pub(super) struct ExpectCertificate {
    base: Base,
}

impl ExpectCertificate {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::Certificate(Certificate { chain }) = message else {
            return Err(unexpected("Certificate", &message));
        };
        let peer = Peer::check(cx, chain)?;
        // RFC 5246 §7.4.2: the key must fit the suite.
        if Auth::of(peer.certificate.key_type()) != self.base.suite.auth {
            return Err(Failure::UnsupportedCertificate);
        }
        let next = ExpectServerKeyExchange { base: self.base, peer };
        Ok(Step::Client12(State::ServerKeyExchange(next)))
    }
}

pub(super) struct ExpectServerKeyExchange {
    base: Base,
    peer: Peer,
}

impl ExpectServerKeyExchange {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::ServerKeyExchange(exchange) = message else {
            return Err(unexpected("ServerKeyExchange", &message));
        };
        let offered = cx.config.groups.iter().copied().filter(|&g| g != Group::X25519MlKem768);
        let group = offered.into_iter().find(|&g| suite::group_code(g) == exchange.group);
        let group = group.ok_or(Failure::IllegalParameter("group"))?;
        // RFC 8422 §5.4: over both randoms and the server's share.
        let mut signed = [self.base.randoms.client, self.base.randoms.server].concat();
        ServerKeyExchange::write_params(exchange.group, &exchange.public_key, &mut signed);
        verify_signature(cx, &self.peer.certificate, exchange.scheme, &signed, &exchange.signature)?;
        let Self { base, peer } = self;
        let next = ExpectRequestOrDone { base, peer, group, share: exchange.public_key, request: None };
        Ok(Step::Client12(State::RequestOrDone(next)))
    }
}

pub(super) struct ExpectRequestOrDone {
    base: Base,
    peer: Peer,
    group: Group,
    share: Vec<u8>,
    /// A server that does not ask for our certificate is accepted: it is the one that does without proof.
    request: Option<CertificateRequest>,
}

impl ExpectRequestOrDone {
    fn handle(mut self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        match message {
            Message12::CertificateRequest(request) if self.request.is_none() => {
                self.request = Some(request);
                Ok(Step::Client12(State::RequestOrDone(self)))
            }
            Message12::ServerHelloDone => self.answer(cx),
            other => Err(unexpected("CertificateRequest or ServerHelloDone", &other)),
        }
    }

    /// Our flight: certificate, share, proof, new keys, `Finished`.
    fn answer(self, cx: &mut Context) -> Result<Step, Failure> {
        cx.begin_flight();
        if self.request.is_some() {
            let chain = vec![cx.config.certificate.der().to_vec()];
            cx.send(&Message12::Certificate(Certificate { chain }));
        }
        let crypto = cx.config.crypto;
        let ours = crypto.key_exchange.start(self.group, &mut cx.rng).map_err(Failure::Crypto)?;
        let public_key = ours.public_key().to_vec();
        let secret = ours.agree(&self.share).map_err(|_| Failure::IllegalParameter("key share"))?;
        cx.send(&Message12::ClientKeyExchange(ClientKeyExchange { public_key }));

        let Base { suite, randoms, extended, srtp_profile } = self.base;
        let session = cx.transcript.hash(&crypto, suite.hash).map_err(Failure::Crypto)?;
        let binding = if extended { Binding::Session(&session) } else { Binding::Randoms };
        let master = Master::derive(crypto, suite, &secret, randoms, &binding).map_err(Failure::Crypto)?;

        if let Some(request) = &self.request {
            let acceptable = |s| request.signature_algorithms.contains(&suite::scheme_code(s));
            let scheme = cx.signature_scheme(acceptable)?;
            let signature = cx.sign_transcript(scheme)?;
            let scheme = suite::scheme_code(scheme);
            cx.send(&Message12::CertificateVerify(CertificateVerify { scheme, signature }));
        }
        let (write, read) = master.keys().map_err(Failure::Crypto)?;
        finish(cx, &master, b"client finished", write)?;
        cx.receiver = Some(Receiver::new(read));

        let agreed = Agreed {
            verified: self.peer.verified,
            secrets: Secrets::Dtls12(master),
            group: suite::group_code(self.group),
            srtp_profile,
            certificate: self.peer.der,
        };
        Ok(Step::Client12(State::Finished(ExpectFinished { agreed: Box::new(agreed) })))
    }
}

pub(super) struct ExpectFinished {
    agreed: Box<Agreed>,
}

impl ExpectFinished {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::Finished(finished) = message else {
            return Err(unexpected("Finished", &message));
        };
        check_finished(cx, self.agreed.master()?, b"server finished", &finished)?;
        Ok(Step::Done(Done { agreed: self.agreed, traffic: None }))
    }
}
