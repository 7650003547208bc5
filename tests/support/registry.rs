//! A registry in a folder, written by somebody who knows only the published format.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::Digest as _;
use tempfile::TempDir;

/// A registry in a folder of its own.
#[derive(Debug)]
pub(crate) struct Registry {
    folder: TempDir,
}

/// A plugin version to publish, with everything that can be wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) types: Vec<String>,
    pub(crate) dependencies: Vec<(String, String, bool)>,
    pub(crate) mockforge: Option<String>,
    pub(crate) license: String,
    pub(crate) http: Vec<String>,
    pub(crate) published: String,
    pub(crate) yanked: bool,
    pub(crate) wasm: Vec<u8>,
    pub(crate) more_yaml: String,
    pub(crate) more_files: Vec<(String, Vec<u8>)>,
    /// Whose signature the index line says it has.
    pub(crate) signer: Option<String>,
    /// Its `plugin.minisig`, which is no part of its content.
    pub(crate) signature: Option<String>,
}

impl Plugin {
    /// A template plugin that echoes.
    pub(crate) fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            types: vec!["template".to_owned()],
            dependencies: Vec::new(),
            mockforge: None,
            license: "MIT".to_owned(),
            http: Vec::new(),
            published: "2026-01-01T00:00:00Z".to_owned(),
            yanked: false,
            wasm: wat::parse_str(ECHO).expect("the module is well-formed"),
            more_yaml: String::new(),
            more_files: Vec::new(),
            signer: None,
            signature: None,
        }
    }

    #[must_use]
    pub(crate) fn needs(mut self, name: &str, requirement: &str) -> Self {
        self.dependencies.push((name.to_owned(), requirement.to_owned(), false));
        self
    }

    #[must_use]
    pub(crate) fn asks_http(mut self, host: &str) -> Self {
        self.http.push(host.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// `plugin.yaml` in mfp's dialect.
    pub(crate) fn yaml(&self) -> String {
        let mut text = format!(
            "mfp: 1\nplugin:\n  id: {}\n  version: {}\n  name: {}\n  description: A plugin for tests\n  types: [{}]\n  include: [\"**\"]\n{}",
            self.name,
            self.version,
            self.name,
            self.types.join(", "),
            if self.license.is_empty() { String::new() } else { format!("  license: {}\n", self.license) }
        );
        if let Some(range) = &self.mockforge {
            writeln!(text, "mockforge: \"{range}\"").expect("a string takes text");
        }
        if !self.http.is_empty() {
            writeln!(text, "capabilities:\n  network: {{ allow_http_outbound: true, allowed_hosts: {:?} }}", self.http)
                .expect("a string takes text");
        }
        if !self.dependencies.is_empty() {
            text.push_str("dependencies:\n");
            for (name, requirement, optional) in &self.dependencies {
                writeln!(text, "  - {{ id: {name}, version: \"{requirement}\", optional: {optional} }}").expect("a string takes text");
            }
        }
        text.push_str(&self.more_yaml);
        text
    }

    /// The files of the package, sorted.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![
            ("README.md".to_owned(), format!("# {}\n\nIt echoes.\n", self.name).into_bytes()),
            ("plugin.wasm".to_owned(), self.wasm.clone()),
            ("plugin.yaml".to_owned(), self.yaml().into_bytes()),
        ];
        files.extend(self.more_files.iter().cloned());
        files.sort();
        files
    }

    /// The files, and the signature that travels with them.
    pub(crate) fn packed_files(&self) -> Vec<(String, Vec<u8>)> {
        let signature = self.signature.iter().map(|text| ("plugin.minisig".to_owned(), text.clone().into_bytes()));
        self.files().into_iter().chain(signature).collect()
    }

    /// The package as `.tar.gz`.
    pub(crate) fn archive(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (path, bytes) in self.packed_files() {
            let mut header = tar::Header::new_ustar();
            header.set_path(path).expect("a short path");
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            tar.append(&header, bytes.as_slice()).expect("memory takes bytes");
        }
        tar.into_inner().expect("memory takes bytes").finish().expect("memory takes bytes")
    }

    /// Its content digest, computed by the published rule.
    pub(crate) fn content(&self) -> String {
        let mut listing = "mockforge-content/v1\n".to_owned();
        for (path, bytes) in self.files() {
            writeln!(listing, "{} {} {path}", blake3::hash(&bytes).to_hex(), bytes.len()).expect("a string takes text");
        }
        format!("blake3:{}", blake3::hash(listing.as_bytes()).to_hex())
    }

    /// Write the plugin's files into a folder.
    pub(crate) fn write_to(&self, folder: &Path) {
        for (path, bytes) in self.packed_files() {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
            std::fs::write(path, bytes).expect("a file can be written");
        }
    }

    /// The index line.
    pub(crate) fn line(&self, archive: &[u8]) -> serde_json::Value {
        let dependencies: Vec<_> = self
            .dependencies
            .iter()
            .map(|(name, req, optional)| serde_json::json!({ "name": name, "req": req, "optional": optional }))
            .collect();
        let mut line = serde_json::json!({
            "v": 1, "name": self.name, "version": self.version, "types": self.types, "description": "A plugin for tests",
            "deps": dependencies, "file": format!("{}-{}.tar.gz", self.name, self.version), "size": archive.len(),
            "sha256": sha2::Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect::<String>(), "content": self.content(), "published": self.published,
            "capabilities": {}, "yanked": self.yanked,
        });
        if !self.license.is_empty() {
            line["license"] = self.license.as_str().into();
        }
        if !self.http.is_empty() {
            line["capabilities"] = serde_json::json!({ "http": self.http });
        }
        if let Some(range) = &self.mockforge {
            line["mockforge"] = range.as_str().into();
        }
        if let Some(signer) = &self.signer {
            line["signer"] = signer.as_str().into();
        }
        line
    }
}

impl Registry {
    /// An empty registry.
    pub(crate) fn new() -> Self {
        let registry = Self { folder: TempDir::with_prefix("mfp-registry-").expect("a temporary folder can be made") };
        registry.put("config.json", br#"{"v":1,"name":"test","dl":"dl/{name}/{version}/{file}","search":"search.json"}"#);
        registry.put("search.json", b"[]");
        registry
    }

    /// A registry with these plugins.
    pub(crate) fn with(plugins: impl IntoIterator<Item = Plugin>) -> Self {
        let registry = Self::new();
        for plugin in plugins {
            registry.publish(&plugin);
        }
        registry
    }

    /// A small shop: `greet` (1.0.0, 1.1.0, 2.0.0) needs `words` (1.0.0, 1.1.0); `hash` (0.3.1) needs nothing; `caller`
    /// (1.0.0) asks for the network.
    pub(crate) fn shop() -> Self {
        Self::with([
            Plugin::new("words", "1.0.0"),
            Plugin::new("words", "1.1.0"),
            Plugin::new("greet", "1.0.0").needs("words", "^1"),
            Plugin::new("greet", "1.1.0").needs("words", "^1"),
            Plugin::new("greet", "2.0.0").needs("words", "^1.1"),
            Plugin::new("hash", "0.3.1"),
            Plugin::new("caller", "1.0.0").asks_http("api.example.com"),
        ])
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its `file:` URL.
    pub(crate) fn url(&self) -> String {
        format!("file://{}/", self.folder.path().display())
    }

    /// Publish a version.
    pub(crate) fn publish(&self, plugin: &Plugin) {
        let archive = plugin.archive();
        self.publish_as(plugin, plugin.line(&archive), &archive);
    }

    /// Publish bytes under a line that may lie about them.
    #[expect(clippy::needless_pass_by_value, reason = "the line is made for this one call")]
    pub(crate) fn publish_as(&self, plugin: &Plugin, line: serde_json::Value, archive: &[u8]) {
        let file = line["file"].as_str().expect("a line names its file").to_owned();
        self.put(&format!("dl/{}/{}/{file}", plugin.name, plugin.version), archive);
        let path = self.folder.path().join(index_path(&plugin.name));
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        let mut index = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("the index can be opened");
        writeln!(index, "{line}").expect("the index can be written");
        let mut list: Vec<serde_json::Value> =
            serde_json::from_slice(&std::fs::read(self.folder.path().join("search.json")).expect("it's there")).expect("it's JSON");
        list.retain(|entry| entry["name"] != plugin.name.as_str());
        list.push(serde_json::json!({ "name": plugin.name, "version": plugin.version, "description": "A plugin for tests", "types": plugin.types, "license": "MIT", "keywords": ["test"], "published": plugin.published, "downloads": 1 }));
        self.put("search.json", serde_json::to_string(&list).expect("it's JSON").as_bytes());
    }

    /// Warn of something: `advisories.json`, and the configuration that names it.
    pub(crate) fn warn(&self, advisories: &serde_json::Value) {
        self.put("advisories.json", advisories.to_string().as_bytes());
        let config = br#"{"v":1,"name":"test","dl":"dl/{name}/{version}/{file}","search":"search.json","advisories":"advisories.json"}"#;
        self.put("config.json", config);
    }

    /// Write one of its files.
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) {
        let path: PathBuf = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        std::fs::write(path, bytes).expect("a file can be written");
    }
}

fn index_path(name: &str) -> String {
    match name.len() {
        length @ (1 | 2) => format!("index/{length}/{name}"),
        3 => format!("index/3/{}/{name}", &name[..1]),
        _ => format!("index/{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

/// A json/1 template plugin whose every function answers with what it was asked.
const ECHO: &str = r#"(module
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 4096))
  (data (i32.const 16) "{\"success\":true,\"result\":")
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func $alloc (export "alloc") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (global.get $next) (local.get $size)))
    (local.get $at))
  (func (export "template_function") (param $at i32) (param $size i32) (result i64)
    (local $out i32)
    (local.set $out (call $alloc (i32.add (local.get $size) (i32.const 26))))
    (memory.copy (local.get $out) (i32.const 16) (i32.const 25))
    (memory.copy (i32.add (local.get $out) (i32.const 25)) (local.get $at) (local.get $size))
    (i32.store8 (i32.add (local.get $out) (i32.add (local.get $size) (i32.const 25))) (i32.const 125))
    (i64.or (i64.shl (i64.extend_i32_u (local.get $out)) (i64.const 32)) (i64.extend_i32_u (i32.add (local.get $size) (i32.const 26))))))"#;
