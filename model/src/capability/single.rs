//! What is it, one by one? Capabilities as a person decides about them: a line each, the broad ones with the reason.

use std::fmt;

use super::Capabilities;
use crate::units::ByteSize;

/// One thing that's asked or allowed: a key of the canonical form and one value of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Single {
    /// The key: `http`.
    pub key: &'static str,
    /// The value as files have it: `api.example.com`, `128MiB`.
    pub value: String,
    /// Why it deserves a second look, if it does.
    pub broad: Option<String>,
}

impl fmt::Display for Single {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.key, self.value)
    }
}

impl Capabilities {
    /// The same in parts, each with one thing in it, in the order of [`Self::singles`].
    pub fn parts(&self) -> Vec<Self> {
        let env = self.env.iter().map(|one| Self { env: [one.clone()].into(), ..Self::default() });
        let read = self.fs_read.iter().map(|one| Self { fs_read: [one.clone()].into(), ..Self::default() });
        let write = self.fs_write.iter().map(|one| Self { fs_write: [one.clone()].into(), ..Self::default() });
        let http = self.http.iter().map(|one| Self { http: [one.clone()].into(), ..Self::default() });
        let memory = self.memory.map(|_| Self { memory: self.memory, ..Self::default() });
        let time = self.time_ms.map(|_| Self { time_ms: self.time_ms, ..Self::default() });
        env.chain(read).chain(write).chain(http).chain(memory).chain(time).collect()
    }

    /// All that's in here, in the order of the canonical form.
    pub fn singles(&self) -> Vec<Single> {
        let single = |key: &'static str, value: String, broad: Option<String>| Single { key, value, broad };
        let env = self.env.iter().map(|name| {
            let secret = if name.looks_secret() { " that looks like a secret" } else { "" };
            single("env", name.to_string(), Some(format!("reads an environment variable{secret}")))
        });
        let read = self.fs_read.iter().map(|path| single("fs-read", path.to_string(), None));
        let write = self.fs_write.iter().map(|path| single("fs-write", path.to_string(), Some("writes files of the project".to_owned())));
        let http = self.http.iter().map(|host| single("http", host.to_string(), host.broad()));
        let memory = self.memory.map(|bytes| single("memory", memory_text(bytes), None));
        let time = self.time_ms.map(|millis| single("time-ms", millis.to_string(), None));
        env.chain(read).chain(write).chain(http).chain(memory).chain(time).collect()
    }
}

/// `128MiB`; a number of bytes where no unit fits.
fn memory_text(bytes: u64) -> String {
    ByteSize(bytes).to_text().unwrap_or_else(|| bytes.to_string())
}
