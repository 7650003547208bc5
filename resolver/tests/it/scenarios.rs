//! The scenario files: each describes registries, a project and what's expected of them.
//!
//! A file has a table for each registry (`[registry.default]`: plugin = its versions, each a text or a table), `[declared]`
//! (URL, git and folder plugins), `[project]` and `[expect]`, with either `resolution` (`name version`, and `(registry)` where
//! it isn't the default one, or `(declared)`) or `error` (a code). What's said to people is in `snapshots/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use mfp_model::name::{GroupName, PluginName, RegistryName};
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;
use mfp_resolver::{
    Candidate, Catalog, Dependency, Held, MinReleaseAge, Origin, Override, PackageKey, Request, Resolution, Root, Strategy, Unresolved,
};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What it shows; for readers.
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    registry: BTreeMap<RegistryName, BTreeMap<PluginName, Vec<Published>>>,
    #[serde(default)]
    declared: BTreeMap<PluginName, Published>,
    project: Project,
    expect: Expected,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Published {
    Version(Version),
    Table(Box<Table>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: Version,
    #[serde(default)]
    needs: BTreeMap<PluginName, Requirement>,
    #[serde(default)]
    optional: BTreeMap<PluginName, Requirement>,
    mockforge: Option<Requirement>,
    published: Option<String>,
    yanked: Option<String>,
    held: Option<HeldBack>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeldBack {
    reason: String,
    setting: Option<String>,
    #[serde(default)]
    policy: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Project {
    #[serde(default)]
    plugins: BTreeMap<PluginName, Want>,
    #[serde(default)]
    groups: BTreeMap<GroupName, BTreeMap<PluginName, Want>>,
    #[serde(default)]
    overrides: BTreeMap<PluginName, Requirement>,
    mockforge: Option<Requirement>,
    #[serde(default)]
    lowest: bool,
    min_release_age: Option<Age>,
    #[serde(default)]
    locked: BTreeMap<PluginName, Version>,
    #[serde(default)]
    no_default_registry: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Want {
    Version(Requirement),
    Table(WantTable),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantTable {
    version: Option<Requirement>,
    package: Option<PluginName>,
    registry: Option<RegistryName>,
    #[serde(default)]
    declared: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Age {
    now: String,
    cutoff: String,
    #[serde(rename = "age")]
    text: String,
    #[serde(default)]
    except: BTreeSet<PluginName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    resolution: Option<Vec<String>>,
    error: Option<String>,
}

fn timestamp(text: &str) -> Timestamp {
    text.parse().expect("a scenario's timestamp")
}

fn default_registry() -> RegistryName {
    "default".parse().expect("`default` is a name")
}

impl Published {
    fn candidate(&self) -> Candidate {
        match self {
            Self::Version(version) => Candidate::new(version.clone()),
            Self::Table(table) => Candidate {
                version: table.version.clone(),
                dependencies: edges(&table.needs, false).chain(edges(&table.optional, true)).collect(),
                mockforge: table.mockforge.clone(),
                published: table.published.as_deref().map(timestamp),
                yanked: table.yanked.clone(),
                held: table.held.clone().map(|held| Held { reason: held.reason, setting: held.setting, by_policy: held.policy }),
            },
        }
    }
}

fn edges(needs: &BTreeMap<PluginName, Requirement>, optional: bool) -> impl Iterator<Item = Dependency> {
    needs.iter().map(move |(name, requirement)| Dependency { name: name.clone(), requirement: requirement.clone(), optional })
}

impl Scenario {
    fn world(&self) -> Catalog {
        let mut world = Catalog::new();
        for (registry, plugins) in &self.registry {
            for (name, published) in plugins {
                let key = PackageKey::in_registry(name.clone(), registry.clone());
                world.insert(key, published.iter().map(Published::candidate).collect());
            }
        }
        for (name, published) in &self.declared {
            world.insert(PackageKey { name: name.clone(), origin: Origin::Declared }, vec![published.candidate()]);
        }
        world
    }

    fn request(&self) -> Request {
        let project = &self.project;
        let mut line = 4;
        let mut root = |(entry, want): (&PluginName, &Want), group: Option<&GroupName>| {
            line += 1;
            want.root(entry, group, line)
        };
        let mut roots: Vec<Root> = project.plugins.iter().map(|line| root(line, None)).collect();
        for (group, plugins) in &project.groups {
            roots.extend(plugins.iter().map(|line| root(line, Some(group))));
        }
        let overrides = (30u32..)
            .zip(&project.overrides)
            .map(|(line, (name, requirement))| (name.clone(), Override { requirement: requirement.clone(), line: Some(line) }));
        Request {
            roots,
            overrides: overrides.collect(),
            host: project.mockforge.clone(),
            strategy: if project.lowest { Strategy::Lowest } else { Strategy::Highest },
            min_release_age: project.min_release_age.as_ref().map(Age::rule).unwrap_or_default(),
            preferences: project.locked.clone(),
            default_registry: (!project.no_default_registry).then(default_registry),
            ..Request::default()
        }
    }
}

impl Want {
    fn root(&self, entry: &PluginName, group: Option<&GroupName>, line: u32) -> Root {
        let (version, package, origin) = match self {
            Self::Version(version) => (Some(version.clone()), None, Origin::Registry(default_registry())),
            Self::Table(table) => {
                let registry = table.registry.clone().unwrap_or_else(default_registry);
                let origin = if table.declared { Origin::Declared } else { Origin::Registry(registry) };
                (table.version.clone(), table.package.clone(), origin)
            }
        };
        Root {
            entry: entry.clone(),
            alias: package.is_some(),
            package: package.unwrap_or_else(|| entry.clone()),
            origin,
            requirement: version.unwrap_or_else(Requirement::any),
            line: Some(line),
            group: group.cloned(),
        }
    }
}

impl Age {
    fn rule(&self) -> MinReleaseAge {
        let (cutoff, now) = (Some(timestamp(&self.cutoff)), Some(timestamp(&self.now)));
        MinReleaseAge { cutoff, now, age: Some(self.text.clone()), except: self.except.clone() }
    }
}

fn chosen(resolution: &Resolution) -> Vec<String> {
    let line = |plugin: &mfp_resolver::Resolved| {
        let (entry, version) = (&plugin.entry, &plugin.version);
        match &plugin.origin {
            Origin::Declared => format!("{entry} {version} (declared)"),
            Origin::Registry(registry) if *registry == default_registry() => format!("{entry} {version}"),
            Origin::Registry(registry) => format!("{entry} {version} ({registry})"),
        }
    };
    resolution.plugins.values().map(line).collect()
}

/// What a person would see, and what a program would.
fn told(error: &Unresolved) -> String {
    let mut text = format!("error[{}]: {error}\n", error.code());
    if let Unresolved::Conflict(conflict) = error {
        for root in &conflict.roots {
            writeln!(text, "  line {}: your project wants {root}", root.line.unwrap_or_default()).expect("a String takes text");
        }
    }
    for part in [error.details(), error.help().map(|help| format!("help: {help}"))].into_iter().flatten() {
        writeln!(text, "{part}").expect("a String takes text");
    }
    if let Unresolved::Conflict(conflict) = error {
        writeln!(text, "only policy: {}\nproof:\n{}", conflict.only_policy, conflict.proof).expect("a String takes text");
    }
    text
}

fn play(path: &Path) {
    let name = path.file_stem().expect("a scenario has a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).expect("a scenario can be read");
    let scenario: Scenario = toml_edit::de::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (world, request) = (scenario.world(), scenario.request());
    let (answer, searches) = crate::gather(&request, &world, true);
    if name == "newest-of-everything" {
        assert_eq!(searches, 1, "{name}: a graph without conflicts takes one search");
    }
    assert_eq!(answer, crate::gather(&request, &world, false).0, "{name}: guessing names changed the answer");
    match (&answer, &scenario.expect.resolution, &scenario.expect.error) {
        (Ok(resolution), Some(expected), None) => assert_eq!(&chosen(resolution), expected, "{name}"),
        (Err(error), None, Some(expected)) => {
            assert_eq!(error.code(), expected, "{name}: {}", told(error));
            insta::assert_snapshot!(name, told(error));
        }
        (answer, ..) => panic!("{name}: {answer:#?}"),
    }
}

#[test]
fn every_scenario_ends_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/scenarios");
    let entries = std::fs::read_dir(folder).expect("the scenarios' folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    assert!(paths.len() >= 25, "the scenarios are found");
    for path in paths {
        play(&path);
    }
}
