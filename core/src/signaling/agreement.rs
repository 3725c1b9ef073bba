//! What an offer and its answer agree on, and what follows from it.

use crate::signaling::changes::{DtlsRole, RemoteIce, SctpAgreement, TransportAgreement};
use crate::signaling::content::Content;
use crate::signaling::state::Side;
use crate::wire::candidate::Credentials;
use crate::wire::fingerprint::Fingerprint;
use crate::wire::sdp::attribute::Setup;

/// What the last answer settled for the data section and its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::signaling) struct Agreement {
    /// The index of the data section.
    pub section: usize,
    pub local_ice: Credentials,
    pub remote_ice: Credentials,
    pub fingerprints: Vec<Fingerprint>,
    pub tls_id: Option<String>,
    pub dtls_role: DtlsRole,
    pub ports: (u16, u16),
    /// In bytes; 0 for any.
    pub max_message_size: u64,
}

impl Agreement {
    /// Compares both sides' descriptions after `answerer` answered. `None` when no data section is left.
    pub fn of(local: &Content, remote: &Content, answerer: Side) -> Option<Self> {
        let pairs = local.sections.iter().zip(&remote.sections);
        let section = pairs.clone().position(|(l, r)| l.is_live_data() && r.is_live_data())?;
        let (ours, theirs) = (local.transport(section), remote.transport(section));
        let dtls_role = match answerer {
            Side::Local if ours.setup == Some(Setup::Passive) => DtlsRole::Server,
            Side::Remote if theirs.setup == Some(Setup::Active) => DtlsRole::Server,
            _ => DtlsRole::Client,
        };
        let (our_data, their_data) = (local.sections[section].data?, remote.sections[section].data?);
        Some(Self {
            section,
            local_ice: ours.credentials.clone()?,
            remote_ice: theirs.credentials.clone()?,
            fingerprints: theirs.fingerprints.clone(),
            tls_id: theirs.tls_id.clone(),
            dtls_role,
            ports: (our_data.port?, their_data.port?),
            max_message_size: their_data.max_message_size.bytes(),
        })
    }

    /// Whether these name the certificates of this DTLS association, in whatever order (RFC 8842 §4).
    pub fn same_association(&self, fingerprints: &[Fingerprint], tls_id: Option<&str>) -> bool {
        self.tls_id.as_deref() == tls_id
            && self.fingerprints.iter().all(|f| fingerprints.contains(f))
            && fingerprints.iter().all(|f| self.fingerprints.contains(f))
    }

    /// What the transport has to know, compared with what was agreed `before`.
    pub fn transport(&self, remote: &Content, before: Option<&Self>) -> TransportAgreement {
        let fingerprints_changed =
            before.is_some_and(|before| !before.same_association(&self.fingerprints, self.tls_id.as_deref()));
        TransportAgreement {
            local_ice: self.local_ice.clone(),
            remote_ice: self.remote_ice(remote),
            ice_restarted: before.is_some_and(|before| before.remote_ice != self.remote_ice),
            fingerprints: self.fingerprints.clone(),
            fingerprints_changed,
            dtls_role: self.dtls_role,
        }
    }

    fn remote_ice(&self, remote: &Content) -> RemoteIce {
        let section = &remote.sections[self.section];
        RemoteIce {
            credentials: self.remote_ice.clone(),
            candidates: section.candidates.clone(),
            // RFC 8838 §3: a peer that does not trickle has said everything.
            end_of_candidates: section.end_of_candidates || !remote.options.trickle,
            lite: remote.transport(self.section).lite,
        }
    }

    /// What the association has to know, compared with what was agreed `before`.
    pub fn sctp(&self, before: Option<&Self>) -> SctpAgreement {
        SctpAgreement {
            local_port: self.ports.0,
            remote_port: self.ports.1,
            max_message_size: self.max_message_size,
            restarted: before.is_some_and(|before| before.ports != self.ports),
        }
    }
}
