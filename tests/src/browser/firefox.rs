//! Firefox with nothing but itself: started with a profile of our preferences, driven over Marionette.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::error::BrowserError;
use crate::browser::install;
use crate::browser::marionette::Marionette;
use crate::browser::process::Process;
use crate::browser::{Addresses, Backend, Options};

/// Slow machines need many seconds for the first start.
const START_PATIENCE: Duration = Duration::from_secs(40);

#[derive(Debug)]
pub(crate) struct Firefox {
    connection: Marionette<TcpStream>,
    process: Process,
}

impl Firefox {
    pub(crate) fn launch(options: &Options) -> Result<Self, BrowserError> {
        let mut process = Process::spawn("Firefox", |profile| {
            fs::write(profile.join("user.js"), preferences(options))?;
            let mut command = Command::new(install::firefox()?);
            command.args(["--headless", "--marionette", "--no-remote", "--profile"]).arg(profile);
            command.args(&options.switches).arg("about:blank").stdout(Stdio::null());
            Ok(command)
        })?;
        // Written once it listens; empty for a moment before.
        let port = process.wait_until(START_PATIENCE, |profile| {
            fs::read_to_string(profile.join("MarionetteActivePort")).ok()?.trim().parse::<u16>().ok()
        })?;
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(options.script_timeout + START_PATIENCE))?;
        let mut firefox = Self { connection: Marionette::new(stream)?, process };
        firefox.command("WebDriver:NewSession", &json!({ "capabilities": {} }))?;
        let script = u64::try_from(options.script_timeout.as_millis()).unwrap_or(u64::MAX);
        firefox.command("WebDriver:SetTimeouts", &json!({ "script": script }))?;
        let (width, height) = options.viewport;
        firefox.command("WebDriver:SetWindowRect", &json!({ "width": width, "height": height }))?;
        Ok(firefox)
    }

    fn command(&mut self, name: &str, parameters: &Value) -> Result<Value, BrowserError> {
        self.connection.command(name, parameters)
    }
}

impl Backend for Firefox {
    fn open(&mut self, url: &str) -> Result<(), BrowserError> {
        self.command("WebDriver:Navigate", &json!({ "url": url })).map(drop)
    }

    fn reload(&mut self) -> Result<(), BrowserError> {
        self.command("WebDriver:Refresh", &json!({})).map(drop)
    }

    fn execute_async(&mut self, script: &str, args: &[Value]) -> Result<Value, BrowserError> {
        let mut answer =
            self.command("WebDriver:ExecuteAsyncScript", &json!({ "script": script, "args": args }))?;
        Ok(answer["value"].take())
    }

    fn screenshot(&mut self) -> Result<String, BrowserError> {
        let answer = self.command("WebDriver:TakeScreenshot", &json!({ "full": true }))?;
        let data = answer["value"].as_str().ok_or_else(|| BrowserError::Protocol("no picture".to_owned()))?;
        Ok(data.to_owned())
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        // In good order if it still listens; it is killed afterwards in any case.
        if self.command("Marionette:Quit", &json!({ "flags": ["eForceQuit"] })).is_ok() {
            self.process.wait_for_exit(Duration::from_secs(3));
        }
    }
}

/// The profile's `user.js`: nothing that asks, updates or reports.
fn preferences(options: &Options) -> String {
    let mut all = vec![
        ("marionette.port", json!(0)),
        ("media.peerconnection.ice.obfuscate_host_addresses", json!(options.addresses == Addresses::Hidden)),
        ("layout.css.prefers-color-scheme.content-override", json!(i32::from(!options.dark))),
        ("media.navigator.streams.fake", json!(true)),
        ("media.autoplay.default", json!(0)),
        ("media.autoplay.blocking_policy", json!(0)),
        ("media.navigator.permission.disabled", json!(options.addresses == Addresses::Plain)),
        ("media.gmp-provider.enabled", json!(false)),
        ("app.update.enabled", json!(false)),
        ("browser.safebrowsing.update.enabled", json!(false)),
        ("browser.shell.checkDefaultBrowser", json!(false)),
        ("network.captive-portal-service.enabled", json!(false)),
        ("network.connectivity-service.enabled", json!(false)),
        ("network.manage-offline-status", json!(false)),
        ("services.settings.server", json!("data:,#remote-settings-dummy/v1")),
        ("datareporting.policy.dataSubmissionEnabled", json!(false)),
        ("toolkit.telemetry.enabled", json!(false)),
    ];
    all.extend(options.preferences.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let mut file = String::new();
    for (name, value) in all {
        // A later line for the same preference wins, so the test's own word is the last.
        writeln!(file, "user_pref({}, {value});", json!(name)).expect("a String takes everything");
    }
    file
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::browser::firefox::preferences;
    use crate::browser::{Addresses, Options};

    #[test]
    fn preferences_follow_the_options_and_the_tests_own_come_last() {
        let options = Options {
            addresses: Addresses::Hidden,
            preferences: vec![("marionette.port".to_owned(), json!(7)), ("a.b".to_owned(), json!("c"))],
            ..Options::default()
        };
        let file = preferences(&options);
        assert!(
            file.contains("user_pref(\"media.peerconnection.ice.obfuscate_host_addresses\", true);\n"),
            "{file}"
        );
        assert!(file.ends_with("user_pref(\"marionette.port\", 7);\nuser_pref(\"a.b\", \"c\");\n"), "{file}");
    }
}
