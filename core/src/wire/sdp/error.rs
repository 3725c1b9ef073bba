//! Why a text is not a session description.

use thiserror::Error;

/// What is wrong with a text, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct SdpError {
    /// The line, the first being 1.
    pub line: u32,
    /// What is wrong with it.
    pub reason: SdpErrorReason,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SdpErrorReason {
    /// Not of the form `x=…` with a letter that SDP knows.
    #[error("not a line of the form <type>=<value>")]
    NotALine,
    /// A letter that may not stand here.
    #[error("a {0}= line may not stand here")]
    OutOfOrder(char),
    /// The text ends, or goes on, without a mandatory line.
    #[error("a {0}= line is missing")]
    Missing(char),
    /// A line whose form is known and was not kept.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// More of something than the limit.
    #[error("more than the limit of {0}")]
    TooMany(&'static str),
}
