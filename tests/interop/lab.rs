//! The browser and the server of a run, started when the first case needs them and kept for the others.

use std::collections::BTreeMap;
use std::path::Path;

use purertc_tests::browser::{Addresses, Browser, Kind, Options};
use purertc_tests::demo::DemoServer;
use purertc_tests::pages::{Files, PageServer};
use serde_json::json;

use crate::stage::{Failure, Offerer, Outcome, Stage};
use crate::{Case, driver, failures, media_signaling};

/// A way of starting a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) addresses: Addresses,
    /// Firefox only: DTLS 1.3 is switched off. (Chromium has no switch for that.)
    pub(crate) only_dtls_1_2: bool,
}

impl Profile {
    fn options(&self) -> Options {
        let mut options = Options { addresses: self.addresses, ..Options::default() };
        if self.only_dtls_1_2 {
            options.preferences.push(("media.peerconnection.dtls.version.max".to_owned(), json!(771)));
        }
        options
    }
}

#[derive(Debug)]
enum Server {
    Demo(DemoServer),
    /// The page's own files with a server made of JavaScript.
    Rehearsal(PageServer),
}

/// One at a time: the cases are sorted by profile, and two browsers would only slow each other down.
#[derive(Debug, Default)]
pub(crate) struct Lab {
    browser: Option<(Profile, Browser)>,
    server: Option<Server>,
}

impl Lab {
    pub(crate) fn play(&mut self, profile: &Profile, offerer: Offerer, case: &Case) -> Outcome {
        let mut server = match self.server.take() {
            Some(server) => server,
            None => start_server()?,
        };
        let outcome = match &mut server {
            Server::Demo(demo) => {
                let origin = demo.origin().to_owned();
                let played = self.play_at(profile, offerer, case, &origin);
                played.map_err(|f| Failure(format!("{f}\n\nThe server's last lines:\n{}", demo.last_lines())))
            }
            Server::Rehearsal(pages) => {
                let origin = pages.origin();
                self.play_at(profile, offerer, case, &origin)
            }
        };
        self.server = Some(server);
        outcome
    }

    fn play_at(&mut self, profile: &Profile, offerer: Offerer, case: &Case, origin: &str) -> Outcome {
        let browser = self.browser(profile)?;
        let mut stage = Stage::new(browser, origin, offerer);
        let Err(Failure(words)) = (case.play)(&mut stage) else { return Ok(()) };
        let account = stage.account();
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "{}-{}-{}.png",
            profile.name,
            offerer.name(),
            case.name
        ));
        let picture = match browser.screenshot(&picture) {
            Ok(()) => picture.display().to_string(),
            Err(error) => error.to_string(),
        };
        // Whatever is the matter with it, the next case is not to suffer.
        self.browser = None;
        Err(Failure(format!("{words}\n\nThe page's account:\n{account}\n\nIts picture: {picture}")))
    }

    pub(crate) fn play_driver(&mut self, profile: &Profile) -> Outcome {
        driver::the_driver_keeps_its_promises(self.browser(profile)?, profile.addresses)
    }

    /// What the page says when there is nothing to connect to; needs no server.
    pub(crate) fn play_without_server(&mut self, profile: &Profile) -> Outcome {
        let pages = page_files().and_then(PageServer::start).map_err(|e| Failure(e.to_string()))?;
        failures::what_goes_wrong_is_said_in_words(self.browser(profile)?, pages)
    }

    /// Audio and video in offers and answers; the page has no part in it, and neither has the server.
    pub(crate) fn play_media_signaling(&mut self, profile: &Profile) -> Outcome {
        let mut failures = String::new();
        for (name, scene) in media_signaling::SCENES {
            let outcome = media_signaling::play(self.browser(profile)?, *scene);
            println!("{} {name}", if outcome.is_ok() { "ok    " } else { "FAILED" });
            if let Err(Failure(words)) = outcome {
                failures.push_str(&format!("\n---- {name}\n{words}\n"));
                // Whatever is the matter with it, the next scene is not to suffer.
                self.browser = None;
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Failure(failures)) }
    }

    fn browser(&mut self, profile: &Profile) -> Result<&mut Browser, Failure> {
        if self.browser.as_ref().is_none_or(|(p, _)| p != profile) {
            self.browser = None;
            self.browser = Some((*profile, Browser::launch(profile.kind, &profile.options())?));
        }
        self.browser.as_mut().map(|(_, b)| b).ok_or_else(|| Failure("no browser".to_owned()))
    }
}

/// True if the cases are to be played against the stand-in of `rehearsal.js`: `PURERTC_DEMO=rehearsal`.
pub(crate) fn is_rehearsal() -> bool {
    std::env::var_os("PURERTC_DEMO").is_some_and(|v| v == "rehearsal")
}

fn start_server() -> Result<Server, Failure> {
    if is_rehearsal() {
        return Ok(Server::Rehearsal(start_rehearsal().map_err(|e| Failure(e.to_string()))?));
    }
    DemoServer::start().map(Server::Demo).map_err(|e| Failure(e.to_string()))
}

/// The demo's own page.
fn page_files() -> std::io::Result<Files> {
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../io-tokio/examples/demo/page");
    let mut files: Files = BTreeMap::new();
    for entry in std::fs::read_dir(PAGE)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.insert(format!("/{name}"), std::fs::read(&path)?);
    }
    Ok(files)
}

/// Serves the demo's own page, with the stand-in's script before the page's.
fn start_rehearsal() -> std::io::Result<PageServer> {
    let mut files = page_files()?;
    let page = String::from_utf8_lossy(&files["/index.html"]).into_owned();
    let page = page.replacen("<script", "<script src=\"/rehearsal.js\"></script>\n  <script", 1);
    files.insert("/index.html".to_owned(), page.into_bytes());
    files.insert("/rehearsal.js".to_owned(), include_bytes!("rehearsal.js").to_vec());
    PageServer::start(files)
}
