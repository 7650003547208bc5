//! How does a download go on where it broke off, and never with another file?
//!
//! The rest is asked for only with the `ETag` of the beginning (`If-Range`). A server that sends the whole again is read
//! again from its first byte, and what was handed on before is compared, by digest, before anything further is: what is at
//! a URL may have changed between two tries, and at first sight nobody knows yet what its digest should be.

use bytes::Bytes;
use mfp_model::source::Redacted;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Response, StatusCode};
use url::Url;

use super::{Failed, refused};
use crate::error::Error;

/// How far a download is, over all its tries.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes that were handed on.
    pub(super) done: u64,
    /// What they were, to recognise them when a server sends the file from its beginning again.
    handed_on: blake3::Hasher,
    /// Bytes of the current response that should be known already.
    known: u64,
    /// What they are.
    again: blake3::Hasher,
    /// The strong `ETag` of the first response.
    etag: Option<HeaderValue>,
}

impl Progress {
    /// Ask for the rest only if the server can prove that it's the same file.
    pub(super) fn resume_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let (1.., Some(etag)) = (self.done, &self.etag) {
            headers.insert(RANGE, HeaderValue::from_str(&format!("bytes={}-", self.done)).expect("digits are a header value"));
            headers.insert(IF_RANGE, etag.clone());
        }
        headers
    }

    pub(super) fn begin(&mut self, response: &Response, url: &Url) -> Result<(), Failed> {
        let etag = response.headers().get(ETAG).filter(|value| value.as_bytes().starts_with(b"\""));
        let is_same = etag.is_none() || etag == self.etag.as_ref();
        match response.status() {
            StatusCode::PARTIAL_CONTENT if self.done > 0 && self.etag.is_some() && continues_at(response.headers(), self.done) => {
                if !is_same {
                    return Err(changed(url));
                }
                self.known = 0;
            }
            // The whole file again. The bytes that are known are compared and skipped.
            StatusCode::OK => {
                self.known = self.done;
                self.again.reset();
                if self.done == 0 {
                    self.etag = etag.cloned();
                }
            }
            status => return Err(refused(url, status, response.headers())),
        }
        Ok(())
    }

    /// Drop from the chunk what was handed on before. Nothing that follows is handed on unless it was the same: else the
    /// beginning of one file and the end of another would make a third.
    pub(super) fn skip_known(&mut self, chunk: &mut Bytes, url: &Url) -> Result<(), Failed> {
        if self.known == 0 {
            return Ok(());
        }
        let skip = usize::try_from(self.known).unwrap_or(usize::MAX).min(chunk.len());
        self.again.update(&chunk.split_to(skip));
        self.known -= skip as u64;
        if self.known == 0 && self.again.finalize() != self.handed_on.finalize() {
            return Err(changed(url));
        }
        Ok(())
    }

    /// These bytes are handed on now.
    pub(super) fn keep(&mut self, chunk: &[u8]) {
        self.handed_on.update(chunk);
        self.done += chunk.len() as u64;
    }

    /// The response is over: a file that's shorter than what was handed on isn't the same file.
    pub(super) fn end(&self, url: &Url) -> Result<(), Failed> {
        if self.known == 0 { Ok(()) } else { Err(changed(url)) }
    }
}

/// The file isn't the one whose beginning was handed on. What was handed on can't be taken back, so this try is the last.
fn changed(url: &Url) -> Failed {
    Failed::finally(
        Error::new("mfp::network::broken", format!("{} changed while it was downloaded", Redacted(url))).help("run the command again"),
    )
}

fn continues_at(headers: &HeaderMap, start: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.and_then(|range| range.strip_prefix("bytes ")).and_then(|range| range.split('-').next()).and_then(|first| first.parse().ok())
        == Some(start)
}
