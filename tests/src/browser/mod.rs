//! Drives real browsers: Chromium through chromedriver, Firefox through Marionette.
//!
//! It is not a general WebDriver client: it opens pages, runs asynchronous functions in them and takes pictures, which
//! is what interoperability tests need. Blocking; one browser is used by one thread at a time. Browsers run headless
//! with a fresh profile, and they and the profile are gone when the [`Browser`] is dropped.

mod chromium;
mod error;
mod firefox;
mod install;
mod marionette;
mod process;

use std::path::Path;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

pub use crate::browser::error::BrowserError;

/// Which browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Chromium or Chrome, with the chromedriver that belongs to it.
    Chromium,
    /// Firefox or Firefox ESR; needs no driver.
    Firefox,
}

impl Kind {
    /// Every kind, in the order in which tests use them.
    pub const ALL: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// The name as it appears in the names of tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
        }
    }

    /// Looks for the programs without starting them.
    ///
    /// # Errors
    ///
    /// [`BrowserError::Missing`] names the package that is not installed.
    pub fn check_installed(self) -> Result<(), BrowserError> {
        match self {
            Self::Chromium => {
                install::chromium()?;
                install::chromedriver()?;
            }
            Self::Firefox => {
                install::firefox()?;
            }
        }
        Ok(())
    }
}

/// What a page learns about the machine's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Addresses {
    /// Host candidates hold the real addresses, and in Chromium all interfaces including loopback take part.
    #[default]
    Plain,
    /// As a plain user has it: host candidates hold mDNS names, of the default route's addresses only.
    /// Who does not resolve the names learns the page's address from its checks, as a peer-reflexive candidate.
    Hidden,
}

/// How a browser is started. The default suits most tests.
#[derive(Debug, Clone)]
pub struct Options {
    /// Default: [`Addresses::Plain`], because a machine without a network can then run the tests, too.
    pub addresses: Addresses,
    /// Width and height of the page in CSS pixels. Default 1280 × 900. Firefox does not go below about 450 wide.
    pub viewport: (u32, u32),
    /// Prefer dark colours. Default: light.
    pub dark: bool,
    /// Additional command line switches, such as Chromium's `--enable-features=…`. Default: none.
    pub switches: Vec<String>,
    /// Additional Firefox preferences, such as `media.peerconnection.dtls.version.max`. Default: none.
    pub preferences: Vec<(String, Value)>,
    /// How long one script may take. Default 60 s: no test should come near.
    pub script_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            addresses: Addresses::default(),
            viewport: (1280, 900),
            dark: false,
            switches: Vec::new(),
            preferences: Vec::new(),
            script_timeout: Duration::from_secs(60),
        }
    }
}

/// What a kind of browser does in its own way.
trait Backend: std::fmt::Debug + Send {
    fn open(&mut self, url: &str) -> Result<(), BrowserError>;
    fn reload(&mut self) -> Result<(), BrowserError>;
    /// Runs a script whose last argument is the function to call with the result.
    fn execute_async(&mut self, script: &str, args: &[Value]) -> Result<Value, BrowserError>;
    /// The whole page as base64 of a PNG.
    fn screenshot(&mut self) -> Result<String, BrowserError>;
}

/// A running browser with one tab.
#[derive(Debug)]
pub struct Browser {
    kind: Kind,
    backend: Box<dyn Backend>,
}

impl Browser {
    /// Starts a browser; takes one to four seconds.
    ///
    /// # Errors
    ///
    /// [`BrowserError::Missing`] if it is not installed, [`BrowserError::Start`] if it does not come up.
    pub fn launch(kind: Kind, options: &Options) -> Result<Self, BrowserError> {
        let backend: Box<dyn Backend> = match kind {
            Kind::Chromium => Box::new(chromium::Chromium::launch(options)?),
            Kind::Firefox => Box::new(firefox::Firefox::launch(options)?),
        };
        Ok(Self { kind, backend })
    }

    /// Which browser this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Loads a page and waits for its `load` event.
    ///
    /// # Errors
    ///
    /// If the page cannot be reached or the browser is gone.
    pub fn open(&mut self, url: &str) -> Result<(), BrowserError> {
        self.backend.open(url)
    }

    /// Loads the page again.
    ///
    /// # Errors
    ///
    /// As [`Browser::open`].
    pub fn reload(&mut self) -> Result<(), BrowserError> {
        self.backend.reload()
    }

    /// Runs the body of an `async` function in the page and returns what it returns, as JSON (`undefined` is null).
    ///
    /// # Errors
    ///
    /// [`BrowserError::Script`] with the message and stack if it throws or takes longer than the options allow.
    pub fn run_async(&mut self, body: &str) -> Result<Value, BrowserError> {
        // In the page's own realm, not in a driver's sandbox: there `instanceof` and the globals are what the page sees.
        const RUN: &str = "const [body, done] = arguments;
            const words = (e) => e && e.message ? `${e.name}: ${e.message}${e.hint ? ` (${e.hint})` : ''}\\n${e.stack ?? ''}` : String(e);
            const run = (window.wrappedJSObject ?? window).eval(`(async () => {${body}\\n})`);
            run().then((v) => done({ value: v === undefined ? null : v }), (e) => done({ error: words(e) }));";
        let outcome = self.backend.execute_async(RUN, &[json!(body)])?;
        match (outcome.get("value"), outcome.get("error").and_then(Value::as_str)) {
            (_, Some(error)) => Err(BrowserError::Script(error.trim_end().to_owned())),
            (Some(value), None) => Ok(value.clone()),
            (None, None) => Err(BrowserError::Protocol(format!("a script ended with {outcome}"))),
        }
    }

    /// Writes a picture of the whole page as PNG.
    ///
    /// # Errors
    ///
    /// If the browser cannot take it, or the file cannot be written.
    pub fn screenshot(&mut self, path: &Path) -> Result<(), BrowserError> {
        let encoded = self.backend.screenshot()?;
        let png = BASE64
            .decode(encoded.as_bytes())
            .map_err(|e| BrowserError::Protocol(format!("a screenshot that is not base64: {e}")))?;
        std::fs::write(path, png)?;
        Ok(())
    }
}
