//! What there's to say about the plugin's code: would a host load it, and does it use what the manifest asks for?

use mfp_loader::{LoadError, check_code};
use mfp_model::content::PackagePath;
use mfp_model::plugin::{PluginManifest, Surface, WasmKind, check_wasm_header, embedded_manifest};

use super::{Finding, Seen};
use crate::authoring::sandboxed::for_its_author;

impl Seen<'_> {
    /// Everything about the code at this path.
    pub(super) fn code(&self, path: &PackagePath) -> Vec<Finding> {
        let Some(wasm) = self.read(path) else { return Vec::new() };
        let header = check_wasm_header(&wasm);
        if let Err(error) = &header {
            return vec![Finding::error(error.code(), path.as_str(), error.to_string()).help("build it again: `mfp build`")];
        }
        let refused = check_code(self.manifest, path, &wasm);
        let mut findings: Vec<Finding> = refused.iter().map(|error| refusal(path, error)).collect();
        findings.extend(self.unused(path, &wasm, header == Ok(WasmKind::Component)));
        findings.extend(self.embedded(path, &wasm));
        findings
    }

    /// What's asked for and can't be used: a person would approve it for nothing.
    fn unused(&self, path: &PackagePath, wasm: &[u8], is_component: bool) -> Vec<Finding> {
        let Ok(surface) = Surface::of(wasm) else { return Vec::new() };
        let imports = |start: &str| surface.imports.keys().any(|name| name.starts_with(start));
        let asked = &self.manifest.capabilities;
        let sends = imports("mockforge.http_request") || imports("wasi:http/");
        let opens = is_component && imports("wasi:filesystem/");
        let unused = [
            (!asked.http.is_empty() && !sends, "network", "HTTP requests, and its code imports nothing that sends one"),
            (
                !(opens || asked.fs_read.is_empty() && asked.fs_write.is_empty()),
                "filesystem",
                "files of the project, and its code imports nothing that opens one",
            ),
        ];
        let unused = unused.into_iter().filter(|(is_unused, ..)| *is_unused);
        unused
            .map(|(_, key, what)| {
                let finding = Finding::warning("mfp::validate::unused", self.file, format!("the plugin asks for {what} (`{path}`)"))
                    .help(format!("take `capabilities.{key}` out, or use it"));
                self.at_path(finding, &["capabilities", key])
            })
            .collect()
    }

    /// A manifest inside of the code that says something else: who takes the bare file would get another plugin.
    fn embedded(&self, path: &PackagePath, wasm: &[u8]) -> Option<Finding> {
        let embedded = embedded_manifest(wasm).ok().flatten()?;
        let message = match PluginManifest::from_bytes(embedded) {
            Ok(embedded) => {
                let keys = self.manifest.differing_keys(&embedded);
                if keys.is_empty() {
                    return None;
                }
                format!("the manifest that the code carries isn't {}: `{}`", self.file, keys.join("`, `"))
            }
            Err(error) => format!("the manifest that the code carries isn't one: {error}"),
        };
        Some(Finding::error("mfp::validate::embedded", path.as_str(), message).help("`mfp build` puts this one in"))
    }
}

/// Why a host wouldn't load it.
fn refusal(path: &PackagePath, error: &LoadError) -> Finding {
    let help = for_its_author(error.code()).unwrap_or("build it again: `mfp build`");
    Finding::error(error.code(), path.as_str(), error.to_string()).help(help)
}
