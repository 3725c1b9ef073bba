//! Marionette, Firefox's own remote control: WebDriver commands as `length:json` frames over TCP. Not a Firefox
//! launcher: that is `firefox.rs`.

use std::io::{Read, Write};

use serde_json::{Value, json};

use crate::browser::error::BrowserError;

/// No answer of a sane page is longer; protects against a length that is nonsense.
const MAX_FRAME: usize = 100 << 20;

/// The client's end of a Marionette connection.
#[derive(Debug)]
pub(crate) struct Marionette<S> {
    stream: S,
    last_id: u64,
}

impl<S: Read + Write> Marionette<S> {
    /// Takes a fresh connection and reads the server's greeting.
    pub(crate) fn new(stream: S) -> Result<Self, BrowserError> {
        let mut connection = Self { stream, last_id: 0 };
        let greeting = connection.read_frame()?;
        if greeting["marionetteProtocol"] != json!(3) {
            return Err(BrowserError::Protocol(format!("not Marionette protocol 3: {greeting}")));
        }
        Ok(connection)
    }

    /// Sends a command and waits for its answer: `[1, id, error, result]`.
    pub(crate) fn command(&mut self, name: &str, parameters: &Value) -> Result<Value, BrowserError> {
        self.last_id += 1;
        let message = json!([0, self.last_id, name, parameters]).to_string();
        self.stream.write_all(format!("{}:{message}", message.len()).as_bytes())?;
        let mut answer = self.read_frame()?;
        if answer[0] != json!(1) || answer[1] != json!(self.last_id) {
            return Err(BrowserError::Protocol(format!("{name}: an answer to something else")));
        }
        match answer[2].take() {
            Value::Null => Ok(answer[3].take()),
            error => {
                let words = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
                let reason = format!("{} {}", words("error"), words("message"));
                Err(BrowserError::Refused { command: name.to_owned(), reason })
            }
        }
    }

    fn read_frame(&mut self) -> Result<Value, BrowserError> {
        let mut length = 0_usize;
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            match byte[0] {
                b':' => break,
                digit @ b'0'..=b'9' if length <= MAX_FRAME => {
                    length = length * 10 + usize::from(digit - b'0');
                }
                other => {
                    return Err(BrowserError::Protocol(format!("byte {other:#04x} in a frame's length")));
                }
            }
        }
        if length > MAX_FRAME {
            return Err(BrowserError::Protocol(format!("a frame of {length} bytes")));
        }
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        Ok(serde_json::from_slice(&frame)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Result, Write};

    use serde_json::json;

    use crate::browser::marionette::Marionette;

    /// Says what it was told to say, and remembers what it heard.
    #[derive(Debug)]
    struct Script {
        says: Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Script {
        fn new(frames: &[&str]) -> Self {
            let says: String = frames.iter().map(|f| format!("{}:{f}", f.len())).collect();
            Self { says: Cursor::new(says.into_bytes()), heard: Vec::new() }
        }
    }

    impl Read for Script {
        fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
            let most = buf.len().min(3); // in small pieces, as TCP may
            self.says.read(&mut buf[..most])
        }
    }

    impl Write for Script {
        fn write(&mut self, buf: &[u8]) -> Result<usize> {
            self.heard.write(buf)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    const GREETING: &str = r#"{"applicationType":"gecko","marionetteProtocol":3}"#;

    #[test]
    fn commands_are_framed_and_numbered_and_answers_unwrapped() {
        let script = Script::new(&[GREETING, r#"[1,1,null,{"value":"é"}]"#, r#"[1,2,null,null]"#]);
        let mut connection = Marionette::new(script).unwrap();
        assert_eq!(connection.command("A", &json!({ "b": "é" })).unwrap(), json!({ "value": "é" }));
        assert_eq!(connection.command("B", &json!({})).unwrap(), json!(null));
        let heard = String::from_utf8(connection.stream.heard).unwrap();
        assert_eq!(heard, r#"20:[0,1,"A",{"b":"é"}]12:[0,2,"B",{}]"#);
    }

    #[test]
    fn an_error_names_the_command_and_the_reason() {
        let script = Script::new(&[GREETING, r#"[1,1,{"error":"unknown command","message":"no C"},null]"#]);
        let error = Marionette::new(script).unwrap().command("C", &json!({})).unwrap_err();
        assert_eq!(error.to_string(), "the browser refused C: unknown command no C");
    }

    #[test]
    fn nonsense_is_refused_without_reading_on() {
        for says in ["x:{}", "99999999999999999999:", "2:{]", r#"24:{"marionetteProtocol":2}"#] {
            let script = Script { says: Cursor::new(says.as_bytes().to_vec()), heard: Vec::new() };
            assert!(Marionette::new(script).is_err(), "{says}");
        }
    }
}
