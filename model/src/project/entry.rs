//! Reading one plugin of `[plugins]` or of a group: which kind of source it is, and whether its keys belong to that.

use std::collections::{BTreeMap, BTreeSet};

use super::Warning;
use crate::name::{PluginName, RegistryName};
use crate::requirement::Requirement;
use crate::source::{
    ArchiveFormat, ArtifactUrl, BareWasm, GitReference, GitUrl, REMOTE_HEALTH_CHECK_INTERVAL, REMOTE_RETRIES, REMOTE_TIMEOUT_MS,
    RelativePath, RemoteEndpoint, RemoteUrl, Source, SourceKind,
};
use crate::toml::ValueReader;

use SourceKind::{Git, Path, Registry, Remote, Url};

/// Every key of an entry, with the kinds of sources that it has a meaning for.
const KEYS: [(&str, &[SourceKind]); 18] = [
    ("version", &[Registry, Url, Path]),
    ("package", &[Registry, Url, Git, Path]),
    ("registry", &[Registry]),
    ("url", &[Url]),
    ("sha256", &[Url]),
    ("git", &[Git]),
    ("tag", &[Git]),
    ("branch", &[Git]),
    ("rev", &[Git]),
    ("subdir", &[Git]),
    ("submodules", &[Git]),
    ("path", &[Path]),
    ("types", &[Url, Path, Remote]),
    ("remote", &[Remote]),
    ("timeout-ms", &[Remote]),
    ("retries", &[Remote]),
    ("health-check-interval", &[Remote]),
    ("allow-http", &[Url, Git, Remote]),
];

/// What is read before names of registries are looked up.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RawEntry {
    pub(super) source: Source,
    pub(super) package: Option<PluginName>,
    pub(super) allow_http: bool,
    /// Whether the entry names its registry itself.
    pub(super) names_registry: bool,
}

/// Something is wrong with an entry, which has been said.
struct Said;

/// The keys of one entry that are there.
struct Fields<'d>(BTreeMap<&'static str, ValueReader<'d>>);

impl<'d> Fields<'d> {
    fn get(&self, key: &str) -> Option<&ValueReader<'d>> {
        self.0.get(key)
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(ValueReader::boolean).unwrap_or(false)
    }

    /// What the key holds, if it's there.
    fn optional<T>(&self, key: &str, read: impl FnOnce(&ValueReader<'d>) -> Option<T>) -> Result<Option<T>, Said> {
        self.get(key).map(|value| read(value).ok_or(Said)).transpose()
    }
}

/// Read one entry. `None` if it's wrong, which has been said.
pub(super) fn read(name: &PluginName, value: &ValueReader<'_>, default: &RegistryName, warnings: &mut Vec<Warning>) -> Option<RawEntry> {
    if value.as_str().is_some() {
        let requirement = value.parse()?;
        return Some(RawEntry {
            source: Source::Registry { requirement, registry: default.clone() },
            package: None,
            allow_http: false,
            names_registry: false,
        });
    }
    if !value.is_table() {
        return value.wrong_type("a version requirement or a table");
    }
    let fields = take_fields(value)?;
    let kind = kind_of(value, &fields)?;
    refuse_strangers(kind, &fields);
    let package = fields.optional("package", ValueReader::parse).ok()?.filter(|package| package != name);
    let source = match kind {
        Registry => registry(value, &fields, default)?,
        Url => url(&fields, warnings)?,
        Git => git(&fields)?,
        Path => path(&fields)?,
        Remote => remote(value, &fields)?,
    };
    Some(RawEntry { source, package, allow_http: fields.flag("allow-http"), names_registry: fields.get("registry").is_some() })
}

fn take_fields<'d>(value: &ValueReader<'d>) -> Option<Fields<'d>> {
    let mut table = value.table()?;
    let fields = KEYS.iter().filter_map(|(key, _)| table.take(key).map(|value| (*key, value))).collect();
    table.finish();
    Some(Fields(fields))
}

fn kind_of(value: &ValueReader<'_>, fields: &Fields<'_>) -> Option<SourceKind> {
    let named: Vec<SourceKind> = [Url, Git, Path, Remote].into_iter().filter(|kind| fields.get(kind.as_str()).is_some()).collect();
    match named.as_slice() {
        [] => Some(Registry),
        [one] => Some(*one),
        [one, other, ..] => value.invalid_with_help(&format!("it names two sources, `{one}` and `{other}`"), "keep one of them"),
    }
}

fn refuse_strangers(kind: SourceKind, fields: &Fields<'_>) {
    for (key, kinds) in KEYS {
        let Some(value) = fields.get(key).filter(|_| !kinds.contains(&kind)) else { continue };
        let homes: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        let _: Option<()> = value.invalid(&format!("this has no meaning for a {kind} source, only for {}", homes.join(", ")));
    }
}

fn registry(value: &ValueReader<'_>, fields: &Fields<'_>, default: &RegistryName) -> Option<Source> {
    let Some(version) = fields.get("version") else {
        return value.invalid_with_help(
            "it says neither which version nor where from",
            "give it a `version`, as in `version = \"^1.2\"`, or one of `url`, `git`, `path` and `remote`",
        );
    };
    let requirement: Requirement = version.parse()?;
    let registry = fields.optional("registry", ValueReader::parse).ok()?;
    Some(Source::Registry { requirement, registry: registry.unwrap_or_else(|| default.clone()) })
}

/// `allow-http`, for a value that needs it.
fn check_http(value: &ValueReader<'_>, needs: bool, fields: &Fields<'_>) -> Option<()> {
    if !needs || fields.flag("allow-http") {
        return Some(());
    }
    super::parse::refuse_http(value)
}

fn url(fields: &Fields<'_>, warnings: &mut Vec<Warning>) -> Option<Source> {
    let value = fields.get("url")?;
    let url: ArtifactUrl = parse_artifact_url(value)?;
    check_http(value, url.needs_allow_http(), fields)?;
    if url.has_query() {
        let message = format!("{}: the URL has a query (`?…`); it's kept and stands in the lock, so it must hold no secret", value.path());
        warnings.push(Warning { message, span: value.span() });
    }
    let sha256 = fields.optional("sha256", ValueReader::parse).ok()?;
    let format = ArchiveFormat::from_file_name(&url.file_name());
    let bare = bare(fields, format.is_none_or(|format| format == ArchiveFormat::Wasm))?;
    Some(Source::Url { url, sha256, bare })
}

fn parse_artifact_url(value: &ValueReader<'_>) -> Option<ArtifactUrl> {
    let text = value.string()?;
    if text.contains("#sha256=") {
        return value.invalid_with_help("the digest stands beside the URL in this file, not in it", "write it as `sha256 = \"…\"`");
    }
    value.parse()
}

fn bare(fields: &Fields<'_>, may_be_bare: bool) -> Option<BareWasm> {
    let types: Option<BTreeSet<_>> = fields.optional("types", ValueReader::list).ok()?;
    let version = fields.optional("version", ValueReader::parse).ok()?;
    if !may_be_bare {
        for key in ["types", "version"] {
            if let Some(value) = fields.get(key) {
                return value.invalid("this is only for a bare `.wasm`; everything else says it in its own plugin.yaml");
            }
        }
    }
    Some(BareWasm { types: types.unwrap_or_default(), version })
}

fn git(fields: &Fields<'_>) -> Option<Source> {
    let value = fields.get("git")?;
    let url: GitUrl = value.parse()?;
    check_http(value, url.needs_allow_http(), fields)?;
    let subdir = fields.optional("subdir", ValueReader::parse).ok()?;
    Some(Source::Git { url, reference: reference(fields)?, subdir, submodules: fields.flag("submodules") })
}

fn reference(fields: &Fields<'_>) -> Option<GitReference> {
    let named: Vec<&ValueReader<'_>> = ["tag", "branch", "rev"].iter().filter_map(|key| fields.get(key)).collect();
    if let [_, second, ..] = named.as_slice() {
        return second.invalid_with_help("at most one of `tag`, `branch` and `rev` can be given", "keep one of them");
    }
    if let Some(tag) = fields.get("tag") {
        return tag.parse().map(GitReference::Tag);
    }
    if let Some(branch) = fields.get("branch") {
        return branch.parse().map(GitReference::Branch);
    }
    match fields.get("rev") {
        Some(rev) => rev.parse().map(GitReference::Rev),
        None => Some(GitReference::Default),
    }
}

fn path(fields: &Fields<'_>) -> Option<Source> {
    let path: RelativePath = fields.get("path")?.parse()?;
    let bare = bare(fields, path.is_wasm())?;
    Some(Source::Path { path, bare })
}

fn remote(entry: &ValueReader<'_>, fields: &Fields<'_>) -> Option<Source> {
    let value = fields.get("remote")?;
    let endpoint = endpoint(value)?;
    if let RemoteEndpoint::Url(url) = &endpoint {
        check_http(value, url.needs_allow_http(), fields)?;
    }
    let types: BTreeSet<_> = fields.optional("types", ValueReader::list).ok()?.unwrap_or_default();
    if types.is_empty() {
        return entry
            .invalid_with_help("a remote plugin has to say its `types`", "add `types = [\"auth\"]` (or template, response, datasource)");
    }
    let number = |key: &str, bounds: std::ops::RangeInclusive<u64>, default: u64| {
        Some(fields.optional(key, |value| value.integer(bounds)).ok()?.unwrap_or(default))
    };
    Some(Source::Remote {
        endpoint,
        types,
        timeout_ms: number("timeout-ms", 1..=600_000, REMOTE_TIMEOUT_MS)?,
        retries: number("retries", 0..=10, REMOTE_RETRIES)?,
        health_check_interval: number("health-check-interval", 1..=86_400, REMOTE_HEALTH_CHECK_INTERVAL)?,
    })
}

fn endpoint(value: &ValueReader<'_>) -> Option<RemoteEndpoint> {
    if !value.is_table() {
        return value.parse::<RemoteUrl>().map(RemoteEndpoint::Url);
    }
    let mut table = value.table()?;
    let name = table.require("env");
    table.finish();
    name?.parse().map(RemoteEndpoint::Env)
}
