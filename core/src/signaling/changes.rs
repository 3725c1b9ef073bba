//! What the owner has to carry out after a description was set: plain values, in no need of the session.

use crate::base::media::TransceiverId;
use crate::signaling::description::IceCandidateInit;
use crate::signaling::state::SignalingState;
use crate::wire::candidate::{Candidate, Credentials};
use crate::wire::fingerprint::Fingerprint;

/// Who nominates (RFC 8445 §6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IceRole {
    /// This side nominates.
    Controlling,
    /// The peer nominates.
    Controlled,
}

/// Who sends the first flight (RFC 8842).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DtlsRole {
    /// This side does; `a=setup:active`.
    Client,
    /// The peer does; `a=setup:passive`.
    Server,
}

/// Where RTCP goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RtcpUse {
    /// There is none: no audio, no video.
    None,
    /// Where RTP goes.
    Muxed,
    /// To a port of its own: a second component, under the same credentials and fingerprints, with a handshake of its own
    /// (RFC 5764 §4).
    Own,
}

/// Everything that setting a description brought about. All of it may be carried out more than once without
/// harm: agreements are repeated whenever an answer confirms them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The signaling states passed through, in order; empty when it did not change, two with an implicit
    /// rollback. One `signalingstatechange` each.
    pub signaling_states: Vec<SignalingState>,
    /// Start gathering these local generations, each of the transport with this number: their credentials are in the
    /// local description now and nothing was gathered for them yet.
    pub gather: Vec<(usize, Credentials)>,
    /// Local candidates that were found before a description named their generation: an `icecandidate` each,
    /// in order.
    pub early_candidates: Vec<IceCandidateInit>,
    /// The local ICE role, when it became known or changed: with the first local offer, and settled by the
    /// first answer.
    pub ice_role: Option<IceRole>,
    /// What became of the transports; empty for nothing.
    pub transports: Vec<TransportChange>,
    /// What became of the SCTP association.
    pub data: DataChange,
    /// What became of the tracks that come from the peer, in the order of events.
    pub tracks: Vec<TrackChange>,
    /// Whether the agreed sections of audio and video differ from before.
    pub media: bool,
}

/// What became of a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportChange {
    /// Both sides are described: an answer or a provisional answer was set.
    Agreed(Box<TransportAgreement>),
    /// No section is left that needs the transport of this number: the answer rejected them all, or bundled them with
    /// others. A later one is gathered for anew.
    Closed(usize),
}

/// What became of a track that comes from the peer, or of a stream that such tracks are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrackChange {
    /// The peer stopped sending it: `mute`.
    Muted(TransceiverId),
    /// It left a stream: `removetrack` of the stream.
    LeftStream(TransceiverId, String),
    /// A stream has no track any more: the obsolete `removestream`.
    StreamRemoved(String),
    /// It joined a stream that was there: `addtrack` of the stream.
    JoinedStream(TransceiverId, String),
    /// A stream came into being: the obsolete `addstream`.
    StreamAdded(String),
    /// `track`, with the streams that it is in.
    Track(TransceiverId, Vec<String>),
    /// It ended with its transceiver: `ended`.
    Ended(TransceiverId),
}

/// What both sides agreed for one transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportAgreement {
    /// Which transport; 0 is the first.
    pub index: usize,
    /// The local credentials of the generation that the peer was told.
    pub local_ice: Credentials,
    /// The peer's ICE side.
    pub remote_ice: RemoteIce,
    /// Whether the peer's credentials differ from those agreed before: ICE was restarted.
    pub ice_restarted: bool,
    /// The peer's certificate must have one of these.
    pub fingerprints: Vec<Fingerprint>,
    /// Whether these fingerprints differ from those agreed before: a new DTLS association is due.
    pub fingerprints_changed: bool,
    /// The local DTLS role.
    pub dtls_role: DtlsRole,
    /// Where RTCP goes.
    pub rtcp: RtcpUse,
}

/// The peer's side of ICE as its description has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteIce {
    /// Its credentials.
    pub credentials: Credentials,
    /// Every candidate of this generation in the description, trickled ones among them.
    pub candidates: Vec<Candidate>,
    /// No further candidates will come: the description says so, or the peer does not trickle.
    pub end_of_candidates: bool,
    /// Whether the peer is ICE-lite.
    pub lite: bool,
}

/// What became of the SCTP association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataChange {
    /// Nothing.
    #[default]
    Unchanged,
    /// An offer describes one: `sctp` exists from now on, connecting.
    Created,
    /// The answer accepts it.
    Agreed(SctpAgreement),
    /// The offer that described it was rolled back: `sctp` is gone again. Channels stay and wait.
    RolledBack,
    /// The answer rejects it: `sctp` is gone, and so are its channels.
    Closed,
}

/// What both sides agreed for SCTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpAgreement {
    /// Our port. It differs from the one in the parameters only towards peers that speak the old
    /// `DTLS/SCTP <port>` form, where the answer repeats the offered one.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// The largest message that the peer takes, in bytes; 0 for any (RFC 8841 §6).
    pub max_message_size: u64,
    /// Whether a port differs from those agreed before: a new association is due (RFC 8841 §9.3).
    pub restarted: bool,
}

/// What became of a remote candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteCandidate {
    /// Hand it to the ICE agent: a candidate of the generation with this user fragment.
    Candidate {
        /// The transport.
        transport: usize,
        /// The remote generation.
        ufrag: String,
        /// What the peer offers.
        candidate: Box<Candidate>,
    },
    /// Tell the ICE agent that no more candidates of this generation will come.
    EndOfCandidates {
        /// The transport.
        transport: usize,
        /// The remote generation.
        ufrag: String,
    },
    /// It belongs to a generation that no answer confirmed yet; it is in the remote description and will be
    /// part of the [`TransportAgreement`].
    Held,
    /// Its section is rejected or not in use, or it was known already.
    Ignored,
}
