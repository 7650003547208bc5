use super::*;
use crate::lock::{LockedBody, LockedPackage};
use crate::project::Manifest;

fn locked() -> Lock {
    let path = format!("{}/../fixtures/locks/good/locked.lock", env!("CARGO_MANIFEST_DIR"));
    Lock::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn changed(change: impl FnOnce(&mut LockedPackage)) -> Lock {
    let mut lock = locked();
    let LockedBody::Package(package) = &mut lock.plugins.get_mut("auth-jwt").unwrap().body else { panic!("not a service") };
    change(package);
    lock
}

fn capabilities(value: serde_json::Value) -> Capabilities {
    serde_json::from_value(value).unwrap()
}

#[test]
fn equal_locks_have_nothing_to_review() {
    let lock = locked();
    let review = review(Some(&lock), Some(&lock));
    assert_eq!((review.project, review.plugins), (vec![], vec![]));
}

#[test]
fn a_wildcard_in_the_place_of_one_of_its_hosts_is_a_gain_and_no_loss() {
    let old = changed(|package| package.capabilities = capabilities(serde_json::json!({ "http": ["a.x.com"], "memory": 134_217_728 })));
    let new = changed(|package| package.capabilities = capabilities(serde_json::json!({ "http": ["*.x.com"] })));
    let there = review(Some(&old), Some(&new)).plugins;
    assert_eq!(there.len(), 1);
    assert_eq!(there[0].gained, capabilities(serde_json::json!({ "http": ["*.x.com"] })));
    assert_eq!(there[0].lost, capabilities(serde_json::json!({ "memory": 134_217_728 })));
    let back = review(Some(&new), Some(&old)).plugins;
    assert_eq!((&back[0].gained, &back[0].lost), (&there[0].lost, &there[0].gained));
}

#[test]
fn what_is_added_gains_all_that_it_asks_and_what_goes_loses_it() {
    let lock = locked();
    let review = review(None, Some(&lock));
    assert_eq!(review.plugins.len(), lock.plugins.len());
    assert!(review.plugins.iter().all(|change| change.kind == ChangeKind::Added && change.lost.is_empty()));
    assert!(review.plugins.iter().all(|change| change.gained == change.to.unwrap().capabilities()));
    assert!(review.project.iter().any(|one| one.what == "registry default" && one.from.is_none()), "{:?}", review.project);
}

#[test]
fn other_bytes_under_one_version_are_told_apart_from_an_update() {
    let old = locked();
    let mut new = locked();
    new.plugins.get_mut("auth-jwt").unwrap().content = old.plugins["csv"].content;
    assert!(review(Some(&old), Some(&new)).plugins[0].is_swapped);
    let newer = changed(|package| package.version = "9.0.0".parse().unwrap());
    assert!(!review(Some(&old), Some(&newer)).plugins[0].is_swapped);
}

#[test]
fn a_signer_is_its_key_and_not_its_spelling() {
    let spelled = |text: &str| changed(|package| package.signer = Some(text.parse().unwrap()));
    let one = "minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa";
    // The same 32 bytes under another id.
    let same = one.replace("RWTMGUsL", "RWTMGUsM");
    let (old, new) = (spelled(one), spelled(&same));
    assert_eq!(review(Some(&old), Some(&new)).plugins, vec![]);
    let unsigned = changed(|package| package.signer = None);
    let lost = review(Some(&old), Some(&unsigned)).plugins;
    assert_eq!(lost[0].differences, [Difference { what: "signer".into(), from: Some(one.into()), to: Some("unsigned".into()) }]);
}

#[test]
fn a_registry_that_moved_is_told_although_no_entry_changed() {
    let old = locked();
    let mut new = locked();
    let name = new.registries.keys().next().unwrap().clone();
    new.registries.insert(name.clone(), "https://elsewhere.example/".parse().unwrap());
    let review = review(Some(&old), Some(&new));
    assert_eq!(review.plugins, vec![]);
    assert_eq!((review.project.len(), review.project[0].what.as_str()), (1, format!("registry {name}").as_str()));
}

#[test]
fn approvals_and_policy_are_compared_by_meaning() {
    let manifest = |text: &str| Manifest::parse(text, &"0.1.0".parse().unwrap()).unwrap();
    let registry = "[registries]\ndefault = \"https://a.example/\"\n";
    let old =
        format!("{registry}[approvals]\na = {{ source = \"registry+default\", http = [\"a.x.com\"] }}\n[policy]\nlicenses = [\"MIT\"]\n");
    let new = format!(
        "{registry}[approvals]\na = {{ source = \"registry+default\", http = [\"*.x.com\"] }}\n[policy]\nlicenses = [\"MIT\",\n  \"ISC\"]\nrequire-signatures = true\n"
    );
    let changes = approval_changes(&manifest(&old), &manifest(&new));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].gained, capabilities(serde_json::json!({ "http": ["*.x.com"] })));
    assert!(changes[0].lost.is_empty() && changes[0].differences.is_empty());
    let moved = new.replace("registry+default", "url+https://b.example/a.zip");
    let changes = approval_changes(&manifest(&new), &manifest(&moved));
    assert_eq!((changes[0].differences[0].what.as_str(), changes[0].gained.http.len()), ("source", 1), "it's for another plugin");
    let policy: Vec<String> = policy_changes(&old, &new).into_iter().map(|one| one.what).collect();
    assert_eq!(policy, ["licenses", "require-signatures"]);
    assert_eq!(policy_changes(&new, &new.replace("[\"MIT\",\n  \"ISC\"]", "[\"MIT\", \"ISC\"]")), []);
}
