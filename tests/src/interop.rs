//! When interoperability tests run, and when they may be skipped.
//!
//! Browsers are big, so a machine without them can still run `cargo test`: the tests then say loudly that they were
//! skipped. With `PURERTC_INTEROP=1` nothing is skipped, and what is missing is a failure; that is how CI runs them.

use crate::browser::{Browser, BrowserError, Kind, Options};

/// True if `PURERTC_INTEROP=1`: a missing peer is a failure then.
#[must_use]
pub fn is_required() -> bool {
    std::env::var_os("PURERTC_INTEROP").is_some_and(|v| v == "1")
}

/// Says on the standard error, past the capturing of test output, that something did not run.
///
/// # Panics
///
/// With `PURERTC_INTEROP=1`, naming `what` and `reason`.
pub fn skip(what: &str, reason: &str) {
    assert!(!is_required(), "{what} must run (PURERTC_INTEROP=1), but: {reason}");
    leave_out(what, reason);
}

/// Says the same of what no machine owner can help: the system itself does not allow it.
pub fn leave_out(what: &str, reason: &str) {
    use std::io::Write as _;
    // Not eprintln!, which a passing test swallows.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {reason}");
}

/// True if the browser is installed; otherwise says that `what` is skipped.
///
/// # Panics
///
/// With `PURERTC_INTEROP=1` if it is not installed.
#[must_use]
pub fn has_browser(kind: Kind, what: &str) -> bool {
    match kind.check_installed() {
        Ok(()) => true,
        Err(error) => {
            skip(what, &error.to_string());
            false
        }
    }
}

/// Starts a browser, or says that the calling test is skipped and returns `None`.
///
/// # Panics
///
/// If it is installed but does not work, and with `PURERTC_INTEROP=1` if it is not installed.
#[must_use]
pub fn require_browser(kind: Kind, options: &Options, what: &str) -> Option<Browser> {
    match Browser::launch(kind, options) {
        Ok(browser) => Some(browser),
        Err(error @ BrowserError::Missing { .. }) => {
            skip(what, &error.to_string());
            None
        }
        Err(error) => panic!("{what}: {error}"),
    }
}
