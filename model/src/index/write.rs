//! How is a version written into the index? From its own manifest, so that the line can't say anything else, with the keys in one
//! order, so that the same version gives the same line.

use jiff::Timestamp;
use serde::Serialize;

use super::{Deprecated, IndexDocument, IndexLine, LINE_VERSION, Yanked};
use crate::capability::Capabilities;
use crate::digest::ContentDigest;
use crate::plugin::{Author, Dependency, PluginManifest};
use crate::requirement::Requirement;
use crate::signer::Signer;
use crate::source::Artifact;
use crate::version::{Version, VersionError};

/// What publishing adds to what a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The artifact's file name.
    pub file: String,
    /// The artifact.
    pub artifact: Artifact,
    /// What the plugin is.
    pub content: ContentDigest,
    /// The size of its files unpacked, in bytes.
    pub unpacked: u64,
    /// When.
    pub published: Timestamp,
    /// Whose signature the package has, proven.
    pub signer: Option<Signer>,
}

impl IndexLine {
    /// The line of a version that's published. A version with build metadata has none.
    pub fn of(manifest: &PluginManifest, publication: Publication) -> Result<Self, VersionError> {
        let Publication { file, artifact, content, unpacked, published, signer } = publication;
        Ok(Self {
            name: manifest.id.clone(),
            version: Version::parse_published(&manifest.version.to_string())?,
            types: manifest.types.clone(),
            description: manifest.description.as_deref().map(Into::into),
            license: manifest.license.clone(),
            deps: manifest.dependencies.clone(),
            mockforge: manifest.mockforge.clone(),
            file,
            format: artifact.format,
            size: artifact.size,
            sha256: artifact.sha256,
            content,
            published,
            capabilities: manifest.capabilities.clone(),
            signer,
            yanked: Yanked::No,
            deprecated: None,
            unpacked: Some(unpacked),
            author: manifest.author.clone(),
            repository: manifest.repository.clone(),
            homepage: manifest.homepage.clone(),
            documentation: manifest.documentation.clone(),
            keywords: manifest.keywords.clone(),
            categories: manifest.categories.clone(),
        })
    }

    /// The line as it stands in the index, with its line feed.
    pub fn to_line(&self) -> String {
        serde_json::to_string(&Wire::from(self)).expect("texts, numbers and lists are JSON") + "\n"
    }
}

impl IndexDocument {
    /// The version that stands for the plugin where one has to: the highest release that isn't yanked, else the highest pre-release.
    pub fn newest(&self) -> Option<&IndexLine> {
        let standing = self.lines.iter().filter(|line| !line.yanked.is_yanked());
        standing.max_by_key(|line| (!line.version.is_prerelease(), &line.version))
    }
}

/// The line's keys in their order.
#[derive(Serialize)]
struct Wire<'a> {
    v: u64,
    name: &'a str,
    version: String,
    types: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'a str>,
    deps: Vec<Dep<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mockforge: Option<&'a Requirement>,
    file: &'a str,
    size: u64,
    sha256: String,
    content: String,
    published: String,
    capabilities: &'a Capabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<&'a Signer>,
    yanked: &'a Yanked,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a Author>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documentation: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    keywords: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    unpacked: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecated: Option<&'a Deprecated>,
}

#[derive(Serialize)]
struct Dep<'a> {
    name: &'a str,
    req: &'a Requirement,
    optional: bool,
}

impl<'a> From<&'a Dependency> for Dep<'a> {
    fn from(dependency: &'a Dependency) -> Self {
        Self { name: dependency.name.as_str(), req: &dependency.requirement, optional: dependency.optional }
    }
}

impl<'a> From<&'a IndexLine> for Wire<'a> {
    fn from(line: &'a IndexLine) -> Self {
        Self {
            v: LINE_VERSION,
            name: line.name.as_str(),
            version: line.version.to_string(),
            types: line.types.iter().map(|one| one.as_str()).collect(),
            description: line.description.as_deref(),
            license: line.license.as_deref(),
            deps: line.deps.iter().map(Into::into).collect(),
            mockforge: line.mockforge.as_ref(),
            file: &line.file,
            size: line.size,
            sha256: line.sha256.to_string(),
            content: line.content.to_string(),
            published: line.published.to_string(),
            capabilities: &line.capabilities,
            signer: line.signer.as_ref(),
            yanked: &line.yanked,
            author: line.author.as_ref(),
            repository: line.repository.as_deref(),
            homepage: line.homepage.as_deref(),
            documentation: line.documentation.as_deref(),
            keywords: &line.keywords,
            categories: &line.categories,
            unpacked: line.unpacked,
            deprecated: line.deprecated.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ArchiveFormat;

    const MANIFEST: &str = r#"mfp: 1
plugin:
  id: auth-jwt
  version: 1.4.2
  name: JWT authentication
  description: "Validates \"bearer\" tokens"
  types: [template, auth]
  license: MIT OR Apache-2.0
  author: { name: Ada, email: ada@example.org }
  homepage: https://a.example
  repository: https://b.example
  keywords: [jwt, a b]
mockforge: ">=0.3, <2"
capabilities:
  network: { allow_http_outbound: true, allowed_hosts: ["auth.example.com"] }
  resources: { max_memory_bytes: 134217728 }
dependencies:
  - { id: jwks-core, version: "0.3", optional: true }
"#;

    fn line(signer: Option<&str>) -> (PluginManifest, IndexLine) {
        let manifest = PluginManifest::parse(MANIFEST).unwrap();
        let artifact = Artifact { format: ArchiveFormat::TarZst, size: 48_211, sha256: "0f".repeat(32).parse().unwrap() };
        let publication = Publication {
            file: "auth-jwt-1.4.2.tar.zst".to_owned(),
            artifact,
            content: format!("blake3:{}", "0f".repeat(32)).parse().unwrap(),
            unpacked: 100_000,
            published: "2026-08-01T10:00:00Z".parse().unwrap(),
            signer: signer.map(|text| text.parse().unwrap()),
        };
        let line = IndexLine::of(&manifest, publication).unwrap();
        (manifest, line)
    }

    #[test]
    fn a_line_says_what_the_manifest_says_and_is_read_as_it_was_written() {
        for signer in [None, Some("minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa")] {
            let (manifest, mut line) = line(signer);
            manifest.check_against_index(&line).unwrap();
            for yanked in [Yanked::No, Yanked::Yes, Yanked::Because("it \"leaks\"\n".to_owned())] {
                line.yanked = yanked;
                line.deprecated = Some(Deprecated { reason: "old".to_owned(), use_instead: Some("x".to_owned()) });
                let text = line.to_line();
                assert_eq!(text.matches('\n').count(), 1, "{text}");
                assert_eq!(IndexDocument::parse(text.as_bytes(), &line.name).unwrap().lines, [line.clone()]);
            }
        }
    }

    #[test]
    fn the_keys_stand_in_the_published_order() {
        let text = line(None).1.to_line();
        let hex = "0f".repeat(32);
        assert_eq!(
            text,
            format!(
                r#"{{"v":1,"name":"auth-jwt","version":"1.4.2","types":["auth","template"],"description":"Validates \"bearer\" tokens","license":"MIT OR Apache-2.0","deps":[{{"name":"jwks-core","req":"^0.3","optional":true}}],"mockforge":">=0.3, <2","file":"auth-jwt-1.4.2.tar.zst","size":48211,"sha256":"{hex}","content":"blake3:{hex}","published":"2026-08-01T10:00:00Z","capabilities":{{"http":["auth.example.com"],"memory":134217728}},"yanked":false,"author":{{"name":"Ada","email":"ada@example.org"}},"repository":"https://b.example","homepage":"https://a.example","keywords":["jwt","a b"],"unpacked":100000}}"#
            ) + "\n"
        );
    }

    #[test]
    fn a_release_that_stands_is_the_newest() {
        let versions = |all: &[(&str, bool)]| {
            let (_, one) = line(None);
            let lines = all.iter().map(|(version, yanked)| IndexLine {
                version: version.parse().unwrap(),
                yanked: if *yanked { Yanked::Yes } else { Yanked::No },
                ..one.clone()
            });
            IndexDocument { lines: lines.collect(), skipped: 0 }.newest().map(|line| line.version.to_string())
        };
        assert_eq!(versions(&[("1.9.0", false), ("1.10.0", false), ("2.0.0-rc.1", false), ("1.11.0", true)]).as_deref(), Some("1.10.0"));
        assert_eq!(versions(&[("2.0.0-rc.1", false), ("2.0.0-rc.2", false)]).as_deref(), Some("2.0.0-rc.2"));
        assert_eq!(versions(&[("1.0.0", true)]), None);
    }
}
