//! The client's side of a DTLS 1.3 handshake after `ServerHello` (RFC 8446 §2, RFC 9147 §5).
//!
//! `EncryptedExtensions`, `CertificateRequest`, `Certificate`, `CertificateVerify`, `Finished`; then our flight, and
//! the connection is up. That flight is repeated until the server has acknowledged it.

use crate::crypto::traits::{SharedSecret, SignatureScheme};
use crate::transport::dtls::alert::Failure;
use crate::transport::dtls::client;
use crate::transport::dtls::common13::{
    Base, check_certificate, check_finished, check_verify, hash, send_certificate, send_finished,
    signature_scheme, unexpected,
};
use crate::transport::dtls::config::Role;
use crate::transport::dtls::handshake::{Context, Step};
use crate::transport::dtls::schedule13::Schedule;
use crate::transport::dtls::suite::Suite13;
use crate::transport::dtls::verify::Peer;
use crate::wire::dtls::codepoints::NamedGroup;
use crate::wire::dtls::extension::Extension;
use crate::wire::dtls::hello::ClientHello;
use crate::wire::dtls::message13::{Certificate, CertificateRequest, Message13};

/// What the client waits for.
pub(super) enum State {
    EncryptedExtensions(Box<ExpectEncryptedExtensions>),
    RequestOrCertificate(Box<ExpectCertificate>),
    CertificateVerify(Box<ExpectCertificateVerify>),
    Finished(Box<ExpectFinished>),
}

impl State {
    pub(super) fn handle(self, cx: &mut Context, message: Message13) -> Result<Step, Failure> {
        match self {
            Self::EncryptedExtensions(state) => state.handle(message),
            Self::RequestOrCertificate(state) => state.handle(cx, message),
            Self::CertificateVerify(state) => state.handle(cx, &message),
            Self::Finished(state) => state.handle(cx, &message),
        }
    }
}

/// The server took 1.3, and this is the secret that was agreed on.
pub(super) fn begin(
    cx: &mut Context,
    hello: ClientHello,
    (suite, group): (&'static Suite13, NamedGroup),
    secret: &SharedSecret,
) -> Result<Step, Failure> {
    let schedule = Schedule::new(cx.config.crypto, suite, secret).map_err(Failure::Crypto)?;
    let base = Base::begin(cx, Role::Client, schedule, group)?;
    let next = ExpectEncryptedExtensions { base, hello };
    Ok(Step::Client13(State::EncryptedExtensions(Box::new(next))))
}

pub(super) struct ExpectEncryptedExtensions {
    base: Base,
    hello: ClientHello,
}

impl ExpectEncryptedExtensions {
    fn handle(self, message: Message13) -> Result<Step, Failure> {
        let Message13::EncryptedExtensions(extensions) = message else {
            return Err(unexpected("EncryptedExtensions", &message));
        };
        let Self { mut base, hello } = self;
        for extension in extensions.iter() {
            // RFC 8446 §4.2: only what was offered, and only what belongs here.
            if !hello.extensions.has(extension.kind()) {
                return Err(Failure::UnsupportedExtension(extension.kind()));
            }
            match extension {
                Extension::UseSrtp { .. } => base.srtp_profile = client::check_srtp(&hello, extension)?,
                Extension::SupportedGroups(_) => {}
                _ => return Err(Failure::IllegalParameter("extension in this message")),
            }
        }
        let next = ExpectCertificate { base, request: None };
        Ok(Step::Client13(State::RequestOrCertificate(Box::new(next))))
    }
}

pub(super) struct ExpectCertificate {
    base: Base,
    /// How to sign, when the server asked for our certificate. One that does not ask is accepted: it is the one
    /// that does without proof.
    request: Option<SignatureScheme>,
}

impl ExpectCertificate {
    fn handle(mut self, cx: &Context, message: Message13) -> Result<Step, Failure> {
        match message {
            Message13::CertificateRequest(request) if self.request.is_none() => {
                self.request = Some(check_request(cx, &request)?);
                Ok(Step::Client13(State::RequestOrCertificate(Box::new(self))))
            }
            Message13::Certificate(certificate) => self.accept(cx, certificate),
            other => Err(unexpected("CertificateRequest or Certificate", &other)),
        }
    }

    fn accept(self, cx: &Context, certificate: Certificate) -> Result<Step, Failure> {
        let peer = check_certificate(cx, certificate)?;
        let next = ExpectCertificateVerify { base: self.base, request: self.request, peer };
        Ok(Step::Client13(State::CertificateVerify(Box::new(next))))
    }
}

/// RFC 8446 §4.3.2.
fn check_request(cx: &Context, request: &CertificateRequest) -> Result<SignatureScheme, Failure> {
    if !request.context.is_empty() {
        return Err(Failure::IllegalParameter("certificate context"));
    }
    signature_scheme(cx, &request.extensions)
}

pub(super) struct ExpectCertificateVerify {
    base: Base,
    request: Option<SignatureScheme>,
    peer: Peer,
}

impl ExpectCertificateVerify {
    fn handle(self, cx: &Context, message: &Message13) -> Result<Step, Failure> {
        let Message13::CertificateVerify(verify) = message else {
            return Err(unexpected("CertificateVerify", message));
        };
        check_verify(cx, Role::Server, &self.base.schedule, &self.peer, verify)?;
        let Self { base, request, peer } = self;
        Ok(Step::Client13(State::Finished(Box::new(ExpectFinished { base, request, peer }))))
    }
}

pub(super) struct ExpectFinished {
    base: Base,
    request: Option<SignatureScheme>,
    peer: Peer,
}

impl ExpectFinished {
    fn handle(self, cx: &mut Context, message: &Message13) -> Result<Step, Failure> {
        let Message13::Finished(finished) = message else {
            return Err(unexpected("Finished", message));
        };
        let Self { base, request, peer } = self;
        check_finished(cx, &base.schedule, &base.server, finished)?;
        let up_to_server = hash(cx, &base.schedule)?;
        cx.begin_flight();
        if let Some(scheme) = request {
            send_certificate(cx, Role::Client, &base.schedule, scheme)?;
        }
        send_finished(cx, &base.schedule, &base.client)?;
        let finishing = base.finish(cx, Role::Client, &up_to_server)?;
        Ok(Step::Done(finishing.done(peer)))
    }
}
