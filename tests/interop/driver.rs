//! The browser drivers alone: what they promise holds in a page with two peers of the browser's own.

use purertc_tests::browser::{Addresses, Browser, BrowserError};
use purertc_tests::pages::{Files, PageServer};
use serde_json::{Value, json};

use crate::stage::{Failure, Outcome};

const CANDIDATES: &str = "
    const pc = new RTCPeerConnection();
    pc.createDataChannel('x');
    const addresses = [];
    pc.onicecandidate = ({ candidate }) => candidate?.candidate && addresses.push(candidate.candidate.split(' ')[4]);
    await pc.setLocalDescription();
    for (let i = 0; i < 500 && pc.iceGatheringState !== 'complete'; i++) await new Promise((r) => setTimeout(r, 20));
    pc.close();
    return addresses;";

const PAIR: &str = "
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
    a.onicecandidate = ({ candidate }) => b.addIceCandidate(candidate ?? undefined);
    b.onicecandidate = ({ candidate }) => a.addIceCandidate(candidate ?? undefined);
    b.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => channel.send(`${data}!`); };
    const channel = a.createDataChannel('x');
    const answer = new Promise((resolve) => { channel.onmessage = ({ data }) => resolve(data); });
    channel.onopen = () => channel.send('hello');
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription);
    const text = await answer;
    a.close();
    b.close();
    return text;";

/// Everything at once, because starting a browser is what takes the time.
pub(crate) fn the_driver_keeps_its_promises(browser: &mut Browser, addresses: Addresses) -> Outcome {
    let page = b"<!doctype html><title>driver</title><body style='margin:0;height:3000px'>".to_vec();
    let server = PageServer::start(Files::from([("/index.html".to_owned(), page)]))
        .map_err(|e| Failure(e.to_string()))?;
    browser.open(&server.origin())?;

    expect("a data channel between two peers in the page", &browser.run_async(PAIR)?, &json!("hello!"))?;

    let listed: Vec<String> =
        serde_json::from_value(browser.run_async(CANDIDATES)?).map_err(|e| Failure(e.to_string()))?;
    let hidden = listed.iter().filter(|a| a.ends_with(".local")).count();
    let as_promised = match addresses {
        Addresses::Plain => !listed.is_empty() && hidden == 0,
        Addresses::Hidden => hidden > 0 && hidden == listed.len(),
    };
    if !as_promised {
        return Err(Failure(format!("addresses should be {addresses:?}, but the page gathers {listed:?}")));
    }

    expect("no result is null", &browser.run_async("")?, &Value::Null)?;
    expect(
        "the page's own realm",
        &browser.run_async("window.kept = []; return kept instanceof Array;")?,
        &json!(true),
    )?;
    browser.reload()?;
    expect("a reload begins anew", &browser.run_async("return typeof kept;")?, &json!("undefined"))?;
    match browser.run_async("await null; throw new RangeError('too far');") {
        Err(BrowserError::Script(words)) if words.starts_with("RangeError: too far") => {}
        other => return Err(Failure(format!("a script's failure was reported as {other:?}"))),
    }
    picture_holds_the_whole_page(browser)
}

fn picture_holds_the_whole_page(browser: &mut Browser) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| Failure(e.to_string()))?;
    let path = folder.path().join("page.png");
    browser.screenshot(&path)?;
    let png = std::fs::read(&path).map_err(|e| Failure(e.to_string()))?;
    let number = |at: usize| png.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
    expect("a PNG", &json!(png.get(1..4)), &json!(b"PNG"))?;
    expect("the page's height", &json!(number(20)), &json!(3000))
}

fn expect(what: &str, got: &Value, wanted: &Value) -> Outcome {
    if got == wanted { Ok(()) } else { Err(Failure(format!("{what}: {got} instead of {wanted}"))) }
}
