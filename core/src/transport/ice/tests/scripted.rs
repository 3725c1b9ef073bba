//! A peer made by hand: it says what the test wants, right or wrong.

use super::net::{address, agent, host};
use crate::base::net::Path;
use crate::base::time::Instant;
use crate::crypto::CryptoProvider;
use crate::crypto::traits::HashAlgorithm;
use crate::transport::ice::{Agent, IceRole};
use crate::wire::candidate::Credentials;
use crate::wire::stun::{Attribute, Builder, Class, Message, Method, TransactionId};

pub const NOW: Instant = Instant::from_millis(1_000);

pub fn hmac(password: &str, parts: &[&[u8]], tag: &mut [u8]) {
    CryptoProvider::default().hmac.key(HashAlgorithm::Sha1, password.as_bytes()).unwrap().sign(parts, tag);
}

/// An agent under test at 192.0.2.1:5000, and the credentials of the peer that it knows.
pub struct Scene {
    pub agent: Agent,
    pub ours: Credentials,
    pub theirs: Credentials,
    count: u32,
}

impl Scene {
    /// A controlled agent that knows its peer, has no candidate of it, and was told of no end.
    pub fn new() -> Self {
        Self::with_role(IceRole::Controlled)
    }

    pub fn with_role(role: IceRole) -> Self {
        let mut agent = agent(1);
        let theirs = Credentials::new("peer", "peerpeerpeerpeerpeerpeer").unwrap();
        agent.add_local_address(NOW, host("192.0.2.1:5000"));
        agent.set_role(NOW, role);
        agent.set_remote_credentials(NOW, theirs.clone());
        let ours = agent.local_credentials().clone();
        Self { agent, ours, theirs, count: 0 }
    }

    pub fn path(from: &str) -> Path {
        host("192.0.2.1:5000").to(address(from))
    }

    pub fn good_name(&self) -> String {
        format!("{}:{}", self.ours.ufrag, self.theirs.ufrag)
    }

    pub fn fresh_id(&mut self) -> TransactionId {
        self.count += 1;
        let mut id = [0; 12];
        id[..4].copy_from_slice(&self.count.to_be_bytes());
        TransactionId(id)
    }

    /// A check with these attributes behind USERNAME, protected by `password`.
    pub fn request(&mut self, name: &str, password: &str, attributes: &[Attribute<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        let id = self.fresh_id();
        let mut builder =
            Builder::new(&mut out, Class::Request, Method::Binding, id).attribute(&Attribute::Username(name));
        for attribute in attributes {
            builder = builder.attribute(attribute);
        }
        builder.integrity(|parts, tag| hmac(password, parts, tag)).fingerprint().finish();
        out
    }

    /// A check as the peer would send it.
    pub fn good_request(&mut self, extra: &[Attribute<'_>]) -> Vec<u8> {
        let role = match self.agent.role() {
            IceRole::Controlling => Attribute::IceControlled(7),
            _ => Attribute::IceControlling(7),
        };
        let mut attributes = vec![Attribute::Priority(1_000_000), role];
        attributes.extend_from_slice(extra);
        let (name, password) = (self.good_name(), self.ours.password.0.clone());
        self.request(&name, &password, &attributes)
    }

    /// A success response to `request`, protected by `password`.
    pub fn response(request: &[u8], mapped: &str, password: &str) -> Vec<u8> {
        let id = Message::parse(request).unwrap().transaction;
        let mut out = Vec::new();
        Builder::new(&mut out, Class::Success, Method::Binding, id)
            .attribute(&Attribute::XorMappedAddress(address(mapped)))
            .integrity(|parts, tag| hmac(password, parts, tag))
            .fingerprint()
            .finish();
        out
    }

    /// All that the agent has to send, answering its checks from where they went if `answer` says so.
    pub fn exchange(&mut self, now: Instant, answer: impl Fn(&Path) -> bool) -> Vec<(Path, Vec<u8>)> {
        let mut all = Vec::new();
        let mut data = Vec::new();
        while let Some(transmit) = self.agent.poll_transmit(now, &mut data) {
            let datagram = std::mem::take(&mut data);
            if Message::parse(&datagram).unwrap().class == Class::Request && answer(&transmit.path) {
                let response = Self::response(&datagram, "192.0.2.1:5000", &self.theirs.password.0);
                self.agent.handle_stun(now, transmit.path, &response);
            }
            all.push((transmit.path, datagram));
        }
        all
    }

    /// Runs the clock until `end`, answering as `answer` says.
    pub fn run(&mut self, end: Instant, answer: impl Fn(&Path) -> bool) -> Vec<(Path, Vec<u8>)> {
        let mut all = self.exchange(self.agent.clock, &answer);
        while let Some(at) = self.agent.poll_timeout().filter(|&at| at <= end) {
            self.agent.handle_timeout(at);
            all.extend(self.exchange(at, &answer));
        }
        all
    }
}

pub fn class(datagram: &[u8]) -> Class {
    Message::parse(datagram).unwrap().class
}

pub fn error_code(datagram: &[u8]) -> Option<u16> {
    Message::parse(datagram).unwrap().attributes().find_map(|attribute| match attribute {
        Ok(Attribute::ErrorCode(error)) => Some(error.code),
        _ => None,
    })
}
