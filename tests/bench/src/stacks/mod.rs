//! What is measured: every stack behind one trait, so that all of them are driven by the same code.

pub mod purertc;
pub mod rtc;
pub mod str0m;

use std::net::SocketAddr;

use crate::clock::Time;
use crate::link::Link;
use crate::scenarios::Runner;

/// The stacks in the order of the table's columns.
pub fn all() -> Vec<Runner> {
    vec![Runner::of::<purertc::Purertc>(), Runner::of::<str0m::Str0m>(), Runner::of::<rtc::Rtc>()]
}

/// Bytes that an application lets a stack queue before it waits: str0m gets slower beyond that, rtc no faster.
pub const QUEUE: usize = 128 * 1024;

/// What the stack is asked to be good at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As it comes, with no setting touched.
    Default,
    /// With these protocols and no others.
    Speaking(Protocols),
}

/// Versions and extensions that decide how long connecting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols {
    pub security: Security,
    /// The handshake of DTLS inside of ICE's checks.
    pub sped: bool,
    /// The handshake of SCTP inside of descriptions.
    pub snap: bool,
}

/// What DTLS is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    Dtls12,
    Dtls13,
    /// DTLS 1.3 with X25519MLKEM768.
    PostQuantum,
}

/// What a peer is built from.
pub struct Setup<'a, I> {
    pub profile: Profile,
    /// Its only address.
    pub local: SocketAddr,
    /// The only address of the other end.
    pub remote: SocketAddr,
    /// The certificate to use; the stack makes one for itself when there is none.
    pub identity: Option<&'a I>,
    /// A number of this peer's own, for stacks that take their randomness from outside.
    pub seed: u64,
}

/// What the application has received.
#[derive(Clone, Copy, Default)]
pub struct Received {
    pub messages: u64,
    pub bytes: u64,
}

/// One peer connection with one reliable, ordered data channel, driven without input or output.
///
/// An implementation does what an application of that stack would do and nothing more: it counts what arrives, and
/// keeps neither messages nor events.
pub trait Stack: Sized + 'static {
    /// As in the report: `purertc`, `str0m`, `rtc`.
    const NAME: &'static str;

    /// Datagrams to hand over before the stack is drained, as a socket with several waiting would: the
    /// stack's best.
    const BATCH: usize;

    /// A certificate with its private key, which connections can share.
    type Identity;

    /// A datagram in the type in which the stack gives it out, so that it moves to the other end without a copy.
    type Datagram: AsRef<[u8]>;

    /// Whether it can do with these protocols.
    fn speaks(protocols: Protocols) -> bool;

    /// A fresh certificate, of the kind that the stack makes for itself.
    fn identity() -> Self::Identity;

    /// A peer with its local candidate, before any description.
    fn new(now: Time, setup: &Setup<'_, Self::Identity>) -> Self;

    /// Creates the channel, and the offer as text, with the candidate in it.
    fn offer(&mut self, now: Time) -> String;

    /// Takes the offer and answers it, as text, with the candidate in it.
    fn answer(&mut self, now: Time, offer: &str) -> String;

    /// Takes the answer to the offer made before.
    fn accept(&mut self, now: Time, answer: &str);

    /// Takes datagrams that arrived together. What is left in `batch` is dropped.
    fn receive(&mut self, now: Time, batch: &mut Vec<Self::Datagram>);

    /// The deadline has come.
    fn timeout(&mut self, now: Time);

    /// Handles all events, puts all datagrams on `out`, and says when the stack wants [`Stack::timeout`].
    fn drain(&mut self, now: Time, out: &mut Link<Self::Datagram>) -> Option<Time>;

    /// Queues a binary message; false, with nothing taken, when [`QUEUE`] bytes (or the stack's own limit, where
    /// that is what it offers) are waiting or the channel is not open.
    fn send(&mut self, now: Time, message: &[u8]) -> bool;

    /// Whether the application has been told that the channel is open.
    fn is_open(&self) -> bool;

    /// What has arrived so far.
    fn received(&self) -> Received;
}
