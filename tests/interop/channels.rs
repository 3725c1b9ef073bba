//! Opening and closing channels, from both sides.

use crate::Case;
use crate::stage::{Offerer, Outcome, Stage};

pub(crate) const CASES: &[Case] = cases![
    ten_channels_at_once_keep_their_messages_apart,
    a_message_sent_as_soon_as_a_channel_opens_arrives,
    a_channel_that_the_page_closes_is_closed_and_the_others_go_on,
    a_channel_that_the_server_closes_is_closed_and_the_others_go_on,
    what_was_sent_before_closing_still_arrives,
    a_channel_that_the_server_opens_works,
    channels_can_be_opened_and_closed_many_times,
    label_and_protocol_of_any_script_are_taken,
    an_unknown_command_is_answered,
    the_server_greets_on_its_own_channel,
];

fn ten_channels_at_once_keep_their_messages_apart(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const channels = await Promise.all(Array.from({ length: 10 }, (_, i) => demo.open(`echo-${i}`)));
        check(new Set(channels.map((c) => c.id)).size === 10, 'two channels share a stream');
        await Promise.all(channels.map((c, i) => echoed(c, ...Array.from({ length: 20 }, (_, n) => bytes(1 + n * 500, i * 100 + n)))));",
    )
}

fn a_message_sent_as_soon_as_a_channel_opens_arrives(stage: &mut Stage<'_>) -> Outcome {
    // RFC 8832 §6: data may follow the opening message before its acknowledgement.
    stage.connected(
        "const channel = demo.pc.createDataChannel('echo-early');
        channel.binaryType = 'arraybuffer';
        const next = inbox(channel);
        channel.onopen = () => { channel.send('first'); channel.send(bytes(3000)); };
        same(await next(), 'first');
        same(await next(), bytes(3000));",
    )
}

fn a_channel_that_the_page_closes_is_closed_and_the_others_go_on(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const [one, other] = [await demo.open('echo-one'), await demo.open('echo-other')];
        await echoed(one, 'before');
        one.close();
        await event(one, 'close'); // only comes once the server has reset its direction, too
        check(one.readyState === 'closed', one.readyState);
        await echoed(other, 'after');",
    )
}

fn a_channel_that_the_server_closes_is_closed_and_the_others_go_on(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const [one, other] = [await demo.open('close-me'), await demo.open('echo-other')];
        one.send('please');
        await event(one, 'close');
        check(one.readyState === 'closed', one.readyState);
        await echoed(other, 'after');",
    )
}

fn what_was_sent_before_closing_still_arrives(stage: &mut Stage<'_>) -> Outcome {
    // The server counts on a channel that the page closes right after its last message: W3C flushes before closing.
    stage.connected(
        "const channel = await demo.open('upload');
        const next = inbox(channel);
        for (let i = 0; i < 50; i++) channel.send(bytes(20_000, i));
        channel.send('end');
        const report = JSON.parse(await next());
        check(report.bytes === 1_000_000 && report.messages === 50, JSON.stringify(report));
        const last = await demo.open('echo-last');
        const echo = inbox(last);
        for (let i = 0; i < 50; i++) last.send(bytes(20_000, i));
        for (let i = 0; i < 50; i++) same(await echo(), bytes(20_000, i), `message ${i}`);
        last.close();
        await event(last, 'close');",
    )
}

fn a_channel_that_the_server_opens_works(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const control = await demo.open('control');
        control.send('open from-the-server');
        const channel = await demo.incoming('from-the-server');
        check(channel.ordered && channel.maxRetransmits === null && channel.maxPacketLifeTime === null, 'not reliable and ordered');
        check(channel.id % 2 !== control.id % 2, `both sides use stream ids like ${channel.id}`); // RFC 8832 §6
        await echoed(channel, 'hello', bytes(5000));
        channel.close();
        await event(channel, 'close');
        await echoed(await demo.open('echo-after'), 'after');",
    )
}

fn channels_can_be_opened_and_closed_many_times(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const ids = new Set();
        for (let i = 0; i < 30; i++) {
            const channel = await demo.open(`echo-${i}`);
            ids.add(channel.id);
            await echoed(channel, `message ${i}`);
            channel.close();
            await event(channel, 'close');
        }
        check(ids.size < 30, 'no stream was used again');",
    )
}

fn label_and_protocol_of_any_script_are_taken(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "await echoed(await demo.open('echo ✓ ' + 'é'.repeat(200), { protocol: 'proto-ß' }), 'label');
        await demo.open('', { protocol: '' });
        const control = await demo.open('control');
        control.send('open Überraschung 🎁');
        await echoed(await demo.incoming('Überraschung 🎁'), 'here');",
    )
}

fn an_unknown_command_is_answered(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const control = await demo.open('control');
        const next = inbox(control);
        control.send('dance');
        same(await next(), 'unknown command: dance');",
    )
}

fn the_server_greets_on_its_own_channel(stage: &mut Stage<'_>) -> Outcome {
    if stage.offerer() == Offerer::Page {
        // Only an offer of the server's needs a channel of the server's; otherwise the page alone opens channels.
        return stage.connected("await sleep(200); await demo.incoming('hello', 100).then(() => { throw new Error('greeted'); }, () => {});");
    }
    stage.connected("same(await within(demo.greeting, 'greeting'), 'hello');")
}
