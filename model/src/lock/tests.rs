//! The lock as a whole: one text, read strictly, never shorter than it was.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::*;
use crate::content::Listing;
use crate::project::Manifest;
use crate::project::edit::{self, Place};
use crate::project::tests::{addition, own};
use crate::source::{ArchiveFormat, Artifact, Source};

fn fixtures(folder: &str) -> Vec<(String, String)> {
    let path = format!("{}/../fixtures/locks/{folder}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let entries = entries.map(|entry| entry.unwrap());
    let mut all: Vec<(String, String)> =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())).collect();
    all.sort();
    all
}

fn documented() -> (Manifest, String) {
    let folder = format!("{}/../fixtures", env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(format!("{folder}/manifests/good/locked.toml")).unwrap();
    let lock = std::fs::read_to_string(format!("{folder}/locks/good/locked.lock")).unwrap();
    (Manifest::parse(&manifest, &own()).unwrap(), lock)
}

fn told(text: &str, error: &LockError) -> String {
    format!("{}\n  {}\n  help: {}\n", error.code(), error.with_position(text), error.help.as_deref().unwrap_or_default())
}

#[test]
fn the_documented_lock_is_read_and_written_byte_for_byte() {
    for (name, text) in fixtures("good") {
        let slow = read::parse_slow(&text).unwrap_or_else(|error| panic!("{name}: {}", told(&text, &error)));
        let fast = read::parse_fast(&text).unwrap_or_else(|| panic!("{name}: not in the writer's own spelling"));
        assert_eq!(fast, slow, "{name}");
        assert_eq!(fast.to_text(), text, "{name}");
    }
}

#[test]
fn the_documented_lock_is_fresh() {
    let (manifest, text) = documented();
    let lock = Lock::parse(&text).unwrap();
    assert_eq!(staleness(&manifest, &lock, &BTreeMap::new()), []);
    let resolved = lock.plugins.values().filter(|plugin| plugin.package().is_some()).cloned().collect();
    assert_eq!(Lock::build(&manifest, resolved).to_text(), text);
}

#[test]
fn bad_locks_say_what_is_wrong_and_where() {
    for (name, text) in fixtures("bad") {
        let error = Lock::parse(&text).err().unwrap_or_else(|| panic!("{name} is read"));
        assert!(error.span.start <= error.span.end && error.span.end <= text.len(), "{name}");
        assert!(LockError::CODES.contains(&error.code()));
        insta::assert_snapshot!(name.trim_end_matches(".lock"), told(&text, &error));
    }
}

#[test]
fn a_lock_that_is_cut_anywhere_is_never_a_shorter_one() {
    let (manifest, text) = documented();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert_cut_is_noticed(&manifest, &text, end);
    }
}

/// A cut lock isn't read, or isn't fresh.
fn assert_cut_is_noticed(manifest: &Manifest, text: &str, end: usize) {
    for cut in [text[..end].to_owned(), format!("{}\n", &text[..end])] {
        if cut == text {
            continue;
        }
        if let Ok(lock) = Lock::parse(&cut) {
            let same = lock.to_text() == text;
            assert!(same || !staleness(manifest, &lock, &BTreeMap::new()).is_empty(), "cut at {end} is read and fresh:\n{cut}");
        }
    }
}

#[test]
fn any_other_spelling_of_the_same_is_the_same() {
    let (_, text) = documented();
    let lock = Lock::parse(&text).unwrap();
    let spaced = text.replace(" = ", "   =  ").replace("[[plugin]]", "# a comment\n[[ plugin ]]");
    for other in [text.replace('\n', "\r\n"), spaced, text.replace("\"default\"", "'default'"), text.replace("48211", "48_211")] {
        assert_eq!(read::parse_fast(&other), None);
        assert_eq!(Lock::parse(&other).as_ref(), Ok(&lock), "{other}");
    }
}

#[test]
fn a_newer_revision_is_read_and_never_written() {
    let (_, text) = documented();
    let newer = text.replace("revision = 0", "revision = 1\nfuture = true").replace("license = \"MIT\"", "license = \"MIT\"\nrating = 5");
    let lock = Lock::parse(&newer).unwrap();
    assert!(lock.is_from_newer_mfp());
    assert_eq!(lock.plugins, Lock::parse(&text).unwrap().plugins);
}

#[test]
fn every_way_of_being_stale_has_its_words() {
    let (_, text) = documented();
    let lock = Lock::parse(&text).unwrap();
    let wanted = std::fs::read_to_string(format!("{}/../fixtures/manifests/good/locked.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let changes: &[(&str, &str)] = &[
        ("auth-jwt = \"^1.2\"", "auth-jwt = \"^2.0\""),
        ("csv = {", "cvs = {"),
        ("auth-jwt = \"^1.2\"", "auth-jwt = { version = \"^1.2\", registry = \"corp\" }"),
        ("package = \"template-crypto\"", "package = \"other-crypto\""),
        ("tag = \"v1.0.0\"", "tag = \"v1.0.1\", submodules = true"),
        ("subdir = \"graphql\"", "subdir = \"gql\""),
        ("https://cdn.acme.example/csv-2.0.0.tar.gz", "https://cdn.acme.example/csv-2.1.0.tar.gz?token=s3cret"),
        ("timeout-ms = 5000, retries = 3, health-check-interval = 30", "retries = 1"),
        ("[groups.load-test]", "[groups.stress]"),
        ("mockforge = \">=0.3, <2\"\n", ""),
        ("strategy = \"highest\"", "strategy = \"lowest\""),
        ("jwks-core = \"=0.3.1\"", "jwks-core = \"=0.3.2\"\ncsv = \"2\""),
        ("[overrides]\njwks-core = \"=0.3.1\"\n", ""),
        ("corp = \"https://mf.corp.example/\"", "corp = \"https://mf2.corp.example/\"\nnew = \"file:x\""),
        ("registry = \"default\"", "registry = \"corp\""),
    ];
    let mut report = String::new();
    for (from, to) in changes {
        let edited = wanted.replacen(from, to, 1);
        assert_ne!(edited, wanted, "{from}");
        let manifest = Manifest::parse(&edited, &own()).unwrap();
        let reasons = staleness(&manifest, &lock, &BTreeMap::new());
        assert!(!reasons.is_empty(), "{to}");
        writeln!(report, "{} → {}", from.trim_end(), to.trim_end()).unwrap();
        for reason in reasons {
            writeln!(report, "  • {reason}").unwrap();
        }
    }
    insta::assert_snapshot!(report);
}

/// What only a changed lock, not a changed manifest, brings about.
#[test]
fn a_lock_whose_edges_do_not_hold_is_stale() {
    let (manifest, text) = documented();
    let fresh = Lock::parse(&text).unwrap();
    let edited = |edit: &dyn Fn(&mut Lock)| {
        let mut lock = fresh.clone();
        edit(&mut lock);
        let reasons = staleness(&manifest, &lock, &BTreeMap::new());
        reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let set_version = |lock: &mut Lock, name: &str, version: &str| {
        let LockedBody::Package(package) = &mut lock.plugins.get_mut(name).unwrap().body else { panic!("{name} is a service") };
        package.version = version.parse().unwrap();
    };
    let set_registry = |lock: &mut Lock, name: &str, to: &str| {
        let LockedBody::Package(package) = &mut lock.plugins.get_mut(name).unwrap().body else { panic!("{name} is a service") };
        let Pin::Registry { registry, .. } = &mut package.pin else { panic!("{name} has no registry") };
        *registry = to.parse().unwrap();
    };
    let report = [
        edited(&|lock| set_version(lock, "auth-jwt", "1.1.0")),
        edited(&|lock| set_version(lock, "auth-jwt", "1.5.0-rc.1")),
        edited(&|lock| set_version(lock, "jwks-core", "0.3.2")),
        edited(&|lock| set_registry(lock, "jwks-core", "corp")),
        edited(&|lock| {
            lock.plugins.remove("jwks-core");
        }),
        edited(&|lock| {
            let LockedBody::Package(package) = &mut lock.plugins.get_mut("auth-jwt").unwrap().body else { panic!() };
            package.dependencies.clear();
        }),
        edited(&|lock| {
            lock.plugins.remove("csv");
        }),
        edited(&|lock| {
            lock.overrides.clear();
        }),
    ];
    insta::assert_snapshot!(report.join("\n---\n"));
}

#[test]
fn a_changed_folder_makes_the_lock_stale() {
    let (manifest, text) = documented();
    let lock = Lock::parse(&text).unwrap();
    let name: PluginName = "mine".parse().unwrap();
    let same = BTreeMap::from([(name.clone(), lock.plugins["mine"].content)]);
    assert_eq!(staleness(&manifest, &lock, &same), []);
    let other = BTreeMap::from([(name, Listing::default().content())]);
    let reasons = staleness(&manifest, &lock, &other);
    assert_eq!(
        reasons.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["mine: the files in `../my-plugin` aren't those that were locked"]
    );
}

#[test]
fn both_sides_of_a_conflict_are_found() {
    let (_, text) = documented();
    let theirs = text.replace("version = \"1.4.2\"", "version = \"1.5.0\"");
    let conflict = text.replace(
        "version = \"1.4.2\"\n",
        "<<<<<<< HEAD\nversion = \"1.4.2\"\n||||||| base\nversion = \"1.4.0\"\n=======\nversion = \"1.5.0\"\n>>>>>>> branch\n",
    );
    assert_eq!(Lock::parse(&conflict).unwrap_err().kind, LockErrorKind::ConflictMarkers);
    let base = text.replace("version = \"1.4.2\"", "version = \"1.4.0\"");
    assert_eq!(merge::sides(&conflict), Some((Some(base), text.clone(), theirs.clone())));
    let two = conflict.replace("||||||| base\nversion = \"1.4.0\"\n", "");
    assert_eq!(merge::sides(&two), Some((None, text.clone(), theirs.clone())));
    assert_eq!(merge::sides(&text), None);
    assert_eq!(merge::sides("<<<<<<< a\n=======\n"), None);
    assert_eq!(merge::sides("=======\n>>>>>>> a\n"), None);
}

/// The documented lock with another version of `auth-jwt`, and other bytes for it.
fn at(version: &str) -> Lock {
    let mut lock = Lock::parse(&documented().1).unwrap();
    let plugin = lock.plugins.get_mut("auth-jwt").unwrap();
    let LockedBody::Package(package) = &mut plugin.body else { panic!("not a service") };
    package.version = version.parse().unwrap();
    plugin.content = ContentDigest::from_hash(*crate::digest::FileDigest::of(version.as_bytes()).as_bytes());
    lock
}

#[test]
fn the_side_that_moved_is_preferred_and_of_two_that_moved_the_newer_version() {
    let (manifest, _) = documented();
    let preferred = |base: Option<&str>, ours: &str, theirs: &str| {
        let sides = merge::Sides { base: base.map(at), ours: Some(at(ours)), theirs: Some(at(theirs)) };
        sides.preferred(&manifest).unwrap().unwrap().plugins["auth-jwt"].version().unwrap().to_string()
    };
    assert_eq!(preferred(Some("1.2.0"), "1.2.0", "1.4.0"), "1.4.0");
    assert_eq!(preferred(Some("1.2.0"), "1.2.0", "1.1.0"), "1.1.0", "they went back, and meant it");
    assert_eq!(preferred(Some("1.2.0"), "1.1.0", "1.2.0"), "1.1.0");
    assert_eq!(preferred(Some("1.2.0"), "1.3.0", "1.4.0"), "1.4.0");
    assert_eq!(preferred(Some("1.2.0"), "1.4.0", "1.3.0"), "1.4.0");
    assert_eq!(preferred(None, "1.3.0", "1.4.0"), "1.4.0");
}

#[test]
fn two_contents_of_one_version_are_no_matter_of_preference() {
    let (manifest, _) = documented();
    let mut theirs = at("1.4.0");
    theirs.plugins.get_mut("auth-jwt").unwrap().content = at("9.9.9").plugins["auth-jwt"].content;
    let sides = merge::Sides { base: Some(at("1.4.0")), ours: Some(at("1.4.0")), theirs: Some(theirs) };
    assert_eq!(sides.preferred(&manifest).unwrap_err().name.as_str(), "auth-jwt");
}

#[test]
fn a_side_that_has_a_registry_at_another_address_has_no_say_about_its_plugins() {
    let (manifest, _) = documented();
    let mut theirs = at("1.9.0");
    theirs.registries.insert("default".parse().unwrap(), "https://elsewhere.example/".parse().unwrap());
    let sides = merge::Sides { base: Some(at("1.2.0")), ours: Some(at("1.2.0")), theirs: Some(theirs) };
    let preferred = sides.preferred(&manifest).unwrap().unwrap();
    assert_eq!(preferred.plugins["auth-jwt"].version().unwrap().to_string(), "1.2.0");
    assert_eq!(sides.disagreements().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["auth-jwt"]);
}

#[test]
fn a_lock_that_contradicts_itself_is_told_without_a_manifest() {
    let (_, text) = documented();
    assert_eq!(contradictions(&Lock::parse(&text).unwrap()), []);
    let told = |lock: &Lock| contradictions(lock).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told(&at("2.0.0")), ["auth-jwt: locked at 2.0.0, which `^1.2` doesn't take"]);
    let mut lock = Lock::parse(&text).unwrap();
    lock.overrides.clear();
    let LockedBody::Package(package) = &mut lock.plugins.get_mut("jwks-core").unwrap().body else { panic!("not a service") };
    package.version = "1.0.0".parse().unwrap();
    assert_eq!(told(&lock), ["auth-jwt: depends on jwks-core `^0.3`, and 1.0.0 is locked"]);
}

#[test]
fn what_a_lock_says_never_reaches_a_terminal_as_it_is() {
    let (_, text) = documented();
    for name in ["\\u001b[31mred", "a\\u202eb", "a\\nb"] {
        let hostile = text.replace("name = \"mine\"\nversion = \"0.1.0\"", &format!("name = \"{name}\"\nversion = \"x\""));
        assert_ne!(hostile, text);
        let error = Lock::parse(&hostile).unwrap_err();
        assert!(!error.message.chars().any(crate::text::is_control_or_bidi), "{:?}", error.message);
    }
}

#[test]
fn a_services_content_is_the_digest_of_its_line() {
    let (manifest, text) = documented();
    let name: PluginName = "oauth".parse().unwrap();
    let request = &manifest.plugins[&name].request;
    let line = text.lines().find(|line| line.starts_with("oauth = ")).unwrap();
    assert_eq!(line, format!("oauth = {request}"));
    // Made by another implementation of BLAKE3, from the line and its newline.
    assert_eq!(remote_content(&name, request).hex(), "05db50fb524a1b0671dde6c9c46bac43fa3ab0e762cc44838c854460fa490d78");
}

#[test]
fn a_long_chain_of_dependencies_does_not_overflow() {
    let mut lock = Lock::build(&Manifest::default(), Vec::new());
    let name = |index: usize| format!("p{index:06}").parse::<PluginName>().unwrap();
    lock.registries.insert("default".parse().unwrap(), "file:x".parse().unwrap());
    let request = Request::new(Source::Registry { requirement: Requirement::any(), registry: "default".parse().unwrap() });
    lock.requirements.insert(name(0), request);
    for index in 0..20_000 {
        let dependencies = (index < 19_999).then(|| dependency(name(index + 1).as_str(), "*", false));
        let plugin = from_registry(&name(index), None, "default", "1.0.0", dependencies.into_iter().collect());
        lock.plugins.insert(name(index), plugin);
    }
    assert_eq!(lock.check(), Ok(()));
    let LockedBody::Package(last) = &mut lock.plugins.get_mut(&name(19_999)).unwrap().body else { panic!() };
    last.dependencies.push(dependency(name(0).as_str(), "*", false));
    assert_eq!(lock.check().unwrap_err().kind, LockErrorKind::Cycle);
}

fn dependency(name: &str, requirement: &str, optional: bool) -> Dependency {
    Dependency { name: name.parse().unwrap(), requirement: requirement.parse().unwrap(), optional }
}

fn artifact() -> Artifact {
    Artifact { format: ArchiveFormat::TarZst, size: 48211, sha256: "0f".repeat(32).parse().unwrap() }
}

fn package(name: &PluginName, package: Option<PluginName>, version: &str, pin: Pin, dependencies: Vec<Dependency>) -> LockedPlugin {
    let name_length = u64::try_from(name.as_str().len()).unwrap();
    let capabilities = Capabilities { memory: name_length.is_multiple_of(2).then_some(1 << 27), ..Capabilities::default() };
    let version = version.parse().unwrap();
    let license = name_length.is_multiple_of(3).then(|| "MIT \"quoted\" \\ \u{e9}\t\u{1b}".to_owned());
    let body = LockedPackage { package, version, pin, license, signer: None, capabilities, dependencies };
    LockedPlugin {
        name: name.clone(),
        types: [PluginType::Auth, PluginType::Template].into(),
        body: LockedBody::Package(Box::new(body)),
        content: Listing::default().content(),
    }
}

/// An entry from a registry.
pub(crate) fn from_registry(
    name: &PluginName,
    own_name: Option<PluginName>,
    registry: &str,
    version: &str,
    dependencies: Vec<Dependency>,
) -> LockedPlugin {
    let published = "2026-08-01T10:00:00Z".parse().unwrap();
    let pin = Pin::Registry { registry: registry.parse().unwrap(), published, artifact: artifact() };
    package(name, own_name, version, pin, dependencies)
}

/// The entry that a resolver would find for a request; `None` for services.
fn found(name: &PluginName, request: &Request, dependencies: Vec<Dependency>) -> Option<LockedPlugin> {
    let own_name = request.package.clone();
    let pin = match &request.source {
        Source::Registry { requirement, registry } => {
            let versions = ["1.2.4", "0.3.1", "1.2.3-rc.1"];
            let version = versions.into_iter().find(|version| requirement.matches(&version.parse().unwrap())).unwrap();
            return Some(from_registry(name, own_name, registry.as_str(), version, dependencies));
        }
        Source::Url { url, sha256, .. } => {
            let artifact = Artifact { sha256: sha256.unwrap_or(artifact().sha256), ..artifact() };
            Pin::Url { url: url.clone(), artifact }
        }
        Source::Git { url, reference, subdir, submodules } => Pin::Git {
            url: url.clone(),
            reference: reference.clone(),
            commit: "8a1d9b9f".repeat(5).parse().unwrap(),
            subdir: subdir.clone(),
            submodules: *submodules,
        },
        Source::Path { path, .. } => Pin::Path { path: path.clone() },
        Source::Remote { .. } => return None,
    };
    Some(package(name, own_name, "1.0.0+local", pin, dependencies))
}

/// Does the default registry answer for the dependencies of what comes from here?
fn asks_default(source: &Source) -> bool {
    match source {
        Source::Registry { registry, .. } => registry.as_str() == "default",
        Source::Remote { .. } => false,
        _ => true,
    }
}

/// A project with its lock: direct plugins of every kind, and a chain of transitive ones.
fn project() -> impl Strategy<Value = (String, Lock)> {
    let direct = prop::collection::vec((addition(), prop::option::of(Just("load-test")), any::<bool>()), 0..6);
    (direct, 0..4usize, any::<bool>()).prop_map(|(direct, transitive, lowest)| {
        let mut text =
            "[registries]\ndefault = \"https://a.example/\"\ncorp = \"file:../corp\"\n[project]\nmockforge = \">=0.3, <2\"\n".to_owned();
        if lowest {
            text.push_str("[resolver]\nstrategy = \"lowest\"\n");
        }
        for (index, (addition, group, _)) in direct.iter().enumerate() {
            let place = group.map_or(Place::Plugins, |group| Place::Group(group.parse().unwrap()));
            text = edit::add(&text, &place, &format!("d{index}").parse().unwrap(), addition).unwrap();
        }
        let manifest = Manifest::parse(&text, &own()).unwrap();
        let mut resolved = Vec::new();
        let mut leads = false;
        for (index, (_, _, with_dependencies)) in direct.iter().enumerate() {
            let name: PluginName = format!("d{index}").parse().unwrap();
            let request = &manifest.plugins[&name].request;
            let mut dependencies = vec![dependency("absent", "^9", true)];
            if *with_dependencies && transitive > 0 && asks_default(&request.source) {
                leads = true;
                dependencies.push(dependency("t0", "^1", false));
            }
            resolved.extend(found(&name, request, dependencies));
        }
        for index in (0..transitive).filter(|_| leads) {
            let next = (index + 1 < transitive).then(|| dependency(&format!("t{}", index + 1), ">=1, <2", false));
            resolved.push(from_registry(&format!("t{index}").parse().unwrap(), None, "default", "1.2.4", next.into_iter().collect()));
        }
        let lock = Lock::build(&manifest, resolved);
        (text, lock)
    })
}

/// One change to a text, as a bad merge, an editor or an attacker makes it.
fn mutate(text: &str, kind: u8, at: usize, byte: char) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let line = at % lines.len();
    let place = (0..=at % (text.len() + 1)).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    let without = |skip: usize| lines.iter().enumerate().filter(|(index, _)| *index != skip).map(|(_, line)| *line).collect::<String>();
    match kind % 6 {
        0 => without(line),
        1 => lines.iter().enumerate().map(|(index, text)| if index == line { text.repeat(2) } else { (*text).to_owned() }).collect(),
        2 => format!("{}{byte}{}", &text[..place], &text[place..]),
        3 => text[..place].to_owned(),
        4 => {
            let next = text[place..].chars().next().map_or(0, char::len_utf8);
            format!("{}{byte}{}", &text[..place], &text[place + next..])
        }
        _ => {
            let mut swapped = lines.clone();
            swapped.swap(line, (line + 1) % lines.len());
            swapped.concat()
        }
    }
}

/// Every character of a small lock taken away, and some put before each: what the fast way reads, the slow one does.
#[test]
fn fast_and_slow_agree_on_every_slip_of_a_finger() {
    let mut lock = Lock::build(&Manifest::default(), Vec::new());
    let name: PluginName = "a".parse().unwrap();
    let request = Request::new(Source::Registry { requirement: Requirement::any(), registry: "r".parse().unwrap() });
    lock.registries.insert("r".parse().unwrap(), "file:x".parse().unwrap());
    lock.requirements.insert(name.clone(), request);
    lock.plugins.insert(name.clone(), from_registry(&name, None, "r", "1.0.0", vec![dependency("b", "^1", true)]));
    let text = lock.to_text();
    assert!(read::parse_fast(&text).is_some());
    let places = (0..text.len()).filter(|place| text.is_char_boundary(*place));
    let taken = places.clone().map(|place| format!("{}{}", &text[..place], text[place..].chars().skip(1).collect::<String>()));
    let put = places
        .flat_map(|place| ["\n", "\"", " ", "0", "_", "#", "\\", ","].map(|slip| format!("{}{slip}{}", &text[..place], &text[place..])));
    for slipped in taken.chain(put) {
        if let Some(fast) = read::parse_fast(&slipped) {
            assert_eq!(Ok(fast), read::parse_slow(&slipped), "{slipped}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_lock_is_what_its_text_says_and_is_fresh((manifest, lock) in project()) {
        prop_assert_eq!(lock.check(), Ok(()));
        let text = lock.to_text();
        prop_assert_eq!(read::parse_slow(&text).map_err(|error| TestCaseError::fail(told(&text, &error)))?, lock.clone());
        prop_assert_eq!(read::parse_fast(&text), Some(lock.clone()), "{}", text);
        let manifest = Manifest::parse(&manifest, &own()).unwrap();
        prop_assert_eq!(staleness(&manifest, &lock, &BTreeMap::new()), []);
    }

    #[test]
    fn fast_and_slow_agree_on_whatever_is_changed(
        (manifest, lock) in project(),
        changes in prop::collection::vec((any::<u8>(), any::<usize>(), prop::sample::select(vec!['\n', '"', ' ', '0', '[', ']', '=', '#', '\\', 'a', 'é', ',', '{', '}'])), 1..40),
    ) {
        let text = lock.to_text();
        let manifest = Manifest::parse(&manifest, &own()).unwrap();
        for (kind, at, byte) in changes {
            let changed = mutate(&text, kind, at, byte);
            if let Some(fast) = read::parse_fast(&changed) {
                prop_assert_eq!(Ok(fast), read::parse_slow(&changed), "{}", changed);
            }
            let end = (0..=at % text.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            assert_cut_is_noticed(&manifest, &text, end);
        }
    }
}

#[test]
fn a_commit_that_the_project_names_is_that_commit() {
    let (_, text) = documented();
    let commit = text.split("commit = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let named = |revision: &str| text.replace("tag = \"v1.0.0\"", &format!("rev = \"{revision}\""));
    assert!(Lock::parse(&named(&commit[..10])).is_ok());
    assert!(Lock::parse(&named(&commit)).is_ok());
    for other in ["0123456789", &"0".repeat(40)] {
        assert!(Lock::parse(&named(other)).is_err(), "{other}");
    }
}
