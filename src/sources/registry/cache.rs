//! Documents of a registry that were fetched before, on disk: disposable, of this user, one file a registry.
//!
//! Deciding looks at hundreds of documents at once, so they aren't files of their own. The file is a row of batches, each
//! appended by one process: a head, which says for each document its `ETag`, for how long it holds, and its packed form
//! ([`mfp_model::index::packed`]), and behind it the documents' own bytes, which are read only when somebody wants more than
//! that. Later entries replace earlier ones.
//!
//! What's in a cache is never trusted more than what a server says. Heads and bodies carry checksums; what doesn't match
//! was cut by a crash or a full disk, is no entry, and makes the next write write the file anew.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use mfp_store::fs::{append_cache, write_cache};
use serde::{Deserialize, Serialize};
use url::Url;

/// The caches of all registries that this process has asked, each read once.
#[derive(Debug, Default)]
pub(crate) struct DocumentCaches(Mutex<BTreeMap<PathBuf, Arc<DocumentCache>>>);

impl DocumentCaches {
    /// The cache of the registry whose files come from `root` (the mirror's, where there's one).
    pub(crate) fn of(&self, cache_dir: &Path, root: &Url) -> Arc<DocumentCache> {
        let cache = DocumentCache::of(cache_dir, root);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(cache.path.clone()).or_insert_with(|| Arc::new(cache)).clone()
    }

    /// Write what's new, of a process that may go on for long.
    pub(crate) fn save(&self) {
        for cache in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            cache.state().write(&cache.path);
        }
    }
}

/// The cached documents of one registry. What's new is written when this is dropped, or when it has become much.
#[derive(Debug)]
pub(crate) struct DocumentCache {
    path: PathBuf,
    state: OnceLock<Mutex<State>>,
}

/// One cached document.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    /// The registry's word that there's no such document.
    pub(crate) missing: bool,
    /// Its `ETag`, for a conditional request.
    pub(crate) etag: Option<String>,
    /// Until when it's used without asking.
    pub(crate) fresh_until: Timestamp,
    packed: Option<Shared>,
    body: Body,
}

impl Cached {
    /// Its packed form, if it's an index document.
    pub(crate) fn packed(&self) -> Option<Shared> {
        self.packed.clone()
    }
}

/// Where the bytes are.
#[derive(Debug, Clone)]
enum Body {
    /// In the file.
    Kept { at: u64, length: usize, check: Check },
    /// Not written yet.
    New(Arc<[u8]>),
}

impl Body {
    fn len(&self) -> usize {
        match self {
            Self::Kept { length, .. } => *length,
            Self::New(bytes) => bytes.len(),
        }
    }
}

/// A part of bytes that several hold.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    whole: Arc<[u8]>,
    part: Range<usize>,
}

impl From<Vec<u8>> for Shared {
    fn from(bytes: Vec<u8>) -> Self {
        Self { part: 0..bytes.len(), whole: bytes.into() }
    }
}

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.whole[self.part.clone()]
    }
}

/// What was read, and what's to be written.
#[derive(Debug, Default)]
struct State {
    entries: HashMap<Box<str>, Cached>,
    /// Keys of entries that are new or were renewed.
    changed: BTreeMap<Box<str>, Change>,
    /// Bytes of new bodies.
    unwritten: usize,
    /// Bytes of bodies in the file, those that were replaced included.
    in_file: u64,
    batches: usize,
    /// The file has something that isn't a batch: appending to it would be in vain.
    damaged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// The body in the file still holds.
    Renewed,
    New,
}

/// The first bytes of each batch; the number is that of the format.
const MAGIC: [u8; 8] = *b"mfpidx2\n";
const PREFIX: usize = 8 + 4 + 8 + size_of::<Check>();
/// A batch's head isn't read beyond this size.
const MAX_HEAD: usize = 256 << 20;
/// So much is kept in memory before it's written.
const MUCH: usize = 4 << 20;
/// A file of more batches, or one that's mostly replaced documents, is written anew.
const MANY_BATCHES: usize = 48;

/// Against accidents, so a part of a digest is enough.
type Check = u64;

fn check(bytes: &[u8]) -> Check {
    let mut part = [0; size_of::<Check>()];
    part.copy_from_slice(&blake3::hash(bytes).as_bytes()[..size_of::<Check>()]);
    Check::from_le_bytes(part)
}

/// What a head says about a document before its packed form.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    etag: Option<std::borrow::Cow<'a, str>>,
    until: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    missing: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    renewed: bool,
    /// Lengths of the packed form, if there's one, and of the body.
    packed: Option<usize>,
    body: usize,
    check: Check,
}

impl DocumentCache {
    /// The cache of the registry whose files come from `root` (the mirror's, where there's one).
    fn of(cache_dir: &Path, root: &Url) -> Self {
        let key = blake3::hash(root.as_str().as_bytes()).to_hex();
        Self { path: cache_dir.join("index").join("v3").join(&key[..32]), state: OnceLock::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.state.get_or_init(|| Mutex::new(State::read(&self.path)));
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Was nothing of this registry cached yet?
    pub(crate) fn is_cold(&self) -> bool {
        self.state().entries.is_empty()
    }

    /// When the registry last said something that was kept: the time of the file. `None` if nothing is kept of it.
    pub(crate) fn last_answer(&self) -> Option<Timestamp> {
        Timestamp::try_from(std::fs::metadata(&self.path).ok()?.modified().ok()?).ok()
    }

    /// The cached document at this path of the registry.
    pub(crate) fn get(&self, path: &str) -> Option<Cached> {
        self.state().entries.get(path).cloned()
    }

    /// The bytes of a cached document; `None` if they aren't what they were.
    pub(crate) fn bytes(&self, cached: &Cached) -> Option<Arc<[u8]>> {
        match &cached.body {
            Body::New(bytes) => Some(bytes.clone()),
            Body::Kept { at, length, check } => read_body(&mut File::open(&self.path).ok()?, *at, *length, *check).map(Into::into),
        }
    }

    /// Keep a document. Losing it in a crash is fine; half of it is never seen.
    pub(crate) fn put(&self, path: &str, bytes: Option<Arc<[u8]>>, packed: Option<Shared>, etag: Option<&str>, until: Timestamp) {
        let mut state = self.state();
        state.unwritten += bytes.as_ref().map_or(0, |bytes| bytes.len());
        let cached = Cached {
            missing: bytes.is_none(),
            etag: etag.map(str::to_owned),
            fresh_until: until,
            packed,
            body: Body::New(bytes.unwrap_or_default()),
        };
        state.entries.insert(path.into(), cached);
        state.changed.insert(path.into(), Change::New);
    }

    /// The document still holds, until then.
    pub(crate) fn renew(&self, path: &str, until: Timestamp) {
        self.change(path, |cached| cached.fresh_until = until);
    }

    /// What a document that's cached already is in its packed form.
    pub(crate) fn put_packed(&self, path: &str, packed: Shared) {
        self.change(path, |cached| cached.packed = Some(packed));
    }

    fn change(&self, path: &str, how: impl FnOnce(&mut Cached)) {
        let mut state = self.state();
        if let Some(cached) = state.entries.get_mut(path) {
            how(cached);
            state.changed.entry(path.into()).or_insert(Change::Renewed);
            if state.unwritten >= MUCH {
                state.write(&self.path);
            }
        }
    }
}

impl Drop for DocumentCache {
    fn drop(&mut self) {
        if let Some(state) = self.state.get_mut() {
            state.get_mut().unwrap_or_else(PoisonError::into_inner).write(&self.path);
        }
    }
}

/// Until when a document holds that was fetched then.
pub(crate) fn until(fetched: Timestamp, max_age: Duration) -> Timestamp {
    let until = fetched.as_second().saturating_add(i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX));
    Timestamp::from_second(until.min(Timestamp::MAX.as_second())).unwrap_or(Timestamp::MAX)
}

impl State {
    /// Everything but the bodies.
    fn read(path: &Path) -> Self {
        let mut state = Self::default();
        let Ok(mut file) = File::open(path) else { return state };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let mut at = 0;
        while at < length {
            let Some(end) = state.read_batch(&mut file, at, length) else {
                state.damaged = true;
                break;
            };
            at = end;
        }
        state
    }

    /// Read a batch's head. Gives where the batch ends.
    fn read_batch(&mut self, file: &mut File, at: u64, end_of_file: u64) -> Option<u64> {
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut prefix = [0; PREFIX];
        file.read_exact(&mut prefix).ok()?;
        let (magic, rest) = prefix.split_at(8);
        let (head_length, rest) = rest.split_at(4);
        let (bodies, expected) = rest.split_at(8);
        let head_length = usize::try_from(u32::from_le_bytes(head_length.try_into().ok()?)).ok()?;
        let bodies = u64::from_le_bytes(bodies.try_into().ok()?);
        let start = at + (PREFIX + head_length) as u64;
        let end = start.checked_add(bodies)?;
        if magic != MAGIC || end > end_of_file || head_length > MAX_HEAD {
            return None;
        }
        let mut head = vec![0; head_length];
        file.read_exact(&mut head).ok()?;
        if check(&head).to_le_bytes() != expected {
            return None;
        }
        self.read_entries(&head.into(), start)?;
        self.in_file += bodies;
        self.batches += 1;
        Some(end)
    }

    fn read_entries(&mut self, head: &Arc<[u8]>, bodies: u64) -> Option<()> {
        let (mut at, mut body_at) = (0, bodies);
        while at < head.len() {
            let end = at + head[at..].iter().position(|byte| *byte == b'\n')?;
            let entry: Entry<'_> = serde_json::from_slice(&head[at..end]).ok()?;
            let packed_end = end + 1 + entry.packed.unwrap_or(0);
            let packed = entry.packed.map(|_| Shared { whole: head.clone(), part: end + 1..packed_end });
            if packed_end > head.len() {
                return None;
            }
            let body = if entry.renewed {
                self.entries.get(&*entry.key).map(|before| before.body.clone())
            } else {
                Some(Body::Kept { at: body_at, length: entry.body, check: entry.check })
            };
            // Renewed by one process while another wrote the file anew without it: then it isn't known.
            if let Some(body) = body {
                let fresh_until = Timestamp::from_second(entry.until).ok()?;
                let etag = entry.etag.map(std::borrow::Cow::into_owned);
                let cached = Cached { missing: entry.missing, etag, fresh_until, packed, body };
                self.entries.insert(entry.key.into(), cached);
            }
            body_at += if entry.renewed { 0 } else { entry.body as u64 };
            at = packed_end;
        }
        Some(())
    }

    /// Write what's new. That it can't be written isn't worth an error: what's lost is asked for again.
    fn write(&mut self, path: &Path) {
        let changed = std::mem::take(&mut self.changed);
        self.unwritten = 0;
        if changed.is_empty() {
            return;
        }
        let live: u64 = self.entries.values().map(|cached| cached.body.len() as u64).sum();
        let is_wasteful = self.in_file > 2 * live + (1 << 20) || self.batches >= MANY_BATCHES;
        if (self.damaged || is_wasteful) && self.write_anew(path).is_some() {
            *self = Self::read(path); // everything is somewhere else in it now
            return;
        }
        let batch = batch(changed.iter().filter_map(|(key, change)| {
            let cached = self.entries.get(key)?;
            let bytes: &[u8] = match &cached.body {
                Body::New(bytes) => bytes,
                Body::Kept { .. } => &[],
            };
            Some((&**key, cached, bytes, *change == Change::Renewed))
        }));
        let Ok(end) = append_cache(path, &batch) else { return };
        self.batches += 1;
        self.let_go(changed.keys(), end);
    }

    /// The new bodies of these entries are in the file now, the last of them up to its end.
    fn let_go<'k>(&mut self, written: impl DoubleEndedIterator<Item = &'k Box<str>>, end: u64) {
        let mut end = end;
        for key in written.rev() {
            if let Some(cached) = self.entries.get_mut(key)
                && let Body::New(bytes) = &cached.body
            {
                end = end.saturating_sub(bytes.len() as u64);
                self.in_file += bytes.len() as u64;
                cached.body = Body::Kept { at: end, length: bytes.len(), check: check(bytes) };
            }
        }
    }

    /// One batch of everything that's known, in the place of the file.
    fn write_anew(&mut self, path: &Path) -> Option<()> {
        let mut file = File::open(path).ok()?;
        let whole = self.entries.iter().filter_map(|(key, cached)| {
            let bytes = match &cached.body {
                Body::New(bytes) => bytes.to_vec(),
                // What was damaged since isn't given a new checksum: it's left out.
                Body::Kept { at, length, check } => read_body(&mut file, *at, *length, *check)?,
            };
            Some((key, cached, bytes))
        });
        let whole: Vec<(&Box<str>, &Cached, Vec<u8>)> = whole.collect();
        let batch = batch(whole.iter().map(|(key, cached, bytes)| (&***key, *cached, bytes.as_slice(), false)));
        write_cache(path, &batch).ok()
    }
}

/// A body of the file; `None` if it isn't what it was.
fn read_body(file: &mut File, at: u64, length: usize, expected: Check) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).ok()?;
    (check(&bytes) == expected).then_some(bytes)
}

/// Entries (key, what's known, its bytes, is only the rest new?) as they're written.
fn batch<'b>(entries: impl Iterator<Item = (&'b str, &'b Cached, &'b [u8], bool)>) -> Vec<u8> {
    let entries: Vec<_> = entries.collect();
    let packed = |cached: &'b Cached| cached.packed.as_ref().map(AsRef::as_ref).unwrap_or_default();
    let bodies: usize = entries.iter().map(|(_, _, bytes, _)| bytes.len()).sum();
    let heads: usize = entries.iter().map(|(key, cached, ..)| 160 + key.len() + packed(cached).len()).sum();
    // In one piece from the start: it's as large as all that's new.
    let mut batch = Vec::with_capacity(PREFIX + heads + bodies);
    batch.resize(PREFIX, 0);
    for (key, cached, bytes, renewed) in &entries {
        let entry = Entry {
            key: (*key).into(),
            etag: cached.etag.as_deref().map(Into::into),
            until: cached.fresh_until.as_second(),
            missing: cached.missing,
            renewed: *renewed,
            packed: cached.packed.as_ref().map(|packed| packed.part.len()),
            body: bytes.len(),
            check: if *renewed { 0 } else { check(bytes) },
        };
        serde_json::to_writer(&mut batch, &entry).expect("an entry of plain values is JSON");
        batch.push(b'\n');
        batch.extend_from_slice(packed(cached));
    }
    let head = &batch[PREFIX..];
    let (length, sum) = (u32::try_from(head.len()).unwrap_or(u32::MAX), check(head));
    let prefix = [&MAGIC[..], &length.to_le_bytes(), &(bodies as u64).to_le_bytes(), &sum.to_le_bytes()].concat();
    batch[..PREFIX].copy_from_slice(&prefix);
    for (_, _, bytes, _) in &entries {
        batch.extend_from_slice(bytes);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> DocumentCache {
        DocumentCache::of(folder, &Url::parse("https://a.example/").unwrap())
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn text(cache: &DocumentCache, path: &str) -> Option<String> {
        cache.bytes(&cache.get(path)?).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn what_was_put_is_got_by_the_next_process_too() {
        let folder = tempfile::tempdir().unwrap();
        let first = cache(folder.path());
        assert!(first.is_cold() && first.get("index/x").is_none());
        first.put("index/x", Some(b"line\n".as_slice().into()), Some(b"pa\ncked".to_vec().into()), Some("\"e\""), at(1_060));
        first.put("index/y", None, None, None, until(at(1_000), Duration::MAX));
        assert_eq!(text(&first, "index/x").as_deref(), Some("line\n"));
        drop(first);
        let second = cache(folder.path());
        let cached = second.get("index/x").unwrap();
        assert_eq!((cached.etag.as_deref(), cached.fresh_until), (Some("\"e\""), at(1_060)));
        assert_eq!(cached.packed().unwrap().as_ref(), b"pa\ncked");
        assert_eq!(text(&second, "index/x").as_deref(), Some("line\n"));
        assert!(!second.is_cold() && second.get("index/y").unwrap().missing);
    }

    #[test]
    fn a_renewed_document_keeps_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        cache(folder.path()).put("index/x", Some(b"line\n".as_slice().into()), None, None, at(1));
        cache(folder.path()).put("index/z", Some(b"other\n".as_slice().into()), None, None, at(1));
        let renewing = cache(folder.path());
        renewing.renew("index/x", at(9));
        renewing.put_packed("index/x", b"packed".to_vec().into());
        drop(renewing);
        let last = cache(folder.path());
        let cached = last.get("index/x").unwrap();
        assert_eq!((cached.fresh_until, cached.packed().unwrap().as_ref()), (at(9), &b"packed"[..]));
        assert_eq!((text(&last, "index/x").as_deref(), text(&last, "index/z").as_deref()), (Some("line\n"), Some("other\n")));
    }

    #[test]
    fn what_is_damaged_anywhere_is_nothing_and_is_healed() {
        let folder = tempfile::tempdir().unwrap();
        cache(folder.path()).put("index/a", Some(b"first\n".as_slice().into()), Some(b"packed".to_vec().into()), None, at(1));
        let path = cache(folder.path()).path.clone();
        let intact = std::fs::read(&path).unwrap();
        cache(folder.path()).put("index/b", Some(b"second\n".as_slice().into()), None, None, at(1));
        let both = std::fs::read(&path).unwrap();
        for end in intact.len()..both.len() {
            write_cache(&path, &both[..end]).unwrap();
            let cut = cache(folder.path());
            assert_eq!((text(&cut, "index/a").as_deref(), text(&cut, "index/b")), (Some("first\n"), None), "{end}");
        }
        cache(folder.path()).put("index/c", Some(b"third\n".as_slice().into()), None, None, at(1));
        let healed = cache(folder.path());
        assert_eq!((text(&healed, "index/a").as_deref(), text(&healed, "index/c").as_deref()), (Some("first\n"), Some("third\n")));
        for flipped in 0..intact.len() {
            let mut bytes = intact.clone();
            bytes[flipped] ^= 1;
            write_cache(&path, &bytes).unwrap();
            assert_eq!(text(&cache(folder.path()), "index/a"), None, "{flipped}");
        }
    }

    #[test]
    fn a_damaged_document_is_left_out_when_the_file_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            cache(folder.path()).put(&format!("index/{name}"), Some(format!("{name}-line\n").into_bytes().into()), None, None, at(1));
        }
        let path = cache(folder.path()).path.clone();
        let mut bytes = std::fs::read(&path).unwrap();
        let of_a = bytes.windows(7).position(|window| window == b"a-line\n").unwrap();
        bytes[of_a] ^= 1;
        write_cache(&path, &bytes).unwrap();
        let damaged = cache(folder.path());
        damaged.state().damaged = true;
        damaged.put("index/c", Some(b"c-line\n".as_slice().into()), None, None, at(1));
        damaged.state().write(&path);
        for healed in [damaged, cache(folder.path())] {
            assert!(healed.state().batches == 1 && !healed.state().damaged);
            let texts = ["a", "b", "c"].map(|name| text(&healed, &format!("index/{name}")));
            assert_eq!(texts, [None, Some("b-line\n".to_owned()), Some("c-line\n".to_owned())]);
        }
    }

    #[test]
    fn a_file_of_many_batches_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MANY_BATCHES + 2 {
            cache(folder.path()).put(&format!("index/{}", number % 7), Some(format!("{number}").into_bytes().into()), None, None, at(1));
        }
        let last = cache(folder.path());
        assert!(last.state().batches < 4);
        let newest = (MANY_BATCHES + 1).to_string();
        assert_eq!(text(&last, &format!("index/{}", (MANY_BATCHES + 1) % 7)), Some(newest));
    }

    #[test]
    fn registries_dont_share() {
        let of = |url: &str| DocumentCache::of(Path::new("/c"), &Url::parse(url).unwrap()).path.clone();
        assert_ne!(of("https://a.example/"), of("https://a.example/x/"));
    }
}
