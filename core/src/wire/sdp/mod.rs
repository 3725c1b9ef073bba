//! Session descriptions as typed values (RFC 8866 and the attributes of RFC 9429).

mod error;

pub use crate::wire::sdp::error::{SdpError, SdpErrorReason};
