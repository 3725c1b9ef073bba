//! Descriptions and candidates as applications pass them around: text with a type, in the JSON of browsers.

use crate::signaling::state::SdpType;
use std::fmt;

/// A session description (`RTCSessionDescriptionInit`): what one side sends the other.
///
/// Under the `serde` feature its JSON is that of browsers: `{"type":"offer","sdp":"…"}`. `Debug` leaves out
/// passwords, so that it may be logged.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SessionDescription {
    /// What it is; `type` in JSON.
    #[cfg_attr(feature = "serde", serde(rename = "type"))]
    pub kind: SdpType,
    /// The text; empty for a rollback.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sdp: String,
}

impl SessionDescription {
    /// A description of type `kind` with the text `sdp`.
    #[must_use]
    pub fn new(kind: SdpType, sdp: impl Into<String>) -> Self {
        Self { kind, sdp: sdp.into() }
    }

    /// A rollback, which has no text.
    #[must_use]
    pub const fn rollback() -> Self {
        Self { kind: SdpType::Rollback, sdp: String::new() }
    }
}

impl fmt::Debug for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sdp = String::with_capacity(self.sdp.len());
        for line in self.sdp.split_inclusive('\n') {
            match line.strip_prefix("a=ice-pwd:") {
                Some(_) => sdp.push_str("a=ice-pwd:…\r\n"),
                None => sdp.push_str(line),
            }
        }
        f.debug_struct("SessionDescription").field("kind", &self.kind).field("sdp", &sdp).finish()
    }
}

/// What `setLocalDescription` takes (`RTCLocalSessionDescriptionInit`): every part may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct LocalDescriptionInit {
    /// Left out, it is what the signaling state asks for: an offer, or an answer to a remote offer.
    #[cfg_attr(feature = "serde", serde(rename = "type", skip_serializing_if = "Option::is_none"))]
    pub kind: Option<SdpType>,
    /// Empty, it is created on the spot; otherwise it must be what was created last.
    pub sdp: String,
}

impl From<SessionDescription> for LocalDescriptionInit {
    fn from(description: SessionDescription) -> Self {
        Self { kind: Some(description.kind), sdp: description.sdp }
    }
}

impl From<SdpType> for LocalDescriptionInit {
    /// A description of this type, created on the spot.
    fn from(kind: SdpType) -> Self {
        Self { kind: Some(kind), sdp: String::new() }
    }
}

/// A candidate on its way between peers (`RTCIceCandidateInit`).
///
/// Under the `serde` feature its JSON is what browsers' `toJSON` yields and `addIceCandidate` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase", default))]
pub struct IceCandidateInit {
    /// `candidate:…`, or empty: no more candidates of this generation will come.
    pub candidate: String,
    /// The `a=mid` of its section. Wins over the index. Local candidates have none only towards peers that
    /// offered without mids.
    pub sdp_mid: Option<String>,
    /// The index of its section, from 0.
    pub sdp_m_line_index: Option<u16>,
    /// The generation that it belongs to; left out, the newest.
    pub username_fragment: Option<String>,
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::{IceCandidateInit, LocalDescriptionInit, SessionDescription};
    use crate::signaling::state::SdpType;

    #[test]
    fn json_is_that_of_browsers() {
        let offer = SessionDescription::new(SdpType::Offer, "v=0\r\n");
        let text = r#"{"type":"offer","sdp":"v=0\r\n"}"#;
        assert_eq!(serde_json::to_string(&offer).unwrap(), text);
        assert_eq!(serde_json::from_str::<SessionDescription>(text).unwrap(), offer);
        let rollback = serde_json::from_str::<SessionDescription>(r#"{"type":"rollback"}"#).unwrap();
        assert_eq!(rollback, SessionDescription::rollback());
        assert!(serde_json::from_str::<SessionDescription>(r#"{"sdp":""}"#).is_err());
        assert!(serde_json::from_str::<SessionDescription>(r#"{"type":"Offer"}"#).is_err());
        assert_eq!(
            serde_json::from_str::<LocalDescriptionInit>("{}").unwrap(),
            LocalDescriptionInit::default()
        );

        let text = r#"{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}"#;
        let candidate: IceCandidateInit = serde_json::from_str(text).unwrap();
        assert_eq!((candidate.sdp_mid.as_deref(), candidate.sdp_m_line_index), (Some("0"), Some(0)));
        assert_eq!(serde_json::to_string(&candidate).unwrap(), text);
        assert_eq!(serde_json::from_str::<IceCandidateInit>("{}").unwrap(), IceCandidateInit::default());
    }
}

#[cfg(test)]
mod debug_tests {
    use super::SessionDescription;
    use crate::signaling::state::SdpType;

    #[test]
    fn a_password_is_not_printed() {
        let offer = SessionDescription::new(
            SdpType::Offer,
            "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\na=mid:0\r\n",
        );
        let printed = format!("{offer:?}");
        assert!(
            printed.contains("abcd") && printed.contains("a=mid:0") && !printed.contains("secret"),
            "{printed}"
        );
    }
}
