//! What ICE wants to know of a Binding message, gathered in one pass.

use crate::transport::ice::send::MAX_UNKNOWN;
use crate::transport::ice::state::IceRole;
use crate::wire::cursor::ParseError;
use crate::wire::stun::{Attribute, Message};
use std::net::SocketAddr;

/// The attributes of a Binding request or response that matter here; of each the first one (RFC 8489 §14).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan<'a> {
    pub username: Option<&'a str>,
    pub priority: Option<u32>,
    /// The role that the sender takes, and its tie-breaker.
    pub role: Option<(IceRole, u64)>,
    pub use_candidate: bool,
    pub nomination: Option<u32>,
    pub mapped: Option<SocketAddr>,
    pub error: Option<u16>,
    // What must be understood and is not, as far as an answer names it.
    unknown: [u16; MAX_UNKNOWN],
    unknown_count: usize,
}

impl<'a> Scan<'a> {
    pub fn of(message: &Message<'a>) -> Result<Self, ParseError> {
        let mut scan = Self::default();
        for attribute in message.attributes() {
            match attribute? {
                Attribute::Username(name) => scan.username = scan.username.or(Some(name)),
                Attribute::Priority(priority) => scan.priority = scan.priority.or(Some(priority)),
                Attribute::IceControlling(tie) => {
                    scan.role = scan.role.or(Some((IceRole::Controlling, tie)));
                }
                Attribute::IceControlled(tie) => scan.role = scan.role.or(Some((IceRole::Controlled, tie))),
                Attribute::UseCandidate => scan.use_candidate = true,
                Attribute::Nomination(number) => scan.nomination = scan.nomination.or(Some(number)),
                Attribute::XorMappedAddress(address) => scan.mapped = scan.mapped.or(Some(address)),
                Attribute::ErrorCode(error) => scan.error = scan.error.or(Some(error.code)),
                Attribute::Unknown(code, _) if Attribute::must_be_understood(code) => scan.note(code),
                _ => {}
            }
        }
        Ok(scan)
    }

    /// Attributes that must be understood and are not.
    pub fn unknown(&self) -> impl Iterator<Item = u16> {
        self.unknown.into_iter().take(self.unknown_count)
    }

    fn note(&mut self, code: u16) {
        if let Some(slot) = self.unknown.get_mut(self.unknown_count) {
            *slot = code;
            self.unknown_count += 1;
        }
    }
}
