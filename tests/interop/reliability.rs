//! Channels that are not ordered or not reliable. The path of these tests loses nothing, so what they show is that the
//! options are agreed upon and that messages flow; loss is the simulations' part.

use crate::Case;
use crate::stage::{Outcome, Stage};

pub(crate) const CASES: &[Case] = cases![
    unordered_messages_all_come_back,
    messages_without_retransmission_come_back,
    messages_with_three_retransmissions_come_back,
    messages_with_a_lifetime_come_back,
    ordered_messages_with_a_lifetime_keep_their_order,
];

/// Sends 200 messages and expects each at most once and, as the path is local, nearly all of them.
fn all_kinds(stage: &mut Stage<'_>, init: &str, at_least: u32) -> Outcome {
    stage.connected(&format!(
        "const init = {init};
        const channel = await demo.open('echo-partial', init);
        for (const [name, value] of Object.entries(init)) check(channel[name] === value, `${{name}} is ${{channel[name]}}`);
        const seen = new Map();
        let inOrder = true, last = -1;
        channel.addEventListener('message', ({{ data }}) => {{
            const i = new DataView(data).getUint32(0);
            same(data, message(i), `message ${{i}}`);
            seen.set(i, (seen.get(i) ?? 0) + 1);
            inOrder &&= i > last;
            last = i;
        }});
        const message = (i) => {{
            const all = bytes(4 + (i * 97) % 4000, i);
            new DataView(all.buffer).setUint32(0, i);
            return all;
        }};
        for (let i = 0; i < 200; i++) {{
            channel.send(message(i));
            if (i % 20 === 19) await sleep(10);
        }}
        await until(() => seen.size === 200, '', 3000).catch(() => {{}});
        check(seen.size >= {at_least}, `only ${{seen.size}} of 200 came back`);
        check([...seen.values()].every((n) => n === 1), 'a message came back twice');
        check(inOrder || init.ordered === false, 'an ordered channel changed the order');"
    ))
}

fn unordered_messages_all_come_back(stage: &mut Stage<'_>) -> Outcome {
    all_kinds(stage, "{ ordered: false }", 200)
}

fn messages_without_retransmission_come_back(stage: &mut Stage<'_>) -> Outcome {
    all_kinds(stage, "{ ordered: false, maxRetransmits: 0 }", 150)
}

fn messages_with_three_retransmissions_come_back(stage: &mut Stage<'_>) -> Outcome {
    all_kinds(stage, "{ ordered: true, maxRetransmits: 3 }", 150)
}

fn messages_with_a_lifetime_come_back(stage: &mut Stage<'_>) -> Outcome {
    all_kinds(stage, "{ ordered: false, maxPacketLifeTime: 500 }", 150)
}

fn ordered_messages_with_a_lifetime_keep_their_order(stage: &mut Stage<'_>) -> Outcome {
    all_kinds(stage, "{ ordered: true, maxPacketLifeTime: 500 }", 150)
}
