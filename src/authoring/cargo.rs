//! How does a crate of this repository become one that stands by itself? What its `Cargo.toml` has from a workspace is written out.
//!
//! The manifests are part of this program; nothing that a user wrote is edited here.

use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// Why reading them can't fail.
const READS: &str = "the manifests of this repository are TOML: cargo reads them";

/// A manifest that needs no workspace any more.
pub(super) fn standalone(manifest: &str, workspace: &str) -> DocumentMut {
    let mut manifest: DocumentMut = manifest.parse().expect(READS);
    let workspace: DocumentMut = workspace.parse().expect(READS);
    let workspace = &workspace["workspace"];
    inherit(manifest.get_mut("package"), workspace.get("package"));
    inherit(manifest.get_mut("dependencies"), workspace.get("dependencies"));
    inherit(manifest.get_mut("dev-dependencies"), workspace.get("dependencies"));
    if says_workspace(manifest.get("lints")) {
        manifest["lints"] = workspace.get("lints").cloned().unwrap_or_default();
    }
    manifest
}

/// Put what the workspace says in the place of `key.workspace = true`.
fn inherit(own: Option<&mut Item>, workspace: Option<&Item>) {
    let Some(own) = own.and_then(Item::as_table_like_mut) else { return };
    for (key, item) in own.iter_mut() {
        let Some(said) = workspace.and_then(|workspace| workspace.get(key.get())).filter(|_| says_workspace(Some(item))) else { continue };
        let features = item.get("features").cloned();
        *item = said.clone();
        if let Some(features) = features {
            add_features(item, features);
        }
    }
}

fn says_workspace(item: Option<&Item>) -> bool {
    item.and_then(|item| item.get("workspace")).is_some_and(|says| says.as_bool() == Some(true))
}

/// A dependency with more features than the workspace has it with.
fn add_features(dependency: &mut Item, more: Item) {
    if let Some(version) = dependency.as_str() {
        let mut table = toml_edit::InlineTable::new();
        table.insert("version", version.into());
        *dependency = Item::Value(Value::InlineTable(table));
    }
    let Some(table) = dependency.as_table_like_mut() else { return };
    let known = table.get("features").and_then(Item::as_array).cloned().unwrap_or_default();
    let more = more.into_array_of_values();
    let all: toml_edit::Array = known.iter().chain(more.iter()).cloned().collect();
    table.insert("features", Item::Value(Value::Array(all)));
}

/// A list of values, whatever it was written as.
trait Values {
    fn into_array_of_values(self) -> toml_edit::Array;
}

impl Values for Item {
    fn into_array_of_values(self) -> toml_edit::Array {
        self.into_value().ok().and_then(|value| value.as_array().cloned()).unwrap_or_default()
    }
}

/// A table of a manifest, made if it's missing.
pub(super) fn table<'a>(manifest: &'a mut DocumentMut, name: &str) -> &'a mut dyn TableLike {
    let item = manifest.entry(name).or_insert_with(|| Item::Table(Table::new()));
    item.as_table_like_mut().expect("what cargo has there is a table")
}
