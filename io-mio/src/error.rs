//! Why a driver could not be made.

use purertc::ConfigurationError;
use std::io;
use thiserror::Error;

/// What [`Driver::new`](crate::Driver::new) can fail with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// No socket could be opened, or the system gave no randomness.
    #[error("the connection has no sockets: {0}")]
    Io(#[from] io::Error),
}
