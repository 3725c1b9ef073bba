//! Fragments of descriptions (RFC 8840 §9), in which candidates and new credentials travel.

use purertc_tokio::{IceCandidateInit, SessionDescription};
use std::fmt::Write;

/// What `application/trickle-ice-sdpfrag` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fragment {
    pub(crate) ufrag: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) candidates: Vec<IceCandidateInit>,
    /// `a=end-of-candidates`.
    pub(crate) is_last: bool,
}

impl Fragment {
    pub(crate) fn parse(text: &str) -> Self {
        let mut fragment = Self::default();
        let mut mid = None;
        for line in text.lines().map(str::trim_end) {
            if let Some(value) = line.strip_prefix("a=ice-ufrag:") {
                fragment.ufrag = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("a=ice-pwd:") {
                fragment.password = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("a=mid:") {
                mid = Some(value.to_owned());
            } else if let Some(candidate) = line.strip_prefix("a=").filter(|a| a.starts_with("candidate:")) {
                fragment.candidates.push(IceCandidateInit {
                    candidate: candidate.to_owned(),
                    sdp_mid: mid.clone(),
                    // Everything is bundled: without a mid it is for the first section.
                    sdp_m_line_index: Some(0),
                    username_fragment: fragment.ufrag.clone(),
                });
            }
            fragment.is_last |= line == "a=end-of-candidates";
        }
        fragment
    }

    /// The offer that a peer means which restarts ICE by a fragment: its last one with these credentials and candidates.
    pub(crate) fn restart(&self, mut offer: SessionDescription) -> Option<SessionDescription> {
        let (ufrag, password) = (self.ufrag.as_ref()?, self.password.as_ref()?);
        let mut sdp = String::with_capacity(offer.sdp.len());
        let mut is_first = true;
        for line in offer.sdp.lines() {
            if line.starts_with("a=ice-ufrag:") {
                let _ = write!(sdp, "a=ice-ufrag:{ufrag}\r\n");
            } else if line.starts_with("a=ice-pwd:") {
                let _ = write!(sdp, "a=ice-pwd:{password}\r\n");
                if std::mem::take(&mut is_first) {
                    for found in &self.candidates {
                        let _ = write!(sdp, "a={}\r\n", found.candidate);
                    }
                }
            } else if !line.starts_with("a=candidate:") && line != "a=end-of-candidates" {
                let _ = write!(sdp, "{line}\r\n");
            }
        }
        offer.sdp = sdp;
        Some(offer)
    }

    /// The fragment that answers a restart: credentials and candidates of the first section, which carries all.
    pub(crate) fn of(answer: &SessionDescription) -> String {
        let wanted = ["a=ice-ufrag:", "a=ice-pwd:", "m=", "a=mid:", "a=candidate:", "a=end-of-candidates"];
        let mut sections = 0;
        let lines = answer.sdp.lines().take_while(|line| {
            sections += usize::from(line.starts_with("m="));
            sections <= 1
        });
        let lines = lines.filter(|line| wanted.iter().any(|start| line.starts_with(start)));
        lines.flat_map(|line| [line, "\r\n"]).collect()
    }
}
