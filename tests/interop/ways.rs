//! Browsers that have to go a certain way: one of the two sides may use relayed candidates alone, or TCP is all there is.

use crate::Case;
use crate::lifecycle::statistics_name_the_path_and_the_encryption;
use crate::messages::{a_message_of_256_kib_comes_back_whole, text_comes_back_as_text};
use crate::stage::{Outcome, Stage};

/// The page's side is relayed.
pub(crate) const BY_THE_PAGE: &[Case] =
    cases![text_comes_back_as_text, a_message_of_256_kib_comes_back_whole, the_page_sends_through_the_relay,];

/// Ours is.
pub(crate) const BY_US: &[Case] =
    cases![text_comes_back_as_text, a_message_of_256_kib_comes_back_whole, the_page_sends_to_the_relay,];

/// Nothing but TCP.
pub(crate) const OVER_TCP: &[Case] =
    cases![text_comes_back_as_text, a_message_of_256_kib_comes_back_whole, the_page_sends_over_tcp];

/// The page shows names in place of addresses.
pub(crate) const HIDDEN: &[Case] = cases![
    text_comes_back_as_text,
    a_message_of_256_kib_comes_back_whole,
    statistics_name_the_path_and_the_encryption,
];

/// The same, and the name is looked up while the browser is there to answer.
pub(crate) const HIDDEN_AND_FOUND: &[Case] = cases![
    text_comes_back_as_text,
    a_message_of_256_kib_comes_back_whole,
    statistics_name_the_path_and_the_encryption,
    the_server_finds_the_name,
];

/// Asks until the browser has chosen.
const FACTS: &str = "
    const echo = await demo.open('echo');
    let facts;
    for (let i = 0; i < 50 && !facts?.remote; i++) {
        await echoed(echo, `packet ${i}`);
        facts = await demo.facts();
        await sleep(50);
    }
    const port = Number(facts.remote.text.split(':').pop());";

fn the_page_sends_through_the_relay(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(&format!("{FACTS} check(facts.local.type === 'relay', JSON.stringify(facts));"))
}

fn the_page_sends_to_the_relay(stage: &mut Stage<'_>) -> Outcome {
    // It may have learnt the address from a check before the candidate came: the port says whose it is.
    stage.connected(&format!("{FACTS} check(port >= 49152 && port <= 49999, JSON.stringify(facts));"))
}

fn the_page_sends_over_tcp(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(&format!("{FACTS} check(facts.local.protocol === 'tcp', JSON.stringify([facts, port]));"))
}

fn the_server_finds_the_name(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const control = await demo.open('control');
        const next = inbox(control);
        let said;
        for (let i = 0; i < 50 && !/^\\S+ host /.test(said); i++) {
            control.send('path');
            said = await next();
            await sleep(100);
        }
        check(/^\\S+ host /.test(said), `the page is known to the server as ${said}`);",
    )
}
