//! What AssemblyScript and JavaScript have in common: packages of npm, and tests by `npm test`.
//!
//! `node_modules` is what npm made of `package.json` and `package-lock.json`. If these name something else now, because somebody pulled a
//! change or edited them, it's installed again, and said. What was installed by hand counts as well, by npm's own list of it; a folder
//! that another manager made is left alone.

use std::path::{Path, PathBuf};

use mfp_model::requirement::Requirement;
use mfp_model::version::Version;
use serde_json::{Map, Value};

use super::fresh::READY;
use super::remedy::{NODE, NPM};
use super::say;
use super::tools::{Tested, Tools};
use crate::error::Result;
use crate::report::clean;

/// The tables of `package.json` whose packages are installed.
const TABLES: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];
/// What other managers than npm leave in `node_modules`.
const OTHERS: [&str; 3] = [".modules.yaml", ".yarn-integrity", ".yarn-state.yml"];

/// Node, and the packages that `package.json` names.
pub(super) fn ready(tools: &Tools<'_>) -> Result<PathBuf> {
    let node = tools.need("node", &NODE)?;
    let named = Named::read(tools.root);
    let installed = tools.root.join("node_modules");
    if !installed.is_dir() {
        install(tools, &named, "")?;
    } else if named.package.is_some() && !is_marked(&installed, &named) && !named.is_in(&installed) {
        install(tools, &named, " (it names others than those in node_modules)")?;
    }
    Ok(node)
}

/// What's to be installed, as the two files say it.
struct Named {
    package: Option<Value>,
    lock: Option<Value>,
    /// Of what decides it.
    digest: String,
}

impl Named {
    fn read(root: &Path) -> Self {
        let (package, lock) = (package(root), json(&root.join("package-lock.json")));
        let decides = [tables(package.as_ref()), lock.clone().unwrap_or_default()];
        let text = decides.iter().map(|part| format!("{part}\n")).collect::<String>();
        Self { package, lock, digest: blake3::hash(text.as_bytes()).to_hex().to_string() }
    }

    /// Does the lock say what `package.json` says?
    fn agrees(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| tables(Some(&lock["packages"][""])) == tables(self.package.as_ref()))
    }

    /// Is this what npm has in that folder, by its own list?
    fn is_in(&self, installed: &Path) -> bool {
        if OTHERS.iter().any(|other| installed.join(other).exists()) {
            return true;
        }
        let list = json(&installed.join(".package-lock.json"));
        match (list.as_ref().and_then(|list| list["packages"].as_object()), &self.lock) {
            // npm writes its list at the end, so that an installation that was broken off has none. Nor has what nobody installed.
            (None, lock) => lock.is_none(),
            (Some(there), Some(lock)) => self.agrees() && is_locked(there, lock),
            (Some(there), None) => self.is_satisfied_by(there),
        }
    }

    /// Without a lock: are the packages there, in versions that fit as far as that can be told?
    fn is_satisfied_by(&self, there: &Map<String, Value>) -> bool {
        let asked = tables(self.package.as_ref());
        let mut asked = asked.as_object().into_iter().flat_map(|tables| tables.values()).filter_map(Value::as_object).flatten();
        asked.all(|(name, range)| {
            let version = there.get(&format!("node_modules/{name}")).map(|package| &package["version"]);
            version.is_some_and(|version| fits(range.as_str().unwrap_or_default(), version.as_str().unwrap_or_default()))
        })
    }
}

/// A table's ranges, by name.
fn tables(package: Option<&Value>) -> Value {
    let table = |name: &&str| Some(((*name).to_owned(), package?[name].as_object().filter(|table| !table.is_empty())?.clone().into()));
    Value::Object(TABLES.iter().filter_map(table).collect())
}

/// Each package that's there is the lock's, and each of the lock's is there, but for those that aren't for every machine.
fn is_locked(there: &Map<String, Value>, lock: &Value) -> bool {
    let Some(locked) = lock["packages"].as_object() else { return false };
    let is_same = |one: &Value, other: &Value| ["version", "integrity", "link"].iter().all(|key| one[key] == other[key]);
    let may_be_missing =
        |package: &Value| ["optional", "devOptional", "peer", "os", "cpu", "libc"].iter().any(|key| !package[key].is_null());
    there.iter().all(|(place, package)| locked.get(place).is_some_and(|locked| is_same(package, locked)))
        && locked.iter().all(|(place, package)| there.contains_key(place) || !place.contains("node_modules/") || may_be_missing(package))
}

/// An exact version, or a range of which no more is known than what it has in common with ours.
fn fits(range: &str, version: &str) -> bool {
    let Ok(version) = version.parse::<Version>() else { return true };
    match (range.parse::<Version>(), range.parse::<Requirement>()) {
        (Ok(exact), _) => exact == version,
        (Err(_), Ok(range)) => range.matches(&version),
        (Err(_), Err(_)) => true,
    }
}

/// Was it made of just this, by us?
fn is_marked(installed: &Path, named: &Named) -> bool {
    std::fs::read_to_string(installed.join(READY)).is_ok_and(|mark| mark == named.digest)
}

fn install(tools: &Tools<'_>, named: &Named, why: &str) -> Result<()> {
    let npm = tools.need("npm", &NPM)?;
    // A lock that says something else than package.json is npm's to write anew, unless it must stay as it is.
    let verb = if named.lock.is_some() && (named.agrees() || tools.is_locked()) { "ci" } else { "install" };
    say(tools.app, format!("Installing what package.json names{why}: `npm {verb}`"));
    let mut command = tools.command(npm);
    command.args([verb, "--no-audit", "--no-fund"]);
    if tools.is_offline() {
        command.arg("--offline");
    }
    tools.run(&mut command)?;
    let installed = tools.root.join("node_modules");
    if installed.is_dir() {
        let mark = Named::read(tools.root).digest;
        mfp_store::fs::write_atomic(&installed.join(READY), mark.as_bytes()).map_err(crate::explain::store)?;
    }
    Ok(())
}

/// Are both there? Which Node, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    let node = tools.need("node", &NODE)?;
    tools.need("npm", &NPM)?;
    let version = tools.ask(tools.command(node).arg("--version")).unwrap_or_default();
    Ok(format!("Node {}", clean(&version)))
}

/// `npm test`, if the package says what that is.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    if !has_tests(tools) {
        return Ok(Tested::None("package.json has no script `test`"));
    }
    ready(tools)?;
    let npm = tools.need("npm", &NPM)?;
    tools.tested(tools.command(npm).arg("test"))
}

fn has_tests(tools: &Tools<'_>) -> bool {
    let package = package(tools.root);
    // `npm init` writes one that only fails.
    package.is_some_and(|package| package["scripts"]["test"].as_str().is_some_and(|script| !script.contains("no test specified")))
}

/// What a folder's `package.json` says, if there's one that can be read.
pub(super) fn package(root: &Path) -> Option<Value> {
    json(&root.join("package.json"))
}

fn json(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(package: Value, lock: Option<Value>) -> Named {
        Named { package: Some(package), lock, digest: String::new() }
    }

    fn folder(list: Option<&Value>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        if let Some(list) = list {
            mfp_store::fs::write_atomic(&folder.path().join(".package-lock.json"), list.to_string().as_bytes()).unwrap();
        }
        folder
    }

    #[test]
    fn npms_list_is_held_against_the_lock_and_the_lock_against_the_package() {
        let package = || json!({ "devDependencies": { "a": "^1.0.0" } });
        let a = |version: &str| json!({ "version": version, "integrity": format!("sha512-{version}") });
        let lock = |more: Value| {
            let mut lock = json!({ "packages": { "": package(), "node_modules/a": a("1.0.1") } });
            lock["packages"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Some(lock)
        };
        let list = json!({ "packages": { "node_modules/a": a("1.0.1") } });
        let there = folder(Some(&list));
        let is_in = |package: Value, lock: Option<Value>| named(package, lock).is_in(there.path());
        assert!(is_in(package(), lock(json!({}))));
        assert!(is_in(package(), lock(json!({ "node_modules/mac": { "version": "1.0.0", "optional": true, "os": ["darwin"] } }))));
        assert!(!is_in(package(), lock(json!({ "node_modules/b": a("1.0.0") }))), "a package came");
        assert!(!is_in(package(), lock(json!({ "node_modules/a": a("1.0.2") }))), "another version");
        assert!(!is_in(json!({ "devDependencies": { "a": "^2.0.0" } }), lock(json!({}))), "package.json was edited");
        let more = folder(Some(&json!({ "packages": { "node_modules/a": a("1.0.1"), "node_modules/b": a("1.0.0") } })));
        assert!(!named(package(), lock(json!({}))).is_in(more.path()), "a package went");
        let broken_off = folder(None);
        assert!(!named(package(), lock(json!({}))).is_in(broken_off.path()));
        assert!(named(package(), None).is_in(broken_off.path()), "nothing says what should be there");
        mfp_store::fs::write_atomic(&broken_off.path().join(".modules.yaml"), b"").unwrap();
        assert!(named(package(), lock(json!({}))).is_in(broken_off.path()), "pnpm's");
    }

    #[test]
    fn without_a_lock_names_and_ranges_count() {
        let there = folder(Some(&json!({ "packages": { "node_modules/a": { "version": "1.2.0" } } })));
        let is_in = |range: &str| named(json!({ "dependencies": { "a": range } }), None).is_in(there.path());
        assert!(is_in("1.2.0") && is_in("^1.0.0") && is_in("github:a/a"));
        assert!(!is_in("1.0.0") && !is_in("^2.0.0"));
        assert!(!named(json!({ "dependencies": { "b": "*" } }), None).is_in(there.path()));
    }
}
