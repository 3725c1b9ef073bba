//! The demo's measurements move bytes. No speed is demanded: other tests may keep the machine busy.

use crate::Case;
use crate::stage::{Outcome, Stage};

pub(crate) const CASES: &[Case] = cases![
    an_upload_is_counted_to_the_byte,
    a_download_moves_bytes,
    pings_come_back,
    the_pages_buttons_measure,
];

fn an_upload_is_counted_to_the_byte(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "for (const size of [1024, 65536]) {
            const samples = [];
            const result = await demo.upload({ seconds: 1, size, onSample: (at, mbps) => samples.push([at, mbps]) });
            check(result.bytes === result.sent, `${result.sent} bytes were sent, ${result.bytes} arrived`);
            check(result.bytes === result.messages * size, JSON.stringify(result));
            check(result.bytes > 1_000_000 && result.seconds > 0 && result.mbps > 1, JSON.stringify(result));
            check(samples.length >= 5, `${samples.length} samples`);
        }",
    )
}

fn a_download_moves_bytes(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "for (const size of [1024, 65536]) {
            const result = await demo.download({ seconds: 1, size });
            check(result.bytes === result.messages * size, JSON.stringify(result));
            check(result.bytes > 1_000_000 && result.mbps > 1, JSON.stringify(result));
            check(result.seconds < 20, `took ${result.seconds} s: the server let its buffer grow`);
        }",
    )
}

fn pings_come_back(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "const result = await demo.ping({ count: 100, intervalMs: 5 });
        check(result.received >= 90, JSON.stringify(result));
        check(result.p50 <= result.p90 && result.p90 <= result.p99 && result.p99 < 1000, JSON.stringify(result));",
    )
}

fn the_pages_buttons_measure(stage: &mut Stage<'_>) -> Outcome {
    stage.connected(
        "document.querySelector('#throughput [name=seconds]').value = '1';
        document.querySelector('#ping [name=count]').value = '100';
        const press = async (button, output, wanted) => {
            await until(() => !document.querySelector(button).disabled, `${button} can be pressed`);
            document.querySelector(button).click();
            await until(() => wanted.test(document.getElementById(output).textContent), `${button}: ${document.getElementById(output).textContent}`, 20_000);
        };
        await press('#throughput [value=upload]', 'throughput-result', /^Upload: [1-9].*server’s count/);
        await press('#throughput [value=download]', 'throughput-result', /^Upload: [^]*\\nDownload: [1-9]/);
        await press('#ping button', 'ping-result', /^p50 \\d+\\.\\d+ ms/);",
    )
}
