//! A TURN server for tests, as strict as coturn: it checks everything and forgets nothing that it should forget.

use crate::base::redact::Redacted;
use crate::base::time::Instant;
use crate::crypto::CryptoProvider;
use crate::crypto::traits::{HashAlgorithm, HmacKey};
use crate::transport::turn::Login;
use crate::wire::stun::{
    Attribute, Builder, ChannelHeader, Class, ErrorCode, Message, Method, TransactionId,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub const REALM: &str = "example.org";

pub fn login() -> Login {
    Login { username: "user".to_owned(), password: Redacted("secret".to_owned()) }
}

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Old,
    /// SHA-256 and hidden names (RFC 8489).
    New,
    /// Every allocation is refused with this code.
    Refuses(u16),
    /// Every client is sent to another server.
    Sends(SocketAddr),
    /// It has no IPv4, and no IPv6 either.
    OnlySixth,
    /// Every nonce is stale, always.
    NeverContent,
}

#[derive(Debug)]
struct Allocation {
    relayed: SocketAddr,
    expires: Instant,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, (SocketAddr, Instant)>,
}

#[derive(Debug)]
pub struct TurnServer {
    pub address: SocketAddr,
    pub habit: Habit,
    relay_ip: IpAddr,
    allocations: BTreeMap<SocketAddr, Allocation>,
    nonce: u32,
    /// A nonce is good for ten minutes.
    nonce_until: Instant,
    next_port: u16,
    /// Requests, by method.
    pub counts: BTreeMap<u16, usize>,
    /// Datagrams that went through without a channel, and with one.
    pub relayed: [usize; 2],
}

/// From, to, bytes.
pub type Sent = (SocketAddr, SocketAddr, Vec<u8>);

impl TurnServer {
    pub fn new(text: &str, habit: Habit) -> Self {
        Self {
            address: text.parse().unwrap(),
            habit,
            relay_ip: [203, 0, 113, 200].into(),
            allocations: BTreeMap::new(),
            nonce: 0,
            nonce_until: Instant::ZERO,
            next_port: 50_000,
            counts: BTreeMap::new(),
            relayed: [0; 2],
        }
    }

    pub fn relay_from(&mut self, text: &str) {
        self.relay_ip = text.parse().unwrap();
    }

    pub fn allocated(&self) -> Vec<SocketAddr> {
        self.allocations.values().map(|allocation| allocation.relayed).collect()
    }

    pub fn owns(&self, to: SocketAddr) -> bool {
        to == self.address || self.allocations.values().any(|allocation| allocation.relayed == to)
    }

    /// As after a reboot.
    pub fn forget(&mut self) {
        self.allocations.clear();
    }

    pub fn handle(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, data: &[u8]) -> Option<Sent> {
        self.allocations.retain(|_, allocation| now < allocation.expires);
        for allocation in self.allocations.values_mut() {
            allocation.permissions.retain(|_, until| now < *until);
            allocation.channels.retain(|_, (_, until)| now < *until);
        }
        if to != self.address {
            return self.relay_in(from, to, data);
        }
        if data[0] >= 64 {
            let header = ChannelHeader::parse(data).unwrap();
            let allocation = self.allocations.get(&from)?;
            let (peer, _) = allocation.channels.get(&header.number)?;
            self.relayed[1] += 1;
            return Some((allocation.relayed, *peer, data[4..4 + usize::from(header.length)].to_vec()));
        }
        let message = Message::parse(data).unwrap();
        match (message.class, message.method) {
            (Class::Indication, Method::Send) => self.relay_out(from, &message),
            (Class::Request, Method::Binding) => {
                let mut out = Vec::new();
                Builder::new(&mut out, Class::Success, Method::Binding, message.transaction)
                    .attribute(&Attribute::XorMappedAddress(from))
                    .finish();
                Some((self.address, from, out))
            }
            (Class::Request, _) => Some((self.address, from, self.answer(now, from, &message))),
            other => panic!("{other:?}"),
        }
    }

    fn relay_in(&mut self, peer: SocketAddr, to: SocketAddr, data: &[u8]) -> Option<Sent> {
        let (client, allocation) = self.allocations.iter().find(|(_, a)| a.relayed == to)?;
        allocation.permissions.get(&peer.ip())?;
        let mut out = Vec::new();
        match allocation.channels.iter().find(|(_, (bound, _))| *bound == peer) {
            Some((number, _)) => {
                out.extend_from_slice(
                    &ChannelHeader { number: *number, length: data.len() as u16 }.to_bytes(),
                );
                out.extend_from_slice(data);
            }
            None => {
                Builder::new(&mut out, Class::Indication, Method::Data, TransactionId([3; 12]))
                    .attribute(&Attribute::XorPeerAddress(peer))
                    .attribute(&Attribute::Data(data))
                    .finish();
            }
        }
        Some((self.address, *client, out))
    }

    fn relay_out(&mut self, from: SocketAddr, message: &Message<'_>) -> Option<Sent> {
        let allocation = self.allocations.get(&from)?;
        let attributes: Vec<_> = message.attributes().map(Result::unwrap).collect();
        let [Attribute::XorPeerAddress(peer), Attribute::Data(data)] = attributes[..] else { panic!() };
        allocation.permissions.get(&peer.ip())?;
        self.relayed[0] += 1;
        Some((allocation.relayed, peer, data.to_vec()))
    }

    fn key(&self) -> Box<dyn HmacKey> {
        let crypto = CryptoProvider::default();
        let secret = format!("user:{REALM}:secret");
        if self.habit == Habit::New {
            let key = crypto.hash.digest(HashAlgorithm::Sha256, secret.as_bytes()).unwrap();
            return crypto.hmac.key(HashAlgorithm::Sha256, &key).unwrap();
        }
        let key = crate::crypto::md5::digest(secret.as_bytes());
        crypto.hmac.key(HashAlgorithm::Sha1, &key).unwrap()
    }

    fn nonce_text(&self) -> String {
        let cookie = if self.habit == Habit::New { "obMatJos2AAAD" } else { "" };
        format!("{cookie}nonce{}", self.nonce)
    }

    /// Why a request is not authentic.
    fn objection(&mut self, now: Instant, message: &Message<'_>) -> Option<u16> {
        if now >= self.nonce_until || self.habit == Habit::NeverContent {
            self.nonce += 1;
            self.nonce_until = now + Duration::from_secs(600);
        }
        let find = |wanted: fn(&Attribute<'_>) -> bool| message.attributes().flatten().find(wanted);
        let new = self.habit == Habit::New;
        let sealed = if new { message.integrity_sha256() } else { message.integrity() };
        let Some(sealed) = sealed else { return Some(401) };
        let Some(Attribute::Nonce(nonce)) = find(|a| matches!(a, Attribute::Nonce(_))) else {
            return Some(400);
        };
        if nonce != self.nonce_text() {
            return Some(438);
        }
        let hash = CryptoProvider::default().hash.digest(HashAlgorithm::Sha256, b"user:example.org").unwrap();
        let name = match find(|a| matches!(a, Attribute::Username(_) | Attribute::UserHash(_))) {
            Some(Attribute::Username(name)) => !new && name == "user",
            Some(Attribute::UserHash(given)) => new && given[..] == hash[..],
            _ => false,
        };
        let chosen = find(|a| matches!(a, Attribute::PasswordAlgorithm(_)));
        let algorithm = !new || chosen == Some(Attribute::PasswordAlgorithm(&[0, 2, 0, 0]));
        let realm = find(|a| matches!(a, Attribute::Realm(_))) == Some(Attribute::Realm(REALM));
        let right = self.key().verify(&[&sealed.header, sealed.body], sealed.tag).is_ok();
        (!(name && algorithm && realm && right)).then_some(401)
    }

    fn answer(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Vec<u8> {
        *self.counts.entry(message.method.into()).or_default() += 1;
        let mut out = Vec::new();
        let outcome = match self.objection(now, message) {
            Some(code) => Err((code, false)),
            None => self.serve(now, from, message).map_err(|code| (code, true)),
        };
        let class = if outcome.is_ok() { Class::Success } else { Class::Error };
        let mut builder = Builder::new(&mut out, class, message.method, message.transaction);
        let nonce = self.nonce_text();
        match &outcome {
            Ok(attributes) => {
                for attribute in attributes {
                    builder = builder.attribute(attribute);
                }
            }
            Err((code, _)) => {
                builder = builder.attribute(&Attribute::ErrorCode(ErrorCode { code: *code, reason: "no" }));
                if matches!(code, 401 | 438) {
                    builder =
                        builder.attribute(&Attribute::Realm(REALM)).attribute(&Attribute::Nonce(&nonce));
                    if self.habit == Habit::New {
                        builder =
                            builder.attribute(&Attribute::PasswordAlgorithms(&[0, 1, 0, 0, 0, 2, 0, 0]));
                    }
                }
                if let Habit::Sends(server) = self.habit {
                    builder = builder.attribute(&Attribute::AlternateServer(server));
                }
            }
        }
        if !matches!(outcome, Err((_, false))) {
            let key = self.key();
            builder = match self.habit {
                Habit::New => builder.integrity_sha256(|parts, tag| key.sign(parts, tag)),
                _ => builder.integrity(|parts, tag| key.sign(parts, tag)),
            };
        }
        builder.finish();
        out
    }

    fn serve(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message<'_>,
    ) -> Result<Vec<Attribute<'static>>, u16> {
        let attributes: Vec<_> = message.attributes().flatten().collect();
        let peer = attributes.iter().find_map(|attribute| match attribute {
            Attribute::XorPeerAddress(peer) => Some(*peer),
            _ => None,
        });
        let five_minutes = now + Duration::from_secs(300);
        match message.method {
            Method::Allocate => {
                if !attributes.contains(&Attribute::RequestedTransport(17)) {
                    return Err(400);
                }
                match self.habit {
                    Habit::Refuses(code) => return Err(code),
                    Habit::Sends(_) => return Err(300),
                    _ if attributes.contains(&Attribute::RequestedAddressFamily(2)) => return Err(440),
                    Habit::OnlySixth => return Err(440),
                    _ if self.allocations.contains_key(&from) => return Err(437),
                    _ => {}
                }
                self.next_port += 1;
                let relayed = SocketAddr::new(self.relay_ip, self.next_port);
                let expires = now + Duration::from_secs(600);
                let (permissions, channels) = Default::default();
                self.allocations.insert(from, Allocation { relayed, expires, permissions, channels });
                Ok(vec![
                    Attribute::XorRelayedAddress(relayed),
                    Attribute::XorMappedAddress(from),
                    Attribute::Lifetime(600),
                ])
            }
            Method::Refresh => {
                let allocation = self.allocations.get_mut(&from).ok_or(437_u16)?;
                if attributes.contains(&Attribute::Lifetime(0)) {
                    self.allocations.remove(&from);
                    return Ok(vec![Attribute::Lifetime(0)]);
                }
                allocation.expires = now + Duration::from_secs(600);
                Ok(vec![Attribute::Lifetime(600)])
            }
            Method::CreatePermission => {
                let peer = peer.ok_or(400_u16)?;
                assert!(!peer.ip().is_loopback() && !peer.ip().is_unspecified(), "{peer}");
                let allocation = self.allocations.get_mut(&from).ok_or(437_u16)?;
                allocation.permissions.insert(peer.ip(), five_minutes);
                Ok(Vec::new())
            }
            Method::ChannelBind => {
                let peer = peer.ok_or(400_u16)?;
                let number = attributes.iter().find_map(|attribute| match attribute {
                    Attribute::ChannelNumber(number) => Some(*number),
                    _ => None,
                });
                let number = number.ok_or(400_u16)?;
                let allocation = self.allocations.get_mut(&from).ok_or(437_u16)?;
                let other = |(n, (p, _)): (&u16, &(SocketAddr, Instant))| (*n == number) != (*p == peer);
                if !(0x4000..=0x4FFF).contains(&number) || allocation.channels.iter().any(other) {
                    return Err(400);
                }
                allocation.channels.insert(number, (peer, now + Duration::from_secs(600)));
                allocation.permissions.insert(peer.ip(), five_minutes);
                Ok(Vec::new())
            }
            _ => Err(400),
        }
    }
}
