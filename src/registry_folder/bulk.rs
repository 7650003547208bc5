//! All lines of the index in one file, for those who come for the first time.
//!
//! A snapshot: it counts as of when it was made, so that what's published after it needn't touch it.

use mfp_model::index::IndexDocument;
use mfp_model::registry_files::{Bulk, RegistryConfig};
use mfp_store::fs::write_atomic;
use sha2::Digest as _;

use super::{MAX_DOCUMENT_BYTES, RegistryFolder, read};
use crate::error::{Error, Result};
use crate::explain;

/// More isn't taken by anybody (`unpacked` of it).
const MAX_BYTES: u64 = 64 << 20;

impl RegistryFolder {
    /// What `config.json` says of a bulk file, held to the file and to the index. Gives what's wrong, as clauses.
    pub(crate) fn bulk_problems(&self, bulk: &Bulk) -> Result<Vec<String>> {
        let Ok(path) = bulk.url.parse::<mfp_model::content::PackagePath>() else { return Ok(Vec::new()) };
        let Some(bytes) = read(&self.root.join(path.as_str()), MAX_DOCUMENT_BYTES)? else { return Ok(vec!["it isn't there".to_owned()]) };
        let mut problems = Vec::new();
        if bytes.len() as u64 != bulk.size {
            problems.push(format!("it has {} bytes, and config.json says {}", bytes.len(), bulk.size));
        }
        let sha256: [u8; 32] = sha2::Sha256::digest(&bytes).into();
        if sha256 != *bulk.sha256.as_bytes() {
            problems.push("its SHA-256 isn't what config.json says".to_owned());
        }
        if bulk.unpacked > MAX_BYTES {
            problems.push("it unpacks to more than 64 MiB".to_owned());
            return Ok(problems);
        }
        let capacity = usize::try_from(bulk.unpacked).unwrap_or(usize::MAX);
        match zstd::bulk::decompress(&bytes, capacity) {
            Ok(text) if text.len() as u64 == bulk.unpacked => match IndexDocument::parse_bulk(&text) {
                Ok(documents) => problems.extend(documents.iter().flat_map(|(name, document)| {
                    let index = self.index(name).map(|(_, index)| index).unwrap_or_default();
                    let differs = |line: &&mfp_model::index::IndexLine| {
                        !index
                            .lines
                            .iter()
                            .any(|one| one.version == line.version && one.sha256 == line.sha256 && one.content == line.content)
                    };
                    let strange: Vec<String> = document.lines.iter().filter(differs).map(|line| line.version.to_string()).collect();
                    strange.into_iter().map(move |version| format!("it has {name} {version}, and the index doesn't say the same"))
                })),
                Err(error) => problems.push(error.to_string()),
            },
            _ => problems.push(format!("it doesn't unpack to {} bytes", bulk.unpacked)),
        }
        Ok(problems)
    }

    /// Make the file of what the index says now, and name it in `config.json`. Gives its path below the root.
    pub(super) fn write_bulk(&self, now: jiff::Timestamp) -> Result<String> {
        let mut text = Vec::new();
        for name in self.index_files()?.into_iter().filter_map(|(_, name)| name) {
            let (bytes, _) = self.index(&name)?;
            text.extend_from_slice(&bytes);
            if text.last().is_some_and(|last| *last != b'\n') {
                text.push(b'\n');
            }
        }
        if text.len() as u64 > MAX_BYTES {
            return Err(Error::new("mfp::registry::full", "all lines together have more than 64 MiB, which nobody takes in one file")
                .help("do without such a file"));
        }
        let bytes = zstd::bulk::compress(&text, 19).map_err(|error| Error::bug(format!("zstd: {error}")))?;
        let sha256: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let path = format!("bulk/{sha256}.ndjson.zst");
        let folder = self.root.join("bulk");
        std::fs::create_dir_all(&folder).map_err(|error| explain::io("make the folder", &folder, &error))?;
        write_atomic(&self.root.join(&path), &bytes).map_err(explain::store)?;
        let file = self.root.join(RegistryConfig::FILE);
        let config = read(&file, MAX_DOCUMENT_BYTES)?.unwrap_or_default();
        let mut config: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&config).map_err(|error| Error::bug(format!("a config.json that was read: {error}")))?;
        let generated = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
        config.insert(
            "bulk".to_owned(),
            serde_json::json!({ "url": path, "size": bytes.len(), "unpacked": text.len(), "sha256": sha256, "generated": generated }),
        );
        write_atomic(&file, format!("{:#}\n", serde_json::Value::Object(config)).as_bytes()).map_err(explain::store)?;
        Ok(path)
    }
}
