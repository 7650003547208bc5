//! How does an author's plugin become a version in a registry? Looked at, compared with its last version, signed, packed.
//!
//! The secret key is used here, on the author's machine, and nowhere else. Nothing is written before everything has been decided; what
//! then is written, and in which order, is the registry's ([`crate::registry_folder::write`]).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use mfp_model::compat::{self, Change, Side, Step};
use mfp_model::index::{IndexDocument, IndexLine, Publication};
use mfp_model::plugin::{PluginManifest, Surface, WasmKind, check_wasm_header};
use mfp_model::signature::Statement;
use mfp_model::signer::Signer;
use mfp_model::source::{ArchiveFormat, Artifact};
use mfp_model::version::Version;
use mfp_store::pack::Package;

use super::functions::functions;
use super::own_content::OwnContent;
use super::packing::Gathered;
use crate::app::App;
use crate::cli::publish::AllowedCheck;
use crate::cli::values::value_name;
use crate::error::{Error, Result};
use crate::explain;
use crate::keys::SecretKey;
use crate::registry_folder::RegistryFolder;
use crate::registry_folder::signers::Keys;
use crate::registry_folder::write::Published;
use crate::report::document::PublishedVersion;

/// A version that's ready to be published.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) line: IndexLine,
    pub(crate) package: Package,
}

/// Sign and pack a plugin, and write its line.
pub(crate) fn ready(
    app: &App<'_>,
    gathered: &Gathered,
    key: Option<&SecretKey>,
    format: ArchiveFormat,
    published: &Published<'_>,
) -> Result<Ready> {
    let manifest = &gathered.manifest;
    let content = gathered.content.listing().content();
    let statement = Statement { name: manifest.id.clone(), version: manifest.version.clone(), content };
    let (signature, signer) = signed(app, gathered, key, &statement, &published.keys)?;
    let package = gathered.pack(app, signature.as_deref(), format)?;
    let publication = Publication {
        file: gathered.file_name(format),
        artifact: Artifact { format, size: package.bytes.len() as u64, sha256: package.sha256 },
        content: package.content(),
        unpacked: package.listing.total_size(),
        published: next_time(app, &published.document),
        signer,
    };
    let line = IndexLine::of(manifest, publication).map_err(|error| Error::bug(format!("a version that was looked at: {error}")))?;
    Ok(Ready { line, package })
}

/// The signature that goes along, and whose it is: made with the key; without one, that of the folder, if it's by somebody who's known.
fn signed(
    app: &App<'_>,
    gathered: &Gathered,
    key: Option<&SecretKey>,
    statement: &Statement,
    keys: &Keys,
) -> Result<(Option<String>, Option<Signer>)> {
    match (key, &gathered.signature) {
        (Some(key), _) => {
            let about = format!("{} {}", statement.name, statement.version);
            let signature = key.sign_text(&statement.to_string(), &about, app.settings.now)?.text().to_owned();
            Ok((Some(signature), Some(key.signer().clone())))
        }
        (None, Some(signature)) => match keys.signer_of(statement, signature, &[]) {
            Ok(signer) => Ok((Some(signature.clone()), Some(signer))),
            Err(why) => Err(Error::new(
                "mfp::registry::signer",
                format!("the folder's plugin.minisig isn't provably by anybody who's known: {why}"),
            )
            .help("sign it now: `mfp publish --key FILE`; or delete plugin.minisig")),
        },
        (None, None) => Ok((None, None)),
    }
}

/// When it's published: now, and never before the version above it, whatever another machine's clock said.
pub(crate) fn next_time(app: &App<'_>, document: &IndexDocument) -> Timestamp {
    let now = app.settings.publishing_time();
    document.lines.last().map_or(now, |last| now.max(last.published))
}

/// The version that users of this one came from: the highest lower release that isn't yanked.
pub(crate) fn predecessor<'d>(document: &'d IndexDocument, version: &Version) -> Option<&'d IndexLine> {
    let lower = document.lines.iter().filter(|line| line.version < *version && !line.yanked.is_yanked() && !line.version.is_prerelease());
    lower.max_by(|a, b| a.version.cmp(&b.version))
}

/// What a new version takes away from users of its predecessor: all that its number allows, or a person did. An error if there's more.
pub(crate) fn losses(
    app: &App<'_>,
    registry: &RegistryFolder,
    gathered: &Gathered,
    last: &IndexLine,
    allowed: &BTreeSet<AllowedCheck>,
) -> Result<Vec<Change>> {
    let (old, old_content) = published_version(app, registry, last)?;
    let (new, new_content) = (&gathered.manifest, &gathered.content);
    let mut changes = compat::changes(Module::of(&old, &old_content)?.side(&old), Module::of(new, new_content)?.side(new));
    // Both are asked, or the comparison would be with a guess.
    if let Some(had) = functions(app, &old, Arc::clone(&old_content))
        && let Some(has) = functions(app, new, Arc::clone(new_content))
    {
        changes.extend(compat::lost_functions(&had, &has));
    }
    let step = Step::between(&last.version, &new.version);
    let is_refused = |change: &&Change| step < change.needs && !allowed.contains(&change.check.into());
    let refused: Vec<&Change> = changes.iter().filter(is_refused).collect();
    if refused.is_empty() { Ok(changes) } else { Err(refusal(new, &last.version, &refused)) }
}

/// What's taken away that the number doesn't allow, and nobody said that it's meant.
fn refusal(new: &PluginManifest, last: &Version, refused: &[&Change]) -> Error {
    let step = refused.iter().map(|change| change.needs).max().unwrap_or(Step::Minor);
    let checks: BTreeSet<AllowedCheck> = refused.iter().map(|change| change.check.into()).collect();
    let checks: Vec<String> = checks.iter().map(value_name).collect();
    let shown = |change: &&Change| format!("{}: {} (a {} step)", value_name(&AllowedCheck::from(change.check)), change.what, change.needs);
    Error::new(
        "mfp::publish::breaking",
        format!("{} {} takes away what users of {last} have, and they'd get it without being asked", new.id, new.version),
    )
    .points(refused.iter().map(shown))
    .help(format!("publish it as {}; if it breaks nobody: `--allow {}`", step.after(last), checks.join(",")))
    .detail("checks", checks)
    .detail("version", step.after(last).to_string())
}

/// What a version's module offers, and what kind of module that is.
struct Module {
    kind: WasmKind,
    surface: Surface,
}

impl Module {
    fn of(manifest: &PluginManifest, content: &OwnContent) -> Result<Self> {
        let unreadable = |error| explain::wasm(&manifest.id, &error);
        let entry = manifest.entry_in(content.listing()).map_err(|error| explain::entry(&manifest.id, &error))?;
        let bytes = content.file(entry).unwrap_or_default();
        Ok(Self { kind: check_wasm_header(bytes).map_err(unreadable)?, surface: Surface::of(bytes).map_err(unreadable)? })
    }

    fn side<'a>(&'a self, manifest: &'a PluginManifest) -> Side<'a> {
        Side { manifest, module: Some((self.kind, &self.surface)) }
    }
}

/// A version of the registry, its archive verified as by everybody who takes it.
fn published_version(app: &App<'_>, registry: &RegistryFolder, line: &IndexLine) -> Result<(PluginManifest, Arc<OwnContent>)> {
    let damaged = |error: Error| {
        error
            .note(format!("{} {} is what this version is compared with", line.name, line.version))
            .help(format!("`mfp registry check {}` shows what's wrong with the registry", registry.root.display()))
    };
    let (manifest, tree) = registry.unpacked(&app.store()?, line).map_err(damaged)?;
    Ok((manifest, Arc::new(OwnContent::of_tree(&tree)?)))
}

/// A version as it's told to programs.
pub(crate) fn published(registry: &RegistryFolder, line: &IndexLine, place: &Path) -> PublishedVersion {
    PublishedVersion {
        name: line.name.to_string(),
        version: line.version.to_string(),
        file: registry.below(place),
        size: line.size,
        sha256: line.sha256.to_string(),
        content: line.content.to_string(),
        published: line.published.to_string(),
        signer: line.signer.as_ref().map(ToString::to_string),
        fingerprint: line.signer.as_ref().map(Signer::fingerprint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(versions: &[(&str, bool)]) -> IndexDocument {
        let hex = "0f".repeat(32);
        let line = |(version, yanked): &(&str, bool)| {
            format!(
                r#"{{"v":1,"name":"a","version":"{version}","types":["auth"],"deps":[],"file":"a.zip","size":1,"sha256":"{hex}","content":"blake3:{hex}","published":"2026-08-01T10:00:00Z","capabilities":{{}},"yanked":{yanked}}}"#
            ) + "\n"
        };
        let text: String = versions.iter().map(line).collect();
        IndexDocument::parse(text.as_bytes(), &"a".parse().unwrap()).unwrap()
    }

    #[test]
    fn users_came_from_the_highest_lower_release_that_stands() {
        let all = document(&[("1.2.0", false), ("2.0.0", false), ("1.4.0", true), ("1.3.0", false), ("1.5.0-rc.1", false)]);
        let before = |version: &str| predecessor(&all, &version.parse().unwrap()).map(|line| line.version.to_string());
        assert_eq!(before("1.5.0").as_deref(), Some("1.3.0"), "1.4.0 is yanked, and a pre-release promises nothing");
        assert_eq!(before("2.0.1").as_deref(), Some("2.0.0"));
        assert_eq!(before("2.0.0-rc.1").as_deref(), Some("1.3.0"));
        assert_eq!(before("1.2.0"), None);
    }
}
