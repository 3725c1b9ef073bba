//! How much something counts beside others of its kind (W3C WebRTC priority).

crate::w3c_enum! {
    /// `RTCPriorityType`: a weight against other channels or encodings of the connection.
    pub enum Priority {
        /// Half of `low` (DCEP 128).
        VeryLow = "very-low",
        /// The default (DCEP 256).
        Low = "low",
        /// Twice `low` (DCEP 512).
        Medium = "medium",
        /// Four times `low` (DCEP 1,024).
        High = "high",
    }
}

impl Priority {
    /// The number that DCEP has for it (RFC 8831 §6.4), which is the weight too.
    #[must_use]
    pub const fn weight(self) -> u16 {
        match self {
            Self::VeryLow => 128,
            Self::Low => 256,
            Self::Medium => 512,
            Self::High => 1_024,
        }
    }

    /// What a number of DCEP comes nearest to, as the W3C priority extension says.
    #[must_use]
    pub const fn from_weight(weight: u16) -> Self {
        match weight {
            ..=128 => Self::VeryLow,
            129..=256 => Self::Low,
            257..=512 => Self::Medium,
            _ => Self::High,
        }
    }
}
