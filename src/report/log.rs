//! What does a server say while it runs? A line an event on stderr, as text or as JSON, written by a thread of its own.
//!
//! Whoever has something to say never waits: where stderr takes no more, lines are dropped, and how many is said later.
//! Lines hold what we say of a request (its id, its route, its status), never its headers, query or body.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::report::clean;

/// Lines that may wait to be written.
const MAX_WAITING: usize = 8192;
/// Lines that are written at once.
const BATCH_BYTES: usize = 64 << 10;

/// How long the end of the process waits for the last lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// How lines look, and which are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogStyle {
    pub(crate) json: bool,
    pub(crate) least: Level,
}

/// The log of a server. Cheap to clone; all clones write to the same place.
#[derive(Debug, Clone)]
pub(crate) struct ServerLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    style: LogStyle,
    lines: Mutex<Option<SyncSender<String>>>,
    dropped: Arc<AtomicU64>,
    ended: Mutex<Option<Receiver<()>>>,
}

impl ServerLog {
    /// Start to write. Without a thread nothing is written.
    pub(crate) fn start(style: LogStyle) -> Self {
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&dropped);
        let (end, ended) = sync_channel(1);
        let work = move || {
            write_all(&receiver, style, &counted);
            // Nobody may wait for it any more.
            let _ = end.send(());
        };
        // Without a thread there's no receiver, and every line is dropped.
        let _ = std::thread::Builder::new().name("mfp-log".into()).spawn(work);
        Self(Arc::new(Shared { style, lines: Mutex::new(Some(sender)), dropped, ended: Mutex::new(Some(ended)) }))
    }

    /// Something happened. Fields that are null are left out.
    pub(crate) fn line<const N: usize>(&self, level: Level, event: &str, fields: [(&str, Value); N]) {
        if level < self.0.style.least {
            return;
        }
        let line = rendered(self.0.style.json, level, event, fields);
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(TrySendError::Full(_))) = lines.as_ref().map(|lines| lines.try_send(line)) {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Write what's waiting, unless stderr takes nothing any more. Nothing is written after.
    pub(crate) fn end(&self) {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            let _ = ended.recv_timeout(LAST_WORDS);
        }
    }
}

fn write_all(lines: &Receiver<String>, style: LogStyle, dropped: &AtomicU64) {
    while let Ok(mut text) = lines.recv() {
        while text.len() < BATCH_BYTES
            && let Ok(line) = lines.try_recv()
        {
            text.push_str(&line);
        }
        match dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            count => text.push_str(&rendered(style.json, Level::Warn, "log-lines-dropped", [("count", count.into())])),
        }
        crate::report::gate::to_stderr(&text, false);
    }
}

fn rendered<const N: usize>(json: bool, level: Level, event: &str, fields: [(&str, Value); N]) -> String {
    let time = format!("{:.3}", crate::settings::now());
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    if json {
        let mut object = Map::new();
        object.insert("time".to_owned(), time.into());
        object.insert("level".to_owned(), level.as_str().into());
        object.insert("event".to_owned(), event.into());
        object.extend(fields.map(|(key, value)| (key.to_owned(), value)));
        return format!("{}\n", crate::report::neutral_json(&Value::Object(object).to_string()));
    }
    let fields = fields.map(|(key, value)| format!(" {key}={}", plain(&value)));
    format!("{time} {} {event}{}\n", level.as_str(), fields.collect::<String>())
}

/// A value as a word, or in quotes where it's more.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => clean(text).into_owned(),
        Value::String(text) => format!("{:?}", clean(text)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_holds() {
        let fields = || [("a", "x".into()), ("b", "two words\n\u{1b}[31m".into()), ("c", Value::Null), ("d", 1.into())];
        let text = rendered(false, Level::Info, "request", fields());
        assert!(text.ends_with(" info request a=x b=\"two words\\\\u{a}\\\\u{1b}[31m\" d=1\n"), "{text}");
        let json = rendered(true, Level::Warn, "request", fields());
        assert_eq!(json.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&value["level"], &value["b"], value.get("c")), (&"warn".into(), &"two words\n\u{1b}[31m".into(), None));
        assert!(!json.contains('\u{1b}'));
    }
}
