//! `mfp list`: what's locked.

use mfp_model::lock::LockedPlugin;
use mfp_model::signer::Signer;
use mfp_model::source::Pin;

use crate::app::App;
use crate::changing::shown;
use crate::cli::look::ListArgs;
use crate::error::Result;
use crate::report::Outcome;
use crate::report::document::{Document, ListDocument, ListedPlugin};

/// One line a plugin.
pub(crate) fn run(app: &App<'_>, args: &ListArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let folder = manifest.project.plugin_dir.under(&project.root);
    let wanted = lock.plugins.values().filter(|plugin| !args.direct || lock.is_direct(&plugin.name));
    let listed = |plugin: &LockedPlugin| {
        let path = folder.join(plugin.name.as_str());
        ListedPlugin {
            name: plugin.name.to_string(),
            version: plugin.version().map(ToString::to_string).unwrap_or_default(),
            source: plugin.source().redacted(),
            content: plugin.content.to_string(),
            types: plugin.types.iter().map(ToString::to_string).collect(),
            direct: lock.is_direct(&plugin.name),
            path: path.is_dir().then(|| path.display().to_string()),
            signer: plugin.signer().map(ToString::to_string),
            fingerprint: plugin.signer().map(Signer::fingerprint),
            reference: plugin.package().and_then(|package| reference(&package.pin)),
            commit: plugin.package().and_then(|package| package.pin.commit()).map(ToString::to_string),
        }
    };
    let text = wanted.clone().map(|plugin| format!("{}{}\n", shown(plugin), signed_by(plugin))).collect();
    Ok(Outcome::done(Document::List(ListDocument { plugins: wanted.map(listed).collect() })).text(text))
}

fn signed_by(plugin: &LockedPlugin) -> String {
    plugin.signer().map(|signer| format!(", signed by {}", signer.fingerprint())).unwrap_or_default()
}

fn reference(pin: &Pin) -> Option<String> {
    match pin {
        Pin::Git { reference, .. } => reference.key_and_value().map(|(kind, name)| format!("{kind} {name}")),
        _ => None,
    }
}
