//! One browser in front of one server, with the direction of the offer: what a case is played on.

use std::fmt;

use purertc_tests::browser::{Browser, BrowserError};
use serde_json::{Value, json};

/// Put in front of every script.
const HELPERS: &str = include_str!("helpers.js");

/// Who makes the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offerer {
    Page,
    Server,
}

impl Offerer {
    pub(crate) const ALL: [Self; 2] = [Self::Page, Self::Server];

    /// As it appears in the names of tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Page => "page_offers",
            Self::Server => "server_offers",
        }
    }

    /// As the page spells it.
    const fn spelling(self) -> &'static str {
        match self {
            Self::Page => "browser",
            Self::Server => "server",
        }
    }
}

/// A failed case, in words.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<BrowserError> for Failure {
    fn from(error: BrowserError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

pub(crate) type Outcome = Result<(), Failure>;

/// What a case gets to play with.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    browser: &'a mut Browser,
    origin: &'a str,
    offerer: Offerer,
    configuration: Value,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(browser: &'a mut Browser, origin: &'a str, offerer: Offerer) -> Self {
        Self { browser, origin, offerer, configuration: json!({}) }
    }

    /// The same with what the page passes to `new RTCPeerConnection`.
    pub(crate) fn with_configuration(self, configuration: &Value) -> Self {
        Self { configuration: configuration.clone(), ..self }
    }

    pub(crate) fn offerer(&self) -> Offerer {
        self.offerer
    }

    /// Loads the page as a person would: it then connects by itself, in this stage's direction.
    pub(crate) fn open(&mut self) -> Outcome {
        let url = format!("{}/?offerer={}", self.origin, self.offerer.spelling());
        Ok(self.browser.open(&url)?)
    }

    pub(crate) fn reload(&mut self) -> Outcome {
        Ok(self.browser.reload()?)
    }

    /// Runs the body of an async function in the page that is open.
    pub(crate) fn run(&mut self, body: &str) -> Result<Value, Failure> {
        let (offerer, configuration) = (self.offerer.spelling(), &self.configuration);
        let head = format!("const offerer = '{offerer}', configuration = {configuration};");
        Ok(self.browser.run_async(&format!("{HELPERS}\n{head}\n{body}"))?)
    }

    /// Opens the page without its own connecting, connects, and then runs the body.
    pub(crate) fn connected(&mut self, body: &str) -> Outcome {
        self.browser.open(&format!("{}/?auto=0", self.origin))?;
        self.run(&format!("await demo.connect({{ offerer, configuration }});\n{body}\ndemo.close();"))?;
        Ok(())
    }

    /// What the page says of the connection, for the report of a failure.
    pub(crate) fn account(&mut self) -> String {
        const ASK: &str = "return [...document.querySelectorAll('#trouble:not([hidden]), #timeline li')]
            .map((e) => [...e.children].map((c) => c.textContent).join('  ')).join('\\n');";
        match self.run(ASK) {
            Ok(Value::String(text)) => text,
            other => format!("{other:?}"),
        }
    }
}
