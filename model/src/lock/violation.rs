//! Which plugins of a lock does the project's policy not allow? Every rule over every entry, without a network.
//!
//! A lock that was made under another policy, or edited, isn't trusted to keep this one: whoever locks, syncs, verifies or
//! loads asks here.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Lock, LockedPlugin};
use crate::name::{PluginName, RegistryName};
use crate::project::{Breach, Judged, Manifest};
use crate::source::{RegistryUrl, SourceId};
use crate::version::Version;

/// A plugin that breaks a rule of `[policy]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which, by its name in the project.
    pub name: PluginName,
    /// Which version of it; nothing for a service, and for what isn't locked yet.
    pub version: Option<Version>,
    /// The rule, and how it's broken.
    pub breach: Breach,
    /// Where the rule stands, in bytes of the manifest's text.
    pub span: Range<usize>,
}

impl Violation {
    fn new(manifest: &Manifest, name: &PluginName, version: Option<&Version>, breach: Breach) -> Self {
        let span = manifest.place(&format!("policy.{}", breach.setting())).unwrap_or_default();
        Self { name: name.clone(), version: version.cloned(), breach, span }
    }

    /// `greet 1.1.0 has the licence …`
    pub fn sentence(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version} {}", self.name, self.breach),
            None => format!("{} {}", self.name, self.breach),
        }
    }
}

/// Every rule that an entry of the lock breaks, by the entries' names.
pub fn violations(manifest: &Manifest, lock: &Lock) -> Vec<Violation> {
    if manifest.policy.is_lenient() {
        return Vec::new();
    }
    let registries = registries(manifest);
    lock.plugins.values().flat_map(|plugin| of_entry(manifest, lock, &registries, plugin)).collect()
}

fn of_entry(manifest: &Manifest, lock: &Lock, registries: &BTreeMap<RegistryName, RegistryUrl>, plugin: &LockedPlugin) -> Vec<Violation> {
    let source = plugin.source();
    let judged = Judged {
        entry: &plugin.name,
        id: plugin.id(),
        source: &source,
        license: plugin.package().and_then(|package| package.license.as_deref()),
        signer: plugin.signer(),
    };
    let mut breaches = manifest.policy.breaches(&judged, registries);
    // Where freshness isn't asked for, the lock's registry may be another than the manifest's of that name: both count.
    if let SourceId::Registry(name) = &source
        && lock.registries.get(name) != registries.get(name)
        && !breaches.iter().any(|breach| matches!(breach, Breach::Source { .. }))
    {
        breaches.extend(manifest.policy.source_breach(&source, &lock.registries));
    }
    breaches.into_iter().map(|breach| Violation::new(manifest, &plugin.name, plugin.version(), breach)).collect()
}

/// What the manifest asks for from where nothing may come from: told before anybody is asked for it.
pub fn denied_sources(manifest: &Manifest) -> Vec<Violation> {
    let registries = registries(manifest);
    let denied = manifest.plugins.iter().filter_map(|(name, entry)| {
        let breach = manifest.policy.source_breach(&entry.request.source.id(), &registries)?;
        Some(Violation::new(manifest, name, None, breach))
    });
    denied.collect()
}

fn registries(manifest: &Manifest) -> BTreeMap<RegistryName, RegistryUrl> {
    manifest.registries.iter().map(|(name, registry)| (name.clone(), registry.url.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::capability::Capabilities;
    use crate::lock::{LockedBody, LockedPackage};
    use crate::source::{ArchiveFormat, Artifact, GitReference, Pin};

    const KEY: &str = "minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa";
    const OTHER: &str = "minisign:RWTMGUsL135xoSqcFWZJ2fGYK4dU3Hy3lAXJtOiFxYlFqZ+Ik0Jm1Zi6";

    const WANTED: &str = r#"
[plugins]
auth = "^1"
alias = { version = "^1", package = "pinned" }
tree = { git = "https://github.com/acme/plugins", tag = "v1" }
service = { remote = "https://auth.acme.example/", types = ["auth"] }

[registries]
default = "https://plugins.acme.example/"
"#;

    fn package(name: &str, package: Option<&str>, pin: Pin, license: &str, signer: Option<&str>) -> LockedPlugin {
        let body = LockedPackage {
            package: package.map(|package| package.parse().unwrap()),
            version: Version::new(1, 0, 0),
            pin,
            license: Some(license.to_owned()),
            signer: signer.map(|signer| signer.parse().unwrap()),
            capabilities: Capabilities::default(),
            dependencies: Vec::new(),
        };
        let content = format!("blake3:{}", "0f".repeat(32)).parse().unwrap();
        LockedPlugin { name: name.parse().unwrap(), types: BTreeSet::new(), body: LockedBody::Package(Box::new(body)), content }
    }

    fn lock() -> Lock {
        let of_registry = || Pin::Registry {
            registry: "default".parse().unwrap(),
            published: "2026-01-01T00:00:00Z".parse().unwrap(),
            artifact: Artifact { format: ArchiveFormat::Zip, size: 1, sha256: "0f".repeat(32).parse().unwrap() },
        };
        let of_git = Pin::Git {
            url: "https://github.com/acme/plugins".parse().unwrap(),
            reference: GitReference::Tag("v1".parse().unwrap()),
            commit: "8a".repeat(20).parse().unwrap(),
            subdir: None,
            submodules: false,
        };
        Lock::build(
            &manifest(""),
            vec![
                package("alias", Some("pinned"), of_registry(), "MIT OR Zlib", None),
                package("auth", None, of_registry(), "MIT", Some(KEY)),
                package("tree", None, of_git, "GPL-3.0-only", None),
            ],
        )
    }

    fn manifest(policy: &str) -> Manifest {
        Manifest::parse(&format!("{WANTED}\n[policy]\n{policy}\n"), &Version::new(0, 1, 0)).unwrap_or_else(|error| panic!("{error:?}"))
    }

    fn told(policy: &str) -> Vec<String> {
        let manifest = manifest(policy);
        let shown = |one: &Violation| format!("{} [{}]", one.sentence(), one.breach.code());
        violations(&manifest, &lock()).iter().map(shown).collect()
    }

    #[test]
    fn no_rules_no_violations() {
        assert_eq!(told(""), Vec::<String>::new());
        assert_eq!(told("advisories = \"deny\"\nlimits.git = { memory = \"1MiB\" }"), Vec::<String>::new());
    }

    #[test]
    fn sources_of_services_are_sources_too() {
        assert_eq!(
            told("allow = [\"registry:*\", \"git:https://github.com/acme/*\"]"),
            ["service comes from remote+https://auth.acme.example, which no pattern takes in [mfp::policy::source]"]
        );
        assert_eq!(
            told("deny = [\"git:https://github.com/*\"]"),
            ["tree 1.0.0 comes from git+https://github.com/acme/plugins, which `git:https://github.com/*` takes in [mfp::policy::source]"]
        );
        assert_eq!(told("allow = []").len(), 4);
    }

    #[test]
    fn licences_signatures_and_keys_are_about_files() {
        assert_eq!(told("licenses = [\"MIT\"]"), ["tree 1.0.0 has the licence `GPL-3.0-only`, which isn't allowed [mfp::policy::license]"]);
        assert_eq!(
            told("require-signatures = true"),
            ["alias 1.0.0 isn't signed [mfp::policy::unsigned]", "tree 1.0.0 isn't signed [mfp::policy::unsigned]"]
        );
    }

    #[test]
    fn a_pinned_key_holds_for_the_plugin_and_for_every_name_that_the_project_gives_it() {
        assert_eq!(told(&format!("keys = {{ auth = [\"{KEY}\"] }}")), Vec::<String>::new());
        assert_eq!(told(&format!("keys = {{ auth = [\"{OTHER}\", \"{KEY}\"] }}")), Vec::<String>::new());
        assert_eq!(
            told(&format!("keys = {{ auth = [\"{OTHER}\"] }}")),
            [format!("auth 1.0.0 is signed by {KEY}, which isn't the key that's pinned [mfp::policy::key]")]
        );
        for name in ["pinned", "alias"] {
            assert_eq!(
                told(&format!("keys = {{ {name} = [\"{KEY}\"] }}")),
                ["alias 1.0.0 isn't signed, and a key is pinned for it [mfp::policy::key]"]
            );
        }
        assert!(Manifest::parse("[policy]\nkeys = { auth = [] }\n", &Version::new(0, 1, 0)).is_err(), "nobody, or anybody?");
    }

    #[test]
    fn a_violation_points_at_its_rule() {
        let manifest = manifest("licenses = [\"MIT\"]");
        let found = violations(&manifest, &lock());
        let text = format!("{WANTED}\n[policy]\nlicenses = [\"MIT\"]\n");
        assert_eq!(&text[found[0].span.clone()], "licenses");
    }

    #[test]
    fn a_registry_that_only_the_lock_names_is_judged_too() {
        let mut lock = lock();
        lock.registries.insert("default".parse().unwrap(), "https://evil.example/".parse().unwrap());
        let manifest = manifest("allow = [\"registry:https://plugins.acme.example/\", \"git:*\", \"remote:*\"]");
        assert_eq!(violations(&manifest, &lock).len(), 2);
        lock.registries = self::lock().registries;
        assert_eq!(violations(&manifest, &lock).len(), 0);
    }

    #[test]
    fn what_a_manifest_asks_for_is_judged_before_anybody_is_asked() {
        let found = denied_sources(&manifest("allow = [\"registry:*\"]\nlicenses = []"));
        assert_eq!(found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["service", "tree"]);
    }
}
