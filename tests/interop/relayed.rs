//! Browsers and relays: one of the two sides may use relayed candidates alone.

use crate::Case;
use crate::messages::{a_message_of_256_kib_comes_back_whole, text_comes_back_as_text};
use crate::stage::{Outcome, Stage};

/// The page's side is relayed.
pub(crate) const BY_THE_PAGE: &[Case] =
    cases![text_comes_back_as_text, a_message_of_256_kib_comes_back_whole, the_page_sends_through_the_relay,];

/// Ours is.
pub(crate) const BY_US: &[Case] =
    cases![text_comes_back_as_text, a_message_of_256_kib_comes_back_whole, the_page_sends_to_the_relay,];

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
