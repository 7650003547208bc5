//! Index documents that were fetched before, on disk: disposable, of this user, one file a name.
//!
//! A file is a header line (`ETag`, when it was fetched, for how long it holds) and the document's bytes. A header that
//! can't be read is no entry: what's in a cache is never trusted more than what a server says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use mfp_store::fs::write_cache;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::Result;
use crate::explain;

/// The cached documents of one registry.
#[derive(Debug)]
pub(crate) struct DocumentCache {
    folder: PathBuf,
}

/// One cached document.
#[derive(Debug)]
pub(crate) struct Cached {
    /// Its bytes; empty with `missing`.
    pub(crate) bytes: Vec<u8>,
    /// The registry's word that there's no such document.
    pub(crate) missing: bool,
    /// Its `ETag`, for a conditional request.
    pub(crate) etag: Option<String>,
    /// Until when it's used without asking.
    pub(crate) fresh_until: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header<'a> {
    v: u32,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    etag: Option<std::borrow::Cow<'a, str>>,
    until: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    missing: bool,
}

const HEADER_VERSION: u32 = 1;

impl DocumentCache {
    /// The cache of the registry whose files come from `root` (the mirror's, where there's one).
    pub(crate) fn of(cache_dir: &Path, root: &Url) -> Self {
        let key = blake3::hash(root.as_str().as_bytes()).to_hex();
        Self { folder: cache_dir.join("index").join(&key[..32]) }
    }

    /// Was nothing of this registry cached yet?
    pub(crate) fn is_cold(&self) -> bool {
        !self.folder.is_dir()
    }

    /// The cached document at this path of the registry.
    pub(crate) fn get(&self, path: &str) -> Option<Cached> {
        let bytes = std::fs::read(self.folder.join(path)).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header: Header<'_> = serde_json::from_slice(&bytes[..end]).ok()?;
        if header.v != HEADER_VERSION {
            return None;
        }
        let (etag, missing, fresh_until) =
            (header.etag.map(std::borrow::Cow::into_owned), header.missing, Timestamp::from_second(header.until).ok()?);
        let mut bytes = bytes;
        bytes.drain(..=end);
        Some(Cached { bytes, missing, etag, fresh_until })
    }

    /// Keep a document. Losing it in a crash is fine; half of it is never seen.
    pub(crate) fn put(&self, path: &str, bytes: Option<&[u8]>, etag: Option<&str>, fetched: Timestamp, max_age: Duration) -> Result<()> {
        let until = fetched.as_second().saturating_add(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX));
        let until = until.min(Timestamp::MAX.as_second());
        let header = Header { v: HEADER_VERSION, etag: etag.map(Into::into), until, missing: bytes.is_none() };
        let mut text = serde_json::to_vec(&header).expect("a header of plain values is JSON");
        text.push(b'\n');
        text.extend_from_slice(bytes.unwrap_or_default());
        write_cache(&self.folder.join(path), &text).map_err(explain::store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_got_and_rubbish_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DocumentCache::of(folder.path(), &Url::parse("https://a.example/").unwrap());
        assert!(cache.is_cold() && cache.get("index/x").is_none());
        let now = Timestamp::from_second(1_000).unwrap();
        cache.put("index/x", Some(b"line\n"), Some("\"e\""), now, Duration::from_mins(1)).unwrap();
        let cached = cache.get("index/x").unwrap();
        assert_eq!(
            (cached.bytes.as_slice(), cached.etag.as_deref(), cached.fresh_until.as_second()),
            (&b"line\n"[..], Some("\"e\""), 1_060)
        );
        assert!(!cache.is_cold());
        cache.put("index/y", None, None, now, Duration::MAX).unwrap();
        assert!(cache.get("index/y").unwrap().missing);
        write_cache(&cache.folder.join("index/z"), b"not a header").unwrap();
        assert!(cache.get("index/z").is_none());
    }

    #[test]
    fn registries_dont_share() {
        let of = |url: &str| DocumentCache::of(Path::new("/c"), &Url::parse(url).unwrap()).folder;
        assert_ne!(of("https://a.example/"), of("https://a.example/x/"));
    }
}
