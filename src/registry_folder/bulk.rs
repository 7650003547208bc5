//! All lines of the index in one file, for those who come for the first time.
//!
//! A snapshot: it counts as of when it was made, so that what's published after it needn't touch it.

use jiff::Timestamp;
use mfp_model::content::PackagePath;
use mfp_model::digest::Sha256;
use mfp_model::index::{IndexDocument, IndexLine};
use mfp_model::name::PluginName;
use mfp_model::registry_files::{Bulk, RegistryConfig};
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use super::write::{Writing, end_line};
use super::{MAX_DOCUMENT_BYTES, RegistryFolder, read};
use crate::error::{Error, Result};

/// More isn't taken by anybody (`unpacked` of it).
const MAX_BYTES: u64 = 64 << 20;

impl RegistryFolder {
    /// What `config.json` says of a bulk file, held to the file and to the index. Gives what's wrong, as clauses.
    pub(crate) fn bulk_problems(&self, bulk: &Bulk) -> Result<Vec<String>> {
        let Ok(path) = bulk.url.parse::<PackagePath>() else { return Ok(Vec::new()) };
        let Some(bytes) = read(&self.root.join(path.as_str()), MAX_DOCUMENT_BYTES)? else { return Ok(vec!["it isn't there".to_owned()]) };
        let mut problems = Vec::new();
        if bytes.len() as u64 != bulk.size {
            problems.push(format!("it has {} bytes, and config.json says {}", bytes.len(), bulk.size));
        }
        if sha256(&bytes) != bulk.sha256 {
            problems.push("its SHA-256 isn't what config.json says".to_owned());
        }
        if bulk.unpacked > MAX_BYTES {
            problems.push("it unpacks to more than 64 MiB".to_owned());
            return Ok(problems);
        }
        let capacity = usize::try_from(bulk.unpacked).unwrap_or(usize::MAX);
        match zstd::bulk::decompress(&bytes, capacity) {
            Ok(text) if text.len() as u64 == bulk.unpacked => match IndexDocument::parse_bulk(&text) {
                Ok(documents) => problems.extend(documents.iter().flat_map(|(name, document)| self.strangers(name, document))),
                Err(error) => problems.push(error.to_string()),
            },
            _ => problems.push(format!("it doesn't unpack to {} bytes", bulk.unpacked)),
        }
        Ok(problems)
    }

    /// The versions of a bulk document of which the index doesn't say the same.
    fn strangers(&self, name: &PluginName, document: &IndexDocument) -> Vec<String> {
        let index = self.index(name).map(|(_, index)| index).unwrap_or_default();
        let is_same =
            |one: &IndexLine, other: &IndexLine| one.version == other.version && one.sha256 == other.sha256 && one.content == other.content;
        let strange = document.lines.iter().filter(|line| !index.lines.iter().any(|one| is_same(one, line)));
        strange.map(|line| format!("it has {name} {}, and the index doesn't say the same", line.version)).collect()
    }

    /// All documents of the index, one after the other.
    fn all_lines(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        for name in self.index_files()?.into_iter().filter_map(|(_, name)| name) {
            text.extend(self.index(&name)?.0);
            end_line(&mut text);
        }
        Ok(text)
    }
}

impl Writing<'_> {
    /// Make the file of what the index says now, and name it in `config.json`. Gives its path below the root.
    pub(crate) fn write_bulk(&self, generated: Timestamp) -> Result<String> {
        let text = self.registry.all_lines()?;
        if text.len() as u64 > MAX_BYTES {
            return Err(Error::new("mfp::registry::full", "all lines together have more than 64 MiB, which nobody takes in one file")
                .help("do without such a file"));
        }
        let bytes = zstd::bulk::compress(&text, 19).map_err(|error| Error::bug(format!("zstd: {error}")))?;
        let sha256 = sha256(&bytes).hex();
        let path = format!("bulk/{sha256}.ndjson.zst");
        self.write(&self.registry.root.join(&path), &bytes)?;
        let file = self.registry.root.join(RegistryConfig::FILE);
        let config = read(&file, MAX_DOCUMENT_BYTES)?.unwrap_or_default();
        let mut config: Map<String, Value> =
            serde_json::from_slice(&config).map_err(|error| Error::bug(format!("a config.json that was read: {error}")))?;
        config.insert(
            "bulk".to_owned(),
            json!({ "url": path, "size": bytes.len(), "unpacked": text.len(), "sha256": sha256, "generated": generated.to_string() }),
        );
        self.write(&file, format!("{:#}\n", Value::Object(config)).as_bytes())?;
        Ok(path)
    }
}

fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256::from_hash(sha2::Sha256::digest(bytes).into())
}
