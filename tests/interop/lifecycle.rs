//! Connections begin and end: the page alone, reloads, closing from each side, what the page then says.

use crate::Case;
use crate::stage::{Outcome, Stage};

pub(crate) const CASES: &[Case] = cases![
    the_page_connects_by_itself_and_chats,
    a_reloaded_page_connects_again,
    connections_follow_one_another,
    a_new_connection_replaces_one_that_is_being_made,
    the_page_closes_the_connection,
    the_server_closes_the_connection,
    statistics_name_the_path_and_the_encryption,
    an_unknown_session_is_refused_in_words,
];

const CHAT: &str = "await until(() => demo.link?.up, 'the page connects by itself');
    check(document.getElementById('status').textContent === 'connected', document.getElementById('status').textContent);
    check(demo.link.offerer === offerer, `${demo.link.offerer} offered`);
    document.getElementById('chat-text').value = 'good day';
    document.querySelector('#chat button').click();
    const bubbles = () => [...document.querySelectorAll('#messages li:not(.mine):not(.remark)')].map((li) => li.firstChild.data);
    await until(() => bubbles().includes('good day'), 'the echo is shown');
    check(document.getElementById('trouble').hidden, document.getElementById('trouble').textContent);";

fn the_page_connects_by_itself_and_chats(stage: &mut Stage<'_>) -> Outcome {
    stage.open()?;
    stage.run(CHAT).map(drop)
}

fn a_reloaded_page_connects_again(stage: &mut Stage<'_>) -> Outcome {
    stage.open()?;
    stage.run(CHAT)?;
    for _ in 0..2 {
        stage.reload()?;
        stage.run(CHAT)?;
    }
    Ok(())
}

fn connections_follow_one_another(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "for (let i = 0; i < 5; i++) {
            await demo.connect({ offerer: i % 2 ? 'browser' : 'server' });
            await echoed(await demo.open('echo'), `connection ${i}`);
        }",
    )
}

fn a_new_connection_replaces_one_that_is_being_made(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const first = demo.connect({ offerer }).then(() => 'connected', (e) => e.name);
        const second = demo.connect({ offerer });
        check(await first === 'AbortError', await first);
        await second;
        await echoed(await demo.open('echo'), 'the second one works');
        check(document.getElementById('trouble').hidden, document.getElementById('trouble').textContent);",
    )
}

fn the_page_closes_the_connection(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const path = demo.link.session;
        document.getElementById('close').click();
        check(demo.pc.connectionState === 'closed', demo.pc.connectionState);
        check(document.getElementById('status').textContent === 'closed', document.getElementById('status').textContent);
        await until(() => document.getElementById('close').disabled, 'nothing left to close');
        // The server learnt it, too: the session is gone.
        for (let i = 0; ; i++) {
            const answer = await fetch(`/api/session/${path}/candidate`, { method: 'POST', body: 'null', headers: { 'content-type': 'application/json' } });
            if (answer.status === 404) break;
            check(i < 100, `the session still answers with ${answer.status}`);
            await sleep(50);
        }",
    )
}

fn the_server_closes_the_connection(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const control = await demo.open('control');
        const [ended, lost] = [event(demo.link.chat, 'close'), event(demo.link, 'lost')];
        control.send('close-pc');
        await ended;
        await lost;
        check(/ended the connection/.test(document.getElementById('trouble').textContent), document.getElementById('trouble').textContent);
        check(document.getElementById('status').dataset.mood === 'bad', document.getElementById('status').textContent);
        await demo.connect({ offerer });
        check(document.getElementById('trouble').hidden, 'the trouble is over');
        await echoed(await demo.open('echo'), 'and again');",
    )
}

pub(crate) fn statistics_name_the_path_and_the_encryption(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const echo = await demo.open('echo');
        let facts;
        // The browser may have just moved to another pair, which has to be used before it has counted anything.
        for (let i = 0; i < 50 && !(facts?.remote && facts.bytesSent > 0 && facts.bytesReceived > 0); i++) {
            await echoed(echo, `packet ${i}`);
            facts = await demo.facts();
            await sleep(100);
        }
        check(facts.local && facts.remote, JSON.stringify(facts));
        check(['DTLS 1.2', 'DTLS 1.3'].includes(facts.dtls), `encrypted with ${facts.dtls}`);
        check(/AES|CHACHA/.test(facts.cipher), `encrypted with ${facts.cipher}`);
        check(facts.bytesSent > 0 && facts.bytesReceived > 0, JSON.stringify(facts));
        const states = { signaling: 'stable', ice: 'connected', dtls: 'connected', sctp: 'connected', channel: 'open', connection: 'connected' };
        await until(() => Object.entries(states).every(([name, state]) => demo.states[name] === state), JSON.stringify(demo.states));",
    )
}

/// For the profile that has DTLS 1.3 switched off.
pub(crate) fn the_encryption_is_dtls_1_2(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const { dtls } = await demo.facts(); check(dtls === 'DTLS 1.2', `encrypted with ${dtls}`);",
    )
}

fn an_unknown_session_is_refused_in_words(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const post = (path) => fetch(path, { method: 'POST', body: 'null', headers: { 'content-type': 'application/json' } });
        const answer = await post('/api/session/no-such-session/candidate');
        check(answer.status === 404, `status ${answer.status}`);
        check((await answer.text()).trim().length > 5, 'no reason given');
        check((await post('/api/offer')).status >= 400, 'null was taken for an offer');",
    )
}
