#![no_main]
//! Text that a peer or a web page sends.

use libfuzzer_sys::fuzz_target;
use purertc::wire::candidate::Candidate;
use purertc::wire::fingerprint::Fingerprint;
use purertc::wire::sdp::description::Description;

fuzz_target!(|text: &str| {
    if let Ok(description) = Description::parse(text) {
        let printed = description.to_string();
        let again = Description::parse(&printed).expect("what was printed can be read");
        assert_eq!(again.to_string(), printed);
    }
    if let Ok(candidate) = text.parse::<Candidate>() {
        assert_eq!(candidate.to_string().parse(), Ok(candidate));
    }
    if let Ok(fingerprint) = text.parse::<Fingerprint>() {
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
});
