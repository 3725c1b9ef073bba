//! `gst-launch-1.0` with `whipsink` and `whepsrc`: runs the pipeline of its arguments until its input ends, an error, or the
//! end of the stream, and says what happens.

use gst::prelude::*;
use std::error::Error;
use std::io::Read;

fn main() -> Result<(), Box<dyn Error>> {
    gst::init()?;
    gstwebrtchttp::plugin_register_static()?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let pipeline = gst::parse::launch(&words.join(" "))?;
    pipeline.set_state(gst::State::Playing)?;
    println!("playing");
    let bus = pipeline.bus().ok_or("a pipeline has a bus")?;
    let ended = bus.clone();
    let source = pipeline.downgrade();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let source = source.upgrade();
        let _ = ended.post(gst::message::Eos::builder().src_if_some(source.as_ref()).build());
    });
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Eos(_) => break,
            gst::MessageView::Error(error) => {
                println!("error {}", error.error());
                return Err(error.error().into());
            }
            _ => {}
        }
    }
    // Which is what ends the session at the server.
    pipeline.set_state(gst::State::Null)?;
    println!("over");
    Ok(())
}
