//! A client of WHIP (RFC 9725) and WHEP: one offer with all candidates by POST, the end by DELETE.

use crate::web::Guests;
use purertc::{MediaKind, MediaStreamTrack, RtpTransceiverDirection, RtpTransceiverInit, TrackOrKind};
use purertc_tokio::{Configuration, PeerConnection, SdpType, SessionDescription, Settings};
use std::error::Error;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use url::Url;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Where to, and as whom.
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

/// What a server says to an offer.
struct Accepted {
    /// Where the session is.
    resource: Url,
    answer: String,
}

impl Client {
    /// Lets a guest send until it has nothing more, or Ctrl+C.
    pub(crate) async fn publish(self, guest: impl Guests) -> Outcome {
        self.join(guest, RtpTransceiverDirection::SendOnly).await
    }

    /// Lets a guest hear until the other side ends it, or Ctrl+C.
    pub(crate) async fn watch(self, guest: impl Guests) -> Outcome {
        self.join(guest, RtpTransceiverDirection::RecvOnly).await
    }

    async fn join(self, guest: impl Guests, direction: RtpTransceiverDirection) -> Outcome {
        let pc = PeerConnection::new(Settings::from(Configuration::default()).with_loopback()).await?;
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let what = match direction {
                RtpTransceiverDirection::SendOnly => {
                    TrackOrKind::from(MediaStreamTrack::new(kind, kind.as_str()))
                }
                _ => TrackOrKind::from(kind),
            };
            let mut init = RtpTransceiverInit::default();
            (init.direction, init.streams) = (direction, vec!["live".to_owned()]);
            pc.add_transceiver(what, init)?;
        }
        pc.set_local_description(None).await?;
        pc.gathering_complete().await;
        let offer = pc.local_description().ok_or("the connection is closed")?;
        let Accepted { resource, answer } = self.post(offer.sdp).await?;
        let answer = SessionDescription { kind: SdpType::Answer, sdp: answer };
        pc.set_remote_description(answer).await?;
        println!("joined {resource}");
        tokio::select! {
            () = Arc::new(guest).join(pc.clone()) => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        pc.close().await;
        self.delete(resource).await
    }

    async fn post(&self, offer: String) -> Outcome<Accepted> {
        let (url, bearer) = (Url::parse(&self.url)?, self.bearer());
        let at = url.clone();
        let response = spawn_blocking(move || {
            let mut request = ureq::post(at.as_str()).content_type("application/sdp");
            if let Some(bearer) = bearer {
                request = request.header("Authorization", bearer);
            }
            // The reason is in the body.
            let response = request.config().http_status_as_error(false).build().send(offer)?;
            let (parts, mut body) = response.into_parts();
            Ok::<_, ureq::Error>((parts, body.read_to_string()?))
        });
        let (parts, body) = response.await??;
        if parts.status != 201 {
            return Err(format!("{url} refused, with status {}: {body}", parts.status).into());
        }
        let location = parts.headers.get("location").ok_or("the server did not say where the session is")?;
        Ok(Accepted { resource: url.join(location.to_str()?)?, answer: body })
    }

    async fn delete(&self, resource: Url) -> Outcome {
        let bearer = self.bearer();
        spawn_blocking(move || {
            let mut request = ureq::delete(resource.as_str());
            if let Some(bearer) = bearer {
                request = request.header("Authorization", bearer);
            }
            // The server may have ended it first.
            let _ = request.call();
        })
        .await?;
        Ok(())
    }

    fn bearer(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("Bearer {token}"))
    }
}
