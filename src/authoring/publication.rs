//! How does an author's plugin become a version in a registry? Looked at, compared with its last version, signed, packed.
//!
//! The secret key is used here, on the author's machine, and nowhere else. Nothing is written before everything has been decided; what
//! then is written, and in which order, is the registry's ([`crate::registry_folder::write`]).

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use mfp_model::compat::{self, Change, Side, Step};
use mfp_model::content::PackagePath;
use mfp_model::index::{IndexDocument, IndexLine, Publication};
use mfp_model::plugin::{PluginManifest, Surface, WasmKind, check_wasm_header};
use mfp_model::signature::Statement;
use mfp_model::signer::Signer;
use mfp_model::source::{ArchiveFormat, Artifact};
use mfp_model::version::Version;
use mfp_store::pack::Package;
use mfp_store::{Expected, ExpectedArtifact, Tree};

use super::functions::functions;
use super::own_content::OwnContent;
use super::packing::Gathered;
use crate::app::App;
use crate::cli::publish::AllowedCheck;
use crate::error::{Error, Result};
use crate::explain;
use crate::keys::SecretKey;
use crate::registry_folder::RegistryFolder;
use crate::registry_folder::signers::Keys;
use crate::report::document::{BreakingChange, PublishedVersion};
use crate::sources::fetch::manifest_in;

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
    (key, format): (Option<&SecretKey>, ArchiveFormat),
    keys: &Keys<'_>,
    document: &IndexDocument,
) -> Result<Ready> {
    let manifest = &gathered.manifest;
    let statement = Statement { name: manifest.id.clone(), version: manifest.version.clone(), content: gathered.listing.content() };
    let (signature, signer) = signed(app, gathered, key, &statement, keys)?;
    let package = gathered.pack(app, signature.as_deref(), format)?;
    let publication = Publication {
        file: gathered.file_name(format),
        artifact: Artifact { format, size: package.bytes.len() as u64, sha256: package.sha256 },
        content: package.content(),
        unpacked: package.listing.total_size(),
        published: next_time(app, document),
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
    keys: &Keys<'_>,
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
    let now = app.settings.source_date.unwrap_or(app.settings.now);
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    document.lines.last().map_or(whole, |last| whole.max(last.published))
}

/// The version that users of this one came from: the highest lower release that isn't yanked.
pub(crate) fn predecessor<'d>(document: &'d IndexDocument, version: &Version) -> Option<&'d IndexLine> {
    let lower = document.lines.iter().filter(|line| line.version < *version && !line.yanked.is_yanked() && !line.version.is_prerelease());
    lower.max_by(|a, b| a.version.cmp(&b.version))
}

/// What a new version takes away from users of its predecessor, and whether it may.
pub(crate) fn compare(
    app: &App<'_>,
    registry: &RegistryFolder,
    gathered: &Gathered,
    (line, last): (&IndexLine, &IndexLine),
    allowed: &BTreeSet<AllowedCheck>,
) -> Result<Vec<BreakingChange>> {
    let (old, old_content) = published_side(app, registry, last)?;
    let new = ModuleSide::of(&gathered.manifest, gathered.module())?;
    let step = Step::between(&last.version, &line.version);
    let mut changes = compat::changes(old.side(), new.side());
    // Both are asked, or the comparison would be with a guess.
    let functions = |manifest: &PluginManifest, content: OwnContent| functions(app, manifest, content);
    if let Some(had) = functions(&old.manifest, old_content)
        && let Some(has) = functions(&new.manifest, gathered.content())
    {
        changes.extend(compat::lost_functions(&had, &has));
    }
    Ok(changes.into_iter().map(|change| told(&change, step, allowed)).collect())
}

fn told(change: &Change, step: Step, allowed: &BTreeSet<AllowedCheck>) -> BreakingChange {
    let check = match change.check {
        compat::Check::Exports => AllowedCheck::Exports,
        compat::Check::Types => AllowedCheck::Types,
        compat::Check::Config => AllowedCheck::Config,
        compat::Check::Capabilities => AllowedCheck::Capabilities,
        compat::Check::Host => AllowedCheck::Host,
    };
    BreakingChange {
        check: change.check.as_str().to_owned(),
        what: change.what.clone(),
        needs: Some(change.needs.to_string()),
        allowed: step >= change.needs || allowed.contains(&check),
    }
}

/// An error if something is taken away that the number doesn't allow, and nobody said that it's meant.
pub(crate) fn refuse(line: &IndexLine, last: &Version, changes: &[BreakingChange]) -> Result<()> {
    let refused: Vec<&BreakingChange> = changes.iter().filter(|change| !change.allowed).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let needs = |word: &str| refused.iter().any(|change| change.needs.as_deref() == Some(word));
    let step = if needs("major") { Step::Major } else { Step::Minor };
    let names: BTreeSet<&str> = refused.iter().map(|change| change.check.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(",");
    let shown =
        |change: &&BreakingChange| format!("{}: {} (a {} step)", change.check, change.what, change.needs.as_deref().unwrap_or_default());
    Err(Error::new(
        "mfp::publish::breaking",
        format!("{} {} takes away what users of {last} have, and they'd get it without being asked", line.name, line.version),
    )
    .points(refused.iter().map(shown))
    .help(format!("publish it as {}; if it breaks nobody: `--allow {names}`", step.after(last)))
    .detail("checks", names.split(',').collect::<Vec<_>>())
    .detail("version", step.after(last).to_string()))
}

/// A version as it's compared, with what its module offers.
struct ModuleSide {
    manifest: PluginManifest,
    module: (WasmKind, Surface),
}

impl ModuleSide {
    fn of(manifest: &PluginManifest, module: &[u8]) -> Result<Self> {
        let unreadable = |error| explain::wasm(&manifest.id, &error);
        let module = (check_wasm_header(module).map_err(unreadable)?, Surface::of(module).map_err(unreadable)?);
        Ok(Self { manifest: manifest.clone(), module })
    }

    fn side(&self) -> Side<'_> {
        Side { manifest: &self.manifest, module: Some((self.module.0, &self.module.1)) }
    }
}

/// A version of the registry, its archive verified as by everybody who takes it.
fn published_side(app: &App<'_>, registry: &RegistryFolder, line: &IndexLine) -> Result<(ModuleSide, OwnContent)> {
    let damaged = |error: Error| {
        error
            .note(format!("{} {} is what this version is compared with", line.name, line.version))
            .help(format!("`mfp registry check {}` shows what's wrong with the registry", registry.root.display()))
    };
    let place = registry.archive(line)?;
    let file = std::fs::File::open(&place).map_err(|error| damaged(explain::artifact_file(&place, &error)))?;
    let artifact = ExpectedArtifact { sha256: line.sha256, size: Some(line.size) };
    let expected = Expected::Locked { content: line.content, artifact: Some(artifact) };
    let tree = app.store()?.ingest_archive(file, line.format, &expected).map_err(|error| damaged(explain::store(error)))?;
    let manifest = manifest_in(&line.name, &tree).map_err(damaged)?;
    let side = ModuleSide::of(&manifest, &module_of(&manifest, &tree)?)?;
    let read = |(path, _): (&PackagePath, _)| Ok((path.clone(), tree.read(path.as_str()).map_err(explain::store)?));
    let files = tree.listing().iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok((side, OwnContent::read(files)))
}

fn module_of(manifest: &PluginManifest, tree: &Tree) -> Result<Vec<u8>> {
    let entry = manifest.entry_in(tree.listing()).map_err(|error| explain::entry(&manifest.id, &error))?;
    tree.read(entry.as_str()).map_err(explain::store)
}

/// A version as it's told to programs.
pub(crate) fn published(registry: &RegistryFolder, line: &IndexLine, place: &Path) -> PublishedVersion {
    let file = place.strip_prefix(&registry.root).unwrap_or(place);
    PublishedVersion {
        name: line.name.to_string(),
        version: line.version.to_string(),
        file: file.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"),
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
