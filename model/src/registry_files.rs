//! What else does a registry say about itself? Its `config.json`, `search.json` and `advisories.json`.
//!
//! The configuration says where things are and may be from a newer world (`v`), which is an error that says so. The search
//! list is for people and for near names, so a broken entry is left out. A broken advisory hides neither the others nor
//! itself: it's counted, so that whoever reads them can say so. Texts in them are strangers': whoever shows them makes them neutral.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use crate::digest::Sha256;
use crate::index::IndexLine;
use crate::keyed::Keyed;
use crate::name::PluginName;
use crate::plugin::{PluginType, neutral};
use crate::requirement::Requirement;
use crate::text::is_control_or_bidi;
use crate::version::Version;

/// The highest `v` of a `config.json` that this mfp reads.
pub const CONFIG_VERSION: u64 = 1;

/// Why a registry's file can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFileError {
    /// The registry is for a newer mfp.
    #[error("the registry needs {} (its config.json has `v` = {v})", .needs.as_ref().map_or_else(|| "a newer mfp than this one".to_owned(), |range| format!("mfp {range}")))]
    Newer {
        /// The configuration's `v`.
        v: u64,
        /// The versions of mfp that read it, if it says (`mfp`).
        needs: Option<Requirement>,
    },
    /// Not the JSON that it should be.
    #[error("the registry's {file}: {message}")]
    Invalid {
        /// The file.
        file: &'static str,
        /// What's wrong, in one neutral line.
        message: String,
    },
}

impl RegistryFileError {
    /// The stable code: `mfp::registry::newer` or `mfp::registry::invalid`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "mfp::registry::newer",
            Self::Invalid { .. } => "mfp::registry::invalid",
        }
    }

    fn invalid(file: &'static str, message: &dyn Display) -> Self {
        Self::Invalid { file, message: neutral(&message.to_string(), 400) }
    }
}

/// Where artifacts are: a URL, relative to the root or not, with `{name}`, `{version}` and `{file}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadTemplate(String);

impl DownloadTemplate {
    /// The address of a version's artifact. Whether it may be fetched from there is for the caller.
    pub fn url(&self, root: &Url, line: &IndexLine) -> Result<Url, url::ParseError> {
        root.join(&self.path(&line.name, &line.version, &line.file))
    }

    /// As it's written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same before it's resolved against the registry's root.
    pub fn path(&self, name: &PluginName, version: &Version, file: &str) -> String {
        self.0.replace("{name}", name.as_str()).replace("{version}", &version.to_string()).replace("{file}", &segment(file))
    }
}

/// A file's name as one segment of a URL's path.
fn segment(file: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+');
    file.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl FromStr for DownloadTemplate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = ["{name}", "{version}", "{file}"].iter().fold(text.to_owned(), |rest, known| rest.replace(known, ""));
        if rest.contains(['{', '}']) {
            return Err("`dl` has a placeholder other than {name}, {version} and {file}");
        }
        if text.contains("{file}") || (text.contains("{name}") && text.contains("{version}")) {
            return Ok(Self(text.to_owned()));
        }
        Err("`dl` needs {file}, or {name} and {version}: else all artifacts would have one address")
    }
}

/// All index lines in one file, for cold caches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bulk {
    /// Where it is, relative to the root or not.
    pub url: String,
    /// Its size in bytes as it's fetched.
    pub size: u64,
    /// Its size in bytes when decompressed.
    pub unpacked: u64,
    /// SHA-256 of what's fetched.
    pub sha256: Sha256,
    /// When its lines were those of the index.
    #[serde(deserialize_with = "crate::text::deserialize_parsed")]
    pub generated: Timestamp,
}

/// A registry's `config.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// What it calls itself, for people.
    pub name: Option<String>,
    /// Where artifacts are.
    pub dl: DownloadTemplate,
    /// Where its write side is, relative to the root or not, if it has one.
    pub api: Option<String>,
    /// Where the search list is, or a URL with `{query}`.
    pub search: Option<String>,
    /// Where the advisories are.
    pub advisories: Option<String>,
    /// Is reading only for those who show who they are?
    pub auth_required: bool,
    /// All index lines in one file.
    pub bulk: Option<Bulk>,
}

#[derive(Deserialize)]
struct ConfigEdition {
    v: u64,
    #[serde(default)]
    mfp: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ConfigWire {
    name: Option<String>,
    dl: String,
    api: Option<String>,
    search: Option<String>,
    advisories: Option<String>,
    #[serde(default)]
    auth_required: bool,
    bulk: Option<Keyed<Bulk>>,
}

impl RegistryConfig {
    /// The file, below the registry's root.
    pub const FILE: &'static str = "config.json";

    /// Read `config.json`. The version is looked at before anything else, which a newer one may have changed.
    pub fn parse(bytes: &[u8]) -> Result<Self, RegistryFileError> {
        let invalid = |error: &dyn Display| RegistryFileError::invalid(Self::FILE, error);
        let Keyed(edition): Keyed<ConfigEdition> = serde_json::from_slice(bytes).map_err(|error| invalid(&error))?;
        if edition.v > CONFIG_VERSION {
            let needs = edition.mfp.as_ref().and_then(serde_json::Value::as_str).and_then(|text| text.parse().ok());
            return Err(RegistryFileError::Newer { v: edition.v, needs });
        }
        if edition.v == 0 {
            return Err(invalid(&"`v` starts at 1"));
        }
        let Keyed(wire): Keyed<ConfigWire> = serde_json::from_slice(bytes).map_err(|error| invalid(&error))?;
        Ok(Self {
            name: wire.name,
            dl: wire.dl.parse().map_err(|error| invalid(&error))?,
            api: wire.api,
            search: wire.search,
            advisories: wire.advisories,
            auth_required: wire.auth_required,
            bulk: wire.bulk.map(|Keyed(bulk)| bulk),
        })
    }
}

/// An entry of the search list: the newest version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchEntry {
    /// The plugin's name.
    pub name: PluginName,
    /// Its newest version.
    pub version: Version,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// Its types.
    #[serde(default)]
    pub types: BTreeSet<PluginType>,
    /// Its licence.
    #[serde(default)]
    pub license: Option<String>,
    /// Words to find it by.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// When the newest version was published.
    #[serde(default, deserialize_with = "optional_time")]
    pub published: Option<Timestamp>,
    /// How often it was downloaded, if the registry counts.
    #[serde(default)]
    pub downloads: Option<u64>,
}

fn optional_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

impl SearchEntry {
    /// The entry of a plugin whose newest version this is. How often it was downloaded, the index doesn't know.
    pub fn of(line: &IndexLine) -> Self {
        Self {
            name: line.name.clone(),
            version: line.version.clone(),
            description: line.description.as_deref().map(str::to_owned),
            types: line.types.clone(),
            license: line.license.clone(),
            keywords: line.keywords.clone(),
            published: Some(line.published),
            downloads: None,
        }
    }
}

/// What a registry has, as it lists it for searching.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchList {
    /// The entries that could be read, in the registry's order.
    pub entries: Vec<SearchEntry>,
    /// How many couldn't.
    pub unreadable: usize,
}

impl SearchList {
    /// Read `search.json` or a search's answer. Only a document that isn't a list is an error.
    pub fn parse(bytes: &[u8]) -> Result<Self, RegistryFileError> {
        let all: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| RegistryFileError::invalid("search.json", &error))?;
        let count = all.len();
        let read = all.into_iter().filter_map(|entry| serde_json::from_str(entry.get()).ok());
        let entries: Vec<SearchEntry> = read.map(|Keyed(entry)| entry).collect();
        Ok(Self { unreadable: count - entries.len(), entries })
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Severity {
    /// The registry says something that this mfp doesn't know, or nothing.
    #[default]
    Unknown,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// The name in files; unknown ones have none.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// By name; another name is [`Severity::Unknown`], so that a new one hides no advisory.
impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => Self::Unknown,
        })
    }
}

/// A known problem of some versions of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Advisory {
    /// Its id.
    pub id: String,
    /// The plugin's name.
    pub name: PluginName,
    /// The versions that have the problem, in order's terms only: pre-releases too.
    pub versions: Requirement,
    /// How bad it is.
    #[serde(default)]
    pub severity: Severity,
    /// What it is, in a line.
    #[serde(default)]
    pub title: String,
    /// Where to read more; not checked.
    #[serde(default)]
    pub url: Option<String>,
    /// Does it stop lock, update and audit?
    #[serde(default)]
    pub block: bool,
}

/// All advisories of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advisories {
    /// Those that could be read, in the registry's order.
    pub entries: Vec<Advisory>,
    /// How many couldn't.
    pub unreadable: usize,
}

impl Advisories {
    /// Read `advisories.json`. Only a document that isn't a list is an error.
    pub fn parse(bytes: &[u8]) -> Result<Self, RegistryFileError> {
        let all: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| RegistryFileError::invalid("advisories.json", &error))?;
        let count = all.len();
        let read = all.into_iter().filter_map(|entry| serde_json::from_str(entry.get()).ok());
        let entries: Vec<Advisory> = read.map(|Keyed(advisory)| advisory).filter(Advisory::has_an_id).collect();
        Ok(Self { unreadable: count - entries.len(), entries })
    }

    /// Those about this version of this plugin.
    pub fn about<'a>(&'a self, name: &PluginName, version: &Version) -> impl Iterator<Item = &'a Advisory> {
        self.entries.iter().filter(move |advisory| advisory.affects(name, version))
    }
}

impl Advisory {
    /// The longest id: it's typed by people, and stands in reports.
    const MAX_ID: usize = 64;

    /// Without a usable id nobody could say that they've seen it.
    fn has_an_id(&self) -> bool {
        let plain = |character: char| !character.is_whitespace() && !is_control_or_bidi(character);
        (1..=Self::MAX_ID).contains(&self.id.len()) && self.id.chars().all(plain)
    }

    /// Is it about this version of this plugin?
    pub fn affects(&self, name: &PluginName, version: &Version) -> bool {
        self.name == *name && self.versions.range().contains(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"{"v":1,"name":"acme","dl":"dl/{name}/{version}/{file}","api":"api/v1/","search":"search.json","advisories":"advisories.json",
        "auth-required":true,"new":{},"bulk":{"url":"bulk/x.ndjson.zst","size":301234,"unpacked":2301234,
        "sha256":"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f","generated":"2026-08-01T10:00:00Z"}}"#;

    #[test]
    fn the_configuration_says_where_things_are() {
        let config = RegistryConfig::parse(CONFIG.as_bytes()).unwrap();
        assert_eq!((config.name.as_deref(), config.auth_required), (Some("acme"), true));
        assert_eq!(config.bulk.unwrap().unpacked, 2_301_234);
        let small = RegistryConfig::parse(br#"{"v":1,"dl":"{file}"}"#).unwrap();
        assert_eq!((small.search, small.bulk, small.auth_required), (None, None, false));
    }

    #[test]
    fn a_newer_registry_says_so_whatever_else_it_says() {
        let error = RegistryConfig::parse(br#"{"v":2,"dl":[]}"#).unwrap_err();
        assert_eq!(error.code(), "mfp::registry::newer");
        assert_eq!(error.to_string(), "the registry needs a newer mfp than this one (its config.json has `v` = 2)");
        let error = RegistryConfig::parse(br#"{"v":3,"mfp":">=0.4"}"#).unwrap_err();
        assert_eq!(error.to_string(), "the registry needs mfp >=0.4 (its config.json has `v` = 3)");
    }

    #[test]
    fn what_isn_t_a_configuration_is_refused() {
        for text in [
            "",
            "<html>",
            "[]",
            r#"{"dl":"{file}"}"#,
            r#"{"v":0,"dl":"{file}"}"#,
            r#"{"v":1}"#,
            r#"{"v":1,"dl":"dl/"}"#,
            r#"{"v":1,"dl":"{name}"}"#,
            r#"{"v":1,"dl":"{file}/{sha}"}"#,
            r#"{"v":1,"dl":"{file}","bulk":{}}"#,
            r#"{"v":1,"dl":"{file}","auth-required":"yes"}"#,
        ] {
            assert_eq!(RegistryConfig::parse(text.as_bytes()).unwrap_err().code(), "mfp::registry::invalid", "{text}");
        }
    }

    fn line(file: &str) -> IndexLine {
        let digest = "0f".repeat(32);
        let json = format!(
            r#"{{"v":1,"name":"csv","version":"1.0.0-rc.1","types":["datasource"],"deps":[],"file":"{file}","size":1,"sha256":"{digest}","content":"blake3:{digest}","published":"2026-08-01T10:00:00Z","capabilities":{{}}}}"#
        );
        crate::index::IndexDocument::parse(json.as_bytes(), &"csv".parse().unwrap()).unwrap().lines.remove(0)
    }

    #[test]
    fn an_artifact_s_address_is_made_of_safe_segments() {
        let root: Url = "https://plugins.acme.example/r/".parse().unwrap();
        for (template, file, url) in [
            ("dl/{name}/{version}/{file}", "csv.zip", "https://plugins.acme.example/r/dl/csv/1.0.0-rc.1/csv.zip"),
            ("/dl/{file}", "a#b%2f c.zip", "https://plugins.acme.example/dl/a%23b%252f%20c.zip"),
            ("https://cdn.acme.example/{name}-{version}.zip", "csv.zip", "https://cdn.acme.example/csv-1.0.0-rc.1.zip"),
        ] {
            let template: DownloadTemplate = template.parse().unwrap();
            assert_eq!(template.url(&root, &line(file)).unwrap().as_str(), url);
        }
    }

    #[test]
    fn a_broken_search_entry_hides_no_other() {
        let json = r#"[{"name":"csv","version":"1.0.0","types":["datasource"],"downloads":7,"published":"2026-08-01T10:00:00Z","new":1},{"name":"BAD"},7,{"name":"a","version":"1.0.0"}]"#;
        let list = SearchList::parse(json.as_bytes()).unwrap();
        assert_eq!(list.unreadable, 2);
        assert_eq!(list.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["csv", "a"]);
        assert_eq!(SearchList::parse(b"{}").unwrap_err().code(), "mfp::registry::invalid");
    }

    #[test]
    fn an_advisory_covers_prereleases_whatever_its_severity_is_called() {
        let json = r#"[{"id":"A-1","name":"csv","versions":"<1.4.2","severity":"high","title":"t","url":"https://x.example","block":true},{"id":"A-2","name":"csv","versions":"=1.0.0","severity":"dire"}]"#;
        let advisories = Advisories::parse(json.as_bytes()).unwrap().entries;
        let csv: PluginName = "csv".parse().unwrap();
        let affects = |version: &str| advisories[0].affects(&csv, &version.parse().unwrap());
        assert!(affects("1.4.1") && affects("1.4.1-rc.1") && !affects("1.4.2") && !affects("1.4.2-rc.1"));
        assert!(!advisories[0].affects(&"other".parse().unwrap(), &"1.0.0".parse().unwrap()));
        assert_eq!((advisories[0].severity, advisories[1].severity, advisories[1].block), (Severity::High, Severity::Unknown, false));
    }

    #[test]
    fn a_broken_advisory_hides_neither_the_others_nor_itself() {
        let json = r#"[{"id":"A","name":"csv","versions":"all"},{"id":"B","name":"csv","versions":"*","severity":7},7,
            {"id":"","name":"csv","versions":"*"},{"id":"a b","name":"csv","versions":"*"},
            {"id":"C","name":"csv","versions":"<2","new":{"deep":[1]},"url":null},{"name":"csv","versions":"*"}]"#;
        let read = Advisories::parse(json.as_bytes()).unwrap();
        assert_eq!(read.entries.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["C"]);
        assert_eq!(read.unreadable, 6);
        assert_eq!(Advisories::parse(b"[]").unwrap(), Advisories::default());
        for text in ["", "{}", "<html>", "[", "null"] {
            assert_eq!(Advisories::parse(text.as_bytes()).unwrap_err().code(), "mfp::registry::invalid", "{text}");
        }
    }

    #[test]
    fn advisories_are_looked_up_by_name_and_version() {
        let json = r#"[{"id":"A","name":"csv","versions":"<2"},{"id":"B","name":"other","versions":"*"},{"id":"C","name":"csv","versions":">=1.5"}]"#;
        let read = Advisories::parse(json.as_bytes()).unwrap();
        let about =
            |version: &str| read.about(&"csv".parse().unwrap(), &version.parse().unwrap()).map(|one| one.id.as_str()).collect::<Vec<_>>();
        assert_eq!((about("1.0.0"), about("1.6.0"), about("2.0.0")), (vec!["A"], vec!["A", "C"], vec!["C"]));
    }
}
