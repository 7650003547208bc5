//! What there's to say about the manifest itself: its mistakes, what was assumed to read it, and what's missing in it.

use std::sync::Arc;

use mfp_model::license::{self, Stated};
use mfp_model::plugin::{Conformance, Dialect, PluginManifestError, Runtime};

use super::{Finding, Seen};

/// What to do about a manifest in another form than mfp's.
pub(super) const ANEW: &str = "`mfp validate --fix` writes it anew with `mfp: 1`, and says what it has to assume";

/// A mistake of the manifest's.
pub(super) fn mistake(file: &str, text: &Arc<str>, error: &PluginManifestError) -> Finding {
    let finding = Finding::error(error.code(), file, error.message.clone()).at(text, error.span.clone());
    match &error.help {
        Some(help) => finding.help(help.clone()),
        None => finding.help("correct it; `mfp schema plugin --example` shows what the file can hold"),
    }
}

impl Seen<'_> {
    /// Everything about the manifest.
    pub(super) fn manifest(&self) -> Vec<Finding> {
        let mut findings = self.assumptions();
        findings.extend(self.version());
        findings.extend(self.license());
        findings.extend(self.links());
        findings.extend(self.missing());
        findings.extend(self.broad());
        findings.extend(self.tests());
        findings
    }

    /// What was left out or assumed, in a dialect of MockForge's as in mfp's own.
    fn assumptions(&self) -> Vec<Finding> {
        let warning = |text: String| Finding::warning("mfp::validate::assumed", self.file, text);
        let mut findings: Vec<Finding> = self.manifest.warnings.iter().map(|sentence| warning(sentence.clone())).collect();
        if self.manifest.dialect != Dialect::Mfp {
            let sentence = format!("the manifest is written in another form than mfp's: {}", self.manifest.dialect);
            findings.insert(0, Finding::warning("mfp::validate::form", self.file, sentence).help(ANEW));
        }
        findings
    }

    /// A version that can't be published, since two texts of one version would be two files.
    fn version(&self) -> Option<Finding> {
        let version = self.manifest.version.to_string();
        let (plain, build) = version.split_once('+')?;
        let finding = Finding::error(
            "mfp::validate::version",
            self.file,
            format!("the version has build metadata, `+{build}`, which counts for nothing"),
        );
        Some(self.at_key(finding.help(format!("write `{plain}`; `mfp validate --fix` does")), "version"))
    }

    fn license(&self) -> Option<Finding> {
        let code = "mfp::validate::license";
        let Some(license) = &self.manifest.license else {
            return Some(Finding::warning(code, self.file, "the manifest states no licence").help("add it under `plugin`: `license: MIT`"));
        };
        let finding = match license::stated(license) {
            Stated::Spdx => return None,
            Stated::Spelling(canonical) => Finding::warning(code, self.file, format!("SPDX writes this licence `{canonical}`"))
                .help("`mfp validate --fix` writes it so"),
            Stated::Unknown(meant) => {
                let help = meant.map_or_else(
                    || "write an identifier of https://spdx.org/licenses, or `LicenseRef-NAME` for one of your own".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                );
                Finding::error(code, self.file, "the licence isn't an SPDX expression").help(help)
            }
        };
        Some(self.at_key(finding, "license"))
    }

    /// Links that are read by people, who should know where they go.
    fn links(&self) -> Vec<Finding> {
        let links = [
            ("homepage", &self.manifest.homepage),
            ("repository", &self.manifest.repository),
            ("documentation", &self.manifest.documentation),
        ];
        links.into_iter().filter_map(|(key, link)| self.link(key, link.as_deref()?)).collect()
    }

    fn link(&self, key: &str, link: &str) -> Option<Finding> {
        let code = "mfp::validate::link";
        let url = url::Url::parse(link).ok()?;
        let finding = if !url.username().is_empty() || url.password().is_some() {
            Finding::error(code, self.file, format!("`{key}` holds a user name or a password"))
                .help("a link that everybody reads has neither")
        } else if url.scheme() == "http" {
            Finding::warning(code, self.file, format!("`{key}` is a link by plain http"))
                .help("write it with `https://`, if the page can be had so")
        } else {
            return None;
        };
        Some(self.at_key(finding, key))
    }

    /// What people look for first.
    fn missing(&self) -> Option<Finding> {
        let is_missing = self.manifest.description.is_none();
        is_missing.then(|| {
            Finding::warning("mfp::validate::missing", self.file, "the manifest has no description")
                .help("add a sentence under `plugin`: `description: …`")
        })
    }

    /// What reaches further than a person likes to approve.
    fn broad(&self) -> Vec<Finding> {
        let warning = |what: String| {
            let finding = Finding::warning("mfp::validate::broad", self.file, format!("the plugin asks for {what}"))
                .help("ask for what it needs: whoever uses it has to approve that");
            self.at_path(finding, &["capabilities"])
        };
        self.manifest.capabilities.broad().into_iter().map(warning).collect()
    }

    /// The requests that `mfp test` sends.
    fn tests(&self) -> Vec<Finding> {
        let shape = |(at, test): (usize, &serde_json::Value)| {
            let why = Conformance::read(test).err()?;
            let finding = Finding::error("mfp::validate::tests", self.file, format!("`tests[{at}]`: {why}"));
            Some(self.at_path(finding, &["tests", &at.to_string()]))
        };
        let mut findings: Vec<Finding> = self.manifest.tests.iter().enumerate().filter_map(shape).collect();
        let is_service = self.manifest.runtime == Runtime::Remote;
        let configured = self.manifest.tests.iter().enumerate().filter(|(_, test)| is_service && test.get("config").is_some());
        findings.extend(configured.map(|(at, _)| {
            let text = format!("`tests[{at}]` has a `config`, and this plugin is a service: it has the one that it was started with");
            let finding = Finding::warning("mfp::validate::tests", self.file, text).help("take it out");
            self.at_path(finding, &["tests", &at.to_string(), "config"])
        }));
        findings
    }
}
