//! What did a plugin's module offer before, and what does it offer now? Only where the store has both: nothing is fetched to
//! be looked at.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::lock::LockedPlugin;
use mfp_model::plugin::{Surface, find_entry};
use mfp_store::Store;

use crate::app::App;
use crate::installing::described;
use crate::report::document::{DifferenceDocument, ExportsDocument};

/// More of them aren't listed; their number is.
const MOST: usize = 50;

/// Where modules are looked for.
pub(super) struct Exports {
    store: Option<Store>,
}

impl Exports {
    /// A store that isn't there or can't be read has nothing.
    pub(super) fn open(app: &App<'_>) -> Self {
        Self { store: app.settings.store_dir.is_dir().then(|| app.store_to_read().ok()).flatten() }
    }

    /// In what two modules differ; `known` is false where they can't be read.
    pub(super) fn compare(&self, from: &LockedPlugin, to: &LockedPlugin) -> ExportsDocument {
        match (self.surface(from), self.surface(to)) {
            (Some(old), Some(new)) => {
                let (exports, more) = differences(&old.exports, &new.exports);
                let (imports, even_more) = differences(&old.imports, &new.imports);
                ExportsDocument { known: true, exports, imports, more: more + even_more }
            }
            _ => ExportsDocument { known: false, exports: Vec::new(), imports: Vec::new(), more: 0 },
        }
    }

    /// The bytes are hashed as they're read, so what's told is told of what's locked.
    fn surface(&self, plugin: &LockedPlugin) -> Option<Surface> {
        let stored = self.store.as_ref()?.get(&plugin.content).ok()??;
        let manifest = described(plugin, &stored).ok()?;
        let entry = find_entry(manifest.entry.as_ref(), stored.listing().iter().map(|(path, _)| path)).ok()?;
        Surface::of(&stored.read(entry.as_str()).ok()?).ok()
    }
}

fn differences(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> (Vec<DifferenceDocument>, usize) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = |name: &&String| old.get(*name) != new.get(*name);
    let changed: Vec<&String> = names.into_iter().filter(differ).collect();
    let document =
        |name: &&String| DifferenceDocument { what: (*name).clone(), from: old.get(*name).cloned(), to: new.get(*name).cloned() };
    (changed.iter().take(MOST).map(document).collect(), changed.len().saturating_sub(MOST))
}
