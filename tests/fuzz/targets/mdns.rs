#![no_main]
//! Multicast DNS messages: what is read and can be written is read back.

use libfuzzer_sys::fuzz_target;
use purertc::wire::mdns::{Message, write_query, write_response};

fuzz_target!(|data: &[u8]| match Message::parse(data) {
    Ok(Message::Query { questions, .. }) => {
        for question in questions {
            let mut out = Vec::new();
            if write_query(&question.name, question.unicast, &mut out).is_some() {
                let read = Message::parse(&out).expect("what was written can be read");
                let Message::Query { questions, .. } = read else { panic!("a query") };
                assert!(questions.iter().all(|again| again.name == question.name));
            }
        }
    }
    Ok(Message::Response(records)) => {
        for record in records {
            let mut out = Vec::new();
            if write_response(&record, None, &mut out).is_some() {
                assert_eq!(Message::parse(&out), Ok(Message::Response(vec![record])));
            }
        }
    }
    Err(_) => {}
});
