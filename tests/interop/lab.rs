//! The browser and the server of a run, started when the first case needs them and kept for the others.

use std::collections::BTreeMap;
use std::path::Path;

use purertc_tests::browser::{Addresses, Browser, Kind, Options};
use purertc_tests::coturn::{Carrier, Coturn, PASSWORD, USER};
use purertc_tests::demo::DemoServer;
use purertc_tests::pages::{Files, PageServer};
use serde_json::{Value, json};

use crate::media_signaling::Scene;
use crate::stage::{Failure, Offerer, Outcome, Stage};
use crate::{Case, driver, failures, files_page, media, media_more, media_signaling, whip};

/// A way of starting a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) addresses: Addresses,
    /// Firefox only: DTLS 1.3 is switched off. (Chromium has no switch for that.)
    pub(crate) only_dtls_1_2: bool,
    pub(crate) way: Way,
}

/// Which way the page and the server have to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Any.
    Direct,
    /// The page may use relayed candidates alone.
    PageRelayed,
    /// The server may.
    ServerRelayed,
    /// Over ICE-TCP alone: the page connects, the server listens.
    OnlyTcp,
}

impl Way {
    /// Whether coturn is needed.
    pub(crate) const fn needs_relay(self) -> bool {
        matches!(self, Self::PageRelayed | Self::ServerRelayed)
    }
}

impl Profile {
    /// Whether the same browser serves both.
    fn is_started_as(&self, other: &Self) -> bool {
        (self.kind, self.addresses, self.only_dtls_1_2) == (other.kind, other.addresses, other.only_dtls_1_2)
    }

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
    /// With the server that relays, if the way leads through one.
    Demo(DemoServer, Option<Coturn>),
    /// The page's own files with a server made of JavaScript.
    Rehearsal(PageServer),
}

impl Server {
    /// What the page is to pass to `new RTCPeerConnection`.
    fn page_configuration(&self, way: Way) -> Value {
        match (way, self) {
            (Way::PageRelayed, Self::Demo(_, Some(coturn))) => {
                let urls = [coturn.url(Carrier::Udp), coturn.url(Carrier::Tcp)];
                let server = json!({ "urls": urls, "username": USER, "credential": PASSWORD });
                json!({ "iceServers": [server], "iceTransportPolicy": "relay" })
            }
            _ => json!({}),
        }
    }
}

/// One at a time: the cases are sorted by profile, and two browsers would only slow each other down.
#[derive(Debug, Default)]
pub(crate) struct Lab {
    browser: Option<(Profile, Browser)>,
    server: Option<(Way, Server)>,
}

impl Lab {
    pub(crate) fn play(&mut self, profile: &Profile, offerer: Offerer, case: &Case) -> Outcome {
        let (way, mut server) = match self.server.take() {
            Some((way, server)) if way == profile.way || is_rehearsal() => (way, server),
            _ => (profile.way, start_server(profile.way)?),
        };
        let configuration = server.page_configuration(way);
        let outcome = match &mut server {
            Server::Demo(demo, _) => {
                let origin = demo.origin().to_owned();
                let played = self.play_at(profile, offerer, case, (&origin, &configuration));
                played.map_err(|f| Failure(format!("{f}\n\nThe server's last lines:\n{}", demo.last_lines())))
            }
            Server::Rehearsal(pages) => {
                let origin = pages.origin();
                self.play_at(profile, offerer, case, (&origin, &configuration))
            }
        };
        self.server = Some((way, server));
        outcome
    }

    fn play_at(
        &mut self,
        profile: &Profile,
        offerer: Offerer,
        case: &Case,
        (origin, configuration): (&str, &Value),
    ) -> Outcome {
        let browser = self.browser(profile)?;
        let mut stage = Stage::new(browser, origin, offerer).with_configuration(configuration);
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

    /// Files between the page and terminals.
    pub(crate) fn play_files(&mut self, profile: &Profile, play: files_page::Play) -> Outcome {
        let demo = DemoServer::start(&[]).map_err(|e| Failure(e.to_string()))?;
        let mut stage = Stage::new(self.browser(profile)?, demo.origin(), Offerer::Page);
        play(&mut stage, &demo)
    }

    /// A publisher and viewers by HTTP.
    pub(crate) fn play_whip(&mut self, profile: &Profile) -> Outcome {
        whip::play(self.browser(profile)?)
    }

    /// What the page says when there is nothing to connect to; needs no server.
    pub(crate) fn play_without_server(&mut self, profile: &Profile) -> Outcome {
        let pages = page_files().and_then(PageServer::start).map_err(|e| Failure(e.to_string()))?;
        failures::what_goes_wrong_is_said_in_words(self.browser(profile)?, pages)
    }

    /// Audio and video in offers and answers; the page has no part in it, and neither has the server.
    pub(crate) fn play_media_signaling(&mut self, profile: &Profile) -> Outcome {
        self.play_scenes(profile, media_signaling::PAGE, media_signaling::SCENES)
    }

    /// Audio and video that go through a connection of this process.
    pub(crate) fn play_media(&mut self, profile: &Profile) -> Outcome {
        let sound =
            if profile.kind == Kind::Chromium { [media::SOUND, media_more::SOUND].concat() } else { vec![] };
        let scenes = [&sound, media::SCENES, media_more::SCENES].concat();
        self.play_scenes(profile, &media::page(), &scenes)
    }

    fn play_scenes(&mut self, profile: &Profile, page: &str, scenes: &[(&str, Scene)]) -> Outcome {
        let mut failures = String::new();
        for (name, scene) in scenes {
            let outcome = media_signaling::play(self.browser(profile)?, page, *scene);
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
        if self.browser.as_ref().is_none_or(|(p, _)| !p.is_started_as(profile)) {
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

fn start_server(way: Way) -> Result<Server, Failure> {
    if is_rehearsal() {
        return Ok(Server::Rehearsal(start_rehearsal().map_err(|e| Failure(e.to_string()))?));
    }
    let coturn = if way.needs_relay() { Some(Coturn::start_in_the_open()?) } else { None };
    let mut arguments = Vec::new();
    if let (Way::ServerRelayed, Some(coturn)) = (way, &coturn) {
        arguments.extend(["--relay".to_owned(), "--ice-server".to_owned(), coturn.url(Carrier::Udp)]);
        arguments.extend(["--username", USER, "--credential", PASSWORD].map(str::to_owned));
    }
    if way == Way::OnlyTcp {
        arguments.push("--only-tcp".to_owned());
    }
    let demo = DemoServer::start(&arguments).map_err(|e| Failure(e.to_string()))?;
    Ok(Server::Demo(demo, coturn))
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
