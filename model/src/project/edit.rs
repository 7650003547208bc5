//! Changing a manifest's text, keeping comments, order and everything that isn't meant.
//!
//! Text in, text out. Whether the result is a manifest is [`Manifest::parse`](super::Manifest::parse)'s question; asked
//! of what these functions make from a manifest, the answer is yes, and it says what was asked for (a property test),
//! with one exception: a plain requirement needs a registry that the text has to declare.

use std::fmt;

use toml_edit::{Document, DocumentMut, Item, Table, TableLike, Value};

use super::{Approval, DEFAULT_REGISTRY};
use crate::lock::write_capability_sets;
use crate::name::{GroupName, PluginName, RegistryName};
use crate::requirement::Requirement;
use crate::source::{
    BareWasm, REMOTE_HEALTH_CHECK_INTERVAL, REMOTE_RETRIES, REMOTE_TIMEOUT_MS, RefName, RegistryUrl, RemoteEndpoint, Source, write_git,
};
use crate::toml::{InlineText, basic_string};
use crate::units::ByteSize;

/// Why a text can't be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It isn't TOML.
    #[error("the manifest isn't valid TOML: {0}")]
    Syntax(String),
    /// Something that should be a table is something else.
    #[error("`{0}` in the manifest isn't a table")]
    NotATable(String),
    /// The plugin isn't in it.
    #[error("`{0}` isn't in the manifest")]
    Absent(PluginName),
    /// The plugin has no version requirement, or no tag: it's from elsewhere.
    #[error("`{0}` has no version requirement and no tag in the manifest")]
    NoRequirement(PluginName),
}

type Result<T> = std::result::Result<T, EditError>;

/// A table of plugins: `[plugins]`, or a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `[plugins]`.
    Plugins,
    /// `[groups.NAME]`.
    Group(GroupName),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugins => out.write_str("[plugins]"),
            Self::Group(name) => write!(out, "[groups.{name}]"),
        }
    }
}

/// What a manifest is to say about a plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// Where from, and which.
    pub source: Source,
    /// The plugin's own name, if the project is to call it by another.
    pub package: Option<PluginName>,
    /// Whether plain `http:` to another machine is allowed for it.
    pub allow_http: bool,
}

/// Say this about a plugin, in this table, which is made if it isn't there; in place of what was said before, also in
/// other tables that have the plugin. A table that was sorted stays so.
pub fn add(text: &str, place: &Place, name: &PluginName, addition: &Addition) -> Result<String> {
    let mut document = parse(text)?;
    let value = entry_value(addition, &default_registry(&document));
    for other in places(text, name)? {
        put(plugins_table(&mut document, &other)?, name.as_str(), value.clone());
    }
    put(plugins_table(&mut document, place)?, name.as_str(), value);
    Ok(document.to_string())
}

/// Take a plugin out of every table that has it, with the comment that stands right above it; says which they were.
/// Its configuration and approval stay: it may still be there for another plugin's sake.
pub fn remove(text: &str, name: &PluginName) -> Result<(String, Vec<Place>)> {
    let found = places(text, name)?;
    if found.is_empty() {
        return Err(EditError::Absent(name.clone()));
    }
    let mut text = text.to_owned();
    for place in &found {
        text = if let Some(shorter) = cut_line(&text, place, name) {
            shorter
        } else {
            let mut document = parse(&text)?;
            plugins_table(&mut document, place)?.remove(name.as_str());
            document.to_string()
        };
    }
    Ok((text, found))
}

/// Ask for these versions of a plugin from a registry, in every table that has it; what else is said about it stays.
pub fn set_requirement(text: &str, name: &PluginName, requirement: &Requirement) -> Result<String> {
    in_every_table(text, name, &|item| set_version(item, requirement))
}

/// Ask for another tag of a plugin's git repository, in every table that has it; what else is said about it stays.
pub fn set_tag(text: &str, name: &PluginName, tag: &RefName) -> Result<String> {
    in_every_table(text, name, &|item| {
        let old = item.as_table_like_mut().filter(|table| table.contains_key("git"))?.get_mut("tag")?;
        replace(old, Value::from(tag.as_str()));
        Some(())
    })
}

/// Change a plugin's entry wherever it stands; `None` of the change means that there's nothing of the kind in it.
fn in_every_table(text: &str, name: &PluginName, change: &dyn Fn(&mut Item) -> Option<()>) -> Result<String> {
    let found = places(text, name)?;
    if found.is_empty() {
        return Err(EditError::Absent(name.clone()));
    }
    let mut document = parse(text)?;
    for place in &found {
        let item = plugins_table(&mut document, place)?.get_mut(name.as_str());
        let item = item.expect("`places` gives only tables that have the plugin");
        change(item).ok_or_else(|| EditError::NoRequirement(name.clone()))?;
    }
    Ok(document.to_string())
}

fn set_version(item: &mut Item, requirement: &Requirement) -> Option<()> {
    let version = Value::from(requirement.to_string());
    if item.is_str() {
        replace(item, version);
        return Some(());
    }
    let table = item.as_table_like_mut()?;
    let elsewhere = ["url", "git", "path", "remote"].iter().any(|key| table.contains_key(key));
    let old = table.get_mut("version").filter(|_| !elsewhere)?;
    replace(old, version);
    Some(())
}

/// Declare a registry, or move the one of that name; what else is said about it stays.
pub fn set_registry(text: &str, name: &RegistryName, url: &RegistryUrl, allow_http: bool) -> Result<String> {
    let mut document = parse(text)?;
    let registries = child_table(document.as_table_mut(), "registries")?;
    if let Some(table) = registries.get_mut(name.as_str()).and_then(Item::as_table_like_mut) {
        put(table, "url", string_value(&url.to_string()));
        if allow_http {
            put(table, "allow-http", Value::from(true));
        }
    } else {
        put(registries, name.as_str(), registry_value(url, allow_http));
    }
    Ok(document.to_string())
}

/// Write down what a person allowed a plugin, in place of what was allowed before.
pub fn set_approval(text: &str, name: &PluginName, approval: &Approval) -> Result<String> {
    let mut document = parse(text)?;
    put(child_table(document.as_table_mut(), "approvals")?, name.as_str(), approval_value(approval));
    Ok(document.to_string())
}

/// Take back what a person allowed a plugin, with the comment that stands right above it.
pub fn unset_approval(text: &str, name: &PluginName) -> Result<String> {
    let mut document = parse(text)?;
    child_table(document.as_table_mut(), "approvals")?.remove(name.as_str());
    Ok(document.to_string())
}

/// The same in a user's own file, where each project has a table of its own: `[approvals."/home/ada/shop"]`.
pub fn set_user_approval(text: &str, project: &str, name: &PluginName, approval: &Approval) -> Result<String> {
    let mut document = parse(text)?;
    put(user_approvals(&mut document, project)?, name.as_str(), approval_value(approval));
    Ok(document.to_string())
}

/// [`unset_approval`] in a user's own file.
pub fn unset_user_approval(text: &str, project: &str, name: &PluginName) -> Result<String> {
    let mut document = parse(text)?;
    user_approvals(&mut document, project)?.remove(name.as_str());
    Ok(document.to_string())
}

fn user_approvals<'d>(document: &'d mut DocumentMut, project: &str) -> Result<&'d mut dyn TableLike> {
    if !document.contains_key("approvals") {
        let mut parent = Table::new();
        parent.set_implicit(true);
        document.insert("approvals", Item::Table(parent));
    }
    child_table(child_table(document.as_table_mut(), "approvals")?, project)
}

/// Replace every requirement on a plugin by this one.
pub fn set_override(text: &str, name: &PluginName, requirement: &Requirement) -> Result<String> {
    let mut document = parse(text)?;
    put(child_table(document.as_table_mut(), "overrides")?, name.as_str(), string_value(&requirement.to_string()));
    Ok(document.to_string())
}

/// The text of a new project's manifest, with its default registry if there's one.
pub fn new_manifest(registry: Option<(&RegistryUrl, bool)>) -> String {
    let registry = match registry {
        Some((url, allow_http)) => format!("[registries]\n{DEFAULT_REGISTRY} = {}\n", registry_value(url, allow_http)),
        None => {
            format!("# Where plugins come from if nothing else is said about them.\n# [registries]\n# {DEFAULT_REGISTRY} = \"https://…\"\n")
        }
    };
    format!(
        "# The MockForge plugins of this project. `mfp add NAME` adds one; plugins.lock says what exactly runs.\n\n[plugins]\n\n{registry}"
    )
}

fn parse(text: &str) -> Result<DocumentMut> {
    text.parse::<DocumentMut>().map_err(|error| EditError::Syntax(error.message().to_owned()))
}

fn default_registry(document: &DocumentMut) -> String {
    let named = document.get("project").and_then(|project| project.get("registry")).and_then(Item::as_str);
    named.unwrap_or(DEFAULT_REGISTRY).to_owned()
}

/// The tables that have a plugin.
fn places(text: &str, name: &PluginName) -> Result<Vec<Place>> {
    let document = parse(text)?;
    let has = |item: Option<&Item>| item.and_then(Item::as_table_like).is_some_and(|table| table.contains_key(name.as_str()));
    let mut found = Vec::new();
    if has(document.get("plugins")) {
        found.push(Place::Plugins);
    }
    let groups = document.get("groups").and_then(Item::as_table_like);
    for (group, item) in groups.into_iter().flat_map(TableLike::iter) {
        if let (true, Ok(group)) = (has(Some(item)), group.parse()) {
            found.push(Place::Group(group));
        }
    }
    Ok(found)
}

fn plugins_table<'d>(document: &'d mut DocumentMut, place: &Place) -> Result<&'d mut dyn TableLike> {
    match place {
        Place::Plugins => child_table(document.as_table_mut(), "plugins"),
        Place::Group(name) => {
            let groups = document.entry("groups").or_insert_with(|| {
                let mut groups = Table::new();
                groups.set_implicit(true);
                Item::Table(groups)
            });
            let groups = groups.as_table_like_mut().ok_or_else(|| EditError::NotATable("groups".to_owned()))?;
            child_table(groups, name.as_str())
        }
    }
}

/// The table of this name, made if it isn't there.
fn child_table<'d>(parent: &'d mut dyn TableLike, name: &str) -> Result<&'d mut dyn TableLike> {
    if !parent.contains_key(name) {
        parent.insert(name, Item::Table(Table::new()));
    }
    let item = parent.get_mut(name).and_then(Item::as_table_like_mut);
    item.ok_or_else(|| EditError::NotATable(name.to_owned()))
}

/// Set a key. A value that is replaced leaves its comment; a new one goes where a sorted table needs it.
fn put(table: &mut dyn TableLike, key: &str, value: Value) {
    if let Some(old) = table.get_mut(key)
        && old.is_value()
    {
        return replace(old, value);
    }
    let sorted = table.iter().map(|(key, _)| key).is_sorted();
    table.remove(key);
    table.insert(key, Item::Value(value));
    if sorted {
        table.sort_values();
    }
}

fn replace(old: &mut Item, mut value: Value) {
    if let Some(old) = old.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *old = Item::Value(value);
}

fn string_value(text: &str) -> Value {
    value_of(&basic_string(text))
}

fn value_of(text: &str) -> Value {
    text.parse().expect("our own spelling of strings and inline tables is TOML")
}

fn registry_value(url: &RegistryUrl, allow_http: bool) -> Value {
    let url = url.to_string();
    if !allow_http {
        return string_value(&url);
    }
    let mut table = InlineText::new();
    table.string("url", &url);
    table.raw("allow-http", "true");
    value_of(&table.finish())
}

fn approval_value(approval: &Approval) -> Value {
    let mut table = InlineText::new();
    table.string("source", &approval.source.to_string());
    if let Some(registry) = &approval.registry {
        table.string("registry", &registry.to_string());
    }
    if let Some(signer) = &approval.signer {
        table.string("signer", &signer.to_string());
    }
    let allowed = &approval.capabilities;
    write_capability_sets(allowed, &mut table);
    match allowed.memory.map(|memory| (memory, ByteSize(memory).to_text())) {
        Some((_, Some(text))) => table.string("memory", &text),
        Some((memory, None)) => table.integer("memory", memory),
        None => {}
    }
    if let Some(time_ms) = allowed.time_ms {
        table.integer("time-ms", time_ms);
    }
    value_of(&table.finish())
}

/// A plain requirement as a string, everything else as an inline table, without what goes without saying.
fn entry_value(addition: &Addition, default_registry: &str) -> Value {
    let mut table = InlineText::new();
    match &addition.source {
        Source::Registry { requirement, registry } => {
            if addition.package.is_none() && registry.as_str() == default_registry {
                return string_value(&requirement.to_string());
            }
            table.string("version", &requirement.to_string());
            write_package(addition, &mut table);
            if registry.as_str() != default_registry {
                table.string("registry", registry.as_str());
            }
            return value_of(&table.finish());
        }
        Source::Url { url, sha256, bare } => {
            table.string("url", &url.to_string());
            if let Some(sha256) = sha256 {
                table.string("sha256", &sha256.hex());
            }
            write_bare(bare, &mut table);
        }
        Source::Git { url, reference, subdir, submodules } => {
            table.string("git", &url.to_string());
            write_git(reference, None, subdir.as_ref(), *submodules, &mut table);
        }
        Source::Path { path, bare } => {
            table.string("path", path.as_str());
            write_bare(bare, &mut table);
        }
        Source::Remote { .. } => write_remote(&addition.source, &mut table),
    }
    write_package(addition, &mut table);
    if addition.allow_http {
        table.raw("allow-http", "true");
    }
    value_of(&table.finish())
}

fn write_package(addition: &Addition, table: &mut InlineText) {
    if let Some(package) = &addition.package {
        table.string("package", package.as_str());
    }
}

fn write_bare(bare: &BareWasm, table: &mut InlineText) {
    if !bare.types.is_empty() {
        table.strings("types", bare.types.iter().map(|one| one.as_str()));
    }
    if let Some(version) = &bare.version {
        table.string("version", &version.to_string());
    }
}

fn write_remote(source: &Source, table: &mut InlineText) {
    let Source::Remote { endpoint, types, timeout_ms, retries, health_check_interval } = source else { return };
    match endpoint {
        RemoteEndpoint::Url(url) => table.string("remote", &url.to_string()),
        RemoteEndpoint::Env(name) => table.raw("remote", &format!("{{ env = {} }}", basic_string(name.as_str()))),
    }
    table.strings("types", types.iter().map(|one| one.as_str()));
    let numbers = [
        ("timeout-ms", *timeout_ms, REMOTE_TIMEOUT_MS),
        ("retries", *retries, REMOTE_RETRIES),
        ("health-check-interval", *health_check_interval, REMOTE_HEALTH_CHECK_INTERVAL),
    ];
    for (key, value, default) in numbers {
        if value != default {
            table.integer(key, value);
        }
    }
}

/// Cut the lines of an entry that stands by itself on them, in a table with a header, and the comment right above it
/// (but not one that may be about the whole table). `None` if it stands in any other way.
fn cut_line(text: &str, place: &Place, name: &PluginName) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let table = match place {
        Place::Plugins => document.get("plugins")?.as_table()?,
        Place::Group(group) => document.get("groups")?.as_table_like()?.get(group.as_str())?.as_table()?,
    };
    let (key, item) = table.get_key_value(name.as_str())?;
    if table.is_dotted() || !item.is_value() {
        return None;
    }
    let line_start = text[..key.span()?.start].rfind('\n').map_or(0, |newline| newline + 1);
    let value_end = item.span()?.end;
    let line_end = text[value_end..].find('\n').map_or(text.len(), |newline| value_end + newline + 1);
    let start = comment_start(text, line_start);
    Some(format!("{}{}", &text[..start], &text[line_end..]))
}

/// Where the comment right above a line begins. One that follows the table's header directly is the table's.
fn comment_start(text: &str, line_start: usize) -> usize {
    let mut start = line_start;
    while let Some(line) = text[..start].strip_suffix('\n').map(|above| above.rsplit('\n').next().unwrap_or(above)) {
        match line.trim_start().chars().next() {
            Some('#') => start -= line.len() + 1,
            Some('[') => return line_start,
            _ => return start,
        }
    }
    line_start
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::project::Manifest;
    use crate::project::tests::{addition, own};

    const COMMENTED: &str = r#"# top
[project]
mockforge = ">=0.3" # host

[plugins]
# all of ours

# login
auth-jwt = "^1.2"   # keep
csv = { version = "2", registry = "corp" } # why
# numbers
template-hash = "0.1"

[groups.load]
slow = "1"
csv = { version = "2", registry = "corp" }

[registries] # where
default = "https://a.example/"
corp = "https://b.example/"
# end
"#;

    fn name(text: &str) -> PluginName {
        text.parse().unwrap()
    }

    fn plain(requirement: &str) -> Addition {
        let source = Source::Registry { requirement: requirement.parse().unwrap(), registry: "default".parse().unwrap() };
        Addition { source, package: None, allow_http: false }
    }

    #[test]
    fn adding_keeps_everything_else_and_the_order() {
        let added = add(COMMENTED, &Place::Plugins, &name("base64"), &plain("1.0")).unwrap();
        let added = add(&added, &Place::Plugins, &name("jwks"), &plain("=1.0.0")).unwrap();
        let added = add(&added, &Place::Group("new".parse().unwrap()), &name("x"), &plain("*")).unwrap();
        insta::assert_snapshot!(added);
    }

    #[test]
    fn an_unsorted_table_gets_it_at_its_end() {
        let text = "[plugins]\nb = \"1\"\na = \"1\"\n# about c\nc = \"1\"\n\n[registries]\ndefault = \"file:x/\"\n";
        let added = add(text, &Place::Plugins, &name("aa"), &plain("1")).unwrap();
        assert!(added.contains("c = \"1\"\naa = \"^1\"\n\n[registries]"), "{added}");
    }

    #[test]
    fn a_replaced_value_leaves_its_comment_and_is_replaced_everywhere() {
        let added = add(COMMENTED, &Place::Plugins, &name("csv"), &plain("3")).unwrap();
        assert!(added.contains("csv = \"^3\" # why\n"), "{added}");
        assert!(added.contains("slow = \"1\"\ncsv = \"^3\"\n"), "{added}");
    }

    #[test]
    fn removing_takes_the_entry_with_its_own_comment_only() {
        let (text, places) = remove(COMMENTED, &name("csv")).unwrap();
        assert_eq!(places, [Place::Plugins, Place::Group("load".parse().unwrap())]);
        let (text, _) = remove(&text, &name("auth-jwt")).unwrap();
        let (text, _) = remove(&text, &name("template-hash")).unwrap();
        insta::assert_snapshot!(text);
        assert_eq!(remove(&text, &name("csv")), Err(EditError::Absent(name("csv"))));
    }

    #[test]
    fn removing_works_in_every_spelling_of_a_table() {
        for text in [
            "plugins.a = \"1\"\nplugins.b = \"1\"\n",
            "plugins = { a = \"1\", b = \"1\" }\n",
            "[plugins.a]\nversion = \"1\"\n[plugins.b]\nversion = \"1\"\n",
        ] {
            let text = format!("{text}[registries]\ndefault = \"file:x/\"\n");
            let (shorter, _) = remove(&text, &name("a")).unwrap();
            let left: Vec<String> = Manifest::parse(&shorter, &own()).unwrap().plugins.keys().map(ToString::to_string).collect();
            assert_eq!(left, ["b"], "{shorter}");
        }
    }

    #[test]
    fn a_requirement_is_raised_where_it_stands() {
        let raised = set_requirement(COMMENTED, &name("csv"), &"^3.1".parse().unwrap()).unwrap();
        assert_eq!(raised, COMMENTED.replace("version = \"2\"", "version = \"^3.1\""));
        let raised = set_requirement(COMMENTED, &name("auth-jwt"), &"^2".parse().unwrap()).unwrap();
        assert_eq!(raised, COMMENTED.replace("\"^1.2\"   # keep", "\"^2\"   # keep"));
        let path = "[plugins]\na = { path = \"x.wasm\", version = \"1.0.0\" }\n";
        assert_eq!(set_requirement(path, &name("a"), &"2".parse().unwrap()), Err(EditError::NoRequirement(name("a"))));
    }

    #[test]
    fn a_tag_is_moved_and_the_rest_stays() {
        let text = "[plugins]\na = { git = \"https://h.example/r\", tag = \"v1\", subdir = \"x\" }   # why\nb = \"1\"\n[groups.g]\na = { git = \"https://h.example/r\", tag = \"v1\", subdir = \"x\" }\n";
        let moved = set_tag(text, &name("a"), &"v2.0.0".parse().unwrap()).unwrap();
        assert_eq!(moved, text.replace("\"v1\"", "\"v2.0.0\""));
        assert_eq!(set_tag(text, &name("b"), &"v2".parse().unwrap()), Err(EditError::NoRequirement(name("b"))));
        assert_eq!(set_tag(text, &name("c"), &"v2".parse().unwrap()), Err(EditError::Absent(name("c"))));
    }

    #[test]
    fn a_registry_is_declared_or_moved() {
        let url: RegistryUrl = "http://r.example".parse().unwrap();
        let text = set_registry("", &"default".parse().unwrap(), &url, true).unwrap();
        assert_eq!(text, "[registries]\ndefault = { url = \"http://r.example/\", allow-http = true }\n");
        let moved = set_registry(&text, &"default".parse().unwrap(), &"file:r".parse().unwrap(), false).unwrap();
        assert_eq!(moved, "[registries]\ndefault = { url = \"file:r/\", allow-http = true }\n");
        assert_eq!(set_registry("registries = 1", &"a".parse().unwrap(), &url, false), Err(EditError::NotATable("registries".into())));
    }

    #[test]
    fn a_new_manifest_is_one() {
        for registry in [None, Some("https://plugins.acme.example/"), Some("http://plugins.acme.example/"), Some("../registry")] {
            let url: Option<RegistryUrl> = registry.map(|url| url.parse().unwrap());
            let text = new_manifest(url.as_ref().map(|url| (url, url.needs_allow_http())));
            let manifest = Manifest::parse(&text, &own()).unwrap();
            assert_eq!(manifest.registries.values().map(|one| one.url.clone()).next(), url);
            let again = set_registry(&text, &"default".parse().unwrap(), &"https://x.example/".parse().unwrap(), false).unwrap();
            let full = add(&again, &Place::Plugins, &name("a"), &plain("1")).unwrap();
            assert!(Manifest::parse(&full, &own()).is_ok(), "{full}");
        }
    }

    #[test]
    fn an_approval_is_written_as_it_was_given() {
        let approval = Approval {
            registry: None,
            source: "registry+default".parse().unwrap(),
            signer: Some("minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa".parse().unwrap()),
            capabilities: serde_json::from_str(r#"{"env":["FLAG"],"http":["auth.example.com"],"memory":134217728,"time-ms":500}"#).unwrap(),
        };
        let text = set_approval(COMMENTED, &name("auth-jwt"), &approval).unwrap();
        assert_eq!(Manifest::parse(&text, &own()).unwrap().approvals[&name("auth-jwt")], approval);
        assert!(text.contains("memory = \"128MiB\", time-ms = 500 }"), "{text}");
        let odd = Approval { signer: None, capabilities: serde_json::from_str(r#"{"memory":100000001}"#).unwrap(), ..approval };
        let text = set_approval(&text, &name("auth-jwt"), &odd).unwrap();
        assert_eq!(Manifest::parse(&text, &own()).unwrap().approvals[&name("auth-jwt")], odd);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_was_asked_is_what_is_read(
            base in prop::sample::select(vec![
                COMMENTED,
                "registries.default = \"https://a.example/\"\nregistries.corp = \"https://b.example/\"\n",
                "plugins = { auth-jwt = \"1\", csv = \"2\" }\nregistries = { default = \"file:a/\", corp = \"file:b/\" }\n",
                "[plugins.csv]\nversion = \"1\"\n[registries]\ndefault = \"file:a/\"\ncorp = \"file:b/\"\n[project]\nregistry = \"corp\"\n",
            ]),
            additions in prop::collection::vec((prop::sample::select(vec!["auth-jwt", "csv", "aaa", "slow", "zzz"]), addition(), prop::option::of(prop::sample::select(vec!["load", "other"]))), 1..5),
        ) {
            let mut text = base.to_owned();
            for (plugin, addition, group) in additions {
                let place = group.map_or(Place::Plugins, |group| Place::Group(group.parse().unwrap()));
                text = add(&text, &place, &name(plugin), &addition).unwrap();
                let manifest = Manifest::parse(&text, &own()).map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
                let entry = &manifest.plugins[&name(plugin)];
                prop_assert_eq!(&entry.request.source, &addition.source, "{}", text);
                prop_assert_eq!(&entry.request.package, &addition.package.filter(|package| package.as_str() != plugin));
                prop_assert_eq!(entry.allow_http, addition.allow_http && !matches!(addition.source, Source::Registry { .. } | Source::Path { .. }));
                prop_assert_eq!(add(&text, &place, &name(plugin), &Addition { source: entry.request.source.clone(), package: entry.request.package.clone(), allow_http: entry.allow_http }).unwrap(), text.clone());
                let (gone, _) = remove(&text, &name(plugin)).unwrap();
                prop_assert!(!Manifest::parse(&gone, &own()).unwrap().plugins.contains_key(plugin), "{}", gone);
            }
        }
    }
}
