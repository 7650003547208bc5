//! Which answers may a plugin have again without asking? Those of GETs, for as long as their server said.
//!
//! A plugin has no memory between calls, so the host remembers for it; each plugin has a cache of its own. It's the
//! cautious part of RFC 9111: an answer is used again for `max-age` less `Age` seconds, and only for a request that's the
//! same in every header, which makes `Vary` hold by itself. Nothing is guessed (no heuristics, no `Expires`), nothing stale
//! is used, and nothing is revalidated. With credentials (`Authorization`, `Cookie`) an answer is kept only where its
//! server says that it's `public`.
//!
//! (The crate `http-cache-semantics` 3.0 was looked at: it takes `No-Store` for another word than `no-store`, and an `Age`
//! near 2^64 makes it panic.)

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{AGE, AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, PRAGMA, RANGE, SET_COOKIE, VARY};
use http::{Method, StatusCode};

use super::rules::{Checked, Received};

/// What a plugin's cache holds at most, in bytes: URLs, headers and bodies of requests and answers.
pub(crate) const MAX_BYTES: usize = 8 << 20;
/// What an entry costs beside its text.
const ENTRY_BYTES: usize = 512;

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    url: String,
    headers: Vec<(String, Vec<u8>)>,
}

/// The key of a request whose answer may be kept or looked up; `None` if it's to be sent in any case.
pub(super) fn key(request: &Checked) -> Option<Key> {
    let sent = &request.headers;
    let whole = request.method == Method::GET && request.body.is_empty() && !sent.contains_key(RANGE);
    let conditional = sent.keys().any(|name| name.as_str().starts_with("if-"));
    // A plugin that says anything about caching wants to be heard by the server.
    let says_how = sent.contains_key(CACHE_CONTROL) || sent.contains_key(PRAGMA);
    if !whole || conditional || says_how {
        return None;
    }
    let mut headers: Vec<_> = sent.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    headers.sort();
    Some(Key { url: request.url.as_str().to_owned(), headers })
}

/// For how long the answer to this request may be used again.
fn lifetime(request: &Checked, answer: &Received) -> Option<Duration> {
    let directives = Directives::of(&answer.headers);
    let personal = request.headers.contains_key(AUTHORIZATION) || request.headers.contains_key(COOKIE);
    let any_vary = answer.headers.get_all(VARY).iter().any(|value| value.as_bytes().contains(&b'*'));
    let kept = answer.status == StatusCode::OK
        && !directives.forbid
        && (!personal || directives.public)
        && !any_vary
        && !answer.headers.contains_key(SET_COOKIE);
    let age = match answer.headers.get(AGE) {
        Some(age) => age.to_str().ok()?.trim().parse().ok()?,
        None => 0,
    };
    let left = directives.max_age?.checked_sub(age).filter(|left| *left > 0)?;
    kept.then(|| Duration::from_secs(left.min(LONGEST)))
}

/// Nothing is used again for longer than a day, in seconds.
const LONGEST: u64 = 24 * 60 * 60;

/// What `Cache-Control` says, as far as it matters here.
#[derive(Debug, Default)]
struct Directives {
    forbid: bool,
    public: bool,
    max_age: Option<u64>,
}

impl Directives {
    fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        for value in headers.get_all(CACHE_CONTROL) {
            match value.to_str() {
                Ok(text) => text.split(',').for_each(|directive| all.add(directive.trim())),
                Err(_) => all.forbid = true,
            }
        }
        all
    }

    fn add(&mut self, directive: &str) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => self.forbid = true,
            "public" => self.public = true,
            "max-age" => match (value.trim().trim_matches('"').parse(), self.max_age) {
                (Ok(seconds), None) => self.max_age = Some(seconds),
                // Unreadable, or said twice.
                _ => self.forbid = true,
            },
            _ => {}
        }
    }
}

#[derive(Debug)]
struct Entry {
    answer: Received,
    /// When it was stored and until when it's good, in milliseconds of the plugins' clock.
    stored: i64,
    until: i64,
    /// When it was last used, by the cache's own count.
    used: u64,
    bytes: usize,
}

/// The answers that one plugin may have again.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<Key, Entry>,
    bytes: usize,
    uses: u64,
}

impl Cache {
    /// An answer that's still good at `now`, in milliseconds.
    pub(super) fn get(&mut self, key: &Key, now: i64) -> Option<Received> {
        let entry = self.entries.get_mut(key)?;
        if !(entry.stored..entry.until).contains(&now) {
            self.remove(&key.clone());
            return None;
        }
        self.uses += 1;
        entry.used = self.uses;
        Some(entry.answer.clone())
    }

    /// Keep the answer that came at `now`, if it may be used again and isn't larger than all there's room for. What wasn't
    /// used for longest makes room.
    pub(super) fn put(&mut self, key: Key, request: &Checked, answer: &Received, now: i64) {
        self.remove(&key);
        let Some(lifetime) = lifetime(request, answer) else { return };
        let bytes = size(&key, answer);
        if bytes > MAX_BYTES {
            return;
        }
        while self.bytes + bytes > MAX_BYTES {
            let Some(oldest) = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone()) else { break };
            self.remove(&oldest);
        }
        self.uses += 1;
        self.bytes += bytes;
        let until = now.saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
        self.entries.insert(key, Entry { answer: answer.clone(), stored: now, until, used: self.uses, bytes });
    }

    /// Forget what's known of a URL that something was written to.
    pub(super) fn forget(&mut self, url: &str) {
        let keys: Vec<Key> = self.entries.keys().filter(|key| key.url == url).cloned().collect();
        for key in &keys {
            self.remove(key);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }
}

fn size(key: &Key, answer: &Received) -> usize {
    let asked: usize = key.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let given: usize = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    ENTRY_BYTES + key.url.len() + asked + given + answer.body.len()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use url::Url;

    use super::super::rules::header;
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| header(name, value).unwrap()).collect()
    }

    fn get(url: &str, headers: &[(&str, &str)]) -> Checked {
        Checked { method: Method::GET, url: Url::parse(url).unwrap(), headers: map(headers), body: Bytes::new() }
    }

    fn answer(headers: &[(&str, &str)], body: usize) -> Received {
        Received { status: StatusCode::OK, headers: map(headers), body: vec![7; body].into() }
    }

    fn seconds(request: &[(&str, &str)], headers: &[(&str, &str)]) -> Option<u64> {
        lifetime(&get("https://a.example/", request), &answer(headers, 0)).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn the_server_says_for_how_long() {
        let control = |value: &str| seconds(&[], &[("cache-control", value)]);
        assert_eq!(control("max-age=60"), Some(60));
        assert_eq!(control("Private, MAX-AGE=\"60\""), Some(60));
        assert_eq!(control("max-age=999999999"), Some(LONGEST));
        for none in ["", "public", "max-age=0", "max-age=x", "max-age=-1", "max-age", "max-age=60, max-age=90", "s-maxage=60"] {
            assert_eq!(control(none), None, "{none}");
        }
        for none in ["max-age=60, no-store", "No-Store, max-age=60", "no-cache, max-age=60", "no-cache=\"x\", max-age=60"] {
            assert_eq!(control(none), None, "{none}");
        }
        let with = |name: &'static str, value: &'static str| seconds(&[], &[("cache-control", "max-age=60"), (name, value)]);
        assert_eq!(with("age", "20"), Some(40));
        assert_eq!(with("age", "18446744073709551615"), None);
        assert_eq!((with("age", "x"), with("vary", "Accept, *"), with("set-cookie", "a=b")), (None, None, None));
        assert_eq!(with("vary", "accept"), Some(60), "every header is in the key");
        assert_eq!(with("cache-control", "no-store"), None, "said in another line");
    }

    #[test]
    fn credentials_need_a_public_answer() {
        for name in ["authorization", "cookie"] {
            assert_eq!(seconds(&[(name, "secret")], &[("cache-control", "max-age=60")]), None);
            assert_eq!(seconds(&[(name, "secret")], &[("cache-control", "max-age=60, private")]), None);
            assert_eq!(seconds(&[(name, "secret")], &[("cache-control", "max-age=60, public")]), Some(60));
        }
    }

    #[test]
    fn only_whole_answers_to_plain_gets() {
        assert!(key(&get("https://a.example/", &[("accept", "text/plain")])).is_some());
        for name in ["range", "if-none-match", "if-range", "cache-control", "pragma"] {
            assert!(key(&get("https://a.example/", &[(name, "x")])).is_none(), "{name}");
        }
        assert!(key(&Checked { method: Method::HEAD, ..get("https://a.example/", &[]) }).is_none());
        assert!(key(&Checked { body: "x".into(), ..get("https://a.example/", &[]) }).is_none());
        let not_ok = Received { status: StatusCode::NOT_FOUND, ..answer(&[("cache-control", "max-age=60")], 0) };
        assert_eq!(lifetime(&get("https://a.example/", &[]), &not_ok), None);
    }

    #[test]
    fn an_answer_is_good_until_it_is_not() {
        let (mut cache, request) = (Cache::default(), get("https://a.example/", &[]));
        let key = key(&request).unwrap();
        cache.put(key.clone(), &request, &answer(&[("cache-control", "max-age=2")], 5), 10_000);
        assert!(cache.get(&key, 11_999).is_some());
        assert!(cache.get(&key, 12_000).is_none() && cache.entries.is_empty() && cache.bytes == 0);
        cache.put(key.clone(), &request, &answer(&[("cache-control", "max-age=2")], 5), 10_000);
        assert!(cache.get(&key, 9_999).is_none(), "the clock was set back");
        cache.put(key.clone(), &request, &answer(&[("cache-control", "max-age=2")], 5), 10_000);
        cache.forget("https://a.example/");
        assert!(cache.get(&key, 10_000).is_none());
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let mut cache = Cache::default();
        let put = |cache: &mut Cache, name: &str, body| {
            let request = get(&format!("https://a.example/{name}"), &[]);
            let key = key(&request).unwrap();
            cache.put(key.clone(), &request, &answer(&[("cache-control", "max-age=60")], body), 0);
            key
        };
        let third = MAX_BYTES / 3 - 1000;
        let (first, second, third_key) = (put(&mut cache, "1", third), put(&mut cache, "2", third), put(&mut cache, "3", third));
        assert!(cache.get(&first, 0).is_some());
        let fourth = put(&mut cache, "4", third);
        assert!(cache.get(&second, 0).is_none(), "it wasn't used");
        assert!([&first, &third_key, &fourth].into_iter().all(|key| cache.get(key, 0).is_some()));
        let large = put(&mut cache, "large", MAX_BYTES);
        assert!(cache.get(&large, 0).is_none() && cache.get(&first, 0).is_some(), "what can't fit displaces nothing");
        assert!(cache.bytes <= MAX_BYTES);
    }
}
