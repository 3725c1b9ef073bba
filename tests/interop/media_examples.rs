//! The examples of audio and video, as their pages in Chromium see them, and ffmpeg what is written.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use purertc_tests::browser::{Addresses, Browser, Kind, Options};
use purertc_tests::demo::DemoServer;
use serde_json::Value;

use crate::stage::{Failure, Outcome};
use crate::whip;

/// What is tried with an example.
pub(crate) type Play = fn() -> Outcome;

/// Each example.
pub(crate) const CASES: [(&str, Play); 5] =
    [("play", play), ("record", record), ("echo", echo), ("sfu", sfu), ("whip", whip::play_clients)];

const HELPERS: &str = "
    const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
    async function stat(pc, type, kind, member) {
      let most = 0;
      for (const found of (await pc.getStats()).values()) {
        if (found.type === type && found.kind === kind) most = Math.max(most, found[member] ?? 0);
      }
      return most;
    }
    async function until(test, what) {
      for (let i = 0; i < 600; i++) { if (await test()) return; await sleep(50); }
      const streams = [...(await pc.getStats()).values()].filter((s) => /bound-rtp/.test(s.type));
      const told = streams.map(({ type, kind, rid, packetsSent, packetsReceived, framesSent, framesDecoded, pliCount }) =>
        ({ type, kind, rid, packetsSent, packetsReceived, framesSent, framesDecoded, pliCount }));
      throw new Error(`${what}: ${document.querySelector('#state').textContent} ${JSON.stringify(told)}`);
    }";

/// Why they cannot be tried.
pub(crate) fn obstacle() -> Option<String> {
    if let Err(error) = Kind::Chromium.check_installed() {
        return Some(error.to_string());
    }
    let missing = |program: &&&str| Command::new(**program).arg("-version").output().is_err();
    ["ffmpeg", "ffprobe"].iter().find(missing).map(|program| format!("{program} is not installed"))
}

/// A guest of an example.
struct Visit {
    server: DemoServer,
    browser: Browser,
}

impl Visit {
    fn to(arguments: &[&str]) -> Result<Self, Failure> {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let server = DemoServer::start_example("media", &arguments).map_err(|e| Failure(e.to_string()))?;
        let switches = vec!["--use-fake-ui-for-media-stream".to_owned()];
        let options = Options { addresses: Addresses::Plain, switches, ..Options::default() };
        let mut browser = Browser::launch(Kind::Chromium, &options)?;
        browser.open(server.origin())?;
        Ok(Self { server, browser })
    }

    fn run(&mut self, body: &str) -> Result<Value, Failure> {
        let seen = self.browser.run_async(&format!("{HELPERS}\n{body}"));
        seen.map_err(|error| {
            Failure(format!("{error}\nThe example's last lines:\n{}", self.server.last_lines()))
        })
    }
}

fn ffmpeg(arguments: &[&str]) -> Outcome {
    let output = Command::new("ffmpeg").args(["-nostdin", "-loglevel", "error"]).args(arguments).output();
    let output = output?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && said.is_empty() {
        Ok(())
    } else {
        Err(Failure(format!("ffmpeg {arguments:?}: {said}")))
    }
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

fn folder() -> Result<tempfile::TempDir, Failure> {
    Ok(tempfile::tempdir()?)
}

/// Writes four seconds of blue, of VP8.
pub(crate) fn blue_film(film: &Path) -> Outcome {
    let blue = "color=c=0x1e3cc8:size=320x240:rate=25:duration=4";
    ffmpeg(&["-f", "lavfi", "-i", blue, "-c:v", "libvpx", "-b:v", "200k", "-g", "25", name(film)])
}

/// Whether a file holds this codec and so many frames at least, all of which can be decoded.
pub(crate) fn decodes(file: &Path, codec: &str, frames: u32) -> Outcome {
    ffmpeg(&["-i", name(file), "-f", "null", "-"])?;
    let arguments = ["-v", "error", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames"];
    let output = Command::new("ffprobe").args(arguments).args(["-of", "csv=p=0", name(file)]).output()?;
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    println!("      {}: {told}", file.display());
    let (found, count) = told.split_once(',').unwrap_or_default();
    if found == codec && count.parse::<u32>().is_ok_and(|count| count >= frames) {
        return Ok(());
    }
    Err(Failure(format!("{}: {told} in place of {frames} frames of {codec}", file.display())))
}

fn play() -> Outcome {
    let folder = folder()?;
    let (film, sound) = (folder.path().join("film.ivf"), folder.path().join("film.ogg"));
    blue_film(&film)?;
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=600:duration=4",
        "-c:a",
        "libopus",
        "-ac",
        "2",
        name(&sound),
    ])?;
    let mut visit = Visit::to(&["play", name(&film), name(&sound)])?;
    visit.run(
        "const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        const isBlue = () => {
          const player = document.querySelector('video');
          if (!player?.videoWidth) return false;
          canvas.drawImage(player, 0, 0, 8, 8);
          const rgb = canvas.getImageData(4, 4, 1, 1).data;
          return [30, 60, 200].every((c, i) => Math.abs(c - rgb[i]) < 40);
        };
        await until(isBlue, 'blue');
        await until(async () => await stat(pc, 'inbound-rtp', 'audio', 'packetsReceived') > 100, 'sound');",
    )?;
    // It begins again where it ends.
    visit.run("await until(async () => await stat(pc, 'inbound-rtp', 'video', 'framesDecoded') > 130, 'a second round');")?;
    Ok(())
}

fn record() -> Outcome {
    let folder = folder()?;
    let mut visit = Visit::to(&["record", name(folder.path())])?;
    visit.run(
        "await until(async () => await stat(pc, 'outbound-rtp', 'video', 'framesSent') > 60, 'frames');
        pc.close();",
    )?;
    std::thread::sleep(Duration::from_millis(500));
    let mut seen = Vec::new();
    for file in std::fs::read_dir(folder.path())? {
        let path = file?.path();
        let codec = if path.extension().is_some_and(|ending| ending == "ogg") { "opus" } else { "vp8" };
        let lines = |Failure(words)| Failure(format!("{words}\n{}", visit.server.last_lines()));
        decodes(&path, codec, 40).map_err(lines)?;
        seen.push(codec);
    }
    seen.sort_unstable();
    if seen == ["opus", "vp8"] { Ok(()) } else { Err(Failure(format!("files of {seen:?}"))) }
}

fn echo() -> Outcome {
    let mut visit = Visit::to(&["echo"])?;
    visit.run(
        "await until(async () => await stat(pc, 'inbound-rtp', 'video', 'framesDecoded') > 40, 'pictures');
        await until(async () => await stat(pc, 'inbound-rtp', 'audio', 'packetsReceived') > 40, 'sound');",
    )?;
    Ok(())
}

fn sfu() -> Outcome {
    let mut visit = Visit::to(&["sfu"])?;
    let widths = visit.run(
        "await until(() => pc.connectionState === 'connected', 'the first');
        const other = document.createElement('iframe');
        other.src = '/';
        other.allow = 'camera; microphone';
        document.body.append(other);
        await until(() => other.contentWindow.pc?.connectionState === 'connected', 'the second');
        const them = other.contentWindow.pc;
        for (const [guest, name] of [[pc, 'first'], [them, 'second']]) {
          await until(async () => await stat(guest, 'inbound-rtp', 'video', 'framesDecoded') > 20, `pictures at the ${name}`);
          await until(async () => await stat(guest, 'inbound-rtp', 'audio', 'packetsReceived') > 20, `sound at the ${name}`);
        }
        const width = () => stat(pc, 'inbound-rtp', 'video', 'frameWidth');
        const layer = (wanted) => document.querySelectorAll('button')[wanted].click();
        layer(2);
        await until(async () => await width() === 320, 'the smallest');
        layer(1);
        await until(async () => await width() === 640, 'the middle one');
        return await stat(pc, 'inbound-rtp', 'video', 'freezeCount');",
    )?;
    println!("      freezes: {widths}");
    Ok(())
}
