//! From a lock's tree to its meaning: every key mandatory, known and in its place, every value by its own rules.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml_edit::Document;

use super::wire::{Node, Pair, Table, Value, from_toml, scan};
use super::{Lock, LockError, LockErrorKind, LockOptions, LockedBody, LockedPackage, LockedPlugin, REVISION, VERSION, check, keys};
use crate::capability::Capabilities;
use crate::name::{GroupName, PluginName};
use crate::plugin::Dependency;
use crate::source::{Artifact, BareWasm, GitReference, Pin, RemoteEndpoint, Request, Source, SourceId};
use crate::text::nearest;
use crate::toml;

use LockErrorKind::{ConflictMarkers, Duplicate, Invalid, MissingKey, Order, Syntax, Truncated, UnknownKey};

type Result<T> = std::result::Result<T, LockError>;

pub(super) fn parse(text: &str) -> Result<Lock> {
    match parse_fast(text) {
        Some(lock) => Ok(lock),
        None => parse_slow(text),
    }
}

/// The lock of a text in our writer's spelling; `None` for everything else and whenever anything is wrong.
pub(super) fn parse_fast(text: &str) -> Option<Lock> {
    read_lock(&scan(text)?, text.len()).ok()
}

/// The lock of any TOML text, or what is wrong with it.
pub(super) fn parse_slow(text: &str) -> Result<Lock> {
    if let Some(span) = super::merge::first_marker(text) {
        return Err(LockError::new(ConflictMarkers, span, "the lock has conflict markers: a merge was left unfinished"));
    }
    if !text.ends_with('\n') {
        let message = if text.is_empty() { "the lock is empty" } else { "the lock ends in the middle of a line: it was cut" };
        return Err(LockError::new(Truncated, text.len()..text.len(), message));
    }
    let document = Document::parse(text).map_err(|error| {
        let problem = toml::syntax(text, &error);
        LockError::new(Syntax, problem.span, problem.message)
    })?;
    read_lock(&from_toml(&document), text.len())
}

/// What holds for a whole file.
#[derive(Clone, Copy)]
struct Rules {
    /// A higher revision may have keys that we don't know and needn't.
    ignore_unknown: bool,
    /// Where the file ends.
    end: usize,
}

/// The lock of a TOML text that may not be closed: entries may miss what they depend on, or be wanted by nobody. Those that aren't
/// what the requirements ask for are left out.
pub(super) fn parse_unclosed(text: &str) -> Result<Lock> {
    let document = Document::parse(text).map_err(|error| {
        let problem = toml::syntax(text, &error);
        LockError::new(Syntax, problem.span, problem.message)
    })?;
    let mut lock = read_unchecked(&from_toml(&document), text.len())?;
    let requirements = &lock.requirements;
    lock.plugins.retain(|name, plugin| requirements.get(name).is_none_or(|request| check::is_for(name, request, plugin)));
    Ok(lock)
}

fn read_lock(root: &Table<'_>, end: usize) -> Result<Lock> {
    let lock = read_unchecked(root, end)?;
    check::check(&lock, &|place| span_of(root, place).unwrap_or_default())?;
    Ok(lock)
}

fn read_unchecked(root: &Table<'_>, end: usize) -> Result<Lock> {
    let strict = Rules { ignore_unknown: false, end };
    let number = |key: &str| match root.get(key).map(|node| &node.value) {
        Some(Value::Integer(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    if let Some(version) = number("version").filter(|version| *version > VERSION) {
        let span = root.get("version").map(|node| node.span.clone()).unwrap_or_default();
        let message = format!("the lock has version {version}, and this mfp knows versions up to {VERSION}");
        return Err(LockError::new(LockErrorKind::Version, span, message));
    }
    let revision = number("revision").unwrap_or(REVISION);
    let rules = Rules { ignore_unknown: revision > REVISION, ..strict };
    let mut fields = Fields::new("", root, 0..0, keys::ROOT, rules)?;
    fields.next("version")?.integer(VERSION..=VERSION)?;
    let revision = fields.next("revision")?.integer(0..=u64::MAX)?;
    let options = read_options(fields.next("options")?)?;
    let overrides = read_names(fields.next("overrides")?, At::parse)?;
    let registries = read_names(fields.next("registries")?, At::parse)?;
    let requirements = read_names(fields.next("requirements")?, read_request)?;
    let entries = fields.optional("plugin");
    fields.finish()?;
    let plugins = entries.map(read_entries).transpose()?.unwrap_or_default();
    Ok(Lock { revision, options, overrides, registries, requirements, plugins })
}

/// Where a requirement or an entry stands. Looked for only when something is wrong with it.
fn span_of(root: &Table<'_>, place: check::Place<'_>) -> Option<Range<usize>> {
    match place {
        check::Place::Requirement(name) => {
            let Value::Table(requirements) = &root.get("requirements")?.value else { return None };
            requirements.0.iter().find(|pair| pair.key == name.as_str()).map(|pair| pair.key_span.clone())
        }
        check::Place::Entry(name) => {
            let Value::Array(entries) = &root.get("plugin")?.value else { return None };
            let is_it = |entry: &&Node<'_>| match &entry.value {
                Value::Table(table) => table.get("name").is_some_and(|node| node.value == Value::String(name.as_str().into())),
                _ => false,
            };
            entries.iter().find(is_it).map(|entry| entry.span.clone())
        }
    }
}

/// The words for what a mistake is in. It's a name from the file, which may hold anything.
fn prefix(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!("`{}`: ", what.escape_debug()) }
}

/// A node with the words for it: the entry or table it's in and the key it has.
#[derive(Clone, Copy)]
struct At<'n, 't> {
    node: &'n Node<'t>,
    what: &'n str,
    rules: Rules,
}

impl<'n, 't> At<'n, 't> {
    fn error<T>(self, kind: LockErrorKind, message: impl Display) -> Result<T> {
        let prefix = prefix(self.what);
        Err(LockError::new(kind, self.node.span.clone(), format!("{prefix}{message}")))
    }

    fn wrong_type<T>(self, expected: &str) -> Result<T> {
        self.error(Invalid, format_args!("expected {expected}, found {}", self.node.value.describe()))
    }

    fn string(self) -> Result<&'n str> {
        match &self.node.value {
            Value::String(text) => Ok(text),
            _ => self.wrong_type("a string"),
        }
    }

    fn parse<T: FromStr<Err: Display>>(self) -> Result<T> {
        let text = self.string()?;
        text.parse().or_else(|error| self.error(Invalid, error))
    }

    /// A string that is empty if there's nothing.
    fn parse_unless_empty<T: FromStr<Err: Display>>(self) -> Result<Option<T>> {
        if self.string()?.is_empty() { Ok(None) } else { self.parse().map(Some) }
    }

    fn integer(self, bounds: std::ops::RangeInclusive<u64>) -> Result<u64> {
        let Value::Integer(integer) = self.node.value else { return self.wrong_type("an integer") };
        match u64::try_from(integer).ok().filter(|integer| bounds.contains(integer)) {
            Some(integer) => Ok(integer),
            None if integer < 0 => self.error(Invalid, format_args!("{integer} is negative")),
            None => self.error(Invalid, format_args!("{integer} isn't between {} and {}", bounds.start(), bounds.end())),
        }
    }

    /// `true`; what would be `false` is left out.
    fn only_true(self) -> Result<bool> {
        match self.node.value {
            Value::Boolean(true) => Ok(true),
            Value::Boolean(false) => self.error(Invalid, "`false` is never written: the key is left out"),
            _ => self.wrong_type("true"),
        }
    }

    fn array(self) -> Result<impl Iterator<Item = At<'n, 't>>> {
        let Value::Array(elements) = &self.node.value else { return self.wrong_type("a list") };
        Ok(elements.iter().map(move |node| At { node, ..self }))
    }

    /// A list that is a set: sorted, each once.
    fn set<T: Ord + FromStr<Err: Display>>(self) -> Result<BTreeSet<T>> {
        let mut set = BTreeSet::new();
        for element in self.array()? {
            let value: T = element.parse()?;
            if set.last().is_some_and(|last| *last >= value) {
                return element.error(Order, "the list isn't sorted, or has something twice");
            }
            set.insert(value);
        }
        Ok(set)
    }

    fn table(self) -> Result<&'n Table<'t>> {
        match &self.node.value {
            Value::Table(table) => Ok(table),
            _ => self.wrong_type("a table"),
        }
    }

    fn fields(self, known: &'static [&'static str]) -> Result<Fields<'n, 't>> {
        Fields::new(self.what, self.table()?, self.node.span.clone(), known, self.rules)
    }
}

/// The keys of a table, taken one by one in their order.
struct Fields<'n, 't> {
    what: &'n str,
    pairs: Vec<&'n Pair<'t>>,
    next: usize,
    span: Range<usize>,
    rules: Rules,
}

impl<'n, 't> Fields<'n, 't> {
    fn new(what: &'n str, table: &'n Table<'t>, span: Range<usize>, known: &'static [&'static str], rules: Rules) -> Result<Self> {
        let is_known = |pair: &&Pair<'_>| known.contains(&&*pair.key);
        let fields = Self { what, pairs: table.0.iter().filter(is_known).collect(), next: 0, span, rules };
        match table.0.iter().find(|pair| !is_known(pair)) {
            Some(stranger) if !rules.ignore_unknown => Err(fields.unknown(stranger, known)),
            _ => Ok(fields),
        }
    }

    fn unknown(&self, pair: &Pair<'_>, known: &[&str]) -> LockError {
        let meant = nearest(&pair.key, known.iter().copied()).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        self.error(UnknownKey, pair.key_span.clone(), format_args!("unknown key `{}`{meant}", pair.key.escape_debug()))
    }

    fn error(&self, kind: LockErrorKind, span: Range<usize>, message: impl Display) -> LockError {
        let prefix = prefix(self.what);
        LockError::new(kind, span, format!("{prefix}{message}"))
    }

    fn optional(&mut self, key: &str) -> Option<At<'n, 't>> {
        let pair = self.pairs.get(self.next).filter(|pair| pair.key == key)?;
        self.next += 1;
        Some(At { node: &pair.node, what: self.what, rules: self.rules })
    }

    fn next(&mut self, key: &str) -> Result<At<'n, 't>> {
        match self.optional(key) {
            Some(value) => Ok(value),
            None => Err(self.missing(key)),
        }
    }

    /// The key isn't where it should be: it's elsewhere, or the file was cut, or it's nowhere.
    fn missing(&self, key: &str) -> LockError {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.key == key) {
            return self.error(Order, pair.key_span.clone(), format_args!("`{key}` isn't in its place; keys have one order"));
        }
        let is_root = self.what.is_empty() && key != "version";
        let last = self.pairs.last().map_or(self.span.end, |pair| pair.node.span.end.max(pair.key_span.end));
        if is_root || last + 2 >= self.rules.end {
            let end = self.rules.end..self.rules.end;
            return self.error(Truncated, end, format_args!("the lock ends before `{key}`: it was cut"));
        }
        self.error(MissingKey, self.span.clone(), format_args!("`{key}` is missing"))
    }

    fn finish(self) -> Result<()> {
        match self.pairs.get(self.next) {
            None => Ok(()),
            Some(pair) => {
                let message = format_args!("`{}` isn't in its place, or doesn't belong here; keys have one order", pair.key);
                Err(self.error(Order, pair.key_span.clone(), message))
            }
        }
    }
}

fn read_options(at: At<'_, '_>) -> Result<LockOptions> {
    let mut fields = At { what: "options", ..at }.fields(keys::OPTIONS)?;
    let options = LockOptions { mockforge: fields.next("mockforge")?.parse_unless_empty()?, strategy: fields.next("strategy")?.parse()? };
    fields.finish()?;
    Ok(options)
}

/// A table whose keys are names, sorted.
fn read_names<'n, 't, K, V>(at: At<'n, 't>, read: impl Fn(At<'n, 't>) -> Result<V>) -> Result<BTreeMap<K, V>>
where
    K: Ord + FromStr<Err: Display>,
{
    let mut values = BTreeMap::new();
    for pair in &at.table()?.0 {
        let at = At { node: &pair.node, what: &pair.key, rules: at.rules };
        let fail =
            |kind, message: String| Err(LockError::new(kind, pair.key_span.clone(), format!("`{}`: {message}", pair.key.escape_debug())));
        let name: K = match pair.key.parse() {
            Ok(name) => name,
            Err(error) => return fail(Invalid, format!("{error}")),
        };
        match values.last_key_value().map(|(last, _): (&K, &V)| last.cmp(&name)) {
            Some(Ordering::Equal) => return fail(Duplicate, "stands here twice".to_owned()),
            Some(Ordering::Greater) => return fail(Order, "the table isn't sorted".to_owned()),
            _ => values.insert(name, read(at)?),
        };
    }
    Ok(values)
}

fn read_request(at: At<'_, '_>) -> Result<Request> {
    let table = at.table()?;
    let known = match table.0.first().map(|pair| &*pair.key) {
        Some("url") => keys::WANT_URL,
        Some("git") => keys::WANT_GIT,
        Some("path") => keys::WANT_PATH,
        Some("remote") => keys::WANT_REMOTE,
        _ => keys::WANT_REGISTRY,
    };
    let mut fields = at.fields(known)?;
    let (source, package) = match known[0] {
        "url" => {
            let url = fields.next("url")?.parse()?;
            let sha256 = fields.optional("sha256").map(At::parse).transpose()?;
            let bare = read_bare(&mut fields)?;
            (Source::Url { url, sha256, bare }, read_package(&mut fields)?)
        }
        "git" => {
            let url = fields.next("git")?.parse()?;
            let reference = read_reference(&mut fields)?;
            let subdir = fields.optional("subdir").map(At::parse).transpose()?;
            let submodules = fields.optional("submodules").map(At::only_true).transpose()?.unwrap_or(false);
            (Source::Git { url, reference, subdir, submodules }, read_package(&mut fields)?)
        }
        "path" => {
            let path = fields.next("path")?.parse()?;
            let bare = read_bare(&mut fields)?;
            (Source::Path { path, bare }, read_package(&mut fields)?)
        }
        "remote" => (read_remote(&mut fields)?, None),
        _ => {
            let requirement = fields.next("requirement")?.parse()?;
            let package = read_package(&mut fields)?;
            (Source::Registry { requirement, registry: fields.next("registry")?.parse()? }, package)
        }
    };
    let groups: BTreeSet<GroupName> = fields.optional("groups").map(At::set).transpose()?.unwrap_or_default();
    fields.finish()?;
    Ok(Request { source, package, groups })
}

fn read_package(fields: &mut Fields<'_, '_>) -> Result<Option<PluginName>> {
    fields.optional("package").map(At::parse).transpose()
}

fn read_bare(fields: &mut Fields<'_, '_>) -> Result<BareWasm> {
    let types = fields.optional("types").map(At::set).transpose()?;
    let version = fields.optional("version").map(At::parse).transpose()?;
    Ok(BareWasm { types: types.unwrap_or_default(), version })
}

fn read_reference(fields: &mut Fields<'_, '_>) -> Result<GitReference> {
    if let Some(tag) = fields.optional("tag") {
        return tag.parse().map(GitReference::Tag);
    }
    if let Some(branch) = fields.optional("branch") {
        return branch.parse().map(GitReference::Branch);
    }
    match fields.optional("rev") {
        Some(rev) => rev.parse().map(GitReference::Rev),
        None => Ok(GitReference::Default),
    }
}

fn read_remote(fields: &mut Fields<'_, '_>) -> Result<Source> {
    let remote = fields.next("remote")?;
    let endpoint = match &remote.node.value {
        Value::Table(_) => {
            let mut inner = remote.fields(&["env"])?;
            let name = inner.next("env")?.parse()?;
            inner.finish()?;
            RemoteEndpoint::Env(name)
        }
        _ => RemoteEndpoint::Url(remote.parse()?),
    };
    Ok(Source::Remote {
        endpoint,
        types: fields.next("types")?.set()?,
        timeout_ms: fields.next("timeout-ms")?.integer(0..=u64::MAX)?,
        retries: fields.next("retries")?.integer(0..=u64::MAX)?,
        health_check_interval: fields.next("health-check-interval")?.integer(0..=u64::MAX)?,
    })
}

fn read_entries(at: At<'_, '_>) -> Result<BTreeMap<PluginName, LockedPlugin>> {
    let mut plugins: Vec<(PluginName, LockedPlugin)> = Vec::new();
    for entry in at.array()? {
        let plugin = read_entry(entry)?;
        let at = At { what: plugin.name.as_str(), ..entry };
        match plugins.last().map(|(last, _)| last.cmp(&plugin.name)) {
            Some(Ordering::Equal) => return at.error(Duplicate, "two entries have this name"),
            Some(Ordering::Greater) => return at.error(Order, "entries are sorted by name, and this one stands too late"),
            _ => plugins.push((plugin.name.clone(), plugin)),
        }
    }
    Ok(plugins.into_iter().collect())
}

fn read_entry(at: At<'_, '_>) -> Result<LockedPlugin> {
    let table = at.table()?;
    let what = match table.get("name").map(|node| &node.value) {
        Some(Value::String(name)) => name,
        _ => "plugin",
    };
    let at = At { what, ..at };
    let Some(source) = table.get("source") else {
        let mut fields = at.fields(keys::FROM_REGISTRY)?;
        fields.next("name")?;
        fields.optional("package");
        fields.next("version")?;
        fields.next("source")?;
        return at.error(MissingKey, "`source` is missing");
    };
    let source: SourceId = At { node: source, ..at }.parse()?;
    let known = match source {
        SourceId::Registry(_) => keys::FROM_REGISTRY,
        SourceId::Url(_) => keys::FROM_URL,
        SourceId::Git(_) => keys::FROM_GIT,
        SourceId::Path(_) => keys::FROM_PATH,
        SourceId::Remote(_) => keys::FROM_REMOTE,
    };
    let mut fields = at.fields(known)?;
    let name = fields.next("name")?.parse()?;
    let plugin = match source {
        SourceId::Remote(endpoint) => {
            fields.next("source")?;
            let types = fields.next("types")?.set()?;
            let content = fields.next("content")?.parse()?;
            LockedPlugin { name, types, body: LockedBody::Remote(endpoint), content }
        }
        source => read_code(name, source, &mut fields)?,
    };
    fields.finish()?;
    Ok(plugin)
}

fn read_code(name: PluginName, source: SourceId, fields: &mut Fields<'_, '_>) -> Result<LockedPlugin> {
    let package = read_package(fields)?.filter(|package| *package != name);
    let version = fields.next("version")?.parse()?;
    fields.next("source")?;
    let types = fields.next("types")?.set()?;
    let license = fields.next("license")?.string()?;
    let license = (!license.is_empty()).then(|| license.to_owned());
    let pin = read_pin(source, fields)?;
    let signer = fields.next("signer")?.parse_unless_empty()?;
    let capabilities = read_capabilities(fields.next("capabilities")?)?;
    let dependencies = read_dependencies(fields.next("dependencies")?)?;
    let content = fields.next("content")?.parse()?;
    let body = LockedBody::Package(Box::new(LockedPackage { package, version, pin, license, signer, capabilities, dependencies }));
    Ok(LockedPlugin { name, types, body, content })
}

fn read_pin(source: SourceId, fields: &mut Fields<'_, '_>) -> Result<Pin> {
    Ok(match source {
        SourceId::Registry(registry) => {
            let published = fields.next("published")?.parse()?;
            Pin::Registry { registry, published, artifact: read_artifact(fields.next("artifact")?)? }
        }
        SourceId::Url(url) => Pin::Url { url, artifact: read_artifact(fields.next("artifact")?)? },
        SourceId::Git(url) => {
            let mut git = fields.next("git")?.fields(keys::GIT)?;
            let reference = read_reference(&mut git)?;
            let commit = git.next("commit")?.parse()?;
            let subdir = git.optional("subdir").map(At::parse).transpose()?;
            let submodules = git.optional("submodules").map(At::only_true).transpose()?.unwrap_or(false);
            git.finish()?;
            Pin::Git { url, reference, commit, subdir, submodules }
        }
        SourceId::Path(path) => Pin::Path { path },
        SourceId::Remote(_) => unreachable!("services have no pin; their entries are read before"),
    })
}

fn read_artifact(at: At<'_, '_>) -> Result<Artifact> {
    let mut fields = at.fields(keys::ARTIFACT)?;
    let artifact = Artifact {
        format: fields.next("format")?.parse()?,
        size: fields.next("size")?.integer(0..=u64::MAX)?,
        sha256: fields.next("sha256")?.parse()?,
    };
    fields.finish()?;
    Ok(artifact)
}

fn read_capabilities(at: At<'_, '_>) -> Result<Capabilities> {
    fn set<T: Ord + FromStr<Err: Display>>(fields: &mut Fields<'_, '_>, key: &str) -> Result<BTreeSet<T>> {
        Ok(fields.optional(key).map(At::set).transpose()?.unwrap_or_default())
    }
    if at.table()?.0.is_empty() {
        return Ok(Capabilities::default());
    }
    let mut fields = at.fields(&Capabilities::KEYS)?;
    let capabilities = Capabilities {
        env: set(&mut fields, "env")?,
        fs_read: set(&mut fields, "fs-read")?,
        fs_write: set(&mut fields, "fs-write")?,
        http: set(&mut fields, "http")?,
        memory: fields.optional("memory").map(|at| at.integer(0..=u64::MAX)).transpose()?,
        time_ms: fields.optional("time-ms").map(|at| at.integer(0..=u64::MAX)).transpose()?,
    };
    fields.finish()?;
    Ok(capabilities)
}

fn read_dependencies(at: At<'_, '_>) -> Result<Vec<Dependency>> {
    let mut dependencies: Vec<Dependency> = Vec::new();
    for element in at.array()? {
        let mut fields = element.fields(keys::DEPENDENCY)?;
        let dependency = Dependency {
            name: fields.next("name")?.parse()?,
            requirement: fields.next("requirement")?.parse()?,
            optional: fields.optional("optional").map(At::only_true).transpose()?.unwrap_or(false),
        };
        fields.finish()?;
        match dependencies.last().map(|last| last.name.cmp(&dependency.name)) {
            Some(Ordering::Equal) => return element.error(Duplicate, format_args!("depends on `{}` twice", dependency.name)),
            Some(Ordering::Greater) => return element.error(Order, "dependencies are sorted by name"),
            _ => dependencies.push(dependency),
        }
    }
    Ok(dependencies)
}
