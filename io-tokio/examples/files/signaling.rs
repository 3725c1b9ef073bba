//! How descriptions travel: as lines that somebody pastes, or by HTTP to where the receiver listens.

use crate::Outcome;
use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use purertc_tokio::SessionDescription;
use std::future::{pending, ready};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// An offer, and where its answer goes.
type Question = (SessionDescription, oneshot::Sender<SessionDescription>);

/// The way to the other terminal.
pub enum Signaling {
    /// Lines on standard input and output.
    Lines(Lines<BufReader<Stdin>>),
    /// A receiver that listens there. Lines ask for restarts alone.
    Client(String, Lines<BufReader<Stdin>>),
    /// We listen.
    Server { questions: mpsc::Receiver<Question>, waiting: Option<oneshot::Sender<SessionDescription>> },
}

fn lines() -> Lines<BufReader<Stdin>> {
    BufReader::new(tokio::io::stdin()).lines()
}

impl Signaling {
    /// To a receiver at this URL, or by lines.
    pub fn to(url: Option<String>) -> Self {
        match url {
            Some(url) => Self::Client(url, lines()),
            None => Self::Lines(lines()),
        }
    }

    /// From a sender who knows this address, or by lines.
    pub async fn at(address: Option<String>, page: Option<String>) -> Outcome<Self> {
        let Some(address) = address else { return Ok(Self::Lines(lines())) };
        let (sender, questions) = mpsc::channel(1);
        let router = Router::new().route("/offer", post(take_offer).options(async || ())).with_state(sender);
        // Browsers ask first whether a page may speak to somebody else than where it came from.
        let allowed = match page {
            Some(page) => HeaderMap::from_iter([
                (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::try_from(page)?),
                (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type")),
            ]),
            None => HeaderMap::new(),
        };
        let router = router.layer(map_response(move |mut response: Response| {
            response.headers_mut().extend(allowed.clone());
            ready(response)
        }));
        let listener = TcpListener::bind(&address).await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self::Server { questions, waiting: None })
    }

    /// Gives an offer to the other end, and waits for its answer.
    pub async fn exchange(&mut self, offer: &SessionDescription) -> Outcome<SessionDescription> {
        let offer = serde_json::to_string(offer)?;
        match self {
            Self::Client(url, _) => post_offer(url, &offer).await,
            Self::Server { .. } => Err("the receiver makes no offers".into()),
            Self::Lines(lines) => {
                println!("{offer}");
                let answer = lines.next_line().await?.ok_or("no answer came")?;
                Ok(serde_json::from_str(&answer)?)
            }
        }
    }

    /// Waits until somebody asks for a restart.
    pub async fn restart(&mut self) -> Outcome {
        let (Self::Lines(lines) | Self::Client(_, lines)) = self else { return pending().await };
        while let Some(line) = lines.next_line().await? {
            if line.trim() == "restart" {
                return Ok(());
            }
        }
        pending().await
    }

    /// The next offer; `None` when nobody will make one.
    pub async fn hear(&mut self) -> Outcome<Option<SessionDescription>> {
        match self {
            Self::Client(..) => pending().await,
            Self::Lines(lines) => {
                let Some(line) = lines.next_line().await? else { return Ok(None) };
                Ok(Some(serde_json::from_str(&line)?))
            }
            Self::Server { questions, waiting } => {
                let Some((offer, sender)) = questions.recv().await else { return Ok(None) };
                *waiting = Some(sender);
                Ok(Some(offer))
            }
        }
    }

    /// Answers the offer that was heard last.
    pub fn answer(&mut self, answer: &SessionDescription) -> Outcome {
        if let Self::Server { waiting, .. } = self {
            // Whoever asked may be gone.
            let _ = waiting.take().map(|sender| sender.send(answer.clone()));
        } else {
            println!("{}", serde_json::to_string(answer)?);
        }
        Ok(())
    }
}

async fn take_offer(
    State(questions): State<mpsc::Sender<Question>>,
    Json(offer): Json<SessionDescription>,
) -> Result<Json<SessionDescription>, StatusCode> {
    let (sender, answer) = oneshot::channel();
    questions.send((offer, sender)).await.map_err(|_| StatusCode::GONE)?;
    answer.await.map(Json).map_err(|_| StatusCode::CONFLICT)
}

/// A request of HTTP/1.0 is little enough to need no library.
async fn post_offer(url: &str, offer: &str) -> Outcome<SessionDescription> {
    let host = url.strip_prefix("http://").ok_or("the URL begins with http://")?.trim_end_matches('/');
    let mut stream = TcpStream::connect(host).await?;
    let request = format!(
        "POST /offer HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{offer}",
        offer.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or("no answer came")?;
    if !head.lines().next().is_some_and(|line| line.contains(" 200 ")) {
        return Err(format!("the receiver refused: {head}").into());
    }
    Ok(serde_json::from_str(body)?)
}
