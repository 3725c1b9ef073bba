//! A very small HTTP server for pages that tests bring along. It answers GET with fixed files and knows nothing else.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A path such as `/app.js` and what it gives; the content type follows from the ending.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Serves [`Files`] on a free port of 127.0.0.1, which browsers regard as a secure context, until it is dropped.
#[derive(Debug)]
pub struct PageServer {
    address: SocketAddr,
    /// Dropped to end the accepting thread.
    alive: Arc<()>,
}

impl PageServer {
    /// Starts serving.
    ///
    /// # Errors
    ///
    /// If no port can be had.
    pub fn start(files: Files) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let alive = Arc::new(());
        let watched = Arc::downgrade(&alive);
        let files = Arc::new(files);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if watched.upgrade().is_none() {
                    return;
                }
                let files = Arc::clone(&files);
                // A browser opens several connections and uses them when it likes.
                std::thread::spawn(move || serve(&stream, &files));
            }
        });
        Ok(Self { address, alive })
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.alive = Arc::new(());
        // Wakes the accepting thread, which then sees that nobody needs it.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

fn serve(stream: &TcpStream, files: &Files) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? == 0 || header.trim_end().is_empty() {
            break;
        }
    }
    let target = request.strip_prefix("GET ").and_then(|r| r.split(' ').next()).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match files.get(if path == "/" { "/index.html" } else { path }) {
        Some(body) => ("200 OK", content_type(path), body.as_slice()),
        None => ("404 Not Found", "text/plain; charset=utf-8", b"no such page".as_slice()),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use crate::pages::{Files, PageServer};

    #[test]
    fn files_are_served_with_their_types_and_the_port_is_free_after_the_end() {
        let files =
            Files::from([("/index.html".to_owned(), b"<p>".to_vec()), ("/a.js".to_owned(), b"1".to_vec())]);
        let server = PageServer::start(files).unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let get = |path: &str| agent.get(format!("{}{path}", server.origin())).call().unwrap();
        let mut script = get("/a.js?x=1");
        assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(script.body_mut().read_to_string().unwrap(), "1");
        assert_eq!(get("/?auto=0").body_mut().read_to_string().unwrap(), "<p>");
        assert_eq!(get("/b").status(), 404);
        let origin = server.origin();
        drop(server);
        // The accepting thread closes the listener within the time that a second connection takes.
        for _ in 0..100 {
            if agent.get(&origin).call().is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("still serving");
    }
}
