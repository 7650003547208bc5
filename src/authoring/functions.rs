//! Which template functions does a version say that it has? Asked in the sandbox, with nothing granted and nothing configured.
//!
//! It's for comparing two versions, so whoever doesn't answer (because it wants a configuration, or has no such list) isn't
//! compared, and that's no mistake.

use std::collections::BTreeSet;
use std::sync::Arc;

use mfp_loader::{Loader, PluginType};
use mfp_model::plugin::PluginManifest;

use super::own_content::OwnContent;
use super::sandboxed::given_nothing;
use crate::app::App;
use crate::running::{VerboseLog, options};

/// The functions of the version with these files; `None` if it doesn't say.
pub(crate) fn functions(app: &App<'_>, manifest: &PluginManifest, content: Arc<OwnContent>) -> Option<BTreeSet<String>> {
    if !manifest.types.contains(&PluginType::Template) {
        return None;
    }
    let entry = manifest.entry_in(content.listing()).ok()?.clone();
    let spec = given_nothing(manifest, entry, content);
    let plugins = Loader::new(options(app, VerboseLog::new(app))).load([spec]).ok()?;
    let plugin = plugins.plugin(manifest.id.as_str()).ok()?;
    let answer = app.wait(async { Ok(plugin.functions().await.ok()) }).ok()??;
    Some(answer.into_iter().map(|function| function.name).collect())
}
