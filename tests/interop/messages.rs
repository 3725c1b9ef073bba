//! What goes out comes back: text and binary of every size.

use crate::Case;
use crate::stage::{Outcome, Stage};

pub(crate) const CASES: &[Case] = cases![
    text_comes_back_as_text,
    binary_comes_back_as_binary,
    an_empty_text_comes_back_as_an_empty_text,
    an_empty_binary_comes_back_as_an_empty_binary,
    a_single_byte_comes_back,
    sizes_around_those_of_packets_come_back,
    a_message_of_256_kib_comes_back_whole,
    a_thousand_messages_come_back_in_order,
    large_messages_in_both_directions_at_once_come_back,
];

pub(crate) fn text_comes_back_as_text(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        r"const channel = await demo.open('echo-text');
        await echoed(channel, 'hello', 'Grüße, 世界 🦀', 'a\0b', 'x'.repeat(5000));",
    )
}

fn binary_comes_back_as_binary(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const channel = await demo.open('echo-binary');
        await echoed(channel, bytes(10), bytes(1000), bytes(256).map((_, i) => i));",
    )
}

fn an_empty_text_comes_back_as_an_empty_text(stage: &mut Stage<'_>) -> Outcome {
    stage.connected("await echoed(await demo.open('echo'), '', 'after', '');")
}

fn an_empty_binary_comes_back_as_an_empty_binary(stage: &mut Stage<'_>) -> Outcome {
    stage.connected("await echoed(await demo.open('echo'), bytes(0), 'after', bytes(0));")
}

fn a_single_byte_comes_back(stage: &mut Stage<'_>) -> Outcome {
    // Zero is also what stands for an empty message (RFC 8831 §6.6): as data it is a message like any other.
    stage.connected(
        "await echoed(await demo.open('echo'), new Uint8Array([0]), new Uint8Array([255]), 'x', '\\0');",
    )
}

fn sizes_around_those_of_packets_come_back(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const channel = await demo.open('echo');
        for (let n = 1100; n <= 1260; n += 1) await echoed(channel, bytes(n, n));
        for (const n of [2047, 2400, 4096, 16383, 16384, 16385, 65535, 65536]) await echoed(channel, bytes(n, n));",
    )
}

pub(crate) fn a_message_of_256_kib_comes_back_whole(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "check(demo.pc.sctp.maxMessageSize >= 262144, `maxMessageSize is ${demo.pc.sctp.maxMessageSize}`);
        await echoed(await demo.open('echo-big'), bytes(262144), 'y'.repeat(262144));",
    )
}

fn a_thousand_messages_come_back_in_order(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const channel = await demo.open('echo-many');
        const next = inbox(channel);
        const message = (i) => (i % 2 ? `message ${i}` : bytes(1 + (i * 37) % 3000, i));
        for (let i = 0; i < 1000; i++) channel.send(message(i));
        for (let i = 0; i < 1000; i++) same(await next(), message(i), `message ${i}`);",
    )
}

fn large_messages_in_both_directions_at_once_come_back(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const channel = await demo.open('echo-flood');
        const next = inbox(channel);
        for (let i = 0; i < 20; i++) channel.send(bytes(200_000, i));
        for (let i = 0; i < 20; i++) same(await next(20_000), bytes(200_000, i), `message ${i}`);",
    )
}
