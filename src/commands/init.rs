//! `mfp init`: make a project, or one from what another tool left.

use std::path::Path;

use mfp_model::import;
use mfp_model::project::DEFAULT_REGISTRY;
use mfp_model::project::edit::{self, Place};
use mfp_model::source::{RegistryUrl, RemoteEndpoint, Source};
use mfp_store::fs::write_atomic;

use crate::app::App;
use crate::changing::cant_edit;
use crate::cli::project::InitArgs;
use crate::error::{Error, Result};
use crate::explain::{self, Explained};
use crate::project::{LOCK, MANIFEST, parse_manifest};
use crate::report::document::{Document, InitDocument};
use crate::report::{Event, Outcome, clean};

/// What isn't to be committed.
const IGNORED: &str = "/.mockforge/";
/// A lock is merged by `mfp lock`, not line by line.
const ATTRIBUTE: &str = "plugins.lock merge=binary";

/// Write the manifest, and the lines that git needs.
pub(crate) fn run(app: &App<'_>, args: &InitArgs) -> Result<Outcome> {
    let root = app.settings.project.clone().unwrap_or_else(|| app.settings.current_dir.clone());
    let root = args.directory.as_ref().map_or(root.clone(), |directory| root.join(directory));
    let file = root.join(MANIFEST);
    if file.exists() {
        return Err(Error::new("mfp::project::exists", format!("there's a project already: {}", file.display()))
            .help("`mfp add NAME` adds a plugin to it"));
    }
    let registry = args.registry.as_ref().or(app.settings.user.registry.as_ref()).map(|text| registry(text)).transpose()?;
    let mut text = edit::new_manifest(registry.as_ref().map(|(url, allow_http)| (url, *allow_http)));
    let mut left_out = Vec::new();
    if let Some(import) = &args.import {
        text = take_over(&app.settings.path(import), text, &mut left_out)?;
    }
    // An import may name a registry that's yet to be declared: that's said when the project is used.
    if args.import.is_none() {
        parse_manifest(&text)?;
    }
    std::fs::create_dir_all(&root).map_err(|error| explain::io("make the folder", &root, &error))?;
    write_atomic(&file, text.as_bytes()).explained()?;
    let mut written = vec![MANIFEST.to_owned()];
    written.extend(add_line(&root, ".gitignore", IGNORED)?);
    written.extend(add_line(&root, ".gitattributes", ATTRIBUTE)?);
    app.reporter.event(Event::Note(format!("Made a project in {}: {}", root.display(), written.join(", "))));
    for left in &left_out {
        app.reporter.event(Event::Warning { code: "mfp::import::left-out", text: left.clone() });
    }
    let next = if registry.is_some() { "`mfp add NAME`" } else { "name a registry in mockforge-plugins.toml, then `mfp add NAME`" };
    app.reporter.event(Event::Note(format!("Next: {next}")));
    Ok(Outcome::done(Document::Init(InitDocument { project: root.display().to_string(), written, left_out })))
}

fn registry(text: &str) -> Result<(RegistryUrl, bool)> {
    let refuse = |why: &str| {
        Error::new("mfp::usage::registry", format!("`{}` can't be a registry: {why}", clean(text)))
            .help("write it as `https://plugins.acme.example/` or `file:../registry/`")
    };
    if !text.contains(':') && !text.starts_with('.') && !text.starts_with('/') {
        return Err(refuse("it's neither a URL nor a folder"));
    }
    let url: RegistryUrl = text.parse().map_err(|error: mfp_model::source::UrlError| refuse(&error.to_string()))?;
    let allow_http = url.needs_allow_http();
    Ok((url, allow_http))
}

/// Add a line to a file of the project if it isn't there; the file's name if that changed it.
fn add_line(root: &Path, name: &str, line: &str) -> Result<Option<String>> {
    let path = root.join(name);
    let mut text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(explain::io("read", &path, &error)),
    };
    if text.lines().any(|known| known.trim() == line) {
        return Ok(None);
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    write_atomic(&path, text.as_bytes()).explained()?;
    Ok(Some(name.to_owned()))
}

/// Declare what a `mockforge-plugins.lock` or a `mockforge.yaml` names.
fn take_over(file: &Path, text: String, left_out: &mut Vec<String>) -> Result<String> {
    let source = std::fs::read_to_string(file).map_err(|error| explain::io("read", file, &error))?;
    let is_yaml = file.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    let default = DEFAULT_REGISTRY.parse().expect("the default is a name");
    let imported = if is_yaml { import::mockforge_yaml(&source) } else { import::documented_lock(&source, &default) };
    let imported = imported.map_err(|error| {
        Error::new("mfp::import::malformed", format!("{} can't be imported: {error}", file.display()))
            .help(format!("give a mockforge-plugins.lock or a mockforge.yaml; {LOCK} itself needs no import"))
    })?;
    left_out.extend(imported.left_out.iter().map(|left| clean(left).into_owned()));
    imported.plugins.into_iter().try_fold(text, |text, (name, source)| {
        let allow_http = matches!(&source, Source::Remote { endpoint: RemoteEndpoint::Url(url), .. } if url.needs_allow_http());
        let addition = edit::Addition { source, package: None, allow_http };
        edit::add(&text, &Place::Plugins, &name, &addition).map_err(|error| cant_edit(&error))
    })
}
