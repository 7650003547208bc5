//! `mfp publish`: a plugin into a registry, signed, and held to what its last version promised.

use std::collections::BTreeSet;

use crate::app::App;
use crate::authoring::packing::{Allowed, gather};
use crate::authoring::publication::{compare, predecessor, published, ready, refuse};
use crate::authoring::{OwnPlugin, target};
use crate::cli::publish::{AllowedCheck, PackageFormat, PublishArgs};
use crate::commands::key;
use crate::error::{Error, Result};
use crate::registry_folder::RegistryFolder;
use crate::registry_folder::signers::Keys;
use crate::registry_folder::write::refuse_published;
use crate::report::document::{BreakingChange, Document, PublishDocument};
use crate::report::{Event, Outcome, plural, size};

/// Publish it.
pub(crate) fn run(app: &App<'_>, args: &PublishArgs) -> Result<Outcome> {
    let plugin = OwnPlugin::open(&app.settings, args.path.as_deref())?;
    let registry = RegistryFolder::open(&target::folder(app, args.registry.registry.as_deref())?)?;
    let gathered = gather(app, &plugin, Allowed { dirty: args.allow_dirty, secrets: args.allow_secrets })?;
    let key = args.key.as_ref().map(|key| key::open(app, &app.settings.current_dir.join(key), &args.password)).transpose()?;
    let allowed: BTreeSet<AllowedCheck> = args.allow.iter().copied().collect();

    // From here on nobody else writes: what's decided about the versions that are there is still true when this one is added.
    let writing = registry.writing(app)?;
    let name = &gathered.manifest.id;
    let (bytes, document) = registry.index(name)?;
    let history = registry.key_history(name)?;
    let keys = Keys::of(name, &document, &history);
    let format = args.format.unwrap_or(PackageFormat::TarZst).archive();
    let ready = ready(app, &gathered, (key.as_ref(), format), &keys, &document)?;
    let line = &ready.line;
    refuse_published(&bytes, line)?;
    let mut changes: Vec<BreakingChange> = objection(&keys, &ready, &allowed)?.into_iter().collect();
    let last = predecessor(&document, &line.version);
    if let Some(last) = last {
        let found = compare(app, &registry, &gathered, (line, last), &allowed)?;
        refuse(line, &last.version, &found)?;
        changes.extend(found);
    }
    say(app, line.signer.is_some(), &changes);

    let place = if args.dry_run { registry.archive(line)? } else { writing.add(line, &ready.package.bytes)? };
    let did = if args.dry_run { "Would publish" } else { "Published" };
    let signer = line.signer.as_ref().map(|signer| format!(", signed by {}", signer.fingerprint())).unwrap_or_default();
    app.reporter.event(Event::Note(format!(
        "{did} {name} {} ({}, {}{signer}) in {}\n  content {}",
        line.version,
        plural(gathered.listing.len(), "file"),
        size(line.size),
        registry.root.display(),
        line.content
    )));
    Ok(Outcome::done(Document::Publish(PublishDocument {
        version: published(&registry, line, &place),
        registry: registry.root.display().to_string(),
        predecessor: last.map(|last| last.version.to_string()),
        changes,
        dry_run: args.dry_run,
    })))
}

/// Why this signer mustn't sign, if a person says that it may; else that's the end.
fn objection(
    keys: &Keys<'_>,
    ready: &crate::authoring::publication::Ready,
    allowed: &BTreeSet<AllowedCheck>,
) -> Result<Option<BreakingChange>> {
    let Some(what) = keys.objection(ready.line.signer.as_ref()) else { return Ok(None) };
    if allowed.contains(&AllowedCheck::Signer) {
        return Ok(Some(BreakingChange { check: "signer".to_owned(), what, needs: None, allowed: true }));
    }
    Err(Error::new("mfp::publish::signer", what)
        .help("sign with that key: `--key FILE`; or hand the plugin over: `mfp key rotate`, and its line in keys/; `--allow signer` makes each user decide"))
}

fn say(app: &App<'_>, is_signed: bool, changes: &[BreakingChange]) {
    if !is_signed {
        app.reporter.event(Event::Warning {
            code: "mfp::publish::unsigned",
            text: "published unsigned: nobody can tell who made it; `mfp key new --output FILE`, then `--key FILE`".to_owned(),
        });
    }
    for change in changes {
        let needs = change.needs.as_ref().map(|step| format!(" (a {step} step)")).unwrap_or_default();
        app.reporter.event(Event::Note(format!("{}: {}{needs}", change.check, change.what)));
    }
}
