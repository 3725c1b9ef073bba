//! The page alone: what it says when the server refuses, talks nonsense, or is not there.

use purertc_tests::browser::Browser;
use purertc_tests::pages::PageServer;

use crate::stage::{Offerer, Outcome, Stage};

const PRESS_AND_READ: &str = "
    await demo.connect({ offerer }).then(() => { throw new Error('connected to nothing'); }, () => {});
    const banner = document.getElementById('trouble');
    check(!banner.hidden, 'nothing was said');
    check(document.getElementById('status').textContent === 'failed', document.getElementById('status').textContent);
    check(demo.pc.connectionState === 'closed', 'the connection was left open');
    const said = banner.textContent.trim();";

/// Refusal, nonsense and absence, in both directions, in one page.
pub(crate) fn what_goes_wrong_is_said_in_words(browser: &mut Browser, pages: PageServer) -> Outcome {
    let origin = pages.origin();
    for offerer in Offerer::ALL {
        let mut stage = Stage::new(browser, &origin, offerer);
        stage.open()?;
        // The server of this test knows no API at all.
        stage.run(&format!(
            "{PRESS_AND_READ} check(/^The server refused .api.*no such page/.test(said), said);"
        ))?;
        stage.run(&format!(
            "const real = window.fetch;
            window.fetch = async () => new Response(JSON.stringify({{ session: '1',
                answer: {{ type: 'answer', sdp: 'nonsense' }}, offer: {{ type: 'offer', sdp: 'nonsense' }} }}));
            {PRESS_AND_READ} check(/^This browser refused the server’s (answer|offer): /.test(said), said);
            window.fetch = real;"
        ))?;
    }
    let mut stage = Stage::new(browser, &origin, Offerer::Page);
    stage.open()?;
    drop(pages);
    stage.run(&format!("{PRESS_AND_READ} check(/^The demo server does not answer/.test(said), said);"))?;
    Ok(())
}
