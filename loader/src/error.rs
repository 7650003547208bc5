//! Why was a plugin not loaded, or stopped? Every way, with a stable code and a sentence that names the plugin, the
//! function and the limit.
//!
//! Texts that come from a module (names of imports, functions, its own errors) are stripped of control and
//! bidirectional characters and cut before they get into a sentence. A configuration's values never get into one.

use std::fmt;
use std::io;
use std::time::Duration;

use mfp_model::content::PackagePath;
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;
use mfp_model::text::is_control_or_bidi;

use crate::call::Call;
use crate::capability::files::FilesError;
use crate::config::Violation;

/// The longest error text of a plugin's own that's kept, in bytes.
pub const MAX_PLUGIN_ERROR: usize = 4096;

/// Foreign text for a sentence: without control and bidirectional characters, at most `most` characters.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().filter(|c| !is_control_or_bidi(*c)).take(most).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// A limit or rule that the sandbox stopped a plugin for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopKind {
    /// It ran, or made its caller wait, longer than this.
    Time(Duration),
    /// It went on for more steps than this, where steps are counted and not time.
    Fuel(u64),
    /// It wanted more linear memory than this many bytes.
    Memory(u64),
    /// It wanted more table elements than this.
    Table(u64),
    /// It called itself deeper than this many bytes of stack.
    Stack(usize),
    /// It trapped: what happened, in wasm's words.
    Trap(String),
    /// It broke the ABI: a pointer or a length that can't be, or another version of the ABI.
    Abi(String),
    /// It answered something that isn't an answer: too long, not JSON, or of the wrong shape.
    Answer(String),
    /// Too many calls of it were running, for all the time that this one had.
    Busy(u32),
    /// The host failed it: no memory for another instance, no thread, no random numbers. Not the plugin's fault.
    Host(String),
}

impl StopKind {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Time(_) => "mfp::sandbox::time",
            Self::Fuel(_) => "mfp::sandbox::fuel",
            Self::Memory(_) => "mfp::sandbox::memory",
            Self::Table(_) => "mfp::sandbox::table",
            Self::Stack(_) => "mfp::sandbox::stack",
            Self::Trap(_) => "mfp::sandbox::trap",
            Self::Abi(_) => "mfp::sandbox::abi",
            Self::Answer(_) => "mfp::sandbox::answer",
            Self::Busy(_) => "mfp::sandbox::busy",
            Self::Host(_) => "mfp::sandbox::host",
        }
    }
}

impl fmt::Display for StopKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(limit) => write!(out, "it took longer than its time limit of {} ms", limit.as_millis()),
            Self::Fuel(limit) => write!(out, "it went on for more than its limit of {limit} steps"),
            Self::Memory(limit) => write!(out, "it wanted more than its memory limit of {}", bytes(*limit)),
            Self::Table(limit) => write!(out, "it wanted more than its limit of {limit} table elements"),
            Self::Stack(limit) => write!(out, "it needed more than its stack limit of {}", bytes(*limit as u64)),
            Self::Trap(what) => write!(out, "it trapped: {what}"),
            Self::Abi(what) => write!(out, "it broke the ABI: {what}"),
            Self::Answer(what) => write!(out, "its answer can't be used: {what}"),
            Self::Busy(most) => write!(out, "{most} calls of it were running already, which is its limit"),
            Self::Host(what) => write!(out, "the host couldn't run it: {what}"),
        }
    }
}

/// `64MiB`, `512KiB`, or a number of bytes.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        mib if mib >= 1 << 20 && mib % (1 << 20) == 0 => format!("{}MiB", mib >> 20),
        kib if kib >= 1 << 10 && kib % (1 << 10) == 0 => format!("{}KiB", kib >> 10),
        other => format!("{other} bytes"),
    }
}

/// The sandbox stopped a plugin: which one, where, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The plugin.
    pub plugin: PluginName,
    /// The call it was answering; `start` while it was being instantiated.
    pub function: &'static str,
    /// Why.
    pub kind: StopKind,
    /// The wasm functions on its stack by name, innermost first, at most eight. Empty if it has no names.
    pub stack: Vec<String>,
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "plugin `{}` was stopped in `{}`: {}", self.plugin, self.function, self.kind)?;
        if !self.stack.is_empty() {
            write!(out, " (in {})", self.stack.join(" ← "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Stop {}

/// Why plugins weren't loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Two plugins of one name.
    #[error("plugin `{0}` is given twice")]
    Duplicate(PluginName),
    /// A dependency that isn't among the plugins to load.
    #[error("plugin `{plugin}` depends on `{dependency}`, which isn't loaded with it")]
    MissingDependency {
        /// Who depends.
        plugin: PluginName,
        /// On whom.
        dependency: PluginName,
    },
    /// Plugins that depend on one another in a circle.
    #[error("these plugins depend on one another in a circle: {}", chain(.0))]
    Cycle(Vec<PluginName>),
    /// The content's listing isn't the one that the content digest is of.
    #[error("the listing of plugin `{0}` isn't what its content digest says")]
    Listing(PluginName),
    /// The entry isn't a file of the plugin.
    #[error("plugin `{plugin}` has no file `{path}`, which is to be its entry")]
    NoEntry {
        /// The plugin.
        plugin: PluginName,
        /// The entry as it was named.
        path: PackagePath,
    },
    /// A file couldn't be read.
    #[error("`{path}` of plugin `{plugin}` can't be read: {source}")]
    Read {
        /// The plugin.
        plugin: PluginName,
        /// Which file.
        path: PackagePath,
        /// Why.
        source: io::Error,
    },
    /// A file's bytes aren't those that the listing has.
    #[error("`{path}` of plugin `{plugin}` isn't the file that was locked: its bytes have changed")]
    Digest {
        /// The plugin.
        plugin: PluginName,
        /// Which file.
        path: PackagePath,
    },
    /// What stands where wasm should be isn't wasm.
    #[error("`{path}` of plugin `{plugin}` isn't WebAssembly: it's {found}")]
    NotWasm {
        /// The plugin.
        plugin: PluginName,
        /// Which file.
        path: PackagePath,
        /// What it looks like.
        found: &'static str,
    },
    /// Not a valid module, or one that uses what isn't allowed (threads, 64-bit memory, several memories, GC, …).
    #[error("the module of plugin `{plugin}` isn't valid: {reason}")]
    Invalid {
        /// The plugin.
        plugin: PluginName,
        /// What the validator says.
        reason: String,
    },
    /// More of something than a module may have.
    #[error("the module of plugin `{plugin}` has {found} {what}, the limit is {limit}")]
    TooLarge {
        /// The plugin.
        plugin: PluginName,
        /// What it has too much of, and its unit.
        what: &'static str,
        /// How much it has.
        found: u64,
        /// How much it may have.
        limit: u64,
    },
    /// It starts with more memory than it may have.
    #[error("plugin `{plugin}` wants {} of memory to start with, its limit is {}", bytes(*.found), bytes(*.limit))]
    Memory {
        /// The plugin.
        plugin: PluginName,
        /// Its minimum, in bytes.
        found: u64,
        /// Its limit, in bytes.
        limit: u64,
    },
    /// It starts with larger tables than it may have.
    #[error("plugin `{plugin}` wants tables of {found} elements to start with, its limit is {limit}")]
    Table {
        /// The plugin.
        plugin: PluginName,
        /// Its minimum.
        found: u64,
        /// Its limit.
        limit: u64,
    },
    /// It imports what isn't granted.
    #[error("plugin `{plugin}` imports what it isn't given: {}", .refused.join(", "))]
    Imports {
        /// The plugin.
        plugin: PluginName,
        /// Each refused import, with its signature where that's what's wrong.
        refused: Vec<String>,
    },
    /// It doesn't export what its kind and its types need.
    #[error("the module of plugin `{plugin}` doesn't export what its types need: {}", .missing.join(", "))]
    Exports {
        /// The plugin.
        plugin: PluginName,
        /// Each missing export, with its signature.
        missing: Vec<String>,
    },
    /// Compiling took too long, or too much memory.
    #[error("the code of plugin `{plugin}` wasn't compiled in {limit}, which is the limit")]
    Compile {
        /// The plugin.
        plugin: PluginName,
        /// The limit, with its unit.
        limit: String,
    },
    /// The configuration isn't what the plugin's schema wants.
    #[error("the configuration of plugin `{plugin}` isn't valid: {}", listed(.violations))]
    Config {
        /// The plugin.
        plugin: PluginName,
        /// Every way in which it isn't, or why the schema can't be used.
        violations: Vec<Violation>,
    },
    /// A folder that it was granted can't be given.
    #[error("plugin `{plugin}`: {source}")]
    Files {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        source: FilesError,
    },
    /// The folder for compiled code can't be trusted.
    #[error("the folder for compiled plugins can't be used: {0}")]
    Cache(#[from] crate::aot::CacheError),
    /// It was stopped while it was being started for the first time.
    #[error(transparent)]
    Stopped(Box<Stop>),
    /// The engine can't be made on this machine.
    #[error("the WebAssembly engine can't be started: {0}")]
    Engine(String),
}

fn chain(names: &[PluginName]) -> String {
    names.iter().map(PluginName::as_str).collect::<Vec<_>>().join(" → ")
}

fn listed(list: &[Violation]) -> String {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl LoadError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => "mfp::load::duplicate",
            Self::MissingDependency { .. } => "mfp::load::dependency",
            Self::Cycle(_) => "mfp::load::cycle",
            Self::Listing(_) | Self::Digest { .. } => "mfp::integrity::content",
            Self::NoEntry { .. } => "mfp::load::entry",
            Self::Read { .. } => "mfp::load::read",
            Self::NotWasm { .. } => "mfp::sandbox::not-wasm",
            Self::Invalid { .. } => "mfp::sandbox::invalid",
            Self::TooLarge { .. } => "mfp::sandbox::size",
            Self::Memory { .. } => "mfp::sandbox::memory",
            Self::Table { .. } => "mfp::sandbox::table",
            Self::Imports { .. } => "mfp::sandbox::import",
            Self::Exports { .. } => "mfp::sandbox::export",
            Self::Compile { .. } => "mfp::sandbox::compile",
            Self::Config { .. } => "mfp::config::invalid",
            Self::Files { .. } => "mfp::sandbox::files",
            Self::Cache(_) => "mfp::sandbox::cache",
            Self::Stopped(stop) => stop.kind.code(),
            Self::Engine(_) => "mfp::sandbox::host",
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No such plugin is loaded.
    #[error("there's no plugin `{name}`{}", near(.nearest.as_ref()))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// A loaded one that may have been meant.
        nearest: Option<PluginName>,
    },
    /// The plugin has no type that answers this call.
    #[error("plugin `{plugin}` can't answer `{call}`: that's for a plugin of type {wanted}")]
    WrongType {
        /// The plugin.
        plugin: PluginName,
        /// The call's name.
        call: &'static str,
        /// The type it would need.
        wanted: PluginType,
    },
    /// A template plugin that doesn't list its functions.
    #[error("plugin `{plugin}` doesn't say which functions it has")]
    NoFunctions {
        /// The plugin.
        plugin: PluginName,
    },
    /// The request isn't what the call takes. The plugin was never asked.
    #[error("this isn't a request for `{call}`: {reason}")]
    Request {
        /// The call's name.
        call: &'static str,
        /// What's wrong, with its place.
        reason: String,
    },
    /// The plugin answered that it can't: its own error, `{"success":false,"error":…}`.
    #[error("plugin `{plugin}` says in `{call}`: {}", shown(.message, MAX_PLUGIN_ERROR))]
    Plugin {
        /// The plugin.
        plugin: PluginName,
        /// The call.
        call: Call,
        /// Its words as they came, at most [`MAX_PLUGIN_ERROR`] bytes. Foreign text.
        message: String,
    },
    /// The sandbox stopped it.
    #[error(transparent)]
    Stopped(Box<Stop>),
    /// It's a service, and gave no answer.
    #[error("service `{plugin}` at {endpoint} gave no answer to `{call}`: {failure}")]
    Remote {
        /// The plugin.
        plugin: PluginName,
        /// The call's name.
        call: &'static str,
        /// Where it is.
        endpoint: String,
        /// Why.
        failure: RemoteFailure,
    },
}

/// Why a service gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteFailure {
    /// There's no connection to it: it was never asked.
    #[error("it can't be reached: {0}")]
    Unreachable(String),
    /// The connection broke. It may have been asked.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// It took longer than its time limit, all tries together.
    #[error("it took longer than its time limit of {} ms", .0.as_millis())]
    Timeout(Duration),
    /// It answered with a status that's neither success nor its own error.
    #[error("it answered with status {0}")]
    Status(u16),
    /// It answered something that isn't an answer: too long, not JSON, or of the wrong shape.
    #[error("its answer can't be used: {0}")]
    Answer(String),
}

impl RemoteFailure {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "mfp::remote::unreachable",
            Self::Broken(_) => "mfp::remote::broken",
            Self::Timeout(_) => "mfp::remote::timeout",
            Self::Status(_) => "mfp::remote::status",
            Self::Answer(_) => "mfp::remote::answer",
        }
    }
}

fn near(nearest: Option<&PluginName>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

impl CallError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "mfp::run::unknown",
            Self::WrongType { .. } => "mfp::run::type",
            Self::NoFunctions { .. } => "mfp::run::no-functions",
            Self::Request { .. } => "mfp::run::request",
            Self::Plugin { .. } => "mfp::run::plugin-error",
            Self::Stopped(stop) => stop.kind.code(),
            Self::Remote { failure, .. } => failure.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_neutral_in_a_sentence() {
        assert_eq!(shown("\u{1b}[31mred\u{202e}\n::set-output", 100), "[31mred::set-output");
        assert_eq!(shown("abcdef", 3), "abc…");
    }

    #[test]
    fn a_stop_names_plugin_function_and_limit() {
        let stop = Stop {
            plugin: "auth-jwt".parse().unwrap(),
            function: "authenticate",
            kind: StopKind::Memory(64 << 20),
            stack: vec!["alloc".into(), "main".into()],
        };
        assert_eq!(
            stop.to_string(),
            "plugin `auth-jwt` was stopped in `authenticate`: it wanted more than its memory limit of 64MiB (in alloc ← main)"
        );
    }
}
