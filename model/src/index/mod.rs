//! What has been published? The files of a registry's index: one line a version, in order of publication.
//!
//! A registry is a folder of static files that strangers may have written, so every field comes through the type that has
//! its rules, and a file is only ever about the name it was asked for. A line whose `v` isn't known, or that asks for a
//! capability that isn't known, is for a newer mfp and is skipped; unknown keys are ignored; everything else that's wrong
//! is an error, so that a damaged index never looks like a registry with fewer versions.

pub mod packed;
mod wire;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

pub use self::write::Publication;
use crate::capability::Capabilities;
use crate::digest::{ContentDigest, Sha256};
use crate::name::PluginName;
use crate::plugin::{Author, Dependency, PluginType, neutral};
use crate::requirement::Requirement;
use crate::signer::Signer;
use crate::source::{ArchiveFormat, Artifact};
use crate::version::Version;

/// The `v` of the lines that this mfp reads.
pub const LINE_VERSION: u64 = 1;
/// The most versions of one plugin (trust.md, rule 8).
pub const MAX_VERSIONS: usize = 2_000;

/// One published version.
///
/// The texts for people (`description`, `author`, links, words, reasons) are a stranger's and are kept as they are: whoever
/// shows them makes them neutral.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexLine {
    /// The plugin's name: always the one whose file this is.
    pub name: PluginName,
    /// Its version, without build metadata.
    pub version: Version,
    /// Its types; at least one.
    pub types: BTreeSet<PluginType>,
    /// What it does.
    pub description: Option<Arc<str>>,
    /// Its licence.
    pub license: Option<String>,
    /// The plugins that it may call; no name twice, at most [`crate::plugin::MAX_DEPENDENCIES`].
    pub deps: Vec<Dependency>,
    /// The hosts that it supports; absent means all.
    pub mockforge: Option<Requirement>,
    /// The artifact's file name: one path segment with a known archive suffix.
    pub file: String,
    /// How the artifact is packed, by its file name.
    pub format: ArchiveFormat,
    /// The artifact's size in bytes.
    pub size: u64,
    /// The artifact's digest.
    pub sha256: Sha256,
    /// What the plugin is.
    pub content: ContentDigest,
    /// When it was published, by the registry's clock.
    pub published: Timestamp,
    /// What it asks for beyond the defaults.
    pub capabilities: Capabilities,
    /// Whose signature the package is claimed to have; proven only by the package itself.
    pub signer: Option<Signer>,
    /// Has it been taken back?
    pub yanked: Yanked,
    /// Shown to whoever uses it: there's something better.
    pub deprecated: Option<Deprecated>,
    /// The size of its files unpacked, in bytes, if the registry says.
    pub unpacked: Option<u64>,
    /// Who wrote it.
    pub author: Option<Author>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Its web page.
    pub homepage: Option<String>,
    /// Where its documentation is.
    pub documentation: Option<String>,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Categories to find it by.
    pub categories: Vec<String>,
}

/// Has a version been taken back? It's still served to whoever has locked it, and never newly chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Yanked {
    /// No.
    #[default]
    No,
    /// Yes, without a reason.
    Yes,
    /// Yes, and this is why.
    Because(String),
}

impl Yanked {
    /// Has it been taken back, for whatever reason?
    pub fn is_yanked(&self) -> bool {
        *self != Self::No
    }

    /// Why, if a reason was given.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Because(reason) => Some(reason),
            Self::No | Self::Yes => None,
        }
    }
}

/// `false`, `true`, or the reason.
impl Serialize for Yanked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::Yes => serializer.serialize_bool(true),
            Self::Because(reason) => serializer.serialize_str(reason),
        }
    }
}

/// A version that there's something better than.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deprecated {
    /// Why.
    pub reason: String,
    /// What to use instead.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub use_instead: Option<String>,
}

impl IndexLine {
    /// The artifact as a lock has it.
    pub fn artifact(&self) -> Artifact {
        Artifact { format: self.format, size: self.size, sha256: self.sha256 }
    }
}

/// Why a file isn't an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the index: {message}")]
pub struct IndexError {
    /// The line, from 1; 0 if it's about the whole file.
    pub line: usize,
    /// What's wrong, in one neutral line.
    pub message: String,
}

impl IndexError {
    fn new(line: usize, message: impl AsRef<str>) -> Self {
        Self { line, message: neutral(message.as_ref(), 400) }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        "mfp::registry::index"
    }
}

/// All published versions of one plugin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IndexDocument {
    /// The versions, in order of publication; no version twice, all of one name.
    pub lines: Vec<IndexLine>,
    /// How many lines are for a newer mfp and were skipped.
    pub skipped: usize,
}

impl IndexDocument {
    /// Read the file of one plugin. Every line must be about `expected`.
    pub fn parse(bytes: &[u8], expected: &PluginName) -> Result<Self, IndexError> {
        let mut document = Self::default();
        let mut reader = wire::Reader::default();
        for (number, text) in lines(bytes)? {
            let Some(line) = reader.line(text).map_err(|message| IndexError::new(number, message))? else {
                document.skipped += 1;
                continue;
            };
            if line.name != *expected {
                return Err(IndexError::new(number, format!("it is about `{}`, in the file of `{expected}`", line.name)));
            }
            document.push(line, number)?;
        }
        document.check_unique()?;
        Ok(document)
    }

    /// Read a `bulk` file: the lines of all plugins, in any order of names.
    pub fn parse_bulk(bytes: &[u8]) -> Result<BTreeMap<PluginName, Self>, IndexError> {
        let mut groups = Groups::default();
        let mut reader = wire::Reader::default();
        for (number, text) in lines(bytes)? {
            match reader.line(text).map_err(|message| IndexError::new(number, message))? {
                Some(line) => groups.of(&line.name).push(line, number)?,
                None => {
                    if let Some(name) = wire::name_of(text) {
                        groups.of(&name).skipped += 1;
                    }
                }
            }
        }
        groups.close();
        groups.closed.values().try_for_each(Self::check_unique)?;
        Ok(groups.closed)
    }

    fn push(&mut self, line: IndexLine, number: usize) -> Result<(), IndexError> {
        if self.lines.len() >= MAX_VERSIONS {
            return Err(IndexError::new(number, format!("`{}` has more than {MAX_VERSIONS} versions", line.name)));
        }
        self.lines.push(line);
        Ok(())
    }

    fn check_unique(&self) -> Result<(), IndexError> {
        let mut sorted: Vec<&IndexLine> = self.lines.iter().collect();
        sorted.sort_unstable_by(|a, b| a.version.cmp(&b.version));
        match sorted.windows(2).find(|pair| pair[0].version == pair[1].version) {
            Some(pair) => Err(IndexError::new(0, format!("`{}` {} is there twice", pair[0].name, pair[0].version))),
            None => Ok(()),
        }
    }
}

/// Lines by name. Those of one name mostly stand together, so the last one's document is kept open.
#[derive(Default)]
struct Groups {
    closed: BTreeMap<PluginName, IndexDocument>,
    name: Option<PluginName>,
    open: IndexDocument,
}

impl Groups {
    fn of(&mut self, name: &PluginName) -> &mut IndexDocument {
        if self.name.as_ref() != Some(name) {
            self.close();
            self.open = self.closed.remove(name).unwrap_or_default();
            self.name = Some(name.clone());
        }
        &mut self.open
    }

    fn close(&mut self) {
        if let Some(name) = self.name.take() {
            self.closed.insert(name, std::mem::take(&mut self.open));
        }
    }
}

/// The lines that aren't blank, with their numbers from 1.
fn lines(bytes: &[u8]) -> Result<impl Iterator<Item = (usize, &str)>, IndexError> {
    let text = std::str::from_utf8(bytes).map_err(|_| IndexError::new(0, "the file isn't UTF-8"))?;
    let numbered = text.split('\n').enumerate().map(|(at, line)| (at + 1, line));
    Ok(numbered.filter(|(_, line)| !line.trim_ascii().is_empty()))
}

/// Where the file of a plugin is below the registry's root: `index/au/th/auth-jwt`, and `index/1/a`, `index/2/ab`,
/// `index/3/a/abc` for short names.
pub fn index_path(name: &PluginName) -> String {
    let name = name.as_str();
    match name.len() {
        1 | 2 => format!("index/{}/{name}", name.len()),
        3 => format!("index/3/{}/{name}", &name[..1]),
        _ => format!("index/{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

#[cfg(test)]
mod tests;
