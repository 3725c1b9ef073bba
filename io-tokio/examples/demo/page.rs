//! The files of the page, inside the program.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;

const FILES: [(&str, &str, &str); 8] = [
    ("/", "text/html", include_str!("page/index.html")),
    ("/style.css", "text/css", include_str!("page/style.css")),
    ("/app.js", "text/javascript", include_str!("page/app.js")),
    ("/files.js", "text/javascript", include_str!("page/files.js")),
    ("/link.js", "text/javascript", include_str!("page/link.js")),
    ("/media.js", "text/javascript", include_str!("page/media.js")),
    ("/measure.js", "text/javascript", include_str!("page/measure.js")),
    ("/plots.js", "text/javascript", include_str!("page/plots.js")),
];

pub(crate) fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, kind, text)| {
        router.route(path, get(move || async move { (headers(kind), text) }))
    })
}

/// Isolation from other origins gives the page finer clocks.
fn headers(kind: &str) -> HeaderMap {
    let kind = HeaderValue::try_from(format!("{kind}; charset=utf-8"));
    HeaderMap::from_iter([
        (CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("text/plain"))),
        (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
        (HeaderName::from_static("cross-origin-embedder-policy"), HeaderValue::from_static("require-corp")),
    ])
}
