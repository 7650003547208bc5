//! What does a new version take away from those who use the last one, and is its number honest about that?
//!
//! Whoever locks `^1.2` gets 1.3 without being asked. So what breaks them belongs into a version that they ask for: [`Step`] is what
//! a number promises, by Cargo's rules (the leftmost number that isn't zero is the breaking one), and [`changes`] is what was found,
//! each with the step that it needs. Nothing here decides: whoever publishes may know better.
//!
//! Compared is what can be seen without running anything: what the module offers, what types, configuration, capabilities and
//! hosts the manifest names. What template functions there are, only the running plugin says ([`lost_functions`]).

pub mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::plugin::{PluginManifest, Surface, WasmKind};
use crate::requirement::VersionRange;
use crate::version::Version;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Functions and interfaces that the module offered, and template functions.
    Exports,
    /// Types of plugin that it was.
    Types,
    /// Configurations that it took.
    Config,
    /// What it asks for.
    Capabilities,
    /// The hosts that it ran on.
    Host,
}

/// What a version promises against the one before it. Ordered: what's allowed in a step is allowed in a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Corrections: nobody has to look.
    Patch,
    /// More than before, and nothing less.
    Minor,
    /// Whatever it is, it's taken only by those who ask.
    Major,
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

impl Step {
    /// The step from one version to a later one. Below 1.0 the number after the zero is the breaking one and the last one adds;
    /// below 0.1 every version breaks. Between pre-releases there's no promise.
    pub fn between(before: &Version, after: &Version) -> Self {
        let ((major, minor, patch), (new_major, new_minor, new_patch)) = (before.numbers(), after.numbers());
        if before.is_prerelease() || major != new_major {
            return Self::Major;
        }
        match (major, minor == new_minor) {
            (0, is_same) if !is_same || (minor == 0 && patch != new_patch) => Self::Major,
            (0, true) | (_, false) => Self::Minor,
            (_, true) => Self::Patch,
        }
    }

    /// The lowest version after this one that promises no more than this step.
    pub fn after(self, before: &Version) -> Version {
        match (self, before.numbers()) {
            (_, (0, 0, patch)) => Version::new(0, 0, patch + 1),
            (Self::Major, (0, minor, _)) => Version::new(0, minor + 1, 0),
            (_, (0, minor, patch)) => Version::new(0, minor, patch + 1),
            (Self::Major, (major, ..)) => Version::new(major + 1, 0, 0),
            (Self::Minor, (major, minor, _)) => Version::new(major, minor + 1, 0),
            (Self::Patch, (major, minor, patch)) => Version::new(major, minor, patch + 1),
        }
    }
}

/// Something that users of the last version lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of thing it is.
    pub check: Check,
    /// The least step that may do that.
    pub needs: Step,
    /// What it is, as a clause.
    pub what: String,
}

impl Change {
    fn new(check: Check, needs: Step, what: impl Into<String>) -> Self {
        Self { check, needs, what: what.into() }
    }
}

/// A version, as far as it's compared.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// What it says about itself.
    pub manifest: &'a PluginManifest,
    /// What its module offers and what kind of module that is; `None` where that isn't known.
    pub module: Option<(WasmKind, &'a Surface)>,
}

/// What the second version takes away from users of the first.
pub fn changes(before: Side<'_>, after: Side<'_>) -> Vec<Change> {
    let mut found = Vec::new();
    if let (Some(old), Some(new)) = (before.module, after.module)
        && old.0 == new.0
    {
        found.extend(lost_exports(&old.1.exports, &new.1.exports));
    }
    let (old, new) = (before.manifest, after.manifest);
    found.extend(
        old.types.difference(&new.types).map(|one| Change::new(Check::Types, Step::Major, format!("it's no `{one}` plugin any more"))),
    );
    let narrowed = schema::narrowings(old.config_schema.as_ref(), new.config_schema.as_ref());
    found.extend(narrowed.into_iter().map(|one| Change::new(Check::Config, Step::Major, format!("its configuration takes less: {one}"))));
    let wider = new.capabilities.excess(&old.capabilities);
    if !wider.is_empty() {
        let asked = serde_json::to_string(&wider).expect("capabilities are texts and numbers under text keys");
        found.push(Change::new(Check::Capabilities, Step::Minor, format!("it asks for more: {asked}")));
    }
    let everything = VersionRange::full();
    let range = |manifest: &PluginManifest| manifest.mockforge.as_ref().map_or_else(|| everything.clone(), |range| range.range().clone());
    if !range(old).subset_of(&range(new)) {
        let shown = |manifest: &PluginManifest| manifest.mockforge.as_ref().map_or_else(|| "all hosts".to_owned(), ToString::to_string);
        found.push(Change::new(
            Check::Host,
            Step::Minor,
            format!("it runs on fewer hosts: `mockforge` was {}, and is {}", shown(old), shown(new)),
        ));
    }
    found
}

/// Functions and interfaces that aren't offered any more, or not with the same type. What a compiler exports for itself begins with
/// an underscore or with `cabi_`, and nobody calls it.
fn lost_exports(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<Change> {
    let is_a_compilers = |name: &str| name.starts_with('_') || name.starts_with("cabi_");
    let offered =
        old.iter().filter(|(name, word)| !is_a_compilers(name) && (word.starts_with('(') || matches!(&***word, "function" | "instance")));
    let lost = |(name, word): (&String, &String)| match new.get(name) {
        None => Some(format!("`{name}` isn't exported any more")),
        Some(other) if other != word => Some(format!("`{name}` was {word}, and is {other}")),
        Some(_) => None,
    };
    offered.filter_map(lost).map(|what| Change::new(Check::Exports, Step::Major, what)).collect()
}

/// Template functions that there were and aren't.
pub fn lost_functions(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Vec<Change> {
    old.difference(new)
        .map(|name| Change::new(Check::Exports, Step::Major, format!("there's no template function `{name}` any more")))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_promises_what_cargo_takes_it_for() {
        for (before, after, step) in [
            ("1.2.3", "1.2.4", Step::Patch),
            ("1.2.3", "1.3.0", Step::Minor),
            ("1.2.3", "2.0.0", Step::Major),
            ("1.2.3", "2.0.0-rc.1", Step::Major),
            ("1.2.3", "1.2.4-rc.1", Step::Patch),
            ("0.2.3", "0.2.4", Step::Minor),
            ("0.2.3", "0.3.0", Step::Major),
            ("0.0.3", "0.0.4", Step::Major),
            ("0.9.0", "1.0.0", Step::Major),
            ("1.0.0-rc.1", "1.0.0-rc.2", Step::Major),
        ] {
            assert_eq!(Step::between(&version(before), &version(after)), step, "{before} to {after}");
        }
    }

    #[test]
    fn the_version_that_would_be_right_is_named() {
        for (before, patch, minor, major) in
            [("1.2.3", "1.2.4", "1.3.0", "2.0.0"), ("0.2.3", "0.2.4", "0.2.4", "0.3.0"), ("0.0.3", "0.0.4", "0.0.4", "0.0.4")]
        {
            let next = [Step::Patch, Step::Minor, Step::Major].map(|step| step.after(&version(before)).to_string());
            assert_eq!(next, [patch, minor, major], "{before}");
        }
    }

    proptest! {
        #[test]
        fn the_named_version_is_enough_and_is_newer(major in 0_u64..3, minor in 0_u64..3, patch in 0_u64..3) {
            let before = Version::new(major, minor, patch);
            for step in [Step::Patch, Step::Minor, Step::Major] {
                let next = step.after(&before);
                prop_assert!(next > before && Step::between(&before, &next) >= step, "{} to {}", before, next);
                // What users of the caret get without asking is never a breaking step.
                let caret = crate::requirement::Requirement::caret(&before);
                prop_assert_eq!(caret.matches(&next), Step::between(&before, &next) < Step::Major);
            }
        }
    }

    fn manifest(rest: &str) -> PluginManifest {
        PluginManifest::parse(&format!("mfp: 1\nplugin:\n  id: x\n  version: 1.0.0\n{rest}")).unwrap()
    }

    fn found(before: &str, after: &str) -> Vec<(Check, Step)> {
        let (before, after) = (manifest(before), manifest(after));
        let side = |manifest| Side { manifest, module: None };
        changes(side(&before), side(&after)).iter().map(|one| (one.check, one.needs)).collect()
    }

    #[test]
    fn what_is_taken_away_is_told_and_what_is_added_isnt() {
        let template = "  types: [template]\n";
        let both = "  types: [template, auth]\n";
        assert_eq!(found(both, template), [(Check::Types, Step::Major)]);
        assert_eq!(found(template, both), []);
        let asks = |hosts: &str| format!("{template}capabilities:\n  network: {{ allow_http_outbound: true, allowed_hosts: [{hosts}] }}\n");
        assert_eq!(found(template, &asks("a.example")), [(Check::Capabilities, Step::Minor)]);
        assert_eq!(found(&asks("\"*.example.com\""), &asks("a.example.com")), [], "narrower by meaning");
        assert_eq!(found(&asks("a.example"), template), []);
        let runs_on = |range: &str| format!("{template}mockforge: \"{range}\"\n");
        assert_eq!(found(&runs_on(">=0.3, <2"), &runs_on(">=0.4, <2")), [(Check::Host, Step::Minor)]);
        assert_eq!(found(template, &runs_on(">=0.3")), [(Check::Host, Step::Minor)]);
        assert_eq!(found(&runs_on(">=0.3, <2"), &runs_on(">=0.3, <3")), []);
        let takes = |schema: &str| format!("{template}configuration:\n  schema: {schema}\n");
        assert_eq!(found(&takes("{ type: object }"), &takes("{ type: object, required: [key] }")), [(Check::Config, Step::Major)]);
    }

    #[test]
    fn exports_that_somebody_can_call_are_missed() {
        let surface = |exports: &[(&str, &str)]| Surface {
            exports: exports.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned())).collect(),
            ..Surface::default()
        };
        let one = manifest("  types: [template]\n");
        let lost = |old: &Surface, new: &Surface, kinds: (WasmKind, WasmKind)| {
            let side = |kind, surface| Side { manifest: &one, module: Some((kind, surface)) };
            changes(side(kinds.0, old), side(kinds.1, new)).into_iter().map(|change| change.what).collect::<Vec<_>>()
        };
        let old = surface(&[
            ("run", "(i32) -> i64"),
            ("gone", "()"),
            ("mockforge:plugin/auth@1.0.0", "instance"),
            ("_start", "()"),
            ("cabi_realloc", "()"),
            ("__heap_base", "global i32"),
            ("memory", "memory"),
        ]);
        let new = surface(&[("run", "(i64) -> i64"), ("more", "()")]);
        let modules = (WasmKind::Module, WasmKind::Module);
        assert_eq!(
            lost(&old, &new, modules),
            [
                "`gone` isn't exported any more",
                "`mockforge:plugin/auth@1.0.0` isn't exported any more",
                "`run` was (i32) -> i64, and is (i64) -> i64",
            ]
        );
        assert_eq!(lost(&old, &old, modules), [""; 0]);
        // A module that becomes a component offers the same in another way; its types say what that is.
        assert_eq!(lost(&old, &new, (WasmKind::Module, WasmKind::Component)), [""; 0]);
        let functions = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let told = lost_functions(&functions(&["upper", "lower"]), &functions(&["upper", "title"]));
        assert_eq!(told.iter().map(|one| &*one.what).collect::<Vec<_>>(), ["there's no template function `lower` any more"]);
    }
}
