//! How does git's protocol talk HTTP? One question and its answer as a stream, with everything that holds for every
//! request: address rules, redirects, credentials by origin, retries until the answer begins, deadlines.
//!
//! What's said here is what the caller says, and what comes back is handed on as it comes: sizes are for the caller to
//! limit, who knows what he asked for.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode};
use url::Url;

use super::{Http, Message, refused};
use crate::error::Result;
use mfp_model::address::Reach;

/// One question.
#[derive(Debug)]
pub(crate) struct Question<'q> {
    /// To whom.
    pub(crate) url: &'q Url,
    /// With these headers.
    pub(crate) headers: HeaderMap,
    /// Posted, if there's something to post.
    pub(crate) body: Option<&'q Bytes>,
    /// What to say to this origin in the place of what mfp itself knows to say to it; never in the clear to another machine.
    pub(crate) authorization: Option<&'q HeaderValue>,
}

/// What comes back.
#[derive(Debug)]
pub(crate) enum Answer {
    /// An answer, whose body is still to come.
    Body(Box<Body>),
    /// Who are you? (401)
    WhoAreYou,
    /// There's no such thing, or not for you (403, 404, 410, 451).
    Missing(StatusCode),
}

/// The body of an answer as it comes.
#[derive(Debug)]
pub(crate) struct Body {
    response: Response,
    /// Where it came from, after redirects.
    pub(crate) url: Url,
}

impl Body {
    /// What it says it is.
    pub(crate) fn content_type(&self) -> Option<&str> {
        self.response.headers().get(CONTENT_TYPE)?.to_str().ok()
    }

    /// The next piece of it.
    pub(crate) async fn chunk(&mut self, http: &Http) -> Result<Option<Bytes>> {
        self.response.chunk().await.map_err(|error| http.broken(&self.url, &error).error)
    }
}

/// Is this host, as far as an address stands in it, one that nothing of ours connects to?
pub(crate) fn is_forbidden_host(host: &str) -> bool {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    Url::parse(&format!("http://{host}/")).is_ok_and(|url| !Reach::Private.allows_literal(&url))
}

impl Http {
    /// Ask, over as many tries as it takes until an answer begins.
    pub(crate) async fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let Question { url, headers, body, authorization } = question;
        let whole = self.retrying(url, async || {
            let message = Message { headers: headers.clone(), body: *body, authorization: *authorization, is_alone: false };
            let (response, at) = self.send(url, &message).await?;
            match response.status() {
                StatusCode::OK => Ok(Answer::Body(Box::new(Body { response, url: at }))),
                StatusCode::UNAUTHORIZED => Ok(Answer::WhoAreYou),
                status if matches!(status.as_u16(), 403 | 404 | 410 | 451) => Ok(Answer::Missing(status)),
                status => Err(refused(&at, status, response.headers())),
            }
        });
        self.within_limit(url, whole).await
    }

    /// How long one fetch from a repository may take in all, and how long it may be silent.
    pub(crate) fn patience(&self) -> (Duration, Duration) {
        (self.network.artifact_timeout, self.network.idle_timeout)
    }
}
