//! What can go wrong with a browser, worded for whoever reads the test log.

/// Why a browser did not do what a test asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// A program is not on this machine.
    #[error(
        "no {program} on this machine: install the package {package} (Debian), or set {variable} to its path"
    )]
    Missing {
        /// What was looked for.
        program: &'static str,
        /// The Debian packages that bring it.
        package: &'static str,
        /// The environment variable that points elsewhere.
        variable: &'static str,
    },
    /// The program is there but did not come up.
    #[error("{program} did not start: {reason}")]
    Start {
        /// Which program.
        program: &'static str,
        /// What was seen.
        reason: String,
    },
    /// The connection to the browser broke, or it answered with something unintelligible.
    #[error("talking to the browser failed: {0}")]
    Protocol(String),
    /// The browser refused a command.
    #[error("the browser refused {command}: {reason}")]
    Refused {
        /// The WebDriver command.
        command: String,
        /// The browser's own words.
        reason: String,
    },
    /// The script threw, or its promise was rejected.
    #[error("the script failed: {0}")]
    Script(String),
    /// A file could not be written or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl BrowserError {
    /// True if the cause is that nothing is installed, so that a test may be skipped.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

impl From<serde_json::Error> for BrowserError {
    fn from(error: serde_json::Error) -> Self {
        Self::Protocol(format!("not the expected JSON: {error}"))
    }
}

impl From<ureq::Error> for BrowserError {
    fn from(error: ureq::Error) -> Self {
        Self::Protocol(error.to_string())
    }
}
