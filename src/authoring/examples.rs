//! Which plugins are there to learn from, and what's a copy of one that stands by itself? The sources of `examples/plugins/`, without
//! their workspace, and with copies of the crates beside them that they need.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::plugin::PluginManifest;
use rust_embed::RustEmbed;
use toml_edit::{Array, DocumentMut, Item, TableLike, value};

use super::language::Language;
use super::templates::Files;
use super::{cargo, sdk};

#[derive(RustEmbed)]
#[folder = "examples/plugins/"]
#[exclude = "*.wasm"]
#[exclude = "*/node_modules/*"]
#[exclude = "*/target/*"]
#[exclude = "target/*"]
struct Sources;

/// What's built otherwise than by its own folder's defaults, as `examples/build.sh` does it: the plugin, the folder that has its crate,
/// and the features of it.
const BUILT: [(&str, &str, &[&str]); 2] = [("auth-jwks", "auth-jwt", &["jwks"]), ("datasource-csv", "datasource-csv-1.2", &["files"])];

/// What cargo is told in this workspace.
const CARGO_CONFIG: &str = ".cargo/config.toml";

/// Why reading them can't fail.
const READS: &str = "a test reads every example";

/// A plugin to learn from.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) manifest: PluginManifest,
    /// Its folder, with what its package has.
    folder: String,
}

/// All of them, by name; of one that's there in several versions, the newest.
pub(crate) fn all() -> Vec<Example> {
    let mut examples: BTreeMap<String, Example> = BTreeMap::new();
    for path in Sources::iter() {
        let Some(folder) = path.strip_suffix("/plugin.yaml").filter(|folder| !folder.contains('/')) else { continue };
        let manifest = PluginManifest::parse(&text(&path)).expect(READS);
        let name = manifest.id.to_string();
        if examples.get(&name).is_none_or(|known| known.manifest.version < manifest.version) {
            examples.insert(name, Example { manifest, folder: folder.to_owned() });
        }
    }
    examples.into_values().collect()
}

impl Example {
    pub(crate) fn name(&self) -> &str {
        self.manifest.id.as_str()
    }

    /// The folder that has its sources.
    fn sources(&self) -> &str {
        self.built().map_or(&self.folder, |(folder, _)| folder)
    }

    fn built(&self) -> Option<(&'static str, &'static [&'static str])> {
        BUILT.iter().find(|(name, ..)| *name == self.name()).map(|(_, folder, features)| (*folder, *features))
    }

    fn is_rust(&self) -> bool {
        Sources::get(&format!("{}/Cargo.toml", self.sources())).is_some()
    }

    /// The language that it's written in.
    pub(crate) fn language(&self) -> Language {
        if self.is_rust() { Language::Rust } else { Language::AssemblyScript }
    }

    /// The files of a copy that needs nothing outside of its folder but what its tools fetch.
    pub(crate) fn files(&self) -> Files {
        let mut files = below(self.sources());
        files.extend(below(&self.folder));
        if self.is_rust() {
            self.stand_alone(&mut files);
        }
        let ignored = if self.is_rust() { "/target/\n" } else { "/node_modules/\n" };
        files.insert(".gitignore".to_owned(), ignored.into());
        files
    }

    fn stand_alone(&self, files: &mut Files) {
        let manifest = self.crate_manifest();
        let needs = |crate_name: &str| manifest["dependencies"].get(crate_name).is_some();
        let (uses_sdk, uses_json1) = (needs("mockforge-plugin-sdk"), needs("json1"));
        if uses_sdk {
            files.extend(sdk::Package::Rust.files().into_iter().map(|(path, bytes)| (format!("sdk/{path}"), bytes)));
        }
        if uses_json1 {
            files.extend(below("json1").into_iter().map(|(path, bytes)| (format!("json1/{path}"), bytes)));
            let json1 = cargo::standalone(&text("json1/Cargo.toml"), &text("Cargo.toml"));
            files.insert("json1/Cargo.toml".to_owned(), json1.to_string().into_bytes());
        }
        // Without it the crate isn't built for WebAssembly.
        if needs("getrandom") {
            files.insert(CARGO_CONFIG.to_owned(), text(CARGO_CONFIG).into_bytes());
        }
        files.insert("Cargo.lock".to_owned(), self.lock(&manifest).into_bytes());
        files.insert("Cargo.toml".to_owned(), manifest.to_string().into_bytes());
        // A crate of two plugins has the other one's `plugin.yaml` in that one's folder. Here each is in its own.
        let elsewhere = format!("\"../{}/plugin.yaml\"", self.name());
        if let Some(lib) = files.get_mut("src/lib.rs") {
            *lib = String::from_utf8_lossy(lib).replace(&elsewhere, "\"plugin.yaml\"").into_bytes();
        }
    }

    fn crate_manifest(&self) -> DocumentMut {
        let workspace = text("Cargo.toml");
        let mut manifest = cargo::standalone(&text(&format!("{}/Cargo.toml", self.sources())), &workspace);
        manifest["package"]["name"] = value(self.name());
        for (dependency, path) in [("mockforge-plugin-sdk", "sdk/rust"), ("json1", "json1")] {
            if let Some(item) = manifest["dependencies"].get_mut(dependency).and_then(Item::as_table_like_mut) {
                item.insert("path", value(path));
            }
        }
        if let Some((_, features)) = self.built() {
            cargo::table(&mut manifest, "features").insert("default", value(features.iter().copied().collect::<Array>()));
        }
        let workspace: DocumentMut = workspace.parse().expect(READS);
        manifest["profile"] = workspace["profile"].clone();
        let reached = reached(&locked(), &self.crate_name());
        if let Some(release) = manifest["profile"]["release"].as_table_like_mut() {
            keep_packages(release, &reached);
        }
        let mut own = toml_edit::Table::new();
        own.insert("exclude", value(Array::from_iter(["json1", "sdk"])));
        manifest.insert("workspace", Item::Table(own));
        manifest
    }

    /// The crate's own name, in the workspace.
    fn crate_name(&self) -> String {
        let manifest: DocumentMut = text(&format!("{}/Cargo.toml", self.sources())).parse().expect(READS);
        manifest["package"]["name"].as_str().unwrap_or_default().to_owned()
    }

    /// What of the workspace's lock this crate needs, so that its copy is built of the same crates.
    fn lock(&self, manifest: &DocumentMut) -> String {
        let mut lock = locked();
        let own = self.crate_name();
        let reached = reached(&lock, &own);
        if let Some(packages) = lock["package"].as_array_of_tables_mut() {
            packages.retain(|package| package["name"].as_str().is_some_and(|name| reached.contains(name)));
            for package in packages.iter_mut().filter(|package| package["name"].as_str() == Some(&own)) {
                package["name"] = manifest["package"]["name"].clone();
            }
        }
        lock.to_string()
    }
}

/// Of a profile's packages, those that are built.
fn keep_packages(profile: &mut dyn TableLike, reached: &BTreeSet<String>) {
    let Some(packages) = profile.get_mut("package").and_then(Item::as_table_like_mut) else { return };
    let gone: Vec<String> = packages.iter().map(|(name, _)| name.to_owned()).filter(|name| !reached.contains(name)).collect();
    for name in gone {
        packages.remove(&name);
    }
    if packages.is_empty() {
        profile.remove("package");
    }
}

/// The lock of the workspace that the examples are in.
fn locked() -> DocumentMut {
    text("Cargo.lock").parse().expect(READS)
}

/// The names of the packages that one needs, itself too.
fn reached(lock: &DocumentMut, root: &str) -> BTreeSet<String> {
    let packages: Vec<&toml_edit::Table> = lock["package"].as_array_of_tables().into_iter().flatten().collect();
    let mut reached = BTreeSet::new();
    let mut next = vec![root.to_owned()];
    while let Some(name) = next.pop() {
        for package in packages.iter().filter(|package| package["name"].as_str() == Some(&name)) {
            let needs = package.get("dependencies").and_then(Item::as_array).into_iter().flatten();
            // A name, with the version where there are several.
            next.extend(
                needs.filter_map(|need| need.as_str()?.split(' ').next().map(str::to_owned)).filter(|need| !reached.contains(need)),
            );
        }
        reached.insert(name);
    }
    reached
}

fn text(path: &str) -> String {
    let file = Sources::get(path).unwrap_or_else(|| panic!("{path}: {READS}"));
    String::from_utf8(file.data.into_owned()).expect(READS)
}

/// The files of a folder, by their paths in it.
fn below(folder: &str) -> Files {
    let found = Sources::iter().filter_map(|path| {
        let inside = path.strip_prefix(folder)?.strip_prefix('/')?.to_owned();
        Some((inside, Sources::get(&path)?.data.into_owned()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_stands_by_itself() {
        for example in all() {
            let files = example.files();
            assert!(files.contains_key("plugin.yaml") && files.contains_key("README.md"), "{}", example.name());
            assert_eq!(files.contains_key(CARGO_CONFIG), example.name() == "response-graphql", "{}", example.name());
            for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
                let manifest: DocumentMut = String::from_utf8(bytes.clone()).unwrap().parse().unwrap();
                assert!(!manifest.to_string().contains("workspace = true"), "{}/{path}: {manifest}", example.name());
                for (_, dependency) in manifest["dependencies"].as_table_like().unwrap().iter() {
                    let Some(beside) = dependency.get("path").and_then(Item::as_str) else { continue };
                    assert!(files.contains_key(&format!("{beside}/Cargo.toml")), "{}: {beside}", example.name());
                }
            }
        }
    }

    /// What's built otherwise than by default, the script that builds the committed modules says too.
    #[test]
    fn features_are_those_that_are_published() {
        let script = include_str!("../../examples/build.sh");
        let of_sdk = script.split("SDK_PLUGINS=\"\n").nth(1).and_then(|rest| rest.split('"').next()).expect("build.sh has its table");
        let mut published = Vec::new();
        for line in of_sdk.lines() {
            let [crate_name, features, _, folder, _] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let is_newest = all().iter().any(|example| example.folder == folder);
            if features != "-" && is_newest {
                let id = PluginManifest::parse(&text(&format!("{folder}/plugin.yaml"))).unwrap().id.to_string();
                published.push((id, crate_name.to_owned(), features.to_owned()));
            }
        }
        let examples = all();
        let built = BUILT.iter().map(|(name, _, features)| {
            let example = examples.iter().find(|example| example.name() == *name).expect("it's there");
            ((*name).to_owned(), example.crate_name(), features.join(","))
        });
        assert_eq!(built.collect::<Vec<_>>(), published);
    }
}
