//! Why something from the network was refused.
//!
//! Network input never returns an error: what cannot be used is dropped, counted here under its reason, and
//! the counts are visible to the application. Simulations fail on reasons that they did not expect.

use std::fmt;

macro_rules! drop_reasons {
    ($($(#[$meta:meta])* $name:ident => $text:literal),+ $(,)?) => {
        /// Why a datagram, or a part of one, was dropped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DropReason { $($(#[$meta])* #[doc = $text] $name),+ }

        impl DropReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// What it means, in a few words.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

drop_reasons! {
    // Demultiplexing (RFC 7983) and routing.
    Empty => "an empty datagram",
    UnknownProtocol => "the first byte belongs to no protocol that is in use",
    UnknownPeer => "no peer is known by this address pair or user fragment",
    Closed => "the connection is closed",
    UnknownStream => "a piece of a stream that nobody knows, or a stream that nobody wants",
    StreamMalformed => "a stream whose pieces make no messages",
    // STUN and ICE.
    StunMalformed => "not a well-formed STUN message",
    StunUnknownMethod => "a STUN method that a peer connection does not use",
    StunFingerprint => "the STUN fingerprint is missing or wrong",
    StunIntegrity => "the STUN message integrity is missing or wrong",
    StunUsername => "a STUN check for another user fragment",
    StunUnknownTransaction => "a STUN response to no request of ours",
    StunWrongPath => "a STUN response that did not come back along the path of its request",
    StunUnknownAttribute => "a STUN message with an attribute that must be understood and is not",
    StunUnexpected => "a STUN message that makes no sense in this state",
    StunBacklog => "a STUN request that came while too many answers waited to be sent",
    IceCandidateUnusable => "a remote candidate that cannot be used: a name, or another transport, component or kind of address",
    IceCandidateGeneration => "a remote candidate of another generation",
    IceTooManyCandidates => "more candidates or pairs than the cap allows",
    // TURN.
    TurnMalformed => "a TURN indication or channel message without peer or data",
    TurnUnknownPeer => "relayed data on an unknown channel, or from a peer that was not permitted",
    TurnNoPermission => "a datagram for a peer that the TURN server does not permit, or not soon enough",
    MdnsMalformed => "not a well-formed mDNS message, or a response from elsewhere than the port of mDNS",
    // DTLS.
    UnvalidatedSource => "its source was not validated by ICE",
    DtlsMalformed => "not a well-formed DTLS record",
    DtlsUnexpected => "a DTLS record or message that makes no sense in this state",
    DtlsConnectionId => "a DTLS record without the connection id that was agreed on, or with one of another connection",
    DtlsUnknownEpoch => "a DTLS record of an epoch without keys",
    DtlsReplay => "a DTLS record that was seen before or is too old",
    DtlsAuthentication => "a DTLS record whose authentication tag is wrong",
    DtlsReassembly => "a DTLS handshake fragment that contradicts others or exceeds the limits",
    DtlsAlert => "a DTLS alert that is not to be acted upon",
    DtlsBuffered => "a DTLS record that came early and found the buffer full",
    // SRTP.
    SrtpNotReady => "SRTP before its keys are known",
    SrtpMalformed => "not a well-formed SRTP or SRTCP packet",
    SrtpReplay => "an SRTP packet that was seen before or is too old",
    SrtpAuthentication => "an SRTP packet whose authentication tag is wrong",
    // RTP and RTCP.
    RtpMalformed => "not a well-formed RTP packet, or one of a payload format that it does not follow",
    RtpUnknownSource => "an RTP packet that no section of the descriptions can be told to be meant by",
    RtpUnknownPayload => "an RTP packet of a payload type that was not negotiated",
    RtpTooManySources => "an RTP packet of one source more than the cap allows",
    RtpNotReceiving => "an RTP packet of a section that receives nothing",
    RtpOutOfPlace => "an RTP packet that came before, or far from where its source was",
    RtpBacklog => "an RTP packet that came while too much waited for the application",
    RtcpMalformed => "not a well-formed RTCP packet",
    // SCTP.
    SctpMalformed => "not a well-formed SCTP packet",
    SctpChecksum => "the SCTP checksum is wrong",
    SctpPort => "an SCTP packet for other ports",
    SctpVerificationTag => "the SCTP verification tag is wrong",
    SctpUnexpected => "an SCTP chunk that makes no sense in this state",
    SctpUnknownChunk => "an SCTP chunk of unknown type",
    SctpCookie => "an SCTP state cookie that is forged, stale or out of place",
    SctpBadSack => "an SCTP acknowledgement of what was never sent",
    SctpDuplicate => "SCTP data that was received before",
    SctpWindow => "SCTP data beyond the window that was advertised",
    SctpNotNegotiated => "an SCTP extension that was not negotiated",
    SctpBadTsn => "SCTP sequence numbers that cannot be",
    SctpReassembly => "SCTP fragments that contradict each other",
    SctpMessageTooLarge => "a message larger than was agreed",
    SctpStream => "an SCTP stream that does not exist",
    // Data channels.
    DcepMalformed => "not a well-formed data channel establishment message",
    DcepUnexpected => "a data channel message that makes no sense in this state",
    DataChannelClosed => "a message for a data channel that is closed",
    DataPayloadProtocol => "a message with an unknown payload protocol identifier",
    DataNotUtf8 => "a text message that is not UTF-8",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How often each reason occurred. A list of those that did, in the order of their declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drops(Vec<(DropReason, u64)>);

impl Drops {
    /// Counts one more.
    pub fn count(&mut self, reason: DropReason) {
        self.add(reason, 1);
    }

    /// How often `reason` occurred.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0.binary_search_by_key(&reason, |&(r, _)| r).map_or(0, |at| self.0[at].1)
    }

    /// How many drops there were in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().map(|&(_, n)| n).sum()
    }

    /// Each reason that occurred, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> {
        self.0.iter().copied()
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(reason, n)| self.add(reason, n));
    }

    fn add(&mut self, reason: DropReason, n: u64) {
        match self.0.binary_search_by_key(&reason, |&(r, _)| r) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(n),
            Err(at) => self.0.insert(at, (reason, n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DropReason, Drops};

    #[test]
    fn counts_add_up() {
        let mut drops = Drops::default();
        drops.count(DropReason::SctpPort);
        drops.count(DropReason::Empty);
        drops.count(DropReason::SctpPort);
        let mut sum = Drops::default();
        sum.merge(&drops);
        sum.merge(&drops);
        assert_eq!(sum.of(DropReason::SctpPort), 4);
        assert_eq!(sum.of(DropReason::Closed), 0);
        assert_eq!(sum.total(), 6);
        assert_eq!(drops.iter().next(), Some((DropReason::Empty, 1)));
    }

    #[test]
    fn every_reason_says_what_it_means() {
        let mut texts: Vec<_> = DropReason::ALL.iter().map(|r| r.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), DropReason::ALL.len());
    }
}
