//! The server's side of a DTLS 1.2 handshake (RFC 5246 §7.3).
//!
//! Our flight answers the `ClientHello`; then `Certificate`, `ClientKeyExchange`, `CertificateVerify` and
//! `Finished` of the client; then our `Finished`. A client without a certificate is refused (RFC 8827 §6.5).
//! A `HelloVerifyRequest` comes first when we are to ask for a cookie.

use crate::crypto::traits::{EphemeralKey, Group, PublicKeyType, SignatureScheme};
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::common12::{
    MAX_COOKIES, check_finished, check_point_formats, finish, unexpected,
};
use crate::transport::dtls::handshake::{Agreed, Context, Done, Secrets, Step};
use crate::transport::dtls::records::{Keys, Receiver};
use crate::transport::dtls::schedule12::{Binding, Master, Randoms};
use crate::transport::dtls::server::{choose_srtp_profile, choose_version, offered_schemes};
use crate::transport::dtls::suite::{self, Auth, Suite};
use crate::transport::dtls::verify::{Peer, verify_signature};
use crate::wire::dtls::codepoints::{
    CipherSuite, ClientCertificateType, ExtensionType, NamedGroup, ProtocolVersion, SrtpProfile,
};
use crate::wire::dtls::extension::{Extension, Extensions};
use crate::wire::dtls::hello::{ClientHello, DOWNGRADE_TO_12, HelloVerifyRequest, ServerHello};
use crate::wire::dtls::message12::{Certificate, CertificateRequest, Message12, ServerKeyExchange};

/// What the server waits for.
pub(super) enum State {
    SecondHello(ExpectSecondHello),
    Certificate(ExpectCertificate),
    ClientKeyExchange(ExpectClientKeyExchange),
    CertificateVerify(Box<ExpectCertificateVerify>),
    Finished(ExpectFinished),
}

impl State {
    pub(super) fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        match self {
            Self::SecondHello(state) => state.handle(cx, message),
            Self::Certificate(state) => state.handle(cx, message),
            Self::ClientKeyExchange(state) => state.handle(cx, message),
            Self::CertificateVerify(state) => state.handle(cx, message),
            Self::Finished(state) => state.handle(cx, message),
        }
    }
}

/// Answers the first `ClientHello`.
pub(super) fn accept(cx: &mut Context, hello: &ClientHello) -> Result<State, Failure> {
    if cx.config.cookie { Ok(ask_for_cookie(cx, 1)) } else { answer(cx, hello) }
}

/// RFC 6347 §4.2.1: neither the hello nor this request count as part of the handshake. Unlike a server without memory
/// we keep the cookie, and count our records on.
fn ask_for_cookie(cx: &mut Context, asked: u8) -> State {
    let cookie = cx.rng.secret_bytes::<32>();
    cx.begin_flight();
    let request = HelloVerifyRequest { version: ProtocolVersion::Dtls10, cookie: cookie.to_vec() };
    cx.send(&Message12::HelloVerifyRequest(request));
    cx.transcript.clear();
    State::SecondHello(ExpectSecondHello { cookie, asked })
}

/// Waits for the hello that repeats our cookie.
pub(super) struct ExpectSecondHello {
    cookie: [u8; 32],
    asked: u8,
}

impl ExpectSecondHello {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::ClientHello(hello) = message else { return Err(unexpected("ClientHello", &message)) };
        if choose_version(cx, &hello)? != ProtocolVersion::Dtls12 {
            return Err(Failure::ProtocolVersion);
        }
        if hello.cookie == self.cookie {
            return answer(cx, &hello).map(Step::Server12);
        }
        // RFC 6347 §4.2.1: as if there were none. Not for ever.
        if self.asked == MAX_COOKIES {
            return Err(Failure::IllegalParameter("cookie"));
        }
        Ok(Step::Server12(ask_for_cookie(cx, self.asked + 1)))
    }
}

/// Our flight.
fn answer(cx: &mut Context, hello: &ClientHello) -> Result<State, Failure> {
    let choice = Choice::of(cx, hello)?;
    let mut randoms = Randoms { client: hello.random, server: cx.rng.secret_bytes() };
    // RFC 8446 §4.1.3: tells a client that can do better that somebody took the better offer away.
    if cx.config.speaks(ProtocolVersion::Dtls13) {
        randoms.server[24..].copy_from_slice(&DOWNGRADE_TO_12);
    }
    let ours = cx.config.crypto.key_exchange.start(choice.group, &mut cx.rng).map_err(Failure::Crypto)?;

    cx.begin_flight();
    let mut extensions = choice.extensions(hello);
    extensions.extend(cx.answer_ids(&hello.extensions));
    cx.send(&Message12::ServerHello(ServerHello {
        version: ProtocolVersion::Dtls12,
        random: randoms.server,
        session_id: Vec::new(),
        cipher_suite: choice.suite.code,
        compression_method: 0,
        extensions: Extensions::new(extensions),
    }));
    let chain = vec![cx.config.certificate.der().to_vec()];
    cx.send(&Message12::Certificate(Certificate { chain }));
    send_key_exchange(cx, &*ours, &choice, &randoms)?;
    cx.send(&Message12::CertificateRequest(CertificateRequest {
        types: vec![ClientCertificateType::EcdsaSign, ClientCertificateType::RsaSign],
        signature_algorithms: suite::scheme_codes(),
        authorities: Vec::new(),
    }));
    cx.send(&Message12::ServerHelloDone);
    let base = Base {
        suite: choice.suite,
        randoms,
        extended: hello.extensions.has(ExtensionType::ExtendedMasterSecret),
        group: choice.group,
        srtp_profile: choice.srtp_profile,
    };
    Ok(State::Certificate(ExpectCertificate { base, ours }))
}

fn send_key_exchange(
    cx: &mut Context,
    ours: &dyn EphemeralKey,
    choice: &Choice,
    randoms: &Randoms,
) -> Result<(), Failure> {
    let group = suite::group_code(choice.group);
    let public_key = ours.public_key().to_vec();
    let mut signed = [randoms.client, randoms.server].concat();
    ServerKeyExchange::write_params(group, &public_key, &mut signed);
    let signature = cx.sign(choice.scheme, &signed)?;
    let scheme = suite::scheme_code(choice.scheme);
    cx.send(&Message12::ServerKeyExchange(ServerKeyExchange { group, public_key, scheme, signature }));
    Ok(())
}

/// What we choose of what a client offers, each by our own order of preference.
struct Choice {
    suite: &'static Suite,
    group: Group,
    scheme: SignatureScheme,
    srtp_profile: Option<SrtpProfile>,
}

impl Choice {
    fn of(cx: &Context, hello: &ClientHello) -> Result<Self, Failure> {
        if !hello.compression_methods.contains(&0) {
            return Err(Failure::IllegalParameter("list of compression methods"));
        }
        hello.extensions.iter().try_for_each(check_point_formats)?;
        check_renegotiation(hello)?;
        let auth = Auth::of(cx.config.certificate.key_type());
        let ours = cx.config.cipher_suites.iter().filter(|code| hello.cipher_suites.contains(code));
        let suite = ours.filter_map(|&code| suite::find(code)).find(|suite| suite.auth == auth);
        Ok(Self {
            suite: suite.ok_or(Failure::NothingInCommon("cipher suite"))?,
            group: choose_group(cx, hello)?,
            scheme: choose_scheme(cx, hello)?,
            srtp_profile: choose_srtp_profile(cx, hello),
        })
    }

    /// Answers to what was offered, nothing else (RFC 5246 §7.4.1.4).
    fn extensions(&self, hello: &ClientHello) -> Vec<Extension> {
        let mut list = Vec::new();
        // RFC 5746 §3.6: a cipher suite value stands for the empty extension.
        if hello.extensions.has(ExtensionType::RenegotiationInfo)
            || hello.cipher_suites.contains(&CipherSuite::EmptyRenegotiationInfoScsv)
        {
            list.push(Extension::RenegotiationInfo(Vec::new()));
        }
        if hello.extensions.has(ExtensionType::ExtendedMasterSecret) {
            list.push(Extension::ExtendedMasterSecret);
        }
        if hello.extensions.has(ExtensionType::EcPointFormats) {
            list.push(Extension::EcPointFormats(vec![0]));
        }
        if let Some(profile) = self.srtp_profile {
            list.push(Extension::UseSrtp { profiles: vec![profile], mki: Vec::new() });
        }
        list
    }
}

/// RFC 5746 §3.6: in a first handshake the extension is empty.
fn check_renegotiation(hello: &ClientHello) -> Result<(), Failure> {
    let info = hello.extensions.find(|e| match e {
        Extension::RenegotiationInfo(info) => Some(info),
        _ => None,
    });
    match info {
        Some(info) if !info.is_empty() => Err(Failure::IllegalParameter("renegotiation_info")),
        _ => Ok(()),
    }
}

fn choose_group(cx: &Context, hello: &ClientHello) -> Result<Group, Failure> {
    let offered = hello.extensions.find(|e| match e {
        Extension::SupportedGroups(groups) => Some(&groups[..]),
        _ => None,
    });
    // RFC 8422 §5.1: a client that says nothing takes any; the one that everybody has.
    let offered = offered.unwrap_or(&[NamedGroup::Secp256r1]);
    // RFC 8422 §5.1: the curve of our certificate's key must be among them, too.
    let certificate = match cx.config.certificate.key_type() {
        PublicKeyType::EcdsaP256 => Some(NamedGroup::Secp256r1),
        PublicKeyType::EcdsaP384 => Some(NamedGroup::Secp384r1),
        PublicKeyType::Rsa => None,
    };
    if certificate.is_some_and(|curve| !offered.contains(&curve)) {
        return Err(Failure::NothingInCommon("curve for certificates"));
    }
    let ours = cx.config.groups.iter().copied().filter(|&g| g != Group::X25519MlKem768);
    let group = ours.into_iter().find(|&g| offered.contains(&suite::group_code(g)));
    group.ok_or(Failure::NothingInCommon("group"))
}

fn choose_scheme(cx: &Context, hello: &ClientHello) -> Result<SignatureScheme, Failure> {
    let offered = offered_schemes(&hello.extensions);
    // Without the extension a client means SHA-1 (RFC 5246 §7.4.1.4.1), which nobody should sign with.
    cx.signature_scheme(|s| offered.unwrap_or_default().contains(&suite::scheme_code(s)))
}

/// What the hellos settled.
struct Base {
    suite: &'static Suite,
    randoms: Randoms,
    /// As on the client's side: always used when offered, not insisted on.
    extended: bool,
    group: Group,
    srtp_profile: Option<SrtpProfile>,
}

pub(super) struct ExpectCertificate {
    base: Base,
    ours: Box<dyn EphemeralKey>,
}

impl ExpectCertificate {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::Certificate(Certificate { chain }) = message else {
            return Err(unexpected("Certificate", &message));
        };
        let peer = Peer::check(cx, chain)?;
        let Self { base, ours } = self;
        Ok(Step::Server12(State::ClientKeyExchange(ExpectClientKeyExchange { base, ours, peer })))
    }
}

pub(super) struct ExpectClientKeyExchange {
    base: Base,
    ours: Box<dyn EphemeralKey>,
    peer: Peer,
}

impl ExpectClientKeyExchange {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::ClientKeyExchange(exchange) = message else {
            return Err(unexpected("ClientKeyExchange", &message));
        };
        let secret = self.ours.agree(&exchange.public_key);
        let secret = secret.map_err(|_| Failure::IllegalParameter("key share"))?;
        let Base { suite, randoms, extended, .. } = self.base;
        let crypto = cx.config.crypto;
        let session = cx.transcript.hash(&crypto, suite.hash).map_err(Failure::Crypto)?;
        let binding = if extended { Binding::Session(&session) } else { Binding::Randoms };
        let master = Master::derive(crypto, suite, &secret, randoms, &binding).map_err(Failure::Crypto)?;
        let (read, write) = master.keys().map_err(Failure::Crypto)?;
        cx.receiver = Some(Receiver::new(read));
        let next = ExpectCertificateVerify { base: self.base, peer: self.peer, master, write };
        Ok(Step::Server12(State::CertificateVerify(Box::new(next))))
    }
}

pub(super) struct ExpectCertificateVerify {
    base: Base,
    peer: Peer,
    master: Master,
    write: Keys,
}

impl ExpectCertificateVerify {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::CertificateVerify(verify) = message else {
            return Err(unexpected("CertificateVerify", &message));
        };
        let signed = cx.transcript.before_received();
        verify_signature(cx, &self.peer.certificate, verify.scheme, signed, &verify.signature)?;
        let agreed = Agreed {
            verified: self.peer.verified,
            secrets: Secrets::Dtls12(self.master),
            group: suite::group_code(self.base.group),
            srtp_profile: self.base.srtp_profile,
            certificate: self.peer.der,
        };
        let next = ExpectFinished { agreed: Box::new(agreed), write: self.write };
        Ok(Step::Server12(State::Finished(next)))
    }
}

pub(super) struct ExpectFinished {
    agreed: Box<Agreed>,
    write: Keys,
}

impl ExpectFinished {
    fn handle(self, cx: &mut Context, message: Message12) -> Result<Step, Failure> {
        let Message12::Finished(finished) = message else {
            return Err(unexpected("Finished", &message));
        };
        check_finished(cx, self.agreed.master()?, b"client finished", &finished)?;
        cx.begin_flight();
        finish(cx, self.agreed.master()?, b"server finished", self.write)?;
        Ok(Step::Done(Done { agreed: self.agreed, traffic: None }))
    }
}
