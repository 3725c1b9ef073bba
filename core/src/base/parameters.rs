//! How a sender or receiver is set up (`RTCRtpSendParameters` and its parts): plain values under their W3C names.

use crate::base::media::{RtpCodec, RtpTransceiverDirection};
use crate::base::priority::Priority;

/// `RTCRtpEncodingParameters`: one of the encodings that a sender makes of its track.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "camelCase"))]
#[non_exhaustive]
pub struct RtpEncodingParameters {
    /// Its name in simulcast; read-only once made.
    pub rid: Option<String>,
    /// Whether it is sent. Default true.
    pub active: bool,
    /// The codec to use, instead of the first that was negotiated.
    pub codec: Option<RtpCodec>,
    /// The most bits in a second, as RFC 3890 counts them.
    pub max_bitrate: Option<u32>,
    /// The most frames in a second; video only.
    pub max_framerate: Option<f64>,
    /// By how much width and height are divided, from 1; video only.
    pub scale_resolution_down_by: Option<f64>,
    /// The scalability mode, such as `L1T2`; video only.
    pub scalability_mode: Option<String>,
    /// How much it counts beside the other encodings of the connection, for who shares the bandwidth among encoders. Default
    /// `low`.
    pub priority: Priority,
    /// How much its packets count on their way, for who marks them. Default: as `priority` says.
    pub network_priority: Option<Priority>,
}

impl Default for RtpEncodingParameters {
    fn default() -> Self {
        Self {
            rid: None,
            active: true,
            codec: None,
            max_bitrate: None,
            max_framerate: None,
            scale_resolution_down_by: None,
            scalability_mode: None,
            priority: Priority::Low,
            network_priority: None,
        }
    }
}

impl RtpEncodingParameters {
    /// An encoding of this name, for simulcast.
    #[must_use]
    pub fn with_rid(rid: impl Into<String>) -> Self {
        Self { rid: Some(rid.into()), ..Self::default() }
    }

    /// With width and height divided by this.
    #[must_use]
    pub fn scaled_down_by(mut self, factor: f64) -> Self {
        self.scale_resolution_down_by = Some(factor);
        self
    }

    /// With this many bits in a second at most.
    #[must_use]
    pub const fn at_most(mut self, max_bitrate: u32) -> Self {
        self.max_bitrate = Some(max_bitrate);
        self
    }
}

/// `RTCRtpCodecParameters`: a codec with its payload type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RtpCodecParameters {
    /// From 0 to 127.
    pub payload_type: u8,
    /// The codec.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub codec: RtpCodec,
}

/// `RTCRtpHeaderExtensionParameters`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RtpHeaderExtensionParameters {
    /// Which extension.
    pub uri: String,
    /// The id that packets carry.
    pub id: u16,
    /// Always false: RFC 6904 is not used by anyone.
    pub encrypted: bool,
}

/// `RTCRtpHeaderExtensionCapability`, of one transceiver: an extension, and the direction that it is wanted or was negotiated
/// in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RtpHeaderExtensionCapability {
    /// Which extension.
    pub uri: String,
    /// Which way; `stopped` for not at all.
    pub direction: RtpTransceiverDirection,
}

/// `RTCRtcpParameters`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct RtcpParameters {
    /// The canonical name that all sources of this side share; of a sender only.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub cname: Option<String>,
    /// Whether RTCP packets may be smaller than compound ones (RFC 5506).
    pub reduced_size: bool,
}

/// `RTCRtpSendParameters`: what `getParameters` of a sender gives and `setParameters` takes back.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct RtpSendParameters {
    /// Ties `setParameters` to the `getParameters` before it; read-only.
    pub transaction_id: String,
    /// The encodings: their number, order and names are read-only.
    pub encodings: Vec<RtpEncodingParameters>,
    /// Negotiated header extensions; read-only.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// Read-only.
    pub rtcp: RtcpParameters,
    /// Codecs that the peer takes, the first being the one in use; read-only.
    pub codecs: Vec<RtpCodecParameters>,
    /// What gives way where not all can be sent: kept for who encodes. Default: that decides by itself.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub degradation_preference: Option<DegradationPreference>,
}

crate::w3c_enum! {
    /// `RTCDegradationPreference` (mst-content-hint).
    pub enum DegradationPreference {
        /// The size of frames gives way.
        MaintainFramerate = "maintain-framerate",
        /// Their number in a second does.
        MaintainResolution = "maintain-resolution",
        /// Both do.
        Balanced = "balanced",
    }
}

/// `RTCRtpReceiveParameters`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct RtpReceiveParameters {
    /// Header extensions that this side is ready to receive.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// RTCP, without a name.
    pub rtcp: RtcpParameters,
    /// Codecs that this side is ready to receive.
    pub codecs: Vec<RtpCodecParameters>,
}
