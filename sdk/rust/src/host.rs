//! What does the host give to a plugin?

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

#[cfg(feature = "files")]
use crate::files::Entry;
#[cfg(feature = "http")]
use crate::types::{HttpRequest, HttpResponse};
use crate::{Context as _, Result};

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Finest.
    Trace,
    /// For the plugin's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// The name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What a plugin may ask another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// [`AuthRequest`](crate::AuthRequest) → [`Verdict`](crate::Verdict).
    Authenticate,
    /// [`FunctionCall`](crate::FunctionCall) → any value.
    Execute,
    /// `{}` → a list of [`Function`](crate::Function).
    Functions,
    /// [`GenerateRequest`](crate::GenerateRequest) → [`ResponseData`](crate::ResponseData).
    Generate,
    /// [`QueryRequest`](crate::QueryRequest) → [`Table`](crate::Table).
    Query,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Authenticate, Self::Execute, Self::Functions, Self::Generate, Self::Query];

    /// The name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Execute => "execute",
            Self::Functions => "functions",
            Self::Generate => "generate",
            Self::Query => "query",
        }
    }
}

/// What the host gives, behind one handle: a plugin gets nothing from anywhere else, so that a test can give it all of it
/// ([`testing::MockHost`](crate::testing::MockHost)).
pub trait Host {
    /// A line for the host's log. A call has 64 KiB of log; what's beyond is dropped.
    fn log(&self, level: Level, text: &str);

    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;

    /// Fill all of this with random bytes.
    fn random(&self, out: &mut [u8]);

    /// A file of the plugin's own package, by its path.
    fn asset(&self, path: &str) -> Result<Vec<u8>>;

    /// A file of the project (feature `files`), by the path that the project has for it: `data/products.csv`. Only files in folders that
    /// were asked for (`files` in [`plugin_config!`](crate::plugin_config)) and approved are there, and only for a component.
    #[cfg(feature = "files")]
    fn read_file(&self, path: &str) -> Result<Vec<u8>>;

    /// What's in a folder of the project (feature `files`), by name.
    #[cfg(feature = "files")]
    fn list_folder(&self, path: &str) -> Result<Vec<Entry>>;

    /// Write a file of the project (feature `files`), and the folders that it's in. Who reads it meanwhile reads all of the old file or all of
    /// the new one.
    #[cfg(feature = "files")]
    fn write_file(&self, path: &str, bytes: &[u8]) -> Result<()>;

    /// Call a plugin that this one declares as a dependency. It runs inside this call's time.
    fn call(&self, dependency: &str, call: Call, request: &Value) -> Result<Value>;

    /// Send a request (feature `http`). Hosts that weren't asked for (`http` in [`plugin_config!`](crate::plugin_config)) and approved are refused;
    /// redirects aren't followed.
    #[cfg(feature = "http")]
    fn http(&self, request: &HttpRequest) -> Result<HttpResponse>;
}

/// What a host is mostly asked, in fewer words.
impl dyn Host + '_ {
    /// A line for the host's log.
    pub fn info(&self, text: &str) {
        self.log(Level::Info, text);
    }

    /// A line for the host's log: somebody should look.
    pub fn warn(&self, text: &str) {
        self.log(Level::Warn, text);
    }

    /// So many random bytes.
    pub fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random(&mut bytes);
        bytes
    }

    /// A text file of the plugin's own package.
    pub fn asset_text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.asset(path)?).context(path)
    }

    /// A text file of the project (feature `files`).
    #[cfg(feature = "files")]
    pub fn file_text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.read_file(path)?).context(path)
    }
}
