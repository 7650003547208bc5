//! What does the search list have to say? One entry a plugin, of the version that stands for it, made from the index.
//!
//! What the index doesn't know (how often something was downloaded, keys of others) stays as it is in the entry.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mfp_model::content::PackagePath;
use mfp_model::name::PluginName;
use mfp_model::registry_files::SearchEntry;
use serde_json::{Map, Value};

use super::write::Writing;
use super::{MAX_DOCUMENT_BYTES, RegistryFolder, read};
use crate::error::Result;

impl RegistryFolder {
    /// Where the list is; `None` if there's none, or if it's a server's answer.
    pub(crate) fn search_file(&self) -> Option<PathBuf> {
        let path = self.config.search.as_deref().filter(|path| !path.contains('{'))?;
        path.parse::<PackagePath>().ok().map(|path| self.root.join(path.as_str()))
    }

    /// The entries that the index makes. Documents that can't be read are left out.
    pub(crate) fn search_entries(&self) -> Result<BTreeMap<PluginName, SearchEntry>> {
        let names = self.index_files()?.into_iter().filter_map(|(_, name)| name);
        let newest = |name: PluginName| {
            let (_, document) = self.index(&name).ok()?;
            Some((name, SearchEntry::of(document.newest()?)))
        };
        Ok(names.filter_map(newest).collect())
    }
}

impl Writing<'_> {
    /// Make the list of the index, if it isn't that already. Gives whether it wasn't.
    pub(crate) fn write_search(&self) -> Result<bool> {
        let Some(file) = self.registry.search_file() else { return Ok(false) };
        let listed = read(&file, MAX_DOCUMENT_BYTES)?.and_then(|bytes| serde_json::from_slice::<Vec<Value>>(&bytes).ok());
        let named = |entry: &Value| Some((entry.get("name")?.as_str()?.to_owned(), entry.as_object()?.clone()));
        let mut known: BTreeMap<String, Map<String, Value>> = listed.iter().flatten().filter_map(named).collect();
        let entries: Vec<Value> = self
            .registry
            .search_entries()?
            .into_iter()
            .map(|(name, entry)| merged(known.remove(name.as_str()).unwrap_or_default(), &entry))
            .collect();
        if listed.as_ref() == Some(&entries) {
            return Ok(false);
        }
        let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
        let text = if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) };
        self.write(&file, text.as_bytes())?;
        Ok(true)
    }
}

/// The entry with what the index says, in its own order, and then what it had beside that.
fn merged(mut old: Map<String, Value>, entry: &SearchEntry) -> Value {
    let mut new = match serde_json::to_value(entry) {
        Ok(Value::Object(new)) => new,
        _ => Map::new(),
    };
    let downloads = old.remove("downloads").unwrap_or_else(|| 0.into());
    new.insert("downloads".to_owned(), downloads);
    for (key, value) in old {
        new.entry(key).or_insert(value);
    }
    Value::Object(new)
}
