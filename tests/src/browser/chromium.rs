//! Chromium through chromedriver: WebDriver over HTTP, with the DevTools protocol where WebDriver has no word for it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::error::BrowserError;
use crate::browser::install;
use crate::browser::process::Process;
use crate::browser::{Addresses, Backend, Options};

/// Slow machines need several seconds for the first start.
const START_PATIENCE: Duration = Duration::from_secs(40);

// The network is switched off where it would only delay things: there may be none.
const SWITCHES: [&str; 13] = [
    "--headless=new",
    "--no-sandbox", // it refuses to run as root with it, and the only pages are ours
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--hide-scrollbars",
];

#[derive(Debug)]
pub(crate) struct Chromium {
    agent: ureq::Agent,
    session: String,
    /// Dropped last: `Drop` of this struct ends the session first.
    _driver: Process,
}

impl Chromium {
    pub(crate) fn launch(options: &Options) -> Result<Self, BrowserError> {
        let binary = install::chromium()?;
        let mut driver = Process::spawn("chromedriver", |_| {
            let mut command = Command::new(install::chromedriver()?);
            command.args(["--port=0", "--log-level=SEVERE"]).stdout(Stdio::piped());
            Ok(command)
        })?;
        let port = announced_port(&mut driver)?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(options.script_timeout + START_PATIENCE))
            .build()
            .new_agent();
        let profile = driver.profile().to_string_lossy().into_owned();
        let mut switches: Vec<String> = SWITCHES.iter().map(ToString::to_string).collect();
        switches.push(format!("--user-data-dir={profile}"));
        switches.push(format!("--window-size={},{}", options.viewport.0, options.viewport.1));
        if options.addresses == Addresses::Plain {
            switches.push("--allow-loopback-in-peer-connection".to_owned());
        }
        switches.extend(options.switches.iter().cloned());
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "timeouts": { "script": millis(options.script_timeout) },
            "goog:chromeOptions": { "binary": binary, "args": switches },
        } } });
        let base = format!("http://127.0.0.1:{port}/session");
        let answer = post(&agent, "session", &base, &wanted)?;
        let id = answer["sessionId"]
            .as_str()
            .ok_or_else(|| BrowserError::Protocol(format!("no session in {answer}")))?;
        let mut browser = Self { agent, session: format!("{base}/{id}"), _driver: driver };
        browser.apply(options)?;
        Ok(browser)
    }

    fn apply(&mut self, options: &Options) -> Result<(), BrowserError> {
        if options.addresses == Addresses::Plain {
            // A page that may capture sees all interfaces with their addresses, as after a user's consent to a call.
            self.devtools(
                "Browser.grantPermissions",
                &json!({ "permissions": ["audioCapture", "videoCapture"] }),
            )?;
        }
        let (width, height) = options.viewport;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics)?;
        let scheme = if options.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &media)?;
        Ok(())
    }

    fn command(&mut self, name: &str, body: &Value) -> Result<Value, BrowserError> {
        post(&self.agent, name, &format!("{}/{name}", self.session), body)
    }

    fn devtools(&mut self, name: &str, params: &Value) -> Result<Value, BrowserError> {
        self.command("goog/cdp/execute", &json!({ "cmd": name, "params": params }))
    }
}

impl Backend for Chromium {
    fn open(&mut self, url: &str) -> Result<(), BrowserError> {
        self.command("url", &json!({ "url": url })).map(drop)
    }

    fn reload(&mut self) -> Result<(), BrowserError> {
        self.command("refresh", &json!({})).map(drop)
    }

    fn execute_async(&mut self, script: &str, args: &[Value]) -> Result<Value, BrowserError> {
        self.command("execute/async", &json!({ "script": script, "args": args }))
    }

    fn screenshot(&mut self) -> Result<String, BrowserError> {
        let picture = self.devtools("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }))?;
        let data = picture["data"].as_str().ok_or_else(|| BrowserError::Protocol("no picture".to_owned()))?;
        Ok(data.to_owned())
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Lets Chromium end in good order; what is left over is killed with its driver.
        let _ = self.agent.delete(&self.session).call();
    }
}

fn post(agent: &ureq::Agent, name: &str, url: &str, body: &Value) -> Result<Value, BrowserError> {
    let mut response = agent.post(url).header("content-type", "application/json").send(body.to_string())?;
    let status = response.status();
    // A picture of a page exceeds the client's default limit of 10 MB at most in theory, but then it should still work.
    let text = response.body_mut().with_config().limit(100 << 20).read_to_string()?;
    let mut answer: Value = serde_json::from_str(&text)?;
    let value = answer["value"].take();
    if status.is_success() {
        return Ok(value);
    }
    let reason =
        format!("{} {}", value["error"].as_str().unwrap_or("?"), value["message"].as_str().unwrap_or(""));
    Err(BrowserError::Refused { command: name.to_owned(), reason })
}

/// chromedriver picks a free port and says which in a line on its standard output.
fn announced_port(driver: &mut Process) -> Result<u16, BrowserError> {
    let stdout = driver
        .child()
        .stdout
        .take()
        .ok_or_else(|| BrowserError::Protocol("no standard output".to_owned()))?;
    let (sender, receiver) = mpsc::channel();
    // Reads to the end, so that chromedriver never blocks on a full pipe; ends with it.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(port) = port_in(&line) {
                let _ = sender.send(port);
            }
        }
    });
    driver.wait_until(START_PATIENCE, |_| receiver.try_recv().ok())
}

fn port_in(line: &str) -> Option<u16> {
    line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::browser::chromium::port_in;

    #[test]
    fn the_port_is_read_from_chromedrivers_greeting() {
        assert_eq!(port_in("ChromeDriver was started successfully on port 44025."), Some(44025));
        assert_eq!(port_in("Starting ChromeDriver 156.0 on port 0"), None);
    }
}
