//! The file-transfer example in a terminal, and the demo's page.

use purertc_tests::demo::DemoServer;
use purertc_tests::lines::Lines;

use crate::files::{PATIENCE, Program};
use crate::stage::{Failure, Outcome, Stage};

/// Bytes of a file: more than is under way, queued and read ahead by the time that the path changes.
const SIZE: usize = 32 << 20;

/// What to play on an open page.
pub(crate) type Play = fn(&mut Stage<'_>, &DemoServer) -> Outcome;

/// One way and the other.
pub(crate) const CASES: [(&str, Play); 2] = [("from_the_page", from_the_page), ("to_the_page", to_the_page)];

/// A file from the page to a terminal, which stands still for a while: the page restarts ICE and goes on.
fn from_the_page(stage: &mut Stage<'_>, demo: &DemoServer) -> Outcome {
    let there = tempfile::tempdir()?;
    let mut command = Program::Tokio.command()?;
    command.args(["receive", "--listen", "127.0.0.1:0", "--page", demo.origin(), "--into"]).arg(there.path());
    let mut receiver = Lines::start(command)?;
    let url = receiver.expect("listening on ", PATIENCE)?;
    stage.open()?;
    stage.run(&format!(
        "window.sent = demo.sendFiles('{url}', [new File([bytes({SIZE}, {SIZE})], 'large')]);
        window.sent.catch(() => {{}});
        await until(() => document.querySelector('#transfers progress')?.value > 1e6, 'progress');"
    ))?;
    receiver.freeze()?;
    let restarted = stage.run(
        "const waits = () => document.querySelector('#transfers .pace').textContent.startsWith('looks');
        await until(waits, 'restart', 40_000);",
    );
    receiver.thaw()?;
    restarted?;
    stage.run(
        "await within(window.sent, 'end of the transfers', 60_000);
        const offers = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/offer'));
        check(offers.length >= 3, `${offers.length} offers: there was no restart`);", // the first is the page's own connection
    )?;
    receiver.expect("received large ", PATIENCE)?;
    if std::fs::read(there.path().join("large"))? != bytes(SIZE) {
        return Err(Failure("the file is not what it was".to_owned()));
    }
    Ok(())
}

/// A file from a terminal to the page, over an ICE restart that the terminal asks for.
fn to_the_page(stage: &mut Stage<'_>, demo: &DemoServer) -> Outcome {
    let here = tempfile::tempdir()?;
    let file = here.path().join("large");
    std::fs::write(&file, bytes(SIZE))?;
    stage.open()?;
    stage.run(
        "demo.receiveFiles();
        window.offers = 0;
        const letters = new EventSource('/api/files');
        letters.addEventListener('message', ({ data }) => { window.offers += data !== 'null'; });
        // Two streams are open by then.
        await event(letters, 'message');
        await sleep(500);",
    )?;
    let mut command = Program::Tokio.command()?;
    command.args(["send", "--to", demo.origin()]).arg(&file);
    let mut sender = Lines::start(command)?;
    stage
        .run("await until(() => document.querySelector('#transfers progress')?.value > 1e6, 'progress');")?;
    sender.put("restart")?;
    let digest = sender.expect("sent large ", PATIENCE)?;
    stage.run(&format!(
        "check(window.offers === 2, `${{window.offers}} offers`);
        const save = await within((async () => {{
            for (;;) {{
                const link = document.querySelector('#transfers a');
                if (link) return link;
                await sleep(20);
            }}
        }})(), 'link');
        const line = save.closest('li');
        check(line.querySelector('.pace').title === '{digest}', line.textContent);
        same(await (await fetch(save.href)).arrayBuffer(), bytes({SIZE}, {SIZE}), 'file');"
    ))?;
    Ok(())
}

/// What `bytes` of the scripts makes of a size.
fn bytes(size: usize) -> Vec<u8> {
    let next = |x: &mut u32| {
        *x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*x >> 24) as u8)
    };
    std::iter::repeat_n((), size).scan(size as u32, |x, ()| next(x)).collect()
}
