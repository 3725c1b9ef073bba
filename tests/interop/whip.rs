//! The example `whip`: a browser publishes by WHIP, and watches by WHEP; and the clients of the example `media` do.

use std::process::Command;
use std::time::Duration;

use purertc_tests::browser::{Browser, Kind, Options};
use purertc_tests::demo::build_example_of;
use purertc_tests::lines::Lines;

use crate::media_examples;
use crate::stage::{Failure, Offerer, Outcome, Stage};

const STUDIO: &str = "
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [320, 240];
    const paint = canvas.getContext('2d');
    let colour = 'rgb(200, 30, 30)', n = 0;
    setInterval(() => {
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 320, 240);
        paint.fillStyle = 'white';
        paint.fillRect((n += 3) % 300, 0, 20, 20);
    }, 40);
    const screen = document.getElementById('theirs');
    screen.muted = true;
    function pixel() {
        const small = new OffscreenCanvas(8, 8).getContext('2d');
        small.drawImage(screen, 0, 0, 8, 8);
        return [...small.getImageData(4, 5, 1, 1).data.slice(0, 3)];
    }
    const sees = (rgb) => until(() => screen.videoWidth > 0 && pixel().every((c, i) => Math.abs(c - rgb[i]) < 40), `the colour ${rgb}`, 20_000);
    const refuses = async (status, path, method, headers, body = '') => {
        const response = await fetch(path, { method, headers, body });
        check(response.status === status, `${method} ${path}: ${response.status} in place of ${status}`);
        check(response.headers.get('content-type') === 'application/problem+json', response.headers.get('content-type'));
    };
    const SDP = { 'content-type': 'application/sdp' }, FRAGMENT = { 'content-type': 'application/trickle-ice-sdpfrag' };";

/// One publisher, two viewers, an ICE restart of each kind of session, and the end.
pub(crate) fn play(browser: &mut Browser) -> Outcome {
    let program = build_example_of("purertc-tokio", "whip").map_err(|error| Failure(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["--port", "0"]);
    let mut server = Lines::start(command)?;
    let origin = server.expect("listening on ", Duration::from_secs(30))?;
    let mut stage = Stage::new(browser, &origin, Offerer::Page);
    stage.open()?;
    stage.run(&format!(
        "{STUDIO}
        await refuses(409, '/whep/lobby', 'POST', SDP);
        await refuses(415, '/whip/lobby', 'POST', {{}});
        await refuses(422, '/whip/lobby', 'POST', SDP, 'nonsense');
        await refuses(404, '/whip/lobby/nobody', 'DELETE', {{}});
        const publisher = await whip.publish(canvas.captureStream(25));
        await sleep(500);
        await refuses(409, '/whip/lobby', 'POST', SDP, publisher.pc.localDescription.sdp);
        const first = await whip.watch();
        await sees([200, 30, 30]);
        const second = await whip.watch();
        colour = 'rgb(30, 60, 200)';
        await sees([30, 60, 200]);

        await refuses(428, publisher.resource, 'PATCH', FRAGMENT);
        await refuses(412, publisher.resource, 'PATCH', {{ ...FRAGMENT, 'if-match': '\"9\"' }});
        await refuses(422, publisher.resource, 'PATCH', {{ ...FRAGMENT, 'if-match': '*' }});
        for (const session of [publisher, second]) {{
            const ufrag = () => /a=ice-ufrag:(\\S+)/.exec(session.pc.remoteDescription.sdp)[1];
            const [old, tag] = [ufrag(), session.tag];
            await session.restart();
            check(ufrag() !== old && session.tag !== tag, 'the server did not restart');
            await until(() => session.pc.connectionState === 'connected', 'connection after the restart');
        }}
        colour = 'rgb(30, 180, 30)';
        await sees([30, 180, 30]);

        await first.end();
        colour = 'rgb(200, 30, 30)';
        await sees([200, 30, 30]);
        await publisher.end();
        await refuses(404, publisher.resource, 'DELETE', {{}});
        await refuses(409, '/whep/lobby', 'POST', SDP, second.pc.localDescription.sdp);"
    ))?;
    Ok(())
}

/// A film of a file, published by a client, watched by a browser, and recorded by another client.
pub(crate) fn play_clients() -> Outcome {
    let mut browser = Browser::launch(Kind::Chromium, &Options::default())?;
    let folder = tempfile::tempdir()?;
    let film = folder.path().join("film.ivf");
    media_examples::blue_film(&film)?;
    let program = build_example_of("purertc-tokio", "whip").map_err(|error| Failure(error.to_string()))?;
    let mut command = Command::new(program);
    command.args(["--port", "0", "--token", "secret"]);
    let mut server = Lines::start(command)?;
    let origin = server.expect("listening on ", Duration::from_secs(30))?;
    let media = build_example_of("purertc-tokio", "media").map_err(|error| Failure(error.to_string()))?;

    let mut stranger = Command::new(&media);
    stranger.arg("play").arg(&film).args(["--to", &format!("{origin}/whip/lobby"), "--token", "guess"]);
    let output = stranger.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !said.contains("401") {
        return Err(Failure(format!("a stranger was let in: {said}")));
    }
    let mut command = Command::new(&media);
    command.arg("play").arg(&film).args(["--to", &format!("{origin}/whip/lobby"), "--token", "secret"]);
    let mut publisher = Lines::start(command)?;
    publisher.expect("joined ", Duration::from_secs(20))?;
    let mut command = Command::new(&media);
    command.arg("record").arg(folder.path());
    command.args(["--from", &format!("{origin}/whep/lobby"), "--token", "secret"]);
    let mut recorder = Lines::start(command)?;
    recorder.expect("joined ", Duration::from_secs(20))?;

    let mut stage = Stage::new(&mut browser, &origin, Offerer::Page);
    stage.open()?;
    stage.run(&format!(
        "{STUDIO}
        const real = window.fetch;
        window.fetch = (url, init) => real(url, {{ ...init, headers: {{ ...init.headers, authorization: 'Bearer secret' }} }});
        await whip.watch();
        await sees([30, 60, 200]);
        await sleep(2000);"
    ))?;
    drop(publisher);
    drop(recorder);
    media_examples::decodes(&folder.path().join("0-1.ivf"), "vp8", 25)
}
