//! The client's side of a DTLS 1.2 handshake (RFC 5246 §7.3, RFC 6347 §4.2.1).
//!
//! `ServerHello` (maybe a `HelloVerifyRequest` before it), `Certificate`, `ServerKeyExchange`,
//! `CertificateRequest`, `ServerHelloDone`; then our flight; then `Finished`.

use crate::crypto::traits::Group;
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::common12::{
    Peer, check_finished, check_point_formats, finish, unexpected, verify_signature,
};
use crate::transport::dtls::handshake::{Agreed, Context, Step};
use crate::transport::dtls::records::Receiver;
use crate::transport::dtls::schedule12::{Binding, Master, Randoms};
use crate::transport::dtls::suite::{self, Auth, Suite};
use crate::wire::dtls::codepoints::{CipherSuite, ExtensionType, ProtocolVersion, SrtpProfile};
use crate::wire::dtls::extension::{Extension, Extensions};
use crate::wire::dtls::hello::{ClientHello, HelloVerifyRequest, ServerHello};
use crate::wire::dtls::message12::{
    Certificate, CertificateRequest, CertificateVerify, ClientKeyExchange, Message12, ServerKeyExchange,
};

/// How often a server may ask for a cookie. Once is usual, twice when its secret changed in between.
const MAX_COOKIES: u8 = 3;

/// What the client waits for.
pub(super) enum State {
    ServerHello(ExpectServerHello),
    Certificate(ExpectCertificate),
    ServerKeyExchange(ExpectServerKeyExchange),
    RequestOrDone(ExpectRequestOrDone),
    Finished(ExpectFinished),
}

impl State {
    pub(super) fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        match self {
            Self::ServerHello(state) => state.handle(cx, message),
            Self::Certificate(state) => state.handle(cx, message),
            Self::ServerKeyExchange(state) => state.handle(cx, message),
            Self::RequestOrDone(state) => state.handle(cx, message),
            Self::Finished(state) => state.handle(cx, message),
        }
    }
}

/// Sends the first `ClientHello`.
pub(super) fn start(cx: &mut Context) -> Result<State, Failure> {
    let mut extensions = vec![
        Extension::ExtendedMasterSecret,
        Extension::RenegotiationInfo(Vec::new()),
        Extension::SupportedGroups(cx.config.groups.iter().map(|&g| suite::group_code(g)).collect()),
        Extension::EcPointFormats(vec![0]),
        Extension::SignatureAlgorithms(suite::scheme_codes()),
    ];
    extensions.extend(cx.srtp_offer());
    let known = |code: &CipherSuite| suite::find(*code).is_some();
    let hello = ClientHello {
        version: ProtocolVersion::Dtls12,
        random: cx.rng.secret_bytes(),
        session_id: Vec::new(),
        cookie: Vec::new(),
        cipher_suites: cx.config.cipher_suites.iter().copied().filter(known).collect(),
        compression_methods: vec![0],
        extensions: Extensions::new(extensions),
    };
    cx.begin_flight();
    cx.send(&Message12::ClientHello(hello.clone()));
    Ok(State::ServerHello(ExpectServerHello { hello, cookies: 0 }))
}

pub(super) struct ExpectServerHello {
    hello: ClientHello,
    cookies: u8,
}

impl ExpectServerHello {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        match message {
            Message12::HelloVerifyRequest(request) => self.repeat(cx, request),
            Message12::ServerHello(answer) => self.accept(&answer),
            other => Err(unexpected("ServerHello", &other)),
        }
    }

    /// RFC 6347 §4.2.1: the same hello again, with the cookie; both it and the request leave the transcript.
    fn repeat(mut self, cx: &mut Context, request: HelloVerifyRequest) -> Result<Step, Failure> {
        self.cookies += 1;
        if self.cookies > MAX_COOKIES {
            return Err(Failure::IllegalParameter("number of cookies"));
        }
        self.hello.cookie = request.cookie;
        cx.transcript.clear();
        cx.begin_flight();
        cx.send(&Message12::ClientHello(self.hello.clone()));
        Ok(Step::Client12(State::ServerHello(self)))
    }

    fn accept(self, answer: &ServerHello) -> Result<Step, Failure> {
        if answer.version != ProtocolVersion::Dtls12 {
            return Err(Failure::ProtocolVersion);
        }
        let offered = self.hello.cipher_suites.contains(&answer.cipher_suite);
        let chosen = suite::find(answer.cipher_suite).filter(|_| offered);
        let suite = chosen.ok_or(Failure::IllegalParameter("cipher suite"))?;
        if answer.compression_method != 0 {
            return Err(Failure::IllegalParameter("compression method"));
        }
        let srtp_profile = self.check_extensions(&answer.extensions)?;
        let base = Base {
            suite,
            randoms: Randoms { client: self.hello.random, server: answer.random },
            extended: answer.extensions.has(ExtensionType::ExtendedMasterSecret),
            srtp_profile,
        };
        Ok(Step::Client12(State::Certificate(ExpectCertificate { base })))
    }

    /// RFC 5246 §7.4.1.4: a server answers to what was offered and adds nothing.
    fn check_extensions(&self, answered: &Extensions) -> Result<Option<SrtpProfile>, Failure> {
        let mut srtp_profile = None;
        for extension in answered.iter() {
            if !self.hello.extensions.has(extension.kind()) {
                return Err(Failure::UnsupportedExtension(extension.kind()));
            }
            check_point_formats(extension)?;
            match extension {
                // RFC 5746 §3.4: nothing was negotiated before.
                Extension::RenegotiationInfo(info) if !info.is_empty() => {
                    return Err(Failure::IllegalParameter("renegotiation_info"));
                }
                // RFC 5764 §4.1.1: one of those that were offered, and the identifier that was offered: none.
                Extension::UseSrtp { profiles, mki } => match profiles[..] {
                    [profile] if self.offers(profile) && mki.is_empty() => srtp_profile = Some(profile),
                    _ => return Err(Failure::IllegalParameter("SRTP profile")),
                },
                _ => {}
            }
        }
        Ok(srtp_profile)
    }

    fn offers(&self, profile: SrtpProfile) -> bool {
        self.hello.extensions.iter().any(|e| match e {
            Extension::UseSrtp { profiles, .. } => profiles.contains(&profile),
            _ => false,
        })
    }
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
        let offered = cx.config.groups.iter().copied();
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
            master,
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
        check_finished(cx, &self.agreed.master, b"server finished", &finished)?;
        Ok(Step::Done(self.agreed))
    }
}
