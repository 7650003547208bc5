//! `mfp publish`: a plugin into a registry, signed, and held to what its last version promised.

use std::collections::BTreeSet;

use mfp_model::compat::Change;
use mfp_model::index::IndexLine;
use mfp_model::signer::Signer;

use crate::app::App;
use crate::authoring::packing::{Allowed, Gathered, gather};
use crate::authoring::publication::{losses, predecessor, published, ready};
use crate::authoring::{OwnPlugin, target};
use crate::cli::publish::{AllowedCheck, PackageFormat, PublishArgs};
use crate::cli::values::value_name;
use crate::commands::key;
use crate::error::{Error, Result};
use crate::registry_folder::RegistryFolder;
use crate::registry_folder::signers::Keys;
use crate::report::document::{BreakingChange, Document, PublishDocument};
use crate::report::{Event, Outcome, plural, size};

/// Publish it.
pub(crate) fn run(app: &App<'_>, args: &PublishArgs) -> Result<Outcome> {
    let plugin = OwnPlugin::open(&app.settings, args.path.as_deref())?;
    let registry = RegistryFolder::open(&target::folder(app, args.registry.registry.as_deref())?)?;
    let gathered = gather(app, &plugin, Allowed { dirty: args.allow_dirty, secrets: args.allow_secrets })?;
    let key = args.key.as_ref().map(|key| key::open(app, &app.settings.path(key), &args.password)).transpose()?;
    let format = args.format.unwrap_or(PackageFormat::TarZst).archive();
    let allowed: BTreeSet<AllowedCheck> = args.allow.iter().copied().collect();

    // From here on nobody else writes: what's decided about the versions that are there is still true when this one is added.
    let writing = registry.writing(app)?;
    let there = writing.published(&gathered.manifest.id)?;
    let new = ready(app, &gathered, key.as_ref(), format, &there)?;
    there.refuse_again(&new.line)?;
    let place = registry.archive(&new.line)?;
    let mut changes: Vec<BreakingChange> = other_signer(&there.keys, new.line.signer.as_ref(), &allowed)?.into_iter().collect();
    let last = predecessor(&there.document, &new.line.version).cloned();
    if let Some(last) = &last {
        changes.extend(losses(app, &registry, &gathered, last, &allowed)?.iter().map(document));
    }
    say(app, new.line.signer.is_some(), &changes);
    if !args.dry_run {
        there.add(&new.line, &new.package.bytes)?;
    }
    say_done(app, args, &gathered, &new.line, &registry);
    Ok(Outcome::done(Document::Publish(PublishDocument {
        version: published(&registry, &new.line, &place),
        registry: registry.root.display().to_string(),
        predecessor: last.map(|last| last.version.to_string()),
        changes,
        dry_run: args.dry_run,
    })))
}

/// Why this signer mustn't sign, if a person says that it may; else that's the end.
fn other_signer(keys: &Keys, signer: Option<&Signer>, allowed: &BTreeSet<AllowedCheck>) -> Result<Option<BreakingChange>> {
    let Some(what) = keys.objection(signer) else { return Ok(None) };
    if allowed.contains(&AllowedCheck::Signer) {
        return Ok(Some(BreakingChange { check: value_name(&AllowedCheck::Signer), what, needs: None, allowed: true }));
    }
    Err(Error::new("mfp::publish::signer", what)
        .help("sign with that key: `--key FILE`; or hand the plugin over: `mfp key rotate`, and its line in keys/; `--allow signer` makes each user decide"))
}

/// Something that's taken away, and may be.
fn document(change: &Change) -> BreakingChange {
    BreakingChange {
        check: value_name(&AllowedCheck::from(change.check)),
        what: change.what.clone(),
        needs: Some(change.needs.to_string()),
        allowed: true,
    }
}

fn say_done(app: &App<'_>, args: &PublishArgs, gathered: &Gathered, line: &IndexLine, registry: &RegistryFolder) {
    let did = if args.dry_run { "Would publish" } else { "Published" };
    let signer = line.signer.as_ref().map(|signer| format!(", signed by {}", signer.fingerprint())).unwrap_or_default();
    app.reporter.event(Event::Note(format!(
        "{did} {} {} ({}, {}{signer}) in {}\n  content {}",
        line.name,
        line.version,
        plural(gathered.content.listing().len(), "file"),
        size(line.size),
        registry.root.display(),
        line.content
    )));
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
